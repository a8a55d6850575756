//! What a result becomes.

use std::any::Any;

use serde::de::DeserializeOwned;

use super::{bindings::ResultForm, context::Context, de::from_value, js_value::JsValue, value::Value};
use crate::error::{Error, ErrorKind};

/// What a result of JavaScript may become: a Rust type, [by serde](super::from_value), [`Value`] among them; or a
/// [`JsValue`], which stays where it is.
pub trait FromScript: Convert {}

impl<T: Convert> FromScript for T {}

/// How a result becomes one of a type. Callers name [`FromScript`].
pub trait Convert: Sized + Send + 'static {
    /// The form in which it leaves the engine.
    const FORM: ResultForm;

    /// Makes it of what has left.
    fn converter(context: &Context) -> impl FnOnce(Value) -> Result<Self, Error> + Send + use<Self>;
}

impl<T: DeserializeOwned + Send + 'static> Convert for T {
    const FORM: ResultForm = ResultForm::Value;

    fn converter(_: &Context) -> impl FnOnce(Value) -> Result<T, Error> + Send + use<T> {
        |value| {
            // A value stays what it is, a graph too, of which serde would make a tree.
            let mut value = Some(value);
            match (&mut value as &mut dyn Any).downcast_mut::<Option<T>>().and_then(Option::take) {
                Some(same) => Ok(same),
                None => from_value(value.unwrap_or_default()),
            }
        }
    }
}

impl Convert for JsValue {
    const FORM: ResultForm = ResultForm::Handle;

    fn converter(context: &Context) -> impl FnOnce(Value) -> Result<JsValue, Error> + Send + use<> {
        let context = context.clone();
        |value| match value {
            Value::Handle(handle) => Ok(JsValue::new(handle, context)),
            _ => Err(Error::new(ErrorKind::Engine, "the engine gave a value in the place of a handle")),
        }
    }
}
