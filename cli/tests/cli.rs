//! The command `aiointernal` as scripts see it: what goes in, what comes out on which stream, and the exit status.
//!
//! No test sleeps. Where an order matters, the one side prints and the other waits until it has read that.
#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::{
    ffi::OsStr,
    fs,
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use serde_json::{Value as Json, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_aiointernal");

/// How long a test waits for what should be there at once, before it fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// Bytes of the longest source, by default.
const SOURCE_LIMIT: usize = 2 << 20;

/// Bytes of the longest line of a batch.
const LINE_LIMIT: usize = 16 << 20;

/// The compiled engine and the history of all tests: the first start compiles, which takes a second.
static SHARED: LazyLock<PathBuf> = LazyLock::new(|| {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
    let first = run_command(command_with(&shared, &["eval", "1"]), "");
    assert_eq!(first.stdout, "1\n", "{first:?}");
    shared
});

fn command(arguments: &[&str]) -> Command {
    command_with(&SHARED, arguments)
}

fn command_with(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env("XDG_CACHE_HOME", home.join("cache")).env("XDG_STATE_HOME", home.join("state"));
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command
}

/// What a command left behind.
#[derive(Debug)]
struct Ran {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// It succeeded, printed this, and nothing else.
    #[track_caller]
    fn prints(&self, stdout: &str) {
        assert_eq!((self.status, &*self.stdout, &*self.stderr), (Some(0), stdout, ""));
    }

    /// It failed with this status and no output. Gives what it said.
    #[track_caller]
    fn fails(&self, status: i32) -> &str {
        assert_eq!((self.status, &*self.stdout), (Some(status), ""), "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        &self.stderr
    }

    /// It failed with this status and no output, and what it said has all of these in it.
    #[track_caller]
    fn fails_saying(&self, status: i32, texts: &[&str]) {
        let stderr = self.fails(status);
        for text in texts {
            assert!(stderr.contains(text), "there is no {text:?} in {stderr}");
        }
    }
}

/// Runs a command to its end, with this standard input.
fn run_command(mut command: Command, input: impl AsRef<[u8]>) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    if let Some(mut stdin) = child.stdin.take() {
        // A command that fails at once reads nothing; its status tells.
        let _ = stdin.write_all(input.as_ref());
    }
    let output = child.wait_with_output().expect("the command ends");
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}

fn aiointernal(arguments: &[&str]) -> Ran {
    run_command(command(arguments), "")
}

fn feed(arguments: &[&str], input: impl AsRef<[u8]>) -> Ran {
    run_command(command(arguments), input)
}

fn evaluate(source: &str) -> Ran {
    aiointernal(&["eval", "--", source])
}

/// Answers of a batch that went well as a whole.
fn batch(arguments: &[&str], lines: impl AsRef<[u8]>) -> Vec<Json> {
    let ran = feed(&[&["batch"], arguments].concat(), lines);
    assert_eq!((ran.status, &*ran.stderr), (Some(0), ""), "{}", ran.stdout);
    ran.stdout.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
}

/// A line of a batch.
fn line(id: impl Into<Json>, source: &str) -> String {
    json!({ "id": id.into(), "source": source }).to_string() + "\n"
}

fn done(id: impl Into<Json>, value: impl Into<Json>) -> Json {
    json!({ "id": id.into(), "ok": true, "value": value.into() })
}

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("cli-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("the folder for temporary files can be written");
        Folder(path)
    }

    fn with_file(name: &str, content: impl AsRef<[u8]>) -> Folder {
        let folder = Folder::new();
        fs::write(folder.0.join(name), content).expect("the file can be written");
        folder
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `aiointernal run` on a file of this name and content, in the file's folder.
fn run_file(name: &str, content: impl AsRef<[u8]>, options: &[&str]) -> Ran {
    let folder = Folder::with_file(name, content);
    let mut command = command(&[&["run", name], options].concat());
    command.current_dir(&folder.0);
    run_command(command, "")
}

/// A command that one talks with.
struct Session {
    child: Child,
    input: Option<ChildStdin>,
    output: Output,
    errors: Output,
}

impl Session {
    fn start(arguments: &[&str]) -> Session {
        Session::of(command(arguments))
    }

    fn of(mut command: Command) -> Session {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        let input = child.stdin.take();
        let output = Output::new(child.stdout.take().expect("stdout is a pipe"));
        let errors = Output::new(child.stderr.take().expect("stderr is a pipe"));
        Session { child, input, output, errors }
    }

    fn write(&mut self, text: &str) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(text.as_bytes()).expect("the command reads its input");
    }

    #[cfg(unix)]
    fn interrupt(&self) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal is sent");
    }

    /// Ends the input. Gives the exit status, and what was not read yet.
    fn end(mut self) -> Ran {
        self.input = None;
        let (stdout, stderr) = (self.output.rest(), self.errors.rest());
        Ran { status: self.child.wait().expect("the command ends").code(), stdout, stderr }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It has ended by itself unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command prints, as it comes.
struct Output {
    chunks: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Output {
    fn new(mut stream: impl Read + Send + 'static) -> Output {
        let (sender, chunks) = mpsc::channel();
        let read = move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        };
        thread::Builder::new().spawn(read).expect("a thread starts");
        Output { chunks, seen: Vec::new() }
    }

    /// Everything up to the end of this text, which has to come.
    #[track_caller]
    fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen.windows(text.len()).position(|window| window == text.as_bytes()) {
                let rest = self.seen.split_off(at + text.len());
                return String::from_utf8_lossy(&std::mem::replace(&mut self.seen, rest)).into_owned();
            }
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => self.seen.extend(chunk),
                Err(error) => panic!("no {text:?}: {error}; there is {:?}", String::from_utf8_lossy(&self.seen)),
            }
        }
    }

    /// The next line, without its end.
    #[track_caller]
    fn line(&mut self) -> String {
        self.until("\n").trim_end_matches('\n').to_owned()
    }

    /// The next line, which is JSON.
    #[track_caller]
    fn json(&mut self) -> Json {
        serde_json::from_str(&self.line()).expect("the line is JSON")
    }

    /// Everything up to the end of the stream.
    #[track_caller]
    fn rest(&mut self) -> String {
        loop {
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => self.seen.extend(chunk),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the stream does not end"),
            }
        }
        String::from_utf8_lossy(&std::mem::take(&mut self.seen)).into_owned()
    }
}

