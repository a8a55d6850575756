//! Source texts on their way to the engine.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    time::Instant,
};

use super::{bindings, source_maps::Map};
use crate::error::{Error, ErrorKind};

/// A source text, JavaScript or TypeScript, with a name for error stacks.
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
/// replaced, and of one name the last: so name the sources that have one. This holds for TypeScript as well. `error.stack` as a script reads it, and what the console prints, stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    name: Option<String>,
    text: String,
    kind: Kind,
    is_typescript: bool,
    /// Where what was TypeScript is in its original.
    map: Option<Map>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Script,
    Module,
}

impl Source {
    /// A classic script: its completion value is the result, and its top-level `let` and `const` stay.
    pub fn script(text: impl Into<String>) -> Source {
        Source { name: None, text: text.into(), kind: Kind::Script, is_typescript: false, map: None }
    }

    /// An ES module: strict, with `await` at its top level. Its result is `undefined`. It imports what its context was
    /// [granted](crate::js::ContextBuilder::modules), relative to its own name. Whoever imports that name later gets this
    /// module, and no earlier one of the name.
    ///
    /// QuickJS never frees a module: each takes its memory, for the code and what that keeps, until the context is
    /// [reset](crate::Context::reset). What is evaluated many times is better a script, or a function that is called.
    pub fn module(text: impl Into<String>) -> Source {
        Source { kind: Kind::Module, ..Source::script(text) }
    }

    /// The same source as TypeScript. A script that imports or exports is a module, as TypeScript has it.
    ///
    /// ```
    /// use aiointernal::{Sandbox, js::Source};
    ///
    /// # fn main() -> Result<(), aiointernal::Error> {
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let context = Sandbox::new()?.context().await?;
    /// let source = Source::script("enum Size { Small = 1, Large } Size.Large as number").typescript();
    /// assert_eq!(context.eval_as::<u32>(source.named("sizes.ts")).await?, 2);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    ///
    /// Its types are taken away, unchecked, before the engine has it: by another thread, of ample stack, for which that of the context
    /// waits, no longer than the call may take. It cannot be stopped: a thread for which nobody waits any more goes on to its end. Two texts are stripped at
    /// a time in the process. The call's limits of memory and of processor time do not hold there, but [`Limits::source`](crate::Limits::source) does for both texts, and one that is
    /// nested too deeply is a `RangeError`: beyond some 2000 brackets, 700 `<`, and 49,000 operators and words, which are counted up to a semicolon
    /// or the end of a block; and beyond some 15 constraints of `infer` within one another. What does not parse is a `SyntaxError` that says where, as in JavaScript.
    ///
    /// Enums, namespaces, parameter properties, and decorators as of `experimentalDecorators` become JavaScript; a text with
    /// decorators has a variable `babelHelpers`. What the members of an enum are is worked out when it runs, so it has a name for a string that is put
    /// together, as for a number. Imports that are used as types only are left out. Not there: JSX, `import x =
    /// require()`, `export =`, metadata of decorators, and the values of enums that other files declare.
    #[cfg(feature = "typescript")]
    pub fn typescript(self) -> Source {
        Source { is_typescript: true, ..self }
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

    /// Reads a file: `.mjs` and `.mts` are modules, everything else a script; `.ts`, `.mts` and `.cts` are TypeScript.
    ///
    /// # Errors
    ///
    /// As [`read`](Source::read), and [`ErrorKind::InvalidArgument`]: by its name it is what cannot be read.
    pub(super) fn read_file(path: &Path, limit: usize) -> Result<Source, Error> {
        let name = path.display().to_string();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let is_typescript = is_typescript(extension)
            .map_err(|reason| Error::new(ErrorKind::InvalidArgument, format!("{name}: {reason}")))?;
        let file = fs::File::open(path).map_err(|error| unreadable(&name, error))?;
        let source = Source::read(name, file, limit)?;
        let kind = if matches!(extension, "mjs" | "mts") { Kind::Module } else { Kind::Script };
        Ok(Source { kind, is_typescript, ..source })
    }

    /// Refuses a text that is longer than `limit` bytes.
    pub(super) fn check(&self, limit: usize) -> Result<(), Error> {
        if self.text.len() <= limit {
            return Ok(());
        }
        let message = format!("the source {} is longer than {limit} bytes; the context was kept", self.shown_name());
        Err(Error::new(ErrorKind::SourceTooLarge, message))
    }

    /// Makes JavaScript of TypeScript, of at most `limit` bytes, by then.
    pub(super) fn strip(&mut self, limit: usize, until: Instant) -> Result<(), Error> {
        #[cfg(feature = "typescript")]
        if self.is_typescript {
            use super::typescript::{self, Goal};

            let goal = match self.kind {
                Kind::Script => Goal::Either,
                Kind::Module => Goal::Module,
            };
            let stripped = typescript::strip(self.shown_name(), &self.text, goal, limit, until)
                .map_err(|failed| failed.into_error(self.shown_name(), limit))?;
            self.kind = if stripped.is_module { Kind::Module } else { Kind::Script };
            (self.text, self.map, self.is_typescript) = (stripped.text, Some(stripped.map), false);
        }
        let _ = (limit, until);
        Ok(())
    }

    pub(super) fn is_typescript(&self) -> bool {
        self.is_typescript
    }

    pub(super) fn map(&self) -> Option<&Map> {
        self.map.as_ref()
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

/// Whether a file is TypeScript, by its extension. Fails with why that cannot be read.
pub(super) fn is_typescript(extension: &str) -> Result<bool, &'static str> {
    match extension {
        "tsx" => Err("JSX is not supported; compile it to JavaScript first"),
        "ts" | "mts" | "cts" if cfg!(feature = "typescript") => Ok(true),
        "ts" | "mts" | "cts" => Err("TypeScript needs the feature `typescript` of the crate aiointernal"),
        _ => Ok(false),
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
