//! Contexts on a few threads, for servers with many tenants.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    num::{NonZeroU32, NonZeroUsize},
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::{
    context::Context, context_builder::ContextBuilder, engine::Engine, evaluation::Lease, sandbox::Sandbox,
    source::Source, value::Value,
};
use crate::{
    error::{Error, ErrorKind},
    thread::{Closing, HeapThread, Lane, Opening},
};

/// The time that a call in a pool may take of its thread, unless the [builder](PoolBuilder::slice) says otherwise.
const SLICE: Duration = Duration::from_millis(100);

/// Spare contexts of each thread.
const SPARES: usize = 8;

/// Contexts on a few threads, for servers with many tenants.
///
/// A [sandbox](Sandbox) opens each context on a thread of its own. A pool has a few threads, and each of them serves many
/// contexts: those of [tenants](Pool::context), which stay, and [fresh](Pool::fresh) ones, which are used once. A context is on
/// one thread for its life: the one that has the fewest contexts when it is opened, where each that waits for its turn counts twice.
/// Fresh ones are [kept ready](PoolBuilder::spares), and are taken from the thread that has the least to do. Clones are the same pool.
///
/// # Fairness
///
/// Every context has a queue of its own. Those of a thread take turns: in each a context runs one call, or as many as its
/// [weight](ContextBuilder::weight) says. A call runs to its end, or until it waits for a host function, and may take no more processor
/// time than a [slice](PoolBuilder::slice) ([`CpuLimit`](ErrorKind::CpuLimit)); scripts that need more belong on a thread of their own, by
/// [`Sandbox::context`]. So a call waits for no more than a slice of each other context of its thread that has something to do, times its
/// weight: with ten busy neighbours and slices of 100 ms, a second.
///
/// It is fair between contexts. Each [`eval`](Pool::eval) has one of its own, so a tenant with a hundred of them at once has a hundred turns where a
/// tenant with a context has one. Who serves such bounds how many of a tenant run at once, or gives the tenant a [context](Pool::context) and
/// [resets](Context::reset) it.
///
/// Not bounded by the slice: sync host functions, resolvers and [sinks of the console](ContextBuilder::on_console) that wait;
/// [`eval_file`](Context::eval_file), which reads on the thread; a batch that is awaited, which is one call with a slice for each
/// of its sources, and takes them from their iterator there (one that is streamed takes turns); and what evaluations that waited do when several are
/// answered at once. The wall time of an evaluation that waits goes on while neighbours run.
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
    /// Fresh contexts that nobody uses, of each thread.
    unused: Vec<Unused>,
    /// Fresh contexts that somebody uses, by the number of their lease.
    leased: HashMap<u64, HeapThread<Engine>>,
    leases: u64,
}

/// Fresh contexts of a thread that nobody uses.
#[derive(Default)]
struct Unused {
    /// Those that are ready, or will be before their next call.
    idle: Vec<HeapThread<Engine>>,
    /// Those that were used, of which nothing is left, and which are to be made anew. The first was given back first.
    used: VecDeque<HeapThread<Engine>>,
    /// The thread is to make one anew when it has nothing else to do.
    has_chore: bool,
    /// Those that the pool has closed. Each makes room for one more on the same thread, which begins behind its end.
    closing: VecDeque<Closing>,
}

impl Unused {
    fn iter(&self) -> impl Iterator<Item = &HeapThread<Engine>> {
        self.idle.iter().chain(&self.used)
    }

    fn len(&self) -> usize {
        self.idle.len().saturating_add(self.used.len())
    }

    /// One that was used is made anew: that which was given back last is in the processor's caches, and so is the first choice of who asks.
    fn renew(&mut self, used: Option<HeapThread<Engine>>) {
        if let Some(thread) = used {
            // Who comes next is behind this message.
            thread.send(Engine::begin_use);
            self.idle.push(thread);
        }
    }

    /// Takes the one that was used last: of those that are ready, if there are any.
    fn take(&mut self) -> Option<HeapThread<Engine>> {
        if self.idle.is_empty() {
            let used = self.used.pop_back();
            self.renew(used);
        }
        self.idle.pop()
    }

