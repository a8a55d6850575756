//! The round trip of a call of `HeapThread`, beside the ways of others: `cargo bench --workspace --bench thread`.
//!
//! The object is an SQLite in memory; a call does nothing with it, or fetches one row by its key. The first row is the
//! floor, a thread and two channels written by hand for this one purpose. Criterion measures calls per second; a word after
//! `--` picks groups by name. The tables at the end cannot be picked; they take a minute.

mod machine;
mod cpu;
mod turns;
mod latency;
mod database;
mod facades;

use std::{env, time::Duration};

use criterion::{Criterion, Throughput};
use tokio::{runtime::Runtime, task::spawn_blocking, time::sleep};

use crate::{
    database::Job,
    facades::{Facade, Floor},
    latency::{Load, Way},
};

/// Time that all threads have to park after the last call.
const GRACE: Duration = Duration::from_millis(1);

/// Time over which they are watched then.
const WATCH: Duration = Duration::from_millis(50);

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .configure_from_args();
    // Cargo says `--bench` when it is to be measured; else everything only has to run, once.
    let measured = env::args().any(|argument| argument == "--bench")
        && !env::args().any(|argument| ["--list", "--test"].contains(&argument.as_str()));
    if measured {
        println!("{}", machine::Machine::look());
    }
    let runtime = Runtime::new().expect("the system starts tokio's threads");
    let mut no_ops = threads(&runtime, database::no_op);
    no_ops.push(Way::new("spawn_blocking", || async { spawn_blocking(|| ()).await.expect("it runs") }));
    let mut queries = threads(&runtime, database::query);
    queries.push(Way::new("spawn_blocking with a Mutex", Facade::spawn_blocking(database::query)));

    throughput(&mut criterion, &runtime, "no-op", &no_ops);
    throughput(&mut criterion, &runtime, "query", &queries);
    criterion.final_summary();
    if measured {
        latency::print(&runtime, "no-op", &no_ops);
        latency::print(&runtime, "query", &queries);
        idle(&runtime, &no_ops);
    }
}

/// The ways that keep a thread for the database.
fn threads(runtime: &Runtime, job: impl Job) -> Vec<Way> {
    vec![
        Way::new("floor: std mpsc, tokio oneshot", Floor::open(job)),
        Way::new("HeapThread", Facade::ours(job)),
        Way::new("tokio-rusqlite", Facade::tokio_rusqlite(runtime, job)),
        Way::new("async-sqlite", Facade::async_sqlite(runtime, job)),
    ]
}

/// Calls of 64 callers.
fn throughput(criterion: &mut Criterion, runtime: &Runtime, name: &str, ways: &[Way]) {
    let mut group = criterion.benchmark_group(format!("{name}, 64 callers"));
    group.throughput(Throughput::Elements(1));
    for way in ways {
        group.bench_function(way.name, |bencher| {
            bencher.iter_custom(|calls| {
                let turn = way.turn(runtime, Load::Callers(64), usize::try_from(calls).unwrap_or(usize::MAX));
                turn.time_per_call.mul_f64(calls as f64)
            });
        });
    }
    group.finish();
}

/// Prints what is burnt when nobody calls any more: the CPU time of all threads but this one.
fn idle(runtime: &Runtime, ways: &[Way]) {
    println!("\n{:<32} {:>9}", format!("from {GRACE:?} after a call"), format!("CPU us in {WATCH:?}"));
    for way in ways {
        way.turn(runtime, Load::Callers(1), 100);
        let pause = |length| runtime.block_on(async move { sleep(length).await });
        pause(GRACE);
        let before = cpu::of_other_threads();
        pause(WATCH);
        println!("{:<32} {:>9.1}", way.name, (cpu::of_other_threads() - before).as_secs_f64() * 1e6);
    }
}
