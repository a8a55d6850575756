//! What a context does for nobody: it forgets, releases and closes what was left, where scripts may hear of it.

use std::{
    mem,
    rc::Rc,
    time::{Duration, Instant},
};

use super::Engine;
use crate::{
    component::{
        Data, Limits,
        wasmtime::{self, Store},
    },
    error::{Error, ErrorKind},
    js::{
        bindings::{Failure, Operation, ResultForm},
        evaluation::{Evaluation, Terms},
        handle::Handle,
        script::{Ambient, Exports},
    },
};

/// The time in which scripts hear of values that were freed, at a time.
const HOUSEKEEPING: Duration = Duration::from_millis(10);

/// The processor time in which is freed what a script held that was told to stop, or its context is lost. It is done in parts, between which
/// others are told that their time is over. Whoever wants to enter waits, and so do the neighbours of its thread.
const FREEING: Duration = Duration::from_millis(100);

/// Evaluations that have ended, and calls and timers of theirs that were cancelled.
#[derive(Default)]
pub(super) struct Leaving {
    pub(super) evaluations: Vec<u64>,
    pub(super) calls: Vec<u64>,
    pub(super) timers: Vec<u64>,
    /// What one has left that was told to stop.
    pub(super) has_garbage: bool,
}

impl Leaving {
    fn is_empty(&self) -> bool {
        self.evaluations.is_empty() && self.calls.is_empty() && self.timers.is_empty() && !self.has_garbage
    }
}

impl Engine {
    /// Gives back what ended calls have left. It is done before anything is asked for the next, as the context may be lost by it.
    pub(super) fn clean_up(&mut self) {
        self.instance.bury();
        self.free_garbage();
        let leaving = mem::take(&mut self.leaving);
        self.forget(&leaving);
    }

    /// Frees what an evaluation held that was told to stop, behind its answer, and before another enters, which would do it in its own time.
    pub(super) fn free_garbage(&mut self) {
        if mem::take(&mut self.leaving.has_garbage) {
            self.answer();
            self.free_in_parts();
            self.forget(&Leaving { has_garbage: true, ..Leaving::default() });
        }
    }

    fn free_in_parts(&mut self) {
        let mut limits = self.instance.limits();
        limits.cpu_time = limits.cpu_time.min(FREEING);
        // There is an instance: `enter` would make one.
        while self.instance.is_live() {
            let part = self.begin(&self.inbox.running(), &Terms { limits: Some(limits), ..Terms::default() });
            // A script that was stopped as its group had none left keeps its context, too.
            part.account.outlasts_group.set(true);
            let freed = self.enter_alone(&part, |store, engine| engine.on_demand(store)?.call_free(store).map(Ok));
            part.end(freed.as_ref().err().map(Error::kind));
            limits.cpu_time = limits.cpu_time.saturating_sub(part.account.used.get().cpu);
            match freed {
                Ok(true) => self.hear_stops(),
                Ok(false) => break,
                Err(error) => {
                    tracing::debug!(%error, "what a stopped script held was not freed in good time");
                    break;
                }
            }
        }
    }

