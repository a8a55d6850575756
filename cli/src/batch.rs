//! `aiointernal batch`: a line in, a line out.

use std::{
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    io::{self, BufRead, Read as _},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{self, Poll},
    thread,
};

use aiointernal::{
    Error, ErrorKind, Value,
    js::{Exception, Source, Sources},
};
use anyhow::{Context as _, Result, bail};
use futures_core::Stream;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::{evaluate::runtime, options::Common, report};

/// Lines that are read ahead of their evaluation.
const LINES_AHEAD: usize = 16;

const UNREADABLE: &str = "cannot read standard input";

/// Bytes of a line. A source of the default limit fits even if every character of it is written as an escape.
const MAX_LINE: u64 = 16 << 20;

/// A line of input, or what kept it from being read.
type Read = io::Result<Line>;

/// What a line is called, as it was written; `null` where it was not.
type Id = Option<Box<RawValue>>;

/// One line of input.
struct Line {
    id: Id,
    /// The source, or what is wrong with the line.
    source: Result<String, String>,
}

/// Evaluates every line of standard input.
pub(crate) fn run(fresh: bool, options: &Common) -> Result<()> {
    let sandbox = options.sandbox()?;
    let lines = read_lines()?;
    let done = runtime()?.block_on(async {
        if fresh { each_alone(lines, &sandbox, options).await } else { all_together(lines, &sandbox, options).await }
    });
    match done {
        // A reader that has gone is no error of ours.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) => {
            Ok(())
        }
        done => done,
    }
}

async fn each_alone(mut lines: mpsc::Receiver<Read>, sandbox: &aiointernal::Sandbox, options: &Common) -> Result<()> {
    let context = options.context(sandbox)?;
    while let Some(line) = lines.recv().await {
        let Line { id, source } = line.context(UNREADABLE)?;
        let answer = match source {
            Err(reason) => malformed(id, reason),
            Ok(source) => {
                let answer = answer(id, context.eval(options.source(Source::script(source))).await);
                context.reset().await?;
                answer
            }
        };
        print(&answer)?;
    }
    Ok(())
}

async fn all_together(lines: mpsc::Receiver<Read>, sandbox: &aiointernal::Sandbox, options: &Common) -> Result<()> {
    let context = options.context(sandbox)?;
    let open = Arc::new(Mutex::new(VecDeque::new()));
    let sources =
        Sources::from_stream(Accepted { lines, open: Arc::clone(&open), is_typescript: options.is_typescript() });
    let mut results = context.eval_batch(sources).stream();
    loop {
        // Reading goes on within this poll, and meets malformed lines: they are answered without waiting for more.
        let result = poll_fn(|task| {
            let result = Pin::new(&mut results).poll_next(task);
            match print_malformed(&open) {
                Ok(()) => result.map(Ok),
                Err(error) => Poll::Ready(Err(error)),
            }
        });
        let Some(result) = result.await? else {
            let left = lock(&open).pop_front();
            return match left {
                Some(Open::Unreadable(error)) => Err(error).context(UNREADABLE),
                Some(_) => bail!("the batch ended before its last line"),
                None => Ok(()),
            };
        };
        let entry = lock(&open).pop_front();
        if let Some(Open::Evaluating(id)) = entry {
            print(&answer(id, result))?;
        }
        print_malformed(&open)?;
    }
}

/// A line that has no answer yet.
enum Open {
    Evaluating(Id),
    Malformed(Id, String),
    /// No line: reading failed, and this is the end.
    Unreadable(io::Error),
}

/// The sources of the good lines; it notes every line in `open`.
struct Accepted {
    lines: mpsc::Receiver<Read>,
    open: Arc<Mutex<VecDeque<Open>>>,
    is_typescript: bool,
}

