//! Processor time of a thread.

use std::time::Duration;

/// The clock that counts the processor time of one thread.
///
/// On Linux every thread can read it. On other Unix systems a thread reads its own, whichever this is: nobody else asks there, as only the ticker of
/// calls with brakes would. On systems that have none it counts the time that passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(system::Clock);

impl Clock {
    /// That of the thread that calls this.
    pub(super) fn of_this_thread() -> Clock {
        Clock(system::Clock::of_this_thread())
    }

    /// What the thread has taken: since it began, or, where the system has no clock for it, since this was made.
    pub(super) fn time(self) -> Duration {
        self.0.time()
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the safe wrappers read the clock of the own thread only")]
mod system {
    use std::time::{Duration, Instant};

    #[derive(Clone, Copy, Debug)]
    pub(super) struct Clock {
        id: Option<libc::clockid_t>,
        since: Instant,
    }

    impl Clock {
        pub(super) fn of_this_thread() -> Clock {
            let mut id = 0;
            // SAFETY: this thread is there, and `id` is a place for a clock's number.
            let failed = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut id) };
            Clock { id: (failed == 0).then_some(id), since: Instant::now() }
        }

        pub(super) fn time(self) -> Duration {
            self.id.and_then(read).unwrap_or_else(|| self.since.elapsed())
        }
    }

    /// `None`: there is no such clock, or no longer.
    fn read(id: libc::clockid_t) -> Option<Duration> {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a place for a time. A number that is no clock's, or no longer, is an error, and leaves it.
        let failed = unsafe { libc::clock_gettime(id, &raw mut time) };
        // It counts up from zero.
        (failed == 0).then(|| Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0)))
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
mod system {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    #[derive(Clone, Copy, Debug)]
    pub(super) struct Clock;

    impl Clock {
        pub(super) fn of_this_thread() -> Clock {
            Clock
        }

        pub(super) fn time(self) -> Duration {
            let time = clock_gettime(ClockId::ThreadCPUTime);
            // It counts up from zero.
            Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::time::{Duration, Instant};

    #[derive(Clone, Copy, Debug)]
    pub(super) struct Clock(Instant);

    impl Clock {
        pub(super) fn of_this_thread() -> Clock {
            Clock(Instant::now())
        }

        pub(super) fn time(self) -> Duration {
            self.0.elapsed()
        }
    }
}
