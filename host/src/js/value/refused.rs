//! Why a value does not go where it is to go.

use std::fmt;

use super::Value;

/// Most characters of a name within a path. What is longer is cut: a name can be of any length.
const NAME: usize = 64;

/// What is refused, and where. The path grows towards the root as the recursion unwinds.
#[derive(Debug)]
pub(in crate::js) struct Refused {
    pub(in crate::js) path: String,
    pub(in crate::js) what: String,
}

impl Refused {
    pub(in crate::js) fn new(what: impl Into<String>) -> Refused {
        Refused { path: String::new(), what: what.into() }
    }

    /// The same, seen from the value around.
    pub(in crate::js) fn under(self, segment: &str) -> Refused {
        Refused { path: format!("{segment}{}", self.path), what: self.what }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// A property: `.name`, or `["the name"]` where it is not an identifier.
pub(in crate::js) fn property(name: &str) -> String {
    let letter = |c: char| c.is_alphabetic() || c == '_' || c == '$';
    let (name, cut) = head(name);
    let is_identifier = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
    if is_identifier { format!(".{name}{cut}") } else { format!("[{name:?}{cut}]") }
}

/// A map's value: by its key, or by its place where the key says little.
pub(in crate::js) fn entry(index: usize, key: &Value) -> String {
    match key.as_str().map(head) {
        Some((key, cut)) => format!(".get({key:?}{cut})"),
        None => format!("(value {index})"),
    }
}

/// The beginning of a name, and dots where there is more of it.
fn head(name: &str) -> (&str, &str) {
    match name.char_indices().nth(NAME).and_then(|(end, _)| name.get(..end)) {
        Some(head) => (head, "..."),
        None => (name, ""),
    }
}
