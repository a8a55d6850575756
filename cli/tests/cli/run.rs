//! `aiointernal run`: files, and the modules that they import.

use super::*;

#[test]
fn a_value_is_printed_as_json_unless_it_is_undefined() {
    run_file("value.js", "let six = 6\nsix * 7\n", &[]).prints("42\n");
    run_file("nothing.js", "let six = 6", &[]).prints("");
    run_file("null.js", "null", &[]).prints("null\n");
    run_file("value.cjs", "'common'", &[]).prints("\"common\"\n");
    run_file("no extension", "#!/usr/bin/env -S aiointernal run\n'any name'", &[]).prints("\"any name\"\n");
}

#[test]
fn the_text_format_is_for_people() {
    run_file("value.js", "[1n, undefined]", &["--format", "text"]).prints("[ 1n, undefined ]\n");
    run_file("nothing.js", "undefined", &["--format", "text"]).prints("undefined\n");
}

#[test]
fn the_string_undefined_is_printed() {
    run_file("string.js", "'undefined'", &[]).prints("\"undefined\"\n");
    run_file("string.js", "'undefined'", &["--format", "text"]).prints("undefined\n");
}

#[test]
fn a_module_awaits_at_its_top_level() {
    let ran = run_file("module.mjs", "const answer = await Promise.resolve(42)\nconsole.log(answer, this)\n", &[]);
    assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "", "42 undefined\n"));
}

#[test]
fn a_module_that_throws_is_a_throw() {
    let ran = run_file("thrower.mjs", "await null\n\nthrow new TypeError('late')", &[]);
    ran.fails_saying(1, &["TypeError: late\n", "thrower.mjs:3:"]);
}

#[test]
fn an_import_is_refused_by_name() {
    let ran = run_file("importer.mjs", "import other from './other.js'", &[]);
    ran.fails_saying(1, &["cannot import \"./other.js\"", "importer.mjs", "there is no such file"]);
    let ran = run_file("importer.mjs", "await import('./other.js')", &[]);
    ran.fails_saying(1, &["cannot import \"./other.js\"", "importer.mjs"]);
    run_file("importer.js", "import('./other.js')", &[]).fails_saying(1, &["cannot import \"./other.js\""]);
}

/// Runs the first of these files, in their folder, which has a secret beside it.
fn run_files(files: &[(&str, &str)], change: impl FnOnce(&Path)) -> Ran {
    let folder = Folder::with_file("secret.mjs", "console.log('secret')");
    let inner = folder.0.join("inner");
    for (name, text) in files {
        let path = inner.join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder can be made");
        fs::write(path, text).expect("the file can be written");
    }
    change(&inner);
    let mut command = command(&["run", files[0].0]);
    command.current_dir(&inner);
    run_command(command, "")
}

#[test]
fn a_module_imports_the_files_below_its_folder() {
    let files = [
        ("main.mjs", "import { a } from './lib/a.mjs'; console.log(a, import.meta.url, import.meta.main)"),
        ("lib/a.mjs", "import { b } from '../b.js'; export const a = b + (await import('./c.js')).default"),
        ("b.js", "import data from './data.json' with { type: 'json' }; export const b = data.b"),
        ("lib/c.js", "export default 'c'"),
        ("data.json", "{ \"b\": \"b\" }"),
    ];
    let ran = run_files(&files, |_| ());
    assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "", "bc main.mjs true\n"));
}

#[test]
fn a_script_imports_the_files_below_its_folder() {
    let files = [("main.js", "import('./a.mjs').then((a) => a.value)"), ("a.mjs", "export const value = [1]")];
    run_files(&files, |_| ()).prints("[1]\n");
}

#[test]
fn a_module_that_is_imported_imports_the_one_that_runs() {
    let files = [
        ("sub/main.mjs", "import { later } from './a.mjs'; export const value = 1; console.log(later())"),
        ("sub/a.mjs", "import { value } from './main.mjs'; export const later = () => value"),
    ];
    for file in ["sub/main.mjs", "./sub/main.mjs", "sub/../sub//main.mjs"] {
        let named = [(file, files[0].1), files[1]];
        let ran = run_files(&named, |inner| assert!(inner.join("sub/main.mjs").exists()));
        assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "", "1\n"), "{file}");
    }
}

