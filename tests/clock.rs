//! Time and chance as a policy: what clock, what random numbers and what time zone a context sees.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aiointernal::{
    Context, ErrorKind, Sandbox, Value,
    js::{Clock, Console, ContextBuilder, Functions, ManualClock, value},
};
use tokio::sync::Semaphore;

use crate::context::SANDBOX;

/// 2026-01-31T12:00:00Z, and some.
fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_769_860_800_123)
}

const NOW: f64 = 1_769_860_800_123.0;

async fn open(choose: impl FnOnce(ContextBuilder) -> ContextBuilder) -> Context {
    choose(SANDBOX.context()).await.unwrap()
}

const PAUSE: &str = "await new Promise((done) => setTimeout(done, 1000));";

mod fixed {
    use super::*;

    #[tokio::test]
    async fn the_clock_stands_still_for_dates_and_messages_and_timers_are_due_all_the_same() {
        let (context, console) = (open(|context| context.clock(Clock::fixed(start()))).await, Console::new());
        let source = "const now = () => [Date.now(), +new Date(), performance.now(), performance.timeOrigin]; const before = now(); \
            await new Promise((done) => setTimeout(done, 3)); console.log('late'); [before, now()]";
        let seen: [[f64; 4]; 2] = context.printing_to(&console).eval_as(source).await.unwrap();
        assert_eq!(seen, [[NOW, NOW, 0.0, NOW]; 2]);
        assert_eq!(console.take()[0].time(), start());
    }

    #[tokio::test]
    async fn it_may_stand_before_1970() {
        let long_ago = UNIX_EPOCH - Duration::from_millis(1500);
        let (context, console) = (open(|context| context.clock(Clock::fixed(long_ago))).await, Console::new());
        assert_eq!(context.printing_to(&console).eval("console.log(1); Date.now()").await.unwrap(), (-1500).into());
        assert_eq!(console.take()[0].time(), long_ago);
    }

    #[tokio::test]
    async fn a_sandbox_has_one_for_its_contexts_and_a_context_one_of_its_own() {
        let sandbox = Sandbox::builder().max_contexts(2).clock(Clock::fixed(UNIX_EPOCH)).seed(1).build().unwrap();
        let own = sandbox.context().clock(Clock::fixed(start())).seed(2).await.unwrap();
        assert_eq!(own.eval("Date.now()").await.unwrap(), NOW.into());
        let other = sandbox.context().await.unwrap();
        assert_eq!(other.eval("Date.now()").await.unwrap(), 0.into());
        let random = "Math.random()";
        assert_ne!(own.eval(random).await.unwrap(), other.eval(random).await.unwrap());
    }
}

mod virtual_time {
    use super::*;

    #[tokio::test]
    async fn time_jumps_from_timer_to_timer_and_stands_still_while_scripts_run() {
        let context = open(|context| context.clock(Clock::virtual_from(start()))).await;
        let source = "const seen = []; const note = (what) => seen.push([what, Date.now(), performance.now()]); \
            setTimeout(note, 86_400_000, 'day'); const id = setInterval(note, 30_000_000, 'interval'); \
            for (let i = 0; i < 1e5; i++); note('begin'); \
            await new Promise((done) => setTimeout(done, 86_400_001)); clearInterval(id); seen";
        let seen: Vec<(String, f64, f64)> = context.eval_as(source).await.unwrap();
        let expected = [("begin", 0.0), ("interval", 3e7), ("interval", 6e7), ("day", 86_400_000.0)];
        assert_eq!(seen, expected.map(|(what, at)| (what.to_owned(), NOW + at, at)));
    }

