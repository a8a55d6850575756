//! Interrupting a call that runs, by the hook that the object supplies.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use aiointernal::{Error, ErrorKind, HeapThread, Ticket};

/// An object that works until it is told to stop, as a database does.
struct Engine {
    stop: Arc<AtomicBool>,
    /// How often it was told.
    told: Arc<AtomicU32>,
}

impl Engine {
    /// Works for ever.
    fn work(&self) -> Result<(), Stopped> {
        while !self.stop.swap(false, Ordering::SeqCst) {
            std::hint::spin_loop();
        }
        Err(Stopped)
    }
}

#[derive(Debug, PartialEq)]
struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stopped {}

fn engine() -> (HeapThread<Engine>, Arc<AtomicU32>) {
    let told = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&told);
    let opening = HeapThread::builder()
        .interrupt_with(|engine: &Engine| {
            let (stop, told) = (Arc::clone(&engine.stop), Arc::clone(&engine.told));
            move || {
                stop.store(true, Ordering::SeqCst);
                told.fetch_add(1, Ordering::SeqCst);
            }
        })
        .after_interrupt(|engine| engine.stop.store(false, Ordering::SeqCst))
        .spawn(move || Ok::<_, Infallible>(Engine { stop: Arc::default(), told }));
    (opening.blocking().unwrap(), seen)
}

/// A call that works for ever, once it does.
fn working(thread: &HeapThread<Engine>) -> Ticket<()> {
    let (enter, entered) = mpsc::channel();
    let call = thread.try_call(move |engine, _| {
        let _ = enter.send(());
        engine.work()
    });
    let ticket = call.queue();
    entered.recv().unwrap();
    ticket
}

#[test]
fn dropping_the_future_of_a_running_call_interrupts_it() {
    let (thread, told) = engine();
    drop(working(&thread));
    // The next call runs, so the one before it has ended.
    assert!(!thread.call(|engine| engine.stop.load(Ordering::SeqCst)).blocking().unwrap());
    assert!(told.load(Ordering::SeqCst) > 0);
}

#[test]
fn aborting_a_running_call_ends_it_as_cancelled_with_the_objects_error_as_the_source() {
    let (thread, _) = engine();
    let ticket = working(&thread);
    ticket.abort();
    let error = ticket.blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(error.downcast_ref(), Some(&Stopped));
}

#[test]
fn a_running_call_is_interrupted_when_its_timeout_is_over() {
    let (thread, _) = engine();
    let endless = thread.try_call(|engine, _| engine.work());
    let error = endless.timeout(Duration::from_millis(2)).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.downcast_ref(), Some(&Stopped));
}

#[test]
fn an_object_that_was_not_ready_to_hear_is_told_again() {
    let (thread, told) = engine();
    let deaf = thread.try_call(|engine, _| {
        // The first time comes too early for what this call will do.
        while engine.told.load(Ordering::SeqCst) == 0 {
            std::hint::spin_loop();
        }
        engine.stop.store(false, Ordering::SeqCst);
        engine.work()
    });
    let error = deaf.timeout(Duration::from_millis(2)).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(told.load(Ordering::SeqCst) >= 2);
}

#[test]
fn a_call_that_ends_in_time_is_not_interrupted_and_neither_is_the_next() {
    let (thread, told) = engine();
    for number in 0..1000 {
        let quick = thread.call(move |_| number).timeout(Duration::from_secs(60));
        assert_eq!(quick.blocking().unwrap(), number);
    }
    assert_eq!(told.load(Ordering::SeqCst), 0);
}

#[test]
fn giving_up_a_call_that_waits_interrupts_nobody() {
    let (thread, told) = engine();
    let running = working(&thread);
    let waiting = thread.call(|_| ()).queue();
    drop(waiting);
    assert_eq!(told.load(Ordering::SeqCst), 0);
    running.abort();
    assert_eq!(running.blocking().unwrap_err().kind(), ErrorKind::Cancelled);
}

