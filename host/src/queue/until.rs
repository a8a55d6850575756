//! A time limit of any runtime.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// A future that can be ended early.
pub trait Limited: Future + Unpin {
    /// Ends it now. `None`: it has ended before.
    fn time_out(&mut self) -> Option<Self::Output>;
}

/// A put or a get with a time limit, from [`Put::until`](super::Put::until) or [`Get::until`](super::Get::until).
#[must_use = "it does nothing unless it is awaited"]
pub struct Until<W, L> {
    waiting: W,
    limit: Limit<L>,
}

enum Limit<L> {
    /// Most puts and gets end at once, so it is pinned when it is needed.
    Unneeded(L),
    Running(Pin<Box<L>>),
    Over,
}

impl<W, L> Until<W, L> {
    pub(super) fn new(waiting: W, limit: L) -> Until<W, L> {
        Until { waiting, limit: Limit::Unneeded(limit) }
    }
}

impl<L: Future> Limit<L> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut limit = match std::mem::replace(self, Limit::Over) {
            Limit::Unneeded(limit) => Box::pin(limit),
            Limit::Running(limit) => limit,
            Limit::Over => return Poll::Pending,
        };
        let over = limit.as_mut().poll(context).map(drop);
        if over.is_pending() {
            *self = Limit::Running(limit);
        }
        over
    }
}

impl<W: Limited, L: Future> Future for Until<W, L> {
    type Output = W::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<W::Output> {
        let this = &mut *self;
        // First what is waited for: when it comes at the last moment, it is taken.
        if let Poll::Ready(output) = Pin::new(&mut this.waiting).poll(context) {
            this.limit = Limit::Over;
            return Poll::Ready(output);
        }
        if this.limit.poll(context).is_pending() {
            return Poll::Pending;
        }
        this.waiting.time_out().map_or(Poll::Pending, Poll::Ready)
    }
}

/// The limit is pinned in a box of its own.
impl<W: Unpin, L> Unpin for Until<W, L> {}

impl<W: fmt::Debug, L> fmt::Debug for Until<W, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Until").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}
