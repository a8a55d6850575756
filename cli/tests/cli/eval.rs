//! `aiointernal eval`: a value as a line of JSON, and what is not to be had as one.

use super::*;

#[test]
fn the_completion_value_is_a_line_of_json() {
    for (source, json) in [
        ("1 + 2", "3"),
        ("-1.5", "-1.5"),
        ("9007199254740991", "9007199254740991"),
        ("'a' + \"b\"", "\"ab\""),
        ("'\"\\\\\\n\\u0001'", r#""\"\\\n\u0001""#),
        ("'\u{e9}\u{1f600}'", "\"\u{e9}\u{1f600}\""),
        ("true", "true"),
        ("null", "null"),
        ("[1, [], 'x']", r#"[1,[],"x"]"#),
        ("({ a: { b: [null, false] } })", r#"{"a":{"b":[null,false]}}"#),
        ("let a = 20; if (a) a + 1", "21"),
        ("", "null"),
    ] {
        evaluate(source).prints(&format!("{json}\n"));
    }
}

#[test]
fn undefined_and_what_is_no_number_are_null() {
    for source in ["undefined", "NaN", "Infinity", "-Infinity", "new Date(NaN)", "let a = 1", "void 0"] {
        evaluate(source).prints("null\n");
    }
    evaluate("[undefined, NaN, , { a: undefined }]").prints("[null,null,null,{\"a\":null}]\n");
}

#[test]
fn a_big_integer_is_a_string_of_its_digits() {
    evaluate("5n").prints("\"5\"\n");
    evaluate("-(2n ** 100n)").prints("\"-1267650600228229401496703205376\"\n");
}

#[test]
fn a_date_is_its_iso_string() {
    evaluate("new Date(Date.UTC(2024, 1, 29, 1, 2, 3, 4))").prints("\"2024-02-29T01:02:03.004Z\"\n");
}

#[test]
fn bytes_are_a_list_of_numbers() {
    evaluate("new Uint8Array([0, 127, 255])").prints("[0,127,255]\n");
    evaluate("new Uint8Array([1, 2]).buffer").prints("[1,2]\n");
}

#[test]
fn what_json_has_no_word_for_has_one_form() {
    evaluate("[new Map([['a', 1]]), new Set([2]), /a/g, [, 3], new Float64Array([0.5])]")
        .prints("[[[\"a\",1]],[2],\"/a/g\",[null,3],[0.5]]\n");
    evaluate("const o = { n: 1 }; ({ a: o, b: o })").prints("{\"a\":{\"n\":1},\"b\":{\"n\":1}}\n");
}

#[test]
fn a_cycle_is_told_with_its_path() {
    let source = "const o = { list: [] }; o.list.push(o); o";
    evaluate(source).fails_saying(1, &["not-transferable", "value.list[0]: a cycle"]);
    let answers = batch(&[], line(1, &format!("{{ {source} }}")));
    assert_eq!(answers[0]["kind"], "not-transferable");
    assert_eq!(answers[0]["error"]["message"], "value.list[0]: a cycle");
}

#[test]
fn properties_keep_their_order() {
    evaluate("({ b: 1, a: 2 })").prints("{\"b\":1,\"a\":2}\n");
}

#[test]
fn a_promise_is_awaited() {
    evaluate("Promise.resolve(6).then((six) => six * 7)").prints("42\n");
    evaluate("(async () => { await null; return 'late' })()").prints("\"late\"\n");
}

#[test]
fn the_text_format_is_for_people() {
    for (source, text) in [
        ("undefined", "undefined"),
        ("null", "null"),
        ("1n", "1n"),
        ("NaN", "NaN"),
        ("-0", "-0"),
        ("'a \"quoted\" word'", "a \"quoted\" word"),
        ("['a', 1]", "[ 'a', 1 ]"),
        ("({ a: [1, { b: 'c' }], d: undefined })", "{ a: [ 1, { b: 'c' } ], d: undefined }"),
        ("() => 1", "[Function (anonymous)]"),
        ("(function named() {})", "[Function: named]"),
        ("Symbol('s')", "Symbol(s)"),
        ("new Date(0)", "1970-01-01T00:00:00.000Z"),
    ] {
        aiointernal(&["eval", "--format", "text", "--", source]).prints(&format!("{text}\n"));
    }
}

#[test]
fn a_lone_hyphen_reads_standard_input() {
    feed(&["eval", "-"], "let a = 6\na * 7\n").prints("42\n");
    feed(&["eval", "-", "--format", "text"], "1n").prints("1n\n");
    feed(&["eval", "-"], "").prints("null\n");
    feed(&["eval", "-"], "throw new Error('e')").fails_saying(1, &["Error: e", "<stdin>:1:"]);
}

#[test]
fn standard_input_that_is_not_utf_8_is_refused() {
    feed(&["eval", "-"], b"'\xff'").fails_saying(2, &["<stdin>", "UTF-8"]);
}

#[test]
fn a_source_may_begin_with_a_hyphen() {
    aiointernal(&["eval", "--", "-1"]).prints("-1\n");
    aiointernal(&["eval", "-1"]).prints("-1\n");
    aiointernal(&["eval", "-1", "--format", "text"]).prints("-1\n");
    aiointernal(&["eval", "--format", "text", "-1"]).prints("-1\n");
    aiointernal(&["eval", "--", "--1 + 3"]).fails_saying(1, &["Error"]);
    aiointernal(&["eval", "--", "- -1 + 3"]).prints("4\n");
}

#[test]
fn the_console_is_standard_error() {
    let ran = evaluate("console.log('out', { a: 1 }); console.error('bad'); console.warn('odd\\nly'); 7");
    assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "7\n", "out { a: 1 }\nbad\nodd\nly\n"));
}

#[test]
fn the_console_is_heard_of_a_script_that_throws() {
    evaluate("console.log('first'); throw new Error('then')").fails_saying(1, &["first\nError: then\n"]);
}
