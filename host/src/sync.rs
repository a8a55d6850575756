//! Locks, atomics, threads and waiting, as the queue and the threads use them.
//!
//! `tests/models` compiles them against another module of this name, with the primitives of a model checker.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};
pub(crate) use std::{
    hint::spin_loop,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
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

struct Unpark {
    thread: thread::Thread,
    /// What is polled may park this thread as well, and take the wake-up; this one stays.
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Polls a future on this thread, which sleeps in between.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let unpark = Arc::new(Unpark { thread: thread::current(), woken: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&unpark));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        while !unpark.woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}
