//! JavaScript values on the host.

use std::{fmt, str::FromStr};

/// A JavaScript value that has left its engine, or is to enter one.
///
/// It is plain data: changing it changes nothing in a context. From Rust types it is made by `From` and by
/// [`to_value`](crate::js::to_value), and it becomes one by [`from_value`](crate::js::from_value).
///
/// Serialized (by `serde_json`, say) it looks as `JSON.stringify` would have it, except that nothing is left out:
/// `undefined`, NaN and infinities are `null`, a BigInt is a string of digits, a `Date` its ISO form, and bytes are a
/// list of numbers.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `undefined`
    #[default]
    Undefined,
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; -0 and NaN are themselves.
    Number(f64),
    /// A BigInt of any size.
    BigInt(BigInt),
    /// A string.
    String(String),
    /// A `Date`.
    Date(Date),
    /// A `Uint8Array`.
    Bytes(Vec<u8>),
    /// An `ArrayBuffer`.
    ArrayBuffer(Vec<u8>),
    /// An array.
    Array(Vec<Value>),
    /// Any other object: its properties in their order.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// A property of an object; `None` where there is none, or this is no object.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            // The last one wins, as it would in JavaScript.
            Value::Object(properties) => properties.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// An element of an array; `None` where there is none, or this is no array.
    pub fn index(&self, index: usize) -> Option<&Value> {
        match self {
            Value::Array(elements) => elements.get(index),
            _ => None,
        }
    }

    /// The string, where this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, where this is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The boolean, where this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    /// Whether this is `undefined`.
    pub fn is_undefined(&self) -> bool {
        matches!(self, Value::Undefined)
    }
}

/// Every integer up to this one is a number of JavaScript; beyond, not every one is.
pub(super) const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// The integer that a number is, where it is one that counts exactly. -0 is none.
pub(super) fn as_integer(number: f64) -> Option<i64> {
    let integral = number.trunc() == number && number.abs() <= MAX_SAFE_INTEGER;
    (integral && !(number == 0.0 && number.is_sign_negative())).then_some(number as i64)
}

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
    i32 => |value| Value::Number(f64::from(value)),
    u32 => |value| Value::Number(f64::from(value)),
    f64 => |value| Value::Number(value),
    &str => |value| Value::String(value.to_owned()),
    String => |value| Value::String(value),
    BigInt => |value| Value::BigInt(value),
    Date => |value| Value::Date(value),
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

/// A JavaScript BigInt: an integer of any size.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BigInt(pub(super) num_bigint::BigInt);

impl BigInt {
    /// The integer, where 128 bits hold it.
    pub fn to_i128(&self) -> Option<i128> {
        i128::try_from(&self.0).ok()
    }
}

impl From<i128> for BigInt {
    fn from(value: i128) -> BigInt {
        BigInt(value.into())
    }
}

impl From<u128> for BigInt {
    fn from(value: u128) -> BigInt {
        BigInt(value.into())
    }
}

impl FromStr for BigInt {
    type Err = crate::Error;

    /// Reads decimal digits, with a sign or without.
    fn from_str(digits: &str) -> Result<BigInt, crate::Error> {
        digits
            .parse()
            .map(BigInt)
            .map_err(|_| crate::Error::new(crate::ErrorKind::InvalidArgument, format!("{digits:?} is not an integer")))
    }
}

impl fmt::Display for BigInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A JavaScript `Date`: milliseconds since 1970-01-01T00:00Z, or invalid.
#[derive(Clone, Copy, Debug)]
pub struct Date(f64);

/// Farthest from 1970 that a `Date` reaches, in milliseconds (ECMAScript, "Time Values and Time Range").
const MAX_TIME: f64 = 8.64e15;

const DAY: i64 = 86_400_000;

impl Date {
    /// The date at these milliseconds since 1970; beyond 8.64e15 either way, or NaN: the invalid date.
    pub fn from_millis(millis: f64) -> Date {
        Date(if millis.abs() <= MAX_TIME { millis.trunc() + 0.0 } else { f64::NAN })
    }

    /// Milliseconds since 1970; `None` for the invalid date.
    pub fn millis(self) -> Option<i64> {
        (!self.0.is_nan()).then_some(self.0 as i64)
    }

    /// The form of `Date.prototype.toISOString`; `None` for the invalid date.
    pub fn to_iso(self) -> Option<String> {
        let millis = self.millis()?;
        let (year, month, day) = civil(millis.div_euclid(DAY));
        let time = millis.rem_euclid(DAY);
        let (hour, minute, second, milli) = (time / 3_600_000, time / 60_000 % 60, time / 1000 % 60, time % 1000);
        let year = match year {
            0..=9999 => format!("{year:04}"),
            _ => format!("{}{:06}", if year < 0 { '-' } else { '+' }, year.abs()),
        };
        Some(format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"))
    }
}

impl Date {
    /// Reads the form that [`Date::to_iso`] writes; anything else is the invalid date.
    pub(super) fn from_iso(iso: &str) -> Date {
        let parsed = || {
            let (date, time) = iso.strip_suffix('Z')?.split_once('T')?;
            let (rest, day) = date.rsplit_once('-')?;
            let (year, month) = rest.rsplit_once('-')?;
            let number = |text: &str| text.parse::<i64>().ok();
            let days = days_from_civil(number(year)?, number(month)?, number(day)?);
            let (hour, rest) = time.split_once(':')?;
            let (minute, second) = rest.split_once(':')?;
            let (second, milli) = second.split_once('.')?;
            let seconds = number(hour)? * 3600 + number(minute)? * 60 + number(second)?;
            Some(days * DAY + seconds * 1000 + number(milli)?)
        };
        Date::from_millis(parsed().map_or(f64::NAN, |millis| millis as f64))
    }
}

/// The inverse of [`civil`], from the same source.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Two invalid dates are equal.
impl PartialEq for Date {
    fn eq(&self, other: &Date) -> bool {
        self.0 == other.0 || self.0.is_nan() && other.0.is_nan()
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar: `civil_from_days` of Howard
/// Hinnant's "chrono-Compatible Low-Level Date Algorithms".
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
