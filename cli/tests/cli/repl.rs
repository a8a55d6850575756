//! A session of `aiointernal repl`.

use super::*;

#[test]
fn it_prints_the_value_of_every_input() {
    feed(&["repl"], "1 + 1\nundefined\n'text'\n1n\n\n   \n[1, { a: 'b' }]\n() => 1\nPromise.resolve(5)")
        .prints("2\nundefined\n'text'\n1n\n[ 1, { a: 'b' } ]\n[Function (anonymous)]\n5\n");
}

#[test]
fn what_is_defined_stays() {
    feed(&["repl"], "let a = 40\nconst add = (b) => a + b\nadd(2)\n").prints("undefined\nundefined\n42\n");
}

#[test]
fn an_error_does_not_end_the_session() {
    let ran = feed(&["repl"], "let kept = 1\n  throw new TypeError('bad')\nlet = ;\nkept\n");
    assert_eq!((ran.status, &*ran.stdout), (Some(0), "undefined\n1\n"), "{ran:?}");
    assert!(
        ran.stderr.starts_with("Uncaught TypeError: bad\n    at <eval> (<repl>:1:13)\nUncaught SyntaxError: "),
        "{ran:?}"
    );
}

#[test]
fn a_limit_does_not_end_the_session() {
    let ran = feed(&["repl", "--timeout", "500ms"], "var kept = 1\nwhile (true);\nkept\nnew Array(2e8) + ''\n2\n");
    assert_eq!((ran.status, &*ran.stdout), (Some(0), "undefined\n1\n2\n"), "{ran:?}");
    assert_eq!(ran.stderr.matches("timeout").count(), 2, "{ran:?}");
}

#[test]
fn an_input_goes_on_while_a_bracket_is_open() {
    feed(&["repl"], "function f(a) {\n  return [\n    a,\n  ]\n}\nf(\n3)\n").prints("undefined\n[ 3 ]\n");
}

#[test]
fn an_input_goes_on_while_an_operator_a_template_or_a_comment_is_open() {
    feed(&["repl"], "1 +\n\n2\n`a\n  b`\n/* one\ntwo */ 3\nlet four =\n4\nfour\n")
        .prints("3\n'a\\n  b'\n3\nundefined\n4\n");
}

#[test]
fn a_string_that_is_not_closed_is_an_error_at_once() {
    let mut session = Session::start(&["repl"]);
    session.write("'abc\n");
    assert!(session.errors.line().starts_with("Uncaught SyntaxError: "));
    session.write("'abc'\n");
    assert_eq!(session.output.line(), "'abc'");
    session.end();
}

#[test]
fn a_syntax_error_of_code_that_ran_is_not_taken_for_an_open_input() {
    let ran = feed(&["repl"], "var runs = 0\nruns++; eval(' '.repeat(100) + '(')\nruns\n");
    assert_eq!((ran.status, &*ran.stdout), (Some(0), "undefined\n1\n"), "{ran:?}");
    assert!(ran.stderr.starts_with("Uncaught SyntaxError: "), "{ran:?}");
}

#[test]
fn the_end_of_the_input_ends_it() {
    feed(&["repl"], "").prints("");
    feed(&["repl"], "1\n2").prints("1\n2\n");
}

#[test]
fn an_input_that_was_not_finished_does_not_hang() {
    let ran = feed(&["repl"], "1\n(2,");
    assert_eq!((ran.status, &*ran.stdout), (Some(0), "1\n"), "{ran:?}");
    assert!(ran.stderr.starts_with("Uncaught SyntaxError: "), "{ran:?}");
}

#[test]
fn a_stray_bracket_is_an_error_and_not_the_end() {
    let ran = feed(&["repl"], "1\n)\n2\n");
    assert_eq!((ran.status, &*ran.stdout), (Some(0), "1\n2\n"), "{ran:?}");
    assert!(ran.stderr.contains("SyntaxError"), "{ran:?}");
}

#[test]
fn a_bracket_in_a_string_or_a_comment_is_no_bracket() {
    feed(&["repl"], "'('\n1 // :)\n/[(]/.test('(')\n`}`\n2\n").prints("'('\n1\ntrue\n'}'\n2\n");
}

