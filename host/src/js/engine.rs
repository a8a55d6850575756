//! The object on a context's thread: one instance of the engine, and each call into it.

use std::{
    cell::Cell,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    bindings::{self, Failure, ResultForm, ScriptEngine, ScriptEnginePre, Settings, ambient, modules},
    console::{Console, Output},
    exception::Exception,
    modules::{Grant, Imports},
    source::Source,
    source_maps::SourceMaps,
    value::Value,
    wire,
};
use crate::{
    component::{
        self, Data, Held, Instance, Limits, Program,
        wasmtime::{
            self, Store,
            component::{HasSelf, Linker},
        },
    },
    error::{Error, ErrorKind},
    thread::Running,
};

/// Bytes of memory that the engine takes before the first script, and a margin for its own work beside the heap.
const ENGINE_MEMORY: usize = 4 << 20;

/// Bytes of JavaScript stack that the engine has room for: its whole stack is 1 MiB.
const MAX_STACK: usize = 768 << 10;

/// Batches of a context that may be under way at a time: fewer than the handles that an instance may give out, beyond
/// which it would trap.
const MAX_BATCHES: usize = 1000;

/// Resolution of the clock that scripts see, in microseconds. A finer one would help to time the host's memory.
const CLOCK_STEP: u64 = 1000;

/// The time as scripts see it, in microseconds since 1970.
fn now() -> u64 {
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
    micros - micros % CLOCK_STEP
}

/// The engine, linked: what a sandbox shares with all of its contexts.
#[derive(Clone)]
pub(super) struct Script {
    pre: ScriptEnginePre<Data<Ambient>>,
    /// Globals of every fresh context.
    globals: Vec<(String, Vec<u8>)>,
    console: Output,
    modules: Option<Grant>,
}

impl Script {
    pub(super) fn load(engine: &component::Engine, guest: &[u8]) -> Result<Script, Error> {
        // The guest is ours: where it does not fit, the fault is the host's.
        let fault = |error: Error| {
            let message = format!("the JavaScript engine does not run here: {error}");
            Error::with_source(ErrorKind::Engine, message, error)
        };
        let component = engine.compile(guest).map_err(fault)?;
        let mut linker = Linker::new(engine.wasmtime());
        ambient::add_to_linker::<_, HasSelf<Data<Ambient>>>(&mut linker, |data| data)
            .and_then(|()| modules::add_to_linker::<_, HasSelf<Data<Ambient>>>(&mut linker, |data| data))
            .map_err(|error| Error::with_source(ErrorKind::Engine, error.to_string(), error))?;
        let pre = engine.link(&component, &linker).map_err(fault)?;
        let pre = ScriptEnginePre::new(pre).map_err(|error| {
            let message = format!("the guest is not a JavaScript engine of this version: {error:#}");
            Error::with_source(ErrorKind::Engine, message, error)
        })?;
        Ok(Script { pre, globals: Vec::new(), console: Output::default(), modules: None })
    }

    pub(super) fn for_context(
        &self,
        globals: Vec<(String, Vec<u8>)>,
        console: Output,
        modules: Option<Grant>,
    ) -> Script {
        Script { pre: self.pre.clone(), globals, console, modules }
    }
}

impl Program for Script {
    type Host = Ambient;
    type Exports = Exports;

    const NAME: &'static str = "context";

    fn host(&self) -> wasmtime::Result<Ambient> {
        Ok(Ambient {
            console: self.console.clone(),
            modules: Imports::from(self.modules.clone()),
            maps: SourceMaps::default(),
            batches: 0,
        })
    }

    fn instantiate(&self, store: &mut Store<Data<Ambient>>, limits: &Limits) -> wasmtime::Result<Exports> {
        let engine = self.pre.instantiate(&mut *store)?;
        let exports = Exports { engine, configured: Cell::new(None) };
        exports.configure(store, limits)?;
        if !self.globals.is_empty() {
            let set = exports.api().call_set_globals(store, &self.globals)?;
            set.map_err(|failure| explain(failure, limits))?;
        }
        Ok(exports)
    }

