//! The WIT exports, answered with [`Index`] and [`Matches`].

use std::cell::RefCell;

use crate::{Document, Failure, Hit, Index, Matches, Settings};

#[allow(unsafe_code, missing_docs, unreachable_pub, missing_debug_implementations, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "search-engine" });
}

use bindings::exports::example::search::search as wit;

struct Component;

impl wit::Guest for Component {
    type Index = RefCell<Index>;
    type Matches = RefCell<Matches>;

    fn terms(text: String) -> Vec<String> {
        crate::terms(&text).collect()
    }
}

impl wit::GuestIndex for RefCell<Index> {
    fn new(settings: wit::Settings) -> Self {
        RefCell::new(Index::new(Settings { documents: settings.documents, document_bytes: settings.document_bytes }))
    }

    fn add(&self, document: wit::Document) -> Result<(), wit::Failure> {
        Ok(self.borrow_mut().add(Document { id: document.id, text: document.text })?)
    }

    fn remove(&self, id: String) -> bool {
        self.borrow_mut().remove(&id)
    }

    fn len(&self) -> u32 {
        self.borrow().len()
    }

    fn search(&self, query: String) -> Result<wit::Matches, wit::Failure> {
        Ok(wit::Matches::new(RefCell::new(self.borrow().search(&query)?)))
    }
}

impl wit::GuestMatches for RefCell<Matches> {
    fn remaining(&self) -> u32 {
        self.borrow().remaining()
    }

    fn next(&self, max: u32) -> Vec<wit::Hit> {
        self.borrow_mut().next(max).into_iter().map(wit::Hit::from).collect()
    }
}

impl From<Hit> for wit::Hit {
    fn from(hit: Hit) -> wit::Hit {
        wit::Hit { id: hit.id, score: hit.score, excerpt: hit.excerpt }
    }
}

impl From<Failure> for wit::Failure {
    fn from(failure: Failure) -> wit::Failure {
        match failure {
            Failure::Duplicate(id) => wit::Failure::Duplicate(id),
            Failure::Full(documents) => wit::Failure::Full(documents),
            Failure::TooLong(bytes) => wit::Failure::TooLong(bytes),
            Failure::MalformedQuery(error) => {
                wit::Failure::MalformedQuery(wit::QueryError { at: error.at, reason: error.reason.to_owned() })
            }
        }
    }
}

#[expect(unsafe_code, reason = "the exports' symbols are generated")]
mod export {
    use super::{Component, bindings};
    bindings::export!(Component with_types_in bindings);
}
