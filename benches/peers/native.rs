//! The runner of rquickjs, native. `run limits` starts it.

mod runner;

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Module, Runtime, Value, context::EvalOptions};

use crate::runner::{DEADLINE, IS_KEPT, KEEP, MEMORY, Task};

/// As [`aiointernal::Limits`] has by default.
const STACK: usize = 256 << 10;

fn main() {
    runner::serve(|task| {
        let runtime = Runtime::new().expect("there is memory for a runtime");
        runtime.set_memory_limit(MEMORY);
        runtime.set_max_stack_size(STACK);
        let deadline = Rc::new(Cell::new(Instant::now() + Duration::from_secs(1)));
        let until = Rc::clone(&deadline);
        runtime.set_interrupt_handler(Some(Box::new(move || Instant::now() >= until.get())));
        let context = Context::full(&runtime).expect("there is memory for a context");
        context.with(|ctx| ctx.eval::<(), _>(KEEP)).expect("the script is right");

        let started = Instant::now();
        deadline.set(started + DEADLINE);
        let ended = context.with(|ctx| evaluate(&ctx, &task));
        let ended = ended.unwrap_or_else(|| {
            while Instant::now() < deadline.get() {
                if let Ok(false) = runtime.execute_pending_job() {
                    return "value".to_owned();
                }
            }
            "timeout".to_owned()
        });
        runner::answer(started, &ended, || {
            deadline.set(Instant::now() + DEADLINE);
            context.with(|ctx| ctx.eval(IS_KEPT)).unwrap_or(false)
        })
    });
}

/// How the script ended, or nothing where its jobs are to be run.
fn evaluate(ctx: &Ctx<'_>, task: &Task) -> Option<String> {
    let result = if task.module {
        Module::evaluate(ctx.clone(), "module", task.source.as_str()).map(drop)
    } else {
        let mut options = EvalOptions::default();
        options.strict = false;
        let value = ctx.eval_with_options::<Value<'_>, _>(task.source.as_str(), options);
        // As text, because what a script gives is to be had.
        value.and_then(|value| ctx.json_stringify(value)).map(drop)
    };
    let thrown = match result.catch(ctx).err()? {
        CaughtError::Exception(exception) => exception.message().unwrap_or_default(),
        error => error.to_string(),
    };
    Some(if thrown == "interrupted" { "timeout".to_owned() } else { format!("threw {thrown}") })
}
