//! What is printed, and the text that a value has.

use aiointernal_guest::Failure;

use super::{engine, eval, eval_text, messages, thrown};

#[test]
fn everything_has_a_text() {
    let (engine, _) = engine();
    for (script, text) in [
        ("'top'", "top"),
        ("['in']", "[ 'in' ]"),
        ("undefined", "undefined"),
        ("-0", "-0"),
        ("10n", "10n"),
        ("(function f() {})", "[Function: f]"),
        ("Symbol('s')", "Symbol(s)"),
        ("new Map([[1, { a: [] }]])", "Map(1) { 1 => { a: [] } }"),
        ("const o = {}; o.o = o; o", "{ o: [Circular] }"),
        ("Promise.resolve([1])", "[ 1 ]"),
        ("({ get a() { throw 1 } })", "{ a: [getter threw] }"),
        ("'a\\ud800'", "a\u{fffd}"),
    ] {
        assert_eq!(eval_text(engine, script), Ok(text.to_owned()), "{script}");
    }
    assert_eq!(thrown(eval_text(engine, "throw new Error('x')")), "Error: x");
    assert_eq!(eval_text(engine, "new Promise(() => {})"), Err(Failure::NeverSettles));
    assert_eq!(
        eval_text(engine, "new Error('as a value')"),
        Ok("Error: as a value\n    at <eval> (case.js:1:5)".into())
    );
}

#[test]
fn a_large_map_is_printed_without_a_copy_of_it() {
    let (engine, world) = engine();
    let fill = "const map = new Map(); for (let i = 0; i < 400_000; i++) map.set(i, i); console.log(map)";
    eval(engine, fill).unwrap();
    let printed = messages(&world).concat();
    assert!(printed.starts_with("Map(400000) { 0 => 0, ") && printed.ends_with("... 399900 more }"), "{printed}");
}

#[test]
fn the_console_may_print_what_prints() {
    let (engine, world) = engine();
    assert_eq!(
        eval(engine, "const o = { get a() { console.log(o) } }; console.log(o); 'goes on'"),
        Ok("\"goes on\"".into())
    );
    assert!(messages(&world).len() > 10);
    assert_eq!(eval(engine, "console.log('x'.repeat(2 ** 20)); 'goes on'"), Ok("\"goes on\"".into()));
    assert_eq!(messages(&world), ["x".repeat(512 << 10) + "... (cut)"]);
}
