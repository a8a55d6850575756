//! `aiointernal batch`: lines of JSON in, lines of JSON out.

use std::io::Read as _;

use super::*;

/// The answer is an error of this kind. Gives the error.
#[track_caller]
fn error<'a>(answer: &'a Json, id: &Json, kind: &str) -> &'a Json {
    assert_eq!((&answer["id"], &answer["ok"], &answer["kind"]), (id, &json!(false), &json!(kind)), "{answer}");
    let fields = answer.as_object().map_or(0, |fields| fields.len());
    assert_eq!(fields, 4, "id, ok, kind and error: {answer}");
    let error = &answer["error"];
    assert_eq!(error.as_object().map_or(0, |fields| fields.len()), 3, "name, message and stack: {answer}");
    for field in ["name", "message", "stack"] {
        assert!(error[field].is_string(), "{answer}");
    }
    assert_ne!(error["message"], "", "{answer}");
    error
}

#[test]
fn answers_come_in_the_order_of_the_lines() {
    let lines: String = (0..1000).map(|id| line(id, &format!("{id} * 2"))).collect();
    let expected: Vec<Json> = (0..1000).map(|id| done(id, id * 2)).collect();
    assert_eq!(batch(&[], &lines), expected);
    assert_eq!(batch(&["--fresh"], &lines), expected);
}

#[test]
fn causes_and_errors_are_within_the_error() {
    let source = "const e = new AggregateError([1], 'm', { cause: 'why' }); e.stack = ''; throw e";
    let part = |message: &str| json!({ "name": "", "message": message, "stack": "" });
    let error =
        json!({ "name": "AggregateError", "message": "m", "stack": "", "cause": part("why"), "errors": [part("1")] });
    assert_eq!(batch(&[], line(1, source))[0]["error"], error);
}

#[test]
fn an_id_is_any_json_and_comes_back_as_it_is() {
    for id in [
        json!(1),
        json!(-1.5),
        json!(u64::MAX),
        json!("a \"b\" \u{e9}"),
        json!(true),
        json!(null),
        json!([1, []]),
        json!({ "a": { "b": [null] } }),
    ] {
        assert_eq!(batch(&[], line(id.clone(), "1")), [done(id, 1)]);
    }
    assert_eq!(batch(&[], "{\"source\": \"1\"}\n"), [done(Json::Null, 1)]);
    for id in ["12345678901234567890123", "1.10", "{\"b\":1,\"a\":2}"] {
        let ran = feed(&["batch"], format!("{{\"id\":{id},\"source\":\"1\"}}\n"));
        ran.prints(&format!("{{\"id\":{id},\"ok\":true,\"value\":1}}\n"));
    }
}

#[test]
fn values_are_those_of_eval() {
    for source in [
        "1.5",
        "'x'",
        "undefined",
        "NaN",
        "5n",
        "new Date(0)",
        "new Uint8Array([1, 255])",
        "({ a: [null] })",
        "Promise.resolve(1)",
    ] {
        let value: Json = serde_json::from_str(&evaluate(source).stdout).expect("the value is JSON");
        assert_eq!(batch(&[], line(1, source)), [done(1, value)], "{source}");
    }
}

#[test]
fn properties_of_a_value_keep_their_order() {
    let ran = feed(&["batch"], line(1, "({ b: 1, a: 2 })"));
    assert!(ran.stdout.contains("{\"b\":1,\"a\":2}"), "{}", ran.stdout);
}

#[test]
fn an_exception_is_told_with_name_message_and_stack() {
    let answers = batch(&[], line("t", "function f() {\n  throw new TypeError('bad')\n}\nf()"));
    let stack = "    at f (<eval>:2:13)\n    at <eval> (<eval>:4:1)";
    assert_eq!(
        answers,
        [json!({ "id": "t", "ok": false, "kind": "thrown",
                "error": { "name": "TypeError", "message": "bad", "stack": stack } })]
    );
}

#[test]
fn every_failure_has_its_kind_and_spares_the_others() {
    let failures = [
        ("throw undefined", "thrown"),
        ("1 +", "thrown"),
        ("Promise.reject(new Error('e'))", "thrown"),
        ("new Promise(() => {})", "never-settles"),
        ("() => 1", "not-transferable"),
        ("'x'.repeat(10e6)", "result-too-large"),
        ("new Uint8Array(100e6)", "memory-limit"),
        (&format!("/*{}*/", "x".repeat(SOURCE_LIMIT)), "source-too-large"),
        ("'\0'", "invalid-argument"),
    ];
    let mut lines = String::new();
    for (source, kind) in failures {
        lines += &line(kind, source);
        lines += &line("next", "1 + 1");
    }
    for options in [&["--timeout", "10m"][..], &["--timeout", "10m", "--fresh"]] {
        let answers = batch(options, &lines);
        assert_eq!(answers.len(), 2 * failures.len(), "{answers:?}");
        for (pair, (_, kind)) in answers.chunks(2).zip(failures) {
            error(&pair[0], &json!(kind), kind);
            assert_eq!(pair[1], done("next", 2));
        }
    }
}

