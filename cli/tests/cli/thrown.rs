//! What scripts throw, and how it is shown.

use super::*;

#[test]
fn the_stack_is_in_the_lines_and_columns_of_the_script() {
    let ran = evaluate("function f() {\n  throw new TypeError('bad')\n}\n\nf()");
    assert_eq!(ran.fails(1), "TypeError: bad\n    at f (<eval>:2:13)\n    at <eval> (<eval>:5:1)\n");
}

#[test]
fn what_is_no_error_is_told_too() {
    for (source, told) in [
        ("throw undefined", "undefined"),
        ("throw null", "null"),
        ("throw 'text'", "text"),
        ("throw 1n", "1n"),
        ("throw { a: 1 }", "{ a: 1 }"),
    ] {
        assert_eq!(evaluate(source).fails(1), format!("uncaught: {told}\n"));
    }
}

#[test]
fn causes_and_errors_are_told_as_node_tells_them() {
    let source = "const plain = (error) => { error.stack = ''; return error };
            const cause = plain(new TypeError('inner', { cause: { code: 7 } }));
            throw plain(new AggregateError([plain(new Error('two\\nlines')), 'text', cause], 'outer', { cause }))";
    let inner = "TypeError: inner {\n    [cause]: { code: 7 }\n  }";
    let expected = format!(
        "AggregateError: outer {{\n  [cause]: {inner},\n  [errors]: [\n    Error: two\n    lines,\n    'text',\n    {}\n  ]\n}}\n",
        inner.replace('\n', "\n  "),
    );
    assert_eq!(evaluate(source).fails(1), expected);
    let ran = evaluate("throw new Error('outer', { cause: new Error('inner') })");
    let place = "at <eval> (<eval>:1:39)";
    assert_eq!(ran.fails(1), format!("Error: outer\n    {place} {{\n  [cause]: Error: inner\n      {place}\n}}\n"));
}

#[test]
fn what_is_left_out_of_an_error_is_counted() {
    let source = "const e = new AggregateError(Array.from({ length: 40 }, (_, i) => i), 'm'); e.stack = ''; throw e";
    evaluate(source).fails_saying(1, &["    30,\n    ... 9 more\n  ]\n}\n"]);
}

#[test]
fn a_syntax_error_tells_where() {
    let ran = evaluate("let a = 1;\nlet b = ;");
    assert!(ran.fails(1).starts_with("SyntaxError: "), "{}", ran.stderr);
    ran.fails_saying(1, &["<eval>:2:9"]);
    evaluate("1 +").fails_saying(1, &["SyntaxError: ", "<eval>:1:4"]);
}

#[test]
fn a_rejected_promise_is_a_throw() {
    evaluate("Promise.reject(new RangeError('late'))").fails_saying(1, &["RangeError: late", "<eval>:1:"]);
}

#[test]
fn unbounded_recursion_is_a_range_error() {
    evaluate("function f() { return f() + 1 }\nf()").fails_saying(1, &["RangeError: ", "at f (<eval>:1:"]);
}

#[test]
fn a_promise_that_nothing_settles_is_told() {
    evaluate("new Promise(() => {})").fails_saying(1, &["never-settles", "promise"]);
}

#[test]
fn a_result_that_cannot_leave_is_told_with_its_path() {
    for (source, told) in [
        ("() => 1", "a function"),
        ("({ a: { b: [1, () => 1] } })", "a.b[1]: a function"),
        ("[Symbol()]", "[0]: a symbol"),
        ("let o = {}; o.o = o; o", "a cycle"),
        ("new WeakMap", "WeakMap"),
    ] {
        evaluate(source).fails_saying(1, &["not-transferable", told]);
    }
}
