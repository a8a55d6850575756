//! Calls that yield and borrow from the object: `generate`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::ThreadId,
    time::{Duration, Instant},
};

use aiointernal::{Error, ErrorKind, Generation, HeapThread};
use futures_util::{FutureExt as _, StreamExt as _};

use super::{LastWord, Numbers, id_of, kind, numbers, numbers_with_room, occupy, push, seen};

/// Items that wait for the consumer, at most, as the documentation says.
const AHEAD: usize = 64;

fn filled(count: u32) -> HeapThread<Numbers> {
    let thread = numbers();
    thread.call(move |numbers| numbers.borrow_mut().extend(0..count)).blocking().unwrap();
    thread
}

/// The numbers, by an iterator that borrows them.
fn all(thread: &HeapThread<Numbers>) -> Generation<u32> {
    thread.generate(|numbers, sink| numbers.borrow().iter().try_for_each(|number| sink.send(*number)))
}

#[tokio::test]
async fn items_come_in_order_from_an_iterator_that_borrows() {
    for count in [0, 1, 63, 64, 65, 1000] {
        let thread = filled(count);
        let items: Vec<_> = all(&thread).stream().map(Result::unwrap).collect().await;
        assert!(items.into_iter().eq(0..count), "{count}");
    }
}

#[tokio::test]
async fn awaiting_queueing_and_blocking_collect() {
    let thread = filled(200);
    let expected: Vec<_> = (0..200).collect();
    assert_eq!(all(&thread).await.unwrap(), expected);
    assert_eq!(all(&thread).queue().await.unwrap(), expected);
    assert_eq!(all(&thread).blocking().unwrap(), expected);
}

#[test]
fn nothing_runs_until_the_stream_is_polled() {
    let thread = filled(3);
    let mut stream = all(&thread).stream();
    assert_eq!(push(&thread, 3).blocking().unwrap(), 3);
    for number in 0..4 {
        assert_eq!(stream.next_blocking().unwrap().unwrap(), number);
    }
}

#[test]
fn the_closure_is_at_most_a_buffer_ahead_of_its_consumer() {
    let thread = filled(1000);
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let generation = thread.generate(move |numbers, sink| {
        numbers.borrow().iter().try_for_each(|number| {
            count.fetch_add(1, Ordering::SeqCst);
            sink.send(*number)
        })
    });
    let mut stream = generation.stream();
    for taken in 1..=1000 {
        stream.next_blocking().unwrap().unwrap();
        // One more may be on its way into a full buffer.
        assert!(sent.load(Ordering::SeqCst) <= taken + AHEAD + 1);
    }
    assert!(stream.next_blocking().is_none());
}

#[test]
fn dropping_the_stream_ends_a_closure_that_waits_for_its_consumer() {
    let thread = filled(1000);
    let (last_word, heard) = LastWord::new();
    let generation = thread.generate(move |numbers, sink| {
        let _last_word = last_word;
        numbers.borrow().iter().try_for_each(|number| sink.send(*number))
    });
    let mut stream = generation.stream();
    stream.next_blocking().unwrap().unwrap();
    drop(stream);
    assert_eq!(heard.recv(), Ok(id_of(&thread)));
    assert_eq!(seen(&thread).len(), 1000);
}

#[test]
fn an_endless_generation_ends_with_its_consumer() {
    let thread = numbers();
    let mut stream = thread.generate(|_, sink| -> Result<(), Error> {
        loop {
            sink.send(1)?;
        }
    });
    let mut taken = stream.stream();
    taken.next_blocking().unwrap().unwrap();
    drop(taken);
    stream = thread.generate(|_, sink| sink.send(2));
    assert_eq!(stream.blocking().unwrap(), [2]);
}

/// Items without end, and whether its closure has gone.
fn endless(thread: &HeapThread<Numbers>) -> (Generation<u32>, mpsc::Receiver<ThreadId>) {
    let (last_word, heard) = LastWord::new();
    let generation = thread.generate(move |_, sink| -> Result<(), Error> {
        let _last_word = last_word;
        loop {
            sink.send(1)?;
        }
    });
    (generation, heard)
}

