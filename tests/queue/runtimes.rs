//! Who puts and gets: tasks of any runtime, plain threads, all at once.

use std::thread;

use aiointernal::queue::{Queue, Shutdown};
use tokio::runtime::{Builder, Runtime};

use super::{Bell, drained, full_of, ready};

/// How many numbers each of those who put puts.
const EACH: u32 = 200;

fn one_thread() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

async fn put_all(queue: Queue<u32>, from: u32) {
    for number in from..from + EACH {
        queue.put(number).await.unwrap();
    }
}

async fn get_all(queue: Queue<u32>) -> Vec<u32> {
    let mut got = Vec::new();
    while let Ok(number) = queue.get().await {
        queue.task_done().unwrap();
        got.push(number);
    }
    got
}

#[test]
fn tasks_of_several_runtimes_and_threads_share_a_queue() {
    let queue = Queue::fifo(3);
    let mut got = thread::scope(|scope| {
        let putters = [
            scope.spawn(|| one_thread().block_on(put_all(queue.clone(), 0))),
            scope.spawn(|| two_threads().block_on(async { tokio::spawn(put_all(queue.clone(), EACH)).await.unwrap() })),
            scope.spawn(|| (2 * EACH..3 * EACH).for_each(|number| queue.put_blocking(number).unwrap())),
        ];
        let getters = [
            scope.spawn(|| one_thread().block_on(get_all(queue.clone()))),
            scope.spawn(|| two_threads().block_on(async { tokio::spawn(get_all(queue.clone())).await.unwrap() })),
            scope.spawn(|| {
                let next = || queue.get_blocking().inspect(|_| queue.task_done().unwrap()).ok();
                std::iter::from_fn(next).collect()
            }),
        ];
        putters.into_iter().for_each(|putter| putter.join().unwrap());
        queue.join_blocking();
        queue.shutdown(Shutdown::Drain);
        getters.into_iter().flat_map(|getter| getter.join().unwrap()).collect::<Vec<_>>()
    });
    got.sort_unstable();
    assert!(got.into_iter().eq(0..3 * EACH));
}

#[test]
fn many_tasks_of_one_runtime_share_a_queue() {
    two_threads().block_on(async {
        let queue = Queue::fifo(2);
        let getters = [(); 4].map(|()| tokio::spawn(get_all(queue.clone())));
        let putters: Vec<_> = (0..16).map(|putter| tokio::spawn(put_all(queue.clone(), putter * EACH))).collect();
        for putter in putters {
            putter.await.unwrap();
        }
        queue.join().await;
        queue.shutdown(Shutdown::Drain);
        let mut got = Vec::new();
        for getter in getters {
            got.extend(getter.await.unwrap());
        }
        got.sort_unstable();
        assert!(got.into_iter().eq(0..16 * EACH));
    });
}

#[tokio::test]
async fn a_current_thread_runtime_is_not_starved_by_who_waits() {
    let queue = Queue::fifo(1);
    let (putting, getting) = (queue.clone(), queue.clone());
    let got = tokio::spawn(get_all(getting));
    put_all(putting, 0).await;
    queue.shutdown(Shutdown::Drain);
    assert!(got.await.unwrap().into_iter().eq(0..EACH));
}

#[test]
fn a_runtime_that_is_gone_takes_nothing_with_it() {
    let queue = full_of([0]);
    let runtime = one_thread();
    runtime.spawn(put_all(queue.clone(), 100));
    runtime.block_on(tokio::task::yield_now());
    assert_eq!(queue.stats().putting, 1);
    let mut behind = queue.put(1);
    let bell = Bell::new();
    bell.hang_on(&mut behind);
    drop(runtime);
    assert_eq!(queue.try_get(), Ok(0));
    assert_eq!(bell.rings(), 1);
    assert_eq!(drained(&queue), [1]);

    let runtime = one_thread();
    runtime.spawn(get_all(queue.clone()));
    runtime.block_on(tokio::task::yield_now());
    queue.try_put(2).unwrap();
    drop(runtime);
    assert_eq!(ready(queue.get()), Ok(2));
}
