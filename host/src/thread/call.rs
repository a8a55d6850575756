//! One call: the closure, its reply, and who still wants it.

use std::{
    fmt,
    marker::PhantomData,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::OnceLock,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use tracing::{Span, field};

use super::{
    HeapThread,
    deferred::{Answer, Defer, Deferred},
    running::{Interest, Running},
    ticket::Ticket,
    worker::Life,
};
use crate::{
    error::{Error, ErrorKind},
    queue::{Cause, OwnedPut},
    sync::{Arc, AtomicBool, Mutex, MutexGuard, Ordering, PoisonError, thread::ThreadId},
    timer::{self, Alarm},
};

/// A call that was described but not made yet.
///
/// Nothing happens until it is awaited, [queued](Call::queue) or [made blocking](Call::blocking). Awaiting waits for a
/// place in the queue, then for the result. Dropping the future gives the call up: one that has not started is
/// skipped, and one that is running is told to stop, by way of its own [`Running`] and nobody else's.
#[must_use = "a call does nothing unless it is awaited, queued or made blocking"]
pub struct Call<R> {
    cell: Arc<dyn Pending<R>>,
}

impl<R: Send + 'static> Call<R> {
    pub(super) fn new<T, F>(object: &HeapThread<T>, job: F) -> Call<R>
    where
        T: 'static,
        F: FnOnce(&mut T, &Running) -> Result<R, Error> + Send + 'static,
    {
        Call::deferring(object, |object, running, _| job(object, running).map(Some))
    }

    /// A call whose closure may return without an answer, having kept a [`Deferred`] that gives it later.
    pub(crate) fn deferring<T, F>(object: &HeapThread<T>, job: F) -> Call<R>
    where
        T: 'static,
        F: FnOnce(&mut T, &Running, Defer<'_, R>) -> Result<Option<R>, Error> + Send + 'static,
    {
        Call {
            cell: Arc::new(Cell {
                cancelled: AtomicBool::new(false),
                progress: AtomicBool::new(false),
                expired: AtomicBool::new(false),
                timeout: None,
                deadline: None,
                span: span(),
                entered: OnceLock::new(),
                job: Mutex::new(Some(job)),
                life: Arc::clone(&object.shared().life),
                entry: Mutex::new(Entry::Outside(object.clone())),
                interruption: Mutex::default(),
                alarm: Mutex::new(None),
                reply: Mutex::new(Reply::Awaited(None)),
                object: PhantomData,
            }),
        }
    }

    /// The longest time that the call may run, from when it starts; waiting in the queue does not count.
    ///
    /// The object has to keep to it. A JavaScript context does, and takes the lower of this and its own limit. An
    /// object with an [interrupt hook](super::Builder::interrupt_with) is told to stop by it, and the call's error is
    /// then [`Timeout`](ErrorKind::Timeout). Any other closure is not interrupted; it can look at
    /// [`Running::should_stop`].
    pub fn timeout(mut self, timeout: Duration) -> Call<R> {
        if let Some(cell) = Arc::get_mut(&mut self.cell) {
            cell.set_timeout(timeout);
        }
        self
    }

    /// The moment at which the call's time is over, wherever it is then.
    ///
    /// While it waits, for a place in the queue or in it, it is answered with [`Timeout`](ErrorKind::Timeout) at that
    /// moment and does not run. While it runs, this is as with [`timeout`](Call::timeout); of both, the earlier holds.
    pub fn deadline(mut self, deadline: Instant) -> Call<R> {
        if let Some(cell) = Arc::get_mut(&mut self.cell) {
            cell.set_deadline(deadline);
        }
        self
    }

    /// Makes the call without waiting for anything, and returns a ticket for its result.
    ///
    /// Calls run in the order in which they entered the queue. When the queue is full the ticket's result is
    /// [`ErrorKind::QueueFull`], and nothing runs.
    pub fn queue(self) -> Ticket<R> {
        if let Submission::Full = Arc::clone(&self.cell).submit() {
            self.cell.answer(Error::new(ErrorKind::QueueFull, "the queue is full"));
        }
        Ticket::submitted(self.cell)
    }

    /// Makes the call and blocks this thread until its result is there.
    ///
    /// For threads that run no async code: it would stop every task of a runtime's thread.
    ///
    /// # Errors
    ///
    /// Those of the call.
    ///
    /// [`Deadlock`](ErrorKind::Deadlock): this thread is the object's own, so it would wait for itself. The call does not run.
    pub fn blocking(self) -> Result<R, Error> {
        self.into_future().blocking()
    }
}

impl<R: Send + 'static> IntoFuture for Call<R> {
    type Output = Result<R, Error>;
    type IntoFuture = Ticket<R>;

    fn into_future(self) -> Ticket<R> {
        Ticket::unsubmitted(self.cell)
    }
}

