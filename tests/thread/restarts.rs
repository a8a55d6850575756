//! What becomes of the object after a call that panicked, as the builder says.

use std::{
    cell::Cell,
    convert::Infallible,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aiointernal::{Error, ErrorKind, HeapThread, Restarts};

use super::{LastWord, kind, occupy};

/// An object that cannot leave its thread and knows which one of its kind it is.
type Numbered = (u32, Rc<Cell<u32>>);

/// The first attempts succeed, then so many fail.
fn restarting(failures: std::ops::Range<u32>, restarts: Restarts) -> (HeapThread<Numbered>, Arc<AtomicU32>) {
    let attempts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&attempts);
    let opening = HeapThread::builder().spawn_with_restarts(restarts, move || {
        let attempt = counted.fetch_add(1, Ordering::SeqCst);
        if failures.contains(&attempt) { Err(format!("attempt {attempt}")) } else { Ok((attempt, Rc::default())) }
    });
    (opening.blocking().unwrap(), attempts)
}

fn at_once() -> Restarts {
    let mut restarts = Restarts::default();
    restarts.first_pause = Duration::ZERO;
    restarts
}

fn number(thread: &HeapThread<Numbered>) -> u32 {
    thread.call(|object| object.0).blocking().unwrap()
}

#[test]
fn an_object_that_is_kept_is_the_same_after_a_panic() {
    let opening = HeapThread::builder().keep_after_panic().spawn(|| Ok::<_, Infallible>(Rc::new(Cell::new(0))));
    let thread = opening.blocking().unwrap();
    let panicking = thread.call(|count| {
        count.set(7);
        panic!("no tables")
    });
    let error = panicking.blocking().map(|()| 0).unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("no tables")), (ErrorKind::Panicked, true));
    assert_eq!(thread.call(|count| count.get()).blocking().unwrap(), 7);
    thread.close().blocking().unwrap();
}

#[test]
fn an_object_that_restarts_is_a_new_one_after_a_panic_and_calls_behind_it_run() {
    let (thread, _) = restarting(0..0, at_once());
    let gate = occupy(&thread);
    let panicking = thread.call(|_| panic!("no tables")).queue();
    let behind = thread.call(|object| object.0).queue();
    drop(gate);
    let error = panicking.blocking().map(|()| 0).unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("no tables")), (ErrorKind::Panicked, true));
    assert_eq!(behind.blocking().unwrap(), 1);
    thread.close().blocking().unwrap();
}

#[test]
fn the_old_object_is_dropped_on_its_thread_before_the_new_one_is_built() {
    let (last_word, heard) = LastWord::new();
    let mut first = Some(last_word);
    let heard_in_time = Arc::new(AtomicU32::new(0));
    let told = Arc::clone(&heard_in_time);
    let heard = std::sync::Mutex::new(heard);
    let opening = HeapThread::builder().spawn_with_restarts(at_once(), move || {
        if heard.lock().unwrap().try_recv() == Ok(std::thread::current().id()) {
            told.fetch_add(1, Ordering::SeqCst);
        }
        Ok::<_, Infallible>(first.take())
    });
    let thread = opening.blocking().unwrap();
    assert_eq!(kind(thread.call(|_| panic!("no tables")).blocking().map(|()| 0)), ErrorKind::Panicked);
    assert!(thread.call(|object| object.is_none()).blocking().unwrap());
    assert_eq!(heard_in_time.load(Ordering::SeqCst), 1);
}

#[test]
fn an_attempt_that_fails_is_made_again_while_calls_wait() {
    let (thread, attempts) = restarting(1..4, at_once());
    assert_eq!(kind(thread.call(|_| panic!("no tables")).blocking().map(|()| 0)), ErrorKind::Panicked);
    assert_eq!(number(&thread), 4);
    assert_eq!(attempts.load(Ordering::SeqCst), 5);
}

#[test]
fn after_the_last_attempt_every_call_gets_its_error() {
    let mut restarts = at_once();
    restarts.attempts = 3;
    let (thread, attempts) = restarting(1..100, restarts);
    assert_eq!(kind(thread.call(|_| panic!("no tables")).blocking().map(|()| 0)), ErrorKind::Panicked);
    for _ in 0..2 {
        let error = thread.call(|_| ()).blocking().unwrap_err();
        assert_eq!((error.kind(), error.to_string().contains("attempt 3")), (ErrorKind::Setup, true), "{error}");
    }
    assert_eq!(thread.close().blocking().unwrap_err().kind(), ErrorKind::Setup);
    assert_eq!(attempts.load(Ordering::SeqCst), 4);
}

#[test]
fn closing_does_not_wait_for_the_next_attempt() {
    let mut restarts = Restarts::default();
    restarts.first_pause = Duration::from_secs(3600);
    let (thread, _) = restarting(1..100, restarts);
    assert_eq!(kind(thread.call(|_| panic!("no tables")).blocking().map(|()| 0)), ErrorKind::Panicked);
    let waiting = thread.call(|_| ()).queue();
    assert_eq!(thread.close().blocking().unwrap_err().kind(), ErrorKind::Setup);
    assert_eq!(kind(waiting.blocking().map(|()| 0)), ErrorKind::Setup);
}

#[test]
fn a_first_setup_that_fails_is_not_made_again() {
    let attempts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&attempts);
    let opening = HeapThread::<()>::builder().spawn_with_restarts(at_once(), move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Err("never")
    });
    assert_eq!(opening.blocking().unwrap_err().kind(), ErrorKind::Setup);
    assert_eq!(attempts.load(Ordering::SeqCst), 1);
}

#[test]
fn the_teardown_has_the_object_and_its_error_is_that_of_close() {
    for fails in [false, true] {
        let opening = HeapThread::builder()
            .teardown(move |object: Rc<u32>| if fails { Err(format!("{object} is left over")) } else { Ok(()) })
            .spawn(|| Ok::<_, Infallible>(Rc::new(7)));
        let thread = opening.blocking().unwrap();
        let closed = thread.close().blocking();
        assert_eq!(closed.is_err(), fails);
        if let Err(error) = closed {
            assert_eq!((error.kind(), error.to_string().contains("7 is left over")), (ErrorKind::Object, true));
        }
        assert_eq!(kind(thread.call(|_| 0).blocking()), ErrorKind::Closed);
    }
}

#[test]
fn a_teardown_that_panics_ends_the_close_and_is_told() {
    let opening = HeapThread::builder()
        .teardown(|(): ()| -> Result<(), Infallible> { panic!("no way out") })
        .spawn(|| Ok::<_, Infallible>(()));
    let thread = opening.blocking().unwrap();
    let error = thread.close().blocking().unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("no way out")), (ErrorKind::Panicked, true));
}

#[test]
fn a_stream_does_not_go_on_with_another_object() {
    let (thread, _) = restarting(0..0, at_once());
    let mut stream = thread.iterate(|_, _| Ok::<_, Error>(Some(1))).stream();
    for _ in 0..64 {
        stream.next_blocking().unwrap().unwrap();
    }
    let _ = thread.call(|_| panic!("the first object ends")).blocking().unwrap_err();
    let error = std::iter::from_fn(|| stream.next_blocking()).find_map(Result::err).unwrap();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(stream.next_blocking().is_none());
}
