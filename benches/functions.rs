//! What a call of a host function costs: `cargo bench --workspace --bench functions`, which takes half a minute.
//!
//! Each way is one evaluation that makes a thousand calls; the time is that of the wall, by call. The peer is native
//! rquickjs, with no sandbox, no limits, and one thread. Figures of others, of other machines and not measured here: native
//! QuickJS 0.15 us, quickjs-emscripten 9 to 33 us, quickjs-rs for Python 445 us, a worker thread of Deno's kind 380 us.

mod machine;
mod turns;

use std::{convert::Infallible, env, time::Instant};

use aiointernal::{
    Context, Sandbox,
    js::{Functions, Host, HostClass, Members},
};
use rquickjs::{Context as NativeContext, Function, Runtime};
use tokio::{runtime, task::yield_now};

use crate::turns::{median, take_turns};

/// Calls of one evaluation.
const CALLS: u32 = 1000;

/// How often each way has its turn.
const TURNS: usize = 31;

/// The ways, by their scripts. Each makes its calls and says how many.
const SYNC: &str = "let n = 0; for (let i = 0; i < 1000; i++) n = add(n, 1); return n";
const SCRIPTS: [(&str, &str); 6] = [
    ("sync", SYNC),
    ("sync, of an object", "let n = 0; for (let i = 0; i < 1000; i++) n = adder.add(n, 1); return n"),
    ("async, ready at once", "let n = 0; for (let i = 0; i < 1000; i++) n = await ready(n, 1); return n"),
    ("async, one after the other", "let n = 0; for (let i = 0; i < 1000; i++) n = await later(n, 1); return n"),
    ("async, 1000 in flight", "return (await Promise.all(Array.from({ length: 1000 }, (_, i) => later(0, 1)))).length"),
    ("in the script", "const own = (a, b) => a + b; let n = 0; for (let i = 0; i < 1000; i++) n = own(n, 1); return n"),
];

/// A way, by its name.
type Way<'a> = (&'a str, Box<dyn Fn() + 'a>);

/// An object of the host with one method.
struct Adder;

impl HostClass for Adder {
    const NAME: &'static str = "Adder";

    fn members(members: Members<Adder>) -> Members<Adder> {
        members.sync_method("add", |_, (a, b): (i32, i32), _| Ok::<_, Infallible>(a + b))
    }
}

fn functions() -> Functions {
    Functions::new()
        .sync_function("add", |(a, b): (i32, i32), _| Ok::<_, Infallible>(a + b))
        .function("ready", |(a, b): (i32, i32), _| async move { Ok::<_, Infallible>(a + b) })
        .function("later", |(a, b): (i32, i32), _| async move {
            yield_now().await;
            Ok::<_, Infallible>(a + b)
        })
}

fn main() {
    let measured = env::args().any(|argument| argument == "--bench")
        && !env::args().any(|argument| ["--list", "--test"].contains(&argument.as_str()));
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).build().expect("the system starts a thread");
    let sandbox = Sandbox::new().expect("the engine compiles");
    let builder = sandbox.context().functions(functions()).globals([("adder", Host::new(Adder))]);
    let builder = builder.expect("it is a value");
    let context = runtime.block_on(async { builder.await }).expect("there is room for a context");
    let native = native();
    let mut ways: Vec<Way<'_>> = Vec::new();
    for (name, script) in SCRIPTS {
        ways.push((name, Box::new(|| run(&context, script))));
    }
    ways.push((
        "native rquickjs, sync",
        Box::new(|| {
            let script = format!("(() => {{ {SYNC} }})()");
            native.with(|ctx| ctx.eval::<i32, _>(script)).expect("it runs");
        }),
    ));
    let turns = if measured { TURNS } else { 1 };
    let times = take_turns(&ways, turns, |(_, way)| {
        let started = Instant::now();
        way();
        started.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
    });
    if measured {
        println!("{}", machine::Machine::look());
        println!("{:<28} {:>10} {:>18}", "us a call", "ours", "of native, sync");
        let native = times.last().cloned().unwrap_or_default();
        for ((name, _), times) in ways.iter().zip(times) {
            let ratio = median(times.iter().zip(&native).map(|(ours, native)| ours / native).collect());
            println!("{name:<28} {:>10.2} {ratio:>18.1}", median(times));
        }
    }
}

fn run(context: &Context, script: &str) {
    let made: u32 = context.eval_as(format!("(async () => {{ {script} }})()")).blocking().expect("it runs");
    assert_eq!(made, CALLS);
}

fn native() -> NativeContext {
    let runtime = Runtime::new().expect("there is memory for a runtime");
    let context = NativeContext::full(&runtime).expect("there is memory for a context");
    let add = |a: i32, b: i32| a + b;
    let defined = context.with(|ctx| {
        let add = Function::new(ctx.clone(), add)?;
        ctx.globals().set("add", add)
    });
    defined.expect("the name is free");
    context
}
