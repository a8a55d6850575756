//! `aiointernal eval` and `aiointernal run`.

use std::{
    fs, io,
    path::{self, Path},
};

use aiointernal::{
    Limits, Value,
    js::{Folder, Source},
};
use anyhow::{Context as _, Result};

use crate::{
    options::{Common, Format, Formatting},
    report,
};

/// Evaluates a source text and prints its value.
pub(crate) fn eval(source: &str, printed: Formatting, options: &Common) -> Result<()> {
    let source = match source {
        "-" => Source::read("<stdin>", io::stdin(), Limits::default().source)?,
        text => Source::script(text),
    };
    let source = options.source(source);
    let context = options.context(&options.sandbox()?)?;
    let line = match printed.format {
        Format::Json => json(context.eval(source).blocking()?)?,
        Format::Text => context.eval_text(source).blocking()?,
    };
    print(&line)
}

/// Runs a file and prints its value; as JSON, which has no undefined, nothing for that.
pub(crate) fn run(file: &Path, printed: Formatting, options: &Common) -> Result<()> {
    let sandbox = options.sandbox()?;
    let mut context = options.context_builder(&sandbox)?;
    if let Some(folder) = folder_of(file)? {
        context = context.modules(folder);
    }
    let context = context.blocking()?;
    let source = if options.is_typescript() { Some(read(file)?.typescript()) } else { None };
    match printed.format {
        Format::Json => {
            let value = match source {
                Some(source) => context.eval(source),
                None => context.eval_file(file),
            };
            match value.blocking()? {
                Value::Undefined => Ok(()),
                value => print(&json(value)?),
            }
        }
        Format::Text => {
            let text = match source {
                Some(source) => context.eval_text(source),
                None => context.eval_file_text(file),
            };
            print(&text.blocking()?)
        }
    }
}

fn read(file: &Path) -> Result<Source> {
    let name = file.display().to_string();
    let text = fs::File::open(file).with_context(|| format!("cannot read {name}"))?;
    Ok(Source::read(name, text, Limits::default().source)?)
}

/// What a file may import: the folder that it is in. `None`: there is no such file, which is told when it is run.
fn folder_of(file: &Path) -> Result<Option<Folder>> {
    let name = file.display().to_string();
    let end = name.rfind(path::is_separator).map_or(0, |separator| separator + 1);
    let path = match file.parent() {
        Some(path) if path != Path::new("") => path,
        _ => Path::new("."),
    };
    match Folder::open(path) {
        Ok(folder) => Ok(Some(folder.named(&name[..end]))),
        Err(error) if file.exists() => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// A value as JSON, which has no cycles.
fn json(value: Value) -> Result<String> {
    Ok(serde_json::to_string(&value.into_tree()?)?)
}

/// Prints a line. A reader that has gone is no error of ours.
pub(crate) fn print(line: &str) -> Result<()> {
    match report::print(line) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("cannot write standard output"),
        _ => Ok(()),
    }
}
