//! Tools for code that a language model wrote: functions of the host, sync and async, and what goes wrong in them:
//! `cargo run --release -p aiointernal-examples --example tools`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aiointernal::{
    Limits, Sandbox,
    js::{Functions, HostCall, ScriptError},
};
use anyhow::{Result, anyhow};
use tokio::time::sleep;

#[tokio::main]
async fn main() -> Result<()> {
    let prices = Arc::new(HashMap::from([("tea", 3.5), ("cake", 4.2)]));
    let functions = Functions::new()
        // To the script this is a promise. While it waits, other calls of the context run.
        .function("shop.price", move |(item,): (String,), _: HostCall| {
            let prices = Arc::clone(&prices);
            async move {
                sleep(Duration::from_millis(5)).await;
                // A `ScriptError` is for the script to read.
                prices.get(item.as_str()).copied().ok_or_else(|| ScriptError::new("RangeError", format!("no {item}")))
            }
        })
        // Any other error is for the host alone.
        .function("shop.order", |_: Vec<String>, _: HostCall| async { Err::<(), _>(anyhow!("card 1234 was declined")) })
        .sync_function("round", |(number, digits): (f64, Option<i32>), _: &HostCall| {
            let scale = 10_f64.powi(digits.unwrap_or(0));
            Ok::<_, ScriptError>((number * scale).round() / scale)
        });
    let mut limits = Limits::default();
    limits.host_calls = 100;
    let context = Sandbox::new()?.context().functions(functions).limits(limits).await?;

    let sum = "const prices = await Promise.all(['tea', 'cake'].map((item) => shop.price(item)));
        round(prices.reduce((a, b) => a + b) * 1.19, 2)";
    println!("{}", context.eval_as::<f64>(sum).await?);
    println!("{}", context.eval_as::<String>("shop.price('gold').catch(String)").await?);
    println!("{}", context.eval_as::<String>("shop.order('tea').catch(String)").await?);
    if let Err(error) = context.eval("await shop.order('tea')").await {
        println!("{}: {error}", error.kind().code());
    }
    if let Err(error) = context.eval("for (;;) await shop.price('tea')").timeout(Duration::from_millis(50)).await {
        println!("{}", error.kind().code());
    }
    context.close().await?;
    Ok(())
}
