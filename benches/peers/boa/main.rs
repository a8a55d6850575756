//! Boa as a contender. It has no way to stop a script at a time: its limits count iterations of loops.

#[path = "../../scoreboard/task.rs"]
mod task;

use std::time::Instant;

use boa_engine::{Context, JsResult, JsValue, NativeFunction, Source, js_string};

use crate::task::{Answer, Contender, Done, Kind, Task, done, serve};

fn main() {
    serve(&mut Boa { kept: Vec::new() });
}

struct Boa {
    kept: Vec<Context>,
}

impl Contender for Boa {
    fn version(&self) -> String {
        "0.22; without a deadline, as it has none".to_owned()
    }

    fn run(&mut self, task: &Task) -> Answer {
        if task.kind == Kind::Pooled {
            return Err("it has no pool".to_owned());
        }
        self.time(task).map_err(|error| error.to_string())
    }
}

impl Boa {
    fn time(&mut self, task: &Task) -> JsResult<Done> {
        let mut value = f64::NAN;
        let mut started = Instant::now();
        match task.kind {
            Kind::Fresh => {
                for _ in 0..task.times {
                    value = number(&mut Context::default(), &task.source)?;
                }
            }
            Kind::Memory => {
                for _ in 0..task.times {
                    let mut context = Context::default();
                    value = number(&mut context, &task.source)?;
                    self.kept.push(context);
                }
            }
            _ => {
                let evaluate = if task.kind == Kind::Object { members } else { number };
                let mut context = Context::default();
                let add = NativeFunction::from_fn_ptr(add);
                context.register_global_callable(js_string!("add"), 2, add)?;
                context.eval(Source::from_bytes(&task.setup))?;
                started = Instant::now();
                for _ in 0..task.times {
                    value = evaluate(&mut context, &task.source)?;
                }
            }
        }
        Ok(done(started, value))
    }
}

fn number(context: &mut Context, source: &str) -> JsResult<f64> {
    context.eval(Source::from_bytes(source))?.to_number(context)
}

/// How many members the object has, which arrives as JSON: its way to a value of the host.
fn members(context: &mut Context, source: &str) -> JsResult<f64> {
    let object = context.eval(Source::from_bytes(source))?.to_json(context)?;
    Ok(object.and_then(|object| object.as_object().map(|members| members.len())).unwrap_or(0) as f64)
}

fn add(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let [a, b] = [0, 1].map(|index| arguments.get(index).cloned().unwrap_or_default());
    Ok(JsValue::from(a.to_number(context)? + b.to_number(context)?))
}
