//! Calls that yield: `steps` and `collect_steps`.

use std::{
    collections::VecDeque,
    sync::mpsc,
    task::Poll,
    thread::{self, ThreadId},
};

use aiointernal::{Error, ErrorKind, HeapThread, Running, Steps};
use futures_util::{FutureExt as _, StreamExt as _, future::join, stream};

use super::{Bell, Numbers, closed_error, id_of, kind, numbers, numbers_with_room, occupy, push, seen};

/// Items of the first hop, and of any, at most, as the documentation of `steps` says.
const HOP: usize = 64;
const LONGEST_HOP: usize = 512;

/// Makes an item of each input, adds it to the numbers, and tells on which thread it finishes.
struct Each<F> {
    make: F,
    finish: mpsc::Sender<ThreadId>,
}

impl<F> Steps<Numbers> for Each<F>
where
    F: FnMut(u32, &Running) -> Result<u32, Error> + Send + 'static,
{
    type Input = u32;
    type Item = u32;

    fn step(
        &mut self,
        numbers: &mut Numbers,
        inputs: &mut VecDeque<u32>,
        running: &Running,
    ) -> Result<Option<u32>, Error> {
        let Some(input) = inputs.pop_front() else {
            return Ok(None);
        };
        let item = (self.make)(input, running)?;
        numbers.borrow_mut().push(item);
        Ok(Some(item))
    }

    fn finish(&mut self, _: &mut Numbers) {
        let _ = self.finish.send(thread::current().id());
    }
}

fn each<F>(make: F) -> (Each<F>, Finished)
where
    F: FnMut(u32, &Running) -> Result<u32, Error> + Send + 'static,
{
    let (finish, finished) = mpsc::channel();
    (Each { make, finish }, Finished(finished))
}

/// Hears where steps finish, until they are dropped.
struct Finished(mpsc::Receiver<ThreadId>);

impl Finished {
    /// Steps that were never on the thread have nothing to finish there.
    fn never(self) {
        assert_eq!(self.0.iter().count(), 0);
    }

    fn once_on(self, thread: &HeapThread<Numbers>) {
        let home = id_of(thread);
        assert_eq!(self.0.iter().collect::<Vec<_>>(), [home]);
    }
}

#[tokio::test]
async fn items_come_in_the_order_of_their_inputs() {
    let thread = numbers();
    let (steps, finished) = each(|input, _| Ok(input * 2));
    let items: Vec<_> = thread.steps(stream::iter(0..1000), steps).map(Result::unwrap).collect().await;
    assert!(items.iter().copied().eq((0..1000).map(|input| input * 2)));
    finished.once_on(&thread);
    assert_eq!(seen(&thread), items);
}

#[test]
fn items_come_to_a_plain_thread() {
    let thread = numbers();
    let (steps, finished) = each(|input, _| Ok(input));
    let mut stream = thread.steps(stream::iter(0..200), steps);
    let mut items = Vec::new();
    while let Some(item) = stream.next_blocking() {
        items.push(item.unwrap());
    }
    assert!(items.into_iter().eq(0..200));
    assert!(stream.next_blocking().is_none());
    finished.once_on(&thread);
}

#[test]
fn a_stream_that_nobody_polls_does_nothing() {
    let thread = numbers();
    let asked = stream::poll_fn(|_| -> Poll<Option<u32>> { panic!("nobody asked for an input") });
    let (steps, finished) = each(|input, _| Ok(input));
    let stream = thread.steps(asked, steps);
    assert!(seen(&thread).is_empty());
    drop(stream);
    finished.never();
}

#[test]
fn nothing_is_made_ahead_of_the_consumer_but_one_hop() {
    let thread = numbers();
    let (steps, _finished) = each(|input, _| Ok(input));
    let mut stream = thread.steps(stream::iter(0..), steps);
    assert_eq!(stream.next_blocking().unwrap().unwrap(), 0);
    let made = seen(&thread).len();
    assert!((1..=HOP).contains(&made), "{made}");
    for expected in 1..made {
        assert_eq!(stream.next_blocking().unwrap().unwrap() as usize, expected);
        assert_eq!(seen(&thread).len(), made);
    }
    assert_eq!(stream.next_blocking().unwrap().unwrap() as usize, made);
    assert!(seen(&thread).len() <= made + 2 * HOP);
}

