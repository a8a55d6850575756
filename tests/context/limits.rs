//! What a context survives, and what it is replaced for.

use super::*;

#[test]
fn a_giant_text_for_the_console_or_in_an_error_is_cut_and_harms_nothing() {
    let context = open();
    context.eval("kept = 1").blocking().unwrap();
    for source in [
        "console.log('x'.repeat(2e7), 1); 0",
        "const e = new Error('y'.repeat(1.5e7)); console.log(e, e); 0",
        "console.log(Object.defineProperty(() => 0, 'name', { value: 'z'.repeat(2e7) })); 0",
    ] {
        assert_eq!(context.eval(format!("{{ {source} }}")).blocking().unwrap(), Value::Number(0.0), "{source}");
    }
    let (kind, kept, message) = failure(&context, "throw new Error('y'.repeat(2.5e7))");
    assert_eq!((kind, kept, message.len() < 20_000), (ErrorKind::Thrown, true, true));
    assert_eq!(context.eval("kept").blocking().unwrap(), Value::Number(1.0));
}

#[test]
fn an_endless_loop_is_stopped_and_its_context_kept() {
    let context = open_with(|limits| limits.wall_time = Duration::from_millis(20));
    context.eval("globalThis.kept = 1").blocking().unwrap();
    let (kind, kept, text) = failure(&context, "while (true) {}");
    assert_eq!((kind, kept), (ErrorKind::Timeout, true));
    assert!(text.contains("20ms"), "{text}");
    assert_eq!(context.eval_as::<i32>("kept").blocking().unwrap(), 1);
}

#[test]
fn a_builtin_that_never_asks_is_killed_and_its_context_replaced() {
    let context = open_with(|limits| limits.wall_time = Duration::from_millis(20));
    context.eval("globalThis.lost = 1").blocking().unwrap();
    let (kind, kept, _) = failure(&context, "new Array(2e8) + ''");
    assert_eq!((kind, kept), (ErrorKind::Timeout, false));
    assert_eq!(context.eval("typeof lost").blocking().unwrap(), "undefined".into());
}

#[test]
fn a_regular_expression_that_backtracks_for_ever_is_stopped() {
    let context = open_with(|limits| limits.wall_time = Duration::from_millis(20));
    assert_eq!(failure(&context, "/(a*)*b/.test('a'.repeat(100))").0, ErrorKind::Timeout);
    assert_eq!(context.eval_as::<i32>("1").blocking().unwrap(), 1);
}

#[test]
fn an_endless_chain_of_promises_is_stopped_and_does_not_go_on_in_the_next_call() {
    // What it made has to be freed within the time to stop.
    let context = open_with(|limits| limits.wall_time = Duration::from_millis(2));
    let chain = "globalThis.n = 0; function go() { n++; return Promise.resolve().then(go) } go()";
    // A stop that comes late, on a busy machine, costs the context.
    let was_kept = (0..20).any(|_| {
        let (kind, kept, _) = failure(&context, chain);
        assert_eq!(kind, ErrorKind::Timeout);
        kept
    });
    assert!(was_kept);
    let count = || context.eval_as::<f64>("n").blocking();
    let counted = (0..20).find_map(|_| count().ok()).unwrap();
    assert_eq!((0..20).find_map(|_| count().ok()).unwrap(), counted);
}

#[test]
fn unbounded_recursion_is_a_range_error_that_a_script_can_catch() {
    let context = open();
    for source in [
        "(function again() { again() })()",
        "JSON.parse('['.repeat(1e5))",
        "eval('('.repeat(1e5))",
        "let list = []; for (let i = 0; i < 1e5; i++) list = [list]; list.flat(Infinity)",
        "const proxy = new Proxy({}, { get: (_, key) => proxy[key] }); proxy.x",
    ] {
        let caught = format!("try {{ {source}; 'no error' }} catch (error) {{ error.name }}");
        assert_eq!(context.eval(caught).blocking().unwrap(), "RangeError".into(), "{source}");
    }
}

