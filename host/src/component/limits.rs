//! The limits of an instance, and the memory limit's enforcement.

use std::{
    io,
    sync::{Arc, Once},
    time::Duration,
};

use wasmtime::ResourceLimiter;

use super::{
    ledger::{Ledger, Refused},
    room::NO_MEMORY,
};
use crate::thread::Running;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// What an instance, such as a JavaScript context, may use. [`Limits::default`] documents every default; change the fields that should differ.
///
/// Where limits meet (a sandbox's, a [group](crate::component::Group)'s, a context's, a call's), the lower of each wins.
///
/// ```
/// use std::time::Duration;
/// use aiointernal::Limits;
///
/// let mut limits = Limits::default();
/// limits.wall_time = Duration::from_millis(50);
/// limits.memory = 16 << 20;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Time that one call may run, from when it starts; waiting in the queue does not count. In a batch: one item.
    ///
    /// A call that reaches it is asked to stop, and its context is kept; one that has not stopped 1 ms later (the first of a
    /// process: 5 ms) is killed, and its context (or instance) replaced. Time is looked at every half a millisecond. What a script of a kept context held is
    /// freed behind its answer, in 100 ms of processor time: where that is too little, as for some million objects, the context is lost after
    /// all, and its next call is told.
    pub wall_time: Duration,
    /// Processor time that one call may take, of the object's thread. In a batch: one item. A script that waits for host
    /// functions takes none, so a call may have seconds to wait and milliseconds to compute. Kept and looked at as
    /// `wall_time`; what of it is not below that has no effect.
    pub cpu_time: Duration,
    /// Units of fuel that one call may burn: about one for each WebAssembly instruction. In a batch: one item. The same
    /// call of the same state stops at the same place on every machine. The context (or instance) is then replaced.
    ///
    /// Only an engine that [counts fuel](crate::component::Config::fuel) takes a limit here; calls of others are refused
    /// with [`InvalidArgument`](crate::ErrorKind::InvalidArgument).
    pub fuel: u64,
    /// Bytes of all memories and tables of the instance. Of JavaScript's: the heap, and 4 MiB that are set aside for
    /// the engine itself. What the host holds for the instance meanwhile is counted, too: a result while it is decoded, results
    /// of a batch until they are taken, arguments and answers of host functions until they are handed over.
    ///
    /// A JavaScript engine has less than 2 GiB, whatever this says.
    ///
    /// A script that needs more meets `InternalError: out of memory`; to other components `memory.grow` gives -1.
    pub memory: usize,
    /// Bytes of stack for JavaScript calls; at most 768 KiB have an effect. Of other components the stack is that of
    /// [`Config`](crate::component::Config).
    ///
    /// A script that recurses deeper meets a `RangeError`.
    pub stack: usize,
    /// Bytes of one source text: of a script, or of a call that is given as text.
    pub source: usize,
    /// Bytes of one result. Of JavaScript's, as encoded for its way out of the engine (CBOR: about the size of JSON);
    /// of one that is text, of the text. Bytes that a component hands over at once are this (or `console`, if that is
    /// more), and 1 MiB for their overhead.
    pub result: usize,
    /// Bytes of console messages, or of standard output and error, of one call. What is beyond is dropped, and one
    /// message says so. A single console message is cut at 512 KiB whatever this says. It counts as what it takes in
    /// memory: beside its text and arguments some 80 bytes, and some 24 for each argument.
    pub console: usize,
    /// Calls of [host functions](crate::js::Functions) that one evaluation may make. With one more, the script meets a
    /// `RangeError`; one that it does not catch comes back as [`HostCallLimit`](crate::ErrorKind::HostCallLimit).
    pub host_calls: usize,
    /// Calls of async host functions that one evaluation may have in flight at a time, as above. One that is ready at once
    /// is not.
    pub host_calls_in_flight: usize,
    /// Bytes that one evaluation may hand to host functions and be given by them, all calls together, as encoded; as
    /// above. The arguments of a single call, and its answer, may have as many bytes as `result`.
    pub host_bytes: usize,
    /// Timers that the scripts of one evaluation may have set at a time, by `setTimeout` and `setInterval`. With one more, the script meets a
    /// `RangeError`.
    pub timers: usize,
    /// [Handles](crate::js::JsValue) that there may be at a time to values of one context. With one more, the call that was to
    /// give it comes back as [`HandleLimit`](crate::ErrorKind::HandleLimit).
    pub handles: usize,
    /// [Objects of the host](crate::js::Host) that scripts of one context may hold at a time. A script that would be given one more
    /// meets a `RangeError`; what is not caught comes back as [`HandleLimit`](crate::ErrorKind::HandleLimit).
    pub host_objects: usize,
    /// Evaluations of one context that may wait for host functions or timers at a time. One more is ended with
    /// [`PendingLimit`](crate::ErrorKind::PendingLimit) when it is to wait.
    pub pending: usize,
}

