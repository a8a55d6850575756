//! `queue::Queue`: both ends, from async code and from threads.
//!
//! No test sleeps. Futures are polled by hand where an order matters; where a thread has to be waiting, the test looks at
//! the queue's numbers until it is.

mod order;
mod room;
mod fairness;
mod giving_up;
mod time_limits;
mod blocking;
mod ending;
mod joining;
mod faces;
mod runtimes;
mod sequences;

use std::{
    fmt::Debug,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

use aiointernal::queue::{Cause, Queue, Refused};

/// A queue that weighs every number as itself.
fn weighing(capacity: usize) -> Queue<usize> {
    Queue::builder().weight(|number| *number).fifo(capacity)
}

/// A queue with these items, full.
fn full_of<T>(items: impl IntoIterator<Item = T>) -> Queue<T> {
    let queue = Queue::fifo(usize::MAX);
    items.into_iter().for_each(|item| queue.try_put(item).unwrap());
    queue.set_capacity(queue.len());
    queue
}

/// Takes what can be taken.
fn drained<T>(queue: &Queue<T>) -> Vec<T> {
    std::iter::from_fn(|| queue.try_get().ok()).collect()
}

/// The cause of a refusal, and the item that came back.
fn refusal<T>(put: Result<(), Refused<T>>) -> (Cause, T) {
    let refused = put.expect_err("the item is refused");
    (refused.cause(), refused.into_item())
}

/// A waker that counts.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Bell {
    fn new() -> Arc<Bell> {
        Arc::default()
    }

    fn rings(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn poll<F: Future + Unpin>(self: &Arc<Bell>, future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    /// Polls a future that is not ready.
    fn hang_on<F: Future<Output: Debug> + Unpin>(self: &Arc<Bell>, future: &mut F) {
        let polled = self.poll(future);
        assert!(polled.is_pending(), "{polled:?}");
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls a future once.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future that is ready.
fn ready<F: Future + Unpin>(mut future: F) -> F::Output {
    match poll(&mut future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// Polls a future that is not ready, and returns it.
fn waiting<F: Future<Output: Debug> + Unpin>(mut future: F) -> F {
    Bell::new().hang_on(&mut future);
    future
}

/// Gives way to other threads until this is so.
fn eventually(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::yield_now();
    }
}
