//! Timers of scripts, and evaluations that wait for them.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant, UNIX_EPOCH},
};

use aiointernal::{
    Context, ErrorKind, Limits, Value,
    js::{Clock, Console, Functions, JsValue, ManualClock, Pool, value},
};
use futures_util::StreamExt as _;
use tokio::sync::Semaphore;

use crate::context::SANDBOX;

/// A context whose time jumps from timer to timer.
async fn open() -> Context {
    open_with(|_| {}).await
}

async fn open_with(change: impl FnOnce(&mut Limits)) -> Context {
    let mut limits = Limits::default();
    change(&mut limits);
    SANDBOX.context().clock(Clock::virtual_from(UNIX_EPOCH)).limits(limits).await.unwrap()
}

/// What was printed.
fn texts(console: &Console) -> Vec<String> {
    console.take().iter().map(|message| message.text().to_owned()).collect()
}

const PAUSE: &str = "await new Promise((done) => setTimeout(done, 1000));";

mod waiting {
    use super::*;

    #[tokio::test]
    async fn in_real_time_a_timer_is_due_no_sooner_than_it_says() {
        let context = SANDBOX.context().await.unwrap();
        let began = Instant::now();
        let (value, seen) = context
            .eval_as::<(String, f64)>(
                "const began = Date.now(); await new Promise((done) => setTimeout(done, 20)); ['done', Date.now() - began]",
            )
            .await
            .unwrap();
        assert_eq!(value, "done");
        assert!(seen >= 20.0 && began.elapsed() >= Duration::from_millis(20), "{seen}, {:?}", began.elapsed());
    }

    #[tokio::test]
    async fn other_calls_run_meanwhile_and_may_end_the_wait() {
        let context = SANDBOX.context().await.unwrap();
        let waiting = context.eval("new Promise((done) => { globalThis.go = done; setTimeout(done, 2e9) })").queue();
        assert_eq!(context.eval("go('early')").await.unwrap(), Value::Undefined);
        assert_eq!(waiting.await.unwrap(), "early".into());
    }

    #[tokio::test]
    async fn every_source_of_a_batch_may_wait() {
        let context = open().await;
        let sources = || (0..3).map(|n| format!("{PAUSE} [{n}, Date.now()]"));
        let collected = context.eval_batch(sources()).await.unwrap();
        let collected: Vec<_> = collected.into_iter().map(Result::unwrap).collect();
        assert_eq!(collected, [value!([0, 1000]), value!([1, 2000]), value!([2, 3000])]);
        let streamed: Vec<_> = context.eval_batch(sources()).stream().map(Result::unwrap).collect().await;
        assert_eq!(streamed, [value!([0, 4000]), value!([1, 5000]), value!([2, 6000])]);
    }

    #[tokio::test]
    async fn contexts_of_a_pool_may_wait() {
        let sandbox =
            aiointernal::Sandbox::builder().max_contexts(4).clock(Clock::virtual_from(UNIX_EPOCH)).build().unwrap();
        let pool = Pool::new(&sandbox).unwrap();
        for _ in 0..3 {
            // A fresh one begins at the start.
            assert_eq!(pool.eval(format!("{PAUSE} Date.now()")).await.unwrap(), 1000.into());
        }
        let tenant = pool.context("tenant").await.unwrap();
        assert_eq!(tenant.eval(format!("{PAUSE} {PAUSE} Date.now()")).await.unwrap(), 2000.into());
    }

    #[tokio::test]
    async fn functions_that_are_held_and_called_may_wait() {
        let context = open().await;
        let sleep: JsValue = context.eval_as("(ms) => new Promise((done) => setTimeout(done, ms, ms))").await.unwrap();
        assert_eq!(sleep.call::<f64>((5,)).await.unwrap(), 5.0);
        assert_eq!(context.eval("Date.now()").await.unwrap(), 5.into());
    }

