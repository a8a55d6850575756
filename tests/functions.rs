//! Functions of the host that scripts call, and evaluations that wait for them.

use std::{convert::Infallible, future::pending, io, sync::Arc, time::Duration};

use aiointernal::{
    Context, Error, ErrorKind, Limits, Value,
    js::{ConsoleMessage, Functions, HostCall, Level, ScriptError, value},
};
use futures_util::{StreamExt as _, future::join_all, poll};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

use crate::context::SANDBOX;

type Never<T> = Result<T, Infallible>;

async fn open(functions: Functions) -> Context {
    SANDBOX.context().functions(functions).await.unwrap()
}

async fn open_with(functions: Functions, change: impl FnOnce(&mut Limits)) -> Context {
    let mut limits = Limits::default();
    change(&mut limits);
    SANDBOX.context().functions(functions).limits(limits).await.unwrap()
}

/// A function `gate(number)` that answers with its argument once the gate has a permit.
fn gated() -> (Functions, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let permits = Arc::clone(&gate);
    let functions = Functions::new().function("gate", move |(number,): (f64,), _| {
        let permits = Arc::clone(&permits);
        async move {
            permits.acquire().await?.forget();
            Ok::<_, tokio::sync::AcquireError>(number)
        }
    });
    (functions, gate)
}

