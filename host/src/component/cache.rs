//! Compiled components on disk, so that only the first start of a program compiles.
//!
//! A file is named after everything that decides its content: the whole digest of the component, and a hash of
//! wasmtime's version and configuration. It begins with a checksum of the rest. What does not
//! match is compiled anew and written over. Whoever can write the folder can run code in this process, as with any
//! cache of compiled code, so a folder that others can write is not used.
//!
//! Without the compiler (feature `compiler`) such files are all there is: a file of the component is taken that fits.

#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd as _;
use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};
#[cfg(feature = "compiler")]
use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

#[cfg(target_os = "linux")]
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, component::Component};

/// First bytes of a file: what it is, and the version of this layout.
const MAGIC: &[u8; 8] = b"aioint\x00\x02";

const CHECKSUM: usize = 32;

/// Bytes that are read at a time: so few that they stay in the processor's cache, and whole chunks of a checksum.
const BLOCK: usize = 64 << 10;

/// The digest of a component, by which its files are named. All of it: who writes two components must not get one for the other.
pub(super) fn digest_of(wasm: &[u8]) -> String {
    Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Loads a component from the folder, or compiles it and leaves it there. Trouble with the folder costs time only, and
/// is logged.
#[cfg(feature = "compiler")]
pub(super) fn load_or_compile(
    engine: &Engine,
    wasm: &[u8],
    digest: &str,
    folder: &Path,
) -> wasmtime::Result<Component> {
    let file = folder.join(file_name(engine, digest));
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

/// Leaves a component's compiled code in the folder, where it is not there, and sees that it can be loaded. Gives the file.
///
/// # Errors
///
/// An [`io::Error`], where it is the folder's fault; else the compiler's.
#[cfg(all(feature = "compiler", feature = "js"))]
pub(super) fn keep(engine: &Engine, wasm: &[u8], digest: &str, folder: &Path) -> wasmtime::Result<PathBuf> {
    let file = folder.join(file_name(engine, digest));
    if read(engine, &file).is_err() {
        write(folder, &file, &engine.precompile_component(wasm)?)?;
        read(engine, &file)?;
    }
    Ok(file)
}

/// Loads a component from the folder: the first of its files, in the order of their names, that fits this engine.
///
/// # Errors
///
/// Why none does.
#[cfg(not(feature = "compiler"))]
pub(super) fn load(engine: &Engine, digest: &str, folder: &Path) -> io::Result<Component> {
    let mut files = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .filter(|path| path.as_ref().map_or(true, |path| is_of(path, digest)))
        .collect::<io::Result<Vec<_>>>()?;
    files.sort();
    let mut why = io::Error::new(io::ErrorKind::NotFound, "it has no file of this component");
    for file in files {
        match read(engine, &file) {
            Ok(component) => return Ok(component),
            Err(error) => why = io::Error::new(error.kind(), format!("{}: {error}", file.display())),
        }
    }
    Err(why)
}

#[cfg(not(feature = "compiler"))]
fn is_of(file: &Path, digest: &str) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(digest) && name.ends_with(".cwasm")
}

/// The folder for compiled code of this user: `$XDG_CACHE_HOME/aiointernal`, else `~/.cache/aiointernal`.
pub(super) fn default_folder() -> Option<PathBuf> {
    let absolute = |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(base.join("aiointernal"))
}

#[cfg(feature = "compiler")]
fn file_name(engine: &Engine, digest: &str) -> String {
    let mut compatibility = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compatibility);
    format!("{digest}-{:016x}.cwasm", compatibility.finish())
}

fn read(engine: &Engine, file: &Path) -> io::Result<Component> {
    #[cfg(target_os = "linux")]
    match open(file)?.map(engine) {
        Ok(component) => return Ok(component),
        Err(error) => tracing::debug!(%error, "compiled code cannot be mapped"),
    }
    open(file)?.load(engine)
}

/// A file of compiled code, behind its header.
struct Compiled {
    file: fs::File,
    sum: [u8; CHECKSUM],
}

