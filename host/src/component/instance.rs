//! One instance of a component: armed before each call, dropped after a trap, made anew for the next.

use std::{
    fmt, io,
    marker::PhantomData,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use wasmtime::{PoolConcurrencyLimitError, Store, Trap, UpdateDeadline};

#[cfg(feature = "js")]
use super::{brake::Page, deadline::Away, ledger::Refused, pages};
use super::{
    deadline::{self, Deadline, Processor, Stop},
    engine::Engine,
    group::{Group, Member},
    ledger::Ledger,
    limits::{Limits, MemoryGuard},
    room::NO_MEMORY,
    usage::{Account, Counted, Meter, Usage, record},
};
#[cfg(feature = "wasi")]
use super::{grants::Grants, wasi::Wasi};
use crate::{
    error::{Error, ErrorKind},
    thread::{Running, stack_of_this_thread},
};

/// Tables and lists that a guest hands over in one call are copied by wasmtime before anything looks at them; this is
/// what may be copied beyond the result itself.
const LIST_OVERHEAD: usize = 1 << 20;

/// Resources that a guest may hold, or the host hold for it, at a time.
pub(super) const MAX_HANDLES: usize = 1024;

/// A component, linked, and what of the host it may use: what fresh instances are made from.
pub trait Program: 'static {
    /// The host's side of one instance: what your implementations of its imports work on. `()` where it has none.
    type Host: 'static;

    /// What is called: most often the type that `bindgen!` makes of a world.
    type Exports: 'static;

    /// What error messages call an instance that was lost or kept.
    const NAME: &'static str = "instance";

    /// The host's side for a fresh instance.
    ///
    /// # Errors
    ///
    /// An [`Error`] in it reaches the caller as it is; every other is [`ErrorKind::Engine`].
    fn host(&self) -> wasmtime::Result<Self::Host>;

    /// Makes an instance and readies it for calls: most often `self.0.instantiate(store)`, of a `...Pre` that
    /// `bindgen!` makes. Runs within `limits`.
    ///
    /// # Errors
    ///
    /// As for [`host`](Program::host); traps of the guest are understood as in a call.
    fn instantiate(&self, store: &mut Store<Data<Self::Host>>, limits: &Limits) -> wasmtime::Result<Self::Exports>;

    /// Readies the host's side for a call under these limits. Default: does nothing.
    fn arm(&self, host: &mut Self::Host, limits: &Limits) {
        let _ = (host, limits);
    }

    /// The group that its instances belong to. Default: none.
    fn group(&self) -> Option<&Group> {
        None
    }

    /// Where it is added up what calls use. Default: nowhere.
    fn meter(&self) -> Option<&Meter> {
        None
    }

    /// What of WASI an instance is given, for programs that are linked with [`link_wasi`](super::link_wasi): those give
    /// something, if only [`Grants::default`]. Default: `None`, for programs without WASI.
    #[cfg(feature = "wasi")]
    fn grants(&self) -> Option<&Grants> {
        None
    }
}

/// What belongs to an instance besides its memory: the data of its store.
#[derive(Debug)]
pub struct Data<H> {
    memory: MemoryGuard,
    pub(super) deadline: Deadline,
    #[cfg(feature = "wasi")]
    pub(super) wasi: Option<Wasi>,
    /// The host's side, as [`Program::host`] made it.
    pub host: H,
}

impl<H> Data<H> {
    /// Why the running call is to stop, where it is: for an import that a guest asks this.
    ///
    /// A guest that returns within 1 ms of ticks that it ran in keeps its instance. One that does not is trapped.
    pub fn asked_to_stop(&self) -> Option<Stop> {
        self.deadline.asked_to_stop()
    }

