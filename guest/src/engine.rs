//! The engine: one JavaScript context and what may be done with it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use rquickjs::{
    Context, Ctx, Function, Object, Promise, Runtime, Value,
    allocator::RustAllocator,
    context::{EvalOptions, intrinsic},
    object::Property,
};

use crate::{
    console::Console,
    evaluations::{Awaited, End, Ended, Evaluations, Progress},
    failure::Failure,
    functions::{Functions, HostError, HostFunction},
    globals::Globals,
    handles::Handles,
    host::{Host, LogLevel},
    intrinsics::{Bound, Interrupted, Intrinsics},
    modules::Modules,
    operation::{Operation, Operations, decode_arguments},
    raw,
    rejections::Rejections,
    scripts::Scripts,
    stopping::Stopping,
    text,
    timers::Timers,
    value,
    web::{self, Web},
};

/// Everything of ECMAScript that QuickJS has here: no `Atomics`, which needs threads. Its `performance` is left out: its
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

/// Bytes of the text of what the function of a timer threw.
const UNCAUGHT_BYTES: usize = 8 << 10;

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
    /// Kept in the engine, as a handle.
    Handle,
}

/// What a call has come to: the WIT variant `outcome`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has ended, with this value, encoded.
    Done(Vec<u8>),
    /// It waits for the host.
    Pending,
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
    /// Values that may be kept at a time.
    pub handles: u32,
    /// Whether what nobody catches is a failure of the call that it happens in, and not an error on the console.
    pub uncaught_is_fatal: bool,
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
    /// Values that are kept.
    pub handles: u64,
}

/// One JavaScript context.
pub struct Engine<H> {
    runtime: Runtime,
    context: Context,
    host: Rc<H>,
    intrinsics: Rc<Intrinsics>,
    console: Rc<Console<H>>,
    operations: Operations,
    scripts: Rc<Scripts>,
    globals: Globals,
    modules: Rc<Modules<H>>,
    functions: Rc<Functions>,
    timers: Rc<Timers>,
    evaluations: Rc<Evaluations>,
    rejections: Rc<Rejections>,
    stopping: Rc<Stopping>,
    interrupted: Interrupted,
    result_bytes: Rc<Cell<usize>>,
    uncaught_is_fatal: Cell<bool>,
}

impl<H: Host> Engine<H> {
    /// Creates the context.
    ///
    /// # Errors
    ///
    /// When there is no memory for it.
    pub fn new(host: H) -> rquickjs::Result<Engine<H>> {
        let compiled = web::compile()?;
        #[cfg(target_arch = "wasm32")]
        crate::image::begin_page();
        let host = Rc::new(host);
        let runtime = runtime()?;
        // What each call writes is made at once, so that it lies together.
        let stopping = Rc::new(Stopping::default());
        let result_bytes = Rc::new(Cell::new(usize::MAX));
        let handles = Rc::new(Handles::default());
        let evaluations = Rc::new(Evaluations::default());
        let scripts = Rc::new(Scripts::default());
        let rejections = Rejections::install(&runtime);
        let context = Context::custom::<Everything>(&runtime)?;
        context.with(|ctx| stopping.connect(&ctx))?;
        let interrupted: Interrupted = Rc::new({
            let (host, stopping) = (Rc::clone(&host), Rc::clone(&stopping));
            move || stopping.ask(&*host)
        });
        let modules = Modules::install(&runtime, &host, &stopping, &interrupted);
        runtime.set_interrupt_handler(Some(Box::new({
            let interrupted = Rc::clone(&interrupted);
            move || interrupted()
        })));
        let (intrinsics, console, timers, operations) = context.with(|ctx| {
            let intrinsics = Rc::new(Intrinsics::take(&ctx, &interrupted, handles)?);
            let console = Console::install(&ctx, &host, &intrinsics)?;
            let timers = Timers::install(&ctx, Rc::<H>::clone(&host), &intrinsics)?;
            seed_on_first_use(&ctx, &host)?;
            rquickjs::Result::Ok((intrinsics, console, timers, Operations::take(&ctx)?))
        })?;
        let globals = Globals::default();
        let functions = Functions::new(Rc::<H>::clone(&host), &intrinsics, &result_bytes);
        intrinsics.objects.connect(&functions);
        context.with(|ctx| Web::install(&ctx, compiled, &functions))?;
        Ok(Engine {
            runtime,
            context,
            host,
            intrinsics,
            console,
            operations,
            scripts,
            globals,
            modules,
            functions,
            timers,
            evaluations,
            rejections,
            stopping,
            interrupted,
            result_bytes,
            uncaught_is_fatal: Cell::new(false),
        })
    }

