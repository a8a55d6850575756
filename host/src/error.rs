//! The one error type of the crate.

use std::{error::Error as StdError, fmt, sync::Arc};

/// Why a call has no result.
///
/// [`kind`](Error::kind) says what happened and is what programs decide by; the text, from `Display`, names the
/// values involved and is what people read. Cloning is cheap: every caller that waits on one cause gets the same.
#[derive(Clone)]
pub struct Error(Arc<Repr>);

struct Repr {
    kind: ErrorKind,
    message: String,
    #[cfg(feature = "component")]
    context_kept: bool,
    #[cfg(feature = "js")]
    exception: Option<crate::js::Exception>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What happened, in general terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The object is gone: it was closed before this call, or while this call waited.
    Closed,
    /// The queue has no room, and the call was not to wait for any.
    QueueFull,
    /// The caller gave the call up.
    Cancelled,
    /// Code on the object's thread panicked, in this call or in an earlier one. The object is gone.
    Panicked,
    /// The object could not be built; the setup's own error is the source.
    Setup,
    /// The object's own code failed; its error is the source, see [`Error::downcast_ref`].
    Object,
    /// The object's own thread was to wait for the object.
    Deadlock,
    /// The system refused a thread, or the timer that time limits are kept by.
    Thread,
    /// A file could not be read, or is not UTF-8.
    Io,
    /// The script threw, or does not parse. [`Error::exception`] has what it threw.
    Thrown,
    /// A host function failed, and the script did not catch what it threw. The function's error is the source, see
    /// [`Error::downcast_ref`]; [`Error::exception`] is what the script was told.
    HostFunction,
    /// The script called host functions more often than it may, or handed over too much, and did not catch the error.
    HostCallLimit,
    /// The result is a promise that nothing can settle.
    NeverSettles,
    /// The call ran longer than its time limit.
    Timeout,
    /// The call took more processor time than its limit, or than its group has left.
    CpuLimit,
    /// The call needed more fuel than its limit.
    FuelLimit,
    /// The call needed more memory than its limit, or than its group has left.
    MemoryLimit,
    /// The call needed more of the engine's own stack than there is. A script that recurses meets its `RangeError`
    /// first; this is what lies behind it.
    StackLimit,
    /// The source text is longer than its limit.
    SourceTooLarge,
    /// The result, encoded, is longer than its limit.
    ResultTooLarge,
    /// There are as many handles to values of the context as there may be, and the result would be one more.
    HandleLimit,
    /// As many evaluations of the context wait for host functions as may, and this would be one more.
    PendingLimit,
    /// The group has as many instances, or contexts, as it may have.
    GroupFull,
    /// A [pool](crate::js::Pool) has as many contexts as it may have.
    PoolFull,
    /// The result cannot leave the engine: it is or holds a function, a symbol, a promise... Or a value with a cycle cannot be a tree.
    NotTransferable,
    /// An argument cannot enter the engine.
    InvalidArgument,
    /// What the call works with, or waits in, was lost: it belonged to an instance that is gone. Or the context was lost behind the answer of an
    /// earlier call, and this one did not run.
    Lost,
    /// The result does not have the Rust type that was asked for.
    WrongType,
    /// These bytes are no component that runs here: not WebAssembly, a core module, damaged, or with imports that it
    /// is not given.
    BadComponent,
    /// A component failed by itself: it trapped, it exited, or a host function gave it an error.
    Trapped,
    /// A fault of the host: an engine that does not load, no room for one more instance, an unknown trap.
    Engine,
}

