//! The thread that owns the object: the only place that starts one, builds the object, runs calls and drops it.

use std::{
    any::Any,
    cell::Cell,
    future::{self, Future},
    io, mem,
    num::NonZeroU32,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::OnceLock,
    task::{Context, Poll},
    time::Duration,
};

use event_listener::{Event, EventListener};

use super::{
    Builder, Restarts,
    call::{Hook, Job, Message, lock},
    running::Interest,
};
use crate::{
    error::{Error, ErrorKind},
    queue::{Queue, Shutdown},
    sync::{
        self, Arc, AtomicBool, AtomicU64, Mutex, Ordering,
        thread::{self, ThreadId},
    },
};

thread_local! {
    /// Bytes of stack that this thread was asked to have.
    static STACK: Cell<usize> = const { Cell::new(0) };
}

/// Bytes of stack that this thread has, if it is an object's and its builder chose that; else 0.
#[cfg(feature = "component")]
pub(crate) fn stack_of_this_thread() -> usize {
    STACK.get()
}

/// This thread was asked to have so many bytes of stack.
pub(super) fn note_stack(bytes: usize) {
    STACK.set(bytes);
}

/// What the handles and the thread share.
pub(super) struct Shared<T: 'static> {
    pub(super) queue: Queue<Arc<dyn Job<T>>>,
    running: Mutex<Option<Arc<dyn Job<T>>>>,
    pub(super) life: Arc<Life>,
}

/// How far the thread has come.
#[derive(Debug)]
pub(super) struct Life {
    /// Why the object is gone, where it was not simply closed.
    cause: OnceLock<Error>,
    /// What the teardown had to say.
    farewell: OnceLock<Error>,
    /// The object's thread.
    home: OnceLock<ThreadId>,
    /// How often the object was replaced.
    replaced: AtomicU64,
    opened: AtomicBool,
    closing: AtomicBool,
    /// It is not to run anything more.
    stopping: AtomicBool,
    ended: AtomicBool,
    /// Heard when any of these is reached.
    stage: Event,
}

/// What no call waits for is cancelled when the object is to end at once.
impl Interest for Life {
    fn is_cancelled(&self) -> bool {
        self.is_stopping()
    }

    fn note_progress(&self) {}

    fn report_progress(&self) {}
}

impl Life {
    /// What a call is answered with that comes too late.
    pub(super) fn cause(&self) -> Error {
        self.cause.get().cloned().unwrap_or_else(Error::closed)
    }

    /// How it ended, once it has.
    pub(super) fn outcome(&self) -> Result<(), Error> {
        self.cause.get().or(self.farewell.get()).cloned().map_or(Ok(()), Err)
    }

    /// The object's thread, once it runs.
    pub(super) fn home(&self) -> Option<ThreadId> {
        self.home.get().copied()
    }

    /// Where it is about to begin.
    #[cfg(feature = "js")]
    pub(super) fn is_at_home(&self, thread: ThreadId) {
        let _ = self.home.set(thread);
    }

    /// Which object it is, where one has replaced another.
    pub(super) fn generation(&self) -> u64 {
        self.replaced.load(Ordering::Acquire)
    }

    /// Whether the object was built.
    pub(super) fn is_open(&self) -> bool {
        self.opened.load(Ordering::Acquire)
    }

