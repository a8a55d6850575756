//! A server on loopback that answers as it is told, with bytes.

use std::{
    future::Future,
    io::{self, Write as _},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::AbortHandle,
};

/// A server, as long as this is there.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    closed: Arc<Semaphore>,
    task: AbortHandle,
}

impl Server {
    /// One that answers each connection by this: it has the request, and the connection.
    pub(super) async fn start<F, Fut>(answer: F) -> Server
    where
        F: Fn(String, TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = TcpStream> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, closed) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let (log, gone) = (Arc::clone(&requests), Arc::clone(&closed));
        let serve = async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await;
                let log: &Mutex<Vec<String>> = &log;
                log.lock().unwrap().push(request.clone());
                let (answer, gone) = (answer(request, stream), Arc::clone(&gone));
                tokio::spawn(async move {
                    let mut stream = answer.await;
                    let _ = stream.shutdown().await;
                    wait_for_end(&mut stream).await;
                    gone.add_permits(1);
                });
            }
        };
        Server { address, requests, closed, task: tokio::spawn(serve).abort_handle() }
    }

    /// One that answers each with these bytes.
    pub(super) async fn saying(answer: impl Into<String>) -> Server {
        let answer = answer.into();
        Server::start(move |_, stream| say(stream, answer.clone())).await
    }

    /// One that answers with these bytes, and then waits until the other side has closed the connection.
    pub(super) async fn hanging(answer: &'static str) -> Server {
        Server::start(move |_, stream| hang(stream, answer)).await
    }

    /// One that writes the beginning, and then the same again and again, until nobody takes it: from a thread that does nothing else, so
    /// that there is always more to read.
    pub(super) async fn endless(beginning: &'static str, again: impl AsRef<str>) -> Server {
        let again = again.as_ref().repeat((64 << 10) / again.as_ref().len());
        Server::start(move |_, stream| {
            let again = again.clone();
            async move {
                let stream = say(stream, beginning).await;
                let writing = tokio::task::spawn_blocking(move || {
                    let mut stream = stream.into_std()?;
                    stream.set_nonblocking(false)?;
                    while stream.write_all(again.as_bytes()).is_ok() {}
                    stream.set_nonblocking(true)?;
                    Ok::<_, io::Error>(stream)
                });
                TcpStream::from_std(writing.await.unwrap().unwrap()).unwrap()
            }
        })
        .await
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests that came.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until so many more connections are closed by the other side.
    pub(super) async fn closed(&self, connections: u32) {
        self.closed.acquire_many(connections).await.unwrap().forget();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Writes this. Nobody may be there to take it.
pub(super) async fn say(mut stream: TcpStream, answer: impl AsRef<str>) -> TcpStream {
    let _ = stream.write_all(answer.as_ref().as_bytes()).await;
    stream
}

/// Writes this, and waits until the other side has closed the connection.
pub(super) async fn hang(stream: TcpStream, answer: &str) -> TcpStream {
    let mut stream = say(stream, answer).await;
    wait_for_end(&mut stream).await;
    stream
}

/// Waits until the other side has closed the connection.
async fn wait_for_end(stream: &mut TcpStream) {
    while stream.read_u8().await.is_ok() {}
}

/// Reads a request with its body.
pub(super) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut request = Vec::new();
    let mut length = None;
    while length.is_none_or(|length| request.len() < length) {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => break,
        }
        if length.is_none() && request.ends_with(b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request).to_lowercase();
            let body = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            length = Some(request.len() + body.unwrap_or(0));
        }
    }
    String::from_utf8_lossy(&request).into_owned()
}

/// An answer with this body.
pub(super) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A redirect.
pub(super) fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}