#[test]
fn items_that_are_collected_for_nobody_any_more_end_with_the_next_one() {
    let thread = numbers();
    let (enter, entered) = mpsc::channel();
    let endless = thread.generate(move |_, sink| -> Result<(), Error> {
        enter.send(()).unwrap();
        loop {
            sink.send(1)?;
        }
    });
    let ticket = endless.queue();
    entered.recv().unwrap();
    drop(ticket);
    assert!(seen(&thread).is_empty());
}

#[test]
fn a_generation_ends_when_its_time_is_over_collected_or_streamed() {
    let thread = numbers();
    let short = Duration::from_millis(2);
    assert_eq!(kind(endless(&thread).0.timeout(short).blocking().map(drop)), ErrorKind::Timeout);
    assert_eq!(kind(endless(&thread).0.deadline(Instant::now() + short).blocking().map(drop)), ErrorKind::Timeout);
    let mut stream = endless(&thread).0.timeout(short).stream();
    let error = std::iter::from_fn(|| stream.next_blocking()).find_map(Result::err).unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(stream.next_blocking().is_none());
}

#[test]
fn a_generation_whose_time_ends_while_it_waits_for_its_consumer_ends_as_well() {
    let thread = numbers();
    let (generation, heard) = endless(&thread);
    let mut stream = generation.timeout(Duration::from_millis(2)).stream();
    stream.next_blocking().unwrap().unwrap();
    // Nobody takes more, and the closure goes all the same.
    heard.recv().unwrap();
    let items = std::iter::from_fn(|| stream.next_blocking()).take_while(Result::is_ok).count();
    assert!(items >= AHEAD - 1, "{items}");
}

#[test]
fn an_error_comes_after_the_items_before_it() {
    let thread = filled(100);
    let failing = || {
        thread.generate(|numbers, sink| {
            numbers.borrow().iter().try_for_each(|number| sink.send(*number)).unwrap();
            Err("the end of the world")
        })
    };
    let mut stream = failing().stream();
    for number in 0..100 {
        assert_eq!(stream.next_blocking().unwrap().unwrap(), number);
    }
    let error = stream.next_blocking().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("end of the world")), (ErrorKind::Object, true));
    assert!(stream.next_blocking().is_none());
    assert_eq!(kind(failing().blocking().map(|_| 0)), ErrorKind::Object);
}

#[test]
fn a_panic_of_the_closure_is_the_last_item() {
    let thread = filled(1);
    let mut stream = thread
        .generate(|numbers, sink| -> Result<(), Error> {
            sink.send(numbers.borrow()[0])?;
            sink.send(numbers.borrow()[1])
        })
        .stream();
    assert_eq!(stream.next_blocking().unwrap().unwrap(), 0);
    assert_eq!(stream.next_blocking().unwrap().unwrap_err().kind(), ErrorKind::Panicked);
    assert!(stream.next_blocking().is_none());
}

#[test]
fn a_stream_waits_for_room_in_the_queue_and_queueing_does_not() {
    let thread = numbers_with_room(1);
    let gate = occupy(&thread);
    let first = push(&thread, 1).queue();
    assert_eq!(kind(all(&thread).queue().blocking().map(|_| 0)), ErrorKind::QueueFull);
    let mut stream = all(&thread).stream();
    assert!(stream.next().now_or_never().is_none());
    drop(gate);
    assert_eq!(stream.next_blocking().unwrap().unwrap(), 1);
    assert_eq!(first.blocking().unwrap(), 1);
}

#[test]
fn a_stream_of_a_closed_object_is_an_error_and_the_end() {
    let thread = filled(1);
    let mut stream = all(&thread).stream();
    thread.close().blocking().unwrap();
    assert_eq!(stream.next_blocking().unwrap().unwrap_err().kind(), ErrorKind::Closed);
    assert!(stream.next_blocking().is_none());
}

#[test]
fn a_closure_that_hides_that_its_sink_refused_an_item_does_not_hide_it_from_its_caller() {
    let thread = numbers();
    let hiding = || {
        thread.generate(|_, sink| {
            while sink.send(1).is_ok() {}
            Ok::<_, Error>(())
        })
    };
    assert_eq!(kind(hiding().timeout(Duration::from_millis(2)).blocking().map(drop)), ErrorKind::Timeout);
    let mut stream = hiding().timeout(Duration::from_millis(2)).stream();
    let error = std::iter::from_fn(|| stream.next_blocking()).find_map(Result::err).unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}
