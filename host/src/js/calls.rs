//! The WIT interface `host-functions`: the calls that scripts make, and those that are in flight.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio::{runtime::Handle, task::AbortHandle};
use tracing::Instrument as _;

use super::{
    bindings::{HostError, HostFunction, host_functions, host_functions::Answer},
    evaluation::{Evaluation, number},
    functions::{Answering, Function, Functions, ScriptError, check_name, failed, shown},
    handle::{Encoded, Home},
    host_call::HostCall,
    inbox::{Event, Inbox},
    objects::Objects,
    script::Ambient,
    value::Value,
    wire::{self, Unread},
};
use crate::{
    component::{Charge, Data, Ledger, Refused},
    error::{Error, ErrorKind},
};

/// Errors of host functions that are kept for when a script lets them through, and the bytes that they take together. A script that
/// keeps more than these, and throws one of the first, gives back what it was told. So it is with an error that is longer by itself.
const MAX_ERRORS: usize = 1024;
const MAX_ERROR_BYTES: usize = 3 << 20;

/// Bytes of the name and of the message that a script is told.
const MAX_TEXT: usize = 16 << 10;

/// What a script is told of a call: an encoded value, or an error.
type Told = Result<Vec<u8>, HostError>;

/// What a call comes to at once.
pub(super) enum Begun {
    Done(Encoded),
    Waits(Answering),
}

/// The calls of one instance.
pub(super) struct Calls {
    granted: Functions,
    inbox: Inbox,
    /// The instance, as handles know it.
    home: Home,
    runtime: Option<Handle>,
    /// The functions that the engine was told of, by their numbers, and the numbers by name.
    defined: Vec<(Arc<str>, bool)>,
    numbers: BTreeMap<Arc<str>, u32>,
    in_flight: HashMap<u64, InFlight>,
    errors: VecDeque<(u64, Error)>,
    /// Bytes that they take.
    error_bytes: usize,
    /// Whose script runs.
    evaluation: Option<Rc<Evaluation>>,
}

/// A call that is in flight. Its end is that of its future.
struct InFlight {
    evaluation: Rc<Evaluation>,
    call: HostCall,
    task: AbortHandle,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let in_flight = &self.evaluation.in_flight;
        in_flight.set(in_flight.get().saturating_sub(1));
        self.task.abort();
    }
}

impl Calls {
    pub(super) fn new(granted: Functions, inbox: Inbox, runtime: Option<Handle>) -> Calls {
        let home = Home::new(number(), &inbox);
        Calls {
            granted,
            inbox,
            home,
            runtime,
            defined: Vec::new(),
            numbers: BTreeMap::new(),
            in_flight: HashMap::new(),
            errors: VecDeque::new(),
            error_bytes: 0,
            evaluation: None,
        }
    }

    /// What the engine has to be told of, before it runs what these were granted to.
    ///
    /// # Errors
    ///
    /// A name leads nowhere, or is that of a function of the other kind.
    pub(super) fn define(&mut self, functions: &Functions) -> Result<Vec<HostFunction>, Error> {
        let mut definitions = Vec::new();
        for (name, function) in functions.iter() {
            // The host's own were granted to the context, and nobody puts others in their place.
            if !self.granted.has(name, function) {
                check_name(name)?;
            }
            let is_async = matches!(function, Function::Async(_));
            match self.numbers.get(name).and_then(|number| self.defined.get(*number as usize)) {
                Some((_, known)) if *known == is_async => {}
                Some((_, known)) => {
                    let flavour = |is_async| if is_async { "async" } else { "sync" };
                    let (known, wanted) = (flavour(*known), flavour(is_async));
                    let message = format!("the function {name} is {known} in this context, and cannot be {wanted}");
                    return Err(Error::new(ErrorKind::InvalidArgument, message));
                }
                None => {
                    let number =
                        u32::try_from(self.defined.len().saturating_add(definitions.len())).unwrap_or(u32::MAX);
                    definitions.push(HostFunction { name: name.to_string(), number, is_async });
                }
            }
        }
        Ok(definitions)
    }

