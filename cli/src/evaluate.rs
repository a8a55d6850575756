//! `aiointernal eval` and `aiointernal run`.

use std::{
    io::{self, Read as _, Write as _},
    path::Path,
};

use aiointernal::{Value, js::Source};
use anyhow::{Context as _, Result};

use crate::{
    options::{Common, Format, Formatting},
    report,
};

/// Evaluates a source text and prints its value.
pub(crate) fn eval(source: &str, printed: Formatting, options: &Common) -> Result<()> {
    let source = match source {
        "-" => Source::script(read_stdin()?).named("<stdin>"),
        text => Source::script(text),
    };
    let context = options.context(&options.sandbox()?)?;
    let line = match printed.format {
        Format::Json => json(&context.eval(source).blocking()?)?,
        Format::Text => context.eval_text(source).blocking()?,
    };
    print(&line)
}

/// Runs a file and prints its value; as JSON, which has no undefined, nothing for that.
pub(crate) fn run(file: &Path, printed: Formatting, options: &Common) -> Result<()> {
    let context = options.context(&options.sandbox()?)?;
    match printed.format {
        Format::Json => match context.eval_file(file).blocking()? {
            Value::Undefined => Ok(()),
            value => print(&json(&value)?),
        },
        Format::Text => print(&context.eval_file_text(file).blocking()?),
    }
}

fn read_stdin() -> Result<String> {
    let mut bytes = Vec::new();
    // One byte more than a source may have: the engine then says that it is too large.
    let limit = aiointernal::Limits::default().source as u64 + 1;
    io::stdin().take(limit).read_to_end(&mut bytes).context("cannot read standard input")?;
    String::from_utf8(bytes).context("standard input is not UTF-8")
}

fn json(value: &Value) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

/// Prints a line. A reader that has gone is no error of ours.
pub(crate) fn print(line: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{}", report::shown(line)).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("cannot write standard output"),
        _ => Ok(()),
    }
}
