//! Which document has which term, and where.

use std::{
    collections::BTreeMap,
    ops::Bound::{Included, Unbounded},
};

/// The numbers that a term has in a document, ascending: its first term is number 0.
pub(crate) type Positions = Vec<u32>;

/// Which document has which term, and where. The order of terms is what finds prefixes; a hash map would also want
/// random numbers, and the component imports none.
#[derive(Debug, Default)]
pub(crate) struct Postings {
    terms: BTreeMap<String, BTreeMap<u32, Positions>>,
}

impl Postings {
    /// Adds a document's terms, and says how many they are.
    pub(crate) fn insert(&mut self, document: u32, terms: impl Iterator<Item = String>) -> u32 {
        let mut count = 0;
        for term in terms {
            self.terms.entry(term).or_default().entry(document).or_default().push(count);
            count += 1;
        }
        count
    }

    /// Removes a document, of which these are the terms.
    pub(crate) fn remove(&mut self, document: u32, terms: impl Iterator<Item = String>) {
        for term in terms {
            if let Some(documents) = self.terms.get_mut(&term) {
                documents.remove(&document);
                if documents.is_empty() {
                    self.terms.remove(&term);
                }
            }
        }
    }

    /// The documents that have a term.
    pub(crate) fn term(&self, term: &str) -> impl Iterator<Item = (u32, &Positions)> {
        self.terms.get(term).into_iter().flatten().map(|(&document, positions)| (document, positions))
    }

    /// The documents that have a term which starts so, once for each such term.
    pub(crate) fn prefix(&self, prefix: &str) -> impl Iterator<Item = (u32, &Positions)> {
        let behind = self.terms.range::<str, _>((Included(prefix), Unbounded));
        behind
            .take_while(move |(term, _)| term.starts_with(prefix))
            .flat_map(|(_, documents)| documents.iter().map(|(&document, positions)| (document, positions)))
    }

    /// The documents that have these terms one after the other, and where the first of them is.
    pub(crate) fn phrase(&self, terms: &[String]) -> impl Iterator<Item = (u32, Positions)> {
        let (first, others) = terms.split_first().map_or(("", terms), |(first, others)| (first.as_str(), others));
        self.term(first).filter_map(move |(document, starts)| {
            let mut starts = starts.clone();
            for (offset, term) in (1..).zip(others) {
                let positions = self.terms.get(term)?.get(&document)?;
                starts.retain(|start| positions.binary_search(&(start + offset)).is_ok());
            }
            (!starts.is_empty()).then_some((document, starts))
        })
    }
}
