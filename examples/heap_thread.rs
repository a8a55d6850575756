//! An object of your own behind an async handle: `cargo run --release -p aiointernal-examples --example heap_thread`.

use std::{collections::HashMap, num::ParseFloatError, rc::Rc};

use aiointernal::heap_thread;
use anyhow::Result;
use futures_util::TryStreamExt as _;

/// A calculator. Its cells share values through `Rc`, so it can be used on one thread only.
#[derive(Default)]
struct Calculator {
    cells: HashMap<String, Rc<f64>>,
    history: Vec<(String, Rc<f64>)>,
}

#[heap_thread(handle = AsyncCalculator)]
impl Calculator {
    #[sync]
    fn new() -> Self {
        Calculator::default()
    }

    /// Puts a number into a cell, and returns what was there.
    #[sync]
    fn set(&mut self, cell: &str, number: &str) -> Result<Option<f64>, ParseFloatError> {
        let value = Rc::new(number.parse()?);
        self.history.push((cell.to_owned(), Rc::clone(&value)));
        Ok(self.cells.insert(cell.to_owned(), value).map(|before| *before))
    }

    /// The sum of all cells.
    #[sync]
    fn sum(&self) -> f64 {
        self.values().sum()
    }

    /// Everything that was ever put into a cell.
    #[sync]
    fn history(&self, cell: String) -> impl Iterator<Item = f64> {
        self.history.iter().filter(move |(name, _)| *name == cell).map(|(_, value)| **value)
    }

    /// Not marked: only the calculator itself can call it.
    fn values(&self) -> impl Iterator<Item = f64> {
        self.cells.values().map(|value| **value)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let calculator = AsyncCalculator::open().await?;
    calculator.set("a", "2").await?;
    calculator.set("b", "40").await?;
    println!("sum: {}", calculator.sum().await?);

    // Queued calls run while nobody waits for them, in order.
    let before = calculator.set("a", "1").queue();
    println!("sum: {}, before: {:?}", calculator.sum().await?, before.await?);

    // An iterator over what the object holds arrives as a stream.
    let mut history = calculator.history("a".to_owned()).stream();
    while let Some(value) = history.try_next().await? {
        println!("a was {value}");
    }

    let error = calculator.set("a", "two").await.expect_err("not a number");
    println!("{}: {}", error.kind().code(), error.downcast_ref::<ParseFloatError>().expect("the method's own error"));
    calculator.close().await?;
    Ok(())
}
