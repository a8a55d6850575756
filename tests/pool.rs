//! Contexts on a few threads: fresh ones, and those of tenants.

use std::{
    collections::HashSet,
    convert::Infallible,
    num::{NonZeroU32, NonZeroUsize},
    pin::pin,
    sync::{Arc, Barrier, Mutex, mpsc},
    task::{Context, Wake, Waker},
    thread::{self, ThreadId},
    time::Duration,
};

use aiointernal::{
    ErrorKind, Limits, Sandbox, Ticket,
    js::{Console, Functions, JsValue, Pool, PoolBuilder, Value},
};
use futures_util::future::join_all;

use crate::context::SANDBOX;

fn builder(threads: usize) -> PoolBuilder {
    Pool::builder(&SANDBOX).threads(NonZeroUsize::new(threads).unwrap())
}

fn pool(threads: usize) -> Pool {
    builder(threads).build().unwrap()
}

/// One of a thread and a fresh context, which serves one use after the other.
fn single() -> Pool {
    builder(1).spares(1).build().unwrap()
}

/// Waits until no context has anything to do.
async fn rest(pool: &Pool) {
    while pool.stats().waiting > 0 {
        tokio::task::yield_now().await;
    }
}

/// What it gives within the time in which nothing that is tested here ends.
async fn soon<T>(future: impl IntoFuture<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future.into_future()).await.expect("it waits for what does not come")
}

/// A function of a tenant that says that it was called, and waits until it is let go.
struct Gate {
    functions: Functions,
    entered: mpsc::Receiver<()>,
    release: mpsc::Sender<()>,
}

impl Gate {
    fn new() -> Gate {
        let ((enter, entered), (release, released)) = (mpsc::channel(), mpsc::channel());
        let released = Mutex::new(released);
        let functions = Functions::new().sync_function("wait", move |(): (), _| {
            enter.send(()).unwrap();
            released.lock().unwrap().recv()
        });
        Gate { functions, entered, release }
    }

    /// Keeps the thread of a tenant busy, until something is sent.
    async fn block(pool: &Pool, tenant: &str) -> (Ticket<Value>, mpsc::Sender<()>) {
        let gate = Gate::new();
        let context = pool.context(tenant).functions(gate.functions).await.unwrap();
        let waiting = context.eval("wait()").queue();
        gate.entered.recv().unwrap();
        (waiting, gate.release)
    }
}

/// A function that notes on which thread it was called.
fn noting() -> (Functions, Arc<Mutex<Vec<ThreadId>>>) {
    let threads = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&threads);
    let functions = Functions::new().sync_function("note", move |(): (), _| {
        noted.lock().unwrap().push(thread::current().id());
        Ok::<_, Infallible>(())
    });
    (functions, threads)
}

mod fresh {
    use super::*;

    #[tokio::test]
    async fn nothing_of_one_evaluation_is_there_for_the_next() {
        let pool = single();
        for _ in 0..20 {
            assert_eq!(pool.eval("typeof canary").await.unwrap(), "undefined".into());
            pool.eval("globalThis.canary = 1; Array.prototype.map = null").await.unwrap();
            assert_eq!(pool.eval("[1].map((x) => x + 1)[0]").await.unwrap(), 2.into());
        }
        // One after the other they need no more than one context.
        let stats = pool.stats();
        assert_eq!((stats.contexts, stats.idle), (1, 1), "{stats:?}");
    }

