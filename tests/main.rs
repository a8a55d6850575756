//! Tests of everything together.
#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod cases;
mod clock;
mod component;
mod console;
mod context;
mod fetch;
mod functions;
mod handles;
mod heap_thread;
mod host_objects;
mod hostile;
mod isolation;
mod leaf_loop;
mod limits;
mod modules;
mod pool;
mod queue;
mod scripts;
mod source_maps;
mod thread;
mod timers;
mod typescript;
mod values;
