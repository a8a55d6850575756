//! Limits of the calls of one evaluation.

use super::*;

#[tokio::test]
async fn the_calls_of_an_evaluation_are_counted() {
    let functions = Functions::new().sync_function("f", |(): (), _| Never::Ok(()));
    let context = open_with(functions, |limits| limits.host_calls = 10).await;
    context.eval("for (let i = 0; i < 10; i++) f()").await.unwrap();
    let error = context.eval("for (let i = 0; i < 11; i++) f()").await.unwrap_err();
    assert_eq!((error.kind(), error.kind().is_limit()), (ErrorKind::HostCallLimit, true));
    assert!(error.to_string().contains("10 calls"), "{error}");
    let caught = "let n = 0; try { for (;;) { f(); n++ } } catch (error) { [n, error.name] }";
    assert_eq!(context.eval(caught).await.unwrap(), value!([10, "RangeError"]));
}

#[tokio::test]
async fn the_calls_in_flight_are_counted() {
    let (functions, gate) = gated();
    let context = open_with(functions, |limits| limits.host_calls_in_flight = 3).await;
    gate.add_permits(100);
    let error = context.eval("Promise.all([1, 2, 3, 4].map((n) => gate(n)))").await;
    // A gate that is open answers at once.
    assert_eq!(error.unwrap(), value!([1, 2, 3, 4]));
    gate.forget_permits(100);
    let error = context.eval("Promise.all([1, 2, 3, 4].map((n) => gate(n)))").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostCallLimit);
    // Those of the evaluation that failed are in flight no more.
    let all = context.eval("Promise.all([1, 2, 3].map((n) => gate(n)))").queue();
    gate.add_permits(3);
    assert_eq!(all.await.unwrap(), value!([1, 2, 3]));
}

#[tokio::test]
async fn the_bytes_of_an_evaluation_are_counted_both_ways() {
    let functions = Functions::new()
        .sync_function("take", |(_,): (Value,), _| Never::Ok(()))
        .sync_function("give", |(bytes,): (usize,), _| Never::Ok("x".repeat(bytes)))
        .function("later", |(bytes,): (usize,), _| async move {
            tokio::task::yield_now().await;
            Never::Ok("x".repeat(bytes))
        });
    let context = open_with(functions, |limits| limits.host_bytes = 10_000).await;
    context.eval("take('x'.repeat(9000))").await.unwrap();
    for source in ["take('x'.repeat(10000))", "give(10000)", "give(5000); give(5000)", "await later(10000)"] {
        assert_eq!(context.eval(source).await.unwrap_err().kind(), ErrorKind::HostCallLimit, "{source}");
    }
    let give = Functions::new().sync_function("give", |(bytes,): (usize,), _| Never::Ok("x".repeat(bytes)));
    let context = open_with(give, |limits| limits.result = 1000).await;
    assert_eq!(context.eval("give(2000)").await.unwrap_err().kind(), ErrorKind::HostCallLimit);
    let take = Functions::new().sync_function("take", |(_,): (Value,), _| Never::Ok(()));
    let context = open_with(take, |limits| limits.result = 1000).await;
    let error = context.eval("take('x'.repeat(2000))").await.unwrap_err();
    assert_eq!(error.to_string(), "RangeError: take: the arguments are longer than 1000 bytes");
}
