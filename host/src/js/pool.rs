//! Contexts on a few threads, for servers with many tenants.

use std::{
    cmp::Reverse,
    collections::HashMap,
    fmt,
    num::{NonZeroU32, NonZeroUsize},
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::{
    context::Context,
    engine::Engine,
    evaluation::Lease,
    sandbox::{ContextBuilder, Sandbox},
    source::Source,
    value::Value,
};
use crate::{
    error::{Error, ErrorKind},
    thread::{HeapThread, Lane, Opening},
};

/// The time that a call in a pool may take of its thread, unless the [builder](PoolBuilder::slice) says otherwise.
const SLICE: Duration = Duration::from_millis(100);

/// Spare contexts that are kept for each thread.
const SPARES: usize = 8;

/// Contexts on a few threads, for servers with many tenants.
///
/// A [sandbox](Sandbox) opens each context on a thread of its own. A pool has a few threads, and each of them serves many
/// contexts: those of [tenants](Pool::context), which stay, and [fresh](Pool::fresh) ones, which are used once. A context is on
/// one thread for its life: the one that has the fewest contexts when it is opened, where each that waits for its turn counts twice. Clones are the same pool.
///
/// # Fairness
///
/// Every context has a queue of its own. Those of a thread take turns: in each a context runs one call, or as many as its
/// [weight](ContextBuilder::weight) says. A call runs to its end, or until it waits for a host function. So that none keeps its
/// neighbours waiting for longer than a [slice](PoolBuilder::slice), it may take no more processor time than that
/// ([`CpuLimit`](ErrorKind::CpuLimit)); scripts that need more belong on a thread of their own, by
/// [`Sandbox::context`]. Not bounded by it: sync host functions and resolvers that wait; a batch that is awaited, which is one call with a
/// slice for each of its sources (one that is streamed takes turns); and what evaluations that waited do when several are answered
/// at once. The wall time of an evaluation that waits goes on while neighbours run.
///
/// # Failure
///
/// A context that panics ends alone ([`Panicked`](ErrorKind::Panicked)), and so does one that the system has no memory for. Should a
/// thread itself panic, the contexts on it are lost: each of their calls is answered with that, the thread goes on, and who asks for a
/// tenant again gets a fresh context.
///
/// # Example
///
/// ```
/// # async fn example(sandbox: aiointernal::Sandbox) -> Result<(), aiointernal::Error> {
/// use aiointernal::js::Pool;
///
/// let pool = Pool::new(&sandbox)?;
/// // In a context that nobody used before, and nobody will after.
/// assert_eq!(pool.eval("1 + 2").await?, 3.into());
/// // In that of a tenant.
/// pool.context("tenant-7").await?.eval("globalThis.count = 1").await?;
/// assert_eq!(pool.context("tenant-7").await?.eval("count").await?, 1.into());
/// pool.close().await;
/// # Ok(())
/// # }
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(example(aiointernal::Sandbox::new().unwrap())).unwrap();
/// ```
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    sandbox: Sandbox,
    lanes: Vec<Lane>,
    max_contexts: usize,
    spares: usize,
    contexts: Mutex<Contexts>,
}

#[derive(Default)]
struct Contexts {
    is_closed: bool,
    tenants: HashMap<String, HeapThread<Engine>>,
    /// When there are so many tenants, those that were closed are looked for.
    crowd: usize,
    /// Fresh contexts, by the number of their thread, which nobody uses.
    idle: Vec<Vec<Context>>,
    /// Fresh contexts that somebody uses, by the number of their lease.
    leased: HashMap<u64, HeapThread<Engine>>,
    leases: u64,
}

/// What can be chosen for a [`Pool`].
#[derive(Clone, Debug)]
#[must_use]
pub struct PoolBuilder {
    sandbox: Sandbox,
    threads: Option<NonZeroUsize>,
    slice: Duration,
    max_contexts: usize,
    spares: usize,
}

impl PoolBuilder {
    /// How many threads there are. Default: as many as the machine has cores. More than that work as well: they share the cores, and
    /// the time limits of calls go on while they wait for one.
    pub fn threads(mut self, threads: NonZeroUsize) -> PoolBuilder {
        self.threads = Some(threads);
        self
    }

    /// The processor time that one call may take, where the limits of the context do not say less. It is the longest that a
    /// neighbour on the same thread waits for it. Default: 100 ms.
    pub fn slice(mut self, slice: Duration) -> PoolBuilder {
        self.slice = slice;
        self
    }

    /// How many contexts there may be, of tenants and fresh ones. Default, and at most: as many as the sandbox may have, which those
    /// that are opened from it beside the pool count towards as well.
    pub fn max_contexts(mut self, contexts: usize) -> PoolBuilder {
        self.max_contexts = contexts;
        self
    }

