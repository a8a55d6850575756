//! The handles in a value, and where they are.

use super::{Value, entry, property};
use crate::js::handle::Handle;

impl Value {
    /// The handles in here with the paths to them, which begin with the name of the whole.
    pub(in crate::js) fn handles(&self, name: String) -> Vec<(String, Handle)> {
        let mut found = Vec::new();
        self.collect(name, &mut found);
        found
    }

    fn collect(&self, path: String, found: &mut Vec<(String, Handle)>) {
        match self {
            Value::Handle(handle) => found.push((path, handle.clone())),
            Value::Array(elements) => elements
                .iter()
                .enumerate()
                .for_each(|(index, element)| element.collect(format!("{path}[{index}]"), found)),
            Value::Set(members) => members
                .iter()
                .enumerate()
                .for_each(|(index, member)| member.collect(format!("{path}(member {index})"), found)),
            Value::Object(properties) => {
                properties.iter().for_each(|(name, value)| value.collect(path.clone() + &property(name), found));
            }
            Value::Map(entries) => entries.iter().enumerate().for_each(|(index, (key, value))| {
                key.collect(format!("{path}(key {index})"), found);
                value.collect(path.clone() + &entry(index, key), found);
            }),
            Value::Error(error) => {
                let members = [("cause", &error.cause), ("errors", &error.errors)];
                let members = members.iter().filter_map(|(name, member)| Some((name, member.as_ref()?)));
                members.for_each(|(name, member)| member.collect(format!("{path}.{name}"), found));
            }
            Value::Boxed(inner) | Value::Shared(_, inner) => inner.collect(path, found),
            _ => {}
        }
    }
}
