//! Calls that yield and may borrow from the object: the closure pushes items, and waits for the consumer where it is
//! too far ahead.

use std::{
    collections::VecDeque,
    fmt,
    future::Future as _,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use futures_core::Stream;

use super::{
    Call, HeapThread, Running, Ticket, block_elsewhere,
    call::{lock, wake},
    object_error,
};
use crate::{
    error::Error,
    sync::{Arc, Condvar, Mutex, PoisonError},
};

/// Items that wait for the consumer, at most.
const AHEAD: usize = 64;

impl<T: 'static> HeapThread<T> {
    /// A call of a closure that makes items, one after the other, and may borrow from the object while it does: an
    /// iterator over what the object holds, say.
    ///
    /// It occupies the object until it ends: while the consumer of a [stream](Generation::stream) is 64 items behind,
    /// the object's thread waits, and other calls wait with it. A consumer that awaits another call of the object between
    /// two items of a longer stream therefore waits for itself, for good: it collects first, or uses
    /// [`iterate`](HeapThread::iterate), which does not have that and cannot borrow.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # fn main() -> Result<(), aiointernal::Error> {
    /// let words = aiointernal::HeapThread::spawn(|| Ok::<_, Infallible>(vec!["one", "two"])).blocking()?;
    /// let mut lengths = words
    ///     .generate(|words, sink| words.iter().try_for_each(|word| sink.send(word.len())))
    ///     .stream();
    /// assert_eq!(lengths.next_blocking().transpose()?, Some(3));
    /// # Ok(())
    /// # }
    /// ```
    pub fn generate<I, E, F>(&self, job: F) -> Generation<I>
    where
        F: FnOnce(&mut T, &mut Sink<I>) -> Result<(), E> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
        I: Send + 'static,
    {
        let thread = self.clone();
        let start = move |target| {
            Call::new(&thread, move |object, running| {
                let mut sink = Sink { target, running: running.clone(), refusal: None };
                job(object, &mut sink).map_err(object_error)?;
                sink.finish()
            })
        };
        Generation { start: Box::new(start), timeout: None, deadline: None }
    }
}

/// A call that makes items, described but not made yet. [Stream](Generation::stream) the items, or await it or
/// [queue](Generation::queue) it for all of them at once.
#[must_use = "it does nothing unless it is awaited, queued or streamed"]
pub struct Generation<I> {
    start: Box<dyn FnOnce(Target<I>) -> Call<Vec<I>> + Send>,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
}

impl<I: Send + 'static> Generation<I> {
    /// The longest time that the closure may run, from when it starts, as for a [call](Call::timeout); the time in which
    /// it waits for the consumer counts. After that its sink takes nothing more.
    pub fn timeout(self, timeout: Duration) -> Generation<I> {
        Generation { timeout: Some(timeout), ..self }
    }

    /// The moment at which its time is over, wherever it is then, as for a [call](Call::deadline).
    pub fn deadline(self, deadline: Instant) -> Generation<I> {
        Generation { deadline: Some(deadline), ..self }
    }

    /// The items one by one, as they are made; the closure is at most 64 ahead. It starts when the stream is first
    /// polled, and dropping the stream ends it at its next item.
    pub fn stream(self) -> GenerationStream<I> {
        let pipe = Arc::new(Pipe { state: Mutex::default(), taken: Condvar::new() });
        let call = self.call(Target::Pipe(Arc::clone(&pipe)));
        GenerationStream { pipe, stage: Stage::Making(call.into_future()) }
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
        self.call(Target::Collected(Vec::new()))
    }

    fn call(self, target: Target<I>) -> Call<Vec<I>> {
        let call = (self.start)(target);
        let call = self.timeout.into_iter().fold(call, Call::timeout);
        self.deadline.into_iter().fold(call, Call::deadline)
    }
}

impl<I: Send + 'static> IntoFuture for Generation<I> {
    type Output = Result<Vec<I>, Error>;
    type IntoFuture = Ticket<Vec<I>>;

    fn into_future(self) -> Ticket<Vec<I>> {
        self.collect().into_future()
    }
}

impl<I> fmt::Debug for Generation<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation").finish_non_exhaustive()
    }
}

/// Where the closure of [`HeapThread::generate`] puts its items.
pub struct Sink<I> {
    target: Target<I>,
    running: Running,
    /// Why it has not taken an item. A closure that ends for that has not made all items.
    refusal: Option<Error>,
}

enum Target<I> {
    Collected(Vec<I>),
    Pipe(Arc<Pipe<I>>),
}

