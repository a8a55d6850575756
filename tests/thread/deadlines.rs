//! Deadlines of calls, wherever the call is when they pass.

use std::{
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Wake, Waker},
    time::{Duration, Instant},
};

use aiointernal::{Call, Error, ErrorKind};

use super::{Bomb, kind, numbers, numbers_with_room, occupy, push, seen};

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

#[test]
fn what_a_late_call_captured_cannot_harm_the_time_limits_of_others() {
    let (busy, other) = (numbers(), numbers());
    let (gate, other_gate) = (occupy(&busy), occupy(&other));
    let bomb = Bomb;
    let late = busy.call(move |_| drop(bomb)).deadline(soon()).queue();
    assert_eq!(kind(late.blocking()), ErrorKind::Timeout);
    assert_eq!(kind(push(&other, 1).deadline(soon()).queue().blocking()), ErrorKind::Timeout);
    drop((gate, other_gate));
    // It is dropped in its turn, on the object's thread, whose panic that is.
    assert_eq!(kind(push(&busy, 1).blocking()), ErrorKind::Panicked);
}

#[test]
fn a_waker_that_panics_costs_no_deadline_and_no_object() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("a bad waker");
        }
    }
    let waker = Waker::from(Arc::new(Bad));
    let thread = numbers_with_room(1);
    let gate = occupy(&thread);
    let polled = |call: Call<u32>| {
        let mut ticket = call.into_future();
        assert!(Pin::new(&mut ticket).poll(&mut Context::from_waker(&waker)).is_pending());
        ticket
    };
    // One is late, one is answered, one is let in.
    let tickets = [polled(push(&thread, 1).deadline(soon())), polled(push(&thread, 2)), polled(push(&thread, 3))];
    assert_eq!(kind(push(&numbers_with_room(1), 4).deadline(Instant::now()).blocking()), ErrorKind::Timeout);
    drop(gate);
    let [late, answered, let_in] = tickets;
    let _ = late.blocking();
    assert_eq!((answered.blocking().unwrap(), let_in.blocking().unwrap()), (2, 3));
    assert_eq!(push(&thread, 5).blocking().unwrap(), 5);
}
