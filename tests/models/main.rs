//! The queue and the threads under a model checker.
//!
//! The very source files of `host/src/queue` and `host/src/thread` are compiled against `sync` below, which has the locks, atomics and threads
//! of shuttle: each model runs many times, and shuttle chooses at every lock, unlock, atomic and wait which thread goes on. A
//! wake-up that is lost is a deadlock, which shuttle reports with the schedule that leads to it.
#![expect(clippy::unwrap_used, reason = "a model that meets an error has failed")]
#![expect(unexpected_cfgs, reason = "the features of `aiointernal` are none of this crate, so they are off")]
#![expect(dead_code, unused_imports, unreachable_pub, reason = "the models do not use everything")]

#[path = "../../host/src/error.rs"]
mod error;
#[path = "../../host/src/queue/mod.rs"]
pub mod queue;
mod sync;
#[path = "../../host/src/thread/mod.rs"]
mod thread;
mod timer;

mod calls;
mod deferring;

mod wake_ups;
mod giving_up;
mod ending;
mod joining;

use std::{future::Future, pin::pin, task::Poll};

use shuttle::{
    future,
    rand::{Rng, thread_rng},
    thread::JoinHandle,
};

use self::queue::{Queue, Refused};

/// Runs a model under schedules of two kinds: any, and those that differ little from one thread after the other, among
/// which most faults hide.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    let model = std::sync::Arc::new(model);
    let same = std::sync::Arc::clone(&model);
    shuttle::check_random(move || model(), 3000);
    shuttle::check_pct(move || same(), 1500, 3);
}

/// A queue that weighs every number as itself.
fn weighing(capacity: usize) -> Queue<usize> {
    Queue::builder().weight(|number| *number).fifo(capacity)
}

/// Starts a thread with a handle of the queue.
fn start<T: Send + 'static, R: Send + 'static>(
    queue: &Queue<T>,
    work: impl FnOnce(&Queue<T>) -> R + Send + 'static,
) -> JoinHandle<R> {
    let queue = queue.clone();
    shuttle::thread::spawn(move || work(&queue))
}

/// What the threads end with.
fn ends<R>(threads: impl IntoIterator<Item = JoinHandle<R>>) -> Vec<R> {
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

/// Either of the two ways to wait.
fn put(queue: &Queue<usize>, item: usize) -> Result<(), Refused<usize>> {
    if thread_rng().gen_bool(0.5) { queue.put_blocking(item) } else { future::block_on(queue.put(item)) }
}

/// Either of the two ways to wait, until the end of the queue.
fn get_all(queue: &Queue<usize>) -> Vec<usize> {
    std::iter::from_fn(|| get(queue)).collect()
}

fn get(queue: &Queue<usize>) -> Option<usize> {
    if thread_rng().gen_bool(0.5) { queue.get_blocking().ok() } else { future::block_on(queue.get()).ok() }
}

/// A future that becomes ready at some time.
fn some_time() -> impl Future<Output = ()> {
    std::future::poll_fn(|context| {
        if thread_rng().gen_bool(0.3) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

/// Polls a future, and drops it at some time unless it ends before.
fn give_up_at_some_time<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut late = pin!(some_time());
    future::block_on(std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => late.as_mut().poll(context).map(|()| None),
    }))
}
