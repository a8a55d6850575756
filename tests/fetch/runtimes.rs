//! Runtimes that lack what requests need.

use aiointernal::{Context, ErrorKind, js::FetchGrant};
use tokio::runtime;

use crate::context::SANDBOX;

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