    /// Readies the engine for being the image of others.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn become_image(&self) {
        self.runtime.run_gc();
        self.context.with(|ctx| crate::image::gather(&ctx));
    }

    /// Sets the limits.
    pub fn configure(&self, settings: Settings) {
        self.runtime.set_memory_limit(settings.memory_bytes as usize);
        self.runtime.set_max_stack_size(settings.stack_bytes as usize);
        self.result_bytes.set(settings.result_bytes as usize);
        self.console.want_arguments(settings.console_arguments);
        self.intrinsics.handles.limit(settings.handles);
        // To write what is there already would give an instance a page of its own.
        if self.uncaught_is_fatal.get() != settings.uncaught_is_fatal {
            self.uncaught_is_fatal.set(settings.uncaught_is_fatal);
        }
    }

    /// Gives functions of the host to scripts.
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidArgument`] where a name leads through what is no object; [`Failure::Thrown`] where a script has
    /// made its place one that cannot be written.
    pub fn define_functions(&self, functions: &[HostFunction]) -> Result<(), Failure> {
        self.turn(|ctx, _| functions.iter().try_for_each(|function| self.functions.define(ctx, function)))
    }

    /// Evaluates a source, then runs promise jobs until none is left. A result that is a promise is awaited; where it waits
    /// for the host, the evaluation is pending by the number that the host gave it.
    ///
    /// # Errors
    ///
    /// Every [`Failure`].
    pub fn evaluate(&self, evaluation: u64, source: &Source, form: ResultForm) -> Result<Outcome, Failure> {
        for (what, text) in [("name", &source.name), ("text", &source.text)] {
            if let Some(at) = text.find('\0') {
                return Err(Failure::InvalidArgument(format!("the source's {what} holds U+0000 at byte {at}")));
            }
        }
        self.begin(evaluation, form, |ctx, intrinsics| {
            let evaluated = match source.kind {
                SourceKind::Script => self.script(ctx, source),
                SourceKind::Module => {
                    self.modules.evaluate(ctx, &source.name, &source.text).map(|done| Progress::of(done.into_value()))
                }
            };
            evaluated.map_err(|error| Failure::from_js(ctx, intrinsics, error))
        })
    }

    /// Evaluates a script. One with `await` at its top level is another grammar, in which a few classic scripts mean
    /// something else or nothing; so it is tried where the word occurs, and given up where it does not parse.
    fn script<'js>(&self, ctx: &Ctx<'js>, source: &Source) -> rquickjs::Result<Progress<'js>> {
        let classic = |ctx: &Ctx<'js>| {
            let value = self.scripts.run(ctx, source)?;
            Ok(Progress::of(value))
        };
        if !source.text.contains("await") {
            return classic(ctx);
        }
        let mut options = script_options(&source.name);
        options.promise = true;
        match ctx.eval_with_options::<Promise<'js>, _>(source.text.as_str(), options) {
            Ok(promise) => Ok(Progress::Waits(Awaited::new(promise, true))),
            Err(error) if !error.is_exception() || self.stopping.is_stopped() => Err(error),
            Err(_) => {
                let refused = ctx.catch();
                classic(ctx).map_err(|error| {
                    if !error.is_exception() {
                        return error;
                    }
                    let thrown = ctx.catch();
                    // It is no script of either grammar: what was said first is about the one that it was written in.
                    let is_syntax = |value: &Value<'js>| {
                        let name = value.as_object().map(|error| error.get::<_, String>("name"));
                        matches!(name, Some(Ok(name)) if name == "SyntaxError")
                    };
                    ctx.throw(if is_syntax(&thrown) { refused } else { thrown })
                })
            }
        }
    }

    /// Sets each named property of the global object, in order.
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidArgument`] for what is not an encoded value; [`Failure::Thrown`] where a setter throws or
    /// the property is not writable; [`Failure::OutOfMemory`].
    pub fn set_globals<'a>(&self, globals: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<(), Failure> {
        self.turn(|ctx, intrinsics| {
            for (name, bytes) in globals {
                let value = value::decode(ctx, intrinsics, &format!("global {name:?}"), bytes)?;
                let set = raw::string(ctx, name).and_then(|name| ctx.globals().set(name, value));
                set.map_err(|error| Failure::from_js(ctx, intrinsics, error))?;
            }
            Ok(())
        })
    }

    /// Reads a global: a binding of a script's top level or a property of the global object.
    ///
    /// # Errors
    ///
    /// [`Failure::Thrown`] where a getter throws or the binding is not initialised yet, and the failures of results.
    pub fn get_global(&self, name: &str, form: ResultForm) -> Result<Vec<u8>, Failure> {
        self.turn(|ctx, intrinsics| {
            let value = self.globals.get(ctx, name).map_err(|error| Failure::from_js(ctx, intrinsics, error))?;
            self.drive_jobs(ctx);
            let progress = if form == ResultForm::Handle { Progress::Settled(value) } else { Progress::of(value) };
            match self.advance(ctx, intrinsics, progress)? {
                Progress::Settled(value) => self.encode(intrinsics, &value, form),
                Progress::Waits(_) => Err(Failure::NeverSettles),
            }
        })
    }

    /// Calls the global function of this name, or the method where the name has dots. A promise is awaited, as
    /// `evaluate` does.
    ///
    /// # Errors
    ///
    /// Every [`Failure`]; a name that is no function throws a `TypeError`.
    pub fn call(
        &self,
        evaluation: u64,
        name: &str,
        arguments: &[Vec<u8>],
        form: ResultForm,
    ) -> Result<Outcome, Failure> {
        self.begin(evaluation, form, |ctx, intrinsics| {
            let values = decode_arguments(ctx, intrinsics, arguments)?;
            let called = self.globals.call(ctx, intrinsics, name, values);
            called.map(Progress::of).map_err(|error| Failure::from_js(ctx, intrinsics, error))
        })
    }

    /// Does something with a value that is kept. A promise is awaited, but for one that is to be kept itself, or printed.
    ///
    /// # Errors
    ///
    /// Every [`Failure`].
    pub fn operate(
        &self,
        evaluation: u64,
        handle: u64,
        operation: &Operation,
        form: ResultForm,
    ) -> Result<Outcome, Failure> {
        let reads = matches!(operation, Operation::Read | Operation::Get(_));
        self.begin(evaluation, form, |ctx, intrinsics| {
            let target = intrinsics.handles.get(ctx, handle);
            let target = target.ok_or_else(|| Failure::InvalidArgument(format!("there is no handle {handle}")))?;
            let result = self.operations.perform(ctx, intrinsics, target, operation)?;
            let as_it_is = reads && form != ResultForm::Value;
            Ok(if as_it_is { Progress::Settled(result) } else { Progress::of(result) })
        })
    }

    /// Lets values go that were kept: whether scripts want to [hear](Engine::tidy) of it.
    pub fn release(&self, handles: &[u64]) -> bool {
        handles.iter().for_each(|handle| self.intrinsics.handles.release(*handle));
        self.is_untidy()
    }

    /// Settles a call of a host function, then runs promise jobs. One that is not known was forgotten.
    ///
    /// # Errors
    ///
    /// [`Failure::Interrupted`], [`Failure::OutOfMemory`].
    pub fn settle(&self, call: u64, answer: Result<&[u8], &HostError>) -> Result<(), Failure> {
        self.turn(|ctx, intrinsics| {
            let settled = self.functions.settle(ctx, intrinsics, call, answer);
            settled.map_err(|error| Failure::from_js(ctx, intrinsics, error))
        })
    }

    /// Calls the function of a timer that is due, then runs promise jobs. One that is not known was forgotten.
    ///
    /// # Errors
    ///
    /// [`Failure::Interrupted`], [`Failure::OutOfMemory`]; [`Failure::Thrown`] where [that is fatal](Settings::uncaught_is_fatal).
    pub fn fire(&self, timer: u64) -> Result<(), Failure> {
        self.turn(|ctx, intrinsics| match self.timers.fire(ctx, timer) {
            Err(error) if !self.uncaught_is_fatal.get() && error.is_exception() && !self.stopping.is_stopped() => {
                let thrown = ctx.catch();
                let text = text::inspect(intrinsics, &thrown, UNCAUGHT_BYTES);
                self.host.log(LogLevel::Error, &format!("Uncaught {text}"), &[]);
                Ok(())
            }
            fired => fired.map_err(|error| Failure::from_js(ctx, intrinsics, error)),
        })
    }

    /// Forgets evaluations that were pending, calls whose answers nobody waits for, and timers: whether scripts want to
    /// [hear](Engine::tidy) of it. What a call has left that was told to stop goes as well.
    pub fn forget(&self, evaluations: &[u64], calls: &[u64], timers: &[u64]) -> bool {
        self.clear(false);
        evaluations.iter().for_each(|evaluation| self.evaluations.forget(*evaluation));
        calls.iter().for_each(|call| self.functions.forget(*call));
        timers.iter().for_each(|timer| self.timers.forget(*timer));
        self.is_untidy()
    }

    /// Frees a part of what a call has left that was told to stop: whether there is more.
    pub fn free(&self) -> bool {
        self.stopping.free_some(&self.context)
    }

    /// The pending evaluations that have ended and were not taken, and whether scripts want to [hear](Engine::tidy) of what was freed.
    pub fn ended(&self) -> (Vec<u64>, bool) {
        // What was forgotten may have been the last that some waited for.
        self.context.with(|ctx| self.evaluations.advance(&ctx, &self.rejections, self.waits_for_host()));
        (self.evaluations.ended(), self.is_untidy())
    }

    /// Lets scripts hear of values that were freed while none ran, by what they gave to a `FinalizationRegistry`.
    ///
    /// # Errors
    ///
    /// [`Failure::Interrupted`], [`Failure::OutOfMemory`].
    pub fn tidy(&self) -> Result<(), Failure> {
        self.turn(|_, _| Ok(()))
    }

    /// The result of a pending evaluation that has ended; `None` where it has not, or was taken.
    ///
    /// # Errors
    ///
    /// Those of [`evaluate`](Engine::evaluate).
    pub fn take_result(&self, evaluation: u64) -> Option<Result<Vec<u8>, Failure>> {
        let Ended { form, end, .. } = self.evaluations.take(evaluation)?;
        Some(self.turn(|ctx, intrinsics| {
            let explain = |error| Failure::from_js(ctx, intrinsics, error);
            match end {
                End::Result(value) => self.encode(intrinsics, &value.restore(ctx).map_err(explain)?, form),
                End::Thrown(thrown) => Err(explain(ctx.throw(thrown.restore(ctx).map_err(explain)?))),
                End::Never => Err(Failure::NeverSettles),
            }
        }))
    }

    /// Memory in use now.
    pub fn memory_usage(&self) -> MemoryUsage {
        let usage = self.runtime.memory_usage();
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        MemoryUsage {
            used: count(usage.memory_used_size),
            allocated: count(usage.malloc_size),
            objects: count(usage.obj_count),
            handles: self.intrinsics.handles.count() as u64,
        }
    }

    /// Whether the host has something to tell that may settle a promise.
    fn waits_for_host(&self) -> bool {
        self.functions.are_in_flight() || self.timers.are_set()
    }

    /// A call that may wait for the host.
    fn begin(
        &self,
        evaluation: u64,
        form: ResultForm,
        body: impl for<'js> FnOnce(&Ctx<'js>, &Bound<'_, 'js>) -> Result<Progress<'js>, Failure>,
    ) -> Result<Outcome, Failure> {
        let outcome = self.turn(|ctx, intrinsics| {
            let progress = body(ctx, intrinsics);
            self.drive_jobs(ctx);
            match self.advance(ctx, intrinsics, progress?)? {
                Progress::Settled(value) => Ok(Outcome::Done(self.encode(intrinsics, &value, form)?)),
                Progress::Waits(_) if !self.waits_for_host() => Err(Failure::NeverSettles),
                Progress::Waits(awaited) => {
                    self.evaluations.wait(ctx, evaluation, form, awaited);
                    Ok(Outcome::Pending)
                }
            }
        });
        if outcome.is_err() {
            // It was interrupted after it had begun to wait.
            self.evaluations.forget(evaluation);
        }
        outcome
    }

    fn advance<'js>(
        &self,
        ctx: &Ctx<'js>,
        intrinsics: &Bound<'_, 'js>,
        progress: Progress<'js>,
    ) -> Result<Progress<'js>, Failure> {
        match progress {
            Progress::Waits(awaited) => {
                let progress = awaited.advance(ctx, &self.rejections);
                progress.map_err(|error| Failure::from_js(ctx, intrinsics, error))
            }
            settled => Ok(settled),
        }
    }

    fn encode<'js>(
        &self,
        intrinsics: &Bound<'_, 'js>,
        value: &Value<'js>,
        form: ResultForm,
    ) -> Result<Vec<u8>, Failure> {
        let limit = self.result_bytes.get();
        if self.operations.is_end(intrinsics.ctx(), value) {
            return Ok(value::HOLE.to_vec());
        }
        match form {
            ResultForm::Value => value::encode(intrinsics, value, limit),
            ResultForm::Text => value::encode_text(&text::inspect(intrinsics, value, limit), limit),
            ResultForm::Handle => intrinsics.handles.keep(intrinsics.ctx(), value),
        }
    }

    /// One call from outside: run, drive the jobs, see what has ended; an interruption wins over what it led to.
    fn turn<R>(
        &self,
        body: impl for<'js> FnOnce(&Ctx<'js>, &Bound<'_, 'js>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.clear(true);
        let handles = &self.intrinsics.handles;
        let last = handles.last();
        let outcome = self.context.with(|ctx| {
            let intrinsics = self.intrinsics.bind(&ctx);
            let mut outcome = body(&ctx, &intrinsics);
            // What getters of a result, of an error, or of the reason of a rejection queue is this call's own.
            loop {
                self.drive_jobs(&ctx);
                if self.stopping.is_stopped() {
                    break;
                }
                self.evaluations.advance(&ctx, &self.rejections, self.waits_for_host());
                if self.uncaught_is_fatal.get() && outcome.is_ok() {
                    outcome = match self.rejections.first(&ctx) {
                        Some(reason) => Err(Failure::from_js(&ctx, &intrinsics, ctx.throw(reason))),
                        None => outcome,
                    };
                }
                self.rejections.report(&ctx, &intrinsics, &*self.host);
                if !ctx.execute_pending_job() {
                    break;
                }
            }
            // An exception that was left behind would be taken for one of a later call.
            ctx.catch();
            outcome
        });
        if outcome.is_err() || self.stopping.is_stopped() {
            // The host hears of no handle.
            handles.release_since(last);
        }
        if matches!(outcome, Err(Failure::OutOfMemory)) && !self.stopping.is_stopped() {
            // What is only held by cycles is freed for the next call, and so is what can be made again.
            self.scripts.clear();
            self.runtime.run_gc();
        }
        if self.stopping.is_stopped() {
            return Err(Failure::Interrupted { jobs_dropped: self.stopping.had_jobs() });
        }
        self.bury();
        outcome.map_err(|failure| self.modules.told(failure).clipped())
    }

    /// Values were freed beside a turn: the host hears of it, and scripts may have asked to.
    fn is_untidy(&self) -> bool {
        // What a call has left that was told to stop nobody is to hear.
        if self.stopping.is_stopped() {
            return false;
        }
        self.bury();
        if self.stopping.is_stopped() {
            // That took too long.
            self.clear(true);
        }
        self.runtime.is_job_pending()
    }

    /// Tells the host which of its objects were freed.
    fn bury(&self) {
        if self.intrinsics.objects.were_freed() {
            self.context.with(|ctx| self.intrinsics.objects.bury(&ctx, &self.intrinsics.bind(&ctx)));
        }
    }

    fn drive_jobs(&self, ctx: &Ctx<'_>) {
        let mut jobs: u32 = 0;
        while !self.stopping.is_stopped() && ctx.execute_pending_job() {
            jobs = jobs.wrapping_add(1);
            if jobs.is_multiple_of(JOBS_PER_POLL) {
                (self.interrupted)();
            }
        }
    }

    /// Lets go what a call has left that was told to stop.
    fn clear(&self, is_for_a_call: bool) {
        if self.stopping.clear(&self.runtime, &self.context, is_for_a_call) {
            self.rejections.clear();
        }
    }
}

impl<H> core::fmt::Debug for Engine<H> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// A runtime, as the engine has one.
pub(crate) fn runtime() -> rquickjs::Result<Runtime> {
    // That of C does not say how large a block is where there is no system: without that, garbage is not collected
    // until memory is used up, and usage is counted too low.
    let runtime = Runtime::new_with_alloc(RustAllocator)?;
    runtime.set_max_stack_size(INITIAL_STACK);
    Ok(runtime)
}

pub(crate) fn script_options(name: &str) -> EvalOptions {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(name.to_owned());
    options
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
