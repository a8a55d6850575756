//! From the text of a query to its clauses.

use crate::{
    clause::Clause,
    failure::{Failure, QueryError},
    terms::terms,
};

/// Longest query, in bytes.
const MAX_QUERY: u32 = 1024;

/// A query that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// What a document must have: at least one clause.
    pub(crate) required: Vec<Clause>,
    /// What it must not have.
    pub(crate) excluded: Vec<Clause>,
}

impl Query {
    /// Reads a query.
    pub(crate) fn parse(text: &str) -> Result<Query, Failure> {
        if text.len() > MAX_QUERY as usize {
            return Err(Failure::TooLong(MAX_QUERY));
        }
        let mut query = Query { required: Vec::new(), excluded: Vec::new() };
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let at = text.len() - rest.len();
            let (part, behind) = split(rest).map_err(|reason| malformed(at, reason))?;
            let (clauses, part) = match part.strip_prefix('-') {
                Some(part) => (&mut query.excluded, part),
                None => (&mut query.required, part),
            };
            clauses.push(clause(part).map_err(|reason| malformed(at, reason))?);
            rest = behind.trim_start();
        }
        if query.required.is_empty() {
            return Err(malformed(0, "nothing to look for"));
        }
        Ok(query)
    }
}

/// The length of a query fits, so every place in it does.
fn malformed(at: usize, reason: &'static str) -> Failure {
    Failure::MalformedQuery(QueryError { at: at as u32, reason })
}

/// The first part, with its hyphen and its quotes, and what is behind it.
fn split(text: &str) -> Result<(&str, &str), &'static str> {
    let sign = usize::from(text.starts_with('-'));
    let end = if text[sign..].starts_with('"') {
        let length = text[sign + 1..].find('"').ok_or("a quotation without its end")?;
        sign + 1 + length + 1
    } else {
        text.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(text.len())
    };
    Ok(text.split_at(end))
}

/// What a part without its hyphen asks for.
fn clause(part: &str) -> Result<Clause, &'static str> {
    let mut terms: Vec<String> = terms(part).collect();
    match (part.ends_with('*'), terms.len()) {
        (true, 1) => Ok(Clause::Prefix(terms.remove(0))),
        (true, _) => Err("a star needs one word before it"),
        (false, 0) => Err("no letter or digit to look for"),
        (false, 1) => Ok(Clause::Term(terms.remove(0))),
        (false, _) => Ok(Clause::Phrase(terms)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str) -> Clause {
        Clause::Term(text.into())
    }

    fn phrase(terms: &[&str]) -> Clause {
        Clause::Phrase(terms.iter().map(|&term| term.into()).collect())
    }

    #[track_caller]
    fn check_error(text: &str, at: u32, reason: &'static str) {
        assert_eq!(Query::parse(text), Err(Failure::MalformedQuery(QueryError { at, reason })), "{text}");
    }

    #[test]
    fn every_kind_of_part_is_read() {
        let query = Query::parse("  Rust \"Green Threads\" async-io  stream* -python -\"go routine\" -java*").unwrap();
        assert_eq!(
            query.required,
            [term("rust"), phrase(&["green", "threads"]), phrase(&["async", "io"]), Clause::Prefix("stream".into())]
        );
        assert_eq!(query.excluded, [term("python"), phrase(&["go", "routine"]), Clause::Prefix("java".into())]);
    }

    #[test]
    fn a_quotation_of_one_word_is_that_word_and_needs_no_space_around_it() {
        let query = Query::parse("a\"b\"c").unwrap();
        assert_eq!(query.required, [term("a"), term("b"), term("c")]);
    }

    #[test]
    fn a_query_that_asks_for_nothing_is_refused() {
        check_error("", 0, "nothing to look for");
        check_error("  ", 0, "nothing to look for");
        check_error("-python", 0, "nothing to look for");
    }

    #[test]
    fn a_part_that_cannot_be_read_is_refused_with_its_place() {
        check_error("é \"b c", 3, "a quotation without its end");
        check_error("a -\"b", 2, "a quotation without its end");
        check_error("a ... b", 2, "no letter or digit to look for");
        check_error("a -", 2, "no letter or digit to look for");
        check_error("a \"\"", 2, "no letter or digit to look for");
        check_error("*", 0, "a star needs one word before it");
        check_error("a b-c*", 2, "a star needs one word before it");
    }

    #[test]
    fn a_query_has_its_longest_length() {
        let longest = "a".repeat(MAX_QUERY as usize);
        assert!(Query::parse(&longest).is_ok());
        assert_eq!(Query::parse(&(longest + "a")), Err(Failure::TooLong(MAX_QUERY)));
    }
}
