//! What a search found, for the host to pull.

use std::{
    cell::RefCell,
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    rc::Rc,
};

use crate::{excerpt::excerpt, index::Shelf};

/// A document that a query matches: the WIT record `hit`.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The document's id.
    pub id: String,
    /// How well it matches.
    pub score: f64,
    /// The text around the first place that matches.
    pub excerpt: String,
}

/// The documents that a query matches, best first: the WIT resource `matches`.
#[derive(Debug)]
pub struct Matches {
    shelf: Rc<RefCell<Shelf>>,
    /// A heap takes linear time to make, and a logarithm for each match that is pulled.
    waiting: BinaryHeap<Match>,
}

impl Matches {
    pub(crate) fn new(shelf: Rc<RefCell<Shelf>>, found: Vec<Match>) -> Matches {
        Matches { shelf, waiting: found.into() }
    }

    /// Matches that were not pulled yet, with those whose document was removed meanwhile.
    pub fn remaining(&self) -> u32 {
        self.waiting.len() as u32
    }

    /// The next matches: as many as `max`, and fewer only when there are no more.
    pub fn next(&mut self, max: u32) -> Vec<Hit> {
        let shelf = self.shelf.borrow();
        let mut hits = Vec::new();
        while hits.len() < max as usize {
            let Some(Match { document, score, first }) = self.waiting.pop() else { break };
            if let Some(document) = shelf.document(document) {
                hits.push(Hit { id: document.id.clone(), score, excerpt: excerpt(&document.text, first) });
            }
        }
        hits
    }
}

/// A match by its document's number. The greatest is the best: the highest score, then the document that is there longest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match {
    pub(crate) document: u32,
    pub(crate) score: f64,
    /// The number of the first term that matches.
    pub(crate) first: u32,
}

impl Ord for Match {
    fn cmp(&self, other: &Match) -> Ordering {
        self.score.total_cmp(&other.score).then(Reverse(self.document).cmp(&Reverse(other.document)))
    }
}

impl PartialOrd for Match {
    fn partial_cmp(&self, other: &Match) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Match {
    fn eq(&self, other: &Match) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Match {}
