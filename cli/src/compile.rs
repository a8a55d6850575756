//! `aiointernal compile`.

use std::path::Path;

use aiointernal::Sandbox;
use anyhow::Result;

/// Leaves the engine's compiled code in a folder.
pub(crate) fn run(folder: &Path, fuel: bool, epochs: bool) -> Result<()> {
    let mut sandbox = Sandbox::builder();
    if fuel {
        sandbox = sandbox.count_fuel();
    }
    if epochs {
        sandbox = sandbox.use_epochs();
    }
    sandbox.compile_into(folder)?;
    Ok(())
}
