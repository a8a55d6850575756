//! The compiler for the guest: rustup's where it has the target, else Debian's, which builds the standard library.

use std::{
    path::Path,
    process::{Command, Output},
};

use anyhow::{Context as _, Result, bail};

use crate::patches;

const TARGET: &str = "wasm32-unknown-unknown";

const ADVICE: &str = "no compiler for wasm32-unknown-unknown was found. Install one of these:
  rustup: rustup target add wasm32-unknown-unknown, and Debian's clang, lld and llvm (14 or later)
  Debian: apt-get install --no-install-recommends rustc-web cargo-web rust-web-src clang-22 lld-22 llvm-22";

/// C, like Rust, with vector and bulk-memory instructions.
const CFLAGS: &str = "-O3 -msimd128 -mbulk-memory";
const RUSTFLAGS: &str = "-Ctarget-feature=+bulk-memory,+simd128";

/// A compiler for the guest.
pub(crate) struct Toolchain {
    cargo: &'static str,
    rustc: &'static str,
    /// The suffix of the LLVM tools: `-22`, or none.
    llvm: &'static str,
    builds_std: bool,
}

impl Toolchain {
    /// Picks the first that is there.
    pub(crate) fn find() -> Result<Toolchain> {
        let suffixes = ["-22", "-21", "-20", "-19", "", "-18", "-17", "-16", "-15", "-14"];
        let llvm = suffixes.into_iter().find(|suffix| {
            ["clang", "wasm-ld", "llvm-ar"].iter().all(|tool| runs(&format!("{tool}{suffix}"), &["--version"]))
        });
        let Some(llvm) = llvm else { bail!(ADVICE) };
        if has_target("rustc") {
            Ok(Toolchain { cargo: "cargo", rustc: "rustc", llvm, builds_std: false })
        } else if has_std_source("/usr/bin/rustc") {
            Ok(Toolchain { cargo: "/usr/bin/cargo", rustc: "/usr/bin/rustc", llvm, builds_std: true })
        } else {
            bail!(ADVICE)
        }
    }

    /// `cargo build --release` for the guest.
    pub(crate) fn build(&self, guest: &Path, target_dir: &Path, root: &Path) -> Result<()> {
        let llvm = self.llvm;
        let home = std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")));
        // No path of this machine may end up in the artifact.
        let remap = |from: &Path, to: &str| format!(" --remap-path-prefix={}={to}", from.display());
        let mut rustflags = RUSTFLAGS.to_owned();
        let mut cflags = format!("{CFLAGS} -DENGINE_PATCHES={}", patches::digest()?);
        let sysroot = text(Command::new(self.rustc).args(["--print", "sysroot"]))?;
        for (from, to) in
            [(root.to_owned(), "/aiointernal"), (home.unwrap_or_default().into(), "/cargo"), (sysroot.into(), "/rust")]
        {
            rustflags.push_str(&remap(&from, to));
            cflags.push_str(&format!(" -ffile-prefix-map={}={to}", from.display()));
        }
        if self.builds_std {
            rustflags.push_str(" -Clinker-flavor=wasm-ld");
        }
        let mut command = Command::new(self.cargo);
        command
            .args(["build", "--release", "--locked", "--target", TARGET])
            .current_dir(guest)
            .env("CARGO_TARGET_DIR", target_dir)
            .env("RUSTC", self.rustc)
            .env("CC_wasm32_unknown_unknown", patches::compiler(target_dir, &format!("clang{llvm}"))?)
            .env("AR_wasm32_unknown_unknown", format!("llvm-ar{llvm}"))
            .env("CFLAGS_wasm32_unknown_unknown", cflags)
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", rustflags);
        // What the outer cargo or the user's shell set is for the host's compiler.
        for variable in ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTUP_TOOLCHAIN", "CARGO_BUILD_TARGET"] {
            command.env_remove(variable);
        }
        if self.builds_std {
            command.arg("-Zbuild-std=std,panic_abort");
            command.env("RUSTC_BOOTSTRAP", "1");
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", format!("wasm-ld{llvm}"));
        }
        let status = command.status().with_context(|| format!("cannot start {}", self.cargo))?;
        if !status.success() {
            bail!("the guest does not build");
        }
        Ok(())
    }

    /// The versions that decide the artifact's bytes, a line each.
    pub(crate) fn versions(&self) -> Result<Vec<(&'static str, String)>> {
        Ok(vec![
            ("rustc", text(Command::new(self.rustc).arg("--version"))?),
            ("clang", text(Command::new(format!("clang{}", self.llvm)).arg("--version"))?),
            ("wasm-ld", text(Command::new(format!("wasm-ld{}", self.llvm)).arg("--version"))?),
        ])
    }
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output: Output| output.status.success())
}

fn has_target(rustc: &str) -> bool {
    text(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET])).is_ok_and(|libdir| {
        std::fs::read_dir(libdir).is_ok_and(|mut files| {
            files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libcore-")))
        })
    })
}

fn has_std_source(rustc: &str) -> bool {
    text(Command::new(rustc).args(["--print", "sysroot"]))
        .is_ok_and(|sysroot| Path::new(&sysroot).join("lib/rustlib/src/rust/library/Cargo.toml").exists())
}

/// The first line that a command prints.
fn text(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().trim().to_owned())
}