    #[tokio::test]
    async fn evaluations_that_wait_each_have_a_context() {
        let functions = Functions::new().function("soon", |(): (), _| async {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(7)
        });
        let sandbox = Sandbox::builder().functions(functions).max_contexts(100).build().unwrap();
        let pool = Pool::builder(&sandbox).threads(NonZeroUsize::new(2).unwrap()).spares(3).build().unwrap();
        let source =
            "const own = globalThis.own ??= Symbol(); const mine = await soon(); [mine, own === globalThis.own]";
        let results = join_all((0..40).map(|_| pool.eval(source))).await;
        for result in results {
            assert_eq!(format!("{:?}", result.unwrap()), format!("{:?}", aiointernal::js::value!([7, true])));
        }
        // Those beyond the spares end in the background.
        while pool.stats().contexts > 6 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.stats().idle, pool.stats().contexts);
    }

    #[tokio::test]
    async fn what_is_left_of_a_fresh_context_does_not_reach_the_next_use() {
        let pool = single();
        let fresh = pool.fresh().await.unwrap();
        let (kept, limited): (_, aiointernal::Context) = (fresh.clone(), fresh.limited(Limits::default()));
        let value: JsValue = fresh.eval_as("({ n: 1 })").await.unwrap();
        let mut batch = fresh.eval_batch(["1", "2", "3"]).stream();
        drop(fresh);
        let next = pool.fresh().await.unwrap();
        next.eval("globalThis.secret = 42").await.unwrap();
        for stale in [kept, limited] {
            assert_eq!(stale.eval("secret").await.unwrap_err().kind(), ErrorKind::Closed);
            assert_eq!(stale.get_global("secret").await.unwrap_err().kind(), ErrorKind::Closed);
            assert_eq!(stale.set_globals([("secret", 1)]).await.unwrap_err().kind(), ErrorKind::Closed);
            assert_eq!(stale.call("String", (1,)).await.unwrap_err().kind(), ErrorKind::Closed);
            assert_eq!(stale.memory_usage().await.unwrap_err().kind(), ErrorKind::Closed);
            assert_eq!(stale.reset().await.unwrap_err().kind(), ErrorKind::Closed);
            assert!(stale.is_closed());
            stale.close_now().await.unwrap();
        }
        assert!(value.get::<i32>("n").await.is_err());
        while let Some(result) = futures_util::StreamExt::next(&mut batch).await {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Closed);
        }
        assert_eq!(next.eval("secret").await.unwrap(), 42.into());
    }

    #[tokio::test]
    async fn one_that_is_given_up_while_it_runs_is_stopped_and_used_again() {
        let pool = single();
        for _ in 0..5 {
            let endless = pool.eval("for (;;);");
            assert!(tokio::time::timeout(Duration::from_millis(5), endless).await.is_err());
            assert_eq!(pool.eval("1 + 1").await.unwrap(), 2.into());
        }
        assert_eq!(pool.stats().contexts, 1);
    }

    #[tokio::test]
    async fn what_is_kept_of_one_use_is_not_charged_to_the_next() {
        let mut limits = Limits::default();
        (limits.memory, limits.console) = (16 << 20, 8 << 20);
        let sandbox = Sandbox::builder().limits(limits).build().unwrap();
        let pool = Pool::builder(&sandbox).threads(NonZeroUsize::MIN).spares(1).build().unwrap();
        let consoles: Vec<_> = (0..10).map(|_| Console::new()).collect();
        for console in &consoles {
            let fresh = pool.fresh().await.unwrap();
            fresh
                .printing_to(console)
                .eval("for (let i = 0; i < 10; i++) console.log('x'.repeat(200000))")
                .await
                .unwrap();
        }
        assert_eq!(pool.stats().contexts, 1);
        assert!(consoles.iter().all(|console| console.take().len() == 10));
    }

    #[test]
    fn functions_run_in_the_runtime_of_each_use() {
        let functions = Functions::new().function("soon", |(): (), _| async {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(7)
        });
        let sandbox = Sandbox::builder().functions(functions).max_contexts(2).build().unwrap();
        let pool = Pool::builder(&sandbox).threads(NonZeroUsize::MIN).spares(1).build().unwrap();
        for _ in 0..3 {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            assert_eq!(runtime.block_on(pool.eval("await soon()")).unwrap(), 7.into());
        }
        assert_eq!(pool.stats().contexts, 1);
    }

    #[tokio::test]
    async fn one_that_nobody_waits_for_any_more_is_not_kept_beyond_the_spares() {
        let pool = builder(1).spares(0).build().unwrap();
        let mut opening = Box::pin(pool.eval("1"));
        assert!(futures_util::poll!(&mut opening).is_pending());
        drop(opening);
        while pool.stats().contexts > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.eval("1").await.unwrap(), 1.into());
    }

    #[tokio::test]
    async fn spare_ones_are_ready_before_anybody_asks() {
        let pool = builder(2).spares(3).build().unwrap();
        rest(&pool).await;
        let stats = pool.stats();
        assert_eq!((stats.contexts, stats.idle), (6, 6), "{stats:?}");
        // Nobody has to wait for them.
        let mut fresh = Vec::new();
        for _ in 0..6 {
            let mut asked = pin!(pool.fresh());
            let std::task::Poll::Ready(one) = futures_util::poll!(&mut asked) else { panic!("it is not ready") };
            fresh.push(one.unwrap());
        }
        assert_eq!((pool.stats().contexts, pool.stats().idle), (6, 0));
        for fresh in &fresh {
            assert_eq!(fresh.eval("1").await.unwrap(), 1.into());
        }
        drop(fresh);
        assert_eq!((pool.stats().contexts, pool.stats().idle), (6, 6));
    }

    #[tokio::test]
    async fn a_spare_one_that_cannot_be_opened_is_no_failure_of_the_pool() {
        let sandbox = Sandbox::builder().max_contexts(1).build().unwrap();
        let own = sandbox.context().await.unwrap();
        let pool = Pool::builder(&sandbox).threads(NonZeroUsize::MIN).build().unwrap();
        while pool.stats().contexts > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.stats().idle, 0);
        own.close().await.unwrap();
        assert_eq!(pool.eval("1").await.unwrap(), 1.into());
    }

    #[tokio::test]
    async fn a_thread_that_is_free_is_preferred_to_an_idle_context_of_one_that_is_busy() {
        let pool = builder(2).spares(1).build().unwrap();
        rest(&pool).await;
        let (busy, release) = Gate::block(&pool, "busy").await;
        // The idle one of the free thread, and then one more there.
        let first = soon(pool.fresh()).await.unwrap();
        assert_eq!(soon(pool.eval("1")).await.unwrap(), 1.into());
        assert_eq!(soon(first.eval("2")).await.unwrap(), 2.into());
        release.send(()).unwrap();
        busy.await.unwrap();
    }

    #[tokio::test]
    async fn one_that_was_closed_is_not_used_again() {
        let pool = single();
        for _ in 0..20 {
            let fresh = pool.fresh().await.unwrap();
            let handle = fresh.clone();
            drop(handle.close());
            drop(fresh);
            assert_eq!(pool.eval("1").await.unwrap(), 1.into());
        }
    }

    #[tokio::test]
    async fn a_handle_of_an_earlier_use_cannot_close_it_under_the_next() {
        let pool = single();
        for _ in 0..500 {
            let fresh = pool.fresh().await.unwrap();
            let stale = fresh.clone();
            let both = Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(|| {
                    both.wait();
                    drop(stale.close_now());
                });
                both.wait();
                drop(fresh);
            });
            assert_eq!(pool.eval("1").await.unwrap(), 1.into());
        }
    }

    #[tokio::test]
    async fn what_holds_for_calls_is_chosen_as_for_any_context() {
        let pool = pool(1);
        let console = Console::new();
        let fresh = pool.fresh().await.unwrap();
        fresh.printing_to(&console).eval("console.log('hello')").await.unwrap();
        assert_eq!(console.take()[0].text(), "hello");
    }
}

