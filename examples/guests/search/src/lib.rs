//! Full-text search behind the WIT world `example:search/search-engine`.
//!
//! The library is the same natively and in Wasm: an [`Index`] holds documents and answers a query with [`Matches`].
//! On `wasm32` the module `component` answers the WIT exports with it; natively the tests do.

mod clause;
#[cfg(target_arch = "wasm32")]
mod component;
mod excerpt;
mod failure;
mod index;
mod matches;
mod postings;
mod query;
mod terms;

pub use crate::{
    failure::{Failure, QueryError},
    index::{Document, Index, Settings},
    matches::{Hit, Matches},
    terms::terms,
};
