//! What time it is in a context.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::inbox::{Event, Inbox, WeakInbox};

/// Resolution of the system's clock as scripts see it, in microseconds. A finer one would help to time the host's memory.
const STEP: i64 = 1000;

/// What time it is for scripts: what `Date`, `performance` and the times of console messages show, and when timers are due.
///
/// Limits of time do not ask it: a call ends when its real time is over, whatever scripts see.
///
/// ```
/// # async fn example(sandbox: aiointernal::Sandbox) -> Result<(), aiointernal::Error> {
/// use std::time::UNIX_EPOCH;
/// use aiointernal::js::Clock;
///
/// let context = sandbox.context().clock(Clock::virtual_from(UNIX_EPOCH)).await?;
/// // At once: nothing else is to be waited for.
/// let later = context.eval_as::<u32>("await new Promise(done => setTimeout(done, 60_000)); Date.now()").await?;
/// assert_eq!(later, 60_000);
/// # Ok(())
/// # }
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(example(aiointernal::Sandbox::new().unwrap())).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock(Kind);

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    System,
    Fixed(i64),
    Virtual(i64),
    Manual(ManualClock),
}

impl Clock {
    /// The system's clock, in steps of a millisecond. This is the default.
    pub fn system() -> Clock {
        Clock(Kind::System)
    }

    /// A clock that stands still. Timers are due in real time all the same.
    pub fn fixed(at: SystemTime) -> Clock {
        Clock(Kind::Fixed(micros(at)))
    }

    /// A clock of each context's own, which begins here in every fresh context (after a reset, too), stands still while scripts run and while a host function
    /// takes its time, and jumps to the next timer when all that the context's evaluations wait for are timers.
    ///
    /// With it and a [seed](super::ContextBuilder::seed), the same scripts with the same answers of the host give the same results and
    /// console messages, to the byte, on every machine.
    pub fn virtual_from(start: SystemTime) -> Clock {
        Clock(Kind::Virtual(micros(start)))
    }

    /// From now on the contexts that have this clock hear of its changes through their inboxes.
    pub(super) fn attach(&self, inbox: &Inbox) {
        if let Kind::Manual(clock) = &self.0 {
            let mut state = clock.lock();
            state.contexts.retain(|context| !context.is_gone());
            state.contexts.push(inbox.downgrade());
        }
    }
}

/// A clock that moves when it is told to, in all contexts that have it. Clones are the same clock.
///
/// ```
/// # async fn example(sandbox: aiointernal::Sandbox) -> Result<(), aiointernal::Error> {
/// use std::time::{Duration, UNIX_EPOCH};
/// use aiointernal::js::ManualClock;
///
/// let clock = ManualClock::new(UNIX_EPOCH);
/// let context = sandbox.context().clock(&clock).await?;
/// let hour = context.eval_as::<u32>("await new Promise(done => setTimeout(done, 3_600_000)); Date.now()").queue();
/// context.eval("'behind it'").await?;
/// clock.advance(Duration::from_secs(7200));
/// assert_eq!(hour.await?, 3_600_000); // what a timer calls sees the time at which it is due
/// # Ok(())
/// # }
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(example(aiointernal::Sandbox::new().unwrap())).unwrap();
/// ```
#[derive(Clone)]
pub struct ManualClock(Arc<Mutex<Manual>>);

struct Manual {
    now: i64,
    contexts: Vec<WeakInbox>,
}