impl<R> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

/// What tells an object, from another thread, to stop what it is doing.
pub(super) type Hook = Arc<dyn Fn() + Send + Sync>;

/// Fields of a call's span: microseconds.
const WAITED: &str = "waited_us";
const RAN: &str = "ran_us";

/// A span of the call within its caller's, or just that where nobody wants to know so much.
fn span() -> Span {
    let span = tracing::debug_span!("call", waited_us = field::Empty, ran_us = field::Empty);
    if span.is_disabled() { Span::current() } else { span }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Time after which an object that was told to stop, and has not, is told again: a hook may come too early, between
/// the start of the call and the start of what it stops.
const AGAIN: Duration = Duration::from_millis(10);

/// A call as the worker sees it.
pub(super) trait Job<T>: Send + Sync {
    /// Runs it, or skips it when nobody waits for it any more.
    fn run(self: Arc<Self>, object: &mut T, hook: Option<&Hook>);

    /// Whether the object was told to stop while it ran.
    fn was_interrupted(&self) -> bool;

    /// Answers it without running it; does nothing when it has an answer.
    fn refuse(&self, error: Error);

    /// Answers it while it runs, and tells the object to stop.
    fn stop(self: Arc<Self>, error: Error);

    /// Whether it is somebody's call, and no message of the object's own.
    fn is_call(&self) -> bool {
        true
    }
}

/// A call as its caller sees it.
pub(super) trait Pending<R>: Send + Sync {
    fn set_timeout(&mut self, timeout: Duration);

    fn set_deadline(&mut self, deadline: Instant);

    /// Puts the call into the queue of its thread.
    fn submit(self: Arc<Self>) -> Submission;

    /// As [`Pending::submit`], but waits for room in the line of those who do.
    fn poll_submit(self: Arc<Self>, context: &mut Context<'_>) -> Submission;

    /// Leaves that line.
    fn leave(&self);

    /// Answers the call from the caller's side; does nothing when it has an answer.
    fn answer(&self, error: Error);

    /// Takes the answer, or leaves the waker to be called when it is there.
    fn poll(&self, context: &mut Context<'_>) -> Poll<Result<R, Error>>;

    /// Nobody waits any more.
    fn cancel(self: Arc<Self>);

    /// Nobody waits for the answer, and the call goes on.
    fn disown(&self);

    /// As [`Pending::cancel`], but somebody waits for the end.
    fn abort(self: Arc<Self>);

    /// The thread of the object that is called.
    fn home(&self) -> Option<ThreadId>;
}

/// What became of [`Pending::submit`].
pub(super) enum Submission {
    /// The call is in the queue.
    Queued,
    /// It has an answer, or had one before.
    Answered,
    /// There is no room.
    Full,
}

/// Everything about a call, in one allocation that its caller and the queue share.
struct Cell<T: 'static, F, R> {
    cancelled: AtomicBool,
    /// Its time is over.
    expired: AtomicBool,
    progress: AtomicBool,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    /// What its caller does, for what the closure logs.
    span: Span,
    /// When it was put into the queue.
    entered: OnceLock<Instant>,
    /// The closure, until it runs.
    job: Mutex<Option<F>>,
    /// The way into the queue. It has the thread until the call is in there: a ticket that somebody keeps does not keep
    /// the thread.
    entry: Mutex<Entry<T>>,
    life: Arc<Life>,
    interruption: Mutex<Interruption>,
    alarm: Mutex<Option<timer::Key>>,
    reply: Mutex<Reply<R>>,
    object: PhantomData<fn(&mut T)>,
}

/// How a call is interrupted from outside. Who interrupts holds the lock meanwhile, and the worker takes it when the
/// call ends: so the hook of a call never runs when another call does.
#[derive(Default)]
struct Interruption {
    /// There while the call runs.
    hook: Option<Hook>,
    /// The hook was used.
    used: bool,
    /// There while the answer is deferred.
    deferred: Option<Hook>,
}

enum Entry<T: 'static> {
    Outside(HeapThread<T>),
    Waiting(HeapThread<T>, OwnedPut<Arc<dyn Job<T>>>),
    Over,
}

enum Reply<R> {
    Awaited(Option<Waker>),
    Ready(Result<R, Error>),
    /// It was taken, or nobody takes it.
    Over,
}

impl<T, F, R> Cell<T, F, R> {
    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Drops the closure, if it has not run. What it captured is dropped after the lock is let go.
    fn drop_job(&self) {
        let job = lock(&self.job).take();
        drop(job);
    }

    fn take_entry(&self) -> Entry<T> {
        mem::replace(&mut *lock(&self.entry), Entry::Over)
    }

    /// Leaves the answer and wakes who waits for it. The first answer stands; one that nobody takes is dropped here: it may
    /// hold what keeps the object, which may hold the call.
    fn finish(&self, answer: Result<R, Error>) {
        let mut reply = lock(&self.reply);
        if let Reply::Awaited(waker) = &mut *reply {
            let waker = waker.take();
            *reply = Reply::Ready(answer);
            drop(reply);
            waker.into_iter().for_each(wake);
        } else {
            drop(reply);
            drop(answer);
        }
    }

    /// Nobody takes the answer. One that is there is dropped, outside of the lock.
    fn disown(&self) {
        let reply = mem::replace(&mut *lock(&self.reply), Reply::Over);
        drop(reply);
    }

    fn clear_alarm(&self) {
        if let Some(key) = lock(&self.alarm).take() {
            timer::clear(key);
        }
    }

    fn was_interrupted(&self) -> bool {
        lock(&self.interruption).used
    }
}

/// An alarm keeps the memory of its call.
impl<T, F, R> Drop for Cell<T, F, R> {
    fn drop(&mut self) {
        self.clear_alarm();
    }
}

impl<T, F, R> Cell<T, F, R>
where
    F: FnOnce(&mut T, &Running, Defer<'_, R>) -> Result<Option<R>, Error> + Send + 'static,
    R: Send + 'static,
{
    fn run_job(self: &Arc<Self>, job: F, object: &mut T, hook: Option<&Hook>) -> Result<Option<R>, Error> {
        let started = Instant::now();
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(started));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(late());
        }
        let timeout = self.timeout.into_iter().chain(left).min();
        let ends = timeout.and_then(|timeout| started.checked_add(timeout));
        if let Some(hook) = hook {
            let mut interruption = lock(&self.interruption);
            interruption.hook = Some(Arc::clone(hook));
            // Under the lock: who interrupts from now on sets a later alarm than this.
            if let Some(ends) = ends {
                self.set_alarm(ends)?;
            }
            drop(interruption);
            // What gave the call up a moment ago found no hook; what does so from now on finds it.
            if self.is_cancelled() {
                return Err(Error::cancelled());
            }
        }
        let waited = self.entered.get().map(|entered| started.saturating_duration_since(*entered));
        let running = Running::new(Arc::clone(self) as Arc<dyn Interest>, timeout, ends).after(waited);
        let defer = || Deferred::new(Arc::clone(self) as Arc<dyn Answer<R>>);
        let _within = self.span.enter();
        if !self.span.has_field(WAITED) {
            return job(object, &running, Defer(&defer));
        }
        self.span.record(WAITED, micros(waited.unwrap_or_default()));
        let result = job(object, &running, Defer(&defer));
        self.span.record(RAN, micros(started.elapsed()));
        result
    }

    /// Tells the object to stop, where this call is what runs and the object can be told.
    fn interrupt(self: &Arc<Self>) {
        let mut interruption = lock(&self.interruption);
        let Some(hook) = interruption.hook.clone() else {
            // Who gives the answer later is told once.
            let deferred = interruption.deferred.take();
            drop(interruption);
            return deferred.into_iter().for_each(|told| told());
        };
        interruption.used = true;
        // The hook is the caller's code. It may run in a `Drop`, where a panic would be the end of the process.
        let told = catch_unwind(AssertUnwindSafe(|| hook()));
        told.unwrap_or_else(mem::forget);
        // Where there is no thread for it, it was told once.
        let _ = self.set_alarm(Instant::now() + AGAIN);
    }

    fn set_deadline_alarm(self: &Arc<Self>) -> Result<(), Error> {
        match self.deadline {
            Some(deadline) if lock(&self.alarm).is_none() => self.set_alarm(deadline),
            _ => Ok(()),
        }
    }

    /// Puts the call into the queue, if there is room.
    fn enter(self: &Arc<Self>, thread: &HeapThread<T>) -> Submission {
        let _ = self.entered.set(Instant::now());
        if let Err(error) = self.set_deadline_alarm() {
            self.refuse(error);
            return Submission::Answered;
        }
        match thread.shared().queue.try_put(Arc::clone(self) as Arc<dyn Job<T>>) {
            Ok(()) => Submission::Queued,
            Err(refused) if refused.cause() == Cause::Full => Submission::Full,
            Err(_) => self.turn_away(thread),
        }
    }

    /// Answers the call of an object that is gone.
    fn turn_away(&self, thread: &HeapThread<T>) -> Submission {
        self.refuse(thread.shared().life.cause());
        Submission::Answered
    }

    fn set_alarm(self: &Arc<Self>, at: Instant) -> Result<(), Error> {
        let alarm = Arc::downgrade(self);
        let key = timer::set(at, alarm)?;
        if let Some(earlier) = lock(&self.alarm).replace(key) {
            timer::clear(earlier);
        }
        Ok(())
    }

    /// The answer of a call that did not start.
    fn skipped(&self) -> Error {
        if self.expired.load(Ordering::Acquire) { late() } else { Error::cancelled() }
    }

    /// The answer of a call that came to its end by itself or was interrupted.
    fn judge(&self, result: Result<R, Error>, was_interrupted: bool) -> Result<R, Error> {
        match result {
            Err(error) if was_interrupted && self.is_cancelled() => {
                Err(Error::with_source(ErrorKind::Cancelled, "the call was cancelled", error))
            }
            Err(error) if was_interrupted && self.expired.load(Ordering::Acquire) => {
                Err(Error::with_source(ErrorKind::Timeout, "the call ran longer than it may", error))
            }
            result => result,
        }
    }
}

