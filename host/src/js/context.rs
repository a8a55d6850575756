//! The async handle to one JavaScript context.

use std::{path::PathBuf, thread::ThreadId};

use serde::Serialize;
use tokio::runtime::Handle;

use super::{
    batch::{Batch, Sources},
    bindings::ResultForm,
    console::Console,
    de::from_value,
    engine::Engine,
    evaluation::{Lease, Outcome, Terms},
    functions::Functions,
    handle::Encoded,
    result::FromScript,
    ser::{to_arguments, to_value},
    source::Source,
    value::Value,
};
use crate::{
    component::{Limits, Meter},
    error::{Error, ErrorKind},
    thread::{Call, Closing, HeapThread, Running},
};

/// One JavaScript context, on a thread of its own, or on one of a [pool](super::Pool).
///
/// The handle is `Clone + Send + Sync`; its clones are the same context. Every method describes a [`Call`]: await it,
/// [queue](Call::queue) it, or [make it blocking](Call::blocking). Calls run one at a time, in order, and what one
/// leaves behind (globals, functions) the next one finds. One that waits for [host functions](Functions) or timers lets others run
/// meanwhile. Dropping a call's future stops that call, and no other.
///
/// # Errors
///
/// Of every call, besides its own:
///
/// - [`Closed`](ErrorKind::Closed), [`QueueFull`](ErrorKind::QueueFull), [`Cancelled`](ErrorKind::Cancelled),
///   [`Panicked`](ErrorKind::Panicked): the context is gone, or the call did not run to its end.
/// - A limit: [`Timeout`](ErrorKind::Timeout), [`MemoryLimit`](ErrorKind::MemoryLimit),
///   [`StackLimit`](ErrorKind::StackLimit), [`ResultTooLarge`](ErrorKind::ResultTooLarge),
///   [`HostCallLimit`](ErrorKind::HostCallLimit), [`PendingLimit`](ErrorKind::PendingLimit),
///   [`CpuLimit`](ErrorKind::CpuLimit), [`FuelLimit`](ErrorKind::FuelLimit).
/// - [`HostFunction`](ErrorKind::HostFunction): a host function failed, and the script let its error through.
/// - [`Lost`](ErrorKind::Lost): the context was lost to another call, or reset, while this one waited; or it was lost as it was cleaned up
///   behind an earlier answer, and this call did not run.
/// - [`Engine`](ErrorKind::Engine): a fault of the host or of the engine.
///
/// [`Error::is_context_kept`] tells whether the context survived. Where it did not, the next call finds a fresh one.
/// A call that was given up may have cost the context as well, and then nobody is there to be told: who drops calls
/// and relies on what earlier ones left behind sets it again, or [aborts](crate::Ticket::abort) and awaits the end.
#[derive(Clone, Debug)]
pub struct Context {
    thread: HeapThread<Engine>,
    /// What this handle, unlike others, may use.
    terms: Terms,
}

impl Context {
    pub(super) fn new(thread: HeapThread<Engine>) -> Context {
        Context { thread, terms: Terms::default() }
    }

