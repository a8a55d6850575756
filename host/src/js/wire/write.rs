//! Values to CBOR.

use std::{collections::HashMap, fmt::Display};

use minicbor::{
    Encoder,
    data::{IanaTag, Tag},
};
use num_bigint::Sign;

use super::{ABSENT, CLASS, MAP, MAX_DEPTH, REFERENCE, SET, SHARED};
use crate::{
    error::{Error, ErrorKind},
    js::host_object::HostObject,
    js::value::{BigInt, ErrorObject, Refused, Value, as_integer, entry, property},
};

/// An encoded value.
#[derive(Debug)]
pub(in crate::js) struct Written {
    pub(in crate::js) bytes: Vec<u8>,
    /// Whether there is a handle in it.
    pub(in crate::js) has_handles: bool,
    /// The objects of the host in it.
    pub(in crate::js) objects: Vec<HostObject>,
}

/// Encodes a value. The error calls it by this name.
///
/// # Errors
///
/// [`ErrorKind::InvalidArgument`], with the path to the place: a reference to what is not there, or a value that is nested too
/// deep to be looked through.
pub(in crate::js) fn encode(value: &Value, name: impl Display) -> Result<Written, Error> {
    let mut writer = Writer {
        out: Encoder::new(Vec::new()),
        numbers: HashMap::new(),
        marks: 0,
        depth: 0,
        has_handles: false,
        objects: Vec::new(),
    };
    match writer.value(value) {
        Ok(()) => {
            let Writer { out, has_handles, objects, .. } = writer;
            Ok(Written { bytes: out.into_writer(), has_handles, objects })
        }
        Err(refused) => {
            Err(Error::new(ErrorKind::InvalidArgument, format!("a value cannot enter the engine: {name}{refused}")))
        }
    }
}

struct Writer {
    out: Encoder<Vec<u8>>,
    /// For each number of a shared value up to here, which mark it is.
    numbers: HashMap<u32, u64>,
    /// How many marks were written.
    marks: u64,
    depth: usize,
    has_handles: bool,
    objects: Vec<HostObject>,
}

