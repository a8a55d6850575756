//! How far beyond its deadline each script of the hostile corpus is answered, and what becomes of its context:
//! `cargo bench --workspace --bench hostile`. Words after `--` pick scripts by category or name.
//!
//! Every run is in a fresh context, with nothing else running.

#[path = "../tests/hostile_file.rs"]
mod hostile_file;
mod machine;

use std::{
    env, fs, hint,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use aiointernal::{Context, ErrorKind, Limits, Sandbox};
use tokio::{runtime::Runtime, time::timeout};

use crate::hostile_file::{Ending, Script};

const DEADLINE: Duration = Duration::from_millis(50);

const MEMORY: usize = 32 << 20;

const RUNS: usize = 3;

/// The whole time of a run after which it is said to hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// Scripts are listed of which the median is beyond this.
const LATE: Duration = Duration::from_millis(3);

/// Categories of scripts that spend their time in JavaScript of their own, and not within one operation of the engine.
const PLAIN: [&str; 6] = ["evasion", "generators", "getters", "loops", "promises", "proxies"];

/// Moments that a thread is waited for, to know the machine.
const SLEEPS: usize = 500;

/// One run of one script.
struct Run<'a> {
    script: &'a Script,
    /// The error's code, or `value`.
    end: &'static str,
    /// Time beyond the deadline.
    over: Duration,
    is_kept: bool,
    /// Bytes that the process grew by at its peak.
    growth: usize,
}

impl Run<'_> {
    fn was_stopped(&self) -> bool {
        self.end == ErrorKind::Timeout.code()
    }

    fn title(&self) -> String {
        format!("{}: {}", self.script.category, self.script.name)
    }
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    // Cargo says `--bench` when it is to be measured; else everything only has to run, once.
    let runs = if arguments.iter().any(|argument| argument == "--bench") { RUNS } else { 1 };
    let words: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let scripts = hostile_file::scripts();
    let picked = |script: &&Script| {
        words.is_empty() || words.iter().any(|word| script.category == **word || script.name.contains(*word))
    };
    println!("{}", machine::Machine::look());

    let runtime = Runtime::new().expect("the system starts tokio's threads");
    let sleeps = machine_lateness(if runs == 1 { 1 } else { SLEEPS });
    // Behind what waits: a machine may take back meanwhile what is not touched, and a context is made within the time of a call.
    let sandbox = Sandbox::new().expect("the engine compiles");
    let mut context = open(&runtime, &sandbox);
    let mut measured: Vec<Run<'_>> = Vec::new();
    for script in scripts.iter().filter(picked) {
        for _ in 0..runs {
            let run = run(&runtime, &context, script);
            if run.end == "hangs" {
                context = open(&runtime, &sandbox);
            }
            measured.push(run);
        }
    }
    print(&measured, &sleeps);
}

/// How late this machine is by itself: a thread that counts, and one that sleeps half a millisecond at a time and tells it to stop.
fn machine_lateness(count: usize) -> Vec<Duration> {
    let mut lateness: Vec<_> = (0..count)
        .map(|_| {
            let until = Instant::now() + DEADLINE;
            let is_over = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        hint::spin_loop();
                    }
                });
                while Instant::now() < until {
                    #[expect(clippy::disallowed_methods, reason = "it is sleeping that is measured")]
                    thread::sleep(Duration::from_micros(500));
                }
                is_over.store(true, Ordering::Relaxed);
            });
            until.elapsed()
        })
        .collect();
    lateness.sort();
    lateness
}

fn open(runtime: &Runtime, sandbox: &Sandbox) -> Context {
    let mut limits = Limits::default();
    limits.wall_time = DEADLINE;
    limits.memory = MEMORY;
    runtime.block_on(async {
        let context = sandbox.context().limits(limits).functions(hostile_file::functions());
        context.await.expect("a context opens")
    })
}

fn run<'a>(runtime: &Runtime, context: &Context, script: &'a Script) -> Run<'a> {
    context.reset().blocking().expect("a context is replaced");
    let before = resident("VmRSS:");
    forget_peak();
    let start = Instant::now();
    let answer = runtime.block_on(async { timeout(PATIENCE, context.eval(script.source())).await });
    let over = start.elapsed().saturating_sub(DEADLINE);
    let growth = resident("VmHWM:").saturating_sub(before);
    let (end, is_kept) = match &answer {
        Err(_) => ("hangs", false),
        Ok(Ok(_)) => ("value", true),
        Ok(Err(error)) => (error.kind().code(), error.is_context_kept()),
    };
    let had_time = end != ErrorKind::Timeout.code() || script.may(&Ending::Stops);
    if had_time && !script.is_bug && answer.is_ok_and(|result| !script.may_end_with(&result)) {
        println!("{}: {} ends otherwise: {end}", script.category, script.name);
    }
    Run { script, end, over, is_kept, growth }
}

