//! Web APIs as the engine loads them; what they do is in the case files.

use super::{engine, eval, functions::functions};
use aiointernal_guest::{Failure, HostFunction};

#[test]
fn an_api_whose_loading_was_stopped_is_loaded_the_next_time() {
    let (mut stopped, mut unloaded) = (0, 0);
    // The engine asks about once in 10,000 steps. So it asks at each step of the loading in one of these rounds.
    for steps in 9_700..10_010 {
        let (engine, world) = engine();
        world.stop_at.set(Some(world.polls.get() + 1));
        let script = format!("for (let step = 0; step < {steps}; step++) {{}} new URL('a:b').href");
        let outcome = eval(engine, &script);
        world.stop_at.set(None);
        let is_loaded =
            eval(engine, "'value' in Object.getOwnPropertyDescriptor(globalThis, 'URL')").unwrap() == "true";
        if let Err(Failure::Interrupted { .. }) = outcome {
            stopped += 1;
            unloaded += u32::from(!is_loaded);
        }
        assert_eq!(eval(engine, "new URL('a:b').href"), Ok("\"a:b\"".into()), "{steps} steps");
        assert_eq!(eval(engine, "new URLSearchParams('c').get('c')"), Ok("\"\"".into()), "{steps} steps");
    }
    assert!(stopped > 100 && unloaded > 10, "{stopped} were stopped, and {unloaded} of them had no URL then");
}

#[test]
fn a_function_whose_name_begins_with_a_colon_is_kept_from_scripts() {
    let (engine, world) = functions();
    let hidden = HostFunction { name: ":sync".into(), number: 0, is_async: false };
    engine.define_functions(&[hidden]).unwrap();
    let search = "Object.getOwnPropertyNames(globalThis).filter((name) => name.includes(':'))";
    assert_eq!(eval(engine, search), Ok("[]".into()));
    assert_eq!(eval(engine, "typeof globalThis[':sync']"), Ok("\"undefined\"".into()));
    assert!(world.calls.borrow().is_empty());
}

#[test]
fn every_api_is_loaded_in_any_order() {
    let (engine, _) = engine();
    let load =
        "Object.getOwnPropertyNames(globalThis).sort().reverse().filter((name) => globalThis[name] === null).length";
    assert_eq!(eval(engine, load), Ok("0".into()));
    let left = "Object.values(Object.getOwnPropertyDescriptors(globalThis)).filter((property) => property.get).length";
    assert_eq!(eval(engine, left), Ok("0".into()));
}

#[test]
fn every_api_is_loaded_after_scripts_have_made_something_else_of_what_is_built_in() {
    let (engine, _) = engine();
    let spoil = "
        const spoilt = () => { throw 'asked' };
        const taken = [
            [Array.prototype, [Symbol.iterator, 'forEach', 'map', 'keys', 'values', 'entries', 'push']],
            [Object, ['keys', 'entries', 'assign', 'defineProperty', 'freeze']],
            [Promise.prototype, ['catch', 'finally']], [RegExp.prototype, ['test', Symbol.match, Symbol.replace, Symbol.split]],
            [String.prototype, [Symbol.iterator, 'split', 'replace']], [Map.prototype, [Symbol.iterator]], [Set.prototype, [Symbol.iterator]],
        ];
        for (let at = 0; at < taken.length; at++) {
            for (let of = 0; of < taken[at][1].length; of++) taken[at][0][taken[at][1][of]] = spoilt;
        }
        Object.getOwnPropertyNames(globalThis).length > 100";
    assert_eq!(eval(engine, spoil), Ok("true".into()));
    let load = "
        const names = Object.getOwnPropertyNames(globalThis), missing = [];
        for (let at = 0; at < names.length; at++) {
            try { if (globalThis[names[at]] === null) missing[missing.length] = names[at] } catch (error) { missing[missing.length] = `${names[at]} ${error}` }
        }
        missing";
    assert_eq!(eval(engine, load), Ok("[]".into()));
    let use_them = "[new URL('a:b?c#d').searchParams.get('c'), new Headers({}).has('a'), atob('YQ=='), new TextEncoder().encode('a')[0], \
        structuredClone({ a: new Map() }).a.size, new URLPattern({ pathname: '/:a' }).test('b:/c'), new Request('http://a/').method, \
        new TextEncoder().encodeInto('abc', new Uint8Array(2)).written]";
    let expected = "[\"\", false, \"a\", 97, 0, true, \"GET\", 2]";
    assert_eq!(eval(engine, use_them), Ok(expected.into()));
}
