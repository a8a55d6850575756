//! Who calls: tasks of any runtime, plain threads, many at once.

use std::{future::poll_fn, pin::Pin, sync::Arc, thread};

use aiointernal::HeapThread;
use tokio::{
    runtime::{Builder, Runtime},
    task::{JoinSet, LocalSet},
};

use super::{Bell, Numbers, numbers, numbers_with_room, occupy, poll, push, seen};

fn one_thread() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime starts")
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().expect("a runtime starts")
}

/// Makes a hundred calls, each of which has to get its own answer.
async fn ask(thread: HeapThread<Numbers>, from: u32) {
    for number in from..from + 100 {
        assert_eq!(push(&thread, number).await.expect("the object is alive"), number);
    }
}

#[test]
fn one_handle_serves_every_kind_of_caller_at_once() {
    let handle = numbers_with_room(2);
    thread::scope(|scope| {
        scope.spawn(|| one_thread().block_on(ask(handle.clone(), 0)));
        scope.spawn(|| two_threads().block_on(async { tokio::spawn(ask(handle.clone(), 100)).await.unwrap() }));
        scope.spawn(|| {
            let local = async { tokio::task::spawn_local(ask(handle.clone(), 200)).await.unwrap() };
            LocalSet::new().block_on(&one_thread(), local);
        });
        scope.spawn(|| (300..400).for_each(|number| assert_eq!(push(&handle, number).blocking().unwrap(), number)));
    });
    let mut all = seen(&handle);
    all.sort_unstable();
    assert!(all.into_iter().eq(0..400));
}

#[test]
fn eight_threads_all_get_exactly_their_own_answers() {
    let handle = numbers_with_room(4);
    thread::scope(|scope| {
        for from in (0..8000).step_by(1000) {
            let handle = &handle;
            scope.spawn(move || {
                for number in from..from + 1000 {
                    assert_eq!(push(handle, number).blocking().unwrap(), number);
                }
            });
        }
    });
    let mut all = seen(&handle);
    assert!((0..8).all(|caller| all.iter().filter(|number| **number / 1000 == caller).is_sorted()));
    all.sort_unstable();
    assert!(all.into_iter().eq(0..8000));
}

#[test]
fn sixty_four_tasks_all_get_exactly_their_own_answers() {
    let handle = numbers_with_room(4);
    two_threads().block_on(async {
        let mut tasks: JoinSet<()> = (0..64).map(|task| ask(handle.clone(), task * 100)).collect();
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    });
    let mut all = seen(&handle);
    all.sort_unstable();
    assert!(all.into_iter().eq(0..6400));
}

#[test]
fn a_reply_to_a_task_of_a_runtime_that_is_gone_harms_nobody() {
    let handle = numbers();
    let runtime = one_thread();
    let gate = occupy(&handle);
    runtime.spawn(ask(handle.clone(), 0));
    runtime.block_on(tokio::task::yield_now());
    let behind = push(&handle, 7).queue();
    drop(runtime);
    drop(gate);
    assert_eq!(behind.blocking().unwrap(), 7);
    assert_eq!(seen(&handle), [7]);
}

#[test]
fn a_ticket_outlives_the_runtime_that_polled_it() {
    let handle = numbers();
    let gate = occupy(&handle);
    let mut ticket = push(&handle, 7).queue();
    let runtime = one_thread();
    let polled = runtime.block_on(poll_fn(|context| Pin::new(&mut ticket).poll(context).map(drop).is_pending().into()));
    assert!(polled);
    drop(runtime);
    drop(gate);
    assert_eq!(ticket.blocking().unwrap(), 7);
}

#[test]
fn a_ticket_wakes_the_task_that_polled_it_last() {
    let handle = numbers();
    let gate = occupy(&handle);
    let mut ticket = push(&handle, 7).queue();
    let bells = [(); 2].map(|()| Arc::<Bell>::default());
    bells.iter().for_each(|bell| bell.hang_on(&mut ticket));
    drop(gate);
    assert_eq!(seen(&handle), [7]);
    assert_eq!(bells.map(|bell| bell.has_rung()), [false, true]);
    assert!(poll(&mut ticket).is_ready());
}

#[test]
fn a_handle_that_was_opened_in_one_runtime_is_used_in_another() {
    let opened =
        one_thread().block_on(async { HeapThread::spawn(|| Ok::<_, std::io::Error>(Numbers::default())).await });
    let handle = opened.unwrap();
    two_threads().block_on(ask(handle.clone(), 0));
    one_thread().block_on(handle.close()).unwrap();
    assert!(handle.is_closed());
}
