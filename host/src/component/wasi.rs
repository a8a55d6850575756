//! WASI 0.2, as wasmtime implements it, within the limits of a call.
//!
//! wasmtime's host functions wait with no end, and no epoch reaches them. So those that wait are replaced here: they
//! look at the call's deadline at every tick.

use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tokio::{
    runtime::{Handle, Runtime},
    time::{MissedTickBehavior, interval},
};
use wasmtime::{
    Trap,
    component::{HasData, Linker, Resource, ResourceTable},
};
use wasmtime_wasi::{
    Deterministic, FsPerms, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
    cli::{IsTerminal, StdoutStream},
    filesystem::WasiFilesystemView as _,
    p2::{
        OutputStream, Pollable, StreamError, StreamResult,
        bindings::sync::{filesystem::types as files, io as sync},
        pipe::MemoryInputPipe,
    },
};
use wasmtime_wasi_io::{
    async_trait,
    bindings::wasi::io::{poll, streams},
    bytes::Bytes,
    poll::DynPollable,
    streams::{DynInputStream, DynOutputStream},
};

use super::{
    deadline::{Deadline, TICK},
    grants::{Folder, Grants, Sink, Stdin},
    instance::Data,
};
use crate::error::{Error, ErrorKind};

/// Bytes that one write may have.
const WRITE: usize = 64 << 10;

/// Random bytes that one call gives at most.
const RANDOM: u64 = 1 << 20;

/// Things that an instance has open at a time, files among them: all instances share the process's descriptors.
const MAX_OPEN: usize = 256;

/// Listings of folders that an instance has open at a time.
const LISTINGS: usize = 4;

/// The interface of which two functions are replaced, as wasmtime names it.
const FILES: &str = "wasi:filesystem/types@0.2.12";

/// Gives a linker all of WASI 0.2's command world. What is behind it is up to each program's
/// [`grants`](super::Program::grants): nothing, where it gives none.
///
/// # Errors
///
/// The linker has one of the names already.
pub fn link_wasi<H: Send + 'static>(linker: &mut Linker<Data<H>>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    sync::poll::add_to_linker::<_, Waits>(linker, waiting)?;
    sync::streams::add_to_linker::<_, Waits>(linker, waiting)?;
    let mut folders = linker.instance(FILES)?;
    folders
        .func_wrap("[method]descriptor.open-at", |mut store, arguments| Ok((open_at(store.data_mut(), arguments)?,)))?;
    folders.func_wrap("[method]descriptor.read-directory", |mut store, (folder,)| {
        Ok((read_directory(store.data_mut(), folder)?,))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The WASI of one instance.
pub(super) struct Wasi {
    ctx: WasiCtx,
    table: ResourceTable,
    runtime: Option<Runtime>,
    output: Arc<Output>,
    /// Listings of folders that are open, by their places in the table.
    listings: Vec<u32>,
}

/// What waits, waits in here, on the instance's own thread.
fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().max_blocking_threads(1).build()
}

impl Wasi {
    pub(super) fn new(grants: &Grants) -> Result<Wasi, Error> {
        let mut ctx = WasiCtx::builder();
        for Folder { host, guest, writable } in &grants.folders {
            let perms = if *writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            // Files then block this thread, and no others are started for them.
            ctx.allow_blocking_current_thread(true).preopened_dir(host, guest, perms).map_err(|error| {
                let message = format!("cannot open the folder {}: {error:#}", host.display());
                Error::with_source(ErrorKind::Io, message, error)
            })?;
        }
        let runtime = runtime().map_err(|error| {
            Error::with_source(ErrorKind::Engine, format!("cannot wait on this system: {error}"), error)
        })?;
        Ok(Wasi { runtime: Some(runtime), ..Wasi::with(ctx, grants) })
    }

    /// For a program that is linked with WASI and says nothing of grants.
    fn nothing() -> Wasi {
        Wasi::with(WasiCtx::builder(), &Grants::default())
    }

    /// Everything but folders.
    fn with(mut ctx: WasiCtxBuilder, grants: &Grants) -> Wasi {
        let output = Arc::new(Output::new(grants.stderr.clone()));
        ctx.max_random_size(RANDOM).allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        ctx.envs(&grants.env).args(&grants.arguments);
        match &grants.stdin {
            Stdin::Empty => {}
            Stdin::Bytes(bytes) => {
                ctx.stdin(MemoryInputPipe::new(bytes.clone()));
            }
            Stdin::Inherited => {
                ctx.inherit_stdin();
            }
        }
        if let Some(sink) = &grants.stdout {
            ctx.stdout(Printer { sink: Arc::clone(sink), output: Arc::clone(&output) });
        }
        if let Some(sink) = &grants.stderr {
            ctx.stderr(Printer { sink: Arc::clone(sink), output: Arc::clone(&output) });
        }
        if !grants.clocks {
            ctx.wall_clock(Stopped).monotonic_clock(Stopped);
        }
        if !grants.random {
            let bytes = || Deterministic::new((0..=u8::MAX).collect());
            ctx.secure_random(bytes()).insecure_random(bytes()).insecure_random_seed(0);
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_OPEN);
        Wasi { ctx: ctx.build(), table, runtime: None, output, listings: Vec::new() }
    }

    /// Starts a call that may print this many bytes.
    pub(super) fn arm(&mut self, bytes: usize) {
        self.output.left.store(bytes, Ordering::Relaxed);
        self.output.cut.store(false, Ordering::Relaxed);
    }

    /// What calls run in, so that wasmtime's WASI starts no runtime of its own, with threads for each processor.
    pub(super) fn handle(&self) -> Option<Handle> {
        self.runtime.as_ref().map(|runtime| runtime.handle().clone())
    }
}

impl fmt::Debug for Wasi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wasi").finish_non_exhaustive()
    }
}

