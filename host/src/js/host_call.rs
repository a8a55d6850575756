//! One call of a host function, as the function sees it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

#[cfg(feature = "fetch")]
use std::sync::atomic::AtomicUsize;

use event_listener::Event;

use super::evaluation::{Evaluation, number};
use crate::thread::Running;

/// The end of an evaluation, as its calls and what they spawned see it.
#[derive(Clone)]
pub(super) struct Ending(Arc<Ended>);

struct Ended {
    running: Running,
    reached: AtomicBool,
    event: Event,
    /// Requests that its calls of `fetch` have made.
    #[cfg(feature = "fetch")]
    fetched: AtomicUsize,
}

impl Ending {
    pub(super) fn of(running: &Running) -> Ending {
        Ending(Arc::new(Ended {
            running: running.clone(),
            reached: AtomicBool::new(false),
            event: Event::new(),
            #[cfg(feature = "fetch")]
            fetched: AtomicUsize::new(0),
        }))
    }

    pub(super) fn reach(&self) {
        self.0.reached.store(true, Ordering::Release);
        self.0.event.notify(usize::MAX);
    }

    fn is_reached(&self) -> bool {
        self.0.reached.load(Ordering::Acquire) || self.0.running.is_cancelled()
    }
}

/// One call of a [host function](super::Functions).
#[derive(Clone)]
pub struct HostCall(Arc<State>);

struct State {
    id: u64,
    evaluation: u64,
    function: Arc<str>,
    until: Instant,
    ending: Ending,
}

impl HostCall {
    pub(super) fn new(function: Arc<str>, evaluation: &Evaluation) -> HostCall {
        let (ending, until) = (evaluation.ending(), evaluation.account.until);
        HostCall(Arc::new(State { id: number(), evaluation: evaluation.number, function, until, ending }))
    }

    /// A number that no other call of this process has.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// The number of the evaluation that makes the call: all its calls have the same, and no other evaluation of this process.
    pub fn evaluation(&self) -> u64 {
        self.0.evaluation
    }

    /// The function's name.
    pub fn function(&self) -> &str {
        &self.0.function
    }

    /// The time that is left to the evaluation.
    pub fn time_left(&self) -> Duration {
        self.0.until.saturating_duration_since(Instant::now())
    }

    /// Whether nobody waits for the answer any more: the evaluation has ended, or its caller has given it up.
    pub fn is_cancelled(&self) -> bool {
        self.0.ending.is_reached()
    }

    /// Counts one more request of the evaluation, and says whether it is one of so many.
    #[cfg(feature = "fetch")]
    pub(super) fn count_fetch(&self, most: usize) -> bool {
        let counted = |fetched: usize| (fetched < most).then(|| fetched.saturating_add(1));
        self.0.ending.0.fetched.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted).is_ok()
    }

    /// Waits until the evaluation has ended: for work that the function has spawned. The function's own future is dropped
    /// then.
    pub async fn cancelled(&self) {
        while !self.is_cancelled() {
            let listener = self.0.ending.0.event.listen();
            // It may have happened before this listened.
            if !self.is_cancelled() {
                listener.await;
            }
        }
    }
}

impl fmt::Debug for HostCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("HostCall");
        debug.field("id", &self.0.id).field("evaluation", &self.0.evaluation).field("function", &self.0.function);
        debug.field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}
