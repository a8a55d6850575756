//! What can be chosen before a thread starts.

use std::{
    fmt,
    marker::PhantomData,
    num::NonZeroUsize,
    task::{Context, Poll},
    time::Duration,
};

#[cfg(any(feature = "js", test))]
use super::Sender;
use super::{
    Handle, HeapThread, Opening,
    call::Hook,
    object_error,
    worker::{self, Setup, Shared},
};
#[cfg(feature = "js")]
use super::{Lane, worker::End};
use crate::{
    error::{Error, ErrorKind},
    sync::Arc,
};

type MakeHook<T> = Box<dyn FnMut(&T) -> Hook + Send>;
type AfterInterrupt<T> = Box<dyn FnMut(&mut T) + Send>;
type Drain<T> = Box<dyn FnMut(&mut T, &mut Context<'_>) -> Poll<()> + Send>;
type Teardown<T> = Box<dyn FnOnce(T) -> Result<(), Error> + Send>;

/// What can be chosen before a [`HeapThread`] starts.
#[must_use]
pub struct Builder<T> {
    pub(super) name: String,
    pub(super) capacity: usize,
    pub(super) stack: Option<usize>,
    pub(super) keeps_after_panic: bool,
    pub(super) hook: Option<MakeHook<T>>,
    pub(super) after_interrupt: Option<AfterInterrupt<T>>,
    pub(super) drain: Option<Drain<T>>,
    pub(super) teardown: Option<Teardown<T>>,
}

/// How an object that panicked is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restarts {
    /// Attempts in a row after which the object is given up, with the error of the last one as the cause. Default: 10.
    pub attempts: u32,
    /// Time between the first attempt that fails and the next; each further one takes twice as long. Default: 10 ms.
    pub first_pause: Duration,
    /// The longest of these times. Default: 10 s.
    pub longest_pause: Duration,
}

impl Default for Restarts {
    fn default() -> Restarts {
        Restarts { attempts: 10, first_pause: Duration::from_millis(10), longest_pause: Duration::from_secs(10) }
    }
}

