//! Rust values to JavaScript ones, by serde, and values to any serde format.

use std::{cell::Cell, fmt};

use serde::ser::{self, Error as _, Serialize, SerializeMap as _, Serializer};

use super::value::{Refused, TypedArray, Value, as_integer, half, integer, property};
use crate::error::{Error, ErrorKind};

/// The JavaScript value of a Rust value, as `serde` describes it.
///
/// Structs and maps become objects, sequences and tuples arrays, `None` and `()` `null`, bytes a `Uint8Array`, an enum
/// variant its name or `{name: content}`; an integer that a number cannot hold exactly becomes a BigInt. A [`Value`]
/// within becomes itself, whatever it is.
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
    value.serialize(ToValue).map_err(|Unserializable(refused)| without_form("value", &refused))
}

/// The JavaScript values of arguments, which are a sequence, or nothing.
pub(super) fn to_arguments(arguments: &(impl Serialize + ?Sized)) -> Result<Vec<Value>, Error> {
    let arguments = arguments.serialize(ToValue).map_err(|Unserializable(refused)| {
        // `[0].name` of them all is `argument 0.name`.
        match refused.path.strip_prefix('[').and_then(|path| path.split_once(']')) {
            Some((index, path)) => {
                let name = format!("argument {index}");
                without_form(&name, &Refused { path: path.to_owned(), what: refused.what })
            }
            None => without_form("arguments", &refused),
        }
    })?;
    match arguments {
        Value::Array(elements) => Ok(elements),
        // `()`: no arguments.
        Value::Null => Ok(Vec::new()),
        _ => Err(Error::new(ErrorKind::InvalidArgument, "arguments are given as a tuple, a slice or a Vec")),
    }
}

fn without_form(name: &str, refused: &Refused) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("a value has no JavaScript form: {name}{refused}"))
}

/// The name by which [`ToValue`] knows a [`Value`]. Other formats look through a newtype.
pub(super) const VALUE: &str = "$aiointernal::Value";

thread_local! {
    /// How a [`Value`] gets through serde whole, a graph included: [`ToValue`] wants one, and what it then serializes, if
    /// it is one, leaves a copy here. Both happen within one call.
    static HANDOVER: Cell<Handover> = const { Cell::new(Handover::Idle) };
}

#[derive(Default)]
enum Handover {
    #[default]
    Idle,
    Wanted,
    Given(Value),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(VALUE, &Whole(self))
    }
}

/// A value that is not within another.
struct Whole<'v>(&'v Value);

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Handover::Wanted = HANDOVER.take() {
            HANDOVER.set(Handover::Given(self.0.clone()));
            return serializer.serialize_unit();
        }
        if self.0.is_graph() {
            let tree = self.0.unfolded().map_err(|reason| S::Error::custom(format_args!("value{reason}")))?;
            return Part(&tree).serialize(serializer);
        }
        Part(self.0).serialize(serializer)
    }
}

/// A tree, or a part of one.
struct Part<'v>(&'v Value);

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Undefined | Value::Null | Value::Hole | Value::Reference(_) => serializer.serialize_unit(),
            Value::Bool(bool) => serializer.serialize_bool(*bool),
            Value::Number(number) => match as_integer(*number) {
                Some(integer) => serializer.serialize_i64(integer),
                None => serializer.serialize_f64(*number),
            },
            Value::BigInt(integer) => serializer.serialize_str(&integer.decimal().map_err(S::Error::custom)?),
            Value::String(text) => serializer.serialize_str(text),
            Value::Date(date) => match date.to_iso() {
                Some(iso) => serializer.serialize_str(&iso),
                None => serializer.serialize_unit(),
            },
            Value::RegExp(regexp) => serializer.collect_str(regexp),
            Value::Bytes(bytes) | Value::ArrayBuffer(bytes) | Value::DataView(bytes) => {
                serializer.serialize_bytes(bytes)
            }
            Value::TypedArray(array) => array.serialize(serializer),
            Value::Array(values) | Value::Set(values) => serializer.collect_seq(values.iter().map(Part)),
            Value::Map(entries) => serializer.collect_seq(entries.iter().map(|(key, value)| (Part(key), Part(value)))),
            Value::Error(error) => {
                let texts = [("name", &error.name), ("message", &error.message), ("stack", &error.stack)];
                let values = [("cause", &error.cause), ("errors", &error.errors)];
                let mut map = serializer.serialize_map(None)?;
                for (name, text) in texts {
                    text.iter().try_for_each(|text| map.serialize_entry(name, text))?;
                }
                for (name, value) in values {
                    value.iter().try_for_each(|value| map.serialize_entry(name, &Part(value)))?;
                }
                map.end()
            }
            Value::Handle(_) => Err(S::Error::custom("a handle is of use in its context only")),
            Value::HostObject(_) => Err(S::Error::custom("an object of the host does not leave the process")),
            Value::Boxed(inner) | Value::Shared(_, inner) => Part(inner).serialize(serializer),
            Value::Object(properties) => {
                serializer.collect_map(properties.iter().map(|(name, value)| (name, Part(value))))
            }
        }
    }
}

