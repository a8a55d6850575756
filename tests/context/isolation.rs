//! What contexts do not share with one another, nor with what was there before.

use super::*;

#[test]
fn two_contexts_share_nothing() {
    let (one, two) = (open(), open());
    one.eval("globalThis.secret = 1; Array.prototype.evil = 1; Math.max = () => 666; 0").blocking().unwrap();
    let seen = two.eval("[typeof secret, [].evil, Math.max(1, 2)]").blocking().unwrap();
    assert_eq!(seen, Value::Array(vec!["undefined".into(), Value::Undefined, 2.into()]));
}

#[test]
fn a_reused_place_in_the_pool_holds_nothing_of_its_last_tenant() {
    let sandbox = Sandbox::builder().max_contexts(1).build().unwrap();
    for round in 0..20 {
        let context = sandbox.context().blocking().unwrap();
        let seen = context.eval("typeof canary + typeof list + Object.keys(globalThis).length").blocking().unwrap();
        assert_eq!(seen, "undefinedundefined0".into(), "round {round}");
        let fill = "globalThis.canary = 'canary'.repeat(1000); globalThis.list = new Array(1e5).fill('canary'); 0";
        context.eval(fill).blocking().unwrap();
        context.close().blocking().unwrap();
    }
}

#[test]
fn every_context_draws_its_own_random_numbers() {
    let draw = || open().eval_as::<f64>("Math.random()").blocking().unwrap();
    let drawn = [draw(), draw(), draw()];
    assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2], "{drawn:?}");
    assert!(drawn.iter().all(|number| (0.0..1.0).contains(number)));
}

#[test]
fn the_clock_is_the_present_and_no_finer_than_a_millisecond() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as f64;
    let seen: f64 = open().eval_as("Date.now()").blocking().unwrap();
    assert!(seen >= now - 1.0 && seen - now < 60_000.0, "{seen} against {now}");
    assert_eq!(open().eval("typeof process + typeof require").blocking().unwrap(), "undefinedundefined".into());
}

#[test]
fn a_reset_context_is_as_new() {
    let context = open();
    context.eval("globalThis.left = 1; let binding = 2; Object.freeze(Array.prototype)").blocking().unwrap();
    context.reset().blocking().unwrap();
    let seen = context.eval("[typeof left, typeof binding, Object.isFrozen(Array.prototype)]").blocking().unwrap();
    assert_eq!(seen, Value::Array(vec!["undefined".into(), "undefined".into(), false.into()]));
}
