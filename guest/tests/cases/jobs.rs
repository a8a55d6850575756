//! Jobs of promises, which are run to the last within a call.

use aiointernal_guest::Failure;

use super::{call, engine, eval, get, messages, set};

#[test]
fn a_promise_that_was_left_can_be_settled_later() {
    let (engine, _) = engine();
    assert_eq!(
        eval(engine, "var settle; var later = new Promise((f) => { settle = f }); later"),
        Err(Failure::NeverSettles)
    );
    assert_eq!(eval(engine, "settle('now'); later"), Ok("\"now\"".into()));
    assert_eq!(get(engine, "later"), Ok("\"now\"".into()));
}

#[test]
fn no_job_is_left_after_a_call() {
    let (engine, world) = engine();
    eval(engine, "Promise.resolve().then(() => console.log('evaluate')); 1").unwrap();
    assert_eq!(messages(&world), ["evaluate"]);
    eval(engine, "function f() { queueMicrotask(() => console.log('call')); throw 1 }").unwrap();
    call(engine, "f", &[]).unwrap_err();
    assert_eq!(messages(&world), ["call"]);
    let accessors = "Object.defineProperty(globalThis, 'x', {
        get() { queueMicrotask(() => console.log('get')); return 1 },
        set() { queueMicrotask(() => console.log('set')) },
    }); 0";
    eval(engine, accessors).unwrap();
    set(engine, "x", &[0x01]).unwrap();
    assert_eq!(messages(&world), ["set"]);
    get(engine, "x").unwrap();
    assert!(!messages(&world).is_empty());
    eval(engine, "({ get a() { queueMicrotask(() => console.log('result')); return 1 } })").unwrap();
    assert_eq!(messages(&world), ["result"]);
    eval(engine, "({ get a() { queueMicrotask(() => console.log('refused')); return Symbol() } })").unwrap_err();
    assert_eq!(messages(&world), ["refused"]);
}
