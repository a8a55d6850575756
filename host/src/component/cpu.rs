//! Processor time of a thread.

use std::time::Duration;
#[cfg(not(target_os = "linux"))]
use std::time::Instant;

/// The clock that counts the processor time of one thread, and that every thread can read. Where the system has none, it counts the time
/// that passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    #[cfg(target_os = "linux")]
    id: libc::clockid_t,
    #[cfg(not(target_os = "linux"))]
    since: Instant,
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the safe wrappers read the clock of the own thread only")]
impl Clock {
    /// That of the thread that calls this.
    pub(super) fn of_this_thread() -> Clock {
        let mut id = libc::CLOCK_THREAD_CPUTIME_ID;
        // SAFETY: this thread is there, and `id` is a place for a clock's number. Where it fails, the number stays that of whatever
        // thread reads it.
        unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut id) };
        Clock { id }
    }

    /// What the thread has taken so far; zero where it has ended.
    pub(super) fn time(self) -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a place for a time. A number of a clock that is none, or no longer, is an error, and leaves it.
        unsafe { libc::clock_gettime(self.id, &raw mut time) };
        // It counts up from zero.
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    }
}

#[cfg(not(target_os = "linux"))]
impl Clock {
    pub(super) fn of_this_thread() -> Clock {
        Clock { since: Instant::now() }
    }

    pub(super) fn time(self) -> Duration {
        self.since.elapsed()
    }
}
