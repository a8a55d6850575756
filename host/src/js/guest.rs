//! The JavaScript engine, as `cargo xtask guest` built it.

/// A pre-initialised component: an instance starts with a live JavaScript context.
pub(super) const GUEST: &[u8] = include_bytes!("../../guest.wasm");

const _: () = assert!(GUEST.len() > 1 << 20, "guest.wasm is not there: run `cargo xtask guest`");

/// Its SHA-256, in hexadecimal digits.
pub(super) const DIGEST: &str = include_str!("../../guest.sha256").trim_ascii();
