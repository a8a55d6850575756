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

/// `.name`, or `["the name"]` where it is not an identifier.
pub(super) fn segment(name: &str) -> String {
    if is_identifier(name) { format!(".{name}") } else { format!("[{name:?}]") }
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
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}
