//! Names, and the addresses that they lead to.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};

use aiointernal::js::FetchGrant;

use super::{
    SHORT, limited, open, refusal,
    server::{Server, ok, redirect},
};

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