/// The end of a pipe to write to that nobody reads.
fn unread() -> io::PipeWriter {
    let (_reader, writer) = io::pipe().expect("there are pipes");
    writer
}

mod eval {
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
}

mod thrown {
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
        let source =
            "const e = new AggregateError(Array.from({ length: 40 }, (_, i) => i), 'm'); e.stack = ''; throw e";
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
}

mod limits {
    use super::*;

    /// With this little time, every one of these would run for seconds.
    #[track_caller]
    fn times_out(source: &str) {
        aiointernal(&["eval", "--timeout", "200ms", "--", source]).fails_saying(3, &["timeout", "200ms"]);
    }

    #[test]
    fn an_endless_loop_is_stopped() {
        times_out("while (true);");
        times_out("for (;;) { try { for (;;); } catch {} finally { continue } }");
        times_out("(async () => { for (;;) await 0 })()");
    }

    #[test]
    fn a_backtracking_regular_expression_is_stopped() {
        times_out("/(a+)+$/.test('a'.repeat(40) + 'b')");
    }

    #[test]
    fn a_builtin_that_does_not_look_at_the_time_is_stopped() {
        times_out("new Array(2e8) + ''");
    }

    #[test]
    fn the_time_limit_holds_in_files_too() {
        run_file("endless.js", "while (true);", &["--timeout", "50ms"]).fails_saying(3, &["timeout", "50ms"]);
    }

    #[test]
    fn a_result_of_ten_megabytes_is_refused() {
        evaluate("'x'.repeat(10e6)").fails_saying(3, &["result-too-large", "1048576"]);
        aiointernal(&["eval", "--format", "text", "'x'.repeat(10e6)"]).fails_saying(3, &["result-too-large"]);
    }

    #[test]
    fn memory_is_limited() {
        let limited =
            |options: &[&str], source| aiointernal(&[&["eval", "--timeout", "10m", source], options].concat());
        let endless = "let a = []; while (true) a.push(new Uint8Array(1e5))";
        limited(&[], endless).fails_saying(3, &["memory-limit", "67108864"]);
        limited(&["--memory", "16MiB"], endless).fails_saying(3, &["memory-limit", "16777216"]);
        let twenty_megabytes = "new Uint8Array(20e6).length";
        limited(&["--memory", "16MiB"], twenty_megabytes).fails_saying(3, &["memory-limit"]);
        limited(&["--memory", "32MiB"], twenty_megabytes).prints("20000000\n");
    }

    #[test]
    fn too_little_memory_for_the_engine_is_a_usage_error() {
        for size in ["0", "1MiB", "4194303"] {
            aiointernal(&["eval", "--memory", size, "1"]).fails_saying(2, &["memory", "4194304"]);
        }
    }

    #[test]
    fn memory_that_is_just_too_little_is_no_exception_of_the_script() {
        for size in ["4MiB", "4100KiB"] {
            let ran = aiointernal(&["eval", "--memory", size, "1"]);
            assert!(matches!(ran.status, Some(2 | 3)), "{ran:?}");
            assert!(ran.stderr.contains("memory"), "{ran:?}");
        }
    }

    #[test]
    fn a_source_has_its_longest_size() {
        let fits = format!("/*{}*/7", "x".repeat(SOURCE_LIMIT - 5));
        feed(&["eval", "-"], &fits).prints("7\n");
        let too_long = fits + " ";
        feed(&["eval", "-"], &too_long).fails_saying(3, &["source-too-large", "<stdin>", "2097152"]);
        feed(&["eval", "-"], "é".repeat(SOURCE_LIMIT / 2 + 1)).fails_saying(3, &["source-too-large"]);
        run_file("long.js", &too_long, &[]).fails_saying(3, &["source-too-large", "long.js", "2097152"]);
    }

    #[test]
    fn the_stack_limit_is_how_deep_a_script_may_recurse() {
        let depth = |stack: &str| {
            let source = "let depth = 0; function f() { depth++; f() } try { f() } catch {} depth";
            let ran = aiointernal(&["eval", "--stack", stack, source]);
            assert_eq!((ran.status, &*ran.stderr), (Some(0), ""));
            ran.stdout.trim_end().parse::<u32>().expect("the depth is a number")
        };
        let (small, default, large) = (depth("64KiB"), depth("256KiB"), depth("512KiB"));
        assert!(small * 3 < default && default * 3 < large * 2, "{small}, {default}, {large}");
        assert_eq!(depth("256KiB"), default);
    }

