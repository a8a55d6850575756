use super::{
    SourceMaps, data_url,
    frame::{Frame, Line},
    lines,
    mappings::{Malformed, Original, Segment, Segments},
};

const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn vlq(number: i64, out: &mut String) {
    let mut bits = number.unsigned_abs() << 1 | u64::from(number < 0);
    loop {
        let digit = (bits & 31) as usize;
        bits >>= 5;
        out.push(char::from(DIGITS[if bits > 0 { digit | 32 } else { digit }]));
        if bits == 0 {
            break;
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) as usize & 63;
            out.push(if place <= chunk.len() { char::from(DIGITS[digit]) } else { '=' });
        }
    }
    out
}

/// Segments in order, in the notation of mappings.
fn written(segments: &[Segment]) -> String {
    let (mut out, mut line, mut before) = (String::new(), 0, [0_i64; 5]);
    for segment in segments {
        if segment.line > line {
            out.extend((line..segment.line).map(|_| ';'));
            (line, before[0]) = (segment.line, 0);
        } else if !out.is_empty() && !out.ends_with(';') {
            out.push(',');
        }
        let mut fields = vec![i64::from(segment.column)];
        if let Some(Original { source, line, column, name }) = segment.original {
            fields.extend([source, line, column].into_iter().chain(name).map(i64::from));
        }
        for (field, before) in fields.iter().zip(&mut before) {
            vlq(field - *before, &mut out);
            *before = *field;
        }
    }
    out
}

fn read(mappings: &str) -> Result<Vec<Segment>, Malformed> {
    let mut segments = Segments::of(mappings);
    let mut read = Vec::new();
    while let Some(segment) = segments.next()? {
        read.push(segment);
    }
    Ok(read)
}

fn random_segments(random: &mut Random) -> Vec<Segment> {
    let mut segments = Vec::new();
    let (mut line, mut column) = (0, 0);
    for _ in 0..random.below(40) {
        match random.below(4) {
            0 => (line, column) = (line + 1 + random.below(3) as u32, 0),
            1 => column += random.below(1 << 20) as u32,
            _ => column += random.below(50) as u32,
        }
        let number = |random: &mut Random| random.below(1 << 32) as u32;
        let original = (random.below(5) > 0).then(|| Original {
            source: random.below(4) as u32,
            line: number(random),
            column: random.below(100) as u32,
            name: (random.below(2) > 0).then(|| random.below(1000) as u32),
        });
        segments.push(Segment { line, column, original });
    }
    segments
}

#[test]
fn random_mappings_are_read_as_they_were_written() {
    let random = &mut Random(1);
    for _ in 0..2000 {
        let segments = random_segments(random);
        assert_eq!(read(&written(&segments)), Ok(segments));
    }
}

#[test]
fn mappings_with_changed_bytes_are_read_in_order_or_refused() {
    let random = &mut Random(2);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..5000 {
        let mut mappings = written(&random_segments(random)).into_bytes();
        for _ in 0..=random.below(4) {
            if !mappings.is_empty() {
                let at = random.below(mappings.len() as u64) as usize;
                mappings[at] = random.below(128) as u8;
            }
        }
        match read(&String::from_utf8(mappings).expect("bytes below 128")) {
            Ok(segments) => {
                accepted += 1;
                assert!(segments.is_sorted_by_key(|segment| (segment.line, segment.column)));
            }
            Err(Malformed) => refused += 1,
        }
    }
    assert!(accepted > 100 && refused > 100, "{accepted} {refused}");
}

#[test]
fn mappings_that_are_wrong_are_refused() {
    // Two fields, three, six; back in the line; below zero; a number without an end, one that is too long; no digit.
    for wrong in ["AA", "AAA", "AAAAAA", "CAAA,DAAA", "ADAA", "g", "gggggggg", "ggggggggA", "A!", "é"] {
        assert_eq!(read(wrong), Err(Malformed), "{wrong}");
    }
    assert_eq!(read(",;,;").map(|segments| segments.len()), Ok(0));
}

