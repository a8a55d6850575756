//! What `host/src/sync.rs` has, with the primitives of the model checker.

pub(crate) use std::sync::{PoisonError, TryLockError};
use std::{
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use shuttle::rand::{Rng, thread_rng};
pub(crate) use shuttle::{
    hint::spin_loop,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

/// Few, so that gets sleep in most schedules.
pub(crate) const SPINS: u32 = 2;

pub(crate) fn deadline(longest: Duration) -> Option<Instant> {
    Instant::now().checked_add(longest)
}

pub(crate) use shuttle::future::block_on;

/// There is no clock here: a deadline comes at some time.
pub(crate) fn block_until<R>(deadline: Option<Instant>, mut poll: impl FnMut(&Waker) -> Poll<R>) -> Option<R> {
    shuttle::future::block_on(std::future::poll_fn(|context| {
        if let Poll::Ready(output) = poll(context.waker()) {
            return Poll::Ready(Some(output));
        }
        if deadline.is_none() {
            return Poll::Pending;
        }
        if thread_rng().gen_bool(0.3) {
            return Poll::Ready(None);
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }))
}
