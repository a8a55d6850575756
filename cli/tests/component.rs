//! `aiointernal component run` as scripts see it.
//!
//! No test sleeps. The one that waits for a limit waits for the command to end.
#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const CORE: &str = include_str!("../../tests/component/core.wat");
const VALUES: &str = include_str!("../../tests/component/values.wat");
const INTERFACES: &str = include_str!("../../tests/component/interfaces.wat");
const WASI: &str = include_str!("../../tests/component/wasi.wat");

fn home() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("component")
}

/// A file with a component in it.
fn file(name: &str, text: &str) -> String {
    raw(name, &wat::parse_str(text).unwrap())
}

fn raw(name: &str, bytes: &[u8]) -> String {
    let folder = home().join("files");
    fs::create_dir_all(&folder).unwrap();
    // Tests share files: each writes its own and moves it into place.
    let own = folder.join(format!("{name}-{:?}", std::thread::current().id()));
    fs::write(&own, bytes).unwrap();
    let path = folder.join(format!("{name}.wasm"));
    fs::rename(own, &path).unwrap();
    path.to_str().unwrap().to_owned()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aiointernal"));
    command.args(["component", "run"]).args(arguments).env("XDG_CACHE_HOME", home().join("cache"));
    command.env("SECRET", "of the host").stdin(Stdio::null());
    command
}

struct Ran {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn ended(output: Output) -> Ran {
    let ran = Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    ran
}

fn run(arguments: &[&str]) -> Ran {
    ended(command(arguments).output().unwrap())
}

#[track_caller]
fn prints(arguments: &[&str], expected: &str) {
    let ran = run(arguments);
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), expected, ""));
}

#[track_caller]
fn fails(arguments: &[&str], status: i32, parts: &[&str]) {
    let ran = run(arguments);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(status), ""), "{}", ran.stderr);
    for part in parts {
        assert!(ran.stderr.contains(part), "there is no {part:?} in {}", ran.stderr);
    }
}

#[test]
fn a_function_is_called_and_its_result_printed() {
    prints(&[&file("core", CORE), "--invoke", "add(1, 2)"], "3\n");
    prints(&[&file("core", CORE), "--invoke", "grow-or-trap(0)"], "");
    prints(&[&file("values", VALUES), "--invoke", "echo(\"ünïcode\")"], "\"ünïcode\"\n");
    prints(&[&file("interfaces", INTERFACES), "--invoke", "example:math/basic@1.0.0#sub(5, 3)"], "2\n");
}

#[test]
fn a_result_that_is_an_error_is_printed_and_is_the_status() {
    let ran = run(&[&file("values", VALUES), "--invoke", "half(7)"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), "err(\"odd\")\n"));
}

#[test]
fn each_failure_has_its_status() {
    let core = file("core", CORE);
    fails(&[&core, "--invoke", "trap()"], 1, &["trapped", "unreachable"]);
    fails(&[&core, "--invoke", "nothing()"], 2, &["invalid-argument", "add: func(a: u32, b: u32) -> u32"]);
    fails(&[&core, "--invoke", "add(1)"], 2, &["1 arguments were given, and add takes 2"]);
    fails(&[&core], 2, &["wasi:cli/run"]);
    fails(&["no-such-file.wasm", "--invoke", "add(1, 2)"], 2, &["no-such-file.wasm"]);
    fails(&[], 2, &["Usage"]);
    fails(&[&core, "--invoke", "spin()", "--timeout", "30ms"], 3, &["timeout", "30ms"]);
    fails(&[&core, "--invoke", "grow-or-trap(100)", "--memory", "1MiB"], 3, &["memory-limit", "1048576 bytes"]);
    fails(&[&core, "--invoke", "recurse()"], 3, &["stack-limit"]);
}

