//! Typed arrays.

/// A JavaScript typed array of another class than `Uint8Array`, which is [`Value::Bytes`](crate::Value::Bytes).
///
/// It is the elements that the array shows. Two arrays over one `ArrayBuffer` leave the engine as two lists of elements, and
/// each that enters gets a buffer of its own.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TypedArray {
    /// `Int8Array`
    Int8(Vec<i8>),
    /// `Uint8ClampedArray`
    Uint8Clamped(Vec<u8>),
    /// `Int16Array`
    Int16(Vec<i16>),
    /// `Uint16Array`
    Uint16(Vec<u16>),
    /// `Int32Array`
    Int32(Vec<i32>),
    /// `Uint32Array`
    Uint32(Vec<u32>),
    /// `BigInt64Array`
    BigInt64(Vec<i64>),
    /// `BigUint64Array`
    BigUint64(Vec<u64>),
    /// `Float16Array`: the bits of each element (IEEE 754 binary16).
    Float16(Vec<u16>),
    /// `Float32Array`
    Float32(Vec<f32>),
    /// `Float64Array`
    Float64(Vec<f64>),
}

/// For each class: its variant, its tag in CBOR (RFC 8746, little-endian) and the type of its elements.
macro_rules! classes {
    ($($variant:ident: $tag:literal, $element:ty;)*) => {
        impl TypedArray {
            /// How many elements it has.
            pub fn len(&self) -> usize {
                match self {
                    $(TypedArray::$variant(elements) => elements.len(),)*
                }
            }

            /// The tag in CBOR.
            pub(in crate::js) fn tag(&self) -> u64 {
                match self {
                    $(TypedArray::$variant(_) => $tag,)*
                }
            }

            /// The elements as bytes, the lowest of each first.
            pub(in crate::js) fn to_bytes(&self) -> Vec<u8> {
                match self {
                    $(TypedArray::$variant(elements) => {
                        let mut bytes = vec![0; size_of_val(elements.as_slice())];
                        let (chunks, _) = bytes.as_chunks_mut::<{ size_of::<$element>() }>();
                        chunks.iter_mut().zip(elements).for_each(|(chunk, element)| *chunk = element.to_le_bytes());
                        bytes
                    })*
                }
            }

            /// The array with this tag in CBOR; `None` where there is no such tag, or bytes of half an element.
            pub(in crate::js) fn from_bytes(tag: u64, bytes: &[u8]) -> Option<TypedArray> {
                match tag {
                    $($tag => {
                        let (elements, rest) = bytes.as_chunks::<{ size_of::<$element>() }>();
                        let elements = elements.iter().map(|bytes| <$element>::from_le_bytes(*bytes)).collect();
                        rest.is_empty().then_some(TypedArray::$variant(elements))
                    })*
                    _ => None,
                }
            }
        }
    };
}

classes! {
    Int8: 72, i8;
    Uint8Clamped: 68, u8;
    Int16: 77, i16;
    Uint16: 69, u16;
    Int32: 78, i32;
    Uint32: 70, u32;
    BigInt64: 79, i64;
    BigUint64: 71, u64;
    Float16: 84, u16;
    Float32: 85, f32;
    Float64: 86, f64;
}

impl TypedArray {
    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A number of 16 bits (IEEE 754 binary16), exactly.
pub(in crate::js) fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f64::from(bits & 0x3ff);
    sign * match (bits >> 10) & 0x1f {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        exponent => (1024.0 + fraction) * 2_f64.powi(i32::from(exponent).saturating_sub(25)),
    }
}
