//! Tests of everything together.

mod cases;
mod context;
mod thread;
