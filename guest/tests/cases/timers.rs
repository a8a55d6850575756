//! Timers, with a fake host whose time goes from one to the next.

use std::collections::BTreeMap;

use aiointernal_guest::{Engine, Failure, HostError, LogLevel, Outcome, ResultForm, SourceKind};

use super::{FakeHost, World, engine, render, source};

/// Timers that there may be.
const MOST: usize = 100;

/// The timers that are set.
#[derive(Default)]
pub(super) struct Timers {
    /// Milliseconds since the engine was made.
    now: u64,
    /// By when they are due and their number, with the period of one that repeats.
    set: BTreeMap<(u64, u64), Option<u64>>,
    last: u64,
}

impl Timers {
    pub(super) fn elapsed(&self) -> f64 {
        self.now as f64 * 1000.0
    }

    pub(super) fn start(&mut self, millis: u32, repeats: bool) -> Result<u64, HostError> {
        if self.set.len() == MOST {
            return Err(HostError { id: None, name: "RangeError".into(), message: "as many as it may".into() });
        }
        self.last += 1;
        self.set.insert((self.now + u64::from(millis), self.last), repeats.then_some(millis.into()));
        Ok(self.last)
    }

    pub(super) fn cancel(&mut self, timer: u64) {
        self.set.retain(|(_, number), _| *number != timer);
    }

    /// Goes to the first timer that is due.
    fn take(&mut self) -> Option<u64> {
        let ((due, timer), period) = self.set.pop_first()?;
        self.now = due;
        if let Some(period) = period {
            self.set.insert((due + period, timer), Some(period));
        }
        Some(timer)
    }
}

/// What an evaluation comes to when timers have fired until it has ended.
pub(super) fn settled(engine: &Engine<FakeHost>, world: &World, outcome: Outcome) -> Result<Vec<u8>, Failure> {
    if let Outcome::Done(value) = outcome {
        return Ok(value);
    }
    loop {
        if let Some(evaluation) = engine.ended().0.first() {
            return engine.take_result(*evaluation).expect("it has ended");
        }
        let timer = world.timers.borrow_mut().take().expect("it waits for a timer");
        engine.fire(timer)?;
    }
}

fn run(engine: &Engine<FakeHost>, world: &World, text: &str) -> Result<String, Failure> {
    let outcome = engine.evaluate(1, &source(text, SourceKind::Script), ResultForm::Value)?;
    settled(engine, world, outcome).map(|value| render(&value))
}

#[test]
fn an_evaluation_waits_until_its_timer_fires() {
    let (engine, world) = engine();
    assert_eq!(run(engine, &world, "await new Promise((done) => setTimeout(done, 70, 'x'))"), Ok("\"x\"".into()));
    assert_eq!(world.timers.borrow().now, 70);
    // It is not known any more.
    assert_eq!(engine.fire(1), Ok(()));
}

#[test]
fn what_is_forgotten_does_not_fire_and_what_waited_for_it_never_settles() {
    let (engine, world) = engine();
    let text = "globalThis.p = new Promise((done) => setTimeout(() => { console.log('fired'); done() }, 5)); 1";
    assert_eq!(run(engine, &world, text), Ok("1".into()));
    let waiting = engine.evaluate(2, &source("p", SourceKind::Script), ResultForm::Value);
    assert_eq!(waiting, Ok(Outcome::Pending));
    assert_eq!(engine.ended(), (vec![], false));
    assert!(!engine.forget(&[], &[], &[1]));
    assert_eq!(engine.fire(1), Ok(()));
    assert_eq!(engine.ended(), (vec![2], false));
    assert_eq!(engine.take_result(2), Some(Err(Failure::NeverSettles)));
    assert_eq!(world.messages.take(), []);
}

#[test]
fn a_timer_that_the_host_refuses_throws_and_is_none() {
    let (engine, world) = engine();
    let text = "let n = 0; try { for (;;) { setTimeout(() => {}, 5); n++ } } catch (error) { [n, String(error)] }";
    assert_eq!(run(engine, &world, text), Ok("[100, \"RangeError: as many as it may\"]".into()));
}

#[test]
fn a_callback_that_is_stopped_is_an_interruption_and_the_engine_goes_on() {
    let (engine, world) = engine();
    assert_eq!(run(engine, &world, "setTimeout(() => { for (;;); }); 1"), Ok("1".into()));
    world.stop_at.set(Some(world.polls.get() + 1));
    assert_eq!(engine.fire(1), Err(Failure::Interrupted { jobs_dropped: false }));
    world.stop_at.set(None);
    assert_eq!(world.messages.take(), []);
    assert_eq!(run(engine, &world, "await new Promise((done) => setTimeout(done, 1, 2))"), Ok("2".into()));
}

#[test]
fn what_a_callback_throws_is_an_error_on_the_console() {
    let (engine, world) = engine();
    assert_eq!(run(engine, &world, "setTimeout(() => { throw new TypeError('mine') }); 1"), Ok("1".into()));
    assert_eq!(engine.fire(1), Ok(()));
    let messages = world.messages.take();
    let [(LogLevel::Error, text)] = &messages[..] else { panic!("{messages:?}") };
    assert!(text.starts_with("Uncaught TypeError: mine\n    at <anonymous> (case.js:1:"), "{text}");
}

#[test]
fn what_a_callback_throws_is_a_failure_where_that_is_fatal() {
    let (engine, world) = engine();
    assert_eq!(run(engine, &world, "setTimeout(() => { throw new TypeError('mine') }); 1"), Ok("1".into()));
    engine.configure(super::Settings { uncaught_is_fatal: true, ..super::SETTINGS });
    let Err(Failure::Thrown(exception)) = engine.fire(1) else { panic!("it throws") };
    assert_eq!((exception.name.as_str(), exception.message.as_str()), ("TypeError", "mine"));
    assert_eq!(world.messages.take(), []);
    assert_eq!(run(engine, &world, "2"), Ok("2".into()));
}

#[test]
fn the_time_of_performance_is_that_of_the_host() {
    let (engine, world) = engine();
    let text = "await new Promise((done) => setTimeout(done, 12)); \
        [performance.now(), performance.timeOrigin === performance.toJSON().timeOrigin, \
        Math.abs(performance.timeOrigin - Date.now()) < 60_000]";
    assert_eq!(run(engine, &world, text), Ok("[12, true, true]".into()));
}
