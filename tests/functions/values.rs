//! What crosses between a script and a function.

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Query {
    text: String,
    limit: Option<u32>,
}

#[tokio::test]
async fn arguments_and_results_are_rust_types() {
    let functions = Functions::new()
        .function("tools.search", |(query, more): (Query, Vec<u8>), _| async move {
            Never::Ok((query.limit, format!("{}{}", query.text, more.len())))
        })
        .sync_function("tools.add", |(a, b): (f64, f64), _| Never::Ok(a + b))
        .sync_function("all", |all: Vec<i32>, _| Never::Ok(all.iter().sum::<i32>()));
    let context = open(functions).await;
    let found = context.eval("tools.search({text: 'a', limit: 3}, new Uint8Array(5))").await.unwrap();
    assert_eq!(found, value!([3, "a5"]));
    assert_eq!(context.eval("[tools.add(1, 2.5), all(), all(1, 2, 3)]").await.unwrap(), value!([3.5, 0, 6]));
    assert_eq!(context.call("tools.add", (1, 2)).await.unwrap(), 3.into());
    assert_eq!(
        context.eval("[tools.add.name, typeof tools.search, Object.keys(tools)]").await.unwrap(),
        value!(["add", "function", ["add", "search"]])
    );
}

#[tokio::test]
async fn every_kind_of_value_crosses_both_ways() {
    let functions = Functions::new().sync_function("same", |(value,): (Value,), _| Never::Ok(value));
    let context = open(functions).await;
    let source = "const same_ = [undefined, null, -0, NaN, 2n ** 70n, new Date(5), /a/g, new Map([[1, new Set([2])]]),
            new Uint8Array([1]), new Float64Array([1.5]), 'text', { a: [1] }];
            const back = same_.map((value) => same(value));
            back.map((value, index) => Object.prototype.toString.call(value) ===
                Object.prototype.toString.call(same_[index])).every(Boolean) && back";
    let back = context.eval(source).await.unwrap();
    let sent = context.get_global("same_").await.unwrap();
    // NaN is not NaN.
    assert_eq!(format!("{back:?}"), format!("{sent:?}"));
}

#[tokio::test]
async fn an_argument_that_is_missing_is_undefined_and_one_too_many_is_refused() {
    let functions = Functions::new()
        .sync_function("two", |(a, b): (i32, Option<i32>), _| Never::Ok((a, b)))
        .sync_function("none", |(): (), _| Never::Ok("none"));
    let context = open(functions).await;
    assert_eq!(context.eval("two(1)").await.unwrap(), value!([1, null]));
    for (source, message) in [
        ("two(1, 2, 3)", "TypeError: two: 3 arguments, of which it takes 2"),
        ("none(1)", "TypeError: none: 1 arguments, of which it takes 0"),
        ("two('x')", "TypeError: two: argument 0: invalid type: string \"x\", expected i32"),
        ("two(1, {})", "TypeError: two: argument 1: invalid type: map, expected i32"),
    ] {
        let error = context.eval(source).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Thrown, message.to_owned()));
    }
    assert_eq!(context.eval("none()").await.unwrap(), "none".into());
}

#[tokio::test]
async fn what_cannot_cross_is_named_and_an_async_function_rejects() {
    let functions = Functions::new()
        .sync_function("now", |(_,): (Value,), _| Never::Ok(()))
        .function("later", |(_,): (Value,), _| async { Never::Ok(()) });
    let context = open(functions).await;
    let thrown = context.eval("now({items: [1, {callback() {}}]})").await.unwrap_err();
    assert_eq!(thrown.to_string(), "TypeError: now: argument 0.items[1].callback: a function");
    let rejected = context.eval("later(1, 2).catch((error) => String(error))").await.unwrap();
    assert_eq!(rejected, "TypeError: later: 2 arguments, of which it takes 1".into());
    let rejected = context.eval("later(Symbol('s')).catch((error) => error.message)").await.unwrap();
    assert_eq!(rejected, "later: argument 0: a symbol".into());
    let getter = "later({ get a() { throw new RangeError('mine') } }).catch((error) => error.message)";
    assert_eq!(context.eval(getter).await.unwrap(), "mine".into());
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_refused() {
    for name in ["", "a..b", ".a", "a.", "a\0", ":a"] {
        let functions = || Functions::new().sync_function(name, |(): (), _| Never::Ok(()));
        let error = SANDBOX.context().functions(functions()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name:?}");
        let error = aiointernal::Sandbox::builder().functions(functions()).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name:?}");
        let context = SANDBOX.context().await.unwrap();
        let error = context.granting(functions()).eval("1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name:?}");
        assert_eq!(context.eval("1").await.unwrap(), 1.into());
    }
    let through = Functions::new().sync_function("Math.PI.f", |(): (), _| Never::Ok(()));
    let error = SANDBOX.context().functions(through).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("\"PI\" is no object"), "{error}");
}
