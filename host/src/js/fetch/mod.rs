//! `fetch`, as a host grants it: what may be reached, and the requests that scripts make.
//!
//! A script's `fetch` is JavaScript over two functions of the host that no script can name, `:fetch` and `:fetch.abort`. They are
//! there for each context that has a grant.

mod address;
mod body;
mod connection;
mod grant;
mod limits;
mod metered;
mod request;
mod requests;
mod rule;

use std::{convert::Infallible, sync::Arc};

pub use self::{grant::FetchGrant, limits::FetchLimits};
use self::{request::Order, requests::Requests};
use super::functions::{Functions, ScriptError};

impl FetchGrant {
    /// What the engine of one context calls.
    pub(super) fn functions(self) -> Functions {
        let requests = Arc::new(Requests::new(self));
        let aborting = Arc::clone(&requests);
        Functions::new()
            .function(":fetch", move |(order,): (Order,), call| {
                let requests = Arc::clone(&requests);
                async move { requests.fetch(order, call).await }
            })
            .sync_function(":fetch.abort", move |(id,): (u64,), _call| {
                aborting.abort(id);
                Ok::<_, Infallible>(())
            })
    }
}

/// The addresses that a grant lets a request connect to, where its name leads to these. `None`: it is refused before.
#[cfg(fuzzing)]
pub(super) fn reached(
    grant: &FetchGrant,
    method: &str,
    url: &str,
    found: &[std::net::IpAddr],
) -> Option<Vec<std::net::IpAddr>> {
    let (url, method) = (url::Url::parse(url).ok()?, rule::method(method)?);
    grant.check(&url, &method).ok()?;
    let literal = rule::literal(&url);
    Some(grant.reached(&url, &method, literal.as_ref().map_or(found, std::slice::from_ref)))
}

/// What a script is told of a request that fails.
fn failed(message: impl Into<String>) -> ScriptError {
    ScriptError::new("TypeError", message)
}
