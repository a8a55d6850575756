//! Waiting in a queue, as a future and as a blocked thread.

use std::{
    fmt,
    task::{Context, Poll, Waker},
    time::Instant,
};

use super::{shared::Shared, state::State};
use crate::sync;

/// Something that may have to wait. All of it runs under the lock.
pub(super) trait Errand<T> {
    /// What it ends with.
    type Output;

    /// Ends it if it can end now.
    fn attempt(&mut self, state: &mut State<T>) -> Option<Self::Output>;

    /// Has somebody woken when another attempt is worth it. Follows an attempt that failed, under the same lock.
    fn wait(&mut self, state: &mut State<T>, waker: &Waker);

    /// Gives the place in the line up.
    fn withdraw(&mut self, state: &mut State<T>);
}

/// Ends an errand, or begins to wait.
fn poll<T, E: Errand<T>>(shared: &Shared<T>, errand: &mut E, waker: &Waker) -> Poll<E::Output> {
    shared.change(|state| match errand.attempt(state) {
        Some(output) => Poll::Ready(output),
        None => {
            errand.wait(state, waker);
            Poll::Pending
        }
    })
}

/// An errand that is polled.
///
/// It does not know its queue, so that a future of any shape can be made of it: who has it polls it, and withdraws it
/// before dropping it.
pub(super) struct Waiting<E> {
    errand: Option<E>,
    has_begun: bool,
}

impl<E> Waiting<E> {
    pub(super) fn new(errand: E) -> Waiting<E> {
        Waiting { errand: Some(errand), has_begun: false }
    }

    /// What is polled after its end has nothing more to say.
    pub(super) fn poll<T>(&mut self, shared: &Shared<T>, context: &mut Context<'_>) -> Poll<E::Output>
    where
        E: Errand<T>,
    {
        let Some(errand) = &mut self.errand else {
            return Poll::Pending;
        };
        self.has_begun = true;
        let polled = poll(shared, errand, context.waker());
        if polled.is_ready() {
            self.errand = None;
        }
        polled
    }

    /// Ends the errand in another way. `None`: it has ended.
    pub(super) fn end<T, R>(&mut self, shared: &Shared<T>, end: impl FnOnce(&mut E, &mut State<T>) -> R) -> Option<R> {
        let mut errand = self.errand.take()?;
        Some(shared.change(|state| end(&mut errand, state)))
    }

    /// Gives the errand up.
    pub(super) fn withdraw<T>(&mut self, shared: &Shared<T>)
    where
        E: Errand<T>,
    {
        if self.has_begun {
            self.end(shared, E::withdraw);
        }
    }
}

/// Whether it waits.
impl<E> fmt::Debug for Waiting<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.has_begun && self.errand.is_some()).fmt(f)
    }
}

/// Does an errand on this thread, which sleeps while it waits. The errand comes back when the deadline comes first.
pub(super) fn block_on<T, E: Errand<T>>(
    shared: &Shared<T>,
    mut errand: E,
    deadline: Option<Instant>,
) -> Result<E::Output, E> {
    if let Some(output) = shared.change(|state| errand.attempt(state)) {
        return Ok(output);
    }
    sync::block_until(deadline, |waker| poll(shared, &mut errand, waker)).ok_or(errand)
}
