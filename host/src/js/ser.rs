//! Rust values to JavaScript ones, by serde, and values to any serde format.

use std::fmt;

use serde::ser::{self, Error as _, Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::value::{BigInt, Value, as_integer};
use crate::error::{Error, ErrorKind};

/// The JavaScript value of a Rust value, as `serde` describes it.
///
/// Structs and maps become objects, sequences and tuples arrays, `None` and `()` `null`, bytes a `Uint8Array`, an enum
/// variant its name or `{name: content}`; an integer that a number cannot hold exactly becomes a BigInt. A [`Value`]
/// within becomes itself.
///
/// # Errors
///
/// [`ErrorKind::InvalidArgument`] when a map's key is not a string, number or boolean, or the type's own `Serialize`
/// fails.
///
/// ```
/// let value = aiointernal::js::to_value(&("a", [1, 2]))?;
/// assert_eq!(value.index(1).and_then(|list| list.index(0)), Some(&1.into()));
/// # Ok::<_, aiointernal::Error>(())
/// ```
pub fn to_value(value: &(impl Serialize + ?Sized)) -> Result<Value, Error> {
    value.serialize(ToValue).map_err(|Refused(reason)| {
        Error::new(ErrorKind::InvalidArgument, format!("the value has no JavaScript form: {reason}"))
    })
}

/// Names by which [`ToValue`] knows what other formats see as null, text or bytes.
const UNDEFINED: &str = "$aiointernal::Undefined";
const BIG_INT: &str = "$aiointernal::BigInt";
const DATE: &str = "$aiointernal::Date";
const ARRAY_BUFFER: &str = "$aiointernal::ArrayBuffer";

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Undefined => serializer.serialize_unit_struct(UNDEFINED),
            Value::Null => serializer.serialize_unit(),
            Value::Bool(bool) => serializer.serialize_bool(*bool),
            Value::Number(number) => match as_integer(*number) {
                Some(integer) => serializer.serialize_i64(integer),
                None => serializer.serialize_f64(*number),
            },
            Value::BigInt(integer) => serializer.serialize_newtype_struct(BIG_INT, &integer.to_string()),
            Value::String(text) => serializer.serialize_str(text),
            Value::Date(date) => serializer.serialize_newtype_struct(DATE, &date.to_iso()),
            Value::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Value::ArrayBuffer(bytes) => serializer.serialize_newtype_struct(ARRAY_BUFFER, &Bytes(bytes)),
            Value::Array(elements) => {
                let mut seq = serializer.serialize_seq(Some(elements.len()))?;
                elements.iter().try_for_each(|element| seq.serialize_element(element))?;
                seq.end()
            }
            Value::Object(properties) => {
                let mut map = serializer.serialize_map(Some(properties.len()))?;
                properties.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}

/// Why a Rust value has no JavaScript form.
#[derive(Debug)]
pub(super) struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(message: T) -> Refused {
        Refused(message.to_string())
    }
}

struct ToValue;

type Made = Result<Value, Refused>;

fn integer(integer: i128) -> Value {
    match i64::try_from(integer)
        .ok()
        .map(|small| small as f64)
        .filter(|float| as_integer(*float) == Some(integer as i64))
    {
        Some(number) => Value::Number(number),
        None => Value::BigInt(integer.into()),
    }
}

fn variant(name: &'static str, content: Value) -> Value {
    Value::Object(vec![(name.to_owned(), content)])
}

