//! The JavaScript engine, as `cargo xtask guest` built it.

/// A pre-initialised component: an instance starts with a live JavaScript context.
pub(super) const GUEST: &[u8] = include_bytes!("../../guest.wasm");

const _: () = assert!(GUEST.len() > 1 << 20, "guest.wasm is not there: run `cargo xtask guest`");
