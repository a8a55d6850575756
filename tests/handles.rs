//! Values that live in a context, held from outside.

use std::{
    convert::Infallible,
    num::NonZeroUsize,
    sync::{Arc, Mutex, OnceLock, mpsc},
    time::Duration,
};

use aiointernal::{
    Context, Error, ErrorKind, Limits, Sandbox, Value,
    js::{Functions, JsStream, JsValue, Kind, value},
};
use futures_util::StreamExt as _;
use tokio::sync::Semaphore;

use crate::context::SANDBOX;

async fn open() -> Context {
    SANDBOX.context().await.unwrap()
}

async fn open_with(change: impl FnOnce(&mut Limits)) -> Context {
    let mut limits = Limits::default();
    change(&mut limits);
    SANDBOX.context().limits(limits).await.unwrap()
}

async fn keep(context: &Context, source: &str) -> JsValue {
    context.eval_as(source).await.unwrap()
}

async fn handles(context: &Context) -> u64 {
    context.memory_usage().await.unwrap().handles
}

fn told(error: &Error) -> (ErrorKind, String) {
    (error.kind(), error.to_string())
}

mod what_is_done {
    use super::*;

    #[tokio::test]
    async fn a_function_is_called_with_arguments_and_gives_any_type() {
        let context = open().await;
        let add = keep(&context, "(a, b) => a + b").await;
        assert_eq!(add.kind(), Kind::Function);
        assert_eq!(add.call::<i32>((1, 2)).await.unwrap(), 3);
        assert_eq!(add.call::<Value>(("a", "b")).await.unwrap(), "ab".into());
        let made: JsValue = keep(&context, "(n) => () => n").await.call((7,)).await.unwrap();
        assert_eq!(made.call::<i32>(()).await.unwrap(), 7);
        let eventually = keep(&context, "async (n) => n * 2").await;
        assert_eq!(eventually.call::<i32>((4,)).await.unwrap(), 8);
        assert_eq!(add.call::<i32>((1, 2)).blocking().unwrap(), 3);
    }

    #[tokio::test]
    async fn an_object_is_used_as_scripts_use_it() {
        let context = open().await;
        let object = keep(&context, "({ n: 1, list: [5], add(by) { return this.n += by } })").await;
        assert_eq!(object.call_method::<i32>("add", (2,)).await.unwrap(), 3);
        object.set("n", 10).await.unwrap();
        object.set("more", vec!["x"]).await.unwrap();
        object.delete("add").await.unwrap();
        assert_eq!(object.keys().await.unwrap(), ["n", "list", "more"]);
        assert_eq!(object.to::<Value>().await.unwrap(), value!({ "n": 10, "list": [5], "more": ["x"] }));
        assert_eq!(object.text().await.unwrap(), "{ n: 10, list: [ 5 ], more: [ 'x' ] }");
        let list: JsValue = object.get("list").await.unwrap();
        assert_eq!((list.kind(), list.get::<i32>(0).await.unwrap()), (Kind::Array, 5));
        let symbol = keep(&context, "Symbol('s')").await;
        object.set(&symbol, true).await.unwrap();
        assert!(object.get::<bool>(&symbol).await.unwrap());
        let class = keep(&context, "class Point { constructor(x) { this.x = x } }; Point").await;
        let point: JsValue = class.construct((3,)).await.unwrap();
        assert_eq!(point.get::<i32>("x").await.unwrap(), 3);
        assert_eq!(point.text().await.unwrap(), "Point { x: 3 }");
    }

    #[tokio::test]
    async fn a_copy_is_whole_with_its_cycles() {
        let context = open().await;
        let object = keep(&context, "globalThis.o = {}; o.self = o; o").await;
        let copy: Value = object.to().await.unwrap();
        assert_eq!(copy, context.eval("o").await.unwrap());
        assert_eq!(copy.get("self"), Some(&Value::Reference(0)));
    }

