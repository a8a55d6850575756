//! Requests of scripts, to servers on loopback that do what servers do, and what they should not.

mod server;
mod requests;
mod grants;
mod names;
mod redirects;
mod bodies;
mod limits;
mod endings;
mod bad_servers;
mod runtimes;
mod tls;

use std::time::Duration;

use aiointernal::{
    Context, Limits,
    js::{FetchGrant, FetchLimits},
};

use self::server::Server;
use crate::context::SANDBOX;

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
