//! Host functions and evaluations that wait, with a fake host that answers by the function's number.

use aiointernal_guest::{Answer, Engine, Failure, HostError, HostFunction, Outcome, ResultForm, SourceKind};

use super::{FakeHost, World, engine, evaluate, render, source};
use std::rc::Rc;

const SYNC: u32 = 0;
const READY: u32 = 1;
const LATER: u32 = 2;
const FAILS: u32 = 3;

/// What the fake host answers: a function gives its arguments back, at once, or later by the number of calls before.
pub(super) fn answer(world: &World, function: u32, arguments: &[u8]) -> Answer {
    if matches!(function, super::fetch::START | super::fetch::ABORT) {
        return super::fetch::answer(world, function, arguments);
    }
    let mut calls = world.calls.borrow_mut();
    calls.push((function, arguments.to_owned()));
    match function {
        SYNC | READY => Answer::Done(arguments.to_owned()),
        LATER => Answer::Pending(calls.len() as u64),
        super::objects::MAKE => super::objects::made(arguments),
        _ => Answer::Failed(failure(Some(9))),
    }
}

fn failure(id: Option<u64>) -> HostError {
    HostError { id, name: "RangeError".into(), message: "told".into() }
}

pub(super) fn functions() -> (&'static Engine<FakeHost>, Rc<World>) {
    let (engine, world) = engine();
    let named = |name: &str, number, is_async| HostFunction { name: name.into(), number, is_async };
    let functions = [
        named("sync", SYNC, false),
        named("host.ready", READY, true),
        named("host.later", LATER, true),
        named("fails", FAILS, false),
        named("host.fails", FAILS, true),
    ];
    engine.define_functions(&functions).expect("the names are free");
    (engine, world)
}

fn begin(engine: &Engine<FakeHost>, evaluation: u64, text: &str) -> Result<String, Failure> {
    let outcome = engine.evaluate(evaluation, &source(text, SourceKind::Script), ResultForm::Value)?;
    Ok(match outcome {
        Outcome::Done(value) => render(&value),
        Outcome::Pending => "pending".into(),
    })
}

fn ended(engine: &Engine<FakeHost>) -> Vec<(u64, Result<String, Failure>)> {
    let result = |evaluation| engine.take_result(evaluation).expect("it has ended").map(|value| render(&value));
    engine.ended().0.into_iter().map(|evaluation| (evaluation, result(evaluation))).collect()
}

#[test]
fn a_sync_function_answers_within_the_script() {
    let (engine, _) = functions();
    assert_eq!(begin(engine, 1, "sync(1, 'a', [true])"), Ok("[1, \"a\", [true]]".into()));
    assert_eq!(begin(engine, 1, "host.ready(1).constructor === Promise"), Ok("true".into()));
    assert_eq!(begin(engine, 1, "await host.ready(1)"), Ok("[1]".into()));
}

#[test]
fn an_evaluation_waits_until_its_call_is_settled() {
    let (engine, _) = functions();
    assert_eq!(begin(engine, 7, "await host.later('x') + '!'"), Ok("pending".into()));
    assert_eq!(ended(engine), []);
    assert_eq!(engine.settle(1, Ok(&[0x61, b'y'])), Ok(()));
    assert_eq!(ended(engine), [(7, Ok("\"y!\"".into()))]);
    assert_eq!(ended(engine), []);
    // Once is enough.
    assert_eq!(engine.settle(1, Ok(&[0x61, b'z'])), Ok(()));
}

#[test]
fn a_call_that_fails_throws_or_rejects_and_is_known_again() {
    let (engine, _) = functions();
    assert_eq!(begin(engine, 7, "host.later()"), Ok("pending".into()));
    assert_eq!(engine.settle(1, Err(&failure(Some(3)))), Ok(()));
    assert_eq!(engine.ended(), (vec![7], false));
    let Some(Err(Failure::Thrown(thrown))) = engine.take_result(7) else { panic!("it was rejected") };
    assert_eq!((thrown.name.as_str(), thrown.message.as_str(), thrown.host_error), ("RangeError", "told", Some(3)));
    for text in ["fails()", "host.fails()", "try { fails() } finally { sync() }"] {
        let Err(Failure::Thrown(thrown)) = begin(engine, 8, text) else { panic!("{text} throws") };
        assert_eq!(thrown.host_error, Some(9), "{text}");
    }
    let Err(Failure::Thrown(thrown)) = begin(engine, 9, "throw new RangeError('told')") else { panic!("it throws") };
    assert_eq!(thrown.host_error, None);
}

