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
struct Answer<'a> {
    ms: f64,
    /// `timeout`, or any other word.
    ended: &'a str,
}

/// What there is afterwards.
#[derive(Serialize)]
pub(crate) struct Rest {
    /// Whether the context still has its state; looked at where the script was stopped.
    kept: Option<bool>,
}

/// To be called when a script has ended. `is_kept` is asked after that was said.
pub(crate) fn answer(started: Instant, ended: &str, is_kept: impl FnOnce() -> bool) -> Rest {
    say(&Answer { ms: started.elapsed().as_secs_f64() * 1000.0, ended });
    Rest { kept: (ended == "timeout").then(is_kept) }
}

/// Runs what comes, until nothing more does.
pub(crate) fn serve(mut run: impl FnMut(Task) -> Rest) {
    say(&true);
    for line in io::stdin().lock().lines() {
        let line = line.expect("the driver writes UTF-8");
        say(&run(serde_json::from_str(&line).expect("the driver writes a task")));
    }
}

fn say(what: &impl Serialize) {
    println!("{}", serde_json::to_string(what).expect("it is JSON"));
    io::stdout().flush().expect("the driver reads");
}
