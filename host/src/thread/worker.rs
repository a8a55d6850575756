//! The thread that owns the object: the only place that starts one, builds the object, runs calls and drops it.

use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use event_listener::{Event, EventListener};

use super::{call::Job, queue::Queue};
use crate::error::{Error, ErrorKind};

thread_local! {
    /// Bytes of stack that this thread was asked to have.
    static STACK: Cell<usize> = const { Cell::new(0) };
}

/// Bytes of stack that this thread has, if it is an object's and its builder chose that; else 0.
#[cfg(feature = "component")]
pub(crate) fn stack_of_this_thread() -> usize {
    STACK.get()
}

/// What the handles and the thread share.
pub(super) struct Shared<T: 'static> {
    pub(super) queue: Queue<Arc<dyn Job<T>>>,
    pub(super) life: Arc<Life>,
}

/// How far the thread has come.
#[derive(Debug)]
pub(super) struct Life {
    /// Why the object is gone, where it was not simply closed.
    cause: OnceLock<Error>,
    opened: AtomicBool,
    ended: AtomicBool,
    /// Heard when either of the two is reached.
    stage: Event,
}

impl Life {
    /// What a call is answered with that comes too late.
    pub(super) fn cause(&self) -> Error {
        self.cause.get().cloned().unwrap_or_else(Error::closed)
    }

    /// Whether the object was built.
    pub(super) fn is_open(&self) -> bool {
        self.opened.load(Ordering::Acquire)
    }

    /// Whether the thread has dropped the object and is about to end.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Hears when the next stage is reached.
    pub(super) fn listen(&self) -> EventListener {
        self.stage.listen()
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
            opened: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            stage: Event::new(),
        };
        Arc::new(Shared { queue: Queue::bounded(capacity), life: Arc::new(life) })
    }

    /// The order matters: first the cause, then the end of the queue, then the answers. So nobody learns that the
    /// queue is closed without learning why.
    fn die(&self, cause: Error) {
        let _ = self.life.cause.set(cause.clone());
        self.queue.close();
        while let Some(job) = self.queue.pop() {
            // What a call captured may panic when it is dropped; the next call is answered all the same.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                job.refuse(cause.clone());
                drop(job);
            }));
        }
    }
}

/// Starts the thread.
pub(super) fn start<T, S, E>(name: String, stack: Option<usize>, shared: Arc<Shared<T>>, setup: S) -> Result<(), Error>
where
    T: 'static,
    S: FnOnce() -> Result<T, E> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if name.contains('\0') {
        return Err(Error::new(ErrorKind::Thread, format!("a thread cannot be named {name:?}")));
    }
    let mut builder = thread::Builder::new().name(name);
    if let Some(bytes) = stack {
        builder = builder.stack_size(bytes);
    }
    let live = move || {
        STACK.set(stack.unwrap_or(0));
        run(&shared, setup);
    };
    match builder.spawn(live) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::with_source(ErrorKind::Thread, format!("cannot start a thread: {error}"), error)),
    }
}

/// The life of the thread.
fn run<T, S, E>(shared: &Shared<T>, setup: S)
where
    S: FnOnce() -> Result<T, E>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let lived = catch_unwind(AssertUnwindSafe(|| match setup() {
        Ok(object) => {
            shared.life.reach(&shared.life.opened);
            serve(shared, object)
        }
        Err(error) => Err(setup_error(error.into())),
    }));
    if let Err(cause) = lived.unwrap_or_else(|panic| Err(panicked("the setup", panic))) {
        shared.die(cause);
    }
    shared.life.reach(&shared.life.ended);
}

/// Runs calls until the queue is closed and empty, then drops the object, here.
///
/// A panic may have left the object half changed, so nobody gets to see it again: it ends the thread.
fn serve<T>(shared: &Shared<T>, mut object: T) -> Result<(), Error> {
    let mut lived = Ok(());
    while let Some(job) = shared.queue.pop() {
        lived = run_one(shared, job, &mut object);
        if lived.is_err() {
            break;
        }
    }
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(object)));
    lived.and(dropped.map_err(|panic| panicked("dropping the object", panic)))
}

/// Runs a call, and lets it go: what nobody waits for is dropped here, and may panic as well.
fn run_one<T>(shared: &Shared<T>, job: Arc<dyn Job<T>>, object: &mut T) -> Result<(), Error> {
    let ran = catch_unwind(AssertUnwindSafe(|| Arc::clone(&job).run(object)));
    let ran = ran.map_err(|panic| panicked("a call", panic));
    if let Err(cause) = &ran {
        shared.die(cause.clone());
    }
    let dropped = catch_unwind(AssertUnwindSafe(|| {
        if let Err(cause) = &ran {
            job.refuse(cause.clone());
        }
        drop(job);
    }));
    ran.and(dropped.map_err(|panic| panicked("dropping a result", panic)))
}

fn setup_error(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    match error.downcast::<Error>() {
        Ok(ours) => *ours,
        Err(theirs) => Error::with_source(ErrorKind::Setup, format!("the object could not be built: {theirs}"), theirs),
    }
}

fn panicked(what: &str, panic: Box<dyn Any + Send>) -> Error {
    let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
    let message = message.unwrap_or_else(|| "no message".to_owned());
    // Its `Drop` is the caller's code, and could panic again.
    std::mem::forget(panic);
    Error::new(ErrorKind::Panicked, format!("{what} panicked on the object's thread: {message}"))
}
