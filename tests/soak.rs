//! Many contexts under a hostile mix, with faults on purpose, until the time is over; then nothing may be left.
//!
//! `SOAK_SECONDS=600 cargo test --release --workspace --test soak -- --nocapture`; without, it takes five seconds. `SOAK_SEED` begins
//! with the same choices again, though threads take turns as they like.
//!
//! Meanwhile runtimes are dropped with all that runs on them, callers go away, contexts' threads panic, functions of the host
//! fail, files of the cache are damaged, and the process is started again with too little of something: descriptors,
//! address space, room for files.
#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::{
    collections::BTreeMap,
    env, fs, iter,
    num::NonZeroUsize,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode, exit},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use aiointernal::{
    Context, Error, ErrorKind, Limits, Sandbox,
    component::{Budget, Group, Meter},
    js::{Console, Functions, JsValue, Pool},
};
use futures_util::{FutureExt as _, StreamExt as _, future::select_all};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

#[path = "hostile_file.rs"]
#[expect(dead_code, reason = "how a script ends is asked elsewhere")]
mod hostile_file;

use hostile_file::Script;

/// Tasks of one runtime, each with a context at a time.
const TASKS: usize = 12;

const RUNTIMES: u64 = 4;

/// The whole is given up as hanging this long after its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// The time in which tasks that are told to end have their answers: no call has more than a small part of it.
const ANSWERS: Duration = Duration::from_secs(20);

/// How many heaps glibc's allocator has. With one for each few threads it keeps what they have freed, more with every round, until each has met its
/// worst moment: that looks like a leak.
const ARENAS: &str = "MALLOC_ARENA_MAX";

/// Bytes that the process may have grown by at the end: what the allocator keeps, and no context.
const LEFT_OVER: usize = 80 << 20;

/// The same of address space: less than two instances reserve.
const LEFT_RESERVED: usize = 8 << 30;

/// The same of mappings: fewer than a hundred threads have.
const LEFT_MAPPINGS: usize = 100;

