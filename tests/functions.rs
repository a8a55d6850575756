//! Functions of the host that scripts call, and evaluations that wait for them.

mod values;
mod grants;
mod errors;
mod waiting;
mod ending;
mod limits;
mod rejections;

use std::{convert::Infallible, future::pending, io, sync::Arc, time::Duration};

use aiointernal::{
    Context, Error, ErrorKind, Limits, Value,
    js::{ConsoleMessage, Functions, HostCall, Level, ScriptError, value},
};
use futures_util::{StreamExt as _, future::join_all, poll};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

use crate::context::SANDBOX;

type Never<T> = Result<T, Infallible>;

async fn open(functions: Functions) -> Context {
    SANDBOX.context().functions(functions).await.unwrap()
}

async fn open_with(functions: Functions, change: impl FnOnce(&mut Limits)) -> Context {
    let mut limits = Limits::default();
    change(&mut limits);
    SANDBOX.context().functions(functions).limits(limits).await.unwrap()
}

/// A function `gate(number)` that answers with its argument once the gate has a permit.
fn gated() -> (Functions, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let permits = Arc::clone(&gate);
    let functions = Functions::new().function("gate", move |(number,): (f64,), _| {
        let permits = Arc::clone(&permits);
        async move {
            permits.acquire().await?.forget();
            Ok::<_, tokio::sync::AcquireError>(number)
        }
    });
    (functions, gate)
}

/// A function `wait()` that never answers, and tells when it is called and when it is dropped.
fn endless() -> (Functions, mpsc::UnboundedReceiver<&'static str>) {
    struct Dropped(mpsc::UnboundedSender<&'static str>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    let (sender, receiver) = mpsc::unbounded_channel();
    let functions = Functions::new().function("wait", move |(): (), _| {
        let dropped = Dropped(sender.clone());
        async move {
            dropped.0.send("called").unwrap();
            pending::<()>().await;
            drop(dropped);
            Never::Ok(())
        }
    });
    (functions, receiver)
}

#[tokio::test]
async fn functions_that_were_granted_to_a_call_are_let_go_when_it_has_ended() {
    let context = open(Functions::new()).await;
    let (token, own) = (Arc::new(()), context.clone());
    let held = Arc::downgrade(&token);
    let functions = Functions::new().sync_function("keep", move |(): (), _| {
        let _ = (&token, &own);
        Never::Ok(1)
    });
    assert_eq!(context.granting(functions).eval_as::<i32>("keep()").await.unwrap(), 1);
    // The answer comes a moment before its call is forgotten. This one is refused, and so takes nobody's place.
    let mut none = Limits::default();
    none.source = 0;
    context.limited(none).eval("1").await.unwrap_err();
    assert_eq!(held.strong_count(), 0);
}
