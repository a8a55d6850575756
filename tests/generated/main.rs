//! Components that nobody wrote, and components that are damaged: whatever they do, the host goes on and nothing is left over.
//!
//! This binary has one test, as that counts the process's threads and descriptors.
#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod choices;
mod component;
mod mutated;
mod run;
mod types;

use std::{
    env, fs,
    panic::{self, AssertUnwindSafe},
    thread,
    time::{Duration, Instant},
};

use choices::Choices;
use run::Outcome;

/// Rounds of a normal run, of which every other one is of a component that was changed.
const ROUNDS: u64 = 500;

/// Components that were written for other tests.
const WRITTEN: [&str; 10] = [
    include_str!("../component/core.wat"),
    include_str!("../component/interfaces.wat"),
    include_str!("../component/resource.wat"),
    include_str!("../component/values.wat"),
    include_str!("../component/wasi.wat"),
    include_str!("../component/hostile/code.wat"),
    include_str!("../component/hostile/post_return.wat"),
    include_str!("../component/hostile/realloc.wat"),
    include_str!("../component/hostile/resources.wat"),
    include_str!("../component/hostile/results.wat"),
];

/// Calls of what the written components export; a wrong one is refused before it is made.
const CALLS: [&str; 24] = [
    "add(1, 2)",
    "count()",
    "spin()",
    "grow(3)",
    "recurse()",
    "trap()",
    "divide(7, 0)",
    "echo(\"text\")",
    "half(7)",
    "echo-list([1, 2])",
    "echo-person({name: \"a\"})",
    "zeroes(100)",
    "sub(1, 2)",
    "fine()",
    "bytes(64, 100)",
    "texts(0, 100)",
    "char(55296)",
    "traps(\"text\")",
    "grows([\"a\"])",
    "drop-twice()",
    "keep-a-borrow()",
    "loop-over-calls()",
    "mirrored-lists(10, 64, 10)",
    "fill-tables()",
];

/// Threads and descriptors of the process.
fn held() -> (usize, usize) {
    let count = |folder| fs::read_dir(folder).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

/// Pseudo-random bytes of a seed (xorshift64*).
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn whatever_a_component_does_the_host_goes_on_and_nothing_is_left_over() {
    let engine = run::engine();
    let originals: Vec<_> = WRITTEN.iter().map(|text| wat::parse_str(text).unwrap()).collect();
    let calls = CALLS.map(str::to_owned);
    for original in &originals {
        assert!(run::run(&engine, original, &calls).compiled);
    }
    let before = held();
    let mut sums = [(0, Outcome::default()); 2];
    let mut round = |seed: u64| {
        let bytes = bytes(seed, 4096);
        let mut choices = Choices::new(&bytes);
        let (wasm, calls) = if seed.is_multiple_of(2) {
            let made = component::component(&mut choices);
            let wasm = wat::parse_str(&made.text).unwrap_or_else(|error| panic!("{error}: {}", made.text));
            (wasm, made.calls)
        } else {
            (mutated::component(&mut choices, &originals, seed), calls.to_vec())
        };
        let ran = panic::catch_unwind(AssertUnwindSafe(|| run::run(&engine, &wasm, &calls)));
        let Ok(outcome) = ran else {
            let file = env::temp_dir().join(format!("component-{seed}.wasm"));
            fs::write(&file, wasm).unwrap();
            panic!("seed {seed}, in {}; `SEED={seed}` runs it again; calls: {calls:?}", file.display());
        };
        let (compiled, sum) = &mut sums[(seed % 2) as usize];
        *compiled += u32::from(outcome.compiled);
        sum.returned += outcome.returned;
        sum.ended += outcome.ended;
    };
    let number = |name| env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    if let Some(seed) = number("SEED") {
        round(seed);
    } else if let Some(seconds) = number("FUZZ_SECONDS") {
        use std::hash::{BuildHasher as _, RandomState};
        let (first, start) = (RandomState::new().hash_one(0) >> 16, Instant::now());
        let mut seeds = first..;
        while start.elapsed() < Duration::from_secs(seconds) {
            seeds.next().map(&mut round).unwrap();
        }
        println!("{} rounds from seed {first}", seeds.start - first);
    } else {
        (0..ROUNDS).for_each(&mut round);
        let [(made, made_sum), (changed, changed_sum)] = sums;
        println!("{made} made: {made_sum:?}; {changed} changed: {changed_sum:?}");
        assert!(made > 100 && made_sum.returned > 50 && made_sum.ended > 50, "{made}: {made_sum:?}");
        assert!(changed > 50 && changed_sum.returned > 50 && changed_sum.ended > 50, "{changed}: {changed_sum:?}");
    }
    // A thread is gone a moment after it has said that it ends.
    let start = Instant::now();
    let is_left_over = || {
        let ((threads, descriptors), (threads_before, descriptors_before)) = (held(), before);
        threads > threads_before || descriptors > descriptors_before
    };
    while is_left_over() && start.elapsed() < Duration::from_secs(10) {
        thread::yield_now();
    }
    assert!(!is_left_over(), "threads and descriptors: {:?}, before {before:?}", held());
}