    /// Whether the thread has dropped the object and is about to end.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Whether it is to end at once.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Polls for a stage of the thread's life.
    pub(super) fn poll(
        &self,
        listener: &mut Option<EventListener>,
        context: &mut Context<'_>,
        reached: impl Fn(&Life) -> bool,
    ) -> Poll<()> {
        loop {
            if reached(self) {
                return Poll::Ready(());
            }
            // The first turn starts to listen and looks again: what happens in between is heard.
            match listener {
                None => *listener = Some(self.stage.listen()),
                Some(listening) => match Pin::new(listening).poll(context) {
                    Poll::Ready(()) => *listener = None,
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    /// Waits until the object is being closed, but no longer than this. Whether it is.
    fn wait_for_close(&self, longest: Duration) -> bool {
        let mut listener = None;
        let closing = sync::block_until(sync::deadline(longest), |waker| {
            let context = &mut Context::from_waker(waker);
            self.poll(&mut listener, context, |life| life.closing.load(Ordering::Acquire))
        });
        closing.is_some()
    }

    fn reach(&self, stage: &AtomicBool) {
        stage.store(true, Ordering::Release);
        self.stage.notify(usize::MAX);
    }
}

impl<T> Shared<T> {
    pub(super) fn new(capacity: usize) -> Arc<Shared<T>> {
        let life = Life {
            cause: OnceLock::new(),
            farewell: OnceLock::new(),
            home: OnceLock::new(),
            replaced: AtomicU64::new(0),
            opened: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            stage: Event::new(),
        };
        Arc::new(Shared { queue: Queue::fifo(capacity), running: Mutex::new(None), life: Arc::new(life) })
    }

    /// Has the thread do something soon, full queue or not, that nobody waits for; `false` when it takes nothing more.
    pub(super) fn send(&self, job: impl FnOnce(&mut T) + Send + 'static) -> bool {
        self.queue.put_past_capacity(Message::new(job)).is_ok()
    }

    /// Calls are refused from now on; those that are queued still run.
    pub(super) fn close(&self) {
        self.queue.shutdown(Shutdown::Drain);
        self.life.reach(&self.life.closing);
    }

    /// Calls are refused from now on, those that are queued as well, and the one that runs is told to stop.
    pub(super) fn close_now(&self) {
        self.life.stopping.store(true, Ordering::Release);
        self.end_queue(&Error::closed());
        let running = lock(&self.running).clone();
        if let Some(running) = running {
            running.stop(Error::closed());
        }
        self.life.reach(&self.life.closing);
    }

    /// The order matters: first the cause, then the end of the queue, then the answers. So nobody learns that the
    /// queue is closed without learning why.
    fn die(&self, cause: Error) {
        let _ = self.life.cause.set(cause.clone());
        self.end_queue(&cause);
    }

    fn end_queue(&self, cause: &Error) {
        for job in self.queue.shutdown(Shutdown::Immediate) {
            // What a call captured may panic when it is dropped; the next call is answered all the same.
            let refused = catch_unwind(AssertUnwindSafe(|| {
                job.refuse(cause.clone());
                drop(job);
            }));
            // The payload's own `Drop` might panic, too.
            refused.unwrap_or_else(mem::forget);
        }
    }
}

/// Starts the thread.
pub(super) fn start<T: 'static>(plan: Builder<T>, shared: Arc<Shared<T>>, setup: Setup<T>) -> Result<(), Error> {
    if plan.name.contains('\0') {
        return Err(Error::new(ErrorKind::Thread, format!("a thread cannot be named {:?}", plan.name)));
    }
    let mut builder = thread::Builder::new().name(plan.name.clone());
    if let Some(bytes) = plan.stack {
        builder = builder.stack_size(bytes);
    }
    let end = End::of(&shared, ());
    let live = move || {
        note_stack(plan.stack.unwrap_or(0));
        sync::block_on(run(plan, end, setup, None));
    };
    match builder.spawn(live) {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(error)),
    }
}

/// The system has no thread for an object.
pub(super) fn refused(error: io::Error) -> Error {
    let share = if cfg!(feature = "js") { "contexts of a `Pool`, which share a few threads, or " } else { "" };
    let message = format!(
        "cannot start a thread: {error}. Fewer objects with threads of their own, {share}a higher limit help: of threads (`ulimit -u`, \
         `pids.max` of the control group, `sysctl kernel.threads-max`), of mappings of memory, of which each takes two to four \
         (`sysctl vm.max_map_count`), or of addresses (`ulimit -v`)"
    );
    Error::with_source(ErrorKind::Thread, message, error)
}

/// The life of the object, on a thread of its own, or on one that it shares: then others have their turn after so many of its
/// calls. Whatever panics in it ends it as the last call's panic would.
///
/// There are tens of thousands of these at a time: as an `async fn`, which keeps its arguments twice, each would take 1.2 KiB more.
pub(super) fn run<T: 'static, P: 'static>(
    plan: Builder<T>,
    mut end: End<T, P>,
    setup: Setup<T>,
    weight: Option<NonZeroU32>,
) -> impl Future<Output = ()> {
    let mut worker = Worker { shared: Arc::clone(&end.shared), plan, setup, weight };
    async move {
        let _ = end.shared.life.home.set(thread::current().id());
        let mut living = pin!(async move { worker.live().await });
        let lived = future::poll_fn(|context| {
            let polled = catch_unwind(AssertUnwindSafe(|| living.as_mut().poll(context)));
            polled.unwrap_or_else(|panic| Poll::Ready(Err(panicked("what a builder was given", panic))))
        });
        match lived.await {
            Err(cause) => end.shared.die(cause),
            // What was sent past the end is answered, too.
            Ok(()) => end.shared.end_queue(&Error::closed()),
        }
        end.reach();
    }
}

/// That of an object, however it comes: where its thread has failed before it could end, its calls are answered with that.
pub(super) struct End<T: 'static, P> {
    shared: Arc<Shared<T>>,
    /// What it gives back before anybody hears that it is gone: its place on a thread that it shares.
    place: Option<P>,
}

impl<T, P> End<T, P> {
    pub(super) fn of(shared: &Arc<Shared<T>>, place: P) -> End<T, P> {
        End { shared: Arc::clone(shared), place: Some(place) }
    }