impl<I> Sink<I> {
    /// Hands an item over, waiting while the consumer is 64 items behind.
    ///
    /// # Errors
    ///
    /// The closure should return then.
    ///
    /// - [`Cancelled`](crate::ErrorKind::Cancelled): the consumer has gone.
    /// - [`Timeout`](crate::ErrorKind::Timeout): the call's time is over.
    pub fn send(&mut self, item: I) -> Result<(), Error> {
        let taken = self.running.check().and_then(|()| match &mut self.target {
            Target::Collected(items) => {
                items.push(item);
                Ok(())
            }
            Target::Pipe(pipe) => pipe.push(item, &self.running),
        });
        taken.inspect_err(|refusal| self.refusal = Some(refusal.clone()))
    }

    /// The call that this is, for work that takes long between two items and looks whether it is to stop.
    pub fn running(&self) -> &Running {
        &self.running
    }

    fn finish(self) -> Result<Vec<I>, Error> {
        match (self.refusal, self.target) {
            (Some(refusal), _) => Err(refusal),
            (None, Target::Collected(items)) => Ok(items),
            (None, Target::Pipe(_)) => Ok(Vec::new()),
        }
    }
}

impl<I> fmt::Debug for Sink<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").finish_non_exhaustive()
    }
}

/// Items on their way to the consumer.
struct Pipe<I> {
    state: Mutex<Waiting<I>>,
    taken: Condvar,
}

struct Waiting<I> {
    items: VecDeque<I>,
    consumer: Option<Waker>,
    /// Nobody takes items any more.
    closed: bool,
}

impl<I> Default for Waiting<I> {
    fn default() -> Self {
        Waiting { items: VecDeque::new(), consumer: None, closed: false }
    }
}

impl<I> Pipe<I> {
    fn push(&self, item: I, running: &Running) -> Result<(), Error> {
        let mut waiting = lock(&self.state);
        while waiting.items.len() >= AHEAD && !waiting.closed {
            running.check()?;
            waiting = match running.time_left() {
                None => self.taken.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.taken.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        if waiting.closed {
            return Err(Error::cancelled());
        }
        waiting.items.push_back(item);
        let consumer = waiting.consumer.take();
        drop(waiting);
        consumer.into_iter().for_each(wake);
        Ok(())
    }

    /// Takes an item, or leaves the waker to be called when there is one.
    fn poll(&self, context: &Context<'_>) -> Option<I> {
        let mut waiting = lock(&self.state);
        let item = waiting.items.pop_front();
        let mut other = None;
        match &item {
            // Half empty, so that the closure is not woken for each item.
            Some(_) if waiting.items.len() == AHEAD / 2 => self.taken.notify_one(),
            Some(_) => {}
            None => other = waiting.consumer.replace(context.waker().clone()),
        }
        drop(waiting);
        // Its end can be the end of a task, and of all that this owns.
        drop(other);
        item
    }

    fn close(&self) {
        let mut waiting = lock(&self.state);
        waiting.closed = true;
        let items = std::mem::take(&mut waiting.items);
        drop(waiting);
        self.taken.notify_one();
        drop(items);
    }
}

/// The items of a [`Generation`] as they are made.
///
/// An error ends it, after the items that were made before.
#[must_use = "a stream makes nothing unless it is polled"]
pub struct GenerationStream<I> {
    pipe: Arc<Pipe<I>>,
    stage: Stage<I>,
}

enum Stage<I> {
    Making(Ticket<Vec<I>>),
    /// The call has ended, with this error where it failed.
    Over(Option<Error>),
}

impl<I> GenerationStream<I> {
    /// Blocks this thread until the next item is there. On the object's own thread it is
    /// [`Deadlock`](crate::ErrorKind::Deadlock) where it is not.
    pub fn next_blocking(&mut self) -> Option<Result<I, Error>> {
        let home = match &self.stage {
            Stage::Making(call) => call.home(),
            Stage::Over(_) => None,
        };
        let next = std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context));
        block_elsewhere(home, next, |error| Some(Err(error)))
    }
}

impl<I> Stream for GenerationStream<I> {
    type Item = Result<I, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.pipe.poll(context) {
                return Poll::Ready(Some(Ok(item)));
            }
            match &mut this.stage {
                Stage::Over(error) => return Poll::Ready(error.take().map(Err)),
                Stage::Making(call) => match Pin::new(call).poll(context) {
                    Poll::Pending => return Poll::Pending,
                    // Items may have come between the two looks; none comes after the end.
                    Poll::Ready(ended) => this.stage = Stage::Over(ended.err()),
                },
            }
        }
    }
}

impl<I> Drop for GenerationStream<I> {
    fn drop(&mut self) {
        self.pipe.close();
    }
}

impl<I> fmt::Debug for GenerationStream<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerationStream").finish_non_exhaustive()
    }
}
