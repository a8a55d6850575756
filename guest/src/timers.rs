//! `setTimeout`, `setInterval`, and what clears both. The host knows when; here is what is to be called then.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use rquickjs::{
    Array, Coerced, Ctx, FromJs as _, Function, Object, Persistent, Value,
    function::{Args, Opt, Rest},
    object::Property,
};

use crate::{
    exception,
    host::Host,
    intrinsics::{Bound, Intrinsics},
    raw,
};

/// The longest delay, in milliseconds: more is taken as none, as browsers and Node do.
const LONGEST: f64 = i32::MAX as f64;

/// The shortest delay, in milliseconds, as in Node. It is a step of the clock.
const SHORTEST: f64 = 1.0;

/// The timers that are set, by their numbers.
pub(crate) struct Timers {
    host: Rc<dyn Host>,
    intrinsics: Rc<Intrinsics>,
    set: RefCell<BTreeMap<u64, Timer>>,
}

#[derive(Clone)]
struct Timer {
    /// A list of the function and its arguments, of which there are so many: in a list they count as the script's memory.
    call: Persistent<Array<'static>>,
    arguments: u32,
    repeats: bool,
}

impl Timers {
    /// Gives scripts the functions.
    pub(crate) fn install(
        ctx: &Ctx<'_>,
        host: Rc<dyn Host>,
        intrinsics: &Rc<Intrinsics>,
    ) -> rquickjs::Result<Rc<Timers>> {
        let timers = Rc::new(Timers { host, intrinsics: Rc::clone(intrinsics), set: RefCell::default() });
        let globals = ctx.globals();
        for (name, repeats) in [("setTimeout", false), ("setInterval", true)] {
            globals.prop(name, hidden(setting(ctx, &timers, name, repeats)?))?;
        }
        for name in ["clearTimeout", "clearInterval"] {
            globals.prop(name, hidden(clearing(ctx, &timers, name)?))?;
        }
        Ok(timers)
    }

    /// Whether any is set.
    pub(crate) fn are_set(&self) -> bool {
        !self.set.borrow().is_empty()
    }

    fn start<'js>(
        &self,
        bound: &Bound<'_, 'js>,
        name: &str,
        repeats: bool,
        mut arguments: Vec<Value<'js>>,
    ) -> rquickjs::Result<f64> {
        let ctx = bound.ctx();
        if !arguments.first().is_some_and(Value::is_function) {
            return Err(exception::throw(ctx, bound, "TypeError", &format!("{name}: the callback is not a function")));
        }
        let delay = if arguments.len() > 1 { Coerced::<f64>::from_js(ctx, arguments.remove(1))?.0 } else { SHORTEST };
        // Of what is not a number neither holds.
        let delay = if (SHORTEST..=LONGEST).contains(&delay) { delay } else { SHORTEST };
        let call = Array::new(ctx.clone())?;
        let mut length = 0;
        for argument in &arguments {
            raw::define_element(&call, length, argument)?;
            length += 1;
        }
        // The last that can fail, so that the host has no timer that is not here.
        let started = self.host.start_timer(delay as u32, repeats);
        let timer = match started {
            Ok(timer) => timer,
            Err(error) => return Err(ctx.throw(exception::of_host(ctx, bound, &error)?)),
        };
        let call = Persistent::save(ctx, call);
        self.set.borrow_mut().insert(timer, Timer { call, arguments: length - 1, repeats });
        Ok(timer as f64)
    }

    fn clear(&self, timer: &Value<'_>) {
        let number = timer.as_number().unwrap_or_default();
        let timer = number as u64;
        if timer as f64 != number {
            return;
        }
        let cleared = self.set.borrow_mut().remove(&timer);
        if cleared.is_some() {
            self.host.cancel_timer(timer);
        }
    }

    /// Calls what a timer is for, which is over then unless it repeats.
    pub(crate) fn fire(&self, ctx: &Ctx<'_>, timer: u64) -> rquickjs::Result<()> {
        let mut set = self.set.borrow_mut();
        let due = match set.get(&timer) {
            Some(due) if due.repeats => Some(due.clone()),
            _ => set.remove(&timer),
        };
        drop(set);
        let Some(Timer { call, arguments, .. }) = due else {
            return Ok(());
        };
        let call: Object<'_> = call.restore(ctx)?.into_object();
        let function: Function<'_> = raw::element(&call, 0)?.get()?;
        let mut args = Args::new(ctx.clone(), arguments as usize);
        args.this(ctx.globals())?;
        for index in 1..=arguments {
            args.push_arg(raw::element(&call, index)?)?;
        }
        args.apply::<Value<'_>>(&function).map(drop)
    }

    /// Lets a timer go that will not fire.
    pub(crate) fn forget(&self, timer: u64) {
        let forgotten = self.set.borrow_mut().remove(&timer);
        drop(forgotten);
    }
}

/// As the other functions of the global object.
fn hidden<'js>(function: Function<'js>) -> Property<Function<'js>> {
    Property::from(function).writable().configurable()
}

fn setting<'js>(
    ctx: &Ctx<'js>,
    timers: &Rc<Timers>,
    name: &'static str,
    repeats: bool,
) -> rquickjs::Result<Function<'js>> {
    let timers = Rc::clone(timers);
    let set = move |ctx: Ctx<'js>, arguments: Rest<Value<'js>>| {
        timers.start(&timers.intrinsics.bind(&ctx), name, repeats, arguments.into_inner())
    };
    Function::new(ctx.clone(), set)?.with_name(name)?.with_length(1)
}

fn clearing<'js>(ctx: &Ctx<'js>, timers: &Rc<Timers>, name: &str) -> rquickjs::Result<Function<'js>> {
    let timers = Rc::clone(timers);
    let clear = move |timer: Opt<Value<'js>>| {
        if let Some(timer) = timer.0 {
            timers.clear(&timer);
        }
    };
    Function::new(ctx.clone(), clear)?.with_name(name)?.with_length(0)
}