    #[test]
    fn no_stack_is_not_an_unlimited_one() {
        let ran = aiointernal(&["eval", "--stack", "0", "function f() { f() } f()"]);
        assert!(matches!(ran.status, Some(1 | 2)), "{ran:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_machine_that_has_no_room_is_a_fault_of_the_host() {
        let inner = command(&[]);
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -v 4000000 && exec \"$0\" eval 1", PROGRAM]);
        shell.envs(inner.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
        run_command(shell, "").fails_saying(70, &["engine", "ulimit -v"]);
    }
}

mod fetch {
    use std::net::TcpListener;

    use super::*;

    /// A server on loopback that greets whoever asks, and its place.
    fn greeter() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = format!("http://{}", listener.local_addr().unwrap());
        let greet = move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    request.extend(byte);
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").unwrap();
            }
        };
        thread::Builder::new().spawn(greet).unwrap();
        place
    }

    fn source(url: &str) -> String {
        format!("(async () => (await (await fetch('{url}')).text()).length)()")
    }

    #[test]
    fn what_a_rule_allows_is_fetched_by_each_command() {
        let place = greeter();
        let (script, allow) = (source(&place), ["--allow-fetch", &place]);
        aiointernal(&[&["eval"], &allow[..], &["--", &script]].concat()).prints("5\n");
        let folder = Folder::with_file("script.js", &script);
        let file = folder.0.join("script.js");
        aiointernal(&[&["run"], &allow[..], &[file.to_str().unwrap()]].concat()).prints("5\n");
        assert_eq!(batch(&allow, line(1, &script)), [done(1, 5)]);
        assert_eq!(batch(&[&["--fresh"], &allow[..]].concat(), line(1, &script)), [done(1, 5)]);
    }

    #[test]
    fn a_name_leads_to_addresses_that_are_allowed() {
        let place = greeter().replace("127.0.0.1", "localhost");
        let script = source(&place);
        let refused = aiointernal(&["eval", "--allow-fetch", &place, "--", &script]);
        refused.fails_saying(1, &["TypeError", " leads to no address that is granted"]);
        aiointernal(&["eval", "--allow-fetch", &place, "--allow-fetch", "127.0.0.0/8", "--", &script]).prints("5\n");
    }

    #[test]
    fn what_no_rule_allows_is_refused() {
        let ran = aiointernal(&["eval", "--allow-fetch", "POST https://a.test", "--", &source("https://a.test/")]);
        ran.fails_saying(1, &["TypeError: GET is not granted for https://a.test, only POST"]);
    }

    #[test]
    fn what_is_no_rule_is_a_usage_error() {
        let ran = aiointernal(&["eval", "--allow-fetch", "https://a.test/path", "1"]);
        ran.fails_saying(2, &["\"https://a.test/path\" is no rule of what may be fetched", "nothing else"]);
        aiointernal(&["eval", "--allow-fetch", "10.0.0.0/33", "1"])
            .fails_saying(2, &["neither an address nor a range"]);
    }
}

mod usage {
    use super::*;

    #[test]
    fn what_is_wrong_with_the_command_line_is_named() {
        for (arguments, named) in [
            (&["sing"][..], "sing"),
            (&["--bogus"], "--bogus"),
            (&["eval"], "SOURCE"),
            (&["eval", "1", "second"], "second"),
            (&["eval", "1", "--bogus"], "--bogus"),
            (&["eval", "1", "--fresh"], "--fresh"),
            (&["run"], "FILE"),
            (&["run", "--bogus", "a.js"], "--bogus"),
            (&["batch", "--bogus"], "--bogus"),
            (&["batch", "a.js"], "a.js"),
            (&["repl", "--bogus"], "--bogus"),
            (&["repl", "1"], "1"),
            (&["eval", "1", "--timeout"], "--timeout"),
            (&["eval", "1", "--timeout", ""], "--timeout"),
            (&["eval", "1", "--timeout", "soon"], "soon"),
            (&["eval", "1", "--timeout", "5"], "unit"),
            (&["eval", "1", "--timeout=-1s"], "-1s"),
            (&["eval", "1", "--memory", "big"], "such as 64MiB"),
            (&["batch", "--format", "text"], "--format"),
            (&["eval", "1", "--memory=-5"], "-5"),
            (&["eval", "1", "--stack", "deep"], "--stack"),
            (&["eval", "1", "--format", "xml"], "json, text"),
            (&["eval", "1", "--global", "x"], "NAME=JSON"),
            (&["eval", "1", "--global", "x={"], "value of x"),
            (&["eval", "1", "--global", "good=1", "--global", "bad=one"], "value of bad"),
        ] {
            aiointernal(arguments).fails_saying(2, &[named, "--help"]);
        }
    }

    #[test]
    fn a_misspelt_option_of_eval_is_named() {
        aiointernal(&["eval", "--tiemout", "5s", "1"]).fails_saying(2, &["--tiemout"]);
    }

    #[test]
    fn nothing_to_do_shows_what_there_is_to_do() {
        aiointernal(&[]).fails_saying(2, &["Usage:", "eval", "run", "batch", "repl"]);
    }