    /// Takes those that have ended.
    fn take_dead(&mut self) -> Vec<HeapThread<Engine>> {
        self.idle.extract_if(.., |idle| idle.is_closed()).collect()
    }

    /// Takes one that is to end: it need not be made anew before.
    fn evict(&mut self) -> Option<HeapThread<Engine>> {
        self.used.pop_back().or_else(|| self.idle.pop())
    }

    /// Has one that ends give its place to the next that is opened here; `false` where there is none.
    fn give_place(&mut self) -> bool {
        while let Some(closing) = self.closing.pop_front() {
            if !closing.has_ended() {
                return true;
            }
        }
        false
    }
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

    /// How many fresh contexts are kept ready on each thread, as far as there may be as many. They are opened when the pool is built, in the
    /// background, and made anew after each use, when the thread has nothing else to do or after four turns of others; one that cannot be is
    /// missing, and no failure of the pool. With none, each use opens a context. Default: 8.
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
        let unused = lanes.iter().map(|_| Unused::default()).collect();
        let contexts = Mutex::new(Contexts { unused, ..Contexts::default() });
        let pool = Pool(Arc::new(Inner { sandbox, lanes, max_contexts, spares, contexts }));
        pool.prepare();
        Ok(pool)
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
    /// Fresh contexts that nobody uses. One that was used a moment ago may still have to be made anew, which is done before it runs the next call.
    pub idle: usize,
    /// Contexts that have something to do: the one that each thread serves, and those that wait for their turn. To be opened, to be made anew and to
    /// end is something to do as well.
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
        loop {
            // Who waits for it may go meanwhile: it is given back then.
            let (fresh, opening, is_spare) = self.lease()?;
            match opening.await {
                Ok(_) => return Ok(fresh),
                // It was to be ready, and is not. There may be another.
                Err(_) if is_spare => {}
                Err(error) => return Err(error),
            }
        }
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
            let idle: Vec<_> = contexts
                .unused
                .iter_mut()
                .flat_map(|unused| unused.idle.drain(..).chain(unused.used.drain(..)))
                .collect();
            let used = contexts.tenants.values().chain(contexts.leased.values());
            idle.into_iter().chain(used.cloned()).collect::<Vec<_>>()
        };
        // How a tenant's context has ended is for those who used it.
        contexts.iter().for_each(|context| drop(context.close()));
        for lane in &self.0.lanes {
            lane.emptied().await;
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
            idle: contexts.unused.iter().flat_map(Unused::iter).filter(|unused| !unused.is_closed()).count(),
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

    /// Opens the spare contexts, as far as there is room for them.
    fn prepare(&self) {
        let mut contexts = self.lock();
        let lanes = (0..self.0.spares).flat_map(|_| self.0.lanes.iter().enumerate());
        for (number, lane) in lanes.take(self.0.max_contexts) {
            let opening = self.0.sandbox.context().open_on(lane, NonZeroU32::MIN);
            if let Some(unused) = contexts.unused.get_mut(number) {
                unused.idle.extend(opening.thread());
            }
        }
    }

    /// Whether there may be one more context.
    fn has_room(&self) -> bool {
        self.load().1 < self.0.max_contexts
    }

    /// The number of the thread that has the least of this. `None`: none has any.
    fn least<K: Ord>(&self, contexts: &Contexts, key: impl Fn(&Unused, (usize, usize)) -> Option<K>) -> Option<usize> {
        let lanes = self.0.lanes.iter().zip(&contexts.unused).enumerate();
        let keys = lanes.filter_map(|(number, (lane, unused))| Some((key(unused, lane.load())?, number)));
        keys.min().map(|(_, number)| number)
    }

    /// A thread for one more context that is not there already, by what this has of those where one is to end; in its place.
    fn successor(&self, contexts: &mut Contexts) -> Option<usize> {
        loop {
            let number = self.least(contexts, |unused, load| (!unused.closing.is_empty()).then(|| place_key(load)))?;
            if contexts.unused.get_mut(number)?.give_place() {
                return Some(number);
            }
        }
    }

    fn check_open(&self, contexts: &Contexts) -> Result<(), Error> {
        if contexts.is_closed {
            return Err(Error::new(ErrorKind::Closed, "the pool is closed"));
        }
        Ok(())
    }

    fn full(&self) -> Error {
        let most = self.0.max_contexts;
        let message = format!("the pool has its {most} contexts, the most it may have (`PoolBuilder::max_contexts`)");
        Error::new(ErrorKind::PoolFull, message)
    }

    /// The context of a tenant, which is opened where there is none.
    pub(super) fn open(
        &self,
        tenant: String,
        open: impl FnOnce(&Lane) -> Opening<Engine>,
    ) -> Result<Opening<Engine>, Error> {
        loop {
            let mut contexts = self.lock();
            if let Some(thread) = contexts.tenants.get(&tenant).filter(|thread| !thread.is_closed()) {
                return Ok(Opening::of(thread.clone()));
            }
            self.check_open(&contexts)?;
            let number = match self.has_room() {
                true => self.least(&contexts, |_, load| Some(place_key(load))),
                false => self.successor(&mut contexts),
            };
            if let Some(lane) = number.and_then(|number| self.0.lanes.get(number)) {
                let opening = open(lane);
                let mut gone = Vec::new();
                if contexts.tenants.len() >= contexts.crowd {
                    gone.extend(contexts.tenants.extract_if(|_, thread| thread.is_closed()).map(|(_, thread)| thread));
                    contexts.crowd = contexts.tenants.len().saturating_mul(2).max(64);
                }
                if let Some(thread) = opening.thread() {
                    gone.extend(contexts.tenants.insert(tenant, thread));
                }
                // Who waits for their end is woken without the lock.
                drop(contexts);
                drop(gone);
                return Ok(opening);
            }
            // One that nobody uses makes room, of a thread with little to do.
            let number = self.least(&contexts, |unused, load| (unused.len() > 0).then(|| place_key(load)));
            let number = number.ok_or_else(|| self.full())?;
            let evicted = contexts.unused.get_mut(number).and_then(Unused::evict);
            drop(contexts);
            if let Some(evicted) = evicted {
                self.dismiss(number, &evicted);
            }
        }
    }

    /// A fresh context, and whether it was idle.
    fn lease(&self) -> Result<(Fresh, Opening<Engine>, bool), Error> {
        loop {
            let mut contexts = self.lock();
            self.check_open(&contexts)?;
            // An idle one of the thread with the least to do, or one more there. Where there may be no more, one of any thread.
            let least = self.least(&contexts, |unused, (waiting, members)| {
                Some((waiting, unused.idle.is_empty(), unused.used.is_empty(), members))
            });
            let is_idle = |number: &usize| contexts.unused.get(*number).is_some_and(|unused| unused.len() > 0);
            let chosen = least
                .filter(|number| is_idle(number) || self.has_room())
                .or_else(|| self.least(&contexts, |unused, load| (unused.len() > 0).then_some(load)));
            let chosen = chosen.or_else(|| self.successor(&mut contexts)).ok_or_else(|| self.full())?;
            let idle = contexts.unused.get_mut(chosen).and_then(Unused::take);
            let is_spare = idle.is_some();
            let opening = match idle {
                Some(dead) if dead.is_closed() => {
                    drop(contexts);
                    continue;
                }
                Some(idle) => Opening::of(idle),
                None => match self.0.lanes.get(chosen) {
                    Some(lane) => self.0.sandbox.context().open_on(lane, NonZeroU32::MIN),
                    None => Opening::failed(Error::new(ErrorKind::Engine, "a pool without threads")),
                },
            };
            let thread = opening.thread().ok_or_else(|| self.full())?;
            contexts.leases = contexts.leases.wrapping_add(1);
            let number = contexts.leases;
            contexts.leased.insert(number, thread.clone());
            drop(contexts);
            let lease = Lease::default();
            let context = Context::new(thread).leased(&lease);
            return Ok((Fresh { pool: self.clone(), number, lane: chosen, context, lease }, opening, is_spare));
        }
    }

    /// A fresh context was used: it is idle again, unless it was closed or there are enough of them.
    fn give_back(&self, number: u64, lane: usize, thread: HeapThread<Engine>, was_closed: bool) {
        let mut contexts = self.lock();
        contexts.leased.remove(&number);
        let is_wanted = !was_closed && !contexts.is_closed && !thread.is_closed();
        let unused = contexts.unused.get_mut(lane);
        if let Some(unused) = unused.filter(|_| is_wanted) {
            // Those that have died meanwhile take no place of a spare; who waits for their end is woken without the lock.
            let dead = if unused.len() < self.0.spares { Vec::new() } else { unused.take_dead() };
            if unused.len() < self.0.spares {
                thread.send(Engine::end_use);
                unused.used.push_back(thread);
                self.renew_later(lane, unused);
                drop(contexts);
                drop(dead);
                return;
            }
        }
        drop(contexts);
        self.dismiss(lane, &thread);
    }

    /// Has a thread make those anew that were used, one at a time, when it has nothing else to do.
    fn renew_later(&self, number: usize, unused: &mut Unused) {
        let lane = self.0.lanes.get(number).filter(|_| !unused.used.is_empty() && !unused.has_chore);
        let Some(lane) = lane else {
            return;
        };
        unused.has_chore = true;
        let pool = Arc::downgrade(&self.0);
        lane.do_later(move || {
            if let Some(pool) = pool.upgrade().map(Pool)
                && let Some(unused) = pool.lock().unused.get_mut(number)
            {
                unused.has_chore = false;
                let first = unused.used.pop_front();
                unused.renew(first);
                pool.renew_later(number, unused);
            }
        });
    }

    /// Ends a context that nobody uses. Without the pool's lock: what is left of its last use may wake and drop anything.
    fn dismiss(&self, lane: usize, thread: &HeapThread<Engine>) {
        let closing = thread.close_now();
        let mut contexts = self.lock();
        if let Some(unused) = contexts.unused.get_mut(lane) {
            while unused.closing.pop_front_if(|first| first.has_ended()).is_some() {}
            unused.closing.push_back(closing);
        }
    }
}