    #[tokio::test]
    async fn a_promise_is_awaited_unless_it_is_wanted_itself() {
        let context = open().await;
        let object = keep(&context, "({ p: Promise.resolve(4), never: new Promise(() => {}) })").await;
        assert_eq!(object.get::<i32>("p").await.unwrap(), 4);
        let promise: JsValue = object.get("p").await.unwrap();
        assert_eq!((promise.kind(), promise.to::<i32>().await.unwrap()), (Kind::Promise, 4));
        let never: JsValue = object.get("never").await.unwrap();
        assert_eq!(never.text().await.unwrap(), "Promise { <pending> }");
        assert_eq!(never.to::<Value>().await.unwrap_err().kind(), ErrorKind::NeverSettles);
    }

    #[tokio::test]
    async fn a_call_waits_for_host_functions_while_others_run() {
        let gate = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&gate);
        let functions = Functions::new().function("gate", move |(number,): (i32,), _| {
            let permits = Arc::clone(&permits);
            async move {
                permits.acquire().await?.forget();
                Ok::<_, tokio::sync::AcquireError>(number)
            }
        });
        let context = SANDBOX.context().functions(functions).await.unwrap();
        let wait = keep(&context, "async (n) => { const got = await gate(n); return () => got }").await;
        let ticket = wait.call::<JsValue>((5,)).queue();
        assert_eq!(context.eval("1").await.unwrap(), 1.into());
        gate.add_permits(1);
        let got = ticket.await.unwrap();
        assert_eq!(got.call::<i32>(()).await.unwrap(), 5);
        drop((wait, got));
        assert_eq!(handles(&context).await, 0);
    }

    #[tokio::test]
    async fn calls_have_the_terms_of_the_handle_that_gave_the_value() {
        let tenant =
            |number: i32| Functions::new().sync_function("tenant", move |(): (), _| Ok::<_, Infallible>(number));
        let context = open().await;
        let first: JsValue = context.granting(tenant(1)).eval_as("globalThis.ask = () => tenant()").await.unwrap();
        let second: JsValue = context.granting(tenant(2)).get_global_as("ask").await.unwrap();
        let none: JsValue = context.get_global_as("ask").await.unwrap();
        assert_eq!((first.call::<i32>(()).await.unwrap(), second.call::<i32>(()).await.unwrap()), (1, 2));
        assert!(none.call::<i32>(()).await.unwrap_err().to_string().contains("not granted"));
        let mut limits = Limits::default();
        limits.result = 10;
        let short: JsValue = context.limited(limits).eval_as("() => 'longer than ten'").await.unwrap();
        assert_eq!(short.call::<String>(()).await.unwrap_err().kind(), ErrorKind::ResultTooLarge);
    }
}

mod back_in_its_context {
    use super::*;

    #[tokio::test]
    async fn a_value_is_itself_wherever_it_is_put() {
        let context = open().await;
        let object = keep(&context, "globalThis.o = { f() {} }").await;
        let function: JsValue = object.get("f").await.unwrap();
        assert!(context.call_as::<bool>("Object.is", (&object, &object)).await.unwrap());
        let check = keep(&context, "(a, b, c) => a === o && b.list[0].get('k') === o && c.has(o.f)").await;
        let map = Value::Map(vec![("k".into(), Value::from(&object))]);
        let nested = value!({ "list": [map] });
        assert!(check.call::<bool>((&object, nested, Value::Set(vec![Value::from(&function)]))).await.unwrap());
        context.set_globals([("kept", (&object, 1))]).await.unwrap();
        assert!(context.eval_as::<bool>("kept[0] === o").await.unwrap());
        #[derive(serde::Serialize)]
        struct Options<'a> {
            callback: &'a JsValue,
        }
        let takes = keep(&context, "(options) => options.callback === o.f").await;
        assert!(takes.call::<bool>((Options { callback: &function },)).await.unwrap());
        let shared = Value::Array(vec![Value::Shared(0, Box::new(Value::from(&object))), Value::Reference(0)]);
        assert!(keep(&context, "(l) => l[0] === o && l[1] === o").await.call::<bool>((shared,)).await.unwrap());
    }

    #[tokio::test]
    async fn a_host_function_may_answer_with_it() {
        let slot = Arc::new(OnceLock::<Value>::new());
        let (now, later) = (slot.clone(), slot.clone());
        let functions = Functions::new()
            .sync_function("now", move |(): (), _| Ok::<_, Infallible>(now.get().cloned()))
            .function("later", move |(): (), _| {
                let value = later.get().cloned();
                async move {
                    tokio::task::yield_now().await;
                    Ok::<_, Infallible>(vec![value])
                }
            });
        let context = SANDBOX.context().functions(functions.clone()).await.unwrap();
        let object = keep(&context, "globalThis.o = {}").await;
        slot.set(Value::from(&object)).unwrap();
        assert_eq!(context.eval("now() === o && (await later())[0] === o").await.unwrap(), true.into());
        let other = SANDBOX.context().functions(functions).await.unwrap();
        for source in ["now()", "await later()"] {
            let error = other.eval(source).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::HostFunction);
            assert!(error.to_string().contains(": a handle of another context"), "{error}");
        }
    }

    #[tokio::test]
    async fn an_argument_lives_until_its_call_has_run() {
        let context = open().await;
        let length = keep(&context, "(list) => list.length").await;
        let (list, spare) = (keep(&context, "[1, 2]").await, keep(&context, "({})").await);
        let busy = context.eval("for (let i = 0; i < 1e6; i++);").queue();
        // The message of its release is ahead of the call, and tells of the list as well.
        drop(spare);
        let call = length.call::<i32>((&list,)).queue();
        drop(list);
        busy.await.unwrap();
        assert_eq!(call.await.unwrap(), 2);
        assert_eq!(handles(&context).await, 1);
    }
}

