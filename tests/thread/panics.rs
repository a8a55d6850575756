//! Panics on the object's thread: the cause of the object's death reaches everybody who asks.

use std::{convert::Infallible, panic::panic_any, sync::Arc, thread};

use aiointernal::{Error, ErrorKind, HeapThread};

use super::{Bell, Bomb, End, LastWord, id_of, kind, numbers, numbers_with_room, occupy, poll, push, seen, ward};

fn assert_died_of(error: &Error, message: &str) {
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(error.to_string().contains(message), "{error}");
}

#[tokio::test]
async fn a_call_that_panics_is_an_error_to_its_caller() {
    let error = numbers().call(|_| panic!("no table {}", 3)).await.map(|()| 0).unwrap_err();
    assert_died_of(&error, "a call panicked on the object's thread: no table 3");
}

#[test]
fn queued_waiting_and_later_calls_hear_of_the_panic() {
    let thread = numbers_with_room(2);
    let gate = occupy(&thread);
    let panicking = thread.call(|_| panic!("no tables")).queue();
    let queued = push(&thread, 1).queue();
    let mut waiting = push(&thread, 2).into_future();
    Arc::<Bell>::default().hang_on(&mut waiting);
    drop(gate);
    assert_died_of(&panicking.blocking().map(|()| 0).unwrap_err(), "no tables");
    assert_died_of(&queued.blocking().unwrap_err(), "no tables");
    assert_died_of(&waiting.blocking().unwrap_err(), "no tables");
    assert_died_of(&push(&thread, 3).queue().blocking().unwrap_err(), "no tables");
    assert_died_of(&push(&thread, 4).blocking().unwrap_err(), "no tables");
    assert!(thread.is_closed());
}

#[test]
fn a_call_that_waits_for_room_is_woken_by_the_panic() {
    let thread = numbers_with_room(1);
    let gate = occupy(&thread);
    let panicking = thread.call(|_| panic!("no tables")).queue();
    let mut waiting = [1, 2].map(|number| push(&thread, number).into_future());
    let bells = [(); 2].map(|()| Arc::<Bell>::default());
    waiting.iter_mut().zip(&bells).for_each(|(waiting, bell)| bell.hang_on(waiting));
    drop(gate);
    assert_died_of(&panicking.blocking().map(|()| 0).unwrap_err(), "no tables");
    assert!(bells.iter().all(|bell| bell.has_rung()));
}

#[test]
fn the_object_is_dropped_on_its_thread_after_a_panic() {
    let (thread, dropped) = ward();
    let home = id_of(&thread);
    assert_eq!(kind(thread.call(|_| panic!("no tables")).blocking().map(|()| 0)), ErrorKind::Panicked);
    assert_eq!(dropped.recv(), Ok(home));
}

#[test]
fn closing_after_a_panic_ends_and_keeps_the_cause() {
    let (thread, dropped) = ward();
    assert_eq!(kind(thread.call(|_| panic!("no tables")).blocking().map(|()| 0)), ErrorKind::Panicked);
    assert_died_of(&thread.close().blocking().unwrap_err(), "no tables");
    assert!(dropped.try_recv().is_ok());
    assert_died_of(&thread.call(|_| ()).blocking().unwrap_err(), "no tables");
}

#[test]
fn a_panic_while_a_closed_object_drains_reaches_the_calls_behind_it() {
    let thread = numbers();
    let gate = occupy(&thread);
    let panicking = thread.call(|_| panic!("no tables")).queue();
    let behind = push(&thread, 1).queue();
    let closing = thread.close();
    drop(gate);
    assert_died_of(&closing.blocking().unwrap_err(), "no tables");
    assert_died_of(&panicking.blocking().map(|()| 0).unwrap_err(), "no tables");
    assert_died_of(&behind.blocking().unwrap_err(), "no tables");
}

#[test]
fn a_panic_without_a_text_is_a_panic() {
    let error = numbers().call(|_| panic_any(7)).blocking().map(|()| 0).unwrap_err();
    assert_died_of(&error, "no message");
}

#[test]
fn a_panic_of_a_call_that_was_given_up_ends_the_object_too() {
    let thread = numbers();
    let end = End::of(&thread);
    let gate = occupy(&thread);
    thread.call(|_| panic!("no tables")).queue().detach();
    drop(gate);
    end.wait();
    assert_died_of(&push(&thread, 1).blocking().unwrap_err(), "no tables");
}

#[test]
fn a_panic_of_one_object_leaves_the_others() {
    let (first, second) = (numbers(), numbers());
    assert_eq!(kind(first.call(|_| panic!("no tables")).blocking().map(|()| 0)), ErrorKind::Panicked);
    assert_eq!(push(&second, 7).blocking().unwrap(), 7);
    assert!(!second.is_closed());
}

