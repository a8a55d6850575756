//! Standard input and output: colours, terminals, and readers that go away.

use super::*;

const ESCAPE: char = '\x1b';

#[test]
fn there_are_no_escape_codes_where_there_is_no_terminal() {
    for ran in [
        evaluate("console.error('bad'); console.warn('odd'); console.debug('faint'); throw new Error('e')"),
        evaluate("while (true"),
        evaluate("() => 1"),
        aiointernal(&["--help"]),
        aiointernal(&["eval", "--help"]),
        aiointernal(&["eval", "--bogus", "1"]),
        aiointernal(&["run", "missing.js"]),
        feed(&["batch"], line(1, "throw new Error('e')")),
        feed(&["repl"], "1\nthrow new Error('e')\n(\n)"),
    ] {
        assert!(!ran.stdout.contains(ESCAPE) && !ran.stderr.contains(ESCAPE), "{ran:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn errors_are_coloured_on_a_terminal() {
    let ran = run_command(on_a_terminal("exec \"$PROGRAM\" eval \"throw 'red'\""), "");
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("\x1b[31muncaught: red\x1b[0m"), "{ran:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_gets_no_commands_from_a_script() {
    let eval = "\"$PROGRAM\" eval --format text \"'\\x1b[31m\\x9b1m'\" 2>/dev/null";
    let ran = run_command(on_a_terminal(eval), "");
    assert_eq!(ran.stdout.trim_end(), r"\u001b[31m\u009b1m", "{ran:?}");
    let mut shell = on_a_terminal("printf '%s' \"$LINE\" | \"$PROGRAM\" batch");
    shell.env("LINE", line(1, r"'\x9b'"));
    let ran = run_command(shell, "");
    assert_eq!(ran.stdout.trim_end(), r#"{"id":1,"ok":true,"value":"\u009b"}"#, "{ran:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_gets_what_the_script_gave() {
    let folder = Folder::new();
    let mut shell = on_a_terminal("\"$PROGRAM\" eval --format text \"'a\\rb'\" > out");
    shell.current_dir(&folder.0);
    run_command(shell, "");
    assert_eq!(fs::read_to_string(folder.0.join("out")).unwrap(), "a\rb\n");
}

#[test]
fn a_reader_of_the_value_that_goes_is_no_error() {
    let output = command(&["eval", "1"]).stdout(unread()).output().unwrap();
    assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""));
}

#[test]
fn a_console_that_nobody_reads_harms_nothing() {
    harms_nothing(|| unread().into());
}

#[cfg(target_os = "linux")]
#[test]
fn a_console_that_cannot_be_written_harms_nothing() {
    harms_nothing(|| fs::File::options().write(true).open("/dev/full").unwrap().into());
}

#[track_caller]
fn harms_nothing(stderr: impl Fn() -> Stdio) {
    let run = |arguments: &[&str]| {
        let output = command(arguments).stderr(stderr()).output().expect("the command runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(run(&["eval", "console.log('unheard'); 2"]), (Some(0), "2\n".to_owned()));
    assert_eq!(run(&["eval", "throw 'unheard'"]), (Some(1), String::new()));
    assert_eq!(run(&["run", "--unheard"]), (Some(2), String::new()));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error_and_no_panic() {
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for (arguments, input) in
        [(&["eval", "1"][..], String::new()), (&["batch"], line(1, "1")), (&["repl"], "1\n".to_owned())]
    {
        let mut command = command(arguments);
        command.stdin(Stdio::piped()).stdout(full()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|status| status != 0 && status != 101), "{arguments:?}: {output:?}");
        assert!(stderr.contains("No space left") && !stderr.contains("panicked"), "{arguments:?}: {stderr}");
    }
}
