//! The WIT interface `host-objects`: the objects of the host that the scripts of one instance hold.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{
    bindings::{
        HostError,
        host_functions::Answer,
        host_objects::{self, HostClass, HostMember},
    },
    calls::fault,
    host_object::{Class, HostObject},
    script::Ambient,
};
use crate::{
    component::Data,
    error::{Error, ErrorKind},
};

/// The objects of one instance.
#[derive(Default)]
pub(super) struct Objects {
    held: HashMap<u64, Held>,
    /// Those in values that the engine is given in the call that runs. It may take them up, and has not yet.
    entering: HashMap<u64, HostObject>,
    /// The classes of those that the engine took up, by their numbers.
    classes: BTreeMap<u32, Arc<Class>>,
    /// Those that the engine released in the call that runs, whose result may still have them.
    released: HashMap<u64, Held>,
    /// How many there may be.
    most: usize,
}

/// An object that scripts hold.
struct Held {
    object: Option<HostObject>,
    /// How often the engine took it up, and has not released it.
    times: usize,
}

/// The hook is the caller's code.
impl Drop for Held {
    fn drop(&mut self) {
        let object = self.object.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| object.iter().for_each(HostObject::released))) {
            tracing::warn!("an object of the host panicked as it was released");
            // Its `Drop` could panic again.
            mem::forget(panic);
        }
    }
}

impl Objects {
    /// Sets how many there may be.
    pub(super) fn limit(&mut self, most: usize) {
        self.most = most;
    }

    /// These are in a value that the engine is given next.
    pub(super) fn let_in(&mut self, objects: impl IntoIterator<Item = HostObject>) {
        self.entering.extend(objects.into_iter().map(|object| (object.number(), object)));
    }

    /// How many scripts hold.
    pub(super) fn count(&self) -> usize {
        self.held.len()
    }

    /// A call has ended: what the engine was given and did not take up, it has not; what it released is dropped.
    pub(super) fn end_call(&mut self) {
        self.entering.clear();
        self.released.clear();
    }

    /// The object of this number, where scripts hold it, or held it before the call ended.
    pub(super) fn get(&self, number: u64) -> Option<&HostObject> {
        self.held.get(&number).or_else(|| self.released.get(&number))?.object.as_ref()
    }

    fn adopt(&mut self, number: u64) -> Result<u32, Error> {
        let full = self.held.len() >= self.most;
        if let Some(held) = self.held.get_mut(&number) {
            held.times = held.times.saturating_add(1);
            return held.object.as_ref().map(|object| object.class().number).ok_or_else(no_object);
        }
        let object = self.entering.get(&number).ok_or_else(no_object)?;
        if full {
            let message = format!("scripts of the context hold {} objects of the host, the most they may", self.most);
            return Err(Error::new(ErrorKind::HandleLimit, message));
        }
        let class = Arc::clone(object.class());
        // One that was released a moment ago has come again before anybody heard of it.
        let mut held = self.released.remove(&number).unwrap_or_else(|| Held { object: Some(object.clone()), times: 0 });
        held.times = 1;
        self.held.insert(number, held);
        let number = class.number;
        self.classes.entry(number).or_insert(class);
        Ok(number)
    }

    fn release(&mut self, number: u64) {
        if let Some(held) = self.held.get_mut(&number) {
            held.times = held.times.saturating_sub(1);
            if held.times == 0 {
                self.released.extend(self.held.remove(&number).map(|held| (number, held)));
            }
        }
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

fn no_object() -> Error {
    fault("there is no such object")
}

impl host_objects::Host for Data<Ambient> {
    fn adopt(&mut self, object: u64) -> Result<u32, HostError> {
        let Ambient { calls, objects, .. } = &mut self.host;
        objects.adopt(object).map_err(|error| calls.tell("an object", error))
    }

    fn describe(&mut self, class: u32) -> HostClass {
        let Some(class) = self.host.objects.classes.get(&class) else {
            return HostClass { name: String::new(), members: Vec::new() };
        };
        let members = class.members.iter().map(|member| HostMember { name: member.name.clone(), kind: member.kind });
        HostClass { name: class.name.to_owned(), members: members.collect() }
    }

    fn invoke(&mut self, object: u64, member: u32, arguments: Vec<u8>) -> Answer {
        let _away = self.step_out();
        let memory = Arc::clone(self.ledger());
        let Ambient { calls, objects, .. } = &mut self.host;
        let Some(object) = objects.get(object).cloned() else {
            return Answer::Failed(calls.tell("a member", no_object()));
        };
        let Some(member) = object.class().members.get(member as usize) else {
            return Answer::Failed(calls.tell("a member", fault("there is no such member")));
        };
        calls.run(objects, &memory, &member.full_name, &arguments, |arguments, call| {
            member.begin(&object, arguments, call)
        })
    }

    fn release(&mut self, objects: Vec<u64>) {
        // Their destructors are the host's.
        let _away = self.step_out();
        objects.into_iter().for_each(|object| self.host.objects.release(object));
    }
}
