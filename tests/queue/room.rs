//! How much goes in.

use aiointernal::queue::{Cause, Queue};

use super::{Bell, drained, full_of, ready, refusal, waiting, weighing};

#[test]
fn a_full_queue_gives_the_item_back_to_a_put_that_will_not_wait() {
    let queue = full_of(["a"]);
    assert_eq!(refusal(queue.try_put("b")), (Cause::Full, "b"));
    assert_eq!(drained(&queue), ["a"]);
}

#[test]
fn a_put_that_finds_room_does_not_wait() {
    let queue = Queue::fifo(1);
    ready(queue.put("a")).unwrap();
    assert_eq!(drained(&queue), ["a"]);
}

#[test]
fn a_put_does_nothing_until_it_is_polled() {
    let queue = Queue::fifo(1);
    drop(queue.put("a"));
    assert!(queue.is_empty());
}

#[test]
fn capacity_is_counted_in_weights() {
    let queue = weighing(10);
    queue.try_put(6).unwrap();
    assert_eq!(refusal(queue.try_put(5)), (Cause::Full, 5));
    queue.try_put(4).unwrap();
    let stats = queue.stats();
    assert_eq!((stats.queued, stats.weight), (2, 10));
}

#[test]
fn an_item_heavier_than_the_capacity_is_refused_at_once() {
    let queue = weighing(10);
    assert_eq!(refusal(queue.try_put(11)), (Cause::TooHeavy, 11));
    assert_eq!(refusal(ready(queue.put(12))), (Cause::TooHeavy, 12));
    assert_eq!(refusal(queue.put_blocking(13)), (Cause::TooHeavy, 13));
}

#[test]
fn an_item_heavier_than_the_capacity_is_refused_at_once_by_a_full_queue_too() {
    let queue = weighing(10);
    queue.try_put(10).unwrap();
    let _ahead = waiting(queue.put(1));
    assert_eq!(refusal(ready(queue.put(11))), (Cause::TooHeavy, 11));
}

#[test]
fn an_item_without_weight_takes_no_room() {
    let queue = weighing(1);
    queue.try_put(1).unwrap();
    queue.try_put(0).unwrap();
    assert_eq!(drained(&queue), [1, 0]);
}

#[test]
fn a_queue_without_capacity_takes_items_without_weight_only() {
    let queue = weighing(0);
    assert_eq!(refusal(queue.try_put(1)), (Cause::TooHeavy, 1));
    queue.try_put(0).unwrap();
}

#[test]
fn weights_of_any_size_do_not_overflow() {
    let queue = weighing(usize::MAX);
    queue.try_put(usize::MAX).unwrap();
    assert_eq!(refusal(queue.try_put(usize::MAX)), (Cause::Full, usize::MAX));
    queue.try_put(0).unwrap();
    assert_eq!(queue.stats().weight, usize::MAX);
}

#[test]
fn an_item_is_weighed_once() {
    let (weighed, count) = (Bell::new(), Bell::new());
    let queue = Queue::builder()
        .weight(move |_| {
            std::task::Wake::wake_by_ref(&weighed);
            weighed.rings()
        })
        .fifo(2);
    queue.try_put(()).unwrap();
    let mut second = queue.put(());
    count.hang_on(&mut second);
    queue.try_get().unwrap();
    assert_eq!(count.rings(), 1);
    assert_eq!(queue.stats().weight, 2);
}

#[test]
fn raising_the_capacity_lets_in_the_waiting_puts_that_fit_then() {
    let queue = full_of([1]);
    let mut puts = [2, 3, 4].map(|number| queue.put(number));
    let bells = [(); 3].map(|()| Bell::new());
    bells.iter().zip(&mut puts).for_each(|(bell, put)| bell.hang_on(put));
    queue.set_capacity(3);
    assert_eq!(queue.capacity(), 3);
    assert_eq!(bells.map(|bell| bell.rings()), [1, 1, 0]);
    assert_eq!(queue.clear(), [1, 2, 3]);
}

#[test]
fn lowering_the_capacity_drops_nothing() {
    let queue = full_of([1, 2, 3]);
    queue.set_capacity(1);
    assert_eq!((queue.len(), queue.stats().weight), (3, 3));
    assert_eq!([(); 2].map(|()| queue.try_get()), [Ok(1), Ok(2)]);
    assert_eq!(refusal(queue.try_put(4)), (Cause::Full, 4));
    assert_eq!(queue.try_get(), Ok(3));
    queue.try_put(4).unwrap();
}

#[test]
fn lowering_the_capacity_refuses_the_waiting_puts_that_have_become_too_heavy() {
    let queue = weighing(10);
    queue.try_put(9).unwrap();
    let mut heavy = queue.put(8);
    let bell = Bell::new();
    bell.hang_on(&mut heavy);
    let light = waiting(queue.put(2));
    queue.set_capacity(7);
    assert_eq!(bell.rings(), 1);
    assert_eq!(queue.stats().putting, 1);
    assert_eq!(refusal(ready(heavy)), (Cause::TooHeavy, 8));
    assert_eq!(queue.try_get(), Ok(9));
    ready(light).unwrap();
}

#[test]
fn a_put_that_has_become_too_heavy_makes_way_for_those_behind_it() {
    let queue = weighing(10);
    queue.try_put(3).unwrap();
    let heavy = waiting(queue.put(8));
    let mut light = queue.put(2);
    let bell = Bell::new();
    bell.hang_on(&mut light);
    queue.set_capacity(7);
    assert_eq!(bell.rings(), 1);
    assert_eq!(queue.clear(), [3, 2]);
    drop(heavy);
}

#[test]
fn a_queue_is_full_when_an_item_of_weight_one_would_have_to_wait() {
    let queue = Queue::fifo(2);
    queue.try_put(1).unwrap();
    assert!(!queue.is_full() && !queue.is_empty());
    queue.try_put(2).unwrap();
    assert!(queue.is_full());

    let heavy = weighing(10);
    heavy.try_put(5).unwrap();
    let _waits = waiting(heavy.put(6));
    assert!(heavy.is_full());
}

#[test]
fn the_numbers_tell_who_is_where() {
    let queue = full_of([1]);
    let put = waiting(queue.put(2));
    assert_eq!((queue.stats().putting, queue.stats().unfinished), (1, 1));
    queue.try_get().unwrap();
    assert_eq!((queue.stats().putting, queue.stats().unfinished), (0, 2));
    drop(put);
    queue.try_get().unwrap();
    let get = waiting(queue.get());
    let stats = queue.stats();
    assert_eq!((stats.queued, stats.weight, stats.getting, stats.unfinished), (0, 0, 1, 2));
    drop(get);
    assert_eq!(queue.stats().getting, 0);
}

#[test]
fn clearing_lets_waiting_puts_in() {
    let queue = full_of([1, 2]);
    let put = waiting(queue.put(3));
    assert_eq!(queue.clear(), [1, 2]);
    ready(put).unwrap();
    assert_eq!(drained(&queue), [3]);
}
