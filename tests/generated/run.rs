//! A component that nobody has to trust: compiled, opened, and called.

use std::time::Duration;

use aiointernal::{
    Error, ErrorKind, HeapThread, Limits,
    component::{Config, Dynamic, Engine, Instance},
};

/// Time that a call may take with all that belongs to it. Its limit is 3 ms; the rest is for a machine that is busy.
const HANGS: Duration = Duration::from_secs(60);

/// An engine for two instances: one that is left over is noticed soon.
pub(crate) fn engine() -> Engine {
    let mut config = Config::default();
    (config.cache, config.instances, config.scale) = (None, 2, 4);
    Engine::new(config).expect("there is room for two")
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.wall_time = Duration::from_millis(3);
    limits.memory = 8 << 20;
    limits.result = 64 << 10;
    limits
}

/// How far a component came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) compiled: bool,
    pub(crate) opened: bool,
    /// Calls that returned.
    pub(crate) returned: usize,
    /// Calls that ended otherwise within the component.
    pub(crate) ended: usize,
}

/// Compiles, opens and calls.
///
/// # Panics
///
/// Panics where anything ends otherwise than it may.
pub(crate) fn run(engine: &Engine, wasm: &[u8], calls: &[String]) -> Outcome {
    let mut outcome = Outcome::default();
    let program = match Dynamic::new(engine, wasm) {
        Ok(program) => program,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::BadComponent, "compiled: {error}");
            return outcome;
        }
    };
    outcome.compiled = true;
    let shown = format!("{:?}", program.functions());
    assert!(shown.len() < 1 << 20, "{} bytes of types", shown.len());
    let opened = match engine.open(program, limits()).blocking() {
        Ok(opened) => opened,
        Err(error) => {
            check(&error, "opened");
            return outcome;
        }
    };
    outcome.opened = true;
    for call in calls {
        match invoke(&opened, call) {
            Ok(()) => outcome.returned += 1,
            Err(error) => {
                check(&error, call);
                outcome.ended += usize::from(!error.is_context_kept());
            }
        }
    }
    opened.close().blocking().expect("a thread that answers closes");
    outcome
}

fn invoke(opened: &HeapThread<Instance<Dynamic>>, call: &str) -> Result<(), Error> {
    let text = call.to_owned();
    let invoked = opened.try_call(move |instance, running| instance.invoke(running, &text));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts");
    let reply = runtime.block_on(async { tokio::time::timeout(HANGS, invoked).await });
    reply.unwrap_or_else(|_| panic!("{call} hangs")).map(drop)
}

/// Only what a component can bring about.
fn check(error: &Error, what: &str) {
    let may_be = matches!(
        error.kind(),
        ErrorKind::InvalidArgument
            | ErrorKind::MemoryLimit
            | ErrorKind::NotTransferable
            | ErrorKind::ResultTooLarge
            | ErrorKind::StackLimit
            | ErrorKind::Timeout
            | ErrorKind::Trapped
    );
    assert!(may_be, "{what}: {:?}: {error}", error.kind());
}
