//! Globals that the command line sets.

use super::*;

#[test]
fn a_global_has_its_value_in_every_command() {
    aiointernal(&["eval", "--global", "x=41", "x + 1"]).prints("42\n");
    run_file("script.js", "x + 1", &["--global", "x=41"]).prints("42\n");
    run_file("module.mjs", "console.log(x)", &["--global", "x=41"]).prints_only_on_the_console("41\n");
    assert_eq!(batch(&["--global", "x=41"], line(1, "x + 1")), [done(1, 42)]);
    feed(&["repl", "--global", "x=41"], "x + 1\n").prints("42\n");
}

impl Ran {
    #[track_caller]
    fn prints_only_on_the_console(&self, console: &str) {
        assert_eq!((self.status, &*self.stdout, &*self.stderr), (Some(0), "", console));
    }
}

#[test]
fn several_globals_of_all_kinds_are_there() {
    aiointernal(&[
        "eval",
        "[number, text, list[1].deep, nothing, typeof yes, sign]",
        "--global",
        "number=-1.5e3",
        "--global",
        "text=\"a = b\"",
        "--global",
        "list=[0, {\"deep\": \"\\u00e9\"}]",
        "--global",
        "nothing=null",
        "--global=yes=true",
        "--global=sign=\"=\"",
    ])
    .prints("[-1500,\"a = b\",\"\u{e9}\",null,\"boolean\",\"=\"]\n");
}

#[test]
fn the_last_of_one_name_wins() {
    aiointernal(&["eval", "x", "--global", "x=1", "--global", "x=2"]).prints("2\n");
}

#[test]
fn properties_keep_their_order() {
    aiointernal(&["eval", "Object.keys(x)", "--global", "x={\"b\": 1, \"a\": 2}"]).prints("[\"b\",\"a\"]\n");
}

#[test]
fn a_global_that_cannot_be_set_is_named() {
    let ran = aiointernal(&["eval", "1", "--global", "undefined=1"]);
    assert!(matches!(ran.status, Some(1 | 2)), "{ran:?}");
    ran.fails_saying(ran.status.unwrap(), &["'undefined'"]);
}
