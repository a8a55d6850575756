//! A graph of modules, as the files of `tests/graphs` have them: lines `//- name`, each with a module's text below.
#![no_main]

use aiointernal::js::{ModuleMap, Source};
use aiointernal_fuzz as common;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut files: Vec<(&str, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("//- "), files.last_mut()) {
            (Some(name), _) => files.push((name, String::new())),
            (None, Some((_, text))) => text.extend([line, "\n"]),
            (None, None) => files.push(("main.mjs", format!("{line}\n"))),
        }
    }
    let Some((name, text)) = files.first().cloned() else { return };
    let context = common::SANDBOX.context().modules(ModuleMap::new(files[1..].to_vec()));
    let context = context.blocking().expect("there is room for a context");
    // Twice: what is loaded is known the second time, and what was refused is asked for again.
    for _ in 0..2 {
        if let Err(error) = context.eval(Source::module(text.clone()).named(name)).blocking() {
            common::check(&error);
        }
    }
    if let Err(error) = context.import(name).blocking() {
        common::check(&error);
    }
    common::check_works(&context);
    common::close(&context);
});