mod elsewhere {
    use super::*;

    fn lost(place: &str) -> (ErrorKind, String) {
        let message = format!("{place}: the value of the handle is gone, as its context was reset or replaced");
        (ErrorKind::Lost, message)
    }

    #[tokio::test]
    async fn a_handle_of_another_context_is_refused_with_its_place() {
        let (context, other) = (open().await, open().await);
        let foreign = keep(&other, "({})").await;
        // The numbers are the same, and mean another object here.
        let own = keep(&context, "({ own: true })").await;
        let place = |place: &str| (ErrorKind::InvalidArgument, format!("{place}: a handle of another context"));
        let error = context.call("String", (1, value!({ "a": [&foreign] }))).await.unwrap_err();
        assert_eq!(told(&error), place("argument 1.a[0]"));
        let error = own.set("x", &foreign).await.unwrap_err();
        assert_eq!(told(&error), place("the value"));
        let error = own.get::<Value>(&foreign).await.unwrap_err();
        assert_eq!(told(&error), place("the name"));
        let error = context.set_globals([("g", Value::Map(vec![(1.into(), (&foreign).into())]))]).await.unwrap_err();
        assert_eq!(told(&error), place("global \"g\"(value 0)"));
        let error = SANDBOX.context().globals([("g", &foreign)]).unwrap_err();
        assert_eq!(told(&error), place("global \"g\""));
        assert_eq!(own.keys().await.unwrap(), ["own"]);
    }

    #[tokio::test]
    async fn a_handle_is_lost_with_its_context_and_never_another_object() {
        let context = open().await;
        let object = keep(&context, "({ before: true })").await;
        context.reset().await.unwrap();
        let other = keep(&context, "({ after: true })").await;
        assert_eq!(told(&object.keys().await.unwrap_err()), lost("the handle"));
        let error = context.call("String", (vec![&object],)).await.unwrap_err();
        assert_eq!(told(&error), lost("argument 0[0]"));
        drop(object);
        assert_eq!((handles(&context).await, other.keys().await.unwrap()), (1, vec!["after".to_owned()]));
        // Jobs are left behind: the context is replaced.
        let killed = "Promise.resolve().then(function again() { Promise.resolve().then(again) }); for (;;);";
        let error = context.eval(killed).timeout(Duration::from_millis(20)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, false));
        assert_eq!(told(&other.keys().await.unwrap_err()), lost("the handle"));
        assert_eq!(told(&context.call("String", (&other,)).await.unwrap_err()), lost("argument 0"));
        assert_eq!(handles(&context).await, 0);
    }

    #[tokio::test]
    async fn a_handle_of_a_closed_context_says_that_it_is_closed() {
        let (context, other) = (open().await, open().await);
        let object = keep(&context, "({})").await;
        context.close().await.unwrap();
        assert_eq!(object.keys().await.unwrap_err().kind(), ErrorKind::Closed);
        let error = other.call("String", (&object,)).await.unwrap_err();
        assert_eq!(told(&error), (ErrorKind::InvalidArgument, "argument 0: a handle of another context".to_owned()));
        drop(object);
    }

    #[tokio::test]
    async fn a_handle_is_no_json() {
        let context = open().await;
        let object = keep(&context, "({})").await;
        let error = serde_json::to_string(&object).unwrap_err().to_string();
        assert_eq!(error, "a handle is of use in its context only");
        let error = aiointernal::js::from_value::<i32>(Value::from(object)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongType);
    }
}

