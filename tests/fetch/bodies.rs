//! Bodies of answers, as scripts read them.

use std::{convert::Infallible, sync::Arc};

use aiointernal::js::{Functions, value};
use tokio::sync::{Notify, Semaphore};

use super::{
    all_of, open, run,
    server::{Server, ok, say},
};

#[tokio::test]
async fn a_body_is_read_in_chunks_of_64_kib_at_most() {
    let server = Server::saying(ok(&"x".repeat(200_000))).await;
    let context = open(all_of(&server)).await;
    let script = "const reader = (await fetch(url)).body.getReader(); let all = 0, most = 0;
        for (let c; !(c = await reader.read()).done;) { all += c.value.length; most = Math.max(most, c.value.length) }
        [all, most <= 65536, (await reader.read()).done]";
    assert_eq!(run(&context, &server.url("/"), script).await, value!([200_000, true, true]));
    server.closed(1).await;
}

#[tokio::test]
async fn a_body_streams_while_the_server_still_writes() {
    let gate = Arc::new(Semaphore::new(0));
    let permits = Arc::clone(&gate);
    let server = Server::start(move |_, stream| {
        let permits = Arc::clone(&permits);
        async move {
            let stream = say(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n").await;
            permits.acquire().await.unwrap().forget();
            say(stream, "3\r\ntwo\r\n0\r\n\r\n").await
        }
    })
    .await;
    let opening = Functions::new().sync_function("open", move |(): (), _| {
        gate.add_permits(1);
        Ok::<_, Infallible>(())
    });
    let context = open(all_of(&server)).await.granting(opening);
    let script = "const reader = (await fetch(url)).body.getReader(); const text = async () => String.fromCharCode(...(await reader.read()).value);
        const one = await text(); open(); [one, await text(), (await reader.read()).done]";
    assert_eq!(run(&context, &server.url("/"), script).await, value!(["one", "two", true]));
}

#[tokio::test]
async fn an_answer_without_a_body_has_none() {
    let server = Server::start(|request, stream| async move {
        let answer = if request.starts_with("HEAD") {
            ok("hello").replace("hello", "")
        } else {
            "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
        };
        say(stream, answer).await
    })
    .await;
    let context = open(all_of(&server)).await;
    let script = "const head = await fetch(url, { method: 'HEAD' }), none = await fetch(url);
        [head.status, head.body, none.status, none.body]";
    assert_eq!(run(&context, &server.url("/"), script).await, value!([200, null, 204, null]));
}

#[tokio::test]
async fn an_answer_without_a_length_ends_with_its_connection() {
    let server = Server::saying("HTTP/1.0 200 OK\r\n\r\nto the end").await;
    let context = open(all_of(&server)).await;
    assert_eq!(run(&context, &server.url("/"), "await (await fetch(url)).text()").await, "to the end".into());
}

#[tokio::test]
async fn a_body_that_is_closed_gives_no_more() {
    let server = Server::hanging("HTTP/1.1 200 OK\r\n\r\nhello").await;
    let context = open(all_of(&server)).await;
    let script = "const reader = (await fetch(url)).body.getReader(); await reader.read(); await reader.cancel(); (await reader.read()).done";
    assert_eq!(run(&context, &server.url("/"), script).await, true.into());
    server.closed(1).await;
}

#[tokio::test]
async fn a_body_that_no_script_can_reach_is_closed() {
    let server = Server::hanging("HTTP/1.1 200 OK\r\n\r\n").await;
    let gone = Arc::new(Notify::new());
    let waiting = Arc::clone(&gone);
    let functions = Functions::new().function("gone", move |(): (), _| {
        let gone = Arc::clone(&waiting);
        async move {
            gone.notified().await;
            Ok::<_, Infallible>(())
        }
    });
    let context = open(all_of(&server)).await.granting(functions);
    let script =
        // What it leaves is a cycle, for the collector of garbage.
        format!(
            "await (async () => {{ await fetch({:?}) }})(); for (let i = 0; i < 9; i++) Array.from({{ length: 1e4 }}, () => ({{}}));
            await gone(); 'still here'",
            server.url("/")
        );
    let evaluation = context.eval(script).queue();
    server.closed(1).await;
    gone.notify_one();
    assert_eq!(evaluation.await.unwrap(), "still here".into());
}
