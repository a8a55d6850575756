//! The object on a context's thread: one instance of the engine, and each call into it.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use super::{
    bindings::{self, Failure, Operation, ResultForm},
    context::{Globals, MemoryUsage},
    evaluation::{Ended, Evaluation, Outcome, Pending, Terms, Then},
    exception::Exception,
    handle::{Encoded, Handle, Home},
    inbox::{Event, Inbox},
    script::{Ambient, ENGINE_MEMORY, Exports, Script, explain},
    source::Source,
    value::Value,
    wire::{self, Unread},
};
use crate::{
    component::{
        self, Charge, Data, Held, Instance, Ledger, Limits, Refused, Stop, Usage, end_of,
        wasmtime::{self, Store, Trap},
    },
    error::{Error, ErrorKind},
    thread::{Defer, Running},
};

/// Batches of a context that may be under way at a time: fewer than the handles that an instance may give out, beyond
/// which it would trap.
const MAX_BATCHES: usize = 1000;

/// The time in which scripts hear of values that were freed, at a time.
const HOUSEKEEPING: Duration = Duration::from_millis(10);

/// How often it is asked what has ended, at a time, where scripts hear of values in between.
const SWEEPS: usize = 3;

/// Where an error found no room, fewer bytes of memory than these are left.
const FULL: usize = 1 << 20;

/// A hole as a result: the end of an iteration.
const NOTHING: &[u8] = b"\xd8\x1f\xf7";

/// One JavaScript context: what lives on a context's thread.
pub(crate) struct Engine {
    instance: Instance<Script>,
    /// The evaluations that wait for host functions or timers, by their numbers.
    pending: BTreeMap<u64, Pending>,
    /// Those of them that have their values.
    lingering: Vec<Rc<Evaluation>>,
    /// What is to be done with the results of evaluations that were pending.
    following: VecDeque<(Then, Ended)>,
    /// What the engine is to forget. Thousands take milliseconds, for which no answer has to wait.
    leaving: Leaving,
    /// Why the context was lost while it worked for nobody, where no caller has been told: the next one is.
    lost_alone: Option<Error>,
    inbox: Inbox,
}

/// Evaluations that have ended, and calls and timers of theirs that were cancelled.
#[derive(Default)]
struct Leaving {
    evaluations: Vec<u64>,
    calls: Vec<u64>,
    timers: Vec<u64>,
}

impl Leaving {
    fn is_empty(&self) -> bool {
        self.evaluations.is_empty() && self.calls.is_empty() && self.timers.is_empty()
    }
}

