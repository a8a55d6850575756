//! Functions of scripts that the host calls.

use super::{call, engine, eval, invalid, messages, thrown};

#[test]
fn functions_are_called_with_their_arguments() {
    let (engine, world) = engine();
    let script = "function list(...all) { return [all.length, ...all] }
        const arrow = (a, b = 'default') => [a, b];
        let later = async (n) => { await null; console.log('job'); return n * 2 };
        class Counter { static start = 10; static next(by) { return this.start += by } }
        var deep = { er: { name: 'deep', whoami() { return [this.name, this === deep.er] } } };
        function whoami() { return this === globalThis } function nothing() {}";
    eval(engine, script).unwrap();
    assert_eq!(call(engine, "list", &[]), Ok("[0]".into()));
    assert_eq!(call(engine, "list", &["01", "6161", "f7", "820102"]), Ok("[4, 1, \"a\", undefined, [1, 2]]".into()));
    assert_eq!(call(engine, "arrow", &["01"]), Ok("[1, \"default\"]".into()));
    assert_eq!(call(engine, "arrow", &["01", "f7", "02"]), Ok("[1, \"default\"]".into()));
    assert_eq!(call(engine, "later", &["15"]), Ok("42".into()));
    assert_eq!(messages(&world), ["job"]);
    assert_eq!(call(engine, "Counter.next", &["05"]), Ok("15".into()));
    assert_eq!(call(engine, "Counter.next", &["05"]), Ok("20".into()));
    assert_eq!(call(engine, "deep.er.whoami", &[]), Ok("[\"deep\", true]".into()));
    assert_eq!(call(engine, "whoami", &[]), Ok("true".into()));
    assert_eq!(call(engine, "nothing", &[]), Ok("undefined".into()));
    assert_eq!(call(engine, "Math.max", &["01", "05", "03"]), Ok("5".into()));
    assert_eq!(call(engine, "JSON.stringify", &["a1616101"]), Ok("\"{\\\"a\\\":1}\"".into()));
    assert_eq!(call(engine, "globalThis.list", &["01"]), Ok("[1, 1]".into()));
    assert_eq!(call(engine, "Promise.reject", &["01"]).unwrap_err(), eval(engine, "throw 1").unwrap_err());
    assert_eq!(call(engine, "console.log", &["6161", "01"]), Ok("undefined".into()));
    assert_eq!(messages(&world), ["a 1"]);
    let many: Vec<&str> = vec!["01"; 10000];
    assert_eq!(call(engine, "list", &many).map(|all| all.len()), Ok("[10000".len() + 3 * 10000 + "]".len()));
}

#[test]
fn what_is_no_function_cannot_be_called() {
    let (engine, _) = engine();
    eval(engine, "var o = { n: 1, f: null }; let s = 'text'; class C {}").unwrap();
    for name in [
        "missing",
        "o",
        "o.n",
        "o.f",
        "o.missing",
        "o.n.toFixed.x",
        "o.missing.x",
        "missing.x",
        "",
        ".",
        "o.",
        ".o",
        "s",
        "s.length",
        "o..n",
    ] {
        assert_eq!(thrown(call(engine, name, &[])), format!("TypeError: {name} is not a function"));
    }
    assert!(thrown(call(engine, "C", &[])).starts_with("TypeError: "));
}

#[test]
fn methods_of_primitives_are_called() {
    let (engine, _) = engine();
    eval(engine, "var text = 'text', n = 255").unwrap();
    assert_eq!(call(engine, "text.toUpperCase", &[]), Ok("\"TEXT\"".into()));
    assert_eq!(call(engine, "n.toString", &["10"]), Ok("\"ff\"".into()));
}

#[test]
fn a_bad_argument_is_named_and_the_function_is_not_called() {
    let (engine, world) = engine();
    eval(engine, "function f() { console.log('called') }").unwrap();
    assert!(invalid(call(engine, "f", &["01", "a1"])).starts_with("argument 1 is not an encoded value: "));
    assert!(invalid(call(engine, "missing", &[""])).starts_with("argument 0 is not an encoded value: "));
    assert_eq!(messages(&world), [""; 0]);
}
