//! The JavaScript engine of aiointernal: QuickJS-NG behind the WIT world `aiointernal:js/script-engine`.
//!
//! The library is the same natively and in Wasm: [`Engine`] holds one JavaScript context and asks the world for things
//! only through [`Host`]. On `wasm32` the module `component` answers the WIT exports with it; natively the tests do.

mod batch;
mod bytecode;
mod class;
#[cfg(target_arch = "wasm32")]
mod component;
mod console;
mod countdown;
mod engine;
mod evaluations;
mod exception;
mod failure;
mod functions;
mod garbage;
mod globals;
mod handles;
mod host;
#[cfg(target_arch = "wasm32")]
mod image;
mod intrinsics;
mod modules;
mod objects;
mod operation;
mod raw;
mod rejections;
mod scripts;
mod sites;
mod stopping;
mod table;
mod text;
mod timers;
mod value;
mod web;

pub use crate::{
    batch::Batch,
    engine::{Engine, MemoryUsage, Outcome, ResultForm, Settings, Source, SourceKind},
    failure::{Exception, Failure},
    functions::{Answer, HostError, HostFunction},
    host::{Host, LogLevel},
    modules::{Malformed, ModuleKind, ModuleText, Refusal},
    objects::{HostClass, HostMember, MemberKind},
    operation::Operation,
};