mod released {
    use super::*;

    #[tokio::test]
    async fn the_last_clone_lets_the_value_go_from_any_thread() {
        let context = open().await;
        let kept = keep(&context, "(() => { const o = {}; globalThis.weak = new WeakRef(o); return o })()").await;
        let (clone, value) = (kept.clone(), Value::from(&kept));
        drop(kept);
        assert_eq!(handles(&context).await, 1);
        drop(value);
        assert_eq!(context.eval("weak.deref() !== undefined").await.unwrap(), true.into());
        tokio::task::spawn_blocking(move || drop(clone)).await.unwrap();
        assert_eq!(handles(&context).await, 0);
        assert_eq!(context.eval("weak.deref()").await.unwrap(), Value::Undefined);
    }

    #[tokio::test]
    async fn more_of_them_than_the_queue_holds_are_let_go() {
        let context = SANDBOX.context().queue_capacity(NonZeroUsize::MIN).await.unwrap();
        let mut all = Vec::new();
        for _ in 0..500 {
            all.push(keep(&context, "({})").await);
        }
        assert_eq!(handles(&context).await, 500);
        drop(all);
        assert_eq!(handles(&context).await, 0);
    }

    #[tokio::test]
    async fn releases_take_one_place_of_the_queue_at_most() {
        let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
        let (go_on, goes_on) = mpsc::channel::<()>();
        let goes_on = Mutex::new(goes_on);
        let functions = Functions::new().sync_function("gate", move |(): (), _| {
            started.send(()).unwrap();
            goes_on.lock().unwrap().recv()
        });
        let places = NonZeroUsize::new(4).unwrap();
        let context = SANDBOX.context().functions(functions).queue_capacity(places).await.unwrap();
        let mut kept = Vec::new();
        for _ in 0..4 {
            kept.push(keep(&context, "({})").await);
        }
        let calls: Vec<_> = (0..4).map(|_| context.eval("gate()").queue()).collect();
        for _ in 0..3 {
            // Each call begins with what was released before it.
            starts.recv().await.unwrap();
            kept.pop();
            go_on.send(()).unwrap();
        }
        starts.recv().await.unwrap();
        kept.pop();
        let last: Vec<_> = (0..3).map(|_| context.eval("1").queue()).collect();
        go_on.send(()).unwrap();
        for call in calls.into_iter().chain(last) {
            call.await.unwrap();
        }
        assert_eq!(handles(&context).await, 0);
    }

    #[tokio::test]
    async fn results_that_nobody_takes_are_let_go() {
        let context = open().await;
        drop(context.eval_as::<JsValue>("({})").queue());
        context.eval_as::<JsValue>("({})").queue().detach();
        assert_eq!(context.eval("1").await.unwrap(), 1.into());
        assert_eq!(handles(&context).await, 0);
    }

    #[tokio::test]
    async fn one_more_than_there_may_be_is_an_error_and_released_ones_do_not_count() {
        let context = open_with(|limits| limits.handles = 2).await;
        let (first, second) = (keep(&context, "({})").await, keep(&context, "({})").await);
        let error = context.eval_as::<JsValue>("({})").await.unwrap_err();
        let message = "there are 2 handles to values of the context, the most it may have; it was kept";
        assert_eq!(told(&error), (ErrorKind::HandleLimit, message.to_owned()));
        assert!(error.kind().is_limit() && error.is_context_kept());
        drop(first);
        let third = keep(&context, "({})").await;
        drop((second, third));
        assert_eq!(handles(&context).await, 0);
    }
}

mod iterated {
    use super::*;

