//! The end of a queue, in two steps.

use aiointernal::queue::{Cause, NoItem, Queue, Shutdown};

use super::{Bell, drained, full_of, ready, refusal, waiting};

#[test]
fn a_drained_queue_refuses_puts_and_gives_out_what_is_in_it() {
    let queue = Queue::fifo(8);
    queue.try_put(1).unwrap();
    assert!(queue.shutdown(Shutdown::Drain).is_empty());
    assert_eq!(queue.ended(), Some(Shutdown::Drain));
    assert_eq!(refusal(queue.try_put(2)), (Cause::ShutDown, 2));
    assert_eq!(refusal(ready(queue.put(3))), (Cause::ShutDown, 3));
    assert_eq!(refusal(queue.put_blocking(4)), (Cause::ShutDown, 4));
    assert_eq!(ready(queue.get()), Ok(1));
    assert_eq!(ready(queue.get()), Err(NoItem::ShutDown));
    assert_eq!(queue.try_get(), Err(NoItem::ShutDown));
    assert_eq!(queue.get_blocking(), Err(NoItem::ShutDown));
}

#[test]
fn waiting_puts_get_their_items_back_when_the_queue_ends() {
    for how in [Shutdown::Drain, Shutdown::Immediate] {
        let queue = full_of([0]);
        let mut puts = [1, 2].map(|number| queue.put(number));
        let bells = [(); 2].map(|()| Bell::new());
        bells.iter().zip(&mut puts).for_each(|(bell, put)| bell.hang_on(put));
        let given_back = queue.shutdown(how);
        assert_eq!(given_back, if how == Shutdown::Drain { vec![] } else { vec![0] });
        assert_eq!((bells.map(|bell| bell.rings()), queue.stats().putting), ([1, 1], 0));
        assert_eq!(puts.map(|put| refusal(ready(put))), [(Cause::ShutDown, 1), (Cause::ShutDown, 2)]);
    }
}

#[test]
fn waiting_gets_end_with_the_queue() {
    for how in [Shutdown::Drain, Shutdown::Immediate] {
        let queue = Queue::<u8>::fifo(1);
        let mut gets = [(); 2].map(|()| queue.get());
        let bells = [(); 2].map(|()| Bell::new());
        bells.iter().zip(&mut gets).for_each(|(bell, get)| bell.hang_on(get));
        queue.shutdown(how);
        assert_eq!(bells.map(|bell| bell.rings()), [1, 1]);
        assert_eq!(gets.map(ready), [Err(NoItem::ShutDown); 2]);
    }
}

#[test]
fn an_immediate_end_gives_the_items_to_whoever_causes_it() {
    let queue = Queue::lifo(8);
    [1, 2, 3].iter().for_each(|number| queue.try_put(*number).unwrap());
    assert_eq!(queue.shutdown(Shutdown::Immediate), [3, 2, 1]);
    assert_eq!((queue.stats().queued, queue.stats().weight), (0, 0));
    assert_eq!(queue.try_get(), Err(NoItem::ShutDown));
}

#[test]
fn an_immediate_end_takes_promised_items_too() {
    let queue = Queue::fifo(1);
    let get = waiting(queue.get());
    queue.try_put("a").unwrap();
    assert_eq!(queue.shutdown(Shutdown::Immediate), ["a"]);
    assert_eq!(ready(get), Err(NoItem::ShutDown));
}

#[test]
fn draining_can_become_immediate_and_not_the_other_way_round() {
    let queue = Queue::fifo(8);
    [1, 2].iter().for_each(|number| queue.try_put(*number).unwrap());
    queue.shutdown(Shutdown::Drain);
    assert_eq!(queue.try_get(), Ok(1));
    assert_eq!(queue.shutdown(Shutdown::Immediate), [2]);
    queue.shutdown(Shutdown::Drain);
    assert_eq!(queue.ended(), Some(Shutdown::Immediate));
}

#[test]
fn ending_twice_is_ending_once() {
    let queue = full_of([1]);
    queue.shutdown(Shutdown::Drain);
    assert!(queue.shutdown(Shutdown::Drain).is_empty());
    assert_eq!(drained(&queue), [1]);
    assert!(queue.shutdown(Shutdown::Immediate).is_empty());
    assert!(queue.shutdown(Shutdown::Immediate).is_empty());
}

#[test]
fn a_queue_that_was_not_ended_says_so() {
    assert_eq!(Queue::<u8>::fifo(1).ended(), None);
}

#[test]
fn an_item_that_was_promised_while_the_queue_drains_is_not_lost() {
    let queue = Queue::fifo(1);
    let first = waiting(queue.get());
    let mut second = queue.get();
    let bell = Bell::new();
    bell.hang_on(&mut second);
    queue.try_put("a").unwrap();
    queue.shutdown(Shutdown::Drain);
    bell.hang_on(&mut second);
    assert_eq!(queue.try_get(), Err(NoItem::Empty));
    drop(first);
    assert_eq!(bell.rings(), 1);
    assert_eq!(ready(second), Ok("a"));
}

#[test]
fn gets_that_wait_while_the_queue_drains_end_with_its_last_item() {
    let queue = Queue::fifo(1);
    let first = waiting(queue.get());
    let mut second = queue.get();
    let bell = Bell::new();
    bell.hang_on(&mut second);
    queue.try_put("a").unwrap();
    queue.shutdown(Shutdown::Drain);
    assert_eq!(bell.rings(), 0);
    assert_eq!(ready(first), Ok("a"));
    assert_eq!(bell.rings(), 1);
    assert_eq!(ready(second), Err(NoItem::ShutDown));
}

#[test]
fn gets_that_wait_while_the_queue_drains_end_when_it_is_cleared() {
    let queue = Queue::fifo(1);
    let first = waiting(queue.get());
    let mut second = queue.get();
    let bell = Bell::new();
    bell.hang_on(&mut second);
    queue.try_put("a").unwrap();
    queue.shutdown(Shutdown::Drain);
    assert_eq!(queue.clear(), ["a"]);
    assert_eq!(bell.rings(), 1);
    assert_eq!([first, second].map(ready), [Err(NoItem::ShutDown); 2]);
}

#[test]
fn an_ended_queue_answers_everything_else() {
    let queue = full_of([1]);
    queue.shutdown(Shutdown::Immediate);
    queue.set_capacity(5);
    assert_eq!((queue.capacity(), queue.len(), queue.peek(), queue.clear()), (5, 0, None, vec![]));
    queue.join_blocking();
}

#[test]
fn dropping_handles_ends_nothing() {
    let queue = Queue::fifo(1);
    drop(queue.clone());
    queue.try_put(1).unwrap();
    assert_eq!(queue.ended(), None);
}
