//! Modules that are files, below a folder that cannot be left.

use std::{
    fmt, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use cap_primitives::fs::{FollowSymlinks, Metadata, OpenOptions, open, open_ambient_dir, stat};

use super::{Module, Resolver, extension, is_typescript, path};
use crate::error::{Error, ErrorKind};

/// The files of a folder and the folders below it, as modules.
///
/// Relative specifiers (`./a.js`, `../b.mjs`) are paths between files, with `/` on every system; every other specifier
/// is refused: bare names, absolute paths, URLs, backslashes, drives. There is no looking for `index.js` and no adding
/// of `.js`. A file that ends in `.json` is JSON, one that ends in `.ts`, `.mts` or `.cts` is TypeScript (with the feature
/// `typescript`; without it, and in `.tsx`, it is refused), and every other one is an ES module. Where TypeScript imports `./a.js` or
/// `./a.mjs` and there is no such file, `./a.ts` or `./a.mts` is meant, as TypeScript has it.
///
/// # Confinement
///
/// The folder is opened once, and files are opened relative to it, by a walk that the system or, where it cannot,
/// `cap-primitives` keeps below it (on Linux `openat2` with `RESOLVE_BENEATH`): no `..` and no symbolic link leads out,
/// whatever is renamed or replaced meanwhile, and whatever becomes of the folder's own path. Links that stay within are
/// followed; the file then is another module than under its own name. A hard link is a file like any other. What is no
/// regular file (a device, a named pipe, a folder) is not opened, or, where it took the place of one just then, not
/// read. Files are read on the context's thread; nothing bounds the time that a network's file system takes.
#[derive(Clone)]
pub struct Folder {
    folder: Arc<fs::File>,
    path: PathBuf,
    /// What names begin with, with a `/` at its end; or nothing.
    name: String,
}

impl Folder {
    /// Opens a folder. The names of its modules are paths from there, such as `lib/a.js`: they do not tell where the
    /// folder is.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io): it is not there, is no folder, or may not be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Folder, Error> {
        let path = path.as_ref();
        let folder = open_ambient_dir(path, cap_primitives::ambient_authority()).map_err(|error| {
            Error::with_source(ErrorKind::Io, format!("cannot open the folder {}: {error}", path.display()), error)
        })?;
        Ok(Folder { folder: Arc::new(folder), path: path.to_owned(), name: String::new() })
    }

    /// Lets the names of its modules begin with this. A context that evaluates [files](crate::Context::eval_file) of the
    /// folder takes the folder's path, as it is in the paths of those files: then their relative imports are found.
    ///
    /// What is evaluated under a name that does not begin with this imports from the top of the folder.
    pub fn named(mut self, name: impl Into<String>) -> Folder {
        self.name = name.into();
        if !self.name.is_empty() && !self.name.ends_with(std::path::is_separator) {
            self.name.push('/');
        }
        self
    }

    /// The path of a TypeScript file that imports the JavaScript that is to be made of it; of everything else, the path as it is.
    fn meant(&self, base: &str, path: String) -> String {
        if matches!(is_typescript(extension(base)), Ok(true))
            && matches!(extension(&path), "js" | "mjs")
            && let Some(original) = path.strip_suffix("js").map(|path| format!("{path}ts"))
            && !self.has(&path)
            && self.has(&original)
        {
            return original;
        }
        path
    }

    fn has(&self, path: &str) -> bool {
        stat(&self.folder, Path::new(path), FollowSymlinks::Yes).is_ok_and(|found| found.is_file())
    }

    fn read(&self, path: &str, bytes: usize) -> Result<String, String> {
        if path.trim_end_matches('/').is_empty() {
            // The folder itself, which as a path would be the root of the system.
            return Err("it is no regular file".to_owned());
        }
        let path = Path::new(path);
        let unreadable = |error: io::Error| match error.kind() {
            // The system has a number for each of its own.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
                "it leads out of the folder".to_owned()
            }
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            kind => format!("it cannot be read: {kind}"),
        };
        let is_file = |found: &Metadata| if found.is_file() { Ok(()) } else { Err("it is no regular file".to_owned()) };
        is_file(&stat(&self.folder, path, FollowSymlinks::Yes).map_err(unreadable)?)?;
        let file = open(&self.folder, path, &reading()).map_err(unreadable)?;
        // It may be another one than a moment ago.
        is_file(&Metadata::from_file(&file).map_err(unreadable)?)?;
        let mut text = Vec::new();
        file.take((bytes as u64).saturating_add(1)).read_to_end(&mut text).map_err(unreadable)?;
        if text.len() > bytes {
            return Err(format!("it is longer than {bytes} bytes"));
        }
        String::from_utf8(text)
            .map_err(|error| format!("it is not UTF-8: the byte at {} is wrong", error.utf8_error().valid_up_to()))
    }
}

/// For reading, and without waiting for the other end of a named pipe.
fn reading() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use cap_primitives::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(flags.bits() as i32);
    }
    options
}

impl Resolver for Folder {
    async fn normalize(&self, base: &str, specifier: &str) -> Result<String, String> {
        let refused = if specifier.contains('\\') {
            "a backslash is refused: paths are written with /"
        } else if specifier.starts_with('/') {
            "an absolute path is refused"
        } else if specifier.contains(':') {
            "a URL or drive is refused"
        } else if !path::is_relative(specifier) {
            "a bare name is refused: files begin with ./ or ../"
        } else {
            let base = base.strip_prefix(self.name.as_str()).filter(|base| !base.starts_with('/')).unwrap_or_default();
            match path::join(base, specifier) {
                Some(path) => return Ok(format!("{}{}", self.name, self.meant(base, path))),
                None => "it leads out of the folder",
            }
        };
        Err(refused.to_owned())
    }

    async fn load(&self, name: &str) -> Result<Module, String> {
        self.load_within(name, usize::MAX).await
    }

    async fn load_within(&self, name: &str, bytes: usize) -> Result<Module, String> {
        let path = name.strip_prefix(self.name.as_str()).ok_or("it is not in the folder")?;
        // Before it is read.
        is_typescript(extension(path))?;
        Module::of_name(name, self.read(path, bytes)?)
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder").field("path", &self.path).field("name", &self.name).finish_non_exhaustive()
    }
}
