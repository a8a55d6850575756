//! The caller's end of a call that was made: a future of its result.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    block_elsewhere,
    call::{Pending, Submission},
};
use crate::{
    error::Error,
    sync::{Arc, thread::ThreadId},
};

/// A future of the result of a call.
///
/// Dropping it gives the call up, unless it was [detached](Ticket::detach). It needs no runtime: any executor may
/// poll it, and [`blocking`](Ticket::blocking) none.
#[must_use = "dropping a ticket gives its call up: await it or detach it"]
pub struct Ticket<R> {
    cell: Arc<dyn Pending<R>>,
    stage: Stage,
}

enum Stage {
    /// Not in the queue yet.
    Entering,
    Queued,
    /// The result was taken, or nobody wants it.
    Over,
}

impl<R> Ticket<R> {
    pub(super) fn unsubmitted(cell: Arc<dyn Pending<R>>) -> Ticket<R> {
        Ticket { cell, stage: Stage::Entering }
    }

    pub(super) fn submitted(cell: Arc<dyn Pending<R>>) -> Ticket<R> {
        Ticket { cell, stage: Stage::Queued }
    }

    /// Gives the call up, as dropping the ticket would, but leaves the ticket to await its end. A call that has not
    /// started ends as [`Cancelled`](crate::ErrorKind::Cancelled) at once; one that is running ends when the object
    /// heeds it.
    pub fn abort(&self) {
        Arc::clone(&self.cell).abort();
    }

    /// Lets the call run on with nobody waiting for its result. A call that is not in the queue yet enters it now, or
    /// is given up when there is no room.
    pub fn detach(mut self) {
        if let Stage::Entering = self.stage {
            let _ = Arc::clone(&self.cell).submit();
        }
        self.cell.disown();
        self.stage = Stage::Over;
    }

    /// Blocks this thread until the result is there.
    ///
    /// # Errors
    ///
    /// Those of the call, and [`Deadlock`](crate::ErrorKind::Deadlock): this thread is the object's own, and the result is
    /// not there. The call is given up.
    pub fn blocking(self) -> Result<R, Error> {
        block_elsewhere(self.home(), self, Err)
    }

    /// The thread of the object that is called.
    pub(crate) fn home(&self) -> Option<ThreadId> {
        self.cell.home()
    }
}

impl<R> Future for Ticket<R> {
    type Output = Result<R, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R, Error>> {
        loop {
            // First the answer: a call that was aborted while it waited for room has one, and must not take the room.
            if let Poll::Ready(answer) = self.cell.poll(context) {
                if let Stage::Entering = mem::replace(&mut self.stage, Stage::Over) {
                    self.cell.leave();
                }
                return Poll::Ready(answer);
            }
            let Stage::Entering = self.stage else {
                return Poll::Pending;
            };
            match Arc::clone(&self.cell).poll_submit(context) {
                // Who answers the call from here on finds the waker.
                Submission::Queued => {
                    self.stage = Stage::Queued;
                    return Poll::Pending;
                }
                Submission::Answered => self.stage = Stage::Queued,
                Submission::Full => return Poll::Pending,
            }
        }
    }
}

impl<R> Drop for Ticket<R> {
    fn drop(&mut self) {
        match self.stage {
            Stage::Entering => {
                self.cell.leave();
                // It may have been let in a moment ago.
                Arc::clone(&self.cell).cancel();
            }
            Stage::Queued => Arc::clone(&self.cell).cancel(),
            Stage::Over => {}
        }
    }
}

impl<R> fmt::Debug for Ticket<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}
