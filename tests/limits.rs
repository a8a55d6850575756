//! Every limit: just under it, at it, beyond it; and where limits meet.

use std::{
    convert::Infallible,
    future::pending,
    num::NonZeroUsize,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use aiointernal::{
    Context, Error, ErrorKind, Limits, Sandbox, Value,
    component::{Budget, Group, Meter},
    js::{Console, Functions, Host, HostClass, JsValue, Members},
};
use event_listener::Event;
use futures_util::{StreamExt as _, future::join_all, poll};

use crate::context::SANDBOX;

/// One that counts fuel.
static FUELLED: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::builder().count_fuel().build().unwrap());

const MS: Duration = Duration::from_millis(1);

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

async fn open(change: impl FnOnce(&mut Limits)) -> Context {
    SANDBOX.context().functions(host_functions()).limits(limits(change)).await.unwrap()
}

fn host_functions() -> Functions {
    Functions::new()
        .sync_function("echo", |(text,): (String,), _| Ok::<_, Infallible>(text))
        .function("never", |(): (), _| pending::<Result<(), Infallible>>())
        .function("later", |(): (), _| async {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(())
        })
}

/// The error is of this kind, names its limit, and says that the context was kept, as it was.
#[track_caller]
fn refuses(error: &Error, kind: ErrorKind, limit: &str) {
    let message = error.to_string();
    assert_eq!(error.kind(), kind, "{message}");
    assert!(kind.is_limit() && error.is_context_kept(), "{message}");
    assert!(message.contains(limit) && message.contains("kept"), "{message}");
}

mod time {
    use super::*;

    const LOOP: &str = "for (;;);";

    /// Time for what takes none.
    const PLENTY: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_loop_ends_at_the_time_limit_and_what_is_short_does_not() {
        let context = open(|limits| limits.wall_time = 30 * MS).await;
        let error = context.eval(LOOP).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.to_string().contains("longer than its 30ms; the context was"), "{error}");
        assert_eq!(context.limited(Limits::default()).eval_as::<i32>("1 + 1").timeout(PLENTY).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_does_not_keep_an_answer() {
        let context = open(|_| {}).await;
        let source = "const freed = new FinalizationRegistry(() => { for (;;); }); \
            { const promise = never(); promise.held = {}; freed.register(promise.held, 0) } 1";
        let began = Instant::now();
        // Without a bound of its own the time of the context would hold.
        assert_eq!(context.eval_as::<i32>(source).timeout(PLENTY).await.unwrap(), 1);
        assert!(began.elapsed() < PLENTY / 2, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn whoever_waits_for_jobs_that_a_stop_has_dropped_is_told() {
        let context = open(|_| {}).await;
        let waits =
            "globalThis.shared = new Promise((resolve) => { globalThis.settle = resolve }); never(); await shared";
        let mut waiting = Box::pin(context.eval(waits).into_future());
        assert!(poll!(&mut waiting).is_pending());
        let error = context.eval("settle(1); for (;;);").timeout(20 * MS).await.unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, false), "{error}");
        let error = waiting.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
        assert!(error.to_string().contains("longer than its 20ms"), "{error}");
    }

    #[tokio::test]
    async fn a_context_that_is_lost_behind_an_answer_is_told_to_the_next_caller_and_to_no_other() {
        let context = open(|_| {}).await;
        // Nothing of it is asked whether it is to stop.
        let source = "globalThis.freed = new FinalizationRegistry(() => { new Array(2e8) + '' }); \
            { const promise = never(); promise.held = {}; freed.register(promise.held, 0) } 1";
        assert_eq!(context.eval_as::<i32>(source).timeout(PLENTY).await.unwrap(), 1);
        let error = context.eval("typeof freed").await.unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Lost, false), "{error}");
        assert_eq!(context.eval("typeof freed").await.unwrap(), "undefined".into());

