//! The documents and the search among them.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use crate::{
    clause::Occurrences,
    failure::Failure,
    matches::{Match, Matches},
    postings::Postings,
    query::Query,
    terms::terms,
};

/// BM25's usual constants: how soon repetition stops counting, and how much a long document has to make up for.
const K1: f64 = 1.2;
const B: f64 = 0.75;

/// Limits of an index: the WIT record `settings`.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Documents that the index may hold at once.
    pub documents: u32,
    /// Longest document, id and text together, in bytes.
    pub document_bytes: u32,
}

/// A text to find again: the WIT record `document`.
#[derive(Clone, Debug)]
pub struct Document {
    /// What the host calls the text.
    pub id: String,
    /// The text.
    pub text: String,
}

/// Documents and where each of their terms is: the WIT resource `index`.
#[derive(Debug)]
pub struct Index {
    settings: Settings,
    /// Shared with the matches, which read it as they are pulled.
    shelf: Rc<RefCell<Shelf>>,
}

/// What an index holds.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    documents: BTreeMap<u32, Entry>,
    numbers: BTreeMap<String, u32>,
    postings: Postings,
    /// The number of the next document. None is used twice, so that matches cannot take a new document for an old one.
    next: u32,
    /// Terms of all documents together.
    terms: u64,
}

#[derive(Debug)]
struct Entry {
    document: Document,
    terms: u32,
}

impl Index {
    /// An empty index.
    pub fn new(settings: Settings) -> Index {
        Index { settings, shelf: Rc::default() }
    }

    /// Adds a document.
    pub fn add(&mut self, document: Document) -> Result<(), Failure> {
        let mut shelf = self.shelf.borrow_mut();
        if document.id.len() + document.text.len() > self.settings.document_bytes as usize {
            return Err(Failure::TooLong(self.settings.document_bytes));
        }
        if shelf.numbers.contains_key(&document.id) {
            return Err(Failure::Duplicate(document.id));
        }
        // The last number is never given out, so that the count of numbers cannot overflow.
        if shelf.documents.len() >= self.settings.documents as usize || shelf.next == u32::MAX {
            return Err(Failure::Full(shelf.documents.len() as u32));
        }
        shelf.insert(document);
        Ok(())
    }

    /// Removes the document with this id and says whether there was one.
    pub fn remove(&mut self, id: &str) -> bool {
        self.shelf.borrow_mut().remove(id)
    }

    /// Documents in the index.
    #[expect(clippy::len_without_is_empty, reason = "the WIT has none")]
    pub fn len(&self) -> u32 {
        self.shelf.borrow().documents.len() as u32
    }

    /// Finds the documents that match every part of a query.
    pub fn search(&self, query: &str) -> Result<Matches, Failure> {
        let query = Query::parse(query)?;
        let found = self.shelf.borrow().search(&query);
        Ok(Matches::new(Rc::clone(&self.shelf), found))
    }
}

impl Shelf {
    /// The document of this number, unless it was removed.
    pub(crate) fn document(&self, number: u32) -> Option<&Document> {
        self.documents.get(&number).map(|entry| &entry.document)
    }

    fn insert(&mut self, document: Document) {
        let number = self.next;
        self.next += 1;
        let terms = self.postings.insert(number, terms(&document.text));
        self.terms += u64::from(terms);
        self.numbers.insert(document.id.clone(), number);
        self.documents.insert(number, Entry { document, terms });
    }

    fn remove(&mut self, id: &str) -> bool {
        let Some(number) = self.numbers.remove(id) else { return false };
        if let Some(entry) = self.documents.remove(&number) {
            self.postings.remove(number, terms(&entry.document.text));
            self.terms -= u64::from(entry.terms);
        }
        true
    }

    fn search(&self, query: &Query) -> Vec<Match> {
        let mut found: Option<BTreeMap<u32, Match>> = None;
        for clause in &query.required {
            let occurrences = clause.find(&self.postings);
            let weight = self.weight(occurrences.len());
            let matches = occurrences.into_iter().filter_map(|(document, occurrences)| {
                let so_far = match &found {
                    Some(found) => *found.get(&document)?,
                    None => Match { document, score: 0.0, first: occurrences.first },
                };
                let score = so_far.score + weight * self.saturation(document, occurrences);
                Some((document, Match { document, score, first: so_far.first.min(occurrences.first) }))
            });
            found = Some(matches.collect());
        }
        let mut found = found.unwrap_or_default();
        for clause in &query.excluded {
            for document in clause.find(&self.postings).keys() {
                found.remove(document);
            }
        }
        found.into_values().collect()
    }

    /// How much a clause counts that so many documents match: the fewer, the more.
    fn weight(&self, matching: usize) -> f64 {
        let (all, matching) = (self.documents.len() as f64, matching as f64);
        (1.0 + (all - matching + 0.5) / (matching + 0.5)).ln()
    }

    /// How much a document has of what a clause asks for.
    fn saturation(&self, document: u32, occurrences: Occurrences) -> f64 {
        let length = self.documents.get(&document).map_or(0.0, |entry| f64::from(entry.terms));
        let average = self.terms as f64 / self.documents.len() as f64;
        let count = f64::from(occurrences.count);
        count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length / average))
    }
}
