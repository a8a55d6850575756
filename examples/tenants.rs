//! A server that runs the scripts of two tenants who trust neither each other nor their own loops:
//! `cargo run --release -p aiointernal-examples --example tenants`.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use aiointernal::{Context, Limits, Sandbox};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

/// Longest line that the server reads; a longer one ends its connection.
const LINE: u64 = 64 << 10;

type Tenants = HashMap<&'static str, Context>;

#[tokio::main]
async fn main() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let (mut hasty, mut small) = (Limits::default(), Limits::default());
    hasty.wall_time = Duration::from_millis(100);
    small.memory = 8 << 20;
    let alice = sandbox.context().name("alice").limits(hasty).await?;
    let bob = sandbox.context().name("bob").limits(small).await?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // A real server would run until a signal. This one runs until its clients have had their say.
    serve(listener, Tenants::from([("alice", alice), ("bob", bob)]), talk(address)).await
}

/// Accepts connections until `end`, then closes what is open.
async fn serve(listener: TcpListener, tenants: Tenants, end: impl Future<Output = Result<()>>) -> Result<()> {
    let tenants = Arc::new(tenants);
    let mut connections = JoinSet::new();
    tokio::pin!(end);
    let ended = loop {
        tokio::select! {
            ended = &mut end => break ended,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(converse(stream, Arc::clone(&tenants)))),
                Err(error) => break Err(error.into()),
            },
            // A connection that failed took nothing with it.
            Some(_) = connections.join_next() => {}
        }
    };
    // A second for what is under way. Dropping a connection after that stops the script it waits for, too.
    let _ = timeout(Duration::from_secs(1), async { while connections.join_next().await.is_some() {} }).await;
    connections.shutdown().await;
    for context in tenants.values() {
        context.close().await?;
    }
    ended
}

/// Answers each line of a connection with a line.
async fn converse(stream: TcpStream, tenants: Arc<Tenants>) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while (&mut stream).take(LINE).read_line(&mut line).await? > 0 && line.ends_with('\n') {
        let answer = answer(&tenants, line.trim_end()).await;
        stream.write_all(format!("{answer}\n").as_bytes()).await?;
        line.clear();
    }
    Ok(())
}

/// Runs `tenant source`. Awaiting it blocks no thread of the server, however long the script runs.
async fn answer(tenants: &Tenants, line: &str) -> Value {
    let (tenant, source) = line.split_once(' ').unwrap_or((line, ""));
    let Some(context) = tenants.get(tenant) else {
        return json!({ "error": "no such tenant" });
    };
    match context.eval(source).await {
        Ok(value) => json!({ "ok": value }),
        Err(error) => json!({ "error": error.to_string(), "kind": error.kind().code() }),
    }
}

/// The clients' side: each question and its answer is printed as soon as the answer is there.
async fn talk(server: SocketAddr) -> Result<()> {
    let mut alice = BufReader::new(TcpStream::connect(server).await?);
    let mut bob = BufReader::new(TcpStream::connect(server).await?);

    // What one sets, the other does not see.
    ask(&mut alice, "alice secret = 'rosebud'").await?;
    ask(&mut bob, "bob typeof secret").await?;
    // Each has its own limits.
    ask(&mut alice, "alice new Uint8Array(16 << 20).length").await?;
    ask(&mut bob, "bob new Uint8Array(16 << 20).length").await?;
    // Both ask at once. One never ends; the other is answered meanwhile.
    tokio::try_join!(ask(&mut alice, "alice for (;;);"), ask(&mut bob, "bob 6 * 7"))?;
    // The loop was stopped, and what was set before is still there.
    ask(&mut alice, "alice secret").await?;
    ask(&mut bob, "eve secret").await
}

async fn ask(server: &mut BufReader<TcpStream>, question: &str) -> Result<()> {
    server.write_all(format!("{question}\n").as_bytes()).await?;
    let mut answer = String::new();
    ensure!(server.read_line(&mut answer).await? > 0, "the server hung up");
    print!("{question}\n    {answer}");
    Ok(())
}
