//! What can be chosen for a context, and how it is opened.

use std::{
    fmt,
    future::Future,
    num::{NonZeroU32, NonZeroUsize},
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
};

use serde::Serialize;
use tokio::runtime::Handle;

#[cfg(feature = "fetch")]
use super::fetch::FetchGrant;
#[cfg(feature = "time-zones")]
use super::time_zone::TimeZone;
use super::{
    clock::Clock,
    console::{ConsoleMessage, Output, Sink},
    context::{Context, Globals, encode_globals},
    engine::Engine,
    functions::Functions,
    handle::Encoded,
    inbox::Inbox,
    modules::{Grant, Resolver},
    pool::Pool,
    sandbox::Sandbox,
    script::Script,
    surroundings::Surroundings,
};
use crate::{
    component::{Group, Limits, Meter},
    error::Error,
    thread::{Builder, Lane, Opening, Sender},
};

/// What can be chosen for a [`Context`], which comes of awaiting it.
#[must_use = "a context is opened by awaiting this, or by `blocking`"]
pub struct ContextBuilder {
    sandbox: Sandbox,
    limits: Limits,
    surroundings: Surroundings,
    group: Option<Group>,
    meters: Vec<Meter>,
    globals: Encoded<Globals>,
    name: Option<String>,
    queue: Option<NonZeroUsize>,
    sink: Option<Sink>,
    console_arguments: bool,
    pool: Option<(Pool, String)>,
    weight: NonZeroU32,
}

impl ContextBuilder {
    pub(super) fn new(sandbox: &Sandbox) -> ContextBuilder {
        ContextBuilder {
            sandbox: sandbox.clone(),
            limits: sandbox.limits,
            surroundings: sandbox.surroundings.clone(),
            group: None,
            meters: sandbox.meters.clone(),
            globals: Encoded::new(Vec::new()),
            name: None,
            queue: None,
            sink: None,
            console_arguments: false,
            pool: None,
            weight: NonZeroU32::MIN,
        }
    }

    /// Limits of this context; where the sandbox's are lower, those hold.
    pub fn limits(mut self, limits: Limits) -> ContextBuilder {
        self.limits = self.sandbox.limits.lower(limits);
        self
    }