#[test]
fn the_console_is_standard_error() {
    let ran = feed(&["repl"], "console.log('heard')\n");
    assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "undefined\n", "heard\n"));
}

#[test]
fn a_value_comes_before_the_next_input_is_written() {
    let mut session = Session::start(&["repl"]);
    session.write("let a = 1\n");
    assert_eq!(session.output.line(), "undefined");
    session.write("a + 1\n");
    assert_eq!(session.output.line(), "2");
    session.write("throw a\n");
    assert_eq!(session.errors.line(), "Uncaught 1");
    session.end().prints("");
}

#[test]
fn the_history_outlives_the_session() {
    let home = Folder::new();
    for input in ["first()\n", "second()\n"] {
        let mut command = command(&["repl"]);
        command.env("XDG_STATE_HOME", &home.0);
        run_command(command, input);
    }
    let history = fs::read_to_string(home.0.join("aiointernal/history")).unwrap();
    let entries: Vec<&str> = history.lines().filter(|line| line.ends_with("()")).collect();
    assert_eq!(entries, ["first()", "second()"]);
}

#[test]
fn a_history_that_cannot_be_kept_harms_nothing() {
    let home = Folder::with_file("aiointernal", "in the way");
    let mut command = command(&["repl"]);
    command.env("XDG_STATE_HOME", &home.0);
    run_command(command, "1 + 1\n").prints("2\n");
}

#[test]
fn a_reader_that_goes_ends_it_in_silence() {
    let mut command = command(&["repl"]);
    command.stdin(Stdio::piped()).stdout(unread()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(command);
    let _ = child.stdin.take().unwrap().write_all(b"1\n2\n");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""));
}

/// Runs for ever, after it has said so and set `kept`. It counts for a while first, in which the session begins to
/// listen for signals: it does so only after it has sent the evaluation off.
#[cfg(unix)]
const ENDLESS: &str = "var kept = 7; for (let i = 0; i < 2e6; i++); console.log('run' + 'ning'); while (true);";

#[cfg(unix)]
#[test]
fn control_c_stops_the_evaluation_and_not_the_session() {
    let mut session = Session::start(&["repl", "--timeout", "10m"]);
    for _ in 0..2 {
        session.write(&format!("{ENDLESS}\n"));
        assert_eq!(session.errors.line(), "running");
        session.interrupt();
        let error = session.errors.line();
        assert!(error.contains("cancelled") && error.contains("kept"), "{error}");
        session.write("kept * 6\n");
        assert_eq!(session.output.line(), "42");
    }
    session.end().prints("");
}

#[cfg(unix)]
#[test]
fn control_c_is_heard_as_soon_as_the_first_evaluation_runs() {
    // A session that begins to listen too late dies of the signal in a few of a hundred cases.
    for _ in 0..40 {
        let mut session = Session::start(&["repl", "--timeout", "10m"]);
        session.write("console.log('running'); while (true);\n");
        assert_eq!(session.errors.line(), "running");
        session.interrupt();
        let error = session.errors.line();
        assert!(error.contains("cancelled"), "{error}");
        session.end().prints("");
    }
}

#[cfg(unix)]
#[test]
fn control_c_stops_a_builtin_that_does_not_look_for_it() {
    let mut session = Session::start(&["repl", "--timeout", "10m"]);
    session.write(&format!("{}\n", ENDLESS.replace("while (true);", "new Array(2e8) + ''")));
    assert_eq!(session.errors.line(), "running");
    session.interrupt();
    let error = session.errors.line();
    assert!(error.contains("cancelled") && error.contains("fresh"), "{error}");
    session.write("1 + 1\n");
    assert_eq!(session.output.line(), "2");
    session.end().prints("");
}

