//! How long a tokio task waits for a call: a distribution, which criterion does not give, and several ways to make the
//! call side by side.

use std::{
    fmt,
    future::Future,
    time::{Duration, Instant},
};

use tokio::{runtime::Runtime, time::sleep};

use crate::{
    cpu,
    turns::{median, take_turns},
};

/// Callers at a time, each making its next call as soon as it has an answer.
const CALLERS: [usize; 3] = [1, 8, 64];

/// How often each way has its turn in a table.
const TURNS: usize = 20;

/// Calls of one turn, by all callers together.
const CALLS: usize = 3200;

/// Calls of a turn with pauses.
const IDLE_CALLS: usize = 25;

/// A pause after which both the worker and the caller's own thread are parked.
const PAUSE: Duration = Duration::from_millis(2);

/// What makes a call, over and over. Each caller has a clone.
pub(crate) trait Caller: Clone + Send + 'static {
    fn call(&self) -> impl Future<Output = ()> + Send;
}

impl<F, A> Caller for F
where
    F: Fn() -> A + Clone + Send + 'static,
    A: Future<Output = ()> + Send,
{
    fn call(&self) -> impl Future<Output = ()> + Send {
        self()
    }
}

/// One way to make a call, under the name that tables give it.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    turn: Measure,
}

type Measure = Box<dyn Fn(&Runtime, Load, usize) -> Turn>;

impl Way {
    pub(crate) fn new(name: &'static str, caller: impl Caller) -> Way {
        Way { name, turn: Box::new(move |runtime, load, calls| measure(runtime, &caller, load, calls)) }
    }

    /// Makes this many calls, shared among the callers.
    pub(crate) fn turn(&self, runtime: &Runtime, load: Load, calls: usize) -> Turn {
        (self.turn)(runtime, load, calls)
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// One call at a time, with the worker parked in between.
    Idle,
    Callers(usize),
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Load::Idle => write!(f, "idle"),
            Load::Callers(1) => write!(f, "1 caller"),
            Load::Callers(callers) => write!(f, "{callers} callers"),
        }
    }
}

/// What was measured in one go.
pub(crate) struct Turn {
    /// Of each call, but for the first tenth of each caller's, which is to warm up.
    times: Vec<Duration>,
    /// From the first call to the last answer, divided by the calls.
    pub(crate) time_per_call: Duration,
    /// Of all threads that take part, divided by the calls.
    cpu_per_call: Duration,
}

fn measure(runtime: &Runtime, caller: &impl Caller, load: Load, calls: usize) -> Turn {
    let (callers, pause) = match load {
        Load::Idle => (1, PAUSE),
        Load::Callers(callers) => (callers, Duration::ZERO),
    };
    let calls = calls.div_ceil(callers);
    let cpu_before = cpu::of_other_threads();
    let started = Instant::now();
    let tasks: Vec<_> = (0..callers).map(|_| runtime.spawn(make_calls(caller.clone(), calls, pause))).collect();
    let times = runtime.block_on(async {
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await.expect("a caller does not panic"));
        }
        times
    });
    let per_call = |time: Duration| time.div_f64((calls * callers) as f64);
    let time_per_call = per_call(started.elapsed());
    Turn { times, time_per_call, cpu_per_call: per_call(cpu::of_other_threads().saturating_sub(cpu_before)) }
}

async fn make_calls(caller: impl Caller, calls: usize, pause: Duration) -> Vec<Duration> {
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        if !pause.is_zero() {
            sleep(pause).await;
        }
        let started = Instant::now();
        caller.call().await;
        times.push(started.elapsed());
    }
    times.split_off(calls / 10)
}

/// Prints a table for each load. Beside each figure stands how many times that of the first way, and of the second, it
/// is.
pub(crate) fn print(runtime: &Runtime, what: &str, ways: &[Way]) {
    for load in [Load::Idle].into_iter().chain(CALLERS.map(Load::Callers)) {
        let calls = if let Load::Idle = load { IDLE_CALLS } else { CALLS };
        let turns = take_turns(ways, TURNS, |way| way.turn(runtime, load, calls));
        let rows: Vec<_> = turns.into_iter().map(figures).collect();
        print!("\n{:<32}", format!("{what}, {load}"));
        // The next call comes after a pause, so how many there are in a second says nothing.
        let columns = if let Load::Idle = load { &COLUMNS[..3] } else { &COLUMNS };
        for column in columns {
            print!(" {column:>9} {:13}", "");
        }
        println!();
        for (way, row) in ways.iter().zip(&rows) {
            print!("{:<32}", way.name);
            for (column, figure) in row.iter().enumerate().take(columns.len()) {
                print!(" {figure:>9.2}");
                for base in rows.iter().take(2) {
                    print!(" {:>6.2}", figure / base[column]);
                }
            }
            println!();
        }
    }
}

const COLUMNS: [&str; 4] = ["p50 us", "p99 us", "CPU us", "calls/ms"];

/// All turns of one way, as the columns say.
fn figures(turns: Vec<Turn>) -> [f64; 4] {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let cpu = median(turns.iter().map(|turn| micros(turn.cpu_per_call)).collect());
    let rate = median(turns.iter().map(|turn| 1e3 / micros(turn.time_per_call)).collect());
    let mut times: Vec<_> = turns.into_iter().flat_map(|turn| turn.times).collect();
    times.sort_unstable();
    let percentile = |percent: usize| micros(times[(times.len() - 1) * percent / 100]);
    [percentile(50), percentile(99), cpu, rate]
}
