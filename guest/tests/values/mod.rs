//! Values of every kind, and graphs of them, out and in.

mod fuzz;
mod graphs;
mod wire;
