//! The engine's decoder against bytes that nobody wrote as a value.

#[path = "../../../../host/src/js/wire/mutations.rs"]
mod mutations;

use aiointernal_guest::{Failure, ResultForm};

use super::graphs::{GRAPHS, argument};
use crate::{engine, eval, hex, set};

#[test]
fn fuzz_any_bytes_are_a_value_or_refused() {
    let (engine, _) = engine();
    eval(engine, GRAPHS).expect("the script is right");
    let make = |seed| crate::call_encoded(engine, "make", &[argument(seed)]).expect("every kind crosses");
    let values: Vec<Vec<u8>> = (1..500).map(make).collect();
    let (mut accepted, mut refused) = (0, 0);
    mutations::rounds(20_000, |random| {
        let value = mutations::bytes(random, &values);
        match set(engine, "value", &value) {
            Ok(()) => {
                accepted += 1;
                // What came in can go out, and is then the same each time.
                let out = engine.get_global("value", ResultForm::Value).expect("it has an encoded form");
                assert_eq!(set(engine, "value", &out), Ok(()), "{}: {}", hex(&value), hex(&out));
                let again = engine.get_global("value", ResultForm::Value).expect("it has an encoded form");
                assert!(out == again, "{}: {} and {}", hex(&value), hex(&out), hex(&again));
            }
            // A regular expression or a length that is none.
            Err(Failure::InvalidArgument(_) | Failure::Thrown(_)) => refused += 1,
            Err(other) => panic!("{}: {other:?}", hex(&value)),
        }
    });
    println!("{accepted} accepted, {refused} refused");
    assert!(accepted > 1000 && refused > 1000, "{accepted} accepted, {refused} refused");
}