    const COUNTED: &str = "globalThis.log = []; (function* () {
        try { for (let i = 0; i < 3; i++) { log.push(i); yield i } } finally { log.push('end') } })()";

    async fn log(context: &Context) -> Value {
        context.get_global("log").await.unwrap()
    }

    #[tokio::test]
    async fn a_stream_may_be_dropped_whatever_has_become_of_its_context() {
        let (functions, gate) = (Functions::new(), Arc::new(Semaphore::new(0)));
        let permits = Arc::clone(&gate);
        let functions = functions.function("wait", move |(): (), _| {
            let permits = Arc::clone(&permits);
            async move { permits.acquire().await.map(drop) }
        });
        let context = SANDBOX.context().functions(functions).await.unwrap();
        let source = "({ async *[Symbol.asyncIterator]() { yield 1; await wait(); yield 2 } })";
        let open_one = async || {
            let mut items = keep(&context, source).await.iterate::<i32>();
            assert_eq!(items.next().await.unwrap().unwrap(), 1);
            items
        };
        // While its next item waits.
        let mut waits = open_one().await;
        assert!(futures_util::poll!(waits.next()).is_pending());
        drop(waits);
        let reset = open_one().await;
        context.reset().await.unwrap();
        drop(reset);
        assert_eq!(context.eval_as::<i32>("1 + 2").await.unwrap(), 3);
        assert_eq!(handles(&context).await, 0);
        let mut closed = open_one().await;
        context.close().await.unwrap();
        assert_eq!(closed.next().await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
        assert!(closed.next().await.is_none());
    }

    #[test]
    fn items_are_taken_without_a_runtime() {
        let context = SANDBOX.context().blocking().unwrap();
        let list: JsValue = context.eval_as("[1, 2]").blocking().unwrap();
        let mut items: JsStream<i32> = list.iterate();
        assert_eq!(items.next_blocking().unwrap().unwrap(), 1);
        assert_eq!(items.next_blocking().unwrap().unwrap(), 2);
        assert!(items.next_blocking().is_none());
        assert!(items.next_blocking().is_none());
    }

    #[tokio::test]
    async fn items_come_one_by_one_as_they_are_wanted() {
        let context = open().await;
        for source in [COUNTED, &COUNTED.replace("function*", "async function*")] {
            let mut items: JsStream<i32> = keep(&context, source).await.iterate();
            assert_eq!(log(&context).await, value!([]));
            assert_eq!(items.next().await.unwrap().unwrap(), 0);
            assert_eq!(items.next().await.unwrap().unwrap(), 1);
            assert_eq!(log(&context).await, value!([0, 1]));
            drop(items);
            assert_eq!(log(&context).await, value!([0, 1, "end"]));
            let all: Vec<i32> = keep(&context, source).await.iterate::<i32>().map(Result::unwrap).collect().await;
            assert_eq!(all, [0, 1, 2]);
            assert_eq!(log(&context).await, value!([0, 1, 2, "end"]));
            assert_eq!(handles(&context).await, 0);
        }
    }

    #[tokio::test]
    async fn anything_iterable_is_and_items_may_be_handles() {
        let context = open().await;
        let texts: Vec<Value> =
            keep(&context, "new Map([[1, 'a']])").await.iterate().map(Result::unwrap).collect().await;
        assert_eq!(texts, [value!([1, "a"])]);
        let functions: Vec<JsValue> =
            keep(&context, "[() => 1, () => 2]").await.iterate().map(Result::unwrap).collect().await;
        assert_eq!(functions[1].call::<i32>(()).await.unwrap(), 2);
        assert_eq!(handles(&context).await, 2);
        let letters: Vec<String> = keep(&context, "'ab'").await.iterate().map(Result::unwrap).collect().await;
        assert_eq!(letters, ["a", "b"]);
        let promised: Vec<i32> =
            keep(&context, "[Promise.resolve(3)]").await.iterate::<i32>().map(Result::unwrap).collect().await;
        assert_eq!(promised, [3]);
    }

    #[tokio::test]
    async fn an_error_is_the_last_item() {
        let context = open_with(|limits| limits.wall_time = Duration::from_millis(50)).await;
        for (source, kind) in [
            ("({})", ErrorKind::Thrown),
            ("({ [Symbol.iterator]: 1 })", ErrorKind::Thrown),
            ("({ get [Symbol.iterator]() { throw 1 } })", ErrorKind::Thrown),
            ("({ [Symbol.iterator]() { return this }, next() { throw 1 } })", ErrorKind::Thrown),
            ("({ [Symbol.iterator]() { return this }, next() { return 1 } })", ErrorKind::Thrown),
            ("({ [Symbol.iterator]() { return this }, next() { for (;;); } })", ErrorKind::Timeout),
            ("({ [Symbol.iterator]() { return this }, next: () => new Promise(() => {}) })", ErrorKind::NeverSettles),
            ("[() => 1]", ErrorKind::NotTransferable),
            ("(function* () { try { yield () => 1 } finally { for (;;); } })()", ErrorKind::NotTransferable),
        ] {
            let mut items: JsStream<Value> = keep(&context, source).await.iterate();
            assert_eq!(items.next().await.unwrap().unwrap_err().kind(), kind, "{source}");
            assert!(items.next().await.is_none(), "{source}");
            drop(items);
            assert_eq!(context.eval("1").await.unwrap(), 1.into());
            assert_eq!(handles(&context).await, 0, "{source}");
        }
    }
}

