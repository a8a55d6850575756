//! Threads that run no async code.

use std::{thread, time::Duration};

use aiointernal::queue::{Cause, NoItem, Queue, Shutdown};

use super::{drained, eventually, full_of, ready, refusal, waiting};

#[test]
fn a_blocking_put_waits_for_room() {
    let queue = full_of([0]);
    thread::scope(|scope| {
        let put = scope.spawn(|| queue.put_blocking(1));
        eventually(|| queue.stats().putting == 1);
        assert_eq!(queue.try_get(), Ok(0));
        put.join().unwrap().unwrap();
    });
    assert_eq!(drained(&queue), [1]);
}

#[test]
fn a_blocking_get_waits_for_an_item() {
    let queue = Queue::fifo(1);
    thread::scope(|scope| {
        let get = scope.spawn(|| queue.get_blocking());
        eventually(|| queue.stats().getting == 1);
        queue.try_put("a").unwrap();
        assert_eq!(get.join().unwrap(), Ok("a"));
    });
}

#[test]
fn a_blocking_get_takes_what_is_there() {
    let queue = full_of([0]);
    assert_eq!(queue.get_blocking(), Ok(0));
    assert_eq!(queue.put_blocking_for(1, Duration::ZERO), Ok(()));
    assert_eq!(queue.get_blocking_for(Duration::ZERO), Ok(1));
}

#[test]
fn a_blocking_put_that_runs_out_of_time_gives_the_item_back() {
    let queue = full_of([0]);
    assert_eq!(refusal(queue.put_blocking_for(1, Duration::ZERO)), (Cause::TimedOut, 1));
    assert_eq!(refusal(queue.put_blocking_for(2, Duration::from_micros(1))), (Cause::TimedOut, 2));
    assert_eq!(queue.stats().putting, 0);
}

#[test]
fn a_blocking_get_that_runs_out_of_time_says_so_and_leaves_its_place() {
    let queue = Queue::fifo(1);
    assert_eq!(queue.get_blocking_for(Duration::ZERO), Err(NoItem::TimedOut));
    assert_eq!(queue.get_blocking_for(Duration::from_micros(1)), Err(NoItem::TimedOut));
    queue.try_put("a").unwrap();
    assert_eq!(queue.try_get(), Ok("a"));
}

#[test]
fn a_time_limit_beyond_the_clock_is_none() {
    let queue = full_of([0]);
    thread::scope(|scope| {
        let put = scope.spawn(|| queue.put_blocking_for(1, Duration::MAX));
        eventually(|| queue.stats().putting == 1);
        assert_eq!(queue.get_blocking_for(Duration::MAX), Ok(0));
        put.join().unwrap().unwrap();
    });
}

#[test]
fn blocked_threads_and_futures_wait_in_one_line() {
    let queue = full_of([0]);
    let first = waiting(queue.put(1));
    thread::scope(|scope| {
        let second = scope.spawn(|| queue.put_blocking(2));
        eventually(|| queue.stats().putting == 2);
        let third = waiting(queue.put(3));
        assert_eq!([(); 4].map(|()| queue.try_get()), [Ok(0), Ok(1), Ok(2), Ok(3)]);
        second.join().unwrap().unwrap();
        ready(third).unwrap();
    });
    ready(first).unwrap();
}

#[test]
fn blocked_threads_hear_of_the_end() {
    let (full, empty) = (full_of([0]), Queue::<u8>::fifo(1));
    thread::scope(|scope| {
        let put = scope.spawn(|| full.put_blocking(1));
        let get = scope.spawn(|| empty.get_blocking());
        eventually(|| full.stats().putting + empty.stats().getting == 2);
        full.shutdown(Shutdown::Drain);
        empty.shutdown(Shutdown::Drain);
        assert_eq!(refusal(put.join().unwrap()), (Cause::ShutDown, 1));
        assert_eq!(get.join().unwrap(), Err(NoItem::ShutDown));
    });
}

#[test]
fn a_blocking_join_waits_for_the_last_item_to_be_done() {
    let queue = full_of([0]);
    queue.try_get().unwrap();
    thread::scope(|scope| {
        let joined = scope.spawn(|| queue.join_blocking());
        queue.task_done().unwrap();
        joined.join().unwrap();
    });
    queue.join_blocking();
}

#[test]
fn what_many_threads_put_many_threads_get_once_and_in_the_order_of_each() {
    let queue = Queue::fifo(2);
    let got = thread::scope(|scope| {
        let putters: Vec<_> = (0..4)
            .map(|putter| {
                let queue = &queue;
                scope.spawn(move || (0..500).for_each(|number| queue.put_blocking((putter, number)).unwrap()))
            })
            .collect();
        let getters: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| std::iter::from_fn(|| queue.get_blocking().ok()).collect::<Vec<_>>()))
            .collect();
        putters.into_iter().for_each(|putter| putter.join().unwrap());
        queue.shutdown(Shutdown::Drain);
        getters.into_iter().map(|getter| getter.join().unwrap()).collect::<Vec<_>>()
    });
    let in_order = |got: &[(u32, u32)]| {
        (0..4).all(|putter| got.iter().filter(|(from, _)| *from == putter).is_sorted_by_key(|(_, number)| *number))
    };
    assert!(got.iter().all(|got| in_order(got)));
    let mut all = got.concat();
    all.sort_unstable();
    assert!(all.into_iter().eq((0..4).flat_map(|putter| (0..500).map(move |number| (putter, number)))));
}
