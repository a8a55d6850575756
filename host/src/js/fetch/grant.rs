//! What scripts may fetch.

use std::{
    collections::BTreeSet,
    fmt,
    future::Future,
    io,
    net::{IpAddr, ToSocketAddrs as _},
    pin::Pin,
    sync::{Arc, OnceLock},
};

use hyper::Method;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::{
    TlsConnector,
    rustls::{self, ClientConfig, RootCertStore, client::Resumption, crypto::ring, pki_types::CertificateDer},
};
use url::Url;

use super::{
    address::{Range, is_public},
    failed,
    limits::FetchLimits,
    rule::Rule,
};
use crate::{
    error::{Error, ErrorKind},
    js::functions::ScriptError,
};

/// What scripts may fetch: nothing, unless you say so here.
///
/// It is given to every context of a [sandbox](crate::js::SandboxBuilder::fetch), or to one
/// [context](crate::js::ContextBuilder::fetch). Without one there is no `fetch` that reaches anything.
///
/// ```
/// # async fn example(script: &str) -> Result<(), aiointernal::Error> {
/// use aiointernal::{Sandbox, js::FetchGrant};
///
/// let grant = FetchGrant::new()
///     .allow("https://api.example.com")? // to read
///     .allow("POST https://hooks.example.com:8443")?
///     .allow("* http://127.0.0.1:3000")?; // a literal address is granted with its rule
/// let sandbox = Sandbox::builder().fetch(grant).build()?;
/// sandbox.context().await?.eval(script).await?;
/// # Ok(())
/// # }
/// ```
///
/// # What is reached
///
/// Each request, and each redirect anew, has to be covered by a [rule](FetchGrant::allow). A name may only lead to addresses of the public
/// internet: loopback, private, link-local and unique local ones, those by which clouds tell their machines secrets, and all others that
/// are set aside for something are not connected to, unless they are [granted by address](FetchGrant::allow_address).
/// A name is looked up once for each request, and the address that was looked at is the one that is connected to. What a script is told
/// does not say what a name leads to, nor whether there is such a name.
///
/// Redirects are followed as the fetch standard says; `Authorization` and `Cookie` do not go to another origin. A URL with a user or a
/// password is refused, and so are headers that are about the connection (`Host`, `Content-Length`, `Proxy-*`...), and those that name
/// another method than the one that is granted (`X-HTTP-Method-Override`...).
///
/// An address of the machine itself, or of your network, that is one of the public internet is reached as any other.
///
/// # How
///
/// By HTTP/1.1, in a connection of its own for each request; there are no cookies, no cache, no proxy of the environment, and no
/// compression but what a script asks for and decodes itself. TLS is 1.2 or 1.3, with the roots of Mozilla's list as of the build, and
/// those that are [trusted](FetchGrant::trust) beside them.
///
/// Requests run in the tokio runtime where [host functions](crate::js::Functions) run, which needs its drivers of I/O and time
/// (`enable_all`); where it has none, the call fails with [`HostFunction`](crate::ErrorKind::HostFunction).
///
/// # When the script ends
///
/// What an evaluation leaves open is closed at its end, as is a body that no script can reach any more.
///
/// # Limits
///
/// [`FetchLimits`]; a script meets a `TypeError`. As that of any host function, one that it does not catch comes back as
/// [`HostFunction`](crate::ErrorKind::HostFunction).
#[derive(Clone, Default)]
#[must_use]
pub struct FetchGrant {
    rules: Vec<Rule>,
    addresses: Vec<Range>,
    trusted: Vec<CertificateDer<'static>>,
    resolver: Option<Arc<Resolve>>,
    limits: FetchLimits,
    tls: OnceLock<TlsConnector>,
}

type Resolve = dyn Fn(String) -> Resolving + Send + Sync;
type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Addresses of a name that are tried.
const MAX_ADDRESSES: usize = 8;

impl FetchGrant {
    /// Nothing.
    pub fn new() -> FetchGrant {
        FetchGrant::default()
    }