    #[test]
    fn help_tells_every_exit_status() {
        let ran = aiointernal(&["--help"]);
        assert_eq!((ran.status, &*ran.stderr), (Some(0), ""));
        let help = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "Exit status: 0 done; 1 the script, or what a timer of it calls, threw",
            "; 2 the ",
            "; 3 a limit",
            "; 70 a fault",
            "console.log",
        ] {
            assert!(help.contains(part), "there is no {part:?} in {help}");
        }
        for command in ["eval", "run", "batch", "repl"] {
            assert!(ran.stdout.contains(&format!("\n  {command} ")), "{help}");
        }
    }

    #[test]
    fn help_tells_every_option_and_its_default() {
        for command in ["eval", "run", "batch", "repl"] {
            let ran = aiointernal(&[command, "--help"]);
            assert_eq!((ran.status, &*ran.stderr), (Some(0), ""));
            let common = ["--timeout <TIME>", "--memory <SIZE>", "--stack <SIZE>", "--global <NAME=JSON>"];
            for option in common.iter().chain(&["--module-root <DIR>", "--help"]) {
                assert!(ran.stdout.contains(option), "there is no {option} in {}", ran.stdout);
            }
            for default in ["[default: 5s]", "[default: 64MiB]", "[default: 256KiB]"] {
                assert!(ran.stdout.contains(default), "there is no {default} in {}", ran.stdout);
            }
            assert_eq!(ran.stdout.contains("--fresh"), command == "batch");
            assert_eq!(ran.stdout.contains("--format <FORMAT>"), matches!(command, "eval" | "run"));
        }
    }

    #[test]
    fn the_commands_of_the_readme_do_what_it_says() {
        let readme = include_str!("../../README.md");
        let blocks = readme.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
        let commands: Vec<_> = blocks.flat_map(str::lines).filter(|line| !line.starts_with("cargo test")).collect();
        let folder = Folder::with_file("script.js", "6 * 7");
        fs::write(folder.0.join("program.ts"), "const six: number = 6; six * 7").unwrap();
        let calculator = wat::parse_str(include_str!("../../tests/component/core.wat")).unwrap();
        fs::write(folder.0.join("calculator.wasm"), calculator).unwrap();
        let batched = "{\"id\":1,\"ok\":true,\"value\":[2,4]}\n";
        let expected = [("3\n", 0), ("", 3), ("42\n", 0), (batched, 0), ("42\n", 0), ("", 0), ("3\n", 0)];
        assert_eq!(commands.len(), expected.len(), "{commands:?}");
        for (line, (stdout, status)) in commands.into_iter().zip(expected) {
            let line = line.replace("cargo run --release --", "aiointernal").replace("aiointernal", PROGRAM);
            let mut shell = Command::new("sh");
            shell.args(["-c", &line]).current_dir(&folder.0);
            shell.envs(command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
            let ran = run_command(shell, "");
            assert_eq!((&*ran.stdout, ran.status), (stdout, Some(status)), "{line}: {ran:?}");
        }
    }

    #[test]
    fn the_version_is_that_of_the_package() {
        aiointernal(&["--version"]).prints(concat!("aiointernal ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}

mod run {
    use super::*;

    #[test]
    fn a_value_is_printed_as_json_unless_it_is_undefined() {
        run_file("value.js", "let six = 6\nsix * 7\n", &[]).prints("42\n");
        run_file("nothing.js", "let six = 6", &[]).prints("");
        run_file("null.js", "null", &[]).prints("null\n");
        run_file("value.cjs", "'common'", &[]).prints("\"common\"\n");
        run_file("no extension", "#!/usr/bin/env -S aiointernal run\n'any name'", &[]).prints("\"any name\"\n");
    }

    #[test]
    fn the_text_format_is_for_people() {
        run_file("value.js", "[1n, undefined]", &["--format", "text"]).prints("[ 1n, undefined ]\n");
        run_file("nothing.js", "undefined", &["--format", "text"]).prints("undefined\n");
    }

    #[test]
    fn the_string_undefined_is_printed() {
        run_file("string.js", "'undefined'", &[]).prints("\"undefined\"\n");
        run_file("string.js", "'undefined'", &["--format", "text"]).prints("undefined\n");
    }

    #[test]
    fn a_module_awaits_at_its_top_level() {
        let ran = run_file("module.mjs", "const answer = await Promise.resolve(42)\nconsole.log(answer, this)\n", &[]);
        assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "", "42 undefined\n"));
    }

    #[test]
    fn a_module_that_throws_is_a_throw() {
        let ran = run_file("thrower.mjs", "await null\n\nthrow new TypeError('late')", &[]);
        ran.fails_saying(1, &["TypeError: late\n", "thrower.mjs:3:"]);
    }

    #[test]
    fn an_import_is_refused_by_name() {
        let ran = run_file("importer.mjs", "import other from './other.js'", &[]);
        ran.fails_saying(1, &["cannot import \"./other.js\"", "importer.mjs", "there is no such file"]);
        let ran = run_file("importer.mjs", "await import('./other.js')", &[]);
        ran.fails_saying(1, &["cannot import \"./other.js\"", "importer.mjs"]);
        run_file("importer.js", "import('./other.js')", &[]).fails_saying(1, &["cannot import \"./other.js\""]);
    }

    /// Runs the first of these files, in their folder, which has a secret beside it.
    fn run_files(files: &[(&str, &str)], change: impl FnOnce(&Path)) -> Ran {
        let folder = Folder::with_file("secret.mjs", "console.log('secret')");
        let inner = folder.0.join("inner");
        for (name, text) in files {
            let path = inner.join(name);
            fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder can be made");
            fs::write(path, text).expect("the file can be written");
        }
        change(&inner);
        let mut command = command(&["run", files[0].0]);
        command.current_dir(&inner);
        run_command(command, "")
    }

    #[test]
    fn a_module_imports_the_files_below_its_folder() {
        let files = [
            ("main.mjs", "import { a } from './lib/a.mjs'; console.log(a, import.meta.url, import.meta.main)"),
            ("lib/a.mjs", "import { b } from '../b.js'; export const a = b + (await import('./c.js')).default"),
            ("b.js", "import data from './data.json' with { type: 'json' }; export const b = data.b"),
            ("lib/c.js", "export default 'c'"),
            ("data.json", "{ \"b\": \"b\" }"),
        ];
        let ran = run_files(&files, |_| ());
        assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "", "bc main.mjs true\n"));
    }

    #[test]
    fn a_script_imports_the_files_below_its_folder() {
        let files = [("main.js", "import('./a.mjs').then((a) => a.value)"), ("a.mjs", "export const value = [1]")];
        run_files(&files, |_| ()).prints("[1]\n");
    }

    #[test]
    fn a_module_that_is_imported_imports_the_one_that_runs() {
        let files = [
            ("sub/main.mjs", "import { later } from './a.mjs'; export const value = 1; console.log(later())"),
            ("sub/a.mjs", "import { value } from './main.mjs'; export const later = () => value"),
        ];
        for file in ["sub/main.mjs", "./sub/main.mjs", "sub/../sub//main.mjs"] {
            let named = [(file, files[0].1), files[1]];
            let ran = run_files(&named, |inner| assert!(inner.join("sub/main.mjs").exists()));
            assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "", "1\n"), "{file}");
        }
    }

    #[test]
    fn an_error_of_a_module_has_its_place_as_the_file_was_given() {
        let files = [("sub/main.mjs", "import './lib/a.mjs'"), ("sub/lib/a.mjs", "\n\nthrow new RangeError('in a')")];
        let ran = run_files(&files, |_| ());
        assert_eq!(ran.fails(1), "RangeError: in a\n    at <anonymous> (sub/lib/a.mjs:3:11)\n");
        let files = [("main.mjs", "import './a.mjs'"), ("a.mjs", "let a = 1;\nlet a = 2;")];
        run_files(&files, |_| ()).fails_saying(1, &["SyntaxError: ", "at a.mjs:2:"]);
        let files = [("main.mjs", "import { missing } from './a.mjs'"), ("a.mjs", "")];
        run_files(&files, |_| ()).fails_saying(1, &["SyntaxError: ", "'missing'", "'a.mjs'"]);
    }

    #[test]
    fn nothing_outside_of_its_folder_is_imported() {
        let outside = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli/cache");
        for (specifier, reason) in [
            ("../secret.mjs", "it leads out of the folder"),
            ("./../secret.mjs", "it leads out of the folder"),
            ("./link.mjs", "it leads out of the folder"),
            ("./up/secret.mjs", "it leads out of the folder"),
            ("/etc/passwd", "an absolute path is refused"),
            (outside.to_str().expect("a path that is text"), "an absolute path is refused"),
            ("file:///etc/passwd", "a URL or drive is refused"),
            ("https://example.com/a.mjs", "a URL or drive is refused"),
            ("node:fs", "a URL or drive is refused"),
            ("lodash", "a bare name is refused"),
            ("./pipe.mjs", "it is no regular file"),
            ("./missing.mjs", "there is no such file"),
            ("./element.tsx", "JSX is not supported"),
        ] {
            let change = |inner: &Path| {
                std::os::unix::fs::symlink("../secret.mjs", inner.join("link.mjs")).expect("a link can be made");
                std::os::unix::fs::symlink("..", inner.join("up")).expect("a link can be made");
                let made = Command::new("mkfifo").arg(inner.join("pipe.mjs")).status().expect("mkfifo is there");
                assert!(made.success());
            };
            let refused = format!("cannot import {specifier:?} from \"main.mjs\": ");
            for text in [format!("import {specifier:?}"), format!("await import({specifier:?})")] {
                let ran = run_files(&[("main.mjs", &text), ("element.tsx", "")], change);
                ran.fails_saying(1, &["ReferenceError: ", &refused, reason]);
            }
        }
    }

    #[test]
    fn an_import_that_is_caught_is_no_failure() {
        let text = "try { await import('../secret.mjs') } catch (e) { console.log(e.name) }";
        let ran = run_files(&[("main.mjs", text)], |_| ());
        assert_eq!((ran.status, &*ran.stderr), (Some(0), "ReferenceError\n"));
    }

    #[test]
    fn only_run_grants_modules_that_nobody_asked_for() {
        let folder = Folder::with_file("a.mjs", "");
        for (arguments, input) in [(&["eval", "import('./a.mjs')"][..], ""), (&["eval", "-"], "import('./a.mjs')")] {
            let mut command = command(arguments);
            command.current_dir(&folder.0);
            run_command(command, input).fails_saying(1, &["cannot import \"./a.mjs\"", "this context has no modules"]);
        }
    }

    #[test]
    fn the_stack_has_the_files_name_as_it_was_given() {
        let source = "function g() {\n\n   throw new Error('in a file')\n}\ng()\n";
        let ran = run_file("thrower.js", source, &[]);
        assert_eq!(ran.fails(1), "Error: in a file\n    at g (thrower.js:3:14)\n    at <eval> (thrower.js:5:1)\n");
        let folder = Folder::with_file("thrower.js", source);
        let path = folder.0.join("thrower.js").display().to_string();
        aiointernal(&["run", &path]).fails_saying(1, &[&format!("at g ({path}:3:14)")]);
    }

    #[test]
    fn a_file_that_cannot_be_run_is_named() {
        let folder = Folder::new();
        let path = folder.0.display().to_string();
        let missing = format!("{path}/missing.js");
        aiointernal(&["run", &missing]).fails_saying(2, &[&missing, "No such file"]);
        aiointernal(&["run", &path]).fails_saying(2, &[&path, "directory"]);
        run_file("latin.js", b"let a = 1 // \xe9", &[]).fails_saying(2, &["latin.js", "UTF-8", "13"]);
        run_file("element.tsx", "<a />", &[]).fails_saying(2, &["element.tsx", "JSX is not supported"]);
    }
}

