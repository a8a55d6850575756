//! One call of a host function, as the function sees it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use event_listener::Event;

/// One call of a [host function](super::Functions).
#[derive(Clone)]
pub struct HostCall(Arc<State>);

struct State {
    id: u64,
    evaluation: u64,
    function: Arc<str>,
    until: Instant,
    cancelled: AtomicBool,
    event: Event,
}

impl HostCall {
    pub(super) fn new(id: u64, evaluation: u64, function: Arc<str>, until: Instant) -> HostCall {
        let cancelled = AtomicBool::new(false);
        HostCall(Arc::new(State { id, evaluation, function, until, cancelled, event: Event::new() }))
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

    /// Whether nobody waits for the answer any more: the evaluation has ended.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// Waits until nobody waits for the answer any more: for work that the function has spawned. The function's own future
    /// is dropped then.
    pub async fn cancelled(&self) {
        while !self.is_cancelled() {
            let listener = self.0.event.listen();
            // It may have happened before this listened.
            if !self.is_cancelled() {
                listener.await;
            }
        }
    }

    pub(super) fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        self.0.event.notify(usize::MAX);
    }
}

impl fmt::Debug for HostCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("HostCall");
        debug.field("id", &self.0.id).field("evaluation", &self.0.evaluation).field("function", &self.0.function);
        debug.field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}
