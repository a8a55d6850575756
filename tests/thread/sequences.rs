//! Any sequence of what callers can do: every call gets one answer, and it is the right one.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aiointernal::{Error, ErrorKind, Ticket};
use futures_util::future::join_all;
use proptest::{prelude::*, test_runner::TestCaseResult};
use tokio::runtime::Builder;

use super::{numbers_with_room, occupy, poll};

/// One thing that a caller does. The number chooses among the calls that were made so far.
#[derive(Clone, Debug)]
enum Move {
    Queue,
    Await,
    Poll(usize),
    Drop(usize),
    Detach(usize),
    Abort(usize),
    Open,
    Close,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        6 => Just(Move::Queue),
        6 => Just(Move::Await),
        3 => any::<usize>().prop_map(Move::Poll),
        3 => any::<usize>().prop_map(Move::Drop),
        1 => any::<usize>().prop_map(Move::Detach),
        3 => any::<usize>().prop_map(Move::Abort),
        1 => Just(Move::Open),
        1 => Just(Move::Close),
    ];
    prop::collection::vec(one, 0..60)
}

/// What the test knows of a call; its number is its place among all calls.
struct Made {
    queued: bool,
    closed_before: bool,
    aborted: bool,
    ticket: Option<Ticket<usize>>,
    answer: Option<Result<usize, Error>>,
}

/// Polls once, and keeps the answer.
fn look(made: &mut Made) {
    if let Some(ticket) = &mut made.ticket
        && let std::task::Poll::Ready(answer) = poll(ticket)
    {
        made.answer = Some(answer);
        made.ticket = None;
    }
}

/// Plays the moves against an object whose queue has this much room, and returns all calls, answered, and the numbers
/// of those that ran. The last word says whether the object was closed.
fn play(room: usize, occupied: bool, moves: Vec<Move>) -> (Vec<Made>, Vec<usize>, bool) {
    let thread = numbers_with_room(room);
    let ran = Arc::new(Mutex::new(Vec::new()));
    let mut gate = occupied.then(|| occupy(&thread));
    let mut all: Vec<Made> = Vec::new();
    for one in moves {
        let count = all.len().max(1);
        match one {
            Move::Queue | Move::Await => {
                let (number, log) = (all.len(), Arc::clone(&ran));
                let call = thread.call(move |_| {
                    log.lock().expect("nobody panics").push(number);
                    number
                });
                let queued = matches!(one, Move::Queue);
                let closed_before = thread.is_closed();
                let ticket = if queued { call.queue() } else { call.into_future() };
                all.push(Made { queued, closed_before, aborted: false, ticket: Some(ticket), answer: None });
                all.last_mut().into_iter().for_each(look);
            }
            Move::Poll(choice) => all.get_mut(choice % count).into_iter().for_each(look),
            Move::Drop(choice) => all.get_mut(choice % count).into_iter().for_each(|made| made.ticket = None),
            Move::Detach(choice) => {
                let ticket = all.get_mut(choice % count).and_then(|made| made.ticket.take());
                ticket.into_iter().for_each(Ticket::detach);
            }
            Move::Abort(choice) => {
                if let Some(made) = all.get_mut(choice % count)
                    && let Some(ticket) = &made.ticket
                {
                    ticket.abort();
                    made.aborted = true;
                }
            }
            Move::Open => gate = None,
            Move::Close => drop(thread.close()),
        }
    }
    drop(gate);
    let waiting: Vec<_> = all.iter_mut().filter(|made| made.ticket.is_some()).collect();
    let (waiting, tickets): (Vec<_>, Vec<_>) = waiting
        .into_iter()
        .map(|made| {
            let ticket = made.ticket.take();
            (made, async { ticket.expect("filtered above").await })
        })
        .unzip();
    // The wait has an end so that a call without an answer fails the test and does not hang it.
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime starts");
    let answered = async { tokio::time::timeout(Duration::from_secs(5), join_all(tickets)).await };
    let answers = runtime.block_on(answered).expect("every call is answered");
    waiting.into_iter().zip(answers).for_each(|(made, answer)| made.answer = Some(answer));
    let closed = thread.is_closed();
    thread.close().blocking().unwrap();
    let ran = ran.lock().expect("nobody panics").clone();
    (all, ran, closed)
}

fn check(all: &[Made], ran: &[usize], closed: bool) -> TestCaseResult {
    for (number, made) in all.iter().enumerate() {
        let runs = ran.iter().filter(|other| **other == number).count();
        prop_assert!(runs <= 1, "call {number} ran {runs} times");
        match &made.answer {
            Some(Ok(answer)) => prop_assert_eq!((*answer, runs), (number, 1)),
            Some(Err(error)) => {
                prop_assert_eq!(runs, 0, "call {} ran: {}", number, error);
                match error.kind() {
                    ErrorKind::Cancelled => prop_assert!(made.aborted),
                    ErrorKind::QueueFull => prop_assert!(made.queued && !made.closed_before),
                    ErrorKind::Closed => prop_assert!(made.closed_before || (closed && !made.queued)),
                    kind => prop_assert!(false, "call {number}: {kind:?}"),
                }
            }
            None => prop_assert!(!made.closed_before || runs == 0, "call {number} ran after close"),
        }
    }
    prop_assert!(ran.iter().filter(|number| all[**number].queued).is_sorted(), "{ran:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 16, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_call_is_answered_once_whatever_the_callers_do(
        room in 1_usize..5,
        occupied in any::<bool>(),
        moves in moves(),
    ) {
        let (all, ran, closed) = play(room, occupied, moves);
        check(&all, &ran, closed)?;
    }
}
