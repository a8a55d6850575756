//! An async handle to any object that must never leave its thread.
//!
//! ```text
//! HeapThread --call--> Call --queue--> worker (owns the object) --reply--> Ticket
//! ```

mod call;
mod deferred;
mod running;
mod builder;
mod ticket;
mod worker;
#[cfg(feature = "js")]
mod lane;
mod steps;
mod generation;
mod iteration;

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    num::NonZeroUsize,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use event_listener::EventListener;

#[cfg(any(feature = "js", test))]
pub(crate) use self::deferred::{Defer, Deferred};
#[cfg(feature = "js")]
pub(crate) use self::lane::Lane;
#[cfg(feature = "component")]
pub(crate) use self::worker::stack_of_this_thread;
use self::worker::{Life, Shared};
pub use self::{
    builder::{Builder, Restarts},
    call::Call,
    generation::{Generation, GenerationStream, Sink},
    iteration::{Iteration, IterationStream},
    running::Running,
    steps::{Steps, StepsStream},
    ticket::Ticket,
};
use crate::{
    error::{Error, ErrorKind},
    sync::{
        Arc, block_on,
        thread::{self, ThreadId},
    },
};

/// An async handle to an object that lives on a thread of its own.
///
/// The object is built on that thread, never leaves it, and is dropped on it; it need not be `Send`. The handle is
/// `Clone + Send + Sync` for any object, needs no runtime, and serves async code and plain threads at once.
///
/// Rules that it keeps:
///
/// - Every call that enters the queue is answered: with its result, or with the cause of the object's end.
/// - Calls run one at a time, in the order in which they entered the queue.
/// - Dropping a call's future skips the call if it has not started, and tells it, and no other, to stop if it has.
/// - Dropping the last handle closes the object in the background: what is queued still runs. Nothing waits for it.
/// - A call runs within its caller's `tracing` span. Where spans of level `DEBUG` are wanted, it has one of its own named
///   `call`, with the microseconds `waited_us` (from entering the queue) and `ran_us`.
/// - A call that panics is an error to its caller and, unless the [`Builder`] says otherwise, ends the object: later
///   calls get that panic as their error.
///
/// # Example
///
/// ```
/// use std::{cell::RefCell, convert::Infallible, rc::Rc};
/// use aiointernal::HeapThread;
///
/// # fn main() -> Result<(), aiointernal::Error> {
/// // `Rc` is not `Send`: it can be used on one thread only.
/// let words = HeapThread::spawn(|| Ok::<_, Infallible>(Rc::new(RefCell::new(Vec::new())))).blocking()?;
/// words.call(|words| words.borrow_mut().push("hello")).blocking()?;
/// let count = words.call(|words| words.borrow().len()).blocking()?;
/// assert_eq!(count, 1);
/// # Ok(())
/// # }
/// ```
pub struct HeapThread<T: 'static> {
    handle: Arc<Handle<T>>,
}

