//! The compiler and the pool of instances that all objects of a program share.

use std::{fs, path::Path, path::PathBuf, sync::Arc};

use wasmtime::{
    Enabled, InstanceAllocationStrategy, PoolingAllocationConfig,
    component::{Component, InstancePre, Linker, types::ComponentItem},
};

use super::{
    cache,
    deadline::Ticker,
    instance::{Data, Instance, Program},
    limits::Limits,
};
use crate::{
    error::{Error, ErrorKind},
    thread::{Builder, HeapThread, Opening},
};

/// Stack that the host's own frames need, beside that of compiled code.
const HOST_STACK: usize = 1 << 20;

/// Bytes of an instance's memory that are put back by copying when the instance ends, rather than given back to the
/// system and fetched again by page faults.
const KEEP_RESIDENT: usize = 2 << 20;

/// The same for its table of functions: giving its pages back took 14 us of the 41 us of a reset and an evaluation.
const KEEP_TABLE_RESIDENT: usize = 16 << 10;

/// Elements that a table may have, for each unit of [`Config::scale`].
const TABLE_ELEMENTS: usize = 20_000;

/// Bytes of bookkeeping that wasmtime may need for an instance of a component. They are allocated as needed.
const INSTANCE_BYTES: usize = 16 << 20;

/// What can be chosen for an [`Engine`]. [`Config::default`] documents every default; change the fields that should
/// differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How many instances may live at a time.
    pub instances: u32,
    /// How large components may be. For each unit, an instance may have one memory, two tables of 20 000 elements
    /// each, and four core modules; and it takes 4 GiB of address space, not of memory.
    ///
    /// One is enough for a component that was made of one core module; one that was composed of several has a memory
    /// for each.
    pub scale: u32,
    /// Bytes of native stack that compiled code may use; beyond them is [`ErrorKind::StackLimit`]. Untouched stack
    /// costs no memory.
    pub stack: usize,
    /// The folder for compiled code, or `None` to compile each time. Whoever can write it can run code in this
    /// process; a folder that others than this user can write is not used. Nothing in it is ever deleted.
    pub cache: Option<PathBuf>,
    /// Whether compiled code counts fuel, for [`Limits::fuel`] and [`Usage::fuel`](super::Usage::fuel). It is then slower.
    pub fuel: bool,
}

impl Default for Config {
    /// 100 instances, a scale of 4, 4 MiB of stack, and `$XDG_CACHE_HOME/aiointernal` or else `~/.cache/aiointernal`; no
    /// fuel.
    fn default() -> Config {
        Config { instances: 100, scale: 4, stack: 4 << 20, cache: cache::default_folder(), fuel: false }
    }
}

/// What all components of a program share: the compiler, the pool of memory, and the clock of the time limits.
///
/// A program makes one and keeps it; cloning is cheap, and its clones are the same engine.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    wasmtime: wasmtime::Engine,
    ticker: Ticker,
    config: Config,
}

impl Engine {
    /// An engine of its own, with a thread that keeps the time limits.
    ///
    /// # Errors
    ///
    /// - [`Engine`](ErrorKind::Engine): the address space for that many instances is not to be had.
    /// - [`Thread`](ErrorKind::Thread): the system refused the thread.
    pub fn new(config: Config) -> Result<Engine, Error> {
        let wasmtime = wasmtime::Engine::new(&wasmtime_config(&config)).map_err(|error| {
            let Config { instances, scale, .. } = config;
            let gigabytes = u64::from(instances) * u64::from(scale) * 4;
            let message = format!(
                "cannot reserve a pool of {instances} instances ({gigabytes} GiB of address space, which costs no \
                 memory): {error:#}. Fewer instances, or a higher `ulimit -v`, help"
            );
            Error::with_source(ErrorKind::Engine, message, error)
        })?;
        let ticker = Ticker::start(wasmtime.clone())?;
        Ok(Engine(Arc::new(Inner { wasmtime, ticker, config })))
    }

    /// Compiles a component, or finds it compiled in the cache. A cache that cannot be used is logged, and costs only
    /// the time to compile.
    ///
    /// # Errors
    ///
    /// [`BadComponent`](ErrorKind::BadComponent): these bytes are not WebAssembly, or a core module, or damaged, or of
    /// a proposal that is not there, or larger than [`Config::scale`] allows. The text says which.
    pub fn compile(&self, wasm: &[u8]) -> Result<Component, Error> {
        check_header(wasm)?;
        let loaded = match &self.0.config.cache {
            Some(folder) => cache::load_or_compile(&self.0.wasmtime, wasm, folder),
            None => Component::from_binary(&self.0.wasmtime, wasm),
        };
        loaded.map_err(|error| {
            let mut message = format!("not a component that runs here: {error:#}");
            let is_of_scale = message.contains("in the pooling allocator")
                || message.contains("exceeds the limit of") && !message.contains("type size");
            if is_of_scale {
                message += &format!(" (`Config::scale` is {})", self.0.config.scale);
            }
            Error::with_source(ErrorKind::BadComponent, message, error)
        })
    }

