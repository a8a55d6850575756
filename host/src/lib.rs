//! Placeholder.
mod error;
mod thread;

pub use crate::{
    error::{Error, ErrorKind},
    thread::{Builder, Call, Closing, HeapThread, Opening, Running, Steps, StepsStream, Ticket},
};
