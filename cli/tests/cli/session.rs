//! A command that one talks with, and what it prints, as it comes.

use std::{
    io::{Read, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use serde_json::Value as Json;

use super::{Ran, command};

/// How long a test waits for what should be there at once, before it fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command that one talks with.
pub(super) struct Session {
    pub(super) child: Child,
    input: Option<ChildStdin>,
    pub(super) output: Output,
    pub(super) errors: Output,
}

impl Session {
    pub(super) fn start(arguments: &[&str]) -> Session {
        Session::of(command(arguments))
    }

    pub(super) fn of(mut command: Command) -> Session {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        let input = child.stdin.take();
        let output = Output::new(child.stdout.take().expect("stdout is a pipe"));
        let errors = Output::new(child.stderr.take().expect("stderr is a pipe"));
        Session { child, input, output, errors }
    }

    pub(super) fn write(&mut self, text: &str) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(text.as_bytes()).expect("the command reads its input");
    }

    #[cfg(unix)]
    pub(super) fn interrupt(&self) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal is sent");
    }

    /// Ends the input. Gives the exit status, and what was not read yet.
    pub(super) fn end(mut self) -> Ran {
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
pub(super) struct Output {
    chunks: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Output {
    pub(super) fn new(mut stream: impl Read + Send + 'static) -> Output {
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
    pub(super) fn until(&mut self, text: &str) -> String {
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
    pub(super) fn line(&mut self) -> String {
        self.until("\n").trim_end_matches('\n').to_owned()
    }

    /// The next line, which is JSON.
    #[track_caller]
    pub(super) fn json(&mut self) -> Json {
        serde_json::from_str(&self.line()).expect("the line is JSON")
    }

    /// Everything up to the end of the stream.
    #[track_caller]
    pub(super) fn rest(&mut self) -> String {
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
