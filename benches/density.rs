//! Many live contexts in one process, each of which has evaluated something: what one of them costs, and how soon it answers.
//!
//! `DENSITY_CONTEXTS=20000 cargo bench --workspace --bench density`; that many by default. Runs once, as the process is full afterwards.
#![expect(clippy::unwrap_used, reason = "a benchmark that meets an error has failed")]

use std::{
    env, fs,
    time::{Duration, Instant},
};

use aiointernal::{Context, Sandbox, js::Pool};
use futures_util::future::join_all;
use tokio::runtime::{Builder, Runtime};

mod machine;

/// Contexts that are opened at a time.
const AT_ONCE: usize = 256;

/// Evaluations in contexts that are picked at random.
const PICKS: usize = 20_000;

fn main() {
    println!("{}", machine::Machine::look());
    let contexts = env::var("DENSITY_CONTEXTS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let runtime = Builder::new_current_thread().build().unwrap();
    let began = Instant::now();
    let sandbox = Sandbox::builder().max_contexts(contexts).build().unwrap();
    let pool = Pool::builder(&sandbox).spares(0).build().unwrap();
    println!("sandbox and pool for {contexts} contexts: {:.1?}", began.elapsed());
    let contexts = contexts as usize;

    // One, so that what a process has once is there.
    runtime.block_on(pool.eval("1 + 2")).unwrap();
    let before = Taken::now();
    let began = Instant::now();
    let open = runtime.block_on(open(&pool, contexts - 1));
    let opened = began.elapsed();
    println!("{} opened, each with an evaluation: {opened:.1?}, {:.1?} each", open.len(), opened / open.len() as u32);
    before.print_each(open.len());

    let mut picked = pick(&runtime, &open, PICKS, true);
    print("an evaluation in a context picked at random", &mut picked);
    let mut same = pick(&runtime, &open, PICKS, false);
    print("an evaluation in one and the same context", &mut same);
    before.print_each(open.len());
    drop(open);
    let began = Instant::now();
    runtime.block_on(pool.close());
    println!("closed: {:.1?}", began.elapsed());
}

/// Contexts of as many tenants, each of which has evaluated something of its own.
async fn open(pool: &Pool, contexts: usize) -> Vec<Context> {
    let mut open = Vec::with_capacity(contexts);
    while open.len() < contexts {
        let some = open.len()..contexts.min(open.len() + AT_ONCE);
        let opening = some.map(async |tenant| {
            let context = pool.context(format!("tenant-{tenant}")).await.unwrap();
            let sum = context.eval_as::<usize>(format!("globalThis.own = {tenant}; 1 + 2")).await.unwrap();
            assert_eq!(sum, 3);
            context
        });
        open.extend(join_all(opening).await);
    }
    open
}

/// How long evaluations take, one after the other.
fn pick(runtime: &Runtime, open: &[Context], picks: usize, at_random: bool) -> Vec<Duration> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let picked = (0..picks).map(|_| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let tenant = if at_random { random as usize % open.len() } else { 0 };
        let began = Instant::now();
        let own = runtime.block_on(open[tenant].eval_as::<usize>("own").into_future()).unwrap();
        assert_eq!(own, tenant);
        began.elapsed()
    });
    picked.collect()
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100];
    println!("{what}: p50 {:.1?}, p99 {:.1?}", at(50), at(99));
}

/// What the process takes of the system, in KiB and numbers.
struct Taken {
    /// Each page once, however many contexts map it.
    resident: usize,
    /// As the system's `VmRSS` has it: a page of the image counts for each context that maps it.
    mapped: usize,
    page_tables: usize,
    mappings: usize,
    reserved: usize,
    threads: usize,
}

impl Taken {
    fn now() -> Taken {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let rollup = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
        let number = |text: &str, name: &str| -> usize {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        let mappings = fs::read_to_string("/proc/self/maps").unwrap().lines().count();
        Taken {
            resident: number(&rollup, "Pss:"),
            mapped: number(&status, "VmRSS:"),
            page_tables: number(&status, "VmPTE:"),
            mappings,
            reserved: number(&status, "VmSize:"),
            threads: number(&status, "Threads:"),
        }
    }

    /// What was taken since, for each of so many contexts.
    fn print_each(&self, contexts: usize) {
        let now = Taken::now();
        let each = |before: usize, after: usize| (after as f64 - before as f64) / contexts as f64;
        let (resident, tables) = (each(self.resident, now.resident), each(self.page_tables, now.page_tables));
        println!(
            "each: {:.1} KiB = {resident:.1} resident + {tables:.1} of page tables; {:.2} mappings",
            resident + tables,
            each(self.mappings, now.mappings),
        );
        println!(
            "all: {} MiB resident (VmRSS, which counts the shared image for each: {} MiB), {} MiB of page tables, {} mappings, \
             {} GiB of address space, {} threads",
            now.resident >> 10,
            now.mapped >> 10,
            now.page_tables >> 10,
            now.mappings,
            now.reserved >> 20,
            now.threads,
        );
    }
}
