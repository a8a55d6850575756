//! Callers that give a call up: by dropping its future, or by aborting it.

use std::{sync::mpsc, task::Poll, thread, time::Duration};

use aiointernal::{Error, ErrorKind, HeapThread, Ticket};

use super::{Gate, LastWord, Numbers, kind, numbers, occupy, poll, push, seen};

/// A call that is running. It ends when the sender is used or dropped, with whether it was told to stop: when it
/// started, and when it ended.
fn running(thread: &HeapThread<Numbers>) -> (Ticket<(bool, bool)>, mpsc::Sender<()>) {
    let (enter, entered) = mpsc::channel();
    let (open, opened) = mpsc::channel();
    let call = thread.try_call(move |_, running| {
        let before = running.is_cancelled();
        enter.send(()).expect("the test waits for this");
        let _: Result<(), _> = opened.recv();
        Ok::<_, Error>((before, running.is_cancelled()))
    });
    let ticket = call.queue();
    entered.recv().expect("the thread was idle");
    (ticket, open)
}

#[test]
fn a_call_that_was_dropped_before_it_started_is_skipped() {
    let thread = numbers();
    let gate = occupy(&thread);
    let dropped = push(&thread, 1).queue();
    let kept = push(&thread, 2).queue();
    drop(dropped);
    drop(gate);
    assert_eq!(kept.blocking().unwrap(), 2);
    assert_eq!(seen(&thread), [2]);
}

#[test]
fn what_a_dropped_call_captured_is_dropped_at_once() {
    let thread = numbers();
    let _gate = occupy(&thread);
    let (last_word, dropped) = LastWord::new();
    let ticket = thread.call(|_| drop(last_word)).queue();
    assert!(dropped.try_recv().is_err());
    drop(ticket);
    assert_eq!(dropped.try_recv(), Ok(thread::current().id()));
}

#[test]
fn what_a_dropped_call_captured_may_wait_for_the_thread() {
    /// Opens the gate when it is dropped, and waits for the call that comes next.
    struct Waits(HeapThread<Numbers>, Option<Gate>, mpsc::Sender<bool>);
    impl Drop for Waits {
        fn drop(&mut self) {
            let (run, ran) = mpsc::channel();
            self.0.call(move |_| run.send(())).queue().detach();
            self.1 = None;
            // The wait has an end so that a deadlock fails the test and does not hang it.
            let _ = self.2.send(ran.recv_timeout(Duration::from_secs(10)).is_ok());
        }
    }

    let thread = numbers();
    let gate = occupy(&thread);
    let (tell, told) = mpsc::channel();
    let captured = Waits(thread.clone(), Some(gate), tell);
    let ticket = thread.call(|_| drop(captured)).queue();
    drop(ticket);
    assert_eq!(told.recv(), Ok(true));
}

#[test]
fn a_call_that_is_dropped_while_it_runs_is_told_to_stop() {
    let thread = numbers();
    let (enter, entered) = mpsc::channel();
    let (open, opened) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let call = thread.try_call(move |_, running| {
        let _ = tell.send(running.is_cancelled());
        let _ = enter.send(());
        let _ = opened.recv();
        let _ = tell.send(running.is_cancelled());
        Ok::<_, Error>(())
    });
    let ticket = call.queue();
    entered.recv().unwrap();
    drop(ticket);
    drop(open);
    assert!(told.iter().eq([false, true]));
}

#[test]
fn the_call_after_one_that_was_told_to_stop_is_not_told() {
    let thread = numbers();
    let (ticket, open) = running(&thread);
    let next = thread.try_call(|_, running| Ok::<_, Error>(running.is_cancelled())).queue();
    drop(ticket);
    drop(open);
    assert!(!next.blocking().unwrap());
}

#[test]
fn a_ticket_that_is_dropped_after_the_call_has_ended_stops_nobody() {
    let thread = numbers();
    let ended = push(&thread, 1).queue();
    let (next, open) = running(&thread);
    drop(ended);
    drop(open);
    assert_eq!(next.blocking().unwrap(), (false, false));
    assert_eq!(seen(&thread), [1]);
}

#[tokio::test]
async fn a_call_that_loses_a_race_is_given_up() {
    let thread = numbers();
    let gate = occupy(&thread);
    tokio::select! {
        biased;
        answer = push(&thread, 1) => panic!("{answer:?}"),
        () = std::future::ready(()) => drop(gate),
    }
    assert!(seen(&thread).is_empty());
}

