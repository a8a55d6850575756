//! The host that the engine has here: what it is told, and what it answers.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Instant,
};

use aiointernal_guest::{Answer, Host, HostClass, HostError, LogLevel, Malformed, ModuleKind, ModuleText, Refusal};

use super::{fetch, functions, objects, timers};

/// What the engine told its host, and what the host is to answer.
#[derive(Default)]
pub(super) struct World {
    pub(super) messages: RefCell<Vec<(LogLevel, String)>>,
    /// The encoded arguments of each message.
    pub(super) arguments: RefCell<Vec<Vec<Vec<u8>>>>,
    pub(super) seeds: Cell<u32>,
    /// Questions whether to go on.
    pub(super) polls: Cell<u32>,
    /// The question that is answered with "stop", and all after it.
    pub(super) stop_at: Cell<Option<u32>>,
    /// The time from which on every question is answered with "stop".
    pub(super) deadline: Cell<Option<Instant>>,
    /// The modules that there are, by name.
    pub(super) modules: RefCell<BTreeMap<String, String>>,
    /// Specifiers that mean these names.
    pub(super) renamed: RefCell<BTreeMap<String, String>>,
    /// The calls of host functions: which, and the encoded arguments.
    pub(super) calls: RefCell<Vec<(u32, Vec<u8>)>>,
    pub(super) timers: RefCell<timers::Timers>,
    /// The objects of the host.
    pub(super) objects: RefCell<objects::Objects>,
    /// What `fetch` asked for.
    pub(super) network: RefCell<fetch::Network>,
    /// The names that were loaded.
    pub(super) loads: RefCell<Vec<String>>,
}

pub(super) struct FakeHost(pub(super) Rc<World>);

impl Host for FakeHost {
    fn elapsed(&self) -> f64 {
        self.0.timers.borrow().elapsed()
    }

    fn start_timer(&self, millis: u32, repeats: bool) -> Result<u64, HostError> {
        self.0.timers.borrow_mut().start(millis, repeats)
    }

    fn cancel_timer(&self, timer: u64) {
        self.0.timers.borrow_mut().cancel(timer);
    }

    fn random(&self) -> u64 {
        self.0.seeds.set(self.0.seeds.get() + 1);
        42
    }

    fn log(&self, level: LogLevel, message: &str, arguments: &[Vec<u8>]) {
        self.0.arguments.borrow_mut().push(arguments.to_vec());
        self.0.messages.borrow_mut().push((level, message.to_owned()));
    }

    fn patience(&self) -> u32 {
        self.0.polls.set(self.0.polls.get() + 1);
        let is_to_stop = self.0.stop_at.get().is_some_and(|stop_at| self.0.polls.get() >= stop_at)
            || self.0.deadline.get().is_some_and(|deadline| Instant::now() >= deadline);
        if is_to_stop { 0 } else { 10_000 }
    }

    fn normalize(&self, base: &str, specifier: &str) -> Result<String, String> {
        if self.0.modules.borrow().is_empty() {
            return Err("this context has no modules".into());
        }
        if !specifier.starts_with("./") && !specifier.starts_with("../") {
            return Ok(self.0.renamed.borrow().get(specifier).cloned().unwrap_or_else(|| specifier.into()));
        }
        let mut path: Vec<&str> = base.split('/').collect();
        path.pop();
        for segment in specifier.split('/') {
            match segment {
                "." => {}
                ".." => {
                    path.pop().ok_or("it leads above the root")?;
                }
                name => path.push(name),
            }
        }
        Ok(path.join("/"))
    }

    fn start(&self, function: u32, arguments: &[u8]) -> Answer {
        functions::answer(&self.0, function, arguments)
    }

    fn adopt(&self, object: u64) -> Result<u32, HostError> {
        objects::adopt(&self.0, object)
    }

    fn describe(&self, class: u32) -> HostClass {
        objects::describe(&self.0, class)
    }

    fn invoke(&self, object: u64, member: u32, arguments: &[u8]) -> Answer {
        objects::invoke(&self.0, object, member, arguments)
    }

    fn release(&self, objects: &[u64]) {
        self.0.objects.borrow_mut().release(objects);
    }

    fn load(&self, name: &str) -> Result<ModuleText, Refusal> {
        self.0.loads.borrow_mut().push(name.into());
        let kind = if name.ends_with(".json") { ModuleKind::Json } else { ModuleKind::JavaScript };
        let modules = self.0.modules.borrow();
        let text = modules.get(name).ok_or_else(|| format!("there is no module {name:?}"))?;
        if name.ends_with(".ts") {
            let stack = format!("    at {name}:2:8");
            return Err(Refusal::Malformed(Malformed { name: text.clone(), message: "x".repeat(300), stack }));
        }
        Ok(ModuleText { text: text.clone(), kind })
    }
}