#[test]
fn lines_share_one_context() {
    let lines = line(1, "let a = 1; var b = 2; function c() { return a + b }") + &line(2, "a = 40") + &line(3, "c()");
    assert_eq!(batch(&[], lines), [done(1, Json::Null), done(2, 40), done(3, 42)]);
}

#[test]
fn what_an_error_leaves_behind_is_there() {
    let lines = line(1, "var a = 1; throw a") + &line(2, "a + 1") + &line(3, "a = 5; while (true);") + &line(4, "a");
    let answers = batch(&["--timeout", "500ms"], lines);
    error(&answers[0], &json!(1), "thrown");
    assert_eq!(answers[1], done(2, 2));
    error(&answers[2], &json!(3), "timeout");
    assert_eq!(answers[3], done(4, 5));
}

#[test]
fn a_context_that_was_lost_is_told_and_replaced() {
    let lines = line(1, "var a = 1") + &line(2, "new Array(2e8) + ''") + &line(3, "typeof a");
    let answers = batch(&["--timeout", "500ms"], lines);
    let error = error(&answers[1], &json!(2), "timeout");
    assert!(error["message"].to_string().contains("fresh"), "{error}");
    assert_eq!(answers[2..], [done(3, "undefined")]);
}

#[test]
fn the_globals_are_there_in_a_context_that_was_replaced() {
    let lines = line(1, "new Array(2e8) + ''") + &line(2, "x");
    let answers = batch(&["--timeout", "500ms", "--global", "x=7"], lines);
    error(&answers[0], &json!(1), "timeout");
    assert_eq!(answers[1..], [done(2, 7)]);
}

#[test]
fn fresh_gives_every_line_its_own_context_and_the_globals() {
    let lines = line(1, "x.seen = true; var left = 1; Object.prototype.bad = 1; x")
        + &line(2, "[typeof left, ({}).bad, x]")
        + &line(3, "new Array(2e8) + ''")
        + &line(4, "x");
    let answers = batch(&["--fresh", "--timeout", "500ms", "--global", "x={}"], lines);
    assert_eq!(answers[0], done(1, json!({ "seen": true })));
    assert_eq!(answers[1], done(2, json!(["undefined", null, {}])));
    error(&answers[2], &json!(3), "timeout");
    assert_eq!(answers[3], done(4, json!({})));
}

#[test]
fn a_malformed_line_is_answered_in_its_place() {
    let malformed: [(&[u8], Json, &str); 8] = [
        (b"not json\n", Json::Null, "JSON"),
        (b"[1]\n", Json::Null, "object"),
        (b"{\"id\": 7}\n", json!(7), "source"),
        (b"{\"id\": \"x\", \"source\": 3}\n", json!("x"), "source"),
        (b"\n", Json::Null, "empty"),
        (b"{\"id\": 1, \"source\": \"\xff\"}\n", Json::Null, "UTF-8"),
        (b"{\"id\": 1, \"source\": \"1\"} {}\n", Json::Null, "JSON"),
        (b"{\"id\": 1, \"source\": \"1\"\n", Json::Null, "JSON"),
    ];
    let mut lines = Vec::new();
    for (malformed, ..) in &malformed {
        lines.extend(*malformed);
        lines.extend(line("next", "1 + 1").bytes());
    }
    for options in [&[][..], &["--fresh"]] {
        let answers = batch(options, &lines);
        assert_eq!(answers.len(), 2 * malformed.len(), "{answers:?}");
        for (pair, (_, id, reason)) in answers.chunks(2).zip(&malformed) {
            let error = error(&pair[0], id, "invalid-argument");
            assert!(error["message"].to_string().contains(reason), "there is no {reason:?} in {error}");
            assert_eq!(pair[1], done("next", 2));
        }
    }
}

#[test]
fn malformed_lines_alone_are_answered() {
    for options in [&[][..], &["--fresh"]] {
        let answers = batch(options, "one\n{}\n3");
        assert_eq!(answers.len(), 3, "{answers:?}");
        for answer in answers {
            error(&answer, &Json::Null, "invalid-argument");
        }
    }
}

