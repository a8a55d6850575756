//! Requests of scripts, to servers on loopback that do what servers do, and what they should not.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use aiointernal::{
    Context, ErrorKind, Limits,
    js::{FetchGrant, FetchLimits, Functions, value},
};
use tokio::{
    io::AsyncWriteExt as _,
    runtime,
    sync::{Notify, Semaphore},
};
use tokio_rustls::rustls;

use self::server::{Server, ok, read_request, redirect, say};
use crate::context::SANDBOX;

#[path = "fetch/server.rs"]
mod server;

/// As good as no limit, for what has to end by something else.
const LONG: Duration = Duration::from_secs(60);

/// A time that passes soon.
const SHORT: Duration = Duration::from_millis(100);

/// A context whose scripts have this grant.
async fn open(grant: FetchGrant) -> Context {
    let mut limits = Limits::default();
    limits.wall_time = LONG;
    SANDBOX.context().limits(limits).fetch(grant).await.unwrap()
}

/// Everything of this server.
fn all_of(server: &Server) -> FetchGrant {
    FetchGrant::new().allow(&format!("* {}", server.url(""))).unwrap()
}

fn limited(change: impl FnOnce(&mut FetchLimits)) -> FetchLimits {
    let mut limits = FetchLimits::default();
    limits.time = LONG;
    change(&mut limits);
    limits
}

/// What a script gives that is told where the server is.
async fn run(context: &Context, url: &str, script: &str) -> aiointernal::Value {
    context.eval(format!("{{ const url = {url:?}; {script} }}")).await.unwrap()
}

/// What a script is told where it fails.
async fn refusal(context: &Context, url: &str, init: &str) -> String {
    let script = format!("fetch({url:?}, {init}).then((r) => r.text()).then((t) => 'got ' + t.length, String)");
    context.eval_as(script).await.unwrap()
}

mod requests {
    use super::*;

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
    async fn many_requests_leave_nothing_open() {
        let server = Server::saying(ok("hello")).await;
        let context = open(all_of(&server)).await;
        let script =
            "const texts = await Promise.all(Array.from({ length: 100 }, () => fetch(url).then((r) => r.text())));
            texts.filter((text) => text === 'hello').length";
        assert_eq!(run(&context, &server.url("/"), script).await, 100.into());
        server.closed(100).await;
    }
}

mod grants {
    use super::*;

    #[tokio::test]
    async fn without_a_grant_there_is_nothing_to_call() {
        let context = SANDBOX.context().await.unwrap();
        assert_eq!(context.eval("typeof globalThis[':fetch']").await.unwrap(), "undefined".into());
    }

    #[tokio::test]
    async fn what_no_rule_covers_is_refused_before_anything_is_sent() {
        let server = Server::saying(ok("")).await;
        let context = open(FetchGrant::new().allow(&server.url("")).unwrap()).await;
        let place = server.url("");
        assert_eq!(
            refusal(&context, &server.url("/"), "{ method: 'DELETE' }").await,
            format!("TypeError: DELETE is not granted for {place}, only GET, HEAD")
        );
        assert_eq!(
            refusal(&context, "https://other.test/", "{}").await,
            "TypeError: https://other.test is not granted"
        );
        assert_eq!(refusal(&context, "file:///etc/passwd", "{}").await, "TypeError: file: is not granted");
        assert_eq!(
            refusal(&context, &server.url("/").replace("//", "//me:secret@"), "{}").await,
            "TypeError: a URL with a user or a password in it cannot be fetched"
        );
        assert_eq!(
            refusal(&context, &server.url("/"), "{ headers: { host: 'other.test' } }").await,
            "TypeError: a script cannot set the header host"
        );
        assert_eq!(server.requests(), [""; 0]);
    }