mod typescript {
    use super::*;

    #[test]
    fn a_file_is_typescript_by_its_name() {
        run_file("a.ts", "enum A { B = 1 }\nconst a: A = A.B; ({ a } satisfies object)", &[]).prints("{\"a\":1}\n");
        run_file("a.cts", "1 as number", &[]).prints("1\n");
        for name in ["a.ts", "a.mts"] {
            let ran = run_file(name, "export const a: number = await 1; console.log(a as number)", &[]);
            assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "", "1\n"), "{name}");
        }
    }

    #[test]
    fn a_program_of_several_files_runs() {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/typescript/program");
        let folder = Folder::with_file(
            "main.ts",
            "import { lines } from './program/main.ts'; lines.forEach((line: string) => console.log(line))",
        );
        for file in ["main.ts", "log.ts", "inventory.mts", "defaults.json", "geometry/shapes.ts", "geometry/measure.ts"]
        {
            let path = folder.0.join("program").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::copy(program.join(file), path).unwrap();
        }
        let ran = aiointernal(&["run", folder.0.join("main.ts").to_str().unwrap()]);
        assert_eq!(ran.stderr, fs::read_to_string(program.join("expected.txt")).unwrap());
        assert_eq!(ran.status, Some(0));
    }

    #[test]
    fn an_option_says_that_sources_are_typescript() {
        aiointernal(&["eval", "--ts", "(1 as number) + 1"]).prints("2\n");
        feed(&["eval", "--ts", "-"], "let a: number = 2; a").prints("2\n");
        run_file("a.txt", "let a: number = 2; a", &["--ts"]).prints("2\n");
        run_file("a.js", "let a: number = 2; a", &["--ts", "--format", "text"]).prints("2\n");
        for fresh in [&["--ts"][..], &["--ts", "--fresh"]] {
            assert_eq!(batch(fresh, line(1, "let a: number = 2; a")), [done(1, 2)]);
        }
        feed(&["repl", "--ts"], "let a: number = 1\na as number\nenum B {\n  C\n}\nB.C\n")
            .prints("undefined\n1\nundefined\n0\n");
        aiointernal(&["eval", "let a: number"]).fails_saying(1, &["SyntaxError"]);
    }

    #[test]
    fn what_does_not_parse_is_told_with_its_place() {
        let ran = run_file("a.ts", "let a: number = 1\nlet b: = 2", &[]);
        assert!(ran.fails(1).starts_with("SyntaxError: ") && ran.stderr.ends_with("\n    at a.ts:2:8\n"), "{ran:?}");
        run_file("a.ts", "interface A {}\n\nthrow new Error('x') as A", &[])
            .fails_saying(1, &["Error: x\n    at <eval> (a.ts:3:11)"]);
    }
}

