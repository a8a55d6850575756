//! Getting items from a queue.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use super::{
    getting::Getting,
    handle::Queue,
    no_item::NoItem,
    until::{Limited, Until},
    wait::{Waiting, block_on},
};
use crate::sync;

impl<T> Queue<T> {
    /// Takes the next item, without waiting.
    ///
    /// # Errors
    ///
    /// - [`Empty`](NoItem::Empty): there is no item, or each is promised to a get that waits.
    /// - [`ShutDown`](NoItem::ShutDown): the queue was shut down and is empty.
    pub fn try_get(&self) -> Result<T, NoItem> {
        self.shared().change(|state| state.try_get())
    }

    /// Takes the next item, waiting for one.
    ///
    /// Items are promised to waiting gets in the order in which those were first polled, and nobody else takes them
    /// then. Of several that were promised one, who comes first takes the next item.
    ///
    /// # Errors
    ///
    /// [`ShutDown`](NoItem::ShutDown): the queue was shut down and is empty.
    pub fn get(&self) -> Get<'_, T> {
        Get { queue: self, waiting: Waiting::new(Getting::default()) }
    }

    /// Takes the next item, blocking this thread while there is none.
    ///
    /// For threads that run no async code: it would stop every task of a runtime's thread. It looks out for an item for
    /// 2 us or 3 before the thread sleeps.
    ///
    /// # Errors
    ///
    /// Those of [`Queue::get`].
    pub fn get_blocking(&self) -> Result<T, NoItem> {
        self.get_before(None)
    }

    /// As [`Queue::get_blocking`], for this long at most.
    ///
    /// ```
    /// use std::time::Duration;
    /// use aiointernal::queue::{NoItem, Queue};
    ///
    /// let queue = Queue::<u8>::fifo(1);
    /// assert_eq!(queue.get_blocking_for(Duration::from_millis(1)), Err(NoItem::TimedOut));
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Queue::get`], and [`TimedOut`](NoItem::TimedOut).
    pub fn get_blocking_for(&self, longest: Duration) -> Result<T, NoItem> {
        self.get_before(sync::deadline(longest))
    }

    fn get_before(&self, deadline: Option<Instant>) -> Result<T, NoItem> {
        for _ in 0..sync::SPINS {
            if self.shared().is_ready() {
                break;
            }
            sync::spin_loop();
        }
        block_on(self.shared(), Getting::default(), deadline)
            .unwrap_or_else(|mut late| self.shared().change(|state| late.time_out(state)))
    }
}

/// A future of an item, from [`Queue::get`].
///
/// Dropping it before its end gives the get up and loses no item: what was promised to it is promised to the next get.
#[must_use = "a get does nothing unless it is awaited"]
pub struct Get<'a, T> {
    queue: &'a Queue<T>,
    waiting: Waiting<Getting>,
}

impl<'a, T> Get<'a, T> {
    /// Waits for an item until this other future is ready, `tokio::time::sleep` for instance, or the one of any runtime.
    ///
    /// Then the get ends as [`TimedOut`](NoItem::TimedOut). One that finds an item at once does not poll the other future.
    ///
    /// ```
    /// use std::time::Duration;
    /// use aiointernal::queue::{NoItem, Queue};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let queue = Queue::<u8>::fifo(1);
    /// let soon = tokio::time::sleep(Duration::from_millis(1));
    /// assert_eq!(queue.get().until(soon).await, Err(NoItem::TimedOut));
    /// # });
    /// ```
    pub fn until<L: Future>(self, limit: L) -> Until<Get<'a, T>, L> {
        Until::new(self, limit)
    }
}

impl<T> Limited for Get<'_, T> {
    fn time_out(&mut self) -> Option<Self::Output> {
        self.waiting.end(self.queue.shared(), Getting::time_out)
    }
}

impl<T> Future for Get<'_, T> {
    type Output = Result<T, NoItem>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.waiting.poll(this.queue.shared(), context)
    }
}

impl<T> Drop for Get<'_, T> {
    fn drop(&mut self) {
        self.waiting.withdraw(self.queue.shared());
    }
}

impl<T> fmt::Debug for Get<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Get").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}