impl Default for Limits {
    /// 5 s of time, 64 MiB of memory, 256 KiB of stack, 2 MiB of source, 1 MiB of result, 1 MiB of console; 10,000 calls
    /// of host functions, 4096 of them in flight, 64 MiB handed to and fro;
    /// 10,000 timers, as many handles, objects of the host, and evaluations that wait. No limits of processor time and fuel.
    fn default() -> Limits {
        Limits {
            wall_time: Duration::from_secs(5),
            cpu_time: Duration::MAX,
            fuel: u64::MAX,
            memory: 64 * MIB,
            stack: 256 * KIB,
            source: 2 * MIB,
            result: MIB,
            console: MIB,
            host_calls: 10_000,
            host_calls_in_flight: 4096,
            host_bytes: 64 * MIB,
            timers: 10_000,
            handles: 10_000,
            host_objects: 10_000,
            pending: 10_000,
        }
    }
}

impl Limits {
    /// The lower of each.
    pub fn lower(self, other: Limits) -> Limits {
        Limits {
            wall_time: self.wall_time.min(other.wall_time),
            cpu_time: self.cpu_time.min(other.cpu_time),
            fuel: self.fuel.min(other.fuel),
            memory: self.memory.min(other.memory),
            stack: self.stack.min(other.stack),
            source: self.source.min(other.source),
            result: self.result.min(other.result),
            console: self.console.min(other.console),
            host_calls: self.host_calls.min(other.host_calls),
            host_calls_in_flight: self.host_calls_in_flight.min(other.host_calls_in_flight),
            host_bytes: self.host_bytes.min(other.host_bytes),
            timers: self.timers.min(other.timers),
            handles: self.handles.min(other.handles),
            host_objects: self.host_objects.min(other.host_objects),
            pending: self.pending.min(other.pending),
        }
    }

    /// The limits of a call under these: lowered by others, and by the [timeout](crate::Call::timeout) that its caller
    /// chose.
    pub fn for_call(self, running: &Running, others: Option<Limits>) -> Limits {
        let mut limits = others.map_or(self, |others| self.lower(others));
        if let Some(timeout) = running.timeout() {
            limits.wall_time = limits.wall_time.min(timeout);
        }
        limits
    }
}

/// Bytes of an element of a table.
const TABLE_ELEMENT: usize = size_of::<usize>();

/// Refuses memory beyond the limit: `memory.grow` then gives -1, which the guest handles as it likes.
///
/// All memories and tables of an instance are one sum. Growth that is granted and fails after all stays in it: wasmtime
/// tells of failures that it did not ask about as well, and a guest could use those to shrink the sum.
#[derive(Debug)]
pub(super) struct MemoryGuard {
    ledger: Arc<Ledger>,
    /// That of the call that runs.
    limit: usize,
    taken: usize,
    refused: Option<Refused>,
}

impl MemoryGuard {
    pub(super) fn new(ledger: Arc<Ledger>) -> MemoryGuard {
        MemoryGuard { ledger, limit: 0, taken: 0, refused: None }
    }

    pub(super) fn arm(&mut self, limit: usize) {
        self.ledger.forget_peak();
        self.limit = limit;
        self.refused = None;
    }

    /// What the memory is counted in.
    #[cfg(feature = "js")]
    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// By whose limit memory was refused since the guard was armed, if it was.
    pub(super) fn refused(&self) -> Option<Refused> {
        self.refused
    }

    /// Bytes of the instance's memories and tables.
    #[cfg(feature = "js")]
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    fn grow(&mut self, bytes: usize) -> bool {
        match self.ledger.take(bytes, self.limit) {
            Ok(()) => {
                self.taken = self.taken.saturating_add(bytes);
                true
            }
            Err(refused) => {
                self.refused = Some(refused);
                false
            }
        }
    }
}

impl Drop for MemoryGuard {
    fn drop(&mut self) {
        self.ledger.give(self.taken);
    }
}

impl ResourceLimiter for MemoryGuard {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current)))
    }

    /// The guest is told the same as at its limit; but it is not its fault.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        static TOLD: Once = Once::new();
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory) {
            TOLD.call_once(|| tracing::warn!("an instance got no memory within its limit: {error:#}. {NO_MEMORY}"));
        }
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current).saturating_mul(TABLE_ELEMENT)))
    }
}
