//! A graph of modules, as the files of `tests/graphs` have them: lines `//- name`, each with a module's text below. They are in a map,
//! and then the first of them imports from a folder, out of which nothing leads.
#![no_main]

use std::{env, fs, os::unix::fs::symlink, process, sync::LazyLock};

use aiointernal::js::{Folder, ModuleMap, Source};
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
    let context = common::SANDBOX.context().modules(ModuleMap::new(files));
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
    from_folder(name, text);
});

/// A folder with modules, and with links, one of which leads out of it.
static FOLDER: LazyLock<Folder> = LazyLock::new(|| {
    let root = env::temp_dir().join(format!("aiointernal-fuzz-{}", process::id()));
    let folder = root.join("folder");
    fs::create_dir_all(folder.join("lib")).expect("a folder can be made");
    let write = |path: &str, text: &str| fs::write(root.join(path), text).expect("a file can be written");
    write("outside.mjs", "globalThis.outside = true; export default 1");
    write("folder/a.mjs", "import './lib/b.js'; export const a = 1");
    write("folder/lib/b.js", "export default import.meta");
    write("folder/lib/data.json", "[1, 2]");
    for (link, to) in [("out.mjs", "../outside.mjs"), ("up", ".."), ("lib/in.mjs", "../a.mjs")] {
        let _ = symlink(to, folder.join(link));
    }
    Folder::open(folder).expect("the folder is there")
});

fn from_folder(name: &str, text: String) {
    // A script that says so itself proves nothing.
    if text.contains("side") || text.contains('\\') {
        return;
    }
    let context = common::SANDBOX.context().modules(FOLDER.clone());
    let context = context.blocking().expect("there is room for a context");
    let named = context.eval(Source::module(text).named(name)).blocking();
    if let Err(error) = &named {
        common::check(error);
    }
    let is_outside = context.eval_as::<bool>("Object.getOwnPropertyDescriptor(globalThis, 'outside')?.value === true");
    if let Ok(is_outside) = is_outside.blocking() {
        assert!(!is_outside, "a module from outside of the folder ran");
    }
    common::close(&context);
}