    #[tokio::test]
    async fn time_in_which_an_evaluation_waits_is_its_own() {
        let context = SANDBOX.context().await.unwrap();
        let error =
            context.eval("await new Promise((done) => setTimeout(done, 2e9))").timeout(Duration::from_millis(20));
        let error = error.await.unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, true), "{error}");
        assert_eq!(context.eval("1").await.unwrap(), 1.into());
    }

    #[tokio::test]
    async fn what_waits_for_the_timers_of_another_ends_with_them() {
        let context = SANDBOX.context().await.unwrap();
        let first = context.eval("globalThis.id = setTimeout(() => {}, 2e9); await new Promise(() => {})").queue();
        let second = context.eval("await new Promise(() => {})").queue();
        context.eval("clearTimeout(id)").await.unwrap();
        assert_eq!(first.await.unwrap_err().kind(), ErrorKind::NeverSettles);
        assert_eq!(second.await.unwrap_err().kind(), ErrorKind::NeverSettles);
    }
}

mod ends {
    use super::*;

    #[tokio::test]
    async fn timers_end_with_their_evaluation() {
        let context = open().await;
        let late = "setTimeout(() => { globalThis.late = true }, 1); setInterval(() => { globalThis.late = true }, 1);";
        assert_eq!(context.eval(format!("{late} 5")).await.unwrap(), 5.into());
        assert_eq!(context.eval(format!("{late} throw 5")).await.unwrap_err().kind(), ErrorKind::Thrown);
        assert_eq!(context.eval(format!("{PAUSE} typeof late")).await.unwrap(), "undefined".into());
    }

    #[tokio::test]
    async fn what_is_due_behind_the_value_does_not_fire() {
        let (context, console) = (open().await, Console::new());
        let source = "let end; const value = new Promise((done) => { end = done }); \
            for (const n of [1, 2, 3, 4]) setTimeout(() => { console.log(n); if (n === 2) end('value') }, 5); value";
        assert_eq!(context.printing_to(&console).eval(source).await.unwrap(), "value".into());
        assert_eq!(texts(&console), ["1", "2"]);
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_takes_its_timers_with_it() {
        let clock = ManualClock::new(UNIX_EPOCH);
        let context = SANDBOX.context().clock(&clock).await.unwrap();
        let given_up = context.eval("globalThis.fired = 0; setInterval(() => fired++, 5); await new Promise(() => {})");
        let given_up = given_up.queue();
        context.eval("'it has begun'").await.unwrap();
        drop(given_up);
        context.eval("'it is given up'").await.unwrap();
        clock.advance(Duration::from_secs(1));
        assert_eq!(context.eval("fired").await.unwrap(), 0.into());
    }

    #[tokio::test]
    async fn a_reset_ends_them_and_a_fresh_context_counts_from_one() {
        let context = SANDBOX.context().await.unwrap();
        let waiting = context.eval("await new Promise((done) => setTimeout(done, 2e9))").queue();
        assert_eq!(context.eval("setTimeout(() => {})").await.unwrap(), 2.into());
        context.reset().await.unwrap();
        assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Lost);
        assert_eq!(context.eval("setTimeout(() => {})").await.unwrap(), 1.into());
    }

    #[tokio::test]
    async fn a_context_that_closes_lets_them_fire_and_one_that_closes_at_once_does_not() {
        let context = open().await;
        let waiting = context.eval(format!("{PAUSE} 'done'")).queue();
        context.close().await.unwrap();
        assert_eq!(waiting.await.unwrap(), "done".into());

        let context = SANDBOX.context().await.unwrap();
        let waiting = context.eval("await new Promise((done) => setTimeout(done, 2e9))").queue();
        context.eval("1").await.unwrap();
        context.close_now().await.unwrap();
        assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Closed);
    }
}

mod until_idle {
    use super::*;