    /// The engine was told of these.
    pub(super) fn know(&mut self, definitions: Vec<HostFunction>) {
        for HostFunction { name, number, is_async } in definitions {
            let name: Arc<str> = name.into();
            self.defined.push((Arc::clone(&name), is_async));
            self.numbers.insert(name, number);
        }
    }

    /// The instance, as handles know it.
    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// From now on it is this evaluation's script that runs, or none.
    pub(super) fn run_for(&mut self, evaluation: Option<&Rc<Evaluation>>) {
        self.evaluation = evaluation.cloned();
    }

    /// Whether any waits for an answer.
    pub(super) fn are_in_flight(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Takes a call that has been answered: whose it is, and what the script is told.
    pub(super) fn land(
        &mut self,
        objects: &mut Objects,
        call: u64,
        answer: Result<(Encoded, Charge), Error>,
    ) -> Option<(Rc<Evaluation>, Told)> {
        let landed = self.in_flight.remove(&call)?;
        let function = landed.call.function();
        let answer = answer.and_then(|(value, _charge)| self.answered(objects, &landed.evaluation, function, value));
        let answer = answer.map_err(|error| self.tell(landed.call.function(), error));
        Some((Rc::clone(&landed.evaluation), answer))
    }

    /// Cancels the calls of an evaluation that has ended, and says which they are.
    pub(super) fn cancel(&mut self, evaluation: &Evaluation) -> Vec<u64> {
        if evaluation.in_flight.get() == 0 {
            return Vec::new();
        }
        let of_it = |in_flight: &InFlight| in_flight.evaluation.number == evaluation.number;
        self.in_flight.extract_if(|_, in_flight| of_it(in_flight)).map(|(call, _)| call).collect()
    }

    /// The error that a script let through.
    pub(super) fn error(&self, id: u64) -> Option<Error> {
        self.errors.iter().find(|(known, _)| *known == id).map(|(_, error)| error.clone())
    }

    /// What the script is told of an error. Only what is meant for it says more than that there is one.
    pub(super) fn tell(&mut self, function: &str, error: Error) -> HostError {
        let (name, message) = match (error.kind(), error.downcast_ref::<ScriptError>()) {
            (_, Some(ScriptError { name, message })) => (clipped(name), clipped(message)),
            (ErrorKind::HostCallLimit | ErrorKind::HandleLimit | ErrorKind::MemoryLimit, _) => {
                ("RangeError".to_owned(), error.to_string())
            }
            (ErrorKind::WrongType, _) => {
                // The script's own fault, which it is told in full, and nobody else's.
                return HostError { id: None, name: "TypeError".to_owned(), message: clipped(&error.to_string()) };
            }
            _ => ("Error".to_owned(), format!("{} failed", shown(function))),
        };
        HostError { id: self.keep(error), name, message }
    }

    /// Keeps an error, in the place of the oldest where there are too many.
    fn keep(&mut self, error: Error) -> Option<u64> {
        let bytes = error.bytes();
        let room = MAX_ERROR_BYTES.checked_sub(bytes)?;
        while self.errors.len() >= MAX_ERRORS || self.error_bytes > room {
            let (_, oldest) = self.errors.pop_front()?;
            self.error_bytes = self.error_bytes.saturating_sub(oldest.bytes());
        }
        let id = number();
        self.errors.push_back((id, error));
        self.error_bytes = self.error_bytes.saturating_add(bytes);
        Some(id)
    }

    /// The function of this name that is granted to the evaluation that runs.
    fn granted(&self, name: &str, is_async: bool) -> Result<Function, Error> {
        let evaluation = self.evaluation.as_ref();
        let own = evaluation.and_then(|evaluation| evaluation.functions.as_ref()?.get(name));
        let function = own.or_else(|| self.granted.get(name)).cloned();
        let function = function.filter(|function| matches!(function, Function::Async(_)) == is_async);
        function.ok_or_else(|| Error::new(ErrorKind::WrongType, format!("{name} is not granted to this call")))
    }

    /// Makes a call of what has this name.
    pub(super) fn run(
        &mut self,
        objects: &mut Objects,
        memory: &Arc<Ledger>,
        name: &Arc<str>,
        arguments: &[u8],
        begin: impl FnOnce(Value, &HostCall) -> Result<Begun, Error>,
    ) -> Answer {
        let answer = self.start(objects, memory, name, arguments, begin);
        answer.unwrap_or_else(|error| Answer::Failed(self.tell(name, error)))
    }

    fn start(
        &mut self,
        objects: &mut Objects,
        memory: &Arc<Ledger>,
        name: &Arc<str>,
        arguments: &[u8],
        begin: impl FnOnce(Value, &HostCall) -> Result<Begun, Error>,
    ) -> Result<Answer, Error> {
        let evaluation = self.evaluation.clone().ok_or_else(|| fault("nothing is being evaluated"))?;
        count_call(&evaluation)?;
        count_bytes(&evaluation, arguments.len())?;
        let limit = evaluation.limits().memory;
        let (left, scarce) = memory.left(limit);
        let (arguments, charge) = match wire::decode_with(arguments, objects, left, &|| true) {
            Ok((arguments, bytes)) => (arguments, memory.charge(bytes, limit).map_err(too_large)?),
            Err(Unread::TooLarge) => return Err(too_large(scarce)),
            Err(Unread::Malformed(reason)) => return Err(fault(&format!("malformed arguments: {reason}"))),
            Err(Unread::Stopped) => return Err(fault("its arguments were not read")),
        };
        let call = HostCall::new(Arc::clone(name), &evaluation);
        let within = evaluation.span.clone();
        let _within = within.enter();
        let _runtime = evaluation.runtime.as_ref().or(self.runtime.as_ref()).map(Handle::enter);
        let value = match begin(arguments, &call)? {
            Begun::Done(value) => value,
            // Many a future is ready at once, and a hop to another thread takes longer than all the rest.
            Begun::Waits(mut future) => match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(answer) => answer?,
                Poll::Pending => return self.fly(evaluation, call, future, memory, charge),
            },
        };
        self.answered(objects, &evaluation, name, value).map(Answer::Done)
    }

