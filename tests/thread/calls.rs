//! A call and its answer.

use std::{cell::Cell, time::Duration};

use aiointernal::{Error, ErrorKind};

use super::{closed_error, kind, numbers, occupy, push, seen};

#[tokio::test]
async fn a_call_is_answered_with_what_its_closure_returns() {
    let thread = numbers();
    assert_eq!(push(&thread, 7).await.unwrap(), 7);
    assert_eq!(thread.call(|numbers| numbers.borrow().len()).await.unwrap(), 1);
}

#[test]
fn calls_need_no_runtime() {
    let thread = numbers();
    assert_eq!(push(&thread, 1).blocking().unwrap(), 1);
    assert_eq!(push(&thread, 2).queue().blocking().unwrap(), 2);
    assert_eq!(seen(&thread), [1, 2]);
}

#[test]
fn a_result_needs_to_be_send_and_nothing_more() {
    let cell = numbers().call(|_| Cell::new(7)).blocking().unwrap();
    assert_eq!(cell.get(), 7);
}

#[test]
fn calls_run_in_the_order_in_which_they_were_queued() {
    let thread = numbers();
    let gate = occupy(&thread);
    let tickets: Vec<_> = (0..100).map(|number| push(&thread, number).queue()).collect();
    drop(gate);
    let answers: Vec<_> = tickets.into_iter().rev().map(|ticket| ticket.blocking().unwrap()).collect();
    assert!(answers.into_iter().rev().eq(0..100));
    assert!(seen(&thread).into_iter().eq(0..100));
}

#[test]
fn a_call_that_nobody_makes_does_nothing() {
    let thread = numbers();
    drop(push(&thread, 1));
    drop(push(&thread, 2).into_future());
    assert!(seen(&thread).is_empty());
}

#[tokio::test]
async fn an_error_that_a_call_returns_is_its_own_and_harms_nobody() {
    let thread = numbers();
    let error = closed_error();
    let text = error.to_string();
    let answer = thread.try_call(move |_, _| Err::<(), _>(error)).await.unwrap_err();
    assert_eq!((answer.kind(), answer.to_string()), (ErrorKind::Closed, text));
    assert!(!thread.is_closed());
    assert_eq!(push(&thread, 7).await.unwrap(), 7);
}

#[test]
fn a_timeout_is_seen_by_its_call_and_by_no_other() {
    let thread = numbers();
    let timeout = || thread.try_call(|_, running| Ok::<_, Error>(running.timeout()));
    let limited = timeout().timeout(Duration::from_secs(7000)).queue();
    let unlimited = timeout().queue();
    assert_eq!(limited.blocking().unwrap(), Some(Duration::from_secs(7000)));
    assert_eq!(unlimited.blocking().unwrap(), None);
}

#[test]
fn a_call_may_make_calls_of_another_object() {
    let (outer, inner) = (numbers(), numbers());
    let (inside, lost) = (inner.clone(), closed_error());
    assert_eq!(outer.call(move |_| push(&inside, 7).blocking()).blocking().unwrap().unwrap(), 7);
    assert_eq!(seen(&inner), [7]);
    assert_eq!(kind(outer.try_call(move |_, _| Err::<(), _>(lost)).queue().blocking()), ErrorKind::Closed);
}
