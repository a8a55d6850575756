//! Values to CBOR and back: the wire format that the WIT type `value` documents.

mod write;
mod read;

use minicbor::data::Tag;

pub(super) use self::{
    read::{Unread, decode, decode_with},
    write::{Written, encode},
};

/// Deepest nesting that crosses. One more than the engine's own, so that it is the engine that says where.
const MAX_DEPTH: usize = 129;

/// CBOR tag of an object with a class name and arguments of its constructor.
const CLASS: Tag = Tag::new(27);

/// CBOR tag of a value that references refer to.
const SHARED: Tag = Tag::new(28);

/// CBOR tag of a reference: the number of a tag above, counted from 0 as they stand in the bytes.
const REFERENCE: Tag = Tag::new(29);

/// CBOR tag of an element that an array does not have. Its content is `undefined`.
const ABSENT: Tag = Tag::new(31);

/// CBOR tag of an array of unsigned 8-bit integers (RFC 8746).
const UINT8_ARRAY: Tag = Tag::new(64);

/// CBOR tag of a set.
const SET: Tag = Tag::new(258);

/// CBOR tag of a map whose keys need not be texts.
const MAP: Tag = Tag::new(259);

#[cfg(test)]
mod mutations;
#[cfg(test)]
mod tests;
