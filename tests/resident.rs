//! What the process grows by, whatever a script does: no more than the memory limit of its context, and a constant.
#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

#[path = "hostile_file.rs"]
#[expect(dead_code, reason = "how a script ends is asked elsewhere")]
mod hostile_file;

use std::{fs, time::Duration};

use aiointernal::{ErrorKind, Limits, Sandbox};
use tokio::runtime::Runtime;

use self::hostile_file::Script;

const MEMORY: usize = 32 << 20;

/// The constant, as README.md has it.
const BESIDE: usize = 24 << 20;

/// Long enough to fill the memory.
const TIME: Duration = Duration::from_millis(200);

/// Categories whose scripts make much: within the engine, or for the host.
const CATEGORIES: [&str; 5] = ["console", "host", "memory", "recursion", "results"];

#[test]
fn no_script_makes_the_process_grow_by_more_than_its_limit_and_a_constant() {
    let runtime = Runtime::new().unwrap();
    let mut limits = Limits::default();
    (limits.wall_time, limits.memory) = (TIME, MEMORY);
    let sandbox = Sandbox::builder().limits(limits).max_contexts(1).build().unwrap();
    let scripts = hostile_file::scripts();
    let picked = |script: &&Script| CATEGORIES.contains(&script.category.as_str());
    let (mut wrong, mut full) = (Vec::new(), 0);
    for script in scripts.iter().filter(picked) {
        let before = resident("VmRSS:");
        fs::write("/proc/self/clear_refs", "5").unwrap();
        let result = runtime.block_on(async {
            let context = sandbox.context().functions(hostile_file::functions()).await.unwrap();
            let result = context.eval(script.source()).await;
            context.close_now().await.unwrap();
            result
        });
        let growth = resident("VmHWM:").saturating_sub(before);
        full += usize::from(result.is_err_and(|error| error.kind() == ErrorKind::MemoryLimit));
        if growth > MEMORY + BESIDE {
            wrong.push(format!("{}: {}: {} MiB", script.category, script.name, growth >> 20));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(full >= 10, "only {full} scripts met the limit of memory");
}

/// Bytes of this process, by a line of its status.
fn resident(line: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let kib = status.lines().find_map(|text| text.strip_prefix(line)?.trim().strip_suffix(" kB"));
    kib.unwrap().parse::<usize>().unwrap() << 10
}
