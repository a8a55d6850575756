//! Source texts on their way to the engine.

use std::{fs, path::Path};

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

    /// An ES module: strict, with `await` at its top level. Its result is `undefined`. It cannot import anything yet.
    pub fn module(text: impl Into<String>) -> Source {
        Source { name: None, text: text.into(), kind: Kind::Module }
    }

    /// The same source with this name in error stacks.
    pub fn named(mut self, name: impl Into<String>) -> Source {
        self.name = Some(name.into());
        self
    }

    /// Reads a file: `.mjs` is a module, everything else a script. Blocks while reading.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Io`]: the file cannot be read, or is not UTF-8.
    /// - [`ErrorKind::SourceTooLarge`]: it is longer than `limit` bytes; it is not read to its end.
    /// - [`ErrorKind::InvalidArgument`]: it is TypeScript, by its name.
    pub(crate) fn read(path: &Path, limit: usize) -> Result<Source, Error> {
        use std::io::Read as _;
        let shown = path.display();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if matches!(extension, "ts" | "mts" | "cts" | "tsx") {
            let message = format!("{shown}: TypeScript is not supported yet; compile it to JavaScript first");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let unreadable =
            |error: std::io::Error| Error::with_source(ErrorKind::Io, format!("cannot read {shown}: {error}"), error);
        let mut bytes = Vec::new();
        let file = fs::File::open(path).map_err(unreadable)?;
        file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() > limit {
            return Err(too_large(&shown.to_string(), limit));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Error::with_source(ErrorKind::Io, format!("{shown} is not UTF-8: the byte at {at} is wrong"), error)
        })?;
        let kind = if extension == "mjs" { Kind::Module } else { Kind::Script };
        Ok(Source { name: Some(shown.to_string()), text, kind })
    }

    /// Refuses a text that is longer than `limit` bytes.
    pub(super) fn check(&self, limit: usize) -> Result<(), Error> {
        if self.text.len() > limit { Err(too_large(self.shown_name(), limit)) } else { Ok(()) }
    }

    /// Bytes of the text.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    fn shown_name(&self) -> &str {
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

fn too_large(name: &str, limit: usize) -> Error {
    Error::new(ErrorKind::SourceTooLarge, format!("the source {name} is longer than {limit} bytes"))
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
