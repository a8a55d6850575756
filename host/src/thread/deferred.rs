//! Answers that are given after the closure of their call has returned.
#![cfg_attr(not(any(feature = "js", test)), expect(dead_code, reason = "only JavaScript contexts defer answers"))]

use super::call::Hook;
use crate::{error::Error, sync::Arc};

/// The right of a running call's closure to answer later.
pub(crate) struct Defer<'a, R>(pub(super) &'a dyn Fn() -> Deferred<R>);

impl<R> Defer<'_, R> {
    /// Takes the answer over. The closure is to return `None` then.
    pub(crate) fn defer(self) -> Deferred<R> {
        (self.0)()
    }
}

/// The answer that a call still waits for. Dropping it answers as the end of the object would.
pub(crate) struct Deferred<R> {
    cell: Option<Arc<dyn Answer<R>>>,
}

/// A call as who answers it later sees it.
pub(super) trait Answer<R>: Send + Sync {
    /// `None`: with why the object is gone.
    fn answer_with(&self, answer: Option<Result<R, Error>>);

    fn on_stop(self: Arc<Self>, hook: Hook);
}

impl<R> Deferred<R> {
    pub(super) fn new(cell: Arc<dyn Answer<R>>) -> Deferred<R> {
        Deferred { cell: Some(cell) }
    }

    /// Answers the call; does nothing when it has an answer.
    pub(crate) fn answer(mut self, answer: Result<R, Error>) {
        if let Some(cell) = self.cell.take() {
            cell.answer_with(Some(answer));
        }
    }

    /// What is told, once and from any thread, when the call is given up or its time is over. It must be quick.
    pub(crate) fn on_stop(&self, hook: impl Fn() + Send + Sync + 'static) {
        if let Some(cell) = &self.cell {
            Arc::clone(cell).on_stop(Arc::new(hook));
        }
    }
}

impl<R> Drop for Deferred<R> {
    fn drop(&mut self) {
        if let Some(cell) = self.cell.take() {
            cell.answer_with(None);
        }
    }
}