#[test]
fn a_cancellation_that_comes_late_never_hits_the_next_call() {
    let (thread, _) = engine();
    for _ in 0..2000 {
        let first = thread.call(|_| ()).queue();
        // It may run, wait or have ended: whatever it is, the next one starts with nobody telling it to stop.
        let next = thread.call(|engine| {
            for _ in 0..50 {
                std::hint::spin_loop();
            }
            engine.stop.load(Ordering::SeqCst)
        });
        let next = next.queue();
        drop(first);
        assert!(!next.blocking().unwrap());
    }
}

#[test]
fn a_result_that_was_ready_before_the_interruption_stands() {
    let (thread, told) = engine();
    let (enter, entered) = mpsc::channel();
    let stubborn = thread.try_call(move |engine, running| {
        let _ = enter.send(());
        while engine.told.load(Ordering::SeqCst) == 0 {
            std::hint::spin_loop();
        }
        assert!(running.is_cancelled() && running.should_stop());
        engine.stop.store(false, Ordering::SeqCst);
        Ok::<_, Error>(7)
    });
    let ticket = stubborn.queue();
    entered.recv().unwrap();
    ticket.abort();
    assert_eq!(ticket.blocking().unwrap(), 7);
    assert!(told.load(Ordering::SeqCst) > 0);
}

#[test]
fn a_hook_that_panics_harms_nobody() {
    let opening =
        HeapThread::builder().interrupt_with(|_: &()| || panic!("a bad hook")).spawn(|| Ok::<_, Infallible>(()));
    let thread = opening.blocking().unwrap();
    let (enter, entered) = mpsc::channel();
    let call = thread.try_call(move |(), running| {
        let _ = enter.send(());
        while !running.is_cancelled() {
            std::hint::spin_loop();
        }
        Ok::<_, Error>(())
    });
    let ticket = call.queue();
    entered.recv().unwrap();
    drop(ticket);
    thread.call(|()| ()).blocking().unwrap();
}

#[test]
fn a_hook_that_cannot_be_made_reaches_the_opener() {
    let opening = HeapThread::builder()
        .interrupt_with(|_: &()| {
            assert!(std::thread::current().name().is_none(), "no hook");
            || ()
        })
        .spawn(|| Ok::<_, Infallible>(()));
    let error = opening.blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(error.to_string().contains("no hook"), "{error}");
}

#[test]
fn what_a_hook_left_behind_is_taken_away_before_the_next_call() {
    let (thread, told) = engine();
    let (enter, entered) = mpsc::channel();
    let heard = Arc::clone(&told);
    let deaf = thread.try_call(move |_, _| {
        let _ = enter.send(());
        while heard.load(Ordering::SeqCst) == 0 {
            std::hint::spin_loop();
        }
        Ok::<_, Error>(())
    });
    let ticket = deaf.queue();
    entered.recv().unwrap();
    ticket.abort();
    ticket.blocking().unwrap();
    assert!(told.load(Ordering::SeqCst) > 0);
    assert!(!thread.call(|engine| engine.stop.load(Ordering::SeqCst)).blocking().unwrap());
}

#[test]
fn what_follows_an_interruption_may_panic_as_a_call_may() {
    let heard = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&heard);
    let opening = HeapThread::builder()
        .interrupt_with(move |(): &()| {
            let tell = Arc::clone(&tell);
            move || tell.store(true, Ordering::SeqCst)
        })
        .after_interrupt(|()| panic!("not ready"))
        .spawn(|| Ok::<_, Infallible>(()));
    let thread = opening.blocking().unwrap();
    let (enter, entered) = mpsc::channel();
    let told = thread.try_call(move |(), _| {
        let _ = enter.send(());
        while !heard.load(Ordering::SeqCst) {
            std::hint::spin_loop();
        }
        Ok::<_, Error>(())
    });
    let ticket = told.queue();
    entered.recv().unwrap();
    ticket.abort();
    let _ = ticket.blocking();
    let error = thread.call(|()| ()).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(error.to_string().contains("not ready"), "{error}");
}

#[test]
fn the_error_of_an_interrupted_stream_is_that_of_a_call() {
    let (thread, _) = engine();
    let endless =
        || thread.iterate(|engine, _| engine.work().map(Some)).deadline(Instant::now() + Duration::from_millis(50));
    assert_eq!(endless().blocking().unwrap_err().kind(), ErrorKind::Timeout);
    let error = endless().stream().next_blocking().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.downcast_ref(), Some(&Stopped));
}
