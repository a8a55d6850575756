//! How a request ends before its answer does.

use std::{convert::Infallible, sync::Arc};

use aiointernal::{
    ErrorKind,
    js::{Functions, value},
};
use tokio::sync::Notify;

use super::{
    SHORT, all_of, open, refusal, run,
    server::{Server, hang, ok, say},
};

#[tokio::test]
async fn an_aborted_request_ends_wherever_it_is() {
    let server = Server::hanging("").await;
    let context = open(all_of(&server)).await;
    let script = "const aborting = new AbortController(); const got = fetch(url, { signal: aborting.signal }).catch(String); started(); aborting.abort(); await got";
    let started = Functions::new().sync_function("started", |(): (), _| Ok::<_, Infallible>(()));
    let told = run(&context.granting(started), &server.url("/"), script).await;
    assert_eq!(told, "AbortError: This operation was aborted".into());

    let server = Server::hanging("HTTP/1.1 200 OK\r\n\r\nhello").await;
    let context = open(all_of(&server)).await;
    let script = "const aborting = new AbortController(); const r = await fetch(url, { signal: aborting.signal });
        const reader = r.body.getReader(); const first = (await reader.read()).value.length; const next = reader.read().catch(String); aborting.abort(); [first, await next]";
    let told = run(&context, &server.url("/"), script).await;
    assert_eq!(told, value!([5, "AbortError: This operation was aborted"]));
    server.closed(1).await;
}

#[tokio::test]
async fn what_an_evaluation_leaves_open_is_closed_at_its_end() {
    let server = Server::hanging("HTTP/1.1 200 OK\r\n\r\nhello").await;
    let context = open(all_of(&server)).await;
    run(&context, &server.url("/"), "globalThis.kept = (await fetch(url)).body.getReader(); undefined").await;
    server.closed(1).await;
    let told = context.eval_as::<String>("kept.read().then(() => 'got', String)").await.unwrap();
    assert_eq!(told, "TypeError: the request was aborted");
}

#[tokio::test]
async fn what_a_script_waits_for_is_closed_when_it_is_stopped() {
    let server = Server::hanging("").await;
    let context = open(all_of(&server)).await;
    let error = context.eval(format!("await fetch({:?})", server.url("/"))).timeout(SHORT).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    server.closed(1).await;

    let server = Server::hanging("HTTP/1.1 200 OK\r\n\r\n").await;
    let context = open(all_of(&server)).await;
    let script = format!("const r = await fetch({:?}); await r.body.getReader().read()", server.url("/"));
    let error = context.eval(script).timeout(SHORT).await.unwrap_err();
    assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, true));
    server.closed(1).await;
}

#[tokio::test]
async fn a_context_that_is_closed_or_reset_leaves_nothing_open() {
    let server = Server::hanging("HTTP/1.1 200 OK\r\n\r\n").await;
    let context = open(all_of(&server)).await;
    let opened = Arc::new(Notify::new());
    let telling = Arc::clone(&opened);
    let functions = Functions::new().sync_function("opened", move |(): (), _| {
        telling.notify_one();
        Ok::<_, Infallible>(())
    });
    let script = format!("const r = await fetch({:?}); opened(); await r.body.getReader().read()", server.url("/"));
    let waiting = context.granting(functions.clone()).eval(script.as_str()).queue();
    opened.notified().await;
    context.reset().await.unwrap();
    assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Lost);
    server.closed(1).await;

    let waiting = context.granting(functions).eval(script).queue();
    opened.notified().await;
    context.close_now().await.unwrap();
    assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Closed);
    server.closed(1).await;
}

#[tokio::test]
async fn a_context_that_is_lost_leaves_nothing_open_and_the_one_in_its_place_may_fetch() {
    let server = Server::start(|request, stream| async move {
        if request.starts_with("GET /ok") { say(stream, ok("hello")).await } else { hang(stream, "").await }
    })
    .await;
    let context = open(all_of(&server)).await;
    let waiting = context.eval(format!("await fetch({:?})", server.url("/"))).queue();
    // What jobs it leaves behind are dropped, which may be those that another waits for.
    let jobs = "for (let n = 0; n < 9; n++) (function next() { return Promise.resolve().then(next) })(); await new Promise(() => {})";
    let error = context.eval(jobs).timeout(SHORT).await.unwrap_err();
    assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, false), "{error}");
    assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Lost);
    server.closed(1).await;
    assert_eq!(refusal(&context, &server.url("/ok"), "{}").await, "got 5");
}

#[tokio::test]
async fn a_request_may_be_named_as_one_of_another_evaluation_was() {
    let server = Server::saying(ok("hello")).await;
    let context = open(all_of(&server)).await;
    for _ in 0..3 {
        context.reset().await.unwrap();
        assert_eq!(refusal(&context, &server.url("/"), "{}").await, "got 5");
    }
}
