//! The contexts that are measured, and calls without a pause between them.

use std::{
    convert::Infallible,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use aiointernal::{Context, HeapThread, Limits, Sandbox, Ticket};

/// Rounds that are queued without waiting. Two such blocks are under way at a time.
const BLOCK: u64 = 250;

/// Room for two blocks of two calls a round, and for the callers of the table of latencies.
const QUEUE: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not zero");

/// A context that may hand out what is measured.
pub(crate) fn context() -> Context {
    let mut limits = Limits::default();
    limits.result = 4 << 20;
    let sandbox = Sandbox::builder().limits(limits).build().expect("the engine compiles");
    let context = sandbox.context().queue_capacity(QUEUE).blocking().expect("there is room for a context");
    let sum: i32 = context.eval_as(crate::SUM).blocking().expect("the script is right");
    assert_eq!(sum, 3);
    context
}

/// A thread whose object is nothing.
pub(crate) fn nothing() -> HeapThread<()> {
    let opening = HeapThread::builder().queue_capacity(QUEUE).spawn(|| Ok::<_, Infallible>(()));
    opening.blocking().expect("the system starts a thread")
}

/// The time of this many rounds of calls, with the next ones always in the queue: the time of the thread that runs
/// them, not of the way there and back. `queue` makes one round and returns the ticket of its last call.
pub(crate) fn pipelined<R>(rounds: u64, mut queue: impl FnMut() -> Ticket<R>) -> Duration {
    let finish = |last: Ticket<R>| drop(last.blocking().expect("the call runs"));
    let started = Instant::now();
    let mut ahead = None;
    let mut left = rounds;
    while left > 0 {
        let block = left.min(BLOCK);
        for _ in 1..block {
            queue().detach();
        }
        ahead.replace(queue()).map(finish);
        left -= block;
    }
    ahead.map(finish);
    started.elapsed()
}
