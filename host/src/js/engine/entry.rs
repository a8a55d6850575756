//! An entry into the instance, for one evaluation, and what its failure means.

use std::rc::Rc;

use super::Engine;
use crate::{
    component::{
        Data, Limits, Refused, Stop, Usage,
        wasmtime::{self, Store, Trap},
    },
    error::{Error, ErrorKind},
    js::{
        bindings::{self, Failure},
        evaluation::{Evaluation, Terms},
        exception::Exception,
        inbox::Event,
        script::{Ambient, Exports, explain},
    },
    thread::Running,
};

/// Where an error found no room, fewer bytes of memory than these are left.
const FULL: usize = 1 << 20;

impl Engine {
    pub(super) fn begin(&self, running: &Running, terms: &Terms) -> Rc<Evaluation> {
        Evaluation::begin(&self.instance.limits(), &self.instance.program().meters, running, terms)
    }

    /// Calls the engine for an evaluation, and says what its failure means.
    pub(super) fn enter<R>(
        &mut self,
        evaluation: &Rc<Evaluation>,
        body: impl FnOnce(&mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<Result<R, Failure>>,
    ) -> Result<R, Error> {
        let limits = evaluation.limits();
        let (mut asked, mut refused, mut is_full) = (None, None, false);
        let answer = self.instance.enter_for(&evaluation.running, &evaluation.account, |store, exports| {
            let host = &mut store.data_mut().host;
            host.run_for(Some(evaluation));
            host.objects.limit(limits.host_objects);
            exports.configure(store, limits)?;
            let defined = evaluation.functions.as_ref().map(|functions| exports.define(store, functions));
            let answer = match defined.transpose()? {
                Some(Err(failure)) => Err(failure),
                _ => body(store, exports)?,
            };
            asked = store.data().asked_to_stop();
            refused = store.data().refused();
            is_full = store.data().ledger().left(limits.memory).0 < FULL;
            let host = &mut store.data_mut().host;
            host.objects.end_call();
            // What it may use may keep the context.
            host.run_for(None);
            Ok(answer)
        });
        let answer = answer.map_err(of_trap).inspect_err(|error| {
            // A call that was refused has not entered.
            if !self.instance.is_live() {
                self.lose(error);
                self.inbox.post(Event::Over);
            }
        })?;
        answer.map_err(|failure| match (for_memory(failure, refused.is_some() && is_full), asked, refused) {
            (Failure::Interrupted(jobs_dropped), Some(stop), _) => self.interrupted(stop, jobs_dropped, evaluation),
            (Failure::OutOfMemory, _, Some(refused @ Refused::Whole(_))) => {
                let message = format!("the script needed more than {refused}; the context was kept");
                Error::new(ErrorKind::MemoryLimit, message)
            }
            (failure, ..) => self.explain(failure, limits),
        })
    }

    /// The error of an evaluation that was stopped. Where jobs were dropped by that, the context is lost if others wait. Else what it held
    /// is freed behind the answer.
    fn interrupted(&mut self, stop: Stop, jobs_dropped: bool, evaluation: &Evaluation) -> Error {
        // One of the others may have needed them, and would wait for ever.
        let is_lost = jobs_dropped && !self.pending.is_empty();
        if is_lost {
            self.instance.discard();
            evaluation.account.add(Usage { lost: 1, ..Usage::default() });
        }
        let error = self.instance.stopped(stop, evaluation.limits());
        if is_lost {
            self.lose(&error);
        } else {
            self.leaving.has_garbage = true;
            self.inbox.post(Event::Over);
        }
        error
    }

    /// The error of a failure after which the context is as it was.
    fn explain(&mut self, mut failure: Failure, limits: &Limits) -> Error {
        let mut of_host = None;
        if let (Failure::Thrown(exceptions), Some(host)) = (&mut failure, self.instance.host_mut()) {
            host.maps.apply(exceptions.iter_mut().map(|exception| &mut exception.stack));
            let thrown = exceptions.first().and_then(|thrown| thrown.host_error);
            of_host = thrown.and_then(|id| host.calls.error(id));
        }
        match (failure, of_host) {
            (Failure::Thrown(exceptions), Some(error)) => Error::uncaught(Exception::new(exceptions), error),
            (failure, _) => explain(failure, limits),
        }
    }
}

/// What it means that the engine trapped, where that was not asked for.
fn of_trap(error: Error) -> Error {
    match error.kind() {
        // Its stack is at the lower end of its memory, so beyond the one is outside of the other. QuickJS looks at its stack in most
        // of its recursions, and not in all. It may be a fault of QuickJS's as well.
        ErrorKind::Trapped if error.to_string().contains(&Trap::MemoryOutOfBounds.to_string()) => {
            tracing::warn!(%error, "the engine reached beyond its memory");
            let message = "the engine reached beyond its memory, as it does where a script recurses deeper than its stack; \
                           the context was replaced by a fresh one";
            Error::with_source(ErrorKind::StackLimit, message, error).with_context_lost()
        }
        // No script can make the engine fail: where it does, the fault is the host's.
        ErrorKind::Trapped => Error::with_source(ErrorKind::Engine, error.to_string(), error).with_context_lost(),
        _ => error,
    }
}

/// The same failure, or that of memory: QuickJS throws `null` where it has none left for an error.
fn for_memory(failure: Failure, is_full: bool) -> Failure {
    let is_null = |exception: &bindings::Exception| exception.name.is_empty() && exception.message == "null";
    match failure {
        Failure::Thrown(exceptions) if is_full && exceptions.first().is_some_and(is_null) => Failure::OutOfMemory,
        failure => failure,
    }
}
