//! One instance of a component: armed before each call, dropped after a trap, made anew for the next.

use std::{fmt, sync::Arc, time::Duration};

use wasmtime::{Store, Trap, UpdateDeadline};

use super::{
    deadline::{Deadline, Stop},
    engine::Engine,
    limits::{Limits, MemoryGuard},
};
use crate::{
    error::{Error, ErrorKind},
    thread::Running,
};

/// Tables and lists that a guest hands over in one call are copied by wasmtime before anything looks at them; this is
/// what may be copied beyond the result itself.
const LIST_OVERHEAD: usize = 1 << 20;

/// Resources of a guest that the host may hold at a time.
const MAX_HANDLES: usize = 1024;

/// A component, linked, and what of the host it may use.
pub(crate) trait Program: 'static {
    /// The host's side of one instance: what its imports work on.
    type Host: 'static;
    /// The functions that the host calls.
    type Exports;

    /// A host's side for a fresh instance.
    fn host(&self) -> Self::Host;

    /// Makes an instance and readies it for calls.
    fn instantiate(&self, store: &mut Store<Data<Self::Host>>, limits: &Limits) -> wasmtime::Result<Self::Exports>;
}

/// What belongs to an instance besides its memory.
#[derive(Debug)]
pub(crate) struct Data<H> {
    memory: MemoryGuard,
    pub(crate) deadline: Deadline,
    pub(crate) host: H,
}

/// An instance that is there when it is needed.
pub(crate) struct Instance<P: Program> {
    engine: Arc<Engine>,
    program: P,
    /// The limits that an instance is made under.
    limits: Limits,
    live: Option<Live<P>>,
    /// Instances made so far. A handle into an earlier one is void.
    generation: u64,
}

struct Live<P: Program> {
    store: Store<Data<P::Host>>,
    exports: P::Exports,
}

impl<P: Program> Instance<P> {
    /// Makes the first instance, so that an error is met now.
    pub(crate) fn new(engine: Arc<Engine>, program: P, limits: Limits) -> Result<Instance<P>, Error> {
        let mut instance = Instance { engine, program, limits, live: None, generation: 0 };
        instance.live = Some(instance.make()?);
        Ok(instance)
    }

    /// Whether there is an instance; else the next call makes one.
    pub(crate) fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// How many instances there were before this one.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Calls into the instance with every limit armed, making a fresh instance first where the last one is gone.
    ///
    /// An error of `body` is a trap: the instance is dropped, never entered again, and the error says so.
    pub(crate) fn enter<R>(
        &mut self,
        running: &Running,
        limits: &Limits,
        body: impl FnOnce(&mut Store<Data<P::Host>>, &P::Exports) -> wasmtime::Result<R>,
    ) -> Result<R, Error> {
        let mut live = match self.live.take() {
            Some(live) => live,
            None => self.make().map_err(Error::with_context_lost)?,
        };
        let _awake = self.engine.ticker.arm();
        arm(&mut live.store, Some((running, limits.wall_time)), limits);
        match body(&mut live.store, &live.exports) {
            Ok(result) => {
                live.store.data_mut().deadline.disarm();
                self.live = Some(live);
                Ok(result)
            }
            Err(trap) => Err(describe(&trap, live.store.data(), limits)),
        }
    }

    /// Drops the instance: the next call gets a fresh one.
    pub(crate) fn discard(&mut self) {
        self.live = None;
    }

    /// Makes a fresh instance in the place of the one that is there.
    pub(crate) fn replace(&mut self) -> Result<(), Error> {
        // The old one goes first: the pool may have no room for two.
        self.live = None;
        self.live = Some(self.make().map_err(Error::with_context_lost)?);
        Ok(())
    }

    fn make(&mut self) -> Result<Live<P>, Error> {
        let limits = &self.limits;
        let data = Data { memory: MemoryGuard::default(), deadline: Deadline::default(), host: self.program.host() };
        let mut store = Store::new(self.engine.wasmtime(), data);
        store.limiter(|data| &mut data.memory);
        store.set_max_component_handles(MAX_HANDLES);
        store.epoch_deadline_callback(|mut store| {
            Ok(if store.data_mut().deadline.tick() { UpdateDeadline::Continue(1) } else { UpdateDeadline::Interrupt })
        });
        arm(&mut store, None, limits);
        // Making an instance runs the guest's own, trusted set-up: it is short, and the ticker does not count it.
        store.set_epoch_deadline(u64::MAX / 2);
        let exports =
            self.program.instantiate(&mut store, limits).map_err(|error| match error.downcast::<Error>() {
                Ok(ours) => ours,
                Err(error) => {
                    Error::with_source(ErrorKind::Engine, format!("cannot make an instance: {error:#}"), error)
                }
            })?;
        self.generation += 1;
        Ok(Live { store, exports })
    }
}

impl<P: Program> fmt::Debug for Instance<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("generation", &self.generation).finish_non_exhaustive()
    }
}

fn arm<H>(store: &mut Store<Data<H>>, call: Option<(&Running, Duration)>, limits: &Limits) {
    // Also bounds what a list of the guest can make the host allocate.
    store.set_hostcall_fuel(limits.result.max(limits.console).saturating_add(LIST_OVERHEAD));
    store.set_epoch_deadline(1);
    let data = store.data_mut();
    data.memory.arm(limits.memory);
    match call {
        Some((running, time)) => data.deadline.arm(running.clone(), time),
        None => data.deadline.disarm(),
    }
}

/// What a trap means.
fn describe<H>(trap: &wasmtime::Error, data: &Data<H>, limits: &Limits) -> Error {
    const LOST: &str = "the context was replaced by a fresh one";
    match (trap.downcast_ref::<Trap>(), data.deadline.asked_to_stop()) {
        (Some(Trap::Interrupt), Some(stop)) => stopped(stop, limits, false),
        (Some(Trap::StackOverflow), _) => {
            Error::new(ErrorKind::StackLimit, format!("the engine's own stack overflowed; {LOST}")).with_context_lost()
        }
        _ if data.memory.has_refused() => Error::new(
            ErrorKind::MemoryLimit,
            format!("the call needed more than its {} bytes of memory; {LOST}", limits.memory),
        )
        .with_context_lost(),
        _ => Error::new(ErrorKind::Engine, format!("the engine trapped: {trap:#}; {LOST}")).with_context_lost(),
    }
}

/// The error of a call that was stopped.
pub(crate) fn stopped(stop: Stop, limits: &Limits, kept: bool) -> Error {
    let (kind, what) = match stop {
        Stop::Timeout => (ErrorKind::Timeout, format!("the call ran longer than its {:?}", limits.wall_time)),
        Stop::Cancelled => (ErrorKind::Cancelled, "the call was cancelled".to_owned()),
    };
    if kept {
        Error::new(kind, format!("{what}; the context was kept"))
    } else {
        Error::new(kind, format!("{what}; the context was replaced by a fresh one")).with_context_lost()
    }
}
