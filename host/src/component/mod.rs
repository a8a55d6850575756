//! A WebAssembly component as the object on a thread: compiled once, limited, replaced after a trap.

mod engine;
mod cache;
mod instance;
mod limits;
mod deadline;

pub use self::limits::Limits;
pub(crate) use self::{
    engine::{Engine, THREAD_STACK},
    instance::{Data, Instance, Program, stopped},
};

/// The folder where compiled code of this user is kept.
pub(crate) fn default_cache_folder() -> Option<std::path::PathBuf> {
    cache::default_folder()
}
