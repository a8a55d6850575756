//! Results of a batch as they come, until it is given up while one of its items never ends:
//! `cargo run --release -p aiointernal-examples --example batch`.

use std::time::{Duration, Instant};

use aiointernal::{Sandbox, js::from_value};
use anyhow::{Result, bail, ensure};
use futures_util::StreamExt as _;
use tokio::time::timeout;

/// Longest wait for a result. The context's own limit, 5 s a call, is not what ends this batch.
const PATIENCE: Duration = Duration::from_millis(300);

const SETUP: &str = "
    let found = 0;
    function primes(limit) {
        let count = 0;
        for (let n = 2; n < limit; n++) {
            let divisor = 2;
            while (divisor * divisor <= n && n % divisor) divisor++;
            if (divisor * divisor > n) count++;
        }
        found += count;
        return count;
    }";

#[tokio::main]
async fn main() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let context = sandbox.context().await?;
    context.eval(SETUP).await?;

    let sources = ["primes(10_000)", "prime(10_000)", "primes(20_000)", "for (;;);", "primes(30_000)"];
    let mut results = context.eval_batch(sources).stream();
    loop {
        match timeout(PATIENCE, results.next()).await {
            Ok(Some(Ok(count))) => println!("{} primes", from_value::<u32>(count)?),
            Ok(Some(Err(error))) => println!("{error}"),
            Ok(None) => bail!("the batch ended, which its endless item does not let it"),
            Err(_) => break,
        }
    }

    // The stream goes, and with it the item that is running and the one after it. The context stays, as it was.
    println!("no result for {PATIENCE:?}: the batch is dropped");
    let dropped = Instant::now();
    drop(results);
    println!("{} primes were found", context.get_global_as::<u32>("found").await?);
    println!("{} primes more", context.eval_as::<u32>("primes(100)").await?);
    ensure!(dropped.elapsed() < PATIENCE, "the context was busy for {:?}", dropped.elapsed());

    context.close().await?;
    Ok(())
}