    /// What the instance's memory is counted in.
    #[cfg(feature = "js")]
    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        self.memory.ledger()
    }

    /// By whose limit memory was refused last in this call, if it was.
    #[cfg(feature = "js")]
    pub(crate) fn refused(&self) -> Option<Refused> {
        self.memory.refused()
    }

    /// How many pages of its memory the instance has written, where that can be known.
    #[cfg(feature = "js")]
    pub(crate) fn written_pages(&self) -> Option<usize> {
        // What lies behind the memory is not there, and so not counted.
        self.deadline.memory().and_then(|start| pages::written(start, self.memory.taken()).ok())
    }

    /// As [`asked_to_stop`](Data::asked_to_stop), and sees first whether it is time.
    #[cfg(feature = "js")]
    pub(crate) fn heed(&self) -> Option<Stop> {
        self.deadline.heed()
    }

    /// Lets the instance be stopped by its [brake page](super::brake): this is what lies at an address of its memory.
    ///
    /// # Errors
    ///
    /// It does not.
    ///
    /// # Safety
    ///
    /// It does; and the component keeps the host from writing to the first page of its memory.
    #[cfg(feature = "js")]
    #[expect(unsafe_code, reason = "what it promises is the caller's to keep")]
    pub(crate) unsafe fn set_brake(&self, byte: &[u8], address: usize) -> wasmtime::Result<()> {
        // SAFETY: as the caller promised. The deadline is that of this instance's store, and closes the page during its calls only.
        let page = unsafe { Page::before(byte, address) };
        let page = page.ok_or_else(|| wasmtime::format_err!("{address} is not where it lies"))?;
        self.deadline.set_brake(page);
        Ok(())
    }

    /// For an import, while it does what may take long: the instance is not trapped for that meanwhile.
    #[cfg(feature = "js")]
    pub(crate) fn step_out(&self) -> Away {
        self.deadline.step_out()
    }

    /// Waits for a future on this thread, for an import that a guest calls. `None`: the call may wait no longer, and was
    /// asked to stop.
    #[cfg(feature = "js")]
    pub(crate) fn wait<F: Future>(&mut self, future: F) -> Option<F::Output> {
        self.deadline.wait(future)
    }
}

/// An instance that is there when it is needed: what lives on the thread of a
/// [`HeapThread`](crate::HeapThread).
///
/// Each call arms every limit, enters, and disarms. After a trap the instance is dropped, never entered again, and the
/// next call makes a fresh one.
pub struct Instance<P: Program> {
    engine: Engine,
    program: P,
    limits: Limits,
    /// What its memory is counted in, and what the host holds for it.
    ledger: Arc<Ledger>,
    /// Boxed, as each call takes it out and puts it back.
    live: Option<Box<Live<P>>>,
    /// One that is lost. Giving its memory back takes milliseconds, for which no answer has to wait.
    dead: Option<Box<Live<P>>>,
    /// Its place in its group: given back behind its memory.
    member: Option<Member>,
    generation: u64,
    /// The thread was found to have the stack that it takes; so here it stays.
    stays: PhantomData<Rc<()>>,
}

struct Live<P: Program> {
    store: Store<Data<P::Host>>,
    exports: P::Exports,
    _counted: Counted,
}

