//! The text and the name of a source, and what later ones see of it.

use aiointernal_guest::{Failure, ResultForm, Source, SourceKind};

use super::{engine, eval, evaluate, get, invalid, render, source, thrown};

#[test]
fn a_source_with_a_zero_is_refused() {
    let (engine, _) = engine();
    assert_eq!(invalid(eval(engine, "'a\0b'")), "the source's text holds U+0000 at byte 2");
    let named = Source { name: "a\0".into(), ..source("1", SourceKind::Script) };
    let refused = evaluate(engine, &named, ResultForm::Value);
    assert_eq!(invalid(refused), "the source's name holds U+0000 at byte 1");
    assert_eq!(
        invalid(evaluate(engine, &source("1\0", SourceKind::Module), ResultForm::Text)),
        "the source's text holds U+0000 at byte 1"
    );
}

#[test]
fn sources_are_shown_under_any_name() {
    let (engine, _) = engine();
    for name in ["", "a b.js", "ünï.js", "/a/b/../c.js", "a:1:2", "<eval>", "file:///x.mjs?y#z"] {
        for kind in [SourceKind::Script, SourceKind::Module] {
            let source = Source { name: name.into(), text: "\n  throw new Error('here')".into(), kind };
            let Err(Failure::Thrown(exception)) = evaluate(engine, &source, ResultForm::Value) else {
                panic!("it throws");
            };
            assert!(exception.stack.ends_with(&format!("({name}:2:13)")), "{name}: {}", exception.stack);
        }
    }
}

#[test]
fn later_scripts_see_what_earlier_ones_declared() {
    let (engine, _) = engine();
    eval(engine, "let a = 1; const b = 2; class C { static d = 3 } function e() { return a } var f = 5").unwrap();
    assert_eq!(eval(engine, "a = 10; [a, b, C.d, e(), f]"), Ok("[10, 2, 3, 10, 5]".into()));
    assert!(thrown(eval(engine, "let a = 2")).starts_with("SyntaxError: "));
    assert!(thrown(eval(engine, "var b = 2")).starts_with("SyntaxError: "));
    assert!(thrown(eval(engine, "b = 3")).starts_with("TypeError: "));
    assert_eq!(eval(engine, "var f; function e() { return 'again' } [e(), f]"), Ok("[\"again\", 5]".into()));
    let module =
        evaluate(engine, &source("globalThis.seen = [a, b, typeof C, f]", SourceKind::Module), ResultForm::Value);
    assert_eq!(module.map(|value| render(&value)), Ok("undefined".into()));
    assert_eq!(get(engine, "seen"), Ok("[10, 2, \"function\", 5]".into()));
}
