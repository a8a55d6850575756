//! `cargo xtask guest`: core module, component, and of the engine the pre-initialised component.

use std::{
    fs,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use anyhow::{Context as _, Result, anyhow};
use wasmtime::{
    Engine, Store,
    component::{Component, ComponentNamedList, Instance, Lift, Linker, WasmList},
};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::{brake, bulk_memory, floor, provenance, root, toolchain::Toolchain};

const AMBIENT: &str = "aiointernal:js/ambient@0.1.0";
const IMAGE: &str = "aiointernal:js/image@0.1.0";

/// Builds the JavaScript engine and writes the artifact and its record.
pub(crate) fn engine() -> Result<()> {
    let toolchain = Toolchain::find()?;
    let module = module(&toolchain, "guest", "aiointernal_guest")?;
    let module = floor::marked(&brake::fit(&bulk_memory::in_pieces(&module)?)?)?;
    let component = component(&module)?;
    let artifact = preinitialise(&component).map_err(|error| anyhow!("{error:?}"))?;
    let mut versions = toolchain.versions()?;
    versions.push(("wasmtime-wizer", "48.0.8".into()));
    provenance::ENGINE.write(&artifact, &versions)
}

/// Builds the example of a component that is not JavaScript and writes the artifact and its record.
pub(crate) fn search() -> Result<()> {
    let toolchain = Toolchain::find()?;
    let artifact = component(&module(&toolchain, "examples/guests/search", "example_search")?)?;
    let mut versions = toolchain.versions()?;
    // There is no C in it.
    versions.retain(|(tool, _)| *tool != "clang");
    provenance::SEARCH.write(&artifact, &versions)
}

/// The library in this folder, as a core module.
fn module(toolchain: &Toolchain, folder: &str, library: &str) -> Result<Vec<u8>> {
    let root = root();
    let target_dir = root.join("target/guest");
    toolchain.build(&root.join(folder), &target_dir, &root)?;
    Ok(fs::read(target_dir.join(format!("wasm32-unknown-unknown/release/{library}.wasm")))?)
}

fn component(module: &[u8]) -> Result<Vec<u8>> {
    wit_component::ComponentEncoder::default()
        .module(module)?
        .validate(true)
        .encode()
        .context("the core module does not make a component")
}

/// Runs `initialize` and takes the memory as the image that every instance starts from.
fn preinitialise(component: &[u8]) -> wasmtime::Result<Vec<u8>> {
    let mut wizer = Wizer::new();
    // Removing the export makes an invalid component in this version.
    wizer.keep_init_func(true);
    let (context, instrumented) = wizer.instrument_component(component)?;

    let engine = Engine::default();
    let instrumented = Component::new(&engine, instrumented)?;
    let mut linker = Linker::new(&engine);
    // The clock stands still, so that the image is the same each time; nothing else may be asked meanwhile.
    let mut ambient = linker.instance(AMBIENT)?;
    ambient.func_wrap("now", |_, (): ()| Ok((0.0_f64,)))?;
    ambient.func_wrap("patience", |_, (): ()| Ok((u32::MAX,)))?;
    linker.define_unknown_imports_as_traps(&instrumented)?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &instrumented)?;
    let mut state = State { store, instance };
    state.call::<()>(IMAGE, "initialize")?;
    ready(wizer.snapshot_component(&context, &mut state))
}

/// Runs a future that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("every call into the instance is synchronous"),
    }
}

/// The instance whose image is taken. Written here because wizer's own would build wasmtime a second time, with
/// features that the host does not use.
struct State {
    store: Store<()>,
    instance: Instance,
}

impl State {
    fn call<R>(&mut self, interface: &str, name: &str) -> wasmtime::Result<R>
    where
        R: ComponentNamedList + Lift + 'static,
    {
        let missing = || wasmtime::format_err!("the component has no export {interface}#{name}");
        let (_, interface) = self.instance.get_export(&mut self.store, None, interface).ok_or_else(missing)?;
        let (_, function) = self.instance.get_export(&mut self.store, Some(&interface), name).ok_or_else(missing)?;
        self.instance.get_typed_func::<(), R>(&mut self.store, function)?.call(&mut self.store, ())
    }

    /// What wizer asks for is there, because wizer put it there.
    fn state<R>(&mut self, interface: &str, name: &str) -> R
    where
        (R,): ComponentNamedList + Lift + 'static,
    {
        let (value,) = self.call::<(R,)>(interface, name).expect("wizer's accessors answer");
        value
    }
}

impl ComponentInstanceState for State {
    async fn call_func_ret_list_u8(&mut self, interface: &str, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        let list: WasmList<u8> = self.state(interface, name);
        contents(list.as_le_slice(&self.store));
    }

    async fn call_func_ret_s32(&mut self, interface: &str, name: &str) -> i32 {
        self.state(interface, name)
    }

    async fn call_func_ret_s64(&mut self, interface: &str, name: &str) -> i64 {
        self.state(interface, name)
    }

    async fn call_func_ret_f32(&mut self, interface: &str, name: &str) -> u32 {
        self.state::<f32>(interface, name).to_bits()
    }

    async fn call_func_ret_f64(&mut self, interface: &str, name: &str) -> u64 {
        self.state::<f64>(interface, name).to_bits()
    }
}
