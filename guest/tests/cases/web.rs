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