fn open(file: &Path) -> io::Result<Compiled> {
    if let Some(folder) = file.parent() {
        check_owner(&fs::metadata(folder)?)?;
    }
    let mut file = fs::File::open(file)?;
    check_owner(&file.metadata()?)?;
    let (mut magic, mut sum) = ([0; MAGIC.len()], [0; CHECKSUM]);
    file.read_exact(&mut magic).and_then(|()| file.read_exact(&mut sum)).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => broken("the file is cut short"),
        _ => error,
    })?;
    if magic != *MAGIC {
        return Err(broken("the file is of another kind or version"));
    }
    Ok(Compiled { file, sum })
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

impl Compiled {
    /// Loads it from a copy in memory that nobody can change. Code and the image of a memory are mapped from that, and not copied once more each.
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "loading compiled code is unsafe by nature")]
    fn map(self, engine: &Engine) -> io::Result<Component> {
        let sealed = memfd_create(c"aiointernal-code", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut sealed = fs::File::from(sealed);
        self.copy(&mut sealed)?;
        fcntl_add_seals(&sealed, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        // By its thread, which may have files of its own.
        let path = format!("/proc/thread-self/fd/{}", sealed.as_raw_fd());
        // SAFETY: as in `deserialize`; and what is mapped cannot be changed by anybody from here on, nor become shorter.
        unsafe { Component::deserialize_file(engine, path) }.map_err(io::Error::other)
    }

    fn load(self, engine: &Engine) -> io::Result<Component> {
        let mut compiled = Vec::new();
        self.copy(&mut compiled)?;
        deserialize(engine, &compiled).map_err(io::Error::other)
    }

    fn copy(self, to: &mut impl io::Write) -> io::Result<()> {
        let sum = copy(self.file, to)?;
        if sum == self.sum { Ok(()) } else { Err(broken("the file is damaged: its checksum does not match")) }
    }
}

/// Copies all of it, and tells what is damaged: a change of one word for certain, and any other but for one in 2^64.
///
/// Who may write the file could write another of these as well, so it need not be hard to find one, but quick: a digest
/// would take a fifth of the start of a small program.
fn copy(mut from: impl io::Read, to: &mut impl io::Write) -> io::Result<[u8; CHECKSUM]> {
    // An odd number, so that nothing of a word is lost by it.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut lanes = [1_u64, 2, 3, 4];
    let mut mix = |chunk: &[u8; CHECKSUM]| {
        let (words, _) = chunk.as_chunks();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane = (*lane ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR).rotate_left(29);
        }
    };
    let (mut block, mut length) = (vec![0; BLOCK], 0_u64);
    loop {
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match from.read(rest) {
                Ok(0) => break,
                Ok(read) => filled = filled.saturating_add(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let piece = block.get(..filled).unwrap_or_default();
        to.write_all(piece)?;
        length = length.saturating_add(filled as u64);
        let (chunks, rest) = piece.as_chunks();
        chunks.iter().for_each(&mut mix);
        if filled < BLOCK {
            let mut last = [0; CHECKSUM];
            last.iter_mut().zip(rest).for_each(|(last, byte)| *last = *byte);
            mix(&last);
            mix(&[length, 0, 0, 0].map(u64::to_le_bytes).as_flattened().try_into().unwrap_or(last));
            break;
        }
    }
    let mut sum = [0; CHECKSUM];
    sum.iter_mut().zip(lanes.map(u64::to_le_bytes).as_flattened()).for_each(|(sum, byte)| *sum = *byte);
    Ok(sum)
}

/// Writes a file that other processes see whole or not at all.
#[cfg(feature = "compiler")]
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
        .and_then(|()| writer.write_all(&copy(compiled, &mut io::sink())?))
        .and_then(|()| writer.write_all(compiled))
        .and_then(|()| fs::rename(&partial, file));
    written.inspect_err(|_| drop(fs::remove_file(&partial)))
}

#[cfg(all(unix, feature = "compiler"))]
fn create_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(all(unix, feature = "compiler"))]
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
    // The superuser can do everything anyway, and may have put it there for all.
    if ![user, 0].contains(&found.uid()) || found.mode() & 0o022 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others than this user may write it"));
    }
    Ok(())
}

#[cfg(all(not(unix), feature = "compiler"))]
fn create_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(all(not(unix), feature = "compiler"))]
fn create_private_file(file: &Path) -> io::Result<fs::File> {
    fs::File::create_new(file)
}

