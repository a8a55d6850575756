//! What a call costs, counted and not timed: one allocation.
//!
//! The count is of the whole process, so this binary has one test.

use std::{
    alloc::System,
    convert::Infallible,
    future::Future as _,
    iter,
    pin::Pin,
    sync::mpsc,
    task::{Context, Waker},
    time::{Duration, Instant},
};

use aiointernal::{ErrorKind, HeapThread, Ticket};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Calls of a round. They fit into the queue.
const CALLS: usize = 200;

/// Calls that a queue has room for, unless its builder says otherwise.
const QUEUE: usize = 256;

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
fn a_call_allocates_once_and_leaves_nothing_behind() {
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

    // Of calls that are answered while their deadlines are far, nothing waits for those.
    let (enter, entered) = mpsc::channel();
    let (open, opened) = mpsc::channel::<()>();
    let busy = thread.call(move |_| {
        enter.send(()).unwrap();
        let _ = opened.recv();
    });
    let busy = busy.queue();
    entered.recv().unwrap();
    (0..QUEUE as u64).for_each(|number| add(number).queue().detach());
    let far = Instant::now() + Duration::from_secs(3600);
    let region = Region::new(ALLOCATOR);
    for number in 0..CALLS as u64 {
        let refused = add(number).deadline(far).queue();
        assert_eq!(refused.blocking().unwrap_err().kind(), ErrorKind::QueueFull);
        let mut waiting = add(number).deadline(far).into_future();
        assert!(Pin::new(&mut waiting).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let change = region.change();
    let left = change.bytes_allocated as i64 - change.bytes_deallocated as i64;
    assert!(left < 50 * CALLS as i64, "{left} bytes are left of {CALLS} calls");
    drop(open);
    busy.blocking().unwrap();
}
