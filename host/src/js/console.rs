//! What scripts print.

use std::{fmt, sync::Arc};

use super::bindings;

/// How bad a console message is: the method that the script called. `console.log` is `Info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Takes console messages as they come, on the context's thread.
pub(super) type Sink = Arc<dyn Fn(Level, &str) + Send + Sync>;

/// Where a context's console goes, and how much of it in one call.
#[derive(Clone, Default)]
pub(super) struct Console {
    sink: Option<Sink>,
    left: usize,
    cut: bool,
}

impl Console {
    pub(super) fn to(sink: Option<Sink>) -> Console {
        Console { sink, left: 0, cut: false }
    }

    /// Starts a call that may print this many bytes.
    pub(super) fn arm(&mut self, bytes: usize) {
        self.left = bytes;
        self.cut = false;
    }

    /// A message of the script: passed on, or dropped when the call has printed its share.
    pub(super) fn write(&mut self, level: bindings::LogLevel, message: &str) {
        let Some(sink) = self.sink.as_ref().filter(|_| !self.cut) else {
            return;
        };
        let level = match level {
            bindings::LogLevel::Trace => Level::Trace,
            bindings::LogLevel::Debug => Level::Debug,
            bindings::LogLevel::Info => Level::Info,
            bindings::LogLevel::Warn => Level::Warn,
            bindings::LogLevel::Error => Level::Error,
        };
        // Each message counts as a line, so that empty ones come to an end, too.
        if message.len() < self.left {
            self.left -= message.len() + 1;
            sink(level, message);
        } else {
            self.cut = true;
            let rest = &message[..message.floor_char_boundary(self.left)];
            if !rest.is_empty() {
                sink(level, rest);
            }
            sink(Level::Warn, "[console output is cut here: the call has printed its limit]");
        }
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("left", &self.left).field("cut", &self.cut).finish_non_exhaustive()
    }
}