    /// A handle to the same context whose calls keep to these limits, too.
    ///
    /// ```no_run
    /// # async fn example(context: aiointernal::Context) -> Result<(), aiointernal::Error> {
    /// let mut limits = aiointernal::Limits::default();
    /// limits.result = 1024;
    /// context.limited(limits).eval("'a short answer'").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn limited(&self, limits: Limits) -> Context {
        let limits = self.terms.limits.map_or(limits, |own| own.lower(limits));
        Context { thread: self.thread.clone(), terms: Terms { limits: Some(limits), ..self.terms.clone() } }
    }

    /// A handle to the same context whose calls may use these functions, too; they take the place of functions of the same
    /// name. To other calls such a function is not granted: its name stays where scripts find it, and throws.
    ///
    /// ```no_run
    /// # async fn example(context: aiointernal::Context, tenant: u64) -> Result<(), aiointernal::Error> {
    /// use std::convert::Infallible;
    /// use aiointernal::js::Functions;
    ///
    /// let functions = Functions::new().sync_function("tenant", move |(): (), _call| Ok::<_, Infallible>(tenant));
    /// context.granting(functions).eval("tenant()").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn granting(&self, functions: Functions) -> Context {
        let functions = match &self.terms.functions {
            Some(own) => own.clone().and(&functions),
            None => functions,
        };
        Context { thread: self.thread.clone(), terms: Terms { functions: Some(functions), ..self.terms.clone() } }
    }

    /// A handle to the same context that collects what its calls print, in the place of what this one collects in. The
    /// sink of the [context](crate::js::ContextBuilder::on_console) has it, too.
    pub fn printing_to(&self, console: &Console) -> Context {
        Context { thread: self.thread.clone(), terms: Terms { console: Some(console.clone()), ..self.terms.clone() } }
    }

    /// A handle to the same context that adds up what its calls use, in the place of where this one does. The meters of the
    /// [context](crate::js::ContextBuilder::meter) and of its [sandbox](crate::js::SandboxBuilder::meter) count them, too.
    pub fn metered(&self, meter: &Meter) -> Context {
        Context { thread: self.thread.clone(), terms: Terms { meter: Some(meter.clone()), ..self.terms.clone() } }
    }

    /// A handle to the same context whose calls are answered when nothing that they began is left: no call of an async host function
    /// is in flight, and no timer is set. It is how Node runs a program. Else a call is answered as soon as its value is there, and what it began
    /// ends with it. An error does not wait, nor does what nobody catches: with what a timer's function throws, and with a promise that
    /// is rejected with nobody to handle it, the call ends, too. An interval that is never cleared comes back as [`Timeout`](ErrorKind::Timeout).
    ///
    /// ```
    /// # async fn example(context: aiointernal::Context) -> Result<(), aiointernal::Error> {
    /// use aiointernal::js::Console;
    ///
    /// let console = Console::new();
    /// let value = context.printing_to(&console).until_idle().eval("setTimeout(console.log, 10, 'later'); 'now'").await?;
    /// assert_eq!((value, console.take()[0].text()), ("now".into(), "later"));
    /// # Ok(())
    /// # }
    /// # let sandbox = aiointernal::Sandbox::new().unwrap();
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async { example(sandbox.context().await.unwrap()).await }).unwrap();
    /// ```
    pub fn until_idle(&self) -> Context {
        Context { thread: self.thread.clone(), terms: Terms { until_idle: true, ..self.terms.clone() } }
    }

    /// The same, for one use of a context that several have one after the other.
    pub(super) fn leased(&self, lease: &Lease) -> Context {
        let runtime = Handle::try_current().ok();
        let terms = Terms { lease: Some(lease.clone()), runtime, ..Terms::default() };
        Context { thread: self.thread.clone(), terms }
    }

    /// Whether it is another's by now.
    fn is_over(&self) -> bool {
        self.terms.lease.as_ref().is_some_and(Lease::is_over)
    }

    /// Whether it is not another's. Where it is not, it will be no other's.
    fn may_close(&self) -> bool {
        self.terms.lease.as_ref().is_none_or(Lease::close)
    }

    pub(super) fn thread(&self) -> HeapThread<Engine> {
        self.thread.clone()
    }

    /// Its thread.
    pub(super) fn home(&self) -> Option<ThreadId> {
        self.thread.home()
    }

    /// What its calls may use.
    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    fn engine_call<R, F>(&self, job: F) -> Call<R>
    where
        F: FnOnce(&mut Engine, &Running, &Terms) -> Result<R, Error> + Send + 'static,
        R: Send + 'static,
    {
        let terms = self.terms.clone();
        self.thread.try_call(move |engine, running| job(engine, running, &terms))
    }

    /// A call whose result is that of an evaluation, which may wait for host functions.
    pub(super) fn evaluation<R, F, C>(&self, convert: C, job: F) -> Call<R>
    where
        F: FnOnce(&mut Engine, &Running, &Terms) -> Result<Outcome, Error> + Send + 'static,
        C: FnOnce(Value) -> Result<R, Error> + Send + 'static,
        R: Send + 'static,
    {
        let terms = self.terms.clone();
        Call::deferring(&self.thread, move |engine, running, defer| {
            let outcome = job(engine, running, &terms);
            engine.conclude(outcome, convert, defer)
        })
    }

    /// Evaluates a source and gives its completion value. A promise is awaited, and a script may `await` at its top
    /// level. While it waits for [host functions](Functions) or timers, other calls of the context run. With its end its timers end, unless it is to
    /// end [with them](Context::until_idle).
    ///
    /// A classic script that comes again is kept compiled, as a part of the context's memory: the last 16 of at most 32 KiB together, but for
    /// those with a template literal or the word `await`. Where memory ends, all are let go.
    ///
    /// # Errors
    ///
    /// - [`Thrown`](ErrorKind::Thrown): the script threw, or does not parse.
    /// - [`NeverSettles`](ErrorKind::NeverSettles): the result is a promise that nothing is left to settle.
    /// - [`NotTransferable`](ErrorKind::NotTransferable): the result is or holds a function, a symbol, a promise...
    /// - [`SourceTooLarge`](ErrorKind::SourceTooLarge), [`InvalidArgument`](ErrorKind::InvalidArgument): the source is
    ///   longer than its limit, or holds U+0000.
    pub fn eval(&self, source: impl Into<Source>) -> Call<Value> {
        let source = source.into();
        self.evaluation(Ok, move |engine, running, terms| engine.evaluate(running, terms, source, ResultForm::Value))
    }

    /// As [`eval`](Context::eval), with the result as a Rust type, or as a [handle](super::JsValue) to it.
    ///
    /// # Errors
    ///
    /// Also [`WrongType`](ErrorKind::WrongType): the result is not of that type.
    pub fn eval_as<T: FromScript>(&self, source: impl Into<Source>) -> Call<T> {
        let source = source.into();
        self.evaluation(T::converter(self), move |engine, running, terms| {
            engine.evaluate(running, terms, source, T::FORM)
        })
    }

    /// As [`eval`](Context::eval), with the result as `console.log` would print it, for people: everything has such a
    /// form, functions and cycles too.
    ///
    /// # Errors
    ///
    /// As `eval`, without `NotTransferable`.
    pub fn eval_text(&self, source: impl Into<Source>) -> Call<String> {
        let source = source.into();
        self.evaluation(from_value, move |engine, running, terms| {
            engine.evaluate(running, terms, source, ResultForm::Text)
        })
    }

    /// Evaluates a file: `.mjs` as a module, everything else as a script. With the feature `typescript`, `.ts` and `.cts` are
    /// TypeScript, and modules where they import or export; `.mts` is a module in any case. It is read on the context's thread, before
    /// the time limit begins: a pipe that nobody writes to blocks the context.
    ///
    /// # Errors
    ///
    /// As [`eval`](Context::eval), and:
    ///
    /// - [`Io`](ErrorKind::Io): the file cannot be read or is not UTF-8.
    /// - [`InvalidArgument`](ErrorKind::InvalidArgument): it ends in `.tsx`, or is TypeScript and the feature is not there.
    pub fn eval_file(&self, path: impl Into<PathBuf>) -> Call<Value> {
        let path = path.into();
        self.evaluation(Ok, move |engine, running, terms| {
            let source = Source::read_file(&path, engine.limits(running, terms).source)?;
            engine.evaluate(running, terms, source, ResultForm::Value)
        })
    }

    /// As [`eval_file`](Context::eval_file), with the result as `console.log` would print it.
    ///
    /// # Errors
    ///
    /// As `eval_file`, without `NotTransferable`.
    pub fn eval_file_text(&self, path: impl Into<PathBuf>) -> Call<String> {
        let path = path.into();
        self.evaluation(from_value, move |engine, running, terms| {
            let source = Source::read_file(&path, engine.limits(running, terms).source)?;
            engine.evaluate(running, terms, source, ResultForm::Text)
        })
    }

    /// Imports a module as a script's `import()` does, and gives an object of its exports. It is evaluated when it is
    /// imported for the first time.
    ///
    /// ```
    /// # async fn example(sandbox: aiointernal::Sandbox) -> Result<(), aiointernal::Error> {
    /// use aiointernal::js::{Folder, from_value};
    ///
    /// let context = sandbox.context().modules(Folder::open("scripts")?).await?;
    /// let settings = context.import("./settings.mjs").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`eval`](Context::eval); [`Thrown`](ErrorKind::Thrown) also where the module cannot be resolved, loaded or
    /// linked, [`NotTransferable`](ErrorKind::NotTransferable) where an export is a function, and
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) where the specifier holds U+0000.
    pub fn import(&self, specifier: impl AsRef<str>) -> Call<Value> {
        let specifier = specifier.as_ref();
        let refused = specifier
            .find('\0')
            .map(|at| Error::new(ErrorKind::InvalidArgument, format!("the specifier holds U+0000 at byte {at}")));
        // What Rust escapes in a literal means the same in one of JavaScript, but for U+0000 before a digit.
        let text = format!("(async () => ({{ ...await import({specifier:?}) }}))()");
        let source = Source::script(text).named("<import>");
        self.evaluation(Ok, move |engine, running, terms| match refused {
            Some(error) => Err(error),
            None => engine.evaluate(running, terms, source, ResultForm::Value),
        })
    }

    /// Sets a global for each field of a struct, entry of a map, or pair of a list.
    ///
    /// ```no_run
    /// # async fn example(context: aiointernal::Context) -> Result<(), aiointernal::Error> {
    /// context.set_globals([("width", 3), ("height", 4)]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](ErrorKind::InvalidArgument): this is none of those, or its type's `Serialize` fails.
    /// - [`Thrown`](ErrorKind::Thrown): a setter threw.
    pub fn set_globals(&self, globals: impl Serialize) -> Call<()> {
        let globals = encode_globals(&globals);
        self.engine_call(move |engine, running, terms| engine.set_globals(running, terms, &globals?))
    }

    /// Reads a global: a top-level `let`, `const`, `class` or function of a script, or a property of the global
    /// object. A name that is not there gives `undefined`.
    ///
    /// # Errors
    ///
    /// - [`NotTransferable`](ErrorKind::NotTransferable): the value is or holds a function, a symbol, a promise...
    /// - [`Thrown`](ErrorKind::Thrown): a getter threw.
    pub fn get_global(&self, name: impl Into<String>) -> Call<Value> {
        self.get_global_as(name)
    }

    /// As [`get_global`](Context::get_global), as a Rust type, or as a [handle](super::JsValue).
    ///
    /// # Errors
    ///
    /// Also [`WrongType`](ErrorKind::WrongType): the value is not of that type.
    pub fn get_global_as<T: FromScript>(&self, name: impl Into<String>) -> Call<T> {
        let (name, convert) = (name.into(), T::converter(self));
        self.engine_call(move |engine, running, terms| {
            engine.get_global(running, terms, &name, T::FORM).and_then(convert)
        })
    }

    /// Calls a global function, or a method (`a.b`), with the arguments of a tuple, slice or `Vec`. A promise is
    /// awaited.
    ///
    /// ```no_run
    /// # async fn example(context: aiointernal::Context) -> Result<(), aiointernal::Error> {
    /// let greatest = context.call("Math.max", (1, 5, 3)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Thrown`](ErrorKind::Thrown): the function threw, or there is no function of that name.
    /// - [`InvalidArgument`](ErrorKind::InvalidArgument): the arguments are no sequence, more than 65,000, or have no JavaScript form.
    /// - Those of a result, as for [`eval`](Context::eval).
    pub fn call(&self, name: impl Into<String>, arguments: impl Serialize) -> Call<Value> {
        self.call_as(name, arguments)
    }

    /// As [`call`](Context::call), with the result as a Rust type, or as a [handle](super::JsValue) to it.
    ///
    /// # Errors
    ///
    /// Also [`WrongType`](ErrorKind::WrongType): the result is not of that type.
    pub fn call_as<T: FromScript>(&self, name: impl Into<String>, arguments: impl Serialize) -> Call<T> {
        let (name, arguments) = (name.into(), encode_arguments(&arguments));
        self.evaluation(T::converter(self), move |engine, running, terms| {
            engine.call(running, terms, &name, &arguments?, T::FORM)
        })
    }

    /// Evaluates many sources, in order: a [stream](Batch::stream) of results, or all of them at once.
    ///
    /// The sources come from anything that iterates, or from a [stream](Sources::from_stream). Each is a call of its
    /// own as far as limits go; one that fails is an error in its place, and the next goes on.
    pub fn eval_batch(&self, sources: impl Into<Sources>) -> Batch {
        Batch::new(self.thread.clone(), self.terms.clone(), sources.into())
    }

    /// Replaces the context by a fresh one: nothing that scripts left behind is there any more. Takes microseconds.
    ///
    /// ```no_run
    /// # async fn example(context: aiointernal::Context) -> Result<(), aiointernal::Error> {
    /// context.eval("secret = 42").await?;
    /// context.reset().await?;
    /// assert_eq!(context.eval("typeof secret").await?, "undefined".into());
    /// # Ok(())
    /// # }
    /// ```
    pub fn reset(&self) -> Call<()> {
        self.engine_call(|engine, _, terms| engine.reset(terms))
    }

    /// Memory of the JavaScript heap now. Counts every object, so its time grows with the heap.
    pub fn memory_usage(&self) -> Call<MemoryUsage> {
        self.engine_call(|engine, running, terms| engine.memory_usage(running, terms))
    }

    /// Closes the context for every clone of the handle: calls in the queue still run, and evaluations that wait for host
    /// functions still end; later calls are refused.
    pub fn close(&self) -> Closing {
        if self.may_close() { self.thread.close() } else { self.thread.closed() }
    }

    /// As [`close`](Context::close), at once: the call that runs is stopped, and whatever waits is answered as
    /// [`Closed`](ErrorKind::Closed).
    pub fn close_now(&self) -> Closing {
        if self.may_close() { self.thread.close_now() } else { self.thread.closed() }
    }

    /// Whether calls are refused.
    pub fn is_closed(&self) -> bool {
        self.is_over() || self.thread.is_closed()
    }
}

