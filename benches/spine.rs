//! How long each part of a call takes: `cargo bench --workspace --bench spine`, which builds on what the tests built
//! (`-p aiointernal-benches` measures the same, and builds wasmtime with features of its own).
//!
//! Ours stands beside `native`, the same engine by way of rquickjs: in the caller's own thread, without a sandbox. A
//! word after `--` picks groups by name. The tables of latencies at the end cannot be picked; they take 20 s. What a caller
//! sees of all this, beside other engines, is in the scoreboard.

mod machine;
mod cpu;
mod turns;
mod ours;
mod pipelined;
mod native;
mod latency;

use std::{
    env, iter,
    num::NonZeroUsize,
    thread,
    time::{Duration, Instant},
};

use aiointernal::{
    Context, HeapThread, Sandbox, Value,
    js::{Pool, TypedArray},
};
use criterion::{Criterion, Throughput};
use futures_util::{FutureExt as _, StreamExt as _, future::join_all};
use tokio::runtime::Runtime;

use crate::{
    latency::Way,
    native::{Channel, Native},
    pipelined::pipelined,
};

/// The smallest script that computes something.
const SUM: &str = "1 + 2";

/// Not an identifier, so no script runs: the global object is asked for a property that it does not have.
const MISS: &str = "zzz-1";

/// Sources of one batch.
const BATCH: usize = 10_000;

/// Contexts that a pool keeps ready.
const SPARES: usize = 32;

/// Makes what is then handed out: 1 MB of JSON, a graph, and 1 MB of numbers.
const VALUES: &str = "
    var json = JSON.stringify(Array.from({ length: 28572 }, (_, i) => ({ id: 100000 + i, name: 'item number' })));
    var one = Array.from({ length: 100 }, (_, i) => ({ i })), graph = [...one, ...one];
    var floats = Float64Array.from({ length: 125000 }, (_, i) => i);
    var length = (list) => list.length;
";

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    // Cargo says `--bench` when it is to be measured; else everything only has to run, once.
    let measured = env::args().any(|argument| argument == "--bench")
        && !env::args().any(|argument| ["--list", "--test"].contains(&argument.as_str()));
    if measured {
        println!("{}", machine::Machine::look());
    }
    let runtime = Runtime::new().expect("the system starts tokio's threads");
    let context = ours::context();
    let thread = ours::nothing();
    let native = Native::new();

    fresh(&mut criterion, &context);
    pool(&mut criterion, &runtime);
    warm(&mut criterion, &context, &native);
    empty(&mut criterion, &context, &thread, &native);
    batch(&mut criterion, &runtime, &context);
    cores(&mut criterion, &runtime);
    values(&mut criterion, &context, &native);
    modules(&mut criterion);
    criterion.final_summary();
    if measured {
        latencies(&runtime, context, thread);
    }
}

/// A context that no script has touched, and its first script.
fn fresh(criterion: &mut Criterion, context: &Context) {
    let mut group = criterion.benchmark_group("fresh context and eval");
    group.bench_function("ours", |bencher| {
        bencher.iter_custom(|pairs| {
            pipelined(pairs, || {
                context.reset().queue().detach();
                context.eval(SUM).queue()
            })
        });
    });
    group.bench_function("native", |bencher| bencher.iter(|| Native::new().sum(SUM)));
    group.finish();
}

/// The same from a pool, which many ask at once; and what one takes that is kept ready.
fn pool(criterion: &mut Criterion, runtime: &Runtime) {
    const ASKERS: u64 = 16;
    let sandbox = Sandbox::new().expect("the engine compiles");
    let pool = Pool::builder(&sandbox).threads(NonZeroUsize::MIN).spares(SPARES).build().expect("its threads start");
    criterion.bench_function("a spare context of a pool", |bencher| {
        bencher.iter_custom(|spares| {
            let mut time = Duration::ZERO;
            let mut left = spares;
            while left > 0 {
                // All are ready.
                while pool.stats().waiting > 0 {
                    thread::yield_now();
                }
                let taken = left.min(SPARES as u64);
                let begun = Instant::now();
                let fresh: Vec<_> = (0..taken).map(|_| pool.fresh().now_or_never()).collect();
                time += begun.elapsed();
                assert!(fresh.iter().flatten().all(Result::is_ok) && fresh.iter().all(Option::is_some));
                left -= taken;
            }
            time
        });
    });
    drop(pool);
    let mut group = criterion.benchmark_group("fresh context of a pool, and eval");
    for threads in 1..=2 {
        let pool = Pool::builder(&sandbox).threads(NonZeroUsize::new(threads).expect("it is not zero")).spares(SPARES);
        let pool = pool.build().expect("its threads start");
        group.bench_function(format!("ours, {threads} threads"), |bencher| {
            bencher.iter_custom(|calls| {
                let each = calls.div_ceil(ASKERS);
                let begun = Instant::now();
                let askers = (0..ASKERS).map(|_| {
                    let pool = pool.clone();
                    runtime.spawn(async move {
                        for _ in 0..each {
                            pool.eval(SUM).await.expect("it is a script");
                        }
                    })
                });
                let askers: Vec<_> = askers.collect();
                runtime.block_on(join_all(askers));
                // As many as were asked for.
                begun.elapsed().mul_f64(calls as f64 / (each * ASKERS) as f64)
            });
        });
    }
    group.finish();
}

/// A script in a context that has run it before.
fn warm(criterion: &mut Criterion, context: &Context, native: &Native) {
    let mut group = criterion.benchmark_group("warm eval");
    group.bench_function("ours", |bencher| bencher.iter_custom(|calls| pipelined(calls, || context.eval(SUM).queue())));
    group.bench_function("native", |bencher| bencher.iter(|| native.sum(SUM)));
    group.finish();
}

