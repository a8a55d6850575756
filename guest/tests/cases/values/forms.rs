//! The form in which a plain value is written, the others that mean the same, and how long a value may be.

use aiointernal_guest::{Failure, ResultForm, Settings, SourceKind};
use minicbor::{Encoder, data::Tag};

use crate::{
    SETTINGS, call, call_encoded, case_file, engine, eval, eval_text, evaluate, get, hex, random::Random, render, set,
    source, unhex,
};

#[test]
fn every_kind_of_value_has_one_encoded_form() {
    let (engine, _) = engine();
    for (source, expected) in [
        ("undefined", "f7"),
        ("null", "f6"),
        ("[true, false]", "82 f5 f4"),
        ("[0, 23, 24, 255, 256, 65536, 4294967296]", "87 00 17 18 18 18 ff 19 0100 1a 00010000 1b 0000000100000000"),
        ("[-1, -24, -25, -256, -257]", "85 20 37 38 18 38 ff 39 0100"),
        ("[2 ** 53 - 1, -(2 ** 53 - 1)]", "82 1b 001fffffffffffff 3b 001ffffffffffffe"),
        ("[2 ** 53, -(2 ** 53), 2 ** 53 + 2]", "83 fa 5a000000 fa da000000 fb 4340000000000001"),
        (
            "[-0, 0.5, 0.1, 2 ** -149, 2 ** 128]",
            "85 fa 80000000 fa 3f000000 fb 3fb999999999999a fa 00000001 fb 47f0000000000000",
        ),
        ("[NaN, Infinity, -Infinity]", "83 fa 7fc00000 fa 7f800000 fa ff800000"),
        ("[0n, 1n, -1n, 255n, 256n, -256n, -257n]", "87 c2 40 c2 41 01 c3 40 c2 41 ff c2 42 0100 c3 41 ff c3 42 0100"),
        ("[2n ** 64n, -(2n ** 64n)]", "82 c2 49 010000000000000000 c3 48 ffffffffffffffff"),
        ("['', 'ü\\0', '\\ud83d\\ude00', '\\ud83d']", "84 60 63 c3bc00 64 f09f9880 63 efbfbd"),
        (
            "[new Date(0), new Date(1500), new Date(1), new Date(-86400000), new Date(NaN)]",
            "85 c1 00 c1 fa 3fc00000 c1 fb 3f50624dd2f1a9fc c1 3a 0001517f c1 fa 7fc00000",
        ),
        ("new Uint8Array([1, 2])", "42 0102"),
        ("new Uint8Array([1, 2]).buffer", "d81b 82 6b 4172726179427566666572 42 0102"),
        ("[[], {}, [,], [1, undefined, , 2]]", "84 80 a0 81 d81f f7 84 01 f7 d81f f7 02"),
        ("({ b: 1, a: undefined, 0: [] })", "a3 61 30 80 61 62 01 61 61 f7"),
    ] {
        let value = evaluate(engine, &crate::source(&format!("({source})"), SourceKind::Script), ResultForm::Value);
        assert_eq!(value.map(|value| hex(&value)), Ok(expected.replace(' ', "")), "{source}");
    }
}

#[test]
fn globals_are_read_back_as_they_were_set() {
    let (engine, _) = engine();
    let values = "f7 f6 f5 f4 00 17 1818 20 3903e7 1b001fffffffffffff 3b001ffffffffffffe fa80000000 fa7fc00000 \
        fa7f800000 faff800000 fa3fc00000 fb3fb999999999999a fb4340000000000001 60 6161 63c3bc00 64f09f9880 \
        40 420102 d81b826b417272617942756666657240 d81b826b41727261794275666665724301fe00 c100 c1fa3fc00000 \
        c1fb3f50624dd2f1a9fc c1fa7fc00000 c11b000007dba8218000 c13b000007dba8217fff c240 c24101 c340 c34101 \
        c249010000000000000000 80 83010203 8180 a0 a161616162 a2616101616281a16163f6 \
        a1695f5f70726f746f5f5f01";
    eval(engine, "function same(value) { return value }").unwrap();
    for value in values.split_whitespace() {
        assert_eq!(set(engine, "value", &unhex(value)), Ok(()), "{value}");
        assert_eq!(engine.get_global("value", ResultForm::Value).map(|value| hex(&value)), Ok(value.to_owned()));
        assert_eq!(call_encoded(engine, "same", &[unhex(value)]).map(|value| hex(&value)), Ok(value.to_owned()));
    }
}

