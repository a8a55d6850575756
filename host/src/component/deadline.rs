//! Stopping what runs: for each call first a request and then the end.
//!
//! Nothing in a guest can run on without a look at what stops it: at the engine's epoch, which compiled code compares in every function and
//! every loop, or at its [brake page](super::brake). A tick is half a millisecond. At each tick the running call's deadline and its
//! caller's interest are checked; past them the guest is asked to stop, and [`GRACE`] later it is trapped. With
//! epochs the guest's own thread does that, whenever it sees that the epoch is another; with brakes the [ticker](super::ticker) does.

use std::{
    io, mem,
    process::abort,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

#[cfg(feature = "js")]
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll},
};

use super::{
    brake::{Page, Spare},
    cpu::Clock,
    group::Group,
    limits::Limits,
};
#[cfg(feature = "js")]
use crate::sync::block_until;
use crate::{error::ErrorKind, thread::Running};

/// Time between two looks at the deadline.
pub(super) const TICK: Duration = Duration::from_micros(500);

/// Processor time that a guest has to stop by itself after it was asked. One that the system did not let run meanwhile had
/// no chance to stop.
const GRACE: Duration = Duration::from_millis(1);

/// The same for the first in a process. What it runs to stop nobody has run before, and each page of it is a fault, in a virtual machine
/// one of its host, too: there they were seen to take 2 ms and more.
const FIRST_GRACE: Duration = Duration::from_millis(5);

/// A call of this process was asked to stop, and has ended.
static HAS_STOPPED: AtomicBool = AtomicBool::new(false);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When and why the running call of an instance is to stop, for its thread and the ticker.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadline(Arc<Mutex<Terms>>);

#[derive(Debug, Default)]
struct Terms {
    call: Option<Call>,
    asked: Option<Asked>,
    /// The host works for it.
    is_away: bool,
    /// It was asked, and went on calling the host for as long as it had to stop.
    is_overdue: bool,
    brake: Option<Page>,
    is_closed: bool,
    /// It was closed in this call.
    is_braked: bool,
}

/// A call was asked to stop.
#[derive(Clone, Copy, Debug)]
struct Asked {
    why: Stop,
    /// The processor time of its thread then.
    time: Duration,
    /// Whether it has called the host since.
    has_called: bool,
    /// The time of the calls behind that one.
    away: Duration,
}

#[derive(Debug)]
struct Call {
    running: Running,
    until: Instant,
    clock: Clock,
    processor: Option<Processor>,
}

/// The processor time of the running call: how much it may take, and its group.
#[derive(Debug)]
pub(super) struct Processor {
    clock: Clock,
    began: Duration,
    left: Option<Duration>,
    group: Option<Group>,
    outlasts_group: bool,
    /// How much the group knows of.
    told: Duration,
}

impl Processor {
    /// Begins to measure, for a group that bounds it.
    pub(super) fn begin(left: Option<Duration>, group: Option<&Group>, outlasts_group: bool) -> Processor {
        let (clock, group) = (Clock::of_this_thread(), group.cloned());
        Processor { clock, began: clock.time(), left, group, outlasts_group, told: Duration::ZERO }
    }

