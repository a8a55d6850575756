//! JavaScript values to Rust ones, by serde.

use std::{cell::Cell, fmt};

use serde::{
    de::{
        self, Deserialize, DeserializeOwned, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use super::{
    ser::VALUE,
    value::{BigInt, ErrorObject, Refused, TypedArray, Value, as_integer, half},
};
use crate::error::{Error, ErrorKind};

/// The Rust value that a JavaScript value describes, by `serde`.
///
/// | JavaScript | Rust |
/// |---|---|
/// | `undefined`, `null`, a hole, an invalid `Date` | `None` and `()` |
/// | number | a float; where it is integral, any integer type that holds it |
/// | BigInt | any integer type that holds it; beyond 128 bits, and up to 16,384, its decimal digits as text |
/// | `Date` | its ISO text |
/// | `RegExp` | its literal as text |
/// | `Uint8Array`, `ArrayBuffer`, `DataView` | a byte buffer or `Vec<u8>` |
/// | other typed arrays | a sequence of numbers; where a byte buffer is asked for, their bytes, the lowest of each element first |
/// | array, `Set` | a sequence |
/// | object | a struct or a map |
/// | `Map` | a map; where a sequence is asked for, one of pairs |
/// | `Error` | a struct or a map of `name`, `message`, `stack`, `cause` and `errors`, each where there is one |
/// | boxed primitive | as the primitive |
/// | object of the host | [`Host`](super::Host) of its type |
/// | object that occurs again | a copy |
///
/// # Errors
///
/// [`ErrorKind::WrongType`]: the value is not of that type, or has a cycle, which no tree of Rust values has, or more than
/// 64 MiB of copies. The text says what is where (`items[3].price`).
///
/// ```
/// let value = aiointernal::js::to_value(&[1, 2])?;
/// assert_eq!(aiointernal::js::from_value::<Vec<u8>>(value)?, [1, 2]);
/// # Ok::<_, aiointernal::Error>(())
/// ```
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    let value = if value.is_graph() { value.unfolded().map_err(no_tree)? } else { value };
    serde_path_to_error::deserialize(FromValue(value)).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { "result".to_owned() } else { path };
        Error::new(ErrorKind::WrongType, format!("{place}: {}", error.inner()))
    })
}

/// The arguments of a host function, from a list of them. A tuple takes as many as it has: those that are missing are
/// `undefined`, and more are an error.
pub(super) fn from_arguments<T: DeserializeOwned>(function: &str, arguments: Value) -> Result<T, Error> {
    let refused = |what: String| Error::new(ErrorKind::WrongType, format!("{function}: {what}"));
    let arguments = if arguments.is_graph() {
        arguments.unfolded().map_err(|Refused { path, what }| refused(format!("{}: {what}", argument(&path))))?
    } else {
        arguments
    };
    let Value::Array(arguments) = arguments else {
        return Err(refused("the arguments are no list".to_owned()));
    };
    serde_path_to_error::deserialize(FromArguments(arguments)).map_err(|error| {
        let (path, what) = (error.path().to_string(), error.inner());
        refused(if path == "." { what.to_string() } else { format!("{}: {what}", argument(&path)) })
    })
}

/// `[0].limit` as `argument 0.limit`.
fn argument(path: &str) -> String {
    match path.strip_prefix('[').and_then(|path| path.split_once(']')) {
        Some((index, rest)) => format!("argument {index}{rest}"),
        None => path.to_owned(),
    }
}

struct FromArguments(Vec<Value>);

impl<'de> Deserializer<'de> for FromArguments {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        FromValue(Value::Array(self.0)).deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(mut self, takes: usize, visitor: V) -> Result<V::Value, Mismatch> {
        if self.0.len() > takes {
            return Err(de::Error::custom(format!("{} arguments, of which it takes {takes}", self.0.len())));
        }
        self.0.resize(takes, Value::Undefined);
        self.deserialize_any(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.0.is_empty() { visitor.visit_unit() } else { self.deserialize_tuple(0, visitor) }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct
        newtype_struct seq tuple_struct map struct enum identifier ignored_any
    }
}

fn no_tree(Refused { path, what }: Refused) -> Error {
    let place = if path.is_empty() { "result" } else { path.trim_start_matches('.') };
    Error::new(ErrorKind::WrongType, format!("{place}: {what}"))
}

#[derive(Debug)]
struct Mismatch(String);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mismatch {}

impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Mismatch {
        Mismatch(message.to_string())
    }
}

