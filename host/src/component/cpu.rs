//! Processor time of this thread.

use std::time::Duration;
#[cfg(not(unix))]
use std::time::Instant;

/// Processor time that this thread has taken so far. Where the system does not tell, time that has passed.
#[cfg(unix)]
pub(super) fn thread_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // It counts up from zero.
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(not(unix))]
pub(super) fn thread_time() -> Duration {
    thread_local! {
        static BEGIN: Instant = Instant::now();
    }
    BEGIN.with(Instant::elapsed)
}
