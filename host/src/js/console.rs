//! What scripts print.

use std::{
    fmt,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use super::{bindings, evaluation::Evaluation, value::Value, wire};
use crate::component::{Charge, Ledger};

/// How bad a console message is: the method that the script called. `Info` is `console.log`, and every method that has
/// no level of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// What a script printed by one call of a method of its console.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsoleMessage {
    level: Level,
    text: String,
    time: SystemTime,
    arguments: Vec<Vec<u8>>,
}

impl ConsoleMessage {
    /// The message's level.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The message as a person reads it: formatted, indented by its groups, without a newline at its end.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// When it was printed, by the clock that `Date` shows in the context.
    pub fn time(&self) -> SystemTime {
        self.time
    }

    /// What the script gave to the method, where that was [asked](Console::with_arguments) for; else nothing.
    ///
    /// An argument that cannot leave the engine, a function for instance, is a string, as it would be printed. So is the
    /// first that has no room in the 256 KiB that the arguments of one message may take, and what comes behind it is left
    /// out.
    pub fn arguments(&self) -> Vec<Value> {
        // The engine's own encoder wrote them, and they are few.
        self.arguments.iter().map(|argument| wire::decode(argument, usize::MAX).unwrap_or_default()).collect()
    }
}

impl fmt::Display for ConsoleMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A place that collects what scripts print: for the calls of a handle, by [`Context::printing_to`].
///
/// Messages are in it as soon as they are printed, so that those of a call that fails, or runs too long, or loses its
/// context are there, too. It is a place and no part of a result because calls of every kind print, batches and those
/// that are given up among them. Clones are the same place. It keeps what it is given until that is
/// [taken](Console::take): [`Limits::console`](crate::Limits::console) for each call at most, and as a part of the memory of the context
/// that they are of.
///
/// ```no_run
/// # async fn example(context: aiointernal::Context) {
/// use aiointernal::js::Console;
///
/// let console = Console::new();
/// let result = context.printing_to(&console).eval("console.log('so far'); null.x").await;
/// assert!(result.is_err());
/// assert_eq!(console.take()[0].text(), "so far");
/// # }
/// ```
///
/// [`Context::printing_to`]: crate::js::Context::printing_to
#[derive(Clone, Debug, Default)]
pub struct Console {
    messages: Arc<Mutex<Vec<(ConsoleMessage, Charge)>>>,
    arguments: bool,
}

impl Console {
    /// An empty place.
    pub fn new() -> Console {
        Console::default()
    }

    /// The same place, which asks scripts for the [arguments](ConsoleMessage::arguments) of messages, too. They count
    /// towards [`Limits::console`](crate::Limits::console), take time to encode, and run getters a second time.
    pub fn with_arguments(self) -> Console {
        Console { arguments: true, ..self }
    }

    /// The messages so far, which are no longer here then.
    pub fn take(&self) -> Vec<ConsoleMessage> {
        let messages = std::mem::take(&mut *self.lock());
        messages.into_iter().map(|(message, _charge)| message).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(ConsoleMessage, Charge)>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that a message takes in memory beside its text and its arguments.
const MESSAGE_BYTES: usize = size_of::<ConsoleMessage>();

/// Takes console messages as they come, on the context's thread.
pub(super) type Sink = Arc<dyn Fn(&ConsoleMessage) + Send + Sync>;

/// Where the messages of a context go.
#[derive(Clone, Default)]
pub(super) struct Output {
    sink: Option<Sink>,
    /// Whether the sink is to have arguments.
    arguments: bool,
    /// Whose script runs.
    evaluation: Option<Rc<Evaluation>>,
}

impl Output {
    pub(super) fn to(sink: Option<Sink>, arguments: bool) -> Output {
        Output { sink, arguments, evaluation: None }
    }

    /// From now on it is this evaluation's script that runs, or none.
    pub(super) fn run_for(&mut self, evaluation: Option<&Rc<Evaluation>>) {
        self.evaluation = evaluation.cloned();
    }

    fn caller(&self) -> Option<&Console> {
        self.evaluation.as_ref().and_then(|evaluation| evaluation.console.as_ref())
    }

    /// Whether the engine is to give the arguments of messages.
    pub(super) fn wants_arguments(&self) -> bool {
        (self.arguments && self.sink.is_some()) || self.caller().is_some_and(|caller| caller.arguments)
    }

    /// A message of the script: passed on, or dropped when the evaluation has printed its share.
    pub(super) fn write(
        &self,
        memory: &Arc<Ledger>,
        level: bindings::LogLevel,
        mut text: String,
        mut arguments: Vec<Vec<u8>>,
        time: SystemTime,
    ) {
        let Some(evaluation) = &self.evaluation else {
            return;
        };
        if evaluation.has_printed_all.get() {
            return;
        }
        let level = match level {
            bindings::LogLevel::Trace => Level::Trace,
            bindings::LogLevel::Debug => Level::Debug,
            bindings::LogLevel::Info => Level::Info,
            bindings::LogLevel::Warn => Level::Warn,
            bindings::LogLevel::Error => Level::Error,
        };
        // Who did not ask has none, whatever the engine gives.
        if !self.wants_arguments() {
            arguments = Vec::new();
        }
        // With what it takes in memory, so that empty ones come to an end, too.
        let bytes = arguments.iter().fold(MESSAGE_BYTES.saturating_add(text.len()), |bytes, argument| {
            bytes.saturating_add(size_of::<Vec<u8>>()).saturating_add(argument.len())
        });
        let left = evaluation.to_print.get();
        let is_too_long = bytes > left;
        if is_too_long {
            text.truncate(text.floor_char_boundary(left.saturating_sub(MESSAGE_BYTES)));
            arguments = Vec::new();
        }
        let bytes = bytes.min(left);
        evaluation.to_print.set(left.saturating_sub(bytes));
        if !is_too_long || !text.is_empty() {
            self.pass(evaluation, memory, bytes, ConsoleMessage { level, text, time, arguments });
        }
        if is_too_long {
            evaluation.has_printed_all.set(true);
            self.pass(evaluation, memory, 0, cut("the call has printed its limit", time));
        }
    }

    /// Gives a message, of so many bytes, to both who want it, and its arguments to whom asked for them. A sink has seen it; a place keeps
    /// it, as long as there is memory for it.
    fn pass(&self, evaluation: &Evaluation, memory: &Arc<Ledger>, bytes: usize, mut message: ConsoleMessage) {
        if let Some(sink) = &self.sink {
            let kept = if self.arguments { Vec::new() } else { std::mem::take(&mut message.arguments) };
            sink(&message);
            if !self.arguments {
                message.arguments = kept;
            }
        }
        let Some(caller) = self.caller().filter(|_| !evaluation.is_console_full.get()) else {
            return;
        };
        if !caller.arguments {
            message.arguments = Vec::new();
        }
        let charge = memory.charge(bytes, evaluation.limits().memory).map_err(|refused| {
            evaluation.is_console_full.set(true);
            cut(&format!("it takes more than is left of {refused}"), message.time)
        });
        caller.lock().push(match charge {
            Ok(charge) => (message, charge),
            Err(cut) => (cut, Charge::default()),
        });
    }
}

/// What is said in the place of what is dropped.
fn cut(why: &str, time: SystemTime) -> ConsoleMessage {
    let text = format!("[console output is cut here: {why}]");
    ConsoleMessage { level: Level::Warn, text, time, arguments: Vec::new() }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("arguments", &self.arguments).finish_non_exhaustive()
    }
}
