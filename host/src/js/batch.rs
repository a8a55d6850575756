//! Many sources in, a stream of results out.

use std::{
    collections::VecDeque,
    fmt,
    future::{Future as _, poll_fn},
    mem,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::{Duration, Instant},
};

use futures_core::Stream;
use tokio::sync::oneshot;

use super::{
    engine::Engine,
    evaluation::{Ended, Outcome, Terms},
    inbox::Event,
    source::Source,
    value::Value,
};
use crate::{
    component::{Charge, Held, Ledger, Limits},
    error::{Error, ErrorKind},
    thread::{Call, Deferred, HeapThread, Running, Steps, StepsStream, Ticket, block_elsewhere},
};

/// Bytes of sources that the engine's batch holds at a time, beyond the first: they take of the engine's memory.
const PUSH_BYTES: usize = 256 << 10;

/// Sources that are taken from an iterator at a time.
const SOURCES: usize = 64;

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
    terms: Terms,
    sources: Sources,
    deadline: Option<Instant>,
}

impl Batch {
    pub(super) fn new(thread: HeapThread<Engine>, terms: Terms, sources: Sources) -> Batch {
        Batch { thread, terms, sources, deadline: None }
    }

    /// The moment at which the time of the whole batch is over, streamed or collected, as for a [call](Call::deadline).
    /// The time of each source has its own [limit](crate::Limits::wall_time).
    pub fn deadline(self, deadline: Instant) -> Batch {
        Batch { deadline: Some(deadline), ..self }
    }

    /// The results one by one, in the order of the sources, each within a millisecond of when it is there. The engine
    /// works no further ahead of the consumer than one hop: a millisecond, and 64 sources, or up to 512 where those before took less. Other
    /// calls of the context run in between.
    /// Dropping the stream stops the item that is running and skips the rest.
    pub fn stream(self) -> BatchStream {
        let stream = self.thread.steps(self.sources, Evaluations::new(self.terms));
        BatchStream { stream: self.deadline.into_iter().fold(stream, StepsStream::deadline), awaited: None }
    }

