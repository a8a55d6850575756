//! The runner of this library. `run limits` starts it.

#[expect(dead_code, reason = "the driver reads the corpus; what is used here are the functions of the host")]
#[path = "../../tests/hostile_file.rs"]
mod hostile_file;
mod runner;

use std::time::Instant;

use aiointernal::{Limits, Sandbox, js::Source};
use tokio::runtime::Runtime;

use crate::runner::{DEADLINE, IS_KEPT, KEEP, MEMORY};

fn main() {
    let mut limits = Limits::default();
    limits.wall_time = DEADLINE;
    limits.memory = MEMORY;
    let runtime = Runtime::new().expect("the system starts tokio's threads");
    let sandbox = Sandbox::builder().limits(limits).build().expect("the engine compiles");
    runner::serve(|task| {
        runtime.block_on(async {
            let context = sandbox.context().functions(hostile_file::functions()).await;
            let context = context.expect("there is room for a context");
            context.eval(KEEP).await.expect("the script is right");
            let source = if task.module { Source::module(task.source) } else { Source::script(task.source) };
            let started = Instant::now();
            let result = context.eval(source).await;
            let ended = result.map_or_else(|error| error.kind().code(), |_| "value");
            runner::answer(started, ended, || context.eval_as(IS_KEPT).blocking().unwrap_or(false))
        })
    });
}