        context.eval(source).timeout(PLENTY).await.unwrap();
        context.reset().await.unwrap();
        assert_eq!(context.eval("typeof freed").await.unwrap(), "undefined".into(), "who resets knows that it is gone");
    }

    #[tokio::test]
    async fn what_a_finalizer_of_another_call_settles_is_answered() {
        let context = open(|_| {}).await;
        let waits = "never(); \
            await new Promise((resolve) => { globalThis.freed = new FinalizationRegistry(() => resolve(1)) })";
        let mut waiting = Box::pin(context.eval_as::<i32>(waits).timeout(PLENTY).into_future());
        assert!(poll!(&mut waiting).is_pending());
        let collects = "{ const circle = {}; circle.self = circle; freed.register(circle, 0) } new Uint8Array(1 << 30)";
        assert_eq!(context.eval(collects).await.unwrap_err().kind(), ErrorKind::MemoryLimit);
        assert_eq!(waiting.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_a_stopped_script_held_is_freed_behind_its_answer() {
        let context = open(|_| {}).await;
        let before = context.memory_usage().await.unwrap().objects;
        // To free them takes many times as long as a script may go on.
        let holds = "(() => { const held = Array.from({ length: 3e5 }, () => ({})); for (;;); })()";
        for _ in 0..3 {
            let error = context.eval(holds).timeout(400 * MS).await.unwrap_err();
            assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, true), "{error}");
        }
        assert!(context.memory_usage().await.unwrap().objects < before + 1000);
    }

    #[tokio::test]
    async fn a_result_is_there_while_the_one_behind_it_is_still_being_made() {
        let context = open(|limits| limits.wall_time = PLENTY / 6).await;
        // The second runs until it is ended, and nothing of it is asked whether it is to stop.
        let endless = "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)";
        let mut results = context.eval_batch(["1", endless]).stream();
        assert_eq!(results.next().await.unwrap().unwrap(), 1.into());
        assert!(poll!(results.next()).is_pending());
    }

    #[tokio::test]
    async fn a_loop_ends_at_the_limit_of_processor_time() {
        let context = open(|limits| limits.cpu_time = 30 * MS).await;
        let meter = Meter::new();
        let error = context.metered(&meter).eval(LOOP).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CpuLimit);
        assert!(error.to_string().contains("more than its 30ms of processor time; the context was"), "{error}");
        assert!(meter.total().cpu >= 30 * MS, "{meter:?}");
        assert_eq!(context.eval_as::<i32>("1 + 1").timeout(PLENTY).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn waiting_takes_no_processor_time() {
        let context = open(|limits| (limits.wall_time, limits.cpu_time) = (100 * MS, 50 * MS)).await;
        let error = context.eval("await never()").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    }

    #[tokio::test]
    async fn processor_time_adds_up_over_waits() {
        let context = open(|limits| limits.cpu_time = 40 * MS).await;
        let source = "for (;;) { const until = Date.now() + 5; while (Date.now() < until); await later() }";
        assert_eq!(context.eval(source).await.unwrap_err().kind(), ErrorKind::CpuLimit);
    }
}

mod fuel {
    use super::*;

    const WORK: &str = "let sum = 0; for (let i = 0; i < 10000; i++) sum += i % 7; `${sum}`.repeat(3)";

    /// What it burns on every machine.
    const FUEL_OF_WORK: u64 = 7_532_302;

    async fn used(source: &str) -> u64 {
        let meter = Meter::new();
        let context = FUELLED.context().meter(&meter).await.unwrap();
        context.eval(source).await.unwrap();
        meter.total().fuel
    }

    #[tokio::test]
    async fn the_same_script_burns_the_same_fuel_every_time() {
        let first = used(WORK).await;
        // It changes with the engine, and with what wasmtime counts.
        assert_eq!(first, FUEL_OF_WORK);
        for _ in 0..5 {
            assert_eq!(used(WORK).await, first);
        }
    }

