//! Requests, and the answers that come.

use aiointernal::js::value;

use super::{
    all_of, open, run,
    server::{Server, ok},
};

#[tokio::test]
async fn an_answer_comes_with_status_headers_and_body() {
    let head = "HTTP/1.1 201 Made up\r\nX-One: 1\r\nx-latin: \u{e9}\r\nset-cookie: a\r\nset-cookie: b\r\n";
    let server = Server::saying(format!("{head}content-length: 5\r\n\r\nhello")).await;
    let context = open(all_of(&server)).await;
    let script = "const r = await fetch(url + '#part');
        [r.status, r.statusText, r.url === url, r.redirected, r.headers.get('x-one'), await r.text()]";
    let url = server.url("/a/b?c=d");
    assert_eq!(run(&context, &url, script).await, value!([201, "Made up", true, false, "1", "hello"]));
    let host = server.address;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        server.requests(),
        [format!(
            "GET /a/b?c=d HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\naccept: */*\r\nuser-agent: aiointernal/{version}\r\n\r\n"
        )]
    );
}

#[tokio::test]
async fn a_request_has_the_method_headers_and_body_of_the_script() {
    let server = Server::saying(ok("")).await;
    let context = open(all_of(&server)).await;
    let script = "await fetch(url, { method: 'PUT', headers: { 'X-A': 'b', Accept: 'text/html', 'user-agent': 'u' }, body: 'text' });
        await fetch(url, { method: 'POST' }); undefined";
    run(&context, &server.url("/"), script).await;
    let host = server.address;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        server.requests(),
        [
            format!(
                "PUT / HTTP/1.1\r\naccept: text/html\r\ncontent-type: text/plain;charset=UTF-8\r\nuser-agent: u\r\nx-a: b\r\nhost: {host}\r\nconnection: close\r\ncontent-length: 4\r\n\r\ntext"
            ),
            format!(
                "POST / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: 0\r\naccept: */*\r\nuser-agent: aiointernal/{version}\r\n\r\n"
            ),
        ]
    );
}

#[tokio::test]
async fn a_path_is_sent_as_a_path_whatever_it_looks_like() {
    let server = Server::saying(ok("")).await;
    let context = open(all_of(&server)).await;
    for path in ["//other.test/a", "/http://other.test/", "/a%0d%0ab: c", "/*", "/?a b"] {
        run(&context, &server.url(path), "await fetch(url); undefined").await;
    }
    let requests = server.requests();
    let lines: Vec<_> = requests.iter().map(|request| request.lines().next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "GET //other.test/a HTTP/1.1",
            "GET /http://other.test/ HTTP/1.1",
            "GET /a%0d%0ab:%20c HTTP/1.1",
            "GET /* HTTP/1.1",
            "GET /?a%20b HTTP/1.1",
        ]
    );
    assert!(requests.iter().all(|request| request.contains(&format!("\r\nhost: {}\r\n", server.address))));
}

#[tokio::test]
async fn a_status_that_no_standard_knows_is_told() {
    let server = Server::saying("HTTP/1.1 599 Odd\r\ncontent-length: 2\r\n\r\nhi").await;
    let context = open(all_of(&server)).await;
    let script = "const r = await fetch(url); [r.status, r.ok, await r.text()]";
    assert_eq!(run(&context, &server.url("/"), script).await, value!([599, false, "hi"]));
}

#[tokio::test]
async fn many_requests_leave_nothing_open() {
    let server = Server::saying(ok("hello")).await;
    let context = open(all_of(&server)).await;
    let script = "const texts = await Promise.all(Array.from({ length: 100 }, () => fetch(url).then((r) => r.text())));
        texts.filter((text) => text === 'hello').length";
    assert_eq!(run(&context, &server.url("/"), script).await, 100.into());
    server.closed(100).await;
}
