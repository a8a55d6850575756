//! Why a call has no result.

use rquickjs::{ArrayBuffer, Ctx, Object, Value};

use crate::{intrinsics::Bound, text, value};

/// Length of a text within a failure, in bytes, beyond which it is cut: scripts choose these texts.
const MAX_TEXT: usize = 16 << 10;

/// The same of what led to an exception, of which there may be many.
const MAX_RELATED_TEXT: usize = 4 << 10;

/// Longest encoded form of a thrown value. A longer one crosses as its text only.
const MAX_THROWN: usize = 64 << 10;

/// Exceptions of one failure: the one that was thrown, and what led to it.
const MAX_EXCEPTIONS: usize = 32;

/// How deep exceptions may be within one another.
const MAX_NESTING: usize = 8;

/// Why a call has no result: the WIT variant `failure`.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The script threw and did not catch.
    Thrown(Box<Exception>),
    /// The host asked the call to stop. The promise jobs that it had queued were dropped.
    Interrupted {
        /// Whether there were any.
        jobs_dropped: bool,
    },
    /// The result is a promise that nothing can settle.
    NeverSettles,
    /// What cannot cross, as `path: kind`.
    NotTransferable(String),
    /// The result is longer than this many bytes.
    ResultTooLarge(u32),
    /// Which argument is malformed, and where.
    InvalidArgument(String),
    /// The host has this many handles, the most it may.
    TooManyHandles(u32),
    /// The engine's memory is used up.
    OutOfMemory,
}

/// What a script threw: the WIT record `exception`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exception {
    /// The error's class; empty when what was thrown is not an `Error`.
    pub name: String,
    /// The error's message, or the text form of what was thrown.
    pub message: String,
    /// One line a frame, innermost first.
    pub stack: String,
    /// The thrown value, encoded, where it is not an `Error` and can cross.
    pub thrown: Option<Vec<u8>>,
    /// What the host knows the error by, where it is the host's.
    pub host_error: Option<u64>,
    /// The error's `cause`.
    pub cause: Option<Box<Exception>>,
    /// The members of an `AggregateError`.
    pub errors: Vec<Exception>,
    /// How many of these are not here, for being too many or too deep.
    pub left_out: u32,
}

impl Exception {
    /// Changes this exception and all that led to it.
    pub(crate) fn each(&mut self, change: &mut impl FnMut(&mut Exception)) {
        change(self);
        self.cause.iter_mut().for_each(|cause| cause.each(change));
        self.errors.iter_mut().for_each(|error| error.each(change));
    }

    fn clipped(self, bytes: usize) -> Exception {
        let clip = |text| text::clip(text, bytes);
        Exception {
            name: clip(self.name),
            message: clip(self.message),
            stack: clip(self.stack),
            cause: self.cause.map(|cause| Box::new(cause.clipped(MAX_RELATED_TEXT))),
            errors: self.errors.into_iter().map(|error| error.clipped(MAX_RELATED_TEXT)).collect(),
            ..self
        }
    }
}

impl Failure {
    /// The same failure with every text cut to a length that the host is ready to take.
    pub(crate) fn clipped(self) -> Failure {
        let clip = |text| text::clip(text, MAX_TEXT);
        match self {
            Failure::Thrown(exception) => Failure::Thrown(Box::new(exception.clipped(MAX_TEXT))),
            Failure::NotTransferable(what) => Failure::NotTransferable(clip(what)),
            Failure::InvalidArgument(what) => Failure::InvalidArgument(clip(what)),
            other => other,
        }
    }

    /// Turns an error of rquickjs into a failure, taking the pending exception where there is one.
    pub(crate) fn from_js<'js>(ctx: &Ctx<'js>, intrinsics: &Bound<'_, 'js>, error: rquickjs::Error) -> Failure {
        match error {
            rquickjs::Error::Allocation => Failure::OutOfMemory,
            rquickjs::Error::Exception | rquickjs::Error::Unknown => describe(ctx, intrinsics, ctx.catch()),
            other => Failure::Thrown(Box::new(Exception {
                name: "InternalError".into(),
                message: other.to_string(),
                ..Exception::default()
            })),
        }
    }
}

/// Bytes that a context must be able to allocate after a failure, or else it is memory that was the cause: without
/// any, QuickJS throws whatever it can still make, such as `null` or a syntax error.
const PROBE: [u8; 16 << 10] = [0; 16 << 10];

