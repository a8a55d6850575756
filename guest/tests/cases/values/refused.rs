//! Bytes that are no value, or none that may come in.

use aiointernal_guest::{Failure, ResultForm};

use crate::{engine, eval, get, hex, invalid, random::Random, set, thrown, unhex};

/// An item within `levels` lists.
pub(super) fn nested(levels: usize, item: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x81; levels];
    bytes.extend(item);
    bytes
}

#[test]
fn malformed_values_are_refused_with_the_place() {
    let (engine, _) = engine();
    for (value, reason) in [
        // Ends too early.
        ("", "end of input bytes"),
        ("18", "end of input bytes"),
        ("1b00000000", "end of input bytes"),
        ("fb00", "end of input bytes"),
        ("6261", "end of input bytes"),
        ("4201", "end of input bytes"),
        ("8201", "end of input bytes"),
        ("a16161", "end of input bytes"),
        ("c1", "end of input bytes"),
        ("c2", "end of input bytes"),
        ("d81b82", "end of input bytes"),
        // Goes on after its end.
        ("0000", "bytes follow the value at byte 1"),
        ("8000", "bytes follow the value at byte 1"),
        // Says that it is longer than it can be.
        ("9bffffffffffffffff", "a length beyond the end at byte 0"),
        ("bbffffffffffffffff", "a length beyond the end at byte 0"),
        ("9a00100000 00", "a length beyond the end at byte 0"),
        ("81 9a7fffffff", "a length beyond the end at byte 1"),
        ("5bffffffffffffffff", "end of input bytes"),
        ("7b7fffffffffffffff", "end of input bytes"),
        ("c25b7fffffffffffffff", "end of input bytes"),
        // Has no length.
        ("9fff", "indefinite array at byte 0"),
        ("01 9f", "bytes follow the value at byte 1"),
        ("bfff", "indefinite map at byte 0"),
        ("81bf6161 01ff", "indefinite map at byte 1"),
        ("5f4101ff", "indefinite bytes at byte 0"),
        ("7f6161ff", "indefinite string at byte 0"),
        ("ff", "break at byte 0"),
        ("81ff", "break at byte 1"),
        // Is of no known type.
        ("f0", "simple at byte 0"),
        ("f8ff", "simple at byte 0"),
        ("81e0", "simple at byte 1"),
        ("1c", "0x1c at byte 0"),
        ("fc", "0xfc at byte 0"),
        // Has a tag that means nothing here, or another content than the tag says.
        ("c0 6161", "tag 0 at byte 0"),
        ("82 01 d9d9f7 01", "tag 55799 at byte 2"),
        ("db ffffffffffffffff 00", "tag 18446744073709551615 at byte 0"),
        ("c1 6161", "a date that is not a number at byte 0"),
        ("81 c1 f6", "a date that is not a number at byte 1"),
        ("c1 c24101", "a date that is not a number at byte 0"),
        ("c1 80", "a date that is not a number at byte 0"),
        ("d81b 82 634d6170 80", "an object of class \"Map\" at byte 0"),
        ("d81b 83 6b4172726179427566666572 40 40", "an object of class \"ArrayBuffer\" at byte 0"),
        ("d81b 9f 6b4172726179427566666572 40 ff", "an object of class \"ArrayBuffer\" at byte 0"),
    ] {
        let expected = format!("global \"value\" is not an encoded value: {reason}");
        assert_eq!(invalid(set(engine, "value", &unhex(value))), expected, "{value}");
    }
    assert_eq!(get(engine, "value"), Ok("undefined".into()));
}

#[test]
fn values_of_the_wrong_type_are_refused_with_the_place() {
    let (engine, _) = engine();
    for (value, at) in [
        ("a1 01 02", 1),
        ("a1 f6 02", 1),
        ("a2 6161 01 80 02", 4),
        ("c2 01", 1),
        ("c3 6161", 1),
        ("d840 80", 2),
        ("d81b 01", 2),
        ("d81b 82 01 40", 3),
        ("d81b 82 6b4172726179427566666572 80", 15),
    ] {
        let reason = invalid(set(engine, "value", &unhex(value)));
        assert!(reason.contains(&format!("at position {at}")), "{value}: {reason}");
    }
    for value in ["62 c328", "61 80", "63 eda080", "a1 61ff 01"] {
        let reason = invalid(set(engine, "value", &unhex(value)));
        assert!(reason.contains("utf-8"), "{value}: {reason}");
    }
}

#[test]
fn every_prefix_of_a_value_is_refused() {
    let (engine, _) = engine();
    let value = unhex(
        "87 01 820203 a2 6161 f93c00 626263 fb3fb999999999999a c11a00010203 c2420102 43010203 d81b826b41727261794275666665724101",
    );
    assert_eq!(set(engine, "value", &value), Ok(()));
    for end in 0..value.len() {
        invalid(set(engine, "value", &value[..end]));
    }
}

#[test]
fn no_bytes_at_all_make_the_engine_panic() {
    let (engine, _) = engine();
    let mut random = Random(7);
    for _ in 0..20_000 {
        let mut value: Vec<u8> = (0..random.below(24)).map(|_| random.next() as u8).collect();
        // Mostly of what leads on: lists, objects, tags and short texts.
        for byte in &mut value {
            if random.below(2) == 0 {
                *byte = [0x81, 0x82, 0xa1, 0xa2, 0x61, 0x41, 0xc1, 0xc2, 0xc3, 0xd8, 0x1b, 0x40, 0xf9, 0xfa]
                    [random.below(14)];
            }
        }
        match set(engine, "value", &value) {
            Ok(()) => drop(engine.get_global("value", ResultForm::Value).expect("what came in can go out")),
            Err(Failure::InvalidArgument(_)) => {}
            Err(other) => panic!("{}: {other:?}", hex(&value)),
        }
    }
}

#[test]
fn values_cross_as_deep_as_they_may_and_no_deeper() {
    let (engine, _) = engine();
    let deepest = nested(128, &[0x01]);
    assert_eq!(set(engine, "value", &deepest), Ok(()));
    assert_eq!(engine.get_global("value", ResultForm::Value), Ok(deepest));
    let reason = "global \"value\" is not an encoded value: nested deeper than 128 levels at byte 128";
    assert_eq!(invalid(set(engine, "value", &nested(129, &[0x01]))), reason);
    assert_eq!(invalid(set(engine, "value", &nested(100_000, &[0x01]))), reason);
    let objects = [0xa1, 0x61, b'a'].repeat(100_000);
    assert!(invalid(set(engine, "value", &objects)).ends_with("nested deeper than 128 levels at byte 384"));
    assert!(invalid(set(engine, "value", &[0xc1; 100])).contains("end of input bytes"));
}

#[test]
fn a_tower_of_date_tags_is_refused() {
    let (engine, _) = engine();
    let reason = invalid(set(engine, "value", &[0xc1; 10_000_000]));
    assert!(reason.contains("nested deeper") || reason.contains("a date that is not a number"));
}

#[test]
fn a_bigint_that_is_too_large_throws_and_nothing_else() {
    let (engine, _) = engine();
    let mut value = vec![0xc2, 0x5a, 0x00, 0x03, 0x00, 0x00];
    value.extend([0xff; 0x30000]);
    assert!(thrown(set(engine, "value", &value)).starts_with("RangeError: "));
    assert_eq!(eval(engine, "1 + 1"), Ok("2".into()));
}
