//! What calls used.

use std::{
    cell::Cell,
    ops::AddAssign,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::limits::Limits;
use crate::error::ErrorKind;

/// What a call used, or many calls together.
///
/// Where something does not apply, or was not measured, it is zero. How many pages of memory a context has written is asked apart, as
/// the system takes some time to tell: `MemoryUsage::written_pages`.
///
/// # Metrics
///
/// With the feature `metrics`, every call is also told to the recorder of the crate [`metrics`](https://docs.rs/metrics), if the
/// program installs one:
///
/// | name | kind | |
/// |---|---|---|
/// | `aiointernal_calls` | counter | by `outcome`: `ok`, or the [code](crate::ErrorKind::code) of the error |
/// | `aiointernal_call_seconds` | histogram | `wall` |
/// | `aiointernal_queue_seconds` | histogram | `queue` |
/// | `aiointernal_cpu_seconds` | histogram | `cpu`, of calls of which it was measured: they have a [`Meter`], or a limit of it |
/// | `aiointernal_memory_bytes` | histogram | `memory` |
/// | `aiointernal_fuel`, `aiointernal_bytes_in`, `aiointernal_bytes_out`, `aiointernal_host_calls`, `aiointernal_host_bytes`, `aiointernal_console_bytes`, `aiointernal_interrupts`, `aiointernal_lost` | counter | the same |
/// | `aiointernal_instances` | gauge | instances that are alive |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Calls that are counted here. What a context does for no call of yours, such as letting values go, is none, though
    /// what it uses is counted.
    pub calls: u64,
    /// Time in the queue, before the call began.
    pub queue: Duration,
    /// Time from when the call began to its end. Of a script, waiting for host functions is a part of it.
    pub wall: Duration,
    /// Processor time of the object's thread within the call, that of sync host functions included.
    pub cpu: Duration,
    /// Units of fuel, where the [engine counts them](super::Config::fuel).
    pub fuel: u64,
    /// The most bytes of memory at a time, counted as for [`Limits::memory`]. Of many calls: of the one that had most.
    pub memory: usize,
    /// Bytes of memory at the end, counted in the same way. Of many calls: of the last.
    pub memory_after: usize,
    /// Bytes of sources and encoded arguments that went in, and of encoded results that came out.
    pub bytes_in: u64,
    /// As above.
    pub bytes_out: u64,
    /// Calls of host functions, and of methods of host objects.
    pub host_calls: u64,
    /// Bytes to and from them, as encoded.
    pub host_bytes: u64,
    /// Bytes of the console, counted as for [`Limits::console`].
    pub console_bytes: u64,
    /// How often it was asked to stop, at a limit or by its caller.
    pub interrupts: u64,
    /// Contexts, or instances, that were lost.
    pub lost: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        let Usage { calls, queue, wall, cpu, fuel, memory, memory_after, bytes_in, bytes_out, .. } = other;
        let Usage { host_calls, host_bytes, console_bytes, interrupts, lost, .. } = other;
        self.queue = self.queue.saturating_add(queue);
        self.wall = self.wall.saturating_add(wall);
        self.cpu = self.cpu.saturating_add(cpu);
        self.memory = self.memory.max(memory);
        // No instance is without memory.
        self.memory_after = if memory_after > 0 { memory_after } else { self.memory_after };
        for (sum, more) in [
            (&mut self.calls, calls),
            (&mut self.fuel, fuel),
            (&mut self.bytes_in, bytes_in),
            (&mut self.bytes_out, bytes_out),
            (&mut self.host_calls, host_calls),
            (&mut self.host_bytes, host_bytes),
            (&mut self.console_bytes, console_bytes),
            (&mut self.interrupts, interrupts),
            (&mut self.lost, lost),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// A place that adds up what calls use: those of a [handle](crate::js::Context::metered), which may be for a single call,
/// of a [context](crate::js::ContextBuilder::meter), of a [sandbox](crate::js::SandboxBuilder::meter), or of any
/// [instance](super::Program::meter).
///
/// A call is counted at its end, before its result is there, and whatever that is: of a call that failed, or was given
/// up while it ran, one wants to know most. Clones are the same place.
#[cfg_attr(
    feature = "js",
    doc = "
```
# async fn example(context: aiointernal::Context) -> Result<(), aiointernal::Error> {
use aiointernal::component::Meter;

let meter = Meter::new();
context.metered(&meter).eval(\"[1, 2, 3].map(x => x * x)\").await?;
let used = meter.take();
println!(\"{:?} of processor time, {} bytes of memory\", used.cpu, used.memory);
# Ok(())
# }
```"
)]
///
/// A call that is counted anywhere takes longer, as the system is asked for processor time: a call of a small function was measured with
/// 18 us instead of 14 (`benches/boundary.rs`).
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Usage>>);