    #[tokio::test]
    async fn a_script_ends_at_the_same_unit_of_fuel_every_time() {
        let run = async |fuel| {
            let context = FUELLED.context().limits(limits(|limits| limits.fuel = fuel)).await.unwrap();
            (context.eval(WORK).await, context)
        };
        // Compiled code looks at its fuel in functions and loops, so what it burns behind the last of them is free.
        let needed = used(WORK).await;
        let (mut least, mut too_little) = (needed, needed - 10_000);
        while least - too_little > 1 {
            let between = too_little.midpoint(least);
            if run(between).await.0.is_ok() { least = between } else { too_little = between }
        }
        assert!(needed - least < 1000, "{needed} {least}");
        for _ in 0..3 {
            assert!(run(least + 1).await.0.is_ok());
            assert!(run(least).await.0.is_ok());
            let (ended, context) = run(least - 1).await;
            let error = ended.unwrap_err();
            assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::FuelLimit, false));
            let parts = format!("its {} units of fuel; the context was replaced", least - 1);
            assert!(error.to_string().contains(&parts), "{error}");
            assert_eq!(context.eval_as::<i32>("1 + 1").await.unwrap(), 2);
        }
    }

    #[tokio::test]
    async fn what_a_script_has_done_when_its_fuel_ends_is_the_same_every_time() {
        async fn printed() -> usize {
            let console = Console::new();
            let context = FUELLED.context().limits(limits(|limits| limits.fuel = 2_000_000)).await.unwrap();
            let error = context.printing_to(&console).eval("for (let i = 0; ; i++) console.log(i)").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::FuelLimit);
            console.take().len()
        }
        let first = printed().await;
        assert!(first > 10, "{first}");
        for _ in 0..3 {
            assert_eq!(printed().await, first);
        }
    }

    #[tokio::test]
    async fn fuel_is_that_of_a_call_over_all_its_waits() {
        let limits = limits(|limits| limits.fuel = 3_000_000);
        let context = FUELLED.context().functions(host_functions()).limits(limits).await.unwrap();
        for _ in 0..20 {
            context.eval("for (let i = 0; i < 1000; i++);").await.unwrap();
        }
        let source = "for (;;) { for (let i = 0; i < 1000; i++); await later() }";
        assert_eq!(context.eval(source).await.unwrap_err().kind(), ErrorKind::FuelLimit);
    }

    #[tokio::test]
    async fn a_limit_that_would_not_be_kept_is_refused() {
        let limits = limits(|limits| limits.fuel = 1_000_000);
        let errors = [
            Sandbox::builder().limits(limits).build().unwrap_err(),
            SANDBOX.context().limits(limits).await.unwrap_err(),
            open(|_| {}).await.limited(limits).eval("1").await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
            assert!(error.to_string().contains("1000000 units of fuel"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_call_that_is_refused_costs_no_other_anything() {
        let gate = Event::new();
        let open = gate.listen();
        let open = Mutex::new(Some(open));
        let functions = Functions::new().function("opened", move |(): (), _| {
            let open = open.lock().unwrap().take();
            async move {
                open.unwrap().await;
                Ok::<_, Infallible>(7)
            }
        });
        let context = SANDBOX.context().functions(functions).await.unwrap();
        let mut waiting = Box::pin(context.eval_as::<i32>("await opened()").into_future());
        assert!(poll!(&mut waiting).is_pending());
        let fuel = limits(|limits| limits.fuel = 1_000_000);
        assert_eq!(context.limited(fuel).eval("1").await.unwrap_err().kind(), ErrorKind::InvalidArgument);
        gate.notify(1);
        assert_eq!(waiting.await.unwrap(), 7);
    }
}

/// How calls are ended: by the brake page where there is one, or by epochs.
mod brakes {
    use super::*;

    /// No instruction of it is a step of QuickJS's own, at which it could be asked.
    const DEAF: &str = "new Array(2e8) + ''";

    async fn is_ended_and_replaced(sandbox: &Sandbox) {
        for round in 0..20 {
            let context = sandbox.context().await.unwrap();
            assert_eq!(context.eval("typeof before").await.unwrap(), "undefined".into(), "{round}");
            context.eval("globalThis.before = [1, 2, 3]").await.unwrap();
            let error = context.eval(DEAF).timeout(20 * MS).await.unwrap_err();
            assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, false), "{error}");
            assert_eq!(context.eval("typeof before").await.unwrap(), "undefined".into(), "{round}");
            context.close().await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_does_not_heed_is_ended_and_its_place_is_as_good_as_new() {
        // One place, so each context is where the last one was ended.
        is_ended_and_replaced(&Sandbox::builder().max_contexts(1).build().unwrap()).await;
    }

    #[tokio::test]
    async fn with_epochs_it_is_the_same() {
        is_ended_and_replaced(&Sandbox::builder().max_contexts(1).use_epochs().build().unwrap()).await;
    }

    #[tokio::test]
    async fn a_call_that_ends_just_when_it_is_to_be_ended_does_no_harm() {
        // Longer after each that was not ended and shorter after each that was: so their time is about their limit on any machine, and some end while
        // their page is being closed.
        let sandbox = Sandbox::builder().max_contexts(4).build().unwrap();
        let each = async || {
            let context = sandbox.context().await.unwrap();
            let (mut length, mut rounds, mut ended) = (10_000, 0, 0);
            while rounds < 100 || ended == 0 || ended == rounds {
                let answer = context.eval(format!("(new Array({length}) + '').length")).timeout(2 * MS).await;
                rounds += 1;
                match answer {
                    Ok(commas) => {
                        assert_eq!(commas, Value::Number((length - 1) as f64));
                        length += length / 8;
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
                        ended += 1;
                        length = (length - length / 4).max(8);
                    }
                }
            }
        };
        join_all((0..4).map(|_| each())).await;
    }

    #[tokio::test]
    async fn who_is_in_the_host_when_time_is_over_is_asked_first() {
        let functions = Functions::new().sync_function("work", |(): (), _| {
            let end = Instant::now() + 30 * MS;
            while Instant::now() < end {
                std::hint::spin_loop();
            }
            Ok::<_, Infallible>(())
        });
        let context = SANDBOX.context().functions(functions).await.unwrap();
        context.eval("globalThis.kept = 1").await.unwrap();
        let mut kept = false;
        for _ in 0..20 {
            context.eval("globalThis.kept ??= 1").await.unwrap();
            let error = context.eval("work(); for (;;);").timeout(5 * MS).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
            kept = kept || error.is_context_kept();
        }
        assert!(kept, "it was trapped each time");
    }

    #[tokio::test]
    async fn who_goes_on_calling_the_host_is_ended_all_the_same() {
        // One until it is asked, one that it may have begun before it saw that, and one in which its time is over. With epochs it goes on until the
        // ticker had its turn, which a busy machine may keep it from.
        let brakes = Sandbox::builder().max_contexts(1);
        let epochs = Sandbox::builder().max_contexts(1).use_epochs();
        for (sandbox, most) in [(brakes, 10), (epochs, 500)] {
            let calls = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&calls);
            let functions = Functions::new().sync_function("work", move |(): (), _| {
                counted.fetch_add(1, Ordering::Relaxed);
                let end = Instant::now() + 20 * MS;
                while Instant::now() < end {
                    std::hint::spin_loop();
                }
                Ok::<_, Infallible>(())
            });
            let context = sandbox.functions(functions).build().unwrap().context().await.unwrap();
            let error = context.eval("for (;;) work()").timeout(5 * MS).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
            assert!(calls.load(Ordering::Relaxed) < most, "{calls:?}");
        }
    }
}

mod memory {
    use super::*;

    #[tokio::test]
    async fn an_allocation_that_fits_is_made_and_one_that_does_not_is_out_of_memory() {
        let size = |bytes: usize| format!("new Uint8Array({bytes}).length");
        for bytes in [8 << 20, 11 << 20] {
            let context = open(|limits| limits.memory = 16 << 20).await;
            assert_eq!(context.eval_as::<usize>(size(bytes)).await.unwrap(), bytes);
        }
        let context = open(|limits| limits.memory = 16 << 20).await;
        refuses(&context.eval(size(12 << 20)).await.unwrap_err(), ErrorKind::MemoryLimit, "16777216 bytes of memory");
        assert_eq!(context.eval_as::<usize>(size(8 << 20)).await.unwrap(), 8 << 20);
    }

    #[tokio::test]
    async fn null_that_is_thrown_is_no_want_of_memory_where_there_is_some() {
        let context = open(|limits| limits.memory = 16 << 20).await;
        let error = context.eval("try { new Uint8Array(1 << 30) } catch {} throw null").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Thrown, "{error}");
    }

    #[tokio::test]
    async fn a_result_that_is_small_encoded_and_large_decoded_counts_as_it_is() {
        let context = open(|limits| limits.memory = 40 << 20).await;
        assert_eq!(context.eval_as::<Vec<u8>>("Array(100000).fill(1)").await.unwrap().len(), 100_000);
        let error = context.eval("Array(1000000).fill(1)").await.unwrap_err();
        refuses(&error, ErrorKind::MemoryLimit, "the result takes more than is left of its 41943040 bytes");
    }

    #[tokio::test]
    async fn arguments_of_a_host_function_count_as_memory() {
        let functions =
            Functions::new().sync_function("take", |(list,): (Vec<u8>,), _| Ok::<_, Infallible>(list.len()));
        let limits = limits(|limits| limits.memory = 40 << 20);
        let context = SANDBOX.context().functions(functions).limits(limits).await.unwrap();
        assert_eq!(context.eval_as::<usize>("take(Array(100000).fill(1))").await.unwrap(), 100_000);
        let caught = "try { take(Array(1000000).fill(1)) } catch (error) { error.name }";
        assert_eq!(context.eval(caught).await.unwrap(), "RangeError".into());
        refuses(&context.eval("take(Array(1000000).fill(1))").await.unwrap_err(), ErrorKind::MemoryLimit, "memory");
    }

    #[tokio::test]
    async fn results_of_a_batch_that_wait_for_the_others_count_as_memory() {
        let context = open(|limits| limits.memory = 16 << 20).await;
        let results = context.eval_batch(vec!["'x'.repeat(1e6)"; 40]).await.unwrap();
        let fitting = results.iter().take_while(|result| result.is_ok()).count();
        assert!((5..15).contains(&fitting), "{fitting}");
        assert!(
            results[fitting..]
                .iter()
                .all(|result| result.as_ref().is_err_and(|error| error.kind() == ErrorKind::MemoryLimit))
        );
        // What was taken makes room.
        assert_eq!(context.eval_as::<usize>("new Uint8Array(11 << 20).length").await.unwrap(), 11 << 20);
    }

    #[tokio::test]
    async fn errors_of_a_batch_count_as_memory_with_what_was_thrown() {
        let context = open(|limits| limits.memory = 16 << 20).await;
        let results = context.eval_batch(vec!["throw new Array(5000).fill(0)"; 400]).await.unwrap();
        let errors: Vec<_> = results.into_iter().map(Result::unwrap_err).collect();
        let fitting = errors.iter().take_while(|error| error.kind() == ErrorKind::Thrown).count();
        assert!((20..200).contains(&fitting), "{fitting}");
        refuses(&errors[fitting], ErrorKind::MemoryLimit, "more than is left of its 16777216 bytes");
        let thrown = errors[0].exception().unwrap().thrown.as_ref();
        assert!(thrown.is_some_and(|thrown| matches!(thrown, Value::Array(items) if items.len() == 5000)));
        // What would take more than such values may is left out.
        let error = context.eval("throw new Array(65000).fill(0)").await.unwrap_err();
        assert_eq!(error.exception().unwrap().thrown, None);
    }

    #[tokio::test]
    async fn what_waits_in_a_console_counts_as_memory() {
        let console = Console::new();
        let limits = limits(|limits| (limits.memory, limits.console) = (16 << 20, 100 << 20));
        let sandbox = Sandbox::builder().limits(limits).build().unwrap();
        let context = sandbox.context().await.unwrap().printing_to(&console);
        context.eval("for (let i = 0; i < 100; i++) console.log('x'.repeat(500000))").await.unwrap();
        let messages = console.take();
        assert!((3..30).contains(&messages.len()), "{}", messages.len());
        let last = messages.last().unwrap().text();
        assert!(last.contains("cut here: it takes more than is left of its 16777216 bytes of memory"), "{last}");
        context.eval("console.log('x'.repeat(500000))").await.unwrap();
        assert_eq!(console.take().len(), 1, "what was taken makes room");
    }

    #[tokio::test]
    async fn what_a_stream_has_no_room_for_is_refused_by_the_limit_that_holds() {
        const THROWS: &str = "throw new Array(5000).fill(0)";
        let context = open(|_| {}).await;
        // The engine keeps the memory that this had, so that there is more of it than a context has to have.
        context.eval("new Uint8Array(4 << 20); 0").await.unwrap();
        let meter = Meter::new();
        context.metered(&meter).eval(THROWS).await.unwrap_err();
        // Less than what was thrown takes.
        let scarce = meter.total().memory_after + (64 << 10);
        let expected = format!("more than is left of its {scarce} bytes of memory");
        let limited = context.limited(limits(|limits| limits.memory = scarce));
        let mut errors = vec![limited.eval_batch([THROWS]).stream().next().await.unwrap().unwrap_err()];
        errors.extend(limited.eval_batch([THROWS]).await.unwrap().into_iter().map(Result::unwrap_err));
        errors.iter().for_each(|error| refuses(error, ErrorKind::MemoryLimit, &expected));
    }

    #[tokio::test]
    async fn a_sink_hears_what_a_console_has_no_memory_for() {
        let heard = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&heard);
        let limits = limits(|limits| (limits.memory, limits.console) = (16 << 20, 100 << 20));
        let sandbox = Sandbox::builder().limits(limits).build().unwrap();
        let context = sandbox.context().on_console(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let (console, meter) = (Console::new(), Meter::new());
        let context = context.await.unwrap().printing_to(&console).metered(&meter);
        context.eval("for (let i = 0; i < 100; i++) console.log('x'.repeat(500000))").await.unwrap();
        assert_eq!(heard.load(Ordering::Relaxed), 100);
        let bytes = meter.total().console_bytes;
        assert!((50_000_000..51_000_000).contains(&bytes), "{bytes}");
        let messages = console.take();
        let cuts = messages.iter().filter(|message| message.text().contains("cut here")).count();
        assert!(messages.len() < 30 && cuts == 1, "{} messages, {cuts}", messages.len());
    }

    #[tokio::test]
    async fn a_stream_of_large_results_waits_for_its_consumer() {
        let context = open(|limits| limits.memory = 16 << 20).await;
        let results: Vec<_> = context.eval_batch(vec!["'x'.repeat(1e6)"; 40]).stream().collect().await;
        assert_eq!(results.len(), 40);
        assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|result| result.is_err()));
    }
}

