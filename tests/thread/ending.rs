//! The object's end: by closing it, or by dropping the last handle.

use std::{num::NonZeroUsize, sync::mpsc, thread};

use aiointernal::{Error, ErrorKind};

use super::{End, LastWord, id_of, kind, numbers, numbers_with_room, occupy, poll, push, seen, ward};

#[tokio::test]
async fn after_close_every_call_is_closed() {
    let thread = numbers();
    let (clone, described) = (thread.clone(), push(&thread, 0));
    thread.close().await.unwrap();
    assert!(thread.is_closed() && clone.is_closed());
    assert_eq!(kind(described.await), ErrorKind::Closed);
    assert_eq!(kind(push(&thread, 1).await), ErrorKind::Closed);
    assert_eq!(kind(push(&clone, 2).queue().await), ErrorKind::Closed);
    assert_eq!(kind(push(&clone, 3).blocking()), ErrorKind::Closed);
}

#[test]
fn calls_are_closed_as_soon_as_close_was_called() {
    let thread = numbers();
    let _gate = occupy(&thread);
    assert!(!thread.is_closed());
    drop(thread.close());
    assert!(thread.is_closed());
    assert_eq!(kind(push(&thread, 1).blocking()), ErrorKind::Closed);
}

#[test]
fn close_lets_run_what_is_running_and_what_is_queued() {
    let thread = numbers();
    let gate = occupy(&thread);
    let tickets = [1, 2, 3].map(|number| push(&thread, number).queue());
    let last = thread.call(|numbers| numbers.borrow().clone()).queue();
    let closing = thread.close();
    drop(gate);
    closing.blocking().unwrap();
    assert_eq!(tickets.map(|ticket| ticket.blocking().unwrap()), [1, 2, 3]);
    assert_eq!(last.blocking().unwrap(), [1, 2, 3]);
}

#[test]
fn a_queued_call_that_is_given_up_after_close_is_cancelled_and_not_closed() {
    let thread = numbers();
    let _gate = occupy(&thread);
    let ticket = push(&thread, 1).queue();
    drop(thread.close());
    ticket.abort();
    assert_eq!(kind(ticket.blocking()), ErrorKind::Cancelled);
}

#[test]
fn the_object_is_gone_when_close_has_returned() {
    let (thread, dropped) = ward();
    let home = id_of(&thread);
    thread.close().blocking().unwrap();
    assert_eq!(dropped.try_recv(), Ok(home));
}

#[tokio::test]
async fn the_object_is_there_until_the_running_call_has_ended() {
    let (thread, dropped) = ward();
    let gate = occupy(&thread);
    let mut closing = thread.close();
    assert!(poll(&mut closing).is_pending());
    assert!(dropped.try_recv().is_err());
    drop(gate);
    closing.await.unwrap();
    assert!(dropped.try_recv().is_ok());
}

#[tokio::test]
async fn closing_twice_and_from_two_clones_waits_for_the_same_end() {
    let (thread, dropped) = ward();
    let clone = thread.clone();
    let gate = occupy(&thread);
    let mut closings = [thread.close(), thread.close(), clone.close()];
    assert!(closings.iter_mut().all(|closing| poll(closing).is_pending()));
    drop(gate);
    for closing in closings {
        closing.await.unwrap();
    }
    assert!(dropped.try_recv().is_ok());
    clone.close().await.unwrap();
    thread.close().blocking().unwrap();
    assert!(dropped.try_recv().is_err());
}

#[test]
fn closing_goes_on_when_nobody_waits_for_it() {
    let (thread, dropped) = ward();
    drop(thread.close());
    assert!(dropped.recv().is_ok());
}

#[test]
fn dropping_the_last_handle_lets_run_what_is_queued_and_ends_the_thread() {
    let thread = numbers();
    let end = End::of(&thread);
    let gate = occupy(&thread);
    let tickets = [1, 2, 3].map(|number| push(&thread, number).queue());
    drop(thread);
    drop(gate);
    assert_eq!(tickets.map(|ticket| ticket.blocking().unwrap()), [1, 2, 3]);
    end.wait();
}

#[test]
fn dropping_the_last_handle_does_not_wait_for_the_thread() {
    let (thread, dropped) = ward();
    let gate = occupy(&thread);
    drop(thread);
    assert!(dropped.try_recv().is_err());
    drop(gate);
    assert!(dropped.recv().is_ok());
}

#[test]
fn an_idle_object_is_dropped_on_its_thread_when_the_last_handle_is() {
    let (thread, dropped) = ward();
    let home = id_of(&thread);
    drop(thread);
    assert_eq!(dropped.recv(), Ok(home));
}

#[test]
fn a_clone_of_the_handle_keeps_the_object() {
    let thread = numbers();
    push(&thread, 1).blocking().unwrap();
    let clone = thread.clone();
    drop(thread);
    assert!(!clone.is_closed());
    assert_eq!(seen(&clone), [1]);
}

