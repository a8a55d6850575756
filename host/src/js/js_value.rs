//! A live value of a context, and what can be done with it.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::{
    bindings::{Operation, ResultForm},
    context::{Context, encode_arguments},
    de::from_value,
    handle::{Encoded, Handle, Kind},
    js_stream::JsStream,
    result::{Convert, FromScript},
    ser::to_value,
    value::Value,
};
use crate::{error::Error, thread::Call};

/// A function, an object or any other value that lives in a context: a handle to it, not a copy.
///
/// Whatever gives a result of a chosen type gives one of these: [`Context::eval_as`], [`Context::call_as`],
/// [`Context::get_global_as`], and the methods here. It goes back into its context as an argument or a global, as itself
/// or anywhere within a value, and is the same object there.
///
/// It is `Clone + Send + Sync`. Its calls are calls of the context that it was got from, with the limits and functions of that
/// handle, and it keeps the context open as a clone of that handle does. When the last clone is dropped, the engine lets the value go.
/// A context holds up to [`Limits::handles`](crate::Limits::handles) of them.
///
/// ```
/// use aiointernal::{Sandbox, js::JsValue};
///
/// # fn main() -> Result<(), aiointernal::Error> {
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let context = Sandbox::new()?.context().await?;
/// let counter: JsValue = context.eval_as("({ n: 0, add(by) { return this.n += by } })").await?;
/// assert_eq!(counter.call_method::<i32>("add", (2,)).await?, 2);
/// let add: JsValue = counter.get("add").await?;
/// let same: bool = context.call_as("Object.is", (&add, &add)).await?;
/// assert!(same);
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Errors
///
/// Of every call, besides its own and those of [`Context`]:
///
/// - [`Lost`](crate::ErrorKind::Lost): the context was reset, or lost and replaced, since the handle was got. So it is with a handle
///   in an argument; the text names the place.
/// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): a handle in an argument is of another context.
/// - [`HandleLimit`](crate::ErrorKind::HandleLimit): the result would be a handle more than the context may have. What led to the
///   result has been done.
/// - [`Thrown`](crate::ErrorKind::Thrown): the value is not of a kind with which this can be done, or what it did threw.
#[derive(Clone, Debug)]
pub struct JsValue {
    handle: Handle,
    context: Arc<Context>,
}

impl JsValue {
    pub(super) fn new(handle: Handle, context: Context) -> JsValue {
        JsValue { handle, context: Arc::new(context) }
    }

    /// What kind of value it is.
    pub fn kind(&self) -> Kind {
        self.handle.kind()
    }

    /// The handle alone.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The context of its calls.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// A copy of the value, as a [`Value`] or another Rust type. A promise is awaited.
    pub fn to<R: FromScript>(&self) -> Call<R> {
        self.operate(Ok(Encoded::new(Operation::Read)))
    }

    /// The value as `console.log` would print it.
    pub fn text(&self) -> Call<String> {
        self.operate_in(ResultForm::Text, Ok(Encoded::new(Operation::Read)), from_value)
    }

    /// Calls it, with the arguments of a tuple, slice or `Vec`, and no `this`. A promise is awaited.
    pub fn call<R: FromScript>(&self, arguments: impl Serialize) -> Call<R> {
        self.operate(encode_arguments(&arguments).map(|arguments| arguments.map(Operation::Call)))
    }

    /// Calls its method of this name, with it as `this`. A promise is awaited.
    pub fn call_method<R: FromScript>(&self, name: impl Into<Value>, arguments: impl Serialize) -> Call<R> {
        let operation = key(name).and_then(|key| {
            let join = |key, arguments| Operation::CallMethod((key, arguments));
            Ok(key.with(encode_arguments(&arguments)?, join))
        });
        self.operate(operation)
    }

    /// `new` of it, with these arguments.
    pub fn construct<R: FromScript>(&self, arguments: impl Serialize) -> Call<R> {
        self.operate(encode_arguments(&arguments).map(|arguments| arguments.map(Operation::Construct)))
    }

    /// A property: of a name, of an index, or of a handle to a symbol. A promise is awaited, unless a handle to it is
    /// wanted.
    pub fn get<R: FromScript>(&self, name: impl Into<Value>) -> Call<R> {
        self.operate(key(name).map(|key| key.map(Operation::Get)))
    }

    /// Sets a property.
    pub fn set(&self, name: impl Into<Value>, value: impl Serialize) -> Call<()> {
        let operation = key(name).and_then(|key| {
            let value = Encoded::value(&to_value(&value)?, "the value")?;
            Ok(key.with(value, |key, value| Operation::Set((key, value))))
        });
        self.operate(operation)
    }

    /// Removes a property, if there is one.
    pub fn delete(&self, name: impl Into<Value>) -> Call<()> {
        self.operate(key(name).map(|key| key.map(Operation::Delete)))
    }

    /// The names of its own enumerable properties.
    pub fn keys(&self) -> Call<Vec<String>> {
        self.operate(Ok(Encoded::new(Operation::Keys)))
    }

    /// Iterates it as `for await` does, lazily: the next item is asked for when it is wanted. Each is a call of its own as
    /// far as limits go. Dropping the stream closes the iterator, as `break` does; host functions
    /// that it calls then are not waited for.
    pub fn iterate<R: FromScript>(&self) -> JsStream<R> {
        JsStream::new(self.clone())
    }

    fn operate<R: Convert>(&self, operation: Result<Encoded<Operation>, Error>) -> Call<R> {
        self.operate_in(R::FORM, operation, R::converter(&self.context))
    }

    pub(super) fn operate_in<R: Send + 'static>(
        &self,
        form: ResultForm,
        operation: Result<Encoded<Operation>, Error>,
        convert: impl FnOnce(Value) -> Result<R, Error> + Send + 'static,
    ) -> Call<R> {
        let handle = self.handle.clone();
        self.context.evaluation(convert, move |engine, running, terms| {
            engine.operate(running, terms, &handle, &operation?, form)
        })
    }
}

fn key(name: impl Into<Value>) -> Result<Encoded, Error> {
    Encoded::value(&name.into(), "the name")
}

impl From<JsValue> for Value {
    fn from(value: JsValue) -> Value {
        Value::Handle(value.handle)
    }
}

impl From<&JsValue> for Value {
    fn from(value: &JsValue) -> Value {
        Value::Handle(value.handle.clone())
    }
}

impl Serialize for JsValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from(self).serialize(serializer)
    }
}