mod sizes {
    use super::*;

    #[tokio::test]
    async fn the_stack_is_as_deep_as_its_limit_lets_it_be() {
        let depth = "let depth = 0; \
            function down() { depth++; down() } try { down() } catch (error) { [error.name, depth] }";
        let mut depths = Vec::new();
        for kib in [64, 128, 256] {
            let context = open(|limits| limits.stack = kib << 10).await;
            let (name, depth) = context.eval_as::<(String, u32)>(depth).await.unwrap();
            assert_eq!(name, "RangeError");
            depths.push(depth);
        }
        assert!(depths[0] > 50 && depths[1] > depths[0] && depths[2] > depths[1], "{depths:?}");
    }

    #[tokio::test]
    async fn a_source_may_be_as_long_as_its_limit() {
        let context = open(|limits| limits.source = 100).await;
        for length in [99, 100] {
            assert!(context.eval(format!("{:<length$}", "1 + 1")).await.is_ok());
        }
        refuses(&context.eval(" ".repeat(101)).await.unwrap_err(), ErrorKind::SourceTooLarge, "longer than 100 bytes");
        let batch = context.eval_batch(vec![" ".repeat(101), "2".to_owned()]).await.unwrap();
        refuses(batch[0].as_ref().unwrap_err(), ErrorKind::SourceTooLarge, "longer than 100 bytes");
        assert_eq!(batch[1].as_ref().unwrap(), &2.into());
    }

