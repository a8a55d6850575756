//! What a value costs on its way out of an engine and in: `cargo bench --workspace --bench values`, which takes a minute.
//! A word after `--` picks rows by name.
//!
//! The other way is the one that needs no codec: JSON, made in the script and read by serde_json on the host, or the
//! other way round. Both are calls of one context, in turns. The time is CPU time of all threads, so a row is the whole way:
//! script, codec, component, host. What a call costs by itself is the first row, and is in every other one.
//!
//! Figures of others, for the order of magnitude only; they are of other machines and were not measured here. From
//! the issues of quickjs-rs for Python, a sandbox of the same kind: an object of 100 keys out takes 65 ms, and one call
//! of a function of the host 445 us, of which native QuickJS takes 0.15 us.

mod machine;
mod cpu;
mod turns;

use std::{collections::VecDeque, env, thread, time::Duration};

use aiointernal::{Call, Context, Limits, Sandbox, Ticket, Value};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::turns::{median, take_turns};

/// Calls in the queue ahead of the one that is waited for.
const AHEAD: usize = 8;

/// How often each way has its turn.
const TURNS: usize = 15;

/// About how much CPU time one turn takes.
const TURN: Duration = Duration::from_millis(60);

/// What goes out, and the functions that take what comes in.
const SCRIPT: &str = "
    var nothing = 0;
    var record = Object.fromEntries(Array.from({ length: 100 }, (_, i) => ['key' + i, i]));
    var strings = Object.fromEntries(Array.from({ length: 100 }, (_, i) => ['key' + i, 'value number ' + i]));
    var integers = Array.from({ length: 10000 }, (_, i) => i);
    var fractions = Array.from({ length: 10000 }, (_, i) => i + 0.1);
    var ascii = 'ascii text'.repeat(100000);
    var cyrillic = 'кириллица '.repeat(52632);
    var bytes = Uint8Array.from({ length: 1000000 }, (_, i) => i % 251);
    var floats = Float64Array.from({ length: 125000 }, (_, i) => i + 0.1);
    var take = (value) => { };
    var parse = (text) => { JSON.parse(text) };
    var parseBytes = (text) => { Uint8Array.from(JSON.parse(text)) };
    var parseFloats = (text) => { Float64Array.from(JSON.parse(text)) };
";

/// Each thing that crosses: its name, its global, and how a script makes JSON of it and reads JSON as it.
const THINGS: [(&str, &str, &str, &str); 9] = [
    ("nothing", "nothing", "JSON.stringify(nothing)", "parse"),
    ("100 keys, integers", "record", "JSON.stringify(record)", "parse"),
    ("100 keys, strings", "strings", "JSON.stringify(strings)", "parse"),
    ("10,000 integers", "integers", "JSON.stringify(integers)", "parse"),
    ("10,000 fractions", "fractions", "JSON.stringify(fractions)", "parse"),
    ("1 MB of ASCII", "ascii", "JSON.stringify(ascii)", "parse"),
    ("1 MB of Cyrillic", "cyrillic", "JSON.stringify(cyrillic)", "parse"),
    ("1 MB Uint8Array", "bytes", "JSON.stringify(Array.from(bytes))", "parseBytes"),
    ("1 MB Float64Array", "floats", "JSON.stringify(Array.from(floats))", "parseFloats"),
];

fn main() {
    // On a thread of its own, as the CPU time is counted of all but the main one.
    let bench = thread::Builder::new().spawn(bench).expect("the system starts a thread");
    bench.join().expect("the values cross");
}

fn bench() {
    // Cargo says `--bench` when it is to be measured; else everything only has to run, once.
    let measured = env::args().any(|argument| argument == "--bench")
        && !env::args().any(|argument| ["--list", "--test"].contains(&argument.as_str()));
    if measured {
        println!("{}", machine::Machine::look());
        println!("{:<26} {:>12} {:>12} {:>12}", "CPU us a call", "ours", "JSON", "JSON / ours");
    }
    let context = context();
    let word = env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    for (name, global, stringify, parse) in THINGS.iter().filter(|(name, ..)| name.contains(&word)) {
        let value = context.eval(*global).blocking().expect("it can cross");
        let json = json(&value);
        let out = [way(|| context.eval(*global)), way(|| context.eval_as::<Parsed>(*stringify))];
        compare(&format!("{name}, out"), &out, measured);
        let within = [
            way(|| context.call("take", [&value])),
            way(|| context.call(*parse, [serde_json::to_string(&json).expect("it is JSON")])),
        ];
        compare(&format!("{name}, in"), &within, measured);
    }
}

/// A context that holds what is measured.
fn context() -> Context {
    let mut limits = Limits::default();
    limits.result = 8 << 20;
    let sandbox = Sandbox::builder().limits(limits).build().expect("the engine compiles");
    let context = sandbox.context().blocking().expect("there is room for a context");
    context.eval(SCRIPT).blocking().expect("the script is right");
    context
}

/// A value as JSON says it. Bytes are a list of numbers there.
fn json(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).expect("it has a form in JSON")
}

/// JSON within a string, read where the string arrives: on the context's thread, as our values are.
struct Parsed;

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Parsed, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed: serde_json::Value = serde_json::from_str(&text).map_err(D::Error::custom)?;
        drop(parsed);
        Ok(Parsed)
    }
}

/// Makes so many calls, a few of them ahead of the one that is waited for.
type Way<'a> = Box<dyn Fn(u64) + 'a>;

fn way<'a, R: Send + 'static>(call: impl Fn() -> Call<R> + 'a) -> Way<'a> {
    let finish = |ticket: Ticket<R>| drop(ticket.blocking().expect("the call runs"));
    Box::new(move |calls| {
        let mut ahead = VecDeque::new();
        for _ in 0..calls {
            if ahead.len() == AHEAD {
                ahead.pop_front().map(finish);
            }
            ahead.push_back(call().queue());
        }
        ahead.into_iter().for_each(finish);
    })
}

/// Prints what a call of each of two ways costs.
fn compare(name: &str, ways: &[Way<'_>; 2], measured: bool) {
    if !measured {
        return ways.iter().for_each(|way| way(1));
    }
    let calls: Vec<u64> = ways.iter().map(calls_of_a_turn).collect();
    let numbered: Vec<(&Way<'_>, u64)> = ways.iter().zip(calls).collect();
    let mut times = take_turns(&numbered, TURNS, |(way, calls)| micros(way, *calls));
    let ratios = times[1].iter().zip(&times[0]).map(|(json, ours)| json / ours).collect();
    let (json, ours) = (median(times.remove(1)), median(times.remove(0)));
    println!("{name:<26} {ours:>12.1} {json:>12.1} {:>12.1}", median(ratios));
}

/// How many calls take as long as a turn.
fn calls_of_a_turn(way: &Way<'_>) -> u64 {
    let mut calls = 8;
    loop {
        let taken = Duration::from_secs_f64(micros(way, calls) * calls as f64 / 1e6);
        if taken >= TURN / 4 {
            return (calls as f64 * TURN.as_secs_f64() / taken.as_secs_f64()).ceil() as u64;
        }
        calls *= 4;
    }
}

/// CPU time of a call.
fn micros(way: &Way<'_>, calls: u64) -> f64 {
    let before = cpu::of_other_threads();
    way(calls);
    (cpu::of_other_threads() - before).as_secs_f64() * 1e6 / calls as f64
}
