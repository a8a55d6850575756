//! Components that nobody should have to run: of proposals that are not there, too deep, too many, too large; and those
//! that are large and do run.

use aiointernal::component::wasmtime::component::types::ComponentItem;

use super::*;

/// The component is refused, in a text that is no longer than a person can read.
#[track_caller]
fn refused(wasm: &[u8], says: &str) {
    let error = Dynamic::new(&ENGINE, wasm).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadComponent, "{error}");
    let message = error.to_string();
    assert!(message.contains(says), "there is no {says:?} in {message:.2000?}");
}

#[test]
fn proposals_that_are_not_there_are_refused() {
    for (module, says) in [
        ("(memory 1 1 shared)", "threads"),
        ("(memory 1) (func (drop (i32.atomic.load (i32.const 0))))", "threads"),
        ("(tag)", "exceptions"),
        ("(table 1 externref)", "gc"),
        ("(type (struct (field i32)))", "gc"),
        ("(memory 1 1 (pagesize 1))", "custom"),
        (
            "(func (param i64 i64 i64 i64) (result i64 i64) \
            (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))",
            "wide arithmetic",
        ),
        ("(type $f (func)) (type (cont $f))", "stack switching"),
    ] {
        refused(&wasm(&format!("(component (core module {module}))")), says);
    }
    for (body, says) in [
        ("(type (stream u8))", "async"),
        ("(type (future))", "async"),
        ("(type error-context)", "error-context"),
        (r#"(import "f" (func async))"#, "async"),
        (r#"(import "m" (core module))"#, "m"),
        (r#"(import "c" (component))"#, "component imports are not supported"),
        (r#"(component $c) (export "c" (component $c))"#, "exporting a component"),
        (r#"(import "v" (value string))"#, "value"),
    ] {
        refused(&wasm(&format!("(component {body})")), says);
    }
}

#[test]
fn a_memory_of_64_bits_meets_the_same_limits() {
    let large = r#"(component
        (core module $m
            (memory i64 1)
            (func (export "fine") (result i32) (i32.const 7))
            (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
            (func (export "load") (param i64) (result i64) (i64.load (local.get 0))))
        (core instance $i (instantiate $m))
        (func (export "fine") (result u32) (canon lift (core func $i "fine")))
        (func (export "grow") (param "pages" u64) (result s64) (canon lift (core func $i "grow")))
        (func (export "load") (param "at" u64) (result u64) (canon lift (core func $i "load"))))"#;
    let large = open_with(large, |limits| limits.memory = 4 << 16);
    for pages in ["4", "65536", "65537", "281474976710656", "18446744073709551615"] {
        assert_eq!(text(&large, &format!("grow({pages})")), "-1", "{pages} pages");
    }
    assert_eq!(text(&large, "grow(3)"), "1");
    for at in ["262137", "4294967288", "4294967296", "4402341478400", "18446744073709551608", "18446744073709551615"] {
        let (kind, _, message) = failure(&large, &format!("load({at})"));
        assert_eq!(kind, ErrorKind::Trapped, "{at}: {message}");
        assert_says(&message, &["out of bounds"]);
    }
}

#[test]
fn types_that_are_nested_too_deep_or_too_large_are_refused() {
    let nested = |levels: usize, ty: &dyn Fn(usize) -> String| {
        let types: String = (1..=levels).map(|level| format!("(type $t{level} {})", ty(level - 1))).collect();
        wasm(&format!("(component (type $t0 (list u8)) {types})"))
    };
    let lists = |inner| format!("(list $t{inner})");
    Dynamic::new(&ENGINE, &nested(50, &lists)).unwrap();
    refused(&nested(2000, &lists), "type nesting is too deep");
    refused(&nested(2000, &|inner| format!("(option $t{inner})")), "type nesting is too deep");
    // Twice as large with every level.
    refused(&nested(40, &|inner| format!("(tuple $t{inner} $t{inner})")), "type size");
    refused(&nested(40, &|inner| format!("(result $t{inner} (error $t{inner}))")), "type size");
}

/// A component within a component, so many times.
fn matryoshka(levels: usize) -> Vec<u8> {
    const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";
    // Written from its end, so that each level is written once.
    let mut reversed = Vec::new();
    for level in 0..levels {
        reversed.extend(HEADER.iter().rev());
        if level + 1 < levels {
            let mut length = Vec::new();
            let mut rest = reversed.len();
            while rest >= 0x80 {
                length.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            length.push(rest as u8);
            reversed.extend(length.iter().rev());
            reversed.push(4);
        }
    }
    reversed.reverse();
    reversed
}

#[test]
fn components_within_components_are_refused_where_they_are_too_deep() {
    Dynamic::new(&ENGINE, &matryoshka(99)).unwrap();
    for levels in [101, 1000, 100_000] {
        refused(&matryoshka(levels), "nested deeper than 100 levels");
    }
    // What is cut between two sections is a component.
    let whole = matryoshka(300);
    for end in 8..100 {
        if let Err(error) = Dynamic::new(&ENGINE, &whole[..end]) {
            assert_eq!(error.kind(), ErrorKind::BadComponent, "cut at {end}");
        }
    }
}

#[test]
fn types_of_components_within_one_another_are_refused_where_they_are_too_deep() {
    const TYPES: u8 = 7;
    // A type of a component, and one of an instance, each with one declaration: a type.
    for level in [&[0x41, 1, 1][..], &[0x42, 1, 1]] {
        for levels in [50, 100, 102, 1000, 1_000_000] {
            let contents = [&[1][..], &level.repeat(levels), &[level[0], 0]].concat();
            let mut section = vec![TYPES];
            // A length in five bytes, however short it is.
            section.extend((0..5).map(|at| (contents.len() >> (7 * at)) as u8 & 0x7f | if at < 4 { 0x80 } else { 0 }));
            let made = Dynamic::new(&ENGINE, &[b"\0asm\x0d\0\x01\0", &section[..], &contents].concat());
            match made {
                Err(error) => assert_eq!(error.kind(), ErrorKind::BadComponent, "{error}"),
                Ok(_) => assert!(levels <= 100, "{levels} levels"),
            }
        }
    }
}

#[test]
fn components_that_are_instantiated_more_often_than_the_scale_allows_are_refused() {
    let engine = engine(|config| config.scale = 1);
    // Each level has two of the one below it: a thousand modules of a few bytes.
    let mut inner = "(component $c0 (core module $m (memory 1)) (core instance (instantiate $m)))".to_owned();
    for level in 1..=10 {
        let below = level - 1;
        let twice = format!("(instance (instantiate $c{below}))").repeat(2);
        inner = format!("(component $c{level} {inner} {twice})");
    }
    let text = format!("(component {inner} (instance (instantiate $c10)))");
    let error = Dynamic::new(&engine, &wasm(&text)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadComponent, "{error}");
    assert_says(&error.to_string(), &["`Config::scale` is 1"]);
}

#[test]
fn names_and_sections_may_be_long_and_no_longer() {
    let named = |name: &str| {
        format!(
            r#"(component
                (core module $m (func (export "{name}") (result i32) (i32.const 7)))
                (core instance $i (instantiate $m))
                (@custom "notes" "{name}")
                (func (export "{name}") (result u32) (canon lift (core func $i "{name}"))))"#
        )
    };
    let long = "a".repeat(90_000);
    assert_eq!(text(&open(&named(&long)), &format!("{long}()")), "7");
    let (kind, _, message) = failure(&open(&named(&long)), "b()");
    assert_eq!(kind, ErrorKind::InvalidArgument);
    assert!(message.len() < 10_000, "{} bytes", message.len());
    refused(&wasm(&named(&"a".repeat(110_000))), "string size out of bounds");

    // Of imports that are not there, too.
    let missing: String = (0..10).map(|at| format!(r#"(import "{long}{at}" (func))"#)).collect();
    refused(&wasm(&format!("(component {missing})")), "imports what is not there");

    let custom = format!(r#"(component (@custom "notes" "{}"))"#, "x".repeat(8 << 20));
    Dynamic::new(&ENGINE, &wasm(&custom)).unwrap();
}

#[test]
fn many_exports_are_listed_and_called() {
    let exports: String = (0..2000)
        .map(|at| format!(r#"(func (export "f{at}") (result u32) (canon lift (core func $i "f")))"#))
        .collect();
    let many = format!(
        r#"(component
            (core module $m (func (export "f") (result i32) (i32.const 7)))
            (core instance $i (instantiate $m)) {exports})"#
    );
    let program = program(&many);
    assert_eq!(program.functions().len(), 2000);
    assert_eq!(text(&open(&many), "f1999()"), "7");
}

#[test]
fn memories_and_tables_of_more_than_the_limit_are_an_error_of_opening() {
    for module in ["(memory 65536)", "(memory 1025 65536)", "(memory i64 65536)"] {
        let text = format!("(component (core module $m {module}) (core instance (instantiate $m)))");
        let error = ENGINE.open(program(&text), Limits::default()).blocking().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MemoryLimit, "{module}: {error}");
    }
    let table = "(component (core module $m (table 80000 funcref)) (core instance (instantiate $m)))";
    let mut limits = Limits::default();
    limits.memory = 80_000;
    let error = ENGINE.open(program(table), limits).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MemoryLimit, "{error}");
}

#[test]
fn exports_of_other_kinds_than_functions_are_no_functions() {
    let others = r#"(component
        (core module $m)
        (export "module" (core module $m))
        (type $t (record (field "a" u8)))
        (export "record" (type $t))
        (instance $empty)
        (export "example:empty/empty" (instance $empty)))"#;
    let others = program(others);
    assert_eq!(others.functions().len(), 0);
    let component = ENGINE.compile(&wasm("(component)")).unwrap();
    let exports = component.component_type();
    assert!(
        !exports.exports(ENGINE.wasmtime()).any(|(_, export)| matches!(export.ty, ComponentItem::ComponentFunc(_)))
    );
}

#[test]
fn a_run_of_another_type_is_an_error_and_no_more() {
    for (ty, core) in [
        (r#"(param "a" u32)"#, "(param i32)"),
        ("(result u32)", "(result i32)"),
        (r#"(param "a" u32) (result u32)"#, "(param i32) (result i32)"),
    ] {
        let body = if core.contains("result") { "(i32.const 7)" } else { "" };
        let text = format!(
            r#"(component
                (core module $m (func (export "run") {core} {body}))
                (core instance $i (instantiate $m))
                (func $run {ty} (canon lift (core func $i "run")))
                (instance $run (export "run" (func $run)))
                (export "wasi:cli/run@0.2.0" (instance $run)))"#
        );
        let open = open(&text);
        let status = open.try_call(|instance, running| instance.run(running)).blocking();
        if let Err(error) = status {
            assert!(matches!(error.kind(), ErrorKind::InvalidArgument | ErrorKind::Trapped), "{ty}: {error}");
        }
        assert!(open.call(|_| ()).blocking().is_ok());
    }
}
