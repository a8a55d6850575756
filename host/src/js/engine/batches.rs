//! The batches of a context: sources that lie in the engine, and are evaluated one after another.

use std::rc::Rc;

use super::Engine;
use crate::{
    component::{Held, wasmtime},
    error::Error,
    js::{
        bindings::{self, Failure, ResultForm},
        evaluation::{Evaluation, Outcome, Terms},
        source::Source,
    },
    thread::Running,
};

/// Batches of a context that may be under way at a time: fewer than the handles that an instance may give out, beyond
/// which it would trap.
const MAX_BATCHES: usize = 1000;

impl Engine {
    /// Puts sources into a batch, which is made anew where there is none or its instance is gone.
    pub(in crate::js) fn push(
        &mut self,
        running: &Running,
        terms: &Terms,
        batch: &mut Option<Held>,
        sources: Vec<Source>,
    ) -> Result<(), Error> {
        let evaluation = self.begin(running, terms);
        let sources: Vec<bindings::Source> = sources.into_iter().map(Source::into_wire).collect();
        let known = batch.as_ref().and_then(|batch| self.instance.held(batch).ok());
        let resource = self.enter(&evaluation, |store, engine| {
            let batches = engine.on_demand(store)?.batch();
            let resource = match known {
                Some(resource) => resource,
                None if store.data().host.batches == MAX_BATCHES => {
                    let message = format!("{MAX_BATCHES} batches are under way in this context");
                    return Ok(Err(Failure::InvalidArgument(message)));
                }
                None => {
                    let alive = &mut store.data_mut().host.batches;
                    *alive = alive.saturating_add(1);
                    batches.call_constructor(&mut *store, ResultForm::Value)?
                }
            };
            batches.call_push(store, resource, &sources)?;
            Ok(Ok(resource))
        });
        evaluation.end(resource.as_ref().err().map(Error::kind));
        *batch = Some(self.instance.hold(resource?));
        Ok(())
    }

    /// Whether a batch is alive: its instance is the one that is there.
    pub(in crate::js) fn holds(&self, batch: &Held) -> bool {
        self.instance.has(batch)
    }

    /// Evaluates the next source of a batch, which is this one.
    pub(in crate::js) fn next(
        &mut self,
        evaluation: Rc<Evaluation>,
        batch: &Held,
        source: &Source,
    ) -> Result<Outcome, Error> {
        let resource = self.instance.held(batch);
        let resource = resource.inspect_err(|error| evaluation.end(Some(error.kind())))?;
        evaluation.entered(source.len());
        let number = evaluation.number;
        self.run(evaluation, |store, engine| {
            store.data_mut().host.maps.note(source.shown_name(), source.text(), source.map().cloned());
            let next = engine.on_demand(store)?.batch().call_next(store, resource, number)?;
            next.ok_or_else(|| wasmtime::format_err!("the batch lost a source"))
        })
    }

    /// Lets a batch go.
    pub(in crate::js) fn drop_batch(&mut self, batch: &Held) {
        let Ok(resource) = self.instance.held(batch) else {
            return;
        };
        let dropped = self.housekeep(|store, _| {
            let alive = &mut store.data_mut().host.batches;
            *alive = alive.saturating_sub(1);
            resource.resource_drop(store)
        });
        if let Err(error) = dropped {
            tracing::warn!(%error, "the engine did not let a batch go");
        }
    }
}
