//! Calls by name, with values as text.

use super::*;

#[test]
fn functions_are_listed_with_their_types() {
    let shown = |text| program(text).functions().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        shown(VALUES)[..5],
        [
            "echo: func(text: string) -> string",
            "echo-list: func(list: list<u8>) -> list<u8>",
            "echo-person: func(person: record { name: string, age: option<u8> }) -> record { name: string, age: option<u8> }",
            "half: func(n: u32) -> result<u32, string>",
            "zeroes: func(n: u32) -> list<u8>",
        ]
    );
    assert_eq!(
        shown(INTERFACES),
        [
            "example:math/basic@1.0.0#add: func(a: u32, b: u32) -> u32",
            "example:math/basic@1.0.0#sub: func(a: u32, b: u32) -> u32",
            "example:math/other@1.0.0#add: func(a: u32, b: u32) -> u32",
        ]
    );
    assert_eq!(shown(RESOURCE), ["make: func() -> own<resource>", "take: func(counter: borrow<resource>)"]);
}

#[test]
fn values_of_many_types_go_in_and_come_out() {
    let values = open(VALUES);
    for call in [
        r#"echo("")"#,
        r#"echo("text, \"quotes\" and ünïcode")"#,
        "echo-list([])",
        "echo-list([0, 255])",
        r#"echo-person({name: "Ada", age: some(36)})"#,
        r#"echo-person({name: "Ada"})"#,
        "same(-1.5)",
        "same(nan)",
        "same(-inf)",
        "next-colour(blue)",
        "same-flags({bold, italic})",
        "same-flags({})",
    ] {
        let argument = &call[call.find('(').unwrap() + 1..call.len() - 1];
        assert_eq!(text(&values, call), argument);
    }
    assert_eq!(text(&open(CORE), " add ( 1 ,\n 2 ) "), "3");
    assert_eq!(text(&open(CORE), "grow-or-trap(0)"), "nothing");
}

#[test]
fn an_error_of_wit_is_a_result_and_the_instance_is_kept() {
    let values = open(VALUES);
    let even = invoke(&values, "half(8)").unwrap();
    assert_eq!((even.text(), even.is_err()), (Some("ok(4)"), false));
    let odd = invoke(&values, "half(7)").unwrap();
    assert_eq!((odd.text(), odd.is_err()), (Some("err(\"odd\")"), true));
}

#[test]
fn a_function_of_an_interface_goes_by_its_full_name_or_by_a_part_that_is_unique() {
    let interfaces = open(INTERFACES);
    for name in ["example:math/basic@1.0.0#sub", "example:math/basic#sub", "sub"] {
        assert_eq!(text(&interfaces, &format!("{name}(5, 3)")), "2");
    }
    assert_eq!(text(&interfaces, "example:math/other#add(5, 3)"), "8");
    let (kind, kept, message) = failure(&interfaces, "add(5, 3)");
    assert_eq!((kind, kept), (ErrorKind::InvalidArgument, true));
    assert_says(&message, &["more than one", "example:math/basic@1.0.0#add", "example:math/other@1.0.0#add"]);
}

#[test]
fn a_wrong_name_is_told_what_there_is() {
    let core = open(CORE);
    for call in ["ad(1, 2)", "add#(1, 2)", "(1, 2)", "#add(1, 2)"] {
        let (kind, kept, message) = failure(&core, call);
        assert_eq!((kind, kept), (ErrorKind::InvalidArgument, true));
        assert_says(&message, &["exports no function", "add: func(a: u32, b: u32) -> u32", "count: func() -> u32"]);
    }
    let (kind, _, message) = failure(&core, "add");
    assert_eq!(kind, ErrorKind::InvalidArgument);
    assert_says(&message, &["expected name(arguments)"]);
    let (_, _, message) = failure(&open("(component)"), "add(1, 2)");
    assert_says(&message, &["it exports no functions"]);
}

