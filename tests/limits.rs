//! Every limit: just under it, at it, beyond it; and where limits meet.

mod time;
mod garbage;
mod fuel;
mod brakes;
mod memory;
mod sizes;
mod host;
mod hierarchy;
mod receipts;

use std::{
    convert::Infallible,
    future::pending,
    num::NonZeroUsize,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

use aiointernal::{
    Context, Error, ErrorKind, Limits, Sandbox, Value,
    component::{Budget, Group, Meter},
    js::{Console, Functions, Host, HostClass, JsValue, ManualClock, Members},
};
use event_listener::Event;
use futures_util::{StreamExt as _, future::join_all, poll};

use crate::context::SANDBOX;

/// One that counts fuel.
static FUELLED: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::builder().count_fuel().build().unwrap());

const MS: Duration = Duration::from_millis(1);

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

async fn open(change: impl FnOnce(&mut Limits)) -> Context {
    SANDBOX.context().functions(host_functions()).limits(limits(change)).await.unwrap()
}

fn host_functions() -> Functions {
    Functions::new()
        .sync_function("echo", |(text,): (String,), _| Ok::<_, Infallible>(text))
        .function("never", |(): (), _| pending::<Result<(), Infallible>>())
        .function("later", |(): (), _| async {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(())
        })
}

/// The error is of this kind, names its limit, and says that the context was kept, as it was.
#[track_caller]
fn refuses(error: &Error, kind: ErrorKind, limit: &str) {
    let message = error.to_string();
    assert_eq!(error.kind(), kind, "{message}");
    assert!(kind.is_limit() && error.is_context_kept(), "{message}");
    assert!(message.contains(limit) && message.contains("kept"), "{message}");
}