    #[tokio::test]
    async fn it_stands_still_while_a_host_function_takes_its_time() {
        let gate = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&gate);
        let functions = Functions::new().function("gate", move |(): (), _| {
            let permits = Arc::clone(&permits);
            async move { permits.acquire().await.map(|permit| permit.forget()) }
        });
        let context = open(|context| context.clock(Clock::virtual_from(start())).functions(functions)).await;
        let source = "let fired = false; const timer = new Promise((done) => setTimeout(() => done(fired = true), 1)); \
            await gate(); const before = fired; await timer; [before, fired]";
        let waiting = context.eval(source).queue();
        // Others that run meanwhile, and timers of theirs, change nothing.
        context.eval("setTimeout(() => {}, 1)").await.unwrap();
        context.eval("Date.now()").await.unwrap();
        gate.add_permits(1);
        assert_eq!(waiting.await.unwrap(), value!([false, true]));
    }

    #[tokio::test]
    async fn timers_fire_at_either_end_of_time() {
        let (dates, ages) = (Duration::from_secs(8_640_000_000_000), Duration::from_secs(1 << 62));
        let source = "const seen = []; setTimeout(() => seen.push(1), 5); const id = setInterval(() => seen.push(2), 2 ** 31 - 1); \
            await new Promise((done) => setTimeout(done, 2 ** 31 - 1)); clearInterval(id); console.log(+new Date()); seen";
        for start in [UNIX_EPOCH + dates, UNIX_EPOCH + ages, UNIX_EPOCH - dates, UNIX_EPOCH - ages] {
            let (context, console) = (open(|context| context.clock(Clock::virtual_from(start))).await, Console::new());
            let seen: Vec<f64> = context.printing_to(&console).eval_as(source).await.unwrap();
            assert_eq!(seen, [1.0, 2.0], "{start:?}");
            assert_eq!(console.take().len(), 1, "{start:?}");
        }
        let clock = ManualClock::new(UNIX_EPOCH);
        let context = open(|context| context.clock(&clock)).await;
        let waiting = context.eval(format!("{PAUSE} 'done'")).queue();
        context.eval("'it has begun'").await.unwrap();
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert_eq!(waiting.await.unwrap(), "done".into());
    }

    #[tokio::test]
    async fn every_fresh_context_begins_at_the_start() {
        let context = open(|context| context.clock(Clock::virtual_from(start())).seed(5)).await;
        let source = format!("{PAUSE} [Date.now(), Math.random()]");
        let first = context.eval(source.as_str()).await.unwrap();
        assert_ne!(context.eval(source.as_str()).await.unwrap(), first);
        context.reset().await.unwrap();
        assert_eq!(context.eval(source.as_str()).await.unwrap(), first);
    }

    /// What it prints and gives is written down here, so that it is the same on every machine.
    #[tokio::test]
    async fn with_a_seed_the_same_script_and_answers_give_the_same_to_the_byte() {
        const SCRIPT: &str = "
            const dice = () => Math.floor(Math.random() * 1e6);
            const seen = [];
            const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
            console.time('all');
            const id = setInterval(() => { console.log('tick', dice(), new Date().toISOString()) }, 250);
            const ask = async (name) => { await sleep(dice() % 1000); seen.push([name, await answer(name), Date.now(), dice()]) };
            await Promise.all(['a', 'b', 'c'].map(ask));
            clearInterval(id);
            setTimeout(() => { throw { code: 7 } }, 5);
            await sleep(10);
            console.timeEnd('all');
            seen";
        let run = async || {
            let functions = Functions::new().function("answer", |(name,): (String,), _| async move {
                // Some real time, and another each time.
                tokio::task::yield_now().await;
                Ok::<_, std::convert::Infallible>(format!("{name}!"))
            });
            let console = Console::new();
            let context =
                open(|context| context.clock(Clock::virtual_from(start())).seed(42).functions(functions)).await;
            let value = context.printing_to(&console).eval(SCRIPT).await.unwrap();
            let since = |time: SystemTime| time.duration_since(start()).unwrap().as_micros();
            let printed = console.take();
            let printed: Vec<String> =
                printed.iter().map(|message| format!("{} {}", since(message.time()), message.text())).collect();
            (value, printed)
        };
        let value = value!([
            ["a", "a!", NOW + 33.0, 50365],
            ["b", "b!", NOW + 313.0, 992824],
            ["c", "c!", NOW + 963.0, 716208]
        ]);
        let printed = [
            "250000 tick 679336 2026-01-31T12:00:00.373Z",
            "500000 tick 426755 2026-01-31T12:00:00.623Z",
            "750000 tick 346335 2026-01-31T12:00:00.873Z",
            "968000 Uncaught { code: 7 }",
            "973000 all: 973ms",
        ];
        for _ in 0..3 {
            assert_eq!(run().await, (value.clone(), printed.map(str::to_owned).to_vec()));
        }
    }
}