    #[tokio::test]
    async fn a_value_waits_for_the_last_timer() {
        let (context, console) = (open().await, Console::new());
        let context = context.printing_to(&console).until_idle();
        let source =
            "setTimeout(() => { console.log(Date.now()); setTimeout(() => console.log(Date.now()), 5) }, 10); 'value'";
        assert_eq!(context.eval(source).await.unwrap(), "value".into());
        assert_eq!(texts(&console), ["10", "15"]);
        let source = "setTimeout(console.log, 50, 'after'); new Promise((done) => setTimeout(done, 5, 'settled'))";
        assert_eq!(context.eval(source).await.unwrap(), "settled".into());
        assert_eq!(texts(&console), ["after"]);
        let batch = context.eval_batch(["setTimeout(console.log, 5, 1); 1", "2"]).await.unwrap();
        assert_eq!(batch.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [Value::from(1), 2.into()]);
        assert_eq!(texts(&console), ["1"]);
        assert_eq!(context.eval("'nothing is left'").await.unwrap(), "nothing is left".into());
    }

    #[tokio::test]
    async fn a_value_waits_for_host_functions_that_are_in_flight() {
        let gate = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&gate);
        let functions = Functions::new().function("gate", move |(): (), _| {
            let permits = Arc::clone(&permits);
            async move { permits.acquire().await.map(|permit| permit.forget()) }
        });
        let console = Console::new();
        let context = SANDBOX.context().functions(functions).await.unwrap();
        let waiting =
            context.printing_to(&console).until_idle().eval("gate().then(() => console.log('open')); 1").queue();
        assert_eq!(context.eval("2").await.unwrap(), 2.into());
        gate.add_permits(1);
        assert_eq!(waiting.await.unwrap(), 1.into());
        assert_eq!(texts(&console), ["open"]);
    }

    #[tokio::test]
    async fn an_error_does_not_wait_and_an_interval_is_a_timeout() {
        let (context, console) = (open().await, Console::new());
        let context = context.printing_to(&console).until_idle();
        for source in ["throw 1", "Promise.reject(1)", "await null; throw 1"] {
            let error = context.eval(format!("setTimeout(console.log, 5, 'late'); {source}")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Thrown, "{source}: {error}");
        }
        let error = context.eval("setInterval(() => {}, 1); 1").timeout(Duration::from_millis(50)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, true), "{error}");
        assert_eq!(texts(&console), [""; 0]);
        assert_eq!(context.eval("1").await.unwrap(), 1.into());
    }

    #[tokio::test]
    async fn what_a_callback_throws_ends_it_as_it_ends_a_program_and_takes_its_timers_with_it() {
        let (context, console) = (open().await, Console::new());
        let program = context.printing_to(&console).until_idle();
        let source = "setTimeout(() => { throw new TypeError('mine') }, 5); setTimeout(console.log, 1, 'before');
            setTimeout(console.log, 9, 'late'); setInterval(console.log, 7, 'late'); 'value'";
        for source in [source.to_owned(), format!("{source}; await new Promise(() => {{}})")] {
            let error = program.eval(source).await.unwrap_err();
            assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Thrown, true), "{error}");
            assert_eq!(error.to_string(), "TypeError: mine");
            assert!(error.exception().unwrap().stack.starts_with("    at <anonymous> (<eval>:1:"), "{error:?}");
            assert_eq!(texts(&console), ["before"]);
            assert_eq!(context.eval(format!("{PAUSE} 'on'")).await.unwrap(), "on".into());
            assert_eq!(texts(&console), [""; 0]);
        }
        // Others go on: the timer is not theirs.
        let waiting = context.eval(format!("{PAUSE} 'theirs'")).queue();
        assert_eq!(program.eval("setTimeout(() => { throw 1 }); 2").await.unwrap_err().kind(), ErrorKind::Thrown);
        assert_eq!(waiting.await.unwrap(), "theirs".into());
    }

    #[tokio::test]
    async fn a_rejection_that_nobody_handles_ends_it_as_it_ends_a_program() {
        let functions = Functions::new().function("gate", |(): (), _| async { Ok::<_, Infallible>(()) });
        let context = SANDBOX.context().functions(functions).await.unwrap();
        let console = Console::new();
        let printing = context.printing_to(&console);
        let program = printing.until_idle();
        let late = "setTimeout(console.log, 9, 'late');";
        let rejected = "Promise.reject(new TypeError('mine'))";
        for source in [
            format!("{late} {rejected}; 'value'"),
            format!("{late} setTimeout(() => {{ {rejected} }}, 1); 'value'"),
            format!("{late} gate().then(() => {rejected}); 'value'"),
            format!("{late} gate().then(() => {{ {rejected} }}); await new Promise(() => {{}})"),
            format!("{late} setTimeout(() => {{ {rejected} }}, 1); await new Promise((done) => setTimeout(done, 1))"),
        ] {
            let error = program.eval(source.as_str()).await.unwrap_err();
            assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Thrown, true), "{source}: {error}");
            assert_eq!(error.to_string(), "TypeError: mine", "{source}");
            assert_eq!(texts(&console), [""; 0], "{source}");
        }
        // One is enough; of others, as of all of a call that only wants a value, the console is told.
        let several = format!("{rejected}; Promise.reject('other'); 'value'");
        assert_eq!(program.eval(several.as_str()).await.unwrap_err().to_string(), "TypeError: mine");
        assert_eq!(texts(&console), ["Uncaught (in promise) other"]);
        assert_eq!(printing.eval("Promise.reject('all'); 'value'").await.unwrap(), "value".into());
        assert_eq!(texts(&console), ["Uncaught (in promise) all"]);
        // Those that are handled before the jobs have ended are none.
        let handled =
            "const p = Promise.reject(1); gate().then(() => {}); Promise.resolve().then(() => p.catch(() => {})); 'on'";
        assert_eq!(program.eval(handled).await.unwrap(), "on".into());
        assert_eq!(texts(&console), [""; 0]);
    }

    #[tokio::test]
    async fn a_context_that_is_lost_meanwhile_loses_the_value() {
        let context = open().await;
        let waiting = context.until_idle().eval("setInterval(() => {}, 1); 'value'").queue();
        context.reset().await.unwrap();
        assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Lost);
        assert_eq!(context.until_idle().eval("1").await.unwrap(), 1.into());
    }
}

