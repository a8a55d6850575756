//! The body of an answer, as a script reads it.

use tokio::{
    sync::{Mutex, mpsc, oneshot},
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

/// The body of an answer. It is received as it is read.
pub(super) struct Body {
    reading: Mutex<Reading>,
    close: AbortHandle,
}

struct Reading {
    /// Asks for a chunk.
    asking: mpsc::Sender<oneshot::Sender<Vec<u8>>>,
    /// What receives it, and has all that was received and not read.
    receiving: JoinHandle<Result<(), Failure>>,
    /// How that has ended.
    ended: Option<Result<(), ScriptError>>,
}

impl Body {
    /// That of an answer that has begun.
    pub(super) fn new(mut open: Open, mut connection: Connection) -> Body {
        let (asking, mut asked) = mpsc::channel::<oneshot::Sender<Vec<u8>>>(1);
        let receiving = tokio::spawn(async move {
            let receiving = async {
                while let Some(reader) = asked.recv().await {
                    let chunk = connection.chunk().await?;
                    if chunk.is_empty() {
                        break;
                    }
                    // Who read may have been stopped: it is the next one's.
                    if let Err(chunk) = reader.send(chunk) {
                        connection.take_back(chunk);
                    }
                }
                Ok(())
            };
            open.within(receiving).await?
        });
        let close = receiving.abort_handle();
        Body { reading: Mutex::new(Reading { asking, receiving, ended: None }), close }
    }

    /// The next chunk, or nothing at the end.
    async fn read(&self) -> Result<Option<Value>, ScriptError> {
        let mut reading = self.reading.lock().await;
        let (reader, chunk) = oneshot::channel();
        if reading.asking.send(reader).await.is_ok()
            && let Ok(chunk) = chunk.await
        {
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
