//! Why a get has no item.

use std::{error::Error, fmt};

/// Why a get has no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoItem {
    /// There is no item, or each is promised to a get that waits, and this get was not to wait.
    Empty,
    /// There was no item before the time was up.
    TimedOut,
    /// The queue was shut down and is empty.
    ShutDown,
}

impl fmt::Display for NoItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoItem::Empty => "the queue is empty",
            NoItem::TimedOut => "the queue had no item before the time was up",
            NoItem::ShutDown => "the queue was shut down and is empty",
        })
    }
}

impl Error for NoItem {}
