//! What `host/src/sync.rs` has, with the primitives of the model checker.

pub(crate) use std::sync::{PoisonError, TryLockError};
use std::{
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use event_listener::Listener;
use shuttle::rand::{Rng, thread_rng};
pub(crate) use shuttle::{
    hint::spin_loop,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

/// Few, so that gets sleep in most schedules.
pub(crate) const SPINS: u32 = 2;

pub(crate) fn deadline(longest: Duration) -> Option<Instant> {
    Instant::now().checked_add(longest)
}

/// There is no clock here: a deadline comes at some time.
pub(crate) fn wait(listener: impl Listener, deadline: Option<Instant>) -> bool {
    let mut listener = pin!(listener);
    shuttle::future::block_on(std::future::poll_fn(|context| {
        if listener.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        if deadline.is_none() {
            return Poll::Pending;
        }
        if thread_rng().gen_bool(0.3) {
            return Poll::Ready(false);
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }))
}