impl ErrorKind {
    /// A short name that will not change, such as `never-settles`: for logs, metrics and other programs.
    pub fn code(self) -> &'static str {
        match self {
            ErrorKind::Closed => "closed",
            ErrorKind::QueueFull => "queue-full",
            ErrorKind::Cancelled => "cancelled",
            ErrorKind::Panicked => "panicked",
            ErrorKind::Setup => "setup",
            ErrorKind::Object => "object",
            ErrorKind::Deadlock => "deadlock",
            ErrorKind::Thread => "thread",
            ErrorKind::Io => "io",
            ErrorKind::Thrown => "thrown",
            ErrorKind::HostFunction => "host-function",
            ErrorKind::HostCallLimit => "host-call-limit",
            ErrorKind::NeverSettles => "never-settles",
            ErrorKind::Timeout => "timeout",
            ErrorKind::CpuLimit => "cpu-limit",
            ErrorKind::FuelLimit => "fuel-limit",
            ErrorKind::MemoryLimit => "memory-limit",
            ErrorKind::StackLimit => "stack-limit",
            ErrorKind::SourceTooLarge => "source-too-large",
            ErrorKind::ResultTooLarge => "result-too-large",
            ErrorKind::HandleLimit => "handle-limit",
            ErrorKind::PendingLimit => "pending-limit",
            ErrorKind::GroupFull => "group-full",
            ErrorKind::PoolFull => "pool-full",
            ErrorKind::NotTransferable => "not-transferable",
            ErrorKind::InvalidArgument => "invalid-argument",
            ErrorKind::Lost => "lost",
            ErrorKind::WrongType => "wrong-type",
            ErrorKind::BadComponent => "bad-component",
            ErrorKind::Trapped => "trapped",
            ErrorKind::Engine => "engine",
        }
    }

    /// Whether a limit stopped the call: time, processor time, fuel, memory, stack, source or result size, host calls,
    /// handles, evaluations that wait.
    pub fn is_limit(self) -> bool {
        matches!(
            self,
            ErrorKind::Timeout
                | ErrorKind::CpuLimit
                | ErrorKind::FuelLimit
                | ErrorKind::MemoryLimit
                | ErrorKind::StackLimit
                | ErrorKind::SourceTooLarge
                | ErrorKind::ResultTooLarge
                | ErrorKind::HandleLimit
                | ErrorKind::HostCallLimit
                | ErrorKind::PendingLimit
        )
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::build(kind, message.into(), None)
    }

    pub(crate) fn with_source(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Error {
        Error::build(kind, message.into(), Some(source.into()))
    }

    fn build(kind: ErrorKind, message: String, source: Option<Box<dyn StdError + Send + Sync>>) -> Error {
        Error(Arc::new(Repr {
            kind,
            message,
            #[cfg(feature = "component")]
            context_kept: !matches!(kind, ErrorKind::Closed | ErrorKind::Panicked | ErrorKind::Setup),
            #[cfg(feature = "js")]
            exception: None,
            source,
        }))
    }

    /// The same error, which also says that the context was lost.
    #[cfg(feature = "component")]
    pub(crate) fn with_context_lost(mut self) -> Error {
        match Arc::get_mut(&mut self.0) {
            Some(repr) => {
                repr.context_kept = false;
                self
            }
            // Somebody has a clone of it: then it is the source of another.
            None => Error::with_source(self.kind(), self.to_string(), self).with_context_lost(),
        }
    }

    #[cfg(feature = "js")]
    pub(crate) fn thrown(exception: crate::js::Exception) -> Error {
        Error(Arc::new(Repr {
            kind: ErrorKind::Thrown,
            message: exception.to_string(),
            context_kept: true,
            exception: Some(exception),
            source: None,
        }))
    }

    /// Bytes of memory that it takes with what a script wrote into it. An error that is not of this crate is its source's text, which is within its own.
    #[cfg(feature = "js")]
    pub(crate) fn bytes(&self) -> usize {
        let text = self.0.message.len();
        let source =
            self.0.source.as_ref().map_or(0, |source| source.downcast_ref::<Error>().map_or(text, Error::bytes));
        let exception = self.exception().map_or(0, crate::js::Exception::bytes);
        size_of::<Repr>().saturating_add(text).saturating_add(source).saturating_add(exception)
    }

    /// What a script let through of an error of the host.
    #[cfg(feature = "js")]
    pub(crate) fn uncaught(exception: crate::js::Exception, host: Error) -> Error {
        let fate = if host.kind().is_limit() { "; the context was kept" } else { "" };
        Error(Arc::new(Repr {
            kind: host.kind(),
            message: format!("{host}{fate}"),
            context_kept: true,
            exception: Some(exception),
            source: Some(Box::new(host)),
        }))
    }

    /// An error of your own code, of the kind [`Object`](ErrorKind::Object): for a host function, say, which hands it to the
    /// caller of the component. [`downcast_ref`](Error::downcast_ref) finds it again.
    ///
    /// ```
    /// let error = aiointernal::Error::other("no such tenant");
    /// assert_eq!((error.kind().code(), error.to_string().as_str()), ("object", "no such tenant"));
    /// ```
    pub fn other(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        let error = error.into();
        Error::with_source(ErrorKind::Object, error.to_string(), error)
    }

    /// An error of the caller's code: one of this crate as it is, any other as the source of one of this kind.
    pub(crate) fn foreign(kind: ErrorKind, what: &str, error: Box<dyn StdError + Send + Sync>) -> Error {
        match error.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(theirs) => Error::with_source(kind, format!("{what}: {theirs}"), theirs),
        }
    }

    pub(crate) fn closed() -> Error {
        Error::new(ErrorKind::Closed, "the object was closed")
    }

    pub(crate) fn cancelled() -> Error {
        Error::new(ErrorKind::Cancelled, "the call was cancelled")
    }

    /// What happened, in general terms.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The object's own error, where it is of this type: of [`ErrorKind::Object`] and [`ErrorKind::Setup`], and of a
    /// call that was interrupted.
    ///
    /// ```
    /// use std::{convert::Infallible, num::ParseIntError};
    /// use aiointernal::HeapThread;
    ///
    /// # fn main() -> Result<(), aiointernal::Error> {
    /// let thread = HeapThread::spawn(|| Ok::<_, Infallible>(String::from("twelve"))).blocking()?;
    /// let error = thread.try_call(|text, _| text.parse::<i32>()).blocking().unwrap_err();
    /// assert!(error.downcast_ref::<ParseIntError>().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        let source = self.0.source.as_deref()?;
        match source.downcast_ref::<E>() {
            None => source.downcast_ref::<Error>()?.downcast_ref(),
            found => found,
        }
    }

    /// Whether the context still has everything that scripts put into it, or the instance of a component everything
    /// that calls left in it. When not, it is gone where the kind is `Closed` or `Panicked`, and else was replaced by
    /// a fresh one: the handle goes on working.
    #[cfg(feature = "component")]
    pub fn is_context_kept(&self) -> bool {
        self.0.context_kept
    }

    /// What the script threw, for [`ErrorKind::Thrown`], [`ErrorKind::HostFunction`] and [`ErrorKind::HostCallLimit`].
    #[cfg(feature = "js")]
    pub fn exception(&self) -> Option<&crate::js::Exception> {
        self.0.exception.as_ref()
    }
}

impl fmt::Display for Error {
    /// With `{:#}`, what a script threw is told with its stack, causes and errors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "js")]
        if let Some(exception) = self.exception().filter(|_| f.alternate()) {
            return fmt::Display::fmt(exception, f);
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.0.kind).field("message", &self.0.message);
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        #[cfg(feature = "js")]
        if let (Some(exception), None) = (self.exception(), &self.0.source) {
            return exception.source();
        }
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