#[test]
fn hops_that_make_all_they_may_grow_up_to_the_longest() {
    let thread = numbers();
    let (steps, _finished) = each(|input, _| Ok(input));
    let mut stream = thread.steps(stream::iter(0..), steps);
    let (mut taken, mut most) = (0, HOP);
    // A machine that is busy may let a hop's time end before.
    for _ in 0..200 {
        taken += 1;
        assert!(stream.next_blocking().unwrap().is_ok());
        let hop = seen(&thread).len() + 1 - taken;
        assert!(hop <= most, "{hop} of {most}");
        if hop == LONGEST_HOP {
            return;
        }
        if hop == most {
            most *= 2;
        }
        for _ in 1..hop {
            taken += 1;
            assert!(stream.next_blocking().unwrap().is_ok());
        }
    }
    panic!("{most} at most");
}

#[tokio::test]
async fn other_calls_run_between_two_hops() {
    let thread = numbers();
    let (steps, _finished) = each(|input, _| Ok(input));
    let mut stream = thread.steps(stream::iter(0..1000), steps);
    let gate = occupy(&thread);
    assert!(stream.next().now_or_never().is_none());
    let between = thread.call(|numbers| numbers.borrow().len()).queue();
    drop(gate);
    assert_eq!(stream.count().await, 1000);
    let made = between.await.unwrap();
    assert!((1..=HOP).contains(&made), "{made}");
}

#[test]
fn a_stream_that_is_dropped_between_two_hops_finishes_once() {
    let thread = numbers();
    let (steps, finished) = each(|input, _| Ok(input));
    let mut stream = thread.steps(stream::iter(0..), steps);
    assert_eq!(stream.next_blocking().unwrap().unwrap(), 0);
    let made = seen(&thread).len();
    drop(stream);
    finished.once_on(&thread);
    assert_eq!(seen(&thread).len(), made);
}

#[test]
fn a_stream_that_is_dropped_while_its_first_hop_is_queued_makes_nothing() {
    let thread = numbers();
    let (steps, finished) = each(|input, _| Ok(input));
    let mut stream = thread.steps(stream::iter(0..), steps);
    let gate = occupy(&thread);
    assert!(stream.next().now_or_never().is_none());
    drop(stream);
    drop(gate);
    finished.never();
    assert!(seen(&thread).is_empty());
}

#[test]
fn a_stream_that_is_dropped_while_its_first_hop_waits_for_room_makes_nothing() {
    let thread = numbers_with_room(1);
    let (steps, finished) = each(|input, _| Ok(input));
    let mut stream = thread.steps(stream::iter(1..), steps);
    let gate = occupy(&thread);
    push(&thread, 0).queue().detach();
    assert!(stream.next().now_or_never().is_none());
    drop(stream);
    drop(gate);
    finished.never();
    assert_eq!(seen(&thread), [0]);
}

#[test]
fn a_stream_that_is_dropped_while_its_hop_runs_stops_it_and_finishes_once() {
    let thread = numbers();
    let (enter, entered) = mpsc::channel();
    let (open, opened) = mpsc::channel::<()>();
    let (steps, finished) = each(move |_, running| {
        let _ = enter.send(());
        let _ = opened.recv();
        Ok(u32::from(running.is_cancelled()))
    });
    let mut stream = thread.steps(stream::iter(0..), steps);
    assert!(stream.next().now_or_never().is_none());
    entered.recv().unwrap();
    drop(stream);
    drop(open);
    finished.once_on(&thread);
    assert_eq!(seen(&thread), [1]);
}

