//! Rust values to JavaScript ones, by serde, and values to any serde format.

use std::fmt;

use serde::ser::{self, Error as _, Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::value::{BigInt, Value};
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

/// The integer that a number is, where it is one that counts exactly. -0 is none.
pub(super) fn as_integer(number: f64) -> Option<i64> {
    const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;
    let integral = number.trunc() == number && number.abs() <= MAX_SAFE_INTEGER;
    (integral && !(number == 0.0 && number.is_sign_negative())).then_some(number as i64)
}
