//! Calls that yield, one closure call an item: `iterate`.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use aiointernal::{Error, ErrorKind, HeapThread, Iteration};
use futures_util::StreamExt as _;

use super::{LastWord, Numbers, id_of, kind, numbers, occupy, push, seen};

/// Adds so many numbers, one an item.
fn count_to(thread: &HeapThread<Numbers>, end: u32) -> Iteration<Numbers, u32> {
    let mut number = 0;
    thread.iterate(move |numbers, _| {
        number += 1;
        numbers.borrow_mut().push(number);
        Ok::<_, Error>((number <= end).then_some(number))
    })
}

#[tokio::test]
async fn the_items_come_in_order_and_the_stream_ends() {
    let thread = numbers();
    for end in [0, 1, 63, 64, 65, 200] {
        let items: Vec<_> = count_to(&thread, end).stream().map(Result::unwrap).collect().await;
        assert!(items.into_iter().eq(1..=end));
    }
}

#[tokio::test]
async fn awaiting_queueing_and_blocking_collect() {
    let thread = numbers();
    assert_eq!(count_to(&thread, 3).await.unwrap(), [1, 2, 3]);
    assert_eq!(count_to(&thread, 3).queue().await.unwrap(), [1, 2, 3]);
    assert_eq!(count_to(&thread, 3).blocking().unwrap(), [1, 2, 3]);
}

#[test]
fn nothing_runs_until_the_stream_is_polled_and_never_more_than_a_hop_ahead() {
    let thread = numbers();
    let mut stream = count_to(&thread, 1000).stream();
    assert!(seen(&thread).is_empty());
    assert_eq!(stream.next_blocking().unwrap().unwrap(), 1);
    assert!(seen(&thread).len() <= 64);
    drop(stream);
    assert!(seen(&thread).len() <= 64);
}

#[test]
fn other_calls_run_between_two_hops() {
    let thread = numbers();
    let mut stream = count_to(&thread, 1000).stream();
    stream.next_blocking().unwrap().unwrap();
    push(&thread, 7777).blocking().unwrap();
    assert_eq!(stream.by_ref().count_blocking(), 999);
    let numbers = seen(&thread);
    let place = numbers.iter().position(|number| *number == 7777).unwrap();
    assert!(place > 0 && place < 1000);
}

/// What is left of a stream.
trait CountBlocking {
    fn count_blocking(self) -> usize;
}

impl CountBlocking for &mut aiointernal::IterationStream<Numbers, u32> {
    fn count_blocking(self) -> usize {
        let mut count = 0;
        while let Some(item) = self.next_blocking() {
            item.unwrap();
            count += 1;
        }
        count
    }
}

#[test]
fn an_error_of_the_closure_ends_it_after_the_items_before() {
    let thread = HeapThread::spawn(|| Ok::<_, Error>(Rc::new(RefCell::new(0)))).blocking().unwrap();
    let failing = || {
        thread.iterate(|count: &mut Rc<RefCell<u32>>, _| {
            *count.borrow_mut() += 1;
            if count.borrow().is_multiple_of(3) { Err("every third") } else { Ok(Some(*count.borrow())) }
        })
    };
    let mut stream = failing().stream();
    assert_eq!(stream.next_blocking().unwrap().unwrap(), 1);
    assert_eq!(stream.next_blocking().unwrap().unwrap(), 2);
    assert_eq!(stream.next_blocking().unwrap().unwrap_err().kind(), ErrorKind::Object);
    assert!(stream.next_blocking().is_none());
    assert_eq!(kind(failing().blocking().map(|_| 0)), ErrorKind::Object);
}

#[test]
fn an_iteration_ends_at_its_deadline_collected_or_streamed() {
    let thread = numbers();
    let endless = || count_to(&thread, u32::MAX).deadline(Instant::now() + Duration::from_millis(2));
    assert_eq!(kind(endless().blocking().map(drop)), ErrorKind::Timeout);
    let mut stream = endless().stream();
    let error = std::iter::from_fn(|| stream.next_blocking()).find_map(Result::err).unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(stream.next_blocking().is_none());

    let gate = occupy(&thread);
    let mut waiting = endless().stream();
    assert_eq!(waiting.next_blocking().unwrap().unwrap_err().kind(), ErrorKind::Timeout);
    drop(gate);
}

#[test]
fn what_the_closure_captured_is_dropped_on_the_objects_thread_when_the_stream_goes() {
    let thread = numbers();
    let home = id_of(&thread);
    let (last_word, heard) = LastWord::new();
    let mut stream = thread
        .iterate(move |_, _| {
            let _ = &last_word;
            Ok::<_, Error>(Some(1))
        })
        .stream();
    stream.next_blocking().unwrap().unwrap();
    drop(stream);
    assert_eq!(heard.recv(), Ok(home));
}

#[test]
fn a_full_queue_is_told_when_it_is_queued() {
    let thread = super::numbers_with_room(1);
    let _gate = occupy(&thread);
    let first = push(&thread, 1).queue();
    assert_eq!(kind(count_to(&thread, 3).queue().blocking().map(|_| 0)), ErrorKind::QueueFull);
    drop(first);
}