impl Engine {
    pub(super) fn new(engine: &component::Engine, script: Script, limits: Limits) -> Result<Engine, Error> {
        let memory = script.group.as_ref().map_or(limits, |group| limits.lower(group.limits())).memory;
        if memory < ENGINE_MEMORY {
            let message = format!("a memory limit of {memory} bytes: the engine itself takes {ENGINE_MEMORY}");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let inbox = script.inbox.clone();
        Ok(Engine {
            instance: Instance::new(engine, script, limits)?,
            pending: BTreeMap::new(),
            lingering: Vec::new(),
            following: VecDeque::new(),
            leaving: Leaving::default(),
            lost_alone: None,
            inbox,
        })
    }

    fn begin(&self, running: &Running, terms: &Terms) -> Rc<Evaluation> {
        Evaluation::begin(&self.instance.limits(), &self.instance.program().meters, running, terms)
    }

    /// Calls the engine for an evaluation, and says what its failure means.
    fn enter<R>(
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
        let answer = answer.map_err(|error| match error.kind() {
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
        });
        let answer = answer.inspect_err(|error| {
            // A call that was refused has not entered.
            if !self.instance.is_live() {
                self.lose(error);
                self.inbox.post(Event::Over);
            }
        })?;
        answer.map_err(|failure| match (for_memory(failure, refused.is_some() && is_full), asked, refused) {
            (Failure::Interrupted(jobs_dropped), Some(stop), _) => {
                // One of the others may have needed them, and would wait for ever.
                let is_lost = jobs_dropped && !self.pending.is_empty();
                if is_lost {
                    self.instance.discard();
                    evaluation.account.add(Usage { lost: 1, ..Usage::default() });
                }
                let error = self.instance.stopped(stop, limits);
                if is_lost {
                    self.lose(&error);
                }
                error
            }
            (Failure::OutOfMemory, _, Some(refused @ Refused::Whole(_))) => {
                let message = format!("the script needed more than {refused}; the context was kept");
                Error::new(ErrorKind::MemoryLimit, message)
            }
            (failure, ..) => self.explain(failure, limits),
        })
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

    /// Fails the evaluations of a context that is gone.
    fn lose(&mut self, cause: &Error) {
        tracing::debug!(cause = cause.kind().code(), "the context was lost");
        for pending in mem::take(&mut self.pending).into_values() {
            let message = format!("the context was lost while the evaluation waited: {cause}");
            let error = Error::with_source(ErrorKind::Lost, message, cause.clone()).with_context_lost();
            self.follow(pending, Err(error));
        }
    }

    /// Notes what is to be done with the result of an evaluation that was pending.
    fn follow(&mut self, pending: Pending, result: Ended) {
        pending.evaluation.end(result.as_ref().err().map(Error::kind));
        self.following.push_back((pending.then, result));
    }

    /// Ends what has ended, until nothing more does. What follows an evaluation may begin another, and end others: that
    /// happens here and nowhere deeper.
    pub(super) fn proceed(&mut self) {
        loop {
            while let Some((then, result)) = self.following.pop_front() {
                then(self, result);
            }
            self.sweep();
            if self.following.is_empty() {
                return self.arm();
            }
        }
    }

    /// Sees to it that the context hears of its next timer.
    fn arm(&mut self) {
        if let Some(host) = self.instance.host_mut() {
            host.timers.arm(&mut host.time, !host.calls.are_in_flight());
        }
    }

    /// Answers a call with the result of an evaluation, later where that is pending.
    pub(super) fn conclude<R: Send + 'static>(
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

    /// Keeps an evaluation until it has ended; then `then` is called.
    pub(super) fn park(&mut self, evaluation: Rc<Evaluation>, then: Then) {
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

    /// Where events of this context go.
    pub(super) fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }

    /// Whether this evaluation waits for host functions or timers.
    pub(super) fn is_pending(&self, evaluation: u64) -> bool {
        self.pending.contains_key(&evaluation)
    }

    /// The inbox's message: something has happened outside.
    pub(super) fn hear(&mut self) {
        self.inbox.heard();
        self.attend();
    }

    /// Sees to what has happened outside.
    pub(super) fn attend(&mut self) {
        let events = self.inbox.take();
        if events.is_empty() {
            return;
        }
        let mut released = Vec::new();
        // What given up iterations do has the time of one call, all of them together.
        let mut limits = self.instance.limits();
        let until = end_of(&self.inbox.running(), &limits);
        for event in events {
            match event {
                Event::Answered(call, answer) => self.settle(call, answer),
                Event::Stopped(evaluation) => self.stop(evaluation),
                Event::Due => self.fire(),
                Event::Over => self.clean_up(),
                Event::Released(instance, number) => released.push((instance, number)),
                Event::GivenUp(iteration, terms) => self.give_up(&iteration, &terms, until, &mut limits.cpu_time),
            }
        }
        self.release(&released);
        self.proceed();
    }

    /// Whether every evaluation has ended, now that the queue is closed.
    pub(super) fn drain(&mut self, context: &Context<'_>) -> Poll<()> {
        self.inbox.wake(context.waker());
        self.attend();
        if self.pending.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Hands an answer to the script that waits for it.
    fn settle(&mut self, call: u64, answer: Result<(Encoded, Charge), Error>) {
        let landed = self.instance.host_mut().and_then(|host| host.calls.land(&mut host.objects, call, answer));
        // Its evaluation may have ended, or the context is another.
        let Some((evaluation, answer)) = landed else {
            return;
        };
        let span = evaluation.span.clone();
        let _within = span.enter();
        // The event that says so may be behind thousands of answers, each of which takes less than a tick.
        if Instant::now() >= evaluation.account.until {
            self.stop(evaluation.number);
            return self.forget(&Leaving { calls: vec![call], ..Leaving::default() });
        }
        let answer = answer.as_ref();
        self.go_on(&evaluation, |store, engine| engine.on_demand(store)?.call_settle(store, call, answer));
    }

    /// Calls what the first timer is for, where it is due. The next has a turn of its own, so that an evaluation that has its value by this one
    /// ends before.
    fn fire(&mut self) {
        let due = self.instance.host_mut().and_then(|host| {
            let is_idle = !host.calls.are_in_flight();
            host.timers.take_due(&mut host.time, is_idle)
        });
        let Some((timer, evaluation)) = due else {
            return;
        };
        let span = evaluation.span.clone();
        let _within = span.enter();
        if evaluation.running.is_cancelled() || Instant::now() >= evaluation.account.until {
            self.stop(evaluation.number);
            return self.forget(&Leaving { timers: vec![timer], ..Leaving::default() });
        }
        let is_fatal = evaluation.ends_at_a_throw();
        self.go_on(&evaluation, |store, engine| engine.on_demand(store)?.call_fire(store, timer, is_fatal));
        if let Some(host) = self.instance.host_mut() {
            host.timers.renew(&host.time, timer);
        }
    }

    /// Enters the engine for an evaluation that waits.
    fn go_on(
        &mut self,
        evaluation: &Rc<Evaluation>,
        body: impl FnOnce(&mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<Result<(), Failure>>,
    ) {
        // Where the context is lost, it is this one that did it.
        let own = self.pending.remove(&evaluation.number);
        let gone_on = self.enter(evaluation, body);
        self.pending.extend(own.map(|own| (evaluation.number, own)));
        if let Err(error) = gone_on {
            self.end(evaluation.number, Err(error));
        }
    }

    /// Ends an evaluation whose time is over, or whose caller has gone.
    pub(super) fn stop(&mut self, number: u64) {
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
    fn end(&mut self, evaluation: u64, result: Ended) {
        if let Some(pending) = self.pending.remove(&evaluation) {
            self.cancel_calls(&pending.evaluation, &[evaluation], result.as_ref().err());
            self.follow(pending, result);
        }
    }

    /// Cancels what an evaluation that has ended, with this or well, left in flight.
    fn cancel_calls(&mut self, evaluation: &Evaluation, forgotten: &[u64], error: Option<&Error>) {
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

    /// Gives back what ended calls have left. It is done before anything is asked for the next, as the context may be lost by it.
    fn clean_up(&mut self) {
        self.instance.bury();
        let leaving = mem::take(&mut self.leaving);
        self.forget(&leaving);
    }

    /// Calls the engine for nobody, where no script runs: it has the time that a call has.
    fn housekeep<R>(
        &mut self,
        body: impl FnOnce(&mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<R>,
    ) -> Result<R, Error> {
        let limits = self.instance.limits();
        self.unattended(limits, |store, engine| body(store, engine).map(Ok))
    }

    /// Lets scripts hear of what was freed. They have [`HOUSEKEEPING`] at most, as a caller may wait for his answer meanwhile, and call
    /// no functions.
    fn tidy(&mut self) {
        let mut limits = self.instance.limits();
        (limits.host_calls, limits.timers) = (0, 0);
        limits.wall_time = limits.wall_time.min(HOUSEKEEPING);
        if let Err(error) = self.unattended(limits, |store, engine| engine.on_demand(store)?.call_tidy(store)) {
            tracing::debug!(%error, "what a script does where values are freed was ended");
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
    fn check_kept(&mut self) -> Result<(), Error> {
        match self.lost_alone.take() {
            Some(cause) => {
                let message = format!("the context was lost behind an earlier call, as it was cleaned up: {cause}");
                Err(Error::with_source(ErrorKind::Lost, message, cause).with_context_lost())
            }
            None => Ok(()),
        }
    }

    /// Has the engine forget what has ended.
    fn forget(&mut self, leaving: &Leaving) {
        if leaving.is_empty() || !self.instance.is_live() {
            return;
        }
        let Leaving { evaluations, calls, timers } = leaving;
        match self.housekeep(|store, engine| engine.on_demand(store)?.call_forget(store, evaluations, calls, timers)) {
            Ok(true) => self.tidy(),
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "the engine did not forget what has ended in good time"),
        }
    }

    /// Ends the evaluations that jobs of others have ended. Where scripts hear of values meanwhile, that may end more, so it is asked again.
    fn sweep(&mut self) {
        for _ in 0..SWEEPS {
            if self.pending.is_empty() {
                return self.lingering.clear();
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
                Ok(result.map(|value| decode(store.data(), &evaluation, &value)))
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
    fn keep(&mut self, evaluation: &Rc<Evaluation>, value: (Value, Charge)) {
        evaluation.keep(value);
        self.lingering.push(Rc::clone(evaluation));
    }

    /// What the memory of the context is counted in.
    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        self.instance.ledger()
    }

    /// The instance as handles know it; where there is none, one that has none.
    fn home(&mut self) -> Home {
        let home = self.instance.host_mut().map(|host| host.calls.home().clone());
        home.unwrap_or_else(|| Home::new(0, &self.inbox))
    }

    /// Begins a call that somebody made, unless this, or its group, forbids it.
    fn admit(
        &mut self,
        running: &Running,
        terms: &Terms,
        check: impl FnOnce(&mut Engine, &Limits) -> Result<(), Error>,
    ) -> Result<Rc<Evaluation>, Error> {
        self.clean_up();
        let evaluation = self.begin(running, terms);
        evaluation.count(running.waited().unwrap_or_default());
        let admitted = Engine::check_use(terms).and_then(|()| check(self, evaluation.limits()));
        match admitted.and_then(|()| self.instance.admit()).and_then(|()| self.check_kept()) {
            Ok(()) => Ok(evaluation),
            Err(error) => {
                evaluation.end(Some(error.kind()));
                Err(error)
            }
        }
    }

    /// Runs an evaluation, and says what it has come to.
    fn run(
        &mut self,
        evaluation: Rc<Evaluation>,
        body: impl FnOnce(&mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<Result<bindings::Outcome, Failure>>,
    ) -> Result<Outcome, Error> {
        let value = self.enter(&evaluation, |store, engine| {
            Ok(body(store, engine)?.map(|outcome| match outcome {
                bindings::Outcome::Done(value) => Some(decode(store.data(), &evaluation, &value)),
                bindings::Outcome::Pending => None,
            }))
        });
        let value = match value {
            Ok(Some(Ok(value))) if evaluation.lingers() => {
                self.keep(&evaluation, value);
                Ok(None)
            }
            value => value,
        };
        let value = match value {
            Ok(None) if self.pending.len() < evaluation.limits().pending => return Ok(Outcome::Pending(evaluation)),
            Ok(None) => {
                let most = evaluation.limits().pending;
                let message =
                    format!("{most} evaluations of the context wait, the most that may; the context was kept");
                let error = Error::new(ErrorKind::PendingLimit, message);
                self.cancel_calls(&evaluation, &[evaluation.number], Some(&error));
                return Err(error);
            }
            Ok(Some(value)) => value,
            Err(error) => Err(error),
        };
        self.cancel_calls(&evaluation, &[], value.as_ref().err());
        value.map(|(value, charge)| Outcome::Done(value, charge))
    }

    pub(super) fn evaluate(
        &mut self,
        running: &Running,
        terms: &Terms,
        mut source: Source,
        form: ResultForm,
    ) -> Result<Outcome, Error> {
        let evaluation = self.begin_source(running, terms, &mut source)?;
        evaluation.entered(source.len());
        let map = source.map().cloned();
        let source = source.into_wire();
        let number = evaluation.number;
        self.run(evaluation, |store, engine| {
            store.data_mut().host.maps.note(&source.name, &source.text, map);
            engine.api().call_evaluate(store, number, &source, form)
        })
    }

    /// The limits of a call of this caller.
    pub(super) fn limits(&self, running: &Running, terms: &Terms) -> Limits {
        self.instance.limits().for_call(running, terms.limits)
    }

    pub(super) fn call(
        &mut self,
        running: &Running,
        terms: &Terms,
        name: &str,
        arguments: &Encoded<Vec<Vec<u8>>>,
        form: ResultForm,
    ) -> Result<Outcome, Error> {
        let evaluation = self.admit(running, terms, |engine, _| arguments.check(&engine.home()))?;
        evaluation.entered(arguments.bytes());
        let number = evaluation.number;
        self.run(evaluation, |store, engine| {
            let arguments = arguments.let_into(&mut store.data_mut().host.objects);
            engine.api().call_call(store, number, name, arguments, form)
        })
    }

    /// Does something with the value of a handle.
    pub(super) fn operate(
        &mut self,
        running: &Running,
        terms: &Terms,
        handle: &Handle,
        operation: &Encoded<Operation>,
        form: ResultForm,
    ) -> Result<Outcome, Error> {
        let evaluation = self.admit(running, terms, |engine, _| {
            let home = engine.home();
            home.admit("the handle", handle).and_then(|()| operation.check(&home))
        })?;
        evaluation.entered(operation.bytes());
        let (number, handle) = (evaluation.number, handle.number());
        self.run(evaluation, |store, engine| {
            let operation = operation.let_into(&mut store.data_mut().host.objects);
            engine.on_demand(store)?.call_operate(store, number, handle, operation, form)
        })
    }

    /// Closes an iterator of which nobody takes more. This is to be done by then, within the processor time that is left.
    fn give_up(&mut self, iteration: &Handle, terms: &Terms, until: Instant, processor: &mut Duration) {
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

    /// Lets the values of handles go, as far as they are of this instance.
    fn release(&mut self, released: &[(u64, u64)]) {
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

    /// A call into the engine that does not wait for host functions or timers.
    fn at_once<R>(
        &mut self,
        running: &Running,
        terms: &Terms,
        check: impl FnOnce(&mut Engine, &Limits) -> Result<(), Error>,
        body: impl FnOnce(&Evaluation, &mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<Result<R, Failure>>,
    ) -> Result<R, Error> {
        let evaluation = self.admit(running, terms, check)?;
        let result = self.enter(&evaluation, |store, engine| body(&evaluation, store, engine));
        self.cancel_calls(&evaluation, &[], result.as_ref().err());
        self.proceed();
        result
    }

    pub(super) fn set_globals(
        &mut self,
        running: &Running,
        terms: &Terms,
        globals: &Encoded<Globals>,
    ) -> Result<(), Error> {
        let check = |engine: &mut Engine, _: &Limits| globals.check(&engine.home());
        self.at_once(running, terms, check, |evaluation, store, engine| {
            evaluation.entered(globals.bytes());
            let globals = globals.let_into(&mut store.data_mut().host.objects);
            engine.api().call_set_globals(store, globals)
        })
    }

    pub(super) fn get_global(
        &mut self,
        running: &Running,
        terms: &Terms,
        name: &str,
        form: ResultForm,
    ) -> Result<Value, Error> {
        let value = self.at_once(
            running,
            terms,
            |_, _| Ok(()),
            |evaluation, store, engine| {
                let value = engine.api().call_get_global(&mut *store, name, form)?;
                Ok(value.map(|value| decode(store.data(), evaluation, &value)))
            },
        );
        value?.map(|(value, _charge)| value)
    }

    /// What the heap takes, and how many objects of the host scripts hold.
    pub(super) fn memory_usage(&mut self, running: &Running, terms: &Terms) -> Result<MemoryUsage, Error> {
        self.at_once(
            running,
            terms,
            |_, _| Ok(()),
            |_, store, engine| {
                let heap = engine.on_demand(store)?.call_memory_usage(&mut *store)?;
                let bindings::on_demand::HeapUsage { used, allocated, objects, handles } = heap;
                let host_objects = store.data().host.objects.count();
                let written_pages = store.data().written_pages();
                Ok(Ok(MemoryUsage { used, allocated, objects, handles, host_objects, written_pages }))
            },
        )
    }

    /// Refuses handles of a use that is over.
    pub(super) fn check_use(terms: &Terms) -> Result<(), Error> {
        match &terms.lease {
            Some(lease) if lease.is_over() => {
                Err(Error::new(ErrorKind::Closed, "this fresh context was given back to its pool"))
            }
            _ => Ok(()),
        }
    }

    /// A use of the context is over: it is a fresh one from now on. What is still held of the last is not counted for the next.
    pub(super) fn begin_use(&mut self) {
        self.leaving = Leaving::default();
        self.instance.forget_charges();
        if let Err(error) = self.replace() {
            // The next call tries again.
            tracing::debug!(%error, "a fresh context could not be made");
        }
    }

    /// Replaces the context by a fresh one.
    pub(super) fn reset(&mut self, terms: &Terms) -> Result<(), Error> {
        Engine::check_use(terms)?;
        self.replace()
    }

    fn replace(&mut self) -> Result<(), Error> {
        self.lost_alone = None;
        let replaced = self.instance.replace();
        self.lose(&Error::new(ErrorKind::Lost, "the context was reset"));
        self.proceed();
        replaced
    }

    /// Puts sources into a batch, which is made anew where there is none or its instance is gone.
    pub(super) fn push(
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
    pub(super) fn holds(&self, batch: &Held) -> bool {
        self.instance.has(batch)
    }

    /// Begins the evaluation of this source, which is JavaScript from then on.
    pub(super) fn begin_source(
        &mut self,
        running: &Running,
        terms: &Terms,
        source: &mut Source,
    ) -> Result<Rc<Evaluation>, Error> {
        let evaluation = self.admit(running, terms, |_, limits| source.check(limits.source))?;
        let stripped = source.strip(evaluation.limits().source, evaluation.account.until);
        stripped.inspect_err(|error| evaluation.end(Some(error.kind())))?;
        Ok(evaluation)
    }

    /// Evaluates the next source of a batch, which is this one.
    pub(super) fn next(&mut self, evaluation: Rc<Evaluation>, batch: &Held, source: &Source) -> Result<Outcome, Error> {
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
    pub(super) fn drop_batch(&mut self, batch: &Held) {
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

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("pending", &self.pending.len()).finish_non_exhaustive()
    }
}

/// What the engine gave in the call that is still to be ended, and the memory that it takes.
fn decode(data: &Data<Ambient>, evaluation: &Evaluation, value: &[u8]) -> Ended {
    evaluation.left(value.len());
    if value == NOTHING {
        return Ok((Value::Hole, Charge::default()));
    }
    if let Some(handle) = data.host.calls.home().decode(value) {
        return handle.map(|handle| (Value::Handle(handle), Charge::default()));
    }
    let too_large = |refused: Refused| {
        let message = format!("the result takes more than is left of {refused}; the context was kept");
        Error::new(ErrorKind::MemoryLimit, message)
    };
    let memory = evaluation.limits().memory;
    let (left, scarce) = data.ledger().left(memory);
    match wire::decode_with(value, &data.host.objects, left) {
        Ok((value, bytes)) => Ok((value, data.ledger().charge(bytes, memory).map_err(too_large)?)),
        Err(Unread::TooLarge) => Err(too_large(scarce)),
        Err(Unread::Malformed(reason)) => Err(malformed(&reason)),
    }
}

fn malformed(reason: &str) -> Error {
    Error::new(ErrorKind::Engine, format!("the engine's result is malformed: {reason}"))
}

/// The same failure, or that of memory: QuickJS throws `null` where it has none left for an error.
fn for_memory(failure: Failure, is_full: bool) -> Failure {
    let is_null = |exception: &bindings::Exception| exception.name.is_empty() && exception.message == "null";
    match failure {
        Failure::Thrown(exceptions) if is_full && exceptions.first().is_some_and(is_null) => Failure::OutOfMemory,
        failure => failure,
    }
}