/// One a thread, however many clones: its end closes the queue.
struct Handle<T: 'static> {
    shared: Arc<Shared<T>>,
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<T: 'static> HeapThread<T> {
    /// What can be chosen before the thread starts.
    pub fn builder() -> Builder<T> {
        Builder::new()
    }

    /// Starts a thread and builds the object on it. Await the result, or [make it blocking](Opening::blocking).
    ///
    /// Name, queue and stack are those of [`Builder`].
    pub fn spawn<S, E>(setup: S) -> Opening<T>
    where
        S: FnOnce() -> Result<T, E> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        HeapThread::builder().spawn(setup)
    }

    /// A call of this closure with the object.
    pub fn call<R, F>(&self, job: F) -> Call<R>
    where
        F: FnOnce(&mut T) -> R + Send + 'static,
        R: Send + 'static,
    {
        Call::new(self, move |object, _| Ok(job(object)))
    }

    /// A call of a closure that can fail and can stop early: [`Running`] tells it how long it may take and whether
    /// its caller has gone.
    ///
    /// # Errors
    ///
    /// [`Object`](crate::ErrorKind::Object) for an error of the closure, which [`Error::downcast_ref`] finds; an
    /// [`Error`] of this crate comes as it is.
    pub fn try_call<R, E, F>(&self, job: F) -> Call<R>
    where
        F: FnOnce(&mut T, &Running) -> Result<R, E> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
        R: Send + 'static,
    {
        Call::new(self, move |object, running| job(object, running).map_err(object_error))
    }

    /// Closes the object: calls in the queue still run, later ones are refused as
    /// [`Closed`](crate::ErrorKind::Closed), then the object is dropped on its thread. Closes it for every clone of
    /// the handle; closing again is fine and waits for the same end. It waits for a [generation](HeapThread::generate)
    /// that waits for its consumer, too.
    pub fn close(&self) -> Closing {
        self.handle.shared.close();
        Closing { life: Arc::clone(&self.handle.shared.life), listener: None, is_over: false }
    }

    /// As [`close`](HeapThread::close), at once: calls in the queue are answered as
    /// [`Closed`](crate::ErrorKind::Closed), and so is the one that runs, which is told to stop as if its caller had given
    /// it up. A `close` that is under way becomes this.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// use aiointernal::{ErrorKind, HeapThread};
    ///
    /// # fn main() -> Result<(), aiointernal::Error> {
    /// let thread = HeapThread::spawn(|| Ok::<_, Infallible>(())).blocking()?;
    /// let endless = thread.try_call(|_, running| {
    ///     while !running.should_stop() {}
    ///     Ok::<_, Infallible>(())
    /// });
    /// let (endless, next) = (endless.queue(), thread.call(|_| ()).queue());
    /// thread.close_now().blocking()?;
    /// assert_eq!(endless.blocking().unwrap_err().kind(), ErrorKind::Closed);
    /// assert_eq!(next.blocking().unwrap_err().kind(), ErrorKind::Closed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn close_now(&self) -> Closing {
        self.handle.shared.close_now();
        self.close()
    }

    /// How many calls wait, in the queue or for a place in it. The one that runs does not.
    pub fn waiting(&self) -> usize {
        let stats = self.handle.shared.queue.stats();
        stats.queued + stats.putting
    }

    /// Changes [how many calls may wait](Builder::queue_capacity).
    pub fn set_queue_capacity(&self, calls: NonZeroUsize) {
        self.handle.shared.queue.set_capacity(calls.get());
    }

    /// As if it were closed and gone already, whatever it is.
    #[cfg(feature = "js")]
    pub(crate) fn closed(&self) -> Closing {
        Closing { life: Arc::clone(&self.handle.shared.life), listener: None, is_over: true }
    }

    /// Whether calls are refused.
    pub fn is_closed(&self) -> bool {
        self.handle.shared.queue.ended().is_some()
    }

    /// The object's thread.
    pub(crate) fn home(&self) -> Option<ThreadId> {
        self.shared().life.home()
    }

    /// Has the object's thread do something soon, full queue or not, that nobody waits for.
    #[cfg(feature = "js")]
    pub(crate) fn send(&self, job: impl FnOnce(&mut T) + Send + 'static) {
        self.shared().send(job);
    }

    fn shared(&self) -> &Shared<T> {
        &self.handle.shared
    }
}

/// The way of an object's own messages into its queue. It does not keep the object.
#[cfg(any(feature = "js", test))]
pub(crate) struct Sender<T: 'static>(Arc<Shared<T>>);

#[cfg(any(feature = "js", test))]
impl<T> Sender<T> {
    /// Has the object's thread do something soon, full queue or not; `false` when it takes nothing more.
    pub(crate) fn send(&self, job: impl FnOnce(&mut T) + Send + 'static) -> bool {
        self.0.send(job)
    }

    /// What such a message runs as. It is cancelled when the object is to end at once.
    pub(crate) fn running(&self) -> Running {
        Running::new(Arc::clone(&self.0.life) as _, None, None)
    }
}

#[cfg(any(feature = "js", test))]
impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender(Arc::clone(&self.0))
    }
}

/// Blocks this thread until the future is ready, unless it is the object's own, which would wait for itself.
pub(crate) fn block_elsewhere<F: Future>(
    home: Option<ThreadId>,
    future: F,
    refuse: impl Fn(Error) -> F::Output,
) -> F::Output {
    let is_at_home = home == Some(thread::current().id());
    let mut future = pin!(future);
    block_on(std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Pending if is_at_home => {
            let message = "this is the object's own thread, which cannot wait for the object";
            Poll::Ready(refuse(Error::new(ErrorKind::Deadlock, message)))
        }
        polled => polled,
    }))
}

/// An error of the object's own code.
fn object_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::foreign(ErrorKind::Object, "the object failed", error.into())
}

