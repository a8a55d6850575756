//! Every item of a queue that ends is got, given back or refused, once; and everybody ends.

use super::{ends, explore, get_all, give_up_at_some_time, put, start};
use crate::queue::{Cause, NoItem, Queue, Shutdown};

/// Puts an item. Returns it if it was refused.
fn put_or_keep(queue: &Queue<usize>, item: usize) -> Vec<usize> {
    match put(queue, item) {
        Ok(()) => Vec::new(),
        Err(refused) => {
            assert_eq!(refused.cause(), Cause::ShutDown);
            vec![refused.into_item()]
        }
    }
}

fn sorted(items: impl IntoIterator<Item = Vec<usize>>) -> Vec<usize> {
    let mut all: Vec<_> = items.into_iter().flatten().collect();
    all.sort_unstable();
    all
}

#[test]
fn draining_loses_nothing_and_leaves_nobody_waiting() {
    explore(|| {
        let queue = Queue::fifo(1);
        let putters = [0, 1, 2].map(|number| start(&queue, move |queue| put_or_keep(queue, number)));
        let getters = [(); 2].map(|()| start(&queue, get_all));
        assert!(queue.shutdown(Shutdown::Drain).is_empty());
        assert_eq!(sorted(ends(putters).into_iter().chain(ends(getters))), [0, 1, 2]);
        assert!(queue.is_empty());
    });
}

#[test]
fn an_immediate_end_loses_nothing_and_leaves_nobody_waiting() {
    explore(|| {
        let queue = Queue::fifo(1);
        let putters = [0, 1, 2].map(|number| start(&queue, move |queue| put_or_keep(queue, number)));
        let getters = [(); 2].map(|()| start(&queue, get_all));
        let given_back = queue.shutdown(Shutdown::Immediate);
        assert!(queue.is_empty());
        assert_eq!(sorted(ends(putters).into_iter().chain(ends(getters)).chain([given_back])), [0, 1, 2]);
    });
}

#[test]
fn draining_that_becomes_immediate_loses_nothing() {
    explore(|| {
        let queue = Queue::fifo(2);
        let putters = [0, 1, 2].map(|number| start(&queue, move |queue| put_or_keep(queue, number)));
        let drainer = start(&queue, |queue| queue.shutdown(Shutdown::Drain));
        let stopper = start(&queue, |queue| queue.shutdown(Shutdown::Immediate));
        let got = get_all(&queue);
        assert_eq!(sorted(ends(putters).into_iter().chain(ends([drainer, stopper])).chain([got])), [0, 1, 2]);
    });
}

#[test]
fn a_get_that_gives_up_while_the_queue_drains_leaves_its_item_to_the_other() {
    explore(|| {
        let queue = Queue::fifo(2);
        let fickle = start(&queue, |queue| give_up_at_some_time(queue.get()));
        let firm = start(&queue, get_all);
        put(&queue, 0).unwrap();
        queue.shutdown(Shutdown::Drain);
        let taken = ends([fickle]).into_iter().flatten().map(|got| match got {
            Ok(item) => vec![item],
            Err(no_item) => {
                assert_eq!(no_item, NoItem::ShutDown);
                Vec::new()
            }
        });
        assert_eq!(sorted(taken.chain(ends([firm]))), [0]);
    });
}

#[test]
fn a_put_that_gives_up_while_the_queue_ends_harms_nobody() {
    explore(|| {
        let queue = Queue::fifo(1);
        queue.try_put(0).unwrap();
        let fickle = start(&queue, |queue| give_up_at_some_time(queue.put(1)).is_some());
        let firm = start(&queue, |queue| put_or_keep(queue, 2));
        let given_back = queue.shutdown(Shutdown::Immediate);
        assert_eq!(sorted(ends([firm]).into_iter().chain([given_back])), [0, 2]);
        ends([fickle]);
    });
}
