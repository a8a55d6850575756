//! An item that was not taken, and why.

use std::{error::Error, fmt};

use super::items::Item;

/// A put that was refused: the item comes back, with the cause.
#[derive(Clone, PartialEq, Eq)]
pub struct Refused<T> {
    item: T,
    cause: Cause,
}

/// Why an item was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// There is no room, or others wait for it, and the put was not to wait.
    Full,
    /// The item alone weighs more than the whole capacity, so that waiting would not help.
    TooHeavy,
    /// There was no room before the time was up.
    TimedOut,
    /// The queue was shut down, before the put or while it waited.
    ShutDown,
}

impl<T> Refused<T> {
    pub(super) fn new(item: Item<T>, cause: Cause) -> Refused<T> {
        Refused { item: item.value, cause }
    }

    /// Why the item was not taken.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The item.
    pub fn item(&self) -> &T {
        &self.item
    }

    /// Takes the item back.
    pub fn into_item(self) -> T {
        self.item
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Full => "the queue is full",
            Cause::TooHeavy => "the item weighs more than the whole capacity of the queue",
            Cause::TimedOut => "the queue had no room before the time was up",
            Cause::ShutDown => "the queue was shut down",
        })
    }
}

impl<T> fmt::Display for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

/// Without the item, which need not be `Debug`.
impl<T> fmt::Debug for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("cause", &self.cause).finish_non_exhaustive()
    }
}

impl<T> Error for Refused<T> {}
