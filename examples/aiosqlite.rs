//! aiosqlite in Rust: SQLite behind an async handle. `cargo run --release -p aiointernal-examples --example aiosqlite`.

use std::{num::NonZeroI32, panic::UnwindSafe, path::Path, thread, time::Duration};

use aiointernal::{ErrorKind, HeapThread, Running, Sink, heap_thread};
use anyhow::{Result, bail};
use futures_util::{StreamExt as _, TryStreamExt as _};
use rusqlite::{
    Transaction,
    backup::{Backup, StepResult},
    functions::FunctionFlags,
    params_from_iter,
    types::{Value, ValueRef},
};

/// The values of one row, or of the parameters of a statement.
type Row = Vec<Value>;

const ONE_PAGE: NonZeroI32 = NonZeroI32::new(1).expect("it is not zero");

/// A row of values of several types.
macro_rules! row {
    ($($value:expr),* $(,)?) => { vec![$(Value::from($value.to_owned())),*] };
}

/// A connection. SQLite's must not be used from two threads at once, so it stays on one.
struct Connection {
    sqlite: rusqlite::Connection,
}

#[heap_thread(handle = Database)]
impl Connection {
    /// Runs a statement; returns how many rows it changed.
    #[sync]
    fn execute(&self, sql: &str, parameters: Row) -> rusqlite::Result<usize> {
        self.sqlite.prepare_cached(sql)?.execute(params_from_iter(parameters))
    }

    /// Runs a statement once for each row, all or nothing; returns how many rows were changed.
    #[sync]
    fn execute_many(&mut self, sql: &str, rows: Vec<Row>) -> rusqlite::Result<usize> {
        let transaction = self.sqlite.transaction()?;
        let mut changed = 0;
        for row in rows {
            changed += transaction.prepare_cached(sql)?.execute(params_from_iter(row))?;
        }
        transaction.commit()?;
        Ok(changed)
    }

    /// Runs many statements, separated by semicolons.
    #[sync]
    fn execute_script(&self, sql: &str) -> rusqlite::Result<()> {
        self.sqlite.execute_batch(sql)
    }

    /// Runs an `INSERT`; returns the number of the new row.
    #[sync]
    fn execute_insert(&self, sql: &str, parameters: Row) -> rusqlite::Result<i64> {
        self.execute(sql, parameters)?;
        Ok(self.sqlite.last_insert_rowid())
    }

    /// The first row of a query.
    #[sync]
    fn fetch_one(&self, sql: &str, parameters: Row) -> rusqlite::Result<Option<Row>> {
        let mut statement = self.sqlite.prepare_cached(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(parameters))?;
        rows.next()?.map(|row| values(row, columns)).transpose()
    }

    /// Runs a closure within a transaction, which is rolled back where it fails.
    #[sync]
    fn transaction<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<R> + Send + 'static,
    ) -> rusqlite::Result<R> {
        let transaction = self.sqlite.transaction()?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// Adds a function that statements can call.
    #[sync]
    fn create_function(
        &self,
        name: &str,
        arguments: i32,
        function: impl Fn(Row) -> rusqlite::Result<Value> + Send + UnwindSafe + 'static,
    ) -> rusqlite::Result<()> {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        self.sqlite.create_scalar_function(name, arguments, flags, move |context| {
            let arguments: rusqlite::Result<Row> = (0..context.len()).map(|index| context.get(index)).collect();
            function(arguments?)
        })
    }

    /// Copies the database into a file, so many pages at a time, and tells how many of how many are done.
    #[sync]
    fn backup(
        &self,
        target: &Path,
        pages: NonZeroI32,
        mut progress: impl FnMut(i32, i32) + Send + 'static,
        running: &Running,
    ) -> Result<()> {
        let mut target = rusqlite::Connection::open(target)?;
        let backup = Backup::new(&self.sqlite, &mut target)?;
        // SQLite's interrupt does not reach a backup.
        while !running.should_stop() {
            let step = backup.step(pages.get())?;
            let done = backup.progress();
            progress(done.pagecount - done.remaining, done.pagecount);
            match step {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                // Somebody else has the target.
                _ => thread::park_timeout(Duration::from_millis(10)),
            }
        }
        bail!("the backup was given up")
    }

    /// Whether a transaction is open.
    #[sync]
    fn in_transaction(&self) -> bool {
        !self.sqlite.is_autocommit()
    }

    /// Rows that were changed since the connection was opened.
    #[sync]
    fn total_changes(&self) -> u64 {
        self.sqlite.total_changes()
    }

    /// The rows of a query, streamed or all at once. A long stream has the connection to itself until it ends: who makes
    /// other calls between two rows collects them first.
    #[sync]
    fn query(&self, sql: &str, parameters: Row, sink: &mut Sink<Row>) -> Result<()> {
        let mut statement = self.sqlite.prepare_cached(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(parameters))?;
        while let Some(row) = rows.next()? {
            sink.send(values(row, columns)?)?;
        }
        Ok(())
    }

    /// As `iterdump`: the SQL that makes the same database again.
    #[sync]
    fn dump(&self, sink: &mut Sink<String>) -> Result<()> {
        sink.send("BEGIN TRANSACTION;".to_owned())?;
        let mut objects = self.sqlite.prepare(
            "SELECT type, name, sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
        )?;
        let mut objects = objects.query([])?;
        while let Some(object) = objects.next()? {
            let (kind, name, sql): (String, String, String) = (object.get(0)?, object.get(1)?, object.get(2)?);
            sink.send(format!("{sql};"))?;
            if kind == "table" {
                let name = name.replace('"', "\"\"");
                let mut rows = self.sqlite.prepare(&format!("SELECT * FROM \"{name}\""))?;
                let columns = rows.column_count();
                let mut rows = rows.query([])?;
                while let Some(row) = rows.next()? {
                    let literals: rusqlite::Result<Vec<_>> =
                        (0..columns).map(|at| row.get_ref(at).map(literal)).collect();
                    sink.send(format!("INSERT INTO \"{name}\" VALUES({});", literals?.join(",")))?;
                }
            }
        }
        Ok(sink.send("COMMIT;".to_owned())?)
    }
}

