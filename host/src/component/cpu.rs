//! Processor time of a thread.

use std::time::{Duration, Instant};

/// The clock that counts the processor time of one thread, and that every thread can read. Where the system has none, it counts the time
/// that passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    #[cfg(target_os = "linux")]
    id: Option<libc::clockid_t>,
    since: Instant,
}

impl Clock {
    /// That of the thread that calls this.
    pub(super) fn of_this_thread() -> Clock {
        Clock {
            #[cfg(target_os = "linux")]
            id: linux::clock_of_this_thread(),
            since: Instant::now(),
        }
    }

    /// What the thread has taken: since it began, or, where the system has no clock for it, since this was made.
    pub(super) fn time(self) -> Duration {
        #[cfg(target_os = "linux")]
        if let Some(time) = self.id.and_then(linux::time) {
            return time;
        }
        self.since.elapsed()
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the safe wrappers read the clock of the own thread only")]
mod linux {
    use std::time::Duration;

    pub(super) fn clock_of_this_thread() -> Option<libc::clockid_t> {
        let mut id = 0;
        // SAFETY: this thread is there, and `id` is a place for a clock's number.
        let failed = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut id) };
        (failed == 0).then_some(id)
    }

    /// `None`: there is no such clock, or no longer.
    pub(super) fn time(id: libc::clockid_t) -> Option<Duration> {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a place for a time. A number that is no clock's, or no longer, is an error, and leaves it.
        let failed = unsafe { libc::clock_gettime(id, &raw mut time) };
        // It counts up from zero.
        (failed == 0).then(|| Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0)))
    }
}
