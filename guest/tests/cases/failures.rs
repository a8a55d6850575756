//! What is told of a failure, and what the context is like after it.

use aiointernal_guest::{Failure, ResultForm, SourceKind};

use super::{engine, eval, evaluate, get, set, source, thrown};

#[test]
fn long_texts_of_failures_are_cut() {
    let (engine, _) = engine();
    const CUT: usize = 16 << 10;
    let Err(Failure::Thrown(exception)) = eval(engine, "throw new Error('ü'.repeat(100000))") else {
        panic!("it throws");
    };
    assert_eq!(exception.message, "ü".repeat(CUT / 2) + "... (cut)");
    let named = "const e = new Error('m'); e.name = 'n'.repeat(16385); e.stack = 's'.repeat(16384); throw e";
    let Err(Failure::Thrown(exception)) = eval(engine, named) else {
        panic!("it throws");
    };
    assert_eq!((exception.name, exception.stack), ("n".repeat(CUT) + "... (cut)", "s".repeat(CUT)));
    let Err(Failure::NotTransferable(what)) = eval(engine, "({ ['n'.repeat(20000)]: Symbol() })") else {
        panic!("a symbol does not cross");
    };
    assert_eq!(what, format!("result.{}...: a symbol", "n".repeat(64)));
}

#[test]
fn a_thrown_value_that_is_too_long_crosses_as_its_text_only() {
    let (engine, _) = engine();
    for (length, crosses) in [(65_000, true), (66_000, false)] {
        let Err(Failure::Thrown(exception)) = eval(engine, &format!("throw 'x'.repeat({length})")) else {
            panic!("it throws");
        };
        assert_eq!(exception.thrown.is_some(), crosses);
        assert_eq!(exception.message, "x".repeat(16 << 10) + "... (cut)");
    }
}

#[test]
fn after_every_failure_the_context_goes_on() {
    let (engine, _) = engine();
    for script in [
        "throw new Error('x')",
        "throw null",
        "(",
        "Symbol()",
        "const buffer = new ArrayBuffer(1); buffer.transfer(); buffer",
        "const bytes = new Uint8Array(1); bytes.buffer.transfer(); bytes",
        "({ get a() { throw 1 } })",
        "console.log(class { static toString() { throw 1 } }); Symbol()",
        "console.log({ get a() { throw 1 } }); Symbol()",
        "new Promise(() => {})",
        "import('x')",
        "function down() { down() } down()",
        "queueMicrotask(() => { throw 1 }); throw 2",
        "new Proxy({}, { ownKeys() { throw 1 } })",
        "'x'.repeat(2 ** 20)",
        "const hoard = []; for (;;) hoard.push(new Uint8Array(1 << 20))",
    ] {
        let failing = format!("{{ {script} }}");
        assert!(evaluate(engine, &source(&failing, SourceKind::Script), ResultForm::Value).is_err(), "{script}");
        assert_eq!(eval(engine, "[1].map((n) => n + 1)"), Ok("[2]".into()), "{script}");
        let module = evaluate(engine, &source("import 'y'", SourceKind::Module), ResultForm::Value);
        let refused = "ReferenceError: cannot import \"y\" from \"case.js\": this context has no modules";
        assert_eq!(thrown(module), refused, "{script}");
        let module = evaluate(engine, &source("export default await 1", SourceKind::Module), ResultForm::Value);
        assert_eq!(module, Ok(vec![0xf7]), "{script}");
        assert_eq!(set(engine, "x", &[0x01]), Ok(()), "{script}");
        assert_eq!(get(engine, "x"), Ok("1".into()), "{script}");
    }
}
