//! Components of one's own: typed and by name, limits, bad input, WASI.

mod calls;
mod held;
mod hostile;
mod limits;
mod loading;
mod refused;
mod typed;
mod wasi;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use aiointernal::{
    Error, ErrorKind, HeapThread, Limits,
    component::{Config, Dynamic, Engine, Instance, Reply},
};

const CORE: &str = include_str!("component/core.wat");
const VALUES: &str = include_str!("component/values.wat");
const INTERFACES: &str = include_str!("component/interfaces.wat");
const RESOURCE: &str = include_str!("component/resource.wat");

/// One for all tests, without a cache.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| engine(|_| {}));

fn engine(change: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::default();
    config.cache = None;
    change(&mut config);
    Engine::new(config).unwrap()
}

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn program(text: &str) -> Dynamic {
    Dynamic::new(&ENGINE, &wasm(text)).unwrap()
}

type Called = HeapThread<Instance<Dynamic>>;

fn open(text: &str) -> Called {
    open_with(text, |_| {})
}

fn open_with(text: &str, change: impl FnOnce(&mut Limits)) -> Called {
    let mut limits = Limits::default();
    change(&mut limits);
    ENGINE.open(program(text), limits).blocking().unwrap()
}

fn invoke(component: &Called, call: &str) -> Result<Reply, Error> {
    let call = call.to_owned();
    component.try_call(move |instance, running| instance.invoke(running, &call)).blocking()
}

/// The result of a call, as text.
#[track_caller]
fn text(component: &Called, call: &str) -> String {
    invoke(component, call).unwrap().text().unwrap_or("nothing").to_owned()
}

/// The kind of error that a call ends with, whether the instance was kept, and the text.
#[track_caller]
fn failure(component: &Called, call: &str) -> (ErrorKind, bool, String) {
    let error = invoke(component, call).unwrap_err();
    (error.kind(), error.is_context_kept(), error.to_string())
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "there is no {part:?} in {text:?}");
    }
}
