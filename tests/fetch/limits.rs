//! What the requests of a context may take.

use aiointernal::{Limits, js::value};

use super::{
    SHORT, all_of, limited, open, refusal, run,
    server::{Server, ok, redirect, say},
};

#[tokio::test]
async fn a_request_waits_for_its_place_among_those_that_are_open() {
    let server = Server::saying(ok("hello")).await;
    let context = open(all_of(&server).limits(limited(|limits| limits.concurrent = 2))).await;
    let script = "const [one, two] = await Promise.all([fetch(url), fetch(url)]); const third = fetch(url); let waits = true; third.then(() => waits = false);
        one.body.cancel(); const text = await (await third).text(); [text, await two.text()]";
    assert_eq!(run(&context, &server.url("/"), script).await, value!(["hello", "hello"]));
}

#[tokio::test]
async fn a_request_that_finds_no_place_ends_with_its_time() {
    let server = Server::hanging("").await;
    let context = open(all_of(&server).limits(limited(|limits| (limits.concurrent, limits.time) = (1, SHORT)))).await;
    // The first is over at the same time, so the second may get its place, and be over in it.
    let script = "fetch(url).catch(() => {}); fetch(url).then(() => 'got', String)";
    assert_eq!(run(&context, &server.url("/"), script).await, "TypeError: the request took longer than 100ms".into());
}

#[tokio::test]
async fn an_evaluation_makes_so_many_requests_with_those_it_is_redirected_to() {
    let server = Server::start(|request, stream| async move {
        say(stream, if request.starts_with("GET /r") { redirect(302, "/") } else { ok("") }).await
    })
    .await;
    let context = open(all_of(&server).limits(limited(|limits| limits.requests = 4))).await;
    let script = "await fetch(url + 'r'); await fetch(url); await fetch(url); await fetch(url).catch(String)";
    let told = "TypeError: the evaluation has made its 4 requests";
    assert_eq!(run(&context, &server.url("/"), script).await, told.into());
    // Another evaluation has its own.
    assert_eq!(refusal(&context, &server.url("/"), "{}").await, "got 0");
}

#[tokio::test]
async fn what_is_read_counts_as_bytes_of_host_functions() {
    let server = Server::saying(ok(&"x".repeat(200_000))).await;
    let mut limits = Limits::default();
    limits.host_bytes = 100_000;
    let context = open(all_of(&server)).await.limited(limits);
    let told = refusal(&context, &server.url("/"), "{}").await;
    assert_eq!(told, "TypeError: the evaluation has exchanged its 100000 bytes with host functions");
    server.closed(1).await;
}
