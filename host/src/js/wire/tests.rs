//! The decoder against bytes that nobody wrote as a value, and the size of what it makes of them.

use super::{decode, encode};
use crate::js::value::{ErrorObject, RegExp, TypedArray, Value};

/// A generator of pseudo-random numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }
}

/// Most bytes of memory that one byte of the wire may become: a vector of one element has room for four, and an
/// object's properties have a name each. The shortest of such, `{"": {...}}`, takes two bytes.
const PER_BYTE: usize = 4 * size_of::<(String, Value)>();

/// Bytes of memory that a value takes, with what is in it.
fn taken(value: &Value) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
    let list = |values: &Vec<Value>| values.capacity() * size_of::<Value>() + values.iter().map(taken).sum::<usize>();
    match value {
        Value::String(text) => text.capacity(),
        Value::Bytes(bytes) | Value::ArrayBuffer(bytes) | Value::DataView(bytes) => bytes.capacity(),
        Value::TypedArray(array) => array.to_bytes().len(),
        Value::BigInt(integer) => integer.0.bits() as usize / 8,
        Value::RegExp(regexp) => size_of::<RegExp>() + regexp.source.capacity() + regexp.flags.capacity(),
        Value::Array(values) | Value::Set(values) => list(values),
        Value::Map(entries) => {
            entries.capacity() * 2 * size_of::<Value>()
                + entries.iter().map(|(key, value)| taken(key) + taken(value)).sum::<usize>()
        }
        Value::Object(properties) => {
            properties.capacity() * size_of::<(String, Value)>()
                + properties.iter().map(|(name, value)| name.capacity() + taken(value)).sum::<usize>()
        }
        Value::Error(error) => {
            let values = [&error.cause, &error.errors].into_iter().flatten().map(taken).sum::<usize>();
            size_of::<ErrorObject>() + text(&error.name) + text(&error.message) + text(&error.stack) + values
        }
        Value::Boxed(inner) | Value::Shared(_, inner) => size_of::<Value>() + taken(inner),
        _ => 0,
    }
}

/// Whether bytes are a value. One that is comes back as it was, and takes no more memory than its bytes may.
fn check(bytes: &[u8]) -> bool {
    let Ok(value) = decode(bytes) else { return false };
    let taken = taken(&value);
    assert!(taken <= PER_BYTE * bytes.len(), "{taken} bytes for {}: {bytes:02x?}", bytes.len());
    let again = encode(&value).expect("what was decoded has no reference to nothing");
    // NaN differs from itself, so the texts are compared.
    assert_eq!(format!("{:?}", decode(&again)), format!("{:?}", Ok::<_, String>(value)), "{bytes:02x?}");
    true
}

/// A value of every kind.
fn sample() -> Vec<u8> {
    let shared = Value::Shared(3, Box::new(Value::Map(vec![(Value::Reference(3), 1.into())])));
    let error = ErrorObject {
        stack: Some("s".into()),
        cause: Some(Value::Reference(3)),
        errors: Some(Value::Array(Vec::new())),
        ..ErrorObject::new("n", "m")
    };
    let value = Value::Array(vec![
        Value::Undefined,
        Value::Null,
        true.into(),
        0.1.into(),
        1.5.into(),
        70_000.into(),
        u64::MAX.into(),
        "text".into(),
        crate::js::Date::from_millis(1.5e12).into(),
        RegExp { source: "a".into(), flags: "g".into() }.into(),
        Value::Bytes(vec![1, 2]),
        Value::ArrayBuffer(vec![3]),
        Value::DataView(vec![4]),
        TypedArray::Int16(vec![-1]).into(),
        TypedArray::Float64(vec![0.5]).into(),
        Value::Hole,
        shared,
        Value::Set(vec![1.into(), Value::Reference(3)]),
        error.into(),
        Value::Boxed(Box::new("b".into())),
        Value::Object(vec![("a".into(), Value::Object(Vec::new())), ("b".into(), Value::Reference(3))]),
    ]);
    encode(&value).expect("every reference is to something")
}

#[test]
fn every_prefix_of_a_value_is_refused() {
    let value = sample();
    assert!(check(&value));
    for end in 0..value.len() {
        assert!(decode(&value[..end]).is_err());
    }
}

#[test]
fn changed_bytes_are_a_value_or_refused() {
    let (mut random, sample) = (Random(3), sample());
    let mut accepted = 0;
    for _ in 0..100_000 {
        let mut bytes = sample.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = random.below(256) as u8,
                1 => bytes[at] ^= 1 << random.below(8),
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, [0xd8, 0x1b, 0x1c, 0x1d, 0x1f, 0x81, 0xa1, 0x00, 0xf7][random.below(9)]),
            }
        }
        accepted += usize::from(check(&bytes));
    }
    assert!(accepted > 1000, "{accepted} accepted");
}

#[test]
fn any_bytes_are_a_value_or_refused() {
    // Mostly of what leads on: lists, objects, tags and short texts.
    const LEADING: [u8; 19] = [
        0x80, 0x81, 0x82, 0xa1, 0x61, 0x41, 0xc1, 0xc2, 0xd8, 0x1b, 0x1c, 0x1d, 0x1f, 0x48, 0xd9, 0x01, 0x02, 0x03,
        0x9b,
    ];
    let mut random = Random(5);
    for _ in 0..200_000 {
        let mut bytes = vec![0; random.below(24)];
        for byte in &mut bytes {
            *byte = if random.below(4) > 0 { LEADING[random.below(LEADING.len())] } else { random.below(256) as u8 };
        }
        check(&bytes);
    }
}

#[test]
fn towers_are_refused() {
    let levels = [
        &[0x81][..],
        &[0xc1],
        &[0xd8, 0x1c],
        &[0xd8, 0x1c, 0x81],
        &[0xd9, 1, 2, 0x81],
        &[0xd9, 1, 3, 0xa1, 0],
        b"\xa1\x61a",
        b"\xd8\x1b\x82\x65Error\xa1\x65cause",
    ];
    for level in levels {
        let reason = decode(&level.repeat(100_000)).expect_err("it has no end");
        assert!(reason.contains("nested deeper") || reason.contains("a mark of no value"), "{reason}");
    }
}

#[test]
fn lists_within_one_another_that_say_that_they_are_long_are_refused() {
    for head in [&[0x9a][..], &[0xba], &[0xd9, 1, 2, 0x9a], &[0xd9, 1, 3, 0xba]] {
        let mut bytes = [head, &60_000_u32.to_be_bytes()].concat().repeat(100);
        bytes.resize(61_000, 0xf6);
        assert!(decode(&bytes).is_err());
    }
}
