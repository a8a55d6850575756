//! What can be chosen before a queue is made.

use std::fmt;

use super::{
    handle::Queue,
    items::Order,
    shared::{Shared, Weight},
};

/// What can be chosen before a [`Queue`] is made.
///
/// ```
/// use aiointernal::queue::{Cause, Queue};
///
/// // Room for a mebibyte of messages.
/// let messages = Queue::builder().weight(|message: &String| message.len()).fifo(1 << 20);
/// messages.try_put("a".repeat(1 << 19)).unwrap();
/// assert_eq!(messages.stats().weight, 1 << 19);
/// assert_eq!(messages.try_put("b".repeat(1 << 20)).unwrap_err().cause(), Cause::Full);
/// assert_eq!(messages.try_put("c".repeat(1 << 21)).unwrap_err().cause(), Cause::TooHeavy);
/// ```
#[must_use]
pub struct Builder<T> {
    weight: Option<Box<Weight<T>>>,
}

impl<T> Builder<T> {
    pub(super) fn new() -> Builder<T> {
        Builder { weight: None }
    }

    /// How much an item weighs, in the unit of the capacity, bytes for instance. It is asked for once for each put. Items
    /// of weight 0 take no room. Default: every item weighs 1.
    ///
    /// An item that weighs more than the whole capacity is refused at once.
    pub fn weight(self, weight: impl Fn(&T) -> usize + Send + Sync + 'static) -> Builder<T> {
        Builder { weight: Some(Box::new(weight)) }
    }

    /// Makes a queue as [`Queue::fifo`] does, with this capacity in the unit of the weights.
    pub fn fifo(self, capacity: usize) -> Queue<T> {
        self.build(Order::Fifo, capacity)
    }

    /// Makes a queue as [`Queue::lifo`] does, with this capacity in the unit of the weights.
    pub fn lifo(self, capacity: usize) -> Queue<T> {
        self.build(Order::Lifo, capacity)
    }

    /// Makes a queue as [`Queue::priority`] does, with this capacity in the unit of the weights.
    pub fn priority(self, capacity: usize) -> Queue<T>
    where
        T: Ord,
    {
        self.build(Order::Priority(T::cmp), capacity)
    }

    fn build(self, order: Order<T>, capacity: usize) -> Queue<T> {
        Queue::new(Shared::new(order, capacity, self.weight))
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("weight", &self.weight.is_some()).finish()
    }
}
