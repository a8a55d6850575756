//! Deadlines of calls, wherever the call is when they pass.

use std::time::{Duration, Instant};

use aiointernal::{Error, ErrorKind};

use super::{kind, numbers, numbers_with_room, occupy, push, seen};

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(5)
}

#[test]
fn a_call_whose_deadline_passes_in_the_queue_is_answered_at_once_and_does_not_run() {
    let thread = numbers();
    let gate = occupy(&thread);
    assert_eq!(kind(push(&thread, 1).deadline(soon()).queue().blocking()), ErrorKind::Timeout);
    drop(gate);
    assert!(seen(&thread).is_empty());
}

#[test]
fn a_call_whose_deadline_passes_while_it_waits_for_room_is_answered_at_once_and_does_not_run() {
    let thread = numbers_with_room(1);
    let gate = occupy(&thread);
    let queued = push(&thread, 1).queue();
    assert_eq!(kind(push(&thread, 2).deadline(soon()).blocking()), ErrorKind::Timeout);
    drop(gate);
    assert_eq!(queued.blocking().unwrap(), 1);
    assert_eq!(seen(&thread), [1]);
}

#[test]
fn a_deadline_that_has_passed_already_lets_nothing_run() {
    let thread = numbers();
    let past = Instant::now();
    assert_eq!(kind(push(&thread, 1).deadline(past).blocking()), ErrorKind::Timeout);
    assert_eq!(kind(push(&thread, 1).deadline(past).queue().blocking()), ErrorKind::Timeout);
    assert!(seen(&thread).is_empty());
}

#[test]
fn a_call_that_is_in_time_has_its_result() {
    let thread = numbers();
    let late = Instant::now() + Duration::from_secs(600);
    assert_eq!(push(&thread, 7).deadline(late).blocking().unwrap(), 7);
}

#[test]
fn a_timeout_does_not_count_while_the_call_waits() {
    let thread = numbers();
    let gate = occupy(&thread);
    let patient = push(&thread, 1).timeout(Duration::from_secs(600)).queue();
    let impatient = push(&thread, 2).deadline(soon()).queue();
    assert_eq!(kind(impatient.blocking()), ErrorKind::Timeout);
    drop(gate);
    assert_eq!(patient.blocking().unwrap(), 1);
}

#[test]
fn the_earlier_of_timeout_and_deadline_is_what_the_object_sees() {
    let thread = numbers();
    let hour = Duration::from_secs(3600);
    for (timeout, deadline) in [(hour, 100 * hour), (100 * hour, hour)] {
        let call = thread.try_call(|_, running| Ok::<_, Error>(running.timeout()));
        let left = call.timeout(timeout).deadline(Instant::now() + deadline).blocking().unwrap().unwrap();
        assert!(left <= hour && left > hour / 2, "{left:?}");
    }
}

#[test]
fn a_closure_sees_that_its_time_is_over() {
    let thread = numbers();
    let call = thread.try_call(|_, running| {
        while !running.should_stop() {
            std::hint::spin_loop();
        }
        Ok::<_, Error>(running.is_cancelled())
    });
    assert!(!call.timeout(Duration::from_millis(2)).blocking().unwrap());
}