#[test]
fn a_stream_that_was_dropped_stops_no_other_call() {
    let thread = numbers();
    let (steps, _finished) = each(|input, _| Ok(input));
    let mut stream = thread.steps(stream::iter(0..), steps);
    let gate = occupy(&thread);
    assert!(stream.next().now_or_never().is_none());
    let next = thread.try_call(|_, running| Ok::<_, Error>(running.is_cancelled())).queue();
    drop(stream);
    drop(gate);
    assert!(!next.blocking().unwrap());
}

#[test]
fn an_error_ends_the_stream() {
    let thread = numbers();
    let mut error = Some(closed_error());
    let (steps, finished) = each(move |_, _| Err(error.take().expect("nothing is made after an error")));
    let mut stream = thread.steps(stream::iter(0..), steps);
    assert_eq!(kind(stream.next_blocking().unwrap()), ErrorKind::Closed);
    assert!(stream.next_blocking().is_none());
    finished.once_on(&thread);
    assert!(!thread.is_closed());
}

#[test]
fn items_that_were_made_before_an_error_come_before_it() {
    let thread = numbers();
    let error = closed_error();
    let (steps, finished) = each(move |input, _| if input < 3 { Ok(input) } else { Err(error.clone()) });
    let mut stream = thread.steps(stream::iter(0..), steps);
    for expected in 0..3 {
        assert_eq!(stream.next_blocking().unwrap().unwrap(), expected);
    }
    assert_eq!(kind(stream.next_blocking().unwrap()), ErrorKind::Closed);
    assert!(stream.next_blocking().is_none());
    finished.once_on(&thread);
}

#[tokio::test]
async fn inputs_may_be_late() {
    let thread = numbers();
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    let (steps, finished) = each(|input, _| Ok(input));
    let mut stream = thread.steps(stream::poll_fn(move |context| receive.poll_recv(context)), steps);
    send.send(1).unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), 1);
    assert!(stream.next().now_or_never().is_none());
    let (item, sent) = join(stream.next(), async { send.send(2) }).await;
    assert_eq!((item.unwrap().unwrap(), sent), (2, Ok(())));
    drop(send);
    assert!(stream.next().await.is_none());
    finished.once_on(&thread);
}

#[test]
fn an_input_that_arrives_wakes_the_consumer() {
    let thread = numbers();
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    let (steps, _finished) = each(|input, _| Ok(input));
    let mut stream = thread.steps(stream::poll_fn(move |context| receive.poll_recv(context)), steps);
    let bell = std::sync::Arc::<Bell>::default();
    bell.hang_on(&mut stream.next());
    assert!(!bell.has_rung());
    send.send(1).unwrap();
    assert!(bell.has_rung());
    assert_eq!(stream.next_blocking().unwrap().unwrap(), 1);
}

#[test]
fn no_inputs_make_no_items() {
    let thread = numbers();
    let (steps, finished) = each(|input, _| Ok(input));
    let mut stream = thread.steps(stream::iter([]), steps);
    assert!(stream.next_blocking().is_none());
    finished.never();
    assert!(seen(&thread).is_empty());
}

#[test]
fn a_stream_is_a_handle_until_it_has_ended() {
    let thread = numbers();
    let end = super::End::of(&thread);
    let (steps, finished) = each(|input, _| Ok(input));
    let mut stream = thread.steps(stream::iter(0..1), steps);
    drop(thread);
    assert_eq!(stream.next_blocking().unwrap().unwrap(), 0);
    assert!(stream.next_blocking().is_none());
    end.wait();
    assert_eq!(finished.0.iter().count(), 1);
}

#[test]
fn steps_on_a_closed_object_are_closed() {
    let thread = numbers();
    thread.close().blocking().unwrap();
    let mut stream = thread.steps(stream::iter(0..), each(|input, _| Ok(input)).0);
    assert_eq!(kind(stream.next_blocking().unwrap()), ErrorKind::Closed);
    assert!(stream.next_blocking().is_none());
    assert_eq!(kind(thread.collect_steps(0..9, each(|input, _| Ok(input)).0).blocking()), ErrorKind::Closed);
}

