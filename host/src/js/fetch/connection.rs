//! One request in a connection of its own, and its answer.

use std::{
    future::{Future, poll_fn},
    io,
    net::{IpAddr, SocketAddr},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use http_body_util::Full;
use hyper::{
    Response,
    body::{Body as _, Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::rustls::pki_types::ServerName;
use url::{Host, Url};

use super::{
    super::functions::ScriptError,
    failed,
    limits::end_of,
    metered::{Allowance, Exhausted, Metered},
    request::Request,
    requests::{Failure, Requests},
    rule::literal,
};

/// Bytes of a chunk, at most.
const CHUNK: usize = 64 << 10;

/// The least that an HTTP connection buffers.
const LEAST_BUFFER: usize = 8 << 10;

/// Buffers that the head of an answer may take, with answers that only announce it and what is read beyond it.
const BUFFERS_OF_A_HEAD: usize = 3;

/// Bytes that may be sent for a byte of the body: one in a chunk of its own takes six.
const BYTES_OF_A_BYTE: usize = 8;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection whose answer has begun. It goes on only while somebody waits for more of it.
pub(super) struct Connection {
    /// `None` once it has ended; how, the body tells.
    driver: Option<Driver>,
    body: Incoming,
    /// Of the next chunk.
    buffer: Vec<u8>,
    received: usize,
    most: usize,
    ended: Option<Result<(), Failure>>,
}

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

impl Connection {
    /// Sends a request that is granted, and waits for the head of its answer.
    pub(super) async fn open(requests: &Requests, request: &Request) -> Result<(Response<()>, Connection), Failure> {
        let limits = requests.grant().fetch_limits();
        let buffer = limits.header_bytes.max(LEAST_BUFFER);
        let allowance = Allowance::of(buffer.saturating_mul(BUFFERS_OF_A_HEAD));
        let stream = Metered::new(connect(requests, request).await?, allowance.clone());
        let (mut sender, driver) = http1::Builder::new()
            .max_headers(limits.headers)
            .max_header_size(limits.header_bytes)
            .max_buf_size(buffer)
            .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(|error| unanswered(&request.url, &error))?;
        let mut driver: Option<Driver> = Some(Box::pin(driver));
        let mut answer = pin!(sender.send_request(request.to_http()?));
        let answer = poll_fn(|context| {
            drive(&mut driver, context);
            answer.as_mut().poll(context)
        });
        let answer = answer.await.map_err(|error| unanswered(&request.url, &error))?;
        let (head, body) = answer.into_parts();
        if head.status.is_informational() {
            return Err(failed(format!("{} answered with the status {}", place(&request.url), head.status)).into());
        }
        let most = limits.response_body;
        allowance.add(most.saturating_mul(BYTES_OF_A_BYTE));
        let connection = Connection { driver, body, buffer: Vec::new(), received: 0, most, ended: None };
        Ok((Response::from_parts(head, ()), connection))
    }

    /// The next chunk of the body: what has come, up to [`CHUNK`] bytes. It is empty at the end.
    pub(super) async fn chunk(&mut self) -> Result<Vec<u8>, Failure> {
        poll_fn(|context| self.poll_chunk(context)).await
    }

    /// Takes back a chunk that nobody has read.
    pub(super) fn take_back(&mut self, mut chunk: Vec<u8>) {
        chunk.append(&mut self.buffer);
        self.buffer = chunk;
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Result<Vec<u8>, Failure>> {
        loop {
            let before = self.buffer.len();
            self.take_frames(context);
            if self.ended.is_some() || self.buffer.len() >= CHUNK {
                break;
            }
            drive(&mut self.driver, context);
            self.take_frames(context);
            if self.ended.is_some() || self.buffer.len() >= CHUNK || self.buffer.len() == before {
                break;
            }
        }
        if self.buffer.len() > CHUNK {
            let rest = self.buffer.split_off(CHUNK);
            return Poll::Ready(Ok(std::mem::replace(&mut self.buffer, rest)));
        }
        if !self.buffer.is_empty() {
            return Poll::Ready(Ok(std::mem::take(&mut self.buffer)));
        }
        match self.ended.take() {
            Some(ended) => Poll::Ready(ended.map(|()| Vec::new())),
            None => Poll::Pending,
        }
    }

    /// Takes what of the body has come.
    fn take_frames(&mut self, context: &mut Context<'_>) {
        while self.ended.is_none() && self.buffer.len() < CHUNK {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Pending => return,
                Poll::Ready(None) => self.ended = Some(Ok(())),
                Poll::Ready(Some(Err(error))) => {
                    let message = format!("the body of the answer was cut off: {}", reason(&error));
                    self.ended = Some(Err(failed(message).into()));
                }
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers are nobody's.
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    self.received = self.received.saturating_add(data.len());
                    if self.received > self.most {
                        let message = format!("the body of the answer is longer than {} bytes", self.most);
                        self.ended = Some(Err(failed(message).into()));
                        return;
                    }
                    self.buffer.extend_from_slice(&data);
                }
            }
        }
    }
}

/// Lets a connection do its work. What becomes of it is told to who waits for its answer.
fn drive(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    if driver.as_mut().is_some_and(|driver| driver.as_mut().poll(context).is_ready()) {
        *driver = None;
    }
}

/// Connects to where a URL leads, if that is granted, and agrees on TLS.
async fn connect(requests: &Requests, request: &Request) -> Result<Box<dyn Stream>, Failure> {
    let (grant, url) = (requests.grant(), &request.url);
    let time = grant.fetch_limits().connect_time;
    let until = end_of(time);
    let connecting = async {
        let port = url.port_or_known_default().unwrap_or_default();
        let addresses = match literal(url) {
            Some(address) => grant.reached(url, &request.method, &[address]),
            None => requests.look_up(request).await,
        };
        if addresses.is_empty() {
            // Whether there is such a name is nothing to tell either.
            return Err(failed(format!("{} leads to no address that is granted", place(url))).into());
        }
        let stream = connect_to_one(url, &addresses, port, until).await?;
        let _ = stream.set_nodelay(true);
        if url.scheme() != "https" {
            return Ok(Box::new(stream) as Box<dyn Stream>);
        }
        let refused = |error: &dyn std::fmt::Display| failed(format!("no TLS with {}: {error}", place(url)));
        let name = match url.host() {
            Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).map_err(|error| refused(&error))?,
            _ => literal(url).map(ServerName::from).ok_or_else(|| refused(&"it has no host"))?,
        };
        let tls = grant.tls().map_err(|error| refused(&error))?;
        let stream = tls.connect(name, stream).await.map_err(|error| refused(&error))?;
        Ok(Box::new(stream) as Box<dyn Stream>)
    };
    timeout_at(until, connecting)
        .await
        .unwrap_or_else(|_| Err(failed(format!("no connection to {} within {time:?}", place(url))).into()))
}

/// Connects to the first of these that answers. Each has its part of the time that is left.
async fn connect_to_one(url: &Url, addresses: &[IpAddr], port: u16, until: Instant) -> Result<TcpStream, Failure> {
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for (index, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len().saturating_sub(index)).unwrap_or(u32::MAX);
        let part = until.saturating_duration_since(Instant::now()).checked_div(left).unwrap_or_default();
        let connecting = with_drivers(TcpStream::connect(SocketAddr::new(*address, port)));
        match timeout_at(end_of(part), connecting).await {
            Ok(Ok(Ok(stream))) => return Ok(stream),
            Ok(Ok(Err(error))) => last = error,
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
    tracing::debug!(host = url.host_str(), error = %last, "no connection");
    Err(failed(format!("no connection to {}: {}", place(url), last.kind())).into())
}

/// Waits for what needs the drivers of the runtime.
///
/// # Errors
///
/// It has none, which tokio tells by a panic.
pub(super) async fn with_drivers<F: Future>(future: F) -> Result<F::Output, ScriptError> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(_) => Poll::Ready(Err(no_drivers())),
    })
    .await
}

pub(super) fn no_drivers() -> ScriptError {
    let message = "fetch needs a tokio runtime with drivers of I/O and time, as `Builder::enable_all` gives it, where the context is opened";
    failed(message)
}

/// What an error calls the other end.
fn place(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn unanswered(url: &Url, error: &hyper::Error) -> Failure {
    failed(format!("no answer of {}: {}", place(url), reason(error))).into()
}

/// What a script is told of an error of the connection: of those that have others behind them, no more than what they are.
fn reason(error: &hyper::Error) -> String {
    if Exhausted::led_to(error) { Exhausted.to_string() } else { error.to_string() }
}
