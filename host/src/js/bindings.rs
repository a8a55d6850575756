//! What wasmtime generates from `wit/engine.wit`. None of it is public.
#![allow(missing_docs, unreachable_pub, missing_debug_implementations, clippy::all, reason = "generated")]

crate::component::wasmtime::component::bindgen!({
    path: "wit",
    world: "script-engine",
    additional_derives: [PartialEq],
    wasmtime_crate: crate::component::wasmtime,
});

pub(super) use self::{
    aiointernal::js::{
        ambient::{self, LogLevel},
        host_functions, host_objects, modules, timers,
        types::{Exception, ExceptionPlace, Failure, HostError, Outcome, ResultForm, Source, SourceKind},
    },
    exports::aiointernal::js::{
        engine::{self, Settings},
        on_demand::{self, Operation},
        surroundings::{self, HostFunction},
    },
};
