//! What a call of a handle costs beside a call by name, and a call whose use is counted: `cargo bench --workspace --bench
//! boundary`. The ways take turns, and each is told as a part of the first.

mod turns;

use std::{env, time::Instant};

use aiointernal::{Call, Context, Sandbox, component::Meter, js::JsValue};

use crate::turns::{median, take_turns};

/// Calls that are queued before the first result is waited for. The queue has room for them: so it is the time of the
/// context's thread that is measured, not that of the way there and back.
const CALLS: usize = 200;

/// How often each way is measured.
const TURNS: usize = 500;

/// A way to make the calls.
type Way<'a> = (&'a str, Box<dyn Fn() + 'a>);

fn main() {
    // Cargo says `--bench` when it is to be measured; else everything only has to run, once.
    let turns = if env::args().any(|argument| argument == "--bench") { TURNS } else { 1 };
    let context = Sandbox::new().and_then(|sandbox| sandbox.context().blocking()).expect("the engine compiles");
    let source = "var same = (value) => value; var object = { same }; same";
    let same: JsValue = context.eval_as(source).blocking().expect("the script is right");
    let object: JsValue = context.get_global_as("object").blocking().expect("the script has run");
    let metered = context.metered(&Meter::new());
    let ways = ways(&context, &metered, &same, &object);
    let times = take_turns(&ways, turns, |(_, calls)| {
        let started = Instant::now();
        calls();
        started.elapsed().as_secs_f64() * 1e6 / CALLS as f64
    });
    let first = median(times[0].clone());
    for ((name, _), times) in ways.iter().zip(times) {
        let time = median(times);
        println!("{name:<40} {time:>8.2} µs {:>6.2}", time / first);
    }
}

/// One function: by its name, the same with a meter, by a handle, as a method of a handle, and with a handle as argument and as result, which is
/// then let go.
fn ways<'a>(context: &'a Context, metered: &'a Context, same: &'a JsValue, object: &'a JsValue) -> [Way<'a>; 5] {
    [
        ("call by name", Box::new(|| queued(|| context.call_as::<i32>("same", (1,))))),
        ("call by name, metered", Box::new(|| queued(|| metered.call_as::<i32>("same", (1,))))),
        ("call of a handle", Box::new(|| queued(|| same.call::<i32>((1,))))),
        ("method of a handle", Box::new(|| queued(|| object.call_method::<i32>("same", (1,))))),
        ("call of a handle with a handle, for one", Box::new(move || queued(|| same.call::<JsValue>((object,))))),
    ]
}

fn queued<R: Send + 'static>(call: impl Fn() -> Call<R>) {
    let tickets: Vec<_> = (0..CALLS).map(|_| call().queue()).collect();
    for ticket in tickets {
        ticket.blocking().expect("the call runs");
    }
}