mod manual {
    use super::*;

    #[tokio::test]
    async fn time_moves_when_it_is_told_to_in_all_contexts_that_have_it() {
        let clock = ManualClock::new(start());
        let (one, other) = (open(|context| context.clock(&clock)).await, open(|context| context.clock(&clock)).await);
        clock.advance(Duration::from_millis(250));
        assert_eq!(clock.now(), start() + Duration::from_millis(250));
        for context in [&one, &other] {
            assert_eq!(context.eval("Date.now()").await.unwrap(), (NOW + 250.0).into());
            assert_eq!(context.eval("performance.now()").await.unwrap(), 250.into());
        }
        // Nothing else moves it.
        let waiting = one.eval(format!("{PAUSE} Date.now()")).timeout(Duration::from_millis(20));
        assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(one.eval("Date.now()").await.unwrap(), (NOW + 250.0).into());
        // One that is made later begins there.
        let later = open(|context| context.clock(&clock)).await;
        assert_eq!(later.eval("[Date.now(), performance.now()]").await.unwrap(), value!([NOW + 250.0, 0]));
    }

    #[tokio::test]
    async fn what_is_due_on_the_way_fires_in_its_order_and_sees_its_time() {
        let clock = ManualClock::new(UNIX_EPOCH);
        let context = open(|context| context.clock(&clock)).await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&seen);
        let functions = Functions::new().sync_function("note", move |(what, at): (String, f64), _| {
            told.lock().unwrap().push((what, at));
            Ok::<_, std::convert::Infallible>(())
        });
        let source = "setInterval(() => note('interval', Date.now()), 1000); \
            setTimeout(() => { note('timer', Date.now()); setTimeout(() => note('chained', Date.now()), 700) }, 1500); \
            await new Promise((done) => setTimeout(done, 3500)); Date.now()";
        let waiting = context.granting(functions).eval(source).queue();
        context.eval("'it has begun'").await.unwrap();
        clock.advance(Duration::from_secs(1000));
        assert_eq!(waiting.await.unwrap(), 3500.into());
        let expected = [("interval", 1000.0), ("timer", 1500.0), ("interval", 2000.0), ("chained", 2200.0)];
        let expected = [&expected[..], &[("interval", 3000.0)]].concat();
        let seen = seen.lock().unwrap().clone();
        assert_eq!(seen.iter().map(|(what, at)| (what.as_str(), *at)).collect::<Vec<_>>(), expected);
        // Nothing is left, so it goes to the end.
        assert_eq!(context.eval("Date.now()").await.unwrap(), 1e6.into());
    }
}

mod random {
    use super::*;

    #[tokio::test]
    async fn a_seed_gives_the_same_numbers_in_every_fresh_context_and_another_seed_others() {
        let drawn = async |seed| {
            let context = open(|context| context.seed(seed)).await;
            context.eval_as::<[f64; 3]>("[Math.random(), Math.random(), Math.random()]").await.unwrap()
        };
        let first = drawn(7).await;
        assert_eq!(first, [0.8886333854768883, 0.753256495824729, 0.7507337405940526]);
        assert_eq!(drawn(7).await, first);
        assert_ne!(drawn(8).await, first);
    }
}

mod time_zones {
    use super::*;

    async fn within(zone: &str, source: &str) -> Value {
        let context = SANDBOX.context().time_zone(zone).unwrap().await.unwrap();
        context.eval(source).await.unwrap()
    }

