use std::time::{Duration, Instant};

use super::{AT_A_TIME, Failed, Goal, Malformed, Place, Stripped, look};

fn strip(name: &str, text: &str, goal: Goal, limit: usize) -> Result<Stripped, Failed> {
    super::strip(name, text, goal, limit, Instant::now() + Duration::from_secs(60))
}

fn stripped(text: &str) -> String {
    strip("a.ts", text, Goal::Either, usize::MAX).ok().unwrap().text
}

fn malformed(text: &str) -> (&'static str, usize, usize) {
    match strip("a.ts", text, Goal::Either, usize::MAX) {
        Err(Failed::Malformed(Malformed { class, line, column, .. })) => (class, line, column),
        Err(Failed::TooLong | Failed::Late | Failed::Broken(_)) => panic!("{text:.40}: broken"),
        Ok(stripped) => panic!("{:.40} became {:.40}", text, stripped.text),
    }
}

#[test]
fn what_is_nested_without_end_is_refused_and_overflows_nothing() {
    // Before, within and behind.
    for (before, within, behind) in [
        ("(", "1", ")"),
        ("[", "", "]"),
        ("{", "", "}"),
        ("({a:", "1", "})"),
        ("`${", "1", "}`"),
        ("()=>{", "", "}"),
        ("(a=", "1", ")=>1"),
        ("!", "1", ""),
        ("typeof ", "1", ""),
        ("- ", "1", ""),
        ("a=", "1", ""),
        ("a=>", "1", ""),
        ("a?1:", "1", ""),
        ("a**", "1", ""),
        ("if(1)", ";", ""),
        ("if(1);else ", ";", ""),
        ("a:", ";", ""),
        ("new ", "a", ""),
        ("class extends ", "a", "{}"),
        ("namespace a.", "b{}", ""),
        ("a<", "b", ""),
        ("f<", "A", ">()"),
        ("let b: (", "A", ")"),
        ("let b: [", "A", "]"),
        ("let b: A<", "A", ">"),
        ("let b: `${", "A", "}`"),
        ("let b: keyof ", "A", ""),
        ("let b: ()=>", "A", ""),
        ("let b: A extends B?", "C", ":D"),
        // What the parser makes in a loop, and all behind it would go down into.
        ("a+", "1", ""),
        ("a.", "b", ""),
        ("a", "", "()"),
        ("a", "", "[0]"),
        ("a", "", "!"),
        ("a", "", " as T"),
        ("let b: A", "", "[]"),
        ("let b: A.", "B", ""),
    ] {
        let (first, before) = before.split_at(if before.starts_with("let b: ") { 7 } else { 0 });
        let unit = if before == "a" && within.is_empty() || before == "A" { "" } else { before };
        for closed in [behind, ""] {
            if unit.is_empty() && closed.is_empty() {
                continue;
            }
            let text = format!(
                "{first}{}{within}{}",
                if unit.is_empty() { before.to_owned() } else { before.repeat(100_000) },
                closed.repeat(100_000)
            );
            let class = malformed(&text).0;
            assert!(class == "RangeError" || (closed.is_empty() && class == "SyntaxError"), "{first}{before}: {class}");
        }
    }
}

#[test]
fn what_is_nested_as_people_nest_is_not_refused() {
    for (before, within, behind) in [
        ("(", "1", ")"),
        ("[", "", "]"),
        ("({a:", "1", "})"),
        ("f(()=>{", "", "})"),
        ("a+", "1", ""),
        ("a", "", ".b()"),
    ] {
        let text = format!(
            "{}{within}{}",
            if behind == ".b()" { before.to_owned() } else { before.repeat(500) },
            behind.repeat(500)
        );
        stripped(&text);
    }
    // All at one level.
    for line in
        ["var a: Array<number> = f(x => x / 2) / 3; // c)\n", "f(a)\n", "interface A { b: C<D>; e?: (f: G) => H }\n"]
    {
        stripped(&line.repeat((1 << 20) / line.len()));
    }
    // Without semicolons it is less.
    stripped(&"a = { b: [c], d: `${e}` }\n".repeat(20_000));
}

