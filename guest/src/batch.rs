//! Sources that wait for the host to ask for their results.

use std::collections::VecDeque;

use crate::{
    engine::{Engine, ResultForm, Source},
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

    /// Evaluates up to `max` sources, and none after one that the host interrupted.
    pub fn next(&mut self, engine: &Engine<impl Host>, max: u32) -> Vec<Result<Vec<u8>, Failure>> {
        let mut results = Vec::new();
        for _ in 0..max {
            let Some(source) = self.waiting.pop_front() else {
                break;
            };
            let result = engine.evaluate(&source, self.form);
            let interrupted = matches!(result, Err(Failure::Interrupted { .. }));
            results.push(result);
            if interrupted {
                break;
            }
        }
        results
    }
}