    #[tokio::test]
    async fn local_time_is_utc_by_default() {
        let context = SANDBOX.context().await.unwrap();
        let seen =
            context.eval("[new Date(0).getTimezoneOffset(), new Date(2024, 6, 1).toISOString(), String(new Date(0))]");
        let expected = value!([0, "2024-07-01T00:00:00.000Z", "Thu Jan 01 1970 00:00:00 GMT+0000"]);
        assert_eq!(seen.await.unwrap(), expected);
    }

    #[tokio::test]
    async fn local_time_is_that_of_the_zone_in_summer_and_in_winter() {
        let source = "const [winter, summer] = [new Date('2024-01-15T12:00Z'), new Date('2024-07-15T12:00Z')]; \
            [winter.getHours(), summer.getHours(), winter.getTimezoneOffset(), summer.getTimezoneOffset(), String(summer)]";
        let berlin = value!([13, 14, -60, -120, "Mon Jul 15 2024 14:00:00 GMT+0200"]);
        assert_eq!(within("Europe/Berlin", source).await, berlin);
        let kolkata = value!([17, 17, -330, -330, "Mon Jul 15 2024 17:30:00 GMT+0530"]);
        assert_eq!(within("Asia/Kolkata", source).await, kolkata);
    }

    #[tokio::test]
    async fn a_local_time_is_the_moment_that_the_language_says_also_where_the_clocks_change() {
        let at = "((...parts) => new Date(...parts).toISOString())";
        // In New York it was never 2:30 on the one day, and twice 1:30 on the other.
        let source = format!(
            "[{at}(2024, 2, 10, 1, 59), {at}(2024, 2, 10, 2, 30), {at}(2024, 2, 10, 3), {at}(2024, 2, 10, 4), \
            {at}(2024, 10, 3, 0, 59), {at}(2024, 10, 3, 1, 30), {at}(2024, 10, 3, 2), {at}('2024-07-01T12:00')]"
        );
        let expected = value!([
            "2024-03-10T06:59:00.000Z",
            "2024-03-10T07:30:00.000Z",
            "2024-03-10T07:00:00.000Z",
            "2024-03-10T08:00:00.000Z",
            "2024-11-03T04:59:00.000Z",
            "2024-11-03T05:30:00.000Z",
            "2024-11-03T07:00:00.000Z",
            "2024-07-01T16:00:00.000Z"
        ]);
        assert_eq!(within("America/New_York", &source).await, expected);
        // Every hour of the year comes back from its own parts, but for the one that occurs twice.
        let source = "let wrong = []; for (let hour = 0; hour < 366 * 24; hour++) { const at = new Date(Date.UTC(2024, 0, 1, hour)); \
            const back = new Date(at.getFullYear(), at.getMonth(), at.getDate(), at.getHours(), at.getMinutes()); \
            if (+back !== +at) wrong.push(at.toISOString()) } wrong";
        assert_eq!(within("America/New_York", source).await, value!(["2024-11-03T06:00:00.000Z"]));
        assert_eq!(within("Australia/Lord_Howe", source).await, value!(["2024-04-06T15:00:00.000Z"]));
    }

    #[tokio::test]
    async fn all_dates_have_a_local_time() {
        let source = "[8.64e15, -8.64e15, 4e12, -5e12, NaN].map((at) => typeof new Date(at).getHours() + new Date(at).getTimezoneOffset())";
        let expected = value!(["number300", "number296", "number240", "number296", "numberNaN"]);
        assert_eq!(within("America/New_York", source).await, expected);
        let source = "[new Date(275760, 9, 1), new Date(1e20, 1)].map(String)";
        assert_eq!(within("America/New_York", source).await, value!(["Invalid Date", "Invalid Date"]));
    }

    #[test]
    fn a_zone_that_there_is_none_of_is_refused() {
        for name in ["Europe/Nowhere", "", "../etc/passwd", "CEST+1"] {
            let error = SANDBOX.context().time_zone(name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert_eq!(error.to_string(), format!("there is no time zone {name:?}"));
        }
    }
}
