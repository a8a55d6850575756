//! What is granted, and what is not.

use std::convert::Infallible;

use aiointernal::{
    ErrorKind,
    js::{FetchGrant, Functions},
};

use super::{
    all_of, open, refusal,
    server::{Server, ok},
};
use crate::context::SANDBOX;

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
    assert_eq!(refusal(&context, "https://other.test/", "{}").await, "TypeError: https://other.test is not granted");
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
async fn an_address_is_granted_with_the_methods_of_its_own_rule_only() {
    let server = Server::saying(ok("")).await;
    let grant = FetchGrant::new().allow(&server.url("")).unwrap().allow("* http://*:*").unwrap();
    let context = open(grant).await;
    assert_eq!(refusal(&context, &server.url("/"), "{}").await, "got 0");
    let told = refusal(&context, &server.url("/"), "{ method: 'POST' }").await;
    assert_eq!(told, format!("TypeError: {} leads to no address that is granted", server.url("")));
    let told = refusal(&context, &server.url("/"), "{ headers: { 'X-HTTP-Method-Override': 'POST' } }").await;
    assert_eq!(told, "TypeError: a script cannot set the header x-http-method-override");
    assert_eq!(server.requests().len(), 1);
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
