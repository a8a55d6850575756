//! The rows of the board: what every contender is asked.

use crate::task::{Contender, Kind, Task};

/// The smallest script that computes something.
const SUM: &str = "1 + 2";

/// An object of 100 members, in words that every engine has.
const RECORD: &str = "var record = {}; for (var i = 0; i < 100; i++) record['key' + i] = i; 0";

/// Calls of one evaluation.
const CALLS: u32 = 1000;
const HOST: &str = "(function () { var n = 0; for (var i = 0; i < 1000; i++) n = add(n, 1); return n })()";

/// Sources of a batch.
const BATCH: u32 = 10_000;

/// Contexts that live at a time.
const CONTEXTS: u32 = 200;

/// How long a turn is to be at least, in nanoseconds, where the row can be repeated.
const TURN: u64 = 20_000_000;

/// How often a row is repeated within a turn at most.
const MOST: u32 = 1 << 20;

/// The programs in `benches/programs`, each of which is a function that gives a checksum.
const PROGRAMS: [(&str, &str); 12] = [
    ("fib", include_str!("../programs/fib.js")),
    ("loop", include_str!("../programs/loop.js")),
    ("float", include_str!("../programs/float.js")),
    ("objects", include_str!("../programs/objects.js")),
    ("sieve", include_str!("../programs/sieve.js")),
    ("strings", include_str!("../programs/strings.js")),
    ("json", include_str!("../programs/json.js")),
    ("regexp", include_str!("../programs/regexp.js")),
    ("map", include_str!("../programs/map.js")),
    ("class", include_str!("../programs/class.js")),
    ("closures", include_str!("../programs/closures.js")),
    ("rays", include_str!("../programs/rays.js")),
];

/// What is measured.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) is_program: bool,
    pub(crate) task: Task,
    /// Whether it can be repeated within a turn.
    repeats: bool,
    /// Of how many things the source consists for which the time is given.
    parts: u32,
}

/// All of them, in the order of the board.
pub(crate) fn all() -> Vec<Row> {
    let row = |name: &str, kind, setup: &str, source: &str, times| Row {
        name: name.to_owned(),
        is_program: false,
        task: Task { kind, setup: setup.to_owned(), source: source.to_owned(), times },
        repeats: times == 1,
        parts: 1,
    };
    let mut rows = vec![
        row("fresh context", Kind::Fresh, "", SUM, 1),
        row("fresh context, of a pool", Kind::Pooled, "", SUM, 1),
        row("warm call", Kind::Warm, SUM, SUM, 1),
        Row { parts: CALLS, ..row("host call", Kind::Host, "0", HOST, 1) },
        row("object of 100 keys out", Kind::Object, RECORD, "record", 1),
        row("batch, an item", Kind::Batch, SUM, SUM, BATCH),
        row("memory of a context", Kind::Memory, "", SUM, CONTEXTS),
    ];
    let program = |(name, source): &(&str, &str)| {
        let called = format!("({source}\n)()");
        Row { is_program: true, repeats: false, ..row(name, Kind::Program, "0", &called, 1) }
    };
    rows.extend(PROGRAMS.iter().map(program));
    rows
}

impl Row {
    /// The same, as little as it can be.
    pub(crate) fn quick(mut self) -> Row {
        self.repeats = false;
        self.task.times = self.task.times.min(5);
        self
    }

    /// The task with as many repetitions as this contender needs; or why it cannot.
    pub(crate) fn calibrated(&self, contender: &mut dyn Contender) -> Result<Task, String> {
        let mut task = self.task.clone();
        // The first time, much is loaded and made that is there afterwards.
        contender.run(&task)?;
        let mut nanos = contender.run(&task)?.nanos;
        while self.repeats && nanos < TURN && task.times < MOST {
            let needed = u64::from(task.times) * TURN / nanos.max(1) + 1;
            task.times = needed.clamp(u64::from(task.times) + 1, u64::from(task.times) * 10) as u32;
            nanos = contender.run(&task)?.nanos;
        }
        Ok(task)
    }

    /// Nanoseconds of one of what is counted.
    pub(crate) fn each(&self, nanos: u64, times: u32) -> f64 {
        nanos as f64 / f64::from(times) / f64::from(self.parts)
    }
}