#[test]
fn a_url_is_read_in_each_of_its_forms_or_not_at_all() {
    let json = "{\"é\":1}";
    let encoded = base64(json.as_bytes());
    for url in [
        format!("data:application/json;base64,{encoded}"),
        format!("data:application/json;charset=utf-8;base64,{encoded}"),
        format!("data:Application/JSON;Charset=UTF-8;base64,{}", encoded.replace('=', "%3D")),
        format!("data:application/json;base64,{}", encoded.trim_end_matches('=')),
        "data:application/json,{%22%C3%a9%22:1}".to_owned(),
        "data:application/json;charset=utf-8,%7B\"é\":1%7D".to_owned(),
    ] {
        assert_eq!(data_url::json(&url).as_deref(), Some(json), "{url}");
    }
    for wrong in [
        "data:text/plain,1",
        "data:application/json;charset=latin1,1",
        "data:application/json",
        "data:application/json,%4",
        "data:application/json,%zz",
        "data:application/json,%ff",
        "data:application/json;base64,A",
        "data:application/json;base64,AA=A",
        "data:application/json;base64,AA===",
        "data:application/json;base64,A-A_",
        "https://example.com/map.json",
    ] {
        assert_eq!(data_url::json(wrong), None, "{wrong}");
    }
}

#[test]
fn the_comment_is_that_of_the_last_line() {
    let url = "data:application/json,1";
    for text in [
        format!("1\n//# sourceMappingURL={url}"),
        format!("1\r\n//# sourceMappingURL={url}\r\n\n  "),
        format!("//@ sourceMappingURL={url}"),
        format!("code() //# sourceMappingURL={url}"),
    ] {
        assert_eq!(data_url::of(&text), Some(url), "{text:?}");
    }
    for text in [
        format!("//# sourceMappingURL={url}\ncode()"),
        format!("//# sourceMappingURL={url} more"),
        "//# sourceMappingURL=map.json".to_owned(),
        String::new(),
    ] {
        assert_eq!(data_url::of(&text), None, "{text:?}");
    }
}

#[test]
fn frames_are_told_from_other_lines() {
    let parse = |line| {
        let line = Line::parse(line)?;
        ["a.js", "b (1).js", "http://x/y.js"].into_iter().find_map(|file| line.within(file))
    };
    let frame = |function, line, column| Some(Frame { function, line, column });
    assert_eq!(parse("    at f (a.js:1:2)"), frame(Some("f"), 1, 2));
    assert_eq!(parse("    at get x (b (1).js:3:4)"), frame(Some("get x"), 3, 4));
    assert_eq!(parse("at http://x/y.js:5:6"), frame(None, 5, 6));
    for other in [
        "",
        "at",
        "    at xa.js:1:2",
        "    at f a.js:1:2",
        "    at f (a.js:1:2",
        "    at (a.js:1:2)",
        "    at f (xa.js:1:2)",
        "    at f (native)",
        "    at f (c.js:1:2)",
        "    at f (a.js:0:1)",
        "    at f (a.js:1:99999999999)",
        "a.js:1:2",
        "    at f (a.js:1)",
        "    at f (a.js:1:x)",
    ] {
        assert_eq!(parse(other), None, "{other}");
    }
}

#[test]
fn lines_end_where_those_of_javascript_do() {
    assert_eq!(lines::of("a\nb\r\nc\rd\u{2028}é\u{2029}").collect::<Vec<_>>(), ["a", "b", "c", "d", "é", ""]);
    assert_eq!(lines::of("").collect::<Vec<_>>(), [""]);
}

fn with_map(text: &str, json: &str) -> String {
    format!("{text}\n//# sourceMappingURL=data:application/json;base64,{}", base64(json.as_bytes()))
}

fn applied(maps: &SourceMaps, stack: &str) -> String {
    let mut stack = stack.to_owned();
    maps.apply(std::iter::once(&mut stack));
    stack
}

fn json(mappings: &str) -> String {
    format!("{{\"version\":3,\"sources\":[\"o.ts\"],\"names\":[],\"mappings\":\"{mappings}\"}}")
}

#[test]
fn maps_that_are_changed_at_random_never_panic() {
    let random = &mut Random(3);
    for _ in 0..3000 {
        let mut json = json(&written(&random_segments(random))).into_bytes();
        for _ in 0..random.below(4) {
            let at = random.below(json.len() as u64) as usize;
            json[at] = random.below(128) as u8;
        }
        let mut maps = SourceMaps::default();
        maps.note("a.js", &with_map("é=function\n x(){}", &String::from_utf8(json).expect("bytes below 128")), None);
        applied(&maps, "    at x (a.js:1:3)\n    at y (a.js:2:1)\n    at a.js:4000000000:4000000000");
    }
}

