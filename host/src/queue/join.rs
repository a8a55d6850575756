//! Waiting until everything that was put has been dealt with.

use std::{
    error::Error,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::{
    handle::Queue,
    line::Place,
    state::State,
    wait::{Errand, Waiting, block_on},
};
use crate::sync;

impl<T> Queue<T> {
    /// Marks one item that was taken as done. [`Queue::join`] waits for that.
    ///
    /// # Errors
    ///
    /// [`TooManyDone`]: all items that were taken have been marked already. Nothing changes.
    pub fn task_done(&self) -> Result<(), TooManyDone> {
        if self.shared().change(|state| state.task_done()) { Ok(()) } else { Err(TooManyDone(())) }
    }

    /// Waits until every item that was put has been taken and marked as [done](Queue::task_done), or
    /// [cleared](Queue::clear). Items of puts that wait for room count when they have entered.
    ///
    /// It ends when nothing is unfinished for a moment, even if more is put before it is polled.
    ///
    /// ```
    /// use aiointernal::queue::Queue;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let queue = Queue::fifo(8);
    /// queue.put(1).await.unwrap();
    /// let item = queue.get().await.unwrap();
    /// assert_eq!((item, queue.stats().unfinished), (1, 1));
    /// queue.task_done().unwrap();
    /// queue.join().await;
    /// assert!(queue.task_done().is_err());
    /// # });
    /// ```
    pub fn join(&self) -> Join<'_, T> {
        Join { queue: self, waiting: Waiting::new(Joining::default()) }
    }

    /// As [`Queue::join`], blocking this thread.
    pub fn join_blocking(&self) {
        // Without a deadline it does not come back before its end.
        let _ = block_on(self.shared(), Joining::default(), None);
    }

    /// As [`Queue::join_blocking`], for this long at most. Whether it came to its end.
    #[must_use = "it may have run out of time"]
    pub fn join_blocking_for(&self, longest: Duration) -> bool {
        block_on(self.shared(), Joining::default(), sync::deadline(longest))
            .map_err(|mut late| self.shared().change(|state| late.withdraw(state)))
            .is_ok()
    }
}

/// More items were marked as done than were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyDone(());

impl fmt::Display for TooManyDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("every item that was taken from the queue has been marked as done already")
    }
}

impl Error for TooManyDone {}

/// A future of the moment at which nothing is unfinished, from [`Queue::join`]. Dropping it changes nothing.
#[must_use = "a join does nothing unless it is awaited"]
pub struct Join<'a, T> {
    queue: &'a Queue<T>,
    waiting: Waiting<Joining>,
}

impl<T> Future for Join<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.waiting.poll(this.queue.shared(), context)
    }
}

impl<T> Drop for Join<'_, T> {
    fn drop(&mut self) {
        self.waiting.withdraw(self.queue.shared());
    }
}

impl<T> fmt::Debug for Join<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

/// A join under way: its place in the line, and how often nothing was unfinished when it took it.
#[derive(Default)]
struct Joining {
    place: Option<(Place, u64)>,
}

impl<T> Errand<T> for Joining {
    type Output = ();

    fn attempt(&mut self, state: &mut State<T>) -> Option<()> {
        let ended = self.place.map_or(state.unfinished() == 0, |(_, finishes)| state.finishes != finishes);
        ended.then_some(())
    }

    fn wait(&mut self, state: &mut State<T>, waker: &Waker) {
        let Some(known) = self.place.and_then(|(place, _)| state.joiners.entry(place)) else {
            self.place = Some((state.joiners.join(waker.clone()), state.finishes));
            return;
        };
        if !known.will_wake(waker) {
            let other = mem::replace(known, waker.clone());
            state.wakers.discard(other);
        }
    }

    fn withdraw(&mut self, state: &mut State<T>) {
        if let Some((place, _)) = self.place.take() {
            state.joiners.leave(place).into_iter().for_each(|waker| state.wakers.discard(waker));
        }
    }
}
