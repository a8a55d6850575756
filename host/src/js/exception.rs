//! What a script threw.

use std::{error::Error as StdError, fmt};

use super::{
    bindings::{self, ExceptionPlace},
    objects::Objects,
    value::Value,
    wire,
};

/// What a script threw and did not catch, or what led to that. Every text in it is the script's choice.
///
/// `{}` shows the error alone and `{:#}` all of it as Node would print it, with stacks, causes and errors. As an
/// [`std::error::Error`] its source is its cause.
///
/// Where a source brings its own source map, the stacks are those of the [original](crate::js::Source#source-maps).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Exception {
    /// The error's class, such as `TypeError`; empty when what was thrown is not an `Error`.
    pub name: String,
    /// The error's message, or the text form of what was thrown. At most 16 KiB, and 4 KiB of a cause or member.
    pub message: String,
    /// One line a frame, innermost first, as `    at function (file:line:column)`; lines and columns count from 1.
    /// Empty where there is none. As long as the message may be.
    pub stack: String,
    /// What was thrown, where it is not an `Error` and can leave the engine in at most 64 KiB, or 4 KiB of a cause or
    /// member; and takes no more than 512 KiB of memory here, together with those of causes and members.
    pub thrown: Option<Value>,
    /// The error's `cause`, where it has one.
    pub cause: Option<Box<Exception>>,
    /// The members of an `AggregateError`.
    pub errors: Vec<Exception>,
    /// How many of its members are not here, and of its cause: there are 32 exceptions in all, at most, and none deeper
    /// than 8 within one another.
    pub left_out: usize,
    /// Bytes of memory that all of it takes.
    bytes: usize,
}

/// Exceptions that are taken from an engine at a time.
pub(super) const MAX_EXCEPTIONS: usize = 32;

/// Bytes of memory that the thrown values of an exception may take.
const THROWN: usize = 512 << 10;

impl Exception {
    /// The exception that these make together: what was thrown, and then what led to it.
    pub(super) fn new(mut exceptions: Vec<bindings::Exception>) -> Exception {
        exceptions.truncate(MAX_EXCEPTIONS);
        let places: Vec<ExceptionPlace> = exceptions.iter().map(|exception| exception.place).collect();
        let (mut bytes, mut room) = (0_usize, THROWN);
        let alone = |exception| {
            let exception = Exception::alone(exception, &mut room);
            bytes = bytes.saturating_add(exception.bytes);
            exception
        };
        let mut made: Vec<Exception> = exceptions.into_iter().map(alone).collect();
        // Each is whole when it is put into the one that it belongs to, as that comes before it.
        for place in places.into_iter().skip(1).rev() {
            let Some(related) = made.pop() else {
                break;
            };
            let (ExceptionPlace::CauseOf(index) | ExceptionPlace::ErrorOf(index)) = place else {
                continue;
            };
            if let Some(whole) = made.get_mut(index as usize) {
                match place {
                    ExceptionPlace::ErrorOf(_) => whole.errors.insert(0, related),
                    _ => whole.cause = Some(Box::new(related)),
                }
            }
        }
        Exception { bytes, ..made.pop().unwrap_or_default() }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// One without those that belong to it. What was thrown takes of this room.
    fn alone(exception: bindings::Exception, room: &mut usize) -> Exception {
        let bindings::Exception { place: _, name, message, stack, thrown, host_error: _, left_out } = exception;
        let thrown = thrown.and_then(|value| wire::decode_with(&value, &Objects::default(), *room, &|| true).ok());
        let (thrown, taken) = thrown.map_or((None, 0), |(value, taken)| (Some(value), taken));
        *room = room.saturating_sub(taken);
        let texts = [&name, &message, &stack].map(String::len).into_iter().fold(taken, usize::saturating_add);
        Exception {
            bytes: texts.saturating_add(size_of::<Exception>()),
            name,
            message,
            stack,
            thrown,
            cause: None,
            errors: Vec::new(),
            left_out: left_out as usize,
        }
    }

    /// All of it, below a first line.
    fn report(&self, mut text: String) -> String {
        if !self.stack.is_empty() {
            text.extend(["\n", &self.stack]);
        }
        let cause = self.cause.iter().map(|cause| format!("[cause]: {}", cause.as_part()));
        let more = (self.left_out > 0).then(|| format!("... {} more", self.left_out));
        let members: Vec<String> = if self.errors.is_empty() && self.name != "AggregateError" {
            cause.chain(more).collect()
        } else {
            let errors = block('[', self.errors.iter().map(Exception::as_part).chain(more), ']');
            cause.chain([format!("[errors]: {errors}")]).collect()
        };
        if !members.is_empty() {
            text.push(' ');
            text.push_str(&block('{', members.into_iter(), '}'));
        }
        text
    }

    /// All of it, as it stands within another.
    fn as_part(&self) -> String {
        self.report(match (self.name.as_str(), &self.thrown) {
            ("", Some(Value::String(_))) => quoted(&self.message),
            ("", _) => self.message.clone(),
            _ => self.to_string(),
        })
    }
}

/// A text in quotes, as the console shows it within another value.
fn quoted(text: &str) -> String {
    let quote = ['\'', '"'].into_iter().find(|quote| !text.contains(*quote)).unwrap_or('`');
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote || c == '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\x{:02X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// Parts between brackets, each on lines of its own.
fn block(open: char, parts: impl Iterator<Item = String>, close: char) -> String {
    let parts: Vec<String> = parts.map(|part| part.replace('\n', "\n  ")).collect();
    if parts.is_empty() {
        return format!("{open}{close}");
    }
    format!("{open}\n  {}\n{close}", parts.join(",\n  "))
}

impl fmt::Display for Exception {
    /// `TypeError: the message`, or `uncaught: 42` for what is not an `Error`; with `{:#}` all of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = match (self.name.as_str(), self.message.as_str()) {
            ("", message) => format!("uncaught: {message}"),
            (name, "") => name.to_owned(),
            (name, message) => format!("{name}: {message}"),
        };
        f.write_str(&if f.alternate() { self.report(first) } else { first })
    }
}

impl StdError for Exception {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}
