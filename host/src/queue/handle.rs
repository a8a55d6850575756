//! The handle of a queue: what it is, what is in it, how much goes into it.

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
};

use super::{builder::Builder, shared::Shared};
use crate::sync::Arc;

/// A handle of a bounded queue: put into it and get from it, anywhere.
///
/// Clones are handles of the same queue. It is `Send + Sync` if the items are `Send`. See the
/// [module](crate::queue) for its rules and an example.
pub struct Queue<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Queue<T> {
    /// A queue that gives its items out in the order in which they came in.
    ///
    /// It has room for this many items; `usize::MAX` is no limit, and 0 takes none: each is
    /// [`TooHeavy`](super::Cause::TooHeavy). For items of different weights: [`Queue::builder`].
    pub fn fifo(capacity: usize) -> Queue<T> {
        Queue::builder().fifo(capacity)
    }

    /// A queue that gives out the item first that came in last. Room is as in [`Queue::fifo`].
    pub fn lifo(capacity: usize) -> Queue<T> {
        Queue::builder().lifo(capacity)
    }

    /// A queue that gives out the greatest item first, and equal ones in the order in which they came in. Room is as in
    /// [`Queue::fifo`].
    ///
    /// Items are compared under the queue's lock, so a comparison must not use the queue. One that panics reaches whoever
    /// put or got, and may cost the item that was on its way; the queue goes on, in whatever order that leaves.
    ///
    /// ```
    /// use std::cmp::Reverse;
    /// use aiointernal::queue::Queue;
    ///
    /// let soonest = Queue::priority(8);
    /// for due in [30, 10, 20] {
    ///     soonest.try_put(Reverse(due)).unwrap();
    /// }
    /// assert_eq!(soonest.try_get(), Ok(Reverse(10)));
    /// ```
    pub fn priority(capacity: usize) -> Queue<T>
    where
        T: Ord,
    {
        Queue::builder().priority(capacity)
    }

    /// What can be chosen before a queue is made.
    pub fn builder() -> Builder<T> {
        Builder::new()
    }

    pub(super) fn new(shared: Shared<T>) -> Queue<T> {
        Queue { shared: Arc::new(shared) }
    }

    pub(super) fn shared(&self) -> &Shared<T> {
        &self.shared
    }

    /// How much the items in the queue may weigh together. Without weights: how many they may be.
    pub fn capacity(&self) -> usize {
        self.shared.look(|state| state.capacity)
    }

    /// Changes the capacity while the queue is in use.
    ///
    /// More lets in the waiting puts for which there is room now. Less drops nothing: the queue takes items again when
    /// enough have left. A waiting put whose item alone weighs more than the new capacity is refused as
    /// [`TooHeavy`](super::Cause::TooHeavy).
    ///
    /// ```
    /// use aiointernal::queue::{Cause, Queue};
    ///
    /// let queue = Queue::fifo(2);
    /// queue.try_put(1).unwrap();
    /// queue.try_put(2).unwrap();
    /// queue.set_capacity(1);
    /// assert_eq!(queue.try_get(), Ok(1));
    /// assert_eq!(queue.try_put(3).unwrap_err().cause(), Cause::Full);
    /// queue.set_capacity(2);
    /// queue.try_put(3).unwrap();
    /// ```
    pub fn set_capacity(&self, capacity: usize) {
        self.shared.change(|state| state.set_capacity(capacity));
    }

    /// How many items are in the queue. Those of waiting puts are not.
    pub fn len(&self) -> usize {
        self.shared.look(|state| state.items.len())
    }

    /// Whether no item is in the queue.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the queue has no room for an item of weight 1, or puts wait for room.
    pub fn is_full(&self) -> bool {
        self.shared.look(|state| state.weight >= state.capacity || !state.putters.is_empty())
    }

    /// A clone of the item that comes out next, which stays in the queue. It may be promised to a get that waits.
    pub fn peek(&self) -> Option<T>
    where
        T: Clone,
    {
        self.peek_with(T::clone)
    }

    /// Shows the item that comes out next, which stays in the queue, to a closure. It runs under the queue's lock, so it
    /// should be short and must not use the queue.
    ///
    /// ```
    /// use aiointernal::queue::Queue;
    ///
    /// let queue = Queue::lifo(8);
    /// assert_eq!(queue.peek_with(String::len), None);
    /// queue.try_put("first".to_owned()).unwrap();
    /// queue.try_put("second".to_owned()).unwrap();
    /// assert_eq!(queue.peek_with(String::len), Some(6));
    /// assert_eq!(queue.len(), 2);
    /// ```
    pub fn peek_with<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.shared.look(|state| state.items.peek().map(look))
    }

    /// Takes all items out, in the order in which they would have come out. They count as done, and waiting puts come
    /// in. Gets to which they were promised wait on, in their places.
    ///
    /// ```
    /// use aiointernal::queue::Queue;
    ///
    /// let queue = Queue::fifo(8);
    /// queue.try_put(1).unwrap();
    /// queue.try_put(2).unwrap();
    /// assert_eq!(queue.clear(), [1, 2]);
    /// queue.join_blocking();
    /// ```
    pub fn clear(&self) -> Vec<T> {
        self.shared.change(|state| state.clear()).into_values()
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Queue { shared: Arc::clone(&self.shared) }
    }
}

/// The numbers, and not the items, which need not be `Debug`.
impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Queue");
        // Whoever prints it may have its lock.
        self.shared.try_look(|state| {
            debug.field("capacity", &state.capacity).field("shutdown", &state.shutdown).field("stats", &state.stats());
        });
        debug.finish_non_exhaustive()
    }
}

/// A panic of the caller's code does not leave a queue half changed.
impl<T> UnwindSafe for Queue<T> {}

impl<T> RefUnwindSafe for Queue<T> {}