    #[tokio::test]
    async fn addresses_that_are_not_public_are_refused_in_every_spelling() {
        let context = open(FetchGrant::new().allow("http://*:*").unwrap()).await;
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "0177.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::127.0.0.1]",
            "0",
            "10.0.0.1",
            "169.254.169.254",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
        ] {
            let told = refusal(&context, &format!("http://{host}:9/"), "{}").await;
            assert!(told.ends_with(" leads to no address that is granted"), "{host}: {told}");
        }
    }

    #[tokio::test]
    async fn a_context_has_its_own_grant_in_the_place_of_the_sandboxs() {
        let (one, two) = (Server::saying(ok("one")).await, Server::saying(ok("two")).await);
        let context = open(all_of(&one).allow(&two.url("")).unwrap()).await;
        let other = open(all_of(&two)).await;
        assert_eq!(refusal(&context, &one.url("/"), "{}").await, "got 3");
        assert_eq!(refusal(&context, &two.url("/"), "{}").await, "got 3");
        assert_eq!(refusal(&other, &one.url("/"), "{}").await, format!("TypeError: {} is not granted", one.url("")));
    }

    #[tokio::test]
    async fn no_function_of_a_caller_takes_the_place_of_the_hosts_own() {
        let functions = || Functions::new().function(":fetch", |(): (), _| async { Ok::<_, Infallible>(()) });
        let refused = SANDBOX.context().functions(functions()).await.unwrap_err();
        assert_eq!(refused.to_string(), "no function can be named \":fetch\"");
        let refused = aiointernal::Sandbox::builder().functions(functions()).build().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        let context = open(FetchGrant::new()).await;
        let refused = context.granting(functions()).eval("1").await.unwrap_err();
        assert_eq!(
            (refused.kind(), refused.to_string().as_str()),
            (ErrorKind::InvalidArgument, "no function can be named \":fetch\"")
        );
        assert_eq!(context.eval("1").await.unwrap(), 1.into());
    }
}

mod names {
    use super::*;

    type Found = std::future::Ready<io::Result<Vec<IpAddr>>>;

    /// Answers what it is given, one after the other and the last again and again, and counts the questions.
    fn resolver(answers: &[&[&str]]) -> (impl Fn(String) -> Found + Send + Sync + 'static, Arc<Mutex<usize>>) {
        let parsed = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        let answers: Vec<Vec<IpAddr>> = answers.iter().map(parsed).collect();
        let asked = Arc::new(Mutex::new(0));
        let count = Arc::clone(&asked);
        let resolve = move |_: String| {
            let mut asked = count.lock().unwrap();
            *asked += 1;
            std::future::ready(Ok(answers[(*asked - 1).min(answers.len() - 1)].clone()))
        };
        (resolve, asked)
    }

