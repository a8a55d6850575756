//! The limits of what is fetched.

use std::time::Duration;

use tokio::time::Instant;

/// As good as no end: thirty years, which every clock can add.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// When a time that begins now is over.
pub(super) fn end_of(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time.min(FAR)).unwrap_or(now)
}

/// What the requests of a script may take. [`FetchLimits::default`] documents every default; change the fields that should differ.
///
/// A request is also a call of a host function, and so is each chunk of a body that is read: what a script sends and reads
/// counts towards [`Limits::host_calls`](crate::Limits::host_calls) and [`host_bytes`](crate::Limits::host_bytes), a request,
/// and a chunk of up to 64 KiB, have to fit into [`Limits::result`](crate::Limits::result), and all of it is over when the evaluation's
/// own time is.
///
/// The host holds up to 256 KiB for each request that is open, with these defaults: what of its answer has come and was not read, and
/// what TLS needs. That is beside the memory of the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchLimits {
    /// Requests of a context that may be open at a time, until the whole body is read, or it is closed. One more waits, for as long as
    /// its own time lasts.
    pub concurrent: usize,
    /// Requests that one evaluation may make. Each redirect that is followed is one.
    pub requests: usize,
    /// Bytes of the body of a request.
    pub request_body: usize,
    /// Headers of a request, and of its answer.
    pub headers: usize,
    /// Bytes of all these headers together, with the first line of the answer. Below 8 KiB, an answer may come with a little more. With
    /// those that only announce another (`103 Early Hints`), answers may take three times as many, or 24 KiB.
    pub header_bytes: usize,
    /// Bytes of the body of an answer. How it is sent may take eight times as many.
    pub response_body: usize,
    /// Redirects that one `fetch` follows.
    pub redirects: usize,
    /// Time to look up a name, to connect, and to agree on TLS.
    pub connect_time: Duration,
    /// Time from the call of `fetch` to the end of the body, redirects and waiting included.
    pub time: Duration,
}

impl Default for FetchLimits {
    /// 16 requests at a time and 1000 in an evaluation; 1 MiB of body for a request, 16 MiB for an answer; 100 headers in
    /// 64 KiB; 5 redirects; 5 s to connect, and 30 s for all.
    fn default() -> FetchLimits {
        FetchLimits {
            concurrent: 16,
            requests: 1000,
            request_body: 1 << 20,
            headers: 100,
            header_bytes: 64 << 10,
            response_body: 16 << 20,
            redirects: 5,
            connect_time: Duration::from_secs(5),
            time: Duration::from_secs(30),
        }
    }
}