    #[tokio::test]
    async fn a_result_may_be_as_long_as_its_limit() {
        let context = open(|limits| limits.result = 0).await;
        let results: Vec<_> = context.eval_batch(["1", "2"]).stream().collect().await;
        assert_eq!(results.len(), 2);
        results.iter().for_each(|result| refuses(result.as_ref().unwrap_err(), ErrorKind::ResultTooLarge, "0 bytes"));
        // Encoded, a text of 1000 bytes has a head of three.
        let context = open(|limits| limits.result = 1003).await;
        for length in [999, 1000] {
            assert!(context.eval(format!("'x'.repeat({length})")).await.is_ok());
        }
        let error = context.eval("'x'.repeat(1001)").await.unwrap_err();
        refuses(&error, ErrorKind::ResultTooLarge, "longer than 1003 bytes");
    }

    #[tokio::test]
    async fn console_output_is_cut_behind_its_limit() {
        let console = Console::new();
        let mut printed = Vec::new();
        for bytes in [10_000, 10_001] {
            let context = open(|limits| limits.console = 10_000).await.printing_to(&console);
            context.eval("console.log('')").await.unwrap();
            let meter = Meter::new();
            let context = context.metered(&meter);
            context.eval("console.log('')").await.unwrap();
            let overhead = usize::try_from(meter.take().console_bytes).unwrap();
            context.eval(format!("console.log('x'.repeat({}))", bytes - overhead)).await.unwrap();
            assert!(meter.total().console_bytes <= 10_000);
            printed.push(console.take().len());
        }
        assert_eq!(printed, [3, 4], "the second is cut, and one message more says so");
    }
}