    /// A rule for a name that leads to the server.
    fn named(server: &Server) -> (FetchGrant, String) {
        let place = format!("http://shop.test:{}", server.address.port());
        (FetchGrant::new().allow(&place).unwrap(), place)
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_refused_unless_the_address_is_granted() {
        let server = Server::saying(ok("hello")).await;
        let (grant, place) = named(&server);
        let refused = open(grant.clone().resolver(resolver(&[&["127.0.0.1"]]).0)).await;
        let told = refusal(&refused, &place, "{}").await;
        assert_eq!(told, format!("TypeError: {place} leads to no address that is granted"));
        assert_eq!(server.requests(), [""; 0]);
        let granted = open(grant.allow_address("127.0.0.1").unwrap().resolver(resolver(&[&["127.0.0.1"]]).0)).await;
        assert_eq!(refusal(&granted, &place, "{}").await, "got 5");
        assert!(
            server.requests()[0].contains(&format!("host: shop.test:{}", server.address.port())),
            "{:?}",
            server.requests()
        );
    }

    #[tokio::test]
    async fn the_address_that_was_looked_at_is_the_one_that_is_connected_to() {
        // What a second question would be answered with is what a rebinding server answers.
        let server = Server::saying(ok("hello")).await;
        let (grant, place) = named(&server);
        let (resolve, asked) = resolver(&[&["127.0.0.1"], &["127.0.0.2"]]);
        let context = open(grant.allow_address("127.0.0.1").unwrap().resolver(resolve)).await;
        assert_eq!(refusal(&context, &place, "{}").await, "got 5");
        assert_eq!(*asked.lock().unwrap(), 1);
        let told = refusal(&context, &place, "{}").await;
        assert_eq!(told, format!("TypeError: {place} leads to no address that is granted"));
        assert_eq!((server.requests().len(), *asked.lock().unwrap()), (1, 2));
    }

    #[tokio::test]
    async fn a_redirect_to_the_same_name_looks_it_up_again() {
        let server = Server::saying(redirect(302, "/again")).await;
        let (grant, place) = named(&server);
        let (resolve, asked) = resolver(&[&["127.0.0.1"], &["169.254.169.254"]]);
        let context = open(grant.allow_address("127.0.0.1").unwrap().resolver(resolve)).await;
        let told = refusal(&context, &place, "{}").await;
        assert_eq!(told, format!("TypeError: {place} leads to no address that is granted"));
        assert_eq!((server.requests().len(), *asked.lock().unwrap()), (1, 2));
    }

    #[tokio::test]
    async fn of_several_addresses_only_granted_ones_are_tried_until_one_answers() {
        let server = Server::saying(ok("hello")).await;
        let (grant, place) = named(&server);
        // Nobody listens at the second, and the first is not to be asked.
        let (resolve, _) = resolver(&[&["10.0.0.1", "127.0.0.2", "127.0.0.1"]]);
        let context = open(grant.allow_address("127.0.0.0/30").unwrap().resolver(resolve)).await;
        assert_eq!(refusal(&context, &place, "{}").await, "got 5");
    }

    #[tokio::test]
    async fn a_name_that_there_is_not_is_told_apart_from_nothing() {
        let grant = FetchGrant::new().allow("http://*").unwrap();
        let unknown = grant.clone().resolver(|_| async { Err(io::ErrorKind::NotFound.into()) });
        let private = grant.resolver(|_| async { Ok(vec![IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))]) });
        let told = refusal(&open(unknown).await, "http://db.internal/", "{}").await;
        assert_eq!(told, "TypeError: http://db.internal leads to no address that is granted");
        assert_eq!(told, refusal(&open(private).await, "http://db.internal/", "{}").await);
    }

    #[tokio::test]
    async fn names_are_looked_up_by_the_system_unless_somebody_else_does() {
        let server = Server::saying(ok("hello")).await;
        let place = format!("http://localhost:{}", server.address.port());
        let grant = FetchGrant::new().allow(&place).unwrap();
        let told = refusal(&open(grant.clone()).await, &place, "{}").await;
        assert_eq!(told, format!("TypeError: {place} leads to no address that is granted"));
        let context = open(grant.allow_address("127.0.0.0/8").unwrap()).await;
        assert_eq!(refusal(&context, &place, "{}").await, "got 5");
    }

    #[tokio::test]
    async fn a_name_that_nobody_looks_up_ends_with_the_time_to_connect() {
        let grant = FetchGrant::new().allow("http://*").unwrap().resolver(|_| std::future::pending());
        let context = open(grant.limits(limited(|limits| limits.connect_time = SHORT))).await;
        let told = refusal(&context, "http://slow.test/", "{}").await;
        assert_eq!(told, "TypeError: no connection to http://slow.test within 100ms");
    }
}

mod redirects {
    use super::*;

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
            then.starts_with("POST /end?x HTTP/1.1\r\n")
                && then.contains("\r\nx-a: d\r\n")
                && then.ends_with("\r\n\r\nb"),
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
}

mod bad_servers {
    use super::*;

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
    async fn answers_that_only_announce_another_end_with_the_time() {
        let server = Server::endless("", "HTTP/1.1 100 Continue\r\n\r\n").await;
        assert_eq!(told(&server, |limits| limits.time = SHORT).await, "TypeError: the request took longer than 100ms");
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
        for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel"] {
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
}

mod limits {
    use super::*;

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
        let context =
            open(all_of(&server).limits(limited(|limits| (limits.concurrent, limits.time) = (1, SHORT)))).await;
        // The first is over at the same time, so the second may get its place, and be over in it.
        let script = "fetch(url).catch(() => {}); fetch(url).then(() => 'got', String)";
        assert_eq!(
            run(&context, &server.url("/"), script).await,
            "TypeError: the request took longer than 100ms".into()
        );
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
}

mod endings {
    use super::*;

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
    async fn a_body_that_is_closed_gives_no_more() {
        let server = Server::hanging("HTTP/1.1 200 OK\r\n\r\nhello").await;
        let context = open(all_of(&server)).await;
        let script = "const reader = (await fetch(url)).body.getReader(); await reader.read(); await reader.cancel(); (await reader.read()).done";
        assert_eq!(run(&context, &server.url("/"), script).await, true.into());
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
    async fn a_request_may_be_named_as_one_of_another_evaluation_was() {
        let server = Server::saying(ok("hello")).await;
        let context = open(all_of(&server)).await;
        for _ in 0..3 {
            context.reset().await.unwrap();
            assert_eq!(refusal(&context, &server.url("/"), "{}").await, "got 5");
        }
    }
}

mod runtimes {
    use super::*;

