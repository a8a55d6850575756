//! The first steps, one method at a time: `cargo run --release -p aiointernal-examples --example seed`.

use std::{env, fs, process};

use aiointernal::{Sandbox, js};
use anyhow::Result;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let context = sandbox.context().await?;

    // What one call leaves behind, the next one finds.
    context.eval("let item = 1 + 2;").await?;
    let item: i32 = context.get_global_as("item").await?;
    println!("Got Number: {item} from JavaScript");

    context.set_globals(json!({ "width": 6, "height": 7 })).await?;
    let area: u32 = context.eval_as("width * height").await?;
    println!("Got Area: {area}");

    let path = env::temp_dir().join(format!("greet-{}.js", process::id()));
    fs::write(&path, "function greet(name) { return `Hello, ${name}!`; }")?;
    context.eval_file(&path).await?;
    fs::remove_file(&path)?;
    let greeting: String = context.call_as("greet", ("tokio",)).await?;
    println!("Got Greeting: {greeting}");

    // Calls can be queued for later: this one runs while nobody waits for it yet.
    let sums = context.eval_batch(["1 + 3", "67 + 45"]).queue();
    println!("The sums are queued");
    for sum in sums.await? {
        let sum: i32 = js::from_value(sum?)?;
        println!("Got Sum: {sum}");
    }

    context.close().await?;
    Ok(())
}