/// Names, and encoded values.
pub(super) type Globals = Vec<(String, Vec<u8>)>;

/// The names of globals, and their values as they enter the engine.
pub(super) fn encode_globals(globals: &impl Serialize) -> Result<Encoded<Globals>, Error> {
    let globals = named(to_value(globals)?)?;
    let encoded = globals.into_iter().map(|(name, value)| {
        let value = Encoded::value(&value, format_args!("global {name:?}"))?;
        Ok(value.map(|value| (name, value)))
    });
    encoded.collect()
}

/// The names and values of an object, or of a list of pairs.
fn named(globals: Value) -> Result<Vec<(String, Value)>, Error> {
    let refused = || {
        let message = "globals are given as a struct, a map from names to values, or a list of such pairs";
        Error::new(ErrorKind::InvalidArgument, message)
    };
    match globals {
        Value::Object(properties) => Ok(properties),
        Value::Array(pairs) => pairs
            .into_iter()
            .map(|pair| match pair {
                Value::Array(pair) => match <[Value; 2]>::try_from(pair) {
                    Ok([Value::String(name), value]) => Ok((name, value)),
                    _ => Err(refused()),
                },
                _ => Err(refused()),
            })
            .collect(),
        _ => Err(refused()),
    }
}

/// Arguments that a call may have. QuickJS takes a few more.
const MAX_ARGUMENTS: usize = 65_000;

