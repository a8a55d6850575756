//! A WebAssembly component as the object on a thread: one of your own, for a WIT world of your own.
//!
//! ```text
//! Engine --compile--> Component --link--> InstancePre --Program--> Instance, in a HeapThread --enter--> exports
//! ```
//!
//! It gets what the JavaScript engine gets, which is one user of this module among others: the handle and its queue,
//! [`Limits`] that hold in every loop and function of the compiled code, a first request to stop and then the end, and
//! a fresh instance after a trap. A component may do what its imports let it do, and nothing else: it imports what
//! you put into its `Linker`.
//!
//! Bindings come from wasmtime's `bindgen!`. This module re-exports the [`wasmtime`] that it was built with, and
//! `wasmtime_crate` points the macro there, so that a program needs no dependency of its own on wasmtime, of which it
//! would have to have the very same version. With the feature `wave`, [`Dynamic`] calls functions by name, without
//! bindings; with the feature `wasi`, [`Grants`] gives a component parts of WASI 0.2.
#![cfg_attr(not(feature = "wave"), doc = "\n[`Dynamic`]: https://docs.rs/aiointernal")]
#![cfg_attr(not(feature = "wasi"), doc = "\n[`Grants`]: https://docs.rs/aiointernal")]
//!
//! # Example
//!
//! ```
//! use aiointernal::{Limits, component::{Config, Data, Engine, Program, wasmtime}};
//! use wasmtime::{Store, component::Linker};
//!
//! wasmtime::component::bindgen!({
//!     inline: "package example:calculator; world calculator { export add: func(a: u32, b: u32) -> u32; }",
//!     wasmtime_crate: aiointernal::component::wasmtime,
//! });
//!
//! /// The component, linked: it imports nothing.
//! struct Linked(CalculatorPre<Data<()>>);
//!
//! impl Program for Linked {
//!     type Host = ();
//!     type Exports = Calculator;
//!
//!     fn host(&self) -> wasmtime::Result<()> {
//!         Ok(())
//!     }
//!
//!     fn instantiate(&self, store: &mut Store<Data<()>>, _: &Limits) -> wasmtime::Result<Calculator> {
//!         self.0.instantiate(store)
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! # let wasm = wat::parse_str(r#"(component
//! #     (core module $m (func (export "add") (param i32 i32) (result i32)
//! #         local.get 0 local.get 1 i32.add))
//! #     (core instance $i (instantiate $m))
//! #     (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add"))))"#)?;
//! let engine = Engine::new(Config::default())?; // once a program
//! let component = engine.compile(&wasm)?;
//! let linked = Linked(CalculatorPre::new(engine.link(&component, &Linker::new(engine.wasmtime()))?)?);
//!
//! let calculator = engine.open(linked, Limits::default()).await?; // a HeapThread: one instance on its thread
//! let sum = calculator.try_call(|calculator, running| {
//!     calculator.enter(running, |store, exports| exports.call_add(store, 1, 2))
//! });
//! assert_eq!(sum.await?, 3);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # What is guaranteed, and what is not
//!
//! Code of a component runs within [`Instance`] only, with every limit armed, its start functions as well. Compiling
//! one is not within any limit: it takes time and memory that grow with the component, so bound the size of what
//! strangers may hand you. A host function of your own is not interrupted while it runs: it must not block. Outside the
//! memory limit are an instance's globals and tables of functions, up to 4 MiB times [`Config::scale`].
//!
//! How such a component is built, with `cargo component` and for plain `wasm32-wasip2`, is told beside the example
//! `examples/guests/search`, which `examples/search.rs` hosts.

// What a guest gives makes no host panic, and wraps no number.
#![cfg_attr(
    not(test),
    warn(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable
    )
)]

mod engine;
mod room;
mod cache;
mod instance;
mod held;
mod limits;
mod ledger;
mod group;
mod deadline;
mod ticker;
mod beat;
mod brake;
#[cfg(feature = "js")]
mod pages;
mod cpu;
mod usage;
#[cfg(feature = "wave")]
mod dynamic;
#[cfg(feature = "wave")]
mod function;
#[cfg(feature = "wasi")]
mod grants;
#[cfg(feature = "wasi")]
mod wasi;

#[doc(no_inline)]
pub use wasmtime;

#[cfg(feature = "js")]
pub(crate) use self::{
    brake::IS_SUPPORTED as HAS_BRAKES,
    instance::end_of,
    ledger::{Charge, Ledger, Refused},
    usage::{Account, record},
};
pub use self::{
    deadline::Stop,
    engine::{Config, Engine},
    group::{Budget, Group},
    held::Held,
    instance::{Data, Instance, Program},
    limits::Limits,
    usage::{Meter, Usage},
};
#[cfg(feature = "wave")]
pub use self::{
    dynamic::{Dynamic, Reply},
    function::Function,
};
#[cfg(feature = "wasi")]
pub use self::{grants::Grants, wasi::link_wasi};