mod tenants {
    use super::*;

    #[tokio::test]
    async fn a_tenant_finds_its_context_again_on_the_same_thread() {
        let pool = pool(2);
        let (functions, threads) = noting();
        for _ in 0..10 {
            let context = pool.context("one").functions(functions.clone()).await.unwrap();
            context.eval("note(); globalThis.n = (globalThis.n ?? 0) + 1").await.unwrap();
        }
        assert_eq!(pool.context("one").await.unwrap().eval("n").await.unwrap(), 10.into());
        assert_eq!(pool.context("other").await.unwrap().eval("typeof n").await.unwrap(), "undefined".into());
        assert_eq!(threads.lock().unwrap().iter().collect::<HashSet<_>>().len(), 1);
        assert_eq!(pool.stats().tenants, 2);
    }

    #[tokio::test]
    async fn those_who_ask_at_once_for_a_tenant_get_one_context() {
        let pool = pool(2);
        let contexts = join_all((0..20).map(|_| pool.context("one").into_future())).await;
        for (index, context) in contexts.into_iter().enumerate() {
            let counted = context.unwrap().eval_as::<usize>("globalThis.n = (globalThis.n ?? -1) + 1").await.unwrap();
            assert_eq!(counted, index);
        }
    }

    #[tokio::test]
    async fn contexts_are_spread_over_the_threads() {
        let pool = pool(3);
        rest(&pool).await;
        let (functions, threads) = noting();
        for tenant in 0..9 {
            let context = pool.context(format!("{tenant}")).functions(functions.clone()).await.unwrap();
            context.eval("note()").await.unwrap();
            // What a context does behind its answer is no load that stays.
            rest(&pool).await;
        }
        let threads = threads.lock().unwrap();
        for thread in threads.iter().collect::<HashSet<_>>() {
            assert_eq!(threads.iter().filter(|other| *other == thread).count(), 3);
        }
    }

