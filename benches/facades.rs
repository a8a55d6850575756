//! Ways to call an SQLite from async code: one written by hand, which is the floor, ours, and those of the peers.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use aiointernal::HeapThread;
use rusqlite::Connection;
use tokio::{runtime::Runtime, sync::oneshot, task::spawn_blocking};

use crate::{
    database::{self, Job},
    latency::Caller,
};

/// The least that does it: a thread that does one thing only, a channel to it, and a channel back for each call.
/// No closures, no bound on the queue, no cancellation, no errors.
pub(crate) struct Floor<J: Job>(mpsc::Sender<oneshot::Sender<J::Answer>>);

impl<J: Job> Floor<J> {
    pub(crate) fn open(job: J) -> Floor<J> {
        let (calls, inbox) = mpsc::channel::<oneshot::Sender<J::Answer>>();
        let thread = std::thread::Builder::new().name("floor".to_owned()).spawn(move || {
            let mut database = database::open().expect("there is memory for a database");
            for reply in inbox {
                // Nobody may be waiting any more.
                let _ = reply.send(job.run(&mut database));
            }
        });
        thread.expect("the system starts a thread");
        Floor(calls)
    }
}

impl<J: Job> Clone for Floor<J> {
    fn clone(&self) -> Self {
        Floor(self.0.clone())
    }
}

impl<J: Job> Caller for Floor<J> {
    async fn call(&self) {
        let (reply, answer) = oneshot::channel();
        self.0.send(reply).expect("the thread lives");
        answer.await.expect("the thread answers");
    }
}

/// A handle, and what is done with it.
#[derive(Clone)]
pub(crate) struct Facade<H, J> {
    handle: H,
    job: J,
}

impl<J> Facade<HeapThread<Connection>, J> {
    pub(crate) fn ours(job: J) -> Self {
        let handle = HeapThread::spawn(database::open).blocking().expect("there is memory for a database");
        Facade { handle, job }
    }
}

impl<J: Job> Caller for Facade<HeapThread<Connection>, J> {
    async fn call(&self) {
        let job = self.job;
        self.handle.call(move |database| job.run(database)).await.expect("the call runs");
    }
}

impl<J> Facade<tokio_rusqlite::Connection, J> {
    pub(crate) fn tokio_rusqlite(runtime: &Runtime, job: J) -> Self {
        let handle = runtime.block_on(async {
            let handle = tokio_rusqlite::Connection::open_in_memory().await?;
            handle.call(database::fill).await?;
            Ok::<_, tokio_rusqlite::Error>(handle)
        });
        Facade { handle: handle.expect("there is memory for a database"), job }
    }
}

impl<J: Job> Caller for Facade<tokio_rusqlite::Connection, J> {
    async fn call(&self) {
        let job = self.job;
        let answer = self.handle.call(move |database| Ok::<_, rusqlite::Error>(job.run(database))).await;
        answer.expect("the call runs");
    }
}

impl<J> Facade<async_sqlite::Client, J> {
    pub(crate) fn async_sqlite(runtime: &Runtime, job: J) -> Self {
        let handle = runtime.block_on(async {
            let handle = async_sqlite::ClientBuilder::new().open().await?;
            handle.conn_mut(database::fill).await?;
            Ok::<_, async_sqlite::Error>(handle)
        });
        Facade { handle: handle.expect("there is memory for a database"), job }
    }
}

impl<J: Job> Caller for Facade<async_sqlite::Client, J> {
    async fn call(&self) {
        let job = self.job;
        self.handle.conn_mut(move |database| Ok(job.run(database))).await.expect("the call runs");
    }
}

impl<J> Facade<Arc<Mutex<Connection>>, J> {
    pub(crate) fn spawn_blocking(job: J) -> Self {
        let handle = Arc::new(Mutex::new(database::open().expect("there is memory for a database")));
        Facade { handle, job }
    }
}

impl<J: Job> Caller for Facade<Arc<Mutex<Connection>>, J> {
    async fn call(&self) {
        let Facade { handle, job } = self.clone();
        let run = move || job.run(&mut handle.lock().unwrap_or_else(PoisonError::into_inner));
        spawn_blocking(run).await.expect("the call runs");
    }
}
