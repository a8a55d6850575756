//! The limit of fuel.

use super::*;

const WORK: &str = "let sum = 0; for (let i = 0; i < 10000; i++) sum += i % 7; `${sum}`.repeat(3)";

/// What it burns on every machine.
const FUEL_OF_WORK: u64 = 7_302_104;

async fn used(source: &str) -> u64 {
    let meter = Meter::new();
    let context = FUELLED.context().meter(&meter).await.unwrap();
    context.eval(source).await.unwrap();
    meter.total().fuel
}

#[tokio::test]
async fn the_same_script_burns_the_same_fuel_every_time() {
    let first = used(WORK).await;
    // It changes with the engine, and with what wasmtime counts.
    assert_eq!(first, FUEL_OF_WORK);
    for _ in 0..5 {
        assert_eq!(used(WORK).await, first);
    }
}

#[tokio::test]
async fn a_script_that_comes_again_is_not_read_again() {
    let context = FUELLED.context().await.unwrap();
    let used = async |source: &str| {
        let meter = Meter::new();
        context.metered(&meter).eval(source).await.unwrap();
        meter.total().fuel
    };
    let read = used("1 + 2").await;
    used("1 + 2").await;
    assert!(used("1 + 2").await < read / 2);
    // As many as are kept, in turn.
    let scripts: Vec<String> = (0..16).map(|number| format!("1 + {number}")).collect();
    for _ in 0..2 {
        for script in &scripts {
            used(script).await;
        }
    }
    for script in &scripts {
        assert!(used(script).await < read / 2, "{script}");
    }
    // A list of strings is another each time that its script is read, so that is read each time.
    let template = "`1` + 2";
    let read = used(template).await;
    used(template).await;
    assert!(used(template).await > read / 2);
}

#[tokio::test]
async fn a_script_ends_at_the_same_unit_of_fuel_every_time() {
    let run = async |fuel| {
        let context = FUELLED.context().limits(limits(|limits| limits.fuel = fuel)).await.unwrap();
        (context.eval(WORK).await, context)
    };
    // Compiled code looks at its fuel in functions and loops, so what it burns behind the last of them is free.
    let needed = used(WORK).await;
    let (mut least, mut too_little) = (needed, needed - 10_000);
    while least - too_little > 1 {
        let between = too_little.midpoint(least);
        if run(between).await.0.is_ok() { least = between } else { too_little = between }
    }
    assert!(needed - least < 1000, "{needed} {least}");
    for _ in 0..3 {
        assert!(run(least + 1).await.0.is_ok());
        assert!(run(least).await.0.is_ok());
        let (ended, context) = run(least - 1).await;
        let error = ended.unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::FuelLimit, false));
        let parts = format!("its {} units of fuel; the context was replaced", least - 1);
        assert!(error.to_string().contains(&parts), "{error}");
        assert_eq!(context.eval_as::<i32>("1 + 1").await.unwrap(), 2);
    }
}

#[tokio::test]
async fn what_a_script_has_done_when_its_fuel_ends_is_the_same_every_time() {
    async fn printed() -> usize {
        let console = Console::new();
        let context = FUELLED.context().limits(limits(|limits| limits.fuel = 2_000_000)).await.unwrap();
        let error = context.printing_to(&console).eval("for (let i = 0; ; i++) console.log(i)").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FuelLimit);
        console.take().len()
    }
    let first = printed().await;
    assert!(first > 10, "{first}");
    for _ in 0..3 {
        assert_eq!(printed().await, first);
    }
}

#[tokio::test]
async fn fuel_is_that_of_a_call_over_all_its_waits() {
    let limits = limits(|limits| limits.fuel = 3_000_000);
    let context = FUELLED.context().functions(host_functions()).limits(limits).await.unwrap();
    for _ in 0..20 {
        context.eval("for (let i = 0; i < 1000; i++);").await.unwrap();
    }
    let source = "for (;;) { for (let i = 0; i < 1000; i++); await later() }";
    assert_eq!(context.eval(source).await.unwrap_err().kind(), ErrorKind::FuelLimit);
}

#[tokio::test]
async fn a_limit_that_would_not_be_kept_is_refused() {
    let limits = limits(|limits| limits.fuel = 1_000_000);
    let errors = [
        Sandbox::builder().limits(limits).build().unwrap_err(),
        SANDBOX.context().limits(limits).await.unwrap_err(),
        open(|_| {}).await.limited(limits).eval("1").await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.to_string().contains("1000000 units of fuel"), "{error}");
    }
}

#[tokio::test]
async fn a_call_that_is_refused_costs_no_other_anything() {
    let gate = Event::new();
    let open = gate.listen();
    let open = Mutex::new(Some(open));
    let functions = Functions::new().function("opened", move |(): (), _| {
        let open = open.lock().unwrap().take();
        async move {
            open.unwrap().await;
            Ok::<_, Infallible>(7)
        }
    });
    let context = SANDBOX.context().functions(functions).await.unwrap();
    let mut waiting = Box::pin(context.eval_as::<i32>("await opened()").into_future());
    assert!(poll!(&mut waiting).is_pending());
    let fuel = limits(|limits| limits.fuel = 1_000_000);
    assert_eq!(context.limited(fuel).eval("1").await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    gate.notify(1);
    assert_eq!(waiting.await.unwrap(), 7);
}