/// What a call costs that does nothing: of the component, and of the queue alone.
fn empty(criterion: &mut Criterion, context: &Context, thread: &HeapThread<()>, native: &Native) {
    let mut group = criterion.benchmark_group("empty call");
    group.bench_function("ours", |bencher| {
        bencher.iter_custom(|calls| pipelined(calls, || context.get_global(MISS).queue()));
    });
    group.bench_function("native", |bencher| bencher.iter(|| native.has_global(MISS)));
    group.bench_function("ours, queue only", |bencher| {
        bencher.iter_custom(|calls| pipelined(calls, || thread.call(|()| ()).queue()));
    });
    group.finish();
}

/// Many sources at once, whose results are taken as they come.
fn batch(criterion: &mut Criterion, runtime: &Runtime, context: &Context) {
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(20);
    group.bench_function("ours, streamed", |bencher| {
        bencher.iter(|| {
            let sources = iter::repeat_n(SUM, BATCH);
            let results: Vec<_> = runtime.block_on(context.eval_batch(sources).stream().collect());
            assert_eq!(results.len(), BATCH);
        });
    });
    group.finish();
}

/// As many scripts in each of one context or two of a sandbox, at once: what a second core is good for.
fn cores(criterion: &mut Criterion, runtime: &Runtime) {
    let sandbox = Sandbox::new().expect("the engine compiles");
    let contexts = [(); 2].map(|()| sandbox.context().blocking().expect("there is room for a context"));
    let natives = [(); 2].map(|()| {
        Channel::open(|| {
            let native = Native::new();
            move || (0..BATCH).map(|_| native.sum(SUM)).sum()
        })
    });
    let mut group = criterion.benchmark_group("a batch on each thread");
    for threads in 1..=2 {
        group.throughput(Throughput::Elements((BATCH * threads) as u64));
        group.bench_function(format!("ours, {threads} threads"), |bencher| {
            bencher.iter(|| {
                let batches =
                    contexts.iter().take(threads).map(|context| context.eval_batch(iter::repeat_n(SUM, BATCH)));
                let results = runtime.block_on(join_all(batches.map(IntoFuture::into_future)));
                assert!(results.into_iter().all(|results| results.is_ok_and(|results| results.len() == BATCH)));
            });
        });
        group.bench_function(format!("native, {threads} threads"), |bencher| {
            bencher.iter(|| {
                let sums = runtime.block_on(join_all(natives.iter().take(threads).map(Channel::call)));
                assert!(sums.into_iter().all(|sum| sum == 3 * BATCH as i32));
            });
        });
    }
    group.finish();
}

/// What is large on its way out.
fn values(criterion: &mut Criterion, context: &Context, native: &Native) {
    context.eval(VALUES).blocking().expect("the values can be made");
    native.run(VALUES);

    let mut group = criterion.benchmark_group("graph of 100 objects out, each of which occurs twice");
    group.bench_function("ours", |bencher| {
        bencher.iter_custom(|calls| pipelined(calls, || context.eval("graph").queue()));
    });
    group.finish();

    let mut group = criterion.benchmark_group("1 MB of Float64Array out");
    group.throughput(Throughput::Bytes(1_000_000)).sample_size(20);
    group.bench_function("ours", |bencher| {
        bencher.iter_custom(|calls| pipelined(calls, || context.eval("floats").queue()));
    });
    group.finish();

    let mut group = criterion.benchmark_group("1 MB of Float64Array in");
    group.throughput(Throughput::Bytes(1_000_000)).sample_size(20);
    let floats = Value::TypedArray(TypedArray::Float64((0..125_000).map(f64::from).collect()));
    group.bench_function("ours", |bencher| {
        bencher.iter_custom(|calls| pipelined(calls, || context.call("length", [&floats]).queue()));
    });
    group.finish();

    let mut group = criterion.benchmark_group("1 MB of JSON out");
    group.throughput(Throughput::Bytes(native.text("json").len() as u64)).sample_size(20);
    group.bench_function("ours", |bencher| {
        bencher.iter_custom(|calls| pipelined(calls, || context.eval("json").queue()));
    });
    group.bench_function("native", |bencher| bencher.iter(|| native.text("json")));
    group.finish();
}

/// A graph of 50 modules, in a fresh context: each of them imports the next three.
fn modules(criterion: &mut Criterion) {
    let context = ours::with_modules(50, 3);
    let mut group = criterion.benchmark_group("fresh context and a graph of 50 modules");
    group.bench_function("ours", |bencher| {
        bencher.iter_custom(|pairs| {
            pipelined(pairs, || {
                context.reset().queue().detach();
                context.eval(ours::FIRST_MODULE).queue()
            })
        });
    });
    group.finish();
}

/// How long a tokio task waits for a call, beside the same engine behind a channel.
fn latencies(runtime: &Runtime, context: Context, thread: HeapThread<()>) {
    let channel = Channel::open(|| || 0);
    let native = Way::new("native behind a channel", move || {
        let channel = channel.clone();
        async move { assert_eq!(channel.call().await, 0) }
    });
    let ours = Way::new("ours", move || {
        let call = thread.call(|()| ());
        async { call.await.expect("the call runs") }
    });
    latency::print(runtime, "no-op", &[native, ours]);

    let channel = Channel::open(|| {
        let native = Native::new();
        move || native.sum(SUM)
    });
    let native = Way::new("native behind a channel", move || {
        let channel = channel.clone();
        async move { assert_eq!(channel.call().await, 3) }
    });
    let ours = Way::new("ours", move || {
        let call = context.eval_as::<i32>(SUM);
        async { assert_eq!(call.await.expect("the script is right"), 3) }
    });
    latency::print(runtime, "eval", &[native, ours]);
}
