//! The call that is running, as the object sees it.

use std::{
    fmt,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind},
    sync::Arc,
};

/// The call that is running, as the object sees it.
///
/// It belongs to one call, so a cancellation that comes late finds nobody: it cannot hit the next call.
#[derive(Clone)]
pub struct Running {
    interest: Arc<dyn Interest>,
    timeout: Option<Duration>,
    ends: Option<Instant>,
    waited: Option<Duration>,
}

/// Who waits for the call.
pub(super) trait Interest: Send + Sync {
    fn is_cancelled(&self) -> bool;

    fn note_progress(&self);

    #[cfg_attr(not(feature = "component"), expect(dead_code, reason = "only what runs long reports"))]
    fn report_progress(&self);
}

impl Running {
    pub(super) fn new(interest: Arc<dyn Interest>, timeout: Option<Duration>, ends: Option<Instant>) -> Running {
        Running { interest, timeout, ends, waited: None }
    }

    /// The same, which waited so long in the queue.
    pub(crate) fn after(self, waited: Option<Duration>) -> Running {
        Running { waited, ..self }
    }

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
        Running { interest: Arc::new(Nobody), timeout: None, ends: None, waited: None }
    }

    /// Whether the caller has given the call up.
    pub fn is_cancelled(&self) -> bool {
        self.interest.is_cancelled()
    }

    /// Whether the caller has given the call up or its time is over. Work that takes long should look now and then,
    /// and stop.
    pub fn should_stop(&self) -> bool {
        self.check().is_err()
    }

    /// The time that the call had when it started, where its caller set a [timeout](crate::Call::timeout) or a
    /// [deadline](crate::Call::deadline).
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// How long the call was in the queue.
    #[cfg(feature = "component")]
    pub(crate) fn waited(&self) -> Option<Duration> {
        self.waited
    }

    /// When the call's time is over. `None`: it has no limit.
    #[cfg(feature = "component")]
    pub(crate) fn ends(&self) -> Option<Instant> {
        self.ends
    }

    /// The time that is left until the call's end. `None`: it has no limit.
    pub(super) fn time_left(&self) -> Option<Duration> {
        self.ends.map(|ends| ends.saturating_duration_since(Instant::now()))
    }

    /// As [`Running::should_stop`], with why.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_cancelled() {
            return Err(Error::cancelled());
        }
        if self.time_left().is_some_and(|left| left.is_zero()) {
            return Err(Error::new(ErrorKind::Timeout, "the call ran longer than it may"));
        }
        Ok(())
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
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Running");
        debug.field("cancelled", &self.is_cancelled()).field("timeout", &self.timeout).field("waited", &self.waited);
        debug.finish_non_exhaustive()
    }
}
