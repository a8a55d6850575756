//! Waiting until everything that was put is done.

use std::time::Duration;

use aiointernal::queue::{Queue, Shutdown};

use super::{Bell, full_of, ready, waiting};

#[test]
fn a_queue_that_nothing_was_put_into_is_joined_at_once() {
    ready(Queue::<u8>::fifo(1).join());
}

#[test]
fn a_join_ends_when_every_item_has_been_taken_and_marked_done() {
    let queue = full_of([1, 2]);
    let mut join = queue.join();
    let bell = Bell::new();
    bell.hang_on(&mut join);
    queue.try_get().unwrap();
    queue.try_get().unwrap();
    queue.task_done().unwrap();
    assert_eq!(bell.rings(), 0);
    queue.task_done().unwrap();
    assert_eq!(bell.rings(), 1);
    ready(join);
}

#[test]
fn every_join_ends() {
    let queue = full_of([1]);
    let joins = [(); 3].map(|()| waiting(queue.join()));
    queue.try_get().unwrap();
    queue.task_done().unwrap();
    joins.into_iter().for_each(ready);
}

#[test]
fn a_join_ends_even_if_more_is_put_before_it_is_polled() {
    let queue = full_of([1]);
    let join = waiting(queue.join());
    queue.try_get().unwrap();
    queue.task_done().unwrap();
    queue.try_put(2).unwrap();
    ready(join);
    drop(waiting(queue.join()));
}

#[test]
fn marking_more_done_than_was_taken_is_an_error_and_changes_nothing() {
    let queue = full_of([1]);
    assert!(queue.task_done().is_err());
    queue.try_get().unwrap();
    queue.task_done().unwrap();
    assert!(queue.task_done().is_err());
    assert_eq!(queue.stats().unfinished, 0);
    queue.try_put(2).unwrap();
    let _waits = waiting(queue.join());
}

#[test]
fn cleared_items_are_done() {
    let queue = full_of([1, 2]);
    let join = waiting(queue.join());
    assert_eq!(queue.clear(), [1, 2]);
    ready(join);
    assert!(queue.task_done().is_err());
}

#[test]
fn items_that_an_immediate_end_gives_back_are_done() {
    let queue = full_of([1, 2]);
    let join = waiting(queue.join());
    queue.shutdown(Shutdown::Immediate);
    ready(join);
}

#[test]
fn an_immediate_end_does_not_hide_that_a_taken_item_is_not_done() {
    let queue = full_of([1, 2]);
    queue.try_get().unwrap();
    let mut join = queue.join();
    let bell = Bell::new();
    bell.hang_on(&mut join);
    queue.shutdown(Shutdown::Immediate);
    bell.hang_on(&mut join);
    queue.task_done().unwrap();
    assert_eq!(bell.rings(), 1);
    ready(join);
}

#[test]
fn refused_items_do_not_count() {
    let queue = Queue::fifo(0);
    queue.try_put(1).unwrap_err();
    ready(queue.join());
}

#[test]
fn the_item_of_a_waiting_put_counts_when_it_has_entered() {
    let queue = full_of([1]);
    let put = waiting(queue.put(2));
    assert_eq!(queue.stats().unfinished, 1);
    queue.try_get().unwrap();
    assert_eq!(queue.stats().unfinished, 2);
    drop(put);
}

#[test]
fn a_join_that_is_dropped_changes_nothing() {
    let queue = full_of([1]);
    let dropped = waiting(queue.join());
    let join = waiting(queue.join());
    drop(dropped);
    queue.clear();
    ready(join);
}

#[test]
fn a_blocking_join_can_run_out_of_time() {
    let queue = full_of([1]);
    assert!(!queue.join_blocking_for(Duration::from_millis(1)));
    queue.clear();
    assert!(queue.join_blocking_for(Duration::from_secs(600)));
}