impl Stream for Accepted {
    type Item = Source;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Option<Source>> {
        loop {
            let Poll::Ready(line) = self.lines.poll_recv(task) else {
                return Poll::Pending;
            };
            let mut open = lock(&self.open);
            let Line { id, source } = match line {
                Some(Ok(line)) => line,
                Some(Err(error)) => {
                    open.push_back(Open::Unreadable(error));
                    return Poll::Ready(None);
                }
                None => return Poll::Ready(None),
            };
            match source {
                Ok(source) => {
                    open.push_back(Open::Evaluating(id));
                    let source = Source::script(source);
                    return Poll::Ready(Some(if self.is_typescript { source.typescript() } else { source }));
                }
                Err(reason) => open.push_back(Open::Malformed(id, reason)),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the malformed lines whose turn it is.
fn print_malformed(open: &Mutex<VecDeque<Open>>) -> Result<()> {
    let mut open = lock(open);
    while let Some(Open::Malformed(..)) = open.front() {
        if let Some(Open::Malformed(id, reason)) = open.pop_front() {
            print(&malformed(id, reason))?;
        }
    }
    Ok(())
}

/// Reads lines on a thread of their own: reading standard input blocks.
fn read_lines() -> Result<mpsc::Receiver<Read>> {
    let (sender, receiver) = mpsc::channel(LINES_AHEAD);
    let read = move || {
        let mut input = io::stdin().lock();
        loop {
            let line = match read_line(&mut input) {
                Ok(None) => break,
                Ok(Some(line)) => Ok(parse(&line)),
                Err(error) => Err(error),
            };
            let failed = line.is_err();
            if sender.blocking_send(line).is_err() || failed {
                break;
            }
        }
    };
    thread::Builder::new().name("aiointernal-stdin".to_owned()).spawn(read).context("cannot start a thread")?;
    Ok(receiver)
}

/// The next line; of one that is too long, its beginning.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let length = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
    if length as u64 == MAX_LINE && !line.ends_with(b"\n") {
        input.skip_until(b'\n')?;
    }
    Ok((length > 0).then_some(line))
}

fn parse(line: &[u8]) -> Line {
    if line.len() as u64 >= MAX_LINE {
        return Line { id: None, source: Err(format!("the line is longer than {MAX_LINE} bytes")) };
    }
    if line.trim_ascii().is_empty() {
        return Line { id: None, source: Err("the line is empty".to_owned()) };
    }
    let Ok(line) = str::from_utf8(line) else {
        return Line { id: None, source: Err("the line is not UTF-8".to_owned()) };
    };
    let mut fields = match serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(line) {
        Ok(fields) => fields,
        Err(error) if error.is_data() => {
            return Line { id: None, source: Err("the line is not a JSON object".to_owned()) };
        }
        Err(error) => return Line { id: None, source: Err(format!("the line is not JSON: {error}")) },
    };
    let id = fields.remove("id");
    let source = fields.remove("source").and_then(|source| serde_json::from_str(source.get()).ok());
    Line { id, source: source.ok_or_else(|| "the line has no \"source\" that is a string".to_owned()) }
}

/// One line of output.
#[derive(Serialize)]
struct Answer {
    id: Id,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Told>,
}

/// An error, told as JavaScript tells it.
#[derive(Default, Serialize)]
struct Told {
    name: String,
    message: String,
    stack: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Box<Told>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Told>,
}

impl Told {
    fn of(exception: &Exception) -> Told {
        Told {
            name: exception.name.clone(),
            message: exception.message.clone(),
            stack: exception.stack.clone(),
            cause: exception.cause.as_deref().map(|cause| Box::new(Told::of(cause))),
            errors: exception.errors.iter().map(Told::of).collect(),
        }
    }
}

fn answer(id: Id, result: Result<Value, Error>) -> Answer {
    // JSON has no cycles.
    match result.and_then(Value::into_tree) {
        Ok(value) => Answer { id, ok: true, value: Some(value), kind: None, error: None },
        Err(error) => {
            let told = match error.exception() {
                Some(exception) => Told::of(exception),
                None => Told { message: error.to_string(), ..Told::default() },
            };
            Answer { id, ok: false, value: None, kind: Some(error.kind().code()), error: Some(told) }
        }
    }
}

fn malformed(id: Id, reason: String) -> Answer {
    let error = Told { message: reason, ..Told::default() };
    Answer { id, ok: false, value: None, kind: Some(ErrorKind::InvalidArgument.code()), error: Some(error) }
}

fn print(answer: &Answer) -> Result<()> {
    Ok(report::print(&serde_json::to_string(answer)?)?)
}