    /// Globals that every fresh context has: this one, and those that replace it after a kill or a reset. Given as for
    /// [`Context::set_globals`].
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument): this is no struct, map or list of pairs, its type's
    /// `Serialize` fails, or it has a handle, which is of another context.
    pub fn globals(mut self, globals: impl Serialize) -> Result<ContextBuilder, Error> {
        self.globals = encode_globals(&globals)?.without_handles()?;
        Ok(self)
    }

    /// As [`SandboxBuilder::modules`](super::SandboxBuilder::modules), for this context only, in the place of
    /// what the sandbox grants.
    pub fn modules(mut self, resolver: impl Resolver) -> ContextBuilder {
        self.surroundings.modules = Some(Grant::of(resolver));
        self
    }

    /// As [`SandboxBuilder::functions`](super::SandboxBuilder::functions), for this context only: beside those of the sandbox, in the
    /// place of those of the same name.
    pub fn functions(mut self, functions: Functions) -> ContextBuilder {
        self.surroundings.functions = self.surroundings.functions.and(&functions);
        self
    }

    /// As [`SandboxBuilder::clock`](super::SandboxBuilder::clock), for this context only.
    pub fn clock(mut self, clock: impl Into<Clock>) -> ContextBuilder {
        self.surroundings.clock = clock.into();
        self
    }

    /// As [`SandboxBuilder::seed`](super::SandboxBuilder::seed), for this context only.
    pub fn seed(mut self, seed: u64) -> ContextBuilder {
        self.surroundings.seed = Some(seed);
        self
    }

    /// As [`SandboxBuilder::time_zone`](super::SandboxBuilder::time_zone), for this context only.
    ///
    /// # Errors
    ///
    /// Those of [`SandboxBuilder::time_zone`](super::SandboxBuilder::time_zone).
    #[cfg(feature = "time-zones")]
    pub fn time_zone(mut self, name: &str) -> Result<ContextBuilder, Error> {
        self.surroundings.time_zone = Some(TimeZone::named(name)?);
        Ok(self)
    }

    /// As [`SandboxBuilder::fetch`](super::SandboxBuilder::fetch), for this context only, in the place of
    /// what the sandbox grants.
    #[cfg(feature = "fetch")]
    pub fn fetch(mut self, grant: FetchGrant) -> ContextBuilder {
        self.surroundings.fetch = Some(grant);
        self
    }

    /// Puts the context into a group: its limits hold for each call, too, and its budget for all its contexts together.
    pub fn group(mut self, group: &Group) -> ContextBuilder {
        self.group = Some(group.clone());
        self
    }

    /// Adds up what the calls of this context use. [`Context::metered`] does so for single calls.
    pub fn meter(mut self, meter: &Meter) -> ContextBuilder {
        self.meters.push(meter.clone());
        self
    }

    /// The name of the context's thread, where it has one of its own. Default: `aiointernal-js`.
    pub fn name(mut self, name: impl Into<String>) -> ContextBuilder {
        self.name = Some(name.into());
        self
    }

    /// How many calls may wait. Default: that of [`Builder`](crate::Builder::queue_capacity).
    pub fn queue_capacity(mut self, calls: NonZeroUsize) -> ContextBuilder {
        self.queue = Some(calls);
        self
    }

    /// Where the script's console goes: called with each message as it comes, on the context's thread, so it must not
    /// block. Messages have no newline at their end. Default: nowhere.
    ///
    /// [`Context::printing_to`] collects the messages of single calls.
    pub fn on_console(mut self, sink: impl Fn(&ConsoleMessage) + Send + Sync + 'static) -> ContextBuilder {
        self.sink = Some(Arc::new(sink));
        self
    }

    /// How many calls a context of a [pool](Pool) runs in each of its turns. Default: one. On a thread of its own it has no effect.
    pub fn weight(mut self, calls: NonZeroU32) -> ContextBuilder {
        self.weight = calls;
        self
    }

    /// One of this tenant, in a pool.
    pub(super) fn of(self, pool: Pool, tenant: String) -> ContextBuilder {
        ContextBuilder { pool: Some((pool, tenant)), ..self }
    }

    /// Gives [`on_console`](ContextBuilder::on_console) the arguments of messages as well, as [`Console::with_arguments`]
    /// does, which says what they cost. Default: their texts only.
    ///
    /// [`Console::with_arguments`]: crate::js::Console::with_arguments
    pub fn console_arguments(mut self) -> ContextBuilder {
        self.console_arguments = true;
        self
    }

    /// Opens the context, blocking this thread.
    ///
    /// # Errors
    ///
    /// - [`Engine`](crate::ErrorKind::Engine): as many contexts are open as the sandbox may have.
    /// - [`GroupFull`](crate::ErrorKind::GroupFull): or as its group may have. [`CpuLimit`](crate::ErrorKind::CpuLimit),
    ///   [`MemoryLimit`](crate::ErrorKind::MemoryLimit): the group has none left.
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the memory limit is below what the engine takes, or a function
    ///   has a name that leads nowhere, or there is a limit of fuel and the sandbox does not count it.
    /// - [`Thread`](crate::ErrorKind::Thread): the system refused a thread.
    pub fn blocking(self) -> Result<Context, Error> {
        self.open().blocking().map(Context::new)
    }

    fn open(mut self) -> Opening<Engine> {
        let weight = self.weight;
        match self.pool.take() {
            Some((pool, tenant)) => {
                pool.open(tenant, |lane| self.open_on(lane, weight)).unwrap_or_else(Opening::failed)
            }
            None => {
                self.spawn(|builder, setup| builder.spawn_deferring(setup, |engine, context| engine.drain(context)))
            }
        }
    }

    /// Opens the context on a thread that it shares.
    pub(super) fn open_on(self, lane: &Lane, weight: NonZeroU32) -> Opening<Engine> {
        self.spawn(|builder, setup| builder.spawn_on(lane, weight, setup, |engine, context| engine.drain(context)))
    }

    fn spawn(self, spawn: impl FnOnce(Builder<Engine>, Setup) -> Opening<Engine>) -> Opening<Engine> {
        let ContextBuilder { sandbox, limits, surroundings, group, meters, globals, name, queue, sink, .. } = self;
        let mut builder = sandbox.engine.builder().name(name.unwrap_or_else(|| "aiointernal-js".to_owned()));
        if let Some(calls) = queue {
            builder = builder.queue_capacity(calls);
        }
        // Functions that take their time run where the context is opened.
        let runtime = Handle::try_current().ok();
        let setup = Box::new(move |sender| {
            let (linked, surroundings) = (sandbox.linked, surroundings.of_context()?);
            let (console, inbox) = (Output::to(sink, self.console_arguments), Inbox::new(sender));
            surroundings.clock.attach(&inbox);
            let script = Script { linked, globals, console, surroundings, runtime, inbox, group, meters };
            Engine::new(&sandbox.engine, script, limits)
        });
        spawn(builder, setup)
    }
}

/// Makes the engine of a context, on its thread.
type Setup = Box<dyn FnOnce(Sender<Engine>) -> Result<Engine, Error> + Send>;

impl IntoFuture for ContextBuilder {
    type Output = Result<Context, Error>;
    type IntoFuture = OpeningContext;

    fn into_future(self) -> OpeningContext {
        OpeningContext(self.open())
    }
}

impl fmt::Debug for ContextBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextBuilder").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// A future of a [`Context`]. Its errors are those of [`ContextBuilder::blocking`].
#[derive(Debug)]
#[must_use = "dropping it closes the context"]
pub struct OpeningContext(Opening<Engine>);

impl Future for OpeningContext {
    type Output = Result<Context, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_ok(Context::new)
    }
}
