//! The engine: one JavaScript context and what may be done with it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use rquickjs::{
    Context, Ctx, Function, Module, Object, Runtime, Value,
    context::{EvalOptions, intrinsic},
    object::Property,
    promise::PromiseState,
};

use crate::{
    console::Console,
    failure::Failure,
    globals::Globals,
    host::Host,
    intrinsics::{Bound, Intrinsics},
    modules::Modules,
    text, value,
};

/// Everything of ECMAScript that QuickJS has here: no `Atomics`, which needs threads. `performance` is left out: its
/// origin would be the time at which the image was taken.
type Everything = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
    intrinsic::WeakRef,
);

/// Promise jobs between two questions to the host whether to go on. A job that calls a function of the script asks
/// by itself; this is for those that do not.
const JOBS_PER_POLL: u32 = 128;

/// Bytes of stack for JavaScript until the host says otherwise. QuickJS's own default is as much as the module has in
/// all, which leaves nothing to call from.
const INITIAL_STACK: usize = 256 * 1024;

/// A source text to evaluate: the WIT record `source`.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name that error stacks show.
    pub name: String,
    /// The text.
    pub text: String,
    /// Script or module.
    pub kind: SourceKind,
}

/// How a source text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A classic script.
    Script,
    /// An ES module.
    Module,
}

/// In which form a result is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultForm {
    /// The value, encoded.
    Value,
    /// As `console.log` would print it.
    Text,
}

/// Limits that the engine itself keeps: the WIT record `settings`.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Bytes that JavaScript values may take.
    pub memory_bytes: u32,
    /// Bytes of stack that JavaScript calls may take.
    pub stack_bytes: u32,
    /// Longest encoded result.
    pub result_bytes: u32,
    /// Whether the host wants the arguments of console messages beside their texts.
    pub console_arguments: bool,
}

/// Memory of the JavaScript heap: the WIT record `heap-usage`.
#[derive(Clone, Copy, Debug)]
pub struct MemoryUsage {
    /// Bytes that live values take.
    pub used: u64,
    /// Bytes obtained for them.
    pub allocated: u64,
    /// Live objects.
    pub objects: u64,
}

/// One JavaScript context.
pub struct Engine<H> {
    runtime: Runtime,
    context: Context,
    host: Rc<H>,
    intrinsics: Rc<Intrinsics>,
    console: Rc<Console<H>>,
    globals: Globals,
    modules: Rc<Modules<H>>,
    /// The running call was told to stop.
    stopped: Rc<Cell<bool>>,
    result_bytes: Cell<usize>,
}

impl<H: Host> Engine<H> {
    /// Creates the context.
    ///
    /// # Errors
    ///
    /// When there is no memory for it.
    pub fn new(host: H) -> rquickjs::Result<Engine<H>> {
        let host = Rc::new(host);
        let runtime = Runtime::new()?;
        runtime.set_max_stack_size(INITIAL_STACK);
        let stopped = Rc::new(Cell::new(false));
        runtime.set_interrupt_handler(Some(Box::new({
            let (host, stopped) = (Rc::clone(&host), Rc::clone(&stopped));
            move || {
                stopped.set(stopped.get() || host.interrupted());
                stopped.get()
            }
        })));
        let modules = Modules::install(&runtime, &host, &stopped);
        let context = Context::custom::<Everything>(&runtime)?;
        let (intrinsics, console) = context.with(|ctx| {
            let intrinsics = Rc::new(Intrinsics::take(&ctx)?);
            let console = Console::install(&ctx, &host, &intrinsics)?;
            seed_on_first_use(&ctx, &host)?;
            rquickjs::Result::Ok((intrinsics, console))
        })?;
        let globals = Globals::default();
        Ok(Engine {
            runtime,
            context,
            host,
            intrinsics,
            console,
            globals,
            modules,
            stopped,
            result_bytes: Cell::new(usize::MAX),
        })
    }

    /// Sets the limits.
    pub fn configure(&self, settings: Settings) {
        self.runtime.set_memory_limit(settings.memory_bytes as usize);
        self.runtime.set_max_stack_size(settings.stack_bytes as usize);
        self.result_bytes.set(settings.result_bytes as usize);
        self.console.want_arguments(settings.console_arguments);
    }

    /// Evaluates a source, runs promise jobs until none is left, and awaits the result where it is a promise.
    ///
    /// # Errors
    ///
    /// Every [`Failure`].
    pub fn evaluate(&self, source: &Source, form: ResultForm) -> Result<Vec<u8>, Failure> {
        for (what, text) in [("name", &source.name), ("text", &source.text)] {
            if let Some(at) = text.find('\0') {
                return Err(Failure::InvalidArgument(format!("the source's {what} holds U+0000 at byte {at}")));
            }
        }
        self.run(form, |ctx, intrinsics| {
            let evaluated = match source.kind {
                SourceKind::Script => ctx.eval_with_options(source.text.as_str(), script_options(&source.name)),
                SourceKind::Module => self
                    .modules
                    .declare_main(ctx, &source.name, &source.text)
                    .and_then(Module::eval)
                    .map(|(_, done)| done.into_value()),
            };
            evaluated.map_err(|error| Failure::from_js(ctx, intrinsics, error))
        })
    }

