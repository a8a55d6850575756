//! Values of every kind, and graphs of them, out and in.

mod graphs;
mod wire;
