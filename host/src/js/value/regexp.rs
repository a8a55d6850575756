//! Regular expressions.

use std::fmt;

/// A JavaScript `RegExp`, not compiled: one with a syntax error is refused by the engine that it enters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegExp {
    /// The pattern, as the property `source` has it.
    pub source: String,
    /// The flags, such as `gi`.
    pub flags: String,
}

impl fmt::Display for RegExp {
    /// As a literal: `/a+/g`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/{}", self.source, self.flags)
    }
}
