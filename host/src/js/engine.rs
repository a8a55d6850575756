//! The object on a context's thread: one instance of the engine, and each call into it.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use super::{
    bindings::{self, Failure, Operation, ResultForm},
    context::Globals,
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
        self, Charge, Data, Held, Instance, Ledger, Limits, Stop, Usage, end_of,
        wasmtime::{self, Store, Trap},
    },
    error::{Error, ErrorKind},
    thread::{Defer, Running},
};

/// Batches of a context that may be under way at a time: fewer than the handles that an instance may give out, beyond
/// which it would trap.
const MAX_BATCHES: usize = 1000;

/// A hole as a result: the end of an iteration.
const NOTHING: &[u8] = b"\xd8\x1f\xf7";

/// One JavaScript context: what lives on a context's thread.
pub(crate) struct Engine {
    instance: Instance<Script>,
    /// The evaluations that wait for host functions, by their numbers.
    pending: BTreeMap<u64, Pending>,
    /// What is to be done with the results of evaluations that were pending.
    following: VecDeque<(Then, Ended)>,
    inbox: Inbox,
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
            following: VecDeque::new(),
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
        let entered = self.call_in(evaluation, body);
        evaluation.failed.set(entered.as_ref().err().map(Error::kind));
        entered
    }

    fn call_in<R>(
        &mut self,
        evaluation: &Rc<Evaluation>,
        body: impl FnOnce(&mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<Result<R, Failure>>,
    ) -> Result<R, Error> {
        let limits = evaluation.limits();
        let (mut asked, mut is_the_groups) = (None, false);
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
            is_the_groups = store.data().met_the_groups_memory();
            let host = &mut store.data_mut().host;
            host.objects.end_call();
            // What it may use may keep the context.
            host.run_for(None);
            Ok(answer)
        });
        let answer = answer.map_err(|error| match error.kind() {
            // Its stack is at the lower end of its memory, so beyond the one is outside of the other. QuickJS looks at its stack in most
            // of its recursions, and not in all.
            ErrorKind::Trapped if error.to_string().contains(&Trap::MemoryOutOfBounds.to_string()) => {
                let message =
                    "the script recursed deeper than the engine's stack; the context was replaced by a fresh one";
                Error::with_source(ErrorKind::StackLimit, message, error).with_context_lost()
            }
            // No script can make the engine fail: where it does, the fault is the host's.
            ErrorKind::Trapped => Error::with_source(ErrorKind::Engine, error.to_string(), error).with_context_lost(),
            _ => error,
        });
        let answer = answer.inspect_err(|error| {
            self.lose(error);
            self.inbox.post(Event::Lost);
        })?;
        answer.map_err(|failure| match (failure, asked) {
            (Failure::Interrupted(jobs_left), Some(stop)) => {
                if jobs_left {
                    self.instance.discard();
                }
                let error = self.instance.stopped(stop, limits);
                if jobs_left {
                    self.lose(&error);
                }
                error
            }
            (Failure::OutOfMemory, _) if is_the_groups => {
                let message = "the script needed more than its group has left of memory; the context was kept";
                Error::new(ErrorKind::MemoryLimit, message)
            }
            (failure, _) => self.explain(failure, limits),
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
        pending.evaluation.end();
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
                return;
            }
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
        match Pending::new(evaluation, &self.inbox, then) {
            Ok(pending) => {
                self.pending.insert(number, pending);
            }
            Err((error, then)) => {
                self.forget(&[number], Vec::new());
                self.following.push_back((then, Err(error)));
            }
        }
    }

    /// Where events of this context go.
    pub(super) fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }

    /// Whether this evaluation waits for host functions.
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
        let until = end_of(&self.inbox.running(), &self.instance.limits());
        for event in events {
            match event {
                Event::Answered(call, answer) => self.settle(call, answer),
                Event::Stopped(evaluation) => self.stop(evaluation),
                Event::Lost => self.instance.bury(),
                Event::Released(instance, number) => released.push((instance, number)),
                Event::GivenUp(iteration, terms) => self.give_up(&iteration, &terms, until),
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
            return self.stop(evaluation.number);
        }
        // Where the context is lost, it is this one that did it.
        let own = self.pending.remove(&evaluation.number);
        let answer = answer.as_ref();
        let settled =
            self.enter(&evaluation, |store, engine| engine.on_demand(store)?.call_settle(store, call, answer));
        self.pending.extend(own.map(|own| (evaluation.number, own)));
        if let Err(error) = settled {
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
        evaluation.failed.set(Some(error.kind()));
        let evaluation = evaluation.number;
        self.end(evaluation, Err(error));
    }

    /// An evaluation that was pending has ended: with this, or as nobody waits for it.
    fn end(&mut self, evaluation: u64, result: Ended) {
        if let Some(pending) = self.pending.remove(&evaluation) {
            self.cancel_calls(&pending.evaluation, &[evaluation]);
            self.follow(pending, result);
        }
    }

    /// Cancels what an evaluation that has ended left in flight.
    fn cancel_calls(&mut self, evaluation: &Evaluation, forgotten: &[u64]) {
        evaluation.end();
        let calls = self.instance.host_mut().map(|host| host.calls.cancel(evaluation)).unwrap_or_default();
        self.forget(forgotten, calls);
    }

    /// Calls the engine for nobody. What scripts have asked to hear of it may run: it has the time that a call has, and calls no
    /// functions.
    fn housekeep<R>(
        &mut self,
        body: impl FnOnce(&mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<Result<R, Failure>>,
    ) -> Result<R, Error> {
        let mut limits = self.instance.limits();
        limits.host_calls = 0;
        let housekeeping = self.begin(&self.inbox.running(), &Terms { limits: Some(limits), ..Terms::default() });
        let done = self.enter(&housekeeping, body);
        housekeeping.end();
        done
    }

    /// Has the engine forget evaluations and calls.
    fn forget(&mut self, evaluations: &[u64], calls: Vec<u64>) {
        if (evaluations.is_empty() && calls.is_empty()) || !self.instance.is_live() {
            return;
        }
        if let Err(error) =
            self.housekeep(|store, engine| engine.on_demand(store)?.call_forget(store, evaluations, &calls))
        {
            tracing::debug!(%error, "the engine did not forget what has ended in good time");
        }
    }

    /// Ends the evaluations that jobs of others have ended. Each result is taken within the time and the limits of its own
    /// evaluation: getters of it may run.
    fn sweep(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut ended = || self.housekeep(|store, engine| engine.on_demand(store)?.call_ended(store));
        // What a script does at this may be stopped: then not twice, as it is done. Where the context is lost, whoever waited
        // knows it.
        let ended = ended().or_else(|_| ended()).unwrap_or_default();
        for number in ended {
            let Some(pending) = self.pending.remove(&number) else {
                self.forget(&[number], Vec::new());
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
            self.cancel_calls(&evaluation, &[]);
            self.follow(pending, result.flatten());
        }
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

    /// Begins an evaluation, and says what it has come to.
    fn run(
        &mut self,
        evaluation: Rc<Evaluation>,
        body: impl FnOnce(&mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<Result<bindings::Outcome, Failure>>,
    ) -> Result<Outcome, Error> {
        self.instance.admit()?;
        evaluation.count();
        let value = self.enter(&evaluation, |store, engine| {
            Ok(body(store, engine)?.map(|outcome| match outcome {
                bindings::Outcome::Done(value) => Some(decode(store.data(), &evaluation, &value)),
                bindings::Outcome::Pending => None,
            }))
        });
        let value = match value {
            Ok(None) if self.pending.len() < evaluation.limits().pending => return Ok(Outcome::Pending(evaluation)),
            Ok(None) => {
                let most = evaluation.limits().pending;
                let message =
                    format!("{most} evaluations of the context wait, the most that may; the context was kept");
                self.cancel_calls(&evaluation, &[evaluation.number]);
                return Err(Error::new(ErrorKind::PendingLimit, message));
            }
            Ok(Some(value)) => value,
            Err(error) => Err(error),
        };
        self.cancel_calls(&evaluation, &[]);
        value.map(|(value, charge)| Outcome::Done(value, charge))
    }

    pub(super) fn evaluate(
        &mut self,
        running: &Running,
        terms: &Terms,
        source: Source,
        form: ResultForm,
    ) -> Result<Outcome, Error> {
        let evaluation = self.begin(running, terms);
        source.check(evaluation.limits().source)?;
        evaluation.entered(source.len());
        let source = source.into_wire();
        let number = evaluation.number;
        self.run(evaluation, |store, engine| {
            store.data_mut().host.maps.note(&source.name, &source.text);
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
        arguments.check(&self.home())?;
        let evaluation = self.begin(running, terms);
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
        let home = self.home();
        home.admit("the handle", handle)?;
        operation.check(&home)?;
        let evaluation = self.begin(running, terms);
        evaluation.entered(operation.bytes());
        let (number, handle) = (evaluation.number, handle.number());
        self.run(evaluation, |store, engine| {
            let operation = operation.let_into(&mut store.data_mut().host.objects);
            engine.on_demand(store)?.call_operate(store, number, handle, operation, form)
        })
    }

    /// Closes an iterator of which nobody takes more. This is to be done by then.
    fn give_up(&mut self, iteration: &Handle, terms: &Terms, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        let running = self.inbox.running();
        if left.is_zero() || running.is_cancelled() || self.home().admit("the iteration", iteration).is_err() {
            return;
        }
        let mut limits = self.instance.limits().for_call(&running, terms.limits);
        limits.wall_time = limits.wall_time.min(left);
        let evaluation = self.begin(&running, &Terms { limits: Some(limits), ..terms.clone() });
        let (number, handle) = (evaluation.number, iteration.number());
        let closed = self.enter(&evaluation, |store, engine| {
            engine.on_demand(store)?.call_operate(store, number, handle, &Operation::Finish, ResultForm::Value)
        });
        self.cancel_calls(&evaluation, &[number]);
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
        if let Err(error) = self.housekeep(|store, engine| engine.on_demand(store)?.call_release(store, &numbers)) {
            tracing::debug!(%error, "the engine did not let values go in good time");
        }
    }

    /// A call into the engine that does not wait for host functions.
    fn at_once<R>(
        &mut self,
        running: &Running,
        terms: &Terms,
        body: impl FnOnce(&Evaluation, &mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<Result<R, Failure>>,
    ) -> Result<R, Error> {
        self.instance.admit()?;
        let evaluation = self.begin(running, terms);
        evaluation.count();
        let result = self.enter(&evaluation, |store, engine| body(&evaluation, store, engine));
        self.cancel_calls(&evaluation, &[]);
        self.proceed();
        result
    }

    pub(super) fn set_globals(
        &mut self,
        running: &Running,
        terms: &Terms,
        globals: &Encoded<Globals>,
    ) -> Result<(), Error> {
        globals.check(&self.home())?;
        self.at_once(running, terms, |evaluation, store, engine| {
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
        let value = self.at_once(running, terms, |evaluation, store, engine| {
            let value = engine.api().call_get_global(&mut *store, name, form)?;
            Ok(value.map(|value| decode(store.data(), evaluation, &value)))
        });
        value?.map(|(value, _charge)| value)
    }

    /// What the heap takes, and how many objects of the host scripts hold.
    pub(super) fn memory_usage(
        &mut self,
        running: &Running,
        terms: &Terms,
    ) -> Result<(bindings::HeapUsage, usize), Error> {
        self.at_once(running, terms, |_, store, engine| {
            let usage = engine.on_demand(store)?.call_memory_usage(&mut *store)?;
            Ok(Ok((usage, store.data().host.objects.count())))
        })
    }

    /// Replaces the context by a fresh one.
    pub(super) fn reset(&mut self) -> Result<(), Error> {
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
        evaluation.end();
        *batch = Some(self.instance.hold(resource?));
        Ok(())
    }

    /// Whether a batch is alive: its instance is the one that is there.
    pub(super) fn holds(&self, batch: &Held) -> bool {
        self.instance.has(batch)
    }

    /// Evaluates the next source of a batch, which is this one.
    pub(super) fn next(
        &mut self,
        running: &Running,
        terms: &Terms,
        batch: &Held,
        source: Option<&Source>,
    ) -> Result<Outcome, Error> {
        let resource = self.instance.held(batch)?;
        let evaluation = self.begin(running, terms);
        evaluation.entered(source.map_or(0, Source::len));
        let number = evaluation.number;
        self.run(evaluation, |store, engine| {
            if let Some(source) = source {
                store.data_mut().host.maps.note(source.shown_name(), source.text());
            }
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
            resource.resource_drop(store).map(Ok)
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
    let too_large = || {
        let memory = evaluation.limits().memory;
        let message =
            format!("the result takes more than what is left of {memory} bytes of memory; the context was kept");
        Error::new(ErrorKind::MemoryLimit, message)
    };
    match wire::decode_with(value, &data.host.objects, data.ledger().left()) {
        Ok((value, bytes)) => Ok((value, data.ledger().charge(bytes).ok_or_else(too_large)?)),
        Err(Unread::TooLarge) => Err(too_large()),
        Err(Unread::Malformed(reason)) => Err(malformed(&reason)),
    }
}

fn malformed(reason: &str) -> Error {
    Error::new(ErrorKind::Engine, format!("the engine's result is malformed: {reason}"))
}
