//! What a call costs, counted and not timed: one allocation.
//!
//! The count is of the whole process, so this binary has one test.

use std::{alloc::System, convert::Infallible, iter};

use aiointernal::{HeapThread, Ticket};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Calls of a round. They fit into the queue.
const CALLS: usize = 200;

/// Rounds that are counted, of which the one with the fewest allocations is taken: the first time that a thread parks
/// or a buffer grows costs a few, once, and when that is depends on the scheduler.
const ROUNDS: usize = 10;

/// Allocations of so many calls, on the caller's side and on the thread.
fn allocations(calls: impl Fn()) -> usize {
    let rounds = (0..ROUNDS).map(|_| {
        let region = Region::new(ALLOCATOR);
        calls();
        let change = region.change();
        change.allocations + change.reallocations
    });
    rounds.min().unwrap_or_default()
}

#[test]
fn a_call_allocates_once() {
    let thread = HeapThread::spawn(|| Ok::<_, Infallible>(0_u64)).blocking().unwrap();
    let add = |number| thread.call(move |sum| *sum += number);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

    let awaited = allocations(|| {
        runtime.block_on(async {
            for number in 0..CALLS as u64 {
                add(number).await.unwrap();
            }
        });
    });
    assert_eq!(awaited, CALLS, "awaited");

    let fallible = allocations(|| {
        runtime.block_on(async {
            for number in 0..CALLS as u64 {
                let call = thread.try_call(move |sum, _| sum.checked_add(number).ok_or("too much"));
                call.await.unwrap();
            }
        });
    });
    assert_eq!(fallible, CALLS, "awaited, and may fail");

    let detached = allocations(|| {
        (1..CALLS as u64).for_each(|number| add(number).queue().detach());
        runtime.block_on(add(0).into_future()).unwrap();
    });
    assert_eq!(detached, CALLS, "queued and left to themselves");

    // The vector of the tickets is one more.
    let queued = allocations(|| {
        let tickets: Vec<Ticket<()>> = iter::repeat_n(1, CALLS).map(|number| add(number).queue()).collect();
        runtime.block_on(async {
            for ticket in tickets {
                ticket.await.unwrap();
            }
        });
    });
    assert_eq!(queued, CALLS + 1, "queued");

    let blocking = allocations(|| (0..CALLS as u64).for_each(|number| add(number).blocking().unwrap()));
    assert_eq!(blocking, CALLS, "blocking");
}
