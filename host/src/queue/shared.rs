//! What the handles of a queue share.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::{
    items::{Item, Items, Order},
    state::State,
};
use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering, PoisonError, TryLockError};

/// How much room an item takes.
pub(super) type Weight<T> = dyn Fn(&T) -> usize + Send + Sync;

/// What the handles of a queue share.
pub(super) struct Shared<T> {
    state: Mutex<State<T>>,
    /// Whether a get that comes now would find an answer, for a look without the lock.
    ready: AtomicBool,
    /// Runs without the lock, as it is the caller's.
    weight: Option<Box<Weight<T>>>,
}

impl<T> Shared<T> {
    pub(super) fn new(order: Order<T>, capacity: usize, weight: Option<Box<Weight<T>>>) -> Shared<T> {
        let state = State::new(Items::new(order), capacity);
        Shared { state: Mutex::new(state), ready: AtomicBool::new(false), weight }
    }

    pub(super) fn weigh(&self, value: T) -> Item<T> {
        let weight = self.weight.as_ref().map_or(1, |weight| weight(&value));
        Item { value, weight }
    }

    /// Whether a get that comes now would find an answer. It may be too late for it when it has the lock.
    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// The caller's code that runs under the lock compares and shows items. What a panic of it leaves undone is mended
    /// before the lock is let go, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn look<R>(&self, look: impl FnOnce(&State<T>) -> R) -> R {
        look(&self.lock())
    }

    /// As [`Shared::look`], where it does not have to wait for the lock.
    pub(super) fn try_look<R>(&self, look: impl FnOnce(&State<T>) -> R) -> Option<R> {
        match self.state.try_lock() {
            Ok(state) => Some(look(&state)),
            Err(TryLockError::Poisoned(state)) => Some(look(&state.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Changes the state, then wakes those for whom that changed something.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut State<T>) -> R) -> R {
        let mut state = self.lock();
        // Items are compared within, which is their own code.
        let changed = catch_unwind(AssertUnwindSafe(|| change(&mut state)));
        if changed.is_err() {
            state.mend();
        }
        self.ready.store(state.is_ready(), Ordering::Release);
        let wakers = state.take_wakers();
        drop(state);
        if let Some(wakers) = wakers {
            wakers.run();
        }
        changed.unwrap_or_else(|panic| resume_unwind(panic))
    }
}
