//! Values that the host keeps, and what it does with them.

use aiointernal_guest::{Engine, Failure, Operation, Outcome, ResultForm, Settings, SourceKind};
use minicbor::{Decoder, Encoder, data::Tag};

use super::{FakeHost, SETTINGS, ended, engine, eval, evaluate, render, source};

/// The number and the kind of an encoded handle.
fn number_and_kind(value: &[u8]) -> (u64, String) {
    let mut decoder = Decoder::new(value);
    assert_eq!(decoder.tag().unwrap(), Tag::new(27));
    assert_eq!((decoder.array().unwrap(), decoder.str().unwrap()), (Some(3), "Handle"));
    (decoder.u64().unwrap(), decoder.str().unwrap().to_owned())
}

/// A handle as an argument.
fn handle(number: u64) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.tag(Tag::new(27)).unwrap().array(2).unwrap().str("Handle").unwrap().u64(number).unwrap();
    encoder.into_writer()
}

fn key(name: &str) -> Vec<u8> {
    minicbor::to_vec(name).unwrap()
}

fn keep(engine: &Engine<FakeHost>, text: &str) -> u64 {
    number_and_kind(&evaluate(engine, &source(text, SourceKind::Script), ResultForm::Handle).unwrap()).0
}

fn perform(engine: &Engine<FakeHost>, number: u64, operation: Operation) -> Result<String, Failure> {
    ended(engine.operate(0, number, &operation, ResultForm::Value)).map(|value| render(&value))
}

fn perform_kept(engine: &Engine<FakeHost>, number: u64, operation: Operation) -> u64 {
    number_and_kind(&ended(engine.operate(0, number, &operation, ResultForm::Handle)).unwrap()).0
}

fn thrown(result: Result<String, Failure>) -> String {
    match result {
        Err(Failure::Thrown(exception)) => format!("{}: {}", exception.name, exception.message),
        other => panic!("it throws: {other:?}"),
    }
}

#[test]
fn a_handle_says_what_kind_its_value_is() {
    let (engine, _) = engine();
    for (text, kind) in [
        ("undefined", "undefined"),
        ("null", "null"),
        ("true", "boolean"),
        ("1.5", "number"),
        ("1n", "bigint"),
        ("'a'", "string"),
        ("Symbol()", "symbol"),
        ("() => 1", "function"),
        ("(class {})", "function"),
        ("new Proxy(() => 1, {})", "function"),
        ("[]", "array"),
        ("new TypeError()", "error"),
        ("({ [Symbol.toStringTag]: 'Array', __proto__: Function.prototype })", "object"),
        ("new Proxy([], {})", "object"),
        ("Promise.resolve([])", "array"),
    ] {
        let value = evaluate(engine, &source(text, SourceKind::Script), ResultForm::Handle).unwrap();
        assert_eq!(number_and_kind(&value).1, kind, "{text}");
    }
    let holder = keep(engine, "({ p: new Promise(() => {}) })");
    let promise = ended(engine.operate(0, holder, &Operation::Get(key("p")), ResultForm::Handle)).unwrap();
    assert_eq!(number_and_kind(&promise).1, "promise");
}

#[test]
fn each_operation_does_what_its_syntax_does() {
    let (engine, _) = engine();
    let object = keep(engine, "({ a: 1, nested: [7], get sum() { return this.a + 1 }, add(b) { return this.a + b } })");
    let function = keep(engine, "(function (...all) { return [this === globalThis, ...all] })");
    let class = keep(engine, "(class { constructor(a) { this.a = a } })");
    assert_eq!(perform(engine, object, Operation::Get(key("sum"))), Ok("2".into()));
    assert_eq!(perform(engine, object, Operation::CallMethod(key("add"), vec![vec![5]])), Ok("6".into()));
    assert_eq!(perform(engine, object, Operation::Set(key("a"), vec![9])), Ok("undefined".into()));
    assert_eq!(perform(engine, object, Operation::Delete(key("nested"))), Ok("undefined".into()));
    assert_eq!(perform(engine, object, Operation::Keys), Ok("[\"a\", \"sum\", \"add\"]".into()));
    assert_eq!(perform(engine, function, Operation::Call(vec![vec![1], vec![2]])), Ok("[true, 1, 2]".into()));
    assert_eq!(perform(engine, class, Operation::Construct(vec![vec![3]])), Ok("{\"a\": 3}".into()));
    let text = keep(engine, "'text'");
    assert_eq!(perform(engine, text, Operation::Get(key("length"))), Ok("4".into()));
    let symbol = keep(engine, "globalThis.s = Symbol('s')");
    assert_eq!(perform(engine, object, Operation::Set(handle(symbol), vec![4])), Ok("undefined".into()));
    assert_eq!(perform(engine, object, Operation::Get(handle(symbol))), Ok("4".into()));
}

#[test]
fn a_value_comes_back_as_itself() {
    let (engine, _) = engine();
    let object = keep(engine, "globalThis.o = {}");
    let same = keep(engine, "(a, b) => [a === o, b.list[0] === o]");
    let mut nested = vec![0xa1, 0x64];
    nested.extend(b"list\x81");
    nested.extend(handle(object));
    assert_eq!(perform(engine, same, Operation::Call(vec![handle(object), nested])), Ok("[true, true]".into()));
}

