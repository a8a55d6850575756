//! One thing that a query asks for.

use std::collections::BTreeMap;

use crate::postings::{Positions, Postings};

/// One thing that a query asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Clause {
    /// This term.
    Term(String),
    /// A term that starts so.
    Prefix(String),
    /// These terms, one after the other.
    Phrase(Vec<String>),
}

/// Where a document has what a clause asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occurrences {
    /// How often: at least once.
    pub(crate) count: u32,
    /// The number of the first term that matches.
    pub(crate) first: u32,
}

impl Clause {
    /// Every document that has what the clause asks for.
    pub(crate) fn find(&self, postings: &Postings) -> BTreeMap<u32, Occurrences> {
        let mut found = BTreeMap::new();
        match self {
            Clause::Term(term) => {
                for (document, positions) in postings.term(term) {
                    add(&mut found, document, positions);
                }
            }
            Clause::Prefix(prefix) => {
                for (document, positions) in postings.prefix(prefix) {
                    add(&mut found, document, positions);
                }
            }
            Clause::Phrase(terms) => {
                for (document, positions) in postings.phrase(terms) {
                    add(&mut found, document, &positions);
                }
            }
        }
        found
    }
}

fn add(found: &mut BTreeMap<u32, Occurrences>, document: u32, positions: &Positions) {
    let Some(&first) = positions.first() else { return };
    let occurrences = found.entry(document).or_insert(Occurrences { count: 0, first });
    occurrences.count += positions.len() as u32;
    occurrences.first = occurrences.first.min(first);
}