    /// Counts an answer, which may be as long as a result. Every handle in it is of this instance.
    fn answered(
        &self,
        objects: &mut Objects,
        evaluation: &Evaluation,
        function: &str,
        value: Encoded,
    ) -> Result<Vec<u8>, Error> {
        value.check(&self.home).map_err(|error| failed(function, error))?;
        let (bytes, most) = (value.let_into(objects).len(), evaluation.account.limits.result);
        if bytes > most {
            return Err(limit(format!("a host function answered with {bytes} bytes, more than {most}")));
        }
        count_bytes(evaluation, bytes).map(|()| value.into_wire())
    }

    /// Lets a call go on in the runtime.
    fn fly(
        &mut self,
        evaluation: Rc<Evaluation>,
        call: HostCall,
        future: Answering,
        memory: &Arc<Ledger>,
        arguments: Charge,
    ) -> Result<Answer, Error> {
        let most = evaluation.account.limits.host_calls_in_flight;
        if evaluation.in_flight.get() >= most {
            return Err(limit(format!("the evaluation has {most} calls of host functions in flight, the most it may")));
        }
        let Some(runtime) = evaluation.runtime.as_ref().or(self.runtime.as_ref()) else {
            let message =
                format!("{} waits, and the context was opened outside of a tokio runtime", shown(call.function()));
            return Err(Error::new(ErrorKind::HostFunction, message));
        };
        let (inbox, memory) = (self.inbox.clone(), Arc::clone(memory));
        let limit = evaluation.limits().memory;
        let answering = Flight { call: call.clone(), inbox, memory, limit, future: Some((future, arguments)) };
        let task = runtime.spawn(answering.instrument(evaluation.span.clone())).abort_handle();
        evaluation.in_flight.set(evaluation.in_flight.get().saturating_add(1));
        let id = call.id();
        self.in_flight.insert(id, InFlight { evaluation, call, task });
        Ok(Answer::Pending(id))
    }
}

