//! This library, awaited by one task, as a program of tokio would.

use std::{convert::Infallible, time::Instant};

use aiointernal::{
    Context, Error, Sandbox, Value,
    js::{Functions, Pool},
};
use tokio::runtime::Runtime;

use crate::task::{Answer, Contender, Done, Kind, Task, done};

pub(crate) const NAME: &str = "aiointernal";

/// A sandbox with the limits that it has by default, among them 5 s of time.
pub(crate) struct Ours {
    runtime: Runtime,
    sandbox: Sandbox,
    pool: Pool,
    kept: Vec<Context>,
}

impl Ours {
    pub(crate) fn new() -> Ours {
        let runtime = Runtime::new().expect("the system starts tokio's threads");
        let sandbox = Sandbox::new().expect("the engine compiles");
        let pool = Pool::new(&sandbox).expect("the system starts its threads");
        Ours { runtime, sandbox, pool, kept: Vec::new() }
    }
}

impl Contender for Ours {
    fn version(&self) -> String {
        format!("{}; with its limits of memory, time and others", env!("CARGO_PKG_VERSION"))
    }

    fn run(&mut self, task: &Task) -> Answer {
        let Ours { runtime, sandbox, pool, kept } = self;
        let timed = runtime.block_on(async {
            match task.kind {
                Kind::Fresh => fresh(sandbox, task).await,
                Kind::Pooled => pooled(pool, task).await,
                Kind::Memory => keep(sandbox, task, kept).await,
                Kind::Warm | Kind::Program | Kind::Host | Kind::Object | Kind::Batch => warm(sandbox, task).await,
            }
        });
        timed.map_err(|error| error.to_string())
    }
}

async fn fresh(sandbox: &Sandbox, task: &Task) -> Result<Done, Error> {
    let mut value = f64::NAN;
    let started = Instant::now();
    for _ in 0..task.times {
        let context = sandbox.context().await?;
        value = context.eval_as(task.source.as_str()).await?;
        context.close().await?;
    }
    Ok(done(started, value))
}

async fn pooled(pool: &Pool, task: &Task) -> Result<Done, Error> {
    let mut value = f64::NAN;
    let started = Instant::now();
    for _ in 0..task.times {
        value = number(&pool.eval(task.source.as_str()).await?);
    }
    Ok(done(started, value))
}

async fn keep(sandbox: &Sandbox, task: &Task, kept: &mut Vec<Context>) -> Result<Done, Error> {
    let mut value = f64::NAN;
    let started = Instant::now();
    for _ in 0..task.times {
        let context = sandbox.context().await?;
        value = context.eval_as(task.source.as_str()).await?;
        kept.push(context);
    }
    Ok(done(started, value))
}

async fn warm(sandbox: &Sandbox, task: &Task) -> Result<Done, Error> {
    let add = |(a, b): (f64, f64), _: &_| Ok::<_, Infallible>(a + b);
    let context = sandbox.context().functions(Functions::new().sync_function("add", add)).await?;
    context.eval(task.setup.as_str()).await?;
    let mut value = f64::NAN;
    let started = Instant::now();
    match task.kind {
        Kind::Batch => {
            let sources = std::iter::repeat_n(task.source.clone(), task.times as usize);
            if let Some(last) = context.eval_batch(sources).await?.last() {
                value = last.as_ref().map_or(f64::NAN, number);
            }
        }
        Kind::Object => {
            for _ in 0..task.times {
                value = members(&context.eval(task.source.as_str()).await?);
            }
        }
        _ => {
            for _ in 0..task.times {
                value = context.eval_as(task.source.as_str()).await?;
            }
        }
    }
    let done = done(started, value);
    context.close().await?;
    Ok(done)
}

fn number(value: &Value) -> f64 {
    if let Value::Number(number) = value { *number } else { f64::NAN }
}

fn members(value: &Value) -> f64 {
    if let Value::Object(members) = value { members.len() as f64 } else { f64::NAN }
}
