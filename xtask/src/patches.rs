//! Changes to the engine's C sources, made as they are compiled for the guest: `xtask cc PATCHES COMPILER ...` stands in for the compiler.
//!
//! The sources are those that the build script of `rquickjs-sys` has copied for itself, afresh each time.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, exit},
};

use anyhow::{Context as _, Result, anyhow};
use sha2::{Digest as _, Sha256};

use crate::root;

/// A program that is started as the compiler is, and changes sources first.
pub(crate) fn compiler(target_dir: &Path, compiler: &str) -> Result<PathBuf> {
    let path = target_dir.join("clang");
    let (program, patches) = (env::current_exe()?, folder());
    let script = format!("#!/bin/sh\nexec '{}' cc '{}' {compiler} \"$@\"\n", program.display(), patches.display());
    fs::create_dir_all(target_dir)?;
    fs::write(&path, script)?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Ok(path)
}

/// Changes the sources among these arguments by the patches of a folder, then compiles. Does not come back.
pub(crate) fn compile(patches: &Path, compiler: &str, arguments: &[&str]) -> Result<()> {
    for source in arguments.iter().map(Path::new) {
        if let Some(name) = source.file_name().filter(|_| source.extension() == Some(OsStr::new("c"))) {
            for patch in patches_of(&patches.join(name))? {
                apply(&patch, source)?;
            }
        }
    }
    // What the patches include is beside them.
    let folders = folders(patches)?.into_iter().flat_map(|folder| [OsString::from("-I"), folder.into()]);
    let status = Command::new(compiler)
        .args(arguments)
        .args(folders)
        .status()
        .with_context(|| format!("cannot start {compiler}"))?;
    exit(status.code().unwrap_or(1));
}

/// A digest of all changes: where it is another, the sources are compiled again.
pub(crate) fn digest() -> Result<String> {
    let mut digest = Sha256::new();
    for folder in folders(&folder())? {
        for file in entries(&folder)? {
            digest.update(fs::read(file)?);
        }
    }
    Ok(digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

fn folder() -> PathBuf {
    root().join("guest/patches")
}

/// The patches for one source, in the order of their names.
fn patches_of(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let is_patch = |path: &PathBuf| path.extension() == Some(OsStr::new("patch"));
    Ok(entries(folder)?.into_iter().filter(is_patch).collect())
}

/// The folders of all sources that are changed.
fn folders(patches: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(patches)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut entries = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

fn apply(patch: &Path, source: &Path) -> Result<()> {
    let of = || format!("{} and {}", patch.display(), source.display());
    let text = fs::read_to_string(patch).with_context(of)?;
    let change = diffy::Patch::from_str(&text).with_context(of)?;
    let before = fs::read_to_string(source).with_context(of)?;
    let after = diffy::apply(&before, &change).map_err(|error| anyhow!("{error}: {}", of()))?;
    fs::write(source, after).with_context(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_changed_where_it_fits_and_else_it_is_an_error() {
        let folder = env::temp_dir().join(format!("aiointernal-patches-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (patch, source) = (folder.join("1.patch"), folder.join("a.c"));
        fs::write(&patch, "--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,2 @@\n one\n-two\n three\n").unwrap();
        fs::write(&source, "one\ntwo\nthree\n").unwrap();
        apply(&patch, &source).unwrap();
        assert_eq!(fs::read_to_string(&source).unwrap(), "one\nthree\n");
        let error = apply(&patch, &source).unwrap_err();
        assert!(error.to_string().contains("a.c"), "{error}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
