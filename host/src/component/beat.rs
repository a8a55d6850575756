//! What wakes the ticker.
//!
//! A thread that sleeps until it is told would have to be woken by the call that begins, which costs that several microseconds, and in a
//! virtual machine some tens. So on Linux the call sets a timer of the system, which wakes the thread at the first tick that there is.

use std::io;

use super::deadline::TICK;

/// A beat every [`TICK`], which can be started and stopped.
#[derive(Debug)]
pub(super) struct Beat(system::Beat);

impl Beat {
    /// One that is stopped.
    pub(super) fn new() -> io::Result<Beat> {
        system::Beat::new().map(Beat)
    }

    /// The first beat comes after a tick.
    pub(super) fn start(&self) -> io::Result<()> {
        self.0.start()
    }

    pub(super) fn stop(&self) {
        self.0.stop();
    }

    /// Waits for the next beat.
    pub(super) fn wait(&self) {
        self.0.wait();
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::{io, os::fd::OwnedFd, thread};

    use rustix::{
        io::{read, retry_on_intr},
        time::{
            Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
        },
    };

    use super::TICK;

    #[derive(Debug)]
    pub(super) struct Beat(OwnedFd);

    impl Beat {
        pub(super) fn new() -> io::Result<Beat> {
            Ok(Beat(timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?))
        }

        pub(super) fn start(&self) -> io::Result<()> {
            self.set(Timespec { tv_sec: 0, tv_nsec: TICK.subsec_nanos().into() })
        }

        pub(super) fn stop(&self) {
            // Where it fails, the beat goes on.
            let _ = self.set(Timespec { tv_sec: 0, tv_nsec: 0 });
        }

        fn set(&self, time: Timespec) -> io::Result<()> {
            let times = Itimerspec { it_interval: time, it_value: time };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &times)?;
            Ok(())
        }

        pub(super) fn wait(&self) {
            let mut beats = [0; 8];
            if retry_on_intr(|| read(&self.0, &mut beats)) != Ok(beats.len()) {
                // It is no timer: somebody closed what is not theirs.
                #[expect(clippy::disallowed_methods, reason = "a clock's tick is a sleep")]
                thread::sleep(TICK);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::{
        io,
        sync::{Condvar, Mutex, MutexGuard, PoisonError},
        thread,
    };

    use super::TICK;

    #[derive(Debug, Default)]
    pub(super) struct Beat {
        is_on: Mutex<bool>,
        started: Condvar,
    }

    impl Beat {
        pub(super) fn new() -> io::Result<Beat> {
            Ok(Beat::default())
        }

        pub(super) fn start(&self) -> io::Result<()> {
            *self.lock() = true;
            self.started.notify_one();
            Ok(())
        }

        pub(super) fn stop(&self) {
            *self.lock() = false;
        }

        pub(super) fn wait(&self) {
            let is_off = |is_on: &mut bool| !*is_on;
            drop(self.started.wait_while(self.lock(), is_off).unwrap_or_else(PoisonError::into_inner));
            #[expect(clippy::disallowed_methods, reason = "a clock's tick is a sleep")]
            thread::sleep(TICK);
        }

        fn lock(&self) -> MutexGuard<'_, bool> {
            self.is_on.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
