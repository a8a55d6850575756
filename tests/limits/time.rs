//! Limits of time and of processor time.

use super::*;

const LOOP: &str = "for (;;);";

/// Time for what takes none.
const PLENTY: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_loop_ends_at_the_time_limit_and_what_is_short_does_not() {
    let context = open(|limits| limits.wall_time = 30 * MS).await;
    let error = context.eval(LOOP).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("longer than its 30ms; the context was"), "{error}");
    assert_eq!(context.limited(Limits::default()).eval_as::<i32>("1 + 1").timeout(PLENTY).await.unwrap(), 2);
}

#[tokio::test]
async fn what_nobody_waits_for_does_not_keep_an_answer() {
    let context = open(|_| {}).await;
    let source = "const freed = new FinalizationRegistry(() => { for (;;); }); \
            { const promise = never(); promise.held = {}; freed.register(promise.held, 0) } 1";
    let began = Instant::now();
    // Without a bound of its own the time of the context would hold.
    assert_eq!(context.eval_as::<i32>(source).timeout(PLENTY).await.unwrap(), 1);
    assert!(began.elapsed() < PLENTY / 2, "{:?}", began.elapsed());
}

#[tokio::test]
async fn whoever_waits_for_jobs_that_a_stop_has_dropped_is_told() {
    let context = open(|_| {}).await;
    let waits = "globalThis.shared = new Promise((resolve) => { globalThis.settle = resolve }); never(); await shared";
    let mut waiting = Box::pin(context.eval(waits).into_future());
    assert!(poll!(&mut waiting).is_pending());
    let error = context.eval("settle(1); for (;;);").timeout(20 * MS).await.unwrap_err();
    assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, false), "{error}");
    let error = waiting.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
    assert!(error.to_string().contains("longer than its 20ms"), "{error}");
}

#[tokio::test]
async fn a_context_that_is_lost_behind_an_answer_is_told_to_the_next_caller_and_to_no_other() {
    let context = open(|_| {}).await;
    // Nothing of it is asked whether it is to stop.
    let source = "globalThis.freed = new FinalizationRegistry(() => { new Array(2e8) + '' }); \
            { const promise = never(); promise.held = {}; freed.register(promise.held, 0) } 1";
    assert_eq!(context.eval_as::<i32>(source).timeout(PLENTY).await.unwrap(), 1);
    let error = context.eval("typeof freed").await.unwrap_err();
    assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Lost, false), "{error}");
    assert_eq!(context.eval("typeof freed").await.unwrap(), "undefined".into());

    context.eval(source).timeout(PLENTY).await.unwrap();
    context.reset().await.unwrap();
    assert_eq!(context.eval("typeof freed").await.unwrap(), "undefined".into(), "who resets knows that it is gone");
}

#[tokio::test]
async fn what_a_finalizer_of_another_call_settles_is_answered() {
    let context = open(|_| {}).await;
    let waits = "never(); \
            await new Promise((resolve) => { globalThis.freed = new FinalizationRegistry(() => resolve(1)) })";
    let mut waiting = Box::pin(context.eval_as::<i32>(waits).timeout(PLENTY).into_future());
    assert!(poll!(&mut waiting).is_pending());
    let collects = "{ const circle = {}; circle.self = circle; freed.register(circle, 0) } new Uint8Array(1 << 30)";
    assert_eq!(context.eval(collects).await.unwrap_err().kind(), ErrorKind::MemoryLimit);
    assert_eq!(waiting.await.unwrap(), 1);
}

#[tokio::test]
async fn a_result_is_there_while_the_one_behind_it_is_still_being_made() {
    let context = open(|limits| limits.wall_time = PLENTY / 6).await;
    // The second runs until it is ended, and nothing of it is asked whether it is to stop.
    let endless = "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)";
    let mut results = context.eval_batch(["1", endless]).stream();
    assert_eq!(results.next().await.unwrap().unwrap(), 1.into());
    assert!(poll!(results.next()).is_pending());
}

#[tokio::test]
async fn a_loop_ends_at_the_limit_of_processor_time() {
    let context = open(|limits| limits.cpu_time = 30 * MS).await;
    let meter = Meter::new();
    let error = context.metered(&meter).eval(LOOP).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CpuLimit);
    assert!(error.to_string().contains("more than its 30ms of processor time; the context was"), "{error}");
    assert!(meter.total().cpu >= 30 * MS, "{meter:?}");
    assert_eq!(context.eval_as::<i32>("1 + 1").timeout(PLENTY).await.unwrap(), 2);
}

#[tokio::test]
async fn waiting_takes_no_processor_time() {
    let context = open(|limits| (limits.wall_time, limits.cpu_time) = (100 * MS, 50 * MS)).await;
    let error = context.eval("await never()").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn processor_time_adds_up_over_waits() {
    let context = open(|limits| limits.cpu_time = 40 * MS).await;
    let source = "for (;;) { const until = Date.now() + 5; while (Date.now() < until); await later() }";
    assert_eq!(context.eval(source).await.unwrap_err().kind(), ErrorKind::CpuLimit);
}

#[tokio::test]
async fn an_answer_is_whole_or_none_wherever_its_time_ends() {
    let context = open(|_| {}).await;
    let source = "globalThis.large ??= Array.from({ length: 1e5 }, () => ({ '': 0 })); large";
    // The end of the time goes to where the answer ends: into the script, into what leaves the engine, into what is read of that.
    let (mut too_short, mut enough) = (Duration::ZERO, PLENTY);
    while enough - too_short > Duration::from_micros(100) {
        let time = (too_short + enough) / 2;
        match context.eval(source).timeout(time).await {
            Ok(Value::Array(elements)) => {
                assert_eq!(elements.len(), 100_000);
                enough = time;
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
                too_short = time;
            }
        }
        assert_eq!(context.eval_as::<i32>("1 + 1").timeout(PLENTY).await.unwrap(), 2);
    }
}
