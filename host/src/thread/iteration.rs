//! Calls that yield, one closure call an item.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use futures_core::Stream;

use super::{Call, HeapThread, Running, Steps, StepsStream, Ticket, object_error};
use crate::error::Error;

impl<T: 'static> HeapThread<T> {
    /// Items that a closure makes of the object, one each time it runs, until it says `None`. What it has to know from
    /// one item to the next it captures.
    ///
    /// Other calls run between two hops of a [stream](Iteration::stream), so the object may change between two items.
    /// A closure that would borrow from the object meanwhile is for [`generate`](HeapThread::generate).
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # fn main() -> Result<(), aiointernal::Error> {
    /// let thread = aiointernal::HeapThread::spawn(|| Ok::<_, Infallible>(vec![1, 2, 3])).blocking()?;
    /// let mut index = 0;
    /// let doubled = thread.iterate(move |numbers, _| {
    ///     index += 1;
    ///     Ok::<_, Infallible>(numbers.get(index - 1).map(|number| number * 2))
    /// });
    /// assert_eq!(doubled.blocking()?, [2, 4, 6]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn iterate<I, E, F>(&self, mut next: F) -> Iteration<T, I>
    where
        F: FnMut(&mut T, &Running) -> Result<Option<I>, E> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
        I: Send + 'static,
    {
        let next = Box::new(move |object: &mut T, running: &Running| next(object, running).map_err(object_error));
        Iteration { thread: self.clone(), next: Next(next), deadline: None }
    }
}

/// Items that were described but not made yet. [Stream](Iteration::stream) them, or await it or
/// [queue](Iteration::queue) it for all of them at once.
#[must_use = "it does nothing unless it is awaited, queued or streamed"]
pub struct Iteration<T: 'static, I> {
    thread: HeapThread<T>,
    next: Next<T, I>,
    deadline: Option<Instant>,
}

impl<T: 'static, I: Send + 'static> Iteration<T, I> {
    /// The moment at which the time for all items is over, streamed or collected, as for a [call](Call::deadline).
    pub fn deadline(self, deadline: Instant) -> Iteration<T, I> {
        Iteration { deadline: Some(deadline), ..self }
    }

    /// The items as they are made, in hops of 1 ms or 64 to 512 items, as [`HeapThread::steps`] describes them. Dropping the
    /// stream ends it at the item that is being made.
    pub fn stream(self) -> IterationStream<T, I> {
        let stream = self.thread.steps(Once(Some(())), self.next);
        IterationStream(self.deadline.into_iter().fold(stream, StepsStream::deadline))
    }

    /// Makes the call without waiting for anything, as [`Call::queue`] does, and collects the items.
    pub fn queue(self) -> Ticket<Vec<I>> {
        self.collect().queue()
    }

    /// Makes the call, collects the items, and blocks this thread until all are there.
    ///
    /// # Errors
    ///
    /// Those of the call. The items that came before an error are lost.
    pub fn blocking(self) -> Result<Vec<I>, Error> {
        self.collect().blocking()
    }

    fn collect(self) -> Call<Vec<I>> {
        let call = self.thread.collect_steps([()], self.next);
        self.deadline.into_iter().fold(call, Call::deadline)
    }
}

impl<T: 'static, I: Send + 'static> IntoFuture for Iteration<T, I> {
    type Output = Result<Vec<I>, Error>;
    type IntoFuture = Ticket<Vec<I>>;

    fn into_future(self) -> Ticket<Vec<I>> {
        self.collect().into_future()
    }
}

impl<T, I> fmt::Debug for Iteration<T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iteration").finish_non_exhaustive()
    }
}

/// The closure, as steps whose one input is used up when it says `None`.
struct Next<T, I>(MakeItem<T, I>);

type MakeItem<T, I> = Box<dyn FnMut(&mut T, &Running) -> Result<Option<I>, Error> + Send>;

impl<T: 'static, I: Send + 'static> Steps<T> for Next<T, I> {
    type Input = ();
    type Item = I;

    fn step(&mut self, object: &mut T, inputs: &mut VecDeque<()>, running: &Running) -> Result<Option<I>, Error> {
        if inputs.is_empty() {
            return Ok(None);
        }
        let item = (self.0)(object, running)?;
        if item.is_none() {
            inputs.clear();
        }
        Ok(item)
    }

    fn finish(&mut self, _: &mut T) {}
}

/// A stream of one input.
struct Once(Option<()>);

impl Stream for Once {
    type Item = ();

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<()>> {
        Poll::Ready(self.0.take())
    }
}

/// The items of an [`Iteration`] as they are made.
#[must_use = "a stream makes nothing unless it is polled"]
pub struct IterationStream<T: 'static, I: Send + 'static>(StepsStream<T, Next<T, I>, Once>);

impl<T: 'static, I: Send + 'static> IterationStream<T, I> {
    /// Blocks this thread until the next item is there.
    pub fn next_blocking(&mut self) -> Option<Result<I, Error>> {
        self.0.next_blocking()
    }
}

impl<T: 'static, I: Send + 'static> Stream for IterationStream<T, I> {
    type Item = Result<I, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}

impl<T, I: Send + 'static> fmt::Debug for IterationStream<T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterationStream").finish_non_exhaustive()
    }
}
