//! JavaScript that nobody trusts: QuickJS-NG in a WebAssembly component, on a thread of its own.
//!
//! ```text
//! Sandbox --context--> Context --eval, call, ...--> Call --queue--> engine (the component) --> Value
//! ```

mod sandbox;
mod context;
mod functions;
mod host_call;
mod calls;
mod evaluation;
mod inbox;
mod source;
mod batch;
mod script;
mod engine;
mod console;
mod modules;
mod exception;
mod source_maps;
mod value;
mod literal;
mod wire;
mod ser;
mod de;
mod guest;
mod bindings;

pub use self::{
    batch::{Batch, BatchResult, BatchStream, Sources},
    console::{Console, ConsoleMessage, Level},
    context::{Context, MemoryUsage},
    de::from_value,
    exception::Exception,
    functions::{Functions, ScriptError},
    host_call::HostCall,
    modules::{Folder, Module, ModuleMap, Resolver},
    sandbox::{ContextBuilder, OpeningContext, Sandbox, SandboxBuilder},
    ser::to_value,
    source::Source,
    value::{BigInt, Date, ErrorObject, RegExp, TypedArray, Value},
};
#[doc(inline)]
pub use crate::__value as value;