/// Where a context is opened, which stays for its life: that a thread is busy at this moment counts for one context, and no more.
fn place_key((waiting, members): (usize, usize)) -> (usize, usize) {
    (members.saturating_add(waiting), members)
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
        // What is still queued of it is refused from now on.
        let was_closed = self.lease.end();
        self.pool.give_back(self.number, self.lane, self.context.thread(), was_closed);
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        ptr,
        sync::mpsc,
        task::{Context as TaskContext, Waker},
    };

    use super::*;

    fn ready<R>(future: impl Future<Output = R>) -> R {
        let mut future = std::pin::pin!(future);
        match future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())) {
            std::task::Poll::Ready(output) => output,
            std::task::Poll::Pending => panic!("it is not ready"),
        }
    }

    fn rest(pool: &Pool) {
        while pool.stats().waiting > 0 {
            thread::yield_now();
        }
    }

    fn pool(threads: usize, spares: usize) -> Pool {
        let sandbox = Sandbox::builder().max_contexts(100).build().unwrap();
        let pool = Pool::builder(&sandbox).threads(NonZeroUsize::new(threads).unwrap()).spares(spares).build().unwrap();
        rest(&pool);
        pool
    }

    #[test]
    fn who_asks_gets_what_is_ready_before_what_is_to_be_made_anew_and_of_either_the_last() {
        let pool = pool(1, 5);
        let place = |fresh: &Fresh| fresh.thread().call(|engine| ptr::from_ref(engine).addr()).blocking().unwrap();
        let mut used: Vec<_> = (0..5).map(|_| ready(pool.fresh()).unwrap()).collect();
        let mut places: Vec<_> = used.iter().map(place).collect();
        let (keeper, keeper_place) = (used.pop().unwrap(), places.pop().unwrap());
        // Two are ready again.
        for fresh in used.drain(..2) {
            drop(fresh);
            rest(&pool);
        }
        let (release, gate) = mpsc::channel::<()>();
        let (entered, inside) = mpsc::channel();
        let busy = keeper.thread().call(move |_| {
            entered.send(()).unwrap();
            gate.recv().unwrap();
        });
        let busy = busy.queue();
        inside.recv().unwrap();
        // Two wait for the thread.
        drop(used);
        assert_eq!(pool.stats().idle, 4);
        let fresh: Vec<_> = (0..4).map(|_| ready(pool.fresh()).unwrap()).collect();
        release.send(()).unwrap();
        busy.blocking().unwrap();
        places.swap(0, 1);
        places[2..].reverse();
        assert_eq!(fresh.iter().map(place).collect::<Vec<_>>(), places);
        assert_eq!(place(&keeper), keeper_place);
        // What was in them is gone.
        drop((fresh, keeper));
        rest(&pool);
        assert_eq!(pool.stats().idle, 5);
    }

    #[test]
    fn what_waits_in_a_use_ends_with_it_and_not_when_the_context_is_made_anew() {
        let pool = pool(1, 2);
        let (busy, fresh) = (ready(pool.fresh()).unwrap(), ready(pool.fresh()).unwrap());
        let waits = fresh.eval("new Promise((resolve) => setTimeout(resolve, 2000))").queue();
        fresh.eval("1").blocking().unwrap();
        drop(fresh);
        // Nobody has time to make it anew.
        let others: Vec<_> = (0..3).map(|_| busy.eval("2").queue()).collect();
        assert_eq!(waits.blocking().unwrap_err().kind(), ErrorKind::Lost);
        others.into_iter().for_each(|other| assert_eq!(other.blocking().unwrap(), 2.into()));
    }

    #[test]
    fn a_use_that_follows_another_at_once_finds_nothing_of_it() {
        let pool = pool(1, 1);
        for _ in 0..100 {
            let fresh = ready(pool.fresh()).unwrap();
            assert_eq!(fresh.eval("typeof mark").blocking().unwrap(), "undefined".into());
            fresh.eval("globalThis.mark = 1").queue().detach();
        }
    }

    #[test]
    fn a_thread_that_dies_under_load_answers_all_and_goes_on() {
        let pool = pool(1, 4);
        let tenants: Vec<_> = (0..10).map(|tenant| pool.context(format!("{tenant}")).blocking().unwrap()).collect();
        let fresh: Vec<_> = (0..4).map(|_| ready(pool.fresh()).unwrap()).collect();
        let (release, gate) = mpsc::channel::<()>();
        let (entered, inside) = mpsc::channel();
        let busy = tenants[0].thread().call(move |_| {
            entered.send(()).unwrap();
            gate.recv().unwrap();
        });
        let busy = busy.queue();
        inside.recv().unwrap();
        // It dies behind what waits already, of which each context has one turn.
        let early: Vec<_> = tenants.iter().map(|tenant| tenant.eval("1").queue()).collect();
        pool.0.lanes[0].adopt(Box::new(|| panic!("on purpose")));
        let contexts = tenants.iter().chain(fresh.iter().map(|fresh| &**fresh));
        let calls: Vec<_> = contexts.flat_map(|context| (0..10).map(|_| context.eval("2").queue())).collect();
        release.send(()).unwrap();
        busy.blocking().unwrap();
        let kinds: Vec<_> =
            early.into_iter().chain(calls).filter_map(|call| call.blocking().err()).map(|error| error.kind()).collect();
        assert!(kinds.len() >= 130 && kinds.iter().all(|kind| *kind == ErrorKind::Panicked), "{kinds:?}");
        drop(fresh);
        // Whoever comes finds a fresh one on the same thread.
        let tenant = pool.context("0").blocking().unwrap();
        assert_eq!(tenant.eval("3").blocking().unwrap(), 3.into());
        let fresh = loop {
            let mut fresh = std::pin::pin!(pool.fresh());
            if let std::task::Poll::Ready(fresh) = fresh.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())) {
                break fresh.unwrap();
            }
            rest(&pool);
        };
        assert_eq!(fresh.eval("4").blocking().unwrap(), 4.into());
        drop(tenants);
        assert_eq!(pool.stats().contexts, 2 + pool.stats().idle);
    }
}
