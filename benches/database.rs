//! The object of the calls: an SQLite in memory.

use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::Connection;

/// Rows of the one table.
const ROWS: i64 = 1000;

/// Something to do with the database, on its thread.
pub(crate) trait Job: Copy + Send + Sync + 'static {
    type Answer: Send + 'static;

    fn run(self, database: &mut Connection) -> Self::Answer;
}

impl<J, R> Job for J
where
    J: Fn(&mut Connection) -> R + Copy + Send + Sync + 'static,
    R: Send + 'static,
{
    type Answer = R;

    fn run(self, database: &mut Connection) -> R {
        self(database)
    }
}

/// Makes the table.
pub(crate) fn fill(database: &mut Connection) -> rusqlite::Result<()> {
    database.execute_batch("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")?;
    let transaction = database.transaction()?;
    for id in 0..ROWS {
        transaction.execute("INSERT INTO item VALUES (?1, 'item ' || ?1)", [id])?;
    }
    transaction.commit()
}

/// A database with the table.
pub(crate) fn open() -> rusqlite::Result<Connection> {
    let mut database = Connection::open_in_memory()?;
    fill(&mut database)?;
    Ok(database)
}

/// One row by its key, the next one each time. The statement is prepared once.
pub(crate) fn query(database: &mut Connection) -> String {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed) % ROWS;
    let statement = database.prepare_cached("SELECT name FROM item WHERE id = ?1");
    let name = statement.and_then(|mut statement| statement.query_row([id], |row| row.get(0)));
    name.expect("the row is there")
}

/// What costs nothing itself.
pub(crate) fn no_op(_: &mut Connection) {}
