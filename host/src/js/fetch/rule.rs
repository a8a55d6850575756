//! A rule: which requests may be made to which hosts.

use std::net::IpAddr;

use hyper::Method;
use url::{Host, Url};

/// Methods that no script may use: they are for proxies, or show what a proxy adds.
const FORBIDDEN: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

/// One rule of a grant, as `[METHODS ]SCHEME://HOST[:PORT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    methods: Methods,
    scheme: Scheme,
    host: Hosts,
    /// `None`: any.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Methods {
    Any,
    These(Vec<Method>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    Any,
    /// This name.
    Name(String),
    /// The names below this one.
    Below(String),
    Address(IpAddr),
}

/// A method that a script may use, where a rule does not mind.
pub(super) fn method(name: &str) -> Option<Method> {
    let method = Method::from_bytes(name.as_bytes()).ok()?;
    let is_forbidden = FORBIDDEN.iter().any(|forbidden| forbidden.eq_ignore_ascii_case(name));
    (!is_forbidden).then_some(method)
}

/// The address that a URL has in the place of a name.
pub(super) fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address).to_canonical()),
    }
}

impl Rule {
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Rule, String> {
        let (methods, place) = match text.split_once(' ') {
            Some((methods, place)) => (Methods::parse(methods)?, place.trim_start()),
            None => (Methods::These(vec![Method::GET, Method::HEAD]), text),
        };
        let (scheme, rest) = match place.split_once("://") {
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(_) => return Err("its scheme is neither http nor https".to_owned()),
            None => {
                return Err(
                    "expected SCHEME://HOST, with :PORT behind and METHODS before where they are needed".to_owned()
                );
            }
        };
        if let Some(extra) =
            rest.chars().find(|c| matches!(c, '/' | '\\' | '?' | '#' | '@') || c.is_whitespace() || c.is_control())
        {
            return Err(format!("it has {extra:?}: a rule names a scheme, a host and a port, and nothing else"));
        }
        let (host, any_port) = rest.strip_suffix(":*").map_or((rest, false), |host| (host, true));
        let (is_below, host) = host.strip_prefix("*.").map_or((false, host), |host| (true, host));
        // `*` is any host: another takes its place, for its port.
        let (is_any, host) = match host.strip_prefix('*') {
            Some(port) if !is_below && (port.is_empty() || port.starts_with(':')) => (true, format!("any{port}")),
            _ => (false, host.to_owned()),
        };
        let name = if scheme == Scheme::Http { "http" } else { "https" };
        let url = Url::parse(&format!("{name}://{host}")).map_err(|error| error.to_string())?;
        let host = match url.host() {
            Some(Host::Domain(name)) if name.contains('*') => {
                return Err("a * stands for any host, or as *. for all below a name".to_owned());
            }
            Some(Host::Domain(_)) if is_any => Hosts::Any,
            Some(Host::Domain(name)) if is_below => Hosts::Below(name.to_owned()),
            Some(Host::Domain(name)) => Hosts::Name(name.to_owned()),
            _ => match literal(&url) {
                Some(address) if !is_below => Hosts::Address(address),
                _ => return Err("there is nothing below an address".to_owned()),
            },
        };
        let port = if any_port { None } else { url.port_or_known_default() };
        Ok(Rule { methods, scheme, host, port })
    }

