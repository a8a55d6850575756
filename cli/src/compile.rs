//! `aiointernal compile`.

use std::{fs, path::PathBuf};

use aiointernal::Sandbox;
use anyhow::{Context as _, Result, ensure};

/// Leaves the engine's compiled code in a folder.
pub(crate) fn run(folder: PathBuf, fuel: bool) -> Result<()> {
    let mut sandbox = Sandbox::builder().max_contexts(1).cache_folder(Some(folder.clone()));
    if fuel {
        sandbox = sandbox.count_fuel();
    }
    sandbox.build()?;
    // One that cannot be written costs a sandbox its time only; here it is what was asked for.
    let name = folder.display();
    let written = fs::read_dir(&folder).with_context(|| format!("cannot read {name}"))?.count();
    ensure!(written > 0, "cannot write to {name}: it must be this user's, and nobody else's to write");
    Ok(())
}
