//! Where the linker puts the engine's data, whom it has QuickJS ask for local time, and the scripts of the web's APIs.

use std::{env, fs, io, path::Path};

/// Bytes of the stack, as the compiler has it by default.
const STACK: usize = 1 << 20;

/// Bytes by which the static data behind the stack is moved, so that what every call writes there is on one page and not on two: the
/// allocator's state and the place of results. They are enough for the stack of a short script not to need a second page either.
/// `tests/density.rs` notices where this no longer holds.
const SHIFT: usize = 3904;

/// The folder of the scripts.
const SCRIPTS: &str = "src/web";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={SCRIPTS}");
    if env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo:rustc-link-arg-cdylib=-zstack-size={}", STACK + SHIFT);
        // `__wrap_localtime_r` in `component.rs`.
        println!("cargo:rustc-link-arg-cdylib=--wrap=localtime_r");
    }
    let folder = Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join("web");
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(SCRIPTS)? {
        let path = entry?.path();
        if let (Some(name), true) = (path.file_name(), path.extension().is_some_and(|extension| extension == "js")) {
            fs::write(folder.join(name), lean(&fs::read_to_string(&path)?))?;
        }
    }
    Ok(())
}

/// The same script, each line where it was, without indentation and comments of their own lines. It is in the image that all engines start
/// from, before what they write to: the less it takes, the closer together lies what is used.
fn lean(script: &str) -> String {
    let line = |line: &str| {
        let line = line.trim();
        // No text may go on over the end of a line, as its spaces would be lost.
        assert!(line.matches('`').count().is_multiple_of(2), "a template of several lines: {line}");
        if line.starts_with("//") { "\n".to_owned() } else { format!("{line}\n") }
    };
    script.lines().map(line).collect()
}
