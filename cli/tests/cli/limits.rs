//! Limits, and the status of a call that met one.

use super::*;

/// With this little time, every one of these would run for seconds.
#[track_caller]
fn times_out(source: &str) {
    aiointernal(&["eval", "--timeout", "200ms", "--", source]).fails_saying(3, &["timeout", "200ms"]);
}

#[test]
fn an_endless_loop_is_stopped() {
    times_out("while (true);");
    times_out("for (;;) { try { for (;;); } catch {} finally { continue } }");
    times_out("(async () => { for (;;) await 0 })()");
}

#[test]
fn a_backtracking_regular_expression_is_stopped() {
    times_out("/(a+)+$/.test('a'.repeat(40) + 'b')");
}

#[test]
fn a_builtin_that_does_not_look_at_the_time_is_stopped() {
    times_out("new Array(2e8) + ''");
}

#[test]
fn the_time_limit_holds_in_files_too() {
    run_file("endless.js", "while (true);", &["--timeout", "50ms"]).fails_saying(3, &["timeout", "50ms"]);
}

#[test]
fn a_result_of_ten_megabytes_is_refused() {
    evaluate("'x'.repeat(10e6)").fails_saying(3, &["result-too-large", "1048576"]);
    aiointernal(&["eval", "--format", "text", "'x'.repeat(10e6)"]).fails_saying(3, &["result-too-large"]);
}

#[test]
fn memory_is_limited() {
    let limited = |options: &[&str], source| aiointernal(&[&["eval", "--timeout", "10m", source], options].concat());
    let endless = "let a = []; while (true) a.push(new Uint8Array(1e5))";
    limited(&[], endless).fails_saying(3, &["memory-limit", "67108864"]);
    limited(&["--memory", "16MiB"], endless).fails_saying(3, &["memory-limit", "16777216"]);
    let twenty_megabytes = "new Uint8Array(20e6).length";
    limited(&["--memory", "16MiB"], twenty_megabytes).fails_saying(3, &["memory-limit"]);
    limited(&["--memory", "32MiB"], twenty_megabytes).prints("20000000\n");
}

#[test]
fn too_little_memory_for_the_engine_is_a_usage_error() {
    for size in ["0", "1MiB", "4194303"] {
        aiointernal(&["eval", "--memory", size, "1"]).fails_saying(2, &["memory", "4194304"]);
    }
}

#[test]
fn memory_that_is_just_too_little_is_no_exception_of_the_script() {
    for size in ["4MiB", "4100KiB"] {
        let ran = aiointernal(&["eval", "--memory", size, "1"]);
        assert!(matches!(ran.status, Some(2 | 3)), "{ran:?}");
        assert!(ran.stderr.contains("memory"), "{ran:?}");
    }
}

#[test]
fn a_source_has_its_longest_size() {
    let fits = format!("/*{}*/7", "x".repeat(SOURCE_LIMIT - 5));
    feed(&["eval", "-"], &fits).prints("7\n");
    let too_long = fits + " ";
    feed(&["eval", "-"], &too_long).fails_saying(3, &["source-too-large", "<stdin>", "2097152"]);
    feed(&["eval", "-"], "é".repeat(SOURCE_LIMIT / 2 + 1)).fails_saying(3, &["source-too-large"]);
    run_file("long.js", &too_long, &[]).fails_saying(3, &["source-too-large", "long.js", "2097152"]);
}

#[test]
fn the_stack_limit_is_how_deep_a_script_may_recurse() {
    let depth = |stack: &str| {
        let source = "let depth = 0; function f() { depth++; f() } try { f() } catch {} depth";
        let ran = aiointernal(&["eval", "--stack", stack, source]);
        assert_eq!((ran.status, &*ran.stderr), (Some(0), ""));
        ran.stdout.trim_end().parse::<u32>().expect("the depth is a number")
    };
    let (small, default, large) = (depth("64KiB"), depth("256KiB"), depth("512KiB"));
    assert!(small * 3 < default && default * 3 < large * 2, "{small}, {default}, {large}");
    assert_eq!(depth("256KiB"), default);
}

#[test]
fn no_stack_is_not_an_unlimited_one() {
    let ran = aiointernal(&["eval", "--stack", "0", "function f() { f() } f()"]);
    assert!(matches!(ran.status, Some(1 | 2)), "{ran:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_machine_that_has_no_room_is_a_fault_of_the_host() {
    let inner = command(&[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -v 4000000 && exec \"$0\" eval 1", PROGRAM]);
    shell.envs(inner.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
    run_command(shell, "").fails_saying(70, &["engine", "ulimit -v"]);
}
