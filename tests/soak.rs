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
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, exit},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use aiointernal::{
    Context, Error, ErrorKind, Limits, Sandbox,
    component::{Budget, Group, Meter},
    js::{Console, Functions, JsValue},
};
use futures_util::{FutureExt as _, StreamExt as _, future::select_all};
use tokio::runtime::{Builder, Runtime};

#[path = "hostile_file.rs"]
#[expect(dead_code, reason = "how a script ends is asked elsewhere")]
mod hostile_file;

use hostile_file::Script;

/// Tasks of one runtime, each with a context at a time.
const TASKS: usize = 12;

const RUNTIMES: u64 = 4;

/// The whole is given up as hanging this long after its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that the process may have grown by at the end: what the allocator keeps, and no context.
const LEFT_OVER: usize = 96 << 20;

fn main() -> ExitCode {
    if let Ok(fault) = env::var("SOAK_FAULT") {
        return fault_main(&fault);
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
        && after.resident <= before.resident + LEFT_OVER;
    if is_clean && tally.is_even() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
    resident: usize,
}

impl Left {
    fn now() -> Left {
        let entries = |folder: &str| fs::read_dir(folder).map_or(0, Iterator::count);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        let resident = resident.and_then(|kib| kib.parse::<usize>().ok()).unwrap_or_default() << 10;
        Left { threads: entries("/proc/self/task"), descriptors: entries("/proc/self/fd"), resident }
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
    given_up: AtomicU64,
    kinds: Mutex<BTreeMap<&'static str, u64>>,
}

/// A call that was made. It is answered, or its caller goes.
struct Asked<'a>(&'a Tally, bool);

impl Tally {
    fn ask(&self) -> Asked<'_> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        Asked(self, false)
    }

    fn note(&self, kind: Option<ErrorKind>) {
        *self.0.kinds.lock().unwrap().entry(kind.map_or("ok", ErrorKind::code)).or_default() += 1;
    }

    /// Whether each call was answered or given up.
    fn is_even(&self) -> bool {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        load(&self.0.asked) == load(&self.0.answered) + load(&self.0.given_up)
    }

    fn print(&self) {
        let Counts { contexts, asked, answered, given_up, kinds } = &*self.0;
        println!("contexts {contexts:?}, calls {asked:?}: answered {answered:?}, given up {given_up:?}");
        println!("{:?}", kinds.lock().unwrap());
    }
}

impl Asked<'_> {
    fn answered<R>(mut self, result: &Result<R, Error>) {
        self.1 = true;
        self.0.0.answered.fetch_add(1, Ordering::Relaxed);
        self.0.note(result.as_ref().err().map(Error::kind));
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.0.given_up.fetch_add(1, Ordering::Relaxed);
        }
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
    let mut budget = Budget::default();
    (budget.memory, budget.instances) = (300 << 20, 40);
    let group = Group::new(limits, budget);
    let scripts: Arc<[Script]> = hostile_file::scripts().into();
    let until = Instant::now() + time;
    let runtimes = (0..RUNTIMES).map(|number| {
        let (sandbox, group, scripts, tally) = (sandbox.clone(), group.clone(), Arc::clone(&scripts), tally.clone());
        let chance = Chance(seed.wrapping_mul(2_654_435_761).wrapping_add(number) | 1);
        let living = move || {
            let mut chance = chance;
            while Instant::now() < until {
                live(&sandbox, &group, &scripts, &tally, &mut chance, until);
            }
        };
        thread::Builder::new().name(format!("runtime-{number}")).spawn(living).unwrap()
    });
    let runtimes: Vec<_> = runtimes.collect();
    runtimes.into_iter().for_each(|runtime| runtime.join().unwrap());
    drop(sandbox);
    // Contexts that were dropped end on their own threads.
    let (_never, silent) = mpsc::channel::<()>();
    let patience = Instant::now() + Duration::from_secs(20);
    while group.instances() > 0 && Instant::now() < patience {
        let _ = silent.recv_timeout(Duration::from_millis(10));
    }
    assert_eq!((group.instances(), group.memory()), (0, 0), "instances and their memory are left over");
    assert!(meter.total().calls > 0, "{tally:?}");
}

