//! The limits of a context, and the memory limit's enforcement.

use std::time::Duration;

use wasmtime::ResourceLimiter;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// What a context may use. [`Limits::default`] documents every default; change the fields that should differ.
///
/// Where limits meet (a sandbox's, a context's, a call's), the lower of each wins.
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
    /// A call that reaches it is asked to stop, and its context is kept; one that has not stopped 3 ms later is
    /// killed, and its context replaced. Time is looked at every millisecond.
    pub wall_time: Duration,
    /// Bytes of the engine's memory: the JavaScript heap, and 4 MiB that are set aside for the engine itself.
    ///
    /// A script that needs more meets `InternalError: out of memory`.
    pub memory: usize,
    /// Bytes of stack for JavaScript calls; at most 768 KiB have an effect.
    ///
    /// A script that recurses deeper meets a `RangeError`.
    pub stack: usize,
    /// Bytes of one source text.
    pub source: usize,
    /// Bytes of one result, as encoded for its way out of the engine (CBOR: about the size of JSON).
    pub result: usize,
    /// Bytes of console messages of one call. What is beyond is dropped, and one message says so. A single message is
    /// cut at 512 KiB whatever this says.
    pub console: usize,
}

impl Default for Limits {
    /// 5 s of time, 64 MiB of memory, 256 KiB of stack, 2 MiB of source, 1 MiB of result, 256 KiB of console.
    fn default() -> Limits {
        Limits {
            wall_time: Duration::from_secs(5),
            memory: 64 * MIB,
            stack: 256 * KIB,
            source: 2 * MIB,
            result: MIB,
            console: 256 * KIB,
        }
    }
}

impl Limits {
    /// The lower of each.
    pub fn lower(self, other: Limits) -> Limits {
        Limits {
            wall_time: self.wall_time.min(other.wall_time),
            memory: self.memory.min(other.memory),
            stack: self.stack.min(other.stack),
            source: self.source.min(other.source),
            result: self.result.min(other.result),
            console: self.console.min(other.console),
        }
    }
}

/// Refuses memory beyond the limit: `memory.grow` then gives -1, which the guest handles as it likes.
#[derive(Debug, Default)]
pub(super) struct MemoryGuard {
    limit: usize,
    refused: bool,
}

impl MemoryGuard {
    pub(super) fn arm(&mut self, limit: usize) {
        *self = MemoryGuard { limit, refused: false };
    }

    /// Whether memory was refused since the guard was armed.
    pub(super) fn has_refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for MemoryGuard {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let granted = desired <= self.limit;
        self.refused |= !granted;
        Ok(granted)
    }

    fn table_growing(&mut self, _current: usize, _desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // A table that could grow without an end of its own stays as it is.
        Ok(maximum.is_some())
    }
}
