//! The thread that rings deadlines, of which a process has one at most, and only while it is needed.
#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::{
    convert::Infallible,
    fs, thread,
    time::{Duration, Instant},
};

use aiointernal::HeapThread;

/// Threads of this process whose name begins so. The system cuts names at 15 bytes.
fn threads(name: &str) -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|comm| comm.trim_end().starts_with(name)).count()
}

#[test]
#[cfg(target_os = "linux")]
fn there_is_a_thread_for_deadlines_only_while_one_is_set() {
    let object = HeapThread::builder().name("object").spawn(|| Ok::<_, Infallible>(())).blocking().unwrap();
    assert_eq!((threads("object"), threads("aiointernal-tim")), (1, 0));
    // A thread has its name a moment after it was started.
    let timers = |&mut (): &mut ()| {
        let start = Instant::now();
        while threads("aiointernal-tim") == 0 && start.elapsed() < Duration::from_secs(20) {
            thread::yield_now();
        }
        threads("aiointernal-tim")
    };
    let within = object.call(timers).deadline(Instant::now() + Duration::from_secs(3600));
    assert_eq!(within.blocking().unwrap(), 1);
    object.close().blocking().unwrap();
    // A moment after the last one.
    while threads("aiointernal-tim") + threads("object") > 0 {
        thread::yield_now();
    }
}
