//! Everything that the lock of a queue guards.

use std::{
    collections::BTreeMap,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    task::Waker,
};

use super::{
    items::{Item, Items},
    line::{Line, Place},
    putting::Putter,
    refused::{Cause, Refused},
    shutdown::Shutdown,
    stats::Stats,
    wakers::Wakers,
};

/// Everything that the lock of a queue guards.
///
/// Between two uses of the lock:
///
/// - The first waiting put does not fit, and none is heavier than the capacity.
/// - Of the waiting gets, the first ones have an item promised each, as many as there are items; all these were woken.
/// - After the shutdown no put waits, and once the queue is empty all waiting gets were woken.
/// - A join waits only while something is unfinished.
pub(super) struct State<T> {
    pub(super) items: Items<T>,
    pub(super) weight: usize,
    pub(super) capacity: usize,
    /// Items that were taken and are not done.
    pub(super) taken: usize,
    /// How often nothing was left unfinished.
    pub(super) finishes: u64,
    pub(super) shutdown: Option<Shutdown>,
    pub(super) putters: Line<Putter<T>>,
    /// Waiting puts that were refused and have not come for their items yet.
    pub(super) refused: BTreeMap<Place, Refused<T>>,
    /// A get that was woken has no waker here.
    pub(super) getters: Line<Option<Waker>>,
    pub(super) joiners: Line<Waker>,
    pub(super) wakers: Wakers,
}

impl<T> State<T> {
    pub(super) fn new(items: Items<T>, capacity: usize) -> State<T> {
        State {
            items,
            weight: 0,
            capacity,
            taken: 0,
            finishes: 0,
            shutdown: None,
            putters: Line::new(),
            refused: BTreeMap::new(),
            getters: Line::new(),
            joiners: Line::new(),
            wakers: Wakers::default(),
        }
    }

    /// Whether a get that comes now would find an answer.
    pub(super) fn is_ready(&self) -> bool {
        self.items.len() > self.getters.len() || self.shutdown.is_some()
    }

    pub(super) fn take_wakers(&mut self) -> Option<Wakers> {
        (!self.wakers.is_empty()).then(|| mem::take(&mut self.wakers))
    }

    /// Puts an item in, whether there is room or not, and promises it to the first get that has none yet.
    pub(super) fn insert(&mut self, item: Item<T>) {
        self.weight = self.weight.saturating_add(item.weight);
        self.items.push(item);
        self.wake_getter(self.items.len() - 1);
    }

    /// Takes an item out, which makes room.
    pub(super) fn take(&mut self) -> Option<T> {
        let item = self.items.pop()?;
        self.weight = self.weight.saturating_sub(item.weight);
        self.taken += 1;
        self.after_removal();
        Some(item.value)
    }

    /// After a comparison that panicked: one item was dropped, or has come in and nobody was told.
    pub(super) fn mend(&mut self) {
        self.weight = self.items.weight();
        for position in 0..self.items.len().min(self.getters.len()) {
            self.wake_getter(position);
        }
        // Letting in compares as well. Who cannot be let in now is when the next item leaves.
        let _ = catch_unwind(AssertUnwindSafe(|| self.admit()));
        self.look_for_finish();
        if self.shutdown.is_some() && self.items.is_empty() {
            self.wake_all_getters();
        }
    }

    /// Takes all items out, done.
    pub(super) fn clear(&mut self) -> Items<T> {
        let items = self.items.take();
        self.weight = 0;
        self.look_for_finish();
        self.after_removal();
        items
    }

    fn after_removal(&mut self) {
        self.admit();
        if self.shutdown.is_some() && self.items.is_empty() {
            self.wake_all_getters();
        }
    }

    /// Changes the capacity. A waiting put that this makes hopeless is refused.
    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.refuse_putters(Cause::TooHeavy, |putter| putter.item.weight > capacity);
        self.admit();
    }

    pub(super) fn shut_down(&mut self, how: Shutdown) -> Option<Items<T>> {
        self.shutdown = self.shutdown.max(Some(how));
        self.refuse_putters(Cause::ShutDown, |_| true);
        if how == Shutdown::Immediate {
            return Some(self.clear());
        }
        self.after_removal();
        None
    }

    /// `false`: there is nothing to be done.
    pub(super) fn task_done(&mut self) -> bool {
        let Some(taken) = self.taken.checked_sub(1) else {
            return false;
        };
        self.taken = taken;
        self.look_for_finish();
        true
    }

    fn look_for_finish(&mut self) {
        if self.unfinished() == 0 {
            self.finishes += 1;
            for (_, waker) in self.joiners.extract(|_| true) {
                self.wakers.wake(waker);
            }
        }
    }

    pub(super) fn unfinished(&self) -> usize {
        self.items.len() + self.taken
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            queued: self.items.len(),
            weight: self.weight,
            putting: self.putters.len(),
            getting: self.getters.len(),
            unfinished: self.unfinished(),
        }
    }
}