impl<T> Clone for HeapThread<T> {
    fn clone(&self) -> Self {
        HeapThread { handle: Arc::clone(&self.handle) }
    }
}

impl<T> fmt::Debug for HeapThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeapThread").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

/// A future of the handle, ready when the object is built.
///
/// Dropping it closes the object as soon as it is built.
///
/// # Errors
///
/// - [`Thread`](crate::ErrorKind::Thread): the system refused a thread.
/// - [`Setup`](crate::ErrorKind::Setup): the setup failed; its error is the source. An [`Error`] of this crate comes
///   as it is.
/// - [`Panicked`](crate::ErrorKind::Panicked): the setup panicked.
#[must_use = "dropping it closes the object"]
pub struct Opening<T: 'static, H = HeapThread<T>> {
    started: Result<Option<HeapThread<T>>, Error>,
    listener: Option<EventListener>,
    handle: PhantomData<fn() -> H>,
}

impl<T> Opening<T> {
    /// That of an object whose thread was started already.
    #[cfg(feature = "js")]
    pub(crate) fn of(thread: HeapThread<T>) -> Opening<T> {
        Opening { started: Ok(Some(thread)), listener: None, handle: PhantomData }
    }

    /// One that failed.
    #[cfg(feature = "js")]
    pub(crate) fn failed(error: Error) -> Opening<T> {
        Opening { started: Err(error), listener: None, handle: PhantomData }
    }

    /// The handle, whether or not the object is built.
    #[cfg(feature = "js")]
    pub(crate) fn thread(&self) -> Option<HeapThread<T>> {
        self.started.as_ref().ok().cloned().flatten()
    }

    /// The same, of another type of handle, such as `#[heap_thread]` generates.
    pub fn into_handle<H: From<HeapThread<T>>>(self) -> Opening<T, H> {
        Opening { started: self.started, listener: self.listener, handle: PhantomData }
    }
}

impl<T, H: From<HeapThread<T>>> Opening<T, H> {
    /// Blocks this thread until the object is built.
    ///
    /// # Errors
    ///
    /// As the future's, and [`Deadlock`](crate::ErrorKind::Deadlock): this is the thread on which it would be built.
    pub fn blocking(self) -> Result<H, Error> {
        let home = self.started.as_ref().ok().and_then(Option::as_ref).and_then(HeapThread::home);
        block_elsewhere(home, self, Err)
    }
}

impl<T, H: From<HeapThread<T>>> Future for Opening<T, H> {
    type Output = Result<H, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let life = match &this.started {
            Err(error) => return Poll::Ready(Err(error.clone())),
            Ok(None) => return Poll::Pending,
            Ok(Some(thread)) => Arc::clone(&thread.handle.shared.life),
        };
        let built = life.poll(&mut this.listener, context, |life| life.is_open() || life.has_ended());
        if built.is_pending() {
            return Poll::Pending;
        }
        let thread = this.started.as_mut().ok().and_then(Option::take);
        Poll::Ready(thread.filter(|_| life.is_open()).map(H::from).ok_or_else(|| life.cause()))
    }
}

impl<T, H> fmt::Debug for Opening<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").finish_non_exhaustive()
    }
}

/// A future that is ready when the object is gone. Dropping the future stops nothing.
///
/// # Errors
///
/// What the object died of, where it was not simply closed; else the error of its
/// [teardown](Builder::teardown).
#[must_use = "closing goes on without it, but only awaiting it tells when the object is gone"]
pub struct Closing {
    life: Arc<Life>,
    listener: Option<EventListener>,
    is_over: bool,
}

impl Closing {
    /// Blocks this thread until the object is gone.
    ///
    /// # Errors
    ///
    /// As the future's, and [`Deadlock`](crate::ErrorKind::Deadlock): this thread is the object's own.
    pub fn blocking(self) -> Result<(), Error> {
        block_elsewhere(self.life.home(), self, Err)
    }
}

#[cfg(feature = "js")]
impl Closing {
    /// Whether the object is gone.
    pub(crate) fn has_ended(&self) -> bool {
        self.life.has_ended()
    }
}

impl Future for Closing {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(Ok(()));
        }
        this.life.poll(&mut this.listener, context, Life::has_ended).map(|()| this.life.outcome())
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing").finish_non_exhaustive()
    }
}