mod host {
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
}

mod hierarchy {
    use super::*;

    fn result(bytes: usize) -> Limits {
        limits(|limits| limits.result = bytes)
    }

    /// The longest text that comes out, where the limits of results are these.
    async fn longest(sandbox: usize, group: usize, context: usize, call: usize) -> usize {
        let sandbox = Sandbox::builder().limits(result(sandbox)).build().unwrap();
        let group = Group::new(result(group), Budget::default());
        let context = sandbox.context().group(&group).limits(result(context)).await.unwrap().limited(result(call));
        for length in 0..100 {
            if context.eval(format!("'x'.repeat({length})")).await.is_err() {
                return length;
            }
        }
        100
    }

    #[tokio::test]
    async fn the_lowest_of_sandbox_group_context_and_call_holds() {
        let found = [
            longest(10, 20, 20, 20).await,
            longest(20, 10, 20, 20).await,
            longest(20, 20, 10, 20).await,
            longest(20, 20, 20, 10).await,
        ];
        assert_eq!(found, [10; 4]);
    }

    fn budget(change: impl FnOnce(&mut Budget)) -> Group {
        let mut budget = Budget::default();
        change(&mut budget);
        Group::new(Limits::default(), budget)
    }

    #[tokio::test]
    async fn the_contexts_of_a_group_share_its_memory() {
        let group = budget(|budget| budget.memory = 40 << 20);
        let (one, other) =
            (SANDBOX.context().group(&group).await.unwrap(), SANDBOX.context().group(&group).await.unwrap());
        let take = |mib: usize| format!("globalThis.taken = new Uint8Array({mib} << 20); 1");
        one.eval(take(25)).await.unwrap();
        let error = other.eval(take(25)).await.unwrap_err();
        refuses(&error, ErrorKind::MemoryLimit, "more than the 41943040 bytes of memory of its group");
        assert!((25 << 20..40 << 20).contains(&group.memory()), "{}", group.memory());
        one.reset().await.unwrap();
        other.eval(take(25)).await.unwrap();
        drop(one);
        other.close().await.unwrap();
    }

