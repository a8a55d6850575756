//! The compiled engine that all contexts of a program share.

use std::{
    fmt,
    future::Future,
    num::NonZeroU32,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};

use serde::Serialize;
use tokio::runtime::Handle;

#[cfg(feature = "fetch")]
use super::fetch::FetchGrant;
#[cfg(feature = "time-zones")]
use super::time_zone::TimeZone;
use super::{
    clock::Clock,
    console::{ConsoleMessage, Output, Sink},
    context::{Context, Globals, encode_globals},
    engine::Engine,
    functions::Functions,
    handle::Encoded,
    inbox::Inbox,
    modules::{Grant, Resolver},
    pool::Pool,
    script::{Linked, Script, Surroundings},
};
use crate::{
    component::{self, Config, Group, Limits, Meter},
    error::{Error, ErrorKind},
    thread::{Builder, Lane, Opening, Sender},
};

/// Bytes of native stack that the engine may use: enough that JavaScript's own limit, which counts another stack,
/// strikes first at its highest setting in every kind of recursion that was tried (calls, getters, proxies, JSON,
/// parser, regular expressions; 2 MiB was too little for JSON and the parser). Untouched stack costs no memory.
const ENGINE_STACK: usize = 16 << 20;

/// Elements of the engine's table of functions, of which it has less than half as many.
const TABLE_ELEMENTS: usize = 2048;

/// Bytes of memory that a context takes which has evaluated something: `tests/density.rs` holds it to that.
const CONTEXT_TAKES: u64 = 100 << 10;

/// Bytes of memory that a context may write to from its start.
const CONTEXT_IS_PROMISED: u64 = 2 << 20;

/// The JavaScript engine, compiled: where contexts come from.
///
/// A program makes one and keeps it; cloning is cheap. Contexts share its code and its pool of memory, and nothing of
/// what scripts do.
///
/// # Example
///
/// ```
/// # async fn example() -> Result<(), aiointernal::Error> {
/// use aiointernal::Sandbox;
///
/// let sandbox = Sandbox::new()?;
/// let context = sandbox.context().await?;
/// assert_eq!(context.eval_as::<i32>("1 + 2").await?, 3);
/// # Ok(())
/// # }
/// # futures_executor(example());
/// # fn futures_executor(future: impl Future<Output = Result<(), aiointernal::Error>>) {
/// #     tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future).unwrap();
/// # }
/// ```
#[derive(Clone)]
pub struct Sandbox {
    engine: component::Engine,
    linked: Linked,
    limits: Limits,
    modules: Option<Grant>,
    functions: Functions,
    surroundings: Surroundings,
    #[cfg(feature = "fetch")]
    fetch: Option<FetchGrant>,
    meters: Vec<Meter>,
}

impl Sandbox {
    /// A sandbox with the defaults of [`SandboxBuilder`].
    ///
    /// Compiles the engine, which takes half a second or more of this thread, or finds it compiled in the cache, which
    /// takes milliseconds.
    ///
    /// # Errors
    ///
    /// Those of [`SandboxBuilder::build`].
    pub fn new() -> Result<Sandbox, Error> {
        Sandbox::builder().build()
    }