struct FromValue(Value);

/// Where an integer is asked for, a number is one if it has no fraction: -0 and what lies beyond 2^53 as well.
macro_rules! deserialize_integer {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            match self.0 {
                Value::Number(number)
                    if as_integer(number).is_none() && number.trunc() == number && number.abs() < 2_f64.powi(127) =>
                {
                    FromValue(Value::BigInt(BigInt(num_bigint::BigInt::from(number as i128)))).deserialize_any(visitor)
                }
                Value::Boxed(inner) => FromValue(*inner).$method(visitor),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> IntoDeserializer<'de, Mismatch> for FromValue {
    type Deserializer = FromValue;

    fn into_deserializer(self) -> FromValue {
        self
    }
}

impl<'de> Deserializer<'de> for FromValue {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Undefined | Value::Null | Value::Hole | Value::Reference(_) => visitor.visit_unit(),
            Value::Bool(bool) => visitor.visit_bool(bool),
            Value::Number(number) => match as_integer(number) {
                Some(integer) => visitor.visit_i64(integer),
                None => visitor.visit_f64(number),
            },
            Value::BigInt(big) => {
                let integer = &big.0;
                if let Ok(integer) = i64::try_from(integer) {
                    visitor.visit_i64(integer)
                } else if let Ok(integer) = u64::try_from(integer) {
                    visitor.visit_u64(integer)
                } else if let Ok(integer) = i128::try_from(integer) {
                    visitor.visit_i128(integer)
                } else if let Ok(integer) = u128::try_from(integer) {
                    visitor.visit_u128(integer)
                } else {
                    visitor.visit_string(big.decimal().map_err(de::Error::custom)?)
                }
            }
            Value::String(text) => visitor.visit_string(text),
            Value::Date(date) => match date.to_iso() {
                Some(iso) => visitor.visit_string(iso),
                None => visitor.visit_unit(),
            },
            Value::RegExp(regexp) => visitor.visit_string(regexp.to_string()),
            Value::Bytes(bytes) | Value::ArrayBuffer(bytes) | Value::DataView(bytes) => visitor.visit_byte_buf(bytes),
            Value::TypedArray(array) => elements(array, visitor),
            Value::Array(values) | Value::Set(values) => sequence(values.into_iter().map(FromValue), visitor),
            Value::Object(properties) => map(properties.into_iter(), visitor),
            Value::Map(entries) => map(entries.into_iter().map(|(key, value)| (FromValue(key), value)), visitor),
            Value::Error(error) => map(members(*error), visitor),
            Value::Handle(_) => Err(de::Error::custom("a handle is of use in its context only")),
            Value::HostObject(object) => Err(de::Error::custom(format!("an object of class {}", object.class_name()))),
            Value::Boxed(inner) | Value::Shared(_, inner) => FromValue(*inner).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Undefined | Value::Null | Value::Hole => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        if name == VALUE {
            HANDOVER.set(Some(self.0));
            return visitor.visit_unit();
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Bytes(bytes)
            | Value::ArrayBuffer(bytes)
            | Value::DataView(bytes)
            | Value::TypedArray(TypedArray::Uint8Clamped(bytes)) => sequence(bytes.into_iter(), visitor),
            Value::Map(entries) => {
                sequence(entries.into_iter().map(|(key, value)| FromValue(Value::Array(vec![key, value]))), visitor)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::TypedArray(array) => visitor.visit_byte_buf(array.to_bytes()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_byte_buf(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Boxed(inner) | Value::Shared(_, inner) => {
                FromValue(*inner).deserialize_enum(_name, _variants, visitor)
            }
            Value::String(variant) => visitor.visit_enum(Variant { variant, content: None }),
            Value::Object(mut properties) if properties.len() == 1 => match properties.pop() {
                Some((variant, content)) => visitor.visit_enum(Variant { variant, content: Some(content) }),
                None => Err(de::Error::custom("an object without a property")),
            },
            _ => {
                Err(de::Error::custom("expected a variant: its name, or an object with its name as the only property"))
            }
        }
    }

    deserialize_integer! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    forward_to_deserialize_any! {
        bool f32 f64 char str string unit unit_struct map struct identifier ignored_any
    }
}

thread_local! {
    /// How a [`Value`] gets through serde whole: [`FromValue`] leaves it here, and the visitor that it then calls takes it.
    static HANDOVER: Cell<Option<Value>> = const { Cell::new(None) };
}

/// Of what [`from_value`] is given, the value itself, of every kind; of another format, what it describes.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_newtype_struct(VALUE, AnyValue)
    }
}

struct AnyValue;

/// Visits what has a [`Value`] by `From`.
macro_rules! visit {
    ($($method:ident $from:ty),*) => {$(
        fn $method<E: de::Error>(self, value: $from) -> Result<Value, E> {
            Ok(value.into())
        }
    )*};
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    visit!(visit_bool bool, visit_i64 i64, visit_u64 u64, visit_f64 f64, visit_str &str, visit_string String);

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Bytes(bytes))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
        self.visit_byte_buf(bytes.to_owned())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(HANDOVER.take().unwrap_or(Value::Null))
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = elements.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut properties = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            properties.push(entry);
        }
        Ok(Value::Object(properties))
    }
}

