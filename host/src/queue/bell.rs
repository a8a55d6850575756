//! How one who waits is woken.

use event_listener::{Event, EventListener};

use crate::sync::Arc;

/// Wakes one waiting put, get or join.
///
/// The waiter keeps it, and the line has a copy until it is rung. It may be rung for somebody who had it before, so who
/// wakes up looks whether there is a reason to.
#[derive(Clone, Debug, Default)]
pub(super) struct Bell(Arc<Event>);

impl Bell {
    pub(super) fn event(&self) -> &Event {
        &self.0
    }

    pub(super) fn listen(&self) -> EventListener {
        self.0.listen()
    }

    fn ring(&self) {
        self.0.notify(1);
    }
}

/// Bells to ring as soon as the lock is let go: a waker is the executor's code, and may use the queue.
#[derive(Debug, Default)]
pub(super) struct Rings {
    /// Mostly there is one, which needs no allocation.
    first: Option<Bell>,
    more: Vec<Bell>,
}

impl Rings {
    pub(super) fn add(&mut self, bell: Bell) {
        if self.first.is_none() {
            self.first = Some(bell);
        } else {
            self.more.push(bell);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn ring(self) {
        self.first.iter().chain(&self.more).for_each(Bell::ring);
    }
}

/// Bells that nobody uses, so that waiting allocates none.
#[derive(Debug, Default)]
pub(super) struct Spare(Vec<Bell>);

impl Spare {
    /// Of more than these, some hundred bytes each, a burst of waiters would leave memory behind.
    const MOST: usize = 16;

    pub(super) fn take(&mut self) -> Bell {
        self.0.pop().unwrap_or_default()
    }

    pub(super) fn give_back(&mut self, bell: Bell) {
        if self.0.len() < Spare::MOST {
            self.0.push(bell);
        }
    }
}