#[test]
fn a_stream_gets_what_was_queued_before_the_close_and_then_hears_of_it() {
    let thread = numbers();
    let mut stream = thread.steps(stream::iter(0..), each(|input, _| Ok(input)).0);
    let gate = occupy(&thread);
    assert!(stream.next().now_or_never().is_none());
    drop(thread.close());
    drop(gate);
    let items: Vec<_> = std::iter::from_fn(|| stream.next_blocking()).collect();
    let kinds: Vec<_> = items.into_iter().map(|item| item.map_err(|error| error.kind())).collect();
    let (last, made) = kinds.split_last().unwrap();
    assert_eq!(*last, Err(ErrorKind::Closed));
    assert!((1..=HOP).contains(&made.len()), "{made:?}");
    assert!(made.iter().copied().eq((0..made.len() as u32).map(Ok)));
}

#[test]
fn a_step_that_panics_ends_the_stream_and_the_object() {
    let thread = numbers();
    let mut stream = thread.steps(stream::iter(0..), each(|_, _| panic!("no tables")).0);
    let error = stream.next_blocking().unwrap().unwrap_err();
    assert!(error.to_string().contains("no tables"), "{error}");
    assert!(stream.next_blocking().is_none());
    assert_eq!(kind(push(&thread, 1).blocking()), ErrorKind::Panicked);
}

#[test]
fn collected_steps_are_one_call() {
    let thread = numbers();
    let (steps, finished) = each(|input, _| Ok(input));
    let gate = occupy(&thread);
    let collected = thread.collect_steps(0..1000, steps).queue();
    let behind = thread.call(|numbers| numbers.borrow().len()).queue();
    drop(gate);
    assert!(collected.blocking().unwrap().into_iter().eq(0..1000));
    assert_eq!(behind.blocking().unwrap(), 1000);
    finished.once_on(&thread);
}

#[tokio::test]
async fn collecting_no_inputs_makes_no_items() {
    let thread = numbers();
    let (steps, finished) = each(|input, _| Ok(input));
    assert!(thread.collect_steps([], steps).await.unwrap().is_empty());
    finished.never();
}

#[test]
fn an_error_ends_collected_steps() {
    let thread = numbers();
    let error = closed_error();
    let (steps, finished) = each(move |input, _| if input < 3 { Ok(input) } else { Err(error.clone()) });
    assert_eq!(kind(thread.collect_steps(0..9, steps).blocking()), ErrorKind::Closed);
    finished.once_on(&thread);
    assert_eq!(seen(&thread), [0, 1, 2]);
}

#[test]
fn collected_steps_that_are_given_up_stop_and_finish_once() {
    let thread = numbers();
    let (enter, entered) = mpsc::channel();
    let (open, opened) = mpsc::channel::<()>();
    let (steps, finished) = each(move |input, _| {
        let _ = enter.send(());
        let _ = opened.recv();
        Ok(input)
    });
    let ticket = thread.collect_steps(0..1000, steps).queue();
    entered.recv().unwrap();
    ticket.abort();
    drop(open);
    assert_eq!(kind(ticket.blocking()), ErrorKind::Cancelled);
    finished.once_on(&thread);
    assert_eq!(seen(&thread), [0]);
}

#[test]
fn collected_steps_that_nobody_calls_do_nothing() {
    let thread = numbers();
    let (steps, finished) = each(|input, _| Ok(input));
    drop(thread.collect_steps(0..9, steps));
    finished.never();
    assert!(seen(&thread).is_empty());
}

#[test]
fn an_item_that_is_made_behind_the_error_is_nobodys() {
    let thread = numbers();
    let (enter, entered) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel::<()>();
    let (steps, _finished) = each(move |input, _| {
        let _ = enter.send(());
        let _ = goes_on.recv();
        Ok(input)
    });
    let mut stream = thread.steps(stream::iter(0..2), steps);
    assert!(stream.next().now_or_never().is_none());
    entered.recv().unwrap();
    let closing = thread.close_now();
    let error = stream.next_blocking().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    go_on.send(()).unwrap();
    drop(go_on);
    // The thread has ended, and with it the hop, which has made its item.
    closing.blocking().unwrap();
    assert!(stream.next_blocking().is_none());
}