/// A function `wait()` that never answers, and tells when it is called and when it is dropped.
fn endless() -> (Functions, mpsc::UnboundedReceiver<&'static str>) {
    struct Dropped(mpsc::UnboundedSender<&'static str>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    let (sender, receiver) = mpsc::unbounded_channel();
    let functions = Functions::new().function("wait", move |(): (), _| {
        let dropped = Dropped(sender.clone());
        async move {
            dropped.0.send("called").unwrap();
            pending::<()>().await;
            drop(dropped);
            Never::Ok(())
        }
    });
    (functions, receiver)
}

mod values {
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
        let source =
            "const same_ = [undefined, null, -0, NaN, 2n ** 70n, new Date(5), /a/g, new Map([[1, new Set([2])]]),
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
}

mod grants {
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
}

mod errors {
    use super::*;

    fn failing() -> Functions {
        Functions::new()
            .function("tools.read", |(): (), _| async { Err::<(), _>(io::Error::other("the password is 1234")) })
            .sync_function("now", |(): (), _| Err::<(), _>(io::Error::other("secret")))
            .function("told", |(): (), _| async { Err::<(), _>(ScriptError::new("RangeError", "no such thing")) })
            .sync_function("own", |(): (), _| Err::<(), _>(ScriptError::new("NoSuchTool", "said so")))
    }

    #[tokio::test]
    async fn a_script_is_told_that_a_function_failed_and_not_why() {
        let context = open(failing()).await;
        let told = "tools.read().catch((error) => [String(error), error instanceof Error, Object.keys(error)])";
        assert_eq!(context.eval(told).await.unwrap(), value!(["Error: tools.read failed", true, []]));
        let told = "try { now() } catch (error) { [error.name, error.message, error.stack.includes('<eval>')] }";
        assert_eq!(context.eval(told).await.unwrap(), value!(["Error", "now failed", true]));
        assert_eq!(context.eval("JSON.stringify([globalThis.tools])").await.unwrap(), "[{}]".into());
    }

    #[tokio::test]
    async fn what_is_meant_for_the_script_reaches_it() {
        let context = open(failing()).await;
        let told = "told().catch((error) => [error.name, error.message, error instanceof RangeError])";
        assert_eq!(context.eval(told).await.unwrap(), value!(["RangeError", "no such thing", true]));
        let told = "try { own() } catch (error) { [error.name, error.message, error instanceof Error] }";
        assert_eq!(context.eval(told).await.unwrap(), value!(["NoSuchTool", "said so", true]));
        let error = context.eval("own()").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostFunction);
        assert_eq!(error.downcast_ref::<ScriptError>(), Some(&ScriptError::new("NoSuchTool", "said so")));
    }

    #[tokio::test]
    async fn an_error_that_is_not_caught_comes_back_whole() {
        let context = open(failing()).await;
        context.eval("async function f() { await tools.read() }").await.unwrap();
        let rethrown = "try { now() } catch (e) { throw e }";
        let all = "Promise.all([1, tools.read()])";
        for source in ["tools.read()", "await tools.read()", "now()", rethrown, "f()", all] {
            let error = context.eval(source).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::HostFunction, "{source}");
            let own = error.downcast_ref::<io::Error>().unwrap();
            assert!(["the password is 1234", "secret"].contains(&own.to_string().as_str()), "{own}");
            assert!(error.exception().unwrap().message.ends_with(" failed"));
            assert!(error.is_context_kept());
        }
        let other =
            context.eval("try { now() } catch (e) { throw new Error('mine', { cause: e }) }").await.unwrap_err();
        assert_eq!((other.kind(), other.to_string().as_str()), (ErrorKind::Thrown, "Error: mine"));
    }

    #[tokio::test]
    async fn errors_that_are_kept_and_thrown_later_are_bounded() {
        let context = open(failing()).await;
        let source =
            "let kept = []; for (let i = 0; i < 5000; i++) try { now() } catch (e) { kept.push(e) }; throw kept[0]";
        let error = context.eval(source).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Thrown, "Error: now failed"));
        let error = context.eval("throw kept[4999]").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostFunction);
    }

    #[tokio::test]
    async fn a_function_that_panics_has_failed() {
        async fn breaks(yields: bool) -> Never<()> {
            if yields {
                tokio::task::yield_now().await;
            }
            panic!("of its own")
        }
        let functions = Functions::new()
            .function("at_once", |(): (), _| breaks(false))
            .function("later", |(): (), _| breaks(true))
            .function("before", |(): (), _| -> std::future::Ready<Never<()>> { panic!("of its own") })
            .sync_function("now", |(): (), _| -> Never<()> { panic!("of its own") });
        let context = open(functions).await;
        for name in ["at_once", "later", "before", "now"] {
            let error = context.eval(format!("{name}()")).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.to_string()),
                (ErrorKind::HostFunction, format!("{name} panicked: of its own"))
            );
            let told = context.eval(format!("(async () => {name}())().catch(String)")).await.unwrap();
            assert_eq!(told, format!("Error: {name} failed").into());
        }
    }

    #[tokio::test]
    async fn a_result_that_is_no_value_is_an_error() {
        struct Refuses;
        impl Serialize for Refuses {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("not me"))
            }
        }
        let context = open(Functions::new().sync_function("bad", |(): (), _| Never::Ok(Refuses))).await;
        let error = context.eval("bad()").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostFunction);
        assert!(error.to_string().contains("not me"), "{error}");
    }

    #[test]
    fn a_function_that_waits_needs_a_runtime() {
        let (functions, _) = gated();
        let functions = functions.function("ready", |(): (), _| async { Never::Ok("at once") });
        let context = SANDBOX.context().functions(functions).blocking().unwrap();
        assert_eq!(context.eval("ready()").blocking().unwrap(), "at once".into());
        let error = context.eval("gate(1)").blocking().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostFunction);
        assert!(error.to_string().contains("outside of a tokio runtime"), "{error}");
    }

    #[test]
    fn the_end_of_the_runtime_is_an_error_of_what_it_ran() {
        let (functions, mut told) = endless();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let context = runtime.block_on(open(functions));
        let ticket = context.eval("wait()").queue();
        assert_eq!(told.blocking_recv(), Some("called"));
        runtime.shutdown_background();
        let error = ticket.blocking().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostFunction);
        assert!(error.to_string().contains("its runtime has ended"), "{error}");
        assert_eq!(context.eval("1").blocking().unwrap(), 1.into());
    }
}

mod waiting {
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
            results
                .into_iter()
                .map(|result| result.map_or_else(|e| e.to_string(), |value| format!("{value:?}")))
                .collect()
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
        let functions =
            Functions::new().sync_function("again", move |(): (), _| own.get().unwrap().eval("1").blocking());
        let context = open(functions).await;
        slot.set(context.clone()).unwrap();
        let error = context.eval("again()").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostFunction);
        assert_eq!(error.downcast_ref::<Error>().unwrap().kind(), ErrorKind::HostFunction);
        assert!(error.to_string().contains("own thread"), "{error}");
    }
}

mod ending {
    use super::*;

