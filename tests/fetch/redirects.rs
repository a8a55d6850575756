//! Redirects, each of which is held to the grant.

use aiointernal::js::{FetchGrant, value};

use super::{
    all_of, open, refusal, run,
    server::{Server, ok, redirect, say},
};

#[tokio::test]
async fn a_redirect_is_followed_to_what_is_granted() {
    let end = Server::saying(ok("here")).await;
    let url = end.url("/end?x");
    let server = Server::saying(redirect(307, &url)).await;
    let context = open(all_of(&server).allow(&format!("POST {}", end.url(""))).unwrap()).await;
    let script = format!(
        "const r = await fetch(url, {{ method: 'POST', body: 'b', headers: {{ authorization: 'secret', cookie: 'c', 'x-a': 'd' }} }});
        [r.url === {url:?}, r.redirected, await r.text()]"
    );
    assert_eq!(run(&context, &server.url("/"), &script).await, value!([true, true, "here"]));
    let (first, then) = (&server.requests()[0], &end.requests()[0]);
    assert!(first.contains("authorization: secret\r\n") && first.contains("cookie: c\r\n"), "{first}");
    assert!(
        then.starts_with("POST /end?x HTTP/1.1\r\n") && then.contains("\r\nx-a: d\r\n") && then.ends_with("\r\n\r\nb"),
        "{then}"
    );
    assert!(!then.contains("secret") && !then.contains("cookie"), "{then}");
}

#[tokio::test]
async fn a_post_that_is_redirected_by_302_becomes_a_get() {
    let server = Server::start(|request, stream| async move {
        let answer = if request.starts_with("POST") { redirect(302, "there") } else { ok("hello") };
        say(stream, answer).await
    })
    .await;
    let context = open(all_of(&server)).await;
    assert_eq!(refusal(&context, &server.url("/a/b"), "{ method: 'POST', body: 'x' }").await, "got 5");
    assert!(server.requests()[1].starts_with("GET /a/there HTTP/1.1\r\n"), "{:?}", server.requests());
    assert!(!server.requests()[1].contains("content-length"), "{:?}", server.requests());
}

#[tokio::test]
async fn each_redirect_has_to_be_granted() {
    for (location, told) in [
        ("http://127.0.0.1:9/", "http://127.0.0.1:9 leads to no address that is granted"),
        ("http://127.1:9/", "http://127.0.0.1:9 leads to no address that is granted"),
        ("http://10.0.0.1:8080/admin", "http://10.0.0.1:8080 leads to no address that is granted"),
        ("http://169.254.169.254/latest/meta-data", "http://169.254.169.254 leads to no address that is granted"),
        ("http://[::1]/", "http://[::1] leads to no address that is granted"),
        ("http://localhost/", "http://localhost leads to no address that is granted"),
        ("//2130706433/", "http://127.0.0.1 leads to no address that is granted"),
        ("https://a.test/", "https://a.test is not granted"),
        ("file:///etc/passwd", "file: is not granted"),
        ("javascript:alert(1)", "javascript: is not granted"),
        ("http://me:secret@a.test/", "a URL of http://a.test with a user or a password is not fetched"),
        ("http://", "a redirect leads to no URL: empty host"),
    ] {
        let server = Server::saying(redirect(302, location)).await;
        let context = open(all_of(&server).allow("http://*:*").unwrap()).await;
        assert_eq!(refusal(&context, &server.url("/"), "{}").await, format!("TypeError: {told}"), "{location}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn the_method_of_a_redirect_has_to_be_granted_as_well() {
    let server = Server::saying(redirect(303, "/")).await;
    let context = open(FetchGrant::new().allow(&format!("POST {}", server.url(""))).unwrap()).await;
    let told = refusal(&context, &server.url("/"), "{ method: 'POST' }").await;
    assert_eq!(told, format!("TypeError: GET is not granted for {}, only POST", server.url("")));
}

#[tokio::test]
async fn redirects_end() {
    let server = Server::saying(redirect(302, "/again")).await;
    let context = open(all_of(&server)).await;
    let told = refusal(&context, &server.url("/"), "{}").await;
    assert_eq!(told, "TypeError: the request was redirected 5 times, and is to be again");
    assert_eq!(server.requests().len(), 6);
    server.closed(6).await;
}

#[tokio::test]
async fn a_script_may_look_at_a_redirect_or_refuse_it() {
    let server = Server::saying(redirect(302, "http://10.0.0.1/")).await;
    let context = open(all_of(&server)).await;
    let script =
        "const r = await fetch(url, { redirect: 'manual' }); [r.status, r.headers.get('location'), r.redirected]";
    assert_eq!(run(&context, &server.url("/"), script).await, value!([302, "http://10.0.0.1/", false]));
    let told = refusal(&context, &server.url("/"), "{ redirect: 'error' }").await;
    assert_eq!(told, "TypeError: the answer is a redirect, which the request does not follow");
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_an_answer() {
    let server = Server::saying("HTTP/1.1 302 Found\r\ncontent-length: 2\r\n\r\nhi").await;
    let context = open(all_of(&server)).await;
    assert_eq!(refusal(&context, &server.url("/"), "{}").await, "got 2");
}
