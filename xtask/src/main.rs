//! Chores of this repository. `cargo xtask guest` builds the JavaScript engine.

mod guest;
mod provenance;
mod toolchain;

use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["guest"] => guest::build(),
        _ => anyhow::bail!("usage: cargo xtask guest    rebuild host/guest.wasm and guest/PROVENANCE"),
    }
}

/// The repository's root: the folder here or above that holds the guest.
fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    here.ancestors().find(|folder| folder.join("guest/Cargo.toml").exists()).unwrap_or(&here).to_owned()
}