#[test]
fn unbounded_allocation_is_the_memory_limit_and_the_context_goes_on() {
    let context = open_with(|limits| limits.memory = 16 << 20);
    for source in [
        "(() => { const list = []; for (;;) list.push(new Array(1000).fill(1)) })()",
        "(() => { let text = 'x'; for (;;) text += text })()",
        "(() => { const list = []; for (;;) list.push({}) })()",
        "new ArrayBuffer(1 << 30); 1",
        "'x'.repeat(1 << 28)",
    ] {
        let (kind, _, text) = failure(&context, source);
        assert!(matches!(kind, ErrorKind::MemoryLimit | ErrorKind::Thrown), "{source}: {text}");
        assert_eq!(context.eval_as::<i32>("1 + 1").blocking().unwrap(), 2, "{source}");
    }
}

#[test]
fn a_result_is_refused_just_above_its_limit() {
    let context = open_with(|limits| limits.result = 1000);
    // Three bytes go to the head of a string of this length.
    assert_eq!(context.eval_as::<String>("'x'.repeat(997)").blocking().unwrap().len(), 997);
    assert_eq!(failure(&context, "'x'.repeat(998)").0, ErrorKind::ResultTooLarge);
    assert_eq!(failure(&context, "new Uint8Array(10 << 20)").0, ErrorKind::ResultTooLarge);
    assert_eq!(failure(&context, "new Array(1e9)").0, ErrorKind::ResultTooLarge);
    let (kind, kept, text) = failure(&open(), "'x'.repeat(10 << 20)");
    assert_eq!((kind, kept), (ErrorKind::ResultTooLarge, true));
    assert!(text.contains("1048576 bytes"), "{text}");
}

#[test]
fn a_source_is_refused_just_above_its_limit() {
    let context = open_with(|limits| limits.source = 10);
    assert!(context.eval("1 + 2 + 34").blocking().is_ok());
    assert_eq!(failure(&context, "1 + 2 + 345").0, ErrorKind::SourceTooLarge);
    let path = file("large.js", b"'a source that is too large'");
    assert_eq!(context.eval_file(path).blocking().unwrap_err().kind(), ErrorKind::SourceTooLarge);
    let results = context.eval_batch(["1", "'a source that is too large'", "3"]).blocking().unwrap();
    let kinds: Vec<_> = results.iter().map(|result| result.as_ref().map_err(aiointernal::Error::kind)).collect();
    assert_eq!(kinds, [Ok(&1.into()), Err(ErrorKind::SourceTooLarge), Ok(&3.into())]);
}

#[test]
fn the_lower_of_two_limits_holds() {
    let context = open_with(|limits| limits.result = 100);
    let mut more = Limits::default();
    more.result = 1000;
    assert_eq!(failure(&context.limited(more), "'x'.repeat(200)").0, ErrorKind::ResultTooLarge);
    let mut less = Limits::default();
    less.result = 10;
    assert_eq!(failure(&context.limited(less), "'x'.repeat(50)").0, ErrorKind::ResultTooLarge);
    assert!(context.eval("'x'.repeat(50)").blocking().is_ok());
    let call = context.eval("for (;;);").timeout(Duration::from_millis(10));
    assert!(call.blocking().unwrap_err().to_string().contains("10ms"));
}

#[test]
fn a_memory_limit_below_what_the_engine_takes_is_refused_at_once() {
    let mut limits = Limits::default();
    limits.memory = 1 << 20;
    let error = SANDBOX.context().limits(limits).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn more_contexts_than_the_sandbox_may_have_are_refused_and_room_comes_back() {
    let sandbox = Sandbox::builder().max_contexts(1).build().unwrap();
    let first = sandbox.context().blocking().unwrap();
    assert_eq!(sandbox.context().blocking().unwrap_err().kind(), ErrorKind::Engine);
    first.close().blocking().unwrap();
    assert!(sandbox.context().blocking().is_ok());
}