    /// What can be chosen for a sandbox.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder {
            limits: Limits::default(),
            contexts: 1000,
            cache: Config::default().cache,
            fuel: false,
            epochs: false,
            modules: None,
            functions: Functions::new(),
            surroundings: Surroundings::default(),
            #[cfg(feature = "fetch")]
            fetch: None,
            meter: None,
        }
    }

    /// Opens a context on a thread of its own. Await it, or [make it blocking](ContextBuilder::blocking).
    pub fn context(&self) -> ContextBuilder {
        ContextBuilder {
            sandbox: self.clone(),
            limits: self.limits,
            modules: self.modules.clone(),
            functions: self.functions.clone(),
            surroundings: self.surroundings.clone(),
            #[cfg(feature = "fetch")]
            fetch: self.fetch.clone(),
            group: None,
            meters: self.meters.clone(),
            globals: Encoded::new(Vec::new()),
            name: None,
            queue: None,
            sink: None,
            console_arguments: false,
            pool: None,
            weight: NonZeroU32::MIN,
        }
    }

    /// A thread for several contexts.
    pub(super) fn lane(&self, name: &str) -> Result<Lane, Error> {
        Lane::start(name, self.engine.thread_stack())
    }

    pub(super) fn bound_cpu_time(&mut self, most: Duration) {
        self.limits.cpu_time = self.limits.cpu_time.min(most);
    }

    pub(super) fn max_contexts(&self) -> usize {
        self.engine.config().instances as usize
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// What can be chosen for a [`Sandbox`].
#[derive(Clone, Debug)]
#[must_use]
pub struct SandboxBuilder {
    limits: Limits,
    contexts: u32,
    cache: Option<PathBuf>,
    fuel: bool,
    epochs: bool,
    modules: Option<Grant>,
    functions: Functions,
    surroundings: Surroundings,
    #[cfg(feature = "fetch")]
    fetch: Option<FetchGrant>,
    meter: Option<Meter>,
}

impl SandboxBuilder {
    /// The limits of every context. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> SandboxBuilder {
        self.limits = limits;
        self
    }

    /// How many contexts may be open at a time. Each may take 4 GiB of address space, which costs no memory, and three mappings of
    /// memory, of which Linux gives a process 65,530 by default (`vm.max_map_count`). One that has a [thread of its own](Sandbox::context) takes what
    /// a thread does besides: two to four more mappings, 17 MiB of addresses for its stack, and one of the threads that the system lets this user and
    /// this control group have (`ulimit -u`, `pids.max`). Those of a [`Pool`] share a few. Default: 1000.
    pub fn max_contexts(mut self, contexts: u32) -> SandboxBuilder {
        self.contexts = contexts;
        self
    }

    /// What every context may import. Default: nothing. The resolver is asked on the threads of all contexts.
    pub fn modules(mut self, resolver: impl Resolver) -> SandboxBuilder {
        self.modules = Some(Grant::of(resolver));
        self
    }

    /// The host functions of every context. Default: none.
    pub fn functions(mut self, functions: Functions) -> SandboxBuilder {
        self.functions = functions;
        self
    }

    /// What time it is in every context. Default: [`Clock::system`].
    pub fn clock(mut self, clock: impl Into<Clock>) -> SandboxBuilder {
        self.surroundings.clock = clock.into();
        self
    }

    /// Gives every context the random numbers that follow from this seed: the same in each, from the start of each fresh one, and on every
    /// machine. Scripts then know what others will draw. Default: they are those of the system.
    pub fn seed(mut self, seed: u64) -> SandboxBuilder {
        self.surroundings.seed = Some(seed);
        self
    }

    /// The time zone of every context, by its IANA name, such as `Europe/Berlin`. The database is compiled in. Default: UTC.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument): there is no such zone.
    #[cfg(feature = "time-zones")]
    pub fn time_zone(mut self, name: &str) -> Result<SandboxBuilder, Error> {
        self.surroundings.time_zone = Some(TimeZone::named(name)?);
        Ok(self)
    }

    /// What scripts of every context may fetch. Default: nothing.
    #[cfg(feature = "fetch")]
    pub fn fetch(mut self, grant: FetchGrant) -> SandboxBuilder {
        self.fetch = Some(grant);
        self
    }

    /// The folder for compiled code, or `None` to compile each time. Whoever can write it can run code in this process.
    /// Default: `$XDG_CACHE_HOME/aiointernal`, else `~/.cache/aiointernal`.
    pub fn cache_folder(mut self, folder: Option<PathBuf>) -> SandboxBuilder {
        self.cache = folder;
        self
    }

    /// Counts fuel, so that there may be [limits](Limits::fuel) of it. Scripts are then slower, and the engine is compiled, and
    /// cached, apart from one that does not count. Default: it is not counted.
    pub fn count_fuel(mut self) -> SandboxBuilder {
        self.fuel = true;
        self
    }

    /// Has wasmtime's epochs stop scripts, and not the brake page: the engine then compares a counter in every loop and every function, where it
    /// else writes to a page that is closed when time is over. Scripts are slower; both keep every limit alike. A script that is
    /// ended is a fault of a page with the brake page (`SIGSEGV`, which wasmtime handles), so who has a handler of its own that must see none takes epochs.
    /// Default: brakes on Linux on x86-64, and epochs elsewhere.
    pub fn use_epochs(mut self) -> SandboxBuilder {
        self.epochs = true;
        self
    }

    /// Adds up what the calls of all contexts use.
    pub fn meter(mut self, meter: &Meter) -> SandboxBuilder {
        self.meter = Some(meter.clone());
        self
    }

    /// Compiles the engine, or finds it compiled.
    ///
    /// # Errors
    ///
    /// - [`Engine`](crate::ErrorKind::Engine): the address space, or the mappings, for that many contexts are not to be had; or the
    ///   engine does not compile on this machine.
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): a function has a name that leads nowhere, or there is a limit
    ///   of fuel that is not [counted](SandboxBuilder::count_fuel).
    /// - [`Thread`](crate::ErrorKind::Thread): the system refused the thread that keeps the time limits.
    ///
    /// A cache that cannot be used is logged, and costs only the time to compile.
    pub fn build(self) -> Result<Sandbox, Error> {
        self.functions.check()?;
        let config = self.config();
        let SandboxBuilder { limits, fuel, modules, functions, surroundings, meter, .. } = self;
        if limits.fuel != u64::MAX && !fuel {
            let message = format!("a limit of {} units of fuel, and the sandbox is not to count it", limits.fuel);
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let engine = component::Engine::new(config)?;
        engine.advise(CONTEXT_TAKES, CONTEXT_IS_PROMISED);
        let linked = Linked::new(&engine)?;
        Ok(Sandbox {
            engine,
            linked,
            limits,
            modules,
            functions,
            surroundings,
            #[cfg(feature = "fetch")]
            fetch: self.fetch,
            meters: meter.into_iter().collect(),
        })
    }

    /// Leaves the engine's compiled code in a folder, which is made where it is not there, and gives the file. It is for programs that are
    /// built without the feature `compiler`: for their sandboxes that count fuel and use epochs where this one does, with the folder as
    /// their [cache](SandboxBuilder::cache_folder).
    ///
    /// ```no_run
    /// # fn main() -> Result<(), aiointernal::Error> {
    /// aiointernal::Sandbox::builder().compile_into("compiled")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Io`](crate::ErrorKind::Io): the file cannot be written there, or others than this user may write it.
    /// - [`Engine`](crate::ErrorKind::Engine), [`Thread`](crate::ErrorKind::Thread): as for [`build`](SandboxBuilder::build).
    #[cfg(feature = "compiler")]
    pub fn compile_into(self, folder: impl Into<PathBuf>) -> Result<PathBuf, Error> {
        let engine = component::Engine::new(Config { instances: 1, ..self.config() })?;
        engine.keep_compiled(super::guest::GUEST, super::guest::DIGEST, &folder.into())
    }

    fn config(&self) -> Config {
        Config {
            instances: self.contexts,
            scale: 1,
            stack: ENGINE_STACK,
            cache: self.cache.clone(),
            scan_pages: true,
            table_elements: TABLE_ELEMENTS,
            fuel: self.fuel,
            brakes: component::HAS_BRAKES && !self.epochs,
        }
    }
}

