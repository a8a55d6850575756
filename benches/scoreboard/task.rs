//! What a contender is asked, and what it answers: also as JSON, one line each, between processes.

use std::{
    io::{self, BufRead as _, Write as _},
    time::Instant,
};

use serde::{Deserialize, Serialize};

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A context is made, evaluates the source, and is gone.
    Fresh,
    /// The same, from a pool.
    Pooled,
    /// A context that is there evaluates the source, which gives a number. It is a new one for each task.
    Warm,
    /// The same, once: a context that comes with each call will do.
    Program,
    /// As `Warm`, where `add(a, b)` is a function of the host that is called without waiting.
    Host,
    /// As `Warm`, where the source gives an object, whose members are to arrive as values of the host.
    Object,
    /// As `Warm`, with all the times at once where there is a way for that.
    Batch,
    /// As many contexts as `times` says evaluate the source, and stay. No time is taken.
    Memory,
}

/// What a contender is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) kind: Kind,
    /// What the context evaluates before the time is taken.
    pub(crate) setup: String,
    pub(crate) source: String,
    pub(crate) times: u32,
}

/// What it took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    /// For all the times together.
    pub(crate) nanos: u64,
    /// What the source gave; of an object, how many members it has.
    pub(crate) value: f64,
}

/// Or why it cannot.
pub(crate) type Answer = Result<Done, String>;

/// What an engine is, and does.
pub(crate) trait Contender {
    /// Its version, and what else is to be said of how it is used.
    fn version(&self) -> String;

    fn run(&mut self, task: &Task) -> Answer;
}

/// Has it do what the driver asks, until that asks no more.
pub(crate) fn serve(contender: &mut impl Contender) {
    say(&contender.version());
    for line in io::stdin().lock().lines() {
        let line = line.expect("the driver writes UTF-8");
        say(&contender.run(&serde_json::from_str(&line).expect("the driver writes a task")));
    }
}

/// What was done since then.
pub(crate) fn done(started: Instant, value: f64) -> Done {
    Done { nanos: started.elapsed().as_nanos() as u64, value }
}

fn say(what: &impl Serialize) {
    println!("{}", serde_json::to_string(what).expect("it is JSON"));
    io::stdout().flush().expect("the driver reads");
}
