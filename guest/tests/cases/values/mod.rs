//! Values of every kind, and graphs of them, out and in.

mod forms;
mod refused;
mod wire;
mod random_values;
mod graphs;
mod fuzz;
