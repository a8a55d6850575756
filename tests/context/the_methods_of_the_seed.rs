//! The methods that a context had from the first day: each does what its name says.

use super::*;

#[tokio::test]
async fn a_global_of_a_script_is_read_by_name() {
    let context = SANDBOX.context().await.unwrap();
    context.eval("let item = 1 + 2; var other = 'x'; function named() {}").await.unwrap();
    assert_eq!(context.get_global_as::<i32>("item").await.unwrap(), 3);
    assert_eq!(context.get_global("other").await.unwrap(), "x".into());
    assert_eq!(context.get_global("no such name").await.unwrap(), Value::Undefined);
    assert_eq!(context.get_global("class").await.unwrap(), Value::Undefined);
    assert_eq!(context.get_global("named").await.unwrap_err().kind(), ErrorKind::NotTransferable);
}

#[tokio::test]
async fn globals_are_set_from_structs_and_maps_and_keep_their_kind() {
    #[derive(Serialize)]
    struct Globals {
        count: u32,
        name: Option<String>,
        big: u64,
        when: Value,
        nothing: Value,
    }
    let context = SANDBOX.context().await.unwrap();
    let globals = Globals {
        count: 3,
        name: None,
        big: u64::MAX,
        when: Date::from_millis(1e12).into(),
        nothing: Value::Undefined,
    };
    context.set_globals(globals).await.unwrap();
    let seen = "[count + 1, name, typeof big, big + 1n, when instanceof Date, typeof nothing]";
    let expected = Value::Array(vec![
        4.into(),
        Value::Null,
        "bigint".into(),
        BigInt::from(u128::from(u64::MAX) + 1).into(),
        true.into(),
        "undefined".into(),
    ]);
    assert_eq!(context.eval(seen).await.unwrap(), expected);
    let error = context.set_globals([1, 2]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn a_file_is_evaluated_under_its_own_name() {
    let context = SANDBOX.context().await.unwrap();
    let script = file("script.js", b"globalThis.ran = 1;\nthrow new Error('here')");
    let error = context.eval_file(&script).await.unwrap_err();
    let stack = &error.exception().unwrap().stack;
    assert!(stack.contains("script.js:2:11"), "{stack}");
    let module = file("module.mjs", b"globalThis.ran = await Promise.resolve(2)");
    assert_eq!(context.eval_file(module).await.unwrap(), Value::Undefined);
    assert_eq!(context.get_global_as::<i32>("ran").await.unwrap(), 2);
}

#[tokio::test]
async fn a_batch_is_queued_for_later_and_collected() {
    let context = SANDBOX.context().await.unwrap();
    let ticket = context.eval_batch(["1 + 3", "67 + 45", "throw 1", "4"]).queue();
    let results = ticket.await.unwrap();
    assert_eq!(results[0].as_ref().unwrap(), &4.into());
    assert_eq!(results[1].as_ref().unwrap(), &112.into());
    assert_eq!(results[2].as_ref().unwrap_err().kind(), ErrorKind::Thrown);
    assert_eq!(results[3].as_ref().unwrap(), &4.into());
}

#[test]
fn a_batch_ends_at_its_deadline() {
    let context = open();
    let batch = || {
        let endless = std::iter::repeat_n("while (true) {}", 9);
        let sources: Vec<_> = ["var kept = 1; kept"].into_iter().chain(endless).collect();
        context.eval_batch(sources).deadline(Instant::now() + Duration::from_millis(50))
    };
    assert_eq!(batch().blocking().unwrap_err().kind(), ErrorKind::Timeout);
    let mut stream = batch().stream();
    assert_eq!(stream.next_blocking().unwrap().unwrap(), 1.into());
    // The source that was running is stopped; then the batch is.
    let kinds: Vec<_> = std::iter::from_fn(|| stream.next_blocking()).map(|item| item.unwrap_err().kind()).collect();
    assert_eq!(kinds, [ErrorKind::Timeout; 2]);
    assert_eq!(context.eval_as::<i32>("kept").blocking().unwrap(), 1);
}

#[tokio::test]
async fn a_function_is_called_by_name_with_arguments() {
    let context = SANDBOX.context().await.unwrap();
    context
        .eval("const api = { n: 2, scale(x) { return x * this.n } }; async function later(a) { return a }")
        .await
        .unwrap();
    assert_eq!(context.call_as::<i32>("Math.max", (1, 5, 3)).await.unwrap(), 5);
    assert_eq!(context.call_as::<i32>("api.scale", [21]).await.unwrap(), 42);
    assert_eq!(context.call("later", ("x",)).await.unwrap(), "x".into());
    assert_eq!(context.call("Math.max", ()).await.unwrap(), f64::NEG_INFINITY.into());
    for name in ["nope", "api.nope", "api.n", "nope.nope", ""] {
        let error = context.call(name, ()).await.unwrap_err();
        assert_eq!(error.exception().unwrap().name, "TypeError", "{name}");
    }
    assert_eq!(context.call("Math.max", 5).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn the_memory_that_a_context_uses_is_that_of_large_blocks_too() {
    let context = open();
    let used = || context.memory_usage().blocking().unwrap().used;
    let before = used();
    context.eval("var bytes = new Uint8Array(5e6)").blocking().unwrap();
    assert!(used() >= before + 5_000_000);
    context.eval("bytes = null").blocking().unwrap();
    assert!(used() < before + 100_000);
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn the_pages_that_a_context_has_written_are_counted() {
    let context = open();
    let written = || context.memory_usage().blocking().unwrap().written_pages.unwrap();
    let before = written();
    assert!((1..1000).contains(&before), "{before}");
    // 2048 of 4 KiB each, of which up to 512 may have been there.
    context.eval("var bytes = new Uint8Array(8 << 20).fill(1)").blocking().unwrap();
    let grown = written() - before;
    assert!((1536..2200).contains(&grown), "{grown}");
    context.eval("for (let at = 0; at < bytes.length; at++) bytes[at]").blocking().unwrap();
    assert!(written() - before < 2200, "reading writes nothing");
}

#[test]
fn every_method_has_a_blocking_twin() {
    let context = open();
    context.set_globals(BTreeMap::from([("a", 1)])).blocking().unwrap();
    assert_eq!(context.eval_as::<i32>("a + 1").blocking().unwrap(), 2);
    assert_eq!(context.eval_text("[a, () => a]").blocking().unwrap(), "[ 1, [Function (anonymous)] ]");
    assert!(context.memory_usage().blocking().unwrap().objects > 0);
    assert_eq!(context.eval_batch(["a", "a + 1"]).blocking().unwrap().len(), 2);
    let mut stream = context.eval_batch(["a"]).stream();
    assert_eq!(stream.next_blocking().unwrap().unwrap(), 1.into());
    assert!(stream.next_blocking().is_none());
    context.reset().blocking().unwrap();
    assert_eq!(context.eval_text("typeof a").blocking().unwrap(), "undefined");
    context.close().blocking().unwrap();
    assert_eq!(context.eval("1").blocking().unwrap_err().kind(), ErrorKind::Closed);
}