    /// Has the engine forget what has ended.
    pub(super) fn forget(&mut self, leaving: &Leaving) {
        if leaving.is_empty() || !self.instance.is_live() {
            return;
        }
        let Leaving { evaluations, calls, timers, .. } = leaving;
        let forgotten =
            self.housekeep(|store, engine| engine.on_demand(store)?.call_forget(store, evaluations, calls, timers));
        match forgotten {
            Ok(true) => self.tidy(),
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "the engine did not forget what has ended in good time"),
        }
    }

    /// Lets the values of handles go, as far as they are of this instance.
    pub(super) fn release(&mut self, released: &[(u64, u64)]) {
        let home = self.home();
        let own = released.iter().filter(|(instance, _)| home.is(*instance));
        let numbers: Vec<u64> = own.map(|(_, number)| *number).collect();
        if numbers.is_empty() {
            return;
        }
        match self.housekeep(|store, engine| engine.on_demand(store)?.call_release(store, &numbers)) {
            Ok(true) => self.tidy(),
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "the engine did not let values go in good time"),
        }
    }

    /// Closes an iterator of which nobody takes more. This is to be done by then, within the processor time that is left.
    pub(super) fn give_up(&mut self, iteration: &Handle, terms: &Terms, until: Instant, processor: &mut Duration) {
        let left = until.saturating_duration_since(Instant::now());
        let running = self.inbox.running();
        let is_late = left.is_zero() || processor.is_zero() || running.is_cancelled();
        if is_late || self.home().admit("the iteration", iteration).is_err() {
            return;
        }
        let mut limits = self.instance.limits().for_call(&running, terms.limits);
        limits.wall_time = limits.wall_time.min(left);
        limits.cpu_time = limits.cpu_time.min(*processor);
        let evaluation = self.begin(&running, &Terms { limits: Some(limits), ..terms.clone() });
        let (number, handle) = (evaluation.number, iteration.number());
        let closed = self.enter_alone(&evaluation, |store, engine| {
            engine.on_demand(store)?.call_operate(store, number, handle, &Operation::Finish, ResultForm::Value)
        });
        *processor = processor.saturating_sub(evaluation.account.used.get().cpu);
        self.cancel_calls(&evaluation, &[number], closed.as_ref().err());
        if let Err(error) = closed {
            tracing::debug!(%error, "an iterator was not closed");
        }
    }

    /// Calls the engine for nobody, where no script runs: it has the time that a call has.
    pub(super) fn housekeep<R>(
        &mut self,
        body: impl FnOnce(&mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<R>,
    ) -> Result<R, Error> {
        let limits = self.instance.limits();
        self.unattended(limits, |store, engine| body(store, engine).map(Ok))
    }

    /// Lets scripts hear of what was freed. They have [`HOUSEKEEPING`] at most, as a caller may wait for his answer meanwhile, and call
    /// no functions.
    pub(super) fn tidy(&mut self) {
        let mut limits = self.instance.limits();
        (limits.host_calls, limits.timers) = (0, 0);
        limits.wall_time = limits.wall_time.min(HOUSEKEEPING);
        if let Err(error) = self.unattended(limits, |store, engine| engine.on_demand(store)?.call_tidy(store)) {
            tracing::debug!(%error, "what a script does where values are freed was ended");
        }
        // What that has left nobody hears of: it could leave more, without an end.
        if mem::take(&mut self.leaving.has_garbage) {
            self.free_in_parts();
            limits.wall_time = self.instance.limits().wall_time;
            if let Err(error) = self.unattended(limits, |store, engine| engine.on_demand(store)?.call_tidy(store)) {
                tracing::debug!(%error, "what such a script held was not freed in good time");
            }
        }
    }

    fn unattended<R>(
        &mut self,
        limits: Limits,
        body: impl FnOnce(&mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<Result<R, Failure>>,
    ) -> Result<R, Error> {
        let housekeeping = self.begin(&self.inbox.running(), &Terms { limits: Some(limits), ..Terms::default() });
        let done = self.enter_alone(&housekeeping, body);
        housekeeping.end(done.as_ref().err().map(Error::kind));
        done
    }

    /// As `enter`, for nobody: remembers where the context is lost by it, and no evaluation waits that is told.
    fn enter_alone<R>(
        &mut self,
        evaluation: &Rc<Evaluation>,
        body: impl FnOnce(&mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<Result<R, Failure>>,
    ) -> Result<R, Error> {
        let is_untold = self.instance.is_live() && self.pending.is_empty();
        let done = self.enter(evaluation, body);
        if let Err(error) = &done
            && is_untold
            && !self.instance.is_live()
        {
            self.lost_alone = Some(error.clone());
        }
        done
    }

    /// Tells a caller that the context was lost behind the last answer, if it was.
    pub(super) fn check_kept(&mut self) -> Result<(), Error> {
        match self.lost_alone.take() {
            Some(cause) => {
                let message = format!("the context was lost behind an earlier call, as it was cleaned up: {cause}");
                Err(Error::with_source(ErrorKind::Lost, message, cause).with_context_lost())
            }
            None => Ok(()),
        }
    }
}
