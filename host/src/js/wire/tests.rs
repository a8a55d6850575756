//! The decoder against bytes that nobody wrote as a value, and the size of what it makes of them.

use std::cell::Cell;

use super::{Unread, decode_with, encode, mutations};
use crate::js::{
    objects::Objects,
    value::{BigInt, ErrorObject, RegExp, TypedArray, Value},
};

/// Most bytes of memory that one byte of the wire may become, with all that is needed meanwhile: each may stand for an
/// element of the largest kind, an entry of a map, and a vector that grew may have room for twice as many.
const PER_BYTE: u64 = 4 * size_of::<(Value, Value)>() as u64;

/// Most bytes of memory beside: the reason for a refusal, whatever was refused.
const REASON: u64 = 4096;

fn decode(bytes: &[u8]) -> Result<Value, String> {
    super::decode(bytes, usize::MAX).map_err(reason)
}

fn reason(unread: Unread) -> String {
    match unread {
        Unread::Malformed(reason) => reason,
        Unread::TooLarge => "it takes more than there is".to_owned(),
        Unread::Stopped => "it was not to go on".to_owned(),
    }
}

/// Decodes in no more memory than there may be for so many bytes, and than it says; in less it is refused.
fn decode_within_bounds(bytes: &[u8]) -> Result<Value, String> {
    let objects = Objects::default();
    let mut decoded = Err(Unread::TooLarge);
    let measured = allocation_counter::measure(|| decoded = decode_with(bytes, &objects, usize::MAX, &|| true));
    let (taken, most) = (measured.bytes_max, PER_BYTE * bytes.len() as u64 + REASON);
    assert!(taken <= most, "{taken} bytes for {}: {bytes:02x?}", bytes.len());
    let (value, counted) = decoded.map_err(reason)?;
    let kept = u64::try_from(measured.bytes_current).expect("nothing was freed that was not allocated");
    assert!(kept <= counted as u64, "{kept} bytes, of which {counted} are counted: {bytes:02x?}");
    if let Some(less) = counted.checked_sub(1) {
        assert!(matches!(decode_with(bytes, &objects, less, &|| true), Err(Unread::TooLarge)), "{bytes:02x?}");
    }
    Ok(value)
}

/// Whether bytes are a value. One that is comes back as it was.
fn check(bytes: &[u8]) -> bool {
    let Ok(value) = decode_within_bounds(bytes) else { return false };
    let again = encode(&value, "value").expect("what was decoded has no reference to nothing").bytes;
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
    encode(&value, "value").expect("every reference is to something").bytes
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
fn fuzz_any_bytes_are_a_value_or_refused() {
    let sample = sample();
    let Ok(Value::Array(parts)) = decode(&sample) else { unreachable!("the sample is a list") };
    // Parts that refer to others are no values by themselves.
    let mut values: Vec<Vec<u8>> = parts.iter().filter_map(|part| Some(encode(part, "part").ok()?.bytes)).collect();
    values.push(sample);
    let (mut accepted, mut refused) = (0, 0);
    mutations::rounds(200_000, |random| match check(&mutations::bytes(random, &values)) {
        true => accepted += 1,
        false => refused += 1,
    });
    println!("{accepted} accepted, {refused} refused");
    assert!(accepted > 1000 && refused > 1000, "{accepted} accepted, {refused} refused");
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
        let reason = decode_within_bounds(&level.repeat(100_000)).expect_err("it has no end");
        assert!(reason.contains("nested deeper") || reason.contains("a mark of no value"), "{reason}");
    }
}

#[test]
fn lists_within_one_another_that_say_that_they_are_long_are_refused() {
    for head in [&[0x9a][..], &[0xba], &[0xd9, 1, 2, 0x9a], &[0xd9, 1, 3, 0xba]] {
        let mut bytes = [head, &60_000_u32.to_be_bytes()].concat().repeat(100);
        bytes.resize(61_000, 0xf6);
        assert!(decode_within_bounds(&bytes).is_err());
    }
}

#[test]
fn what_is_not_to_go_on_is_read_no_further() {
    let list = |value: Value| Value::Array(vec![value; 100_000]);
    let number = vec![("n".into(), 1.into())];
    let entries = Value::Map(vec![(1.into(), 2.into()); 50_000]);
    let long = Value::Array(vec![
        Value::Bytes(vec![0; 1 << 20]),
        "x".repeat(1 << 20).into(),
        TypedArray::Int8(vec![0; 1 << 20]).into(),
    ]);
    for (value, looks) in [
        (list(1.into()), 97),
        (list("text".into()), 195),
        (list(Value::Object(number)), 292),
        (entries, 97),
        (Value::Set(vec![Value::Undefined; 100_000]), 97),
        (list(Value::Hole), 97),
        (Value::BigInt(BigInt(num_bigint::BigInt::from(1) << (8_usize << 20))), 1),
        (long, 3),
        ("short".into(), 0),
    ] {
        let bytes = encode(&value, "value").expect("it has no references").bytes;
        for stopped_at in 0..=looks {
            let asked = Cell::new(0);
            let goes_on = || asked.replace(asked.get() + 1) != stopped_at;
            let decoded = decode_with(&bytes, &Objects::default(), usize::MAX, &goes_on);
            assert_eq!(matches!(decoded, Err(Unread::Stopped)), stopped_at < looks, "{decoded:?}");
            assert_eq!(asked.get(), looks.min(stopped_at + 1));
        }
    }
}