impl<T: 'static> Builder<T> {
    /// Default length of the queue. Long enough that a burst does not wait, short enough that one caller cannot pile
    /// up minutes of work.
    const QUEUE: usize = 256;

    pub(super) fn new() -> Builder<T> {
        Builder {
            name: "aiointernal".to_owned(),
            capacity: Builder::<T>::QUEUE,
            stack: None,
            keeps_after_panic: false,
            hook: None,
            after_interrupt: None,
            drain: None,
            teardown: None,
        }
    }

    /// The thread's name, as debuggers and panics show it. Default: `aiointernal`.
    pub fn name(mut self, name: impl Into<String>) -> Builder<T> {
        self.name = name.into();
        self
    }

    /// How many calls may wait in the queue. Beyond them, awaiting a call waits and queueing one fails. A call that was
    /// given up or is late keeps its place until its turn, in which it is skipped. Default: 256.
    pub fn queue_capacity(mut self, calls: NonZeroUsize) -> Builder<T> {
        self.capacity = calls.get();
        self
    }

    /// Bytes of the thread's stack. Default: that of the standard library, 2 MiB.
    pub fn stack_size(mut self, bytes: usize) -> Builder<T> {
        self.stack = Some(bytes);
        self
    }

    /// How to tell the object, from any thread, to stop what it is doing: a database's interrupt handle, or a flag
    /// that its code looks at.
    ///
    /// The hook that `make` returns runs when a running call is given up or its time is over, and again every 10 ms
    /// until that call has ended. It runs while that very call runs, never during the next one. It must be quick: the
    /// end of the call waits for it, and so do the time limits of all other calls.
    ///
    /// A call may end without having noticed. Where what the hook leaves behind would stop the next call, as a flag would,
    /// [`after_interrupt`](Builder::after_interrupt) takes it away.
    ///
    /// ```
    /// use std::{convert::Infallible, sync::{Arc, atomic::{AtomicBool, Ordering}}, time::Duration};
    /// use aiointernal::{ErrorKind, HeapThread};
    ///
    /// # fn main() -> Result<(), aiointernal::Error> {
    /// let thread = HeapThread::builder()
    ///     .interrupt_with(|stop: &Arc<AtomicBool>| {
    ///         let stop = Arc::clone(stop);
    ///         move || stop.store(true, Ordering::Relaxed)
    ///     })
    ///     .after_interrupt(|stop| stop.store(false, Ordering::Relaxed))
    ///     .spawn(|| Ok::<_, Infallible>(Arc::new(AtomicBool::new(false))))
    ///     .blocking()?;
    /// let endless = thread.try_call(|stop, _| {
    ///     while !stop.load(Ordering::Relaxed) {}
    ///     Err::<(), _>("stopped")
    /// });
    /// let error = endless.timeout(Duration::from_millis(5)).blocking().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Timeout);
    /// # Ok(())
    /// # }
    /// ```
    pub fn interrupt_with<H>(mut self, mut make: impl FnMut(&T) -> H + Send + 'static) -> Builder<T>
    where
        H: Fn() + Send + Sync + 'static,
    {
        self.hook = Some(Box::new(move |object| Arc::new(make(object))));
        self
    }

    /// What is done with the object after a call that the hook was used on, before the next call: taking back what the
    /// hook did. Default: nothing, for hooks that stop only what runs, as SQLite's does.
    pub fn after_interrupt(mut self, ready: impl FnMut(&mut T) + Send + 'static) -> Builder<T> {
        self.after_interrupt = Some(Box::new(ready));
        self
    }

    /// Keeps the object after a call that panicked, for objects that a panic cannot leave half changed.
    /// Default: a panic ends the object, and every later call gets it as its error.
    pub fn keep_after_panic(mut self) -> Builder<T> {
        self.keeps_after_panic = true;
        self
    }

    /// What is done with the object at the end, on its thread, instead of only dropping it. Its error is that of
    /// [`close`](HeapThread::close). It does not run after a panic that ended the object.
    pub fn teardown<E>(mut self, teardown: impl FnOnce(T) -> Result<(), E> + Send + 'static) -> Builder<T>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.teardown = Some(Box::new(move |object| teardown(object).map_err(object_error)));
        self
    }

    /// Starts the thread and builds the object on it, now. Await the result, or
    /// [make it blocking](Opening::blocking).
    pub fn spawn<S, E>(self, setup: S) -> Opening<T>
    where
        S: FnOnce() -> Result<T, E> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.start(Setup::Once(Some(Box::new(move || setup().map_err(setup_error)))))
    }

    /// As [`spawn`](Builder::spawn), and builds the object anew after a call that panicked. That call gets the panic as
    /// its error, the calls behind it run on the new object.
    ///
    /// An attempt to build it that fails is made again after a pause; calls wait meanwhile. When the last of
    /// `restarts` has failed, its error is what the object died of. Closing does not wait for more attempts.
    pub fn spawn_with_restarts<S, E>(self, restarts: Restarts, mut setup: S) -> Opening<T>
    where
        S: FnMut() -> Result<T, E> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.start(Setup::Again(Box::new(move || setup().map_err(setup_error)), restarts))
    }

    /// As [`spawn`](Builder::spawn), for an object that defers answers: it is given the way to its own queue, and when
    /// the queue is closed and empty, `drain` is polled until it has given them all.
    #[cfg(any(feature = "js", test))]
    pub(crate) fn spawn_deferring(
        mut self,
        setup: impl FnOnce(Sender<T>) -> Result<T, Error> + Send + 'static,
        drain: impl FnMut(&mut T, &mut Context<'_>) -> Poll<()> + Send + 'static,
    ) -> Opening<T> {
        let (shared, setup) = self.deferring(setup, drain);
        self.start_with(shared, setup)
    }

    #[cfg(any(feature = "js", test))]
    fn deferring(
        &mut self,
        setup: impl FnOnce(Sender<T>) -> Result<T, Error> + Send + 'static,
        drain: impl FnMut(&mut T, &mut Context<'_>) -> Poll<()> + Send + 'static,
    ) -> (Arc<Shared<T>>, Setup<T>) {
        self.drain = Some(Box::new(drain));
        let shared = Shared::new(self.capacity);
        let sender = Sender(Arc::clone(&shared));
        (shared, Setup::Once(Some(Box::new(move || setup(sender)))))
    }

    /// As `spawn_deferring`, on a thread that it shares with others; they have their turn after so many of its calls.
    #[cfg(feature = "js")]
    pub(crate) fn spawn_on(
        mut self,
        lane: &Lane,
        weight: std::num::NonZeroU32,
        setup: impl FnOnce(Sender<T>) -> Result<T, Error> + Send + 'static,
        drain: impl FnMut(&mut T, &mut Context<'_>) -> Poll<()> + Send + 'static,
    ) -> Opening<T> {
        let (shared, setup) = self.deferring(setup, drain);
        let end = End::of(&shared, lane.place());
        shared.life.is_at_home(lane.home());
        lane.adopt(Box::new(move || Box::pin(worker::run(self, end, setup, Some(weight)))));
        Opening {
            started: Ok(Some(HeapThread { handle: Arc::new(Handle { shared }) })),
            listener: None,
            handle: PhantomData,
        }
    }

    fn start(self, setup: Setup<T>) -> Opening<T> {
        let shared = Shared::new(self.capacity);
        self.start_with(shared, setup)
    }

    fn start_with(self, shared: Arc<Shared<T>>, setup: Setup<T>) -> Opening<T> {
        let started = worker::start(self, Arc::clone(&shared), setup);
        let started = started.map(|()| Some(HeapThread { handle: Arc::new(Handle { shared }) }));
        Opening { started, listener: None, handle: PhantomData }
    }
}

fn setup_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::foreign(ErrorKind::Setup, "the object could not be built", error.into())
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Builder");
        debug.field("name", &self.name).field("capacity", &self.capacity).field("stack", &self.stack);
        debug.field("keeps_after_panic", &self.keeps_after_panic).finish_non_exhaustive()
    }
}
