//! What a script holds that is stopped: it is freed behind its answer, at nobody else's cost.

use std::fmt;

use tokio::sync::Semaphore;

use super::*;

/// Objects that take many times as long to be freed as a script may go on that is told to stop, and a part of what they may take.
const MANY: &str = "Array.from({ length: 3e5 }, () => ({}))";

/// With time enough to make them on a busy machine, too, so that it is a loop that is stopped.
fn until_stopped(context: &Context) -> Context {
    context.limited(limits(|limits| limits.cpu_time = 150 * MS))
}

/// What is stopped keeps its context; on a machine that takes the processor away in the millisecond that it has for that, not each time.
async fn kept(scenario: impl AsyncFn() -> Result<(), Error>) {
    for _ in 0..10 {
        match scenario().await {
            Ok(()) => return,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::CpuLimit | ErrorKind::Timeout | ErrorKind::Lost), "{error}");
                assert!(!error.is_context_kept(), "{error}");
            }
        }
    }
    panic!("no context was kept");
}

/// The error of what was stopped, where it lost its context.
fn stopped<T: fmt::Debug>(result: Result<T, Error>) -> Result<(), Error> {
    let error = result.unwrap_err();
    let is_stop = matches!(error.kind(), ErrorKind::CpuLimit | ErrorKind::Timeout);
    if is_stop && error.is_context_kept() { Ok(()) } else { Err(error) }
}

