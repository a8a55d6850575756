//! Source texts on their way to the engine.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use super::bindings;
use crate::error::{Error, ErrorKind};

/// A JavaScript source text, with a name for error stacks.
///
/// A plain `&str` or `String` is a script named `<eval>`.
///
/// ```
/// use aiointernal::js::Source;
///
/// let script = Source::script("1 + 2").named("sum.js");
/// let module = Source::module("globalThis.answer = await 42");
/// ```
///
/// # Source maps
///
/// Where a text that was compiled from another ends with a line that brings its source map with it,
/// `//# sourceMappingURL=data:application/json;base64,...` (also with `;charset=utf-8`, or percent-encoded), the stacks
/// of an [`Exception`](crate::js::Exception) name the original's files, lines, columns and functions. The same holds
/// for modules. The map is looked at when an exception leaves whose stack names the source: one that is malformed, or
/// an index of maps, is ignored. A context remembers the last 64 texts with a map, up to 4 MiB of them, until it is
/// replaced, and of one name the last: so name the sources that have one. `error.stack` as a script reads it, and what the console prints, stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    name: Option<String>,
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Script,
    Module,
}

impl Source {
    /// A classic script: its completion value is the result, and its top-level `let` and `const` stay.
    pub fn script(text: impl Into<String>) -> Source {
        Source { name: None, text: text.into(), kind: Kind::Script }
    }

    /// An ES module: strict, with `await` at its top level. Its result is `undefined`. It imports what its context was
    /// [granted](crate::js::ContextBuilder::modules), relative to its own name. Whoever imports that name later gets this
    /// module, and no earlier one of the name.
    ///
    /// QuickJS never frees a module: each takes its memory, for the code and what that keeps, until the context is
    /// [reset](crate::Context::reset). What is evaluated many times is better a script, or a function that is called.
    pub fn module(text: impl Into<String>) -> Source {
        Source { name: None, text: text.into(), kind: Kind::Module }
    }

    /// The same source with this name in error stacks.
    pub fn named(mut self, name: impl Into<String>) -> Source {
        self.name = Some(name.into());
        self
    }

    /// Reads a script. Blocks while reading.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Io`]: reading fails, or what was read is not UTF-8.
    /// - [`ErrorKind::SourceTooLarge`]: it is longer than `limit` bytes; it is not read to its end.
    pub fn read(name: impl Into<String>, reader: impl Read, limit: usize) -> Result<Source, Error> {
        let name = name.into();
        let mut bytes = Vec::new();
        reader
            .take((limit as u64).saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(&name, error))?;
        if bytes.len() > limit {
            let message = format!("the source {name} is longer than {limit} bytes");
            return Err(Error::new(ErrorKind::SourceTooLarge, message));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Error::with_source(ErrorKind::Io, format!("{name} is not UTF-8: the byte at {at} is wrong"), error)
        })?;
        Ok(Source::script(text).named(name))
    }

    /// Reads a file: `.mjs` is a module, everything else a script.
    ///
    /// # Errors
    ///
    /// As [`read`](Source::read), and [`ErrorKind::InvalidArgument`]: it is TypeScript, by its name.
    pub(super) fn read_file(path: &Path, limit: usize) -> Result<Source, Error> {
        let name = path.display().to_string();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if matches!(extension, "ts" | "mts" | "cts" | "tsx") {
            let message = format!("{name}: TypeScript is not supported yet; compile it to JavaScript first");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let file = fs::File::open(path).map_err(|error| unreadable(&name, error))?;
        let source = Source::read(name, file, limit)?;
        Ok(if extension == "mjs" { Source { kind: Kind::Module, ..source } } else { source })
    }

    /// Refuses a text that is longer than `limit` bytes.
    pub(super) fn check(&self, limit: usize) -> Result<(), Error> {
        if self.text.len() <= limit {
            return Ok(());
        }
        let message = format!("the source {} is longer than {limit} bytes; the context was kept", self.shown_name());
        Err(Error::new(ErrorKind::SourceTooLarge, message))
    }

    /// Bytes of the text.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or("<eval>")
    }

    pub(super) fn into_wire(self) -> bindings::Source {
        let name = self.shown_name().to_owned();
        let kind = match self.kind {
            Kind::Script => bindings::SourceKind::Script,
            Kind::Module => bindings::SourceKind::Module,
        };
        bindings::Source { name, text: self.text, kind }
    }
}

fn unreadable(name: &str, error: io::Error) -> Error {
    Error::with_source(ErrorKind::Io, format!("cannot read {name}: {error}"), error)
}

impl From<&str> for Source {
    fn from(text: &str) -> Source {
        Source::script(text)
    }
}

impl From<String> for Source {
    fn from(text: String) -> Source {
        Source::script(text)
    }
}

impl From<&String> for Source {
    fn from(text: &String) -> Source {
        Source::script(text.as_str())
    }
}
