//! Functions of the host: what scripts call, and the calls whose answers are still to come.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use rquickjs::{Ctx, Function, Object, Persistent, Value, function::Rest};

use crate::{
    exception,
    failure::Failure,
    host::Host,
    intrinsics::{Bound, Intrinsics},
    raw,
    value::{self, Unencoded},
};

/// A function of the host: the WIT record `host-function`.
#[derive(Clone, Debug)]
pub struct HostFunction {
    /// Its name, in which dots lead through objects.
    pub name: String,
    /// What the host knows it by.
    pub number: u32,
    /// Whether a call of it is a promise.
    pub is_async: bool,
}

/// What a call of a host function comes to: the WIT variant `answer`.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The result, encoded.
    Done(Vec<u8>),
    /// It failed.
    Failed(HostError),
    /// The host settles this call later.
    Pending(u64),
}

/// What a script is told of a failure of the host: the WIT record `host-error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostError {
    /// What the host knows the error by, where it wants it back.
    pub id: Option<u64>,
    /// The error's class.
    pub name: String,
    /// Its message.
    pub message: String,
}

/// What the names of functions begin with that scripts do not see: the engine's own code calls them.
const HIDDEN: char = ':';

/// The functions that a script has, and their calls that are in flight.
pub(crate) struct Functions {
    host: Rc<dyn Host>,
    intrinsics: Rc<Intrinsics>,
    /// Longest encoded arguments of a call.
    limit: Rc<Cell<usize>>,
    in_flight: RefCell<BTreeMap<u64, Settling>>,
    /// Functions that scripts do not see, by their names.
    hidden: RefCell<BTreeMap<String, Persistent<Function<'static>>>>,
}

/// What settles the promise of a call.
struct Settling {
    resolve: Persistent<Function<'static>>,
    reject: Persistent<Function<'static>>,
}

impl Functions {
    pub(crate) fn new(host: Rc<dyn Host>, intrinsics: &Rc<Intrinsics>, limit: &Rc<Cell<usize>>) -> Rc<Functions> {
        let (intrinsics, limit) = (Rc::clone(intrinsics), Rc::clone(limit));
        Rc::new(Functions { host, intrinsics, limit, in_flight: RefCell::default(), hidden: RefCell::default() })
    }

    pub(crate) fn host(&self) -> &dyn Host {
        &*self.host
    }

