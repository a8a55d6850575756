//! JavaScript values to Rust ones, by serde.

use std::fmt;

use serde::{
    de::{
        self, DeserializeOwned, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use super::value::{BigInt, Value, as_integer};
use crate::error::{Error, ErrorKind};

/// The Rust value that a JavaScript value describes, by `serde`.
///
/// `undefined` and `null` become `None` and `()`; a number becomes any integer type that holds it, where it is
/// integral; a BigInt any integer type that holds it; a `Date` its ISO text; bytes a byte buffer or `Vec<u8>`.
///
/// # Errors
///
/// [`ErrorKind::WrongType`]: the value is not of that type. The text says what is where (`items[3].price`).
///
/// ```
/// let value = aiointernal::js::to_value(&[1, 2])?;
/// assert_eq!(aiointernal::js::from_value::<Vec<u8>>(value)?, [1, 2]);
/// # Ok::<_, aiointernal::Error>(())
/// ```
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(FromValue(value)).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { "result".to_owned() } else { path };
        Error::new(ErrorKind::WrongType, format!("{place}: {}", error.inner()))
    })
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
            Value::Undefined | Value::Null => visitor.visit_unit(),
            Value::Bool(bool) => visitor.visit_bool(bool),
            Value::Number(number) => match as_integer(number) {
                Some(integer) => visitor.visit_i64(integer),
                None => visitor.visit_f64(number),
            },
            Value::BigInt(integer) => {
                let integer = &integer.0;
                if let Ok(integer) = i64::try_from(integer) {
                    visitor.visit_i64(integer)
                } else if let Ok(integer) = u64::try_from(integer) {
                    visitor.visit_u64(integer)
                } else if let Ok(integer) = i128::try_from(integer) {
                    visitor.visit_i128(integer)
                } else if let Ok(integer) = u128::try_from(integer) {
                    visitor.visit_u128(integer)
                } else {
                    visitor.visit_string(integer.to_string())
                }
            }
            Value::String(text) => visitor.visit_string(text),
            Value::Date(date) => match date.to_iso() {
                Some(iso) => visitor.visit_string(iso),
                None => visitor.visit_unit(),
            },
            Value::Bytes(bytes) | Value::ArrayBuffer(bytes) => visitor.visit_byte_buf(bytes),
            Value::Array(elements) => {
                let mut seq = SeqDeserializer::new(elements.into_iter().map(FromValue));
                let made = visitor.visit_seq(&mut seq)?;
                seq.end().map(|()| made)
            }
            Value::Object(properties) => {
                let entries = properties.into_iter().map(|(name, value)| (name, FromValue(value)));
                let mut map = MapDeserializer::new(entries);
                let made = visitor.visit_map(&mut map)?;
                map.end().map(|()| made)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Undefined | Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Bytes(bytes) | Value::ArrayBuffer(bytes) => {
                visitor.visit_seq(SeqDeserializer::<_, Mismatch>::new(bytes.into_iter()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match self.0 {
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
        bool f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct map struct identifier ignored_any
    }
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