#[test]
fn a_call_that_is_aborted_before_it_starts_ends_at_once() {
    let thread = numbers();
    let gate = occupy(&thread);
    let (last_word, dropped) = LastWord::new();
    let mut ticket = thread.call(|_| drop(last_word)).queue();
    assert!(poll(&mut ticket).is_pending());
    ticket.abort();
    assert!(matches!(poll(&mut ticket), Poll::Ready(Err(error)) if error.kind() == ErrorKind::Cancelled));
    assert_eq!(dropped.try_recv(), Ok(thread::current().id()));
    drop(gate);
    assert!(seen(&thread).is_empty());
}

#[test]
fn an_abort_wakes_the_task_that_waits() {
    let thread = numbers();
    let _gate = occupy(&thread);
    let bell = std::sync::Arc::<super::Bell>::default();
    let mut ticket = push(&thread, 1).queue();
    bell.hang_on(&mut ticket);
    ticket.abort();
    assert!(bell.has_rung());
}

#[test]
fn a_call_that_is_aborted_before_it_is_made_never_runs() {
    let thread = numbers();
    let call = push(&thread, 1).into_future();
    call.abort();
    assert_eq!(kind(call.blocking()), ErrorKind::Cancelled);
    assert!(seen(&thread).is_empty());
}

#[test]
fn a_call_that_is_aborted_while_it_runs_ends_when_it_heeds_that() {
    let thread = numbers();
    let (mut ticket, open) = running(&thread);
    ticket.abort();
    assert!(poll(&mut ticket).is_pending());
    drop(open);
    assert_eq!(ticket.blocking().unwrap(), (false, true));
}

#[test]
fn an_abort_after_the_end_changes_nothing() {
    let thread = numbers();
    let ticket = push(&thread, 1).queue();
    assert_eq!(seen(&thread), [1]);
    ticket.abort();
    assert_eq!(ticket.blocking().unwrap(), 1);
}

#[test]
fn an_aborted_call_stops_no_other() {
    let thread = numbers();
    let gate = occupy(&thread);
    let tickets = [1, 2, 3].map(|number| push(&thread, number).queue());
    tickets[1].abort();
    drop(gate);
    let answers = tickets.map(|ticket| ticket.blocking().map_err(|error| error.kind()));
    assert_eq!(answers, [Ok(1), Err(ErrorKind::Cancelled), Ok(3)]);
    assert_eq!(seen(&thread), [1, 3]);
}

#[test]
fn a_detached_call_runs_with_nobody_waiting() {
    let thread = numbers();
    let gate = occupy(&thread);
    push(&thread, 1).queue().detach();
    drop(gate);
    assert_eq!(seen(&thread), [1]);
}

#[test]
fn a_detached_call_is_not_told_to_stop() {
    let thread = numbers();
    let gate = occupy(&thread);
    let (tell, told) = mpsc::channel();
    thread.try_call(move |_, running| Ok::<_, Error>(tell.send(running.is_cancelled()))).queue().detach();
    drop(gate);
    assert_eq!(told.recv(), Ok(false));
}

#[test]
fn an_answer_that_nobody_takes_does_not_keep_the_object() {
    for detached in [false, true] {
        let (last_word, dropped) = LastWord::new();
        let (kept, keep) = mpsc::channel();
        let thread = HeapThread::spawn(move || Ok::<_, Error>(last_word)).blocking().unwrap();
        let (enter, entered) = mpsc::channel();
        let (open, opened) = mpsc::channel::<()>();
        let own = thread.clone();
        let call = thread.try_call(move |_, running| {
            // What runs may be known for longer than it runs.
            kept.send(running.clone()).expect("the test waits for this");
            enter.send(()).expect("the test waits for this");
            let _: Result<(), _> = opened.recv();
            Ok::<_, Error>(own)
        });
        let ticket = call.queue();
        entered.recv().expect("the thread was idle");
        if detached {
            ticket.detach()
        } else {
            drop(ticket)
        }
        drop(thread);
        drop(open);
        assert!(dropped.recv_timeout(Duration::from_secs(20)).is_ok(), "detached: {detached}");
        drop(keep);
    }
}
