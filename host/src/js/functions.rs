//! Functions of the host that scripts may call.

use std::{
    any::Any,
    collections::BTreeMap,
    error::Error as StdError,
    fmt,
    future::{Future, poll_fn},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use serde::{Serialize, de::DeserializeOwned};

use super::{calls::Begun, de::from_arguments, handle::Encoded, host_call::HostCall, ser::to_value, value::Value};
use crate::error::{Error, ErrorKind};

/// Functions of the host that scripts may call, by their names.
///
/// They are granted to every context of a [sandbox](super::SandboxBuilder::functions), to one
/// [context](super::ContextBuilder::functions), or to the calls of one [handle](super::Context::granting). Nothing is
/// granted by default.
///
/// A name may have dots, and begins with no colon: `tools.search` is the property `search` of the global `tools`. What is a function here is a
/// closure of two arguments: a tuple, or a `Vec`, that [the script's arguments become](super::from_value), and the
/// [`HostCall`]. Its result goes back by [`to_value`]. An argument that the script leaves out is `undefined`; one more than
/// the tuple takes is a `TypeError`, as is one of another type. In one context a name is either sync or async.
///
/// ```
/// use std::{convert::Infallible, io};
/// use aiointernal::{Sandbox, js::Functions};
///
/// # fn main() -> Result<(), aiointernal::Error> {
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let functions = Functions::new()
///     .function("tools.search", |(query, limit): (String, Option<u32>), _call| async move {
///         // Await a database, say.
///         Ok::<_, io::Error>(vec![query; limit.unwrap_or(1) as usize])
///     })
///     .sync_function("add", |(a, b): (f64, f64), _call| Ok::<_, Infallible>(a + b));
/// let context = Sandbox::new()?.context().functions(functions).await?;
/// let found = context.eval_as::<Vec<String>>("await tools.search('x', add(1, 1))").await?;
/// assert_eq!(found, ["x", "x"]);
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Where it runs
///
/// A closure is called on the context's thread, and the future that it returns is polled there once; where it is not ready
/// then, it goes on in the tokio runtime that was current when the context was opened, and other scripts of the context
/// run meanwhile. To the script its call is a promise. A [sync function](Functions::sync_function) runs wholly on the
/// context's thread, which does nothing else until it returns; nothing can interrupt it.
///
/// # When the script ends
///
/// The end of an evaluation, by its result, its time limit or its caller, [cancels](HostCall::cancelled) its calls: their
/// futures are dropped. What is to outlive the script, it has to await, or the function to spawn.
///
/// # Errors
///
/// The script is told only that the function failed (`Error: tools.search failed`), unless the error is a
/// [`ScriptError`]. Where it does not catch that, the evaluation fails with
/// [`HostFunction`](ErrorKind::HostFunction), and [`Error::downcast_ref`] finds the function's own error. A panic is such
/// an error, too.
///
/// # Limits
///
/// [`Limits::host_calls`](crate::Limits::host_calls), [`host_calls_in_flight`](crate::Limits::host_calls_in_flight) and
/// [`host_bytes`](crate::Limits::host_bytes), of each evaluation. Waiting for functions counts as its time.
#[derive(Clone, Default)]
pub struct Functions(Arc<BTreeMap<Arc<str>, Function>>);

/// The future of a call.
pub(super) type Answering = Pin<Box<dyn Future<Output = Result<Encoded, Error>> + Send>>;

type SyncFunction = dyn Fn(Value, &HostCall) -> Result<Encoded, Error> + Send + Sync;
type AsyncFunction = dyn Fn(Value, HostCall) -> Result<Answering, Error> + Send + Sync;

#[derive(Clone)]
pub(super) enum Function {
    Sync(Arc<SyncFunction>),
    Async(Arc<AsyncFunction>),
}

impl Function {
    /// Calls it.
    pub(super) fn begin(&self, arguments: Value, call: &HostCall) -> Result<Begun, Error> {
        match self {
            Function::Sync(function) => function(arguments, call).map(Begun::Done),
            Function::Async(function) => function(arguments, call.clone()).map(Begun::Waits),
        }
    }
}

impl Functions {
    /// No functions.
    pub fn new() -> Functions {
        Functions::default()
    }

    /// With this function, which is async: in scripts its calls are promises. It takes the place of one of the same name.
    pub fn function<A, R, E, F, Fut>(self, name: impl Into<String>, function: F) -> Functions
    where
        A: DeserializeOwned,
        R: Serialize,
        E: Into<Box<dyn StdError + Send + Sync>>,
        F: Fn(A, HostCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
    {
        self.with(name.into(), |name| {
            Function::Async(Arc::new(move |arguments, call| {
                begin_async(&name, arguments, |arguments| function(arguments, call))
            }))
        })
    }

    /// With this function, which blocks the context's thread until it returns. It takes the place of one of the same name.
    pub fn sync_function<A, R, E, F>(self, name: impl Into<String>, function: F) -> Functions
    where
        A: DeserializeOwned,
        R: Serialize,
        E: Into<Box<dyn StdError + Send + Sync>>,
        F: Fn(A, &HostCall) -> Result<R, E> + Send + Sync + 'static,
    {
        self.with(name.into(), |name| {
            Function::Sync(Arc::new(move |arguments, call| {
                run_sync(&name, arguments, |arguments| function(arguments, call))
            }))
        })
    }

    fn with(mut self, name: String, make: impl FnOnce(Arc<str>) -> Function) -> Functions {
        let name: Arc<str> = name.into();
        Arc::make_mut(&mut self.0).insert(Arc::clone(&name), make(name));
        self
    }

    /// These and others, which win where names meet.
    pub(super) fn and(mut self, others: &Functions) -> Functions {
        let others = others.iter().map(|(name, function)| (Arc::clone(name), function.clone()));
        Arc::make_mut(&mut self.0).extend(others);
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&Function> {
        self.0.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Function)> {
        self.0.iter()
    }

    /// Refuses names that lead nowhere.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.0.keys().try_for_each(|name| check_name(name))
    }
}

/// What the names of functions begin with that the engine's own code calls, and scripts do not see.
const HIDDEN: char = ':';

/// Refuses a name that leads nowhere, or is none that a caller may choose.
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    if name.split('.').any(str::is_empty) || name.contains('\0') || name.starts_with(HIDDEN) {
        return Err(Error::new(ErrorKind::InvalidArgument, format!("no function can be named {name:?}")));
    }
    Ok(())
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Begins an async function of this name: its arguments become what it takes, and its result what a script gets.
pub(super) fn begin_async<A, R, E, Fut>(
    name: &Arc<str>,
    arguments: Value,
    function: impl FnOnce(A) -> Fut,
) -> Result<Answering, Error>
where
    A: DeserializeOwned,
    R: Serialize,
    E: Into<Box<dyn StdError + Send + Sync>>,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
{
    let future = caught(name, || from_arguments(name, arguments).map(function))??;
    let name = Arc::clone(name);
    Ok(Box::pin(async move {
        let mut future = pin!(future);
        let mut poll = |context: &mut Context<'_>| future.as_mut().poll(context).map(|result| answer(&name, result));
        poll_fn(|context| caught(&name, || poll(context)).unwrap_or_else(|panic| Poll::Ready(Err(panic)))).await
    }))
}

/// Runs a sync function of this name, as above.
pub(super) fn run_sync<A, R, E>(
    name: &str,
    arguments: Value,
    function: impl FnOnce(A) -> Result<R, E>,
) -> Result<Encoded, Error>
where
    A: DeserializeOwned,
    R: Serialize,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    caught(name, || answer(name, function(from_arguments(name, arguments)?)))?
}

/// What goes back to the script.
fn answer<R: Serialize, E>(name: &str, result: Result<R, E>) -> Result<Encoded, Error>
where
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    match result {
        Ok(value) => {
            let encoded = to_value(&value).and_then(|value| Encoded::value(&value, "result"));
            encoded.map_err(|error| failed(name, error))
        }
        Err(error) => Err(failed(name, error)),
    }
}

/// The error of a function that failed.
pub(super) fn failed(name: &str, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    let error = error.into();
    Error::with_source(ErrorKind::HostFunction, format!("{name} failed: {error}"), error)
}

/// Runs the caller's code. Nothing of the engine is touched within.
fn caught<R>(name: &str, run: impl FnOnce() -> R) -> Result<R, Error> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| panicked(name, panic))
}

fn panicked(name: &str, panic: Box<dyn Any + Send>) -> Error {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    // Its `Drop` is the caller's code, and could panic again.
    mem::forget(panic);
    Error::new(ErrorKind::HostFunction, format!("{name} panicked: {text}"))
}

/// An error that a script is told in full: the name of its class and its message.
///
/// ```
/// use aiointernal::js::{Functions, ScriptError};
///
/// Functions::new().function("tools.read", |(path,): (String,), _call| async move {
///     Err::<String, _>(ScriptError::new("RangeError", format!("there is no {path}")))
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    pub(super) name: String,
    pub(super) message: String,
}

impl ScriptError {
    /// One of this class, such as `TypeError`, or an `Error` whose `name` this is.
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> ScriptError {
        ScriptError { name: name.into(), message: message.into() }
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

impl StdError for ScriptError {}
