//! Sources that wait for the host to ask for their results.

use std::collections::VecDeque;

use crate::{
    engine::{Engine, Outcome, ResultForm, Source},
    failure::Failure,
    host::Host,
};

/// A batch of sources that the host evaluates at its own pace: the WIT resource `batch`.
#[derive(Debug)]
pub struct Batch {
    form: ResultForm,
    waiting: VecDeque<Source>,
}

impl Batch {
    /// An empty batch.
    pub fn new(form: ResultForm) -> Batch {
        Batch { form, waiting: VecDeque::new() }
    }

    /// Adds sources behind those that wait.
    pub fn push(&mut self, sources: impl IntoIterator<Item = Source>) {
        self.waiting.extend(sources);
    }

    /// Evaluates the next source; `None` when none waits.
    pub fn next(&mut self, engine: &Engine<impl Host>, evaluation: u64) -> Option<Result<Outcome, Failure>> {
        let source = self.waiting.pop_front()?;
        Some(engine.evaluate(evaluation, &source, self.form))
    }
}
