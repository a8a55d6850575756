//! What things cost, counted and not timed: allocations of a call, pages of memory, units of fuel, bytes of the engine. Each
//! has a bound, and beside it what was measured; what costs less may have its bound lowered.
//!
//! The counts are of the whole process, so the tests of this binary wait for one another. How large the command is, its own
//! tests say.
#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::{
    alloc::System,
    convert::Infallible,
    fs::{self, File},
    future::Future as _,
    iter,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    task::{Context, Waker},
    time::{Duration, Instant},
};

use aiointernal::{ErrorKind, HeapThread, Sandbox, Ticket, component::Meter};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

static ALONE: Mutex<()> = Mutex::new(());

/// To be held while something is counted.
fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The smallest script that computes something.
const SUM: &str = "1 + 2";

/// Calls of a round. They fit into the queue.
const CALLS: usize = 200;

/// Calls that a queue has room for, unless its builder says otherwise.
const QUEUE: usize = 256;

/// Rounds that are counted, of which the one with the fewest allocations is taken: the first time that a thread parks
/// or a buffer grows costs a few, once, and when that is depends on the scheduler.
const ROUNDS: usize = 10;

/// Allocations of so many calls, on the caller's side and on the thread.
fn allocations(calls: impl Fn()) -> usize {
    let rounds = (0..ROUNDS).map(|_| {
        let region = Region::new(ALLOCATOR);
        calls();
        let change = region.change();
        change.allocations + change.reallocations
    });
    rounds.min().unwrap_or_default()
}

#[test]
fn a_call_allocates_once_and_leaves_nothing_behind() {
    let _alone = alone();
    let thread = HeapThread::spawn(|| Ok::<_, Infallible>(0_u64)).blocking().unwrap();
    let add = |number| thread.call(move |sum| *sum += number);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

    let awaited = allocations(|| {
        runtime.block_on(async {
            for number in 0..CALLS as u64 {
                add(number).await.unwrap();
            }
        });
    });
    assert_eq!(awaited, CALLS, "awaited");

    let fallible = allocations(|| {
        runtime.block_on(async {
            for number in 0..CALLS as u64 {
                let call = thread.try_call(move |sum, _| sum.checked_add(number).ok_or("too much"));
                call.await.unwrap();
            }
        });
    });
    assert_eq!(fallible, CALLS, "awaited, and may fail");

    let detached = allocations(|| {
        (1..CALLS as u64).for_each(|number| add(number).queue().detach());
        runtime.block_on(add(0).into_future()).unwrap();
    });
    assert_eq!(detached, CALLS, "queued and left to themselves");

    // The vector of the tickets is one more.
    let queued = allocations(|| {
        let tickets: Vec<Ticket<()>> = iter::repeat_n(1, CALLS).map(|number| add(number).queue()).collect();
        runtime.block_on(async {
            for ticket in tickets {
                ticket.await.unwrap();
            }
        });
    });
    assert_eq!(queued, CALLS + 1, "queued");

    let blocking = allocations(|| (0..CALLS as u64).for_each(|number| add(number).blocking().unwrap()));
    assert_eq!(blocking, CALLS, "blocking");

    // Of calls that are answered while their deadlines are far, nothing waits for those.
    let (enter, entered) = mpsc::channel();
    let (open, opened) = mpsc::channel::<()>();
    let busy = thread.call(move |_| {
        enter.send(()).unwrap();
        let _ = opened.recv();
    });
    let busy = busy.queue();
    entered.recv().unwrap();
    (0..QUEUE as u64).for_each(|number| add(number).queue().detach());
    let far = Instant::now() + Duration::from_secs(3600);
    let region = Region::new(ALLOCATOR);
    for number in 0..CALLS as u64 {
        let refused = add(number).deadline(far).queue();
        assert_eq!(refused.blocking().unwrap_err().kind(), ErrorKind::QueueFull);
        let mut waiting = add(number).deadline(far).into_future();
        assert!(Pin::new(&mut waiting).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let change = region.change();
    let left = change.bytes_allocated as i64 - change.bytes_deallocated as i64;
    assert!(left < 50 * CALLS as i64, "{left} bytes are left of {CALLS} calls");
    drop(open);
    busy.blocking().unwrap();
}

/// Allocations of an evaluation in a context that is there. Measured: 6.
const ALLOCATIONS: usize = 8;

#[test]
fn an_evaluation_allocates_little() {
    let _alone = alone();
    let context = Sandbox::new().unwrap().context().blocking().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let all = allocations(|| {
        runtime.block_on(async {
            for _ in 0..CALLS {
                context.eval(SUM).await.unwrap();
            }
        });
    });
    assert!(all <= ALLOCATIONS * CALLS, "{all} of {CALLS} evaluations");
}

/// Pages that the smallest script leaves different from the image that instances start from. Measured: 8.
const PAGES: usize = 12;

/// Pages that it writes to, also where they end as they began. Measured: 13.
const WRITTEN: usize = 18;

#[test]
fn a_fresh_context_and_a_script_change_few_pages() {
    let _alone = alone();
    let sandbox = Sandbox::builder().max_contexts(1).build().unwrap();
    let before = instances();
    let context = sandbox.context().blocking().unwrap();
    context.eval(SUM).blocking().unwrap();
    // Where the system says.
    let written = context.memory_usage().blocking().unwrap().written_pages.unwrap_or_default();
    assert!(written <= WRITTEN, "{written} are written");
    let instances = instances().into_iter().filter(|instance| !before.contains(instance));
    let [instance] = instances.collect::<Vec<_>>().try_into().unwrap();
    let pages = instance.iter().map(changed_pages).sum::<usize>();
    assert!(pages > 0);
    assert!(pages <= PAGES, "{pages}");
}

/// Pages of a place that are put back by copying, as large as they may have become.
const KEPT: usize = 64;

#[test]
fn a_place_that_a_large_script_had_costs_the_next_context_little() {
    let _alone = alone();
    let sandbox = Sandbox::builder().max_contexts(1).build().unwrap();
    let context = sandbox.context().blocking().unwrap();
    let written = || context.memory_usage().blocking().unwrap().written_pages.unwrap_or_default();
    context.eval("var list = []; for (let i = 0; i < 40_000; i++) list.push({ i })").blocking().unwrap();
    // Where the system does not say, there is nothing to see.
    assert!(written() > 500 || written() == 0);
    context.reset().blocking().unwrap();
    context.eval(SUM).blocking().unwrap();
    assert!(written() <= KEPT + WRITTEN, "{} are", written());
}

/// What is mapped from one address to another.
#[derive(Clone, Debug, PartialEq)]
struct Mapping {
    start: u64,
    end: u64,
    /// Where it begins in the file that it shows, and the number of that file; of memory without a file, 0.
    offset: u64,
    inode: u64,
}

/// The memory of each instance that lives: the image that it started from, and what is before and behind.
fn instances() -> Vec<Vec<Mapping>> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut runs: Vec<(bool, Vec<Mapping>)> = Vec::new();
    for line in maps.lines() {
        // Such as: 7f0000000000-7f0000010000 rw-p 00000000 00:01 1234   /memfd:aiointernal-code (deleted)
        let mut words = line.split_whitespace();
        let mut word = || words.next().unwrap_or_default();
        let (range, rights, offset, _, inode, path) = (word(), word(), word(), word(), word(), word());
        if rights != "rw-p" {
            continue;
        }
        let hexadecimal = |text| u64::from_str_radix(text, 16).unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let (start, end, offset) = (hexadecimal(start), hexadecimal(end), hexadecimal(offset));
        let mapping = Mapping { start, end, offset, inode: inode.parse().unwrap() };
        // The second is of a sandbox that has just compiled its engine.
        let is_image =
            ["/memfd:aiointernal-code", "/memfd:wasm-memory-image"].iter().any(|image| path.starts_with(image));
        match runs.last_mut() {
            Some((has_image, run)) if run.last().is_some_and(|last| last.end == start) => {
                *has_image |= is_image;
                run.push(mapping);
            }
            _ => runs.push((is_image, vec![mapping])),
        }
    }
    runs.into_iter().filter_map(|(has_image, run)| has_image.then_some(run)).collect()
}

/// How many pages of it are not as they were at the start: as in its file, or zero.
fn changed_pages(mapping: &Mapping) -> usize {
    let bytes = |file: File, at| {
        let mut bytes = vec![0; (mapping.end - mapping.start) as usize];
        // A file may end before its last page does.
        let mut read = 0;
        while let count @ 1.. = file.read_at(&mut bytes[read..], at + read as u64).unwrap() {
            read += count;
        }
        bytes
    };
    let now = bytes(File::open("/proc/self/mem").unwrap(), mapping.start);
    let files = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| File::open(entry.unwrap().path()).ok());
    let mut image = files.filter(|file| mapping.inode != 0 && file.metadata().unwrap().ino() == mapping.inode);
    let start = image.next().map_or(vec![0; now.len()], |file| bytes(file, mapping.offset));
    now.chunks(4096).zip(start.chunks(4096)).filter(|(now, start)| now != start).count()
}

