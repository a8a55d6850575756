//! What the types of the queue are, and what they say.

use std::{cell::Cell, error::Error, fmt::Debug, panic::UnwindSafe};

use aiointernal::queue::{Builder, Cause, Get, Join, NoItem, Put, Queue, Refused, Shutdown, Stats, TooManyDone, Until};

use super::{full_of, waiting};

/// An item that is not `Debug`, and not `Unpin` either.
struct Plain(std::marker::PhantomPinned);

fn is_thread_safe<T: Send + Sync>() {}
fn is_an_error<T: Error + Send + Sync + 'static>() {}
fn is_debug<T: Debug>() {}

#[test]
fn handles_and_futures_cross_threads_if_their_items_do() {
    is_thread_safe::<Queue<Cell<u8>>>();
    is_thread_safe::<Put<'_, u8>>();
    is_thread_safe::<Get<'_, u8>>();
    is_thread_safe::<Join<'_, u8>>();
    is_thread_safe::<Until<Put<'_, u8>, ()>>();
}

#[test]
fn refusals_are_errors_whatever_the_item() {
    is_an_error::<Refused<Plain>>();
    is_an_error::<NoItem>();
    is_an_error::<TooManyDone>();
}

#[test]
fn everything_is_debug_whatever_the_item() {
    is_debug::<(Queue<Plain>, Builder<Plain>, Put<'_, Plain>, Get<'_, Plain>, Join<'_, Plain>)>();
    is_debug::<(Until<Put<'_, Plain>, ()>, Refused<Plain>, Cause, NoItem, Shutdown, Stats, TooManyDone)>();
}

#[test]
fn a_queue_survives_a_panic_of_its_user() {
    fn is_unwind_safe<T: UnwindSafe>() {}
    is_unwind_safe::<Queue<Cell<u8>>>();
    is_unwind_safe::<&Queue<Cell<u8>>>();
}

#[test]
fn an_item_need_not_be_unpin() {
    let queue = Queue::fifo(1);
    queue.try_put(Plain(std::marker::PhantomPinned)).unwrap();
    drop(waiting(queue.put(Plain(std::marker::PhantomPinned))));
}

#[test]
fn items_may_borrow() {
    let text = String::from("text");
    let queue = Queue::fifo(1);
    queue.try_put(text.as_str()).unwrap();
    assert_eq!(queue.try_get(), Ok("text"));
}

#[test]
fn every_refusal_has_a_clear_text() {
    let queue = full_of([1]);
    assert_eq!(queue.try_put(2).unwrap_err().to_string(), "the queue is full");
    let texts = [
        (Cause::TooHeavy, "the item weighs more than the whole capacity of the queue"),
        (Cause::TimedOut, "the queue had no room before the time was up"),
        (Cause::ShutDown, "the queue was shut down"),
    ];
    texts.iter().for_each(|(cause, text)| assert_eq!(cause.to_string(), *text));
    let texts = [
        (NoItem::Empty, "the queue is empty"),
        (NoItem::TimedOut, "the queue had no item before the time was up"),
        (NoItem::ShutDown, "the queue was shut down and is empty"),
    ];
    texts.iter().for_each(|(no_item, text)| assert_eq!(no_item.to_string(), *text));
    assert_eq!(
        queue.task_done().unwrap_err().to_string(),
        "every item that was taken from the queue has been marked as done already"
    );
}

#[test]
fn a_queue_shows_its_numbers_and_not_its_items() {
    let shown = format!("{:?}", full_of(["secret"]));
    assert!(shown.contains("queued: 1") && shown.contains("capacity: 1") && !shown.contains("secret"), "{shown}");
}

#[test]
fn a_queue_can_be_shown_while_it_is_looked_into() {
    let queue = full_of([1]);
    assert_eq!(queue.peek_with(|_| format!("{queue:?}")).as_deref(), Some("Queue { .. }"));
}
