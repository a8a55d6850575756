//! The command `aiointernal` as scripts see it: what goes in, what comes out on which stream, and the exit status.
//!
//! No test sleeps. Where an order matters, the one side prints and the other waits until it has read that.
#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use serde_json::{Value as Json, json};

use self::{folder::Folder, session::Session};

#[path = "cli/folder.rs"]
mod folder;
#[path = "cli/session.rs"]
mod session;
#[path = "cli/eval.rs"]
mod eval;
#[path = "cli/thrown.rs"]
mod thrown;
#[path = "cli/limits.rs"]
mod limits;
#[path = "cli/fetch.rs"]
mod fetch;
#[path = "cli/time.rs"]
mod time;
#[path = "cli/typescript.rs"]
mod typescript;
#[path = "cli/globals.rs"]
mod globals;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/module_root.rs"]
mod module_root;
#[path = "cli/batches.rs"]
mod batches;
#[path = "cli/repl.rs"]
mod repl;
#[path = "cli/streams.rs"]
mod streams;
#[path = "cli/usage.rs"]
mod usage;
#[path = "cli/cache.rs"]
mod cache;
#[path = "cli/compile.rs"]
mod compile;

const PROGRAM: &str = env!("CARGO_BIN_EXE_aiointernal");

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

/// `aiointernal run` on a file of this name and content, in the file's folder.
fn run_file(name: &str, content: impl AsRef<[u8]>, options: &[&str]) -> Ran {
    let folder = Folder::with_file(name, content);
    let mut command = command(&[&["run", name], options].concat());
    command.current_dir(&folder.0);
    run_command(command, "")
}

/// The end of a pipe to write to that nobody reads.
fn unread() -> io::PipeWriter {
    let (_reader, writer) = io::pipe().expect("there are pipes");
    writer
}

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

/// Bytes of the command, without the engine's compiled code, which it caches. Measured: 42,645,640, of which TypeScript, fetch with TLS, and the
/// time zones are a third.
const SIZE: u64 = 45_000_000;

#[test]
fn the_command_is_no_larger_than_it_may_be() {
    let bytes = fs::metadata(PROGRAM).unwrap().len();
    assert!(bytes <= SIZE, "{bytes}");
}
