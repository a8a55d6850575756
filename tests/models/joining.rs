//! A join ends when everything is done: not before, and at all.

use shuttle::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{ends, explore, get, give_up_at_some_time, put, start};
use crate::queue::{Queue, Shutdown};

#[test]
fn a_join_ends_after_the_last_item_is_done() {
    explore(|| {
        let queue = Queue::fifo(1);
        let done = Arc::new(AtomicUsize::new(0));
        let consumers = [1, 2].map(|items| {
            let done = Arc::clone(&done);
            start(&queue, move |queue| {
                for _ in 0..items {
                    get(queue).unwrap();
                    done.fetch_add(1, Ordering::SeqCst);
                    queue.task_done().unwrap();
                }
            })
        });
        (0..3).for_each(|number| put(&queue, number).unwrap());
        queue.join_blocking();
        assert_eq!(done.load(Ordering::SeqCst), 3);
        ends(consumers);
        assert!(queue.task_done().is_err());
    });
}

#[test]
fn joins_of_both_kinds_end_together() {
    explore(|| {
        let queue = Queue::fifo(2);
        queue.try_put(0).unwrap();
        let joins = [
            start(&queue, |queue| queue.join_blocking()),
            start(&queue, |queue| shuttle::future::block_on(queue.join())),
            start(&queue, |queue| give_up_at_some_time(queue.join()).unwrap_or_default()),
        ];
        get(&queue).unwrap();
        queue.task_done().unwrap();
        // What comes later does not hold a join that began before.
        ends(joins);
        assert_eq!(queue.stats().unfinished, 0);
    });
}

#[test]
fn a_join_ends_though_more_is_put_all_the_time() {
    explore(|| {
        let queue = Queue::fifo(1);
        queue.try_put(0).unwrap();
        let join = start(&queue, |queue| queue.join_blocking());
        while queue.stats().unfinished > 0 {
            get(&queue).unwrap();
            queue.task_done().unwrap();
        }
        queue.try_put(1).unwrap();
        // It began before the second item came, or else waits for that one.
        get(&queue).unwrap();
        queue.task_done().unwrap();
        ends([join]);
    });
}

#[test]
fn clearing_and_ending_finish_items_too() {
    explore(|| {
        let queue = Queue::fifo(2);
        queue.try_put(0).unwrap();
        queue.try_put(1).unwrap();
        let join = start(&queue, |queue| queue.join_blocking());
        let worker = start(&queue, |queue| {
            if queue.try_get().is_ok() {
                queue.task_done().unwrap();
            }
        });
        let clearer = start(&queue, |queue| drop(queue.clear()));
        queue.shutdown(Shutdown::Immediate);
        ends([join, worker, clearer]);
        assert_eq!(queue.stats().unfinished, 0);
    });
}
