//! The WIT exports, answered with one [`Engine`], and [`Host`], answered with the WIT imports.

use std::{
    cell::{Cell, OnceCell, RefCell},
    mem::MaybeUninit,
};

use crate::{
    Answer, Batch, Engine, Exception, Failure, Host, HostClass, HostError, HostFunction, HostMember, LogLevel,
    Malformed, MemberKind, ModuleKind, ModuleText, Operation, Outcome, Refusal, ResultForm, Settings, Source,
    SourceKind,
};

#[allow(unsafe_code, missing_docs, unreachable_pub, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../wit", world: "script-engine" });
}

use bindings::{
    aiointernal::js::{ambient, host_functions, host_objects, modules, timers, types as wit},
    exports::aiointernal::js::{engine as exports, image, on_demand, surroundings},
};

thread_local! {
    /// The one engine of this instance, already there in the image that instances start from.
    static ENGINE: OnceCell<Engine<Ambient>> = const { OnceCell::new() };

    /// Whether local time is another than UTC.
    static HAS_TIME_ZONE: Cell<bool> = const { Cell::new(false) };
}

fn with_engine<R>(body: impl FnOnce(&Engine<Ambient>) -> R) -> R {
    ENGINE.with(|engine| body(engine.get_or_init(|| Engine::new(Ambient).unwrap_or_else(|_| no_memory()))))
}

/// There is nobody to tell: the image could not be made, or an instance has less memory than its image.
fn no_memory() -> ! {
    core::arch::wasm32::unreachable()
}

/// The WIT interfaces that the engine imports.
struct Ambient;

impl Host for Ambient {
    fn elapsed(&self) -> f64 {
        ambient::elapsed()
    }

    fn start_timer(&self, millis: u32, repeats: bool) -> Result<u64, HostError> {
        Ok(timers::start(millis, repeats)?)
    }

    fn cancel_timer(&self, timer: u64) {
        timers::cancel(timer);
    }

    fn random(&self) -> u64 {
        ambient::random()
    }

    fn log(&self, level: LogLevel, message: &str, arguments: &[Vec<u8>]) {
        let level = match level {
            LogLevel::Trace => wit::LogLevel::Trace,
            LogLevel::Debug => wit::LogLevel::Debug,
            LogLevel::Info => wit::LogLevel::Info,
            LogLevel::Warn => wit::LogLevel::Warn,
            LogLevel::Error => wit::LogLevel::Error,
        };
        ambient::log(level, message, arguments);
    }

    fn patience(&self) -> u32 {
        ambient::patience()
    }

    fn normalize(&self, base: &str, specifier: &str) -> Result<String, String> {
        modules::normalize(base, specifier)
    }

    fn load(&self, name: &str) -> Result<ModuleText, Refusal> {
        let modules::Module { text, kind } = modules::load(name).map_err(|refusal| match refusal {
            modules::Refusal::None(reason) => Refusal::None(reason),
            modules::Refusal::Malformed(modules::Malformed { name, message, stack }) => {
                Refusal::Malformed(Malformed { name, message, stack })
            }
        })?;
        let kind = match kind {
            modules::ModuleKind::Javascript => ModuleKind::JavaScript,
            modules::ModuleKind::Json => ModuleKind::Json,
        };
        Ok(ModuleText { text, kind })
    }

    fn start(&self, function: u32, arguments: &[u8]) -> Answer {
        host_functions::start(function, arguments).into()
    }

    fn adopt(&self, object: u64) -> Result<u32, HostError> {
        Ok(host_objects::adopt(object)?)
    }

    fn describe(&self, class: u32) -> HostClass {
        let host_objects::HostClass { name, members } = host_objects::describe(class);
        let kind = |kind| match kind {
            host_objects::MemberKind::Method => MemberKind::Method,
            host_objects::MemberKind::AsyncMethod => MemberKind::AsyncMethod,
            host_objects::MemberKind::Getter => MemberKind::Getter,
            host_objects::MemberKind::Setter => MemberKind::Setter,
        };
        let members = members.into_iter().map(|member| HostMember { name: member.name, kind: kind(member.kind) });
        HostClass { name, members: members.collect() }
    }

    fn invoke(&self, object: u64, member: u32, arguments: &[u8]) -> Answer {
        host_objects::invoke(object, member, arguments).into()
    }

    fn release(&self, objects: &[u64]) {
        host_objects::release(objects);
    }
}

impl From<host_functions::Answer> for Answer {
    fn from(answer: host_functions::Answer) -> Answer {
        match answer {
            host_functions::Answer::Done(value) => Answer::Done(value),
            host_functions::Answer::Failed(error) => Answer::Failed(error.into()),
            host_functions::Answer::Pending(call) => Answer::Pending(call),
        }
    }
}

impl From<wit::HostError> for HostError {
    fn from(error: wit::HostError) -> HostError {
        HostError { id: error.id, name: error.name, message: error.message }
    }
}

