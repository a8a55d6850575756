//! Why an index refuses.

/// Why an index refuses: the WIT variant `failure`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The index holds a document with this id.
    Duplicate(String),
    /// The index holds as many documents as it may.
    Full(u32),
    /// The document or the query is longer than this many bytes.
    TooLong(u32),
    /// The query cannot be read.
    MalformedQuery(QueryError),
}

/// Why a query cannot be read: the WIT record `query-error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// Where, in bytes from the start of the query.
    pub at: u32,
    /// What is wrong there.
    pub reason: &'static str,
}
