//! `PROVENANCE`: what an artifact was made from, so that a stale one is noticed without a Wasm compiler.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use crate::root;

/// An artifact that is in the repository. Paths are relative to its root.
pub(crate) struct Artifact {
    path: &'static str,
    /// Where its digest is besides, for who has no time to find it.
    digest: Option<&'static str>,
    /// The folders that it is made from, of which the first holds the record.
    inputs: &'static [&'static str],
    /// What rebuilds it.
    command: &'static str,
}

/// The JavaScript engine.
pub(crate) const ENGINE: Artifact = Artifact {
    path: "host/guest.wasm",
    digest: Some("host/guest.sha256"),
    inputs: &["guest", "wit"],
    command: "cargo xtask guest",
};

/// The example of a component that is not JavaScript.
pub(crate) const SEARCH: Artifact = Artifact {
    path: "examples/guests/search/search.wasm",
    digest: None,
    inputs: &["examples/guests/search"],
    command: "cargo xtask guest",
};

impl Artifact {
    /// Writes the artifact and its record. Nothing goes in that differs between two builds of the same inputs: no path,
    /// date or commit.
    pub(crate) fn write(&self, artifact: &[u8], versions: &[(&'static str, String)]) -> Result<()> {
        let Artifact { path, command, .. } = self;
        fs::write(root().join(path), artifact).with_context(|| format!("cannot write {path}"))?;
        let mut lines = vec![
            format!("# What {path} was made from. Written by `{command}`; not edited by hand."),
            format!("artifact-sha256: {}", hex(&Sha256::digest(artifact))),
            format!("inputs-sha256: {}", self.inputs_digest()?),
        ];
        lines.extend(versions.iter().map(|(tool, version)| format!("{tool}: {version}")));
        let record = self.record();
        fs::write(&record, lines.join("\n") + "\n").with_context(|| format!("cannot write {}", record.display()))?;
        if let Some(path) = self.digest {
            fs::write(root().join(path), hex(&Sha256::digest(artifact)) + "\n")
                .with_context(|| format!("cannot write {path}"))?;
        }
        println!("{path}: {} bytes", artifact.len());
        Ok(())
    }

    fn record(&self) -> PathBuf {
        root().join(self.inputs[0]).join("PROVENANCE")
    }

    /// One digest over the name and content of every input, in the order of their names.
    fn inputs_digest(&self) -> Result<String> {
        let root = root();
        let mut files = Vec::new();
        for folder in self.inputs {
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
}

/// Adds the files of a folder, but for tests, prose, and what builds leave there.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if path.is_dir() {
            if !["target", "tests"].contains(&name) {
                collect(&path, files)?;
            }
        // `cargo component build` writes bindings.rs.
        } else if !["PROVENANCE", "README.md", "bindings.rs"].contains(&name) && !name.ends_with(".wasm") {
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

    impl Artifact {
        fn recorded(&self, field: &str) -> String {
            let record = fs::read_to_string(self.record()).unwrap();
            let line = record.lines().find_map(|line| line.strip_prefix(&format!("{field}: ")).map(str::to_owned));
            line.unwrap_or_else(|| panic!("{} has no {field}", self.record().display()))
        }

        /// The functions that are imported and those that are exported, each as `interface#function`.
        fn world(&self) -> [Vec<String>; 2] {
            let engine = wasmtime::Engine::default();
            let component = wasmtime::component::Component::from_file(&engine, root().join(self.path)).unwrap();
            let ty = component.component_type();
            [
                ty.imports(&engine).flat_map(|(name, item)| members(&engine, name, item.ty)).collect(),
                ty.exports(&engine).flat_map(|(name, item)| members(&engine, name, item.ty)).collect(),
            ]
        }
    }

    /// The functions of an interface, in the order of their names.
    fn members(engine: &wasmtime::Engine, interface: &str, item: ComponentItem) -> Vec<String> {
        let ComponentItem::ComponentInstance(instance) = item else {
            panic!("{interface} is no interface");
        };
        let functions = instance.exports(engine).filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)));
        let mut names: Vec<String> = functions.map(|(name, _)| format!("{interface}#{name}")).collect();
        names.sort();
        names
    }