#[test]
fn a_panic_in_the_drop_of_the_object_ends_the_close_and_is_told() {
    let thread = HeapThread::spawn(|| Ok::<_, Infallible>(Bomb)).blocking().unwrap();
    let end = End::of(&thread);
    assert_died_of(&thread.close().blocking().unwrap_err(), "dropping the object panicked");
    end.wait();
    assert_died_of(&thread.call(|_| ()).blocking().unwrap_err(), "dropping the object panicked");
}

#[test]
fn a_panic_in_the_drop_of_the_object_does_not_hide_the_panic_before_it() {
    let thread = HeapThread::spawn(|| Ok::<_, Infallible>(Bomb)).blocking().unwrap();
    let error = thread.call(|_| panic!("no tables")).blocking().map(|()| 0).unwrap_err();
    assert_died_of(&error, "no tables");
    assert_died_of(&thread.close().blocking().unwrap_err(), "no tables");
    assert_died_of(&thread.call(|_| ()).blocking().unwrap_err(), "no tables");
}

#[test]
fn a_panic_in_the_drop_of_what_a_skipped_call_captured_is_its_callers() {
    let thread = numbers();
    let gate = occupy(&thread);
    let bomb = Bomb;
    let ticket = thread.call(move |_| drop(bomb)).queue();
    let given_up = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(ticket)));
    assert!(given_up.is_err());
    drop(gate);
    assert_eq!(push(&thread, 1).blocking().unwrap(), 1);
}

#[test]
fn a_result_whose_drop_panics_leaves_nobody_waiting() {
    let thread = numbers();
    let end = End::of(&thread);
    let gate = occupy(&thread);
    thread.call(|_| Bomb).queue().detach();
    let mut next = push(&thread, 1).queue();
    let mut closing = thread.close();
    drop(gate);
    end.wait();
    assert!(poll(&mut next).is_ready(), "the next call has no answer");
    assert!(poll(&mut closing).is_ready(), "the close does not end");
}

#[test]
fn a_refused_call_whose_drop_panics_leaves_nobody_waiting() {
    let thread = numbers();
    let end = End::of(&thread);
    let gate = occupy(&thread);
    let panicking = thread.call(|_| panic!("no tables")).queue();
    let bomb = Bomb;
    let refused = thread.call(move |_| drop(bomb)).queue();
    let mut next = push(&thread, 1).queue();
    let mut closing = thread.close();
    drop(gate);
    end.wait();
    assert_died_of(&refused.blocking().unwrap_err(), "no tables");
    assert!(poll(&mut next).is_ready(), "the next call has no answer");
    assert_died_of(&panicking.blocking().map(|()| 0).unwrap_err(), "no tables");
    assert!(poll(&mut closing).is_ready(), "the close does not end");
}

#[test]
fn what_a_refused_call_captured_is_dropped() {
    let thread = numbers();
    let gate = occupy(&thread);
    thread.call(|_| panic!("no tables")).queue().detach();
    let (last_word, dropped) = LastWord::new();
    let refused = thread.call(|_| drop(last_word)).queue();
    drop(gate);
    assert!(dropped.recv().is_ok());
    assert_died_of(&refused.blocking().unwrap_err(), "no tables");
}

#[test]
fn an_error_of_a_call_is_not_the_objects_death() {
    let thread = numbers();
    assert_eq!(thread.call(|_| "seven".parse::<u8>()).blocking().unwrap().ok(), None);
    assert!(seen(&thread).is_empty());
}

#[test]
fn whatever_a_builder_was_given_panics_the_opener_and_the_close_hear_of_it() {
    let bomb = Bomb;
    let failing = HeapThread::builder()
        .teardown(move |()| {
            let _ = &bomb;
            Ok::<_, Error>(())
        })
        .spawn(|| Err::<(), _>("no object"));
    let _ = failing.blocking().unwrap_err();

    let opening = HeapThread::builder().interrupt_with(|_: &Bomb| {
        assert!(thread::current().name().is_none(), "no hook");
        || ()
    });
    assert_eq!(kind(opening.spawn(|| Ok::<_, Error>(Bomb)).blocking()), ErrorKind::Panicked);

    let builder = HeapThread::builder().interrupt_with(|_: &()| {
        let bomb = Bomb;
        move || {
            let _ = &bomb;
        }
    });
    let thread = builder.spawn(|| Ok::<_, Error>(())).blocking().unwrap();
    assert_eq!(kind(thread.close().blocking()), ErrorKind::Panicked);
}