/// Visits elements one by one, and not more than there are.
fn sequence<'de, V: Visitor<'de>>(
    elements: impl Iterator<Item = impl IntoDeserializer<'de, Mismatch>>,
    visitor: V,
) -> Result<V::Value, Mismatch> {
    let mut seq = SeqDeserializer::new(elements);
    let made = visitor.visit_seq(&mut seq)?;
    seq.end().map(|()| made)
}

/// Visits entries one by one, and not more than there are.
fn map<'de, V: Visitor<'de>>(
    entries: impl Iterator<Item = (impl IntoDeserializer<'de, Mismatch>, Value)>,
    visitor: V,
) -> Result<V::Value, Mismatch> {
    let mut map = MapDeserializer::new(entries.map(|(key, value)| (key, FromValue(value))));
    let made = visitor.visit_map(&mut map)?;
    map.end().map(|()| made)
}

/// Visits the elements of a typed array as the numbers that they are.
fn elements<'de, V: Visitor<'de>>(array: TypedArray, visitor: V) -> Result<V::Value, Mismatch> {
    let numbers = |number: f64| FromValue(Value::Number(number));
    match array {
        TypedArray::Int8(elements) => sequence(elements.into_iter(), visitor),
        TypedArray::Uint8Clamped(bytes) => visitor.visit_byte_buf(bytes),
        TypedArray::Int16(elements) => sequence(elements.into_iter(), visitor),
        TypedArray::Uint16(elements) => sequence(elements.into_iter(), visitor),
        TypedArray::Int32(elements) => sequence(elements.into_iter(), visitor),
        TypedArray::Uint32(elements) => sequence(elements.into_iter(), visitor),
        TypedArray::BigInt64(elements) => sequence(elements.into_iter(), visitor),
        TypedArray::BigUint64(elements) => sequence(elements.into_iter(), visitor),
        TypedArray::Float16(elements) => sequence(elements.into_iter().map(|bits| numbers(half(bits))), visitor),
        TypedArray::Float32(elements) => sequence(elements.into_iter().map(|e| numbers(e.into())), visitor),
        TypedArray::Float64(elements) => sequence(elements.into_iter().map(numbers), visitor),
    }
}

/// What an error has, by name.
fn members(error: ErrorObject) -> impl Iterator<Item = (&'static str, Value)> {
    let ErrorObject { name, message, stack, cause, errors } = error;
    let texts = [("name", name), ("message", message), ("stack", stack)];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name, Value::String(text?))));
    let values = [("cause", cause), ("errors", errors)];
    texts.chain(values.into_iter().filter_map(|(name, value)| Some((name, value?))))
}

struct Variant {
    variant: String,
    content: Option<Value>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Mismatch;
    type Variant = Content;

    fn variant_seed<S: de::DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content), Mismatch> {
        let name = seed.deserialize(FromValue(Value::String(self.variant)))?;
        Ok((name, Content(self.content)))
    }
}

struct Content(Option<Value>);

impl<'de> VariantAccess<'de> for Content {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        match self.0 {
            None | Some(Value::Null | Value::Undefined) => Ok(()),
            Some(_) => Err(de::Error::custom("this variant has no content")),
        }
    }

    fn newtype_variant_seed<S: de::DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Mismatch> {
        seed.deserialize(FromValue(self.0.unwrap_or_default()))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Mismatch> {
        FromValue(self.0.unwrap_or_default()).deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        FromValue(self.0.unwrap_or_default()).deserialize_any(visitor)
    }
}