/// What the programs of the scoreboard burn: the fuel that was measured, of which they may burn a hundredth more. (That it is the
/// same on every machine is tested with the limits.)
const FUEL: [(&str, &str, u64); 12] = [
    ("fib", include_str!("../benches/programs/fib.js"), 527_348_098),
    ("loop", include_str!("../benches/programs/loop.js"), 462_188_152),
    ("float", include_str!("../benches/programs/float.js"), 426_727_890),
    ("objects", include_str!("../benches/programs/objects.js"), 340_881_442),
    ("sieve", include_str!("../benches/programs/sieve.js"), 429_621_773),
    ("strings", include_str!("../benches/programs/strings.js"), 508_135_181),
    ("json", include_str!("../benches/programs/json.js"), 353_756_351),
    ("regexp", include_str!("../benches/programs/regexp.js"), 450_552_027),
    ("map", include_str!("../benches/programs/map.js"), 129_948_170),
    ("class", include_str!("../benches/programs/class.js"), 367_544_806),
    ("closures", include_str!("../benches/programs/closures.js"), 495_650_897),
    ("rays", include_str!("../benches/programs/rays.js"), 396_828_526),
];

#[test]
fn programs_burn_no_more_fuel_than_they_did() {
    let _alone = alone();
    let sandbox = Sandbox::builder().count_fuel().build().unwrap();
    let mut wrong = Vec::new();
    for (name, source, measured) in FUEL {
        let meter = Meter::new();
        let context = sandbox.context().meter(&meter).blocking().unwrap();
        context.eval(format!("({source}\n)()")).blocking().unwrap();
        let fuel = meter.total().fuel;
        if fuel > measured + measured / 100 {
            wrong.push(format!("{name}: {fuel}, and not {measured}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Bytes of the engine in the repository. Measured: 2,922,452, of which web APIs are more than a third: their scripts, and tables of encodings
/// and of names of hosts.
const ENGINE: u64 = 3_000_000;

#[test]
fn the_engine_is_no_larger_than_it_may_be() {
    let bytes = fs::metadata(concat!(env!("CARGO_MANIFEST_DIR"), "/../host/guest.wasm")).unwrap().len();
    assert!(bytes <= ENGINE, "{bytes}");
}
