//! How a queue is doing.

use super::handle::Queue;

/// How a queue is doing, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Items in the queue.
    pub queued: usize,
    /// What these items weigh together. Without [`Builder::weight`](super::Builder::weight): as many.
    pub weight: usize,
    /// Puts that wait for room.
    pub putting: usize,
    /// Gets that wait, including those that an item is promised to and that have not come for it yet.
    pub getting: usize,
    /// Items in the queue, and items that were taken and not marked as [done](Queue::task_done).
    pub unfinished: usize,
}

impl<T> Queue<T> {
    /// How the queue is doing: all numbers are of the same moment.
    pub fn stats(&self) -> Stats {
        self.shared().look(|state| state.stats())
    }
}
