//! Calls that yield: work done an item at a time, as fast as somebody takes the items.

use std::{
    collections::VecDeque,
    fmt,
    future::Future as _,
    mem,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_core::Stream;

use super::{Call, HeapThread, Running, Ticket, block_elsewhere, call::lock};
use crate::{
    error::{Error, ErrorKind},
    sync::{Arc, Mutex, thread::ThreadId},
};

/// Items of the first hop to the thread, at most. One that made as many in less than its time is followed by one of twice as many: the way there
/// and back can take as long as 50. One that took its time is followed by one of as many as it made.
const FIRST_HOP: usize = 64;

/// Items of any hop, at most.
const LONGEST_HOP: usize = 512;

/// Time after which a hop brings back what it has, so that a slow item does not hold back those before it, and other
/// calls get their turn.
const HOP_TIME: Duration = Duration::from_millis(1);

/// Work on an object that makes items out of inputs, one at a time.
///
/// It travels between the consumer and the object's thread, a hop at a time, and other calls run between two hops.
pub trait Steps<T>: Send + 'static {
    /// What one step starts from.
    type Input: Send + 'static;
    /// What it makes.
    type Item: Send + 'static;

    /// Makes the next item, on the object's thread, taking what it needs from the front of `inputs`; `None` when they
    /// are used up. An input that has more items to give stays where it is until it has given them.
    ///
    /// # Errors
    ///
    /// An error ends the whole work; an item that failed is an item.
    fn step(
        &mut self,
        object: &mut T,
        inputs: &mut VecDeque<Self::Input>,
        running: &Running,
    ) -> Result<Option<Self::Item>, Error>;

    /// Lets go of what the work holds within the object. Runs on the object's thread, once, at the end or when the
    /// consumer has gone; not when no step has run, nor when the object is gone or replaced first.
    fn finish(&mut self, object: &mut T);
}

/// Items that were made and not taken yet. The hop that is under way adds to them; the consumer takes from them, also
/// meanwhile.
type Made<I> = Arc<Mutex<VecDeque<I>>>;

/// What goes to the thread and comes back, a hop at a time. Wherever it ends, the steps are sent to the thread once
/// more to finish.
struct Hop<T: 'static, S: Steps<T>> {
    thread: HeapThread<T>,
    steps: Option<S>,
    /// Which of the objects the steps have worked on, where one has replaced another. `None`: there is nothing to finish.
    generation: Option<u64>,
    inputs: VecDeque<S::Input>,
    made: Made<S::Item>,
    /// Items that it may make, and inputs that it may take along.
    most: usize,
}

impl<T, S: Steps<T>> Hop<T, S> {
    fn new(thread: &HeapThread<T>, steps: S) -> Hop<T, S> {
        Hop {
            thread: thread.clone(),
            steps: Some(steps),
            generation: None,
            inputs: VecDeque::new(),
            made: Made::default(),
            most: FIRST_HOP,
        }
    }

    /// Steps until the inputs are used up, or `enough` says so of the items that were made.
    fn run(&mut self, object: &mut T, running: &Running, enough: impl Fn(usize) -> bool) -> Result<usize, Error> {
        let generation = self.thread.shared().life.generation();
        if *self.generation.get_or_insert(generation) != generation {
            self.steps = None;
            return Err(Error::new(ErrorKind::Panicked, "the object was replaced after a panic"));
        }
        let mut items = 0;
        while let Some(steps) = &mut self.steps {
            running.check()?;
            let Some(item) = steps.step(object, &mut self.inputs, running)? else {
                break;
            };
            lock(&self.made).push_back(item);
            running.note_progress();
            items += 1;
            if enough(items) {
                break;
            }
        }
        Ok(items)
    }
}

impl<T, S: Steps<T>> Drop for Hop<T, S> {
    fn drop(&mut self) {
        if let (Some(mut steps), Some(generation)) = (self.steps.take(), self.generation) {
            let life = Arc::clone(&self.thread.shared().life);
            // Where the object is gone already, nothing is left to do.
            let _ = self.thread.shared().send(move |object| {
                if life.generation() == generation {
                    steps.finish(object);
                }
            });
        }
    }
}

impl<T: 'static> HeapThread<T> {
    /// A stream of the items that `steps` makes of a stream of inputs.
    ///
    /// Nothing runs ahead of the consumer but the hop that is under way: 1 ms and the item that is then being made, or 64
    /// items, and up to 512 where the hops before took less than that. Inputs are asked for by the consumer's task, as many as
    /// are ready and the hop may take. Items reach the consumer when their hop ends; a JavaScript context hands them over every
    /// millisecond.
    pub fn steps<S, I>(&self, inputs: I, steps: S) -> StepsStream<T, S, I>
    where
        S: Steps<T>,
        I: Stream<Item = S::Input> + Unpin,
    {
        let hop = Hop::new(self, steps);
        StepsStream {
            inputs,
            inputs_ended: false,
            made: Arc::clone(&hop.made),
            deadline: None,
            stage: Stage::Here(hop),
        }
    }

    /// A single call that steps through all inputs and collects the items; no other call runs meanwhile.
    pub fn collect_steps<S, I>(&self, inputs: I, steps: S) -> Call<Vec<S::Item>>
    where
        S: Steps<T>,
        I: IntoIterator<Item = S::Input> + Send + 'static,
    {
        let mut hop = Hop::new(self, steps);
        Call::new(self, move |object, running| {
            let mut inputs = inputs.into_iter().fuse();
            loop {
                let left = hop.inputs.len();
                hop.inputs.extend(inputs.by_ref().take(FIRST_HOP));
                if hop.inputs.len() == left {
                    break;
                }
                hop.run(object, running, |_| false)?;
            }
            let made = mem::take(&mut *lock(&hop.made));
            Ok(made.into())
        })
    }
}