impl<P: Program> Instance<P> {
    /// Makes the first instance, so that an error is met now. Its start functions have the wall time of one call.
    ///
    /// On a thread that [`Engine::builder`] started: no other is known to have the stack that compiled code may use.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](ErrorKind::InvalidArgument): this is another thread; or there is a limit of fuel, and the
    ///   engine does not [count](super::Config::fuel) it.
    /// - [`GroupFull`](ErrorKind::GroupFull): its group has as many instances as it may have.
    /// - A limit, [`Trapped`](ErrorKind::Trapped): so ended a start function.
    /// - [`MemoryLimit`](ErrorKind::MemoryLimit): the component starts with more memory than the limit.
    /// - [`Engine`](ErrorKind::Engine): as many instances are alive as [`Config`](super::Config) allows, or
    ///   [`Program::host`] failed.
    pub fn new(engine: &Engine, program: P, limits: Limits) -> Result<Instance<P>, Error> {
        if stack_of_this_thread() < engine.thread_stack() {
            let message = format!(
                "this thread is not known to have the {} bytes of stack that compiled code may use: start it with \
                 `Engine::builder`",
                engine.thread_stack()
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let member = program.group().map(Group::join).transpose()?;
        let group = member.as_ref().map(Member::group);
        let limits = group.map_or(limits, |group| limits.lower(group.limits()));
        let ledger = Ledger::new(limits.memory, group.map(|group| Arc::clone(group.ledger())));
        let engine = engine.clone();
        let (live, dead, generation, stays) = (None, None, 0, PhantomData);
        let mut instance = Instance { engine, program, limits, member, ledger, live, dead, generation, stays };
        instance.admit()?;
        instance.replace()?;
        Ok(instance)
    }

    /// The limits of every call.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The program that instances are made from.
    pub fn program(&self) -> &P {
        &self.program
    }

    /// Whether there is an instance; else the next call makes one.
    pub fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// How many instances were made so far. A resource of an earlier one must not be used with the last, in which its
    /// number may mean another: see [`Held`](super::Held).
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Calls into the instance with every limit armed, making a fresh instance first where the last one is gone.
    ///
    /// An error of `body`, other than the errors that are in its result, is a trap: the instance is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::is_context_kept`] is false of each:
    ///
    /// - [`Timeout`](ErrorKind::Timeout), [`Cancelled`](ErrorKind::Cancelled): it was stopped.
    /// - [`MemoryLimit`](ErrorKind::MemoryLimit), [`StackLimit`](ErrorKind::StackLimit),
    ///   [`ResultTooLarge`](ErrorKind::ResultTooLarge): it trapped at a limit.
    /// - [`Trapped`](ErrorKind::Trapped): it trapped for a reason of its own, or a host function failed. The source is
    ///   wasmtime's error, or what the host function gave. A host function that gives an [`Error`] gives this one.
    pub fn enter<R>(
        &mut self,
        running: &Running,
        body: impl FnOnce(&mut Store<Data<P::Host>>, &P::Exports) -> wasmtime::Result<R>,
    ) -> Result<R, Error> {
        self.enter_within(running, &self.limits.clone(), body)
    }

    /// As [`enter`](Instance::enter), with limits for this call; where those of the instance, or the timeout that the
    /// caller chose, are lower, those hold.
    ///
    /// # Errors
    ///
    /// As `enter`.
    pub fn enter_within<R>(
        &mut self,
        running: &Running,
        limits: &Limits,
        body: impl FnOnce(&mut Store<Data<P::Host>>, &P::Exports) -> wasmtime::Result<R>,
    ) -> Result<R, Error> {
        let limits = self.limits.for_call(running, Some(*limits));
        let account = Account::new(limits, end_of(running, &limits), self.program.meter().is_some());
        let began = Instant::now();
        let result = self.admit().and_then(|()| self.enter_for(running, &account, body));
        self.bury();
        let (queue, wall) = (running.waited().unwrap_or_default(), began.elapsed());
        let used = Usage { calls: 1, queue, wall, ..account.used.get() };
        record(&used, result.as_ref().err().map(Error::kind));
        if let Some(meter) = self.program.meter() {
            meter.add(used);
        }
        result
    }

    /// Gives back what an instance had that is lost.
    pub(crate) fn bury(&mut self) {
        self.dead = None;
    }

    /// As `enter_within`, for a part of what may enter several times. One that is lost has to be [buried](Instance::bury).
    pub(crate) fn enter_for<R>(
        &mut self,
        running: &Running,
        account: &Account,
        body: impl FnOnce(&mut Store<Data<P::Host>>, &P::Exports) -> wasmtime::Result<R>,
    ) -> Result<R, Error> {
        let limits = &account.limits;
        check_fuel(&self.engine, limits)?;
        let mut live = match self.live.take() {
            Some(live) => live,
            None => {
                self.dead = None;
                let live = self.make(running, account).map_err(Error::with_context_lost)?;
                self.generation = self.generation.saturating_add(1);
                live
            }
        };
        // Behind the making of an instance, which counted its own.
        let processor = self.processor(account);
        let _watch = match self.engine.ticker().watch(&live.store.data().deadline) {
            Ok(watch) => watch,
            Err(error) => {
                self.live = Some(live);
                return Err(error);
            }
        };
        arm(&mut live.store, running, account.until, limits, processor);
        if self.engine.config().fuel {
            live.store.set_fuel(account.fuel_left()).map_err(|error| host_error(error, "fuel cannot be counted"))?;
        }
        self.program.arm(&mut live.store.data_mut().host, limits);
        let entered = within_runtime(&mut live.store, |store| body(store, &live.exports));
        let cpu = live.store.data_mut().deadline.disarm();
        let is_counted = self.engine.config().fuel;
        let fuel = if is_counted { account.fuel_left().saturating_sub(live.store.get_fuel().unwrap_or(0)) } else { 0 };
        let interrupts = live.store.data().asked_to_stop().map_or(0, |_| 1);
        let lost = u64::from(entered.is_err());
        let (memory, memory_after) = (self.ledger.peak(), self.ledger.used());
        account.add(Usage { cpu, fuel, memory, memory_after, interrupts, lost, ..Usage::default() });
        match entered {
            Ok(result) => {
                self.live = Some(live);
                Ok(result)
            }
            Err(trap) => {
                let error = self.describe(trap, live.store.data(), limits, &fate::<P>(false));
                self.dead = Some(live);
                Err(error)
            }
        }
    }

    /// Whether a call may begin.
    ///
    /// # Errors
    ///
    /// [`CpuLimit`](ErrorKind::CpuLimit): its group has no processor time left.
    pub(crate) fn admit(&self) -> Result<(), Error> {
        match self.group().filter(|group| group.bounds_cpu_time() && !group.take_cpu_time(Duration::ZERO)) {
            Some(group) => {
                let message = format!("{}; {}", group.exhausted(), fate::<P>(self.is_live()));
                Err(Error::new(ErrorKind::CpuLimit, message))
            }
            None => Ok(()),
        }
    }

    /// The processor time of what begins now, where somebody wants to know.
    fn processor(&self, account: &Account) -> Option<Processor> {
        let group = self.group().filter(|group| group.bounds_cpu_time());
        let left = account.cpu_left();
        let is_wanted = account.measured || account.outlasts_group.get() || group.is_some() || left.is_some();
        is_wanted.then(|| Processor::begin(left, group, account.outlasts_group.get()))
    }

    /// What a trap means.
    fn describe(&self, trap: wasmtime::Error, data: &Data<P::Host>, limits: &Limits, fate: &str) -> Error {
        let trap = match trap.downcast::<Error>() {
            Ok(ours) => return ours.with_context_lost(),
            Err(trap) => trap,
        };
        let text = trap.root_cause().to_string();
        let (kind, what) = match (trap.downcast_ref::<Trap>(), data.deadline.asked_to_stop(), data.memory.refused()) {
            (Some(Trap::Interrupt), Some(stop), _) => (stop.kind(), stop.what(limits, self.group())),
            (Some(Trap::MemoryOutOfBounds), Some(stop), _) if data.deadline.is_braked() => {
                (stop.kind(), stop.what(limits, self.group()))
            }
            (Some(Trap::OutOfFuel), ..) => {
                (ErrorKind::FuelLimit, format!("the call needed more than its {} units of fuel", limits.fuel))
            }
            (Some(Trap::StackOverflow), ..) => {
                let stack = self.engine.config().stack;
                (
                    ErrorKind::StackLimit,
                    format!("the call needed more than the {stack} bytes of stack of compiled code"),
                )
            }
            // By custom a guest that has no memory left traps so.
            (Some(Trap::UnreachableCodeReached), _, Some(refused)) => {
                (ErrorKind::MemoryLimit, format!("the call needed more than {refused} ({text})"))
            }
            // wasmtime does not name the types of these errors.
            _ if text.contains("fuel allocated for hostcalls") => (
                ErrorKind::ResultTooLarge,
                format!(
                    "the component handed over too much in one call, with a result of at most {} bytes",
                    limits.result
                ),
            ),
            _ if text.contains("resource table has no free keys") || text.contains("store handle limit exceeded") => (
                ErrorKind::Trapped,
                format!(
                    "the component holds more than {MAX_HANDLES} resources, or has more open than WASI lets it: {text}"
                ),
            ),
            (Some(trap), ..) => (ErrorKind::Trapped, format!("the component trapped: {trap}")),
            _ => (ErrorKind::Trapped, format!("the component stopped: {trap:#}")),
        };
        Error::with_source(kind, format!("{what}; {fate}"), trap).with_context_lost()
    }

    fn group(&self) -> Option<&Group> {
        self.member.as_ref().map(Member::group)
    }

    /// A fresh instance, readied for calls, within the time of this call. Its fuel is not the call's: a call burns the same with a
    /// fresh instance and without.
    fn make(&self, running: &Running, account: &Account) -> Result<Box<Live<P>>, Error> {
        let limits = self.limits;
        check_fuel(&self.engine, &limits)?;
        let data = Data {
            memory: MemoryGuard::new(Arc::clone(&self.ledger)),
            deadline: Deadline::default(),
            #[cfg(feature = "wasi")]
            wasi: self.program.grants().map(Wasi::new).transpose()?,
            host: self.program.host().map_err(|error| host_error(error, "the host's side cannot be made"))?,
        };
        let mut store = Store::new(self.engine.wasmtime(), data);
        store.limiter(|data| &mut data.memory);
        store.set_max_component_handles(MAX_HANDLES);
        store.epoch_deadline_callback(|store| {
            Ok(if store.data().deadline.tick() { UpdateDeadline::Continue(1) } else { UpdateDeadline::Interrupt })
        });
        let watch = self.engine.ticker().watch(&store.data().deadline)?;
        arm(&mut store, running, account.until, &limits, self.processor(account));
        if self.engine.config().fuel {
            store.set_fuel(limits.fuel).map_err(|error| host_error(error, "fuel cannot be counted"))?;
        }
        self.program.arm(&mut store.data_mut().host, &limits);
        let made = within_runtime(&mut store, |store| self.program.instantiate(store, &limits));
        let cpu = store.data_mut().deadline.disarm();
        account.add(Usage { cpu, ..Usage::default() });
        let exports = made.map_err(|error| self.unmade(error, store.data()))?;
        drop(watch);
        Ok(Box::new(Live { store, exports, _counted: Counted::new() }))
    }

    /// Why an instance could not be made.
    fn unmade(&self, error: wasmtime::Error, data: &Data<P::Host>) -> Error {
        if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
            let most = self.engine.config().instances;
            let message = format!("no room for one more {}: {full} (`Config::instances` is {most})", P::NAME);
            return Error::with_source(ErrorKind::Engine, message, error);
        }
        let fate = format!("the {} could not be made", P::NAME);
        if error.is::<Trap>() || data.deadline.asked_to_stop().is_some() {
            return self.describe(error, data, &self.limits, &fate);
        }
        if let Some(refused) = data.memory.refused() {
            let message = format!("it needs more than {refused}; {fate}");
            return Error::with_source(ErrorKind::MemoryLimit, message, error);
        }
        let what = format!("cannot make the {}", P::NAME);
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory) {
            let message = format!("{what}: {error:#}. {NO_MEMORY}");
            return Error::with_source(ErrorKind::Engine, message, error);
        }
        host_error(error, &what)
    }

