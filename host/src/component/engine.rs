//! The compiler and the pool of instances that all objects of a program share.

use std::{fs, path::Path, path::PathBuf, sync::Arc};

use wasmtime::{
    Enabled, InstanceAllocationStrategy, PoolingAllocationConfig,
    component::{Component, InstancePre, Linker, types::ComponentItem},
};

#[cfg(feature = "js")]
use super::room::Memory;
use super::{
    cache,
    instance::{Data, Instance, Program},
    limits::Limits,
    room::Room,
    ticker::Ticker,
};
use crate::{
    error::{Error, ErrorKind},
    thread::{Builder, HeapThread, Opening},
};

/// Stack that the host's own frames need, beside that of compiled code.
const HOST_STACK: usize = 1 << 20;

/// Bytes of an instance's memory that are put back by copying when the instance ends, rather than given back to the
/// system and fetched again by page faults. Whatever was written once in a place is copied for each that has the place later: with 2 MiB the
/// smallest script took 104 us in a place that a large one had had, with this 34, and without the large one 22. Scripts that write more than this
/// took 8 to 17 % longer.
const KEEP_RESIDENT: usize = 256 << 10;

/// The same for its table of functions: giving its pages back took 14 us of the 41 us of a reset and an evaluation.
const KEEP_TABLE_RESIDENT: usize = 16 << 10;

/// Elements that a table may have, for each unit of [`Config::scale`].
pub(crate) const TABLE_ELEMENTS: usize = 20_000;

/// Bytes of bookkeeping that wasmtime may need for an instance of a component. They are allocated as needed.
const INSTANCE_BYTES: usize = 16 << 20;

/// Components that may be within one another, and types of components and instances.
///
/// Of the former, the compiler's time and memory grow with the square: 100,000, a megabyte, took all memory of the machine. The
/// latter it reads by recursion without a bound: 1000, three kilobytes, overflow a stack of 2 MiB, which ends the process.
const NESTING: usize = 100;

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
    /// Whether the kernel is asked which pages an instance wrote, so that only those are put back when it ends, and those that are
    /// used most stay, which makes a fresh instance sooner. It is not asked where it cannot tell (Linux before 6.7) or
    /// where memory can be swapped out, which its answer leaves out; all pages are then given back to the system. Both ways leave
    /// nothing for the next instance.
    pub scan_pages: bool,
    /// Elements that a table may have, for each unit of `scale`. Of a table that is longer than what of it is used, the system may
    /// back all with memory, where its `transparent_hugepage` is `always`.
    pub(crate) table_elements: usize,
    /// Whether compiled code counts fuel, for [`Limits::fuel`] and [`Usage::fuel`](super::Usage::fuel). It is then slower.
    pub fuel: bool,
    /// Whether instances are stopped by their [brake page](super::brake), and not by epochs.
    pub(crate) brakes: bool,
}