    fn attempt(context: &Context) -> aiointernal::Error {
        context.eval("await fetch('http://127.0.0.1:9/')").blocking().unwrap_err()
    }

    fn grant() -> FetchGrant {
        FetchGrant::new().allow("http://127.0.0.1:9").unwrap()
    }

    const NO_DRIVERS: &str = "fetch needs a tokio runtime with drivers of I/O and time, as `Builder::enable_all` gives it, where the context is opened";

    #[test]
    fn a_context_that_was_opened_outside_of_a_runtime_says_what_fetch_needs() {
        let context = SANDBOX.context().fetch(grant()).blocking().unwrap();
        let error = attempt(&context);
        assert_eq!(error.kind(), ErrorKind::HostFunction);
        assert!(error.to_string().contains(NO_DRIVERS), "{error}");
    }

    #[test]
    fn a_runtime_without_drivers_is_an_error_that_says_so() {
        let without_any = runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let without_io = runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
        for runtime in [without_any, without_io] {
            let context = runtime.block_on(async { SANDBOX.context().fetch(grant()).await.unwrap() });
            let error = attempt(&context);
            assert_eq!(error.kind(), ErrorKind::HostFunction);
            assert!(error.to_string().contains(NO_DRIVERS), "{error}");
        }
    }
}

mod tls {
    use super::*;

    const AUTHORITY: &[u8] = include_bytes!("fetch/authority.der");

    /// A server whose certificate is for `shop.test`, from an authority that nobody knows.
    async fn start() -> (u16, tokio::task::JoinHandle<Vec<String>>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let certificate = include_bytes!("fetch/server.der").to_vec().into();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(include_bytes!("fetch/server.key.der").to_vec()).into();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let serve = async move {
            let mut requests = Vec::new();
            while requests.is_empty() {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                requests.push(read_request(&mut stream).await);
                stream.write_all(ok("hello").as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
            requests
        };
        (port, tokio::spawn(serve))
    }

    fn grant(port: u16) -> FetchGrant {
        let grant = FetchGrant::new().allow(&format!("https://*:{port}")).unwrap().allow_address("127.0.0.1").unwrap();
        grant.resolver(|_| async { Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]) })
    }

    #[tokio::test]
    async fn a_server_is_believed_that_a_trusted_authority_vouches_for() {
        let (port, serving) = start().await;
        let unknown = open(grant(port)).await;
        let told = refusal(&unknown, &format!("https://shop.test:{port}/"), "{}").await;
        assert_eq!(
            told,
            format!("TypeError: no TLS with https://shop.test:{port}: invalid peer certificate: UnknownIssuer")
        );
        let context = open(grant(port).trust(AUTHORITY).unwrap()).await;
        let told = refusal(&context, &format!("https://other.test:{port}/"), "{}").await;
        assert!(told.starts_with(&format!("TypeError: no TLS with https://other.test:{port}: ")), "{told}");
        let told = refusal(&context, &format!("https://shop.test:{port}/"), "{}").await;
        assert_eq!(told, "got 5");
        assert!(serving.await.unwrap()[0].contains(&format!("host: shop.test:{port}\r\n")));
    }

    #[tokio::test]
    async fn an_address_is_believed_as_a_name_is() {
        let (port, serving) = start().await;
        let context = open(grant(port).trust(AUTHORITY).unwrap()).await;
        assert_eq!(refusal(&context, &format!("https://127.0.0.1:{port}/"), "{}").await, "got 5");
        assert_eq!(serving.await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_server_that_never_agrees_on_tls_ends_with_the_time_to_connect() {
        let server = Server::hanging("").await;
        let port = server.address.port();
        let context = open(grant(port).limits(limited(|limits| limits.connect_time = SHORT))).await;
        let told = refusal(&context, &format!("https://shop.test:{port}/"), "{}").await;
        assert_eq!(told, format!("TypeError: no connection to https://shop.test:{port} within 100ms"));
    }
}