/// What the macro does not make: a way to interrupt, and a teardown that can fail.
impl Database {
    /// Opens a database file, or `:memory:`. A call that is given up or reaches its time limit is interrupted.
    async fn connect(path: &str) -> Result<Database> {
        let path = path.to_owned();
        let thread = HeapThread::builder()
            .name("sqlite")
            .interrupt_with(|connection: &Connection| {
                let interrupt = connection.sqlite.get_interrupt_handle();
                move || interrupt.interrupt()
            })
            .teardown(|connection| connection.sqlite.close().map_err(|(_, error)| error))
            .spawn(move || rusqlite::Connection::open(path).map(|sqlite| Connection { sqlite }));
        Ok(Database::from(thread.await?))
    }
}

fn values(row: &rusqlite::Row<'_>, columns: usize) -> rusqlite::Result<Row> {
    (0..columns).map(|column| row.get(column)).collect()
}

/// A value as SQL writes it.
fn literal(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(integer) => integer.to_string(),
        // SQL has no word for infinity; this is beyond every number.
        ValueRef::Real(real) if real.is_infinite() => if real > 0.0 { "9e999" } else { "-9e999" }.to_owned(),
        ValueRef::Real(real) => format!("{real:?}"),
        ValueRef::Text(text) => format!("'{}'", String::from_utf8_lossy(text).replace('\'', "''")),
        ValueRef::Blob(blob) => format!("X'{}'", blob.iter().map(|byte| format!("{byte:02X}")).collect::<String>()),
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let db = Database::connect(":memory:").await?;
    db.execute_script("CREATE TABLE planet (id INTEGER PRIMARY KEY, name TEXT UNIQUE, mass REAL)").await?;
    let earth = db.execute_insert("INSERT INTO planet (name, mass) VALUES (?, ?)", row!["Earth", 5.97]).await?;
    let more = vec![row!["Mars", 0.64], row!["Venus", 4.87]];
    let added = db.execute_many("INSERT INTO planet (name, mass) VALUES (?, ?)", more).await?;
    println!("Earth is number {earth}, and {added} came after it");

    // Rows are streamed: SQLite is at most 64 ahead, and a chunk is taken as one.
    let mut chunks = db.query("SELECT name FROM planet ORDER BY mass", row![]).stream().chunks(2);
    while let Some(chunk) = chunks.next().await {
        println!("a chunk: {:?}", chunk.into_iter().collect::<Result<Vec<_>, _>>()?);
    }
    drop(chunks);

    db.create_function("shout", 1, |arguments| {
        let [Value::Text(text)] = &arguments[..] else { return Ok(Value::Null) };
        Ok(Value::Text(text.to_uppercase()))
    })
    .await?;
    println!("{:?}", db.fetch_one("SELECT shout(name) FROM planet WHERE id = ?", row![earth]).await?);

    // All or nothing: the second planet is there already, so neither is added.
    let doubled = db.transaction(|transaction| {
        transaction.execute("INSERT INTO planet (name) VALUES ('Pluto')", [])?;
        transaction.execute("INSERT INTO planet (name) VALUES ('Mars')", [])
    });
    let error = doubled.await.expect_err("the name is unique");
    println!("{}; in a transaction: {}", error.downcast_ref::<rusqlite::Error>().is_some(), db.in_transaction().await?);

    // A query that would not end is interrupted, and only it.
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    let (ticket, next) = (db.fetch_one(endless, row![]).queue(), db.total_changes().queue());
    drop(ticket);
    println!("changes: {}", next.await?);
    let error = db.fetch_one(endless, row![]).timeout(Duration::from_millis(20)).await.expect_err("it does not end");
    assert_eq!(error.kind(), ErrorKind::Timeout);

    let copy = std::env::temp_dir().join(format!("aiointernal-planets-{}.db", std::process::id()));
    db.backup(&*copy, ONE_PAGE, |done, all| println!("page {done} of {all}")).await?;
    let copied = Database::connect(copy.to_str().unwrap_or_default()).await?;
    let dumps = (db.dump().await?, copied.dump().stream().try_collect::<Vec<_>>().await?);
    assert_eq!(dumps.0, dumps.1);
    println!("{}", dumps.0.join("\n"));
    copied.close().await?;
    std::fs::remove_file(copy)?;

    db.close().await?;
    println!("{}", db.total_changes().await.expect_err("it is closed").kind().code());
    Ok(())
}
