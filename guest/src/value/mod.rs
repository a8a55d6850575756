//! JavaScript values to CBOR and back, in the wire format that the WIT type `value` documents.

mod tags;
mod refusal;
mod seen;
mod big;
mod writer;
mod reader;

use minicbor::Decoder;
use rquickjs::{Ctx, IntoAtom, Object, Value, object::Property};

use crate::{exception, failure::Failure, intrinsics::Bound};

pub(crate) use self::tags::{CLASS, VIEWS};

use self::{
    reader::{Malformed, Reader},
    refusal::Refusal,
    writer::Writer,
};

/// Deepest nesting that crosses, both ways. A guard for the stack, far above what data has.
pub(crate) const MAX_DEPTH: usize = 128;

/// A hole, encoded: as a result, that there is none.
pub(crate) const HOLE: [u8; 3] = [0xd8, 0x1f, 0xf7];

/// Every integer from -2^53 + 1 to 2^53 - 1 is a number of JavaScript; beyond, not every one is.
const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// Encodes a result in at most `limit` bytes.
pub(crate) fn encode<'js>(intrinsics: &Bound<'_, 'js>, value: &Value<'js>, limit: usize) -> Result<Vec<u8>, Failure> {
    write(Writer::new(intrinsics, limit).with_objects(), intrinsics, value, limit)
}

/// Encodes a value in at most `limit` bytes, to be read when objects of the host may be gone: none may be in it.
pub(crate) fn encode_data<'js>(
    intrinsics: &Bound<'_, 'js>,
    value: &Value<'js>,
    limit: usize,
) -> Result<Vec<u8>, Failure> {
    write(Writer::new(intrinsics, limit), intrinsics, value, limit)
}

fn write<'js>(
    mut writer: Writer<'_, 'js>,
    intrinsics: &Bound<'_, 'js>,
    value: &Value<'js>,
    limit: usize,
) -> Result<Vec<u8>, Failure> {
    let written = writer.value(value).and_then(|()| writer.finish());
    written.map_err(|refusal| match refusal {
        Refusal::Kind { path, kind } => Failure::NotTransferable(format!("result{path}: {kind}")),
        Refusal::TooLarge => too_large(limit),
        Refusal::OutOfMemory => Failure::OutOfMemory,
        Refusal::Js(error) => Failure::from_js(value.ctx(), intrinsics, error),
    })
}

/// Encodes the arguments of a call as one list.
pub(crate) fn encode_arguments<'js>(
    intrinsics: &Bound<'_, 'js>,
    arguments: &[Value<'js>],
    limit: usize,
) -> Result<Vec<u8>, Unencoded> {
    let mut writer = Writer::new(intrinsics, limit).with_objects();
    let written = writer.arguments(arguments).and_then(|()| writer.finish());
    written.map_err(|refusal| match refusal {
        Refusal::Kind { path, kind } => Unencoded::Kind(format!("{path}: {kind}")),
        Refusal::TooLarge => Unencoded::TooLarge,
        Refusal::OutOfMemory => Unencoded::OutOfMemory,
        Refusal::Js(error) => Unencoded::Js(error),
    })
}

/// Why arguments were not encoded.
pub(crate) enum Unencoded {
    /// Which of them cannot cross, as `path: kind`.
    Kind(String),
    TooLarge,
    OutOfMemory,
    /// A getter threw.
    Js(rquickjs::Error),
}

/// Encodes a text.
pub(crate) fn encode_text(text: &str, limit: usize) -> Result<Vec<u8>, Failure> {
    if text.len() > limit {
        return Err(too_large(limit));
    }
    let mut encoder = minicbor::Encoder::new(Vec::with_capacity(text.len() + 9));
    encoder.str(text).unwrap_or_else(|error| unreachable!("a vector takes every byte: {error}"));
    Ok(encoder.into_writer())
}

fn too_large(limit: usize) -> Failure {
    Failure::ResultTooLarge(u32::try_from(limit).unwrap_or(u32::MAX))
}

/// Decodes a value. `what` names it in the failure.
pub(crate) fn decode<'js>(
    ctx: &Ctx<'js>,
    intrinsics: &Bound<'_, 'js>,
    what: &str,
    bytes: &[u8],
) -> Result<Value<'js>, Failure> {
    let mut reader = Reader::new(ctx, intrinsics, Decoder::new(bytes));
    reader.whole().map_err(|malformed| match malformed {
        Malformed::Wire(reason) => Failure::InvalidArgument(format!("{what} is not an encoded value: {reason}")),
        Malformed::Js(error) => Failure::from_js(ctx, intrinsics, error),
    })
}

/// Decodes what the host answers to a script.
pub(crate) fn read<'js>(ctx: &Ctx<'js>, intrinsics: &Bound<'_, 'js>, bytes: &[u8]) -> rquickjs::Result<Value<'js>> {
    Reader::new(ctx, intrinsics, Decoder::new(bytes)).whole().map_err(|malformed| match malformed {
        Malformed::Wire(reason) => {
            exception::throw(ctx, intrinsics, "InternalError", &format!("the host's answer is no value: {reason}"))
        }
        Malformed::Js(error) => error,
    })
}

/// A property of its own that a list or an object has from now on, which no setter hears of.
pub(crate) fn define<'js>(object: &Object<'js>, key: impl IntoAtom<'js>, value: Value<'js>) -> rquickjs::Result<()> {
    object.prop(key, Property::from(value).writable().enumerable().configurable())
}

/// Whether a name can stand in a source text as it is. Some that could, with marks for instance, are not taken for one.
pub(crate) fn is_identifier(name: &str) -> bool {
    let letter = |c: char| c.is_alphabetic() || c == '_' || c == '$';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}
