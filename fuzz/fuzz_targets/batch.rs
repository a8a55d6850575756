//! A sequence of sources, of which some results are taken and the rest is dropped, aborted or left to a deadline.
#![no_main]

use std::time::{Duration, Instant};

use aiointernal_fuzz as common;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [way, count, rest @ ..] = bytes else { return };
    let sources: Vec<String> =
        rest.split(|byte| *byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let (all, count) = (sources.len(), usize::from(*count));
    let context = common::context();
    let mut batch = context.eval_batch(sources);
    if way & 1 != 0 {
        batch = batch.deadline(Instant::now() + Duration::from_millis(u64::from(way >> 4)));
    }
    if way & 2 != 0 {
        let mut results = batch.stream();
        let taken = std::iter::from_fn(|| results.next_blocking()).take(count);
        let taken = taken.inspect(|result| result.iter().for_each(drop)).count();
        // That the time is over is told once, in the place of what is missing or after all.
        assert!(taken <= all + usize::from(way & 1), "{taken} results of {all} sources");
        if way & 1 == 0 {
            assert_eq!(taken, all.min(count));
        }
    } else if way & 4 != 0 {
        let ticket = batch.queue();
        let after = context.eval("0").queue();
        ticket.abort();
        drop(ticket);
        drop(after);
    } else if let Ok(results) = batch.blocking() {
        assert_eq!(results.len(), all);
        if way & 1 == 0 {
            results.iter().filter_map(|result| result.as_ref().err()).for_each(common::check);
        }
    }
    common::check_works(&context);
    common::close(&context);
});
