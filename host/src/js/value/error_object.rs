//! Errors that are values.

use super::Value;

/// A JavaScript `Error` that was not thrown: a result, or a part of one.
///
/// What a script threw and did not catch is an [`Exception`](crate::js::Exception) instead.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ErrorObject {
    /// Its name, such as `TypeError`; `None` where a script made it something else than a text. Entering an engine, the
    /// name of a built-in class gives it that class, and any other becomes its property.
    pub name: Option<String>,
    /// Its message; `None` as for the name.
    pub message: Option<String>,
    /// One line a frame, innermost first, as `    at function (file:line:column)`; `None` where there is none.
    pub stack: Option<String>,
    /// What caused it, where that was said.
    pub cause: Option<Value>,
    /// The errors of an `AggregateError`: an array.
    pub errors: Option<Value>,
}

impl ErrorObject {
    /// An error of this class, with this message, and with nothing else.
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> ErrorObject {
        ErrorObject { name: Some(name.into()), message: Some(message.into()), ..ErrorObject::default() }
    }
}
