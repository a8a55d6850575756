//! The WIT interface `timers`: what scripts have set to be called later.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    rc::Rc,
    sync::Arc,
    time::Instant,
};

use super::{
    bindings::{HostError, timers},
    clock::{Time, When},
    evaluation::Evaluation,
    inbox::{Bell, Event, Inbox},
    script::Ambient,
};
use crate::component::{Charge, Data, Ledger};

/// Bytes that a timer takes on the host's side.
const TIMER_BYTES: usize = 256;

/// Microseconds of a millisecond.
const MILLI: i64 = 1000;

/// The timers of one instance.
pub(super) struct Timers {
    inbox: Inbox,
    set: HashMap<u64, Timer>,
    /// Those that wait, by when they are due, and of one moment in the order in which they began to wait.
    waiting: BTreeMap<(i64, u64), u64>,
    /// The number of the last one.
    last: u64,
    /// How many have begun to wait.
    begun: u64,
    /// Whose script runs.
    evaluation: Option<Rc<Evaluation>>,
    /// What rings when the first is due.
    alarm: Option<(Instant, Bell)>,
    /// The context will hear that it is time.
    is_announced: bool,
}

struct Timer {
    evaluation: Rc<Evaluation>,
    /// Where it waits.
    place: Option<(i64, u64)>,
    period: Option<i64>,
    _memory: Charge,
}

impl Drop for Timer {
    fn drop(&mut self) {
        let timers = &self.evaluation.timers;
        timers.set(timers.get().saturating_sub(1));
    }
}

impl Timers {
    pub(super) fn new(inbox: Inbox) -> Timers {
        Timers {
            inbox,
            set: HashMap::new(),
            waiting: BTreeMap::new(),
            last: 0,
            begun: 0,
            evaluation: None,
            alarm: None,
            is_announced: false,
        }
    }

    /// From now on it is this evaluation's script that runs, or none.
    pub(super) fn run_for(&mut self, evaluation: Option<&Rc<Evaluation>>) {
        self.evaluation = evaluation.cloned();
    }

    /// Whose the engine is now.
    pub(super) fn evaluation(&self) -> Option<&Rc<Evaluation>> {
        self.evaluation.as_ref()
    }

    fn start(&mut self, time: &Time, memory: &Arc<Ledger>, millis: u32, repeats: bool) -> Result<u64, HostError> {
        let refused = |message: String| HostError { id: None, name: "RangeError".to_owned(), message };
        let evaluation = self.evaluation.clone().ok_or_else(|| refused("nothing is being evaluated".to_owned()))?;
        let most = evaluation.limits().timers;
        if evaluation.timers.get() >= most {
            return Err(refused(format!("the evaluation has {most} timers, the most it may")));
        }
        let charged = memory.charge(TIMER_BYTES, evaluation.limits().memory);
        let memory = charged.map_err(|scarce| refused(format!("the timer takes more than is left of {scarce}")))?;
        evaluation.timers.set(evaluation.timers.get().saturating_add(1));
        let delay = i64::from(millis).saturating_mul(MILLI);
        self.last = self.last.saturating_add(1);
        let number = self.last;
        let place = Some(self.wait(number, time.after(delay)));
        self.set.insert(number, Timer { evaluation, place, period: repeats.then_some(delay), _memory: memory });
        Ok(number)
    }

    fn wait(&mut self, timer: u64, due: i64) -> (i64, u64) {
        self.begun = self.begun.saturating_add(1);
        let place = (due, self.begun);
        self.waiting.insert(place, timer);
        place
    }

    fn clear(&mut self, timer: u64) {
        if let Some(place) = self.set.remove(&timer).and_then(|cleared| cleared.place) {
            self.waiting.remove(&place);
        }
    }

    /// Clears the timers of an evaluation that has ended, and says which they were.
    pub(super) fn cancel(&mut self, evaluation: &Evaluation) -> Vec<u64> {
        if evaluation.timers.get() == 0 {
            return Vec::new();
        }
        let of_it = |timer: &Timer| timer.evaluation.number == evaluation.number;
        let cancelled = self.set.extract_if(|_, timer| of_it(timer)).map(|(number, timer)| {
            if let Some(place) = timer.place {
                self.waiting.remove(&place);
            }
            number
        });
        cancelled.collect()
    }

    /// Takes the first timer where it is due, and moves the time there: its number, and whose it is.
    pub(super) fn take_due(&mut self, time: &mut Time, is_idle: bool) -> Option<(u64, Rc<Evaluation>)> {
        self.is_announced = false;
        let first = self.waiting.first_entry().filter(|first| is_now(time, first.key().0, is_idle))?;
        let ((due, _), number) = first.remove_entry();
        time.reach(due);
        let timer = self.set.get_mut(&number)?;
        timer.place = None;
        let evaluation = Rc::clone(&timer.evaluation);
        if timer.period.is_none() {
            self.set.remove(&number);
        }
        Some((number, evaluation))
    }

    /// The function of this timer has been called: where it repeats and was not cleared, it waits once more.
    pub(super) fn renew(&mut self, time: &Time, timer: u64) {
        let Some(period) = self.set.get(&timer).and_then(|timer| timer.period) else {
            return;
        };
        let place = Some(self.wait(timer, time.after(period)));
        if let Some(timer) = self.set.get_mut(&timer) {
            timer.place = place;
        }
    }

    /// Sees to it that the context hears when the first timer is due. What was due before has been done.
    pub(super) fn arm(&mut self, time: &mut Time, is_idle: bool) {
        let first = self.waiting.first_key_value().map(|((due, _), _)| *due);
        time.catch_up(first);
        match first.map_or(When::Later, |due| time.when(due, is_idle)) {
            When::Now => {
                if !std::mem::replace(&mut self.is_announced, true) {
                    self.inbox.post(Event::Due);
                }
            }
            When::At(at) if self.alarm.as_ref().is_some_and(|(rings, _)| *rings == at) => {}
            When::At(at) => match Bell::set(at, &self.inbox, || Event::Due) {
                Ok(bell) => self.alarm = Some((at, bell)),
                // Whoever waits for a timer has an alarm of his own, which would have been refused first.
                Err(error) => tracing::error!(%error, "no timer of the context fires"),
            },
            When::Later => self.alarm = None,
        }
    }
}

fn is_now(time: &Time, due: i64, is_idle: bool) -> bool {
    matches!(time.when(due, is_idle), When::Now)
}

impl timers::Host for Data<Ambient> {
    fn start(&mut self, millis: u32, repeats: bool) -> Result<u64, HostError> {
        let memory = Arc::clone(self.ledger());
        self.host.timers.start(&self.host.time, &memory, millis, repeats)
    }

    fn cancel(&mut self, timer: u64) {
        self.host.timers.clear(timer);
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").field("set", &self.set.len()).finish_non_exhaustive()
    }
}