    /// What its memory is counted in.
    #[cfg(feature = "js")]
    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The host's side of the instance that is there.
    #[cfg(feature = "js")]
    pub(crate) fn host_mut(&mut self) -> Option<&mut P::Host> {
        self.live.as_mut().map(|live| &mut live.store.data_mut().host)
    }

    /// The error of a call that a guest ended by itself after [`Data::asked_to_stop`] told it to. It says whether the
    /// instance was kept: it was unless it has been [discarded](Instance::discard).
    pub fn stopped(&self, stop: Stop, limits: &Limits) -> Error {
        let error =
            Error::new(stop.kind(), format!("{}; {}", stop.what(limits, self.group()), fate::<P>(self.is_live())));
        if self.is_live() { error } else { error.with_context_lost() }
    }

    /// Drops the instance: the next call gets a fresh one.
    pub fn discard(&mut self) {
        self.live = None;
    }

    /// Drops the instance, and begins to count anew: what the host still holds for it counts for its group, and no longer here.
    #[cfg(feature = "js")]
    pub(crate) fn forget_charges(&mut self) {
        self.live = None;
        self.bury();
        self.ledger = Ledger::new(self.limits.memory, self.group().map(|group| Arc::clone(group.ledger())));
    }

    /// Makes a fresh instance in the place of the one that is there.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Instance::new). There is no instance then; the next call tries again.
    pub fn replace(&mut self) -> Result<(), Error> {
        // The old one goes first: the pool may have no room for two.
        self.live = None;
        self.bury();
        let account = Account::new(self.limits, deadline::after(self.limits.wall_time), false);
        let made = self.make(&Running::unattended(), &account);
        self.live = Some(made.map_err(Error::with_context_lost)?);
        self.generation = self.generation.saturating_add(1);
        Ok(())
    }
}