mod hostile {
    use super::*;

    const MANY: &str =
        "var n = 0, more = () => { for (;;) { setTimeout(() => { fired++ }, 1); n++ } }; globalThis.fired = 0;";

    #[tokio::test]
    async fn one_timer_more_than_there_may_be_is_an_error_in_the_script() {
        let context = open().await;
        let caught = format!("{MANY} try {{ more() }} catch (error) {{ [n, String(error)] }}");
        let told = value!([10_000, "RangeError: the evaluation has 10000 timers, the most it may"]);
        assert_eq!(context.eval(caught.as_str()).await.unwrap(), told);
        // The next one has as many again.
        assert_eq!(context.until_idle().eval(caught.as_str()).await.unwrap(), told);
        assert_eq!(context.eval("fired").await.unwrap(), 10_000.into());
        let error = context.eval(format!("{MANY} more()")).await.unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Thrown, true), "{error}");

        let mut limits = Limits::default();
        limits.timers = 1;
        let chain = "n = 0; (function next() { if (++n < 5) setTimeout(next) })(); 1";
        assert_eq!(context.limited(limits).until_idle().eval(chain).await.unwrap(), 1.into());
        limits.timers = 0;
        let error = context.limited(limits).eval("setInterval(() => {})").await.unwrap_err();
        assert_eq!(error.to_string(), "RangeError: the evaluation has 0 timers, the most it may");
    }

    #[tokio::test]
    async fn timers_without_number_end_at_the_memory() {
        let context = open_with(|limits| (limits.timers, limits.memory) = (usize::MAX, 16 << 20)).await;
        let error = context.eval(format!("{MANY} more()")).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::MemoryLimit | ErrorKind::Thrown), "{error}");
        assert_eq!(context.eval(format!("{PAUSE} 1")).await.unwrap(), 1.into());
        // Arguments are the script's own memory.
        let source = "const many = Array(50000).fill(0); for (;;) setTimeout(() => {}, 1, ...many)";
        let error = context.eval(source).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::MemoryLimit | ErrorKind::Thrown), "{error}");
        assert_eq!(context.eval(format!("{PAUSE} 1")).await.unwrap(), 1.into());
    }

    #[tokio::test]
    async fn an_interval_or_a_chain_that_never_ends_ends_with_its_evaluation() {
        let context = open().await;
        let interval = "globalThis.fired = 0; setInterval(() => { fired++ });";
        let chain = "globalThis.fired = 0; (function next() { fired++; setTimeout(next) })();";
        for endless in [interval, chain] {
            let waiting = context.eval(format!("{endless} await new Promise(() => {{}})"));
            let error = waiting.timeout(Duration::from_millis(30)).await.unwrap_err();
            assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, true), "{error}");
            let fired: f64 = context.eval_as("fired").await.unwrap();
            assert_eq!(context.eval_as::<f64>(format!("{PAUSE} fired")).await.unwrap(), fired);
            // It ends with a value as well.
            assert_eq!(context.eval(format!("{endless} 'value'")).await.unwrap(), "value".into());
            let fired: f64 = context.eval_as("fired").await.unwrap();
            assert_eq!(context.eval_as::<f64>(format!("{PAUSE} fired")).await.unwrap(), fired);
        }
    }

    /// Promise jobs that never end.
    const JOBS: &str = "(function next() { return Promise.resolve().then(next) })()";

    #[tokio::test]
    async fn a_callback_that_runs_for_ever_is_stopped_with_its_evaluation_and_the_context_goes_on() {
        let context = open().await;
        context.eval("globalThis.others = 0").await.unwrap();
        for callback in ["for (;;);", "(function next() { Promise.resolve().then(next) })()"] {
            let source = format!(
                "setTimeout(() => {{ {callback} }}); setTimeout(() => {{ others++ }}, 2); await new Promise(() => {{}})"
            );
            let error = context.eval(source).timeout(Duration::from_millis(30)).await.unwrap_err();
            assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, true), "{callback}: {error}");
            assert_eq!(context.eval(format!("{PAUSE} others")).await.unwrap(), 0.into());
        }
    }

    #[tokio::test]
    async fn a_callback_whose_jobs_are_dropped_costs_the_context_where_others_wait_and_they_are_told() {
        let context = SANDBOX.context().await.unwrap();
        let waiting = context.eval("await new Promise((done) => setTimeout(done, 2e9))").queue();
        let source = format!("setTimeout(() => {{ {JOBS} }}); await new Promise(() => {{}})");
        let error = context.eval(source).timeout(Duration::from_millis(30)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, false), "{error}");
        assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Lost);
        assert_eq!(context.eval("await new Promise((done) => setTimeout(done, 1, 'on'))").await.unwrap(), "on".into());
    }

    #[tokio::test]
    async fn timers_of_one_evaluation_do_not_keep_another_waiting() {
        let context = SANDBOX.context().await.unwrap();
        let busy =
            context.eval("setInterval(() => {}, 1); await new Promise(() => {})").timeout(Duration::from_millis(50));
        let busy = busy.queue();
        let other = context.eval("await new Promise((done) => setTimeout(done, 5, 'other'))").await;
        assert_eq!(other.unwrap(), "other".into());
        assert_eq!(busy.await.unwrap_err().kind(), ErrorKind::Timeout);
    }
}
