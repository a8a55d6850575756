//! The forms in which values of every kind are written, and what is refused.

use super::refused::nested;
use crate::{engine, eval, get, hex, invalid, set, unhex};
use aiointernal_guest::{Failure, ResultForm, SourceKind};

#[test]
fn every_kind_of_object_has_one_encoded_form() {
    let (engine, _) = engine();
    for (source, expected) in [
        ("[1, , undefined, , ]", "84 01 d81ff7 f7 d81ff7"),
        ("/a+/gi", "d81b 83 66526567457870 62612b 626769"),
        ("new Map([[1, 'a'], [{}, 2]])", "d90103 a2 01 6161 a0 02"),
        ("new Set([1, 'a'])", "d90102 82 01 6161"),
        ("new Int8Array([-1])", "d848 41 ff"),
        ("new Uint8ClampedArray([1])", "d844 41 01"),
        ("new Int16Array([1])", "d84d 42 0100"),
        ("new Uint16Array([1])", "d845 42 0100"),
        ("new Int32Array([1])", "d84e 44 01000000"),
        ("new Uint32Array([1])", "d846 44 01000000"),
        ("new BigInt64Array([1n])", "d84f 48 0100000000000000"),
        ("new BigUint64Array([1n])", "d847 48 0100000000000000"),
        ("new Float16Array([1])", "d854 42 003c"),
        ("new Float32Array([1])", "d855 44 0000803f"),
        ("new Float64Array([1])", "d856 48 000000000000f03f"),
        ("new DataView(new ArrayBuffer(1))", "d81b 82 684461746156696577 41 00"),
        ("Object(true)", "d81b 82 67426f6f6c65616e f5"),
        ("Object(1)", "d81b 82 664e756d626572 01"),
        ("Object('a')", "d81b 82 66537472696e67 6161"),
        ("Object(1n)", "d81b 82 66426967496e74 c24101"),
        (
            "(() => { const e = new Error('m', { cause: 1 }); return Object.defineProperty(e, 'stack', { value: 's' }) })()",
            "d81b 82 654572726f72 a4 646e616d65 654572726f72 676d657373616765 616d 65737461636b 6173 656361757365 01",
        ),
        ("(() => { const o = {}; return [o, o] })()", "82 d81c a0 d81d 00"),
        ("(() => { const o = {}; o.o = o; return o })()", "d81c a1 616f d81d 00"),
        // In the order in which they stand, and those that come once have no number.
        ("(() => { const a = [], b = [a], c = {}; return [c, b, a, b] })()", "84 a0 d81c 81 d81c 80 d81d 01 d81d 00"),
    ] {
        let value =
            crate::evaluate(engine, &crate::source(&format!("({source})"), SourceKind::Script), ResultForm::Value);
        assert_eq!(value.map(|value| hex(&value)), Ok(expected.replace(' ', "")), "{source}");
    }
}

