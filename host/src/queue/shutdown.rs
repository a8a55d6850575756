//! The end of a queue.

use super::handle::Queue;

/// How a queue ends. `Immediate` is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shutdown {
    /// Items that are in the queue can still be got; then gets are told of the end.
    Drain,
    /// Items that are in the queue go to whoever shuts it down.
    Immediate,
}

impl<T> Queue<T> {
    /// Ends the queue, for every handle and for good. Never waits.
    ///
    /// Puts are refused from now on, and so are those that wait; each gets its item back. With [`Shutdown::Drain`],
    /// gets go on until the queue is empty, and then say so; nothing is returned here. With [`Shutdown::Immediate`],
    /// waiting gets end now, and the items in the queue are returned here in the order in which they would have come
    /// out; they count as done.
    ///
    /// `Drain` can be followed by `Immediate`. Other repetitions do nothing.
    ///
    /// Shutting down ends no [`join`](Queue::join): items that were taken before are still to be marked as done.
    ///
    /// ```
    /// use aiointernal::queue::{NoItem, Queue, Shutdown};
    ///
    /// let queue = Queue::fifo(8);
    /// queue.try_put("a").unwrap();
    /// queue.try_put("b").unwrap();
    /// queue.shutdown(Shutdown::Drain);
    /// assert!(queue.try_put("c").is_err());
    /// assert_eq!(queue.try_get(), Ok("a"));
    /// assert_eq!(queue.shutdown(Shutdown::Immediate), ["b"]);
    /// assert_eq!(queue.try_get(), Err(NoItem::ShutDown));
    /// ```
    pub fn shutdown(&self, how: Shutdown) -> Vec<T> {
        let items = self.shared().change(|state| state.shut_down(how));
        items.map_or_else(Vec::new, |items| items.into_values())
    }

    /// How the queue was ended. `None`: it was not.
    pub fn ended(&self) -> Option<Shutdown> {
        self.shared().look(|state| state.shutdown)
    }
}
