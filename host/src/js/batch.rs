//! Many sources in, a stream of results out.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    task::{self, Poll},
    time::Instant,
};

use futures_core::Stream;

use super::{console::Console, engine::Engine, source::Source, value::Value};
use crate::{
    component::{Held, Limits},
    error::{Error, ErrorKind},
    thread::{Call, HeapThread, Running, Steps, StepsStream, Ticket},
};

/// Bytes of sources that the engine's batch holds at a time, beyond the first: they take of the engine's memory.
const PUSH_BYTES: usize = 256 << 10;

/// What a batch gives for each source, in their order.
pub type BatchResult = Result<Value, Error>;

/// Where a batch takes its sources from: anything that iterates, or a stream.
pub struct Sources(Kind);

enum Kind {
    Iterator(Box<dyn Iterator<Item = Source> + Send>),
    Stream(Pin<Box<dyn Stream<Item = Source> + Send>>),
}

impl Sources {
    /// Sources as they arrive.
    pub fn from_stream<S>(stream: S) -> Sources
    where
        S: Stream + Send + 'static,
        S::Item: Into<Source>,
    {
        Sources(Kind::Stream(Box::pin(Converted(Box::pin(stream)))))
    }
}

impl<I> From<I> for Sources
where
    I: IntoIterator,
    I::IntoIter: Send + 'static,
    I::Item: Into<Source> + 'static,
{
    fn from(sources: I) -> Sources {
        Sources(Kind::Iterator(Box::new(sources.into_iter().map(I::Item::into))))
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

/// A stream whose items become sources.
struct Converted<S>(Pin<Box<S>>);

impl<S> Stream for Converted<S>
where
    S: Stream,
    S::Item: Into<Source>,
{
    type Item = Source;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Option<Source>> {
        self.0.as_mut().poll_next(context).map(|item| item.map(S::Item::into))
    }
}

impl Stream for Sources {
    type Item = Source;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Option<Source>> {
        match &mut self.0 {
            Kind::Iterator(iterator) => Poll::Ready(iterator.next()),
            Kind::Stream(stream) => stream.as_mut().poll_next(context),
        }
    }
}

/// A batch that was described but not started. Await it or [queue](Batch::queue) it for all results at once, or
/// [stream](Batch::stream) them.
#[must_use = "a batch does nothing unless it is awaited, queued or streamed"]
#[derive(Debug)]
pub struct Batch {
    thread: HeapThread<Engine>,
    limits: Option<Limits>,
    console: Option<Console>,
    sources: Sources,
    deadline: Option<Instant>,
}

impl Batch {
    pub(super) fn new(
        thread: HeapThread<Engine>,
        limits: Option<Limits>,
        console: Option<Console>,
        sources: Sources,
    ) -> Batch {
        Batch { thread, limits, console, sources, deadline: None }
    }

    /// The moment at which the time of the whole batch is over, streamed or collected, as for a [call](Call::deadline).
    /// The time of each source has its own [limit](Limits::wall_time).
    pub fn deadline(self, deadline: Instant) -> Batch {
        Batch { deadline: Some(deadline), ..self }
    }

    /// The results one by one, in the order of the sources, each within a millisecond of when it is there. The engine
    /// works no further ahead than one hop, 64 sources, of the consumer; other calls of the context run in between.
    /// Dropping the stream stops the item that is running and skips the rest.
    pub fn stream(self) -> BatchStream {
        let steps = Evaluations { limits: self.limits, console: self.console, batch: None, pushed: 0 };
        let stream = self.thread.steps(self.sources, steps);
        BatchStream(self.deadline.into_iter().fold(stream, StepsStream::deadline))
    }

    /// Evaluates everything as one call of the queue and collects the results; no other call runs meanwhile. The
    /// sources are taken from their iterator on the context's thread.
    ///
    /// A [stream](Sources::from_stream) of sources cannot be awaited there: it gives
    /// [`InvalidArgument`](ErrorKind::InvalidArgument). Use [`stream`](Batch::stream) for it.
    pub fn queue(self) -> Ticket<Vec<BatchResult>> {
        self.collect().queue()
    }

    /// As [`queue`](Batch::queue), waiting for a place in the queue and for the results, on this thread.
    ///
    /// # Errors
    ///
    /// Those of the call. A source that fails is no error of the batch.
    pub fn blocking(self) -> Result<Vec<BatchResult>, Error> {
        self.collect().blocking()
    }

    fn collect(self) -> Call<Vec<BatchResult>> {
        let steps = Evaluations { limits: self.limits, console: self.console, batch: None, pushed: 0 };
        let call = match self.sources.0 {
            Kind::Iterator(sources) => self.thread.collect_steps(sources, steps),
            Kind::Stream(_) => self.thread.try_call(|_, _| {
                let message = "a stream of sources cannot be queued: take its results by stream()";
                Err(Error::new(ErrorKind::InvalidArgument, message))
            }),
        };
        self.deadline.into_iter().fold(call, Call::deadline)
    }
}

impl IntoFuture for Batch {
    type Output = Result<Vec<BatchResult>, Error>;
    type IntoFuture = Ticket<Vec<BatchResult>>;

    fn into_future(self) -> Ticket<Vec<BatchResult>> {
        self.collect().into_future()
    }
}

/// The results of a batch as they come, from [`Batch::stream`].
#[must_use = "a stream does nothing unless it is polled"]
#[derive(Debug)]
pub struct BatchStream(StepsStream<Engine, Evaluations, Sources>);

impl BatchStream {
    /// Blocks this thread until the next result is there.
    pub fn next_blocking(&mut self) -> Option<BatchResult> {
        self.0.next_blocking().map(Result::flatten)
    }
}

impl Stream for BatchStream {
    type Item = BatchResult;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Option<BatchResult>> {
        Pin::new(&mut self.0).poll_next(context).map(|item| item.map(Result::flatten))
    }
}

/// One evaluation a step.
#[derive(Debug)]
pub(super) struct Evaluations {
    limits: Option<Limits>,
    console: Option<Console>,
    batch: Option<Held>,
    /// How many of the inputs the engine's batch holds. They stay among the inputs until they are evaluated, in case
    /// the engine is lost.
    pushed: usize,
}

impl Steps<Engine> for Evaluations {
    type Input = Source;
    type Item = BatchResult;

    fn step(
        &mut self,
        engine: &mut Engine,
        inputs: &mut VecDeque<Source>,
        running: &Running,
    ) -> Result<Option<BatchResult>, Error> {
        if !self.batch.as_ref().is_some_and(|batch| engine.holds(batch)) {
            // The engine was replaced, and its batch with it: what was not evaluated yet goes into a new one.
            self.pushed = 0;
        }
        let limit = engine.source_limit(running, self.limits);
        if self.pushed == 0 {
            // A source that is too large never enters the engine; it fails in its turn.
            if let Some(error) = inputs.front().and_then(|source| source.check(limit).err()) {
                inputs.pop_front();
                return Ok(Some(Err(error)));
            }
            let mut bytes = 0;
            let fitting = inputs.iter().take_while(|source| {
                let first = bytes == 0;
                bytes += source.len() + 1;
                (first || bytes <= PUSH_BYTES) && source.check(limit).is_ok()
            });
            let fitting: Vec<_> = fitting.cloned().collect();
            if fitting.is_empty() {
                return Ok(None);
            }
            let fitting_len = fitting.len();
            if let Err(error) = engine.push(running, self.limits, &mut self.batch, fitting) {
                // The first source bears the failure; the others get a new batch.
                self.batch = None;
                inputs.pop_front();
                return Ok(Some(Err(error)));
            }
            self.pushed = fitting_len;
        }
        let Some(batch) = &self.batch else {
            return Ok(None);
        };
        let next = |engine: &mut Engine| engine.next(running, self.limits, batch, inputs.front());
        let result = engine.printing_to(self.console.as_ref(), next);
        inputs.pop_front();
        self.pushed -= 1;
        Ok(Some(result))
    }

    fn finish(&mut self, engine: &mut Engine) {
        if let Some(batch) = self.batch.take() {
            engine.drop_batch(&batch);
        }
    }
}