fn main() -> ExitCode {
    if let Ok(fault) = env::var("SOAK_FAULT") {
        return fault_main(&fault);
    }
    if env::var_os(ARENAS).is_none() {
        let mut command = Command::new(env::current_exe().unwrap());
        let error = command.args(env::args_os().skip(1)).env(ARENAS, "1").exec();
        println!("this program does not start again: {error}");
        return ExitCode::FAILURE;
    }
    let seconds = env::var("SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let seed = env::var("SOAK_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64);
    println!("{seconds} s, SOAK_SEED={seed}");
    watch(Instant::now() + Duration::from_secs(seconds) + PATIENCE);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("soak-{}", std::process::id()));

    // Once around, so that what a process has for good is there.
    let tally = Tally::default();
    round(&folder, seed, Duration::from_secs(1), &tally);
    settle();
    let before = Left::now();
    let mut faults = starve(&folder);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut number = seed;
    while Instant::now() < until {
        number = number.wrapping_add(1);
        let left = until.saturating_duration_since(Instant::now());
        round(&folder, number, left.min(Duration::from_secs(20)), &tally);
        println!("{} MiB", Left::now().resident >> 20);
        if Instant::now() < until {
            faults += starve(&folder);
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    settle();
    let after = Left::now();
    tally.print();
    println!("processes that had too little of something: {faults}");
    println!("before {before:?}\nafter  {after:?}");
    let is_clean = after.threads <= before.threads
        && after.descriptors <= before.descriptors
        && after.mappings <= before.mappings + LEFT_MAPPINGS
        && after.reserved <= before.reserved + LEFT_RESERVED
        && after.resident <= before.resident + LEFT_OVER;
    let is_answered = tally.0.unanswered.load(Ordering::Relaxed) == 0;
    if is_clean && is_answered { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Ends the process where it does not end by itself.
fn watch(until: Instant) {
    let (_never, silent) = mpsc::channel::<()>();
    let watching = move || {
        let _never = _never;
        let _ = silent.recv_timeout(until.saturating_duration_since(Instant::now()));
        println!("it hangs: {:?}", Left::now());
        exit(1);
    };
    thread::Builder::new().name("watch".to_owned()).spawn(watching).unwrap();
}

/// What a process has that may be left over.
#[derive(Debug)]
struct Left {
    threads: usize,
    descriptors: usize,
    mappings: usize,
    reserved: usize,
    resident: usize,
}

impl Left {
    fn now() -> Left {
        let entries = |folder: &str| fs::read_dir(folder).map_or(0, Iterator::count);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
            line.and_then(|kib| kib.parse::<usize>().ok()).unwrap_or_default() << 10
        };
        Left {
            threads: entries("/proc/self/task"),
            descriptors: entries("/proc/self/fd"),
            mappings: fs::read_to_string("/proc/self/maps").unwrap_or_default().lines().count(),
            reserved: bytes("VmSize:"),
            resident: bytes("VmRSS:"),
        }
    }
}

/// Waits until threads that were told to end have done so.
fn settle() {
    let until = Instant::now() + Duration::from_secs(10);
    let (_never, silent) = mpsc::channel::<()>();
    let mut threads = usize::MAX;
    while Instant::now() < until {
        let now = Left::now().threads;
        if now == threads {
            break;
        }
        threads = now;
        let _ = silent.recv_timeout(Duration::from_millis(500));
    }
}

/// What was asked, and what came of it.
#[derive(Clone, Debug, Default)]
struct Tally(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    contexts: AtomicU64,
    asked: AtomicU64,
    answered: AtomicU64,
    /// Tasks that waited for an answer in vain.
    unanswered: AtomicU64,
    kinds: Mutex<BTreeMap<&'static str, u64>>,
}

impl Tally {
    fn ask(&self) {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
    }

    fn answered<R>(&self, result: &Result<R, Error>) {
        self.0.answered.fetch_add(1, Ordering::Relaxed);
        let kind = result.as_ref().err().map_or("ok", |error| error.kind().code());
        *self.0.kinds.lock().unwrap().entry(kind).or_default() += 1;
    }

    /// A call that is waited for to its answer, unless its task is given up.
    async fn answer<R>(&self, call: impl IntoFuture<Output = Result<R, Error>>) -> Result<R, Error> {
        self.ask();
        let result = call.await;
        self.answered(&result);
        result
    }

    fn print(&self) {
        let Counts { contexts, asked, answered, unanswered, kinds } = &*self.0;
        let given_up = asked.load(Ordering::Relaxed) - answered.load(Ordering::Relaxed);
        println!("contexts {contexts:?}, calls {asked:?}: answered {answered:?}, given up {given_up}");
        println!("tasks that waited in vain: {unanswered:?}");
        println!("{:?}", kinds.lock().unwrap());
    }
}

/// Numbers that look random.
#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

/// One sandbox from its begin to its end, with all that uses it on several runtimes.
fn round(folder: &Path, seed: u64, time: Duration, tally: &Tally) {
    damage(folder, seed);
    let meter = Meter::new();
    let mut limits = Limits::default();
    limits.wall_time = Duration::from_millis(40);
    limits.memory = 24 << 20;
    let sandbox =
        Sandbox::builder().limits(limits).max_contexts(200).meter(&meter).cache_folder(Some(folder.to_owned()));
    let sandbox = sandbox.build().unwrap();
    // Some of the contexts are of a pool.
    let pool = Pool::builder(&sandbox).threads(NonZeroUsize::new(4).unwrap()).max_contexts(30).spares(2);
    let pool = pool.build().unwrap();
    let mut budget = Budget::default();
    (budget.memory, budget.instances) = (300 << 20, 40);
    let group = Group::new(limits, budget);
    let scripts: Arc<[Script]> = hostile_file::scripts().into();
    let until = Instant::now() + time;
    let runtimes = (0..RUNTIMES).map(|number| {
        let (sandbox, group, scripts, tally) = (sandbox.clone(), group.clone(), Arc::clone(&scripts), tally.clone());
        let pool = pool.clone();
        let chance = Chance(seed.wrapping_mul(2_654_435_761).wrapping_add(number) | 1);
        let living = move || {
            let mut chance = chance;
            while Instant::now() < until {
                live((&sandbox, &pool), &group, &scripts, &tally, &mut chance, until);
            }
        };
        thread::Builder::new().name(format!("runtime-{number}")).spawn(living).unwrap()
    });
    let runtimes: Vec<_> = runtimes.collect();
    runtimes.into_iter().for_each(|runtime| runtime.join().unwrap());
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let closed = runtime.block_on(async { tokio::time::timeout(ANSWERS, pool.close()).await });
    assert!(closed.is_ok() && pool.stats().contexts == 0, "contexts of the pool are left over: {pool:?}");
    drop((sandbox, pool));
    // Contexts that were dropped end on their own threads.
    let (_never, silent) = mpsc::channel::<()>();
    let patience = Instant::now() + Duration::from_secs(20);
    while group.instances() > 0 && Instant::now() < patience {
        let _ = silent.recv_timeout(Duration::from_millis(10));
    }
    assert_eq!((group.instances(), group.memory()), (0, 0), "instances and their memory are left over");
    assert!(meter.total().calls > 0, "{tally:?}");
}

/// A runtime and its tasks. It is dropped while they are at work, or they are told to end, and then have all their answers.
fn live(
    (sandbox, pool): (&Sandbox, &Pool),
    group: &Group,
    scripts: &Arc<[Script]>,
    tally: &Tally,
    chance: &mut Chance,
    until: Instant,
) {
    let mut builder = if chance.one_in(2) { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    let runtime: Runtime = builder.worker_threads(2).enable_all().build().unwrap();
    let left = until.saturating_duration_since(Instant::now());
    let time = Duration::from_millis(200 + chance.below(2000)).min(left);
    let is_dropped = chance.one_in(2);
    let ends = Arc::new(AtomicBool::new(false));
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let (sandbox, pool, group, scripts, ends) =
                (sandbox.clone(), pool.clone(), group.clone(), Arc::clone(scripts), Arc::clone(&ends));
            let (tally, chance) = (tally.clone(), Chance(chance.next() | 1));
            tasks.spawn(async move { serve((&sandbox, &pool), &group, &scripts, &tally, chance, &ends).await });
        }
        tokio::time::sleep(time).await;
        if is_dropped {
            tasks.detach_all();
            return;
        }
        ends.store(true, Ordering::Relaxed);
        let all = async {
            while let Some(ended) = tasks.join_next().await {
                ended.unwrap();
            }
        };
        if tokio::time::timeout(ANSWERS, all).await.is_err() {
            tally.0.unanswered.fetch_add(tasks.len() as u64, Ordering::Relaxed);
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(10));
}

fn functions() -> Functions {
    hostile_file::functions().function("host.fails", |(): (), _| async { Err::<(), _>("it fails") }).function(
        "host.panics",
        |(): (), _| async {
            tokio::task::yield_now().await;
            if true {
                panic!("on purpose")
            }
            Ok::<_, Error>(())
        },
    )
}

/// One tenant after another.
async fn serve(
    (sandbox, pool): (&Sandbox, &Pool),
    group: &Group,
    scripts: &[Script],
    tally: &Tally,
    mut chance: Chance,
    ends: &AtomicBool,
) {
    while !ends.load(Ordering::Relaxed) {
        if chance.one_in(8) {
            let Ok(fresh) = tally.answer(pool.fresh()).await else {
                tokio::task::yield_now().await;
                continue;
            };
            for _ in 0..chance.below(4) {
                act(&fresh, scripts, tally, &mut chance).await;
            }
            if chance.one_in(4) {
                drop(fresh.close_now());
            }
            continue;
        }
        let panics = chance.one_in(20);
        // One of a pool is that of others as well.
        let context = match chance.one_in(8) {
            true => pool.context(format!("tenant-{}", chance.below(10))),
            false => sandbox.context(),
        };
        let context = context.group(group).functions(functions()).on_console(move |_| {
            if panics {
                panic!("on purpose");
            }
        });
        let Ok(context) = tally.answer(context).await else {
            tokio::task::yield_now().await;
            continue;
        };
        tally.0.contexts.fetch_add(1, Ordering::Relaxed);
        for _ in 0..chance.below(12) {
            act(&context, scripts, tally, &mut chance).await;
        }
        match chance.below(3) {
            0 => drop(context),
            1 => drop(context.close_now().await),
            _ => drop(context.close().await),
        }
    }
}

/// One thing that a tenant does.
async fn act(context: &Context, scripts: &[Script], tally: &Tally, chance: &mut Chance) {
    let script = &scripts[chance.below(scripts.len() as u64) as usize];
    match chance.below(10) {
        0..4 => {
            let console = Console::new();
            let _ = tally.answer(context.printing_to(&console).eval(script.source())).await;
        }
        // The caller goes at some moment.
        4 => {
            let patience = Duration::from_micros(chance.below(60_000));
            let _ = tokio::time::timeout(patience, tally.answer(context.eval(script.source()))).await;
        }
        // Many at once, of which one is awaited and the others are given up, or aborted.
        5 => {
            let queue = |_| {
                tally.ask();
                context.eval("await host.soon(); 1").queue()
            };
            let mut tickets: Vec<_> = (0..20).map(queue).collect();
            let (result, _, rest) = select_all(&mut tickets).await;
            drop(rest);
            tally.answered(&result);
            tickets.iter().step_by(2).for_each(|ticket| ticket.abort());
        }
        6 => {
            let sources: Vec<_> =
                (0..5).map(|_| scripts[chance.below(scripts.len() as u64) as usize].source()).collect();
            let wanted = chance.below(6) as usize;
            let mut results = context.eval_batch(sources).stream().take(wanted);
            let (mut count, mut is_closed) = (0, false);
            while let Some(result) = results.next().await {
                tally.ask();
                tally.answered(&result);
                count += 1;
                is_closed = result.is_err_and(|error| matches!(error.kind(), ErrorKind::Closed | ErrorKind::Panicked));
            }
            assert!(count == wanted || is_closed, "{count} of {wanted} results");
        }
        7 => {
            let kept = context.eval_as::<JsValue>("({ list: [1, 2, 3], again() { return this } })");
            if let Ok(kept) = tally.answer(kept).await {
                let _ = tally.answer(kept.call_method::<JsValue>("again", ())).await;
            }
        }
        8 => {
            let source = ["host.fails()", "host.panics()", "host.never()", "Promise.all([host.soon(), host.never()])"];
            let source = source[chance.below(4) as usize];
            let _ = tally.answer(context.eval(format!("await {source}"))).await;
        }
        _ => {
            let _ = tally.answer(context.reset()).await;
        }
    }
    // A task that never waits would keep a runtime of one thread to itself.
    tokio::task::yield_now().now_or_never();
}

/// Damages what is in the cache, or takes it away.
fn damage(folder: &Path, seed: u64) {
    let mut chance = Chance(seed | 1);
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        match chance.below(4) {
            0 => fs::remove_file(&path).unwrap(),
            1 => fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
            2 => {
                let at = chance.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1;
                fs::write(&path, bytes).unwrap();
            }
            _ => {}
        }
    }
}

/// Starts this program again with too little of something. What is there has to work, what is not to be an error. How many there
/// were.
fn starve(folder: &Path) -> usize {
    let program = env::current_exe().unwrap();
    let faults = [
        ("descriptors", "ulimit -n 14"),
        ("address-space", "ulimit -v 6000000"),
        ("address-space", "ulimit -v 20000000"),
        // The address space for threads is limited once the pool has its own.
        ("threads", "true"),
        ("files", "trap '' XFSZ; ulimit -f 9000"),
    ];
    for (fault, limit) in faults {
        let cache = folder.with_extension(fault);
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{limit} && exec \"$0\"")).arg(&program);
        let output = command.env("SOAK_FAULT", fault).env("SOAK_CACHE", &cache).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{fault}: {}\n{told}", output.status);
        let _ = fs::remove_dir_all(&cache);
    }
    faults.len()
}

