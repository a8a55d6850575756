//! The CBOR tags of the wire format, by the names of IANA's registry.

use minicbor::data::Tag;

/// An object with a class name and the arguments of its constructor.
pub(crate) const CLASS: Tag = Tag::new(27);

/// A value that references may point at. They count these tags from 0, in the order in which they stand in the bytes.
pub(super) const SHARED: Tag = Tag::new(28);

/// A reference to a value with the tag above, by its number.
pub(super) const REFERENCE: Tag = Tag::new(29);

/// An absent element of an array; its content is `undefined`.
pub(super) const ABSENT: Tag = Tag::new(31);

/// An array of unsigned 8-bit integers (RFC 8746). The engine reads it, and writes a byte string without a tag.
pub(super) const UINT8_ARRAY: Tag = Tag::new(64);

/// A set.
pub(super) const SET: Tag = Tag::new(258);

/// A map whose keys need not be texts.
pub(super) const MAP: Tag = Tag::new(259);

/// The classes of typed arrays but `Uint8Array`: name, tag (RFC 8746, little-endian) and bytes of an element.
///
/// The functions `view` and [`crate::class::Classes`] count in this order.
pub(crate) const VIEWS: [(&str, Tag, usize); 11] = [
    ("Int8Array", Tag::new(72), 1),
    ("Uint8ClampedArray", Tag::new(68), 1),
    ("Int16Array", Tag::new(77), 2),
    ("Uint16Array", Tag::new(69), 2),
    ("Int32Array", Tag::new(78), 4),
    ("Uint32Array", Tag::new(70), 4),
    ("BigInt64Array", Tag::new(79), 8),
    ("BigUint64Array", Tag::new(71), 8),
    ("Float16Array", Tag::new(84), 2),
    ("Float32Array", Tag::new(85), 4),
    ("Float64Array", Tag::new(86), 8),
];
