//! The compiler and the pool of instances that all contexts of a program share.

use std::{fs, path::Path};

use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, component::Component};

use super::{cache, deadline::Ticker};
use crate::error::{Error, ErrorKind};

/// Bytes of native stack that compiled code may use: enough that JavaScript's own limit, which counts another stack,
/// strikes first at its highest setting in every kind of recursion that was tried (calls, getters, proxies, JSON,
/// parser, regular expressions; 2 MiB was too little for JSON and the parser). Untouched stack costs no memory.
const WASM_STACK: usize = 16 << 20;

/// Stack of a thread that runs compiled code: what the code may use, and as much as the host's own frames need.
pub(crate) const THREAD_STACK: usize = WASM_STACK + (1 << 20);

/// Bytes of an instance's memory that are put back by copying when the instance ends, rather than given back to the
/// system and fetched again by page faults.
const KEEP_RESIDENT: usize = 2 << 20;

/// The same for its table of functions: giving its pages back took 14 us of the 41 us of a reset and an evaluation.
const KEEP_TABLE_RESIDENT: usize = 16 << 10;

/// A wasmtime engine with everything that belongs to it.
#[derive(Debug)]
pub(crate) struct Engine {
    wasmtime: wasmtime::Engine,
    pub(super) ticker: Ticker,
}

impl Engine {
    /// An engine with room for this many instances at a time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Engine`] when the address space for the pool is not to be had, [`ErrorKind::Thread`] when the
    /// ticker's thread is not.
    pub(crate) fn new(instances: u32) -> Result<Engine, Error> {
        let wasmtime = wasmtime::Engine::new(&config(instances)).map_err(|error| {
            let message = format!(
                "cannot reserve a pool of {instances} instances (4 GiB of address space each, which costs no memory): \
                 {error:#}. Fewer instances, or a higher `ulimit -v`, help"
            );
            Error::with_source(ErrorKind::Engine, message, error)
        })?;
        let ticker = Ticker::start(wasmtime.clone())?;
        Ok(Engine { wasmtime, ticker })
    }

    /// Compiles a component, or finds it compiled in the folder.
    pub(crate) fn load(&self, wasm: &[u8], cache: Option<&Path>) -> Result<Component, Error> {
        let loaded = match cache {
            Some(folder) => cache::load_or_compile(&self.wasmtime, wasm, folder),
            None => Component::new(&self.wasmtime, wasm),
        };
        loaded.map_err(|error| {
            Error::with_source(
                ErrorKind::Engine,
                format!("the guest is not a component that runs here: {error:#}"),
                error,
            )
        })
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
    }
}

fn config(instances: u32) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .concurrency_support(false)
        // 4 GiB of reserved address space and guards: every access is within by construction, with no check.
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .memory_may_move(false)
        // wasmtime wants this to be no less, although nothing here is async.
        .async_stack_size(WASM_STACK)
        .max_wasm_stack(WASM_STACK)
        .wasm_backtrace_max_frames(None)
        .cranelift_nan_canonicalization(true);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(4))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(2))
        .max_unused_warm_slots(instances);
    if may_scan_pagemap() {
        pool.pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(KEEP_RESIDENT)
            .table_keep_resident(KEEP_TABLE_RESIDENT);
    }
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
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
