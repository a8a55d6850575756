//! TLS, and who is believed.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use aiointernal::js::FetchGrant;
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::rustls;

use super::{
    SHORT, limited, open, refusal,
    server::{Server, ok, read_request},
};

const AUTHORITY: &[u8] = include_bytes!("authority.der");

/// A server whose certificate is for `shop.test`, from an authority that nobody knows.
async fn start() -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let certificate = include_bytes!("server.der").to_vec().into();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(include_bytes!("server.key.der").to_vec()).into();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
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