macro_rules! integers {
    ($($method:ident: $ty:ty),*) => {
        $(fn $method(self, value: $ty) -> Made {
            Ok(integer(i128::from(value)))
        })*
    };
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = Refused;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Elements;
    type SerializeMap = Properties;
    type SerializeStruct = Properties;
    type SerializeStructVariant = Properties;

    integers!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_u8: u8,
        serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_i128: i128);

    fn serialize_u128(self, value: u128) -> Made {
        Ok(i128::try_from(value).map_or_else(|_| Value::BigInt(value.into()), integer))
    }

    fn serialize_bool(self, value: bool) -> Made {
        Ok(Value::Bool(value))
    }

    fn serialize_f32(self, value: f32) -> Made {
        Ok(Value::Number(value.into()))
    }

    fn serialize_f64(self, value: f64) -> Made {
        Ok(Value::Number(value))
    }

    fn serialize_char(self, value: char) -> Made {
        Ok(Value::String(value.into()))
    }

    fn serialize_str(self, value: &str) -> Made {
        Ok(Value::String(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Made {
        Ok(Value::Bytes(value.to_vec()))
    }

    fn serialize_none(self) -> Made {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Made {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Made {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Made {
        Ok(if name == UNDEFINED { Value::Undefined } else { Value::Null })
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Made {
        Ok(Value::String(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Made {
        let value = value.serialize(self)?;
        Ok(match (name, value) {
            (BIG_INT, Value::String(digits)) => Value::BigInt(digits.parse::<BigInt>().map_err(Refused::custom)?),
            (DATE, Value::String(iso)) => Value::Date(super::value::Date::from_iso(&iso)),
            (DATE, _) => Value::Date(super::value::Date::from_millis(f64::NAN)),
            (ARRAY_BUFFER, Value::Bytes(bytes)) => Value::ArrayBuffer(bytes),
            (_, value) => value,
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        name: &'static str,
        value: &T,
    ) -> Made {
        Ok(variant(name, value.serialize(self)?))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Elements, Refused> {
        Ok(Elements::default())
    }

    fn serialize_tuple(self, _length: usize) -> Result<Elements, Refused> {
        Ok(Elements::default())
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Elements, Refused> {
        Ok(Elements::default())
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Elements, Refused> {
        Ok(Elements { variant: Some(variant), ..Elements::default() })
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Properties, Refused> {
        Ok(Properties::default())
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Properties, Refused> {
        Ok(Properties::default())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Properties, Refused> {
        Ok(Properties { variant: Some(variant), ..Properties::default() })
    }
}

/// An array that is being made.
#[derive(Default)]
pub(super) struct Elements {
    variant: Option<&'static str>,
    elements: Vec<Value>,
}

impl Elements {
    fn push(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Refused> {
        self.elements.push(value.serialize(ToValue)?);
        Ok(())
    }

    fn made(self) -> Made {
        let array = Value::Array(self.elements);
        Ok(match self.variant {
            Some(name) => variant(name, array),
            None => array,
        })
    }
}

macro_rules! elements {
    ($($of:ident: $method:ident),*) => {
        $(impl ser::$of for Elements {
            type Ok = Value;
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.push(value)
            }

            fn end(self) -> Made {
                self.made()
            }
        })*
    };
}

elements!(
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
);

/// An object that is being made.
#[derive(Default)]
pub(super) struct Properties {
    variant: Option<&'static str>,
    key: String,
    properties: Vec<(String, Value)>,
}

impl Properties {
    fn made(self) -> Made {
        let object = Value::Object(self.properties);
        Ok(match self.variant {
            Some(name) => variant(name, object),
            None => object,
        })
    }
}

impl ser::SerializeMap for Properties {
    type Ok = Value;
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.key = match key.serialize(ToValue)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(bool) => bool.to_string(),
            Value::BigInt(integer) => integer.to_string(),
            _ => return Err(Refused("a map's key is not a string, number or boolean".to_owned())),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let key = std::mem::take(&mut self.key);
        self.properties.push((key, value.serialize(ToValue)?));
        Ok(())
    }

    fn end(self) -> Made {
        self.made()
    }
}

macro_rules! fields {
    ($($of:ident),*) => {
        $(impl ser::$of for Properties {
            type Ok = Value;
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                self.properties.push((name.to_owned(), value.serialize(ToValue)?));
                Ok(())
            }

            fn end(self) -> Made {
                self.made()
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);