impl ManualClock {
    /// A clock that stands still here.
    pub fn new(start: SystemTime) -> ManualClock {
        ManualClock(Arc::new(Mutex::new(Manual { now: micros(start), contexts: Vec::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, Manual> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time that it shows.
    pub fn now(&self) -> SystemTime {
        time(self.lock().now)
    }

    /// Moves it. Each context that has it goes there from timer to timer, in the order in which they are due, and shows the time of each meanwhile;
    /// calls that were queued before go first.
    pub fn advance(&self, by: Duration) {
        let mut state = self.lock();
        state.now = state.now.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX));
        let contexts = state.contexts.clone();
        drop(state);
        contexts.iter().for_each(|context| context.post(Event::Due));
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now()).finish()
    }
}

impl From<ManualClock> for Clock {
    fn from(clock: ManualClock) -> Clock {
        Clock(Kind::Manual(clock))
    }
}

impl From<&ManualClock> for Clock {
    fn from(clock: &ManualClock) -> Clock {
        clock.clone().into()
    }
}

/// When something that has a time is to be done.
pub(super) enum When {
    Now,
    /// In real time, then.
    At(Instant),
    /// When the clock is told to move, or nothing else is waited for.
    Later,
}

/// The time of one instance. Times are in microseconds.
#[derive(Debug)]
pub(super) struct Time {
    clock: Clock,
    began: Instant,
    /// What a clock of no real time shows, and what it showed at first.
    now: i64,
    origin: i64,
}

impl Time {
    /// That of an instance that is made now.
    pub(super) fn begin(clock: &Clock) -> Time {
        let now = match &clock.0 {
            Kind::System => 0,
            Kind::Fixed(at) | Kind::Virtual(at) => *at,
            Kind::Manual(clock) => clock.lock().now,
        };
        Time { clock: clock.clone(), began: Instant::now(), now, origin: now }
    }

    /// Since 1970, as scripts see it.
    pub(super) fn now(&self) -> i64 {
        match self.clock.0 {
            Kind::System => in_steps(micros(SystemTime::now())),
            _ => self.now,
        }
    }

    /// The same.
    pub(super) fn now_as_time(&self) -> SystemTime {
        time(self.now())
    }

    /// Since the instance was made, as scripts see it.
    pub(super) fn elapsed(&self) -> i64 {
        match self.clock.0 {
            Kind::System => in_steps(self.real()),
            _ => self.now.saturating_sub(self.origin),
        }
    }

    fn real(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    /// When a timer is due that is set now: by a measure of this time's own.
    pub(super) fn after(&self, delay: i64) -> i64 {
        let now = match self.clock.0 {
            Kind::System | Kind::Fixed(_) => self.real(),
            Kind::Virtual(_) | Kind::Manual(_) => self.now,
        };
        now.saturating_add(delay)
    }

    /// When what is due then is to be done. Idle is a context in which nothing but timers is waited for.
    pub(super) fn when(&self, due: i64, is_idle: bool) -> When {
        let is_now = match &self.clock.0 {
            Kind::System | Kind::Fixed(_) => self.real() >= due,
            Kind::Virtual(_) => is_idle || self.now >= due,
            Kind::Manual(clock) => clock.lock().now >= due,
        };
        match self.clock.0 {
            _ if is_now => When::Now,
            Kind::System | Kind::Fixed(_) => {
                let since = Duration::from_micros(due.unsigned_abs());
                self.began.checked_add(since).map_or(When::Later, When::At)
            }
            Kind::Virtual(_) | Kind::Manual(_) => When::Later,
        }
    }

    /// Goes to the time at which something is done.
    pub(super) fn reach(&mut self, due: i64) {
        if let Kind::Virtual(_) | Kind::Manual(_) = self.clock.0 {
            self.now = self.now.max(due);
        }
    }

    /// Goes where it was told to go, and not beyond what is to be done first.
    pub(super) fn catch_up(&mut self, first: Option<i64>) {
        if let Kind::Manual(clock) = &self.clock.0 {
            let told = clock.lock().now;
            self.now = self.now.max(first.map_or(told, |first| told.min(first)));
        }
    }
}

fn in_steps(micros: i64) -> i64 {
    micros.saturating_sub(micros.rem_euclid(STEP))
}

/// Since 1970; negative before.
fn micros(time: SystemTime) -> i64 {
    let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => micros(since),
        Err(before) => micros(before.duration()).saturating_neg(),
    }
}

fn time(micros: i64) -> SystemTime {
    let duration = Duration::from_micros(micros.unsigned_abs());
    let time = if micros < 0 { UNIX_EPOCH.checked_sub(duration) } else { UNIX_EPOCH.checked_add(duration) };
    time.unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_come_back_as_they_were() {
        for at in [UNIX_EPOCH, UNIX_EPOCH - Duration::from_micros(1), UNIX_EPOCH + Duration::from_secs(1 << 33)] {
            assert_eq!(time(micros(at)), at);
        }
        assert_eq!(in_steps(-1), -1000);
    }
}