#[cfg(target_os = "linux")]
#[test]
fn control_c_and_control_d_are_keys_of_a_terminal() {
    let mut session = Session::of(on_a_terminal("exec \"$PROGRAM\" repl --timeout 10m"));
    session.output.until("> ");
    session.write(&format!("{ENDLESS}\r"));
    session.output.until("running");
    session.write("\x03");
    session.output.until("cancelled");
    session.output.until("> ");
    session.write("kept * 6\r");
    session.output.until("\n42\r\n");
    session.output.until("> ");
    // At the prompt it gives up what was typed.
    session.write("throw 'never'\x03");
    session.output.until("> ");
    session.write("6 + 1\r");
    let shown = session.output.until("\n7\r\n");
    assert!(!shown.contains("Uncaught"), "{shown:?}");
    session.output.until("> ");
    // So it does with an input that is not finished.
    session.write("throw (\r");
    session.output.until("... ");
    session.write("\x03");
    session.output.until("> ");
    session.write("6 + 2\r");
    let shown = session.output.until("\n8\r\n");
    assert!(!shown.contains("Error"), "{shown:?}");
    session.output.until("> ");
    session.write("\x04");
    session.output.rest();
    let status = session.child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
}

/// What stands in the transcript behind each input.
fn answers(transcript: &str) -> Vec<(&str, &str)> {
    let entries = transcript.trim_end().split("\n> ").skip(1);
    entries.map(|entry| entry.split_once('\n').expect("every input has an answer")).collect()
}

#[test]
fn values_are_shown_as_node_shows_them() {
    let answers = answers(include_str!("values.txt"));
    let input: String = answers.iter().map(|(source, _)| format!("{source}\n'next'\n")).collect();
    let ran = feed(&["repl"], input);
    assert_eq!((ran.status, &*ran.stderr), (Some(0), ""));
    let shown: Vec<&str> = ran.stdout.split_terminator("\n'next'\n").collect();
    for ((source, expected), shown) in answers.iter().zip(&shown) {
        assert_eq!(shown, expected, "{source}");
    }
    assert_eq!(shown.len(), answers.len());
}

#[test]
fn errors_are_shown_with_stacks_properties_and_causes() {
    let ran = feed(
        &["repl"],
        "[new RangeError('in')]\nObject.assign(new Error('e', { cause: new TypeError('c') }), { code: 5 })\n",
    );
    ran.prints(
        "[\n  RangeError: in\n      at <eval> (<repl>:1:6)\n]\n\
         Error: e\n    at <eval> (<repl>:1:43) {\n  code: 5,\n  [cause]: TypeError: c\n      at <eval> (<repl>:1:43)\n}\n",
    );
}

#[test]
fn what_is_not_caught_is_told_as_node_tells_it() {
    for (source, told) in [
        (
            "throw new RangeError('bad', { cause: 1 })",
            "Uncaught RangeError: bad\n    at <eval> (<repl>:1:11) {\n  [cause]: 1\n}\n",
        ),
        ("throw 'it\\'s'", "Uncaught \"it's\"\n"),
        ("throw { a: 1 }", "Uncaught { a: 1 }\n"),
        ("throw null", "Uncaught null\n"),
        ("Promise.reject(5)", "Uncaught 5\n"),
        ("missing", "Uncaught ReferenceError: missing is not defined\n    at <eval> (<repl>:1:1)\n"),
    ] {
        let ran = feed(&["repl"], format!("{source}\n"));
        assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "", told), "{source}");
    }
}

#[test]
fn promises_are_awaited_and_those_within_are_shown_with_what_they_came_to() {
    feed(&["repl"], "const five = await Promise.resolve(5)\nfive\n(async () => [Promise.resolve({ a: 1 })])()\n((p) => (p.catch(() => {}), [p]))(Promise.reject(2))\n")
        .prints("undefined\n5\n[ Promise { { a: 1 } } ]\n[ Promise { <rejected> 2 } ]\n");
    let ran = feed(&["repl"], "new Promise(() => {})\n1\n");
    assert_eq!((ran.status, &*ran.stdout), (Some(0), "1\n"));
    assert!(ran.stderr.contains("never-settles"), "{ran:?}");
}

