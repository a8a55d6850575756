//! A waiting put or get that is dropped loses no item, no wake-up and nobody else's place.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Wake, Waker},
};

use aiointernal::queue::{NoItem, Queue, Shutdown};

use super::{Bell, drained, full_of, poll, ready, waiting, weighing};

#[test]
fn a_waiting_put_that_is_dropped_drops_its_item() {
    let item = Arc::new(());
    let queue = Queue::fifo(1);
    queue.try_put(Arc::new(())).unwrap();
    let put = waiting(queue.put(Arc::clone(&item)));
    drop(put);
    assert_eq!(Arc::strong_count(&item), 1);
    assert_eq!(queue.stats().putting, 0);
}

#[test]
fn a_waiting_put_that_is_dropped_leaves_its_place_to_the_next() {
    let queue = full_of([0]);
    let first = waiting(queue.put(1));
    let mut second = queue.put(2);
    let bell = Bell::new();
    bell.hang_on(&mut second);
    drop(first);
    bell.hang_on(&mut second);
    assert_eq!(queue.try_get(), Ok(0));
    assert_eq!(bell.rings(), 1);
    assert_eq!(drained(&queue), [2]);
}

#[test]
fn a_heavy_put_that_is_dropped_lets_the_light_ones_behind_it_in() {
    let queue = weighing(10);
    queue.try_put(5).unwrap();
    let heavy = waiting(queue.put(6));
    let mut light = queue.put(1);
    let bell = Bell::new();
    bell.hang_on(&mut light);
    drop(heavy);
    assert_eq!(bell.rings(), 1);
    assert_eq!(drained(&queue), [5, 1]);
}

#[test]
fn a_put_that_is_dropped_when_its_item_is_in_leaves_it_there() {
    let queue = full_of([0]);
    let put = waiting(queue.put(1));
    assert_eq!(queue.try_get(), Ok(0));
    drop(put);
    assert_eq!(drained(&queue), [1]);
}

#[test]
fn a_put_that_is_dropped_when_it_was_refused_drops_its_item() {
    let item = Arc::new(());
    let queue = Queue::fifo(1);
    queue.try_put(Arc::new(())).unwrap();
    let put = waiting(queue.put(Arc::clone(&item)));
    queue.shutdown(Shutdown::Immediate);
    assert_eq!(Arc::strong_count(&item), 2);
    drop(put);
    assert_eq!(Arc::strong_count(&item), 1);
}

#[test]
fn the_item_of_a_put_that_is_dropped_may_use_the_queue_in_its_own_drop() {
    struct Nosy(Queue<Option<Nosy>>);
    impl Drop for Nosy {
        fn drop(&mut self) {
            assert_eq!(self.0.stats().putting, 0);
        }
    }
    let queue = Queue::fifo(1);
    queue.try_put(None).unwrap();
    let mut put = queue.put(Some(Nosy(queue.clone())));
    assert!(poll(&mut put).is_pending());
    drop(put);
}

#[test]
fn a_waiting_get_that_is_dropped_leaves_its_place_to_the_next() {
    let queue = Queue::fifo(1);
    let first = waiting(queue.get());
    let mut second = queue.get();
    let bell = Bell::new();
    bell.hang_on(&mut second);
    drop(first);
    queue.try_put("a").unwrap();
    assert_eq!(bell.rings(), 1);
    assert_eq!(ready(second), Ok("a"));
}

#[test]
fn a_get_that_is_dropped_when_it_was_promised_an_item_promises_it_to_the_next() {
    let queue = Queue::fifo(2);
    let first = waiting(queue.get());
    let second = waiting(queue.get());
    let mut third = queue.get();
    let bell = Bell::new();
    bell.hang_on(&mut third);
    queue.try_put("a").unwrap();
    queue.try_put("b").unwrap();
    drop(first);
    assert_eq!(bell.rings(), 1);
    assert_eq!((ready(second), ready(third)), (Ok("a"), Ok("b")));
}

#[test]
fn a_get_that_is_dropped_when_it_was_promised_an_item_leaves_it_to_newcomers_when_nobody_waits() {
    let queue = Queue::fifo(1);
    let get = waiting(queue.get());
    queue.try_put("a").unwrap();
    assert_eq!(queue.try_get(), Err(NoItem::Empty));
    drop(get);
    assert_eq!(queue.try_get(), Ok("a"));
}

#[test]
fn a_get_that_is_dropped_when_what_it_was_promised_is_gone_promises_nothing() {
    let queue = Queue::fifo(1);
    let first = waiting(queue.get());
    let mut second = queue.get();
    let bell = Bell::new();
    bell.hang_on(&mut second);
    queue.try_put("a").unwrap();
    queue.clear();
    drop(first);
    bell.hang_on(&mut second);
    queue.try_put("b").unwrap();
    assert_eq!(bell.rings(), 1);
    assert_eq!(ready(second), Ok("b"));
}

#[test]
fn a_future_wakes_the_task_that_polled_it_last() {
    let queue = Queue::fifo(1);
    let mut get = queue.get();
    let bells = [(); 2].map(|()| Bell::new());
    bells.iter().for_each(|bell| bell.hang_on(&mut get));
    queue.try_put("a").unwrap();
    assert_eq!(bells.map(|bell| bell.rings()), [0, 1]);

    let mut put = queue.put("b");
    let mut join = queue.join();
    let bells = [(); 4].map(|()| Bell::new());
    bells[..2].iter().for_each(|bell| bell.hang_on(&mut put));
    bells[2..].iter().for_each(|bell| bell.hang_on(&mut join));
    queue.shutdown(Shutdown::Immediate);
    assert_eq!(bells.map(|bell| bell.rings()), [0, 1, 0, 1]);
}

#[test]
fn the_end_of_a_waker_may_use_the_queue() {
    /// A task that nobody but its waker keeps, and that has the queue.
    struct Owner(Queue<u8>);
    impl Wake for Owner {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Owner {
        fn drop(&mut self) {
            let _ = self.0.stats();
        }
    }
    let queue = full_of([1]);
    let hang_on = |mut future: Pin<&mut dyn Future<Output = ()>>| {
        for _ in 0..2 {
            let waker = Waker::from(Arc::new(Owner(queue.clone())));
            assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
    };
    // Each polls with a second waker, which ends the first; then it goes, which ends the second.
    hang_on(pin!(async { queue.put(2).await.unwrap() }));
    hang_on(pin!(async { queue.join().await }));
    queue.clear();
    hang_on(pin!(async { queue.get().await.map(drop).unwrap() }));
}

#[test]
fn a_waker_may_use_the_queue() {
    struct Nosy(Queue<u8>);
    impl Wake for Nosy {
        fn wake(self: Arc<Self>) {
            assert_eq!(self.0.stats().queued, 1);
        }
    }
    let queue = Queue::fifo(1);
    let mut get = queue.get();
    let waker = Waker::from(Arc::new(Nosy(queue.clone())));
    assert!(Pin::new(&mut get).poll(&mut Context::from_waker(&waker)).is_pending());
    queue.try_put(1).unwrap();
}

#[test]
fn a_future_that_is_polled_after_its_end_has_nothing_more_to_say() {
    let queue = Queue::fifo(1);
    let mut put = queue.put(1);
    let mut get = queue.get();
    let mut join = queue.join();
    assert!(poll(&mut join).is_ready());
    assert!(poll(&mut put).is_ready());
    assert!(poll(&mut get).is_ready());
    queue.try_put(2).unwrap();
    assert!(poll(&mut put).is_pending() && poll(&mut get).is_pending() && poll(&mut join).is_pending());
    assert_eq!(drained(&queue), [2]);
}