impl<H: Send> WasiView for Data<H> {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Wasi { ctx, table, .. } = self.wasi.get_or_insert_with(Wasi::nothing);
        WasiCtxView { ctx, table }
    }
}

/// What the host functions that wait work on.
struct Waiting<'a> {
    table: &'a mut ResourceTable,
    runtime: &'a mut Option<Runtime>,
    deadline: &'a mut Deadline,
}

struct Waits;

impl HasData for Waits {
    type Data<'a> = Waiting<'a>;
}

fn waiting<H>(data: &mut Data<H>) -> Waiting<'_> {
    let Wasi { table, runtime, .. } = data.wasi.get_or_insert_with(Wasi::nothing);
    Waiting { table, runtime, deadline: &mut data.deadline }
}

impl Waiting<'_> {
    /// Waits for work, but no longer than the call may run: then the guest traps.
    fn wait<R>(&mut self, work: impl AsyncFnOnce(&mut ResourceTable) -> R) -> wasmtime::Result<R> {
        let Waiting { table, runtime: kept, deadline } = self;
        let runtime = match kept {
            Some(runtime) => runtime,
            None => kept.insert(runtime()?),
        };
        runtime.block_on(async {
            let mut work = pin!(work(table));
            let mut ticks = interval(TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            poll_fn(|task| {
                if let Poll::Ready(result) = work.as_mut().poll(task) {
                    return Poll::Ready(Ok(result));
                }
                while ticks.poll_tick(task).is_ready() {
                    if !deadline.may_wait() {
                        return Poll::Ready(Err(Trap::Interrupt.into()));
                    }
                }
                Poll::Pending
            })
            .await
        })
    }

    /// As [`wait`](Waiting::wait), for work of a stream.
    fn wait_for_stream<R>(&mut self, work: impl AsyncFnOnce(&mut ResourceTable) -> StreamResult<R>) -> StreamResult<R> {
        self.wait(work).map_err(StreamError::Trap)?
    }
}

impl sync::poll::Host for Waiting<'_> {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        self.wait(async |table| poll::Host::poll(table, pollables).await)?
    }
}

impl sync::poll::HostPollable for Waiting<'_> {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        self.wait(async |table| {
            // A guest may ask again and again: only here does the runtime get to look at its timers.
            tokio::task::yield_now().await;
            poll::HostPollable::ready(table, pollable).await
        })?
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        self.wait(async |table| poll::HostPollable::block(table, pollable).await)?
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        poll::HostPollable::drop(self.table, pollable)
    }
}

impl sync::streams::Host for Waiting<'_> {
    fn convert_stream_error(&mut self, error: StreamError) -> wasmtime::Result<sync::streams::StreamError> {
        Ok(streams::Host::convert_stream_error(self.table, error)?.into())
    }
}

