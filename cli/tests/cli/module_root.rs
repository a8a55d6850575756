//! What `--module-root` lets scripts import.

use super::*;

/// A folder `mods` with modules in it, beside a secret, a script, and a folder of another name.
fn folder() -> Folder {
    let folder = Folder::with_file("secret.mjs", "console.log('secret')");
    for (name, text) in [
        ("mods/a.mjs", "export { deep } from './lib/deep.js'"),
        ("mods/lib/deep.js", "export const deep = [6, 7]"),
        ("mods/lib/main.mjs", "import { deep } from '../a.mjs'; console.log(deep[1], import.meta.url)"),
        ("mods/lib/script.js", "import('../a.mjs').then((a) => a.deep[0])"),
        ("mods/thrower.mjs", "throw new Error('thrown there')"),
        ("other/script.js", "import('./a.mjs').then((a) => a.deep)"),
        ("other/a.mjs", "export const deep = 'of the script, not of the root'"),
    ] {
        let path = folder.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn run_in(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut command = command(arguments);
    command.current_dir(folder);
    run_command(command, input)
}

const IMPORT: &str = "import('./a.mjs').then((a) => a.deep)";

#[test]
fn every_command_imports_from_it() {
    let folder = folder();
    let absolute = folder.0.join("mods").display().to_string();
    for root in ["mods", "./mods/", "other/../mods", &absolute] {
        let with =
            |arguments: &[&str], input: &str| run_in(&folder.0, &[arguments, &["--module-root", root]].concat(), input);
        with(&["eval", IMPORT], "").prints("[6,7]\n");
        with(&["eval", "-"], IMPORT).prints("[6,7]\n");
        with(&["repl"], &format!("{IMPORT}\n")).prints("[ 6, 7 ]\n");
        with(&["run", "other/script.js"], "").prints("[6,7]\n");
        let answer = "{\"id\":1,\"ok\":true,\"value\":[6,7]}\n";
        with(&["batch"], &line(1, IMPORT)).prints(answer);
        with(&["batch", "--fresh"], &(line(1, IMPORT) + &line(1, IMPORT))).prints(&answer.repeat(2));
    }
}

#[test]
fn a_file_below_it_imports_relative_to_itself() {
    let folder = folder();
    let inner = folder.0.join("mods/lib");
    let absolute = folder.0.join("mods").display().to_string();
    for (place, root, file, url) in [
        (&folder.0, "mods", "mods/lib/main.mjs", "mods/lib/main.mjs"),
        (&folder.0, "mods/", "./mods/lib/main.mjs", "./mods/lib/main.mjs"),
        (&folder.0, ".", "mods/lib/main.mjs", "mods/lib/main.mjs"),
        (&folder.0, "mods", "other/../mods//lib/main.mjs", "other/../mods//lib/main.mjs"),
        // Its name has to tell where it is below the root.
        (&inner, "..", "main.mjs", "../lib/main.mjs"),
        (&inner, "..", "../lib/main.mjs", "../lib/main.mjs"),
        (&inner, &absolute, "main.mjs", &format!("{absolute}/lib/main.mjs")),
    ] {
        let ran = run_in(place, &["run", file, "--module-root", root], "");
        let told = format!("7 {url}\n");
        assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "", &*told), "{file} below {root}");
    }
    run_in(&folder.0, &["run", "mods/lib/script.js", "--module-root", "mods"], "").prints("6\n");
}

#[test]
fn a_file_that_is_reached_by_a_link_is_the_one_that_it_leads_to() {
    let folder = folder();
    std::os::unix::fs::symlink("mods/lib/main.mjs", folder.0.join("link.mjs")).unwrap();
    let ran = run_in(&folder.0, &["run", "link.mjs", "--module-root", "mods"], "");
    assert_eq!((ran.status, &*ran.stderr), (Some(0), "7 mods/lib/main.mjs\n"));
}

#[test]
fn nothing_outside_of_it_is_imported() {
    let folder = folder();
    for (specifier, reason) in [
        ("../secret.mjs", "it leads out of the folder"),
        ("./lib/../../secret.mjs", "it leads out of the folder"),
        ("./missing.mjs", "there is no such file"),
        ("/etc/passwd", "an absolute path is refused"),
        ("a.mjs", "a bare name is refused"),
    ] {
        let source = format!("import({specifier:?})");
        let ran = run_in(&folder.0, &["eval", &source, "--module-root", "mods"], "");
        ran.fails_saying(1, &[&format!("cannot import {specifier:?}"), reason]);
    }
    let ran = run_in(&folder.0, &["run", "mods/lib/main.mjs", "--module-root", "mods/lib"], "");
    ran.fails_saying(1, &["cannot import \"../a.mjs\" from \"mods/lib/main.mjs\"", "it leads out of the folder"]);
}

#[test]
fn an_error_of_a_module_has_its_place() {
    let folder = folder();
    let ran = run_in(&folder.0, &["eval", "import('./thrower.mjs')", "--module-root", "mods"], "");
    ran.fails_saying(1, &["Error: thrown there", "(mods/thrower.mjs:1:"]);
}

#[test]
fn one_that_is_no_folder_is_a_usage_error() {
    let folder = folder();
    for command in [&["eval", "1"][..], &["run", "other/script.js"], &["batch"], &["repl"]] {
        for (root, reason) in [("missing", "No such file"), ("secret.mjs", "Not a directory"), ("", "cannot open")] {
            let ran = run_in(&folder.0, &[command, &["--module-root", root]].concat(), "");
            ran.fails_saying(2, &["--module-root <DIR>", reason]);
        }
        run_in(&folder.0, &[command, &["--module-root"]].concat(), "").fails_saying(2, &["--module-root <DIR>"]);
    }
}