#[test]
fn an_error_of_a_module_has_its_place_as_the_file_was_given() {
    let files = [("sub/main.mjs", "import './lib/a.mjs'"), ("sub/lib/a.mjs", "\n\nthrow new RangeError('in a')")];
    let ran = run_files(&files, |_| ());
    assert_eq!(ran.fails(1), "RangeError: in a\n    at <anonymous> (sub/lib/a.mjs:3:11)\n");
    let files = [("main.mjs", "import './a.mjs'"), ("a.mjs", "let a = 1;\nlet a = 2;")];
    run_files(&files, |_| ()).fails_saying(1, &["SyntaxError: ", "at a.mjs:2:"]);
    let files = [("main.mjs", "import { missing } from './a.mjs'"), ("a.mjs", "")];
    run_files(&files, |_| ()).fails_saying(1, &["SyntaxError: ", "'missing'", "'a.mjs'"]);
}

#[test]
fn nothing_outside_of_its_folder_is_imported() {
    let outside = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli/cache");
    for (specifier, reason) in [
        ("../secret.mjs", "it leads out of the folder"),
        ("./../secret.mjs", "it leads out of the folder"),
        ("./link.mjs", "it leads out of the folder"),
        ("./up/secret.mjs", "it leads out of the folder"),
        ("/etc/passwd", "an absolute path is refused"),
        (outside.to_str().expect("a path that is text"), "an absolute path is refused"),
        ("file:///etc/passwd", "a URL or drive is refused"),
        ("https://example.com/a.mjs", "a URL or drive is refused"),
        ("node:fs", "a URL or drive is refused"),
        ("lodash", "a bare name is refused"),
        ("./pipe.mjs", "it is no regular file"),
        ("./missing.mjs", "there is no such file"),
        ("./element.tsx", "JSX is not supported"),
    ] {
        let change = |inner: &Path| {
            std::os::unix::fs::symlink("../secret.mjs", inner.join("link.mjs")).expect("a link can be made");
            std::os::unix::fs::symlink("..", inner.join("up")).expect("a link can be made");
            let made = Command::new("mkfifo").arg(inner.join("pipe.mjs")).status().expect("mkfifo is there");
            assert!(made.success());
        };
        let refused = format!("cannot import {specifier:?} from \"main.mjs\": ");
        for text in [format!("import {specifier:?}"), format!("await import({specifier:?})")] {
            let ran = run_files(&[("main.mjs", &text), ("element.tsx", "")], change);
            ran.fails_saying(1, &["ReferenceError: ", &refused, reason]);
        }
    }
}

#[test]
fn an_import_that_is_caught_is_no_failure() {
    let text = "try { await import('../secret.mjs') } catch (e) { console.log(e.name) }";
    let ran = run_files(&[("main.mjs", text)], |_| ());
    assert_eq!((ran.status, &*ran.stderr), (Some(0), "ReferenceError\n"));
}

#[test]
fn only_run_grants_modules_that_nobody_asked_for() {
    let folder = Folder::with_file("a.mjs", "");
    for (arguments, input) in [(&["eval", "import('./a.mjs')"][..], ""), (&["eval", "-"], "import('./a.mjs')")] {
        let mut command = command(arguments);
        command.current_dir(&folder.0);
        run_command(command, input).fails_saying(1, &["cannot import \"./a.mjs\"", "this context has no modules"]);
    }
}

#[test]
fn the_stack_has_the_files_name_as_it_was_given() {
    let source = "function g() {\n\n   throw new Error('in a file')\n}\ng()\n";
    let ran = run_file("thrower.js", source, &[]);
    assert_eq!(ran.fails(1), "Error: in a file\n    at g (thrower.js:3:14)\n    at <eval> (thrower.js:5:1)\n");
    let folder = Folder::with_file("thrower.js", source);
    let path = folder.0.join("thrower.js").display().to_string();
    aiointernal(&["run", &path]).fails_saying(1, &[&format!("at g ({path}:3:14)")]);
}

#[test]
fn a_file_that_cannot_be_run_is_named() {
    let folder = Folder::new();
    let path = folder.0.display().to_string();
    let missing = format!("{path}/missing.js");
    aiointernal(&["run", &missing]).fails_saying(2, &[&missing, "No such file"]);
    aiointernal(&["run", &path]).fails_saying(2, &[&path, "directory"]);
    run_file("latin.js", b"let a = 1 // \xe9", &[]).fails_saying(2, &["latin.js", "UTF-8", "13"]);
    run_file("element.tsx", "<a />", &[]).fails_saying(2, &["element.tsx", "JSX is not supported"]);
}