/// Prints the table by category, and which scripts went worse than they should.
fn print(runs: &[Run<'_>], sleeps: &[Duration]) {
    let all: Vec<&Run<'_>> = runs.iter().collect();
    let each_of_rank = |rank: usize| -> Vec<&Run<'_>> {
        let of_scripts = all.chunk_by(|a, b| std::ptr::eq(a.script, b.script));
        let picked = of_scripts.map(|runs| {
            let mut runs = runs.to_vec();
            runs.sort_by_key(|run| run.over);
            runs[rank.min(runs.len() - 1)]
        });
        picked.collect()
    };
    let plain: Vec<_> = all.iter().copied().filter(|run| PLAIN.contains(&run.script.category.as_str())).collect();
    let (kept, lost): (Vec<_>, Vec<_>) = all.iter().filter(|run| run.was_stopped()).partition(|run| run.is_kept);
    println!(
        "{RUNS} runs of each script, {} ms and {} MiB; times beyond the deadline in ms",
        DEADLINE.as_millis(),
        MEMORY >> 20
    );
    println!();
    println!("category     scripts   runs    late   hung     p50     p99   worst    kept   RSS+  worst script");
    for of_category in all.chunk_by(|a, b| a.script.category == b.script.category) {
        row(&of_category[0].script.category, of_category);
    }
    row("all", &all);
    row("plain", &plain);
    row("those kept", &kept);
    row("those lost", &lost);
    // Of three: what a script does in most of its runs is not the machine's doing.
    row("the medians", &each_of_rank(1));
    let at = |share: f64| millis(percentile(sleeps, share).copied().unwrap_or_default());
    println!(
        "this machine by itself, {} times: p50 {:.2}, p99 {:.2}, worst {:.2}",
        sleeps.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );

    println!("\nthe medians that are later than {} ms:", LATE.as_millis());
    for run in each_of_rank(1).iter().filter(|run| run.over > LATE) {
        println!("  {:>6.1}  {}, {}", millis(run.over), run.title(), run.end);
    }
    println!("\nwhose context was lost each time:");
    for of_category in all.chunk_by(|a, b| a.script.category == b.script.category) {
        let of_scripts = of_category.chunk_by(|a, b| std::ptr::eq(a.script, b.script));
        let lost = of_scripts.filter(|runs| runs.iter().all(|run| run.was_stopped() && !run.is_kept));
        let names: Vec<&str> = lost.map(|runs| runs[0].script.name.as_str()).collect();
        println!("  {}: {}", of_category[0].script.category, names.join("; "));
    }
}

fn row(name: &str, runs: &[&Run<'_>]) {
    // Whatever the answer was, if any.
    let mut late: Vec<_> = runs.iter().filter(|run| !run.over.is_zero()).collect();
    late.sort_by_key(|run| run.over);
    let at = |share: f64| percentile(&late, share).map_or(0.0, |run| millis(run.over));
    let stopped = runs.iter().filter(|run| run.was_stopped());
    let (kept, stopped) = (stopped.clone().filter(|run| run.is_kept).count(), stopped.count());
    println!(
        "{name:<12} {:>7} {:>6} {:>7} {:>6} {:>7.2} {:>7.2} {:>7.2} {:>5.1} % {:>4} M  {}",
        runs.chunk_by(|a, b| std::ptr::eq(a.script, b.script)).count(),
        runs.len(),
        late.len(),
        runs.iter().filter(|run| run.end == "hangs").count(),
        at(0.5),
        at(0.99),
        at(1.0),
        100.0 * kept as f64 / stopped.max(1) as f64,
        runs.iter().map(|run| run.growth >> 20).max().unwrap_or_default(),
        late.last().map_or(String::new(), |run| run.title()),
    );
}

/// The least of what is sorted that so large a share of it does not exceed.
fn percentile<T>(sorted: &[T], share: f64) -> Option<&T> {
    let index = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(index.saturating_sub(1))
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Bytes of this process, by a line of its status; 0 where the system does not say.
fn resident(line: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|text| text.strip_prefix(line)?.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kib.unwrap_or_default() << 10
}

/// Lets the peak of this process's memory begin anew, where the system does.
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}