#[test]
fn other_forms_of_a_value_mean_the_same() {
    let (engine, _) = engine();
    for (value, expected) in [
        ("1800", "0"),
        ("1b0000000000000001", "1"),
        ("3b0000000000000000", "-1"),
        ("f93c00", "1"),
        ("f98000", "-0"),
        ("f97e00", "NaN"),
        ("f90001", "5.960464477539063e-8"),
        ("fb3ff0000000000000", "1"),
        ("fb8000000000000000", "-0"),
        ("fb7ff8000000000001", "NaN"),
        ("1b0020000000000000", "9007199254740992n"),
        ("3b001fffffffffffff", "-9007199254740992n"),
        ("1bffffffffffffffff", "18446744073709551615n"),
        ("3bffffffffffffffff", "-18446744073709551616n"),
        ("c24400000005", "5n"),
        ("c3420000", "-1n"),
        ("d84043010203", "h'010203'"),
        ("780161", "\"a\""),
        ("98020102", "[1, 2]"),
        ("b8016161 f6", "{\"a\": null}"),
        ("a2616101616102", "{\"a\": 2}"),
        ("a26162016131 02", "{\"1\": 2, \"b\": 1}"),
        ("c1fb430c6bf526340000", "date(NaN)"),
        ("c1fa7f800000", "date(NaN)"),
        ("c1fb3f40624dd2f1a9fc", "date(1)"),
    ] {
        assert_eq!(set(engine, "value", &unhex(value)), Ok(()), "{value}");
        assert_eq!(get(engine, "value"), Ok(expected.to_owned()), "{value}");
    }
}

#[test]
fn values_arrive_with_the_type_that_they_left_with() {
    let (engine, _) = engine();
    eval(engine, "function type(v) { return typeof v === 'object' ? Object.prototype.toString.call(v) + Object.isExtensible(v) : typeof v }").unwrap();
    for (value, expected) in [
        ("f7", "undefined"),
        ("f6", "[object Null]false"),
        ("f5", "boolean"),
        ("01", "number"),
        ("c24101", "bigint"),
        ("1b0020000000000000", "bigint"),
        ("60", "string"),
        ("c100", "[object Date]true"),
        ("4101", "[object Uint8Array]true"),
        ("d81b826b41727261794275666665724101", "[object ArrayBuffer]true"),
        ("80", "[object Array]true"),
        ("a0", "[object Object]true"),
    ] {
        assert_eq!(call(engine, "type", &[value]), Ok(case_file::quoted(expected)));
    }
}

#[test]
fn dates_keep_their_milliseconds_as_far_as_they_reach() {
    let (engine, _) = engine();
    eval(engine, "const time = (date) => date.getTime()").unwrap();
    let mut random = Random(3);
    for _ in 0..20_000 {
        let millis = (random.next() as i64) % 8_640_000_000_000_001;
        let mut out = Encoder::new(Vec::new());
        out.tag(Tag::new(1)).and_then(|out| out.f64(millis as f64 / 1000.0)).expect("a vector takes every byte");
        let time = call_encoded(engine, "time", &[out.into_writer()]).map(|value| render(&value));
        assert_eq!(time, Ok(millis.to_string()));
    }
}

#[test]
fn large_values_cross() {
    let (engine, _) = engine();
    engine.configure(Settings { memory_bytes: 256 << 20, result_bytes: 16 << 20, ..SETTINGS });
    let mut list = vec![0x9a, 0x00, 0x03, 0x0d, 0x40];
    list.extend([0x07; 200_000]);
    let mut bytes = vec![0x5a, 0x00, 0x50, 0x00, 0x00];
    bytes.extend([0xab; 5 << 20]);
    let mut text = vec![0x7a, 0x00, 0x50, 0x00, 0x00];
    text.extend([b'x'; 5 << 20]);
    for value in [list, bytes, text] {
        assert_eq!(set(engine, "value", &value), Ok(()));
        assert!(engine.get_global("value", ResultForm::Value) == Ok(value));
    }
}

#[test]
fn a_result_may_be_as_long_as_its_limit_and_no_longer() {
    let (engine, _) = engine();
    let limit = |bytes| engine.configure(Settings { result_bytes: bytes, ..SETTINGS });
    for text in [
        "'x'.repeat(1000)",
        "'\\ud800'.repeat(100)",
        "new Uint8Array(300)",
        "new ArrayBuffer(300)",
        "10n ** 100n",
        "[1, 2, 3]",
        "({ a: 1, 'long name': 'x' })",
        "[[[[]]]]",
        "new Date(1)",
        "1",
        "undefined",
        "0.1",
        "new Array(100)",
        "[{}, [{}]]",
        "Promise.resolve('later')",
    ] {
        let run = || evaluate(engine, &source(&format!("({text})"), SourceKind::Script), ResultForm::Value);
        limit(1 << 20);
        let length = run().expect("it is short enough").len() as u32;
        limit(length);
        assert_eq!(run().map(|value| value.len() as u32), Ok(length), "{text}");
        limit(length - 1);
        assert_eq!(run(), Err(Failure::ResultTooLarge(length - 1)), "{text}");
        limit(0);
        assert_eq!(run(), Err(Failure::ResultTooLarge(0)), "{text}");
    }
    limit(10);
    assert_eq!(eval_text(engine, "'x'.repeat(11)"), Err(Failure::ResultTooLarge(10)));
    assert_eq!(get(engine, "missing"), Ok("undefined".into()));
    assert_eq!(call(engine, "String", &["6b6161616161616161616161"]), Err(Failure::ResultTooLarge(10)));
    assert_eq!(set(engine, "value", &unhex("6b6161616161616161616161")), Ok(()));
    assert_eq!(get(engine, "value"), Err(Failure::ResultTooLarge(10)));
}