mod time {
    use super::*;

    #[test]
    fn a_program_ends_when_no_timer_is_left() {
        let ran = aiointernal(&["eval", "setTimeout(() => console.log('later'), 20); 'now'"]);
        assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "\"now\"\n", "later\n"));
        let ran = aiointernal(&["eval", "--timeout", "50ms", "setInterval(() => {}, 1); 1"]);
        ran.fails_saying(3, &["timeout", "50ms"]);
        let ran = aiointernal(&["eval", "setTimeout(() => { throw new Error('late') }); 1"]);
        ran.fails_saying(1, &["Error: late\n    at <anonymous> (<eval>:1:"]);
    }

    #[test]
    fn a_virtual_clock_and_a_seed_give_the_same_each_time_and_at_once() {
        let source = "setTimeout(() => console.log(Date.now(), Math.random()), 86_400_000); Math.random()";
        let arguments = ["eval", "--clock", "virtual", "--seed", "1", source];
        let first = aiointernal(&arguments);
        assert!(first.stderr.starts_with("86400000 0."), "{}", first.stderr);
        let again = aiointernal(&arguments);
        assert_eq!((again.stdout, again.stderr), (first.stdout, first.stderr));
        let day =
            ["eval", "--clock", "virtual", "await new Promise((done) => setTimeout(done, 86_400_000)); Date.now()"];
        aiointernal(&day).prints("86400000\n");
    }

    #[test]
    fn a_clock_stands_where_it_is_told_to_and_local_time_is_that_of_the_zone() {
        let clock = ["--clock", "2026-01-31T12:00:00Z"];
        aiointernal(&[&["eval"], &clock[..], &["Date.now()"]].concat()).prints("1769860800000\n");
        let zone = [&["eval"], &clock[..], &["--tz", "Asia/Kolkata", "String(new Date())"]].concat();
        aiointernal(&zone).prints("\"Sat Jan 31 2026 17:30:00 GMT+0530\"\n");
    }

    #[test]
    fn what_is_no_clock_seed_or_zone_is_refused() {
        aiointernal(&["eval", "--clock", "noon", "1"]).fails_saying(2, &["--clock", "2026-01-31T12:00:00Z"]);
        aiointernal(&["eval", "--seed", "-1", "1"]).fails(2);
        aiointernal(&["eval", "--tz", "Europe/Nowhere", "1"]).fails_saying(2, &["no time zone", "Europe/Nowhere"]);
    }
}

