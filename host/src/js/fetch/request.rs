//! A request, as a script orders it and as redirects change it.

use http_body_util::Full;
use hyper::{
    HeaderMap, Method, StatusCode, Uri,
    body::Bytes,
    header::{
        ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION,
        CONTENT_TYPE, COOKIE, EXPECT, HOST, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
        USER_AGENT,
    },
};
use serde::Deserialize;
use url::{Position, Url};

use super::{failed, limits::FetchLimits, rule};
use crate::js::{functions::ScriptError, value::Value};

/// What a script orders.
#[derive(Deserialize)]
pub(super) struct Order {
    /// What it calls the request, to abort it.
    pub(super) id: u64,
    url: String,
    method: String,
    headers: Vec<(String, String)>,
    body: Value,
    redirect: Redirect,
}

/// What becomes of a redirect.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Redirect {
    Follow,
    Error,
    Manual,
}

/// A request that is to be sent.
pub(super) struct Request {
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) redirect: Redirect,
    headers: HeaderMap,
    body: Bytes,
}

/// Headers that are about the connection or the length of the message, which are the host's.
const OF_THE_HOST: [HeaderName; 8] =
    [CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// More of them, which have no constants.
const OF_THE_HOST_BY_NAME: [&str; 2] = ["http2-settings", "keep-alive"];

/// Headers by which many a server takes another method than that of the request, which is the one that was granted.
const IN_PLACE_OF_THE_METHOD: [&str; 3] = ["x-http-method", "x-http-method-override", "x-method-override"];

/// Headers that go with a body.
const OF_THE_BODY: [HeaderName; 4] = [CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE];

/// What is sent where the script says nothing.
const USER_AGENT_TEXT: HeaderValue = HeaderValue::from_static(concat!("aiointernal/", env!("CARGO_PKG_VERSION")));

impl Request {
    /// # Errors
    ///
    /// What no grant allows.
    pub(super) fn new(order: Order, limits: &FetchLimits) -> Result<Request, ScriptError> {
        let Order { id: _, url, method, headers: pairs, body, redirect } = order;
        let url = Url::parse(&url).map_err(|error| failed(format!("the URL does not parse: {error}")))?;
        let method = rule::method(&method).ok_or_else(|| failed(format!("{method:?} is no method of fetch")))?;
        let body = match body {
            Value::Bytes(bytes) => Some(bytes),
            Value::Null | Value::Undefined => None,
            _ => return Err(failed("the body of a request is a Uint8Array or null")),
        };
        if body.is_some() && (method == Method::GET || method == Method::HEAD) {
            return Err(failed(format!("a request of the method {method} has no body")));
        }
        let body = body.unwrap_or_default();
        if body.len() > limits.request_body {
            let (length, most) = (body.len(), limits.request_body);
            return Err(failed(format!("the body of the request has {length} bytes, of which {most} are granted")));
        }
        let headers = headers(pairs, limits)?;
        Ok(Request { url, method, redirect, headers, body: body.into() })
    }

    /// The request of the same kind to where a redirect of this status leads.
    pub(super) fn redirected(self, status: StatusCode, location: &HeaderValue) -> Result<Request, ScriptError> {
        let Request { url: before, mut method, redirect, mut headers, mut body } = self;
        let location = String::from_utf8_lossy(location.as_bytes());
        let url = before.join(&location).map_err(|error| failed(format!("a redirect leads to no URL: {error}")))?;
        let becomes_get = match status {
            StatusCode::SEE_OTHER => method != Method::GET && method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => method == Method::POST,
            _ => false,
        };
        if becomes_get {
            method = Method::GET;
            body = Bytes::new();
            OF_THE_BODY.iter().for_each(|name| drop(headers.remove(name)));
        }
        if url.origin() != before.origin() {
            [AUTHORIZATION, COOKIE].iter().for_each(|name| drop(headers.remove(name)));
        }
        Ok(Request { url, method, redirect, headers, body })
    }

    /// What is sent.
    pub(super) fn to_http(&self) -> Result<hyper::Request<Full<Bytes>>, ScriptError> {
        let unsent = || failed("the URL cannot be sent");
        let path = &self.url[Position::BeforePath..Position::AfterQuery];
        let uri: Uri = path.parse().map_err(|_| unsent())?;
        let host = &self.url[Position::BeforeHost..Position::AfterPort];
        let mut request = hyper::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        for (name, value) in [
            (HOST, HeaderValue::from_str(host).map_err(|_| unsent())?),
            (CONNECTION, HeaderValue::from_static("close")),
        ] {
            headers.try_insert(name, value).map_err(|_| unsent())?;
        }
        // Of another length it is the connection that says so.
        if self.body.is_empty() && (self.method == Method::POST || self.method == Method::PUT) {
            headers.try_insert(CONTENT_LENGTH, HeaderValue::from_static("0")).map_err(|_| unsent())?;
        }
        for (name, value) in [(ACCEPT, HeaderValue::from_static("*/*")), (USER_AGENT, USER_AGENT_TEXT)] {
            if !headers.contains_key(&name) {
                headers.try_insert(name, value).map_err(|_| unsent())?;
            }
        }
        Ok(request)
    }
}

/// The headers of a script.
fn headers(pairs: Vec<(String, String)>, limits: &FetchLimits) -> Result<HeaderMap, ScriptError> {
    if pairs.len() > limits.headers {
        return Err(failed(format!(
            "the request has {} headers, of which {} are granted",
            pairs.len(),
            limits.headers
        )));
    }
    let bytes = pairs.iter().map(|(name, value)| name.len().saturating_add(value.len())).fold(0, usize::saturating_add);
    if bytes > limits.header_bytes {
        let most = limits.header_bytes;
        return Err(failed(format!("the headers of the request have {bytes} bytes, of which {most} are granted")));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name: HeaderName = name.parse().map_err(|_| failed(format!("{name:?} is no name of a header")))?;
        let text = name.as_str();
        let is_of_the_host = OF_THE_HOST.contains(&name) || OF_THE_HOST_BY_NAME.contains(&text);
        if is_of_the_host || IN_PLACE_OF_THE_METHOD.contains(&text) || text.starts_with("proxy-") {
            return Err(failed(format!("a script cannot set the header {name}")));
        }
        // A character of such a text is a byte.
        let value: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        let value = value.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
        let value = value
            .ok_or_else(|| failed(format!("the value of the header {name} has a character that none may have")))?;
        headers.try_append(name, value).map_err(|_| failed("the request has too many headers"))?;
    }
    Ok(headers)
}

/// Headers as a script has them.
pub(super) fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(method: &str, url: &str, headers: &[(&str, &str)], body: Value) -> Order {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Order { id: 1, url: url.to_owned(), method: method.to_owned(), headers, body, redirect: Redirect::Follow }
    }

    fn refusal(order: Order) -> String {
        let mut limits = FetchLimits::default();
        (limits.request_body, limits.headers, limits.header_bytes) = (10, 3, 30);
        Request::new(order, &limits).map(|_| ()).unwrap_err().message
    }

    const URL: &str = "https://a.test/";

    #[test]
    fn headers_of_the_connection_and_in_place_of_the_method_cannot_be_set() {
        for name in [
            "Host",
            "connection",
            "Content-Length",
            "transfer-encoding",
            "TE",
            "trailer",
            "Upgrade",
            "expect",
            "Keep-Alive",
            "Proxy-Authorization",
            "proxy-anything",
            "HTTP2-Settings",
            "X-HTTP-Method",
            "X-HTTP-Method-Override",
            "X-Method-Override",
        ] {
            let message = refusal(order("GET", URL, &[(name, "x")], Value::Null));
            assert_eq!(message, format!("a script cannot set the header {}", name.to_lowercase()));
        }
    }

    #[test]
    fn headers_with_more_than_one_line_are_refused() {
        for (name, value, message) in [
            ("a", "b\r\nc: d", "the value of the header a has a character that none may have"),
            ("a", "b\nc", "the value of the header a has a character that none may have"),
            ("a", "b\rc", "the value of the header a has a character that none may have"),
            ("a", "\0", "the value of the header a has a character that none may have"),
            ("a", "\u{100}", "the value of the header a has a character that none may have"),
            ("a\r\nb", "c", "\"a\\r\\nb\" is no name of a header"),
            ("a b", "c", "\"a b\" is no name of a header"),
            ("a:", "c", "\"a:\" is no name of a header"),
            ("", "c", "\"\" is no name of a header"),
        ] {
            assert_eq!(refusal(order("GET", URL, &[(name, value)], Value::Null)), message);
        }
    }

    #[test]
    fn what_is_beyond_the_limits_is_refused() {
        let body = |length| Value::Bytes(vec![0; length]);
        assert_eq!(
            refusal(order("POST", URL, &[], body(11))),
            "the body of the request has 11 bytes, of which 10 are granted"
        );
        let four = [("a", "b"), ("a", "b"), ("a", "b"), ("a", "b")];
        assert_eq!(refusal(order("GET", URL, &four, Value::Null)), "the request has 4 headers, of which 3 are granted");
        let long = [("a", "0123456789"), ("b", "0123456789"), ("c", "01234567")];
        assert_eq!(
            refusal(order("GET", URL, &long, Value::Null)),
            "the headers of the request have 31 bytes, of which 30 are granted"
        );
    }

    #[test]
    fn what_fetch_does_not_send_is_refused() {
        let bytes = || Value::Bytes(vec![1]);
        assert_eq!(refusal(order("TRACE", URL, &[], Value::Null)), "\"TRACE\" is no method of fetch");
        assert_eq!(refusal(order("A B", URL, &[], Value::Null)), "\"A B\" is no method of fetch");
        assert_eq!(refusal(order("GET", URL, &[], bytes())), "a request of the method GET has no body");
        assert_eq!(refusal(order("POST", URL, &[], "x".into())), "the body of a request is a Uint8Array or null");
        assert_eq!(
            refusal(order("GET", "/a", &[], Value::Null)),
            "the URL does not parse: relative URL without a base"
        );
    }

    #[test]
    fn a_redirect_changes_the_method_as_the_fetch_standard_says() {
        for (status, method, becomes, keeps_body) in [
            (301, "POST", "GET", false),
            (302, "POST", "GET", false),
            (303, "POST", "GET", false),
            (303, "PUT", "GET", false),
            (303, "HEAD", "HEAD", true),
            (301, "PUT", "PUT", true),
            (302, "DELETE", "DELETE", true),
            (307, "POST", "POST", true),
            (308, "POST", "POST", true),
        ] {
            let body = if method == "HEAD" { Value::Null } else { Value::Bytes(vec![7]) };
            let request =
                Request::new(order(method, URL, &[("content-type", "a/b")], body), &FetchLimits::default()).unwrap();
            let length = request.body.len();
            let status = StatusCode::from_u16(status).unwrap();
            let request = request.redirected(status, &HeaderValue::from_static("/b")).unwrap();
            assert_eq!(
                (request.method.as_str(), request.url.as_str()),
                (becomes, "https://a.test/b"),
                "{status} {method}"
            );
            assert_eq!(request.headers.contains_key(CONTENT_TYPE), keeps_body, "{status} {method}");
            assert_eq!(request.body.len(), if keeps_body { length } else { 0 }, "{status} {method}");
        }
    }

    #[test]
    fn what_proves_who_one_is_stays_with_its_origin() {
        for (location, stays) in [
            ("/b", true),
            ("https://a.test:443/b", true),
            ("https://b.test/", false),
            ("http://a.test/", false),
            ("https://a.test:444/", false),
            ("//b.test", false),
        ] {
            let headers = [("Authorization", "x"), ("Cookie", "y"), ("X-Other", "z")];
            let request = Request::new(order("GET", URL, &headers, Value::Null), &FetchLimits::default()).unwrap();
            let request = request.redirected(StatusCode::FOUND, &HeaderValue::from_str(location).unwrap()).unwrap();
            for name in ["authorization", "cookie"] {
                assert_eq!(request.headers.contains_key(name), stays, "{name} to {location}");
            }
            assert!(request.headers.contains_key("x-other"));
        }
    }
}