#[cfg(not(unix))]
fn check_owner(_found: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[expect(unsafe_code, reason = "loading compiled code is unsafe by nature")]
fn deserialize(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize` asks for bytes that wasmtime's own compiler made. They are either what
    // `precompile_component` returned a moment ago, or come from a file whose owner is this user or the superuser and that nobody
    // else may write, under the name of this very component, and whose checksum says that they are whole. wasmtime
    // itself refuses another version, target or configuration. The file itself is never mapped, so that nobody can change it
    // under the running code.
    unsafe { Component::deserialize(engine, compiled) }
}

#[cfg(test)]
#[cfg(feature = "compiler")]
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
        load_or_compile(&engine, &wasm(), &digest_of(&wasm()), &folder).unwrap();
        let file = cached(&folder);
        read(&engine, &file).unwrap();
        // In both ways, as the system may not have the first.
        open(&file).unwrap().load(&engine).unwrap();
        #[cfg(target_os = "linux")]
        open(&file).unwrap().map(&engine).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_damaged_file_is_refused_by_name_and_written_over() {
        let (engine, folder) = (Engine::default(), folder("damaged"));
        load_or_compile(&engine, &wasm(), &digest_of(&wasm()), &folder).unwrap();
        let file = cached(&folder);
        let whole = fs::read(&file).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        for (damaged, reason) in [
            (&whole[..20], "cut short"),
            (&flipped[..], "checksum does not match"),
            (b"something else altogether, and longer than the header is", "another kind"),
        ] {
            fs::write(&file, damaged).unwrap();
            let error = read(&engine, &file).map(|_| ()).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            load_or_compile(&engine, &wasm(), &digest_of(&wasm()), &folder).unwrap();
            assert_eq!(fs::read(&file).unwrap(), whole);
        }
        fs::remove_dir_all(folder).unwrap();
    }

    fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
        let mut copied = Vec::new();
        let sum = copy(bytes, &mut copied).unwrap();
        assert_eq!(copied, bytes);
        sum
    }

    #[test]
    fn every_change_of_a_word_and_of_the_length_changes_the_checksum() {
        let bytes: Vec<u8> = (0..1000_u32).map(|number| (number * 7) as u8).collect();
        let sum = checksum(&bytes);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            assert_ne!(checksum(&changed), sum, "byte {at}");
            assert_ne!(checksum(&bytes[..at]), sum, "{at} bytes");
        }
        assert_ne!(checksum(&[&bytes[..], &[0]].concat()), sum);
        assert_eq!(checksum(&bytes.clone()), sum);
    }

    #[test]
    fn what_is_longer_than_a_block_has_one_checksum_however_it_is_read() {
        for length in [BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 33] {
            let bytes: Vec<u8> = (0..length).map(|number| (number * 7) as u8).collect();
            let sum = checksum(&bytes);
            let (one, other) = bytes.split_at(length / 3);
            assert_eq!(copy(one.chain(other), &mut io::sink()).unwrap(), sum, "{length}");
            assert_ne!(checksum(&bytes[..length - 1]), sum, "{length}");
        }
    }

    #[test]
    fn code_of_another_configuration_is_refused() {
        let (engine, folder) = (Engine::default(), folder("other"));
        load_or_compile(&engine, &wasm(), &digest_of(&wasm()), &folder).unwrap();
        let file = cached(&folder);
        let other = Engine::new(wasmtime::Config::new().epoch_interruption(true)).unwrap();
        assert!(read(&other, &file).is_err());
        assert_ne!(file_name(&engine, &digest_of(&wasm())), file_name(&other, &digest_of(&wasm())));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_a_killed_process_of_the_same_number_left_is_no_hindrance() {
        let (engine, folder) = (Engine::default(), folder("left"));
        create_private_folder(&folder).unwrap();
        let file = folder.join(file_name(&engine, &digest_of(&wasm())));
        // Other tests of this process write, too: any of the next numbers may be this one's.
        for unique in 0..100 {
            fs::write(file.with_extension(format!("{}-{unique}.partial", std::process::id())), "half").unwrap();
        }
        load_or_compile(&engine, &wasm(), &digest_of(&wasm()), &folder).unwrap();
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
        load_or_compile(&engine, &wasm(), &digest_of(&wasm()), &folder).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir_all(folder).unwrap();
    }
}