    /// Whether it is about what lies there.
    pub(super) fn covers(&self, url: &Url) -> bool {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        let is_host = match (&self.host, url.host()) {
            (Hosts::Any, host) => host.is_some(),
            (Hosts::Name(name), Some(Host::Domain(host))) => host == name,
            (Hosts::Below(name), Some(Host::Domain(host))) => {
                host.strip_suffix(name.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            (Hosts::Address(address), _) => literal(url) == Some(*address),
            _ => false,
        };
        let is_port = self.port.is_none() || self.port == url.port_or_known_default();
        url.scheme() == scheme && is_host && is_port
    }

    pub(super) fn admits(&self, method: &Method) -> bool {
        match &self.methods {
            Methods::Any => true,
            Methods::These(methods) => methods.contains(method),
        }
    }

    /// The methods that it admits, by their names.
    pub(super) fn methods(&self) -> impl Iterator<Item = &str> {
        let methods = match &self.methods {
            Methods::Any => &[][..],
            Methods::These(methods) => methods,
        };
        methods.iter().map(Method::as_str)
    }

    /// Whether it names this address, and so grants it.
    pub(super) fn names(&self, address: IpAddr) -> bool {
        self.host == Hosts::Address(address.to_canonical())
    }
}

impl Methods {
    fn parse(text: &str) -> Result<Methods, String> {
        if text == "*" {
            return Ok(Methods::Any);
        }
        let one = |name: &str| match method(name) {
            Some(method) if !name.bytes().any(|byte| byte.is_ascii_lowercase()) => Ok(method),
            Some(_) => Err(format!("the method {name:?} is not in capitals")),
            None => Err(format!("{name:?} is no method that can be granted")),
        };
        text.split(',').map(one).collect::<Result<_, _>>().map(Methods::These)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_rule_covers_its_scheme_host_and_port() {
        for (rule, covered, others) in [
            (
                "https://api.example.com",
                &["https://api.example.com/a?b", "https://API.EXAMPLE.com:443/", "https://api%2Eexample.com/"][..],
                &[
                    "http://api.example.com/",
                    "https://api.example.com:8443/",
                    "https://example.com/",
                    "https://x.api.example.com/",
                    "https://api.example.com./",
                ][..],
            ),
            ("http://a.test:8080", &["http://a.test:8080/"], &["http://a.test/", "https://a.test:8080/"]),
            ("https://a.test:*", &["https://a.test/", "https://a.test:1/"], &["http://a.test/"]),
            (
                "https://*.example.com",
                &["https://a.example.com/", "https://a.b.example.com/"],
                &[
                    "https://example.com/",
                    "https://aexample.com/",
                    "https://.example.com/",
                    "https://example.com.evil.test/",
                    "https://a.example.com:1/",
                ],
            ),
            (
                "https://*",
                &["https://a.test/", "https://1.1.1.1/", "https://[::1]/"],
                &["http://a.test/", "https://a.test:1/"],
            ),
            ("http://*:81", &["http://a.test:81/"], &["http://a.test/"]),
            ("http://*:*", &["http://a.test:81/", "http://a.test/"], &["https://a.test/"]),
            (
                "https://münchen.test",
                &["https://xn--mnchen-3ya.test/", "https://MÜNCHEN.test/"],
                &["https://munchen.test/"],
            ),
            (
                "http://127.0.0.1:8080",
                &[
                    "http://127.1:8080/",
                    "http://0x7f.1:8080/",
                    "http://2130706433:8080/",
                    "http://[::ffff:127.0.0.1]:8080/",
                    "http://0177.0.0.1:8080/",
                ],
                &["http://127.0.0.2:8080/", "http://localhost:8080/", "http://[::1]:8080/"],
            ),
            ("http://[::1]:80", &["http://[0:0::1]/"], &["http://127.0.0.1/"]),
        ] {
            let parsed = Rule::parse(rule).unwrap();
            for text in covered {
                assert!(parsed.covers(&url(text)), "{rule} covers {text}");
            }
            // What is no URL is nothing that anybody asks about.
            for text in others.iter().filter(|text| Url::parse(text).is_ok()) {
                assert!(!parsed.covers(&url(text)), "{rule} does not cover {text}");
            }
        }
    }

    #[test]
    fn a_rule_grants_get_and_head_unless_it_names_others() {
        let admitted = |rule| {
            let rule = Rule::parse(rule).unwrap();
            ["GET", "HEAD", "POST", "DELETE", "PURGE"]
                .into_iter()
                .filter(|name| rule.admits(&method(name).unwrap()))
                .collect::<Vec<_>>()
        };
        assert_eq!(admitted("https://a.test"), ["GET", "HEAD"]);
        assert_eq!(admitted("POST https://a.test"), ["POST"]);
        assert_eq!(admitted("GET,PURGE  https://a.test"), ["GET", "PURGE"]);
        assert_eq!(admitted("* https://a.test"), ["GET", "HEAD", "POST", "DELETE", "PURGE"]);
    }

    #[test]
    fn what_is_no_rule_is_refused_with_why() {
        for (rule, why) in [
            ("", "expected SCHEME://HOST, with :PORT behind and METHODS before where they are needed"),
            ("api.example.com", "expected SCHEME://HOST, with :PORT behind and METHODS before where they are needed"),
            ("ftp://a.test", "its scheme is neither http nor https"),
            ("HTTPS://a.test", "its scheme is neither http nor https"),
            ("https://", "empty host"),
            ("https://a.test/", "it has '/': a rule names a scheme, a host and a port, and nothing else"),
            ("https://user@a.test", "it has '@': a rule names a scheme, a host and a port, and nothing else"),
            ("https://a.test?x", "it has '?': a rule names a scheme, a host and a port, and nothing else"),
            ("https://a.test:99999", "invalid port number"),
            ("https://a*.test", "a * stands for any host, or as *. for all below a name"),
            ("https://*.*", "a * stands for any host, or as *. for all below a name"),
            ("https://*a", "a * stands for any host, or as *. for all below a name"),
            ("https://*.1.1.1.1", "there is nothing below an address"),
            ("get https://a.test", "the method \"get\" is not in capitals"),
            ("GET,TRACE https://a.test", "\"TRACE\" is no method that can be granted"),
            ("GET, HEAD https://a.test", "\"\" is no method that can be granted"),
            ("GET https://a.test b", "it has ' ': a rule names a scheme, a host and a port, and nothing else"),
        ] {
            assert_eq!(Rule::parse(rule), Err(why.to_owned()), "{rule:?}");
        }
    }

    #[test]
    fn methods_for_proxies_are_nobodys() {
        for name in ["CONNECT", "TRACE", "track", "Trace", "", "A B", "GET\r\n"] {
            assert_eq!(method(name), None, "{name:?}");
        }
    }
}
