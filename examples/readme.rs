//! The example of the README.
use aiointernal::{Limits, Sandbox};
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), aiointernal::Error> {
    let mut limits = Limits::default();
    limits.wall_time = Duration::from_millis(50);

    let sandbox = Sandbox::builder().limits(limits).build()?; // once a program
    let tenant = sandbox.context().await?; // one JavaScript context, on a thread of its own
    tenant.eval("function price(n) { return n * 1.2 }").await?;
    let price: f64 = tenant.call_as("price", [10]).await?;
    if let Err(error) = tenant.eval("while (true) {}").await {
        println!("{price} {}", error.kind().code()); // after 50 ms; the context goes on
    }
    Ok(())
}
