//! Calls without a pause between them.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use aiointernal::Ticket;

/// Rounds that are queued without waiting. Two such blocks are under way at a time.
const BLOCK: u64 = 250;

/// Room for two blocks of two calls a round, and for the callers of the table of latencies.
pub(crate) const QUEUE: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not zero");

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
