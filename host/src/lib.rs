//! An async handle to an object that must never leave its thread.
//!
//! Three layers:
//!
//! - [`HeapThread`]: any object, `Send` or not, on a thread of its own, called from async code through a bounded queue.
//!   It is of use alone, with `default-features = false`, and so is the [`queue`].
//!   [`#[heap_thread]`](macro@heap_thread) makes a typed handle of the object's own methods (feature `macros`, on by
//!   default).
//! - [`component`]: a WebAssembly component as that object, one of your own, with limits of time, memory and output
//!   (feature `component`; `wave` adds calls by name, `wasi` adds WASI 0.2 with nothing granted by default).
//! - [`Context`]: JavaScript in such a component, for scripts that nobody trusts (feature `js`, on by default; `fetch` adds
//!   what they may fetch).
//!
//! # Example
//!
//! ```
//! use aiointernal::Sandbox;
//!
//! # fn main() -> Result<(), aiointernal::Error> {
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let sandbox = Sandbox::new()?;
//! let context = sandbox.context().await?;
//! context.eval("let item = 1 + 2").await?;
//! assert_eq!(context.get_global_as::<i32>("item").await?, 3);
//! # Ok(())
//! # })
//! # }
//! ```

mod error;
mod sync;
pub mod queue;
mod thread;
mod timer;
#[cfg(feature = "component")]
pub mod component;
#[cfg(feature = "js")]
pub mod js;

#[cfg(feature = "macros")]
#[doc = include_str!("thread/heap_thread.md")]
pub use aiointernal_macros::heap_thread;
#[cfg(feature = "macros")]
pub use aiointernal_macros::sync;

#[cfg(feature = "component")]
pub use crate::component::Limits;
#[cfg(feature = "js")]
pub use crate::js::{Context, Sandbox, Value};
pub use crate::{
    error::{Error, ErrorKind},
    thread::{
        Builder, Call, Closing, Generation, GenerationStream, HeapThread, Iteration, IterationStream, Opening,
        Restarts, Running, Sink, Steps, StepsStream, Ticket,
    },
};
