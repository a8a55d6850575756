//! What `drive.py` asks of a runner, and what it is told: JSON, one line each.

use std::{
    io::{self, BufRead, Write},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

pub(crate) const DEADLINE: Duration = Duration::from_millis(50);

pub(crate) const MEMORY: usize = 32 << 20;

/// Sets what [`IS_KEPT`] looks for.
pub(crate) const KEEP: &str = "globalThis.kept = 41";

pub(crate) const IS_KEPT: &str = "globalThis.kept + 1 === 42";

/// A script to be run in a context of its own.
#[derive(Deserialize)]
pub(crate) struct Task {
    pub(crate) source: String,
    pub(crate) module: bool,
}

/// How a script ended.
#[derive(Serialize)]
pub(crate) struct Answer {
    ms: f64,
    /// `timeout`, or any other word.
    ended: String,
    /// Whether the context still has its state; looked at where the script was stopped.
    kept: Option<bool>,
}

impl Answer {
    /// `is_kept` is asked after the time was taken.
    pub(crate) fn new(started: Instant, ended: String, is_kept: impl FnOnce() -> bool) -> Answer {
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        let kept = (ended == "timeout").then(is_kept);
        Answer { ms, ended, kept }
    }
}

/// Runs what comes, until nothing more does.
pub(crate) fn serve(mut run: impl FnMut(Task) -> Answer) {
    println!("{{\"ready\":true}}");
    for line in io::stdin().lock().lines() {
        let line = line.expect("the driver writes UTF-8");
        let answer = run(serde_json::from_str(&line).expect("the driver writes a task"));
        println!("{}", serde_json::to_string(&answer).expect("an answer is JSON"));
        io::stdout().flush().expect("the driver reads");
    }
}
