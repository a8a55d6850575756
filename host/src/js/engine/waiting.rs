//! The evaluations that wait for host functions or timers, how they end, and what follows.

use std::{mem, rc::Rc};

use super::{Engine, housekeeping::Leaving, result::decode};
use crate::{
    component::{Charge, Stop, Usage, wasmtime},
    error::{Error, ErrorKind},
    js::{
        evaluation::{Ended, Evaluation, Outcome, Pending, Then},
        inbox::Event,
        script::Ambient,
        value::Value,
    },
    thread::Defer,
};

/// How often it is asked what has ended, at a time, where scripts hear of values in between.
const SWEEPS: usize = 3;

impl Engine {
    /// Keeps an evaluation until it has ended; then `then` is called.
    pub(in crate::js) fn park(&mut self, evaluation: Rc<Evaluation>, then: Then) {
        let number = evaluation.number;
        match Pending::new(Rc::clone(&evaluation), &self.inbox, then) {
            Ok(pending) => {
                self.pending.insert(number, pending);
            }
            Err((error, then)) => {
                self.cancel_calls(&evaluation, &[number], Some(&error));
                self.following.push_back((then, Err(error)));
            }
        }
    }

    /// Whether this evaluation waits for host functions or timers.
    pub(in crate::js) fn is_pending(&self, evaluation: u64) -> bool {
        self.pending.contains_key(&evaluation)
    }