#[test]
fn a_line_has_its_longest_size() {
    // The line is within its limit, and its source, too: every byte of it is written as six.
    let long = format!("{{\"id\": 1, \"source\": \"7//{}\"}}\n", "\\u0078".repeat(SOURCE_LIMIT - 3));
    let longer = line(2, &"x".repeat(LINE_LIMIT));
    for options in [&[][..], &["--fresh"]] {
        let answers = batch(options, format!("{long}{longer}{}", line(3, "3")));
        assert_eq!(answers.len(), 3);
        assert_eq!(answers[0], done(1, 7));
        let error = error(&answers[1], &Json::Null, "invalid-argument");
        assert!(error["message"].to_string().contains("16777216"), "{error}");
        assert_eq!(answers[2], done(3, 3));
    }
}

#[test]
fn the_last_line_needs_no_end_and_lines_may_end_as_on_windows() {
    for options in [&[][..], &["--fresh"]] {
        let lines = line(1, "1").replace('\n', "\r\n") + line(2, "2").trim_end();
        assert_eq!(batch(options, lines), [done(1, 1), done(2, 2)]);
    }
}

#[test]
fn no_lines_have_no_answers() {
    feed(&["batch"], "").prints("");
    feed(&["batch", "--fresh"], "").prints("");
}

#[test]
fn input_that_cannot_be_read_is_no_end_of_it() {
    let folder = Folder::new();
    let directory = fs::File::open(&folder.0).unwrap();
    let output = command(&["batch"]).stdin(directory).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard input"), "{output:?}");
}

#[test]
fn the_console_is_standard_error() {
    let ran = feed(&["batch"], line(1, "console.log('heard'); 1"));
    assert_eq!((ran.status, &*ran.stderr), (Some(0), "heard\n"));
    assert_eq!(serde_json::from_str::<Json>(&ran.stdout).unwrap(), done(1, 1));
}

#[test]
fn an_answer_comes_before_the_next_line_is_written() {
    for options in [&["batch"][..], &["batch", "--fresh"]] {
        let mut session = Session::start(options);
        session.write(&line(1, "1"));
        assert_eq!(session.output.json(), done(1, 1));
        session.write(&line(2, "throw 2"));
        error(&session.output.json(), &json!(2), "thrown");
        // Two at once, and a part of a third.
        let third = line(5, "5");
        let (head, tail) = third.split_at(9);
        session.write(&(line(3, "3") + &line(4, "4") + head));
        assert_eq!(session.output.json(), done(3, 3));
        assert_eq!(session.output.json(), done(4, 4));
        session.write(tail);
        assert_eq!(session.output.json(), done(5, 5));
        session.end().prints("");
    }
}

#[test]
fn a_malformed_line_is_answered_before_the_next_line_is_written() {
    for options in [&["batch"][..], &["batch", "--fresh"]] {
        let mut session = Session::start(options);
        session.write("malformed\n");
        error(&session.output.json(), &Json::Null, "invalid-argument");
        session.write(&line(1, "1"));
        assert_eq!(session.output.json(), done(1, 1));
        session.write("malformed\n{}\n");
        error(&session.output.json(), &Json::Null, "invalid-argument");
        error(&session.output.json(), &Json::Null, "invalid-argument");
        session.write(&(line(2, "2") + "malformed\n"));
        assert_eq!(session.output.json(), done(2, 2));
        error(&session.output.json(), &Json::Null, "invalid-argument");
        session.end().prints("");
    }
}

#[test]
fn an_answer_comes_while_the_next_line_runs() {
    for options in [&["batch", "--timeout", "10m"][..], &["batch", "--fresh", "--timeout", "10m"]] {
        let mut session = Session::start(options);
        session.write(&(line(1, "1") + &line(2, "console.log('running'); while (true);")));
        assert_eq!(session.errors.line(), "running");
        assert_eq!(session.output.json(), done(1, 1));
        // It is still running: it goes when the test does.
    }
}

#[test]
fn a_reader_that_goes_ends_it_in_silence() {
    for options in [&["batch"][..], &["batch", "--fresh"]] {
        let mut command = command(options);
        command.stdin(Stdio::piped()).stdout(unread()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(command);
        // More than a pipe holds: the command has to read on, or end.
        let lines: String = (0..5000).map(|id| line(id, "1")).collect();
        let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""));
    }
}

#[test]
fn a_reader_that_goes_after_the_first_answer_ends_it_in_silence() {
    let mut child =
        command(&["batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(line(1, "1").as_bytes()).unwrap();
    let mut first = [0];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    // The reader is gone. The writer goes on.
    let _ = stdin.write_all((line(2, "2") + "malformed\n" + &line(3, "3")).as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""));
}
