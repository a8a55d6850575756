//! One call: the closure, its reply, and who still wants it.

use std::{
    fmt,
    marker::PhantomData,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use event_listener::EventListener;

use super::{HeapThread, queue::Refused, ticket::Ticket};
use crate::error::{Error, ErrorKind};

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
    pub(super) fn new<T, F>(thread: &HeapThread<T>, job: F) -> Call<R>
    where
        T: 'static,
        F: FnOnce(&mut T, &Running) -> Result<R, Error> + Send + 'static,
    {
        Call {
            cell: Arc::new(Cell {
                cancelled: AtomicBool::new(false),
                progress: AtomicBool::new(false),
                timeout: None,
                span: tracing::Span::current(),
                job: Mutex::new(Some(job)),
                thread: Mutex::new(Some(thread.clone())),
                reply: Mutex::new(Reply::Awaited(None)),
                object: PhantomData,
            }),
        }
    }

    /// The longest time that the call may run, from when it starts; waiting in the queue does not count.
    ///
    /// The object has to keep to it, by [`Running::timeout`]. A JavaScript context does, and takes the lower of this
    /// and its own limit. A closure of [`HeapThread::call`] is not interrupted.
    pub fn timeout(mut self, timeout: Duration) -> Call<R> {
        if let Some(cell) = Arc::get_mut(&mut self.cell) {
            cell.set_timeout(timeout);
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

/// The call that is running, as the object sees it.
///
/// It belongs to one call, so a cancellation that comes late finds nobody: it cannot hit the next call.
#[derive(Clone)]
pub struct Running {
    interest: Arc<dyn Interest>,
    timeout: Option<Duration>,
}

impl Running {
    /// Work that no call waits for, such as what [`Steps::finish`](crate::Steps::finish) does.
    #[cfg(feature = "component")]
    pub fn unattended() -> Running {
        struct Nobody;
        impl Interest for Nobody {
            fn is_cancelled(&self) -> bool {
                false
            }

            fn note_progress(&self) {}

            fn report_progress(&self) {}
        }
        Running { interest: Arc::new(Nobody), timeout: None }
    }

    /// Whether the caller has given the call up. Work that takes long should look now and then, and stop.
    pub fn is_cancelled(&self) -> bool {
        self.interest.is_cancelled()
    }

    /// The call has made something that its caller can take before its end.
    pub(super) fn note_progress(&self) {
        self.interest.note_progress();
    }

    /// Wakes the caller where the call has made progress. The object calls this now and then while the call runs.
    #[cfg(feature = "component")]
    pub(crate) fn report_progress(&self) {
        self.interest.report_progress();
    }

    /// The longest time that the caller lets the call run, where the caller said so.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("cancelled", &self.is_cancelled()).field("timeout", &self.timeout).finish()
    }
}

/// A call as the worker sees it.
pub(super) trait Job<T>: Send + Sync {
    /// Runs it, or skips it when nobody waits for it any more.
    fn run(self: Arc<Self>, object: &mut T);

    /// Answers it without running it; does nothing when it has an answer.
    fn refuse(&self, error: Error);
}

/// A call as its caller sees it.
pub(super) trait Pending<R>: Send + Sync {
    fn set_timeout(&mut self, timeout: Duration);

    /// Puts the call into the queue of its thread.
    fn submit(self: Arc<Self>) -> Submission;

    /// A listener that hears when the queue has room.
    fn listen_for_room(&self) -> Option<EventListener>;

    /// Answers the call from the caller's side; does nothing when it has an answer.
    fn answer(&self, error: Error);

    /// Takes the answer, or leaves the waker to be called when it is there.
    fn poll(&self, context: &mut Context<'_>) -> Poll<Result<R, Error>>;

    /// Nobody waits any more.
    fn cancel(&self);

    /// As [`Pending::cancel`], but somebody waits for the end.
    fn abort(&self);
}

/// What became of [`Pending::submit`].
pub(super) enum Submission {
    /// The call is in the queue, or has been answered.
    Done,
    Full,
}

trait Interest: Send + Sync {
    fn is_cancelled(&self) -> bool;

    fn note_progress(&self);

    #[cfg_attr(not(feature = "component"), expect(dead_code, reason = "only what runs long reports"))]
    fn report_progress(&self);
}

/// Everything about a call, in one allocation that its caller and the queue share.
struct Cell<T: 'static, F, R> {
    cancelled: AtomicBool,
    progress: AtomicBool,
    timeout: Option<Duration>,
    span: tracing::Span,
    /// The closure, until it runs.
    job: Mutex<Option<F>>,
    /// The thread, until the call is in its queue: a ticket that somebody keeps does not keep the thread.
    thread: Mutex<Option<HeapThread<T>>>,
    reply: Mutex<Reply<R>>,
    object: PhantomData<fn(&mut T)>,
}

enum Reply<R> {
    Awaited(Option<Waker>),
    Ready(Result<R, Error>),
    Taken,
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

    /// Leaves the answer and wakes who waits for it. The first answer stands.
    fn finish(&self, answer: Result<R, Error>) {
        let mut reply = lock(&self.reply);
        if let Reply::Awaited(waker) = &mut *reply {
            let waker = waker.take();
            *reply = Reply::Ready(answer);
            drop(reply);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl<T, F, R> Job<T> for Cell<T, F, R>
where
    F: FnOnce(&mut T, &Running) -> Result<R, Error> + Send + 'static,
    R: Send + 'static,
{
    fn run(self: Arc<Self>, object: &mut T) {
        let job = lock(&self.job).take();
        match job {
            Some(job) if !self.is_cancelled() => {
                let running = Running { interest: Arc::clone(&self) as Arc<dyn Interest>, timeout: self.timeout };
                let _entered = self.span.enter();
                self.finish(job(object, &running));
            }
            _ => self.finish(Err(Error::cancelled())),
        }
    }

    fn refuse(&self, error: Error) {
        self.finish(Err(error));
        self.drop_job();
    }
}

impl<T, F, R> Pending<R> for Cell<T, F, R>
where
    F: FnOnce(&mut T, &Running) -> Result<R, Error> + Send + 'static,
    R: Send + 'static,
{
    fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    fn submit(self: Arc<Self>) -> Submission {
        let Some(thread) = lock(&self.thread).take() else {
            return Submission::Done;
        };
        match thread.shared().queue.try_push(Arc::clone(&self) as Arc<dyn Job<T>>) {
            Ok(()) => Submission::Done,
            Err(Refused::Closed(_)) => {
                self.refuse(thread.shared().life.cause());
                Submission::Done
            }
            Err(Refused::Full(_)) => {
                *lock(&self.thread) = Some(thread);
                Submission::Full
            }
        }
    }

    fn listen_for_room(&self) -> Option<EventListener> {
        lock(&self.thread).as_ref().map(|thread| thread.shared().queue.listen_for_room())
    }

    fn answer(&self, error: Error) {
        self.finish(Err(error));
        self.drop_job();
        let thread = lock(&self.thread).take();
        drop(thread);
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Result<R, Error>> {
        let mut reply = lock(&self.reply);
        match std::mem::replace(&mut *reply, Reply::Taken) {
            Reply::Ready(answer) => Poll::Ready(answer),
            Reply::Awaited(waker) => {
                let waker = waker.filter(|waker| waker.will_wake(context.waker()));
                *reply = Reply::Awaited(Some(waker.unwrap_or_else(|| context.waker().clone())));
                Poll::Pending
            }
            // A future that is polled after its end has nothing more to say.
            Reply::Taken => Poll::Pending,
        }
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        // The closure may hold much, and its turn in the queue may be far off.
        self.drop_job();
    }

    fn abort(&self) {
        self.cancelled.store(true, Ordering::Release);
        let job = lock(&self.job).take();
        if job.is_some() {
            self.answer(Error::cancelled());
        }
    }
}

impl<T, F, R> Interest for Cell<T, F, R>
where
    F: Send,
    R: Send,
{
    fn is_cancelled(&self) -> bool {
        self.is_cancelled()
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
            Reply::Ready(_) | Reply::Taken => None,
        };
        if let Some(waker) = waker {
            waker.wake();
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
    fn run(self: Arc<Self>, object: &mut T) {
        let job = lock(&self.0).take();
        if let Some(job) = job {
            job(object);
        }
    }

    fn refuse(&self, _: Error) {}
}

/// Nothing of the caller's runs while one of these locks is held, so a poisoned one is as good as any.
pub(super) fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
