//! How long a tokio task waits for a call: a distribution, which criterion does not give.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use aiointernal::{Context, HeapThread};
use tokio::{runtime::Runtime, time::sleep};

use crate::{
    SUM,
    native::{Channel, Native},
};

/// Callers at a time, each making its next call as soon as it has an answer.
const CALLERS: [usize; 3] = [1, 8, 64];

/// Calls of one row, by all callers together.
const CALLS: usize = 64_000;

/// Calls of a row with pauses.
const IDLE_CALLS: usize = 1000;

/// A pause after which both the worker and the caller's own thread are parked.
const PAUSE: Duration = Duration::from_millis(2);

/// Prints a row for each kind of call and each load.
pub(crate) fn print(runtime: &Runtime, context: &Context, thread: &HeapThread<()>) {
    let empty_channel = Channel::open(|| || 0);
    let native = Channel::open(|| {
        let native = Native::new();
        move || native.sum(SUM)
    });
    println!("{:<44} {:>10} {:>10} {:>10}", "round trip in us", "p50", "p99", "mean");
    for load in Load::all() {
        let thread = thread.clone();
        row(runtime, "no-op, ours", load, move || {
            let call = thread.call(|()| ());
            async { call.await.expect("the call runs") }
        });
        let channel = empty_channel.clone();
        row(runtime, "no-op, native behind a channel", load, move || {
            let channel = channel.clone();
            async move { assert_eq!(channel.call().await, 0) }
        });
        let context = context.clone();
        row(runtime, "eval, ours", load, move || {
            let call = context.eval_as::<i32>(SUM);
            async { assert_eq!(call.await.expect("the script is right"), 3) }
        });
        let channel = native.clone();
        row(runtime, "eval, native behind a channel", load, move || {
            let channel = channel.clone();
            async move { assert_eq!(channel.call().await, 3) }
        });
    }
}

#[derive(Clone, Copy)]
enum Load {
    /// One call at a time, with the worker parked in between.
    Idle,
    Callers(usize),
}

impl Load {
    fn all() -> impl Iterator<Item = Load> {
        [Load::Idle].into_iter().chain(CALLERS.map(Load::Callers))
    }
}

fn row<F, A>(runtime: &Runtime, name: &str, load: Load, call: F)
where
    F: Fn() -> A + Clone + Send + 'static,
    A: Future<Output = ()> + Send,
{
    let (load, mut times) = match load {
        Load::Idle => ("idle".to_owned(), measure(runtime, 1, IDLE_CALLS, PAUSE, call)),
        Load::Callers(1) => ("1 caller".to_owned(), measure(runtime, 1, CALLS, Duration::ZERO, call)),
        Load::Callers(callers) => {
            (format!("{callers} callers"), measure(runtime, callers, CALLS / callers, Duration::ZERO, call))
        }
    };
    times.sort_unstable();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let percentile = |percent: usize| micros(times[(times.len() - 1) * percent / 100]);
    let mean = micros(times.iter().sum()) / times.len() as f64;
    let name = format!("{name}, {load}");
    println!("{name:<44} {:>10.2} {:>10.2} {mean:>10.2}", percentile(50), percentile(99));
}

/// The times of all calls; each caller's first tenth is to warm up.
fn measure<F, A>(runtime: &Runtime, callers: usize, calls: usize, pause: Duration, call: F) -> Vec<Duration>
where
    F: Fn() -> A + Clone + Send + 'static,
    A: Future<Output = ()> + Send,
{
    let callers: Vec<_> = (0..callers)
        .map(|_| {
            let call = call.clone();
            runtime.spawn(async move {
                let mut times = Vec::with_capacity(calls);
                for _ in 0..calls {
                    if !pause.is_zero() {
                        sleep(pause).await;
                    }
                    let started = Instant::now();
                    call().await;
                    times.push(started.elapsed());
                }
                times.split_off(calls / 10)
            })
        })
        .collect();
    let all = async {
        let mut times = Vec::new();
        for caller in callers {
            times.extend(caller.await.expect("a caller does not panic"));
        }
        times
    };
    runtime.block_on(all)
}
