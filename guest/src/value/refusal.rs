//! Why a value was not encoded.

use crate::value::is_identifier;

/// Why a value was not encoded. `path` grows towards the root as the recursion unwinds.
pub(super) enum Refusal {
    Kind { path: String, kind: String },
    TooLarge,
    OutOfMemory,
    Js(rquickjs::Error),
}

impl Refusal {
    pub(super) fn kind(kind: impl Into<String>) -> Refusal {
        Refusal::Kind { path: String::new(), kind: kind.into() }
    }

    pub(super) fn under(self, segment: impl FnOnce() -> String) -> Refusal {
        match self {
            Refusal::Kind { path, kind } => Refusal::Kind { path: segment() + &path, kind },
            other => other,
        }
    }
}

/// Most characters of a name within a path. What is longer is cut: a script chooses names, and one for each level.
const NAME: usize = 64;

/// A property: `.name`, or `["the name"]` where it is not an identifier.
pub(super) fn property(name: &str) -> String {
    let (name, cut) = head(name);
    if is_identifier(name) { format!(".{name}{cut}") } else { format!("[{name:?}{cut}]") }
}

/// A map's value by its key.
pub(super) fn entry(key: &str) -> String {
    let (key, cut) = head(key);
    format!(".get({key:?}{cut})")
}

/// The beginning of a name, and dots where there is more of it.
fn head(name: &str) -> (&str, &str) {
    match name.char_indices().nth(NAME) {
        Some((end, _)) => (&name[..end], "..."),
        None => (name, ""),
    }
}

impl From<rquickjs::Error> for Refusal {
    fn from(error: rquickjs::Error) -> Refusal {
        Refusal::Js(error)
    }
}

/// The output writes into memory only, so there is no other reason.
impl From<minicbor::encode::Error<OutOfMemory>> for Refusal {
    fn from(_: minicbor::encode::Error<OutOfMemory>) -> Refusal {
        Refusal::OutOfMemory
    }
}

impl From<OutOfMemory> for Refusal {
    fn from(_: OutOfMemory) -> Refusal {
        Refusal::OutOfMemory
    }
}

/// Most bytes that are copied one by one: in Wasm, to copy a number of them that is not known before is a call out of it.
const SHORT: usize = 32;

/// There was no memory for more bytes.
#[derive(Debug)]
pub(super) struct OutOfMemory;

impl From<std::collections::TryReserveError> for OutOfMemory {
    fn from(_: std::collections::TryReserveError) -> OutOfMemory {
        OutOfMemory
    }
}

/// The bytes that are being written. A script that fills the memory gets an error, where a `Vec` would end the engine.
#[derive(Default)]
pub(super) struct Output(pub(super) Vec<u8>);

impl minicbor::encode::Write for Output {
    type Error = OutOfMemory;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), OutOfMemory> {
        self.0.try_reserve(bytes.len())?;
        if bytes.len() > SHORT {
            self.0.extend_from_slice(bytes);
            return Ok(());
        }
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.0.extend_from_slice(word));
        rest.iter().for_each(|byte| self.0.push(*byte));
        Ok(())
    }
}