#[test]
fn what_is_forgotten_is_not_told_of_and_what_waited_for_it_never_settles() {
    let (engine, _) = functions();
    assert_eq!(begin(engine, 1, "globalThis.p = host.later(); p"), Ok("pending".into()));
    assert_eq!(begin(engine, 2, "p"), Ok("pending".into()));
    assert!(!engine.forget(&[1], &[], &[]));
    assert_eq!(ended(engine), []);
    assert!(!engine.forget(&[], &[1], &[]));
    assert_eq!(ended(engine), [(2, Err(Failure::NeverSettles))]);
    assert_eq!(begin(engine, 3, "1"), Ok("1".into()));
}

#[test]
fn arguments_that_cannot_cross_are_no_call() {
    let (engine, world) = functions();
    for (text, message) in [
        ("sync({ f() {} })", "sync: argument 0.f: a function"),
        ("await host.later(1, Symbol('s'))", "host.later: argument 1: a symbol"),
        ("host.later({ get a() { throw new Error('mine') } })", "mine"),
        ("const r = Proxy.revocable({}, {}); r.revoke(); sync(r.proxy)", "revoked proxy"),
    ] {
        let Err(Failure::Thrown(thrown)) = begin(engine, 1, text) else { panic!("{text} throws") };
        assert_eq!(thrown.message, message);
    }
    assert_eq!(world.calls.borrow().len(), 0);
}

#[test]
fn what_scripts_did_to_the_globals_does_not_matter() {
    let (engine, _) = functions();
    let spoilt = "Promise.prototype.then = Promise.resolve = () => { throw 1 }; Object.defineProperty = 1;
        Object.prototype.__proto__; WeakMap.prototype.get = WeakMap.prototype.set = () => { throw 2 };
        globalThis.Promise = 3; globalThis.Error = 4; Error.prepareStackTrace";
    let _ = begin(engine, 1, spoilt);
    assert_eq!(begin(engine, 1, "host.ready(5)"), Ok("[5]".into()));
    let Err(Failure::Thrown(thrown)) = begin(engine, 1, "fails()") else { panic!("it throws") };
    assert_eq!(thrown.host_error, Some(9));
    assert!(evaluate(engine, &source("1", SourceKind::Script), ResultForm::Text).is_ok());
}

#[test]
fn an_interrupted_answer_is_told_and_the_engine_goes_on() {
    let (engine, world) = functions();
    assert_eq!(begin(engine, 1, "await host.later(); for (;;);"), Ok("pending".into()));
    world.stop_at.set(Some(0));
    assert_eq!(engine.settle(1, Ok(&[0xf6])), Err(Failure::Interrupted { jobs_dropped: false }));
    world.stop_at.set(None);
    assert!(!engine.forget(&[1], &[], &[]));
    assert_eq!(ended(engine), []);
    assert_eq!(begin(engine, 2, "await host.later(2)"), Ok("pending".into()));
    assert_eq!(engine.settle(2, Ok(&[0x02])), Ok(()));
    assert_eq!(ended(engine), [(2, Ok("2".into()))]);
}

#[test]
fn what_the_reason_of_a_rejection_queues_runs_within_the_same_call() {
    let (engine, world) = functions();
    let text = "var ran = 0; Promise.reject({ get x() { Promise.resolve().then(() => ran++); return 1 } }); 'done'";
    assert_eq!(begin(engine, 1, text), Ok("\"done\"".into()));
    assert_eq!(world.messages.borrow().len(), 1);
    world.stop_at.set(Some(0));
    assert!(begin(engine, 2, "ran").is_ok());
    world.stop_at.set(None);
    assert_eq!(begin(engine, 3, "ran"), Ok("1".into()));
}

#[test]
fn what_an_evaluation_ended_with_is_asked_when_its_result_is_taken() {
    let (engine, world) = functions();
    assert_eq!(
        begin(engine, 1, "host.later(); new Promise((_, reject) => { globalThis.fail = reject })"),
        Ok("pending".into())
    );
    world.stop_at.set(Some(world.polls.get() + 3));
    let text = "class E extends Error { get name() { globalThis.asked = true; return 'x' } } fail(new E); for (;;);";
    assert!(matches!(begin(engine, 2, text), Err(Failure::Interrupted { .. })));
    world.stop_at.set(None);
    assert_eq!(engine.ended(), (vec![1], false));
    assert_eq!(begin(engine, 3, "typeof asked"), Ok("\"undefined\"".into()));
    let Some(Err(Failure::Thrown(thrown))) = engine.take_result(1) else { panic!("it was rejected") };
    assert_eq!(thrown.name, "x");
    assert_eq!(begin(engine, 3, "asked"), Ok("true".into()));
}