#[test]
fn other_forms_of_an_object_mean_the_same() {
    let (engine, _) = engine();
    for (value, expected) in [
        // Marks that nobody refers to, and of what is no object.
        ("d81c 80", "[]"),
        ("82 d81c 6161 d81d 00", r#"["a", "a"]"#),
        ("82 d81c c100 d81d 1800", "[&0 date(0), *0]"),
        ("83 d81c 80 d81c d81d 00 d81d 01", "[&0 [], *0, *0]"),
        // Members of an error in any order, and none.
        (
            "d81b 82 654572726f72 a2 65636175736501 676d657373616765 616d",
            r#"Error{name: "Error", message: "m", cause: 1}"#,
        ),
        ("d81b 82 654572726f72 a0", r#"Error{name: "Error", message: ""}"#),
        // Entries and members that come twice.
        ("d90103 a2 01 02 01 03", "Map{1 => 3}"),
        ("d90102 82 01 01", "Set{1}"),
    ] {
        assert_eq!(set(engine, "value", &unhex(value)), Ok(()), "{value}");
        assert_eq!(get(engine, "value"), Ok(expected.to_owned()), "{value}");
    }
}

#[test]
fn malformed_objects_are_refused_with_the_place() {
    let (engine, _) = engine();
    for (value, reason) in [
        ("d81d 00", "a reference to nothing at byte 0"),
        ("82 d81c 80 d81d 01", "a reference to nothing at byte 4"),
        ("82 d81d 00 d81c 80", "a reference to nothing at byte 1"),
        ("82 d81c 80 d81d 1bffffffffffffffff", "a reference to nothing at byte 4"),
        ("d81c d81d 00", "a reference to a value that begins with it at byte 2"),
        ("d81c c1 d81d 00", "a reference to a value that begins with it at byte 3"),
        ("d81c d81c 80", "a mark of a mark at byte 2"),
        ("d81f f7", "tag 31 at byte 0"),
        ("d84d 41 00", "1 bytes for the 2 of each element of a Int16Array at byte 0"),
        ("d856 49 000000000000000000", "9 bytes for the 8 of each element of a Float64Array at byte 0"),
        ("d841 42 0000", "tag 65 at byte 0"),
        ("d90103 ba 7fffffff", "a length beyond the end at byte 3"),
        ("d90102 9b ffffffffffffffff", "a length beyond the end at byte 3"),
        ("d90102 9f ff", "an indefinite length at byte 3"),
        ("d81b 82 654572726f72 a1 61780 1", "an error's member \"x\" at byte 10"),
        ("d81b 83 654572726f72 a0 01", "an object of class \"Error\" at byte 0"),
        ("d81b 82 66526567457870 6161", "an object of class \"RegExp\" at byte 0"),
        ("d81b 82 664e756d626572 6161", "another content in a Number at byte 0"),
        ("d81b 82 66537472696e67 80", "another content in a String at byte 0"),
        ("d81b 82 67426f6f6c65616e f7", "another content in a Boolean at byte 0"),
        ("d81b 82 6653796d626f6c 6161", "another content in a Symbol at byte 0"),
    ] {
        let expected = format!("global \"value\" is not an encoded value: {reason}");
        assert_eq!(invalid(set(engine, "value", &unhex(value))), expected, "{value}");
    }
    for value in
        ["d81d 6161", "d81d 20", "81 d81f 01", "d90103 80", "d90102 a0", "d81b 82 654572726f72 a1 646e616d65 01"]
    {
        invalid(set(engine, "value", &unhex(value)));
    }
}

#[test]
fn marks_are_no_level_of_nesting() {
    let (engine, _) = engine();
    // Every list but the innermost is referred to at the end.
    let mut deepest = [0xd8, 0x1c, 0x82].repeat(127);
    deepest.push(0x80);
    for mark in 0..127 {
        deepest.extend([0xd8, 0x1d, 0x18, mark]);
    }
    assert_eq!(set(engine, "value", &deepest), Ok(()));
    let back = engine.get_global("value", ResultForm::Value).expect("it can go out as it came in");
    assert_eq!(set(engine, "value", &back), Ok(()));
    assert_eq!(eval(engine, "let depth = 0; for (let v = value; v; v = v[0]) depth++; depth"), Ok("128".into()));
    for level in [&[0x81][..], &[0xd8, 0x1c, 0x81], &[0xd9, 0x01, 0x02, 0x81], &[0xd9, 0x01, 0x03, 0xa1, 0x00]] {
        assert_eq!(set(engine, "value", &[&level.repeat(128)[..], &[0x01]].concat()), Ok(()));
        let reason = invalid(set(engine, "value", &[&level.repeat(100_000)[..], &[0x01]].concat()));
        assert!(reason.contains("nested deeper than 128 levels"), "{reason}");
    }
    assert!(invalid(set(engine, "value", &[0xd8, 0x1c].repeat(100_000))).contains("a mark of a mark"));
}

#[test]
fn a_name_is_never_taken_for_another_of_the_same_bytes() {
    let (engine, _) = engine();
    // U+00C3 U+00A9 are the bytes of U+00E9 in UTF-8.
    eval(engine, "var held = { '\\u00c3\\u00a9': 1 }, look = (v) => [v['\\u00c3\\u00a9'], v['\\u00e9']]")
        .expect("it is right");
    assert_eq!(set(engine, "v", &unhex("a1 62c3a9 01")), Ok(()));
    assert_eq!(eval(engine, "look(v)"), Ok("[undefined, 1]".into()));
    // As a global, set and read.
    assert_eq!(set(engine, "\u{e9}", &unhex("02")), Ok(()));
    assert_eq!(eval(engine, "look(globalThis)"), Ok("[undefined, 2]".into()));
    assert_eq!(set(engine, "\u{e9}-", &unhex("03")), Ok(()));
    eval(engine, "globalThis['\\u00c3\\u00a9-'] = 4").expect("it is right");
    assert_eq!(get(engine, "\u{e9}-"), Ok("3".into()));
}

#[test]
fn strings_of_every_width_come_in_as_they_are() {
    let (engine, _) = engine();
    eval(engine, "var same = (a, b) => a === b").expect("it is right");
    for text in
        ["", "ascii", "\u{7f}\u{80}\u{ff}", "\u{ff}\u{100}", "\u{d7ff}\u{e000}\u{ffff}", "a\u{10000}b\u{10ffff}", "\0"]
    {
        let mut value = vec![0x78, text.len() as u8];
        value.extend(text.as_bytes());
        assert_eq!(set(engine, "value", &value), Ok(()));
        let literal: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        assert_eq!(eval(engine, &format!("same(value, '{literal}')")), Ok("true".into()), "{text:?}");
        assert_eq!(eval(engine, &format!("({{ [value]: 1 }})['{literal}']")), Ok("1".into()), "{text:?}");
    }
}

#[test]
fn the_longest_path_still_ends_with_what_it_is_about() {
    let (engine, _) = engine();
    let source = "let deep = () => 1; for (let i = 0; i < 128; i++) deep = { ['name'.repeat(2000)]: deep }; deep";
    let Err(Failure::NotTransferable(what)) = eval(engine, source) else { panic!("a function cannot cross") };
    assert!(what.ends_with("name...: a function"), "{what}");
    assert!(what.len() < 10_000, "{}", what.len());
}

#[test]
fn what_comes_in_is_no_deeper_than_what_can_go_out() {
    let (engine, _) = engine();
    // Within 127 lists each is the 128th level, and within 128 it is one more, unless it is no object.
    for (value, is_object) in [
        ("00", false),
        ("6161", false),
        ("c24101", false),
        ("40", true),
        ("80", true),
        ("a0", true),
        ("c100", true),
        ("d84840", true),
        ("d9010280", true),
        ("d90103a0", true),
        ("d81b 82 66537472696e67 60", true),
    ] {
        let within = |levels| nested(levels, &unhex(value));
        assert_eq!(set(engine, "value", &within(127)), Ok(()), "{value}");
        assert!(engine.get_global("value", ResultForm::Value).is_ok(), "{value}");
        match set(engine, "value", &within(128)) {
            Ok(()) => assert!(!is_object && engine.get_global("value", ResultForm::Value).is_ok(), "{value}"),
            refused => assert!(is_object && invalid(refused).contains("nested deeper than 128 levels"), "{value}"),
        }
    }
}
