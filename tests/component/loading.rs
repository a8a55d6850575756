//! Bytes that are no component that runs here, and the cache of those that are.

use std::{fs, path::Path};

use super::*;

#[track_caller]
fn refused(wasm: &[u8], parts: &[&str]) {
    let error = Dynamic::new(&ENGINE, wasm).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadComponent, "{error}");
    assert_says(&error.to_string(), parts);
}

#[test]
fn what_is_not_webassembly_is_refused() {
    refused(b"", &["it is empty"]);
    refused(b"#!/bin/sh\necho", &["not WebAssembly", "#!/bin/sh"]);
    refused(b"(component)", &["not WebAssembly", "(component)"]);
    refused(b"\0as", &["not WebAssembly"]);
    refused(b"\0asm\x0d", &["cut short"]);
    refused(b"\0asm\xff\xff\xff\xff", &["unknown version"]);
}

#[test]
fn a_core_module_is_refused_and_told_how_to_become_a_component() {
    refused(&wasm("(module)"), &["core module", "wasm-tools component new"]);
    let preview1 = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))))"#;
    refused(&wasm(preview1), &["core module", "wasm32-wasip1", "--adapt", "wasm32-wasip2"]);
}

#[test]
fn a_component_that_is_cut_or_damaged_is_refused() {
    let whole = wasm(VALUES);
    let functions = program(VALUES).functions().len();
    for length in (9..whole.len()).step_by(97) {
        match Dynamic::new(&ENGINE, &whole[..length]) {
            Err(error) => assert_eq!(error.kind(), ErrorKind::BadComponent),
            // What is cut between two sections is a component, of fewer functions.
            Ok(cut) => assert!(cut.functions().len() < functions, "cut at {length}"),
        }
    }
    // One that is damaged may still be a component; it must do no harm.
    for at in (8..whole.len()).step_by(31) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        if let Err(error) = Dynamic::new(&ENGINE, &damaged) {
            assert_eq!(error.kind(), ErrorKind::BadComponent);
        }
    }
}

#[test]
fn imports_that_are_not_there_are_named_all_at_once() {
    let imports = r#"(component
        (import "example:host/log" (instance (export "log" (func))))
        (import "now" (func (result u64)))
        (import "wasi:http/types@0.2.0" (instance)))"#;
    refused(&wasm(imports), &["imports what is not there", "example:host/log, now, wasi:http/types@0.2.0"]);
}

#[test]
fn another_version_of_wasi_is_refused_by_name() {
    for version in ["0.3.0", "0.1.0", "1.0.0"] {
        let import = format!("wasi:cli/environment@{version}");
        refused(&wasm(&format!(r#"(component (import "{import}" (instance)))"#)), &[&import, "version 0.2"]);
    }
}

#[test]
fn an_import_of_wasi_with_another_type_is_refused() {
    let import = r#"(component (import "wasi:cli/environment@0.2.0" (instance
        (export "get-environment" (func (result string))))))"#;
    refused(&wasm(import), &["cannot be linked", "get-environment"]);
    let import = r#"(component (import "wasi:cli/environment@0.2.0" (instance (export "set-environment" (func)))))"#;
    refused(&wasm(import), &["cannot be linked", "set-environment"]);
}

#[test]
fn more_memories_tables_or_modules_than_the_scale_allows_are_refused_by_name() {
    let engine = engine(|config| config.scale = 1);
    let refused = |text: &str, parts: &[&str]| {
        let error = engine.compile(&wasm(text)).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadComponent);
        assert_says(&error.to_string(), parts);
        assert_says(&error.to_string(), &["`Config::scale` is 1"]);
    };
    let twice = |module: &str| {
        format!(
            "(component (core module $m {module}) (core instance (instantiate $m)) (core instance (instantiate $m)))"
        )
    };
    refused(&twice("(memory 1)"), &["2 Wasm linear memories"]);
    refused(&twice("(table 1 funcref) (table 1 funcref)"), &["4 tables"]);
    refused(&twice("(table 20001 funcref)"), &["20001"]);
    let five = "(core instance (instantiate $m))".repeat(5);
    refused(&format!("(component (core module $m) {five})"), &["5 core module instances"]);
    Engine::compile(&ENGINE, &wasm(&twice("(memory 1)"))).unwrap();
}

#[test]
fn a_function_of_the_host_that_is_exported_again_does_no_harm() {
    let again = r#"(component
        (import "wasi:random/random@0.2.0" (instance $random (export "get-random-u64" (func (result u64)))))
        (alias export $random "get-random-u64" (func $f))
        (export "again" (func $f)))"#;
    match Dynamic::new(&ENGINE, &wasm(again)) {
        Err(error) => assert_eq!(error.kind(), ErrorKind::BadComponent),
        Ok(program) => {
            let open = ENGINE.open(program, Limits::default()).blocking().unwrap();
            let _ = invoke(&open, "again()");
        }
    }
}

#[test]
fn compiled_components_are_found_again_and_never_mistaken() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    let _ = fs::remove_dir_all(&folder);
    let cached = engine(|config| config.cache = Some(folder.clone()));
    for text in [CORE, VALUES, CORE, VALUES] {
        let program = Dynamic::new(&cached, &wasm(text)).unwrap();
        assert_eq!(program.function("add").is_ok(), text == CORE);
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    fs::remove_dir_all(folder).unwrap();
}