    /// With what this rule covers: `[METHODS ]SCHEME://HOST[:PORT]`.
    ///
    /// | part | what it is |
    /// |---|---|
    /// | `METHODS` | names between commas, as `GET,POST`, or `*` for any. Default: `GET` and `HEAD`. `CONNECT`, `TRACE` and `TRACK` are never granted |
    /// | `SCHEME` | `http` or `https` |
    /// | `HOST` | a name; `*.example.com` for all names below `example.com`; `*` for any host; an address, IPv6 in brackets. An address is granted with the rule, in URLs that have it in the place of a name |
    /// | `PORT` | a number, or `*` for any, those of other protocols too. Default: 443 of `https`, 80 of `http` |
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument): it is no rule.
    pub fn allow(mut self, rule: &str) -> Result<FetchGrant, Error> {
        let parsed = Rule::parse(rule);
        self.rules.push(parsed.map_err(|why| invalid(format!("{rule:?} is no rule of what may be fetched: {why}")))?);
        Ok(self)
    }

    /// With these addresses, which names may then lead to: one as `127.0.0.1`, or a range as `10.0.0.0/8`. They are for all rules, so beside
    /// a rule of many hosts, whose names are somebody else's, they open what is there to each.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument): it is neither.
    pub fn allow_address(mut self, addresses: &str) -> Result<FetchGrant, Error> {
        let range = Range::parse(addresses);
        self.addresses
            .push(range.ok_or_else(|| invalid(format!("{addresses:?} is neither an address nor a range of them")))?);
        Ok(self)
    }

    /// With these limits. Default: [`FetchLimits::default`].
    pub fn limits(mut self, limits: FetchLimits) -> FetchGrant {
        self.limits = limits;
        self
    }

    /// Has this look up names, in the place of the system, which takes a thread of the runtime's for work that blocks until it has answered, even where the
    /// request is over by then: of a context as many at a time as [`concurrent`](FetchLimits::concurrent) says. Of what it answers, the first 8 addresses that are granted are tried.
    ///
    /// ```
    /// use std::{io, net::{IpAddr, Ipv4Addr}};
    /// use aiointernal::js::FetchGrant;
    ///
    /// let grant = FetchGrant::new().allow("http://shop.test:3000")?.allow_address("127.0.0.1")?.resolver(|name| async move {
    ///     if name == "shop.test" { Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]) } else { Err(io::ErrorKind::NotFound.into()) }
    /// });
    /// # Ok::<_, aiointernal::Error>(())
    /// ```
    pub fn resolver<F, Fut>(mut self, resolve: F) -> FetchGrant
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<Vec<IpAddr>>> + Send + 'static,
    {
        self.resolver = Some(Arc::new(move |name| Box::pin(resolve(name))));
        self
    }

    /// Trusts this authority to vouch for servers, too: the certificate in DER. It is for hosts of your own.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument): it is no such certificate.
    pub fn trust(mut self, certificate: impl Into<Vec<u8>>) -> Result<FetchGrant, Error> {
        let certificate = CertificateDer::from(certificate.into());
        RootCertStore::empty()
            .add(certificate.clone())
            .map_err(|error| invalid(format!("this is no certificate of an authority: {error}")))?;
        self.trusted.push(certificate);
        Ok(self)
    }

    pub(super) fn fetch_limits(&self) -> &FetchLimits {
        &self.limits
    }

    /// Refuses a request that no rule covers.
    pub(super) fn check(&self, url: &Url, method: &Method) -> Result<(), ScriptError> {
        let place = url.origin().ascii_serialization();
        if !url.username().is_empty() || url.password().is_some() {
            return Err(failed(format!("a URL of {place} with a user or a password is not fetched")));
        }
        let covering: Vec<&Rule> = self.rules.iter().filter(|rule| rule.covers(url)).collect();
        if covering.iter().any(|rule| rule.admits(method)) {
            return Ok(());
        }
        if covering.is_empty() {
            let place = if url.origin().is_tuple() { place } else { format!("{}:", url.scheme()) };
            return Err(failed(format!("{place} is not granted")));
        }
        let methods: BTreeSet<&str> = covering.iter().flat_map(|rule| rule.methods()).collect();
        let methods: Vec<&str> = methods.into_iter().collect();
        Err(failed(format!("{method} is not granted for {place}, only {}", methods.join(", "))))
    }

    /// Those of these addresses that may be connected to for a request of this method to this URL, as far as they are tried.
    pub(super) fn reached(&self, url: &Url, method: &Method, found: &[IpAddr]) -> Vec<IpAddr> {
        let is_granted = |address: &IpAddr| {
            let address = *address;
            is_public(address)
                || self.addresses.iter().any(|range| range.contains(address))
                || self.rules.iter().any(|rule| rule.names(address) && rule.covers(url) && rule.admits(method))
        };
        found.iter().copied().filter(is_granted).take(MAX_ADDRESSES).collect()
    }

    /// The addresses of the name in this URL that may be connected to for a request of this method. Where the system is asked, it holds the permit until it has answered:
    /// it cannot be stopped.
    pub(super) async fn resolve(&self, url: &Url, method: &Method, permit: OwnedSemaphorePermit) -> Vec<IpAddr> {
        let name = url.host_str().unwrap_or_default().to_owned();
        let found = match &self.resolver {
            Some(resolve) => resolve(name).await,
            None => {
                let look_up = move || {
                    let _permit = permit;
                    (name.as_str(), 0).to_socket_addrs().map(|found| found.map(|found| found.ip()).collect())
                };
                tokio::task::spawn_blocking(look_up).await.unwrap_or_else(|error| Err(io::Error::other(error)))
            }
        };
        match found {
            Ok(found) => {
                let granted = self.reached(url, method, &found);
                if granted.is_empty() {
                    tracing::debug!(host = url.host_str(), ?found, "a name leads to no address that is granted");
                }
                granted
            }
            Err(error) => {
                tracing::debug!(host = url.host_str(), %error, "a name could not be looked up");
                Vec::new()
            }
        }
    }

    /// What speaks TLS. Nothing is kept from one connection to the next: it would tell one context of another.
    pub(super) fn tls(&self) -> Result<TlsConnector, rustls::Error> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls.clone());
        }
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(self.trusted.iter().cloned());
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let mut config =
            config.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(self.tls.get_or_init(|| TlsConnector::from(Arc::new(config))).clone())
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