/// As a list of its elements, each as it would be alone.
impl Serialize for TypedArray {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            TypedArray::Int8(elements) => serializer.collect_seq(elements),
            TypedArray::Uint8Clamped(bytes) => serializer.serialize_bytes(bytes),
            TypedArray::Int16(elements) => serializer.collect_seq(elements),
            TypedArray::Uint16(elements) => serializer.collect_seq(elements),
            TypedArray::Int32(elements) => serializer.collect_seq(elements),
            TypedArray::Uint32(elements) => serializer.collect_seq(elements),
            TypedArray::BigInt64(elements) => serializer.collect_seq(elements.iter().map(i64::to_string)),
            TypedArray::BigUint64(elements) => serializer.collect_seq(elements.iter().map(u64::to_string)),
            TypedArray::Float16(elements) => numbers(serializer, elements.iter().map(|bits| half(*bits))),
            TypedArray::Float32(elements) => numbers(serializer, elements.iter().map(|element| f64::from(*element))),
            TypedArray::Float64(elements) => numbers(serializer, elements.iter().copied()),
        }
    }
}

/// Numbers as [`Value::Number`] has them: integral ones as integers.
fn numbers<S: Serializer>(serializer: S, numbers: impl Iterator<Item = f64>) -> Result<S::Ok, S::Error> {
    let numbers: Vec<Value> = numbers.map(Value::Number).collect();
    serializer.collect_seq(numbers.iter().map(Part))
}

/// Why a Rust value has no JavaScript form.
#[derive(Debug)]
pub(super) struct Unserializable(Refused);

impl Unserializable {
    fn under(self, segment: &str) -> Unserializable {
        Unserializable(self.0.under(segment))
    }
}

impl fmt::Display for Unserializable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Unserializable {}

impl ser::Error for Unserializable {
    fn custom<T: fmt::Display>(message: T) -> Unserializable {
        Unserializable(Refused::new(message.to_string()))
    }
}

struct ToValue;

type Made = Result<Value, Unserializable>;

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
    type Error = Unserializable;
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

    fn serialize_unit_struct(self, _name: &'static str) -> Made {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Made {
        Ok(Value::String(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Made {
        if name != VALUE {
            return value.serialize(self);
        }
        HANDOVER.set(Handover::Wanted);
        let made = value.serialize(self);
        match HANDOVER.take() {
            Handover::Given(value) => Ok(value),
            _ => made,
        }
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

    fn serialize_seq(self, _length: Option<usize>) -> Result<Elements, Unserializable> {
        Ok(Elements::default())
    }

    fn serialize_tuple(self, _length: usize) -> Result<Elements, Unserializable> {
        Ok(Elements::default())
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Elements, Unserializable> {
        Ok(Elements::default())
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Elements, Unserializable> {
        Ok(Elements { variant: Some(variant), ..Elements::default() })
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Properties, Unserializable> {
        Ok(Properties::default())
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Properties, Unserializable> {
        Ok(Properties::default())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Properties, Unserializable> {
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
    fn push(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Unserializable> {
        let place = || format!("[{}]", self.elements.len());
        let element = value.serialize(ToValue).map_err(|refused| refused.under(&place()))?;
        self.elements.push(element);
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
            type Error = Unserializable;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
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
    fn push(&mut self, name: String, value: &(impl Serialize + ?Sized)) -> Result<(), Unserializable> {
        let value = value.serialize(ToValue).map_err(|refused| refused.under(&property(&name)))?;
        self.properties.push((name, value));
        Ok(())
    }

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
    type Error = Unserializable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unserializable> {
        self.key = match key.serialize(ToValue)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(bool) => bool.to_string(),
            Value::BigInt(integer) => integer.to_string(),
            _ => return Err(Unserializable::custom("a map's key is not a string, number or boolean")),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        let key = std::mem::take(&mut self.key);
        self.push(key, value)
    }

    fn end(self) -> Made {
        self.made()
    }
}

macro_rules! fields {
    ($($of:ident),*) => {
        $(impl ser::$of for Properties {
            type Ok = Value;
            type Error = Unserializable;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Unserializable> {
                self.push(name.to_owned(), value)
            }

            fn end(self) -> Made {
                self.made()
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);