    /// Links a component with what its imports are given by a linker.
    ///
    /// # Errors
    ///
    /// [`BadComponent`](ErrorKind::BadComponent): the linker lacks an import, or has it with another type. The text
    /// says which, and names all imports.
    pub fn link<H: 'static>(
        &self,
        component: &Component,
        linker: &Linker<Data<H>>,
    ) -> Result<InstancePre<Data<H>>, Error> {
        linker.instantiate_pre(component).map_err(|error| {
            let imports = self.imports(component).join(", ");
            let message = format!("the component cannot be linked: {error:#}. Its imports are: {imports}");
            Error::with_source(ErrorKind::BadComponent, message, error)
        })
    }

    /// The names of everything that a component imports, but types.
    pub(super) fn imports(&self, component: &Component) -> Vec<String> {
        let component = component.component_type();
        let imports = component.imports(&self.0.wasmtime);
        imports
            .filter(|(_, import)| !matches!(import.ty, ComponentItem::Type(_)))
            .map(|(name, _)| name.into())
            .collect()
    }

    /// Opens an instance on a thread of its own. Await the result, or [make it blocking](Opening::blocking).
    ///
    /// The thread's name is `aiointernal-wasm`; for another, or an object that has more than the instance in it, start
    /// from [`builder`](Engine::builder).
    ///
    /// # Errors
    ///
    /// Those of [`Opening`] and of [`Instance::new`].
    pub fn open<P: Program + Send>(&self, program: P, limits: Limits) -> Opening<Instance<P>> {
        let engine = self.clone();
        self.builder().spawn(move || Instance::new(&engine, program, limits))
    }

    /// A builder of threads that have the stack that instances need: for an object of your own with an [`Instance`] in
    /// it.
    pub fn builder<T: 'static>(&self) -> Builder<T> {
        HeapThread::builder().name("aiointernal-wasm").stack_size(self.thread_stack())
    }

    /// The engine of wasmtime, for a `Linker`.
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.wasmtime
    }

    pub(super) fn ticker(&self) -> &Ticker {
        &self.0.ticker
    }

    /// Stack of a thread that runs compiled code: what the code may use, and what the host's own frames need.
    pub(super) fn thread_stack(&self) -> usize {
        self.0.config.stack.saturating_add(HOST_STACK)
    }

    pub(super) fn config(&self) -> &Config {
        &self.0.config
    }
}

/// Says what bytes are that are no component, in words that a person can act on.
fn check_header(wasm: &[u8]) -> Result<(), Error> {
    let what = match wasm {
        [] => "it is empty".to_owned(),
        // The magic number, then the version, then whether it is a module or a component.
        [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => return Ok(()),
        [b'\0', b'a', b's', b'm', _, _, 0, 0, ..] => {
            "it is a core module. `wasm-tools component new` makes a component of one, and one for WASI preview 1 \
             (wasm32-wasip1) needs its `--adapt` too; the target wasm32-wasip2 makes components"
                .to_owned()
        }
        [b'\0', b'a', b's', b'm', ..] => "it is cut short, or of an unknown version of WebAssembly".to_owned(),
        other => {
            let start: String = String::from_utf8_lossy(&other[..other.len().min(16)]).escape_debug().collect();
            format!("it is not WebAssembly: it begins with `{start}`")
        }
    };
    Err(Error::new(ErrorKind::BadComponent, format!("not a component: {what}")))
}

fn wasmtime_config(config: &Config) -> wasmtime::Config {
    let Config { instances, scale, stack, fuel, .. } = *config;
    let mut wasmtime = wasmtime::Config::new();
    wasmtime
        .epoch_interruption(true)
        .consume_fuel(fuel)
        .concurrency_support(false)
        // 4 GiB of reserved address space and guards: every access is within by construction, with no check.
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .memory_may_move(false)
        // wasmtime wants this to be no less, although nothing here is async.
        .async_stack_size(stack)
        .max_wasm_stack(stack)
        .wasm_backtrace_max_frames(None)
        // QuickJS depends on it, and results are then the same on every machine.
        .cranelift_nan_canonicalization(true);
    let total = |each: u32| instances.saturating_mul(scale.saturating_mul(each));
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .max_component_instance_size(INSTANCE_BYTES)
        .total_core_instances(total(4))
        .max_core_instances_per_component(scale.saturating_mul(4))
        .max_core_instance_size(INSTANCE_BYTES)
        .total_memories(total(1))
        .max_memories_per_component(scale)
        .max_memories_per_module(scale)
        .total_tables(total(2))
        .max_tables_per_component(scale.saturating_mul(2))
        .max_tables_per_module(scale.saturating_mul(2))
        .table_elements(TABLE_ELEMENTS.saturating_mul(scale as usize))
        .max_unused_warm_slots(instances);
    // Stacks for async code, which there is none of.
    #[cfg(feature = "wasi")]
    pool.total_stacks(0);
    if may_scan_pagemap() {
        pool.pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(KEEP_RESIDENT)
            .table_keep_resident(KEEP_TABLE_RESIDENT);
    }
    wasmtime.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    wasmtime
}

/// Whether the kernel can tell which pages an instance wrote, and can be believed.
///
/// wasmtime 48 does not reset a written page that was swapped out, so the next instance in its place could read it.
/// Hence this way is taken only where nothing can be swapped out.
fn may_scan_pagemap() -> bool {
    PoolingAllocationConfig::is_pagemap_scan_available() && !may_swap()
}

/// Whether the system has swap space that this process may use. What cannot be found out counts as yes.
fn may_swap() -> bool {
    // One line a swap space, after a headline.
    let system_swaps = fs::read_to_string("/proc/swaps").map_or(true, |swaps| swaps.lines().count() > 1);
    system_swaps && own_swap_limit().is_none_or(|limit| limit.trim() != "0")
}

/// `memory.swap.max` of this process's control group.
fn own_swap_limit() -> Option<String> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    fs::read_to_string(Path::new("/sys/fs/cgroup").join(group).join("memory.swap.max")).ok()
}