    /// What the engine calls itself, in a context that is being used.
    pub(crate) fn bind<'js>(&self, ctx: &Ctx<'js>) -> Bound<'_, 'js> {
        self.intrinsics.bind(ctx)
    }

    /// Runs what a script has called.
    pub(crate) fn within<'js>(
        &self,
        ctx: &Ctx<'js>,
        body: impl FnOnce(&Bound<'_, 'js>) -> rquickjs::Result<Value<'js>>,
    ) -> rquickjs::Result<Value<'js>> {
        body(&self.intrinsics.bind(ctx))
    }

    /// Whether any call waits for the host.
    pub(crate) fn are_in_flight(&self) -> bool {
        !self.in_flight.borrow().is_empty()
    }

    /// The function of this name that scripts do not see, where the host has given it.
    pub(crate) fn hidden<'js>(&self, ctx: &Ctx<'js>, name: &str) -> rquickjs::Result<Option<Function<'js>>> {
        let function = self.hidden.borrow().get(name).cloned();
        function.map(|function| function.restore(ctx)).transpose()
    }

    /// Gives a function to scripts. Objects on the way to its name are made where there are none. One whose name begins with
    /// a colon is kept from them.
    pub(crate) fn define<'js>(self: &Rc<Self>, ctx: &Ctx<'js>, function: &HostFunction) -> Result<(), Failure> {
        let bound = self.intrinsics.bind(ctx);
        let explain = |error| Failure::from_js(ctx, &bound, error);
        if let Some(name) = function.name.strip_prefix(HIDDEN) {
            let called = self.function(ctx, function, name).map_err(explain)?;
            self.hidden.borrow_mut().insert(function.name.clone(), Persistent::save(ctx, called));
            return Ok(());
        }
        let mut path: Vec<&str> = function.name.split('.').collect();
        let last = path.pop().unwrap_or_default();
        let mut place = ctx.globals();
        let name = |segment: &str| raw::string(ctx, segment).map_err(explain);
        for segment in path {
            let next: Value<'js> = place.get(name(segment)?).map_err(explain)?;
            place = match next.as_object() {
                Some(object) => object.clone(),
                None if next.is_undefined() => {
                    let object = Object::new(ctx.clone()).map_err(explain)?;
                    value::define(&place, name(segment)?, object.clone().into_value()).map_err(explain)?;
                    object
                }
                None => {
                    let message = format!("function {:?}: {segment:?} is no object", function.name);
                    return Err(Failure::InvalidArgument(message));
                }
            };
        }
        let place_name = name(last)?;
        let called = self.function(ctx, function, &function.name).map_err(explain)?;
        let called = called.with_name(last).map_err(explain)?;
        value::define(&place, place_name, called.into_value()).map_err(explain)
    }

    /// What calls a function of the host, which has this name in errors.
    fn function<'js>(
        self: &Rc<Self>,
        ctx: &Ctx<'js>,
        function: &HostFunction,
        name: &str,
    ) -> rquickjs::Result<Function<'js>> {
        let (functions, name) = (Rc::clone(self), name.to_owned());
        let HostFunction { number, is_async, .. } = *function;
        Function::new(ctx.clone(), move |ctx: Ctx<'js>, arguments: Rest<Value<'js>>| {
            functions.within(&ctx, |bound| {
                let start = |host: &dyn Host, arguments: &[u8]| host.start(number, arguments);
                functions.called(&ctx, bound, &name, is_async, &arguments.into_inner(), start)
            })
        })
    }

    /// A script calls what has this name in errors, and begins so.
    pub(crate) fn called<'js>(
        &self,
        ctx: &Ctx<'js>,
        bound: &Bound<'_, 'js>,
        name: &str,
        is_async: bool,
        arguments: &[Value<'js>],
        start: impl FnOnce(&dyn Host, &[u8]) -> Answer,
    ) -> rquickjs::Result<Value<'js>> {
        let start = || self.encoded(ctx, bound, name, arguments).map(|arguments| start(&*self.host, &arguments));
        if !is_async {
            return match start()? {
                Answer::Done(bytes) => value::read(ctx, bound, &bytes),
                Answer::Failed(error) => Err(ctx.throw(exception::of_host(ctx, bound, &error)?)),
                Answer::Pending(_) => Err(rquickjs::Error::Unknown),
            };
        }
        let (promise, resolve, reject) = ctx.promise()?;
        // What a call of an async function throws is the reason of its promise.
        match start() {
            Ok(Answer::Pending(call)) => {
                let resolve = Persistent::save(ctx, resolve);
                let reject = Persistent::save(ctx, reject);
                self.in_flight.borrow_mut().insert(call, Settling { resolve, reject });
            }
            Ok(Answer::Done(bytes)) => settle(ctx, bound, &resolve, &reject, Ok(&bytes))?,
            Ok(Answer::Failed(error)) => settle(ctx, bound, &resolve, &reject, Err(&error))?,
            Err(error) if error.is_exception() => reject.call::<_, ()>((ctx.catch(),))?,
            Err(error) => return Err(error),
        }
        Ok(promise.into_value())
    }

    fn encoded<'js>(
        &self,
        ctx: &Ctx<'js>,
        bound: &Bound<'_, 'js>,
        name: &str,
        arguments: &[Value<'js>],
    ) -> rquickjs::Result<Vec<u8>> {
        let encoded = value::encode_arguments(bound, arguments, self.limit.get());
        encoded.map_err(|unencoded| match unencoded {
            Unencoded::Js(error) => error,
            Unencoded::Kind(what) => exception::throw(ctx, bound, "TypeError", &format!("{name}: {what}")),
            Unencoded::TooLarge => {
                let message = format!("{name}: the arguments are longer than {} bytes", self.limit.get());
                exception::throw(ctx, bound, "RangeError", &message)
            }
            Unencoded::OutOfMemory => exception::throw(ctx, bound, "InternalError", "out of memory"),
        })
    }

    /// Settles the promise of a call, where it is still in flight.
    pub(crate) fn settle<'js>(
        &self,
        ctx: &Ctx<'js>,
        bound: &Bound<'_, 'js>,
        call: u64,
        answer: Result<&[u8], &HostError>,
    ) -> rquickjs::Result<()> {
        let settling = self.in_flight.borrow_mut().remove(&call);
        let Some(Settling { resolve, reject }) = settling else {
            return Ok(());
        };
        settle(ctx, bound, &resolve.restore(ctx)?, &reject.restore(ctx)?, answer)
    }

    /// Forgets a call: its promise stays as it is.
    pub(crate) fn forget(&self, call: u64) {
        let forgotten = self.in_flight.borrow_mut().remove(&call);
        drop(forgotten);
    }
}

fn settle<'js>(
    ctx: &Ctx<'js>,
    bound: &Bound<'_, 'js>,
    resolve: &Function<'js>,
    reject: &Function<'js>,
    answer: Result<&[u8], &HostError>,
) -> rquickjs::Result<()> {
    let answer = match answer {
        Ok(bytes) => value::read(ctx, bound, bytes),
        Err(error) => return reject.call((exception::of_host(ctx, bound, error)?,)),
    };
    match answer {
        Ok(value) => resolve.call((value,)),
        Err(error) if error.is_exception() => reject.call((ctx.catch(),)),
        Err(error) => Err(error),
    }
}
