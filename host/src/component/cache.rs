//! Compiled components on disk, so that only the first start of a program compiles.
//!
//! A file is named after everything that decides its content: the whole digest of the component, and a hash of
//! wasmtime's version and configuration. It begins with a digest of the rest. What does not
//! match is compiled anew and written over. Whoever can write the folder can run code in this process, as with any
//! cache of compiled code, so a folder that others can write is not used.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, component::Component};

/// First bytes of a file: what it is, and the version of this layout.
const MAGIC: &[u8; 8] = b"aioint\x00\x01";

const DIGEST: usize = 32;

/// Loads a component from the folder, or compiles it and leaves it there. Trouble with the folder costs time only, and
/// is logged.
pub(super) fn load_or_compile(engine: &Engine, wasm: &[u8], folder: &Path) -> wasmtime::Result<Component> {
    let file = folder.join(file_name(engine, wasm));
    match read(engine, &file) {
        Ok(component) => return Ok(component),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(file = %file.display(), %error, "compiled code in the cache is not usable"),
    }
    let compiled = engine.precompile_component(wasm)?;
    if let Err(error) = write(folder, &file, &compiled) {
        tracing::warn!(file = %file.display(), %error, "compiled code cannot be cached");
    }
    deserialize(engine, &compiled)
}

/// The folder for compiled code of this user: `$XDG_CACHE_HOME/aiointernal`, else `~/.cache/aiointernal`.
pub(super) fn default_folder() -> Option<PathBuf> {
    let absolute = |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(base.join("aiointernal"))
}

fn file_name(engine: &Engine, wasm: &[u8]) -> String {
    let mut compatibility = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compatibility);
    let digest = Sha256::digest(wasm);
    // All of it: who writes two components must not get one for the other.
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digest}-{:016x}.cwasm", compatibility.finish())
}

fn read(engine: &Engine, file: &Path) -> io::Result<Component> {
    if let Some(folder) = file.parent() {
        check_owner(&fs::metadata(folder)?)?;
    }
    let mut opened = fs::File::open(file)?;
    check_owner(&opened.metadata()?)?;
    let mut bytes = Vec::new();
    opened.read_to_end(&mut bytes)?;
    let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let (magic, rest) = bytes.split_at_checked(MAGIC.len()).ok_or_else(|| broken("the file is cut short"))?;
    let (digest, compiled) = rest.split_at_checked(DIGEST).ok_or_else(|| broken("the file is cut short"))?;
    if magic != MAGIC {
        return Err(broken("the file is of another kind or version"));
    }
    if digest != Sha256::digest(compiled).as_slice() {
        return Err(broken("the file is damaged: its digest does not match"));
    }
    deserialize(engine, compiled).map_err(io::Error::other)
}

/// Writes a file that other processes see whole or not at all.
fn write(folder: &Path, file: &Path, compiled: &[u8]) -> io::Result<()> {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    create_private_folder(folder)?;
    check_owner(&fs::metadata(folder)?)?;
    let unique = WRITES.fetch_add(1, Ordering::Relaxed);
    let partial = file.with_extension(format!("{}-{unique}.partial", std::process::id()));
    // A process of the same number may have been killed here and left it behind.
    let _ = fs::remove_file(&partial);
    let mut writer = create_private_file(&partial)?;
    let written = writer
        .write_all(MAGIC)
        .and_then(|()| writer.write_all(&Sha256::digest(compiled)))
        .and_then(|()| writer.write_all(compiled))
        .and_then(|()| fs::rename(&partial, file));
    written.inspect_err(|_| drop(fs::remove_file(&partial)))
}

#[cfg(unix)]
fn create_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(unix)]
fn create_private_file(file: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)
}

/// Refuses what another user owns or others may write.
#[cfg(unix)]
fn check_owner(found: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    // The owner of a process's own entry is the user that it runs as. Where that cannot be seen, nothing is cached.
    let user = fs::metadata("/proc/self")?.uid();
    if found.uid() != user || found.mode() & 0o022 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others than this user may write it"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn create_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(not(unix))]
fn create_private_file(file: &Path) -> io::Result<fs::File> {
    fs::File::create_new(file)
}

#[cfg(not(unix))]
fn check_owner(_found: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[expect(unsafe_code, reason = "the one place: loading compiled code is unsafe by nature")]
fn deserialize(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize` asks for bytes that wasmtime's own compiler made. They are either what
    // `precompile_component` returned a moment ago, or come from a file whose owner is this user and that nobody else
    // may write, under the name of this very engine configuration, and whose digest says that they are whole. wasmtime
    // itself refuses another version, target or configuration. They are copied from memory, not mapped, so that
    // nobody can change them under the running code.
    unsafe { Component::deserialize(engine, compiled) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wasm() -> Vec<u8> {
        // The empty component: a magic number, and a version that says "component".
        [&b"\0asm"[..], &[0x0d, 0, 1, 0]].concat()
    }

    fn cached(folder: &Path) -> PathBuf {
        let mut files = fs::read_dir(folder).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none(), "one file, and no partial ones");
        file
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("aiointernal-cache-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_compiled_component_is_found_again() {
        let (engine, folder) = (Engine::default(), folder("found"));
        load_or_compile(&engine, &wasm(), &folder).unwrap();
        let file = cached(&folder);
        read(&engine, &file).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_damaged_file_is_refused_by_name_and_written_over() {
        let (engine, folder) = (Engine::default(), folder("damaged"));
        load_or_compile(&engine, &wasm(), &folder).unwrap();
        let file = cached(&folder);
        let whole = fs::read(&file).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        for (damaged, reason) in [
            (&whole[..20], "cut short"),
            (&flipped[..], "digest does not match"),
            (b"something else altogether, and longer than the header is", "another kind"),
        ] {
            fs::write(&file, damaged).unwrap();
            let error = read(&engine, &file).map(|_| ()).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            load_or_compile(&engine, &wasm(), &folder).unwrap();
            assert_eq!(fs::read(&file).unwrap(), whole);
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn code_of_another_configuration_is_refused() {
        let (engine, folder) = (Engine::default(), folder("other"));
        load_or_compile(&engine, &wasm(), &folder).unwrap();
        let file = cached(&folder);
        let other = Engine::new(wasmtime::Config::new().epoch_interruption(true)).unwrap();
        assert!(read(&other, &file).is_err());
        assert_ne!(file_name(&engine, &wasm()), file_name(&other, &wasm()));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_a_killed_process_of_the_same_number_left_is_no_hindrance() {
        let (engine, folder) = (Engine::default(), folder("left"));
        create_private_folder(&folder).unwrap();
        let file = folder.join(file_name(&engine, &wasm()));
        // Other tests of this process write, too: any of the next numbers may be this one's.
        for unique in 0..100 {
            fs::write(file.with_extension(format!("{}-{unique}.partial", std::process::id())), "half").unwrap();
        }
        load_or_compile(&engine, &wasm(), &folder).unwrap();
        read(&engine, &file).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_everybody_may_write_is_not_used() {
        use std::os::unix::fs::PermissionsExt as _;
        let (engine, folder) = (Engine::default(), folder("open"));
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        load_or_compile(&engine, &wasm(), &folder).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir_all(folder).unwrap();
    }
}
