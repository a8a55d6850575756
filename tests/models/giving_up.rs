//! Whoever gives up, at whatever point, takes nothing along and wakes whom it has to.

use std::time::Duration;

use super::{ends, explore, get, get_all, give_up_at_some_time, put, some_time, start, weighing};
use crate::queue::{Cause, NoItem, Queue, Shutdown};

/// What is left in the queue.
fn rest(queue: &Queue<usize>) -> Vec<usize> {
    queue.shutdown(Shutdown::Drain);
    std::iter::from_fn(|| queue.try_get().ok()).collect()
}

#[test]
fn a_put_that_gives_up_leaves_its_place_to_those_behind_it() {
    explore(|| {
        let queue = Queue::fifo(1);
        queue.try_put(0).unwrap();
        let fickle = start(&queue, |queue| give_up_at_some_time(queue.put(1)).map(|put| put.is_ok()));
        let firm = start(&queue, |queue| put(queue, 2).unwrap());
        let mut got = vec![get(&queue), get(&queue)];
        ends([firm]);
        let entered = ends([fickle]) == [Some(true)];
        got.extend(rest(&queue).into_iter().map(Some));
        got.sort_unstable();
        // A put that was dropped may have entered as well.
        assert!(got == [0, 2].map(Some) && !entered || got == [0, 1, 2].map(Some), "{got:?}");
    });
}

#[test]
fn a_put_whose_time_is_over_has_its_item_back_or_in_the_queue() {
    explore(|| {
        let queue = Queue::fifo(1);
        queue.try_put(0).unwrap();
        let limited = [
            start(&queue, |queue| queue.put_blocking_for(1, Duration::ZERO)),
            start(&queue, |queue| shuttle::future::block_on(queue.put(2).until(some_time()))),
        ];
        let getter = start(&queue, get);
        let mut all: Vec<_> = Vec::new();
        for put in ends(limited) {
            if let Err(refused) = put {
                assert_eq!(refused.cause(), Cause::TimedOut);
                all.push(refused.into_item());
            }
        }
        all.extend(ends([getter]).into_iter().flatten());
        all.extend(rest(&queue));
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2]);
    });
}

#[test]
fn a_heavy_put_that_gives_up_lets_the_light_ones_behind_it_in() {
    explore(|| {
        let queue = weighing(3);
        queue.try_put(1).unwrap();
        let heavy = start(&queue, |queue| queue.put_blocking_for(3, Duration::ZERO).is_ok());
        // Nothing is taken until it is in.
        put(&queue, 2).unwrap();
        ends([heavy]);
        assert_eq!(queue.clear(), [1, 2]);
    });
}

#[test]
fn a_get_that_gives_up_passes_on_what_it_was_promised() {
    explore(|| {
        let queue = Queue::fifo(2);
        let fickle = start(&queue, |queue| give_up_at_some_time(queue.get()).and_then(Result::ok));
        let firm = start(&queue, get);
        put(&queue, 1).unwrap();
        if ends([fickle])[0].is_some() {
            put(&queue, 2).unwrap();
        }
        assert!(ends([firm])[0].is_some());
        assert!(queue.is_empty());
    });
}

#[test]
fn a_get_whose_time_is_over_loses_no_item() {
    explore(|| {
        let queue = Queue::fifo(1);
        let limited = [
            start(&queue, |queue| queue.get_blocking_for(Duration::ZERO)),
            start(&queue, |queue| shuttle::future::block_on(queue.get().until(some_time()))),
        ];
        let putter = start(&queue, |queue| put(queue, 0).unwrap());
        let firm = start(&queue, get_all);
        put(&queue, 1).unwrap();
        ends([putter]);
        let mut all = Vec::new();
        for get in ends(limited) {
            match get {
                Ok(item) => all.push(item),
                Err(no_item) => assert_eq!(no_item, NoItem::TimedOut),
            }
        }
        queue.shutdown(Shutdown::Drain);
        all.extend(ends([firm]).concat());
        all.sort_unstable();
        assert_eq!(all, [0, 1]);
    });
}

#[test]
fn puts_and_gets_that_give_up_at_both_ends_leave_the_numbers_right() {
    explore(|| {
        let queue = Queue::fifo(1);
        let putters =
            [0, 1].map(|number| start(&queue, move |queue| give_up_at_some_time(queue.put(number)).is_some()));
        let getters = [(); 2].map(|()| start(&queue, |queue| give_up_at_some_time(queue.get()).is_some()));
        ends(putters);
        ends(getters);
        let stats = queue.stats();
        assert_eq!((stats.putting, stats.getting, stats.weight), (0, 0, stats.queued));
        queue.clear();
        put(&queue, 2).unwrap();
        assert_eq!(get(&queue), Some(2));
    });
}
