//! What the host does with a value that it has a handle to.

use rquickjs::{
    Array, Ctx, Exception, Function, Object, Persistent, Result, Value, context::EvalOptions, function::Args,
};

use crate::{failure::Failure, intrinsics::Bound, value};

/// What is done with a value: the WIT variant `operation`.
#[derive(Clone, Debug)]
pub enum Operation {
    /// It is the result itself.
    Read,
    /// It is called with these arguments.
    Call(Vec<Vec<u8>>),
    /// Its method of this name is called.
    CallMethod(Vec<u8>, Vec<Vec<u8>>),
    /// It is called as a constructor.
    Construct(Vec<Vec<u8>>),
    /// A property is read.
    Get(Vec<u8>),
    /// A property is written.
    Set(Vec<u8>, Vec<u8>),
    /// A property is removed.
    Delete(Vec<u8>),
    /// The names of its own enumerable properties are listed.
    Keys,
    /// It is iterated: the result is to be kept, and is what the two below are for.
    Iterate,
    /// The next item is taken; the end is a hole.
    Next,
    /// An iteration is given up.
    Finish,
}

/// Returns the functions by name. Nothing in it looks anything up on an object that a script can reach, but for what the
/// operations themselves are about.
const PRELUDE: &str = r"
(() => {
  const { apply, construct } = Reflect, { keys } = Object, { asyncIterator, iterator } = Symbol, TypeError_ = TypeError;
  const end = Symbol('end');
  const object = (value) => {
    if (typeof value === 'function' || (typeof value === 'object' && value !== null)) return value;
    throw new TypeError_('the iterator gives no object');
  };
  return {
    end,
    construct: (callee, list) => construct(callee, list),
    get: (value, key) => value[key],
    set: (value, key, content) => { value[key] = content },
    remove: (value, key) => { delete value[key] },
    keys: (value) => keys(value),
    iterate: (value) => {
      const method = value[asyncIterator] ?? value[iterator];
      if (typeof method !== 'function') throw new TypeError_('the value is not iterable');
      const source = object(apply(method, value, []));
      return { __proto__: null, source, next: source.next, over: false };
    },
    next: async (iteration) => {
      if (iteration.over) return end;
      let step, failed = true;
      try {
        step = object(await apply(iteration.next, iteration.source, []));
        iteration.over = !!step.done;
        failed = false;
      } finally {
        if (failed) iteration.over = true;
      }
      return iteration.over ? end : await step.value;
    },
    finish: (iteration) => {
      if (iteration.over) return;
      iteration.over = true;
      const close = iteration.source.return;
      if (close !== undefined && close !== null) apply(close, iteration.source, []);
    },
  };
})()";

/// The functions of [`PRELUDE`], taken before any script could replace what they use.
pub(crate) struct Operations {
    prelude: Persistent<Object<'static>>,
    end: Persistent<Value<'static>>,
}

impl Operations {
    pub(crate) fn take(ctx: &Ctx<'_>) -> Result<Operations> {
        let mut options = EvalOptions::default();
        options.filename = Some("<engine>".to_owned());
        let prelude: Object<'_> = ctx.eval_with_options(PRELUDE, options)?;
        let end = Persistent::save(ctx, prelude.get::<_, Value<'_>>("end")?);
        Ok(Operations { prelude: Persistent::save(ctx, prelude), end })
    }

    /// Does this with a value.
    pub(crate) fn perform<'js>(
        &self,
        ctx: &Ctx<'js>,
        intrinsics: &Bound<'_, 'js>,
        target: Value<'js>,
        operation: &Operation,
    ) -> core::result::Result<Value<'js>, Failure> {
        let explain = |error| Failure::from_js(ctx, intrinsics, error);
        let decode = |what: &str, bytes: &[u8]| value::decode(ctx, intrinsics, what, bytes);
        let function = |name: &str| -> Result<Function<'js>> { self.prelude.clone().restore(ctx)?.get(name) };
        let result = match operation {
            Operation::Read => return Ok(target),
            Operation::Call(arguments) => {
                let arguments = decode_arguments(ctx, intrinsics, arguments)?;
                call(ctx, &target, Value::new_undefined(ctx.clone()), arguments, "the value")
            }
            Operation::CallMethod(key, arguments) => {
                let key = decode("the key", key)?;
                let arguments = decode_arguments(ctx, intrinsics, arguments)?;
                let name = key.as_string().and_then(|key| intrinsics.head(key, MAX_NAME).ok());
                let method = function("get").and_then(|get| get.call((target.clone(), key)));
                let name = name.unwrap_or_else(|| "the method".to_owned());
                method.and_then(|method: Value<'js>| call(ctx, &method, target, arguments, &name))
            }
            Operation::Construct(arguments) => {
                let list = Array::new(ctx.clone()).map_err(explain)?;
                for (index, argument) in decode_arguments(ctx, intrinsics, arguments)?.into_iter().enumerate() {
                    value::define(list.as_object(), index as u32, argument).map_err(explain)?;
                }
                if !target.is_constructor() {
                    return Err(explain(Exception::throw_type(ctx, "the value is not a constructor")));
                }
                function("construct").and_then(|construct| construct.call((target, list)))
            }
            Operation::Get(key) => {
                let key = decode("the key", key)?;
                function("get").and_then(|get| get.call((target, key)))
            }
            Operation::Set(key, content) => {
                let (key, content) = (decode("the key", key)?, decode("the value", content)?);
                function("set").and_then(|set| set.call((target, key, content)))
            }
            Operation::Delete(key) => {
                let key = decode("the key", key)?;
                function("remove").and_then(|remove| remove.call((target, key)))
            }
            Operation::Keys => function("keys").and_then(|keys| keys.call((target,))),
            Operation::Iterate => function("iterate").and_then(|iterate| iterate.call((target,))),
            Operation::Next => function("next").and_then(|next| next.call((target,))),
            Operation::Finish => function("finish").and_then(|finish| finish.call((target,))),
        };
        result.map_err(explain)
    }

    /// Whether this is the end of an iteration.
    pub(crate) fn is_end<'js>(&self, ctx: &Ctx<'js>, value: &Value<'js>) -> bool {
        value.is_symbol() && self.end.clone().restore(ctx).is_ok_and(|end| end == *value)
    }
}

/// Length of a name in an error, in UTF-16 units.
const MAX_NAME: usize = 100;

/// Decodes the arguments of a call.
pub(crate) fn decode_arguments<'js>(
    ctx: &Ctx<'js>,
    intrinsics: &Bound<'_, 'js>,
    arguments: &[Vec<u8>],
) -> core::result::Result<Vec<Value<'js>>, Failure> {
    let decode =
        |(index, bytes): (usize, &Vec<u8>)| value::decode(ctx, intrinsics, &format!("argument {index}"), bytes);
    arguments.iter().enumerate().map(decode).collect()
}

/// Calls a value, which `name` names where it is no function.
fn call<'js>(
    ctx: &Ctx<'js>,
    callee: &Value<'js>,
    this: Value<'js>,
    arguments: Vec<Value<'js>>,
    name: &str,
) -> Result<Value<'js>> {
    let Some(function) = callee.as_function() else {
        return Err(Exception::throw_type(ctx, &format!("{name} is not a function")));
    };
    let mut args = Args::new(ctx.clone(), arguments.len());
    args.this(this)?;
    args.push_args(arguments)?;
    function.call_arg(args)
}
