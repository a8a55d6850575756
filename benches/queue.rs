//! Items through `aiointernal::queue`, beside the channels of others: `cargo bench --workspace --bench queue`.
//!
//! Criterion measures first; a word after `--` picks groups by name. The tables at the end, in which the queues take
//! turns, cannot be picked; they take half a minute.

mod machine;
mod turns;
mod channels;

use std::{
    env, thread,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput};
use tokio::runtime::Runtime;

use crate::{
    channels::{AsyncChannel, Channel, Flume, Kanal, Ours, Tokio},
    turns::{median, take_turns},
};

/// Tasks at each end, where there are several.
const SEVERAL: usize = 4;

/// A capacity that is rarely used up, and the one that always is.
const CAPACITIES: [usize; 2] = [64, 1];

/// How often each queue has its turn in a table.
const TURNS: usize = 20;

/// About how long one turn is.
const TURN: Duration = Duration::from_millis(20);

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20)
        .configure_from_args();
    // Cargo says `--bench` when it is to be measured; else everything only has to run, once.
    let measured = env::args().any(|argument| argument == "--bench")
        && !env::args().any(|argument| ["--list", "--test"].contains(&argument.as_str()));
    if measured {
        println!("{}", machine::Machine::look());
    }
    let runtime = Runtime::new().expect("the system starts tokio's threads");
    let traffics = [Traffic::Alone].into_iter().chain(CAPACITIES.into_iter().flat_map(|capacity| {
        [Traffic::Tasks(1, capacity), Traffic::Tasks(SEVERAL, capacity), Traffic::Threads(capacity)]
    }));
    for traffic in traffics.clone() {
        let mut group = criterion.benchmark_group(traffic.to_string());
        group.throughput(Throughput::Elements(1));
        for way in ways(traffic) {
            group.bench_function(way.name, |bencher| bencher.iter_custom(|items| (way.run)(&runtime, items)));
        }
        group.finish();
    }
    criterion.final_summary();
    if measured {
        traffics.for_each(|traffic| print(&runtime, traffic));
    }
}

/// How items go through a queue.
#[derive(Clone, Copy)]
enum Traffic {
    /// One thread puts an item in and takes it out again.
    Alone,
    /// As many tasks at each end, and the capacity.
    Tasks(usize, usize),
    /// From one thread without a runtime to another, and the capacity.
    Threads(usize),
}

impl std::fmt::Display for Traffic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Traffic::Alone => write!(f, "try_put and try_get"),
            Traffic::Tasks(1, capacity) => write!(f, "task to task, capacity {capacity}"),
            Traffic::Tasks(tasks, capacity) => write!(f, "{tasks} to {tasks} tasks, capacity {capacity}"),
            Traffic::Threads(capacity) => write!(f, "thread to thread, capacity {capacity}"),
        }
    }
}

/// One queue under one traffic.
struct Way {
    name: &'static str,
    run: Run,
}

/// The time that so many items take.
type Run = Box<dyn Fn(&Runtime, u64) -> Duration>;

/// The queues that take this traffic.
fn ways(traffic: Traffic) -> Vec<Way> {
    fn way<C: Channel + 'static>(traffic: Traffic) -> Option<Way> {
        if let Traffic::Tasks(tasks, capacity) = traffic
            && tasks > 1
        {
            C::share(&C::open(capacity).1)?;
        }
        let run = move |runtime: &Runtime, items| match traffic {
            Traffic::Alone => alone::<C>(items),
            Traffic::Tasks(tasks, capacity) => between_tasks::<C>(runtime, tasks, capacity, items),
            Traffic::Threads(capacity) => between_threads::<C>(capacity, items),
        };
        Some(Way { name: C::NAME, run: Box::new(run) })
    }
    let ways = [way::<Ours>, way::<AsyncChannel>, way::<Flume>, way::<Kanal>, way::<Tokio>];
    ways.into_iter().filter_map(|way| way(traffic)).collect()
}

fn alone<C: Channel>(items: u64) -> Duration {
    let (sender, mut receiver) = C::open(CAPACITIES[0]);
    let started = Instant::now();
    for item in 0..items {
        assert!(C::try_put(&sender, item));
        assert_eq!(C::try_get(&mut receiver), Some(item));
    }
    started.elapsed()
}

fn between_tasks<C: Channel>(runtime: &Runtime, tasks: usize, capacity: usize, items: u64) -> Duration {
    let (sender, receiver) = C::open(capacity);
    let mut receivers: Vec<_> = (1..tasks).map_while(|_| C::share(&receiver)).collect();
    receivers.push(receiver);
    let items = items.div_ceil(tasks as u64);
    let started = Instant::now();
    let consumers: Vec<_> = receivers
        .into_iter()
        .map(|mut receiver| {
            runtime.spawn(async move {
                for _ in 0..items {
                    C::get(&mut receiver).await;
                }
            })
        })
        .collect();
    for _ in 0..tasks {
        let sender = sender.clone();
        runtime.spawn(async move {
            for item in 0..items {
                C::put(&sender, item).await;
            }
        });
    }
    runtime.block_on(async {
        for consumer in consumers {
            consumer.await.expect("a task does not panic");
        }
    });
    started.elapsed()
}

fn between_threads<C: Channel>(capacity: usize, items: u64) -> Duration {
    let (sender, mut receiver) = C::open(capacity);
    let started = Instant::now();
    thread::scope(|scope| {
        scope.spawn(move || (0..items).for_each(|item| C::put_blocking(&sender, item)));
        (0..items).for_each(|item| assert_eq!(C::get_blocking(&mut receiver), item));
    });
    started.elapsed()
}

/// Prints a row for each queue: items per second, as a median, and how many times ours that is.
fn print(runtime: &Runtime, traffic: Traffic) {
    let ways: Vec<_> = ways(traffic).into_iter().map(|way| (calibrate(runtime, &way), way)).collect();
    let rate = |(items, way): &(u64, Way)| *items as f64 / (way.run)(runtime, *items).as_secs_f64();
    let rates: Vec<_> = take_turns(&ways, TURNS, rate).into_iter().map(median).collect();
    println!("\n{:<32} {:>12} {:>8}", traffic.to_string(), "items/s", "to ours");
    for ((_, way), rate) in ways.iter().zip(&rates) {
        println!("{:<32} {rate:>12.0} {:>8.2}", way.name, rate / rates[0]);
    }
}

/// The number of items that make up a turn.
fn calibrate(runtime: &Runtime, way: &Way) -> u64 {
    let mut items = 1;
    while (way.run)(runtime, items) < TURN / 4 {
        items *= 2;
    }
    items * 4
}
