//! The peer: rquickjs, in the caller's thread or behind a channel as one would write it by hand.

use rquickjs::{Context, Runtime, Value};
use tokio::sync::{mpsc, oneshot};

/// One native context.
pub(crate) struct Native {
    context: Context,
}

impl Native {
    pub(crate) fn new() -> Native {
        let runtime = Runtime::new().expect("there is memory for a runtime");
        Native { context: Context::full(&runtime).expect("there is memory for a context") }
    }

    pub(crate) fn run(&self, source: &str) {
        self.context.with(|ctx| ctx.eval::<(), _>(source)).expect("the script is right");
    }

    pub(crate) fn sum(&self, source: &str) -> i32 {
        self.context.with(|ctx| ctx.eval(source)).expect("the script gives a number")
    }

    pub(crate) fn has_global(&self, name: &str) -> bool {
        self.context.with(|ctx| {
            let value: Value<'_> = ctx.globals().get(name).expect("the name has no getter");
            !value.is_undefined()
        })
    }

    pub(crate) fn text(&self, source: &str) -> String {
        self.context.with(|ctx| ctx.eval(source)).expect("the script gives a string")
    }
}

/// A thread that owns something, tokio's channels to it, and nothing else: no limits, no cancellation, no errors.
#[derive(Clone)]
pub(crate) struct Channel {
    calls: mpsc::Sender<oneshot::Sender<i32>>,
}

impl Channel {
    /// `setup` makes, on the thread, what answers each call.
    pub(crate) fn open<J: FnMut() -> i32>(setup: impl FnOnce() -> J + Send + 'static) -> Channel {
        let (calls, mut inbox) = mpsc::channel::<oneshot::Sender<i32>>(256);
        let thread = std::thread::Builder::new().name("native".to_owned()).spawn(move || {
            let mut job = setup();
            while let Some(reply) = inbox.blocking_recv() {
                // Nobody may be waiting any more.
                let _ = reply.send(job());
            }
        });
        thread.expect("the system starts a thread");
        Channel { calls }
    }

    pub(crate) async fn call(&self) -> i32 {
        let (reply, answer) = oneshot::channel();
        self.calls.send(reply).await.expect("the thread lives");
        answer.await.expect("the thread answers")
    }
}
