//! The JavaScript context from outside: the seed's methods, limits, bad input, batches, isolation.

mod the_methods_of_the_seed;
mod values;
mod limits;
mod bad_input;
mod batches;
mod interruption;
mod isolation;

use std::{
    collections::BTreeMap,
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex},
    time::{Duration, Instant},
};

use aiointernal::{
    Context, ErrorKind, Limits, Sandbox, Value,
    js::{BigInt, Date, Source, Sources, from_value, to_value},
};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};

/// One for all tests: compiling the engine takes a second.
pub(crate) static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new().unwrap());

fn open() -> Context {
    SANDBOX.context().blocking().unwrap()
}

fn open_with(change: impl FnOnce(&mut Limits)) -> Context {
    let mut limits = Limits::default();
    change(&mut limits);
    SANDBOX.context().limits(limits).blocking().unwrap()
}

/// The kind of error that a source ends with, and whether the context was kept.
fn failure(context: &Context, source: &str) -> (ErrorKind, bool, String) {
    let error = context.eval(source).blocking().map(|value| format!("{value:?}")).unwrap_err();
    (error.kind(), error.is_context_kept(), error.to_string())
}

fn file(name: &str, content: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scripts");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

#[test]
fn the_handles_are_send_and_sync() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Context>();
    check::<Sandbox>();
    check::<aiointernal::Error>();
}
