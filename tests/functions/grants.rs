//! Who may call which functions.

use super::*;

fn named(answer: &'static str) -> Functions {
    Functions::new().sync_function("who", move |(): (), _| Never::Ok(answer))
}

#[tokio::test]
async fn a_context_has_none_unless_it_is_granted() {
    let context = SANDBOX.context().await.unwrap();
    assert_eq!(context.eval("typeof who").await.unwrap(), "undefined".into());
}

#[tokio::test]
async fn the_calls_of_a_handle_have_functions_of_their_own() {
    let context = open(named("context")).await;
    let tenant = context.granting(named("tenant"));
    assert_eq!(context.eval("who()").await.unwrap(), "context".into());
    assert_eq!(tenant.eval("who()").await.unwrap(), "tenant".into());
    assert_eq!(context.eval("who()").await.unwrap(), "context".into());
    assert_eq!(tenant.granting(named("call")).eval("who()").await.unwrap(), "call".into());

    let extra = context.granting(Functions::new().sync_function("extra", |(): (), _| Never::Ok(1)));
    assert_eq!(extra.eval("[extra(), who()]").await.unwrap(), value!([1, "context"]));
    let error = context.eval("extra()").await.unwrap_err();
    assert_eq!(error.to_string(), "TypeError: extra is not granted to this call");
}

#[tokio::test]
async fn the_functions_of_a_sandbox_are_those_of_its_contexts() {
    let sandbox = aiointernal::Sandbox::builder().functions(named("sandbox")).max_contexts(2).build().unwrap();
    assert_eq!(sandbox.context().await.unwrap().eval("who()").await.unwrap(), "sandbox".into());
    let own = sandbox.context().functions(named("own")).await.unwrap();
    assert_eq!(own.eval("who()").await.unwrap(), "own".into());
}

#[tokio::test]
async fn a_name_has_one_kind_in_a_context_and_a_place_that_is_taken_is_an_error_each_time() {
    let context = open(named("sync")).await;
    let other = context.granting(Functions::new().function("who", |(): (), _| async { Never::Ok("async") }));
    let error = other.eval("who()").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("who is sync in this context"), "{error}");
    assert_eq!(context.eval("who()").await.unwrap(), "sync".into());

    context.eval("globalThis.taken = 1").await.unwrap();
    let blocked = context.granting(Functions::new().sync_function("taken.f", |(): (), _| Never::Ok(1)));
    for _ in 0..2 {
        assert_eq!(blocked.eval("1").await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    context.eval("delete globalThis.taken").await.unwrap();
    assert_eq!(blocked.eval("taken.f()").await.unwrap(), 1.into());
}

#[tokio::test]
async fn a_fresh_context_has_them_again() {
    let context = open(named("here")).await;
    context.eval("who = 1").await.unwrap();
    context.reset().await.unwrap();
    assert_eq!(context.eval("who()").await.unwrap(), "here".into());
    context.eval("for (;;) try { for (;;); } finally { continue }").timeout(Duration::ZERO).await.unwrap_err();
    assert_eq!(context.eval("who()").await.unwrap(), "here".into());
}
