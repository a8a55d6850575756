//! Values to CBOR and back: the wire format that the WIT type `value` documents.

use minicbor::{
    Decoder, Encoder,
    data::{IanaTag, Tag, Type},
};
use num_bigint::Sign;

use super::value::{BigInt, Date, MAX_SAFE_INTEGER, Value, as_integer};

/// Deepest nesting that crosses. One more than the engine's own, so that it is the engine that says where.
const MAX_DEPTH: usize = 129;

/// CBOR tag of an object with a class name and arguments of its constructor.
const CLASS: Tag = Tag::new(27);

/// CBOR tag of an array of unsigned 8-bit integers (RFC 8746).
const UINT8_ARRAY: Tag = Tag::new(64);

/// Encodes a value.
pub(super) fn encode(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder, value).unwrap_or_else(|error| unreachable!("a vector takes every byte: {error}"));
    encoder.into_writer()
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn write(out: &mut Encoder<Vec<u8>>, value: &Value) -> Written {
    match value {
        Value::Undefined => drop(out.undefined()?),
        Value::Null => drop(out.null()?),
        Value::Bool(bool) => drop(out.bool(*bool)?),
        Value::Number(number) => write_number(out, *number)?,
        Value::BigInt(BigInt(integer)) => {
            // CBOR writes the negative number n as the magnitude of -1 - n.
            let (tag, magnitude) = match integer.sign() {
                Sign::Minus => (IanaTag::NegBignum, -1 - integer),
                _ => (IanaTag::PosBignum, integer.clone()),
            };
            let bytes = match magnitude.sign() {
                Sign::NoSign => Vec::new(),
                _ => magnitude.to_bytes_be().1,
            };
            out.tag(tag)?.bytes(&bytes)?;
        }
        Value::String(text) => drop(out.str(text)?),
        Value::Date(date) => {
            out.tag(IanaTag::Timestamp)?;
            write_number(out, date.millis().map_or(f64::NAN, |millis| millis as f64 / 1000.0))?;
        }
        Value::Bytes(bytes) => drop(out.bytes(bytes)?),
        Value::ArrayBuffer(bytes) => drop(out.tag(CLASS)?.array(2)?.str("ArrayBuffer")?.bytes(bytes)?),
        Value::Array(elements) => {
            out.array(elements.len() as u64)?;
            for element in elements {
                write(out, element)?;
            }
        }
        Value::Object(properties) => {
            out.map(properties.len() as u64)?;
            for (name, value) in properties {
                out.str(name)?;
                write(out, value)?;
            }
        }
    }
    Ok(())
}

fn write_number(out: &mut Encoder<Vec<u8>>, number: f64) -> Written {
    if let Some(integer) = as_integer(number) {
        out.i64(integer)?;
    } else if f64::from(number as f32) == number || number.is_nan() {
        out.f32(number as f32)?;
    } else {
        out.f64(number)?;
    }
    Ok(())
}

/// Decodes a value. The reason says where the bytes are wrong.
pub(super) fn decode(bytes: &[u8]) -> Result<Value, String> {
    let mut decoder = Decoder::new(bytes);
    let value = read(&mut decoder, 0)?;
    match decoder.position() {
        end if end == bytes.len() => Ok(value),
        end => Err(format!("bytes follow the value at byte {end}")),
    }
}

