//! Waiting in a queue, as a future and as a blocked thread.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use event_listener::{EventListener, listener};

use super::{bell::Bell, shared::Shared, state::State};
use crate::sync;

/// Something that may have to wait. All of it runs under the lock.
pub(super) trait Errand<T> {
    /// What it ends with.
    type Output;

    /// Ends it if it can end now.
    fn attempt(&mut self, state: &mut State<T>) -> Option<Self::Output>;

    /// Has the bell rung when another attempt is worth it. Follows an attempt that failed, under the same lock.
    fn wait(&mut self, state: &mut State<T>, bell: &Bell);

    /// Gives the place in the line up.
    fn withdraw(&mut self, state: &mut State<T>);
}

/// An errand that is polled.
///
/// It does not know its queue, so that a future of any shape can be made of it: who has it polls it, and withdraws it
/// before dropping it.
pub(super) struct Waiting<E> {
    errand: Option<E>,
    bell: Option<(Bell, EventListener)>,
}

impl<E> Waiting<E> {
    pub(super) fn new(errand: E) -> Waiting<E> {
        Waiting { errand: Some(errand), bell: None }
    }

    /// What is polled after its end has nothing more to say.
    pub(super) fn poll<T>(&mut self, shared: &Shared<T>, context: &mut Context<'_>) -> Poll<E::Output>
    where
        E: Errand<T>,
    {
        let Some(errand) = &mut self.errand else {
            return Poll::Pending;
        };
        loop {
            if let Some((_, listener)) = &mut self.bell
                && Pin::new(listener).poll(context).is_pending()
            {
                return Poll::Pending;
            }
            let bell = self.bell.take().map(|(bell, _)| bell);
            let output = shared.change(|state| {
                if let Some(output) = errand.attempt(state) {
                    bell.into_iter().for_each(|bell| state.spare.give_back(bell));
                    return Some(output);
                }
                let bell = bell.unwrap_or_else(|| state.spare.take());
                let listener = bell.listen();
                errand.wait(state, &bell);
                self.bell = Some((bell, listener));
                None
            });
            if let Some(output) = output {
                self.errand = None;
                return Poll::Ready(output);
            }
        }
    }

    /// Ends the errand in another way. `None`: it has ended.
    pub(super) fn end<T, R>(&mut self, shared: &Shared<T>, end: impl FnOnce(&mut E, &mut State<T>) -> R) -> Option<R> {
        let mut errand = self.errand.take()?;
        let bell = self.bell.take().map(|(bell, _)| bell);
        Some(shared.change(|state| {
            bell.into_iter().for_each(|bell| state.spare.give_back(bell));
            end(&mut errand, state)
        }))
    }

    /// Gives the errand up.
    pub(super) fn withdraw<T>(&mut self, shared: &Shared<T>)
    where
        E: Errand<T>,
    {
        if self.bell.is_some() {
            self.end(shared, E::withdraw);
        }
    }
}

/// Whether it waits.
impl<E> fmt::Debug for Waiting<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bell.is_some().fmt(f)
    }
}

/// Does an errand on this thread, which sleeps while it waits. The errand comes back when the deadline comes first.
pub(super) fn block_on<T, E: Errand<T>>(
    shared: &Shared<T>,
    mut errand: E,
    deadline: Option<Instant>,
) -> Result<E::Output, E> {
    let attempt = shared.change(|state| errand.attempt(state).ok_or_else(|| state.spare.take()));
    let bell = match attempt {
        Ok(output) => return Ok(output),
        Err(bell) => bell,
    };
    loop {
        listener!(bell.event() => listener);
        let output = shared.change(|state| match errand.attempt(state) {
            Some(output) => {
                // Its next user may come before this listener is gone, which passes on what it hears then.
                state.spare.give_back(bell.clone());
                Some(output)
            }
            None => {
                errand.wait(state, &bell);
                None
            }
        });
        if let Some(output) = output {
            return Ok(output);
        }
        if !sync::wait(listener, deadline) {
            return Err(errand);
        }
    }
}