/// What can be chosen for a [`Context`], which comes of awaiting it.
#[must_use = "a context is opened by awaiting this, or by `blocking`"]
pub struct ContextBuilder {
    sandbox: Sandbox,
    limits: Limits,
    modules: Option<Grant>,
    functions: Functions,
    surroundings: Surroundings,
    #[cfg(feature = "fetch")]
    fetch: Option<FetchGrant>,
    group: Option<Group>,
    meters: Vec<Meter>,
    globals: Encoded<Globals>,
    name: Option<String>,
    queue: Option<std::num::NonZeroUsize>,
    sink: Option<Sink>,
    console_arguments: bool,
    pool: Option<(Pool, String)>,
    weight: NonZeroU32,
}

impl ContextBuilder {
    /// Limits of this context; where the sandbox's are lower, those hold.
    pub fn limits(mut self, limits: Limits) -> ContextBuilder {
        self.limits = self.sandbox.limits.lower(limits);
        self
    }

    /// Globals that every fresh context has: this one, and those that replace it after a kill or a reset. Given as for
    /// [`Context::set_globals`].
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument): this is no struct, map or list of pairs, its type's
    /// `Serialize` fails, or it has a handle, which is of another context.
    pub fn globals(mut self, globals: impl Serialize) -> Result<ContextBuilder, Error> {
        self.globals = encode_globals(&globals)?.without_handles()?;
        Ok(self)
    }

    /// What this context may import, in the place of what the sandbox grants: a [`ModuleMap`](crate::js::ModuleMap), a
    /// [`Folder`](crate::js::Folder), or a [`Resolver`] of your own. Default: what the sandbox grants, which is nothing
    /// by default.
    pub fn modules(mut self, resolver: impl Resolver) -> ContextBuilder {
        self.modules = Some(Grant::of(resolver));
        self
    }

    /// Host functions of this context, beside those of the sandbox; they take the place of functions of the same name.
    pub fn functions(mut self, functions: Functions) -> ContextBuilder {
        self.functions = self.functions.and(&functions);
        self
    }

    /// What time it is in this context. Default: as the sandbox says, which is [`Clock::system`] by default.
    pub fn clock(mut self, clock: impl Into<Clock>) -> ContextBuilder {
        self.surroundings.clock = clock.into();
        self
    }

    /// Gives scripts the random numbers that follow from this seed, as [`SandboxBuilder::seed`] does: the same from the start of each fresh
    /// context.
    pub fn seed(mut self, seed: u64) -> ContextBuilder {
        self.surroundings.seed = Some(seed);
        self
    }

    /// The time zone of this context, by its IANA name. Default: as the sandbox says, which is UTC by default.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument): there is no such zone.
    #[cfg(feature = "time-zones")]
    pub fn time_zone(mut self, name: &str) -> Result<ContextBuilder, Error> {
        self.surroundings.time_zone = Some(TimeZone::named(name)?);
        Ok(self)
    }

    /// What scripts of this context may fetch, in the place of what the sandbox grants. Default: what the sandbox grants, which is
    /// nothing by default.
    #[cfg(feature = "fetch")]
    pub fn fetch(mut self, grant: FetchGrant) -> ContextBuilder {
        self.fetch = Some(grant);
        self
    }

    /// Puts the context into a group: its limits hold for each call, too, and its budget for all its contexts together.
    pub fn group(mut self, group: &Group) -> ContextBuilder {
        self.group = Some(group.clone());
        self
    }

    /// Adds up what the calls of this context use. [`Context::metered`] does so for single calls.
    pub fn meter(mut self, meter: &Meter) -> ContextBuilder {
        self.meters.push(meter.clone());
        self
    }

    /// The name of the context's thread, where it has one of its own. Default: `aiointernal-js`.
    pub fn name(mut self, name: impl Into<String>) -> ContextBuilder {
        self.name = Some(name.into());
        self
    }

    /// How many calls may wait. Default: that of [`Builder`](crate::Builder::queue_capacity).
    pub fn queue_capacity(mut self, calls: std::num::NonZeroUsize) -> ContextBuilder {
        self.queue = Some(calls);
        self
    }

    /// Where the script's console goes: called with each message as it comes, on the context's thread, so it must not
    /// block. Messages have no newline at their end. Default: nowhere.
    ///
    /// [`Context::printing_to`] collects the messages of single calls.
    pub fn on_console(mut self, sink: impl Fn(&ConsoleMessage) + Send + Sync + 'static) -> ContextBuilder {
        self.sink = Some(Arc::new(sink));
        self
    }

    /// How many calls a context of a [pool](Pool) runs in each of its turns. Default: one. On a thread of its own it has no effect.
    pub fn weight(mut self, calls: NonZeroU32) -> ContextBuilder {
        self.weight = calls;
        self
    }

    /// One of this tenant, in a pool.
    pub(super) fn of(self, pool: Pool, tenant: String) -> ContextBuilder {
        ContextBuilder { pool: Some((pool, tenant)), ..self }
    }

    /// Gives [`on_console`](ContextBuilder::on_console) the arguments of messages as well, as [`Console::with_arguments`]
    /// does, which says what they cost. Default: their texts only.
    ///
    /// [`Console::with_arguments`]: crate::js::Console::with_arguments
    pub fn console_arguments(mut self) -> ContextBuilder {
        self.console_arguments = true;
        self
    }

    /// Opens the context, blocking this thread.
    ///
    /// # Errors
    ///
    /// - [`Engine`](crate::ErrorKind::Engine): as many contexts are open as the sandbox may have.
    /// - [`GroupFull`](crate::ErrorKind::GroupFull): or as its group may have. [`CpuLimit`](crate::ErrorKind::CpuLimit),
    ///   [`MemoryLimit`](crate::ErrorKind::MemoryLimit): the group has none left.
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the memory limit is below what the engine takes, or a function
    ///   has a name that leads nowhere, or there is a limit of fuel and the sandbox does not count it.
    /// - [`Thread`](crate::ErrorKind::Thread): the system refused a thread.
    pub fn blocking(self) -> Result<Context, Error> {
        self.open().blocking().map(Context::new)
    }

    fn open(mut self) -> Opening<Engine> {
        let weight = self.weight;
        match self.pool.take() {
            Some((pool, tenant)) => {
                pool.open(tenant, |lane| self.open_on(lane, weight)).unwrap_or_else(Opening::failed)
            }
            None => {
                self.spawn(|builder, setup| builder.spawn_deferring(setup, |engine, context| engine.drain(context)))
            }
        }
    }

    /// Opens the context on a thread that it shares.
    pub(super) fn open_on(self, lane: &Lane, weight: NonZeroU32) -> Opening<Engine> {
        self.spawn(|builder, setup| builder.spawn_on(lane, weight, setup, |engine, context| engine.drain(context)))
    }

    fn spawn(self, spawn: impl FnOnce(Builder<Engine>, Setup) -> Opening<Engine>) -> Opening<Engine> {
        let ContextBuilder { sandbox, limits, modules, functions, surroundings, group, meters, globals, name, .. } =
            self;
        let (queue, sink, console_arguments) = (self.queue, self.sink, self.console_arguments);
        #[cfg(feature = "fetch")]
        let fetch = self.fetch;
        let mut builder = sandbox.engine.builder().name(name.unwrap_or_else(|| "aiointernal-js".to_owned()));
        if let Some(calls) = queue {
            builder = builder.queue_capacity(calls);
        }
        // Functions that take their time run where the context is opened.
        let runtime = Handle::try_current().ok();
        let setup = Box::new(move |sender| {
            functions.check()?;
            #[cfg(feature = "fetch")]
            let functions = match fetch {
                Some(grant) => functions.and(&grant.functions()),
                None => functions,
            };
            let (linked, console, inbox) = (sandbox.linked, Output::to(sink, console_arguments), Inbox::new(sender));
            surroundings.clock.attach(&inbox);
            let script =
                Script { linked, globals, console, modules, functions, runtime, inbox, group, surroundings, meters };
            Engine::new(&sandbox.engine, script, limits)
        });
        spawn(builder, setup)
    }
}

/// Makes the engine of a context, on its thread.
type Setup = Box<dyn FnOnce(Sender<Engine>) -> Result<Engine, Error> + Send>;

impl IntoFuture for ContextBuilder {
    type Output = Result<Context, Error>;
    type IntoFuture = OpeningContext;

    fn into_future(self) -> OpeningContext {
        OpeningContext(self.open())
    }
}

impl fmt::Debug for ContextBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextBuilder").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// A future of a [`Context`]. Its errors are those of [`ContextBuilder::blocking`].
#[derive(Debug)]
#[must_use = "dropping it closes the context"]
pub struct OpeningContext(Opening<Engine>);

impl Future for OpeningContext {
    type Output = Result<Context, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_ok(Context::new)
    }
}