impl<T, F, R> Alarm for Cell<T, F, R>
where
    F: FnOnce(&mut T, &Running, Defer<'_, R>) -> Result<Option<R>, Error> + Send + 'static,
    R: Send + 'static,
{
    fn ring(self: Arc<Self>) {
        // One that has not started is skipped in its turn, where what it captured is dropped.
        let job = lock(&self.job);
        if job.is_some() {
            self.expired.store(true, Ordering::Release);
            self.cancelled.store(true, Ordering::Release);
            drop(job);
            self.finish(Err(self.skipped()));
            return self.leave();
        }
        drop(job);
        self.expired.store(true, Ordering::Release);
        self.interrupt();
    }
}

impl<T, F, R> Job<T> for Cell<T, F, R>
where
    F: FnOnce(&mut T, &Running, Defer<'_, R>) -> Result<Option<R>, Error> + Send + 'static,
    R: Send + 'static,
{
    fn run(self: Arc<Self>, object: &mut T, hook: Option<&Hook>) {
        /// Ends what can reach the running call, also where it panics.
        struct Ended<'a>(&'a Mutex<Interruption>);
        impl Drop for Ended<'_> {
            fn drop(&mut self) {
                lock(self.0).hook = None;
            }
        }

        let job = lock(&self.job).take();
        let Some(job) = job.filter(|_| !self.is_cancelled()) else {
            return self.finish(Err(self.skipped()));
        };
        let ended = hook.map(|_| Ended(&self.interruption));
        let result = self.run_job(job, object, hook);
        drop(ended);
        let Some(result) = result.transpose() else {
            return;
        };
        if hook.is_some() || self.deadline.is_some() {
            self.clear_alarm();
        }
        let was_interrupted = hook.is_some() && self.was_interrupted();
        self.finish(self.judge(result, was_interrupted));
    }

    fn was_interrupted(&self) -> bool {
        self.was_interrupted()
    }

    fn refuse(&self, error: Error) {
        self.clear_alarm();
        self.finish(Err(error));
        self.drop_job();
    }

    fn stop(self: Arc<Self>, error: Error) {
        self.finish(Err(error));
        self.cancelled.store(true, Ordering::Release);
        self.interrupt();
    }
}