impl From<Outcome> for wit::Outcome {
    fn from(outcome: Outcome) -> wit::Outcome {
        match outcome {
            Outcome::Done(value) => wit::Outcome::Done(value),
            Outcome::Pending => wit::Outcome::Pending,
        }
    }
}

/// The clock of `Date`: QuickJS's C library shim calls this symbol and would else import it.
#[expect(unsafe_code, reason = "the symbol's name is the linker's contract; it takes and returns a plain number")]
#[unsafe(no_mangle)]
extern "C" fn __rquickjs_host_now_us() -> f64 {
    ambient::now()
}

/// What of C's broken-down time QuickJS reads, and where it is: as in the headers of `rquickjs-sys`.
#[repr(C)]
struct BrokenDown {
    fields: [i32; 9],
    /// By how many seconds local time is ahead of UTC.
    gmtoff: i32,
}

/// Local time: `build.rs` has the linker put this in the place of `localtime_r`, which knows UTC only.
#[expect(unsafe_code, reason = "the symbol's name is the linker's contract; the caller is C, and has both")]
#[unsafe(no_mangle)]
extern "C" fn __wrap_localtime_r<'a>(seconds: &i64, local: &'a mut MaybeUninit<BrokenDown>) -> &'a mut BrokenDown {
    let gmtoff = if HAS_TIME_ZONE.get() { ambient::time_zone_offset(*seconds) } else { 0 };
    local.write(BrokenDown { fields: [0; 9], gmtoff })
}

struct Component;

impl image::Guest for Component {
    fn initialize() {
        with_engine(Engine::become_image);
    }

    fn landmark() -> (u32, Vec<u8>) {
        let byte = vec![0];
        (byte.as_ptr().addr() as u32, byte)
    }
}

impl exports::Guest for Component {
    fn configure(settings: exports::Settings) {
        // To write what is there already would give an instance a page of its own.
        if HAS_TIME_ZONE.get() != settings.time_zone {
            HAS_TIME_ZONE.set(settings.time_zone);
        }
        with_engine(|engine| {
            engine.configure(Settings {
                memory_bytes: settings.memory_bytes,
                stack_bytes: settings.stack_bytes,
                result_bytes: settings.result_bytes,
                console_arguments: settings.console_arguments,
                handles: settings.handles,
                uncaught_is_fatal: settings.uncaught_is_fatal,
            });
        });
    }

    fn evaluate(evaluation: u64, source: wit::Source, form: wit::ResultForm) -> Result<wit::Outcome, wit::Failure> {
        Ok(with_engine(|engine| engine.evaluate(evaluation, &source.into(), form.into()))?.into())
    }
}

impl surroundings::Guest for Component {
    fn define_functions(functions: Vec<surroundings::HostFunction>) -> Result<(), wit::Failure> {
        let defined = |function: surroundings::HostFunction| {
            let surroundings::HostFunction { name, number, is_async } = function;
            HostFunction { name, number, is_async }
        };
        let functions: Vec<HostFunction> = functions.into_iter().map(defined).collect();
        Ok(with_engine(|engine| engine.define_functions(&functions))?)
    }

    fn set_globals(globals: Vec<(String, wit::Value)>) -> Result<(), wit::Failure> {
        let globals = globals.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        Ok(with_engine(|engine| engine.set_globals(globals))?)
    }
}

impl on_demand::Guest for Component {
    type Batch = RefCell<Batch>;

    fn get_global(name: String, form: wit::ResultForm) -> Result<wit::Value, wit::Failure> {
        Ok(with_engine(|engine| engine.get_global(&name, form.into()))?)
    }

    fn call(
        evaluation: u64,
        name: String,
        arguments: Vec<wit::Value>,
        form: wit::ResultForm,
    ) -> Result<wit::Outcome, wit::Failure> {
        Ok(with_engine(|engine| engine.call(evaluation, &name, &arguments, form.into()))?.into())
    }

    fn operate(
        evaluation: u64,
        handle: u64,
        operation: on_demand::Operation,
        form: wit::ResultForm,
    ) -> Result<wit::Outcome, wit::Failure> {
        let operation = operation.into();
        Ok(with_engine(|engine| engine.operate(evaluation, handle, &operation, form.into()))?.into())
    }

    fn release(handles: Vec<u64>) -> bool {
        with_engine(|engine| engine.release(&handles))
    }

    fn settle(call: u64, answer: Result<wit::Value, wit::HostError>) -> Result<(), wit::Failure> {
        let answer = answer.map_err(HostError::from);
        Ok(with_engine(|engine| engine.settle(call, answer.as_deref()))?)
    }

    fn ended() -> (Vec<u64>, bool) {
        with_engine(Engine::ended)
    }

    fn take_result(evaluation: u64) -> Option<Result<wit::Value, wit::Failure>> {
        let result = with_engine(|engine| engine.take_result(evaluation))?;
        Some(result.map_err(wit::Failure::from))
    }

