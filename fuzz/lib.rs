//! What the fuzz targets share: a sandbox with small limits, and what may come of a script in it.

use std::{sync::LazyLock, time::Duration};

use aiointernal::{Context, Error, ErrorKind, Limits, Sandbox};

/// One for all rounds of a process.
pub static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let mut limits = Limits::default();
    limits.wall_time = Duration::from_millis(20);
    limits.memory = 16 << 20;
    limits.result = 64 << 10;
    limits.console = 64 << 10;
    Sandbox::builder().limits(limits).max_contexts(4).build().expect("a sandbox can be made")
});

/// A fresh context.
///
/// # Panics
///
/// Panics where there is none: one was left over.
pub fn context() -> Context {
    SANDBOX.context().blocking().expect("there is room for a context")
}

/// The context closes, and its place is free for the next.
///
/// # Panics
///
/// Panics where it does not.
pub fn close(context: &Context) {
    context.close_now().blocking().expect("a context that answers closes");
}

/// Checks that an error is one that a script can bring about.
///
/// # Panics
///
/// Panics where it is not.
pub fn check(error: &Error) {
    let may_be = matches!(
        error.kind(),
        ErrorKind::HandleLimit
            | ErrorKind::HostCallLimit
            // Of a text that holds U+0000.
            | ErrorKind::InvalidArgument
            | ErrorKind::MemoryLimit
            | ErrorKind::NeverSettles
            | ErrorKind::NotTransferable
            | ErrorKind::ResultTooLarge
            | ErrorKind::SourceTooLarge
            | ErrorKind::StackLimit
            | ErrorKind::Thrown
            | ErrorKind::Timeout
    );
    assert!(may_be, "{:?}: {error}", error.kind());
}

/// Checks that a context evaluates, after a reset.
///
/// # Panics
///
/// Panics where it does not.
pub fn check_works(context: &Context) {
    context.reset().blocking().expect("a context can be made anew");
    // Twenty milliseconds are not much on a busy machine.
    let sum = (0..50).map(|_| context.eval_as::<i32>("1 + 1").blocking()).find(|sum| !is_timeout(sum));
    assert_eq!(sum.expect("there is time").expect("it is a number"), 2);
}

/// Whether a call ended at its time limit, which depends on the machine.
pub fn is_timeout<T>(result: &Result<T, Error>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Timeout)
}