    /// Sets each named property of the global object, in order.
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidArgument`] for what is not an encoded value; [`Failure::Thrown`] where a setter throws or
    /// the property is not writable; [`Failure::OutOfMemory`].
    pub fn set_globals<'a>(&self, globals: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<(), Failure> {
        self.run(ResultForm::Value, |ctx, intrinsics| {
            for (name, bytes) in globals {
                let value = value::decode(ctx, intrinsics, &format!("global {name:?}"), bytes)?;
                ctx.globals().set(name, value).map_err(|error| Failure::from_js(ctx, intrinsics, error))?;
            }
            Ok(Value::new_undefined(ctx.clone()))
        })?;
        Ok(())
    }

    /// Reads a global: a binding of a script's top level or a property of the global object.
    ///
    /// # Errors
    ///
    /// [`Failure::Thrown`] where a getter throws or the binding is not initialised yet, and the failures of results.
    pub fn get_global(&self, name: &str) -> Result<Vec<u8>, Failure> {
        self.run(ResultForm::Value, |ctx, intrinsics| {
            self.globals.get(ctx, name).map_err(|error| Failure::from_js(ctx, intrinsics, error))
        })
    }

    /// Calls the global function of this name, or the method where the name has dots.
    ///
    /// # Errors
    ///
    /// Every [`Failure`]; a name that is no function throws a `TypeError`.
    pub fn call(&self, name: &str, arguments: &[Vec<u8>]) -> Result<Vec<u8>, Failure> {
        self.run(ResultForm::Value, |ctx, intrinsics| {
            let values = arguments
                .iter()
                .enumerate()
                .map(|(index, bytes)| value::decode(ctx, intrinsics, &format!("argument {index}"), bytes))
                .collect::<Result<Vec<_>, _>>()?;
            self.globals.call(ctx, intrinsics, name, values).map_err(|error| Failure::from_js(ctx, intrinsics, error))
        })
    }

    /// Memory in use now.
    pub fn memory_usage(&self) -> MemoryUsage {
        let usage = self.runtime.memory_usage();
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        MemoryUsage {
            used: count(usage.memory_used_size),
            allocated: count(usage.malloc_size),
            objects: count(usage.obj_count),
        }
    }

    /// One call from outside: run, drive the jobs, await, encode; an interruption wins over what it led to.
    fn run(
        &self,
        form: ResultForm,
        body: impl for<'js> FnOnce(&Ctx<'js>, &Bound<'_, 'js>) -> Result<Value<'js>, Failure>,
    ) -> Result<Vec<u8>, Failure> {
        self.stopped.set(false);
        let outcome = self.context.with(|ctx| {
            let intrinsics = self.intrinsics.bind(&ctx).map_err(|_| Failure::OutOfMemory)?;
            let value = body(&ctx, &intrinsics);
            self.drive_jobs(&ctx);
            let limit = self.result_bytes.get();
            let settled = value.and_then(|value| settle(&ctx, &intrinsics, value));
            let result = settled.and_then(|settled| match form {
                ResultForm::Value => value::encode(&intrinsics, &settled, limit),
                ResultForm::Text => value::encode_text(&text::inspect(&intrinsics, &settled, limit), limit),
            });
            // Getters of a result or of an error may have queued jobs.
            self.drive_jobs(&ctx);
            result
        });
        if self.stopped.get() {
            return Err(Failure::Interrupted { jobs_left: self.runtime.is_job_pending() });
        }
        if let Err(Failure::OutOfMemory) = outcome {
            // What is only held by cycles is freed for the next call.
            self.runtime.run_gc();
        }
        outcome.map_err(Failure::clipped)
    }

    fn drive_jobs(&self, ctx: &Ctx<'_>) {
        let mut jobs: u32 = 0;
        while !self.stopped.get() && ctx.execute_pending_job() {
            jobs = jobs.wrapping_add(1);
            if jobs.is_multiple_of(JOBS_PER_POLL) && self.host.interrupted() {
                self.stopped.set(true);
            }
        }
    }
}

impl<H> core::fmt::Debug for Engine<H> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

pub(crate) fn script_options(name: &str) -> EvalOptions {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(name.to_owned());
    options
}

fn settle<'js>(ctx: &Ctx<'js>, intrinsics: &Bound<'_, 'js>, value: Value<'js>) -> Result<Value<'js>, Failure> {
    let Some(promise) = value.as_promise() else {
        return Ok(value);
    };
    match (promise.state(), promise.result::<Value<'js>>()) {
        (PromiseState::Pending, _) | (_, None) => Err(Failure::NeverSettles),
        (_, Some(result)) => result.map_err(|error| Failure::from_js(ctx, intrinsics, error)),
    }
}

/// Replaces `Math.random`, whose state would be the same in every engine that starts from the image.
fn seed_on_first_use<'js>(ctx: &Ctx<'js>, host: &Rc<impl Host>) -> rquickjs::Result<()> {
    let host = Rc::clone(host);
    let generator: RefCell<Option<fastrand::Rng>> = RefCell::new(None);
    let random = move || {
        let mut generator = generator.borrow_mut();
        generator.get_or_insert_with(|| fastrand::Rng::with_seed(host.random())).f64()
    };
    let random = Function::new(ctx.clone(), random)?.with_name("random")?;
    ctx.globals().get::<_, Object<'js>>("Math")?.prop("random", Property::from(random).writable().configurable())
}