    #[tokio::test]
    async fn the_deadline_covers_waiting() {
        let (functions, mut told) = endless();
        let context = open(functions).await;
        context.eval("let kept = 1").await.unwrap();
        let error = context.eval("wait()").timeout(Duration::from_millis(20)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, true));
        assert_eq!((told.recv().await, told.recv().await), (Some("called"), Some("dropped")));
        assert_eq!(context.eval("kept").await.unwrap(), 1.into());
    }

    #[tokio::test]
    async fn the_limit_of_the_context_covers_waiting() {
        let (functions, _told) = endless();
        let context = open_with(functions, |limits| limits.wall_time = Duration::from_millis(20)).await;
        let error = context.eval("wait()").await.unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, true));
        assert!(error.to_string().contains("20ms"), "{error}");
    }

    #[tokio::test]
    async fn a_caller_who_goes_cancels_the_calls_of_his_evaluation_only() {
        let (functions, mut told) = endless();
        let (gates, gate) = gated();
        let context = SANDBOX.context().functions(functions).functions(gates).await.unwrap();
        let other = context.eval("gate(1)").queue();
        let ticket = context.eval("wait()").queue();
        assert_eq!(told.recv().await, Some("called"));
        drop(ticket);
        assert_eq!(told.recv().await, Some("dropped"));
        gate.add_permits(1);
        assert_eq!(other.await.unwrap(), 1.into());

        let ticket = context.eval("wait()").queue();
        assert_eq!(told.recv().await, Some("called"));
        ticket.abort();
        assert_eq!(ticket.await.unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(told.recv().await, Some("dropped"));
    }

    #[tokio::test]
    async fn the_end_of_a_script_cancels_what_it_did_not_await() {
        let (functions, mut told) = endless();
        let context = open(functions).await;
        assert_eq!(context.eval("wait(); 'done'").await.unwrap(), "done".into());
        assert_eq!((told.recv().await, told.recv().await), (Some("called"), Some("dropped")));
        context.eval("wait(); throw 1").await.unwrap_err();
        assert_eq!((told.recv().await, told.recv().await), (Some("called"), Some("dropped")));
    }

    #[tokio::test]
    async fn a_call_knows_when_it_is_cancelled() {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let functions = Functions::new().function("spawn", move |(): (), call: HostCall| {
            let sender = sender.clone();
            async move {
                assert!(call.time_left() > Duration::from_secs(1));
                tokio::spawn(async move {
                    call.cancelled().await;
                    sender.send((call.function().to_owned(), call.is_cancelled(), call.evaluation() > 0, call.id() > 0))
                });
                pending::<Never<()>>().await
            }
        });
        let context = open(functions).await;
        context.eval("spawn(); 1").await.unwrap();
        assert_eq!(receiver.recv().await.unwrap(), ("spawn".to_owned(), true, true, true));
    }

    #[tokio::test]
    async fn what_a_call_spawned_hears_of_the_end_though_the_call_was_answered() {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let functions = Functions::new().function("spawn", move |(): (), call: HostCall| {
            let sender = sender.clone();
            tokio::spawn(async move {
                call.cancelled().await;
                sender.send("ended")
            });
            async { Never::Ok(()) }
        });
        let context = open(functions).await;
        context.eval("await spawn(); 1").await.unwrap();
        assert_eq!(receiver.recv().await, Some("ended"));
    }

    #[tokio::test]
    async fn a_script_that_goes_on_after_its_wait_is_stopped_by_close_now() {
        let (functions, gate) = gated();
        let (started, mut running) = mpsc::unbounded_channel();
        let functions = functions.sync_function("running", move |(): (), _| {
            let _ = started.send(());
            Never::Ok(())
        });
        let context = open_with(functions, |limits| limits.wall_time = Duration::from_secs(600)).await;
        let loops = context.eval("await gate(1); running(); for (;;);").queue();
        gate.add_permits(1);
        running.recv().await.unwrap();
        context.close_now().await.unwrap();
        assert_eq!(loops.await.unwrap_err().kind(), ErrorKind::Closed);
    }

    #[tokio::test]
    async fn what_nothing_can_settle_is_told_at_once() {
        let (functions, gate) = gated();
        let context = open(functions).await;
        let error = context.eval("new Promise(() => {})").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NeverSettles);
        let error = context.eval("await new Promise(() => {})").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NeverSettles);
        // It waits for a call as long as there is any.
        let waits = context.eval("gate(1); await new Promise(() => {})").queue();
        gate.add_permits(1);
        assert_eq!(waits.await.unwrap_err().kind(), ErrorKind::NeverSettles);
    }

    #[tokio::test]
    async fn one_evaluation_may_settle_another() {
        let (functions, gate) = gated();
        let context = open(functions).await;
        let first = context.eval("gate(1); await new Promise((resolve) => { globalThis.resolve = resolve })").queue();
        context.eval("resolve('by another')").await.unwrap();
        assert_eq!(first.await.unwrap(), "by another".into());
        gate.add_permits(1);
    }

    #[tokio::test]
    async fn a_context_that_is_lost_fails_what_waits() {
        let (functions, mut told) = endless();
        let context = open(functions).await;
        let waits = context.eval("wait()").queue();
        assert_eq!(told.recv().await, Some("called"));
        context.reset().await.unwrap();
        let error = waits.await.unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Lost, false));
        assert_eq!(told.recv().await, Some("dropped"));

        let waits = context.eval("wait()").queue();
        assert_eq!(told.recv().await, Some("called"));
        let killed = context.eval("new Array(2e8) + ''").timeout(Duration::from_millis(20)).await.unwrap_err();
        assert_eq!((killed.kind(), killed.is_context_kept()), (ErrorKind::Timeout, false));
        assert_eq!(waits.await.unwrap_err().kind(), ErrorKind::Lost);
        assert_eq!(context.eval("1").await.unwrap(), 1.into());
    }

    #[tokio::test]
    async fn an_answer_after_which_a_script_never_ends_is_stopped() {
        let (functions, gate) = gated();
        let context = open(functions).await;
        let loops = context.eval("await gate(1); for (;;);").timeout(Duration::from_millis(50)).queue();
        gate.add_permits(1);
        let error = loops.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(context.eval("1").await.unwrap(), 1.into());
    }

    #[tokio::test]
    async fn close_waits_for_what_waits_and_close_now_does_not() {
        let (functions, gate) = gated();
        let context = open(functions).await;
        let waits = context.eval("await gate(1) + await gate(2)").queue();
        let closing = context.close();
        gate.add_permits(2);
        closing.await.unwrap();
        assert_eq!(waits.await.unwrap(), 3.into());

        let (functions, mut told) = endless();
        let context = open(functions).await;
        let waits = context.eval("wait()").queue();
        assert_eq!(told.recv().await, Some("called"));
        let closing = context.close();
        context.close_now().await.unwrap();
        closing.await.unwrap();
        assert_eq!(waits.await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(told.recv().await, Some("dropped"));
    }

    #[tokio::test]
    async fn a_detached_evaluation_goes_on_when_its_handle_is_dropped() {
        let arrived = Arc::new(Notify::new());
        let (functions, gate) = gated();
        let notify = Arc::clone(&arrived);
        let functions = functions.sync_function("arrive", move |(): (), _| {
            notify.notify_one();
            Never::Ok(())
        });
        let context = open(functions).await;
        context.eval("await gate(1); arrive()").queue().detach();
        drop(context);
        gate.add_permits(1);
        arrived.notified().await;
    }
}