    /// Answers a call with the result of an evaluation, later where that is pending.
    pub(in crate::js) fn conclude<R: Send + 'static>(
        &mut self,
        outcome: Result<Outcome, Error>,
        convert: impl FnOnce(Value) -> Result<R, Error> + 'static,
        defer: Defer<'_, R>,
    ) -> Result<Option<R>, Error> {
        let answer = match outcome {
            Ok(Outcome::Pending(evaluation)) => {
                let deferred = defer.defer();
                let (inbox, number) = (self.inbox.clone(), evaluation.number);
                deferred.on_stop(move || inbox.post(Event::Stopped(number)));
                self.park(
                    evaluation,
                    Box::new(move |_, result| {
                        deferred.answer(result.and_then(|(value, _charge)| convert(value)));
                    }),
                );
                Ok(None)
            }
            Ok(Outcome::Done(value, _charge)) => convert(value).map(Some),
            Err(error) => Err(error),
        };
        // It may have settled what others wait for.
        self.proceed();
        answer
    }

    /// Ends what has ended, until nothing more does. What follows an evaluation may begin another, and end others: that
    /// happens between entries into the engine and nowhere deeper.
    pub(in crate::js) fn proceed(&mut self) {
        loop {
            self.answer();
            self.sweep();
            if self.following.is_empty() {
                return self.arm();
            }
        }
    }

    /// Does what follows the evaluations that have ended.
    pub(super) fn answer(&mut self) {
        while let Some((then, result)) = self.following.pop_front() {
            then(self, result);
        }
    }

    /// Ends the evaluations that jobs of others have ended. Where scripts hear of values meanwhile, that may end more, so it is asked again.
    fn sweep(&mut self) {
        for _ in 0..SWEEPS {
            if self.pending.is_empty() {
                return self.lingering.clear();
            }
            // The answer of who was stopped comes first. It is asked again when what he held is freed.
            if self.leaving.has_garbage {
                return;
            }
            let ended = self.housekeep(|store, engine| engine.on_demand(store)?.call_ended(store));
            // Where the context is lost, whoever waited knows it.
            let (ended, is_untidy) = ended.unwrap_or_default();
            if is_untidy {
                self.tidy();
            }
            self.take_results(ended);
            if !is_untidy {
                return;
            }
        }
    }

    /// Takes the results of evaluations that have ended, each within the time and the limits of its own evaluation: getters of it may run.
    fn take_results(&mut self, ended: Vec<u64>) {
        for number in ended {
            // One of these was stopped, and comes first. The others are told again.
            if self.leaving.has_garbage {
                break;
            }
            let Some(pending) = self.pending.remove(&number) else {
                self.forget(&Leaving { evaluations: vec![number], ..Leaving::default() });
                continue;
            };
            let evaluation = Rc::clone(&pending.evaluation);
            let span = evaluation.span.clone();
            let _within = span.enter();
            let result = self.enter(&evaluation, |store, engine| {
                let result = engine.on_demand(store)?.call_take_result(&mut *store, number)?;
                let result = result.ok_or_else(|| wasmtime::format_err!("the engine lost a result"))?;
                Ok(result.and_then(|value| decode(store.data(), &evaluation, &value)))
            });
            match result.flatten() {
                Ok(value) if evaluation.lingers() => {
                    self.keep(&evaluation, value);
                    self.pending.insert(number, pending);
                }
                result => {
                    self.cancel_calls(&evaluation, &[], result.as_ref().err());
                    self.follow(pending, result);
                }
            }
        }
        for evaluation in mem::take(&mut self.lingering) {
            if evaluation.lingers() && self.pending.contains_key(&evaluation.number) {
                self.lingering.push(evaluation);
            } else if let Some(value) = evaluation.take_kept() {
                self.end(evaluation.number, Ok(value));
            }
        }
    }

    /// Keeps the value of an evaluation that is to end later.
    pub(super) fn keep(&mut self, evaluation: &Rc<Evaluation>, value: (Value, Charge)) {
        evaluation.keep(value);
        self.lingering.push(Rc::clone(evaluation));
    }

    /// Ends an evaluation whose time is over, or whose caller has gone.
    pub(in crate::js) fn stop(&mut self, number: u64) {
        let Some(pending) = self.pending.get(&number) else {
            return;
        };
        let evaluation = &pending.evaluation;
        let stop = if evaluation.running.is_cancelled() { Stop::Cancelled } else { Stop::Timeout };
        let error = self.instance.stopped(stop, evaluation.limits());
        evaluation.account.add(Usage { interrupts: 1, ..Usage::default() });
        let evaluation = evaluation.number;
        self.end(evaluation, Err(error));
    }

    /// An evaluation that was pending has ended: with this, or as nobody waits for it.
    pub(super) fn end(&mut self, evaluation: u64, result: Ended) {
        if let Some(pending) = self.pending.remove(&evaluation) {
            self.cancel_calls(&pending.evaluation, &[evaluation], result.as_ref().err());
            self.follow(pending, result);
        }
    }

    /// Cancels what an evaluation that has ended, with this or well, left in flight.
    pub(super) fn cancel_calls(&mut self, evaluation: &Evaluation, forgotten: &[u64], error: Option<&Error>) {
        evaluation.end(error.map(Error::kind));
        let cancel = |host: &mut Ambient| (host.calls.cancel(evaluation), host.timers.cancel(evaluation));
        let (mut calls, mut timers) = self.instance.host_mut().map(cancel).unwrap_or_default();
        if !forgotten.is_empty() || !calls.is_empty() || !timers.is_empty() {
            // What is freed by it, scripts may hear of: in the same order each time.
            calls.sort_unstable();
            timers.sort_unstable();
            self.leaving.evaluations.extend(forgotten);
            self.leaving.calls.extend(calls);
            self.leaving.timers.extend(timers);
            self.inbox.post(Event::Over);
        }
    }

    /// Notes what is to be done with the result of an evaluation that was pending.
    fn follow(&mut self, pending: Pending, result: Ended) {
        pending.evaluation.end(result.as_ref().err().map(Error::kind));
        self.following.push_back((pending.then, result));
    }

    /// Fails the evaluations of a context that is gone.
    pub(super) fn lose(&mut self, cause: &Error) {
        tracing::debug!(cause = cause.kind().code(), "the context was lost");
        for pending in mem::take(&mut self.pending).into_values() {
            let message = format!("the context was lost while the evaluation waited: {cause}");
            let error = Error::with_source(ErrorKind::Lost, message, cause.clone()).with_context_lost();
            self.follow(pending, Err(error));
        }
    }
}
