//! Tests of everything together.
#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod cases;
mod context;
mod queue;
mod thread;