    fn reach(&mut self) {
        drop(self.place.take());
        self.shared.life.reach(&self.shared.life.ended);
    }
}

impl<T, P> Drop for End<T, P> {
    fn drop(&mut self) {
        if !self.shared.life.has_ended() {
            let message = "the object is gone: the thread that it shared with others has panicked";
            self.shared.die(Error::new(ErrorKind::Panicked, message));
            self.reach();
        }
    }
}

/// How objects are built.
pub(super) enum Setup<T> {
    Once(Option<Box<dyn FnOnce() -> Result<T, Error> + Send>>),
    Again(Box<dyn FnMut() -> Result<T, Error> + Send>, Restarts),
}

impl<T> Setup<T> {
    fn make(&mut self) -> Result<T, Error> {
        let made = catch_unwind(AssertUnwindSafe(|| match self {
            Setup::Once(setup) => setup.take().map_or_else(|| Err(Error::closed()), |setup| setup()),
            Setup::Again(setup, _) => setup(),
        }));
        made.unwrap_or_else(|panic| Err(panicked("the setup", panic)))
    }
}

/// What an object has done in its turn. Its own messages take no call's place: of each it has as many as its weight.
#[derive(Default)]
struct Served {
    calls: u32,
    messages: u32,
}

impl Served {
    fn of(&mut self, is_call: bool) -> &mut u32 {
        if is_call { &mut self.calls } else { &mut self.messages }
    }
}

/// What is done on the thread.
struct Worker<T: 'static> {
    shared: Arc<Shared<T>>,
    plan: Builder<T>,
    setup: Setup<T>,
    weight: Option<NonZeroU32>,
}

