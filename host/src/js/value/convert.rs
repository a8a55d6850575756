//! Rust types that are JavaScript values.

use super::{BigInt, Date, ErrorObject, RegExp, TypedArray, Value, as_integer};

macro_rules! from {
    ($($from:ty => |$value:ident| $to:expr),* $(,)?) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Value {
                $to
            }
        })*
    };
}

from! {
    () => |_value| Value::Undefined,
    bool => |value| Value::Bool(value),
    i8 => |value| Value::Number(value.into()),
    i16 => |value| Value::Number(value.into()),
    i32 => |value| Value::Number(value.into()),
    u8 => |value| Value::Number(value.into()),
    u16 => |value| Value::Number(value.into()),
    u32 => |value| Value::Number(value.into()),
    f32 => |value| Value::Number(value.into()),
    f64 => |value| Value::Number(value),
    &str => |value| Value::String(value.to_owned()),
    &String => |value| Value::String(value.clone()),
    String => |value| Value::String(value),
    &Value => |value| value.clone(),
    BigInt => |value| Value::BigInt(value),
    Date => |value| Value::Date(value),
    RegExp => |value| Value::RegExp(Box::new(value)),
    TypedArray => |value| Value::TypedArray(value),
    ErrorObject => |value| Value::Error(Box::new(value)),
}

macro_rules! from_integer {
    ($($from:ty)*) => {
        $(impl From<$from> for Value {
            /// A number where one holds the integer exactly, else a BigInt.
            fn from(value: $from) -> Value {
                integer(value as i128)
            }
        })*
    };
}

from_integer!(i64 u64 isize usize i128);

/// A number where one holds the integer exactly, else a BigInt.
pub(in crate::js) fn integer(integer: i128) -> Value {
    let number = i64::try_from(integer).ok().map(|small| small as f64);
    match number.filter(|number| as_integer(*number).map(i128::from) == Some(integer)) {
        Some(number) => Value::Number(number),
        None => Value::BigInt(integer.into()),
    }
}

impl<V: Into<Value>> From<Option<V>> for Value {
    /// `None` is `null`.
    fn from(value: Option<V>) -> Value {
        value.map_or(Value::Null, V::into)
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(value: Vec<V>) -> Value {
        Value::Array(value.into_iter().map(V::into).collect())
    }
}
