//! Locks, atomics and waiting, as the queue uses them.
//!
//! `tests/models` compiles the queue against another module of this name, with the primitives of a model checker.

use std::time::{Duration, Instant};
pub(crate) use std::{
    hint::spin_loop,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
};

use event_listener::Listener;

/// Turns of a blocking get's look at the queue before it parks: about 10 us. Waking a parked thread costs the putter a
/// system call and the item 5 us or more, so a getter that is in demand stays awake for the next item.
pub(crate) const SPINS: u32 = 200;

/// The time at which a wait of this length ends. `None`: never, since the clock does not go that far.
pub(crate) fn deadline(longest: Duration) -> Option<Instant> {
    Instant::now().checked_add(longest)
}

/// Blocks this thread until the listener hears something. `false`: the deadline came first.
pub(crate) fn wait(listener: impl Listener, deadline: Option<Instant>) -> bool {
    match deadline {
        None => {
            listener.wait();
            true
        }
        Some(deadline) => listener.wait_deadline(deadline).is_some(),
    }
}