    #[tokio::test]
    async fn memory_and_places_come_back_to_the_group_at_the_end_of_a_context() {
        let group = budget(|budget| budget.instances = 2);
        let one = SANDBOX.context().group(&group).await.unwrap();
        let other = SANDBOX.context().group(&group).await.unwrap();
        let error = SANDBOX.context().group(&group).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::GroupFull);
        assert!(error.to_string().contains("its 2 instances"), "{error}");
        one.close().await.unwrap();
        assert_eq!(group.instances(), 1);
        let third = SANDBOX.context().group(&group).await.unwrap();
        join_all([other.close(), third.close()]).await;
        assert_eq!((group.instances(), group.memory()), (0, 0));
    }

    #[tokio::test]
    async fn the_contexts_of_a_group_share_its_processor_time() {
        let group = budget(|budget| budget.cpu_time = 100 * MS);
        let one = SANDBOX.context().group(&group).await.unwrap();
        let other = SANDBOX.context().group(&group).await.unwrap();
        let ended = join_all([one.eval("for (;;);").into_future(), other.eval("for (;;);").into_future()]).await;
        for error in ended.into_iter().map(Result::unwrap_err) {
            assert_eq!(error.kind(), ErrorKind::CpuLimit);
            assert!(
                error.to_string().contains("the group has used its 100ms of processor time; the context was"),
                "{error}"
            );
        }
        assert!((100 * MS..200 * MS).contains(&group.cpu_time()), "{:?}", group.cpu_time());
        refuses(&one.eval("1").await.unwrap_err(), ErrorKind::CpuLimit, "100ms");
        assert_eq!(SANDBOX.context().group(&group).await.unwrap_err().kind(), ErrorKind::CpuLimit);
        group.add_cpu_time(Duration::from_secs(5));
        assert_eq!(one.eval_as::<i32>("1 + 1").await.unwrap(), 2);
    }

    #[tokio::test]
    async fn the_items_of_a_batch_that_its_group_refuses_are_those_whose_turn_it_is() {
        let group = budget(|budget| budget.cpu_time = 50 * MS);
        // So one at a time is made ahead.
        let limits = limits(|limits| limits.result = 1);
        let context = SANDBOX.context().group(&group).limits(limits).await.unwrap();
        let mut results = context.eval_batch(["for (;;);", "2", "3", "4"]).stream();
        for _ in 0..2 {
            assert_eq!(results.next().await.unwrap().unwrap_err().kind(), ErrorKind::CpuLimit);
        }
        group.add_cpu_time(Duration::from_secs(5));
        assert_eq!(results.next().await.unwrap().unwrap(), 3.into());
        assert_eq!(results.next().await.unwrap().unwrap(), 4.into());
        assert!(results.next().await.is_none());
    }
}

mod receipts {
    use super::*;

