//! What a context is made from: the engine's code, and what of the host its instance may use.

use std::{
    cell::{Cell, OnceCell},
    ops::RangeInclusive,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

#[cfg(feature = "time-zones")]
use super::time_zone::TimeZone;
use super::{
    bindings::{
        self, Failure, Settings, ambient, engine, host_functions, host_objects, modules, on_demand, surroundings,
        timers,
    },
    calls::Calls,
    clock::Time,
    console::Output,
    context::Globals,
    evaluation::Evaluation,
    exception::Exception,
    functions::Functions,
    guest,
    handle::Encoded,
    inbox::Inbox,
    modules::Imports,
    objects::Objects,
    random::Random,
    source_maps::SourceMaps,
    surroundings::Surroundings,
    timers::Timers,
};
use crate::{
    component::{
        self, Config, Data, Group, Limits, Meter, Program,
        wasmtime::{
            self, Store,
            component::{self as wasm, Component, ComponentExportIndex, HasSelf, InstancePre, Linker, WasmList},
        },
    },
    error::{Error, ErrorKind},
};

/// Bytes of memory that the engine takes before the first script, and a margin for its own work beside the heap.
pub(super) const ENGINE_MEMORY: usize = 4 << 20;

/// Bytes of JavaScript stack that the engine has room for: its whole stack is 1 MiB.
const MAX_STACK: usize = 768 << 10;

/// The engine, linked: what the contexts of a sandbox share.
#[derive(Clone)]
pub(super) struct Linked {
    pre: InstancePre<Data<Ambient>>,
    engine: Arc<engine::GuestIndices>,
    found: Arc<Found>,
    /// For engines that have brakes.
    landmark: Option<ComponentExportIndex>,
    counts_fuel: bool,
}

/// Where the functions are that an instance may not need.
struct Found {
    surroundings: surroundings::GuestIndices,
    on_demand: on_demand::GuestIndices,
}

impl Linked {
    /// The engine of this build.
    pub(super) fn new(host: &component::Engine) -> Result<Linked, Error> {
        Linked::of(host, host.compile_known(guest::GUEST, guest::DIGEST))
    }

    fn of(host: &component::Engine, compiled: Result<wasm::Component, Error>) -> Result<Linked, Error> {
        // The guest is ours: where it does not fit, the fault is the host's.
        let fault = |error: Error| {
            let message = format!("the JavaScript engine does not run here: {error}");
            Error::with_source(ErrorKind::Engine, message, error)
        };
        let component = compiled.map_err(fault)?;
        let mut linker = Linker::new(host.wasmtime());
        ambient::add_to_linker::<_, HasSelf<Data<Ambient>>>(&mut linker, |data| data)
            .and_then(|()| timers::add_to_linker::<_, HasSelf<Data<Ambient>>>(&mut linker, |data| data))
            .and_then(|()| host_functions::add_to_linker::<_, HasSelf<Data<Ambient>>>(&mut linker, |data| data))
            .and_then(|()| host_objects::add_to_linker::<_, HasSelf<Data<Ambient>>>(&mut linker, |data| data))
            .and_then(|()| modules::add_to_linker::<_, HasSelf<Data<Ambient>>>(&mut linker, |data| data))
            .map_err(|error| Error::with_source(ErrorKind::Engine, error.to_string(), error))?;
        let pre = host.link(&component, &linker).map_err(fault)?;
        let indices = engine::GuestIndices::new(&pre).and_then(|engine| {
            let surroundings = surroundings::GuestIndices::new(&pre)?;
            Ok((engine, Found { surroundings, on_demand: on_demand::GuestIndices::new(&pre)? }))
        });
        let (engine, found) = indices.map_err(|error| {
            let message = format!("the guest is not a JavaScript engine of this version: {error:#}");
            Error::with_source(ErrorKind::Engine, message, error)
        })?;
        let Config { fuel: counts_fuel, brakes, .. } = *host.config();
        let landmark = match brakes {
            true => {
                Some(landmark(&component).ok_or_else(|| fault(Error::new(ErrorKind::Engine, "it has no landmark")))?)
            }
            false => None,
        };
        Ok(Linked { pre, engine: Arc::new(engine), found: Arc::new(found), landmark, counts_fuel })
    }
}

/// The engine's function that says where its memory is.
fn landmark(component: &Component) -> Option<ComponentExportIndex> {
    let (_, interface) = component.get_export(None, "aiointernal:js/image@0.1.0")?;
    component.get_export_index(Some(&interface), "landmark")
}

/// What a context is made of, and all that replace it.
pub(super) struct Script {
    pub(super) linked: Linked,
    /// Globals of every fresh context.
    pub(super) globals: Encoded<Globals>,
    pub(super) console: Output,
    pub(super) surroundings: Surroundings,
    /// Where functions run that take their time.
    pub(super) runtime: Option<Handle>,
    pub(super) inbox: Inbox,
    pub(super) group: Option<Group>,
    /// Where all calls are counted.
    pub(super) meters: Vec<Meter>,
}

impl Program for Script {
    type Host = Ambient;
    type Exports = Exports;

    const NAME: &'static str = "context";

    fn host(&self) -> wasmtime::Result<Ambient> {
        let Surroundings { modules, functions, clock, seed, .. } = &self.surroundings;
        Ok(Ambient {
            time: Time::begin(clock),
            timers: Timers::new(self.inbox.clone()),
            random: Random::new(*seed),
            #[cfg(feature = "time-zones")]
            time_zone: self.surroundings.time_zone.clone(),
            console: self.console.clone(),
            modules: Imports::from(modules.clone()),
            calls: Calls::new(functions.clone(), self.inbox.clone(), self.runtime.clone()),
            objects: Objects::default(),
            maps: SourceMaps::default(),
            batches: 0,
            patience: Patience::new(self.linked.counts_fuel),
        })
    }

    fn group(&self) -> Option<&Group> {
        self.group.as_ref()
    }

    fn instantiate(&self, store: &mut Store<Data<Ambient>>, limits: &Limits) -> wasmtime::Result<Exports> {
        let Linked { pre, engine, found, landmark, .. } = &self.linked;
        let instance = pre.instantiate(&mut *store)?;
        if let Some(landmark) = landmark {
            let landmark = instance.get_typed_func::<(), ((u32, WasmList<u8>),)>(&mut *store, landmark)?;
            let ((address, byte),) = landmark.call(&mut *store, ())?;
            // SAFETY: the engine says where the byte lies before any script has run in it, and `cargo xtask guest` has made it such that it keeps
            // the host off the page.
            #[expect(unsafe_code, reason = "what the engine says decides which page is closed")]
            unsafe {
                store.data().set_brake(byte.as_le_slice(&*store), address as usize)?;
            }
        }
        let exports = Exports {
            engine: engine.load(&mut *store, &instance)?,
            surroundings: OnceCell::new(),
            on_demand: OnceCell::new(),
            found: Arc::clone(found),
            instance,
            configured: Cell::new(None),
        };
        exports.configure(store, limits)?;
        store.data_mut().host.objects.limit(limits.host_objects);
        exports.define(store, &self.surroundings.functions)?.map_err(|failure| explain(failure, limits))?;
        let globals = self.globals.let_into(&mut store.data_mut().host.objects);
        if !globals.is_empty() {
            let set = exports.surroundings(store)?.call_set_globals(&mut *store, globals)?;
            set.map_err(|failure| explain(failure, limits))?;
            store.data_mut().host.objects.end_call();
        }
        Ok(exports)
    }
}

/// The functions of one instance.
pub(super) struct Exports {
    engine: engine::Guest,
    /// Looked for when they are needed: most contexts end without, and looking takes a tenth of making one.
    surroundings: OnceCell<surroundings::Guest>,
    on_demand: OnceCell<on_demand::Guest>,
    found: Arc<Found>,
    instance: wasm::Instance,
    configured: Cell<Option<Settings>>,
}

impl Exports {
    pub(super) fn api(&self) -> &engine::Guest {
        &self.engine
    }

    /// The functions that give scripts something.
    pub(super) fn surroundings(&self, store: &mut Store<Data<Ambient>>) -> wasmtime::Result<&surroundings::Guest> {
        if let Some(found) = self.surroundings.get() {
            return Ok(found);
        }
        let found = self.found.surroundings.load(store, &self.instance)?;
        Ok(self.surroundings.get_or_init(|| found))
    }

    /// The functions that few contexts need.
    pub(super) fn on_demand(&self, store: &mut Store<Data<Ambient>>) -> wasmtime::Result<&on_demand::Guest> {
        if let Some(found) = self.on_demand.get() {
            return Ok(found);
        }
        let found = self.found.on_demand.load(store, &self.instance)?;
        Ok(self.on_demand.get_or_init(|| found))
    }

    /// Tells the engine its own limits, where they are not those that it has.
    pub(super) fn configure(&self, store: &mut Store<Data<Ambient>>, limits: &Limits) -> wasmtime::Result<()> {
        let bytes = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
        let settings = Settings {
            memory_bytes: bytes(limits.memory.saturating_sub(ENGINE_MEMORY).max(1)),
            // Zero would mean no limit.
            stack_bytes: bytes(limits.stack.clamp(1, MAX_STACK)),
            result_bytes: bytes(limits.result),
            console_arguments: store.data().host.console.wants_arguments(),
            handles: bytes(limits.handles),
            time_zone: store.data().host.has_time_zone(),
            uncaught_is_fatal: store.data().host.ends_at_a_throw(),
        };
        if self.configured.get() != Some(settings) {
            self.api().call_configure(store, settings)?;
            self.configured.set(Some(settings));
        }
        Ok(())
    }

    /// Gives functions to scripts, where they do not have them.
    pub(super) fn define(
        &self,
        store: &mut Store<Data<Ambient>>,
        functions: &Functions,
    ) -> wasmtime::Result<Result<(), Failure>> {
        let definitions = match store.data_mut().host.calls.define(functions) {
            Ok(definitions) => definitions,
            Err(error) => return Ok(Err(Failure::InvalidArgument(error.to_string()))),
        };
        if definitions.is_empty() {
            return Ok(Ok(()));
        }
        let defined = self.surroundings(store)?.call_define_functions(&mut *store, &definitions)?;
        if defined.is_ok() {
            store.data_mut().host.calls.know(definitions);
        }
        Ok(defined)
    }
}

/// What the interfaces that the engine imports work on.
#[derive(Debug)]
pub(super) struct Ambient {
    pub(super) time: Time,
    pub(super) timers: Timers,
    random: Random,
    #[cfg(feature = "time-zones")]
    time_zone: Option<TimeZone>,
    pub(super) console: Output,
    pub(super) modules: Imports,
    pub(super) calls: Calls,
    pub(super) objects: Objects,
    pub(super) maps: SourceMaps,
    /// Batches that are alive in the instance.
    pub(super) batches: usize,
    pub(super) patience: Patience,
}

/// Steps of a script, calls and back-jumps, from one question whether to stop to the next: so many that questions are
/// about [`PAUSE`] apart. A question takes a tenth of a microsecond, a step from a nanosecond to all that a built-in
/// function may take.
#[derive(Debug)]
pub(super) struct Patience {
    steps: u32,
    asked: Option<Instant>,
    /// Questions burn fuel, which is not to depend on the time.
    is_fixed: bool,
}

/// Time from one question to the next, as it should be.
const PAUSE: Duration = Duration::from_micros(50);

const STEPS: RangeInclusive<u32> = 10..=1000;

/// The same where fuel is counted.
const FIXED_STEPS: u32 = 100;

impl Patience {
    fn new(is_fixed: bool) -> Patience {
        Patience { steps: *STEPS.end(), asked: None, is_fixed }
    }

    /// A call begins: there is no last question.
    pub(super) fn begin(&mut self) {
        self.asked = None;
    }

    fn next(&mut self) -> u32 {
        if self.is_fixed {
            return FIXED_STEPS;
        }
        let now = Instant::now();
        if let Some(asked) = self.asked.replace(now) {
            let pause = now.saturating_duration_since(asked);
            if pause > PAUSE {
                // As many as would have fitted. It may be one step that took so long, and the next does as well.
                let part = PAUSE.as_nanos() as f64 / pause.as_nanos() as f64;
                self.steps = (f64::from(self.steps) * part) as u32;
            } else {
                self.steps = self.steps.saturating_mul(2);
            }
            self.steps = self.steps.clamp(*STEPS.start(), *STEPS.end());
        }
        self.steps
    }
}

impl Ambient {
    /// From now on it is this evaluation's script that runs, or none.
    pub(super) fn run_for(&mut self, evaluation: Option<&Rc<Evaluation>>) {
        self.calls.run_for(evaluation);
        self.timers.run_for(evaluation);
        self.patience.begin();
        self.console.run_for(evaluation);
        self.modules.run_for(evaluation);
    }

    /// Whether it runs for an evaluation that ends as a program does.
    fn ends_at_a_throw(&self) -> bool {
        self.timers.evaluation().is_some_and(|evaluation| evaluation.ends_at_a_throw())
    }

    /// Whether local time is another than UTC.
    fn has_time_zone(&self) -> bool {
        #[cfg(feature = "time-zones")]
        return self.time_zone.is_some();
        #[cfg(not(feature = "time-zones"))]
        return false;
    }
}

impl ambient::Host for Data<Ambient> {
    fn now(&mut self) -> f64 {
        self.host.time.now() as f64
    }

    fn elapsed(&mut self) -> f64 {
        self.host.time.elapsed() as f64
    }

    #[cfg_attr(not(feature = "time-zones"), expect(unused_variables, reason = "UTC is what there is"))]
    fn time_zone_offset(&mut self, seconds: i64) -> i32 {
        #[cfg(feature = "time-zones")]
        return self.host.time_zone.as_ref().map_or(0, |zone| zone.offset(seconds));
        #[cfg(not(feature = "time-zones"))]
        return 0;
    }

    fn random(&mut self) -> u64 {
        self.host.random.next()
    }

    fn log(&mut self, level: bindings::LogLevel, message: String, arguments: Vec<Vec<u8>>) {
        let _away = self.step_out();
        let time = self.host.time.now_as_time();
        let memory = Arc::clone(self.ledger());
        self.host.console.write(&memory, level, message, arguments, time);
    }

    fn patience(&mut self) -> u32 {
        if self.heed().is_some() { 0 } else { self.host.patience.next() }
    }
}

/// The error of a failure after which the context is as it was.
pub(super) fn explain(failure: Failure, limits: &Limits) -> Error {
    match failure {
        Failure::Thrown(exception) => Error::thrown(Exception::new(exception)),
        Failure::Interrupted(_) => Error::new(ErrorKind::Engine, "the engine stopped without being asked"),
        Failure::NeverSettles => {
            Error::new(ErrorKind::NeverSettles, "the result is a promise that nothing is left to settle")
        }
        Failure::NotTransferable(what) => {
            Error::new(ErrorKind::NotTransferable, format!("the result cannot leave the engine: {what}"))
        }
        Failure::ResultTooLarge(limit) => Error::new(
            ErrorKind::ResultTooLarge,
            format!("the result is longer than {limit} bytes; the context was kept"),
        ),
        Failure::InvalidArgument(what) => Error::new(ErrorKind::InvalidArgument, what),
        Failure::TooManyHandles(most) => Error::new(
            ErrorKind::HandleLimit,
            format!("there are {most} handles to values of the context, the most it may have; it was kept"),
        ),
        Failure::OutOfMemory => Error::new(
            ErrorKind::MemoryLimit,
            format!("the script needed more than its {} bytes of memory; the context was kept", limits.memory),
        ),
    }
}

#[cfg(test)]
#[cfg(feature = "compiler")]
mod tests {
    use super::*;

    fn error_of(wasm: &[u8]) -> Error {
        let mut config = component::Config::default();
        (config.instances, config.cache) = (1, None);
        let engine = component::Engine::new(config).unwrap();
        Linked::of(&engine, engine.compile(wasm)).map(|_| ()).unwrap_err()
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
