//! `aiointernal eval` and `aiointernal run`.

use std::{
    borrow::Cow,
    fs, io,
    path::{self, Path},
};

use aiointernal::{
    Limits, Value,
    js::{Folder, Source},
};
use anyhow::{Context as _, Result};
use tokio::runtime::{self, Runtime};

use crate::{
    options::{Common, Format, Formatting, ModuleRoot},
    report,
};

/// Evaluates a source text and prints its value.
pub(crate) fn eval(source: &str, printed: Formatting, options: &Common) -> Result<()> {
    let source = match source {
        "-" => Source::read("<stdin>", io::stdin(), Limits::default().source)?,
        text => Source::script(text),
    };
    let source = options.source(source);
    let runtime = runtime()?;
    let _within = runtime.enter();
    let context = options.context(&options.sandbox()?)?.until_idle();
    let line = match printed.format {
        Format::Json => json(runtime.block_on(async { context.eval(source).await })?)?,
        Format::Text => runtime.block_on(async { context.eval_text(source).await })?,
    };
    print(&line)
}

/// Runs a file and prints its value; as JSON, which has no undefined, nothing for that.
pub(crate) fn run(file: &Path, printed: Formatting, options: &Common) -> Result<()> {
    let sandbox = options.sandbox()?;
    let mut context = options.context_builder(&sandbox)?;
    let file = match &options.module_root {
        Some(root) => {
            let (modules, file) = placed(root, file);
            context = context.modules(modules);
            &file.into_owned()
        }
        None => {
            if let Some(folder) = folder_of(file)? {
                context = context.modules(folder);
            }
            file
        }
    };
    let runtime = runtime()?;
    let _within = runtime.enter();
    let context = context.blocking()?.until_idle();
    let source = if options.is_typescript() { Some(read(file)?.typescript()) } else { None };
    match printed.format {
        Format::Json => {
            let evaluation = match source {
                Some(source) => context.eval(source),
                None => context.eval_file(file),
            };
            match runtime.block_on(async { evaluation.await })? {
                Value::Undefined => Ok(()),
                value => print(&json(value)?),
            }
        }
        Format::Text => {
            let evaluation = match source {
                Some(source) => context.eval_text(source),
                None => context.eval_file_text(file),
            };
            print(&runtime.block_on(async { evaluation.await })?)
        }
    }
}

fn read(file: &Path) -> Result<Source> {
    let name = file.display().to_string();
    let text = fs::File::open(file).with_context(|| format!("cannot read {name}"))?;
    Ok(Source::read(name, text, Limits::default().source)?)
}

/// Where requests of scripts run.
pub(crate) fn runtime() -> io::Result<Runtime> {
    runtime::Builder::new_current_thread().enable_all().build()
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

/// A file as one of the modules of this root, where it is below that: under a path that the names of the modules begin like.
fn placed<'f>(root: &ModuleRoot, file: &'f Path) -> (Folder, Cow<'f, Path>) {
    let below = || file.canonicalize().ok()?.strip_prefix(root.path.canonicalize().ok()?).ok().map(Path::to_owned);
    let Some(below) = below() else {
        return (root.modules.clone(), Cow::Borrowed(file));
    };
    match file.display().to_string().strip_suffix(&below.display().to_string()) {
        Some(start) if start.is_empty() || start.ends_with(path::is_separator) => {
            (root.modules.clone().named(start), Cow::Borrowed(file))
        }
        _ => (root.modules.clone(), Cow::Owned(root.path.join(below))),
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
