//! Batches of sources, and their streams.

use super::*;

#[test]
fn a_batch_too_many_is_refused_and_harms_no_other() {
    let context = open();
    let mut under_way: Vec<_> = (0..1000).map(|_| context.eval_batch(["1", "2"]).stream()).collect();
    for batch in &mut under_way {
        assert_eq!(batch.next_blocking().unwrap().unwrap(), Value::Number(1.0));
    }
    let error = context.eval_batch(["3"]).stream().next_blocking().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::InvalidArgument, true), "{error}");
    drop(under_way);
    assert_eq!(context.eval_batch(["3"]).stream().next_blocking().unwrap().unwrap(), Value::Number(3.0));
}

#[tokio::test]
async fn results_come_in_the_order_of_the_sources() {
    let context = SANDBOX.context().await.unwrap();
    let sources: Vec<String> = (0..1000).map(|n| format!("{n}")).collect();
    let results: Vec<i32> =
        context.eval_batch(sources).stream().map(|result| from_value::<i32>(result.unwrap()).unwrap()).collect().await;
    assert_eq!(results, (0..1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_of_sources_is_answered_as_it_flows() {
    let context = SANDBOX.context().await.unwrap();
    let (sender, receiver) = tokio::sync::mpsc::channel::<String>(1);
    let sources = stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|s| (s, receiver)) });
    let mut results = context.eval_batch(Sources::from_stream(sources)).stream();
    for n in 0..5 {
        sender.send(format!("{n} * 2")).await.unwrap();
        assert_eq!(results.next().await.unwrap().unwrap(), (n * 2).into());
    }
    drop(sender);
    assert!(results.next().await.is_none());
}

#[tokio::test]
async fn the_engine_works_no_further_ahead_than_one_hop() {
    let context = SANDBOX.context().await.unwrap();
    let mut results = context.eval_batch((0..).map(|_| "globalThis.n = (globalThis.n ?? 0) + 1")).stream();
    results.next().await.unwrap().unwrap();
    assert!(context.eval_as::<u32>("n").await.unwrap() <= 64);
}

#[tokio::test]
async fn other_calls_run_between_the_items() {
    let context = SANDBOX.context().await.unwrap();
    let mut results = context.eval_batch((0..).map(|_| "globalThis.seen")).stream();
    assert_eq!(results.next().await.unwrap().unwrap(), Value::Undefined);
    context.eval("globalThis.seen = 1").await.unwrap();
    assert!(results.any(|result| async { result.unwrap() == 1.into() }).await);
}

#[tokio::test]
async fn dropping_the_stream_stops_the_item_that_is_running() {
    let context = SANDBOX.context().await.unwrap();
    let mut results = context.eval_batch(["globalThis.first = 1", "for (;;);", "globalThis.third = 1"]).stream();
    results.next().await.unwrap().unwrap();
    drop(results);
    assert_eq!(context.eval_text("[typeof first, typeof third]").await.unwrap(), "[ 'number', 'undefined' ]");
}

#[tokio::test]
async fn a_batch_goes_on_in_a_fresh_context_after_one_was_lost() {
    let context = open_with(|limits| limits.wall_time = Duration::from_millis(20));
    let sources = ["globalThis.before = 1", "new Array(2e8) + ''", "typeof before", "2"];
    let results = context.eval_batch(sources).blocking().unwrap();
    assert!(results[0].is_ok());
    assert!(!results[1].as_ref().unwrap_err().is_context_kept());
    assert_eq!(results[2].as_ref().unwrap(), &"undefined".into());
    assert_eq!(results[3].as_ref().unwrap(), &2.into());
}

#[test]
fn many_batches_that_are_dropped_leave_nothing_behind() {
    let context = open();
    // More than the engine's handles would last for.
    for _ in 0..3000 {
        let mut results = context.eval_batch(["1", "2", "3"]).stream();
        results.next_blocking().unwrap().unwrap();
    }
    assert_eq!(context.eval_as::<i32>("1 + 1").blocking().unwrap(), 2);
}

#[test]
fn a_stream_of_sources_cannot_be_queued_and_says_so() {
    let sources = Sources::from_stream(stream::iter(["1"]));
    let error = open().eval_batch(sources).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}