mod globals {
    use super::*;

    #[test]
    fn a_global_has_its_value_in_every_command() {
        aiointernal(&["eval", "--global", "x=41", "x + 1"]).prints("42\n");
        run_file("script.js", "x + 1", &["--global", "x=41"]).prints("42\n");
        run_file("module.mjs", "console.log(x)", &["--global", "x=41"]).prints_only_on_the_console("41\n");
        assert_eq!(batch(&["--global", "x=41"], line(1, "x + 1")), [done(1, 42)]);
        feed(&["repl", "--global", "x=41"], "x + 1\n").prints("42\n");
    }

    impl Ran {
        #[track_caller]
        fn prints_only_on_the_console(&self, console: &str) {
            assert_eq!((self.status, &*self.stdout, &*self.stderr), (Some(0), "", console));
        }
    }

    #[test]
    fn several_globals_of_all_kinds_are_there() {
        aiointernal(&[
            "eval",
            "[number, text, list[1].deep, nothing, typeof yes, sign]",
            "--global",
            "number=-1.5e3",
            "--global",
            "text=\"a = b\"",
            "--global",
            "list=[0, {\"deep\": \"\\u00e9\"}]",
            "--global",
            "nothing=null",
            "--global=yes=true",
            "--global=sign=\"=\"",
        ])
        .prints("[-1500,\"a = b\",\"\u{e9}\",null,\"boolean\",\"=\"]\n");
    }

    #[test]
    fn the_last_of_one_name_wins() {
        aiointernal(&["eval", "x", "--global", "x=1", "--global", "x=2"]).prints("2\n");
    }

    #[test]
    fn properties_keep_their_order() {
        aiointernal(&["eval", "Object.keys(x)", "--global", "x={\"b\": 1, \"a\": 2}"]).prints("[\"b\",\"a\"]\n");
    }

    #[test]
    fn a_global_that_cannot_be_set_is_named() {
        let ran = aiointernal(&["eval", "1", "--global", "undefined=1"]);
        assert!(matches!(ran.status, Some(1 | 2)), "{ran:?}");
        ran.fails_saying(ran.status.unwrap(), &["'undefined'"]);
    }
}

mod batches {
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
        let error = json!({ "name": "AggregateError", "message": "m", "stack": "", "cause": part("why"), "errors": [part("1")] });
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
        let lines =
            line(1, "let a = 1; var b = 2; function c() { return a + b }") + &line(2, "a = 40") + &line(3, "c()");
        assert_eq!(batch(&[], lines), [done(1, Json::Null), done(2, 40), done(3, 42)]);
    }

    #[test]
    fn what_an_error_leaves_behind_is_there() {
        let lines =
            line(1, "var a = 1; throw a") + &line(2, "a + 1") + &line(3, "a = 5; while (true);") + &line(4, "a");
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
}

#[path = "cli/module_root.rs"]
mod module_root;
#[path = "cli/repl.rs"]
mod repl;

/// A command of the shell on a terminal of its own, by `script` of util-linux.
#[cfg(target_os = "linux")]
fn on_a_terminal(shell_command: &str) -> Command {
    let inner = command(&[]);
    let mut script = Command::new("script");
    script.args(["-qec", shell_command, "/dev/null"]).env("PROGRAM", PROGRAM).env("SHELL", "/bin/sh");
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    script.env("TERM", "xterm");
    script
}

mod streams {
    use super::*;

    const ESCAPE: char = '\x1b';

