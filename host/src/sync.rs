//! Locks, atomics, threads and waiting, as the queue and the threads use them.
//!
//! `tests/models` compiles them against another module of this name, with the primitives of a model checker.

use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};
pub(crate) use std::{
    hint::spin_loop,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

/// Turns of a blocking get's look at the queue before it parks: 2 us or 3. Waking a parked thread costs the putter a
/// system call and the item 5 us or more, so a getter that is in demand stays awake for the next item. Measured with
/// `benches/thread.rs` and 1, 8 and 64 callers: none is worse for 8, 200 are worse for 1, and so are yields to other threads.
pub(crate) const SPINS: u32 = 50;

/// The time at which a wait of this length ends. `None`: never, since the clock does not go that far.
pub(crate) fn deadline(longest: Duration) -> Option<Instant> {
    Instant::now().checked_add(longest)
}

struct Unpark {
    thread: thread::Thread,
    /// What is polled may park this thread as well, and take the wake-up; this one stays.
    woken: AtomicBool,
}

thread_local! {
    /// What woke this thread the last time, for the next time. Nobody has it while this thread waits, so that a poll that
    /// itself waits on this thread cannot take the wake-up of the one around it.
    static SPARE: Cell<Option<Arc<Unpark>>> = const { Cell::new(None) };
}

impl Unpark {
    /// One that was used before may be woken by somebody who comes late, which costs a poll.
    fn of_this_thread() -> Arc<Unpark> {
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        spare.unwrap_or_else(|| Arc::new(Unpark { thread: thread::current(), woken: AtomicBool::new(false) }))
    }

    /// Sleeps until it is woken. `false`: the deadline came first.
    fn park(&self, deadline: Option<Instant>) -> bool {
        while !self.woken.swap(false, Ordering::Acquire) {
            match deadline {
                None => thread::park(),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    thread::park_timeout(left);
                }
            }
        }
        true
    }
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Polls on this thread, which sleeps in between. `None`: the deadline came first.
pub(crate) fn block_until<R>(deadline: Option<Instant>, mut poll: impl FnMut(&Waker) -> Poll<R>) -> Option<R> {
    let unpark = Unpark::of_this_thread();
    let waker = Waker::from(Arc::clone(&unpark));
    let output = loop {
        if let Poll::Ready(output) = poll(&waker) {
            break Some(output);
        }
        if !unpark.park(deadline) {
            break None;
        }
    };
    // A thread on its way out has no room for it any more.
    let _ = SPARE.try_with(|spare| spare.set(Some(unpark)));
    output
}

/// Polls a future on this thread, which sleeps in between.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        // Without a deadline it does not come back before its end.
        if let Some(output) = block_until(None, |waker| future.as_mut().poll(&mut Context::from_waker(waker))) {
            return output;
        }
    }
}