impl<P: Program> fmt::Debug for Instance<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// When the time of a call is over that starts now. A call that enters several times has one end.
pub(crate) fn end_of(running: &Running, limits: &Limits) -> Instant {
    let longest = deadline::after(limits.wall_time);
    running.ends().map_or(longest, |ends| ends.min(longest))
}

/// Refuses a limit that the engine would not keep.
fn check_fuel(engine: &Engine, limits: &Limits) -> Result<(), Error> {
    if limits.fuel == u64::MAX || engine.config().fuel {
        return Ok(());
    }
    let message = format!("a limit of {} units of fuel, and the engine does not count it", limits.fuel);
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

/// Runs what may call WASI: in the runtime of the instance, where it has one.
fn within_runtime<H, R>(store: &mut Store<Data<H>>, body: impl FnOnce(&mut Store<Data<H>>) -> R) -> R {
    #[cfg(feature = "wasi")]
    let handle = store.data().wasi.as_ref().and_then(Wasi::handle);
    #[cfg(feature = "wasi")]
    let _runtime = handle.as_ref().map(|handle| handle.enter());
    body(store)
}

fn arm<H>(
    store: &mut Store<Data<H>>,
    running: &Running,
    until: Instant,
    limits: &Limits,
    processor: Option<Processor>,
) {
    // Also bounds what a list of the guest can make the host allocate.
    store.set_hostcall_fuel(limits.result.max(limits.console).saturating_add(LIST_OVERHEAD));
    store.set_epoch_deadline(1);
    let data = store.data_mut();
    data.memory.arm(limits.memory);
    data.deadline.arm(running.clone(), until, processor);
    #[cfg(feature = "wasi")]
    if let Some(wasi) = &mut data.wasi {
        wasi.arm(limits.console);
    }
}

/// An error that is one of ours, or wrapped as a fault of the host.
fn host_error(error: wasmtime::Error, what: &str) -> Error {
    error
        .downcast::<Error>()
        .unwrap_or_else(|error| Error::with_source(ErrorKind::Engine, format!("{what}: {error:#}"), error))
}

/// What became of the instance.
fn fate<P: Program>(kept: bool) -> String {
    if kept { format!("the {} was kept", P::NAME) } else { format!("the {} was replaced by a fresh one", P::NAME) }
}
