//! Batches of sources.

use aiointernal_guest::{Batch, Engine, Failure, ResultForm, SourceKind};

use super::{FakeHost, ended, engine, eval, render, source, unhex};

/// The results of so many of a batch's sources.
fn next(batch: &mut Batch, engine: &Engine<FakeHost>, most: usize) -> Vec<Result<Vec<u8>, Failure>> {
    std::iter::from_fn(|| batch.next(engine, 0)).take(most).map(ended).collect()
}

#[test]
fn a_batch_gives_results_in_order_as_many_as_are_asked_for() {
    let (engine, _) = engine();
    let mut batch = Batch::new(ResultForm::Value);
    let texts = |results: Vec<Result<Vec<u8>, Failure>>| -> Vec<String> {
        results
            .into_iter()
            .map(|result| result.map_or_else(|failure| format!("{failure:?}"), |value| render(&value)))
            .collect()
    };
    assert_eq!(texts(next(&mut batch, engine, 10)), [""; 0]);
    batch.push(["let a = 1; a", "a + 1", "({ a })"].map(|text| source(text, SourceKind::Script)));
    assert_eq!(texts(next(&mut batch, engine, 0)), [""; 0]);
    assert_eq!(texts(next(&mut batch, engine, 2)), ["1", "2"]);
    // Other calls may run between.
    eval(engine, "a = 7").unwrap();
    batch.push([source("globalThis.b = await 5", SourceKind::Module), source("[a, b]", SourceKind::Script)]);
    batch.push([]);
    assert_eq!(texts(next(&mut batch, engine, 2)), ["{\"a\": 7}", "undefined"]);
    assert_eq!(texts(next(&mut batch, engine, usize::MAX)), ["[7, 5]"]);
    assert_eq!(texts(next(&mut batch, engine, usize::MAX)), [""; 0]);
}

#[test]
fn a_batch_goes_on_after_a_failure() {
    let (engine, _) = engine();
    let mut batch = Batch::new(ResultForm::Value);
    let sources = ["throw 1", "(", "new Promise(() => {})", "Symbol()", "'a\0'", "'x'.repeat(2 ** 20)", "'last'"];
    batch.push(sources.map(|text| source(text, SourceKind::Script)));
    let results = next(&mut batch, engine, 100);
    assert!(matches!(
        &results[..],
        [
            Err(Failure::Thrown(_)),
            Err(Failure::Thrown(_)),
            Err(Failure::NeverSettles),
            Err(Failure::NotTransferable(_)),
            Err(Failure::InvalidArgument(_)),
            Err(Failure::ResultTooLarge(_)),
            Ok(_)
        ]
    ));
}

#[test]
fn a_batch_keeps_what_waits_when_a_source_is_interrupted() {
    let (engine, world) = engine();
    let mut batch = Batch::new(ResultForm::Text);
    batch.push(["'first'", "for (;;);", "'third'", "'fourth'"].map(|text| source(text, SourceKind::Script)));
    world.stop_at.set(Some(3));
    let results = next(&mut batch, engine, 2);
    assert_eq!(results, [Ok(unhex("65 6669727374")), Err(Failure::Interrupted { jobs_dropped: false })]);
    world.stop_at.set(None);
    assert_eq!(next(&mut batch, engine, 4), [Ok(unhex("65 7468697264")), Ok(unhex("66 666f75727468"))]);
}

#[test]
fn batches_share_the_context_and_nothing_else() {
    let (engine, _) = engine();
    let (mut first, mut second) = (Batch::new(ResultForm::Value), Batch::new(ResultForm::Text));
    first.push([source("var shared = 1", SourceKind::Script), source("shared", SourceKind::Script)]);
    second.push([source("shared = 2", SourceKind::Script)]);
    assert_eq!(next(&mut first, engine, 1).len(), 1);
    assert_eq!(next(&mut second, engine, 9), [Ok(unhex("6132"))]);
    assert_eq!(next(&mut first, engine, 9), [Ok(vec![0x02])]);
}
