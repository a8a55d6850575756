//! Putting items into a queue.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use super::{
    handle::Queue,
    putting::Putting,
    refused::{Cause, Refused},
    shutdown::Shutdown,
    until::{Limited, Until},
    wait::{Waiting, block_on},
};
use crate::sync;

impl<T> Queue<T> {
    /// Puts an item in, without waiting.
    ///
    /// # Errors
    ///
    /// The item comes back.
    ///
    /// - [`Full`](Cause::Full): there is no room, or puts wait for it, which have precedence.
    /// - [`TooHeavy`](Cause::TooHeavy): the item weighs more than the capacity.
    /// - [`ShutDown`](Cause::ShutDown): the queue was shut down.
    pub fn try_put(&self, item: T) -> Result<(), Refused<T>> {
        let item = self.shared().weigh(item);
        let put = self.shared().change(|state| state.try_put(item));
        put.map_err(|(item, cause)| Refused::new(item, cause))
    }

    /// Puts an item in, waiting for room. Puts that wait enter in the order in which they were first polled.
    ///
    /// ```
    /// use aiointernal::queue::Queue;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let queue = Queue::fifo(8);
    /// queue.put("hello").await?;
    /// assert_eq!(queue.get().await, Ok("hello"));
    /// # Ok::<(), aiointernal::queue::Refused<&str>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// The item comes back.
    ///
    /// - [`TooHeavy`](Cause::TooHeavy): the item weighs more than the capacity, or a new capacity that was set meanwhile.
    /// - [`ShutDown`](Cause::ShutDown): the queue was shut down, before the put or while it waited.
    pub fn put(&self, item: T) -> Put<'_, T> {
        Put { queue: self, waiting: Waiting::new(Putting::Outside(self.shared().weigh(item))) }
    }

    /// Puts an item in, blocking this thread while there is no room.
    ///
    /// For threads that run no async code: it would stop every task of a runtime's thread.
    ///
    /// # Errors
    ///
    /// Those of [`Queue::put`].
    pub fn put_blocking(&self, item: T) -> Result<(), Refused<T>> {
        self.put_before(item, None)
    }

    /// As [`Queue::put_blocking`], for this long at most.
    ///
    /// # Errors
    ///
    /// Those of [`Queue::put`], and [`TimedOut`](Cause::TimedOut).
    pub fn put_blocking_for(&self, item: T, longest: Duration) -> Result<(), Refused<T>> {
        self.put_before(item, sync::deadline(longest))
    }

    fn put_before(&self, item: T, deadline: Option<Instant>) -> Result<(), Refused<T>> {
        let errand = Putting::Outside(self.shared().weigh(item));
        block_on(self.shared(), errand, deadline).unwrap_or_else(|mut late| {
            // An errand that comes back has not ended, so it ends here.
            self.shared().change(|state| late.time_out(state)).unwrap_or(Ok(()))
        })
    }

    /// Puts an item in, full or drained or not, and before all that wait: for small messages that come from a `Drop` and
    /// can neither wait nor be refused. A get that was told of the end before does not see it.
    ///
    /// # Errors
    ///
    /// [`ShutDown`](Cause::ShutDown): the queue was shut down with [`Shutdown::Immediate`]. The item comes back.
    #[expect(dead_code, reason = "for the inbox of a thread, which has a queue of its own yet")]
    pub(crate) fn put_past_capacity(&self, item: T) -> Result<(), Refused<T>> {
        let item = self.shared().weigh(item);
        self.shared().change(|state| {
            if state.shutdown == Some(Shutdown::Immediate) {
                return Err(Refused::new(item, Cause::ShutDown));
            }
            state.insert(item);
            Ok(())
        })
    }
}

/// A future of a put, from [`Queue::put`].
///
/// Dropping it before its end gives the put up. As long as the item waits for room, it is dropped with the future, and
/// whoever waits behind moves up. Once there is room, the item is in the queue, whether or not the future has been polled
/// since, and stays there.
#[must_use = "a put does nothing unless it is awaited"]
pub struct Put<'a, T> {
    queue: &'a Queue<T>,
    waiting: Waiting<Putting<T>>,
}

impl<'a, T> Put<'a, T> {
    /// Waits for room until this other future is ready, `tokio::time::sleep` for instance, or the one of any runtime.
    ///
    /// Then the put ends as [`TimedOut`](Cause::TimedOut), and the item comes back. A put that finds room at once does
    /// not poll the other future.
    pub fn until<L: Future>(self, limit: L) -> Until<Put<'a, T>, L> {
        Until::new(self, limit)
    }
}

impl<T> Limited for Put<'_, T> {
    fn time_out(&mut self) -> Option<Self::Output> {
        self.waiting.end(self.queue.shared(), Putting::time_out).flatten()
    }
}

impl<T> Future for Put<'_, T> {
    type Output = Result<(), Refused<T>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.waiting.poll(this.queue.shared(), context)
    }
}

impl<T> Drop for Put<'_, T> {
    fn drop(&mut self) {
        self.waiting.withdraw(self.queue.shared());
    }
}

/// The item is not pinned.
impl<T> Unpin for Put<'_, T> {}

impl<T> fmt::Debug for Put<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}