/// A runtime and its tasks. It is dropped while they are at work.
fn live(sandbox: &Sandbox, group: &Group, scripts: &Arc<[Script]>, tally: &Tally, chance: &mut Chance, until: Instant) {
    let mut builder = if chance.one_in(2) { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    let runtime: Runtime = builder.worker_threads(2).enable_all().build().unwrap();
    let left = until.saturating_duration_since(Instant::now());
    let time = Duration::from_millis(200 + chance.below(2000)).min(left);
    runtime.block_on(async {
        for _ in 0..TASKS {
            let (sandbox, group, scripts) = (sandbox.clone(), group.clone(), Arc::clone(scripts));
            let (tally, chance) = (tally.clone(), Chance(chance.next() | 1));
            tokio::spawn(async move { serve(&sandbox, &group, &scripts, &tally, chance).await });
        }
        tokio::time::sleep(time).await;
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
async fn serve(sandbox: &Sandbox, group: &Group, scripts: &[Script], tally: &Tally, mut chance: Chance) {
    loop {
        let panics = chance.one_in(20);
        let context = sandbox.context().group(group).functions(functions()).on_console(move |_| {
            if panics {
                panic!("on purpose");
            }
        });
        let asked = tally.ask();
        let opened = context.await;
        asked.answered(&opened);
        let Ok(context) = opened else {
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
            let asked = tally.ask();
            let console = Console::new();
            asked.answered(&context.printing_to(&console).eval(script.source()).await);
        }
        // The caller goes at some moment.
        4 => {
            let asked = tally.ask();
            let patience = Duration::from_micros(chance.below(60_000));
            if let Ok(result) = tokio::time::timeout(patience, context.eval(script.source())).await {
                asked.answered(&result);
            }
        }
        // Many at once, of which one is awaited and the others are given up, or aborted.
        5 => {
            let (asked, mut tickets): (Vec<_>, Vec<_>) =
                (0..20).map(|_| (tally.ask(), context.eval("await host.soon(); 1").queue())).unzip();
            let (result, index, rest) = select_all(&mut tickets).await;
            drop(rest);
            asked.into_iter().nth(index).unwrap().answered(&result);
            tickets.iter().step_by(2).for_each(|ticket| ticket.abort());
        }
        6 => {
            let sources: Vec<_> =
                (0..5).map(|_| scripts[chance.below(scripts.len() as u64) as usize].source()).collect();
            let wanted = chance.below(6) as usize;
            let mut results = context.eval_batch(sources).stream().take(wanted);
            while let Some(result) = results.next().await {
                tally.note(result.err().map(|error| error.kind()));
            }
        }
        7 => {
            let asked = tally.ask();
            let kept = context.eval_as::<JsValue>("({ list: [1, 2, 3], again() { return this } })").await;
            asked.answered(&kept);
            if let Ok(kept) = kept {
                let asked = tally.ask();
                asked.answered(&kept.call_method::<JsValue>("again", ()).await);
            }
        }
        8 => {
            let asked = tally.ask();
            let source = ["host.fails()", "host.panics()", "host.never()", "Promise.all([host.soon(), host.never()])"];
            let source = source[chance.below(4) as usize];
            asked.answered(&context.eval(format!("await {source}")).await);
        }
        _ => {
            let asked = tally.ask();
            asked.answered(&context.reset().await);
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
        ("threads", "ulimit -v 14000000"),
        ("files", "trap '' XFSZ; ulimit -f 5000"),
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

/// The process that has too little of something. It ends in success where everything it asked for was done or refused, and nothing
/// hung or ended it.
fn fault_main(fault: &str) -> ExitCode {
    watch(Instant::now() + PATIENCE);
    let cache = env::var("SOAK_CACHE").unwrap();
    let build = |contexts| Sandbox::builder().cache_folder(Some(cache.clone().into())).max_contexts(contexts).build();
    let sandbox = match (fault, build(1000)) {
        // The address space of so many is not to be had; that of one is.
        ("address-space", Err(error)) => {
            assert_eq!(error.kind(), ErrorKind::Engine, "{error}");
            assert!(error.to_string().contains("ulimit -v"), "{error}");
            match build(1) {
                Ok(sandbox) => sandbox,
                Err(error) => return report(&error),
            }
        }
        ("threads", Err(_)) => match build(2) {
            Ok(sandbox) => sandbox,
            Err(error) => return report(&error),
        },
        (_, Ok(sandbox)) => sandbox,
        (_, Err(error)) => return report(&error),
    };
    let mut open = Vec::new();
    let mut refused = 0;
    for _ in 0..300 {
        match sandbox.context().blocking() {
            Ok(context) => open.push(context),
            Err(error) => {
                refused += 1;
                assert!(matches!(error.kind(), ErrorKind::Thread | ErrorKind::Engine), "{error}");
                println!("{error}");
                break;
            }
        }
    }
    for context in &open {
        let sum = context.eval_as::<i32>("1 + 2").blocking();
        assert!(sum.as_ref().is_ok_and(|sum| *sum == 3), "{sum:?}");
        context.eval("new Uint8Array(1e6).length").blocking().unwrap();
    }
    println!("{fault}: {} contexts work, {refused} refused", open.len());
    assert!(!open.is_empty());
    ExitCode::SUCCESS
}

/// A sandbox that cannot be made says so.
fn report(error: &Error) -> ExitCode {
    println!("{error}");
    assert!(matches!(error.kind(), ErrorKind::Thread | ErrorKind::Engine), "{error}");
    ExitCode::SUCCESS
}
