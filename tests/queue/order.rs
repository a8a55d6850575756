//! Which item comes out next.

use std::{
    cmp::Ordering,
    panic::{AssertUnwindSafe, catch_unwind},
};

use aiointernal::queue::Queue;

use super::{Bell, drained, full_of};

/// Compared by its urgency alone.
#[derive(Clone, Debug)]
struct Task {
    urgency: u8,
    name: &'static str,
}

impl Ord for Task {
    fn cmp(&self, other: &Self) -> Ordering {
        self.urgency.cmp(&other.urgency)
    }
}

impl PartialOrd for Task {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Task {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Task {}

fn tasks() -> Queue<Task> {
    let queue = Queue::priority(8);
    for (urgency, name) in [(1, "sweep"), (3, "rescue"), (2, "cook"), (3, "heal"), (1, "dust"), (3, "feed")] {
        queue.try_put(Task { urgency, name }).unwrap();
    }
    queue
}

fn numbers(queue: Queue<u8>) -> Queue<u8> {
    [2, 1, 3].iter().for_each(|number| queue.try_put(*number).unwrap());
    queue
}

#[test]
fn a_fifo_gives_items_out_in_the_order_in_which_they_came() {
    assert_eq!(drained(&numbers(Queue::fifo(3))), [2, 1, 3]);
}

#[test]
fn a_lifo_gives_out_first_what_came_last() {
    assert_eq!(drained(&numbers(Queue::lifo(3))), [3, 1, 2]);
}

#[test]
fn a_priority_queue_gives_out_the_greatest_first() {
    assert_eq!(drained(&numbers(Queue::priority(3))), [3, 2, 1]);
}

#[test]
fn equal_items_of_a_priority_queue_come_out_in_the_order_in_which_they_came() {
    let names: Vec<_> = drained(&tasks()).into_iter().map(|task| task.name).collect();
    assert_eq!(names, ["rescue", "heal", "feed", "cook", "sweep", "dust"]);
}

#[test]
fn cleared_items_come_in_the_order_in_which_they_would_have_come_out() {
    for queue in [Queue::fifo, Queue::lifo, Queue::priority].map(|make| make(3)) {
        let expected = drained(&numbers(queue.clone()));
        assert_eq!(numbers(queue).clear(), expected);
    }
    let names: Vec<_> = tasks().clear().into_iter().map(|task| task.name).collect();
    assert_eq!(names, ["rescue", "heal", "feed", "cook", "sweep", "dust"]);
}

#[test]
fn a_peek_shows_what_comes_out_next_and_leaves_it_there() {
    for (queue, next) in [(Queue::fifo(3), 2), (Queue::lifo(3), 3), (Queue::priority(3), 3)] {
        let queue = numbers(queue);
        assert_eq!(queue.peek(), Some(next));
        assert_eq!(queue.peek_with(|number| *number), Some(next));
        assert_eq!(queue.len(), 3);
        assert_eq!(queue.try_get(), Ok(next));
    }
}

#[test]
fn a_peek_at_an_empty_queue_shows_nothing() {
    assert_eq!(Queue::<u8>::priority(1).peek(), None);
    assert_eq!(Queue::<u8>::fifo(1).peek_with(|_| panic!("there is nothing to show")), None::<()>);
}

#[test]
fn a_look_that_panics_leaves_the_queue_as_it_was() {
    let queue = full_of([1]);
    let looked = std::panic::catch_unwind(|| queue.peek_with(|_| -> () { std::panic::resume_unwind(Box::new(())) }));
    assert!(looked.is_err());
    assert_eq!(drained(&queue), [1]);
    queue.try_put(2).unwrap();
}

#[test]
fn a_comparison_that_panics_leaves_a_queue_that_goes_on() {
    /// As a number that is none among others.
    #[derive(Debug, PartialEq, Eq)]
    struct Touchy(Option<u32>);
    impl PartialOrd for Touchy {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Touchy {
        fn cmp(&self, other: &Self) -> Ordering {
            self.0.expect("a number").cmp(&other.0.expect("a number"))
        }
    }
    let queue = Queue::priority(4);
    let mut gets = [queue.get(), queue.get(), queue.get()];
    let bells = gets.each_mut().map(|get| {
        let bell = Bell::new();
        bell.hang_on(get);
        bell
    });
    queue.try_put(Touchy(Some(1))).unwrap();
    catch_unwind(AssertUnwindSafe(|| queue.try_put(Touchy(None)))).unwrap_err();
    let _ = catch_unwind(AssertUnwindSafe(|| queue.try_put(Touchy(Some(3)))));
    assert_eq!(bells.map(|bell| bell.rings() > 0), [true; 3]);
    drop(gets);
    // Until one is left, each that comes out is compared with others.
    while !queue.is_empty() {
        let _ = catch_unwind(AssertUnwindSafe(|| queue.try_get()));
    }
    assert_eq!(queue.stats().weight, 0);
    queue.try_put(Touchy(Some(4))).unwrap();
    assert_eq!(queue.try_get(), Ok(Touchy(Some(4))));
}
