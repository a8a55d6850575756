//! Evaluations that wait for functions, and what runs meanwhile.

use super::*;

#[tokio::test]
async fn other_calls_run_while_an_evaluation_waits() {
    let (functions, gate) = gated();
    let context = open(functions).await;
    context.eval("let log = []").await.unwrap();
    let mut waits =
        context.eval("log.push('begins'); const seen = await gate(5); log.push('ends'); seen").into_future();
    assert!(poll!(&mut waits).is_pending());
    assert_eq!(context.eval("log.push('other'); log.length").await.unwrap(), 2.into());
    gate.add_permits(1);
    assert_eq!(waits.await.unwrap(), 5.into());
    assert_eq!(context.eval("log").await.unwrap(), value!(["begins", "other", "ends"]));
}

#[tokio::test]
async fn evaluations_end_in_the_order_of_their_answers() {
    let (sender, receiver) = mpsc::unbounded_channel::<(f64, oneshot::Sender<()>)>();
    let functions = Functions::new().function("gate", move |(number,): (f64,), _| {
        let (open, opened) = oneshot::channel();
        sender.send((number, open)).unwrap();
        async move {
            opened.await?;
            Ok::<_, oneshot::error::RecvError>(number)
        }
    });
    let mut receiver = receiver;
    let context = open(functions).await;
    let tickets: Vec<_> = (0..5).map(|n| context.eval(format!("await gate({n}) * 10")).queue()).collect();
    let mut gates = Vec::new();
    for _ in 0..5 {
        gates.push(receiver.recv().await.unwrap());
    }
    let mut tickets: Vec<_> = tickets.into_iter().map(Some).collect();
    for (number, open) in gates.into_iter().rev() {
        open.send(()).unwrap();
        let ticket = tickets[number as usize].take().unwrap();
        assert_eq!(ticket.await.unwrap(), (number * 10.0).into());
    }
}

#[tokio::test]
async fn a_thousand_calls_are_in_flight() {
    let (functions, gate) = gated();
    let context = open(functions).await;
    let all = context
        .eval(
            "Promise.all(Array.from({ length: 1000 }, (_, n) => gate(n))).then((all) =>
            all.reduce((a, b) => a + b))",
        )
        .queue();
    gate.add_permits(1000);
    assert_eq!(all.await.unwrap(), 499_500.into());
    gate.add_permits(1000);
    let each = join_all((0..500).map(|n| context.eval(format!("gate({n})")).into_future())).await;
    for (n, result) in each.into_iter().enumerate() {
        assert_eq!(result.unwrap(), (n as f64).into());
    }
}

#[tokio::test]
async fn call_import_and_text_wait_as_well() {
    let (functions, gate) = gated();
    gate.add_permits(10);
    let modules = aiointernal::js::ModuleMap::new([("m.mjs", "export const x = await gate(7)")]);
    let context = SANDBOX.context().functions(functions).modules(modules).await.unwrap();
    context.eval("async function twice(n) { return 2 * await gate(n) }").await.unwrap();
    assert_eq!(context.call_as::<i32>("twice", (4,)).await.unwrap(), 8);
    assert_eq!(context.eval_text("gate(3).then((n) => ({ n }))").await.unwrap(), "{ n: 3 }");
    assert_eq!(context.import("m.mjs").await.unwrap(), value!({ "x": 7 }));
    let module = aiointernal::js::Source::module("globalThis.y = await gate(1)");
    context.eval(module).await.unwrap();
    assert_eq!(context.get_global("y").await.unwrap(), 1.into());
}

#[tokio::test]
async fn a_batch_waits_and_keeps_its_order() {
    let (functions, gate) = gated();
    let context = open(functions).await;
    let sources = ["var n = await gate(1)", "n + 1", "await gate(n + 2)", "gate(9).then(() => { throw 1 })", "n"];
    let collected = context.eval_batch(sources).queue();
    let other = context.eval("'runs meanwhile'").await.unwrap();
    assert_eq!(other, "runs meanwhile".into());
    gate.add_permits(3);
    let shown = |results: Vec<Result<Value, Error>>| -> Vec<String> {
        results.into_iter().map(|result| result.map_or_else(|e| e.to_string(), |value| format!("{value:?}"))).collect()
    };
    let expected = ["Undefined", "Number(2.0)", "Number(3.0)", "uncaught: 1", "Number(1.0)"];
    assert_eq!(shown(collected.await.unwrap()), expected);
    gate.add_permits(3);
    assert_eq!(shown(context.eval_batch(sources).stream().collect().await), expected);
}

