//! rquickjs: the same engine in the caller's thread, without a sandbox.

use std::time::{Duration, Instant};

use rquickjs::{Context, Ctx, Function, Object, Runtime};

use crate::task::{Answer, Contender, Done, Kind, Task, done};

pub(crate) const NAME: &str = "rquickjs, native";

/// As long as a call of ours may take.
const DEADLINE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(crate) struct Native {
    kept: Vec<Armed>,
}

/// A context, and what stops its scripts in the way that users of rquickjs stop them.
struct Armed {
    context: Context,
    runtime: Runtime,
}

impl Armed {
    fn new() -> rquickjs::Result<Armed> {
        let runtime = Runtime::new()?;
        let context = Context::full(&runtime)?;
        Ok(Armed { context, runtime })
    }

    /// Evaluates by a deadline.
    fn eval<R>(&self, source: &str, take: impl Fn(Ctx<'_>, &str) -> rquickjs::Result<R>) -> rquickjs::Result<R> {
        let deadline = Instant::now() + DEADLINE;
        self.runtime.set_interrupt_handler(Some(Box::new(move || Instant::now() >= deadline)));
        self.context.with(|ctx| take(ctx, source))
    }
}

impl Contender for Native {
    fn version(&self) -> String {
        "0.14; with a deadline by set_interrupt_handler, for each call".to_owned()
    }

    fn run(&mut self, task: &Task) -> Answer {
        self.time(task).map_err(|error| error.to_string())
    }
}

impl Native {
    fn time(&mut self, task: &Task) -> rquickjs::Result<Done> {
        let mut value = f64::NAN;
        let mut started = Instant::now();
        match task.kind {
            // It has no pool, and others are compared with what it has.
            Kind::Fresh | Kind::Pooled => {
                for _ in 0..task.times {
                    value = Armed::new()?.eval(&task.source, number)?;
                }
            }
            Kind::Memory => {
                for _ in 0..task.times {
                    let armed = Armed::new()?;
                    value = armed.eval(&task.source, number)?;
                    self.kept.push(armed);
                }
            }
            Kind::Warm | Kind::Program | Kind::Host | Kind::Object | Kind::Batch => {
                let evaluate = if task.kind == Kind::Object { members } else { number };
                let armed = Armed::new()?;
                armed.context.with(|ctx| {
                    let add = Function::new(ctx.clone(), |a: f64, b: f64| a + b)?;
                    ctx.globals().set("add", add)
                })?;
                armed.eval(&task.setup, number)?;
                started = Instant::now();
                for _ in 0..task.times {
                    value = armed.eval(&task.source, evaluate)?;
                }
            }
        }
        Ok(done(started, value))
    }
}

fn number(ctx: Ctx<'_>, source: &str) -> rquickjs::Result<f64> {
    ctx.eval(source)
}

/// How many members the object has, each of which arrives as a name and a number.
fn members(ctx: Ctx<'_>, source: &str) -> rquickjs::Result<f64> {
    let members = ctx.eval::<Object<'_>, _>(source)?.props::<String, f64>();
    Ok(members.collect::<rquickjs::Result<Vec<_>>>()?.len() as f64)
}