    fn arm(&self, host: &mut Ambient, limits: &Limits) {
        host.console.arm(limits.console);
        host.modules.arm(limits);
    }
}

/// The functions of one instance.
pub(super) struct Exports {
    engine: ScriptEngine,
    configured: Cell<Option<(u32, u32, u32, bool)>>,
}

impl Exports {
    fn api(&self) -> &bindings::engine::Guest {
        self.engine.aiointernal_js_engine()
    }

    /// Tells the engine its own limits, where they are not those that it has.
    fn configure(&self, store: &mut Store<Data<Ambient>>, limits: &Limits) -> wasmtime::Result<()> {
        let bytes = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
        let settings = Settings {
            memory_bytes: bytes(limits.memory.saturating_sub(ENGINE_MEMORY).max(1)),
            // Zero would mean no limit.
            stack_bytes: bytes(limits.stack.clamp(1, MAX_STACK)),
            result_bytes: bytes(limits.result),
            console_arguments: store.data().host.console.wants_arguments(),
        };
        let wanted =
            Some((settings.memory_bytes, settings.stack_bytes, settings.result_bytes, settings.console_arguments));
        if self.configured.get() != wanted {
            self.api().call_configure(store, settings)?;
            self.configured.set(wanted);
        }
        Ok(())
    }
}

/// What the WIT interfaces `ambient` and `modules` work on.
#[derive(Debug)]
pub(super) struct Ambient {
    console: Output,
    pub(super) modules: Imports,
    pub(super) maps: SourceMaps,
    /// Batches that are alive in the instance.
    batches: usize,
}

impl ambient::Host for Data<Ambient> {
    fn now(&mut self) -> f64 {
        now() as f64
    }

    fn random(&mut self) -> u64 {
        // The standard library's own source of random keys for hash maps: seeded by the system, different each time.
        use std::hash::{BuildHasher as _, RandomState};
        RandomState::new().hash_one(0_u8)
    }

    fn log(&mut self, level: bindings::LogLevel, message: String, arguments: Vec<Vec<u8>>) {
        self.host.console.write(level, message, arguments, UNIX_EPOCH + Duration::from_micros(now()));
    }

    fn interrupted(&mut self) -> bool {
        self.asked_to_stop().is_some()
    }
}

/// One JavaScript context: what lives on a context's thread.
#[derive(Debug)]
pub(crate) struct Engine(Instance<Script>);

