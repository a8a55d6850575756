//! Chores of this repository. `cargo xtask guest` builds the JavaScript engine.

mod guest;
mod provenance;
mod toolchain;

use std::path::{Path, PathBuf};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["guest"] => guest::build(),
        _ => anyhow::bail!("usage: cargo xtask guest    rebuild host/guest.wasm and guest/PROVENANCE"),
    }
}

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository's root").to_owned()
}