mod bad_input {
    use super::*;

    #[tokio::test]
    async fn iterators_that_do_not_let_themselves_be_closed_have_the_time_of_one_call_together() {
        let context = open_with(|limits| limits.wall_time = Duration::from_millis(50)).await;
        let source = "var asked = 0; ({ next: () => ({ value: 1 }), return() { asked++; for (;;); },
            [Symbol.iterator]() { return this } })";
        let endless = keep(&context, source).await;
        let mut streams = Vec::new();
        for _ in 0..20 {
            let mut items = endless.iterate::<i32>();
            assert_eq!(items.next().await.unwrap().unwrap(), 1);
            streams.push(items);
        }
        // On the context's thread, so that it hears of all of them at once.
        let functions = Functions::new().sync_function("drop", {
            let streams = Mutex::new(streams);
            move |(): (), _| {
                streams.lock().unwrap().clear();
                Ok::<_, Infallible>(())
            }
        });
        context.granting(functions).eval("drop()").await.unwrap();
        assert_eq!(context.eval_as::<i32>("asked").await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_context_without_a_time_limit_lets_values_and_iterators_go() {
        let mut limits = Limits::default();
        limits.wall_time = Duration::MAX;
        let context = Sandbox::builder().limits(limits).build().unwrap().context().await.unwrap();
        let list = keep(&context, "[1, 2]").await;
        let mut items = list.iterate::<i32>();
        assert_eq!(items.next().await.unwrap().unwrap(), 1);
        drop((items, list));
        assert_eq!(context.eval_as::<i32>("1 + 2").await.unwrap(), 3);
        assert_eq!(handles(&context).await, 0);
    }

    #[tokio::test]
    async fn what_a_release_leads_to_calls_nothing_of_others() {
        let context = open().await;
        let source = "var heard = 'nothing'; const registry = new FinalizationRegistry(() => {
                try { tenant() } catch (error) { heard = error.message }
            });
            (() => { const o = {}; registry.register(o, 0); return o })()";
        let object = keep(&context, source).await;
        let tenant = Functions::new().sync_function("tenant", |(): (), _| Ok::<_, Infallible>(()));
        let granted = context.granting(tenant);
        granted.eval("tenant()").await.unwrap();
        drop(object);
        granted.eval("1").await.unwrap();
        assert_eq!(context.eval_as::<String>("heard").await.unwrap(), "tenant is not granted to this call");
    }

    #[tokio::test]
    async fn giant_names_and_many_arguments_cross_or_are_refused_and_nothing_is_kept() {
        let context = open().await;
        let object = keep(&context, "({ count() { return arguments.length } })").await;
        let giant = "x".repeat(1 << 20);
        object.set(giant.as_str(), 1).await.unwrap();
        assert_eq!(object.get::<i32>(giant.as_str()).await.unwrap(), 1);
        object.delete(giant.as_str()).await.unwrap();
        let missing = object.call_method::<Value>(giant.as_str(), ()).await.unwrap_err();
        assert!(missing.to_string().len() < 1000, "{}", missing.to_string().len());
        let many = vec![0; 65_000];
        assert_eq!(object.call_method::<i32>("count", &many).await.unwrap(), 65_000);
        let too_many = object.call_method::<i32>("count", vec![0; 1_000_000]).await.unwrap_err();
        let message = "1000000 arguments, and a call has 65000 at most".to_owned();
        assert_eq!(told(&too_many), (ErrorKind::InvalidArgument, message));
        for trap in ["construct", "get", "set", "deleteProperty"] {
            let source = format!("new Proxy(class {{}}, {{ {trap}() {{ for (;;); }} }})");
            let proxy = keep(&context, &source).await;
            let error = match trap {
                "construct" => proxy.construct::<Value>(()).timeout(Duration::from_millis(20)).await.err(),
                "get" => proxy.call_method::<Value>("a", ()).timeout(Duration::from_millis(20)).await.err(),
                "set" => proxy.set("a", 1).timeout(Duration::from_millis(20)).await.err(),
                _ => proxy.delete("a").timeout(Duration::from_millis(20)).await.err(),
            };
            assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Timeout), "{trap}");
        }
        drop(object);
        assert_eq!(handles(&context).await, 0);
    }

    #[tokio::test]
    async fn what_a_value_cannot_do_throws_and_the_context_goes_on() {
        let context = open().await;
        let broken = "const r = Proxy.revocable(function () {}, {}); r.revoke(); globalThis.revoked = r.proxy";
        context.eval_as::<JsValue>(broken).await.unwrap();
        for (source, message) in [
            ("({})", "TypeError: the value is not a function"),
            ("null", "TypeError: the value is not a function"),
            ("Symbol()", "TypeError: the value is not a function"),
            ("revoked", "TypeError: revoked proxy"),
            ("() => { throw new RangeError('mine') }", "RangeError: mine"),
            ("new Proxy(() => 1, { apply() { throw new Error('trap') } })", "Error: trap"),
            ("(class {})", "TypeError: class constructors must be invoked with 'new'"),
        ] {
            let error = keep(&context, source).await.call::<Value>(()).await.unwrap_err();
            assert_eq!(told(&error), (ErrorKind::Thrown, message.to_owned()), "{source}");
        }
        for source in ["() => 1", "({}).toString", "Symbol", "Math.max", "'text'"] {
            let error = keep(&context, source).await.construct::<Value>(()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Thrown, "{source}");
        }
        for source in ["undefined", "revoked", "({ get a() { throw 1 } })", "new Proxy({}, { get() { throw 1 } })"] {
            let error = keep(&context, source).await.get::<Value>("a").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Thrown, "{source}");
        }
        let symbol = keep(&context, "Symbol('s')").await;
        assert_eq!((symbol.kind(), symbol.text().await.unwrap().as_str()), (Kind::Symbol, "Symbol(s)"));
        assert_eq!(symbol.to::<Value>().await.unwrap_err().kind(), ErrorKind::NotTransferable);
        assert_eq!(symbol.get::<String>("description").await.unwrap(), "s");
        drop(symbol);
        assert_eq!(handles(&context).await, 0);
    }

    #[tokio::test]
    async fn what_never_ends_is_stopped_and_the_context_is_kept() {
        let context = open_with(|limits| limits.wall_time = Duration::from_millis(30)).await;
        let forever = "{ for (;;); }";
        let function = keep(&context, &format!("() => {forever}")).await;
        let proxy = keep(
            &context,
            &format!("new Proxy({{}}, {{ get() {forever}, set() {forever}, ownKeys() {forever}, deleteProperty() {forever} }})"),
        )
        .await;
        let errors = [
            function.call::<Value>(()).await.unwrap_err(),
            proxy.get::<Value>("a").await.unwrap_err(),
            proxy.set("a", 1).await.unwrap_err(),
            proxy.delete("a").await.unwrap_err(),
            proxy.keys().await.unwrap_err(),
            proxy.to::<Value>().await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, true), "{error}");
        }
        drop((function, proxy));
        assert_eq!(handles(&context).await, 0);
    }

    #[tokio::test]
    async fn arguments_without_a_javascript_form_are_refused() {
        let context = open().await;
        let function = keep(&context, "() => 1").await;
        assert_eq!(function.call::<Value>(5).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
        let deep = (0..200).fold(Value::Null, |inner, _| value!([inner]));
        assert_eq!(function.set("a", deep).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}