    #[tokio::test]
    async fn a_call_says_what_it_used() {
        let context = open(|_| {}).await;
        let (console, meter) = (Console::new(), Meter::new());
        let source =
            "console.log('hello'); echo('abc'); const until = Date.now() + 10; while (Date.now() < until); 'result'";
        context.metered(&meter).printing_to(&console).eval(source).await.unwrap();
        let used = meter.take();
        assert_eq!((used.calls, used.host_calls, used.interrupts, used.lost), (1, 1, 0, 0), "{used:?}");
        assert_eq!((used.bytes_in, used.bytes_out), (source.len() as u64, 7), "{used:?}");
        // A list of one text of three bytes, and the text.
        assert_eq!(used.host_bytes, 5 + 4, "{used:?}");
        assert!(used.console_bytes > 5 && used.memory_after > 1 << 20 && used.memory >= used.memory_after, "{used:?}");
        assert!(used.wall >= 5 * MS && used.cpu > Duration::ZERO && used.cpu <= used.wall, "{used:?}");
        assert_eq!(meter.total(), Default::default());
    }

    #[tokio::test]
    async fn a_call_that_fails_or_is_given_up_is_counted_too() {
        let meter = Meter::new();
        let context = open(|limits| limits.wall_time = 20 * MS).await.metered(&meter);
        context.eval("for (;;);").await.unwrap_err();
        assert_eq!((meter.total().calls, meter.take().interrupts), (1, 1));
        context.eval("throw 1").await.unwrap_err();
        assert_eq!((meter.total().calls, meter.take().interrupts), (1, 0));
        context.eval("await never()").await.unwrap_err();
        assert_eq!((meter.total().calls, meter.take().interrupts), (1, 1));
    }

    #[tokio::test]
    async fn contexts_and_sandboxes_have_totals() {
        let (whole, part) = (Meter::new(), Meter::new());
        let sandbox = Sandbox::builder().meter(&whole).build().unwrap();
        let (one, other) = (sandbox.context().meter(&part).await.unwrap(), sandbox.context().await.unwrap());
        for _ in 0..3 {
            one.eval("1").await.unwrap();
            other.eval("1").await.unwrap();
        }
        one.eval_batch(["1", "2"]).await.unwrap();
        assert_eq!((part.total().calls, whole.total().calls), (5, 8));
        assert!(whole.total().cpu > part.total().cpu);
    }

    #[tokio::test]
    async fn a_call_is_counted_once_and_so_is_one_that_is_refused() {
        let meter = Meter::new();
        let context = SANDBOX.context().meter(&meter).limits(limits(|limits| limits.source = 10)).await.unwrap();
        context.metered(&meter).eval("1").await.unwrap();
        assert_eq!(meter.take().calls, 1);
        context.eval(" ".repeat(11)).await.unwrap_err();
        assert_eq!(meter.take().calls, 1);
        context.eval_batch(vec![" ".repeat(11), "1".to_owned()]).await.unwrap();
        assert_eq!(meter.take().calls, 2);
    }

    #[tokio::test]
    async fn the_items_of_a_hop_have_waited_once() {
        let meter = Meter::new();
        let context = open(|_| {}).await;
        let began = Instant::now();
        let slow = context.eval("const until = Date.now() + 30; while (Date.now() < until);").queue();
        let batch = context.metered(&meter).eval_batch(vec!["1"; 50]).queue();
        slow.await.unwrap();
        batch.await.unwrap();
        let used = meter.total();
        assert!(used.calls == 50 && used.queue <= began.elapsed(), "{used:?}");
    }

    #[tokio::test]
    async fn the_time_in_the_queue_is_apart() {
        let (first, second) = (Meter::new(), Meter::new());
        let (opened, gate) = mpsc::channel();
        let gate = Mutex::new(gate);
        let functions = Functions::new().sync_function("wait", move |(): (), _| gate.lock().unwrap().recv());
        let context = SANDBOX.context().functions(functions).await.unwrap();
        let slow = context.metered(&first).eval("wait()").queue();
        let quick = context.metered(&second).eval("1").queue();
        let queued = Instant::now();
        while queued.elapsed() < 5 * MS {
            thread::yield_now();
        }
        opened.send(()).unwrap();
        slow.await.unwrap();
        quick.await.unwrap();
        let (first, second) = (first.total(), second.total());
        assert!(first.queue + first.wall >= 5 * MS && second.queue >= 5 * MS, "{first:?} {second:?}");
    }

    #[tokio::test]
    async fn what_a_script_uses_after_its_wait_is_counted() {
        let meter = Meter::new();
        let context = open(|_| {}).await.metered(&meter);
        context.eval("await later(); const until = Date.now() + 10; while (Date.now() < until); 1").await.unwrap();
        let used = meter.total();
        assert!(used.calls == 1 && used.cpu > MS && used.wall >= 9 * MS, "{used:?}");
    }
}