    #[tokio::test]
    async fn a_context_that_was_closed_or_has_died_is_opened_anew() {
        let pool = pool(1);
        let context = pool.context("one").await.unwrap();
        context.eval("globalThis.n = 1").await.unwrap();
        context.close().await.unwrap();
        assert_eq!(pool.context("one").await.unwrap().eval("typeof n").await.unwrap(), "undefined".into());

        let dies = pool
            .context("two")
            .on_console(|_| {
                if true {
                    panic!("on purpose")
                }
            })
            .await
            .unwrap();
        assert_eq!(dies.eval("console.log(1)").await.unwrap_err().kind(), ErrorKind::Panicked);
        assert_eq!(pool.context("two").await.unwrap().eval("1").await.unwrap(), 1.into());
        assert_eq!(pool.context("one").await.unwrap().eval("1").await.unwrap(), 1.into());
    }

    #[tokio::test]
    async fn one_that_could_not_be_opened_is_tried_again() {
        let pool = pool(1);
        let mut limits = Limits::default();
        limits.memory = 1;
        let error = pool.context("one").limits(limits).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        pool.context("one").await.unwrap().eval("1").await.unwrap();
    }
}

mod fairness {
    use super::*;

    #[tokio::test]
    async fn a_call_that_takes_longer_than_a_slice_is_stopped() {
        let pool = builder(1).slice(Duration::from_millis(20)).build().unwrap();
        let error = pool.eval("for (;;);").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CpuLimit);
        assert!(error.to_string().contains("20ms of processor time"), "{error}");
        let mut limits = Limits::default();
        limits.cpu_time = Duration::from_secs(60);
        let context = pool.context("greedy").limits(limits).await.unwrap();
        assert_eq!(context.eval("for (;;);").await.unwrap_err().kind(), ErrorKind::CpuLimit);
    }

    #[tokio::test]
    async fn a_tenant_with_many_calls_does_not_keep_those_with_few_waiting() {
        let pool = pool(1);
        let (told, order) = mpsc::channel();
        let (release, gate) = mpsc::channel();
        let gate = Arc::new(Mutex::new(gate));
        let functions = |name: &'static str| {
            let (told, gate) = (told.clone(), Arc::clone(&gate));
            Functions::new()
                .sync_function("told", move |(): (), _| told.send(name))
                .sync_function("wait", move |(): (), _| gate.lock().unwrap().recv())
        };
        let crowd = pool.context("crowd").functions(functions("crowd")).await.unwrap();
        let weighty = pool.context("weighty").functions(functions("weighty"));
        let weighty = weighty.weight(NonZeroU32::new(2).unwrap()).await.unwrap();
        let few = pool.context("few").functions(functions("few")).await.unwrap();
        let first = crowd.eval("wait()").queue();
        let mut calls: Vec<_> = (0..50).map(|_| crowd.eval("told()").queue()).collect();
        calls.extend((0..6).map(|_| weighty.eval("told()").queue()));
        calls.extend((0..3).map(|_| few.eval("told()").queue()));
        release.send(()).unwrap();
        first.await.unwrap();
        for call in join_all(calls).await {
            call.unwrap();
        }
        let order: Vec<_> = order.try_iter().collect();
        let last = |name| order.iter().rposition(|other| *other == name).unwrap();
        // Six calls in turns of two, beside one of the crowd and one of the few in each.
        assert!(last("few") <= 12 && last("weighty") <= 12, "{order:?}");
        assert_eq!(order.len(), 59);
    }
}

