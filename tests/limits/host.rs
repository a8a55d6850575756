//! Limits of what scripts have of the host: calls, handles, objects, and places to wait.

use super::*;

#[tokio::test]
async fn the_calls_of_host_functions_have_a_limit() {
    let context = open(|limits| limits.host_calls = 10).await;
    let calls = |count: u32| format!("for (let i = 0; i < {count}; i++) echo('')");
    assert!(context.eval(calls(9)).await.is_ok());
    assert!(context.eval(calls(10)).await.is_ok());
    refuses(&context.eval(calls(11)).await.unwrap_err(), ErrorKind::HostCallLimit, "its 10 calls");
}

#[tokio::test]
async fn the_calls_in_flight_have_a_limit() {
    let context = open(|limits| limits.host_calls_in_flight = 10).await;
    let calls = |count: u32| format!("for (let i = 0; i < {count}; i++) never(); 1");
    assert!(context.eval(calls(9)).await.is_ok());
    assert!(context.eval(calls(10)).await.is_ok());
    let error = context.eval("await Promise.all(Array.from({ length: 11 }, () => never()))").await.unwrap_err();
    refuses(&error, ErrorKind::HostCallLimit, "has 10 calls");
}

#[tokio::test]
async fn the_bytes_of_host_functions_have_a_limit() {
    // A text of n bytes goes within a list of one, and comes back as it is: 2n and 7 bytes of heads.
    let context = open(|limits| limits.host_bytes = 2007).await;
    for length in [999, 1000] {
        assert!(context.eval(format!("echo('x'.repeat({length})).length")).await.is_ok());
    }
    let error = context.eval("echo('x'.repeat(1001))").await.unwrap_err();
    refuses(&error, ErrorKind::HostCallLimit, "its 2007 bytes");
}

#[tokio::test]
async fn handles_have_a_limit() {
    let context = open(|limits| limits.handles = 3).await;
    let mut handles = Vec::new();
    for _ in 0..3 {
        handles.push(context.eval_as::<JsValue>("({})").await.unwrap());
    }
    refuses(&context.eval_as::<JsValue>("({})").await.unwrap_err(), ErrorKind::HandleLimit, "3 handles");
    handles.pop();
    assert!(context.eval_as::<JsValue>("({})").await.is_ok());
}

#[tokio::test]
async fn objects_of_the_host_have_a_limit() {
    struct Thing;
    impl HostClass for Thing {
        const NAME: &'static str = "Thing";
        fn members(members: Members<Thing>) -> Members<Thing> {
            members
        }
    }
    let functions = Functions::new().sync_function("thing", |(): (), _| Ok::<_, Infallible>(Host::new(Thing)));
    let limits = limits(|limits| limits.host_objects = 3);
    let context = SANDBOX.context().functions(functions).limits(limits).await.unwrap();
    context.eval("globalThis.kept = [thing(), thing()]; 1").await.unwrap();
    context.eval("kept.push(thing())").await.unwrap();
    refuses(&context.eval("kept.push(thing())").await.unwrap_err(), ErrorKind::HandleLimit, "3 objects");
}

#[tokio::test]
async fn evaluations_that_wait_have_a_limit() {
    let context = open(|limits| limits.pending = 3).await;
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(context.eval("await never()").into_future())).collect();
    for call in &mut waiting {
        assert!(poll!(call).is_pending());
    }
    refuses(&context.eval("await never()").await.unwrap_err(), ErrorKind::PendingLimit, "3 evaluations");
    assert_eq!(context.eval_as::<i32>("1 + 1").await.unwrap(), 2);
    waiting.pop();
    let again = context.eval("await never()").timeout(20 * MS);
    assert_eq!(again.await.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_queue_has_as_many_places_as_it_was_given() {
    let context = SANDBOX.context().queue_capacity(NonZeroUsize::new(2).unwrap()).await.unwrap();
    let running = context.eval("for (;;);").timeout(200 * MS).queue();
    let mut kinds: Vec<_> = Vec::new();
    for ended in join_all((0..8).map(|_| context.eval("1").queue())).await {
        kinds.push(ended.map_err(|error| error.kind()));
    }
    // The first may or may not have left the queue by then.
    let refused = kinds.iter().filter(|kind| **kind == Err(ErrorKind::QueueFull)).count();
    assert!((6..=7).contains(&refused), "{kinds:?}");
    assert_eq!(running.await.unwrap_err().kind(), ErrorKind::Timeout);
}