#[test]
fn what_cannot_be_done_throws_and_the_engine_goes_on() {
    let (engine, _) = engine();
    let call = || Operation::Call(vec![]);
    let construct = || Operation::Construct(vec![]);
    for (text, operation, message) in [
        ("({})", call(), "TypeError: the value is not a function"),
        ("() => 1", construct(), "TypeError: the value is not a constructor"),
        ("({})", Operation::CallMethod(key("m"), vec![]), "TypeError: m is not a function"),
        ("null", Operation::Get(key("a")), "TypeError: cannot read property 'a' of null"),
        ("Object.freeze({})", Operation::Set(key("a"), vec![1]), "TypeError: object is not extensible"),
        ("Object.freeze({ a: 1 })", Operation::Delete(key("a")), "TypeError: could not delete property"),
        ("({ get a() { throw new Error('mine') } })", Operation::Get(key("a")), "Error: mine"),
        ("({ set a(v) { throw new Error('mine') } })", Operation::Set(key("a"), vec![1]), "Error: mine"),
        ("undefined", Operation::Keys, "TypeError: Cannot convert undefined or null to object"),
        ("({})", Operation::Iterate, "TypeError: the value is not iterable"),
        ("({ [Symbol.iterator]: () => 1 })", Operation::Iterate, "TypeError: the iterator gives no object"),
        ("new Proxy({}, { get() { throw new Error('trap') } })", Operation::Get(key("a")), "Error: trap"),
        ("new Proxy({}, { ownKeys() { throw new Error('trap') } })", Operation::Keys, "Error: trap"),
        ("new Proxy(function () {}, { construct() { return 1 } })", construct(), "TypeError: not an object"),
        (
            "const a = Proxy.revocable({}, {}); a.revoke(); a.proxy",
            Operation::Get(key("a")),
            "TypeError: revoked proxy",
        ),
        ("const b = Proxy.revocable(() => 1, {}); b.revoke(); b.proxy", call(), "TypeError: revoked proxy"),
        ("const c = Proxy.revocable([], {}); c.revoke(); c.proxy", Operation::Read, "TypeError: revoked proxy"),
    ] {
        let number = keep(engine, text);
        assert_eq!(thrown(perform(engine, number, operation)), message, "{text}");
        assert!(!engine.release(&[number]));
    }
    let function = keep(engine, "() => () => 1");
    assert_eq!(perform(engine, function, call()), Err(Failure::NotTransferable("result: a function".into())));
    let never = keep(engine, "() => new Promise(() => {})");
    assert_eq!(perform(engine, never, call()), Err(Failure::NeverSettles));
    assert!(!engine.release(&[function, never]));
    assert_eq!(eval(engine, "1"), Ok("1".into()));
    assert_eq!(engine.memory_usage().handles, 0);
}

#[test]
fn what_never_ends_is_interrupted() {
    let (engine, world) = engine();
    for (text, operation) in [
        ("() => { for (;;); }", Operation::Call(vec![])),
        ("new Proxy({}, { get() { for (;;); } })", Operation::Get(key("a"))),
        ("({ [Symbol.iterator]() { for (;;); } })", Operation::Iterate),
    ] {
        let number = keep(engine, text);
        world.stop_at.set(Some(0));
        assert_eq!(perform(engine, number, operation), Err(Failure::Interrupted { jobs_dropped: false }), "{text}");
        world.stop_at.set(None);
        assert!(!engine.release(&[number]));
        assert_eq!(eval(engine, "1"), Ok("1".into()));
    }
}

#[test]
fn an_iteration_takes_one_item_at_a_time_and_is_closed() {
    let (engine, _) = engine();
    let counted =
        "globalThis.log = []; function* one() { try { for (let i = 0;; i++) { log.push(i); yield i } } finally
        { log.push('end') } } one()";
    for text in [counted, &counted.replace("function*", "async function*")] {
        let iteration = perform_kept(engine, keep(engine, text), Operation::Iterate);
        assert_eq!(perform(engine, iteration, Operation::Next), Ok("0".into()));
        assert_eq!(perform(engine, iteration, Operation::Next), Ok("1".into()));
        assert_eq!(eval(engine, "log"), Ok("[0, 1]".into()));
        assert_eq!(perform(engine, iteration, Operation::Finish), Ok("undefined".into()));
        assert_eq!(eval(engine, "log"), Ok("[0, 1, \"end\"]".into()));
    }
    let ends = |text| {
        let iteration = perform_kept(engine, keep(engine, text), Operation::Iterate);
        let taken: Vec<_> =
            (0..3).map(|_| ended(engine.operate(0, iteration, &Operation::Next, ResultForm::Value))).collect();
        let at = taken.iter().position(|item| item.as_deref() == Ok(&[0xd8, 0x1f, 0xf7]));
        (at, perform(engine, iteration, Operation::Finish))
    };
    let finished = Ok("undefined".to_owned());
    assert_eq!(ends("[1, undefined]"), (Some(2), finished.clone()));
    assert_eq!(ends("''"), (Some(0), finished.clone()));
    assert_eq!(ends("[Promise.resolve(1)]"), (Some(1), finished.clone()));
    // One that throws has ended by itself: it is not closed.
    let throws = "({ [Symbol.iterator]() { return this }, next() { throw 1 }, return() { throw 2 } })";
    assert_eq!(ends(throws), (Some(1), finished));
}