/// The process that has too little of something. It ends in success where everything it asked for was done or refused, nothing
/// hung or ended it, and the fault was met.
fn fault_main(fault: &str) -> ExitCode {
    watch(Instant::now() + PATIENCE);
    let cache = PathBuf::from(env::var("SOAK_CACHE").unwrap());
    let build = |contexts| Sandbox::builder().cache_folder(Some(cache.clone())).max_contexts(contexts).build();
    let sandbox = match (fault, build(1000)) {
        // The address space of so many is not to be had; that of one is.
        ("address-space", Err(error)) => {
            assert_eq!(error.kind(), ErrorKind::Engine, "{error}");
            let text = error.to_string();
            assert!(text.contains("ulimit -v"), "{error}");
            let fits = text.split_once(" fit into").and_then(|(text, _)| text.rsplit(' ').next()?.parse().ok());
            // Those that are said to fit do.
            if fits.is_some_and(|fits: u32| fits > 0) {
                drop(build(fits.unwrap()).unwrap());
            }
            match build(1) {
                Ok(sandbox) => sandbox,
                Err(error) => return report(&error),
            }
        }
        (_, Ok(sandbox)) => sandbox,
        (_, Err(error)) => return report(&error),
    };
    if fault == "threads" {
        let limit = Left::now().reserved + (500 << 20);
        let mut prlimit = Command::new("prlimit");
        let limited = prlimit.args([format!("--pid={}", std::process::id()), format!("--as={limit}")]);
        assert!(limited.status().unwrap().success());
    }
    let mut open = Vec::new();
    let mut refused = None;
    for _ in 0..300 {
        match sandbox.context().blocking() {
            Ok(context) => open.push(context),
            Err(error) => {
                println!("{error}");
                refused = Some(error.kind());
                break;
            }
        }
    }
    for context in &open {
        let sum = context.eval_as::<i32>("1 + 2").blocking();
        assert!(sum.as_ref().is_ok_and(|sum| *sum == 3), "{sum:?}");
        context.eval("new Uint8Array(1e6).length").blocking().unwrap();
    }
    println!("{fault}: {} contexts work; {refused:?}", open.len());
    assert!(!open.is_empty());
    match fault {
        "threads" => assert_eq!(refused, Some(ErrorKind::Thread)),
        "address-space" => assert!(matches!(refused, Some(ErrorKind::Thread | ErrorKind::Engine))),
        "descriptors" => {
            let files: Vec<_> = iter::from_fn(|| fs::File::open("/dev/null").ok()).take(20).collect();
            assert!(files.len() < 14, "{} files could be opened", files.len());
            assert_eq!(refused, None);
        }
        _ => {
            let kept = fs::read_dir(&cache).map_or(0, Iterator::count);
            assert_eq!((kept, refused), (0, None), "what has no room is not kept");
        }
    }
    ExitCode::SUCCESS
}

/// A sandbox that cannot be made says so.
fn report(error: &Error) -> ExitCode {
    println!("{error}");
    assert!(matches!(error.kind(), ErrorKind::Thread | ErrorKind::Engine), "{error}");
    ExitCode::SUCCESS
}