#[test]
fn an_object_is_no_block() {
    feed(&["repl"], "{ a: 1 }\n{}\n{\n  b: 2,\n}\n{ let c = 3; c }\n{ a: 1 };\nvar runs = 0\n{ runs: ++runs, x: eval('1') }\nruns\n")
        .prints("{ a: 1 }\n{}\n{ b: 2 }\n3\n1\nundefined\n{ runs: 1, x: 1 }\n1\n");
}

#[test]
fn the_last_value_is_an_underscore_until_it_is_assigned() {
    feed(&["repl"], "_\n[1]\n_.push(2)\n_ + 1\n_ = 'mine'\n3\n_\n")
        .prints("undefined\n[ 1 ]\n2\n3\n'mine'\n3\n'mine'\n");
    feed(&["repl", "--global", "_=7"], "1\n_\n").prints("1\n7\n");
}

#[test]
fn showing_runs_no_getter_and_minds_no_change_of_built_in_functions() {
    let input = "var runs = 0\n({ get a() { return ++runs }, set b(x) {} })\nruns\n\
        var hurt = () => { runs++; throw 'hurt' }, all = [Array, String, Map, Set, Object, Promise, Symbol, RegExp]\
        .flatMap((of) => Object.getOwnPropertyNames(of.prototype).map((name) => [of.prototype, name])); \
        for (let i = 0; i < all.length; i++) try { if (all[i][1] !== 'constructor') all[i][0][all[i][1]] = hurt } catch {}; 1\n\
        [1, 'two', /x/g, Symbol('s'), { a: {} }]\nruns\n";
    feed(&["repl"], input)
        .prints("undefined\n{ a: [Getter], b: [Setter] }\n0\n1\n[ 1, 'two', /x/g, Symbol(s), { a: {} } ]\n0\n");
}

#[test]
fn a_global_may_have_the_name_of_a_built_in_one() {
    let names = ["Reflect", "Object", "Array", "Map", "Promise", "Symbol", "Error"].map(|name| format!("{name}={{}}"));
    let options = names.iter().flat_map(|global| ["--global", global]);
    feed(&["repl"].into_iter().chain(options).collect::<Vec<_>>(), "[Reflect, /x/]\n").prints("[ {}, /x/ ]\n");
}

#[test]
fn a_value_that_cannot_be_shown_does_not_end_the_session() {
    let trap = "new Proxy({}, { ownKeys() { throw new Error('trap') } })\nnew Proxy({}, { getPrototypeOf() { while (true); } })\n1\n";
    let ran = feed(&["repl", "--timeout", "500ms"], trap);
    assert_eq!((ran.status, &*ran.stdout), (Some(0), "1\n"), "{ran:?}");
    assert!(ran.stderr.contains("Uncaught Error: trap") && ran.stderr.contains("timeout"), "{ran:?}");
}

#[test]
fn what_is_shown_of_large_values_has_an_end() {
    for (source, text) in [
        ("'x'.repeat(1e6)", "'... 990000 more characters\n"),
        ("Array(1e6).fill('y'.repeat(9000))", "... 999900 more items\n"),
        ("new Array(1e9)", "[ <1000000000 empty items> ]\n"),
        ("Array(100).fill(Array(100).fill(Array(100).fill('語'.repeat(5000))))", "..."),
        ("Object.fromEntries(Array.from({ length: 5000 }, (_, i) => ['k' + i, i]))", "... 4000 more properties\n"),
        ("Object.fromEntries(Array.from({ length: 900 }, (_, i) => ['k'.repeat(9000) + i, i]))", " more properties\n"),
        ("new Map(Array.from({ length: 900 }, (_, i) => [i, '\\n'.repeat(9999) + i]))", "... 800 more items\n"),
        ("new Set(Array.from({ length: 900 }, (_, i) => new Error('m'.repeat(9999) + i)))", "... 800 more items\n"),
    ] {
        let ran = feed(&["repl"], format!("{source}\n"));
        assert_eq!((ran.status, &*ran.stderr), (Some(0), ""), "{source}");
        assert!(ran.stdout.len() < 1 << 20 && ran.stdout.contains(text), "{source}: {}", ran.stdout.len());
    }
}

