//! The queue is bounded: what happens when it is full.

use std::sync::Arc;

use aiointernal::{Error, ErrorKind};
use futures_util::future::join3;

use super::{Bell, End, LastWord, closed_error, kind, numbers_with_room, occupy, poll, push, seen};

#[test]
fn a_full_queue_refuses_a_call_that_will_not_wait() {
    let thread = numbers_with_room(3);
    let gate = occupy(&thread);
    let tickets: Vec<_> = (0..3).map(|number| push(&thread, number).queue()).collect();
    let mut refused = push(&thread, 3).queue();
    assert!(matches!(poll(&mut refused), std::task::Poll::Ready(Err(error)) if error.kind() == ErrorKind::QueueFull));
    drop(gate);
    assert!(tickets.into_iter().map(|ticket| ticket.blocking().unwrap()).eq(0..3));
    assert_eq!(seen(&thread), [0, 1, 2]);
}

#[test]
fn a_full_queue_and_a_closed_handle_have_a_clear_text_each() {
    let thread = numbers_with_room(1);
    let _gate = occupy(&thread);
    push(&thread, 1).queue().detach();
    let full: Error = push(&thread, 2).queue().blocking().unwrap_err();
    assert_eq!(full.to_string(), "the queue is full");
    assert_eq!(closed_error().to_string(), "the object was closed");
}

#[tokio::test]
async fn an_awaited_call_waits_for_room() {
    let thread = numbers_with_room(1);
    let gate = occupy(&thread);
    push(&thread, 1).queue().detach();
    let mut waiting = push(&thread, 2).into_future();
    assert!(poll(&mut waiting).is_pending());
    drop(gate);
    assert_eq!(waiting.await.unwrap(), 2);
    assert_eq!(seen(&thread), [1, 2]);
}

#[tokio::test]
async fn calls_that_wait_for_room_enter_in_the_order_in_which_they_came() {
    let thread = numbers_with_room(1);
    let gate = occupy(&thread);
    push(&thread, 0).queue().detach();
    let mut waiting = [1, 2, 3].map(|number| push(&thread, number).into_future());
    assert!(waiting.iter_mut().all(|waiting| poll(waiting).is_pending()));
    drop(gate);
    let [first, second, third] = waiting;
    let (third, second, first) = join3(third, second, first).await;
    assert_eq!((first.unwrap(), second.unwrap(), third.unwrap()), (1, 2, 3));
    assert_eq!(seen(&thread), [0, 1, 2, 3]);
}

#[test]
fn calls_that_wait_for_room_enter_in_the_order_in_which_they_began_to_wait() {
    let thread = numbers_with_room(1);
    let gate = occupy(&thread);
    push(&thread, 0).queue().detach();
    let mut waiting = [1, 2, 3].map(|number| push(&thread, number).into_future());
    assert!(waiting.iter_mut().all(|waiting| poll(waiting).is_pending()));
    // A newcomer overtakes nobody.
    assert_eq!(kind(push(&thread, 4).queue().blocking()), ErrorKind::QueueFull);
    drop(gate);
    let [first, second, third] = waiting;
    assert_eq!([third, second, first].map(|waiting| waiting.blocking().unwrap()), [3, 2, 1]);
    assert_eq!(seen(&thread), [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_call_that_gives_up_waiting_for_room_harms_nobody() {
    let thread = numbers_with_room(1);
    let gate = occupy(&thread);
    push(&thread, 0).queue().detach();
    let mut waiting = [1, 2].map(|number| push(&thread, number).into_future());
    assert!(waiting.iter_mut().all(|waiting| poll(waiting).is_pending()));
    let [first, second] = waiting;
    drop(first);
    drop(gate);
    assert_eq!(second.await.unwrap(), 2);
    assert_eq!(seen(&thread), [0, 2]);
}

#[test]
fn a_call_that_gives_up_when_it_was_told_of_room_passes_it_on() {
    let thread = numbers_with_room(1);
    let gate = occupy(&thread);
    let queued = push(&thread, 0).queue();
    let mut waiting = [1, 2].map(|number| push(&thread, number).into_future());
    assert!(waiting.iter_mut().all(|waiting| poll(waiting).is_pending()));
    drop(gate);
    queued.blocking().unwrap();
    let [first, second] = waiting;
    drop(first);
    assert_eq!(second.blocking().unwrap(), 2);
}

#[test]
fn an_aborted_call_that_waits_for_room_ends_at_once() {
    let thread = numbers_with_room(1);
    let _gate = occupy(&thread);
    push(&thread, 0).queue().detach();
    let mut waiting = push(&thread, 1).into_future();
    assert!(poll(&mut waiting).is_pending());
    waiting.abort();
    assert!(matches!(poll(&mut waiting), std::task::Poll::Ready(Err(error)) if error.kind() == ErrorKind::Cancelled));
}

#[test]
fn an_aborted_call_that_was_told_of_room_passes_it_on() {
    let thread = numbers_with_room(1);
    let gate = occupy(&thread);
    let queued = push(&thread, 0).queue();
    let mut waiting = [1, 2].map(|number| push(&thread, number).into_future());
    assert!(waiting.iter_mut().all(|waiting| poll(waiting).is_pending()));
    waiting[0].abort();
    drop(gate);
    queued.blocking().unwrap();
    let [first, second] = waiting;
    assert_eq!(kind(first.blocking()), ErrorKind::Cancelled);
    assert_eq!(second.blocking().unwrap(), 2);
}

#[test]
fn what_a_call_captured_is_dropped_when_it_gives_up_waiting_for_room() {
    let thread = numbers_with_room(1);
    let _gate = occupy(&thread);
    push(&thread, 0).queue().detach();
    let (last_word, dropped) = LastWord::new();
    let mut waiting = thread.call(|_| drop(last_word)).into_future();
    assert!(poll(&mut waiting).is_pending());
    drop(waiting);
    assert_eq!(dropped.try_recv(), Ok(std::thread::current().id()));
}

#[test]
fn a_call_that_waits_for_room_hears_of_the_close() {
    let thread = numbers_with_room(1);
    let gate = occupy(&thread);
    let queued = push(&thread, 0).queue();
    let mut waiting = push(&thread, 1).into_future();
    let bell = Arc::<Bell>::default();
    bell.hang_on(&mut waiting);
    let closing = thread.close();
    assert!(bell.has_rung());
    assert_eq!(kind(waiting.blocking()), ErrorKind::Closed);
    drop(gate);
    closing.blocking().unwrap();
    assert_eq!(queued.blocking().unwrap(), 0);
}

#[test]
fn a_call_that_waits_for_room_is_a_handle() {
    let thread = numbers_with_room(1);
    let end = End::of(&thread);
    let gate = occupy(&thread);
    push(&thread, 0).queue().detach();
    let mut waiting = push(&thread, 1).into_future();
    assert!(poll(&mut waiting).is_pending());
    drop(thread);
    drop(gate);
    assert_eq!(waiting.blocking().unwrap(), 1);
    end.wait();
}