/// What a vector takes: every byte.
macro_rules! put {
    ($out:expr $(, $method:ident($($argument:expr)?))+) => {{
        let written: Result<_, minicbor::encode::Error<std::convert::Infallible>> =
            (|| { $out$(.$method($($argument)?)?)+; Ok(()) })();
        written.unwrap_or_else(|error| unreachable!("a vector takes every byte: {error}"))
    }};
}

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), Refused> {
        let out = &mut self.out;
        match value {
            Value::Undefined | Value::Hole => put!(out, undefined()),
            Value::Null => put!(out, null()),
            Value::Bool(bool) => put!(out, bool(*bool)),
            Value::Number(number) => self.number(*number),
            Value::BigInt(integer) => self.big_int(integer),
            Value::String(text) => put!(out, str(text)),
            Value::Date(date) => {
                put!(out, tag(IanaTag::Timestamp));
                self.number(date.millis().map_or(f64::NAN, |millis| millis as f64 / 1000.0));
            }
            Value::RegExp(regexp) => {
                self.class("RegExp", 2);
                put!(self.out, str(&regexp.source), str(&regexp.flags));
            }
            Value::Bytes(bytes) => put!(out, bytes(bytes)),
            Value::ArrayBuffer(bytes) => {
                self.class("ArrayBuffer", 1);
                put!(self.out, bytes(bytes));
            }
            Value::DataView(bytes) => {
                self.class("DataView", 1);
                put!(self.out, bytes(bytes));
            }
            Value::TypedArray(array) => put!(out, tag(Tag::new(array.tag())), bytes(&array.to_bytes())),
            Value::Boxed(inner) => self.boxed(inner)?,
            Value::Shared(number, inner) => self.shared(*number, inner)?,
            Value::Reference(number) => match self.numbers.get(number) {
                Some(mark) => put!(out, tag(REFERENCE), u64(*mark)),
                None => {
                    let what = format!("a reference to {number}, and nothing before it is shared under that number");
                    return Err(Refused::new(what));
                }
            },
            Value::Handle(handle) => {
                self.has_handles = true;
                self.class("Handle", 1);
                put!(self.out, u64(handle.number()));
            }
            Value::HostObject(object) => {
                self.objects.push(object.clone());
                self.class("HostObject", 1);
                put!(self.out, u64(object.number()));
            }
            Value::Array(_) | Value::Map(_) | Value::Set(_) | Value::Error(_) | Value::Object(_) => {
                if self.depth > MAX_DEPTH {
                    return Err(Refused::new(format!("nested deeper than {MAX_DEPTH} levels")));
                }
                self.depth = self.depth.saturating_add(1);
                self.members(value)?;
                self.depth = self.depth.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// Writes a value that is at this place within another.
    fn member(&mut self, value: &Value, segment: impl FnOnce() -> String) -> Result<(), Refused> {
        self.value(value).map_err(|refused| refused.under(&segment()))
    }

    fn members(&mut self, value: &Value) -> Result<(), Refused> {
        let out = &mut self.out;
        match value {
            Value::Array(elements) => {
                put!(out, array(elements.len() as u64));
                elements.iter().enumerate().try_for_each(|(index, element)| match element {
                    Value::Hole => {
                        put!(self.out, tag(ABSENT), undefined());
                        Ok(())
                    }
                    element => self.member(element, || format!("[{index}]")),
                })
            }
            Value::Set(members) => {
                put!(out, tag(SET), array(members.len() as u64));
                members
                    .iter()
                    .enumerate()
                    .try_for_each(|(index, member)| self.member(member, || format!("(member {index})")))
            }
            Value::Map(entries) => {
                put!(out, tag(MAP), map(entries.len() as u64));
                entries.iter().enumerate().try_for_each(|(index, (key, value))| {
                    self.member(key, || format!("(key {index})"))?;
                    self.member(value, || entry(index, key))
                })
            }
            Value::Object(properties) => {
                put!(out, map(properties.len() as u64));
                properties.iter().try_for_each(|(name, value)| {
                    put!(self.out, str(name));
                    self.member(value, || property(name))
                })
            }
            Value::Error(error) => self.error(error),
            _ => Ok(()),
        }
    }

    fn number(&mut self, number: f64) {
        if let Some(integer) = as_integer(number) {
            put!(self.out, i64(integer));
        } else if f64::from(number as f32) == number || number.is_nan() {
            put!(self.out, f32(number as f32));
        } else {
            put!(self.out, f64(number));
        }
    }

    fn big_int(&mut self, BigInt(integer): &BigInt) {
        // CBOR writes the negative number n as the magnitude of -1 - n, which is n with all bits the other way.
        let (tag, magnitude) = match integer.sign() {
            Sign::Minus => (IanaTag::NegBignum, !integer),
            _ => (IanaTag::PosBignum, integer.clone()),
        };
        let bytes = match magnitude.sign() {
            Sign::NoSign => Vec::new(),
            _ => magnitude.to_bytes_be().1,
        };
        put!(self.out, tag(tag), bytes(&bytes));
    }

    /// Begins an object with the name of its class and so many arguments of its constructor.
    fn class(&mut self, name: &str, arguments: u64) {
        put!(self.out, tag(CLASS), array(arguments.saturating_add(1)), str(name));
    }

    fn boxed(&mut self, inner: &Value) -> Result<(), Refused> {
        match inner {
            Value::Bool(_) => self.class("Boolean", 1),
            Value::Number(_) => self.class("Number", 1),
            Value::BigInt(_) => self.class("BigInt", 1),
            Value::String(_) => self.class("String", 1),
            // An object stays what it is.
            _ => {}
        }
        self.value(inner)
    }

    fn shared(&mut self, number: u32, value: &Value) -> Result<(), Refused> {
        self.numbers.insert(number, self.marks);
        // The wire has no mark of a mark, and one is enough for both numbers.
        if matches!(value, Value::Shared(..)) {
            return self.value(value);
        }
        self.marks = self.marks.saturating_add(1);
        put!(self.out, tag(SHARED));
        self.value(value)
    }

    fn error(&mut self, error: &ErrorObject) -> Result<(), Refused> {
        let ErrorObject { name, message, stack, cause, errors } = error;
        let texts = [("name", name), ("message", message), ("stack", stack)];
        let texts = texts.iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
        let values = [("cause", cause), ("errors", errors)];
        let values = values.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        self.class("Error", 1);
        put!(self.out, map(texts.clone().count().saturating_add(values.clone().count()) as u64));
        for (name, text) in texts {
            put!(self.out, str(name), str(text));
        }
        for (name, value) in values {
            put!(self.out, str(name));
            self.member(value, || property(name))?;
        }
        Ok(())
    }
}