    fn free() -> bool {
        with_engine(Engine::free)
    }

    fn fire(timer: u64) -> Result<(), wit::Failure> {
        Ok(with_engine(|engine| engine.fire(timer))?)
    }

    fn forget(evaluations: Vec<u64>, calls: Vec<u64>, timers: Vec<u64>) -> bool {
        with_engine(|engine| engine.forget(&evaluations, &calls, &timers))
    }

    fn tidy() -> Result<(), wit::Failure> {
        Ok(with_engine(Engine::tidy)?)
    }

    fn memory_usage() -> on_demand::HeapUsage {
        let usage = with_engine(|engine| engine.memory_usage());
        on_demand::HeapUsage {
            used: usage.used,
            allocated: usage.allocated,
            objects: usage.objects,
            handles: usage.handles,
        }
    }
}

impl on_demand::GuestBatch for RefCell<Batch> {
    fn new(form: wit::ResultForm) -> Self {
        RefCell::new(Batch::new(form.into()))
    }

    fn push(&self, sources: Vec<wit::Source>) {
        self.borrow_mut().push(sources.into_iter().map(Source::from));
    }

    fn next(&self, evaluation: u64) -> Option<Result<wit::Outcome, wit::Failure>> {
        let result = with_engine(|engine| self.borrow_mut().next(engine, evaluation))?;
        Some(result.map(wit::Outcome::from).map_err(wit::Failure::from))
    }
}

impl From<wit::Source> for Source {
    fn from(source: wit::Source) -> Source {
        let kind = match source.kind {
            wit::SourceKind::Script => SourceKind::Script,
            wit::SourceKind::Module => SourceKind::Module,
        };
        Source { name: source.name, text: source.text, kind }
    }
}

impl From<wit::ResultForm> for ResultForm {
    fn from(form: wit::ResultForm) -> ResultForm {
        match form {
            wit::ResultForm::Value => ResultForm::Value,
            wit::ResultForm::Text => ResultForm::Text,
            wit::ResultForm::Handle => ResultForm::Handle,
        }
    }
}

impl From<on_demand::Operation> for Operation {
    fn from(operation: on_demand::Operation) -> Operation {
        match operation {
            on_demand::Operation::Read => Operation::Read,
            on_demand::Operation::Call(arguments) => Operation::Call(arguments),
            on_demand::Operation::CallMethod((key, arguments)) => Operation::CallMethod(key, arguments),
            on_demand::Operation::Construct(arguments) => Operation::Construct(arguments),
            on_demand::Operation::Get(key) => Operation::Get(key),
            on_demand::Operation::Set((key, value)) => Operation::Set(key, value),
            on_demand::Operation::Delete(key) => Operation::Delete(key),
            on_demand::Operation::Keys => Operation::Keys,
            on_demand::Operation::Iterate => Operation::Iterate,
            on_demand::Operation::Next => Operation::Next,
            on_demand::Operation::Finish => Operation::Finish,
        }
    }
}

impl From<Failure> for wit::Failure {
    fn from(failure: Failure) -> wit::Failure {
        match failure {
            Failure::Thrown(exception) => {
                let mut exceptions = Vec::new();
                flatten(*exception, wit::ExceptionPlace::Thrown, &mut exceptions);
                wit::Failure::Thrown(exceptions)
            }
            Failure::Interrupted { jobs_dropped } => wit::Failure::Interrupted(jobs_dropped),
            Failure::NeverSettles => wit::Failure::NeverSettles,
            Failure::NotTransferable(what) => wit::Failure::NotTransferable(what),
            Failure::ResultTooLarge(limit) => wit::Failure::ResultTooLarge(limit),
            Failure::InvalidArgument(what) => wit::Failure::InvalidArgument(what),
            Failure::TooManyHandles(most) => wit::Failure::TooManyHandles(most),
            Failure::OutOfMemory => wit::Failure::OutOfMemory,
        }
    }
}

/// Puts an exception, its cause and its errors behind those that are there: records of WIT cannot hold their like.
fn flatten(exception: Exception, place: wit::ExceptionPlace, into: &mut Vec<wit::Exception>) {
    let own = u32::try_from(into.len()).unwrap_or(u32::MAX);
    let Exception { name, message, stack, thrown, host_error, cause, errors, left_out } = exception;
    into.push(wit::Exception { place, name, message, stack, thrown, host_error, left_out });
    if let Some(cause) = cause {
        flatten(*cause, wit::ExceptionPlace::CauseOf(own), into);
    }
    for error in errors {
        flatten(error, wit::ExceptionPlace::ErrorOf(own), into);
    }
}

#[expect(unsafe_code, reason = "the exports' symbols are generated")]
mod export {
    use super::{Component, bindings};
    bindings::export!(Component with_types_in bindings);
}