    /// What was taken so far.
    fn taken(&mut self) -> (Duration, Option<Stop>) {
        let taken = self.clock.time().saturating_sub(self.began);
        let more = taken.saturating_sub(self.told);
        self.told = taken;
        let is_group_left = self.group.as_ref().is_none_or(|group| group.take_cpu_time(more));
        let stop = match self.left {
            Some(left) if taken >= left => Some(Stop::CpuTime),
            _ if !is_group_left && !self.outlasts_group => Some(Stop::GroupCpuTime),
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
    /// Whether the other is a clone of this.
    pub(super) fn is(&self, other: &Deadline) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Starts to look at a call that this thread makes.
    pub(super) fn arm(&self, running: Running, until: Instant, processor: Option<Processor>) {
        let mut terms = lock(&self.0);
        terms.call = Some(Call { running, until, clock: Clock::of_this_thread(), processor });
        (terms.asked, terms.is_away, terms.is_overdue, terms.is_braked) = (None, false, false, false);
    }

    /// From now on the instance can be trapped by its brake page.
    #[cfg(feature = "js")]
    pub(super) fn set_brake(&self, page: Page) {
        lock(&self.0).brake = Some(page);
    }

    /// Where the memory of the instance begins, if it has a brake.
    #[cfg(feature = "js")]
    pub(super) fn memory(&self) -> Option<usize> {
        lock(&self.0).brake.as_ref().map(Page::address)
    }

    /// Looks no longer, and says how much processor time the call took, where that was measured.
    pub(super) fn disarm(&self) -> Duration {
        let mut terms = lock(&self.0);
        terms.release();
        if terms.asked.is_some() {
            HAS_STOPPED.store(true, Ordering::Relaxed);
        }
        let processor = terms.call.take().and_then(|call| call.processor);
        processor.map_or(Duration::ZERO, |mut processor| processor.taken().0)
    }

    /// A tick: asks the call to stop where it is time. `false`: it was asked and did not.
    pub(super) fn tick(&self) -> bool {
        self.report_progress();
        lock(&self.0).tick()
    }

    /// Wakes the caller where the call has made progress: without the lock, as a waker is anybody's code.
    pub(super) fn report_progress(&self) {
        let running = lock(&self.0).call.as_ref().map(|call| call.running.clone());
        if let Some(running) = running {
            running.report_progress();
        }
    }

    /// A tick for a guest that does not see it, by another thread.
    pub(super) fn tick_with_brakes(&self, spare: &mut Spare) {
        let mut terms = lock(&self.0);
        // The host's work for it cannot be stopped, and afterwards it is asked before it is trapped.
        if terms.call.is_none() || terms.is_away || terms.tick() {
            return;
        }
        let mut braked = terms.brake();
        if braked.is_err() && spare.give_back() {
            braked = terms.brake();
        }
        let is_first = !mem::replace(&mut terms.is_overdue, true);
        drop(terms);
        if let (Err(error), true) = (braked, is_first) {
            // It is tried again at the next tick.
            tracing::error!(%error, "a call that is over cannot be stopped yet");
        }
    }

    /// Whether the call was trapped by its brake page.
    pub(super) fn is_braked(&self) -> bool {
        lock(&self.0).is_braked
    }

    /// The host works for the guest, until the result is dropped.
    #[cfg(feature = "js")]
    pub(super) fn step_out(&self) -> Away {
        let mut terms = lock(&self.0);
        terms.is_away = true;
        Away { deadline: self.clone(), asked_at: terms.asked.is_some().then(Instant::now) }
    }

    /// A tick in which the guest waits for the host: `false` where it is to wait no longer. It could not be asked to
    /// stop, and so has no grace.
    #[cfg(any(feature = "js", feature = "wasi"))]
    pub(super) fn may_wait(&self) -> bool {
        self.report_progress();
        let mut terms = lock(&self.0);
        terms.look() && terms.asked.is_none()
    }

    /// Polls a future on this thread, which sleeps in between, while the call may wait. `None`: it may no longer.
    #[cfg(feature = "js")]
    pub(super) fn wait<F: Future>(&self, future: F) -> Option<F::Output> {
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

    /// Why the call was asked to stop, if it was.
    pub(super) fn asked_to_stop(&self) -> Option<Stop> {
        lock(&self.0).asked.map(|asked| asked.why)
    }

    /// The same, for a guest that asks often: it sees first whether it is time.
    #[cfg(feature = "js")]
    pub(super) fn heed(&self) -> Option<Stop> {
        self.report_progress();
        let mut terms = lock(&self.0);
        terms.look();
        terms.asked.map(|asked| asked.why)
    }
}

fn grace() -> Duration {
    if HAS_STOPPED.load(Ordering::Relaxed) { GRACE } else { FIRST_GRACE }
}

impl Terms {
    fn tick(&mut self) -> bool {
        if let (Some(asked), Some(call)) = (self.asked, &self.call)
            && (self.is_overdue || call.clock.time().saturating_sub(asked.time) >= grace())
        {
            return false;
        }
        // Nothing may run without a deadline.
        self.look()
    }

    /// Asks the call to stop where it is time; `false` where there is none.
    fn look(&mut self) -> bool {
        let Some(call) = &mut self.call else {
            return false;
        };
        if self.asked.is_none() {
            let stop = if call.running.is_cancelled() {
                Some(Stop::Cancelled)
            } else if Instant::now() >= call.until {
                Some(Stop::Timeout)
            } else {
                call.processor.as_mut().and_then(|processor| processor.taken().1)
            };
            self.asked =
                stop.map(|why| Asked { why, time: call.clock.time(), has_called: false, away: Duration::ZERO });
        }
        true
    }

    fn brake(&mut self) -> io::Result<()> {
        let page = self.brake.as_ref().ok_or_else(|| io::Error::other("it has no brake"))?;
        if !self.is_closed {
            page.close()?;
            (self.is_closed, self.is_braked) = (true, true);
        }
        Ok(())
    }

    fn release(&mut self) {
        if let Some(page) = self.brake.as_ref().filter(|_| self.is_closed) {
            if page.open().is_err() {
                // It joins two mappings that were one, so there is no reason that it could fail for. Whatever comes next would write to the page, and
                // end the process too, with no word.
                eprintln!("aiointernal: the memory of a stopped instance cannot be opened again");
                abort();
            }
            self.is_closed = false;
        }
    }
}

/// The host works for a guest.
#[cfg(feature = "js")]
#[derive(Debug)]
#[must_use]
pub(crate) struct Away {
    deadline: Deadline,
    /// When it began, where the guest had been asked to stop before.
    asked_at: Option<Instant>,
}

#[cfg(feature = "js")]
impl Drop for Away {
    fn drop(&mut self) {
        let mut terms = lock(&self.deadline.0);
        terms.is_away = false;
        // What became due meanwhile has all of its grace from now on. Who was asked before may have come here before it saw that, once; who goes on
        // coming has no more than this time on the clock: one that hardly runs itself would else go on for long.
        terms.look();
        let (Some(began), Some(asked)) = (self.asked_at, &mut terms.asked) else {
            return;
        };
        if mem::replace(&mut asked.has_called, true) {
            asked.away = asked.away.saturating_add(began.elapsed());
        }
        if asked.away >= GRACE {
            terms.is_overdue = true;
            // The ticker tries again where it fails. With epochs there is no page, and a tick is due.
            let _ = terms.brake();
        }
    }
}

#[cfg(all(test, feature = "js"))]
mod tests {
    use super::*;

    /// A call that is over when it begins, and was asked to stop.
    fn asked() -> Deadline {
        let deadline = Deadline::default();
        deadline.arm(Running::unattended(), Instant::now(), None);
        assert_eq!(deadline.heed(), Some(Stop::Timeout));
        deadline
    }

    /// Works for the guest for longer than its grace.
    fn work_long(deadline: &Deadline) {
        let _away = deadline.step_out();
        let end = after(GRACE);
        while Instant::now() < end {
            std::hint::spin_loop();
        }
    }

    fn is_overdue(deadline: &Deadline) -> bool {
        lock(&deadline.0).is_overdue
    }

    #[test]
    fn who_was_asked_may_call_the_host_once_however_long_that_takes_and_not_go_on() {
        let deadline = asked();
        work_long(&deadline);
        assert!(!is_overdue(&deadline), "it may not have seen yet that it is to stop");
        work_long(&deadline);
        assert!(is_overdue(&deadline));
    }

    #[test]
    fn short_calls_of_the_host_add_up() {
        let deadline = asked();
        let mut calls = 0_u64;
        while !is_overdue(&deadline) {
            drop(deadline.step_out());
            calls += 1;
        }
        assert!(calls > 1, "{calls}");
    }
}
