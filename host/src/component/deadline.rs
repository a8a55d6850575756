//! Stopping what runs: the ticker, and for each call first a request and then the end.
//!
//! Compiled code looks at the engine's epoch in every function and every loop, so nothing in a guest can run on
//! without looking. A tick is half a millisecond. At each tick the running call's deadline and its caller's interest are checked;
//! past them the guest is asked to stop, and [`GRACE`] later it is trapped.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

#[cfg(feature = "js")]
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll},
};

use super::{cpu, group::Group, limits::Limits};
#[cfg(feature = "js")]
use crate::sync::block_until;
use crate::{
    error::{Error, ErrorKind},
    thread::Running,
};

/// Time between two looks at the deadline.
pub(super) const TICK: Duration = Duration::from_micros(500);

/// Ticks that a guest has to stop by itself after it was asked. Ticks that it ran in: one that the system did not let
/// run meanwhile had no chance to stop.
const GRACE: u32 = 2;

/// Ticks with nothing running after which the ticker goes to sleep. Waking it costs a system call, so a server under
/// load should not pay for it each call.
const LINGER: u32 = 20;

/// A thread that advances an engine's epoch while anything runs, and sleeps while nothing does.
#[derive(Debug)]
pub(super) struct Ticker {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    running: AtomicUsize,
    asleep: AtomicBool,
    stopped: AtomicBool,
    lock: Mutex<()>,
    wake: Condvar,
}

impl Ticker {
    /// Starts the thread.
    pub(super) fn start(engine: wasmtime::Engine) -> Result<Ticker, Error> {
        let state = Arc::new(State::default());
        let ticking = Arc::clone(&state);
        let started = thread::Builder::new().name("aiointernal-tick".to_owned()).spawn(move || ticking.run(&engine));
        match started {
            Ok(_) => Ok(Ticker { state }),
            Err(error) => Err(Error::with_source(ErrorKind::Thread, format!("cannot start a thread: {error}"), error)),
        }
    }

    /// Keeps the ticker awake until the result is dropped.
    pub(super) fn arm(&self) -> Armed<'_> {
        self.state.running.fetch_add(1, Ordering::SeqCst);
        if self.state.asleep.load(Ordering::SeqCst) {
            self.state.rouse();
        }
        Armed { state: &self.state }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        self.state.rouse();
    }
}

impl State {
    fn run(&self, engine: &wasmtime::Engine) {
        let mut idle = 0_u32;
        while !self.stopped.load(Ordering::SeqCst) {
            #[expect(clippy::disallowed_methods, reason = "a clock's tick is a sleep")]
            thread::sleep(TICK);
            engine.increment_epoch();
            idle = if self.running.load(Ordering::SeqCst) == 0 { idle.saturating_add(1) } else { 0 };
            if idle >= LINGER {
                self.sleep();
                idle = 0;
            }
        }
    }

    fn sleep(&self) {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        // Asleep is said before the last look at `running`, and `arm` writes `running` before it looks at `asleep`:
        // one of the two sees the other.
        self.asleep.store(true, Ordering::SeqCst);
        while self.running.load(Ordering::SeqCst) == 0 && !self.stopped.load(Ordering::SeqCst) {
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.asleep.store(false, Ordering::SeqCst);
    }

    fn rouse(&self) {
        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.wake.notify_one();
    }
}

/// The ticker is awake.
#[derive(Debug)]
pub(super) struct Armed<'a> {
    state: &'a State,
}

impl Drop for Armed<'_> {
    fn drop(&mut self) {
        self.state.running.fetch_sub(1, Ordering::SeqCst);
    }
}

/// When and why the running call is to stop.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    call: Option<(Running, Instant)>,
    processor: Option<Processor>,
    /// Why it was asked to stop, and the ticks since.
    asked: Option<(Stop, u32)>,
}

/// The processor time of the running call: how much it may take, and its group.
#[derive(Debug)]
pub(super) struct Processor {
    began: Duration,
    left: Option<Duration>,
    group: Option<Group>,
    /// How much the group knows of.
    told: Duration,
}

impl Processor {
    /// Begins to measure, for a group that bounds it.
    pub(super) fn begin(left: Option<Duration>, group: Option<&Group>) -> Processor {
        let group = group.cloned();
        Processor { began: cpu::thread_time(), left, group, told: Duration::ZERO }
    }