/// The arguments of a call as they enter the engine.
pub(super) fn encode_arguments(arguments: &impl Serialize) -> Result<Encoded<Vec<Vec<u8>>>, Error> {
    let arguments = to_arguments(arguments)?;
    if arguments.len() > MAX_ARGUMENTS {
        let message = format!("{} arguments, and a call has {MAX_ARGUMENTS} at most", arguments.len());
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    arguments.iter().enumerate().map(|(index, value)| Encoded::value(value, format_args!("argument {index}"))).collect()
}

/// Memory of a context's JavaScript heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryUsage {
    /// Bytes that live values take.
    pub used: u64,
    /// Bytes obtained for them.
    pub allocated: u64,
    /// Live objects, arrays and functions among them.
    pub objects: u64,
    /// Values that are kept for [handles](super::JsValue).
    pub handles: u64,
    /// [Objects of the host](super::Host) that scripts hold.
    pub host_objects: usize,
    /// Pages of memory, of 4 KiB, that the context has for itself: those that it has written, and up to 512 that were kept when its place was
    /// used before. All others it shares with every context. How many more there are than before a call, that call was the first to write.
    /// `None` where that is not known: elsewhere than on Linux on x86-64, and with [epochs](super::SandboxBuilder::use_epochs).
    pub written_pages: Option<usize>,
}