#[test]
fn a_file_that_is_no_component_is_told_what_it_is() {
    fails(&[&raw("text", b"not wasm at all")], 2, &["bad-component", "not WebAssembly"]);
    fails(&[&raw("empty", b"")], 2, &["bad-component", "empty"]);
    fails(&[&file("module", "(module)")], 2, &["bad-component", "core module"]);
    let import = file("import", r#"(component (import "example:host/log" (instance)))"#);
    fails(&[&import], 2, &["bad-component", "example:host/log"]);
}

#[test]
fn nothing_of_the_host_is_there_unless_granted() {
    let wasi = file("wasi", WASI);
    for (call, expected) in [("variables()", "0"), ("folders()", "0"), ("ticks()", "0"), ("seconds()", "0")] {
        prints(&[&wasi, "--invoke", call], &format!("{expected}\n"));
    }
    prints(&[&wasi, "--invoke", "print(\"lost\")"], "");
    let random = run(&[&wasi, "--invoke", "random()"]).stdout;
    prints(&[&wasi, "--invoke", "random()"], &random);
}

#[test]
fn options_grant_what_they_say() {
    let wasi = file("wasi", WASI);
    prints(&[&wasi, "--env", "A=1", "--env", "B=", "--invoke", "variables()"], "2\n");
    prints(&[&wasi, "--invoke", "arguments()", "--", "one", "--two"], "3\n");
    prints(&[&wasi, "--stdio", "--invoke", "print(\"shown\")"], "shown");
    assert_ne!(run(&[&wasi, "--clock", "--invoke", "seconds()"]).stdout, "0\n");
    let random = || run(&[&wasi, "--random", "--invoke", "random()"]).stdout;
    assert_ne!(random(), random());
}

#[test]
fn folders_are_granted_to_read_or_to_write() {
    let wasi = file("wasi", WASI);
    let folder = home().join("granted");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("file.txt"), "content").unwrap();
    let _ = fs::remove_file(folder.join("new.txt"));
    let host = folder.to_str().unwrap();
    for dir in [host.to_owned(), format!("{host}::/data"), format!("{host}:ro"), format!("{host}::/data:ro")] {
        prints(&[&wasi, "--dir", &dir, "--invoke", "read-file(\"file.txt\")"], "\"content\"\n");
    }
    prints(&[&wasi, "--dir", &format!("{host}:ro"), "--invoke", "open(\"new.txt\", 1, 2)"], "(1, 31)\n");
    assert!(!folder.join("new.txt").exists());
    assert_eq!(run(&[&wasi, "--dir", host, "--invoke", "open(\"new.txt\", 1, 2)"]).status, Some(0));
    assert!(folder.join("new.txt").exists());
    fails(&[&wasi, "--dir", "/no/such/folder", "--invoke", "folders()"], 2, &["/no/such/folder"]);
    fails(&[&wasi, "--dir", "::x", "--invoke", "folders()"], 2, &["HOST"]);
    fails(&[&wasi, "--env", "novalue", "--invoke", "folders()"], 2, &["NAME=VALUE"]);
}

#[test]
fn a_command_runs_with_its_arguments_and_its_end_is_the_status() {
    let wasi = file("wasi", WASI);
    // The component succeeds, fails, exits with 0, exits with 1.
    for (arguments, status) in [(0, 0), (1, 1), (2, 0), (3, 1)] {
        let mut all = vec![wasi.as_str(), "--stdio", "--"];
        all.extend(std::iter::repeat_n("argument", arguments));
        let ran = run(&all);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(status), "ran\n"), "{}", ran.stderr);
    }
}

#[test]
fn standard_input_that_is_granted_is_read() {
    let wasi = file("wasi", WASI);
    let mut child = command(&[&wasi, "--stdio", "--invoke", "read()"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"typed").unwrap();
    let ran = ended(child.wait_with_output().unwrap());
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "\"typed\"\n"), "{}", ran.stderr);
}

#[test]
fn a_read_of_standard_input_that_nobody_feeds_ends_at_the_time_limit() {
    let wasi = file("wasi", WASI);
    let mut child = command(&[&wasi, "--stdio", "--timeout", "50ms", "--invoke", "read()"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Open until the command has ended.
    let input = child.stdin.take();
    let status = child.wait().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("50ms"), "{stderr}");
    drop(input);
}

#[test]
fn a_sleep_ends_at_the_time_limit() {
    let wasi = file("wasi", WASI);
    fails(&[&wasi, "--timeout", "50ms", "--invoke", "sleep(3600000000000)"], 3, &["timeout", "50ms"]);
}