mod limits {
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
}

mod rejections {
    use super::*;

    #[tokio::test]
    async fn a_rejection_that_nobody_handles_is_reported_once() {
        let (sender, mut told) = mpsc::unbounded_channel();
        let (functions, gate) = gated();
        let console = move |message: &ConsoleMessage| {
            drop(sender.send((message.level(), message.text().lines().next().map(str::to_owned))));
        };
        let context = SANDBOX.context().functions(functions).on_console(console).await.unwrap();
        let late = "const late = gate(1).then(() => { throw new TypeError('late') }); gate(2).then(() => 'ended')";
        let waits = context.eval(late).queue();
        gate.add_permits(2);
        assert_eq!(waits.await.unwrap(), "ended".into());
        let first = told.recv().await.unwrap();
        assert_eq!(first, (Level::Error, Some("Uncaught (in promise) TypeError: late".to_owned())));
        context.eval("await gate(3).then(() => { throw 1 })").queue().detach();
        gate.add_permits(1);
        context.close().await.unwrap();
        // The caller was told of this one.
        assert_eq!(told.recv().await, None);
    }
}

#[tokio::test]
async fn functions_that_were_granted_to_a_call_are_let_go_when_it_has_ended() {
    let context = open(Functions::new()).await;
    let (token, own) = (Arc::new(()), context.clone());
    let held = Arc::downgrade(&token);
    let functions = Functions::new().sync_function("keep", move |(): (), _| {
        let _ = (&token, &own);
        Never::Ok(1)
    });
    assert_eq!(context.granting(functions).eval_as::<i32>("keep()").await.unwrap(), 1);
    // The answer comes a moment before its call is forgotten. This one is refused, and so takes nobody's place.
    let mut none = Limits::default();
    none.source = 0;
    context.limited(none).eval("1").await.unwrap_err();
    assert_eq!(held.strong_count(), 0);
}
