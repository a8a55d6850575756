//! Calls that are dropped or aborted while they run.

use super::*;

#[tokio::test]
async fn dropping_a_call_that_runs_stops_it_and_no_other() {
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    let context = SANDBOX.context().on_console(move |_| started.send(()).unwrap()).await.unwrap();
    let endless = context.eval("console.log(1); for (;;);").queue();
    let next = context.eval("'not hit'").queue();
    starts.recv().await.unwrap();
    drop(endless);
    assert_eq!(next.await.unwrap(), "not hit".into());
}

#[tokio::test]
async fn an_aborted_call_ends_as_cancelled() {
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    let context = SANDBOX.context().on_console(move |_| started.send(()).unwrap()).await.unwrap();
    let endless = context.eval("console.log(1); for (;;);").queue();
    starts.recv().await.unwrap();
    endless.abort();
    let error = endless.await.unwrap_err();
    assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Cancelled, true));
}

#[tokio::test]
async fn a_context_can_be_dropped_while_it_runs() {
    let context = SANDBOX.context().await.unwrap();
    let endless = context.eval("for (;;);").queue();
    drop(context);
    drop(endless);
}