/// A stream of items that are made on an object's thread, as [`HeapThread::steps`] describes it.
///
/// An error ends it. Dropping it gives up the item that is being made.
#[must_use = "a stream makes nothing unless it is polled"]
pub struct StepsStream<T: 'static, S: Steps<T>, I> {
    inputs: I,
    inputs_ended: bool,
    made: Made<S::Item>,
    deadline: Option<Instant>,
    stage: Stage<T, S>,
}

/// Nothing within is pinned: the ticket and the inputs are polled through plain references.
impl<T, S: Steps<T>, I: Unpin> Unpin for StepsStream<T, S, I> {}

enum Stage<T: 'static, S: Steps<T>> {
    Here(Hop<T, S>),
    OnThread(Ticket<Hop<T, S>>),
    Failed(Error),
    Ended,
}

impl<T, S, I> StepsStream<T, S, I>
where
    S: Steps<T>,
    I: Stream<Item = S::Input> + Unpin,
{
    /// The moment at which the time of the whole stream is over: the hop that is under way then ends as a
    /// [call](Call::deadline) does, and its error is the last that the stream gives. While the stream waits for inputs,
    /// only they end that.
    pub fn deadline(self, deadline: Instant) -> StepsStream<T, S, I> {
        StepsStream { deadline: Some(deadline), ..self }
    }

    /// Blocks this thread until the next item is there. On the object's own thread it is
    /// [`Deadlock`](crate::ErrorKind::Deadlock) where it is not.
    pub fn next_blocking(&mut self) -> Option<Result<S::Item, Error>> {
        let home = self.home();
        let next = std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context));
        block_elsewhere(home, next, |error| Some(Err(error)))
    }

    /// The object's thread.
    pub(crate) fn home(&self) -> Option<ThreadId> {
        match &self.stage {
            Stage::Here(hop) => hop.thread.home(),
            Stage::OnThread(ticket) => ticket.home(),
            Stage::Failed(_) | Stage::Ended => None,
        }
    }

    fn take_item(&self) -> Option<S::Item> {
        lock(&self.made).pop_front()
    }

    /// Takes the inputs that are ready.
    fn take_inputs(&mut self, hop: &mut Hop<T, S>, context: &mut Context<'_>) {
        while !self.inputs_ended && hop.inputs.len() < hop.most {
            match Pin::new(&mut self.inputs).poll_next(context) {
                Poll::Ready(Some(input)) => hop.inputs.push_back(input),
                Poll::Ready(None) => self.inputs_ended = true,
                Poll::Pending => break,
            }
        }
    }
}

/// Sends a hop off.
fn depart<T, S: Steps<T>>(mut hop: Hop<T, S>, deadline: Option<Instant>) -> Ticket<Hop<T, S>> {
    let thread = hop.thread.clone();
    let call = Call::new(&thread, move |object, running| {
        let started = Instant::now();
        let most = hop.most;
        let made = hop.run(object, running, |items| items >= most || started.elapsed() >= HOP_TIME)?;
        if started.elapsed() >= HOP_TIME {
            hop.most = made.max(FIRST_HOP);
        } else if made >= most {
            hop.most = most.saturating_mul(2).min(LONGEST_HOP);
        }
        Ok(hop)
    });
    deadline.into_iter().fold(call, Call::deadline).into_future()
}

impl<T, S, I> Stream for StepsStream<T, S, I>
where
    S: Steps<T>,
    I: Stream<Item = S::Input> + Unpin,
{
    type Item = Result<S::Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        // A hop that goes on behind its error may still make an item, which is nobody's.
        if matches!(this.stage, Stage::Ended) {
            return Poll::Ready(None);
        }
        loop {
            if let Some(item) = this.take_item() {
                return Poll::Ready(Some(Ok(item)));
            }
            match mem::replace(&mut this.stage, Stage::Ended) {
                Stage::Here(mut hop) => {
                    this.take_inputs(&mut hop, context);
                    if !hop.inputs.is_empty() {
                        this.stage = Stage::OnThread(depart(hop, this.deadline));
                    } else if this.inputs_ended {
                        return Poll::Ready(None);
                    } else {
                        this.stage = Stage::Here(hop);
                        return Poll::Pending;
                    }
                }
                Stage::OnThread(mut ticket) => match Pin::new(&mut ticket).poll(context) {
                    Poll::Pending => {
                        this.stage = Stage::OnThread(ticket);
                        // What was made before the ticket knew whom to wake is there now.
                        return this.take_item().map_or(Poll::Pending, |item| Poll::Ready(Some(Ok(item))));
                    }
                    Poll::Ready(Ok(hop)) => this.stage = Stage::Here(hop),
                    Poll::Ready(Err(error)) => this.stage = Stage::Failed(error),
                },
                Stage::Failed(error) => return Poll::Ready(Some(Err(error))),
                Stage::Ended => return Poll::Ready(None),
            }
        }
    }
}

impl<T, S: Steps<T>, I> fmt::Debug for StepsStream<T, S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepsStream").finish_non_exhaustive()
    }
}
