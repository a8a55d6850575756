//! The seed of `Math.random`, which the host gives.

use super::{call, engine, eval};

#[test]
fn random_numbers_are_seeded_by_the_host_at_their_first_use_and_once() {
    let (first, first_world) = engine();
    let (second, _) = engine();
    eval(first, "const { random } = Math; const draw = () => Array.from({ length: 5 }, random)").unwrap();
    assert_eq!(first_world.seeds.get(), 0);
    let drawn = call(first, "draw", &[]);
    assert_eq!(first_world.seeds.get(), 1);
    assert_eq!(drawn, eval(second, "Array.from({ length: 5 }, Math.random)"));
    assert_ne!(drawn, call(first, "draw", &[]));
    assert_eq!(first_world.seeds.get(), 1);
}