    #[test]
    fn every_artifact_was_built_from_these_inputs() {
        for artifact in [ENGINE, SEARCH] {
            assert_eq!(
                artifact.recorded("inputs-sha256"),
                artifact.inputs_digest().unwrap(),
                "{:?} changed since {} was built: run `{}`",
                artifact.inputs,
                artifact.path,
                artifact.command
            );
        }
    }

    #[test]
    fn every_artifact_is_the_one_that_was_built() {
        for artifact in [ENGINE, SEARCH] {
            let content = fs::read(root().join(artifact.path)).unwrap();
            assert_eq!(
                artifact.recorded("artifact-sha256"),
                hex(&Sha256::digest(content)),
                "{} was replaced",
                artifact.path
            );
            let digest = artifact.digest.map(|path| fs::read_to_string(root().join(path)).unwrap());
            assert!(digest.is_none_or(|digest| digest.trim() == artifact.recorded("artifact-sha256")));
        }
    }

    /// The sandbox's list of capabilities: a change here is a change of what a script could reach.
    #[test]
    fn the_engine_imports_and_exports_exactly_the_world() {
        let [imports, exports] = ENGINE.world();
        const HOST: [&str; 9] = [
            "timers@0.1.0#cancel",
            "timers@0.1.0#start",
            "host-functions@0.1.0#start",
            "host-objects@0.1.0#adopt",
            "host-objects@0.1.0#describe",
            "host-objects@0.1.0#invoke",
            "host-objects@0.1.0#release",
            "modules@0.1.0#load",
            "modules@0.1.0#normalize",
        ];
        let expected = [
            "ambient@0.1.0#elapsed",
            "ambient@0.1.0#log",
            "ambient@0.1.0#now",
            "ambient@0.1.0#patience",
            "ambient@0.1.0#random",
            "ambient@0.1.0#time-zone-offset",
        ];
        let expected = [&expected[..], &HOST].concat();
        assert_eq!(imports, expected.into_iter().map(|name| format!("aiointernal:js/{name}")).collect::<Vec<_>>());
        let expected = [
            "image@0.1.0#initialize",
            "image@0.1.0#landmark",
            "engine@0.1.0#configure",
            "engine@0.1.0#evaluate",
            "surroundings@0.1.0#define-functions",
            "surroundings@0.1.0#set-globals",
            "on-demand@0.1.0#[constructor]batch",
            "on-demand@0.1.0#[method]batch.next",
            "on-demand@0.1.0#[method]batch.push",
            "on-demand@0.1.0#call",
            "on-demand@0.1.0#ended",
            "on-demand@0.1.0#fire",
            "on-demand@0.1.0#forget",
            "on-demand@0.1.0#free",
            "on-demand@0.1.0#get-global",
            "on-demand@0.1.0#memory-usage",
            "on-demand@0.1.0#operate",
            "on-demand@0.1.0#release",
            "on-demand@0.1.0#settle",
            "on-demand@0.1.0#take-result",
            "on-demand@0.1.0#tidy",
        ];
        assert_eq!(exports, expected.map(|name| format!("aiointernal:js/{name}")));
    }

    #[test]
    fn the_search_imports_nothing_and_exports_exactly_its_world() {
        let [imports, exports] = SEARCH.world();
        assert_eq!(imports, [""; 0]);
        let expected = [
            "[constructor]index",
            "[method]index.add",
            "[method]index.len",
            "[method]index.remove",
            "[method]index.search",
            "[method]matches.next",
            "[method]matches.remaining",
            "terms",
        ];
        assert_eq!(exports, expected.map(|name| format!("example:search/search@0.1.0#{name}")));
    }

    #[test]
    fn the_search_is_small() {
        let bytes = fs::metadata(root().join(SEARCH.path)).unwrap().len();
        assert!(bytes < 200 << 10, "{bytes} bytes");
    }
}
