//! Chores of this repository. `cargo xtask guest` builds the components that are in it: the JavaScript engine and the
//! example that is none. `cargo xtask fuzz` runs the fuzz targets.

mod brake;
mod bulk_memory;
mod floor;
mod fuzz;
mod guest;
mod patches;
mod provenance;
mod toolchain;

use std::path::{Path, PathBuf};

const USAGE: &str = "usage: cargo xtask guest            rebuild both of these
       cargo xtask guest engine     rebuild host/guest.wasm and guest/PROVENANCE
       cargo xtask guest search     rebuild examples/guests/search/search.wasm and its PROVENANCE
       cargo xtask fuzz all 60      run the targets in fuzz/ for 60 seconds together; or one of them, by its name";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["guest"] => guest::engine().and_then(|()| guest::search()),
        ["guest", "engine"] => guest::engine(),
        ["guest", "search"] => guest::search(),
        // Not for people: it is the compiler that a build of the guest is given.
        ["cc", patches, compiler, arguments @ ..] => patches::compile(Path::new(patches), compiler, arguments),
        ["fuzz", target, seconds] => fuzz::run(target, seconds),
        _ => anyhow::bail!(USAGE),
    }
}

/// The repository's root: the folder here or above that holds the guest.
fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    here.ancestors().find(|folder| folder.join("guest/Cargo.toml").exists()).unwrap_or(&here).to_owned()
}
