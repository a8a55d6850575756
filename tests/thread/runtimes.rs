//! Who calls: tasks of any runtime, plain threads, many at once.

use std::{convert::Infallible, future::poll_fn, pin::Pin, rc::Rc, sync::Arc, task::Poll, thread};

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

#[tokio::test]
async fn a_test_of_tokio_may_end_with_a_handle_and_a_call_under_way() {
    let thread = numbers();
    let _running = push(&thread, 1).queue();
}

#[test]
fn a_local_set_shares_the_object_between_tasks_that_cannot_be_sent() {
    let local = LocalSet::new();
    let sum = local.block_on(&one_thread(), async {
        let thread = Rc::new(numbers());
        let tasks = [1, 2, 3].map(|number| {
            let thread = Rc::clone(&thread);
            tokio::task::spawn_local(async move { push(&thread, number).await })
        });
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap().unwrap();
        }
        sum
    });
    assert_eq!(sum, 6);
}

#[test]
fn an_executor_that_is_no_runtime_will_do() {
    let thread = numbers();
    let both = futures_util::future::join(push(&thread, 1).into_future(), push(&thread, 2).into_future());
    let mut both = std::pin::pin!(both);
    let answers = loop {
        if let Poll::Ready(answers) = poll(&mut both) {
            break answers;
        }
        thread::yield_now();
    };
    assert_eq!((answers.0.unwrap(), answers.1.unwrap()), (1, 2));
}

#[test]
fn a_runtime_that_is_dropped_in_the_middle_of_a_call_loses_no_object() {
    let thread = numbers();
    let gate = occupy(&thread);
    let runtime = two_threads();
    let handle = thread.clone();
    let waiting = runtime.spawn(async move { push(&handle, 1).await });
    runtime.block_on(tokio::task::yield_now());
    runtime.shutdown_background();
    drop(waiting);
    drop(gate);
    assert_eq!(push(&thread, 2).blocking().unwrap(), 2);
}

/// Threads of this process with this name.
#[cfg(target_os = "linux")]
fn threads_named(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|comm| comm.trim_end() == name).count()
}

#[cfg(target_os = "linux")]
#[test]
fn no_thread_is_left_however_the_object_ends() {
    const NAME: &str = "leak-counted";
    let open = || {
        let opening = HeapThread::builder().name(NAME).spawn(|| Ok::<_, Infallible>(Numbers::default()));
        opening.blocking().unwrap()
    };
    let kept: Vec<_> = (0..10).map(|_| open()).collect();
    assert_eq!(threads_named(NAME), 10);
    drop(kept);
    for _ in 0..10 {
        open().close().blocking().unwrap();
        let _ = open().call(|_| panic!("no tables")).blocking().map(|()| 0);
        drop(HeapThread::<()>::builder().name(NAME).spawn(|| Err("no setup")).blocking());
        drop(HeapThread::builder().name(NAME).spawn(|| Ok::<_, Infallible>(())));
        let stream = open().generate(|_, sink| (0..1000).try_for_each(|number| sink.send(number))).stream();
        assert_eq!({ stream }.next_blocking().unwrap().unwrap(), 0);
    }
    // The last of them may be on their way out: what does not go makes this hang, and the test with it.
    while threads_named(NAME) > 0 {
        thread::yield_now();
    }
}

/// What a process does that ends while its objects are busy: the test below runs this as one.
#[test]
fn a_process_that_ends_with_busy_objects() {
    if std::env::var_os("AIOINTERNAL_TEST_EXIT").is_none() {
        return;
    }
    let thread = numbers();
    let (enter, entered) = std::sync::mpsc::channel();
    let endless = thread.call(move |_| {
        let _ = enter.send(());
        loop {
            std::hint::spin_loop();
        }
    });
    let _running = endless.queue();
    entered.recv().unwrap();
    let _waiting = push(&thread, 1).deadline(std::time::Instant::now() + std::time::Duration::from_secs(3600)).queue();
    let _closing = thread.close();
}

#[test]
fn busy_objects_do_not_keep_a_process_from_ending() {
    let itself = std::env::current_exe().unwrap();
    let mut child = std::process::Command::new(itself);
    child.args(["--exact", "thread::runtimes::a_process_that_ends_with_busy_objects"]);
    let output = child.env("AIOINTERNAL_TEST_EXIT", "1").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}