#[test]
fn the_last_handle_may_be_dropped_on_the_thread_itself() {
    let (thread, dropped) = ward();
    let (hand_over, handed_over) = mpsc::channel();
    thread.call(move |_| drop(handed_over.recv())).queue().detach();
    hand_over.send(thread).unwrap();
    assert!(dropped.recv().is_ok());
}

#[test]
fn a_call_that_was_described_keeps_the_object_until_it_is_made() {
    let thread = numbers();
    let end = End::of(&thread);
    let call = push(&thread, 1);
    drop(thread);
    assert_eq!(call.blocking().unwrap(), 1);
    end.wait();
}

#[test]
fn tickets_that_are_kept_after_their_end_do_not_keep_the_thread() {
    let thread = numbers_with_room(1);
    let end = End::of(&thread);
    let gate = occupy(&thread);
    let mut taken = push(&thread, 1).queue();
    let mut refused = push(&thread, 2).queue();
    let aborted = push(&thread, 3).into_future();
    aborted.abort();
    assert!(poll(&mut refused).is_ready());
    drop(gate);
    assert_eq!(seen(&thread), [1]);
    assert!(poll(&mut taken).is_ready());
    let unread = push(&thread, 4).queue();
    drop(thread);
    end.wait();
    drop((taken, refused, aborted, unread));
}

#[test]
fn a_handle_of_a_closed_object_keeps_no_thread() {
    let thread = numbers();
    let end = End::of(&thread);
    drop(thread.close());
    end.wait();
    assert_eq!(kind(push(&thread, 1).blocking()), ErrorKind::Closed);
}

#[test]
fn threads_that_race_to_close_all_see_the_end() {
    let (thread, dropped) = ward();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| thread.close().blocking().unwrap());
        }
    });
    assert_eq!(dropped.try_iter().count(), 1);
}

#[test]
fn closing_now_answers_what_is_queued_and_stops_what_runs() {
    let thread = numbers_with_room(1);
    let (enter, entered) = mpsc::channel();
    let endless = thread.try_call(move |_, running| {
        enter.send(()).unwrap();
        while !running.should_stop() {
            std::hint::spin_loop();
        }
        Ok::<_, Error>(0)
    });
    let endless = endless.queue();
    entered.recv().unwrap();
    let queued = push(&thread, 1).queue();
    let closing = thread.close();
    thread.close_now().blocking().unwrap();
    closing.blocking().unwrap();
    assert_eq!(kind(endless.blocking()), ErrorKind::Closed);
    assert_eq!(kind(queued.blocking()), ErrorKind::Closed);
    assert_eq!(kind(push(&thread, 2).blocking()), ErrorKind::Closed);
}

#[test]
fn what_a_stream_captured_is_dropped_even_when_the_object_has_gone_first() {
    let thread = numbers();
    let (last_word, heard) = LastWord::new();
    let mut stream = thread
        .iterate(move |_, _| {
            let _ = &last_word;
            Ok::<_, Error>(Some(1))
        })
        .stream();
    stream.next_blocking().unwrap().unwrap();
    thread.close().blocking().unwrap();
    drop(stream);
    heard.recv().unwrap();
}

#[test]
fn how_many_calls_wait_is_told_and_how_many_may_can_be_changed() {
    let thread = numbers_with_room(1);
    let gate = occupy(&thread);
    let first = push(&thread, 1).queue();
    assert_eq!(kind(push(&thread, 2).queue().blocking()), ErrorKind::QueueFull);
    thread.set_queue_capacity(NonZeroUsize::new(2).unwrap());
    let second = push(&thread, 2).queue();
    let mut third = push(&thread, 3).into_future();
    assert!(poll(&mut third).is_pending());
    assert_eq!(thread.waiting(), 3);
    drop(gate);
    assert_eq!([first, second, third].map(|ticket| ticket.blocking().unwrap()), [1, 2, 3]);
    assert_eq!(thread.waiting(), 0);
}

#[test]
fn nobody_waits_for_an_object_on_its_own_thread() {
    let thread = numbers();
    let inside = thread.clone();
    let kinds = thread.call(move |_| {
        let mut stream = inside.iterate(|_, _| Ok::<_, Error>(Some(1))).stream();
        let mut generated = inside.generate(|_, sink| sink.send(1)).stream();
        [
            kind(push(&inside, 1).blocking()),
            kind(push(&inside, 2).queue().blocking()),
            kind(inside.clone().close().blocking()),
            stream.next_blocking().unwrap().unwrap_err().kind(),
            generated.next_blocking().unwrap().unwrap_err().kind(),
        ]
    });
    let kinds = kinds.blocking().unwrap();
    assert_eq!(kinds[..3], [ErrorKind::Deadlock; 3]);
    // The object was closed by then.
    assert!(kinds[3..].iter().all(|kind| [ErrorKind::Deadlock, ErrorKind::Closed].contains(kind)), "{kinds:?}");
}
