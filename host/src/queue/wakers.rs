//! Whom a change of the queue wakes.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    task::Waker,
};

/// Wakers to use as soon as the lock is let go: they are the executor's code, and may use the queue.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    /// Mostly there is one, which needs no allocation.
    first: Option<Waker>,
    more: Vec<Waker>,
    /// Of one that does not wait any more. To drop it can be the end of a task, and of all that this owns.
    unneeded: Option<Waker>,
}

impl Wakers {
    pub(super) fn wake(&mut self, waker: Waker) {
        if self.first.is_none() {
            self.first = Some(waker);
        } else {
            self.more.push(waker);
        }
    }

    pub(super) fn discard(&mut self, waker: Waker) {
        debug_assert!(self.unneeded.is_none(), "at most one leaves at a time");
        self.unneeded = Some(waker);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none() && self.unneeded.is_none()
    }

    /// Wakes them, with the lock let go. One that panics, which is its executor's fault, keeps nobody else asleep.
    pub(super) fn run(self) {
        for waker in self.first.into_iter().chain(self.more) {
            catch_unwind(AssertUnwindSafe(|| waker.wake())).unwrap_or_else(mem::forget);
        }
    }
}
