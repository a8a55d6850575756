//! Puts and gets that wait until something else happens.

use std::{future::pending, time::Duration};

use aiointernal::queue::{Cause, NoItem, Queue, Shutdown};
use tokio::sync::oneshot;

use super::{Bell, drained, full_of, ready, refusal, waiting};

#[test]
fn a_put_that_runs_out_of_time_gives_the_item_back() {
    let queue = full_of([0]);
    let (over, limit) = oneshot::channel();
    let put = waiting(queue.put(1).until(limit));
    over.send(()).unwrap();
    assert_eq!(refusal(ready(put)), (Cause::TimedOut, 1));
    assert_eq!(queue.stats().putting, 0);
}

#[test]
fn a_put_that_runs_out_of_time_leaves_its_place_to_the_next() {
    let queue = full_of([0]);
    let (over, limit) = oneshot::channel();
    let first = waiting(queue.put(1).until(limit));
    let second = waiting(queue.put(2));
    over.send(()).unwrap();
    assert_eq!(refusal(ready(first)), (Cause::TimedOut, 1));
    assert_eq!(queue.try_get(), Ok(0));
    ready(second).unwrap();
}

#[test]
fn a_get_that_runs_out_of_time_says_so_and_leaves_its_place() {
    let queue = Queue::fifo(1);
    let (over, limit) = oneshot::channel();
    let first = waiting(queue.get().until(limit));
    let second = waiting(queue.get());
    over.send(()).unwrap();
    assert_eq!(ready(first), Err(NoItem::TimedOut));
    queue.try_put("a").unwrap();
    assert_eq!(ready(second), Ok("a"));
}

#[test]
fn the_end_of_the_time_wakes_who_waits() {
    let queue = Queue::<u8>::fifo(1);
    let (over, limit) = oneshot::channel();
    let mut get = queue.get().until(limit);
    let bell = Bell::new();
    bell.hang_on(&mut get);
    over.send(()).unwrap();
    assert_eq!(bell.rings(), 1);
}

#[test]
fn a_put_that_found_room_at_the_last_moment_is_not_late() {
    let queue = full_of([0]);
    let (over, limit) = oneshot::channel();
    let put = waiting(queue.put(1).until(limit));
    queue.try_get().unwrap();
    over.send(()).unwrap();
    ready(put).unwrap();
    assert_eq!(drained(&queue), [1]);
}

#[test]
fn a_get_that_was_promised_an_item_at_the_last_moment_takes_it() {
    let queue = Queue::fifo(1);
    let (over, limit) = oneshot::channel();
    let get = waiting(queue.get().until(limit));
    queue.try_put("a").unwrap();
    over.send(()).unwrap();
    assert_eq!(ready(get), Ok("a"));
}

#[test]
fn a_put_whose_item_entered_while_its_time_ran_out_is_not_late() {
    // The limit itself makes the room: after the put was polled, before it is ended.
    let queue = full_of([0]);
    let taker = queue.clone();
    let limit = std::future::poll_fn(move |_| std::task::Poll::Ready(taker.try_get()));
    ready(queue.put(1).until(limit)).unwrap();
    assert_eq!(drained(&queue), [1]);
}

#[test]
fn a_get_whose_item_came_while_its_time_ran_out_is_not_late() {
    let queue = Queue::fifo(1);
    let giver = queue.clone();
    let limit = std::future::poll_fn(move |_| std::task::Poll::Ready(giver.try_put("a")));
    assert_eq!(ready(queue.get().until(limit)), Ok("a"));
}

#[test]
fn a_refusal_precedes_the_end_of_the_time() {
    let queue = full_of([0]);
    let (over, limit) = oneshot::channel();
    let put = waiting(queue.put(1).until(limit));
    queue.shutdown(Shutdown::Drain);
    over.send(()).unwrap();
    assert_eq!(refusal(ready(put)), (Cause::ShutDown, 1));
}

#[test]
fn a_limit_that_is_not_needed_is_not_polled() {
    let queue = Queue::fifo(1);
    let unneeded = || std::future::poll_fn(|_| -> std::task::Poll<()> { panic!("nothing had to wait") });
    ready(queue.put(1).until(unneeded())).unwrap();
    assert_eq!(ready(queue.get().until(unneeded())), Ok(1));
}

#[test]
fn a_limited_put_that_is_dropped_gives_up_like_any_other() {
    let queue = full_of([0]);
    drop(waiting(queue.put(1).until(pending::<()>())));
    assert_eq!(queue.stats().putting, 0);
}

#[tokio::test]
async fn the_clock_of_a_runtime_is_a_limit() {
    let queue = full_of([0]);
    let put = queue.put(1).until(tokio::time::sleep(Duration::ZERO)).await;
    assert_eq!(refusal(put), (Cause::TimedOut, 1));
    drained(&queue);
    assert_eq!(queue.get().until(tokio::time::sleep(Duration::ZERO)).await, Err(NoItem::TimedOut));
}