impl fmt::Debug for FetchGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchGrant")
            .field("rules", &self.rules)
            .field("addresses", &self.addresses)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(rules: &[&str]) -> FetchGrant {
        rules.iter().fold(FetchGrant::new(), |grant, rule| grant.allow(rule).unwrap())
    }

    fn refusal(grant: &FetchGrant, method: &str, url: &str) -> String {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        grant.check(&Url::parse(url).unwrap(), &method).unwrap_err().message
    }

    #[test]
    fn nothing_is_granted_by_default() {
        assert_eq!(refusal(&FetchGrant::new(), "GET", "https://a.test/x"), "https://a.test is not granted");
    }

    #[test]
    fn a_refusal_names_what_the_grant_lacks() {
        let grant = grant(&["https://a.test", "PUT,DELETE https://a.test"]);
        assert_eq!(
            refusal(&grant, "POST", "https://a.test/x?secret"),
            "POST is not granted for https://a.test, only DELETE, GET, HEAD, PUT"
        );
        assert_eq!(refusal(&grant, "GET", "http://a.test/x"), "http://a.test is not granted");
        assert_eq!(refusal(&grant, "GET", "https://a.test:444/x"), "https://a.test:444 is not granted");
        assert_eq!(refusal(&grant, "GET", "file:///etc/passwd"), "file: is not granted");
        assert_eq!(refusal(&grant, "GET", "data:text/plain,x"), "data: is not granted");
        assert_eq!(refusal(&grant, "GET", "other://a.test/x"), "other: is not granted");
        assert_eq!(
            refusal(&grant, "GET", "https://me:secret@a.test/"),
            "a URL of https://a.test with a user or a password is not fetched"
        );
    }

    #[test]
    fn an_address_that_is_not_public_is_reached_by_its_own_rule_or_its_own_grant_only() {
        let url = |text| Url::parse(text).unwrap();
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        let by_rule = grant(&["http://127.0.0.1:80", "http://*"]);
        let reaches =
            |grant: &FetchGrant, text, address| !grant.reached(&url(text), &Method::GET, &[address]).is_empty();
        assert!(reaches(&by_rule, "http://127.1/", loopback));
        assert!(reaches(&by_rule, "http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1".parse().unwrap()));
        assert!(!reaches(&by_rule, "http://rebound.test/", loopback), "a name that leads there has no such rule");
        assert!(!reaches(&by_rule, "http://127.0.0.1:81/", loopback), "nor has another port");
        let with_post = by_rule.allow("POST http://*").unwrap();
        let posted = with_post.reached(&url("http://127.0.0.1/"), &Method::POST, &[loopback]);
        assert!(posted.is_empty(), "nor has another method");
        let by_address = grant(&["http://*"]).allow_address("127.0.0.0/8").unwrap();
        assert!(reaches(&by_address, "http://localhost/", loopback));
        assert!(!reaches(&by_address, "http://localhost/", "10.0.0.1".parse().unwrap()));
        assert!(reaches(&by_address, "http://localhost/", "1.1.1.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_address_or_certificate_is_refused() {
        let error = FetchGrant::new().allow_address("localhost").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert_eq!(error.to_string(), "\"localhost\" is neither an address nor a range of them");
        let error = FetchGrant::new().trust(*b"no certificate").unwrap_err();
        assert!(error.to_string().starts_with("this is no certificate of an authority: "), "{error}");
    }
}