    /// How many fresh contexts are kept ready on each thread. Default: 8.
    pub fn spares(mut self, spares: usize) -> PoolBuilder {
        self.spares = spares;
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// - [`Thread`](ErrorKind::Thread): the system refused one.
    /// - [`InvalidArgument`](ErrorKind::InvalidArgument): it may have more contexts than its sandbox.
    pub fn build(self) -> Result<Pool, Error> {
        let PoolBuilder { mut sandbox, threads, slice, max_contexts, spares } = self;
        let most = sandbox.max_contexts();
        if max_contexts > most {
            let message = format!(
                "a pool of {max_contexts} contexts, and its sandbox may have {most}: `SandboxBuilder::max_contexts` is for both"
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let threads = threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        sandbox.bound_cpu_time(slice);
        let lanes = (0..threads).map(|number| sandbox.lane(&format!("aiointernal-pool-{number}")));
        let lanes = lanes.collect::<Result<Vec<_>, Error>>()?;
        let idle = lanes.iter().map(|_| Vec::new()).collect();
        let contexts = Mutex::new(Contexts { idle, ..Contexts::default() });
        Ok(Pool(Arc::new(Inner { sandbox, lanes, max_contexts, spares, contexts })))
    }
}

/// What a [`Pool`] has and does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Its threads.
    pub threads: usize,
    /// Contexts: of tenants, fresh ones in use, and idle ones.
    pub contexts: usize,
    /// Contexts of tenants.
    pub tenants: usize,
    /// Fresh contexts that are ready to be used.
    pub idle: usize,
    /// Contexts that have something to do and wait for their thread.
    pub waiting: usize,
}

impl Pool {
    /// A pool with the defaults of [`PoolBuilder`].
    ///
    /// # Errors
    ///
    /// Those of [`PoolBuilder::build`].
    pub fn new(sandbox: &Sandbox) -> Result<Pool, Error> {
        Pool::builder(sandbox).build()
    }

    /// What can be chosen for a pool of contexts of this sandbox.
    pub fn builder(sandbox: &Sandbox) -> PoolBuilder {
        let max_contexts = sandbox.max_contexts();
        PoolBuilder { sandbox: sandbox.clone(), threads: None, slice: SLICE, max_contexts, spares: SPARES }
    }

    /// The context of a tenant. The first time it is opened, with what is chosen here; as long as it is not closed, this gives
    /// the same one again, and what is chosen has no effect.
    ///
    /// # Errors
    ///
    /// Those of [`Sandbox::context`]; and [`PoolFull`](ErrorKind::PoolFull): there are as many contexts as may be;
    /// [`Closed`](ErrorKind::Closed): the pool is closed.
    pub fn context(&self, tenant: impl Into<String>) -> ContextBuilder {
        self.0.sandbox.context().of(self.clone(), tenant.into())
    }

    /// A context that nobody used before. It is replaced by a fresh one when this is dropped.
    ///
    /// What is to hold for it is chosen as for single calls: [`limited`](Context::limited), [`granting`](Context::granting),
    /// [`printing_to`](Context::printing_to), [`metered`](Context::metered).
    ///
    /// # Errors
    ///
    /// As for [`context`](Pool::context).
    pub async fn fresh(&self) -> Result<Fresh, Error> {
        let (number, lane, context) = match self.lease()? {
            Leased::Ready(number, lane, context) => (number, lane, context),
            Leased::Opens(number, lane, opening) => {
                // Who waits for it may go meanwhile.
                let mut unopened = Unopened { pool: self, number: Some(number) };
                let context = Context::new(opening.await?);
                unopened.number = None;
                (number, lane, context)
            }
        };
        let lease = Lease::default();
        Ok(Fresh { pool: self.clone(), number, lane, context: context.leased(&lease), lease })
    }

    /// Evaluates a source in a [fresh](Pool::fresh) context.
    ///
    /// # Errors
    ///
    /// Those of `fresh` and of [`Context::eval`].
    pub async fn eval(&self, source: impl Into<Source>) -> Result<Value, Error> {
        let source = source.into();
        self.fresh().await?.eval(source).await
    }

    /// Closes every context: calls in their queues still run, evaluations that wait still end, and later ones are refused. It is
    /// ready when all those have ended; closing again is fine and waits for the same end.
    pub async fn close(&self) {
        let contexts = {
            let mut contexts = self.lock();
            contexts.is_closed = true;
            let idle = contexts.idle.iter().flatten().map(Context::thread);
            idle.chain(contexts.tenants.values().cloned()).chain(contexts.leased.values().cloned()).collect::<Vec<_>>()
        };
        let closing: Vec<_> = contexts.iter().map(HeapThread::close).collect();
        for closed in closing {
            // How a tenant's context has ended is for those who used it.
            let _ = closed.await;
        }
    }

    /// What it has and does now.
    pub fn stats(&self) -> PoolStats {
        let contexts = self.lock();
        let (waiting, members) = self.load();
        PoolStats {
            threads: self.0.lanes.len(),
            contexts: members,
            tenants: contexts.tenants.values().filter(|thread| !thread.is_closed()).count(),
            idle: contexts.idle.iter().map(Vec::len).sum(),
            waiting,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Contexts> {
        self.0.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many contexts wait, and how many there are.
    fn load(&self) -> (usize, usize) {
        self.0.lanes.iter().map(Lane::load).fold((0, 0), |(waiting, members), (more_waiting, more)| {
            (waiting.saturating_add(more_waiting), members.saturating_add(more))
        })
    }

    /// The thread with the least to do, where there is room for one more context.
    fn lane(&self, contexts: &mut Contexts) -> Result<(usize, &Lane), Error> {
        if contexts.is_closed {
            return Err(Error::new(ErrorKind::Closed, "the pool is closed"));
        }
        let most = self.0.max_contexts;
        if self.load().1 >= most {
            // One that nobody uses makes room: it ends before what begins on its thread behind it.
            let idle = contexts.idle.iter_mut().enumerate().max_by_key(|(_, idle)| idle.len());
            if let Some((number, Some(evicted))) = idle.map(|(number, idle)| (number, idle.pop()))
                && let Some(lane) = self.0.lanes.get(number)
            {
                // Whoever has a handle of an old use does not keep it.
                drop(evicted.close_now());
                return Ok((number, lane));
            }
            let message =
                format!("the pool has its {most} contexts, the most it may have (`PoolBuilder::max_contexts`)");
            return Err(Error::new(ErrorKind::PoolFull, message));
        }
        // A context stays for its life: that a thread is busy at this moment counts for one context, and no more.
        let load = |lane: &Lane| {
            let (waiting, members) = lane.load();
            (members.saturating_add(waiting), members)
        };
        let lane = self.0.lanes.iter().enumerate().min_by_key(|(_, lane)| load(lane));
        lane.ok_or_else(|| Error::new(ErrorKind::Engine, "a pool without threads"))
    }

    /// The context of a tenant, which is opened where there is none.
    pub(super) fn open(
        &self,
        tenant: String,
        open: impl FnOnce(&Lane) -> Opening<Engine>,
    ) -> Result<Opening<Engine>, Error> {
        let mut contexts = self.lock();
        if let Some(thread) = contexts.tenants.get(&tenant).filter(|thread| !thread.is_closed()) {
            return Ok(Opening::of(thread.clone()));
        }
        let (_, lane) = self.lane(&mut contexts)?;
        let opening = open(lane);
        if contexts.tenants.len() >= contexts.crowd {
            contexts.tenants.retain(|_, thread| !thread.is_closed());
            contexts.crowd = contexts.tenants.len().saturating_mul(2).max(64);
        }
        if let Some(thread) = opening.thread() {
            contexts.tenants.insert(tenant, thread);
        }
        Ok(opening)
    }

    /// A fresh context: an idle one of the thread with the least to do, or of any; else one more.
    fn lease(&self) -> Result<Leased, Error> {
        let mut contexts = self.lock();
        let contexts = &mut *contexts;
        // One may have died since.
        contexts.idle.iter_mut().for_each(|idle| idle.retain(|context| !context.is_closed()));
        contexts.leases = contexts.leases.wrapping_add(1);
        let number = contexts.leases;
        let loads = self.0.lanes.iter().map(Lane::load);
        let idle = contexts.idle.iter_mut().enumerate().zip(loads).filter(|((_, idle), _)| !idle.is_empty());
        let least = idle.min_by_key(|((_, idle), (waiting, _))| (*waiting, Reverse(idle.len())));
        if let Some(((lane, idle), _)) = least
            && let Some(context) = idle.pop()
        {
            contexts.leased.insert(number, context.thread());
            return Ok(Leased::Ready(number, lane, context));
        }
        let (lane_number, lane) = self.lane(contexts)?;
        let opening = self.0.sandbox.context().open_on(lane, NonZeroU32::MIN);
        contexts.leased.extend(opening.thread().map(|thread| (number, thread)));
        Ok(Leased::Opens(number, lane_number, opening))
    }

    /// A fresh context was used: it is idle again, unless there are enough of them.
    fn give_back(&self, number: u64, lane: usize, context: Context) {
        let mut contexts = self.lock();
        contexts.leased.remove(&number);
        let is_wanted = !contexts.is_closed && !context.is_closed();
        let idle = contexts.idle.get_mut(lane).filter(|idle| is_wanted && idle.len() < self.0.spares);
        match idle {
            Some(idle) => idle.push(context),
            None => drop(context.close()),
        }
    }
}

/// A lease of a context that is not open yet: without its end, it is none.
struct Unopened<'a> {
    pool: &'a Pool,
    number: Option<u64>,
}

impl Drop for Unopened<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.pool.lock().leased.remove(&number);
        }
    }
}

enum Leased {
    Ready(u64, usize, Context),
    Opens(u64, usize, Opening<Engine>),
}

/// A context of a [`Pool`] that nobody used before, from [`Pool::fresh`].
///
/// It is a [`Context`], until it is dropped. Handles that were cloned from it find it closed afterwards, and values of it are gone.
#[derive(Debug)]
pub struct Fresh {
    pool: Pool,
    number: u64,
    lane: usize,
    context: Context,
    lease: Lease,
}

impl Deref for Fresh {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // What is still queued of it is refused from now on, and who comes next is behind this message.
        self.lease.end();
        let thread = self.context.thread();
        thread.send(Engine::begin_use);
        self.pool.give_back(self.number, self.lane, Context::new(thread));
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
