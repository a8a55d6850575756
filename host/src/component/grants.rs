//! What of WASI a component is given.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Takes bytes of an output as they come, on the instance's thread.
pub(super) type Sink = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// What of WASI 0.2 a component is given: nothing, unless you say so here.
///
/// All interfaces of the world `wasi:cli/imports` are there, so that components built for it run. What is behind them,
/// each instance afresh:
///
/// | | without its grant | with it |
/// |---|---|---|
/// | folders | there are none | [`folder`](Grants::folder), [`read_only_folder`](Grants::read_only_folder) |
/// | environment, arguments | empty | [`env`](Grants::env), [`argument`](Grants::argument) |
/// | standard input | at its end | [`stdin`](Grants::stdin), [`inherit_stdin`](Grants::inherit_stdin) |
/// | standard output and error | bytes are dropped | [`stdout`](Grants::stdout), [`stderr`](Grants::stderr), [`inherit_output`](Grants::inherit_output) |
/// | clocks | both stand at zero, which hides the time but not how long something takes, as below | [`clocks`](Grants::clocks) |
/// | random bytes, the insecure ones too | 0, 1, 2, ... 255, and again from 0; the insecure seed is 0 | [`random`](Grants::random) |
/// | sockets, names of hosts | each attempt is `access-denied` | there is no grant |
///
/// The time limit holds while a component waits: a sleep, a read of standard input or a poll ends at it, and traps.
/// Without clocks, waiting takes its time all the same, so that a component can count what it does meanwhile; and files
/// tell when they were written. More than 1 MiB of random bytes at once, or more than 256 open things (files, streams,
/// pollables), is a trap; a fifth listing of a folder that is open at a time is refused as `insufficient-memory`, as a
/// listing is kept in the host's memory. Output of a call is cut at [`Limits::console`](super::Limits::console), standard
/// output and error together; bytes of files have no limit. A host function that works on files is not interrupted: the
/// time limit holds from its end.
///
/// ```
/// use aiointernal::component::Grants;
///
/// let grants = Grants::default().read_only_folder("./templates", "/templates").env("LANG", "C").clocks();
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Grants {
    pub(super) folders: Vec<Folder>,
    pub(super) env: Vec<(String, String)>,
    pub(super) arguments: Vec<String>,
    pub(super) stdin: Stdin,
    pub(super) stdout: Option<Sink>,
    pub(super) stderr: Option<Sink>,
    pub(super) clocks: bool,
    pub(super) random: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) host: PathBuf,
    pub(super) guest: String,
    pub(super) writable: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) enum Stdin {
    #[default]
    Empty,
    Bytes(Vec<u8>),
    Inherited,
}

impl Grants {
    /// A folder of the host, and everything below it, to read and to write, under a name of its own. No path leads out
    /// of it, not by `..` nor by a link.
    ///
    /// It is opened for each fresh instance; one that cannot be opened is an [`Io`](crate::ErrorKind::Io) error then.
    /// Only regular files and folders can be opened in it: a named pipe or a device could block the thread for good.
    /// So could a file system that hangs, and a named pipe that another program puts in the place of a file at just
    /// the wrong moment.
    pub fn folder(self, host: impl AsRef<Path>, guest: impl Into<String>) -> Grants {
        self.add(host.as_ref(), guest.into(), true)
    }

    /// As [`folder`](Grants::folder), to read only.
    pub fn read_only_folder(self, host: impl AsRef<Path>, guest: impl Into<String>) -> Grants {
        self.add(host.as_ref(), guest.into(), false)
    }

    fn add(mut self, host: &Path, guest: String, writable: bool) -> Grants {
        self.folders.push(Folder { host: host.to_owned(), guest, writable });
        self
    }

    /// An environment variable.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Grants {
        self.env.push((name.into(), value.into()));
        self
    }

    /// One more argument. By custom the first is the name of the program.
    pub fn argument(mut self, argument: impl Into<String>) -> Grants {
        self.arguments.push(argument.into());
        self
    }

    /// Standard input: these bytes for each fresh instance, then its end.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Grants {
        self.stdin = Stdin::Bytes(bytes.into());
        self
    }

    /// Standard input of this process, which all instances that have it share: who reads first has it.
    pub fn inherit_stdin(mut self) -> Grants {
        self.stdin = Stdin::Inherited;
        self
    }

    /// Standard output: called with bytes as they come, on the instance's thread, so it must not block.
    pub fn stdout(mut self, sink: impl Fn(&[u8]) + Send + Sync + 'static) -> Grants {
        self.stdout = Some(Arc::new(sink));
        self
    }

    /// Standard error, as for [`stdout`](Grants::stdout). It also hears when output was cut.
    pub fn stderr(mut self, sink: impl Fn(&[u8]) + Send + Sync + 'static) -> Grants {
        self.stderr = Some(Arc::new(sink));
        self
    }

    /// Standard output and error of this process, flushed at once. Bytes go there as they are, also to a terminal. A
    /// pipe that nobody reads blocks the call.
    pub fn inherit_output(self) -> Grants {
        self.stdout(|bytes| forward(&mut io::stdout().lock(), bytes))
            .stderr(|bytes| forward(&mut io::stderr().lock(), bytes))
    }

    /// The clocks of this machine, the wall's and the monotonic one, as fine as they are. With a fine clock a
    /// component can time what the host's memory does.
    pub fn clocks(mut self) -> Grants {
        self.clocks = true;
        self
    }

    /// Random bytes, seeded by the system.
    pub fn random(mut self) -> Grants {
        self.random = true;
        self
    }
}

/// Passes output on. Nobody can tell the component that it cannot be written, so that is logged; a reader that has gone is
/// not even that.
fn forward(output: &mut impl io::Write, bytes: &[u8]) {
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            tracing::warn!(%error, "output of a component was lost");
        }
        _ => {}
    }
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the values of variables: they may be secrets.
        let names: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Grants")
            .field("folders", &self.folders)
            .field("env", &names)
            .field("clocks", &self.clocks)
            .field("random", &self.random)
            .finish_non_exhaustive()
    }
}
