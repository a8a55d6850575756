//! What happens to the evaluations of a context while none of them runs.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::Waker,
    time::Instant,
};

use super::{
    engine::Engine,
    evaluation::Terms,
    handle::{Encoded, Handle},
};
use crate::{
    component::Charge,
    error::Error,
    thread::{Running, Sender},
    timer::{self, Alarm},
};

/// What the context's thread is to hear of.
pub(super) enum Event {
    /// The host function whose call this is has answered.
    Answered(u64, Result<(Encoded, Charge), Error>),
    /// The evaluation's time is over, or its caller has given it up.
    Stopped(u64),
    /// A timer of a script is due, or a clock was moved.
    Due,
    /// A call has left something to be given back.
    Over,
    /// The last clone of a handle was dropped: of which instance, and its number.
    Released(u64, u64),
    /// Nobody takes more of this iteration.
    GivenUp(Handle, Terms),
}

/// Takes events from any thread. The first of a burst sends a message through the context's queue, which holds one at most;
/// where the queue is closed, it wakes who waits for the last evaluations.
#[derive(Clone)]
pub(super) struct Inbox {
    events: Arc<Mutex<Events>>,
    sender: Sender<Engine>,
}

#[derive(Default)]
struct Events {
    waiting: Vec<Event>,
    /// The message is in the queue.
    announced: bool,
    waker: Option<Waker>,
}

impl Inbox {
    pub(super) fn new(sender: Sender<Engine>) -> Inbox {
        Inbox { events: Arc::default(), sender }
    }

    fn lock(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Work of the context that no call waits for. It is cancelled when the context is to end at once.
    pub(super) fn running(&self) -> Running {
        self.sender.running()
    }

    pub(super) fn post(&self, event: Event) {
        let mut events = self.lock();
        events.waiting.push(event);
        let is_first = !mem::replace(&mut events.announced, true);
        let waker = events.waker.take();
        drop(events);
        if is_first {
            // Where the queue takes nothing more, the waker is there, or will look at the events first.
            let _ = self.sender.send(Engine::hear);
        }
        waker.into_iter().for_each(Waker::wake);
    }

    /// The message has come.
    pub(super) fn heard(&self) {
        self.lock().announced = false;
    }

    /// What has happened since this was asked last.
    pub(super) fn take(&self) -> Vec<Event> {
        mem::take(&mut self.lock().waiting)
    }

    /// Who is to be woken by the next event.
    pub(super) fn wake(&self, waker: &Waker) {
        self.lock().waker = Some(waker.clone());
    }
}

impl Inbox {
    pub(super) fn downgrade(&self) -> WeakInbox {
        WeakInbox { events: Arc::downgrade(&self.events), sender: self.sender.clone() }
    }
}

/// An inbox for what may itself wait in one: it takes no more events once its context is gone.
#[derive(Clone)]
pub(super) struct WeakInbox {
    events: Weak<Mutex<Events>>,
    sender: Sender<Engine>,
}

impl WeakInbox {
    pub(super) fn post(&self, event: Event) {
        if let Some(events) = self.events.upgrade() {
            Inbox { events, sender: self.sender.clone() }.post(event);
        }
    }

    /// Whether the context is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.events.strong_count() == 0
    }

    /// Whether both are of one context.
    pub(super) fn is(&self, other: &WeakInbox) -> bool {
        self.events.ptr_eq(&other.events)
    }
}

/// Posts an event at a time, as long as this is there.
pub(super) struct Bell {
    key: timer::Key,
    _rung: Arc<dyn Alarm>,
}

impl Bell {
    /// # Errors
    ///
    /// There is no thread for the alarm.
    pub(super) fn set(
        at: Instant,
        inbox: &Inbox,
        event: impl Fn() -> Event + Send + Sync + 'static,
    ) -> Result<Bell, Error> {
        let rung = Arc::new(Rung { inbox: inbox.clone(), event });
        let weak = Arc::downgrade(&rung) as Weak<dyn Alarm>;
        Ok(Bell { key: timer::set(at, weak)?, _rung: rung })
    }
}

/// An alarm that was set is cleared with who is rung.
impl Drop for Bell {
    fn drop(&mut self) {
        timer::clear(self.key);
    }
}

struct Rung<F> {
    inbox: Inbox,
    event: F,
}

impl<F: Fn() -> Event + Send + Sync> Alarm for Rung<F> {
    fn ring(self: Arc<Self>) {
        self.inbox.post((self.event)());
    }
}
