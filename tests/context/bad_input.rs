//! Sources, files and handles that are not as they should be.

use super::*;

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let context = open();
    for (path, reason) in [
        (PathBuf::from("/no/such/file.js"), "No such file"),
        (std::env::temp_dir(), "directory"),
        (file("latin1.js", b"'caf\xe9'"), "not UTF-8: the byte at 4"),
    ] {
        let error = context.eval_file(&path).blocking().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let error = context.eval_file(file("a.tsx", b"<a />")).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("JSX is not supported"), "{error}");
}

#[test]
fn a_source_that_holds_a_nul_is_refused_with_its_place() {
    let (kind, kept, text) = failure(&open(), "1;\0 2");
    assert_eq!((kind, kept), (ErrorKind::InvalidArgument, true));
    assert!(text.contains("byte 2"), "{text}");
    let named = Source::script("1").named("a\0b");
    assert_eq!(open().eval(named).blocking().unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn whatever_is_thrown_is_reported() {
    let context = open();
    for (source, text) in [
        ("throw undefined", "uncaught: undefined"),
        ("throw null", "uncaught: null"),
        ("throw { code: 7 }", "uncaught: { code: 7 }"),
        ("throw () => 1", "uncaught: [Function (anonymous)]"),
        ("throw new TypeError('m')", "TypeError: m"),
        ("throw Object.defineProperty(new Error(), 'stack', { get() { throw 1 } })", "Error"),
        ("1 +", "SyntaxError: unexpected token in expression: ''"),
    ] {
        let (kind, kept, seen) = failure(&context, source);
        assert_eq!((kind, kept), (ErrorKind::Thrown, true), "{source}");
        assert_eq!(seen, text, "{source}");
    }
    let error = context.eval("throw { code: 7 }").blocking().unwrap_err();
    assert_eq!(error.exception().unwrap().thrown.as_ref().unwrap().get("code"), Some(&7.into()));
}

#[test]
fn texts_that_a_script_makes_long_are_cut() {
    let context = open();
    for source in [
        "throw new Error('x'.repeat(1e7))",
        "throw 'x'.repeat(1e7)",
        "({ ['x'.repeat(1e6)]: () => 1 })",
        "const error = new Error('m'); error.stack = 'x'.repeat(1e7); throw error",
    ] {
        let (_, kept, text) = failure(&context, source);
        assert!(kept, "{source}");
        assert!(text.len() < 100_000, "{source}: {} bytes", text.len());
    }
    context
        .eval("console.log('x'.repeat(1e7)); console.log({ ['x'.repeat(1e7)]: 'y'.repeat(1e7) })")
        .blocking()
        .unwrap();
}

#[test]
fn a_promise_that_nothing_settles_is_an_error_and_not_a_hang() {
    let context = open();
    assert_eq!(failure(&context, "new Promise(() => {})").0, ErrorKind::NeverSettles);
    assert_eq!(context.eval("Promise.resolve(5)").blocking().unwrap(), 5.into());
}

#[test]
fn a_full_queue_refuses_and_a_closed_context_says_so() {
    let context = SANDBOX.context().queue_capacity(NonZeroUsize::MIN).blocking().unwrap();
    let (started, starts) = std::sync::mpsc::channel();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    let busy = SANDBOX.context().on_console(move |_| {
        started.send(()).unwrap();
        let _ = held.lock().unwrap().recv();
    });
    let busy = busy.queue_capacity(NonZeroUsize::MIN).blocking().unwrap();
    let running = busy.eval("console.log(1)").queue();
    starts.recv().unwrap();
    let waiting = busy.eval("2").queue();
    assert_eq!(busy.eval("3").queue().blocking().unwrap_err().kind(), ErrorKind::QueueFull);
    release.send(()).unwrap();
    running.blocking().unwrap();
    assert_eq!(waiting.blocking().unwrap(), 2.into());
    context.close().blocking().unwrap();
    assert_eq!(context.eval("1").blocking().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(context.eval_batch(["1"]).blocking().unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn an_import_is_refused_with_its_name() {
    let context = open();
    let module = Source::module("import x from './x.js'").named("main.mjs");
    let error = context.eval(module).blocking().unwrap_err();
    assert!(error.to_string().contains("\"./x.js\""), "{error}");
    assert!(error.to_string().contains("main.mjs"), "{error}");
    assert_eq!(failure(&context, "import('x')").0, ErrorKind::Thrown);
}
