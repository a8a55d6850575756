//! The macro `value!`.

/// A [`Value`](crate::Value) as one writes it in JavaScript.
///
/// Within it, `null`, `undefined`, lists and objects are JavaScript's, and anything else is a Rust expression of a type that becomes a
/// `Value` by `From`: numbers, booleans, texts, `Option`, `Vec`, and values. The name of a property is a literal, or an
/// expression in brackets, of a type that becomes a `String`.
///
/// ```
/// use aiointernal::js::{Date, value};
///
/// let (name, price) = ("total", 0.5);
/// let order = value!({
///     "id": 7,
///     "items": [{ "name": "a", "price": -price }, null],
///     [name]: price * 2.0,
///     "when": Date::from_millis(0.0),
///     "note": undefined,
/// });
/// assert_eq!(order.get("items").and_then(|items| items.index(0)?.get("price")), Some(&(-0.5).into()));
/// assert_eq!(order.get("total"), Some(&value!(1)));
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __value {
    // A list: what is done, then what is left.
    (@list [$($done:expr,)*]) => {
        $crate::Value::Array(::std::vec![$($done,)*])
    };
    (@list [$($done:expr,)*] null $(, $($rest:tt)*)?) => {
        $crate::js::value!(@list [$($done,)* $crate::Value::Null,] $($($rest)*)?)
    };
    (@list [$($done:expr,)*] undefined $(, $($rest:tt)*)?) => {
        $crate::js::value!(@list [$($done,)* $crate::Value::Undefined,] $($($rest)*)?)
    };
    (@list [$($done:expr,)*] [$($list:tt)*] $(, $($rest:tt)*)?) => {
        $crate::js::value!(@list [$($done,)* $crate::js::value!([$($list)*]),] $($($rest)*)?)
    };
    (@list [$($done:expr,)*] {$($object:tt)*} $(, $($rest:tt)*)?) => {
        $crate::js::value!(@list [$($done,)* $crate::js::value!({$($object)*}),] $($($rest)*)?)
    };
    (@list [$($done:expr,)*] $next:expr $(, $($rest:tt)*)?) => {
        $crate::js::value!(@list [$($done,)* $crate::Value::from($next),] $($($rest)*)?)
    };

    // An object: what is done, then what is left.
    (@object [$($done:expr,)*]) => {
        $crate::Value::Object(::std::vec![$($done,)*])
    };
    (@object [$($done:expr,)*] [$name:expr]: $($rest:tt)*) => {
        $crate::js::value!(@property [$($done,)*] ($name) $($rest)*)
    };
    (@object [$($done:expr,)*] $name:literal: $($rest:tt)*) => {
        $crate::js::value!(@property [$($done,)*] ($name) $($rest)*)
    };

    // A property: what is done, its name, then its value and what is left.
    (@property [$($done:expr,)*] ($name:expr) null $(, $($rest:tt)*)?) => {
        $crate::js::value!(@object [$($done,)* (::std::string::String::from($name), $crate::Value::Null),] $($($rest)*)?)
    };
    (@property [$($done:expr,)*] ($name:expr) undefined $(, $($rest:tt)*)?) => {
        $crate::js::value!(@object [$($done,)* (::std::string::String::from($name), $crate::Value::Undefined),] $($($rest)*)?)
    };
    (@property [$($done:expr,)*] ($name:expr) [$($list:tt)*] $(, $($rest:tt)*)?) => {
        $crate::js::value!(@object [$($done,)* (::std::string::String::from($name), $crate::js::value!([$($list)*])),] $($($rest)*)?)
    };
    (@property [$($done:expr,)*] ($name:expr) {$($object:tt)*} $(, $($rest:tt)*)?) => {
        $crate::js::value!(@object [$($done,)* (::std::string::String::from($name), $crate::js::value!({$($object)*})),] $($($rest)*)?)
    };
    (@property [$($done:expr,)*] ($name:expr) $value:expr $(, $($rest:tt)*)?) => {
        $crate::js::value!(@object [$($done,)* (::std::string::String::from($name), $crate::Value::from($value)),] $($($rest)*)?)
    };

    (null) => { $crate::Value::Null };
    (undefined) => { $crate::Value::Undefined };
    ([$($list:tt)*]) => { $crate::js::value!(@list [] $($list)*) };
    ({$($object:tt)*}) => { $crate::js::value!(@object [] $($object)*) };
    ($value:expr) => { $crate::Value::from($value) };
}
