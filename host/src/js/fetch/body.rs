//! The body of an answer, as a script reads it.

use tokio::{
    sync::{Mutex, mpsc},
    task::{AbortHandle, JoinHandle},
};

use super::{
    connection::Connection,
    failed,
    requests::{Failure, Open},
};
use crate::js::{
    functions::ScriptError,
    host_object::{Host, HostClass, Members},
    value::Value,
};

/// The body of an answer. What of it comes is kept until it is read: one chunk.
pub(super) struct Body {
    reading: Mutex<Reading>,
    close: AbortHandle,
}

struct Reading {
    chunks: mpsc::Receiver<Vec<u8>>,
    /// What receives it.
    receiving: JoinHandle<Result<(), Failure>>,
    /// How that has ended.
    ended: Option<Result<(), ScriptError>>,
}

impl Body {
    /// That of an answer that has begun.
    pub(super) fn new(mut open: Open, mut connection: Connection) -> Body {
        let (sender, chunks) = mpsc::channel(1);
        let receiving = tokio::spawn(async move {
            let receiving = async {
                // Nothing is received before there is room for it; then all that has come is one chunk.
                while let Ok(room) = sender.reserve().await {
                    let chunk = connection.chunk().await?;
                    if chunk.is_empty() {
                        break;
                    }
                    room.send(chunk);
                }
                Ok(())
            };
            open.within(receiving).await?
        });
        let close = receiving.abort_handle();
        Body { reading: Mutex::new(Reading { chunks, receiving, ended: None }), close }
    }

    /// The next chunk, or nothing at the end.
    async fn read(&self) -> Result<Option<Value>, ScriptError> {
        let mut reading = self.reading.lock().await;
        if let Some(chunk) = reading.chunks.recv().await {
            return Ok(Some(Value::Bytes(chunk)));
        }
        if reading.ended.is_none() {
            let ended = match (&mut reading.receiving).await {
                Ok(ended) => ended.map_err(|failure| match failure.downcast::<ScriptError>() {
                    Ok(told) => *told,
                    Err(_) => failed("the body cannot be received"),
                }),
                Err(_) => Err(failed("the body is closed")),
            };
            reading.ended = Some(ended);
        }
        reading.ended.clone().transpose().map(|_| None)
    }
}

impl HostClass for Body {
    const NAME: &'static str = "Body";

    fn members(members: Members<Body>) -> Members<Body> {
        members.method("read", |body: Host<Body>, (): (), _call| async move { body.read().await }).sync_method(
            "close",
            |body, (): (), _call| {
                body.close.abort();
                Ok::<_, ScriptError>(())
            },
        )
    }

    fn released(&self) {
        self.close.abort();
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.close.abort();
    }
}
