//! JavaScript that nobody trusts: QuickJS-NG in a WebAssembly component, on a thread of its own.
//!
//! ```text
//! Sandbox --context--> Context --eval, call, ...--> Call --queue--> engine (the component) --> Value
//! ```

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

mod sandbox;
mod pool;
mod context_builder;
mod context;
mod surroundings;
mod functions;
mod host_call;
mod calls;
mod host_object;
#[cfg(feature = "fetch")]
mod fetch;
mod objects;
mod handle;
mod js_value;
mod js_stream;
mod result;
mod evaluation;
mod inbox;
mod clock;
mod timers;
mod random;
#[cfg(feature = "time-zones")]
mod time_zone;
mod source;
mod batch;
mod script;
mod engine;
mod console;
mod modules;
mod exception;
mod source_maps;
#[cfg(feature = "typescript")]
mod typescript;
mod value;
mod literal;
mod wire;
mod ser;
mod de;
mod guest;
mod bindings;

/// What `cargo xtask fuzz` reaches that no program can.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    use super::{objects::Objects, wire};

    /// Decodes what an engine might give, and says how many bytes of memory it takes.
    pub fn decode(bytes: &[u8], room: usize) -> Option<usize> {
        wire::decode_with(bytes, &Objects::default(), room, &|| true).ok().map(|(_, taken)| taken)
    }

    /// The addresses that a grant lets a request connect to, where its name leads to these.
    #[cfg(feature = "fetch")]
    pub fn reached(
        grant: &super::FetchGrant,
        method: &str,
        url: &str,
        found: &[std::net::IpAddr],
    ) -> Vec<std::net::IpAddr> {
        super::fetch::reached(grant, method, url, found).unwrap_or_default()
    }

    /// Strips a text of TypeScript, and says whether what is told of it lies within it, and how long its JavaScript is, if it has any.
    #[cfg(feature = "typescript")]
    pub fn strip(text: &str) -> (bool, Option<usize>) {
        super::typescript::look(text)
    }
}

#[cfg(feature = "fetch")]
pub use self::fetch::{FetchGrant, FetchLimits};
pub use self::{
    batch::{Batch, BatchResult, BatchStream, Sources},
    clock::{Clock, ManualClock},
    console::{Console, ConsoleMessage, Level},
    context::{Context, MemoryUsage},
    context_builder::{ContextBuilder, OpeningContext},
    de::from_value,
    exception::Exception,
    functions::{Functions, ScriptError},
    handle::{Handle, Kind},
    host_call::HostCall,
    host_object::{Host, HostClass, HostObject, Members},
    js_stream::JsStream,
    js_value::JsValue,
    modules::{Folder, Module, ModuleMap, Resolver},
    pool::{Fresh, Pool, PoolBuilder, PoolStats},
    result::FromScript,
    sandbox::{Sandbox, SandboxBuilder},
    ser::to_value,
    source::Source,
    value::{BigInt, Date, ErrorObject, RegExp, TypedArray, Value},
};
#[doc(inline)]
pub use crate::__value as value;
