//! The compiled engine that all contexts of a program share.

use std::{fmt, path::PathBuf, time::Duration};

#[cfg(feature = "fetch")]
use super::fetch::FetchGrant;
#[cfg(feature = "time-zones")]
use super::time_zone::TimeZone;
use super::{
    clock::Clock,
    context_builder::ContextBuilder,
    functions::Functions,
    modules::{Grant, Resolver},
    script::Linked,
    surroundings::Surroundings,
};
use crate::{
    component::{self, Config, Limits, Meter},
    error::{Error, ErrorKind},
    thread::Lane,
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
    pub(super) engine: component::Engine,
    pub(super) linked: Linked,
    pub(super) limits: Limits,
    pub(super) surroundings: Surroundings,
    pub(super) meters: Vec<Meter>,
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
            surroundings: Surroundings::default(),
            meter: None,
        }
    }

    /// Opens a context on a thread of its own. Await it, or [make it blocking](ContextBuilder::blocking).
    pub fn context(&self) -> ContextBuilder {
        ContextBuilder::new(self)
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
    surroundings: Surroundings,
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
    /// this control group have (`ulimit -u`, `pids.max`). Those of a [`Pool`](super::Pool) share a few. Default: 1000.
    pub fn max_contexts(mut self, contexts: u32) -> SandboxBuilder {
        self.contexts = contexts;
        self
    }

    /// What every context may import: a [`ModuleMap`](crate::js::ModuleMap), a [`Folder`](crate::js::Folder), or a [`Resolver`] of
    /// your own, which is asked on the threads of all contexts. Default: nothing.
    pub fn modules(mut self, resolver: impl Resolver) -> SandboxBuilder {
        self.surroundings.modules = Some(Grant::of(resolver));
        self
    }

    /// The host functions of every context. Default: none.
    pub fn functions(mut self, functions: Functions) -> SandboxBuilder {
        self.surroundings.functions = functions;
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
        self.surroundings.fetch = Some(grant);
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
    /// - [`Thread`](crate::ErrorKind::Thread): the system refused the thread that keeps the time limits, or, on Linux, a timer for it, which is
    ///   one more open file.
    ///
    /// A cache that cannot be used is logged, and costs only the time to compile.
    pub fn build(self) -> Result<Sandbox, Error> {
        self.surroundings.functions.check()?;
        let config = self.config();
        let SandboxBuilder { limits, fuel, surroundings, meter, .. } = self;
        if limits.fuel != u64::MAX && !fuel {
            let message = format!("a limit of {} units of fuel, and the sandbox is not to count it", limits.fuel);
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let engine = component::Engine::new(config)?;
        engine.advise(CONTEXT_TAKES, CONTEXT_IS_PROMISED);
        let linked = Linked::new(&engine)?;
        Ok(Sandbox { engine, linked, limits, surroundings, meters: meter.into_iter().collect() })
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