impl Meter {
    /// One at zero.
    pub fn new() -> Meter {
        Meter::default()
    }

    /// What was used so far.
    pub fn total(&self) -> Usage {
        *self.lock()
    }

    /// What was used so far, which is no longer here then.
    pub fn take(&self) -> Usage {
        std::mem::take(&mut self.lock())
    }

    pub(crate) fn add(&self, usage: Usage) {
        *self.lock() += usage;
    }

    /// Whether both are one place.
    #[cfg(feature = "js")]
    pub(crate) fn is(&self, other: &Meter) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn lock(&self) -> MutexGuard<'_, Usage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What holds for one call from its begin to its end, however often it enters the instance, and what it has used so far.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) limits: Limits,
    /// When its time is over.
    pub(crate) until: Instant,
    /// Whether somebody wants to know its processor time.
    pub(crate) measured: bool,
    pub(crate) used: Cell<Usage>,
    /// Whether it goes on where its group has no processor time left, which it takes all the same. Its own is measured.
    pub(crate) outlasts_group: Cell<bool>,
}

impl Account {
    pub(crate) fn new(limits: Limits, until: Instant, measured: bool) -> Account {
        Account { limits, until, measured, used: Cell::default(), outlasts_group: Cell::default() }
    }

    /// Counts more of what was used.
    pub(crate) fn add(&self, more: Usage) {
        let mut used = self.used.get();
        used += more;
        self.used.set(used);
    }

    /// Fuel that is left.
    pub(super) fn fuel_left(&self) -> u64 {
        self.limits.fuel.saturating_sub(self.used.get().fuel)
    }

    /// Processor time that is left. `None`: no more than its time lets it have.
    pub(super) fn cpu_left(&self) -> Option<Duration> {
        let limit = self.limits.cpu_time;
        (limit < self.limits.wall_time).then(|| limit.saturating_sub(self.used.get().cpu))
    }
}

/// Tells the recorder of a call that has ended.
#[cfg(feature = "metrics")]
pub(crate) fn record(usage: &Usage, failed: Option<ErrorKind>) {
    use metrics::{counter, histogram};
    if usage.calls > 0 {
        // One of constants is made once.
        let calls = match failed {
            None => counter!("aiointernal_calls", "outcome" => "ok"),
            Some(kind) => counter!("aiointernal_calls", "outcome" => kind.code()),
        };
        calls.increment(usage.calls);
        histogram!("aiointernal_call_seconds").record(usage.wall);
        histogram!("aiointernal_queue_seconds").record(usage.queue);
        histogram!("aiointernal_memory_bytes").record(usage.memory as f64);
        if !usage.cpu.is_zero() {
            histogram!("aiointernal_cpu_seconds").record(usage.cpu);
        }
    }
    for (name, more) in [
        ("aiointernal_fuel", usage.fuel),
        ("aiointernal_bytes_in", usage.bytes_in),
        ("aiointernal_bytes_out", usage.bytes_out),
        ("aiointernal_host_calls", usage.host_calls),
        ("aiointernal_host_bytes", usage.host_bytes),
        ("aiointernal_console_bytes", usage.console_bytes),
        ("aiointernal_interrupts", usage.interrupts),
        ("aiointernal_lost", usage.lost),
    ] {
        if more > 0 {
            counter!(name).increment(more);
        }
    }
}

/// There is nobody to tell.
#[cfg(not(feature = "metrics"))]
pub(crate) fn record(_: &Usage, _: Option<ErrorKind>) {}

/// An instance, as the recorder counts it.
#[derive(Debug)]
pub(super) struct Counted(());

impl Counted {
    pub(super) fn new() -> Counted {
        #[cfg(feature = "metrics")]
        metrics::gauge!("aiointernal_instances").increment(1.0);
        Counted(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        #[cfg(feature = "metrics")]
        metrics::gauge!("aiointernal_instances").decrement(1.0);
    }
}
