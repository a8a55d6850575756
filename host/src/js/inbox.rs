//! What happens to the evaluations of a context while none of them runs.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use super::engine::Engine;
use crate::{error::Error, thread::Sender};

/// What the context's thread is to hear of.
pub(super) enum Event {
    /// The host function whose call this is has answered.
    Answered(u64, Result<Vec<u8>, Error>),
    /// The evaluation's time is over, or its caller has given it up.
    Stopped(u64),
}

/// Takes events from any thread. The first of a burst sends a message through the context's queue; where the queue is
/// closed, it wakes who waits for the last evaluations.
#[derive(Clone)]
pub(super) struct Inbox {
    events: Arc<Mutex<Events>>,
    sender: Sender<Engine>,
}

#[derive(Default)]
struct Events {
    waiting: Vec<Event>,
    waker: Option<Waker>,
}

impl Inbox {
    pub(super) fn new(sender: Sender<Engine>) -> Inbox {
        Inbox { events: Arc::default(), sender }
    }

    fn lock(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn post(&self, event: Event) {
        let mut events = self.lock();
        events.waiting.push(event);
        let is_first = events.waiting.len() == 1;
        let waker = events.waker.take();
        drop(events);
        if is_first {
            // Where the queue takes nothing more, the waker is there, or will look at the events first.
            let _ = self.sender.send(Engine::attend);
        }
        waker.into_iter().for_each(Waker::wake);
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
