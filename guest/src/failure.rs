//! Why a call has no result.

use rquickjs::{ArrayBuffer, Ctx, Object, Value};

use crate::{intrinsics::Bound, text, value};

/// Length of a text within a failure, in bytes, beyond which it is cut: scripts choose these texts.
const MAX_TEXT: usize = 16 << 10;

/// Why a call has no result: the WIT variant `failure`.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The script threw and did not catch.
    Thrown(Exception),
    /// The host asked the call to stop. `jobs_left`: promise jobs remain that would run within a later call.
    Interrupted {
        /// Whether promise jobs remain.
        jobs_left: bool,
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
#[derive(Clone, Debug, PartialEq)]
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
}

impl Failure {
    /// The same failure with every text cut to a length that the host is ready to take.
    pub(crate) fn clipped(self) -> Failure {
        let clip = |text| text::clip(text, MAX_TEXT);
        match self {
            Failure::Thrown(Exception { name, message, stack, thrown, host_error }) => {
                let (name, message, stack) = (clip(name), clip(message), clip(stack));
                Failure::Thrown(Exception { name, message, stack, thrown, host_error })
            }
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
            other => Failure::Thrown(Exception {
                name: "InternalError".into(),
                message: other.to_string(),
                stack: String::new(),
                thrown: None,
                host_error: None,
            }),
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
    let Some(error) = thrown.as_object().filter(|_| thrown.is_error()) else {
        return Failure::Thrown(Exception {
            name: String::new(),
            message: text::inspect(intrinsics, &thrown, MAX_TEXT),
            stack: String::new(),
            thrown: value::encode(intrinsics, &thrown, value::THROWN_BYTES).ok(),
            host_error: None,
        });
    };
    let exception = Exception {
        name: member(ctx, intrinsics, error, "name"),
        message: member(ctx, intrinsics, error, "message"),
        stack: member(ctx, intrinsics, error, "stack").trim_end().to_owned(),
        thrown: None,
        host_error: intrinsics.mark_of(error).unwrap_or_else(|_| {
            ctx.catch();
            None
        }),
    };
    // A regular expression that is too large for the memory is a syntax error.
    if matches!(exception.name.as_str(), "InternalError" | "SyntaxError") && exception.message == "out of memory" {
        return Failure::OutOfMemory;
    }
    Failure::Thrown(exception)
}

/// A property of an error as text; empty where it is missing, is not text, or its getter throws.
fn member<'js>(ctx: &Ctx<'js>, intrinsics: &Bound<'_, 'js>, error: &Object<'js>, name: &str) -> String {
    let text = error.get::<_, Value<'js>>(name).and_then(|value| match value.as_string() {
        Some(string) => intrinsics.head(string, MAX_TEXT + 1),
        None => Ok(String::new()),
    });
    text.unwrap_or_else(|_| {
        ctx.catch();
        String::new()
    })
}