impl<T> Worker<T> {
    /// The next call or message, once there is one. `served` is how many of both there were in this turn.
    async fn next(&self, served: &mut Served) -> Option<Arc<dyn Job<T>>> {
        let Some(weight) = self.weight else {
            // It has the thread to itself, and watches for a while before that sleeps.
            return self.shared.queue.get_blocking().ok();
        };
        // One that has nothing to do, or is at its end, gives its turn away by itself.
        match self.shared.queue.peek_with(|job| job.is_call()) {
            None => *served = Served::default(),
            Some(is_call) if *served.of(is_call) >= weight.get() => {
                *served = Served::default();
                let mut is_over = false;
                future::poll_fn(|context| {
                    context.waker().wake_by_ref();
                    if mem::replace(&mut is_over, true) { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
            Some(_) => {}
        }
        let job = self.shared.queue.get().await.ok()?;
        *served.of(job.is_call()) += 1;
        Some(job)
    }

    /// Builds the object, runs calls until the queue is closed and empty, then lets the object go, here.
    async fn live(&mut self) -> Result<(), Error> {
        let object = self.setup.make()?;
        let (mut object, mut hook) = self.with_hook(object)?;
        self.shared.life.reach(&self.shared.life.opened);
        let mut served = Served::default();
        while let Some(job) = self.next(&mut served).await {
            *lock(&self.shared.running) = Some(Arc::clone(&job));
            // Who stops it from now on finds it there; who was here before has left word.
            if self.shared.life.stopping.load(Ordering::Acquire) {
                Arc::clone(&job).stop(Error::closed());
            }
            let ran = catch_unwind(AssertUnwindSafe(|| Arc::clone(&job).run(&mut object, hook.as_ref())));
            *lock(&self.shared.running) = None;
            let ran = ran.map_err(|panic| panicked("a call", panic));
            let is_the_end = !self.plan.keeps_after_panic && matches!(self.setup, Setup::Once(_));
            if let Err(cause) = &ran
                && is_the_end
            {
                self.shared.die(cause.clone());
            }
            let was_interrupted = hook.is_some() && job.was_interrupted();
            // What nobody waits for is dropped here, and may panic as well.
            let dropped = catch_unwind(AssertUnwindSafe(|| {
                if let Err(cause) = &ran {
                    job.refuse(cause.clone());
                }
                drop(job);
            }));
            let mut ended = ran.and(dropped.map_err(|panic| panicked("dropping a result", panic)));
            if was_interrupted
                && let Some(after) = &mut self.plan.after_interrupt
                && (ended.is_ok() || self.plan.keeps_after_panic)
            {
                let readied = catch_unwind(AssertUnwindSafe(|| after(&mut object)));
                ended = ended.and(readied.map_err(|panic| panicked("what follows an interruption", panic)));
            }
            let Err(cause) = ended else {
                continue;
            };
            if self.plan.keeps_after_panic {
                continue;
            }
            // The object may be half changed: nobody gets to see it again.
            let Setup::Again(_, restarts) = self.setup else {
                let _ = discard(object);
                return Err(cause);
            };
            let _ = discard(object);
            self.shared.life.replaced.fetch_add(1, Ordering::AcqRel);
            (object, hook) = self.make_again(restarts)?;
        }
        self.drain(&mut object).await?;
        drop(hook);
        match self.plan.teardown.take() {
            None => discard(object),
            Some(teardown) => {
                let torn = catch_unwind(AssertUnwindSafe(|| teardown(object)));
                let torn = torn.map_err(|panic| panicked("the teardown", panic))?;
                if let Err(error) = torn {
                    let _ = self.shared.life.farewell.set(error);
                }
                Ok(())
            }
        }
    }

    /// Waits until the object has given the answers that it deferred, or is to end at once.
    async fn drain(&mut self, object: &mut T) -> Result<(), Error> {
        let Some(poll) = &mut self.plan.drain else {
            return Ok(());
        };
        let life = &self.shared.life;
        let mut listener = None;
        let drained = future::poll_fn(|context| match life.poll(&mut listener, context, Life::is_stopping) {
            Poll::Ready(()) => Poll::Ready(Ok(())),
            Poll::Pending => match catch_unwind(AssertUnwindSafe(|| poll(object, context))) {
                Ok(polled) => polled.map(Ok),
                Err(panic) => Poll::Ready(Err(panicked("an object that was to end", panic))),
            },
        });
        drained.await
    }

    /// The object and what interrupts it.
    fn with_hook(&mut self, object: T) -> Result<(T, Option<Hook>), Error> {
        let Some(make_hook) = &mut self.plan.hook else {
            return Ok((object, None));
        };
        match catch_unwind(AssertUnwindSafe(|| make_hook(&object))) {
            Ok(hook) => Ok((object, Some(hook))),
            Err(panic) => {
                let _ = discard(object);
                Err(panicked("making the interrupt hook", panic))
            }
        }
    }

    /// Makes a new object, waiting longer after each attempt that fails.
    fn make_again(&mut self, restarts: Restarts) -> Result<(T, Option<Hook>), Error> {
        let mut pause = restarts.first_pause;
        let mut attempts = 1;
        loop {
            let error = match self.setup.make().and_then(|object| self.with_hook(object)) {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            tracing::warn!(attempts, %error, "the object could not be built again");
            if attempts >= restarts.attempts || self.shared.life.wait_for_close(pause) {
                return Err(error);
            }
            attempts += 1;
            pause = pause.saturating_mul(2).min(restarts.longest_pause);
        }
    }
}

/// Drops the object.
fn discard<T>(object: T) -> Result<(), Error> {
    catch_unwind(AssertUnwindSafe(|| drop(object))).map_err(|panic| panicked("dropping the object", panic))
}

fn panicked(what: &str, panic: Box<dyn Any + Send>) -> Error {
    let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
    let message = message.unwrap_or_else(|| "no message".to_owned());
    // Its `Drop` is the caller's code, and could panic again.
    mem::forget(panic);
    Error::new(ErrorKind::Panicked, format!("{what} panicked on the object's thread: {message}"))
}