#[tokio::test]
async fn it_is_freed_behind_the_answer() {
    kept(async || {
        let (of_context, of_call) = (Meter::new(), Meter::new());
        let context = SANDBOX.context().meter(&of_context).await.unwrap();
        let before = context.memory_usage().await.unwrap().objects;
        let holds = format!("(() => {{ const held = {MANY}; for (;;); }})()");
        stopped(until_stopped(&context).metered(&of_call).eval(&*holds).await)?;
        // Nobody asks for anything.
        let freed = async {
            while of_context.total().cpu < of_call.total().cpu + 2 * MS {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), freed).await.unwrap();
        stopped(until_stopped(&context).eval(&*holds).await)?;
        assert!(context.memory_usage().await?.objects < before + 1000);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn what_is_heard_of_it_does_not_run_in_a_later_call() {
    kept(async || {
        let meter = Meter::new();
        let context = SANDBOX.context().meter(&meter).await.unwrap();
        let source = "globalThis.freed = new FinalizationRegistry(function again() { \
                const held = {}; freed.register(held, 0); for (;;); }); \
            (() => { const held = {}; freed.register(held, 0) })()";
        stopped(context.eval(source).timeout(50 * MS).await)?;
        for _ in 0..20 {
            assert_eq!(context.eval_as::<i32>("1 + 1").timeout(400 * MS).await?, 2);
        }
        // The script itself, and once what it hears behind it.
        assert_eq!(meter.total().interrupts, 2, "{:?}", meter.total());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn what_happens_meanwhile_is_seen_to_behind_it() {
    kept(async || {
        let gate = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&gate);
        let functions = Functions::new().function("gate", move |(): (), _| {
            let permits = Arc::clone(&permits);
            async move { permits.acquire().await.map(|permit| permit.forget()) }
        });
        let context = SANDBOX.context().functions(functions).await.unwrap();
        let handle = context.eval_as::<JsValue>("({})").await.unwrap();
        let mut waiting = Box::pin(context.eval("await gate(); 'open'").into_future());
        let mut late = Box::pin(context.eval("await gate(); 'late'").timeout(200 * MS).into_future());
        assert!(poll!(&mut waiting).is_pending() && poll!(&mut late).is_pending());
        let holds = format!("(() => {{ const held = {MANY}; for (;;); }})()");
        stopped(until_stopped(&context).eval(holds).await)?;
        drop(handle);
        gate.add_permits(1);
        let next = context.eval_as::<i32>("1 + 1").queue();
        assert_eq!(waiting.await?, "open".into());
        assert_eq!(next.await?, 2);
        assert_eq!(late.await.unwrap_err().kind(), ErrorKind::Timeout);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_end_of_its_groups_time_does_not_lose_the_context() {
    kept(async || {
        let mut budget = Budget::default();
        budget.cpu_time = 150 * MS;
        let group = Group::new(Limits::default(), budget);
        let context = SANDBOX.context().group(&group).await.unwrap();
        stopped(context.eval(format!("(() => {{ const held = {MANY}; for (;;); }})()")).await)?;
        group.add_cpu_time(Duration::from_secs(9));
        assert_eq!(context.eval_as::<i32>("1 + 1").await?, 2);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn what_hears_of_a_symbol_that_it_held_does_not_lose_the_context_of_others() {
    kept(async || {
        let context = open(|_| {}).await;
        let waits = "new Promise((resolve) => { globalThis.resolve = resolve; never() })";
        let mut waiting = Box::pin(context.eval_as::<i32>(waits).into_future());
        assert!(poll!(&mut waiting).is_pending());
        let holds = "globalThis.freed = new FinalizationRegistry(() => {}); \
            (() => { const held = Symbol(); freed.register(held, 0); for (;;); })()";
        stopped(until_stopped(&context).eval(holds).await)?;
        context.eval("resolve(1)").await?;
        assert_eq!(waiting.await?, 1);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn another_evaluation_that_it_settles_does_not_pay_for_it() {
    kept(async || {
        let (context, meter) = (open(|_| {}).await, Meter::new());
        let waits = "new Promise((resolve) => { globalThis.resolve = resolve; never() })";
        let mut waiting = Box::pin(context.metered(&meter).eval_as::<i32>(waits).into_future());
        assert!(poll!(&mut waiting).is_pending());
        let holds = format!("(() => {{ resolve(1); const held = {MANY}; for (;;); }})()");
        stopped(until_stopped(&context).eval(holds).await)?;
        assert_eq!(waiting.await?, 1);
        assert!(meter.total().cpu < 5 * MS, "{:?}", meter.total());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_handle_that_is_let_go_meanwhile_does_not_lose_the_context() {
    kept(async || {
        let ((block, blocks), (open, opened)) = (mpsc::channel(), mpsc::channel());
        let gate = Mutex::new(opened);
        let functions = Functions::new().sync_function("block", move |(): (), _| {
            let _ = block.send(());
            let _ = gate.lock().unwrap().recv();
            Ok::<_, Infallible>(())
        });
        let clock = ManualClock::new(UNIX_EPOCH);
        let context = SANDBOX.context().functions(functions).clock(clock.clone()).await.unwrap();
        let handle = context.eval_as::<JsValue>("({})").await.unwrap();
        let holds = format!(
            "await new Promise(() => setTimeout(() => {{ \
                const held = {MANY}; Promise.resolve().then(() => held); for (;;); }}, 1))"
        );
        let mut ends = Box::pin(until_stopped(&context).eval(holds).into_future());
        assert!(poll!(&mut ends).is_pending());
        // Both happen while the context is busy, so it meets them together.
        let busy = context.eval("block()").queue();
        blocks.recv().unwrap();
        clock.advance(MS);
        drop(handle);
        open.send(()).unwrap();
        busy.await?;
        stopped(ends.await)?;
        assert_eq!(context.eval_as::<i32>("1 + 1").await?, 2);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn what_takes_long_to_be_freed_is_ended_soon() {
    let context = open(|limits| limits.wall_time = Duration::from_secs(60)).await;
    // QuickJS looks for each in a list of all others.
    let fills = "globalThis.all ??= []; for (let i = 0; i < 5e4; i++) all.push(new WeakRef(globalThis))";
    for _ in 0..5 {
        context.eval(fills).await.unwrap();
    }
    let holds = "(() => { const held = all.reverse(); all = null; for (;;); })()";
    let error = context.eval(holds).timeout(100 * MS).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    let began = Instant::now();
    let _ = context.eval("1").await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_a_finalizer_held_that_is_stopped_is_freed_too() {
    let context = open(|_| {}).await;
    let before = context.memory_usage().await.unwrap().objects;
    let source = format!(
        "globalThis.many = {MANY}; \
        globalThis.freed = new FinalizationRegistry(() => {{ const held = many; many = null; for (;;); }}); 0"
    );
    context.eval(source).await.unwrap();
    let handle = context.eval_as::<JsValue>("(() => { const held = {}; freed.register(held, 0); return held })()");
    drop(handle.await.unwrap());
    assert!(context.memory_usage().await.unwrap().objects < before + 1000);
}

#[tokio::test]
async fn those_that_end_together_with_it_have_their_results() {
    kept(async || {
        let (context, meter) = (open(|_| {}).await, Meter::new());
        let waits = |context: &Context, value: &str| {
            let until = "await new Promise((resolve) => { (globalThis.all ??= []).push(resolve); never() })";
            until_stopped(context).eval(format!("{until}; {value}")).into_future()
        };
        let holds = format!("({{ get value() {{ const held = {MANY}; for (;;); }} }})");
        let mut ends = Box::pin(waits(&context, &holds));
        let mut other = Box::pin(waits(&context.metered(&meter), "2"));
        assert!(poll!(&mut ends).is_pending() && poll!(&mut other).is_pending());
        context.eval("for (const resolve of all) resolve()").await.unwrap();
        stopped(ends.await)?;
        assert_eq!(other.await?, 2.into());
        assert!(meter.total().cpu < 5 * MS, "{:?}", meter.total());
        Ok(())
    })
    .await;
}
