//! Nobody sleeps on while there is something to do.

use super::{ends, explore, get, get_all, put, start, weighing};
use crate::queue::{NoItem, Queue, Shutdown};

#[test]
fn putters_and_getters_of_a_tight_queue_all_come_to_their_end() {
    explore(|| {
        let queue = Queue::fifo(1);
        let putters: Vec<_> = (0..3).map(|from| start(&queue, move |queue| put(queue, from).unwrap())).collect();
        let getters =
            [1, 2].map(|items| start(&queue, move |queue| (0..items).map(|_| get(queue)).collect::<Vec<_>>()));
        ends(putters);
        let mut got = ends(getters).concat();
        got.sort_unstable();
        assert_eq!(got, [Some(0), Some(1), Some(2)]);
        assert!(queue.is_empty());
    });
}

#[test]
fn what_one_puts_another_gets_in_order() {
    explore(|| {
        let queue = Queue::fifo(1);
        let putter = start(&queue, |queue| (0..4).for_each(|number| put(queue, number).unwrap()));
        let got: Vec<_> = (0..4).map(|_| get(&queue)).collect();
        assert_eq!(got, [0, 1, 2, 3].map(Some));
        ends([putter]);
    });
}

#[test]
fn every_schedule_of_one_put_and_one_get_ends() {
    let model = || {
        let queue = Queue::fifo(1);
        let getter = start(&queue, |queue| queue.get_blocking());
        queue.put_blocking(1).unwrap();
        assert_eq!(ends([getter]), [Ok(1)]);
    };
    shuttle::check_dfs(model, None);
}

#[test]
fn every_schedule_of_a_get_and_the_end_ends() {
    let model = || {
        let queue = Queue::<usize>::fifo(1);
        let getter = start(&queue, |queue| queue.get_blocking());
        queue.shutdown(Shutdown::Drain);
        assert_eq!(ends([getter]), [Err(NoItem::ShutDown)]);
    };
    shuttle::check_dfs(model, None);
}

#[test]
fn every_schedule_of_a_put_that_may_have_to_wait_ends() {
    let model = || {
        let queue = Queue::fifo(1);
        queue.try_put(0).unwrap();
        let putter = start(&queue, |queue| queue.put_blocking(1).unwrap());
        let got = [(); 2].map(|()| shuttle::future::block_on(queue.get()));
        assert_eq!(got, [Ok(0), Ok(1)]);
        ends([putter]);
    };
    shuttle::check_dfs(model, None);
}

#[test]
fn heavy_and_light_items_share_the_room() {
    explore(|| {
        let queue = weighing(3);
        let putters: Vec<_> = [3, 1, 2].map(|weight| start(&queue, move |queue| put(queue, weight).unwrap())).into();
        let getter = start(&queue, get_all);
        ends(putters);
        queue.shutdown(Shutdown::Drain);
        let mut got = ends([getter]).concat();
        got.sort_unstable();
        assert_eq!(got, [1, 2, 3]);
        assert_eq!(queue.stats().weight, 0);
    });
}

#[test]
fn more_room_wakes_those_who_wait_for_it() {
    explore(|| {
        let queue = Queue::fifo(1);
        let putters: Vec<_> = (0..3).map(|number| start(&queue, move |queue| put(queue, number).unwrap())).collect();
        let resizer = start(&queue, |queue| queue.set_capacity(2));
        queue.set_capacity(3);
        ends([resizer]);
        queue.set_capacity(3);
        ends(putters);
        assert_eq!(queue.len(), 3);
    });
}

#[test]
fn clearing_wakes_those_who_wait_for_room_and_keeps_the_promises_that_can_be_kept() {
    explore(|| {
        let queue = Queue::fifo(1);
        let getter = start(&queue, get);
        let putters: Vec<_> = (0..2).map(|number| start(&queue, move |queue| put(queue, number).unwrap())).collect();
        let cleared = start(&queue, |queue| queue.clear());
        ends(putters);
        // At most one of the two was cleared away.
        let got = ends([getter]).into_iter().flatten();
        let mut all: Vec<_> = ends([cleared]).concat().into_iter().chain(got).chain(queue.clear()).collect();
        all.sort_unstable();
        assert_eq!(all, [0, 1]);
    });
}
