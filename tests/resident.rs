//! What the process grows by, whatever a script does: no more than the memory limit of its context, and a constant.
#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

#[path = "hostile_file.rs"]
#[expect(dead_code, reason = "how a script ends is asked elsewhere")]
mod hostile_file;

use std::{fs, time::Duration};

use aiointernal::{
    Error, ErrorKind, Limits, Sandbox, Value,
    js::{Functions, Source},
};
use tokio::runtime::Runtime;

use self::hostile_file::Script;

const MEMORY: usize = 32 << 20;

/// The constant, as README.md has it.
const BESIDE: usize = 24 << 20;

/// Long enough to fill the memory.
const TIME: Duration = Duration::from_millis(200);

/// Categories whose scripts make much: within the engine, or for the host.
const CATEGORIES: [&str; 5] = ["console", "host", "memory", "recursion", "results"];

/// Asks again and again for what is not there, under a long name.
const ECHOED: &str = "const name = 'x'.repeat((1 << 20) - 100); for (;;) try { host.lacks(name) } catch { host.lacks_later(name).catch(() => {}) }";

fn functions() -> Functions {
    let lacks = |name: String| Error::other(format!("there is no {name}"));
    hostile_file::functions()
        .sync_function("host.lacks", move |(name,): (String,), _| Err::<(), _>(lacks(name)))
        .function("host.lacks_later", move |(name,): (String,), _| async move { Err::<(), _>(lacks(name)) })
}

#[test]
fn no_script_makes_the_process_grow_by_more_than_its_limit_and_a_constant() {
    let runtime = Runtime::new().unwrap();
    let mut limits = Limits::default();
    (limits.wall_time, limits.memory) = (TIME, MEMORY);
    // As often as there is time for it.
    (limits.host_calls, limits.host_bytes) = (usize::MAX, usize::MAX);
    let sandbox = Sandbox::builder().limits(limits).max_contexts(1).build().unwrap();
    let scripts = hostile_file::scripts();
    let picked = |script: &&Script| CATEGORIES.contains(&script.category.as_str());
    let picked = scripts.iter().filter(picked);
    let sources = picked.map(|script| (format!("{}: {}", script.category, script.name), script.source()));
    let (mut wrong, mut full) = (Vec::new(), 0);
    for (name, source) in sources.chain([("an error that echoes".to_owned(), ECHOED.into())]) {
        let (growth, result) = run(&runtime, &sandbox, source);
        full += usize::from(result.is_err_and(|error| error.kind() == ErrorKind::MemoryLimit));
        if growth > MEMORY + BESIDE {
            wrong.push(format!("{name}: {} MiB", growth >> 20));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(full >= 10, "only {full} scripts met the limit of memory");
}

/// What the process grows by meanwhile, and how the script ends.
fn run(runtime: &Runtime, sandbox: &Sandbox, source: Source) -> (usize, Result<Value, Error>) {
    let before = resident("VmRSS:");
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let result = runtime.block_on(async {
        let context = sandbox.context().functions(functions()).await.unwrap();
        let result = context.eval(source).await;
        context.close_now().await.unwrap();
        result
    });
    (resident("VmHWM:").saturating_sub(before), result)
}

/// Bytes of this process, by a line of its status.
fn resident(line: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let kib = status.lines().find_map(|text| text.strip_prefix(line)?.trim().strip_suffix(" kB"));
    kib.unwrap().parse::<usize>().unwrap() << 10
}