fn read(input: &mut Decoder<'_>, depth: usize) -> Result<Value, String> {
    let at = input.position();
    if depth > MAX_DEPTH {
        return Err(format!("nested deeper than {MAX_DEPTH} levels at byte {at}"));
    }
    let wrong = |error: minicbor::decode::Error| format!("{error} at byte {at}");
    Ok(match input.datatype().map_err(wrong)? {
        Type::Undefined => input.undefined().map(|()| Value::Undefined).map_err(wrong)?,
        Type::Null => input.null().map(|()| Value::Null).map_err(wrong)?,
        Type::Bool => Value::Bool(input.bool().map_err(wrong)?),
        Type::F16 | Type::F32 | Type::F64 => Value::Number(read_float(input).map_err(wrong)?),
        Type::String => Value::String(input.str().map_err(wrong)?.to_owned()),
        Type::Bytes => Value::Bytes(input.bytes().map_err(wrong)?.to_vec()),
        Type::Array => {
            let length = bounded(input.array().map_err(wrong)?, input, at)?;
            let mut elements = Vec::new();
            for _ in 0..length {
                elements.push(read(input, depth + 1)?);
            }
            Value::Array(elements)
        }
        Type::Map => {
            let length = bounded(input.map().map_err(wrong)?, input, at)?;
            let mut properties = Vec::new();
            for _ in 0..length {
                let name = input.str().map_err(wrong)?.to_owned();
                properties.push((name, read(input, depth + 1)?));
            }
            Value::Object(properties)
        }
        Type::Tag => read_tagged(input, depth, at)?,
        _ => read_integer(i128::from(input.int().map_err(wrong)?)),
    })
}

/// Lengths come from the guest: one that the rest of the bytes cannot hold is refused before anything is made of it.
fn bounded(length: Option<u64>, input: &Decoder<'_>, at: usize) -> Result<usize, String> {
    let left = input.input().len().saturating_sub(input.position());
    let length = length.ok_or_else(|| format!("an indefinite length at byte {at}"))?;
    usize::try_from(length)
        .ok()
        .filter(|length| *length <= left)
        .ok_or_else(|| format!("a length beyond the end at byte {at}"))
}

fn read_float(input: &mut Decoder<'_>) -> Result<f64, minicbor::decode::Error> {
    match input.datatype()? {
        Type::F16 => input.f16().map(f64::from),
        Type::F32 => input.f32().map(f64::from),
        _ => input.f64(),
    }
}

/// Whole seconds and the rest apart: in one product, the rounding of both steps would add up to a millisecond.
fn millis(seconds: f64) -> f64 {
    let whole = seconds.trunc();
    whole * 1000.0 + ((seconds - whole) * 1000.0).round()
}

fn read_integer(integer: i128) -> Value {
    if integer.unsigned_abs() <= MAX_SAFE_INTEGER as u128 {
        Value::Number(integer as f64)
    } else {
        Value::BigInt(integer.into())
    }
}

fn read_tagged(input: &mut Decoder<'_>, depth: usize, at: usize) -> Result<Value, String> {
    let wrong = |error: minicbor::decode::Error| format!("{error} at byte {at}");
    let tag = input.tag().map_err(wrong)?;
    if tag == IanaTag::PosBignum.tag() || tag == IanaTag::NegBignum.tag() {
        let magnitude = num_bigint::BigInt::from_bytes_be(Sign::Plus, input.bytes().map_err(wrong)?);
        let negative = tag == IanaTag::NegBignum.tag();
        Ok(Value::BigInt(BigInt(if negative { -1 - magnitude } else { magnitude })))
    } else if tag == IanaTag::Timestamp.tag() {
        match read(input, depth + 1)? {
            Value::Number(seconds) => Ok(Value::Date(Date::from_millis(millis(seconds)))),
            _ => Err(format!("a date that is not a number at byte {at}")),
        }
    } else if tag == UINT8_ARRAY {
        Ok(Value::Bytes(input.bytes().map_err(wrong)?.to_vec()))
    } else if tag == CLASS {
        match (input.array().map_err(wrong)?, input.str().map_err(wrong)?) {
            (Some(2), "ArrayBuffer") => Ok(Value::ArrayBuffer(input.bytes().map_err(wrong)?.to_vec())),
            (_, class) => Err(format!("an object of class {class:?} at byte {at}")),
        }
    } else {
        Err(format!("tag {} at byte {at}", tag.as_u64()))
    }
}