    #[test]
    fn there_are_no_escape_codes_where_there_is_no_terminal() {
        for ran in [
            evaluate("console.error('bad'); console.warn('odd'); console.debug('faint'); throw new Error('e')"),
            evaluate("while (true"),
            evaluate("() => 1"),
            aiointernal(&["--help"]),
            aiointernal(&["eval", "--help"]),
            aiointernal(&["eval", "--bogus", "1"]),
            aiointernal(&["run", "missing.js"]),
            feed(&["batch"], line(1, "throw new Error('e')")),
            feed(&["repl"], "1\nthrow new Error('e')\n(\n)"),
        ] {
            assert!(!ran.stdout.contains(ESCAPE) && !ran.stderr.contains(ESCAPE), "{ran:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn errors_are_coloured_on_a_terminal() {
        let ran = run_command(on_a_terminal("exec \"$PROGRAM\" eval \"throw 'red'\""), "");
        assert_eq!(ran.status, Some(1), "{ran:?}");
        assert!(ran.stdout.contains("\x1b[31muncaught: red\x1b[0m"), "{ran:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_terminal_gets_no_commands_from_a_script() {
        let eval = "\"$PROGRAM\" eval --format text \"'\\x1b[31m\\x9b1m'\" 2>/dev/null";
        let ran = run_command(on_a_terminal(eval), "");
        assert_eq!(ran.stdout.trim_end(), r"\u001b[31m\u009b1m", "{ran:?}");
        let mut shell = on_a_terminal("printf '%s' \"$LINE\" | \"$PROGRAM\" batch");
        shell.env("LINE", line(1, r"'\x9b'"));
        let ran = run_command(shell, "");
        assert_eq!(ran.stdout.trim_end(), r#"{"id":1,"ok":true,"value":"\u009b"}"#, "{ran:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_gets_what_the_script_gave() {
        let folder = Folder::new();
        let mut shell = on_a_terminal("\"$PROGRAM\" eval --format text \"'a\\rb'\" > out");
        shell.current_dir(&folder.0);
        run_command(shell, "");
        assert_eq!(fs::read_to_string(folder.0.join("out")).unwrap(), "a\rb\n");
    }

    #[test]
    fn a_reader_of_the_value_that_goes_is_no_error() {
        let output = command(&["eval", "1"]).stdout(unread()).output().unwrap();
        assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""));
    }

    #[test]
    fn a_console_that_nobody_reads_harms_nothing() {
        harms_nothing(|| unread().into());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_console_that_cannot_be_written_harms_nothing() {
        harms_nothing(|| fs::File::options().write(true).open("/dev/full").unwrap().into());
    }

    #[track_caller]
    fn harms_nothing(stderr: impl Fn() -> Stdio) {
        let run = |arguments: &[&str]| {
            let output = command(arguments).stderr(stderr()).output().expect("the command runs");
            (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
        };
        assert_eq!(run(&["eval", "console.log('unheard'); 2"]), (Some(0), "2\n".to_owned()));
        assert_eq!(run(&["eval", "throw 'unheard'"]), (Some(1), String::new()));
        assert_eq!(run(&["run", "--unheard"]), (Some(2), String::new()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn output_that_cannot_be_written_is_an_error_and_no_panic() {
        let full = || fs::File::options().write(true).open("/dev/full").unwrap();
        for (arguments, input) in
            [(&["eval", "1"][..], String::new()), (&["batch"], line(1, "1")), (&["repl"], "1\n".to_owned())]
        {
            let mut command = command(arguments);
            command.stdin(Stdio::piped()).stdout(full()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.code().is_some_and(|status| status != 0 && status != 101),
                "{arguments:?}: {output:?}"
            );
            assert!(stderr.contains("No space left") && !stderr.contains("panicked"), "{arguments:?}: {stderr}");
        }
    }
}

mod cache {
    use super::*;

    /// The one compiled engine of a folder.
    fn compiled(home: &Path) -> PathBuf {
        let folder = home.join("cache/aiointernal");
        let files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        assert_eq!(files[0].extension(), Some(OsStr::new("cwasm")));
        files[0].clone()
    }

    #[test]
    fn a_damaged_file_is_replaced() {
        let home = Folder::new();
        run_command(command_with(&home.0, &["eval", "1"]), "").prints("1\n");
        let file = compiled(&home.0);
        let whole = fs::read(&file).unwrap();
        fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        run_command(command_with(&home.0, &["eval", "2"]), "").prints("2\n");
        assert!(fs::read(compiled(&home.0)).unwrap() == whole, "the file is as it was");
    }

    #[test]
    fn a_folder_that_cannot_be_made_costs_only_time() {
        let home = Folder::with_file("cache", "in the way");
        run_command(command_with(&home.0, &["eval", "1"]), "").prints("1\n");
        assert_eq!(fs::read_to_string(home.0.join("cache")).unwrap(), "in the way");
    }

    #[test]
    fn no_home_costs_only_time() {
        let mut command = command(&["eval", "1"]);
        command.env_remove("XDG_CACHE_HOME").env_remove("XDG_STATE_HOME").env_remove("HOME");
        run_command(command, "").prints("1\n");
    }
}

mod compile {
    use super::*;

    fn compile(folder: &Path, options: &[&str]) -> Ran {
        aiointernal(&[&["compile", folder.to_str().unwrap()], options].concat())
    }

    #[test]
    fn each_configuration_has_a_file_of_its_own_that_is_made_once() {
        let home = Folder::new();
        let folder = home.0.join("of/code");
        for options in [&[][..], &["--fuel"], &["--epochs"], &["--fuel", "--epochs"], &[]] {
            compile(&folder, options).prints("");
        }
        let files = fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, if cfg!(all(target_os = "linux", target_arch = "x86_64")) { 4 } else { 2 });
    }

    #[test]
    fn a_damaged_file_is_replaced() {
        let home = Folder::new();
        let folder = home.0.join("code");
        compile(&folder, &[]).prints("");
        let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        let whole = fs::read(&file).unwrap();
        fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        compile(&folder, &[]).prints("");
        assert!(fs::read(&file).unwrap() == whole, "the file is as it was");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_cannot_be_used_is_an_error_whatever_is_in_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = Folder::with_file("file", "in the way");
        compile(&home.0.join("file"), &[]).fails_saying(2, &["io: ", "compiled code cannot be left in", "file"]);
        let open = home.0.join("open");
        fs::create_dir(&open).unwrap();
        fs::write(open.join("old.cwasm"), "of another version").unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        compile(&open, &[]).fails_saying(2, &["others than this user may write it"]);
        assert_eq!(fs::read_dir(&open).unwrap().count(), 1);
    }
}

/// Bytes of the command, without the engine's compiled code, which it caches. Measured: 42,645,640, of which TypeScript, fetch with TLS, and the
/// time zones are a third.
const SIZE: u64 = 45_000_000;

#[test]
fn the_command_is_no_larger_than_it_may_be() {
    let bytes = fs::metadata(PROGRAM).unwrap().len();
    assert!(bytes <= SIZE, "{bytes}");
}
