//! Options and arguments: what is refused, and what the help says.

use super::*;

#[test]
fn what_is_wrong_with_the_command_line_is_named() {
    for (arguments, named) in [
        (&["sing"][..], "sing"),
        (&["--bogus"], "--bogus"),
        (&["eval"], "SOURCE"),
        (&["eval", "1", "second"], "second"),
        (&["eval", "1", "--bogus"], "--bogus"),
        (&["eval", "1", "--fresh"], "--fresh"),
        (&["run"], "FILE"),
        (&["run", "--bogus", "a.js"], "--bogus"),
        (&["batch", "--bogus"], "--bogus"),
        (&["batch", "a.js"], "a.js"),
        (&["repl", "--bogus"], "--bogus"),
        (&["repl", "1"], "1"),
        (&["eval", "1", "--timeout"], "--timeout"),
        (&["eval", "1", "--timeout", ""], "--timeout"),
        (&["eval", "1", "--timeout", "soon"], "soon"),
        (&["eval", "1", "--timeout", "5"], "unit"),
        (&["eval", "1", "--timeout=-1s"], "-1s"),
        (&["eval", "1", "--memory", "big"], "such as 64MiB"),
        (&["batch", "--format", "text"], "--format"),
        (&["eval", "1", "--memory=-5"], "-5"),
        (&["eval", "1", "--stack", "deep"], "--stack"),
        (&["eval", "1", "--format", "xml"], "json, text"),
        (&["eval", "1", "--global", "x"], "NAME=JSON"),
        (&["eval", "1", "--global", "x={"], "value of x"),
        (&["eval", "1", "--global", "good=1", "--global", "bad=one"], "value of bad"),
    ] {
        aiointernal(arguments).fails_saying(2, &[named, "--help"]);
    }
}

#[test]
fn a_misspelt_option_of_eval_is_named() {
    aiointernal(&["eval", "--tiemout", "5s", "1"]).fails_saying(2, &["--tiemout"]);
}

#[test]
fn nothing_to_do_shows_what_there_is_to_do() {
    aiointernal(&[]).fails_saying(2, &["Usage:", "eval", "run", "batch", "repl"]);
}

#[test]
fn help_tells_every_exit_status() {
    let ran = aiointernal(&["--help"]);
    assert_eq!((ran.status, &*ran.stderr), (Some(0), ""));
    let help = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "Exit status: 0 done; 1 the script, or what a timer of it calls, threw",
        "; 2 the ",
        "; 3 a limit",
        "; 70 a fault",
        "console.log",
    ] {
        assert!(help.contains(part), "there is no {part:?} in {help}");
    }
    for command in ["eval", "run", "batch", "repl"] {
        assert!(ran.stdout.contains(&format!("\n  {command} ")), "{help}");
    }
}

#[test]
fn help_tells_every_option_and_its_default() {
    for command in ["eval", "run", "batch", "repl"] {
        let ran = aiointernal(&[command, "--help"]);
        assert_eq!((ran.status, &*ran.stderr), (Some(0), ""));
        let common = ["--timeout <TIME>", "--memory <SIZE>", "--stack <SIZE>", "--global <NAME=JSON>"];
        for option in common.iter().chain(&["--module-root <DIR>", "--help"]) {
            assert!(ran.stdout.contains(option), "there is no {option} in {}", ran.stdout);
        }
        for default in ["[default: 5s]", "[default: 64MiB]", "[default: 256KiB]"] {
            assert!(ran.stdout.contains(default), "there is no {default} in {}", ran.stdout);
        }
        assert_eq!(ran.stdout.contains("--fresh"), command == "batch");
        assert_eq!(ran.stdout.contains("--format <FORMAT>"), matches!(command, "eval" | "run"));
    }
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    let readme = include_str!("../../../README.md");
    let blocks = readme.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    let commands: Vec<_> = blocks.flat_map(str::lines).filter(|line| !line.starts_with("cargo test")).collect();
    let folder = Folder::with_file("script.js", "6 * 7");
    fs::write(folder.0.join("program.ts"), "const six: number = 6; six * 7").unwrap();
    let calculator = wat::parse_str(include_str!("../../../tests/component/core.wat")).unwrap();
    fs::write(folder.0.join("calculator.wasm"), calculator).unwrap();
    let batched = "{\"id\":1,\"ok\":true,\"value\":[2,4]}\n";
    let expected = [("3\n", 0), ("", 3), ("42\n", 0), (batched, 0), ("42\n", 0), ("", 0), ("3\n", 0)];
    assert_eq!(commands.len(), expected.len(), "{commands:?}");
    for (line, (stdout, status)) in commands.into_iter().zip(expected) {
        let line = line.replace("cargo run --release --", "aiointernal").replace("aiointernal", PROGRAM);
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(&folder.0);
        shell.envs(command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ran = run_command(shell, "");
        assert_eq!((&*ran.stdout, ran.status), (stdout, Some(status)), "{line}: {ran:?}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    aiointernal(&["--version"]).prints(concat!("aiointernal ", env!("CARGO_PKG_VERSION"), "\n"));
}