#[test]
fn a_text_that_does_not_parse_is_refused_with_its_place() {
    for (text, line, column) in [
        ("let a: = 1", 1, 8),
        ("let a: number = 1\n  let 2b", 2, 8),
        ("'é👍'; let a: ;", 1, 15),
        ("interface A { b: }", 1, 18),
        ("enum { A }", 1, 6),
        ("let a; let a", 1, 5),
    ] {
        assert_eq!(malformed(text), ("SyntaxError", line, column), "{text}");
    }
}

#[test]
fn a_text_whose_javascript_is_too_long_is_refused() {
    let text = "enum A { B, C, D }";
    assert!(matches!(strip("a.ts", text, Goal::Either, text.len()), Err(Failed::TooLong)));
}

#[test]
fn what_is_a_module_is_told_by_what_it_says() {
    let is_module = |text, goal| strip("a.ts", text, goal, usize::MAX).ok().unwrap().is_module;
    assert!(!is_module("let a: number", Goal::Either));
    assert!(is_module("let a: number", Goal::Module));
    for text in ["export let a: number", "import type { A } from './a.ts'", "import './a.ts'", "export {}"] {
        assert!(is_module(text, Goal::Either), "{text}");
    }
}

#[test]
fn texts_may_be_stripped_by_many_threads() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(stripped("let a: number = 1").trim(), "let a = 1;"));
        }
    });
}

#[test]
fn who_finds_no_place_in_time_is_told_so_and_takes_none() {
    let far = Instant::now() + Duration::from_secs(60);
    let places: Vec<_> = (0..AT_A_TIME).map(|_| Place::take(far).unwrap()).collect();
    for until in [Instant::now(), Instant::now() + Duration::from_millis(5)] {
        assert!(matches!(super::strip("a.ts", "1", Goal::Either, usize::MAX, until), Err(Failed::Late)));
    }
    drop(places);
    assert_eq!(stripped("let a: number = 1").trim(), "let a = 1;");
}

#[test]
fn every_place_that_is_told_is_in_the_text() {
    let line = "enum É { A, 'b👍' = 2 } @d class C<T> { constructor(private é: T) {} } // c";
    let ends = ["\n", "\r\n", "\r", "\u{2028}", "\u{2029}", "\n\n"];
    let lines = |wrong: &str| ends.map(|end| [line, "", line, wrong, "é"].join(end));
    for text in lines("let 👍a: number = `a\nb${é}`").into_iter().chain(["".to_owned(), "#!a\nlet b: c".to_owned()])
    {
        assert!(look(&text).0, "{text:?}");
    }
    for text in
        lines("'👍'; let a: = 1").into_iter().chain(["{".to_owned(), "é\n/*".to_owned(), "`\u{2028}".to_owned()])
    {
        assert_eq!(look(&text), (true, None), "{text:?}");
    }
}

#[test]
fn what_enums_come_to_is_not_worked_out_before_they_run() {
    let members: String = (1..60).map(|n| format!("a{n} = a{0} + a{0}, ", n - 1)).collect();
    let text = stripped(&format!("enum A {{ a0 = 'xx', {members} }}"));
    assert!(text.len() < 10_000, "{} bytes", text.len());
}

#[test]
fn what_is_looked_through_again_for_each_of_its_kind_is_refused_where_there_are_too_many() {
    let parameters = |many: usize| (0..many).map(|n| format!("a{n}, ")).collect::<String>();
    stripped(&format!("function f({}) {{}}", parameters(1000)));
    assert_eq!(malformed(&format!("1;\nfunction f({}) {{}}", parameters(1001))), ("RangeError", 2, 11));
    stripped(&"namespace A { export let b = 1 }\n".repeat(10_000));
    assert_eq!(malformed(&"namespace A { export let b = 1 }\n".repeat(10_001)), ("RangeError", 10_001, 1));
}

#[test]
fn what_the_parser_would_read_again_and_again_is_refused() {
    let text = format!("let a: A extends {}B{}", "[infer C extends ".repeat(40), "?D:E]".repeat(40));
    assert_eq!(malformed(&text).0, "RangeError");
}
