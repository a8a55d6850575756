//! Values that the host keeps hold of.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use minicbor::Encoder;
use rquickjs::{Ctx, Persistent, Type, Value};

use crate::{failure::Failure, value::CLASS};

/// The values that the host has handles to, by numbers that no two of an engine share.
#[derive(Default)]
pub(crate) struct Handles {
    kept: RefCell<BTreeMap<u64, Persistent<Value<'static>>>>,
    last: Cell<u64>,
    /// How many there may be.
    most: Cell<u32>,
}

impl Handles {
    /// Sets how many there may be.
    pub(crate) fn limit(&self, most: u32) {
        self.most.set(most);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.kept.borrow().len()
    }

    /// Keeps a value, and gives its handle, encoded.
    pub(crate) fn keep<'js>(&self, ctx: &Ctx<'js>, value: &Value<'js>) -> Result<Vec<u8>, Failure> {
        if self.count() >= self.most.get() as usize {
            return Err(Failure::TooManyHandles(self.most.get()));
        }
        let number = self.last.get() + 1;
        self.last.set(number);
        self.kept.borrow_mut().insert(number, Persistent::save(ctx, value.clone()));
        Ok(encoded(number, kind(value)))
    }

    /// The value of a handle.
    pub(crate) fn get<'js>(&self, ctx: &Ctx<'js>, number: u64) -> Option<Value<'js>> {
        let kept = self.kept.borrow().get(&number).cloned();
        kept.and_then(|kept| kept.restore(ctx).ok())
    }

    /// The number that was given last.
    pub(crate) fn last(&self) -> u64 {
        self.last.get()
    }

    /// Lets go what was kept since this number was the last.
    pub(crate) fn release_since(&self, last: u64) {
        let released = self.kept.borrow_mut().split_off(&(last + 1));
        drop(released);
    }

    /// Lets a value go.
    pub(crate) fn release(&self, number: u64) {
        // What is freed with it may look at the handles.
        let released = self.kept.borrow_mut().remove(&number);
        drop(released);
    }
}

fn encoded(number: u64, kind: &str) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    let written = encoder.tag(CLASS).and_then(|encoder| encoder.array(3)?.str("Handle")?.u64(number)?.str(kind));
    written.unwrap_or_else(|error| unreachable!("a vector takes every byte: {error}"));
    encoder.into_writer()
}

/// What kind of value this is. No script has a say in it.
fn kind(value: &Value<'_>) -> &'static str {
    match value.type_of() {
        Type::Undefined => "undefined",
        Type::Null => "null",
        Type::Bool => "boolean",
        Type::Int | Type::Float => "number",
        Type::BigInt => "bigint",
        Type::String => "string",
        Type::Symbol => "symbol",
        Type::Constructor | Type::Function => "function",
        Type::Array => "array",
        Type::Promise => "promise",
        Type::Exception => "error",
        // A proxy of a function is one.
        _ if value.is_function() => "function",
        _ => "object",
    }
}