#[tokio::test]
async fn a_batch_that_is_dropped_stops_what_waits() {
    let (functions, mut told) = endless();
    let context = open(functions).await;
    let mut stream = context.eval_batch(["1", "wait()", "globalThis.third = 3"]).stream();
    assert_eq!(stream.next().await.unwrap().unwrap(), 1.into());
    assert!(poll!(stream.next()).is_pending());
    assert_eq!(told.recv().await, Some("called"));
    drop(stream);
    assert_eq!(told.recv().await, Some("dropped"));
    let collected = context.eval_batch(["1", "wait()", "globalThis.third = 3"]).queue();
    assert_eq!(told.recv().await, Some("called"));
    drop(collected);
    assert_eq!(told.recv().await, Some("dropped"));
    assert_eq!(context.eval("typeof third").await.unwrap(), "undefined".into());
}

#[tokio::test]
async fn a_function_may_call_its_own_context() {
    let (sender, receiver) = oneshot::channel::<Context>();
    let receiver = Arc::new(tokio::sync::Mutex::new(Some(receiver)));
    let functions = Functions::new().function("again", move |(source,): (String,), _| {
        let receiver = Arc::clone(&receiver);
        async move {
            let receiver = receiver.lock().await.take().unwrap();
            receiver.await.unwrap().eval(source).await
        }
    });
    let context = open(functions).await;
    assert!(sender.send(context.clone()).is_ok());
    let result = context.eval("let own = 20; 1 + await again('own += 1')").await.unwrap();
    assert_eq!(result, 22.into());
}

#[tokio::test]
async fn many_large_results_that_end_together_each_arrive() {
    let (functions, gate) = gated();
    let context = open(functions).await;
    let tickets: Vec<_> =
        (0..20).map(|n| context.eval(format!("await gate({n}); 'x'.repeat(500000)")).queue()).collect();
    gate.add_permits(20);
    for result in join_all(tickets).await {
        assert_eq!(result.unwrap().as_str().map(str::len), Some(500_000));
    }
}

#[tokio::test]
async fn the_limits_and_functions_of_a_handle_hold_after_it_has_waited() {
    let functions = Functions::new().sync_function("now", |(): (), _| Never::Ok(()));
    let functions = functions.function("soon", |(): (), _| async {
        tokio::task::yield_now().await;
        Never::Ok(())
    });
    let context = open(functions).await;
    let mut limits = Limits::default();
    (limits.result, limits.host_calls) = (1000, 3);
    let limited = context.limited(limits);
    let error = limited.eval("await soon(); 'x'.repeat(2000)").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResultTooLarge);
    let getter = "await soon(); ({ get x() { for (let i = 0; i < 9; i++) now(); return 1 } })";
    assert_eq!(limited.eval(getter).await.unwrap_err().kind(), ErrorKind::HostCallLimit);
    let endless = "await soon(); ({ get x() { for (;;); } })";
    let error = context.eval(endless).timeout(Duration::from_millis(30)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_batch_may_settle_what_waits() {
    let (functions, mut told) = endless();
    let context = open(functions).await;
    let first = context.eval("wait(); await new Promise((resolve) => { globalThis.resolve = resolve })").queue();
    assert_eq!(told.recv().await, Some("called"));
    context.eval_batch(["resolve('settled')", "1"]).await.unwrap();
    assert_eq!(first.await.unwrap(), "settled".into());
}

#[tokio::test]
async fn a_sync_function_that_blocks_on_its_own_context_is_told_of_the_deadlock() {
    let slot = Arc::new(std::sync::OnceLock::<Context>::new());
    let own = Arc::clone(&slot);
    let functions = Functions::new().sync_function("again", move |(): (), _| own.get().unwrap().eval("1").blocking());
    let context = open(functions).await;
    slot.set(context.clone()).unwrap();
    let error = context.eval("again()").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFunction);
    assert_eq!(error.downcast_ref::<Error>().unwrap().kind(), ErrorKind::HostFunction);
    assert!(error.to_string().contains("own thread"), "{error}");
}
