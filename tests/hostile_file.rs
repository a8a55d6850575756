//! The hostile corpus: scripts that try to outrun their limits, in the files of `tests/hostile`, one a category.
//!
//! ```text
//! # A comment, between scripts.
//! === the name of the script
//! the JavaScript source; a first line `// module` makes it a module
//! ---
//! stops or memory
//! ```
//!
//! The last line says how the script may end, one or more of these:
//!
//! - `stops`: at its deadline. Where this is not among them, the script ends by itself, if it is given the time.
//! - `memory`: for want of memory, by the limit or by an `InternalError: out of memory`. Once it has ended, what it used is free.
//! - `fills`: as `memory`, but what it used is reachable for good, so that the context may have too little for what follows.
//! - `range-error`: with an uncaught `RangeError`.
//! - `throws`: with any uncaught exception.
//! - `value`: with a result.
//! - `limit CODE`: with an error whose `ErrorKind::code` is this one.
//! - `ends`: in any of these ways.
//!
//! A comment that starts with `# bug:` marks a script that does not end as it should yet: the test fails when it does.
//!
//! Scripts use nothing but the language, `console`, the functions of [`functions`], and, in `timers` and `web`, timers and web APIs.

use std::{convert::Infallible, fs, path::Path, task::Poll};

use aiointernal::{
    Error, ErrorKind, Value,
    js::{Functions, Source},
};

const BUG: &str = "# bug:";

/// One script, and how it may end.
pub(crate) struct Script {
    /// The name of its file.
    pub(crate) category: String,
    /// What it tries.
    pub(crate) name: String,
    /// Whether it is known not to end so yet.
    pub(crate) is_bug: bool,
    text: String,
    endings: Vec<Ending>,
}

/// A way to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Stops,
    Memory,
    Fills,
    RangeError,
    Throws,
    Value,
    Limit(String),
    Ends,
}

impl Script {
    /// The source.
    pub(crate) fn source(&self) -> Source {
        let is_module = self.text.starts_with("// module\n");
        if is_module { Source::module(self.text.as_str()) } else { Source::script(self.text.as_str()) }
    }

    /// Whether this is one of the ways in which it may end.
    pub(crate) fn may(&self, ending: &Ending) -> bool {
        self.endings.contains(ending)
    }

    /// Whether it may end with this.
    pub(crate) fn may_end_with(&self, result: &Result<Value, Error>) -> bool {
        self.endings.iter().any(|ending| ending.is(result))
    }
}

impl Ending {
    fn parse(text: &str) -> Ending {
        match text {
            "stops" => Ending::Stops,
            "memory" => Ending::Memory,
            "fills" => Ending::Fills,
            "range-error" => Ending::RangeError,
            "throws" => Ending::Throws,
            "value" => Ending::Value,
            "ends" => Ending::Ends,
            _ => Ending::Limit(text.strip_prefix("limit ").expect("a way to end").to_owned()),
        }
    }

    fn is(&self, result: &Result<Value, Error>) -> bool {
        let kind = result.as_ref().err().map(Error::kind);
        let exception = result.as_ref().err().and_then(Error::exception);
        match self {
            Ending::Stops => kind == Some(ErrorKind::Timeout),
            Ending::Memory | Ending::Fills => {
                kind == Some(ErrorKind::MemoryLimit)
                    || exception.is_some_and(|thrown| thrown.message == "out of memory")
            }
            Ending::RangeError => exception.is_some_and(|thrown| thrown.name == "RangeError"),
            Ending::Throws => kind == Some(ErrorKind::Thrown),
            Ending::Value => kind.is_none(),
            Ending::Limit(code) => kind.is_some_and(|kind| kind.code() == code),
            Ending::Ends => kind.is_none_or(|kind| {
                kind.is_limit()
                    || matches!(kind, ErrorKind::Thrown | ErrorKind::NeverSettles | ErrorKind::NotTransferable)
            }),
        }
    }
}

/// The functions that scripts call: `host.now(...)` gives the number of its arguments at once, `host.soon()` answers a
/// moment later, and `host.never()` not at all. They need a runtime.
pub(crate) fn functions() -> Functions {
    Functions::new()
        .sync_function("host.now", |all: Vec<Value>, _| Ok::<_, Infallible>(all.len()))
        .function("host.soon", |(): (), _| async {
            let mut is_first = true;
            let later = std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }
            });
            later.await;
            Ok::<_, Infallible>(())
        })
        .function("host.never", |(): (), _| std::future::pending::<Result<(), Infallible>>())
}

/// All scripts, by category and in the order of their files.
pub(crate) fn scripts() -> Vec<Script> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/hostile");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder of the corpus is there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    files.iter().flat_map(|path| parse(path)).collect()
}

fn parse(path: &Path) -> Vec<Script> {
    let category = path.file_stem().expect("a file has a name").to_string_lossy();
    let text = fs::read_to_string(path).expect("a file of the corpus is UTF-8");
    let mut scripts: Vec<Script> = Vec::new();
    let (mut in_source, mut is_bug) = (false, false);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            let (category, name) = (category.clone().into_owned(), name.to_owned());
            scripts.push(Script { category, name, is_bug, text: String::new(), endings: Vec::new() });
            (in_source, is_bug) = (true, false);
        } else if in_source && line == "---" {
            in_source = false;
        } else if !in_source && line.starts_with('#') {
            is_bug = line.starts_with(BUG);
        } else if let Some(script) = scripts.last_mut() {
            if in_source {
                script.text.extend([line, "\n"]);
            } else if !line.is_empty() {
                script.endings = line.split(" or ").map(Ending::parse).collect();
            }
        }
    }
    scripts
}