    /// Evaluates everything as one call of the queue and collects the results; no other call runs meanwhile, unless a source
    /// waits for host functions. The sources are taken from their iterator on the context's thread.
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
        let evaluations = Evaluations::new(self.terms);
        let call = match self.sources.0 {
            Kind::Iterator(sources) => Call::deferring(&self.thread, move |engine, running, defer| {
                let running = running.clone();
                let (inputs, results, charges) = (VecDeque::new(), Vec::new(), Vec::new());
                let deferred = defer.defer();
                Collection { evaluations, sources, inputs, results, charges, running, deferred }.go_on(engine);
                engine.proceed();
                Ok(None)
            }),
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
pub struct BatchStream {
    stream: StepsStream<Engine, Evaluations, Sources>,
    /// The result that comes next, where its evaluation waits for host functions.
    awaited: Option<oneshot::Receiver<BatchResult>>,
}

impl BatchStream {
    /// Blocks this thread until the next result is there.
    pub fn next_blocking(&mut self) -> Option<BatchResult> {
        let home = self.stream.home();
        let next = poll_fn(|context| Pin::new(&mut *self).poll_next(context));
        block_elsewhere(home, next, |error| Some(Err(error)))
    }
}

impl Stream for BatchStream {
    type Item = BatchResult;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Option<BatchResult>> {
        let this = &mut *self;
        loop {
            if let Some(awaited) = &mut this.awaited {
                let Poll::Ready(result) = Pin::new(awaited).poll(context) else {
                    return Poll::Pending;
                };
                this.awaited = None;
                return Poll::Ready(Some(result.unwrap_or_else(|_| Err(Error::closed()))));
            }
            match Pin::new(&mut this.stream).poll_next(context) {
                Poll::Ready(Some(Ok(Evaluated::Now(result, _charges)))) => return Poll::Ready(Some(result)),
                Poll::Ready(Some(Ok(Evaluated::Later(awaited)))) => this.awaited = Some(awaited),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// A step of a batch: a result, or where it will come.
#[derive(Debug)]
pub(super) enum Evaluated {
    /// The result, whose bytes are counted until it is taken: as memory, and among those that wait.
    Now(BatchResult, [Charge; 2]),
    Later(oneshot::Receiver<BatchResult>),
}

/// One evaluation a step.
#[derive(Debug)]
pub(super) struct Evaluations {
    terms: Terms,
    batch: Option<Held>,
    /// How many of the inputs the engine's batch holds. They stay among the inputs until they are evaluated, in case
    /// the engine is lost.
    pushed: usize,
    /// The evaluation that waits for host functions: the next begins when it has ended.
    pending: Option<u64>,
    /// Bytes of results that were made and are not taken yet.
    untaken: Arc<Ledger>,
    /// How long the hop waited whose wait was counted last: that of all its items together.
    waited: Option<Duration>,
}

impl Evaluations {
    fn new(terms: Terms) -> Evaluations {
        let untaken = Ledger::new(usize::MAX, None);
        Evaluations { terms, batch: None, pushed: 0, pending: None, untaken, waited: None }
    }

    /// Evaluates the next source; `None` when there is none.
    fn next(
        &mut self,
        engine: &mut Engine,
        inputs: &mut VecDeque<Source>,
        running: &Running,
    ) -> Option<Result<Outcome, Error>> {
        let mut running = running.clone();
        if mem::replace(&mut self.waited, running.waited()) == running.waited() {
            running = running.after(None);
        }
        // A source that is too large never enters the engine; it fails in its turn, and so does one that may not begin.
        let evaluation = match engine.begin_source(&running, &self.terms, inputs.front_mut()?) {
            Ok(evaluation) => evaluation,
            Err(error) => {
                if self.pushed > 0 {
                    self.let_batch_go(engine);
                }
                inputs.pop_front();
                return Some(Err(error));
            }
        };
        if !self.batch.as_ref().is_some_and(|batch| engine.holds(batch)) {
            // The engine was replaced, and its batch with it: what was not evaluated yet goes into a new one.
            self.pushed = 0;
        }
        if self.pushed == 0 {
            let limit = evaluation.limits().source;
            let mut bytes = 0_usize;
            let fitting = inputs.iter().take_while(|source| {
                let first = bytes == 0;
                bytes = bytes.saturating_add(source.len()).saturating_add(1);
                (first || bytes <= PUSH_BYTES) && source.check(limit).is_ok() && !source.is_typescript()
            });
            let fitting: Vec<_> = fitting.cloned().collect();
            let fitting_len = fitting.len();
            if let Err(error) = engine.push(&running, &self.terms, &mut self.batch, fitting) {
                // The first source bears the failure; the others get a new batch.
                evaluation.end(Some(error.kind()));
                self.let_batch_go(engine);
                inputs.pop_front();
                return Some(Err(error));
            }
            self.pushed = fitting_len;
        }
        let outcome = engine.next(evaluation, self.batch.as_ref()?, &inputs.pop_front()?);
        self.pushed = self.pushed.saturating_sub(1);
        Some(outcome)
    }
}

impl Evaluations {
    /// A result that waits to be taken.
    fn keep(&self, result: BatchResult, charge: Charge) -> Evaluated {
        // It is below any limit, as the memory that it takes is.
        let waits = self.untaken.charge(charge.bytes(), usize::MAX).unwrap_or_default();
        Evaluated::Now(result, [charge, waits])
    }

    /// Lets go of what is in the engine.
    fn let_go(&mut self, engine: &mut Engine) {
        if let Some(evaluation) = self.pending {
            engine.stop(evaluation);
        }
        self.let_batch_go(engine);
    }

    /// The sources in the engine's batch are those of nobody: what is to be evaluated is put into a new one.
    fn let_batch_go(&mut self, engine: &mut Engine) {
        self.pushed = 0;
        if let Some(batch) = self.batch.take() {
            engine.drop_batch(&batch);
        }
    }
}

impl Steps<Engine> for Evaluations {
    type Input = Source;
    type Item = Evaluated;

    fn step(
        &mut self,
        engine: &mut Engine,
        inputs: &mut VecDeque<Source>,
        running: &Running,
    ) -> Result<Option<Evaluated>, Error> {
        if self.pending.is_some_and(|evaluation| engine.is_pending(evaluation)) {
            // The consumer waits for it before it asks for more.
            return Ok(None);
        }
        self.pending = None;
        let limits = engine.limits(running, &self.terms);
        if self.untaken.used() > 0 && self.untaken.used() >= limits.result {
            // The consumer takes what there is first.
            return Ok(None);
        }
        let evaluated = self.next(engine, inputs, running).map(|outcome| match outcome {
            Ok(Outcome::Done(value, charge)) => self.keep(Ok(value), charge),
            Err(error) => match charge_error(engine, &error, &limits) {
                Ok(charge) => self.keep(Err(error), charge),
                Err(no_room) => self.keep(Err(no_room), Charge::default()),
            },
            Ok(Outcome::Pending(evaluation)) => {
                self.pending = Some(evaluation.number);
                let (sender, awaited) = oneshot::channel();
                // Where the consumer has gone, nobody wants it.
                engine.park(evaluation, Box::new(|_, result| drop(sender.send(result.map(|(value, _charge)| value)))));
                Evaluated::Later(awaited)
            }
        });
        engine.proceed();
        Ok(evaluated)
    }

    fn finish(&mut self, engine: &mut Engine) {
        self.let_go(engine);
        engine.proceed();
    }
}

/// Counts an error that waits to be taken as memory, below the limit of its call.
fn charge_error(engine: &Engine, error: &Error, limits: &Limits) -> Result<Charge, Error> {
    if !error.is_context_kept() {
        // It has nothing of a script, and its caller has to know.
        return Ok(Charge::default());
    }
    engine.ledger().charge(error.bytes(), limits.memory).map_err(|refused| {
        let message = format!(
            "the results that wait to be taken, and this one, take more than is left of {refused}; the context was kept"
        );
        Error::new(ErrorKind::MemoryLimit, message)
    })
}

/// A batch whose results are collected in one call.
struct Collection {
    evaluations: Evaluations,
    sources: Box<dyn Iterator<Item = Source> + Send>,
    /// Sources that are there for the engine's batch.
    inputs: VecDeque<Source>,
    results: Vec<BatchResult>,
    /// The results are counted as memory until all are there.
    charges: Vec<Charge>,
    running: Running,
    deferred: Deferred<Vec<BatchResult>>,
}

impl Collection {
    /// Evaluates until there is nothing left, or an evaluation waits.
    fn go_on(mut self, engine: &mut Engine) {
        loop {
            let goes_on = self.running.check().and_then(|()| Engine::check_use(&self.evaluations.terms));
            if let Err(error) = goes_on {
                return self.end(engine, Some(error));
            }
            if self.inputs.is_empty() {
                self.inputs.extend(self.sources.by_ref().take(SOURCES));
            }
            match self.evaluations.next(engine, &mut self.inputs, &self.running) {
                None => return self.end(engine, None),
                Some(Ok(Outcome::Done(value, charge))) => self.push(engine, Ok((value, charge))),
                Some(Err(error)) => self.push(engine, Err(error)),
                Some(Ok(Outcome::Pending(evaluation))) => {
                    let (inbox, number) = (engine.inbox(), evaluation.number);
                    self.deferred.on_stop(move || inbox.post(Event::Stopped(number)));
                    let then = |engine: &mut Engine, result| {
                        self.push(engine, result);
                        self.go_on(engine);
                    };
                    return engine.park(evaluation, Box::new(then));
                }
            }
        }
    }

    fn push(&mut self, engine: &Engine, result: Ended) {
        let (result, charge) = match result {
            Ok((value, charge)) => (Ok(value), charge),
            Err(error) => match charge_error(engine, &error, &engine.limits(&self.running, &self.evaluations.terms)) {
                Ok(charge) => (Err(error), charge),
                Err(no_room) => (Err(no_room), Charge::default()),
            },
        };
        self.results.push(result);
        self.charges.push(charge);
    }

    fn end(mut self, engine: &mut Engine, error: Option<Error>) {
        self.evaluations.let_go(engine);
        self.deferred.answer(error.map_or(Ok(self.results), Err));
    }
}