impl Default for Config {
    /// 100 instances, a scale of 4, 4 MiB of stack, and `$XDG_CACHE_HOME/aiointernal` or else `~/.cache/aiointernal`; pages are
    /// asked for; no fuel.
    fn default() -> Config {
        Config {
            instances: 100,
            scale: 4,
            stack: 4 << 20,
            cache: cache::default_folder(),
            scan_pages: true,
            table_elements: TABLE_ELEMENTS,
            fuel: false,
            brakes: false,
        }
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
    /// - [`Engine`](ErrorKind::Engine): the address space, or the mappings, for that many instances are not to be had. The text says
    ///   how many fit, and which setting helps. Or wasmtime does not run here, for the reason that the text ends with.
    /// - [`Thread`](ErrorKind::Thread): the system refused the thread, or, on Linux, a timer for it, which is one more open file.
    pub fn new(config: Config) -> Result<Engine, Error> {
        let room = Room::look();
        room.check_mappings(&config)?;
        let wasmtime =
            wasmtime::Engine::new(&wasmtime_config(&config)).map_err(|error| no_engine(error, &room, &config))?;
        let ticker = Ticker::start(wasmtime.clone(), config.brakes)?;
        Ok(Engine(Arc::new(Inner { wasmtime, ticker, config })))
    }

    /// Compiles a component, or finds it compiled in the cache. A cache that cannot be used is logged, and costs only
    /// the time to compile.
    ///
    /// Without the feature `compiler` it has to be in the cache: a program that has the compiler has left it there, which ran with
    /// the same configuration on a processor that can do no more than this one.
    ///
    /// # Errors
    ///
    /// - [`BadComponent`](ErrorKind::BadComponent): these bytes are not WebAssembly, or a core module, or damaged, or of
    ///   a proposal that is not there, or larger than [`Config::scale`] allows. The text says which.
    /// - [`Engine`](ErrorKind::Engine): there is no compiler, and nothing in the cache that fits.
    pub fn compile(&self, wasm: &[u8]) -> Result<Component, Error> {
        check_header(wasm)?;
        check_nesting(wasm)?;
        self.load(wasm, None)
    }

    /// As `compile`, for a component that is known to be one, and whose digest is known.
    #[cfg(feature = "js")]
    pub(crate) fn compile_known(&self, wasm: &[u8], digest: &str) -> Result<Component, Error> {
        self.load(wasm, Some(digest))
    }

    /// Leaves a component's compiled code in a folder, and gives the file.
    ///
    /// # Errors
    ///
    /// - [`Io`](ErrorKind::Io): it cannot be written there, or not be used where it is.
    /// - [`Engine`](ErrorKind::Engine): it does not compile.
    #[cfg(all(feature = "compiler", feature = "js"))]
    pub(crate) fn keep_compiled(&self, wasm: &[u8], digest: &str, folder: &Path) -> Result<PathBuf, Error> {
        cache::keep(&self.0.wasmtime, wasm, digest, folder).map_err(|error| {
            let kind = if error.is::<std::io::Error>() { ErrorKind::Io } else { ErrorKind::Engine };
            let message = format!("compiled code cannot be left in `{}`: {error:#}", folder.display());
            Error::with_source(kind, message, error)
        })
    }

    #[cfg(feature = "compiler")]
    fn load(&self, wasm: &[u8], digest: Option<&str>) -> Result<Component, Error> {
        let loaded = match &self.0.config.cache {
            Some(folder) => {
                let digest = digest.map_or_else(|| cache::digest_of(wasm), str::to_owned);
                cache::load_or_compile(&self.0.wasmtime, wasm, &digest, folder)
            }
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

    #[cfg(not(feature = "compiler"))]
    fn load(&self, wasm: &[u8], digest: Option<&str>) -> Result<Component, Error> {
        const HELP: &str = "`aiointernal compile FOLDER` puts the JavaScript engine's there (with `--fuel` or `--epochs` for sandboxes that \
                            count fuel or use epochs), and so does every program of yours that has the feature `compiler` and this folder as its cache";
        let Some(folder) = &self.0.config.cache else {
            let message = format!("there is no compiler (feature `compiler`), and no folder of compiled code. {HELP}");
            return Err(Error::new(ErrorKind::Engine, message));
        };
        let digest = digest.map_or_else(|| cache::digest_of(wasm), str::to_owned);
        cache::load(&self.0.wasmtime, &digest, folder).map_err(|error| {
            let folder = folder.display();
            let message = format!(
                "there is no compiler (feature `compiler`), and `{folder}` has no compiled code that fits: {error}. {HELP}"
            );
            Error::with_source(ErrorKind::Engine, message, error)
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
    pub(crate) fn thread_stack(&self) -> usize {
        self.0.config.stack.saturating_add(HOST_STACK)
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// Warns where the memory will not do for all instances, which take, and are promised, so many bytes each.
    #[cfg(feature = "js")]
    pub(crate) fn advise(&self, taken: u64, promised: u64) {
        if let Some(advice) = Memory::look().advice(self.0.config.instances, taken, promised) {
            tracing::warn!("{advice}");
        }
    }
}

/// Says why there is no engine: the system has no addresses for it, or what wasmtime says.
fn no_engine(error: wasmtime::Error, room: &Room, config: &Config) -> Error {
    // However wasmtime asks the system, its answer reads like this.
    const NO_MEMORY: i32 = 12;
    let cause = format!("{error:#}");
    let message = match cause.contains(&std::io::Error::from_raw_os_error(NO_MEMORY).to_string()) {
        true => format!("{} ({cause})", room.explain_addresses(config)),
        false => format!("wasmtime does not run here with this configuration: {cause}"),
    };
    Error::with_source(ErrorKind::Engine, message, error)
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
            let start: String = String::from_utf8_lossy(other.get(..16).unwrap_or(other)).escape_debug().collect();
            format!("it is not WebAssembly: it begins with `{start}`")
        }
    };
    Err(Error::new(ErrorKind::BadComponent, format!("not a component: {what}")))
}

/// Refuses components that are nested too deep. What is damaged is for the compiler to refuse.
fn check_nesting(wasm: &[u8]) -> Result<(), Error> {
    const HEADER: usize = 8;
    const COMPONENT: u8 = 4;
    const TYPES: u8 = 7;
    let refused = |message| Err(Error::new(ErrorKind::BadComponent, message));
    let (mut at, mut ends) = (HEADER, vec![wasm.len()]);
    while let Some(end) = ends.last() {
        if at >= *end {
            ends.pop();
            continue;
        }
        let section = wasm.get(at..).and_then(|rest| rest.split_first());
        let Some((section, (start, length))) = section.and_then(|(id, rest)| Some((*id, read_length(rest)?))) else {
            break;
        };
        let start = at.saturating_add(1).saturating_add(start);
        let end = start.saturating_add(length);
        at = if section == COMPONENT {
            ends.push(end);
            start.saturating_add(HEADER)
        } else {
            end
        };
        if ends.len() > NESTING {
            return refused(format!("components are nested deeper than {NESTING} levels"));
        }
        if section == TYPES {
            // Within another, such a type follows the mark of a declaration that is a type. Some pairs of numbers look the same:
            // a section has few of them.
            let types = wasm.get(start..end.min(wasm.len())).unwrap_or_default();
            if types.windows(2).filter(|pair| matches!(pair, [1, 0x41 | 0x42])).count() > NESTING {
                return refused(format!(
                    "more than {NESTING} types of components and instances are within others: they may be nested too deep"
                ));
            }
        }
    }
    Ok(())
}

/// Where the contents of a section begin, and their length, which is here.
fn read_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0_usize;
    for (shift, (count, byte)) in (0_u32..).step_by(7).zip((1..=5).zip(bytes)) {
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((count, length));
        }
    }
    None
}

fn wasmtime_config(config: &Config) -> wasmtime::Config {
    let Config { instances, scale, stack, table_elements, fuel, brakes, .. } = *config;
    let mut wasmtime = wasmtime::Config::new();
    wasmtime
        .epoch_interruption(!brakes)
        .consume_fuel(fuel)
        .concurrency_support(false)
        // 4 GiB of reserved address space and guards: every access is within by construction, with no check.
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .memory_may_move(false)
        // wasmtime wants this to be no less, although nothing here is async.
        .async_stack_size(stack)
        .max_wasm_stack(stack)
        // Nobody is shown where in a component's code something happened.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false);
    // QuickJS depends on it, and results are then the same on every machine.
    #[cfg(feature = "compiler")]
    wasmtime.cranelift_nan_canonicalization(true);
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
        .table_elements(table_elements.saturating_mul(scale as usize))
        .max_unused_warm_slots(instances);
    // Stacks for async code, which there is none of.
    #[cfg(feature = "wasi")]
    pool.total_stacks(0);
    if config.scan_pages && may_scan_pagemap() {
        pool.pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(KEEP_RESIDENT)
            .table_keep_resident(KEEP_TABLE_RESIDENT);
    }
    wasmtime.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    wasmtime
}

/// Whether the kernel can tell which pages an instance wrote, and can be believed.
fn may_scan_pagemap() -> bool {
    let swaps = fs::read_to_string("/proc/swaps").ok();
    let is_available = PoolingAllocationConfig::is_pagemap_scan_available();
    let obstacle = obstacle_to_scanning(is_available, swaps.as_deref(), own_swap_limit().as_deref());
    if let Some(obstacle) = obstacle {
        tracing::info!(
            "{obstacle}: all pages of an instance that ends are given back to the system, and making the next takes longer"
        );
    }
    obstacle.is_none()
}

/// Why the kernel is not asked which pages an instance wrote.
///
/// wasmtime 48 does not reset a written page that was swapped out, so the next instance in its place could read it.
/// Hence this way is taken only where nothing can be swapped out.
fn obstacle_to_scanning(is_available: bool, swaps: Option<&str>, limit: Option<&str>) -> Option<&'static str> {
    if !is_available {
        Some("this kernel, older than Linux 6.7, does not tell which pages were written")
    } else if may_swap(swaps, limit) {
        Some(
            "memory may be swapped out (`swapoff -a`, or `memory.swap.max` of 0 for its control group, would prevent it)",
        )
    } else {
        None
    }
}

/// Whether the system has swap space that this process may use, by the system's list of it and the process's limit. What cannot
/// be found out counts as yes.
fn may_swap(swaps: Option<&str>, limit: Option<&str>) -> bool {
    // One line a swap space, after a headline.
    let system_swaps = swaps.is_none_or(|swaps| swaps.lines().count() > 1);
    system_swaps && limit.is_none_or(|limit| limit.trim() != "0")
}

/// `memory.swap.max` of this process's control group.
fn own_swap_limit() -> Option<String> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    fs::read_to_string(Path::new("/sys/fs/cgroup").join(group).join("memory.swap.max")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn only_a_lack_of_addresses_is_explained_as_one_and_the_cause_is_always_told() {
        let (room, config) = (Room::look(), Config::default());
        let lack = std::io::Error::from_raw_os_error(12);
        let lack =
            no_engine(wasmtime::Error::new(lack).context("failed to create memory pool mapping"), &room, &config);
        let text = lack.to_string();
        assert!(text.starts_with("cannot reserve 1612 GiB of address space"), "{text}");
        assert!(
            text.ends_with("helps (failed to create memory pool mapping: Cannot allocate memory (os error 12))"),
            "{text}"
        );
        let other = no_engine(wasmtime::Error::msg("this processor has no SSE3"), &room, &config).to_string();
        assert!(other.ends_with("this processor has no SSE3") && !other.contains("address"), "{other}");
    }

    #[test]
    fn pages_are_scanned_only_where_nothing_can_be_swapped_out() {
        const NONE: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        let some = format!("{NONE}/dev/sda2 partition 8388604 0 -2\n");
        for (swaps, limit, may) in [
            (Some(NONE), None, false),
            (Some(NONE), Some("max\n"), false),
            (Some(some.as_str()), Some("0\n"), false),
            (Some(some.as_str()), Some("max\n"), true),
            (Some(some.as_str()), Some("4096\n"), true),
            (Some(some.as_str()), None, true),
            (None, Some("max\n"), true),
            (None, None, true),
        ] {
            assert_eq!(may_swap(swaps, limit), may, "{swaps:?} {limit:?}");
            let obstacle = obstacle_to_scanning(true, swaps, limit);
            assert_eq!(obstacle.is_some_and(|obstacle| obstacle.contains("swapoff")), may, "{obstacle:?}");
            let obstacle = obstacle_to_scanning(false, swaps, limit).unwrap();
            assert!(obstacle.contains("Linux 6.7"), "{obstacle}");
        }
    }
}