mod given_up {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn iterators_that_are_given_up_together_have_a_slice_together() {
        let pool = builder(1).slice(Duration::from_millis(20)).build().unwrap();
        let closed = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&closed);
        let functions = Functions::new().sync_function("closes", move |(): (), _| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(())
        });
        let context = pool.context("one").functions(functions).await.unwrap();
        let source =
            "({ [Symbol.iterator]: () => ({ next: () => ({ value: 1 }), return() { closes(); for (;;); } }) })";
        let endless: JsValue = context.eval_as(source).await.unwrap();
        let mut streams: Vec<_> = (0..20).map(|_| endless.iterate::<i32>()).collect();
        for stream in &mut streams {
            assert_eq!(stream.next().await.unwrap().unwrap(), 1);
        }
        // The thread hears of all of them at once.
        let (busy, release) = Gate::block(&pool, "busy").await;
        drop(streams);
        release.send(()).unwrap();
        busy.await.unwrap();
        context.eval("1").await.unwrap();
        assert_eq!(closed.load(Ordering::Relaxed), 1);
    }
}

mod bounds {
    use super::*;

    #[tokio::test]
    async fn more_contexts_than_there_may_be_are_refused() {
        let pool = builder(2).max_contexts(3).build().unwrap();
        let contexts: Vec<_> = (0..3).map(|tenant| pool.context(format!("{tenant}"))).collect();
        let contexts: Vec<_> = join_all(contexts.into_iter().map(IntoFuture::into_future)).await;
        let error = pool.context("fourth").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PoolFull);
        assert!(error.to_string().contains("its 3 contexts"), "{error}");
        assert_eq!(pool.eval("1").await.unwrap_err().kind(), ErrorKind::PoolFull);
        // Those who are there are served.
        for context in &contexts {
            context.as_ref().unwrap().eval("1").await.unwrap();
        }
        contexts[0].as_ref().unwrap().close().await.unwrap();
        assert_eq!(pool.eval("1").await.unwrap(), 1.into());
        // One that is idle makes room for a tenant.
        pool.context("fourth").await.unwrap().eval("1").await.unwrap();
        assert_eq!(pool.eval("1").await.unwrap_err().kind(), ErrorKind::PoolFull);
    }

    #[tokio::test]
    async fn a_context_that_was_closed_has_left_its_place() {
        let pool = builder(1).max_contexts(1).spares(0).build().unwrap();
        for tenant in 0..200 {
            let context = pool.context(format!("{tenant}")).await.unwrap();
            context.close().await.unwrap();
            assert_eq!(pool.stats().contexts, 0);
        }
    }

    #[tokio::test]
    async fn a_context_that_is_on_its_way_out_makes_room_for_the_next() {
        let sandbox = Sandbox::builder().max_contexts(1).build().unwrap();
        let pool = Pool::builder(&sandbox).threads(NonZeroUsize::MIN).spares(0).build().unwrap();
        for number in 0..200 {
            assert_eq!(pool.eval(format!("{number}")).await.unwrap(), number.into());
        }
        let fresh = pool.fresh().await.unwrap();
        assert_eq!(pool.eval("1").await.unwrap_err().kind(), ErrorKind::PoolFull);
        drop(fresh);
        pool.close().await;
        assert_eq!(pool.stats().contexts, 0);
    }

    #[tokio::test]
    async fn the_idle_context_of_a_free_thread_makes_room_before_that_of_a_busy_one() {
        let pool = builder(2).max_contexts(5).spares(2).build().unwrap();
        rest(&pool).await;
        let (busy, release) = Gate::block(&pool, "busy").await;
        // Two idle ones are left on the busy thread, and one on the other.
        let fresh = soon(pool.fresh()).await.unwrap();
        assert_eq!((pool.stats().contexts, pool.stats().idle), (5, 3));
        let tenant = soon(pool.context("tenant")).await.unwrap();
        assert_eq!(soon(tenant.eval("1")).await.unwrap(), 1.into());
        drop(fresh);
        release.send(()).unwrap();
        busy.await.unwrap();
    }

    /// Panics when it is dropped.
    struct Fragile;

    impl Drop for Fragile {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic!("on purpose");
            }
        }
    }

    #[tokio::test]
    async fn an_idle_context_that_has_died_makes_no_room() {
        let pool = builder(1).max_contexts(2).spares(1).build().unwrap();
        rest(&pool).await;
        let fresh = pool.fresh().await.unwrap();
        let fragile = Fragile;
        let functions = Functions::new().function("never", move |(): (), _| {
            let _ = &fragile;
            std::future::pending::<Result<(), Infallible>>()
        });
        // It is dropped where the context is made anew, which is the context's end.
        let waits = fresh.granting(functions).eval("await never()").queue();
        rest(&pool).await;
        drop(fresh);
        waits.await.unwrap_err();
        rest(&pool).await;
        assert_eq!((pool.stats().contexts, pool.stats().idle), (0, 0));
        let tenants = [pool.context("one").await.unwrap(), pool.context("two").await.unwrap()];
        assert_eq!(pool.context("three").await.unwrap_err().kind(), ErrorKind::PoolFull);
        for tenant in tenants {
            tenant.eval("1").await.unwrap();
        }
    }

    /// Asks a pool something when it is woken.
    struct Asks(Pool);

    impl Wake for Asks {
        fn wake(self: Arc<Self>) {
            self.0.stats();
        }
    }

    #[test]
    fn who_is_woken_by_the_end_of_a_context_may_use_the_pool() {
        let (told, done) = mpsc::channel();
        let asking = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let pool = builder(1).max_contexts(2).spares(1).build().unwrap();
                let fresh = pool.fresh().await.unwrap();
                let (busy, release) = Gate::block(&pool, "busy").await;
                // It is still in the queue when its context is idle.
                let mut queued = fresh.eval("1").into_future();
                let waker = Waker::from(Arc::new(Asks(pool.clone())));
                assert!(pin!(&mut queued).poll(&mut Context::from_waker(&waker)).is_pending());
                drop(fresh);
                assert_eq!(pool.stats().idle, 1);
                let tenant = pool.context("tenant").into_future();
                release.send(()).unwrap();
                busy.await.unwrap();
                tenant.await.unwrap().eval("1").await.unwrap();
                assert_eq!(queued.await.unwrap_err().kind(), ErrorKind::Closed);
            });
            told.send(()).unwrap();
        };
        thread::Builder::new().spawn(asking).unwrap();
        done.recv_timeout(Duration::from_secs(20)).expect("it does not wait for itself");
    }

    #[tokio::test]
    async fn the_statistics_say_who_has_something_to_do() {
        let pool = pool(1);
        rest(&pool).await;
        let other = pool.context("other").await.unwrap();
        let (busy, release) = Gate::block(&pool, "busy").await;
        assert_eq!(pool.stats().waiting, 1);
        let calls = [other.eval("1").queue(), other.eval("2").queue()];
        assert_eq!(pool.stats().waiting, 2);
        let fresh = pool.fresh().await.unwrap();
        let call = fresh.eval("3").queue();
        let stats = pool.stats();
        assert_eq!((stats.waiting, stats.tenants, stats.idle, stats.contexts), (3, 2, 7, 10), "{stats:?}");
        release.send(()).unwrap();
        busy.await.unwrap();
        for call in calls.into_iter().chain([call]) {
            call.await.unwrap();
        }
        rest(&pool).await;
    }

    #[tokio::test]
    async fn under_more_load_than_it_has_contexts_each_call_is_answered_or_refused() {
        let pool = builder(2).max_contexts(4).spares(2).build().unwrap();
        let calls = (0..200).map(|number| {
            let pool = &pool;
            async move { (number, pool.eval(format!("let n = {number}; n * 2")).await) }
        });
        let (mut answered, mut refused) = (0, 0);
        for (number, answer) in join_all(calls).await {
            match answer {
                Ok(double) => {
                    assert_eq!(double, (number * 2).into());
                    answered += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::PoolFull, "{error}");
                    refused += 1;
                }
            }
        }
        assert!(answered >= 4 && refused > 0, "{answered} answered, {refused} refused");
        assert_eq!(pool.eval("1").await.unwrap(), 1.into());
    }

    #[test]
    fn a_pool_of_more_contexts_than_its_sandbox_may_have_is_refused() {
        let sandbox = Sandbox::builder().max_contexts(2).build().unwrap();
        let error = Pool::builder(&sandbox).max_contexts(3).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("3 contexts, and its sandbox may have 2"), "{error}");
    }

    #[tokio::test]
    async fn more_threads_than_the_machine_has_cores_serve_all_the_same() {
        let threads = 8 * thread::available_parallelism().unwrap().get();
        let pool = pool(threads);
        let contexts = (0..threads).map(|tenant| pool.context(format!("{tenant}")).into_future());
        let contexts: Vec<_> = join_all(contexts).await.into_iter().map(|context| context.unwrap()).collect();
        // All at once: a turn of each, of which none is short.
        let busy = "let n = 0; for (let i = 0; i < 1e5; i++) n += i; n";
        let calls: Vec<_> = contexts.iter().flat_map(|context| [context.eval(busy), context.eval("2")]).collect();
        for (number, answer) in join_all(calls.into_iter().map(IntoFuture::into_future)).await.into_iter().enumerate() {
            assert_eq!(answer.unwrap(), if number % 2 == 0 { 4_999_950_000_u64.into() } else { 2.into() });
        }
        assert_eq!(pool.stats().threads, threads);
    }

    #[tokio::test]
    async fn a_pool_that_closes_answers_what_it_has_and_refuses_what_comes() {
        let (opened, gate) = mpsc::channel();
        let gate = Mutex::new(gate);
        let functions = Functions::new().sync_function("wait", move |(): (), _| gate.lock().unwrap().recv());
        let sandbox = Sandbox::builder().functions(functions).max_contexts(10).build().unwrap();
        let pool = Pool::builder(&sandbox).threads(NonZeroUsize::MIN).build().unwrap();
        let context = pool.context("one").await.unwrap();
        let fresh = pool.fresh().await.unwrap();
        let calls = [context.eval("wait()").queue(), context.eval("2").queue(), fresh.eval("3").queue()];
        let closing = tokio::spawn({
            let pool = pool.clone();
            async move { pool.close().await }
        });
        while !context.is_closed() || !fresh.is_closed() {
            tokio::task::yield_now().await;
        }
        opened.send(()).unwrap();
        let answers: Vec<_> = join_all(calls).await.into_iter().map(|answer| answer.unwrap()).collect();
        assert_eq!(answers[1..], [2.into(), 3.into()]);
        closing.await.unwrap();
        assert_eq!(pool.context("one").await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(pool.eval("1").await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(pool.stats().contexts, 0);
        drop(fresh);
    }
}