impl sync::streams::HostInputStream for Waiting<'_> {
    fn read(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<Vec<u8>> {
        streams::HostInputStream::read(self.table, stream, len)
    }

    fn blocking_read(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<Vec<u8>> {
        self.wait_for_stream(async |table| streams::HostInputStream::blocking_read(table, stream, len).await)
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        streams::HostInputStream::skip(self.table, stream, len)
    }

    fn blocking_skip(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        self.wait_for_stream(async |table| streams::HostInputStream::blocking_skip(table, stream, len).await)
    }

    fn subscribe(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        streams::HostInputStream::subscribe(self.table, stream)
    }

    fn drop(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<()> {
        self.wait(async |table| streams::HostInputStream::drop(table, stream).await)?
    }
}

impl sync::streams::HostOutputStream for Waiting<'_> {
    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        streams::HostOutputStream::check_write(self.table, stream)
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        streams::HostOutputStream::write(self.table, stream, bytes)
    }

    fn blocking_write_and_flush(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        self.wait_for_stream(async |table| {
            streams::HostOutputStream::blocking_write_and_flush(table, stream, bytes).await
        })
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        streams::HostOutputStream::flush(self.table, stream)
    }

    fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.wait_for_stream(async |table| streams::HostOutputStream::blocking_flush(table, stream).await)
    }

    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, len: u64) -> StreamResult<()> {
        streams::HostOutputStream::write_zeroes(self.table, stream, len)
    }

    fn blocking_write_zeroes_and_flush(&mut self, stream: Resource<DynOutputStream>, len: u64) -> StreamResult<()> {
        self.wait_for_stream(async |table| {
            streams::HostOutputStream::blocking_write_zeroes_and_flush(table, stream, len).await
        })
    }

    fn splice(&mut self, to: Resource<DynOutputStream>, from: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        streams::HostOutputStream::splice(self.table, to, from, len)
    }

    fn blocking_splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        len: u64,
    ) -> StreamResult<u64> {
        self.wait_for_stream(async |table| streams::HostOutputStream::blocking_splice(table, to, from, len).await)
    }

    fn subscribe(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        streams::HostOutputStream::subscribe(self.table, stream)
    }

    fn drop(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<()> {
        self.wait(async |table| streams::HostOutputStream::drop(table, stream).await)?
    }
}

type OpenArguments = (Resource<files::Descriptor>, files::PathFlags, String, files::OpenFlags, files::DescriptorFlags);

/// Opens what cannot block: a regular file or a folder. Opening a named pipe waits for its other end.
fn open_at<H: Send>(
    data: &mut Data<H>,
    (folder, path_flags, path, open_flags, flags): OpenArguments,
) -> wasmtime::Result<Result<Resource<files::Descriptor>, files::ErrorCode>> {
    use files::{DescriptorType, Host as _, HostDescriptor as _};
    let mut view = data.filesystem();
    let found = view.stat_at(Resource::new_borrow(folder.rep()), path_flags, path.clone());
    let opened = match found {
        Ok(found) if !matches!(found.type_, DescriptorType::RegularFile | DescriptorType::Directory) => {
            return Ok(Err(files::ErrorCode::Unsupported));
        }
        // What is not there may be made; every other error is told by opening it.
        _ => view.open_at(folder, path_flags, path, open_flags, flags),
    };
    match opened {
        Ok(opened) => Ok(Ok(opened)),
        Err(error) => view.convert_error_code(error).map(Err),
    }
}

/// Lists a folder. wasmtime keeps the whole listing in the host's memory, so few may be open.
fn read_directory<H: Send>(
    data: &mut Data<H>,
    folder: Resource<files::Descriptor>,
) -> wasmtime::Result<Result<Resource<files::DirectoryEntryStream>, files::ErrorCode>> {
    use files::{Host as _, HostDescriptor as _};
    let Wasi { table, listings, .. } = data.wasi.get_or_insert_with(Wasi::nothing);
    listings.retain(|listing| table.get(&Resource::<files::DirectoryEntryStream>::new_borrow(*listing)).is_ok());
    if listings.len() >= LISTINGS {
        return Ok(Err(files::ErrorCode::InsufficientMemory));
    }
    let mut view = data.filesystem();
    match view.read_directory(folder) {
        Ok(listing) => {
            let place = listing.rep();
            if let Some(wasi) = &mut data.wasi {
                wasi.listings.push(place);
            }
            Ok(Ok(listing))
        }
        Err(error) => view.convert_error_code(error).map(Err),
    }
}

/// How much a call may still print.
struct Output {
    left: AtomicUsize,
    cut: AtomicBool,
    stderr: Option<Sink>,
}

impl Output {
    fn new(stderr: Option<Sink>) -> Output {
        Output { left: AtomicUsize::new(0), cut: AtomicBool::new(false), stderr }
    }
}

/// An output that a component prints to.
#[derive(Clone)]
struct Printer {
    sink: Sink,
    output: Arc<Output>,
}

#[async_trait]
impl OutputStream for Printer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        // Only the instance's own thread comes here.
        let left = self.output.left.load(Ordering::Relaxed);
        let printed = bytes.get(..left).unwrap_or(&bytes);
        self.output.left.store(left.saturating_sub(printed.len()), Ordering::Relaxed);
        if !printed.is_empty() {
            (self.sink)(printed);
        }
        if printed.len() < bytes.len() && !self.output.cut.swap(true, Ordering::Relaxed) {
            tracing::warn!("output of a component was cut: the call has printed its limit");
            if let Some(stderr) = &self.output.stderr {
                stderr(b"[output is cut here: the call has printed its limit]\n");
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE)
    }
}

#[async_trait]
impl Pollable for Printer {
    async fn ready(&mut self) {}
}

impl IsTerminal for Printer {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printer {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // WASI 0.3 would ask for it.
        Box::new(tokio::io::sink())
    }
}

/// A clock that stands at zero.
struct Stopped;

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}