fn describe<'js>(ctx: &Ctx<'js>, intrinsics: &Bound<'_, 'js>, thrown: Value<'js>) -> Failure {
    if ArrayBuffer::new_copy(ctx.clone(), PROBE).is_err() {
        ctx.catch();
        return Failure::OutOfMemory;
    }
    let mut chain = Chain { intrinsics, left: MAX_EXCEPTIONS - 1, around: Vec::new() };
    let exception = chain.exception(&thrown);
    // A regular expression that is too large for the memory is a syntax error.
    if matches!(exception.name.as_str(), "InternalError" | "SyntaxError") && exception.message == "out of memory" {
        return Failure::OutOfMemory;
    }
    Failure::Thrown(Box::new(exception))
}

/// An exception, and on from there what led to it.
struct Chain<'a, 'js> {
    intrinsics: &'a Bound<'a, 'js>,
    /// How many more exceptions there may be.
    left: usize,
    /// The errors around the one that is being described.
    around: Vec<Object<'js>>,
}

impl<'js> Chain<'_, 'js> {
    fn exception(&mut self, thrown: &Value<'js>) -> Exception {
        let within = !self.around.is_empty();
        let (text, bytes) = if within { (MAX_RELATED_TEXT, MAX_RELATED_TEXT) } else { (MAX_TEXT, MAX_THROWN) };
        let Some(error) = thrown.as_object().filter(|_| thrown.is_error()) else {
            return Exception {
                message: text::inspect(self.intrinsics, thrown, text),
                thrown: self.encoded(thrown, bytes),
                ..Exception::default()
            };
        };
        if self.around.contains(error) {
            return Exception { message: "[Circular]".into(), ..Exception::default() };
        }
        let mut exception = Exception {
            name: self.text(error, "name", text),
            message: self.text(error, "message", text),
            stack: self.text(error, "stack", text).trim_end().to_owned(),
            host_error: self.intrinsics.attempt(|| self.intrinsics.mark_of(error)).flatten(),
            ..Exception::default()
        };
        self.around.push(error.clone());
        if let Some(cause) = self.own(error, "cause") {
            match self.related(&cause) {
                Some(cause) => exception.cause = Some(Box::new(cause)),
                None => exception.left_out += 1,
            }
        }
        if let Some(errors) = self.own(error, "errors").and_then(Value::into_object) {
            self.errors(&errors, &mut exception);
        }
        self.around.pop();
        exception
    }

    /// What led to the exception that is being described, where there is room for it.
    fn related(&mut self, value: &Value<'js>) -> Option<Exception> {
        if self.around.len() > MAX_NESTING {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        Some(self.exception(value))
    }

    fn errors(&mut self, errors: &Object<'js>, exception: &mut Exception) {
        let intrinsics = self.intrinsics;
        if intrinsics.attempt(|| intrinsics.is_list(errors)) != Some(true) {
            return;
        }
        let length = intrinsics.attempt(|| intrinsics.length(errors)).unwrap_or_default() as u32;
        for index in 0..length {
            let error = intrinsics.attempt(|| errors.get::<_, Value<'js>>(f64::from(index)));
            let error = error.unwrap_or_else(|| Value::new_undefined(errors.ctx().clone()));
            match self.related(&error) {
                Some(error) => exception.errors.push(error),
                None => {
                    exception.left_out = exception.left_out.saturating_add(length - index);
                    break;
                }
            }
        }
    }

    /// What was thrown, where that can cross in so many bytes.
    fn encoded(&self, thrown: &Value<'js>, bytes: usize) -> Option<Vec<u8>> {
        if self.intrinsics.is_stopped() { None } else { value::encode_data(self.intrinsics, thrown, bytes).ok() }
    }

    /// A property that an error has itself.
    fn own(&self, error: &Object<'js>, name: &str) -> Option<Value<'js>> {
        let has = self.intrinsics.attempt(|| self.intrinsics.has_own(error, name))?;
        if has { self.intrinsics.attempt(|| error.get(name)) } else { None }
    }

    /// A property of an error as text; empty where it is missing or is not text.
    fn text(&self, error: &Object<'js>, name: &str, bytes: usize) -> String {
        let text = self.intrinsics.attempt(|| match error.get::<_, Value<'js>>(name)?.as_string() {
            Some(string) => self.intrinsics.head(string, bytes + 1),
            None => Ok(String::new()),
        });
        text.unwrap_or_default()
    }
}
