//! Runs examples.