impl<T, F, R> Pending<R> for Cell<T, F, R>
where
    F: FnOnce(&mut T, &Running, Defer<'_, R>) -> Result<Option<R>, Error> + Send + 'static,
    R: Send + 'static,
{
    fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    fn submit(self: Arc<Self>) -> Submission {
        let Entry::Outside(thread) = self.take_entry() else {
            return Submission::Answered;
        };
        let submission = self.enter(&thread);
        if let Submission::Full = submission {
            *lock(&self.entry) = Entry::Outside(thread);
        }
        submission
    }

    fn poll_submit(self: Arc<Self>, context: &mut Context<'_>) -> Submission {
        // It is out of its lock while others may be woken.
        let (thread, mut put) = match self.take_entry() {
            Entry::Outside(thread) => {
                // Most calls find room at once.
                let submission = self.enter(&thread);
                let Submission::Full = submission else {
                    return submission;
                };
                let put = OwnedPut::new(thread.shared().queue.clone(), Arc::clone(&self) as Arc<dyn Job<T>>);
                (thread, put)
            }
            Entry::Waiting(thread, put) => (thread, put),
            Entry::Over => return Submission::Answered,
        };
        match put.poll(context) {
            Poll::Ready(Ok(())) => Submission::Queued,
            Poll::Ready(Err(_)) => self.turn_away(&thread),
            Poll::Pending => {
                *lock(&self.entry) = Entry::Waiting(thread, put);
                Submission::Full
            }
        }
    }

    fn leave(&self) {
        drop(self.take_entry());
    }

    fn answer(&self, error: Error) {
        self.refuse(error);
        self.leave();
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Result<R, Error>> {
        let mut reply = lock(&self.reply);
        let other = match &mut *reply {
            Reply::Awaited(Some(waker)) if waker.will_wake(context.waker()) => None,
            Reply::Awaited(waker) => waker.replace(context.waker().clone()),
            Reply::Ready(_) => match mem::replace(&mut *reply, Reply::Over) {
                Reply::Ready(answer) => return Poll::Ready(answer),
                Reply::Awaited(_) | Reply::Over => None,
            },
            // A future that is polled after its end has nothing more to say.
            Reply::Over => None,
        };
        drop(reply);
        // Its end can be the end of a task, and of all that this owns.
        drop(other);
        Poll::Pending
    }

    fn cancel(self: Arc<Self>) {
        self.cancelled.store(true, Ordering::Release);
        // The closure may hold much, and its turn in the queue may be far off.
        self.drop_job();
        self.disown();
        self.interrupt();
    }

    fn disown(&self) {
        self.disown();
    }

    fn abort(self: Arc<Self>) {
        self.cancelled.store(true, Ordering::Release);
        let job = lock(&self.job).take();
        if job.is_some() {
            return self.answer(Error::cancelled());
        }
        self.interrupt();
    }

    fn home(&self) -> Option<ThreadId> {
        self.life.home()
    }
}

impl<T, F, R> Interest for Cell<T, F, R>
where
    F: Send,
    R: Send,
{
    fn is_cancelled(&self) -> bool {
        // One that runs for the first time is told of the thread's end by that itself, with its answer.
        self.is_cancelled() || (self.life.is_stopping() && lock(&self.interruption).deferred.is_some())
    }

    fn note_progress(&self) {
        self.progress.store(true, Ordering::Release);
    }

    fn report_progress(&self) {
        if !self.progress.swap(false, Ordering::AcqRel) {
            return;
        }
        let waker = match &*lock(&self.reply) {
            Reply::Awaited(waker) => waker.clone(),
            Reply::Ready(_) | Reply::Over => None,
        };
        waker.into_iter().for_each(wake);
    }
}

impl<T, F, R> Answer<R> for Cell<T, F, R>
where
    F: FnOnce(&mut T, &Running, Defer<'_, R>) -> Result<Option<R>, Error> + Send + 'static,
    R: Send + 'static,
{
    fn answer_with(&self, answer: Option<Result<R, Error>>) {
        // Dropped outside of the lock: it is the hook of whoever answers.
        let hook = lock(&self.interruption).deferred.take();
        drop(hook);
        self.clear_alarm();
        self.finish(match answer {
            // Where the object was to end at once, that is why the call was given up.
            Some(Err(error)) if error.kind() == ErrorKind::Cancelled && self.life.is_stopping() => {
                Err(self.life.cause())
            }
            Some(answer) => answer,
            None => Err(self.life.cause()),
        });
    }

    fn on_stop(self: Arc<Self>, hook: Hook) {
        let earlier = lock(&self.interruption).deferred.replace(hook);
        drop(earlier);
        // What gave the call up a moment ago found no hook; what does so from now on finds it.
        if self.is_cancelled() || self.expired.load(Ordering::Acquire) {
            self.interrupt();
        }
    }
}

/// Work for the thread that nobody waits for.
pub(super) struct Message<F>(Mutex<Option<F>>);

impl<F> Message<F> {
    pub(super) fn new(job: F) -> Arc<Message<F>> {
        Arc::new(Message(Mutex::new(Some(job))))
    }
}

impl<T, F: FnOnce(&mut T) + Send> Job<T> for Message<F> {
    fn run(self: Arc<Self>, object: &mut T, _: Option<&Hook>) {
        let job = lock(&self.0).take();
        if let Some(job) = job {
            job(object);
        }
    }

    fn was_interrupted(&self) -> bool {
        false
    }

    fn refuse(&self, _: Error) {}

    fn stop(self: Arc<Self>, _: Error) {}

    fn is_call(&self) -> bool {
        false
    }
}

/// Wakes a task. That is its executor's code, whose panic is not the object's.
pub(super) fn wake(waker: Waker) {
    catch_unwind(AssertUnwindSafe(|| waker.wake())).unwrap_or_else(mem::forget);
}

fn late() -> Error {
    Error::new(ErrorKind::Timeout, "the call's deadline passed before its turn came")
}

/// What these locks guard is whole at any moment, so a poisoned one is as good as any.
pub(super) fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
