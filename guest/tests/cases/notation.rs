//! The notation in which the case files have a value, from its encoded form.

use minicbor::{Decoder, data::Type};

use super::case_file;

/// An encoded value in the notation of the case files.
pub(super) fn render(value: &[u8]) -> String {
    let mut decoder = Decoder::new(value);
    let text = read(&mut decoder, &mut 0).expect("the engine encodes values as its contract says");
    assert_eq!(decoder.position(), value.len(), "one value and no byte more");
    text
}

/// Reads one item. So many of the items before it are shared.
pub(super) fn read(from: &mut Decoder<'_>, shared: &mut usize) -> Result<String, minicbor::decode::Error> {
    Ok(match from.datatype()? {
        Type::Undefined => from.undefined().map(|()| "undefined".into())?,
        Type::Null => from.null().map(|()| "null".into())?,
        Type::Bool => from.bool()?.to_string(),
        Type::F32 | Type::F64 => case_file::number(float(from)?),
        Type::String => case_file::quoted(from.str()?),
        Type::Bytes => case_file::bytes(from.bytes()?),
        Type::Array => {
            let length = from.array()?.expect("a definite length");
            case_file::array(&(0..length).map(|_| read(from, shared)).collect::<Result<Vec<_>, _>>()?)
        }
        Type::Map => case_file::object(members(from, shared)?.into_iter()),
        Type::Tag => tagged(from, shared)?,
        _ => i128::from(from.int()?).to_string(),
    })
}

/// The names and items of a map.
fn members<'b>(from: &mut Decoder<'b>, shared: &mut usize) -> Result<Vec<(&'b str, String)>, minicbor::decode::Error> {
    let length = from.map()?.expect("a definite length");
    (0..length).map(|_| Ok((from.str()?, read(from, shared)?))).collect()
}

fn tagged(from: &mut Decoder<'_>, shared: &mut usize) -> Result<String, minicbor::decode::Error> {
    Ok(match from.tag()?.as_u64() {
        1 => {
            let seconds = float(from)?;
            // Of the whole and the fraction, as the product of both can be rounded to half a millisecond.
            let millis = seconds.trunc() * 1000.0 + (seconds.fract() * 1000.0).round();
            case_file::date((!millis.is_nan()).then_some(millis as i64))
        }
        2 => format!("{}n", decimal(from.bytes()?, 0)),
        // CBOR writes the negative number n as the magnitude of -1 - n.
        3 => format!("-{}n", decimal(from.bytes()?, 1)),
        27 => match (from.array()?, from.str()?) {
            (Some(2), "ArrayBuffer") => case_file::array_buffer(from.bytes()?),
            (Some(2), "DataView") => case_file::view("DataView", from.bytes()?),
            (Some(3), "RegExp") => case_file::regexp(from.str()?, from.str()?),
            (Some(2), "Error") => {
                let mut members = members(from, shared)?;
                members.retain(|(name, _)| *name != "stack");
                case_file::error(&members)
            }
            (Some(2), "Boolean" | "Number" | "String" | "BigInt") => case_file::boxed(&read(from, shared)?),
            (length, class) => panic!("the engine never writes the class {class} with {length:?}"),
        },
        28 => {
            let number = *shared;
            *shared += 1;
            case_file::shared(number, &read(from, shared)?)
        }
        29 => case_file::reference(from.u64()? as usize),
        31 => {
            from.undefined()?;
            case_file::HOLE.into()
        }
        258 => {
            let length = from.array()?.expect("a definite length");
            case_file::set(&(0..length).map(|_| read(from, shared)).collect::<Result<Vec<_>, _>>()?)
        }
        259 => {
            let length = from.map()?.expect("a definite length");
            let entries = (0..length).map(|_| Ok((read(from, shared)?, read(from, shared)?)));
            case_file::map(&entries.collect::<Result<Vec<_>, minicbor::decode::Error>>()?)
        }
        tag @ 68..=86 => {
            let class = match tag {
                68 => "Uint8ClampedArray",
                69 => "Uint16Array",
                70 => "Uint32Array",
                71 => "BigUint64Array",
                72 => "Int8Array",
                77 => "Int16Array",
                78 => "Int32Array",
                79 => "BigInt64Array",
                84 => "Float16Array",
                85 => "Float32Array",
                86 => "Float64Array",
                _ => panic!("the engine never writes the tag {tag}"),
            };
            case_file::view(class, from.bytes()?)
        }
        tag => panic!("the engine never writes the tag {tag}"),
    })
}

pub(super) fn float(from: &mut Decoder<'_>) -> Result<f64, minicbor::decode::Error> {
    match from.datatype()? {
        Type::F32 => from.f32().map(f64::from),
        Type::F64 => from.f64(),
        _ => from.i64().map(|integer| integer as f64),
    }
}

/// A magnitude, with something added to it, in decimal digits.
fn decimal(magnitude: &[u8], more: u64) -> String {
    const BASE: u64 = 1_000_000_000;
    // Groups of nine digits, the lowest first.
    let mut groups = vec![0_u64];
    let mut add = |factor: u64, mut carry: u64| {
        for group in &mut groups {
            carry += *group * factor;
            *group = carry % BASE;
            carry /= BASE;
        }
        if carry > 0 {
            groups.push(carry);
        }
    };
    for byte in magnitude {
        add(256, u64::from(*byte));
    }
    add(1, more);
    let (highest, rest) = groups.split_last().expect("one group at least");
    rest.iter().rev().fold(highest.to_string(), |digits, group| format!("{digits}{group:09}"))
}
