//! `guest/PROVENANCE`: what the artifact was made from, so that a stale one is noticed without a Wasm compiler.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use crate::root;

/// Where the artifact lies.
pub(crate) fn artifact_path() -> PathBuf {
    root().join("host/guest.wasm")
}

/// Writes the record. Nothing goes in that differs between two builds of the same inputs: no path, date or commit.
pub(crate) fn write(artifact: &[u8], versions: &[(&'static str, String)]) -> Result<()> {
    let mut lines = vec![
        "# What host/guest.wasm was made from. Written by `cargo xtask guest`; not edited by hand.".to_owned(),
        format!("artifact-sha256: {}", hex(&Sha256::digest(artifact))),
        format!("inputs-sha256: {}", inputs_digest()?),
    ];
    lines.extend(versions.iter().map(|(tool, version)| format!("{tool}: {version}")));
    fs::write(path(), lines.join("\n") + "\n").context("cannot write guest/PROVENANCE")
}

fn path() -> PathBuf {
    root().join("guest/PROVENANCE")
}

/// One digest over the name and content of every input, in the order of their names.
fn inputs_digest() -> Result<String> {
    let root = root();
    let mut files = Vec::new();
    for folder in ["guest", "wit"] {
        collect(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        let name = file.strip_prefix(&root)?.to_str().context("an input's name is not UTF-8")?;
        let content = fs::read(&file).with_context(|| format!("cannot read {name}"))?;
        digest.update(format!("{name}\0{}\0", content.len()));
        digest.update(content);
    }
    Ok(hex(&digest.finalize()))
}

/// Adds the files of a folder, but for what builds and tests write or read: `cargo component build` leaves a `bindings.rs`.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("guest/target") && !path.ends_with("guest/tests") {
            collect(&path, files)?;
        } else if path.is_file() && path != self::path() && !path.ends_with("guest/src/bindings.rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use wasmtime::component::types::ComponentItem;

    use super::*;

    fn recorded(field: &str) -> String {
        let record = fs::read_to_string(path()).unwrap();
        let line = record.lines().find_map(|line| line.strip_prefix(&format!("{field}: ")).map(str::to_owned));
        line.unwrap_or_else(|| panic!("guest/PROVENANCE has no {field}"))
    }

    #[test]
    fn the_artifact_was_built_from_these_inputs() {
        assert_eq!(
            recorded("inputs-sha256"),
            inputs_digest().unwrap(),
            "guest/ or wit/ changed since host/guest.wasm was built: run `cargo xtask guest`"
        );
    }

    #[test]
    fn the_artifact_is_the_one_that_was_built() {
        let artifact = fs::read(artifact_path()).unwrap();
        assert_eq!(recorded("artifact-sha256"), hex(&Sha256::digest(artifact)), "host/guest.wasm was replaced");
    }

    /// The functions of an interface, in the order of their names.
    fn members(engine: &wasmtime::Engine, interface: &str, item: ComponentItem) -> Vec<String> {
        let ComponentItem::ComponentInstance(instance) = item else {
            panic!("{interface} is no interface");
        };
        let short = interface.strip_prefix("aiointernal:js/").and_then(|name| name.strip_suffix("@0.1.0")).unwrap();
        let functions = instance.exports(engine).filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)));
        let mut names: Vec<String> = functions.map(|(name, _)| format!("{short}#{name}")).collect();
        names.sort();
        names
    }

    /// The sandbox's list of capabilities: a change here is a change of what a script could reach.
    #[test]
    fn the_artifact_imports_and_exports_exactly_the_world() {
        let artifact = fs::read(artifact_path()).unwrap();
        let engine = wasmtime::Engine::default();
        let component = wasmtime::component::Component::new(&engine, artifact).unwrap();
        let ty = component.component_type();
        let imports: Vec<_> = ty.imports(&engine).flat_map(|(name, item)| members(&engine, name, item.ty)).collect();
        let exports: Vec<_> = ty.exports(&engine).flat_map(|(name, item)| members(&engine, name, item.ty)).collect();
        assert_eq!(imports, ["ambient#interrupted", "ambient#log", "ambient#now", "ambient#random"]);
        let expected = [
            "[constructor]batch",
            "[method]batch.next",
            "[method]batch.push",
            "call",
            "configure",
            "evaluate",
            "get-global",
            "initialize",
            "memory-usage",
            "set-globals",
        ];
        assert_eq!(exports, expected.map(|name| format!("engine#{name}")));
    }
}