#[test]
fn what_is_kept_is_the_last_and_bounded() {
    let mut maps = SourceMaps::default();
    let text = with_map("x", &json("AAAA"));
    for index in 0..100 {
        maps.note(&format!("{index}.js"), &text, None);
    }
    assert_eq!(maps.texts.len(), super::MAX_TEXTS);
    assert_eq!(applied(&maps, "    at 99.js:1:1"), "    at o.ts:1:1");
    assert_eq!(applied(&maps, "    at 0.js:1:1"), "    at 0.js:1:1");
    maps.note("99.js", "x", None);
    assert_eq!(applied(&maps, "    at 99.js:1:1"), "    at 99.js:1:1");
    for index in 0..10 {
        maps.note(&format!("{index}.js"), &with_map(&"x".repeat(1 << 20), &json("AAAA")), None);
        assert!(maps.bytes <= super::MAX_BYTES);
    }
    assert_eq!((maps.texts.len(), maps.bytes), (3, maps.texts.iter().map(super::Text::bytes).sum()));
    maps.note("huge.js", &with_map(&"x".repeat(5 << 20), &json("AAAA")), None);
    assert_eq!((maps.texts.len(), maps.bytes), (0, 0));
}

#[test]
fn a_stack_does_not_grow_without_bound() {
    let mut maps = SourceMaps::default();
    maps.note("a", &with_map("x", &json("AAAA").replace("o.ts", &"o".repeat(1000))), None);
    let stack = applied(&maps, &"at a:1:1\n".repeat(1000));
    assert!(stack.len() <= super::MAX_STACK && stack.len() > super::MAX_STACK - 10);
    maps.note("a", &with_map("x", &json("AAAA").replace("o.ts", &"o".repeat(1025))), None);
    assert_eq!(applied(&maps, "at a:1:1"), "at a:1:1");
}

#[test]
fn a_stack_is_cut_before_it_is_looked_at() {
    let mut maps = SourceMaps::default();
    maps.note("a.js", &with_map("x", &json("AAAA")), None);
    let bounds = [super::MAX_STACK, super::MAX_RELATED_STACK, super::MAX_RELATED_STACK];
    // To try each parenthesis of such a line takes a time that is quadratic in its length: of this one, hours.
    let long = format!("    at {}a.js:1:1)\n", " (".repeat(4 << 20));
    let mut stacks = vec![long; 3];
    maps.apply(stacks.iter_mut());
    assert_eq!(stacks.iter().map(String::len).collect::<Vec<_>>(), bounds);
    // One that fits is read.
    let line = format!("    at {}f (a.js:1:1)", " (".repeat(1000));
    assert_eq!(applied(&maps, &line), line.replace("a.js", "o.ts"));
    // A stack that grows is cut to the same lengths.
    let mut stacks = vec!["    at a.js:1:1\n".repeat(250); 3];
    maps.note("a.js", &with_map("x", &json("AAAA").replace("o.ts", &"o".repeat(1000))), None);
    maps.apply(stacks.iter_mut());
    assert_eq!(stacks.iter().map(String::len).collect::<Vec<_>>(), bounds);
}

#[test]
fn no_more_stacks_are_looked_at_than_an_exception_has() {
    let mut maps = SourceMaps::default();
    maps.note("a.js", &with_map("x", &json("AAAA")), None);
    let mut stacks = vec!["    at a.js:1:1".to_owned(); 40];
    maps.apply(stacks.iter_mut());
    assert_eq!(stacks.iter().position(|stack| stack == "    at a.js:1:1"), Some(32));
}

/// To copy such a name for each frame before its length is looked at takes seconds.
#[test]
fn a_name_of_megabytes_is_none_however_many_frames_have_it() {
    for (from, to) in [
        ("o.ts", "o".repeat(2 << 20)),
        ("\"version\"", format!("\"sourceRoot\":\"{}\",\"version\"", "/r".repeat(1 << 20))),
        ("\"names\":[]", format!("\"names\":[\"{}\"]", "n".repeat(2 << 20))),
    ] {
        let map = json(if to.contains("nnn") { "SAASA,SASAA" } else { "AAAA" }).replace(from, &to);
        let mut maps = SourceMaps::default();
        maps.note("a.js", &with_map("function f() {}", &map), None);
        assert_eq!(maps.texts.len(), 1);
        let stack = "    at f (a.js:1:11)\n".repeat(700);
        assert_eq!(applied(&maps, &stack), stack.trim_end());
    }
}

#[test]
fn a_root_of_slashes_alone_is_the_root_of_a_system() {
    let mut maps = SourceMaps::default();
    maps.note("a.js", &with_map("x", &json("AAAA").replace("\"version\"", "\"sourceRoot\":\"/\",\"version\"")), None);
    assert_eq!(applied(&maps, "    at a.js:1:1"), "    at /o.ts:1:1");
}