#[test]
fn there_are_as_many_handles_as_the_host_allows_and_released_ones_do_not_count() {
    let (engine, _) = engine();
    engine.configure(Settings { handles: 2, ..SETTINGS });
    let keep_one = || evaluate(engine, &source("({})", SourceKind::Script), ResultForm::Handle);
    let (first, second) = (number_and_kind(&keep_one().unwrap()).0, number_and_kind(&keep_one().unwrap()).0);
    assert_eq!(keep_one(), Err(Failure::TooManyHandles(2)));
    assert_eq!(engine.memory_usage().handles, 2);
    assert!(!engine.release(&[first, 99]));
    let third = number_and_kind(&keep_one().unwrap()).0;
    assert!(third != first && third != second, "no number is given twice");
    let message = format!("there is no handle {first}");
    assert_eq!(perform(engine, first, Operation::Read), Err(Failure::InvalidArgument(message)));
    let message = "argument 0 is not an encoded value: a handle of nothing at byte 0".to_owned();
    let called = perform(engine, third, Operation::Call(vec![handle(first)]));
    assert_eq!(called, Err(Failure::InvalidArgument(message)));
    assert!(!engine.release(&[second, third]));
    assert_eq!(engine.memory_usage().handles, 0);
}

#[test]
fn a_value_is_freed_once_it_is_released() {
    let (engine, _) = engine();
    let number = keep(engine, "(() => { const o = {}; globalThis.weak = new WeakRef(o); return o })()");
    assert_eq!(eval(engine, "weak.deref() === undefined"), Ok("false".into()));
    assert!(!engine.release(&[number]));
    assert_eq!(eval(engine, "weak.deref() === undefined"), Ok("true".into()));
}

#[test]
fn a_result_that_comes_later_is_kept_as_well() {
    let (engine, _) = super::functions::functions();
    let text = source("host.later().then(() => () => 5)", SourceKind::Script);
    assert_eq!(engine.evaluate(7, &text, ResultForm::Handle), Ok(Outcome::Pending));
    engine.settle(1, Ok(&[0xf6])).unwrap();
    assert_eq!(engine.ended(), (vec![7], false));
    let (number, kind) = number_and_kind(&engine.take_result(7).unwrap().unwrap());
    assert_eq!(kind, "function");
    assert_eq!(perform(engine, number, Operation::Call(vec![])), Ok("5".into()));
}

#[test]
fn what_scripts_did_to_the_globals_does_not_matter() {
    let (engine, _) = engine();
    let set = keep(engine, "new Set([5])");
    eval(
        engine,
        "Reflect.apply = Reflect.construct = Object.keys = Array.prototype[Symbol.iterator] = () => { throw 1 };
        Promise.prototype.then = () => { throw 2 }; Object.defineProperty(Array.prototype, 0, { set() { throw 3 } });
        globalThis.Promise = globalThis.TypeError = globalThis.Symbol = undefined; 1",
    )
    .unwrap();
    let class = keep(engine, "(class { constructor(a) { this.a = a } })");
    assert_eq!(perform(engine, class, Operation::Construct(vec![vec![3]])), Ok("{\"a\": 3}".into()));
    let iteration = perform_kept(engine, set, Operation::Iterate);
    assert_eq!(perform(engine, iteration, Operation::Next), Ok("5".into()));
    let object = keep(engine, "({ a: 1 })");
    assert_eq!(perform(engine, object, Operation::Keys), Ok("[\"a\"]".into()));
}

#[test]
fn a_result_that_was_kept_and_then_stopped_is_let_go() {
    let (engine, world) = engine();
    let text =
        "const e = new Error; Object.defineProperty(e, 'message', { get() { for (;;); } }); Promise.reject(e); ({})";
    world.stop_at.set(Some(world.polls.get() + 3));
    let kept = evaluate(engine, &source(text, SourceKind::Script), ResultForm::Handle);
    assert!(matches!(kept, Err(Failure::Interrupted { .. })), "{kept:?}");
    assert_eq!(engine.memory_usage().handles, 0);
}

#[test]
fn what_scripts_asked_to_hear_of_a_release_runs_when_they_are_told() {
    let (engine, _) = engine();
    let text = "var heard = 0; const registry = new FinalizationRegistry(() => heard++);
        (() => { const o = {}; registry.register(o, 0); return o })()";
    let number = keep(engine, text);
    assert!(engine.release(&[number]));
    engine.tidy().unwrap();
    assert_eq!(engine.get_global("heard", ResultForm::Value), Ok(vec![1]));
}
