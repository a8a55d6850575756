//! What the thread does when there is nothing to do, by the kernel's own counts.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use super::*;

const NAME: &str = "idle-watched";

/// CPU time that looking out for the next call may take, before the thread sleeps. It is about 10 us; a machine that is
/// shared may put more on the bill.
const LOOKOUT: Duration = Duration::from_millis(5);

/// The folder of the thread in `/proc`.
fn task() -> PathBuf {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let named = |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim_end() == NAME);
    tasks.into_iter().find(named).unwrap()
}

fn status<'a>(text: &'a str, key: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim()
}

fn sleeps(task: &Path) -> bool {
    status(&fs::read_to_string(task.join("status")).unwrap(), "State:").starts_with('S')
}

/// How often it gave up its core by itself.
fn naps(task: &Path) -> u64 {
    status(&fs::read_to_string(task.join("status")).unwrap(), "voluntary_ctxt_switches:").parse().unwrap()
}

fn cpu_time(task: &Path) -> Duration {
    let counts = fs::read_to_string(task.join("schedstat")).unwrap();
    Duration::from_nanos(counts.split_whitespace().next().unwrap().parse().unwrap())
}

#[test]
fn a_thread_that_nobody_calls_falls_asleep_and_stays_asleep() {
    let thread = HeapThread::builder().name(NAME).spawn(|| Ok::<_, Infallible>(Numbers::default())).blocking().unwrap();
    let task = task();
    let before = cpu_time(&task);
    assert_eq!(push(&thread, 1).blocking().unwrap(), 1);
    // One that never sleeps makes this hang, and the test with it.
    while !sleeps(&task) {
        thread::yield_now();
    }
    assert!(cpu_time(&task) - before < LOOKOUT);

    // Nobody sends: this only lets time pass, for a thread that wakes up now and then to show itself.
    let (_sender, nothing) = channel::<()>();
    let naps_before = naps(&task);
    assert_eq!(nothing.recv_timeout(Duration::from_millis(50)), Err(RecvTimeoutError::Timeout));
    // The kernel says that a thread sleeps a moment before it counts that.
    assert!(naps(&task) - naps_before <= 1);
    assert_eq!(push(&thread, 2).blocking().unwrap(), 2);
}