#[test]
fn wrong_arguments_are_told_what_is_expected() {
    let (core, values) = (open(CORE), open(VALUES));
    let refused = |component: &Called, call: &str, parts: &[&str]| {
        let (kind, kept, message) = failure(component, call);
        assert_eq!((kind, kept), (ErrorKind::InvalidArgument, true), "{call}: {message}");
        assert_says(&message, parts);
    };
    let add = "expected add: func(a: u32, b: u32) -> u32";
    refused(&core, "add(1)", &["1 arguments were given, and add takes 2", add]);
    refused(&core, "add()", &["0 arguments were given, and add takes 2", add]);
    refused(&core, "add(1, 2, 3)", &["3 arguments were given, and add takes 2", add]);
    refused(&core, "count(1)", &["1 arguments were given, and count takes 0"]);
    refused(&core, "add(1, \"two\")", &["the argument b is `\"two\"`, which is no u32", add]);
    refused(&core, "add(-1, 2)", &["the argument a is `-1`, which is no u32"]);
    refused(&core, "add(1, 4294967296)", &["the argument b is `4294967296`"]);
    refused(&values, "next-colour(pink)", &["the argument colour is `pink`", "enum { red, green, blue }"]);
    refused(&values, "echo-person({age: some(1)})", &["the argument person is `{age: some(1)}`", "name"]);
    refused(&values, "echo-list([256])", &["the argument list is `[256]`, which is no list<u8>"]);
    for call in ["add(1, 2", "add(1, 2) 3", "add(1 2)", "add(1, 2", "add((1, 2)", "add(§)", "echo(\"open)", "add(1,,2)"]
    {
        let component = if call.starts_with("echo") { &values } else { &core };
        refused(component, call, &["not WAVE", "expected"]);
    }
}

#[test]
fn deep_nesting_is_refused_before_it_is_parsed() {
    let core = open(CORE);
    for (open, close) in [("(", ")"), ("[", "]"), ("{a:", "}"), ("some(", ")"), ("\"\"\"\n\"\n\"\"\"[", "]")] {
        let call = format!("add({}1{}, 2)", open.repeat(100_000), close.repeat(100_000));
        let (kind, _, message) = failure(&core, &call);
        assert_eq!(kind, ErrorKind::InvalidArgument);
        assert!(message.len() < 1000, "{} bytes", message.len());
    }
    let (kind, _, _) = failure(&core, &format!("add({}", " ".repeat(3 << 20)));
    assert_eq!(kind, ErrorKind::SourceTooLarge);
}

#[test]
fn what_has_no_text_is_refused_before_it_is_called() {
    let resource = open(RESOURCE);
    for call in ["make()", "take(1)"] {
        let (kind, kept, message) = failure(&resource, call);
        assert_eq!((kind, kept), (ErrorKind::NotTransferable, true));
        assert_says(&message, &["a resource", "has no text"]);
    }
}

#[test]
fn a_result_is_measured_as_text_and_on_its_way_out() {
    let values = open_with(VALUES, |limits| limits.result = 1000);
    assert_eq!(text(&values, "zeroes(300)").len(), 900);
    let (kind, kept, message) = failure(&values, "zeroes(400)");
    assert_eq!((kind, kept), (ErrorKind::ResultTooLarge, true));
    assert_says(&message, &["1000 bytes"]);
    let (kind, kept, message) = failure(&values, "zeroes(4000000)");
    assert_eq!((kind, kept), (ErrorKind::ResultTooLarge, false));
    assert_says(&message, &["1000 bytes", "replaced"]);
}

#[test]
fn a_result_that_is_malformed_is_a_trap_of_the_component() {
    let values = open(VALUES);
    for call in ["outside()", "garbled()", "no-colour()", "zeroes(4294967295)"] {
        let (kind, kept, message) = failure(&values, call);
        assert!(matches!(kind, ErrorKind::Trapped | ErrorKind::ResultTooLarge), "{message}");
        assert!(!kept);
        assert_eq!(text(&values, "half(2)"), "ok(1)");
    }
}

#[tokio::test]
async fn one_component_has_many_instances_and_none_sees_another() {
    let program = program(CORE);
    let first = ENGINE.open(program.clone(), Limits::default()).await.unwrap();
    let second = ENGINE.open(program, Limits::default()).await.unwrap();
    for expected in ["1", "2", "3"] {
        let reply = first.try_call(|instance, running| instance.invoke(running, "count()")).await.unwrap();
        assert_eq!(reply.text(), Some(expected));
    }
    let reply = second.try_call(|instance, running| instance.invoke(running, "count()")).await.unwrap();
    assert_eq!(reply.text(), Some("1"));
}
