//! What callers ask of a context: each a call that is admitted, counted and run.

use std::rc::Rc;

use super::{Engine, result::decode};
use crate::{
    component::{
        Data, Limits,
        wasmtime::{self, Store},
    },
    error::{Error, ErrorKind},
    js::{
        bindings::{self, Failure, Operation, ResultForm},
        context::{Globals, MemoryUsage},
        evaluation::{Evaluation, Outcome, Terms},
        handle::{Encoded, Handle},
        script::{Ambient, Exports},
        source::Source,
        value::Value,
    },
    thread::Running,
};

impl Engine {
    pub(in crate::js) fn evaluate(
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

    /// Begins the evaluation of this source, which is JavaScript from then on.
    pub(in crate::js) fn begin_source(
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

    pub(in crate::js) fn call(
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
            engine.on_demand(store)?.call_call(store, number, name, arguments, form)
        })
    }

    /// Does something with the value of a handle.
    pub(in crate::js) fn operate(
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

    pub(in crate::js) fn set_globals(
        &mut self,
        running: &Running,
        terms: &Terms,
        globals: &Encoded<Globals>,
    ) -> Result<(), Error> {
        let check = |engine: &mut Engine, _: &Limits| globals.check(&engine.home());
        self.at_once(running, terms, check, |evaluation, store, engine| {
            evaluation.entered(globals.bytes());
            let globals = globals.let_into(&mut store.data_mut().host.objects);
            engine.surroundings(store)?.call_set_globals(store, globals)
        })
    }

    pub(in crate::js) fn get_global(
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
                let value = engine.on_demand(store)?.call_get_global(&mut *store, name, form)?;
                Ok(value.and_then(|value| decode(store.data(), evaluation, &value)))
            },
        );
        value?.map(|(value, _charge)| value)
    }

    /// What the heap takes, and how many objects of the host scripts hold.
    pub(in crate::js) fn memory_usage(&mut self, running: &Running, terms: &Terms) -> Result<MemoryUsage, Error> {
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
    pub(super) fn run(
        &mut self,
        evaluation: Rc<Evaluation>,
        body: impl FnOnce(&mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<Result<bindings::Outcome, Failure>>,
    ) -> Result<Outcome, Error> {
        let value = self.enter(&evaluation, |store, engine| {
            Ok(body(store, engine)?.and_then(|outcome| match outcome {
                bindings::Outcome::Done(value) => decode(store.data(), &evaluation, &value).map(Some),
                bindings::Outcome::Pending => Ok(None),
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
}
