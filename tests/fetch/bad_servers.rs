//! Servers that do what they should not.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use aiointernal::js::{FetchGrant, FetchLimits};
use tokio::io::AsyncWriteExt as _;

use super::{
    SHORT, all_of, limited, open, refusal,
    server::{Server, ok, say},
};

/// What a script is told of a server whose answer is not to be taken.
async fn told(server: &Server, change: impl FnOnce(&mut FetchLimits)) -> String {
    let context = open(all_of(server).limits(limited(change))).await;
    let told = refusal(&context, &server.url("/"), "{}").await;
    server.closed(1).await;
    assert_eq!(context.eval("1 + 1").await.unwrap(), 2.into());
    told.replace(&server.url(""), "SERVER")
}

#[tokio::test]
async fn endless_headers_are_refused() {
    let server = Server::endless("HTTP/1.1 200 OK\r\n", format!("a: {}\r\n", "x".repeat(100))).await;
    assert_eq!(told(&server, |_| {}).await, "TypeError: no answer of SERVER: message head is too large");
    let server = Server::endless("HTTP/1.1 200 OK\r\na: ", "x".repeat(100)).await;
    assert_eq!(told(&server, |_| {}).await, "TypeError: no answer of SERVER: message head is too large");
    let server = Server::endless("HTTP/1.1 200 ", "x".repeat(100)).await;
    assert_eq!(told(&server, |_| {}).await, "TypeError: no answer of SERVER: message head is too large");
}

#[tokio::test]
async fn more_headers_than_are_granted_are_refused() {
    let server = Server::saying(format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(11))).await;
    let limits = |limits: &mut FetchLimits| limits.headers = 10;
    assert_eq!(told(&server, limits).await, "TypeError: no answer of SERVER: message head is too large");
    let server = Server::saying(format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(10))).await;
    assert_eq!(told(&server, limits).await, "got 0");
}

#[tokio::test]
async fn answers_that_only_announce_another_without_end_are_refused() {
    let server = Server::endless("", "HTTP/1.1 100 Continue\r\n\r\n").await;
    let why = "TypeError: no answer of SERVER: more bytes came than an answer may take";
    assert_eq!(told(&server, |_| {}).await, why);
    // A few are none too many, though they are as long as headers may be.
    let hint = format!("HTTP/1.1 103 Early Hints\r\nlink: {}\r\n\r\n", "x".repeat(60_000));
    let server = Server::saying(hint + &ok("hello")).await;
    assert_eq!(told(&server, |_| {}).await, "got 5");
}

#[tokio::test]
async fn chunks_that_say_nothing_are_refused() {
    let most = |limits: &mut FetchLimits| limits.response_body = 100_000;
    for again in ["0", "1;a=b\r\nx\r\n"] {
        let server = Server::endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", again).await;
        let told = told(&server, most).await;
        assert!(told.starts_with("TypeError: the body of the answer was cut off: "), "{again:?}: {told}");
    }
    // Chunks of one byte are no more than slow.
    let chunks = "1\r\nx\r\n".repeat(100_000);
    let server =
        Server::saying(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")).await;
    assert_eq!(told(&server, most).await, "got 100000");
}

#[tokio::test]
async fn who_always_has_more_to_say_ends_with_the_time() {
    let limits = |limits: &mut FetchLimits| (limits.response_body, limits.time) = (usize::MAX, SHORT);
    let server = Server::endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "0").await;
    assert_eq!(told(&server, limits).await, "TypeError: the request took longer than 100ms");
}

#[tokio::test]
async fn trailers_without_end_are_refused() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n";
    let server = Server::endless(head, format!("a: {}\r\n", "x".repeat(100))).await;
    let told = told(&server, |_| {}).await;
    assert_eq!(told, "TypeError: the body of the answer was cut off: error reading a body from connection");
}

#[tokio::test]
async fn endless_bodies_are_refused() {
    let most = |limits: &mut FetchLimits| limits.response_body = 100_000;
    for beginning in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"] {
        let server = Server::endless(beginning, "x".repeat(1000)).await;
        assert_eq!(told(&server, most).await, "TypeError: the body of the answer is longer than 100000 bytes");
    }
    let server = Server::endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "3\r\nabc\r\n").await;
    assert_eq!(told(&server, most).await, "TypeError: the body of the answer is longer than 100000 bytes");
}

#[tokio::test]
async fn a_body_as_long_as_it_may_be_is_read() {
    let server = Server::saying(ok(&"x".repeat(1000))).await;
    assert_eq!(told(&server, |limits| limits.response_body = 1000).await, "got 1000");
    let server = Server::saying(ok(&"x".repeat(1001))).await;
    let told = told(&server, |limits| limits.response_body = 1000).await;
    assert_eq!(told, "TypeError: the body of the answer is longer than 1000 bytes");
}

#[tokio::test]
async fn who_never_answers_ends_with_the_time() {
    for answer in
        ["", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel"]
    {
        let server = Server::hanging(answer).await;
        let told = told(&server, |limits| limits.time = SHORT).await;
        assert_eq!(told, "TypeError: the request took longer than 100ms", "{answer:?}");
    }
}

#[tokio::test]
async fn what_drips_ends_with_the_time() {
    let server = Server::start(|_, stream| async move {
        let mut stream = say(stream, "HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stream
    })
    .await;
    assert_eq!(told(&server, |limits| limits.time = SHORT).await, "TypeError: the request took longer than 100ms");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_no_answer() {
    for (answer, why) in [
        ("", "no answer of SERVER: connection closed before message completed"),
        ("HTTP/1.1 200 OK\r\na: b", "no answer of SERVER: connection closed before message completed"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
            "the body of the answer was cut off: error reading a body from connection",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
            "the body of the answer was cut off: error reading a body from connection",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc",
            "the body of the answer was cut off: error reading a body from connection",
        ),
    ] {
        let server = Server::saying(answer).await;
        assert_eq!(told(&server, |_| {}).await, format!("TypeError: {why}"), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_no_answer() {
    for answer in [
        "SSH-2.0-OpenSSH_9.9\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
    ] {
        let server = Server::saying(answer).await;
        let told = told(&server, |_| {}).await;
        assert!(
            told.starts_with("TypeError: no answer of SERVER: ") || told.contains("answered with the status 101"),
            "{answer:?}: {told}"
        );
    }
}

#[tokio::test]
async fn nobody_listening_is_told_without_an_address() {
    let server = Server::saying("").await;
    let place = format!("http://shop.test:{}", server.address.port());
    let grant = FetchGrant::new().allow(&place).unwrap().allow_address("127.0.0.1").unwrap();
    drop(server);
    let context = open(grant.resolver(|_| async { Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]) })).await;
    let told = refusal(&context, &place, "{}").await;
    assert_eq!(told, format!("TypeError: no connection to {place}: connection refused"));
}
