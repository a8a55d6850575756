//! JavaScript values on the host.

mod big_int;
mod convert;
mod date;
mod error_object;
mod handles;
mod refused;
mod regexp;
mod tree;
mod typed_array;

pub use self::{big_int::BigInt, date::Date, error_object::ErrorObject, regexp::RegExp, typed_array::TypedArray};
pub(super) use self::{
    convert::integer,
    refused::{Refused, entry, property},
    typed_array::half,
};

use super::{handle::Handle, host_object::HostObject};

/// A JavaScript value that has left its engine, or is to enter one.
///
/// It is plain data, but for [handles](Value::Handle) and [objects of the host](Value::HostObject): changing it changes nothing in a context. From Rust types it is made by `From`, by
/// [`value!`](crate::js::value!) and by [`to_value`](crate::js::to_value), and it becomes one by [`from_value`](crate::js::from_value).
///
/// # Graphs
///
/// Most values are trees, and need nothing of this. An object that occurs more than once is [`Value::Shared`] with a
/// number at its first place, and [`Value::Reference`] with this number at every other; one that lies within the object
/// itself makes a cycle. The places are in the order of elements, properties and entries, and a reference is after the
/// beginning of what it refers to. So a graph is plain data as well, can be built, compared and sent to other threads, and goes into an
/// engine as it came out: the objects that were one are one. [`get`](Value::get), [`index`](Value::index) and the other
/// accessors look through `Shared`, [`shared`](Value::shared) finds what a reference means, and [`into_tree`](Value::into_tree) puts copies in
/// the places of references.
///
/// ```
/// # use aiointernal::Value;
/// // const o = { n: 1 }; o.self = o; [o, o]
/// let object = Value::Object(vec![("n".into(), 1.into()), ("self".into(), Value::Reference(0))]);
/// let list = Value::Array(vec![Value::Shared(0, object.into()), Value::Reference(0)]);
/// assert_eq!(list.index(0).and_then(|object| object.get("n")), Some(&1.into()));
/// assert_eq!(list.shared(0).and_then(|object| object.get("n")), Some(&1.into()));
/// assert!(list.into_tree().unwrap_err().to_string().contains("value[0].self: a cycle"));
/// ```
///
/// # As JSON
///
/// Serialized (by `serde_json`, say) it looks as `JSON.stringify` would have it, except that nothing is left out:
///
/// | value | JSON |
/// |---|---|
/// | `undefined`, a hole, NaN, infinities, an invalid `Date` | `null` |
/// | BigInt | a string of its digits |
/// | `Date` | a string, as its `toISOString` gives it |
/// | `RegExp` | a string: its literal |
/// | `ArrayBuffer`, `DataView`, `Uint8Array` | a list of its bytes |
/// | other typed arrays | a list of their elements |
/// | `Map` | a list of lists, each of a key and a value: `[...map]` |
/// | `Set` | a list |
/// | `Error` | an object with `name`, `message`, `stack`, `cause` and `errors`, each where there is one |
/// | boxed primitive | the primitive |
/// | handle, object of the host | an error |
/// | reference | a copy of what it refers to; of a cycle, or of more than 64 MiB of copies: an error that names the place |
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
    /// A string. A lone surrogate, which UTF-8 cannot say, leaves an engine as U+FFFD.
    String(String),
    /// A `Date`.
    Date(Date),
    /// A `RegExp`. Its `lastIndex` is left behind.
    RegExp(Box<RegExp>),
    /// A `Uint8Array`.
    Bytes(Vec<u8>),
    /// An `ArrayBuffer`.
    ArrayBuffer(Vec<u8>),
    /// A typed array of any other class.
    TypedArray(TypedArray),
    /// A `DataView`: the bytes that it shows.
    DataView(Vec<u8>),
    /// An array.
    Array(Vec<Value>),
    /// An element that an array does not have. Anywhere else it is `undefined`.
    Hole,
    /// A `Map`: its entries in their order.
    Map(Vec<(Value, Value)>),
    /// A `Set`: its members in their order.
    Set(Vec<Value>),
    /// An `Error` that was not thrown.
    Error(Box<ErrorObject>),
    /// A primitive value as an object, `Object(value)`. Of what is no primitive it is the value itself, as in JavaScript.
    Boxed(Box<Value>),
    /// Any other object: its properties in their order.
    Object(Vec<(String, Value)>),
    /// An object that references refer to by this number: see [Graphs](Value#graphs). What leaves an engine is
    /// numbered from 0. Where two have one number, it is the later one's from there on.
    Shared(u32, Box<Value>),
    /// A reference to the object with this number.
    Reference(u32),
    /// A value that lives in a context, as [`JsValue`](crate::js::JsValue) gives it. It may go back into that one only.
    Handle(Handle),
    /// An object of the host, as [`Host`](crate::js::Host) makes it.
    HostObject(HostObject),
}

impl Value {
    /// A property of an object; `None` where there is none, or this is no object.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self.bare() {
            // The last one wins, as it would in JavaScript.
            Value::Object(properties) => properties.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// An element of an array; `None` where there is none, or this is no array.
    pub fn index(&self, index: usize) -> Option<&Value> {
        match self.bare() {
            Value::Array(elements) => elements.get(index).filter(|element| !matches!(element, Value::Hole)),
            _ => None,
        }
    }

    /// The string, where this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self.bare() {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, where this is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self.bare() {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The boolean, where this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.bare() {
            Value::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    /// Whether this is `undefined`.
    pub fn is_undefined(&self) -> bool {
        matches!(self.bare(), Value::Undefined)
    }

    /// What a [`Value::Reference`] with this number means: the first value in here that is shared under it, without its mark.
    pub fn shared(&self, number: u32) -> Option<&Value> {
        if let Value::Shared(own, value) = self
            && *own == number
        {
            return Some(value.bare());
        }
        self.find(|child| child.shared(number))
    }

    /// This without its mark.
    fn bare(&self) -> &Value {
        let mut value = self;
        while let Value::Shared(_, inner) = value {
            value = inner;
        }
        value
    }

    /// The first answer that is one, of the values directly within this one.
    fn find<'v, A>(&'v self, mut ask: impl FnMut(&'v Value) -> Option<A>) -> Option<A> {
        match self {
            Value::Array(values) | Value::Set(values) => values.iter().find_map(ask),
            Value::Object(properties) => properties.iter().find_map(|(_, value)| ask(value)),
            Value::Map(entries) => entries.iter().find_map(|(key, value)| ask(key).or_else(|| ask(value))),
            Value::Error(error) => [&error.cause, &error.errors].into_iter().flatten().find_map(ask),
            Value::Boxed(value) | Value::Shared(_, value) => ask(value),
            _ => None,
        }
    }
}

/// Every integer up to this one is a number of JavaScript; beyond, not every one is.
pub(super) const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// The integer that a number is, where it is one that counts exactly. -0 is none.
pub(super) fn as_integer(number: f64) -> Option<i64> {
    let integral = number.trunc() == number && number.abs() <= MAX_SAFE_INTEGER;
    (integral && !(number == 0.0 && number.is_sign_negative())).then_some(number as i64)
}