#[test]
fn values_are_shown_after_a_context_was_lost() {
    let mut session = Session::start(&["repl", "--timeout", "500ms", "--global", "kept=[1]"]);
    session.write("var lost = 1; new Array(2e8) + ''\n");
    assert!(session.errors.line().contains("timeout"));
    session.write("'text'\n_ + typeof lost\nkept\n");
    assert_eq!(session.output.line(), "'text'");
    assert_eq!(session.output.line(), "'textundefined'");
    assert_eq!(session.output.line(), "[ 1 ]");
    session.end().prints("");
}

/// A session on a terminal, at its first prompt.
#[cfg(target_os = "linux")]
fn terminal() -> Session {
    let mut session = Session::of(on_a_terminal("exec \"$PROGRAM\" repl --timeout 10m"));
    session.output.until("> ");
    session
}

#[cfg(target_os = "linux")]
impl Session {
    /// Types a line, with tabs in it, and gives what shows until the answer is there.
    fn type_until(&mut self, line: &str, answer: &str) -> String {
        self.write(&format!("{line}\r"));
        let shown = self.output.until(&format!("\n{answer}\r\n"));
        self.output.until("> ");
        shown
    }

    /// Gives up what was typed.
    fn give_up(&mut self) {
        self.write("\x03");
        self.output.until("\n");
        self.output.until("> ");
    }

    fn end_at_prompt(mut self) {
        self.write("\x04");
        self.output.rest();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn tab_completes_globals_members_declarations_and_keywords() {
    let mut session = terminal();
    session.type_until("Math.ma\t(4, 5)", "5");
    session.type_until(
        "let counter = { inner: { deepest: 7 } }; class Plucked { static made = 8 }; const { x: [taken] } = { x: [9] }",
        "undefined",
    );
    session.type_until("counter.in\t.dee\t", "7");
    session.type_until("Pluck\t.ma\t", "8");
    session.type_until("tak\t", "9");
    session.type_until("typeo\t globalTh\t", "'object'");
    session.type_until("'text'", "'text'");
    session.type_until("_.toUpperC\t()", "'TEXT'");
    session.end_at_prompt();
}

#[cfg(target_os = "linux")]
#[test]
fn tab_lists_what_there_is_to_choose_from() {
    let mut session = terminal();
    session.type_until("var made = { alpha: 1, alps: 2, get beta() { return 3 }, 'no-name': 4, 5: 6 }", "undefined");
    session.write("made.al\t");
    let shown = session.output.until("alps");
    assert!(shown.contains("alpha") && !shown.contains("beta"), "{shown:?}");
    session.output.until("> made.alp");
    session.give_up();
    session.write("made.\t");
    let shown = session.output.until("> made.");
    for name in ["alpha", "beta", "hasOwnProperty"] {
        assert!(shown.contains(name), "there is no {name} in {shown:?}");
    }
    assert!(!shown.contains("no-name"), "{shown:?}");
    session.give_up();
    session.end_at_prompt();
}

#[cfg(target_os = "linux")]
#[test]
fn tab_runs_no_getter_and_outlives_what_is_hostile() {
    let mut session = terminal();
    session.type_until("var runs = 0, hostile = { get inner() { runs++; return { deep: 1 } } }", "undefined");
    session.type_until("Object.defineProperty(globalThis, 'trapped', { get() { runs++; return {} } }), 1", "1");
    // Nothing completes these, so what is typed is what is evaluated.
    session.type_until("hostile.inner.\tx; runs", "1");
    session.type_until("trapped.\ty; runs", "2");
    session.type_until(
        "var endless = new Proxy({}, { ownKeys() { while (true); } }), bad = new Proxy({}, { ownKeys() { throw 1 } })",
        "undefined",
    );
    session.type_until("endless.\tz", "undefined");
    session.type_until("bad.\tz", "undefined");
    session.type_until("Reflect.ownKeys = Array.prototype.push = () => { runs = 100 }, 2", "2");
    session.type_until("Math.ma\t(4, runs)", "4");
    session.end_at_prompt();
}
