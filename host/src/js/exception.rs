//! What a script threw.

use std::fmt;

use super::{bindings, value::Value, wire};

/// What a script threw and did not catch. Every text in it is the script's choice.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Exception {
    /// The error's class, such as `TypeError`; empty when what was thrown is not an `Error`.
    pub name: String,
    /// The error's message, or the text form of what was thrown. At most 16 KiB.
    pub message: String,
    /// One line a frame, innermost first, as `    at function (file:line:column)`; lines and columns count from 1.
    /// Empty where there is none. At most 16 KiB.
    pub stack: String,
    /// What was thrown, where it is not an `Error` and can leave the engine in at most 64 KiB.
    pub thrown: Option<Value>,
}

impl Exception {
    pub(super) fn new(exception: bindings::Exception) -> Exception {
        let bindings::Exception { name, message, stack, thrown, host_error: _ } = exception;
        Exception { name, message, stack, thrown: thrown.and_then(|value| wire::decode(&value).ok()) }
    }
}

impl fmt::Display for Exception {
    /// `TypeError: the message`, or `uncaught: 42` for what is not an `Error`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name.as_str(), self.message.as_str()) {
            ("", message) => write!(f, "uncaught: {message}"),
            (name, "") => f.write_str(name),
            (name, message) => write!(f, "{name}: {message}"),
        }
    }
}