/// As much of a text as an error shows.
fn clipped(text: &str) -> String {
    text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default().to_owned()
}

/// Counts one more call.
fn count_call(evaluation: &Evaluation) -> Result<(), Error> {
    let limits = &evaluation.account.limits;
    if evaluation.calls.get() >= limits.host_calls {
        return Err(limit(format!("the evaluation has made its {} calls of host functions", limits.host_calls)));
    }
    evaluation.calls.set(evaluation.calls.get().saturating_add(1));
    Ok(())
}

/// Counts bytes that go to a function or come from it.
fn count_bytes(evaluation: &Evaluation, bytes: usize) -> Result<(), Error> {
    let all = evaluation.bytes.get().saturating_add(bytes);
    let most = evaluation.account.limits.host_bytes;
    if all > most {
        return Err(limit(format!("the evaluation has exchanged its {most} bytes with host functions")));
    }
    evaluation.bytes.set(all);
    Ok(())
}

fn too_large(refused: Refused) -> Error {
    Error::new(
        ErrorKind::MemoryLimit,
        format!("what goes to or from a host function takes more than is left of {refused}"),
    )
}

fn limit(message: String) -> Error {
    Error::new(ErrorKind::HostCallLimit, message)
}

/// What no engine of ours does.
pub(super) fn fault(what: &str) -> Error {
    Error::new(ErrorKind::HostFunction, format!("the call failed: {what}"))
}

impl host_functions::Host for Data<Ambient> {
    fn start(&mut self, function: u32, arguments: Vec<u8>) -> Answer {
        let _away = self.step_out();
        let memory = Arc::clone(self.ledger());
        let Ambient { calls, objects, .. } = &mut self.host;
        let Some((name, is_async)) = calls.defined.get(function as usize).cloned() else {
            return Answer::Failed(calls.tell("a function", fault("there is no such function")));
        };
        match calls.granted(&name, is_async) {
            Ok(function) => {
                calls.run(objects, &memory, &name, &arguments, |arguments, call| function.begin(arguments, call))
            }
            Err(error) => Answer::Failed(calls.tell(&name, error)),
        }
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("in_flight", &self.in_flight.len()).finish_non_exhaustive()
    }
}

/// The future of a call, which posts its answer. One that is dropped without, as at the end of its runtime, says so.
struct Flight {
    call: HostCall,
    inbox: Inbox,
    /// What its answer is counted in until the script has it.
    memory: Arc<Ledger>,
    limit: usize,
    /// With its arguments, which it has for as long.
    future: Option<(Answering, Charge)>,
}

impl Future for Flight {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some((future, _)) = &mut self.future else {
            return Poll::Ready(());
        };
        let Poll::Ready(answer) = future.as_mut().poll(context) else {
            return Poll::Pending;
        };
        self.future = None;
        let answer = answer.and_then(|answer| {
            let charge = self.memory.charge(answer.bytes(), self.limit).map_err(too_large)?;
            Ok((answer, charge))
        });
        self.inbox.post(Event::Answered(self.call.id(), answer));
        Poll::Ready(())
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.future.is_some() && !self.call.is_cancelled() {
            let message = format!("{} failed: its runtime has ended", self.call.function());
            let answer = Err(Error::new(ErrorKind::HostFunction, message));
            self.inbox.post(Event::Answered(self.call.id(), answer));
        }
    }
}