    /// What was taken so far.
    fn taken(&mut self) -> (Duration, Option<Stop>) {
        let taken = cpu::thread_time().saturating_sub(self.began);
        let more = taken.saturating_sub(self.told);
        self.told = taken;
        let is_group_left = self.group.as_ref().is_none_or(|group| group.take_cpu_time(more));
        let stop = match self.left {
            Some(left) if taken >= left => Some(Stop::CpuTime),
            _ if !is_group_left => Some(Stop::GroupCpuTime),
            _ => None,
        };
        (taken, stop)
    }
}

/// Why a call was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// It reached its time limit.
    Timeout,
    /// It reached its limit of processor time.
    CpuTime,
    /// Its [group](super::Group) has no processor time left.
    GroupCpuTime,
    /// Its caller gave it up.
    Cancelled,
}

impl Stop {
    pub(super) fn kind(self) -> ErrorKind {
        match self {
            Stop::Timeout => ErrorKind::Timeout,
            Stop::CpuTime | Stop::GroupCpuTime => ErrorKind::CpuLimit,
            Stop::Cancelled => ErrorKind::Cancelled,
        }
    }

    pub(super) fn what(self, limits: &Limits, group: Option<&Group>) -> String {
        match self {
            Stop::Timeout => format!("the call ran longer than its {:?}", limits.wall_time),
            Stop::CpuTime => format!("the call took more than its {:?} of processor time", limits.cpu_time),
            Stop::GroupCpuTime => group.map_or_else(String::new, Group::exhausted),
            Stop::Cancelled => "the call was cancelled".to_owned(),
        }
    }
}

/// The end of a call that starts now.
#[expect(clippy::arithmetic_side_effects, reason = "no clock ends within 136 years, and none of it is a guest's")]
pub(super) fn after(limit: Duration) -> Instant {
    let now = Instant::now();
    // A limit beyond what the clock can say is none that could be reached.
    now.checked_add(limit).unwrap_or_else(|| now + Duration::from_secs(u32::MAX.into()))
}

impl Deadline {
    /// Starts to look at a call.
    pub(super) fn arm(&mut self, running: Running, until: Instant, processor: Option<Processor>) {
        *self = Deadline { call: Some((running, until)), processor, asked: None };
    }

    /// Looks no longer, and says how much processor time the call took, where that was measured.
    pub(super) fn disarm(&mut self) -> Duration {
        let processor = self.processor.take();
        self.call = None;
        processor.map_or(Duration::ZERO, |mut processor| processor.taken().0)
    }

    /// A tick: asks the call to stop where it is time. `false`: it was asked and did not.
    pub(super) fn tick(&mut self) -> bool {
        if let Some((_, ticks)) = &mut self.asked {
            *ticks = ticks.saturating_add(1);
            if *ticks >= GRACE {
                return false;
            }
        }
        // Nothing may run without a deadline.
        self.look()
    }

    /// A tick in which the guest waits for the host: `false` where it is to wait no longer. It could not be asked to
    /// stop, and so has no grace.
    #[cfg(any(feature = "js", feature = "wasi"))]
    pub(super) fn may_wait(&mut self) -> bool {
        self.look() && self.asked.is_none()
    }

    /// Polls a future on this thread, which sleeps in between, while the call may wait. `None`: it may no longer.
    #[cfg(feature = "js")]
    pub(super) fn wait<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        loop {
            let tick = after(TICK);
            let output = block_until(Some(tick), |waker| match future.as_mut().poll(&mut Context::from_waker(waker)) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                // One that wakes itself in every poll would never let this thread sleep until the tick.
                Poll::Pending if Instant::now() >= tick => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            let output = output.flatten();
            // Looked at with every output as well: a poll may have taken long.
            let may_wait = self.may_wait();
            if output.is_some() || !may_wait {
                return output;
            }
        }
    }

    /// Asks the call to stop where it is time; `false` where there is none.
    fn look(&mut self) -> bool {
        let Some((running, until)) = &self.call else {
            return false;
        };
        running.report_progress();
        if self.asked.is_none() {
            if running.is_cancelled() {
                self.asked = Some((Stop::Cancelled, 0));
            } else if Instant::now() >= *until {
                self.asked = Some((Stop::Timeout, 0));
            } else if let Some(stop) = self.processor.as_mut().and_then(|processor| processor.taken().1) {
                self.asked = Some((stop, 0));
            }
        }
        true
    }

    /// Why the call was asked to stop, if it was.
    pub(super) fn asked_to_stop(&self) -> Option<Stop> {
        self.asked.map(|(stop, _)| stop)
    }
}
