//! Graphs to trees: a copy in the place of every reference.

use std::collections::HashMap;

use super::{
    ErrorObject, TypedArray, Value,
    refused::{Refused, entry, property},
};
use crate::error::{Error, ErrorKind};

/// Deepest nesting of a tree, as of all that leaves an engine.
const MAX_DEPTH: usize = 128;

/// Most bytes that copies may take: a graph of a few references to references would be a tree of any size.
const MAX_COPIES: usize = 64 << 20;

impl Value {
    /// The value with a copy in the place of every reference, and with nothing shared.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotTransferable`], with the path to the place: a cycle, a reference to what is not there, copies of more than
    /// 64 MiB in all, or nesting deeper than 128 levels, which copies can bring about.
    pub fn into_tree(self) -> Result<Value, Error> {
        if !self.is_graph() {
            return Ok(self);
        }
        self.unfolded().map_err(|reason| Error::new(ErrorKind::NotTransferable, format!("value{reason}")))
    }

    /// Whether anything in here is shared or a reference.
    pub(in crate::js) fn is_graph(&self) -> bool {
        match self {
            Value::Shared(..) | Value::Reference(_) => true,
            _ => self.find(|child| child.is_graph().then_some(())).is_some(),
        }
    }

    /// A copy of a graph as a tree.
    pub(in crate::js) fn unfolded(&self) -> Result<Value, Refused> {
        Unfolding { shared: HashMap::new(), open: Vec::new(), copies: 0, left: MAX_COPIES, depth: 0 }.copy(self)
    }
}

fn refused<T>(what: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::new(what))
}

fn too_deep<T>() -> Result<T, Refused> {
    refused(format!("nested deeper than {MAX_DEPTH} levels"))
}

struct Unfolding<'v> {
    /// The shared values up to here.
    shared: HashMap<u32, &'v Value>,
    /// The numbers of those that are being copied now.
    open: Vec<u32>,
    /// How many references are being followed.
    copies: usize,
    /// Bytes that references may still copy.
    left: usize,
    depth: usize,
}

impl<'v> Unfolding<'v> {
    fn copy(&mut self, value: &'v Value) -> Result<Value, Refused> {
        if self.copies > 0 {
            match self.left.checked_sub(size_of::<Value>().saturating_add(content(value))) {
                Some(left) => self.left = left,
                None => return refused(format!("more than {MAX_COPIES} bytes of copies of what is shared")),
            }
        }
        match value {
            Value::Shared(number, inner) => {
                self.shared.insert(*number, inner);
                self.within(*number, inner)
            }
            Value::Reference(number) => {
                let Some(target) = self.shared.get(number).copied() else {
                    return refused(format!(
                        "a reference to {number}, and nothing before it is shared under that number"
                    ));
                };
                if self.open.contains(number) {
                    return refused("a cycle");
                }
                self.copies = self.copies.saturating_add(1);
                let copy = self.within(*number, target);
                self.copies = self.copies.saturating_sub(1);
                copy
            }
            _ if self.depth > MAX_DEPTH => too_deep(),
            _ => {
                self.depth = self.depth.saturating_add(1);
                let copy = self.members(value);
                self.depth = self.depth.saturating_sub(1);
                copy
            }
        }
    }

    fn within(&mut self, number: u32, value: &'v Value) -> Result<Value, Refused> {
        // A mark and a reference a level are all that there can be of use.
        if self.open.len() > 2 * MAX_DEPTH {
            return too_deep();
        }
        self.open.push(number);
        let copy = self.copy(value);
        self.open.pop();
        copy
    }

    fn member(&mut self, value: &'v Value, segment: impl FnOnce() -> String) -> Result<Value, Refused> {
        self.copy(value).map_err(|refused| refused.under(&segment()))
    }

    fn members(&mut self, value: &'v Value) -> Result<Value, Refused> {
        let numbered = |values: &'v [Value]| values.iter().enumerate();
        Ok(match value {
            Value::Array(elements) => Value::Array(
                numbered(elements)
                    .map(|(index, element)| self.member(element, || format!("[{index}]")))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Set(members) => Value::Set(
                numbered(members)
                    .map(|(index, member)| self.member(member, || format!("(member {index})")))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(properties) => Value::Object(
                properties
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.member(value, || property(name))?)))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Map(entries) => Value::Map(
                entries
                    .iter()
                    .enumerate()
                    .map(|(index, (key, value))| {
                        let copied = self.member(key, || format!("(key {index})"))?;
                        Ok((copied, self.member(value, || entry(index, key))?))
                    })
                    .collect::<Result<_, _>>()?,
            ),
            Value::Error(error) => {
                let ErrorObject { name, message, stack, cause, errors } = &**error;
                let (name, message, stack) = (name.clone(), message.clone(), stack.clone());
                let cause = cause.as_ref().map(|cause| self.member(cause, || ".cause".to_owned())).transpose()?;
                let errors = errors.as_ref().map(|errors| self.member(errors, || ".errors".to_owned())).transpose()?;
                ErrorObject { name, message, stack, cause, errors }.into()
            }
            Value::Boxed(inner) => Value::Boxed(self.copy(inner)?.into()),
            leaf => leaf.clone(),
        })
    }
}

/// Bytes that a value holds beside the values within it.
fn content(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Bytes(bytes) | Value::ArrayBuffer(bytes) | Value::DataView(bytes) => bytes.len(),
        Value::TypedArray(array) => array_bytes(array),
        Value::BigInt(integer) => integer.bytes(),
        Value::RegExp(regexp) => regexp.source.len().saturating_add(regexp.flags.len()),
        Value::Object(properties) => {
            properties.iter().map(|(name, _)| size_of::<String>().saturating_add(name.len())).sum()
        }
        Value::Error(error) => {
            let texts = [&error.name, &error.message, &error.stack].into_iter().flatten();
            texts.map(String::len).fold(size_of::<ErrorObject>(), usize::saturating_add)
        }
        _ => 0,
    }
}

fn array_bytes(array: &TypedArray) -> usize {
    // At most; what matters is that it grows with the array.
    array.len().saturating_mul(8)
}