impl Engine {
    pub(super) fn new(engine: &component::Engine, script: Script, limits: Limits) -> Result<Engine, Error> {
        if limits.memory < ENGINE_MEMORY {
            let message = format!("a memory limit of {} bytes: the engine itself takes {ENGINE_MEMORY}", limits.memory);
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(Engine(Instance::new(engine, script, limits)?))
    }

    /// The limits of a call: the context's, lowered by the caller's.
    fn limits(&self, running: &Running, caller: Option<Limits>) -> Limits {
        self.0.limits().for_call(running, caller)
    }

    /// Does something whose calls print to this console, too.
    pub(super) fn printing_to<R>(&mut self, console: Option<&Console>, body: impl FnOnce(&mut Engine) -> R) -> R {
        let Some(console) = console else {
            return body(self);
        };
        self.0.program().console.print_to(Some(console.clone()));
        let done = body(self);
        self.0.program().console.print_to(None);
        done
    }

    /// Calls the engine and says what its failure means.
    fn enter<R>(
        &mut self,
        running: &Running,
        limits: &Limits,
        body: impl FnOnce(&mut Store<Data<Ambient>>, &bindings::engine::Guest) -> wasmtime::Result<Result<R, Failure>>,
    ) -> Result<R, Error> {
        let mut asked = None;
        let answer = self.0.enter_within(running, limits, |store, exports| {
            exports.configure(store, limits)?;
            let mut answer = body(store, exports.api())?;
            if let Err(Failure::Thrown(exceptions)) = &mut answer {
                let stacks = exceptions.iter_mut().map(|exception| &mut exception.stack);
                store.data().host.maps.apply(stacks);
            }
            asked = store.data().asked_to_stop();
            Ok(answer)
        });
        let answer = answer.map_err(|error| match error.kind() {
            // No script can make the engine fail: where it does, the fault is the host's.
            ErrorKind::Trapped => Error::with_source(ErrorKind::Engine, error.to_string(), error).with_context_lost(),
            _ => error,
        })?;
        answer.map_err(|failure| match (failure, asked) {
            (Failure::Interrupted(jobs_left), Some(stop)) => {
                if jobs_left {
                    self.0.discard();
                }
                self.0.stopped(stop, limits)
            }
            (failure, _) => explain(failure, limits),
        })
    }

    pub(super) fn evaluate(
        &mut self,
        running: &Running,
        caller: Option<Limits>,
        source: Source,
        form: ResultForm,
    ) -> Result<Value, Error> {
        let limits = self.limits(running, caller);
        source.check(limits.source)?;
        let source = source.into_wire();
        let value = self.enter(running, &limits, |store, engine| {
            store.data_mut().host.maps.note(&source.name, &source.text);
            engine.call_evaluate(store, &source, form)
        })?;
        decode(&value)
    }

    /// The longest source that a call of this caller may have.
    pub(super) fn source_limit(&self, running: &Running, caller: Option<Limits>) -> usize {
        self.limits(running, caller).source
    }

    pub(super) fn set_globals(
        &mut self,
        running: &Running,
        caller: Option<Limits>,
        globals: &[(String, Vec<u8>)],
    ) -> Result<(), Error> {
        let limits = self.limits(running, caller);
        self.enter(running, &limits, |store, engine| engine.call_set_globals(store, globals))
    }

    pub(super) fn get_global(&mut self, running: &Running, caller: Option<Limits>, name: &str) -> Result<Value, Error> {
        let limits = self.limits(running, caller);
        let value = self.enter(running, &limits, |store, engine| engine.call_get_global(store, name))?;
        decode(&value)
    }

    pub(super) fn call(
        &mut self,
        running: &Running,
        caller: Option<Limits>,
        name: &str,
        arguments: &[Vec<u8>],
    ) -> Result<Value, Error> {
        let limits = self.limits(running, caller);
        let value = self.enter(running, &limits, |store, engine| engine.call_call(store, name, arguments))?;
        decode(&value)
    }

    pub(super) fn memory_usage(
        &mut self,
        running: &Running,
        caller: Option<Limits>,
    ) -> Result<bindings::HeapUsage, Error> {
        let limits = self.limits(running, caller);
        self.enter(running, &limits, |store, engine| engine.call_memory_usage(store).map(Ok))
    }

    /// Replaces the context by a fresh one.
    pub(super) fn reset(&mut self) -> Result<(), Error> {
        self.0.replace()
    }

    /// Puts sources into a batch, which is made anew where there is none or its instance is gone.
    pub(super) fn push(
        &mut self,
        running: &Running,
        caller: Option<Limits>,
        batch: &mut Option<Held>,
        sources: Vec<Source>,
    ) -> Result<(), Error> {
        let limits = self.limits(running, caller);
        let sources: Vec<bindings::Source> = sources.into_iter().map(Source::into_wire).collect();
        let known = batch.as_ref().and_then(|batch| self.0.held(batch).ok());
        let resource = self.enter(running, &limits, |store, engine| {
            let resource = match known {
                Some(resource) => resource,
                None if store.data().host.batches == MAX_BATCHES => {
                    let message = format!("{MAX_BATCHES} batches are under way in this context");
                    return Ok(Err(Failure::InvalidArgument(message)));
                }
                None => {
                    store.data_mut().host.batches += 1;
                    engine.batch().call_constructor(&mut *store, ResultForm::Value)?
                }
            };
            engine.batch().call_push(store, resource, &sources)?;
            Ok(Ok(resource))
        })?;
        *batch = Some(self.0.hold(resource));
        Ok(())
    }

    /// Whether a batch is alive: its instance is the one that is there.
    pub(super) fn holds(&self, batch: &Held) -> bool {
        self.0.has(batch)
    }

    /// The result of the next source of a batch, which is this one. One at a time: a trap would lose the results that
    /// came before it in the same call.
    pub(super) fn next(
        &mut self,
        running: &Running,
        caller: Option<Limits>,
        batch: &Held,
        source: Option<&Source>,
    ) -> Result<Value, Error> {
        let limits = self.limits(running, caller);
        let resource = self.0.held(batch)?;
        let value = self.enter(running, &limits, |store, engine| {
            if let Some(source) = source {
                store.data_mut().host.maps.note(source.shown_name(), source.text());
            }
            let result = engine.batch().call_next(store, resource, 1)?.pop();
            result.ok_or_else(|| wasmtime::format_err!("the batch lost a source")).map(|result| result.map(Some))
        })?;
        decode(&value.unwrap_or_default())
    }

    /// Lets a batch go.
    pub(super) fn drop_batch(&mut self, batch: &Held) {
        let Ok(resource) = self.0.held(batch) else {
            return;
        };
        let limits = self.0.limits();
        let dropped = self.enter(&Running::unattended(), &limits, |store, _| {
            store.data_mut().host.batches -= 1;
            resource.resource_drop(store).map(Ok)
        });
        if let Err(error) = dropped {
            tracing::warn!(%error, "the engine did not let a batch go");
        }
    }
}

fn decode(value: &[u8]) -> Result<Value, Error> {
    wire::decode(value)
        .map_err(|reason| Error::new(ErrorKind::Engine, format!("the engine's result is malformed: {reason}")))
}

/// The error of a failure after which the context is as it was.
fn explain(failure: Failure, limits: &Limits) -> Error {
    match failure {
        Failure::Thrown(exception) => Error::thrown(Exception::new(exception)),
        Failure::Interrupted(_) => Error::new(ErrorKind::Engine, "the engine stopped without being asked"),
        Failure::NeverSettles => {
            Error::new(ErrorKind::NeverSettles, "the result is a promise that nothing is left to settle")
        }
        Failure::NotTransferable(what) => {
            Error::new(ErrorKind::NotTransferable, format!("the result cannot leave the engine: {what}"))
        }
        Failure::ResultTooLarge(limit) => {
            Error::new(ErrorKind::ResultTooLarge, format!("the result is longer than {limit} bytes"))
        }
        Failure::InvalidArgument(what) => Error::new(ErrorKind::InvalidArgument, what),
        Failure::OutOfMemory => Error::new(
            ErrorKind::MemoryLimit,
            format!("the script needed more than its {} bytes of memory; the context was kept", limits.memory),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(wasm: &[u8]) -> Error {
        let mut config = component::Config::default();
        (config.instances, config.cache) = (1, None);
        let engine = component::Engine::new(config).unwrap();
        Script::load(&engine, wasm).map(|_| ()).unwrap_err()
    }

    #[test]
    fn a_guest_that_is_no_component_is_refused() {
        for wasm in [&b""[..], b"no wasm at all", b"\0asm\x01\0\0\0", &crate::js::guest::GUEST[..1000]] {
            let error = error_of(wasm);
            assert_eq!(error.kind(), ErrorKind::Engine);
            assert!(error.to_string().contains("not a component"), "{error}");
        }
    }

    #[test]
    fn a_component_that_is_no_javascript_engine_is_refused() {
        // The empty component: a magic number, and a version that says "component".
        let error = error_of(b"\0asm\x0d\0\x01\0");
        assert_eq!(error.kind(), ErrorKind::Engine);
        assert!(error.to_string().contains("not a JavaScript engine of this version"), "{error}");
    }
}
