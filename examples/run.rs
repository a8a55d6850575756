//! Runs every example as its reader would, and compares what it prints: `cargo test --release -p aiointernal-examples`.

use std::{
    env::{self, consts::EXE_SUFFIX},
    process::Command,
};

/// Runs an example, which cargo has put beside the tests, and compares its output.
#[track_caller]
fn assert_prints(example: &str, expected: &str) {
    let test = env::current_exe().expect("the test's own path");
    let profile = test.ancestors().nth(2).expect("a folder for the profile");
    let program = profile.join("examples").join(format!("{example}{EXE_SUFFIX}"));
    // Compiled code is kept where the build keeps everything else.
    let output = Command::new(&program).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR")).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{example} ended with {}:\n{errors}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{errors}");
}

#[test]
fn the_example_of_the_readme_prints_what_the_readme_says() {
    let (readme, example) = (include_str!("../README.md"), include_str!("readme.rs"));
    let (_, code) = example.split_once('\n').expect("a first line that says what it is");
    assert!(readme.contains(&format!("```rust\n{code}```")), "the README's example and readme.rs differ");
    assert!(readme.contains("Prints `12 timeout`."));
    assert_prints("readme", "12 timeout\n");
}

#[test]
fn the_first_steps_print_what_each_method_gives() {
    assert_prints(
        "seed",
        "\
Got Number: 3 from JavaScript
Got Area: 42
Got Greeting: Hello, tokio!
The sums are queued
Got Sum: 4
Got Sum: 112
",
    );
}

#[test]
fn an_object_of_ones_own_has_an_async_handle() {
    assert_prints(
        "heap_thread",
        "\
sum: 42
sum: 41, before: Some(2.0)
a was 2
a was 1
object: invalid float literal
",
    );
}

#[test]
fn a_tenant_is_answered_while_the_other_one_loops() {
    assert_prints(
        "tenants",
        r#"alice secret = 'rosebud'
    {"ok":"rosebud"}
bob typeof secret
    {"ok":"undefined"}
alice new Uint8Array(16 << 20).length
    {"ok":16777216}
bob new Uint8Array(16 << 20).length
    {"error":"the script needed more than its 8388608 bytes of memory; the context was kept","kind":"memory-limit"}
bob 6 * 7
    {"ok":42}
alice for (;;);
    {"error":"the call ran longer than its 100ms; the context was kept","kind":"timeout"}
alice secret
    {"ok":"rosebud"}
eve secret
    {"error":"no such tenant"}
"#,
    );
}

#[test]
fn a_batch_can_be_dropped_in_the_middle_and_its_context_goes_on() {
    assert_prints(
        "batch",
        "\
1229 primes
ReferenceError: prime is not defined
2262 primes
no result for 300ms: the batch is dropped
3491 primes were found
25 primes more
",
    );
}

#[test]
fn sqlite_does_what_aiosqlite_does() {
    assert_prints(
        "aiosqlite",
        r#"Earth is number 1, and 2 came after it
a chunk: [[Text("Mars")], [Text("Venus")]]
a chunk: [[Text("Earth")]]
Some([Text("EARTH")])
true; in a transaction: false
changes: 4
page 1 of 3
page 2 of 3
page 3 of 3
BEGIN TRANSACTION;
CREATE TABLE planet (id INTEGER PRIMARY KEY, name TEXT UNIQUE, mass REAL);
INSERT INTO "planet" VALUES(1,'Earth',5.97);
INSERT INTO "planet" VALUES(2,'Mars',0.64);
INSERT INTO "planet" VALUES(3,'Venus',4.87);
COMMIT;
closed
"#,
    );
}

#[test]
fn a_component_that_is_not_javascript_is_searched_and_streams_its_hits() {
    assert_prints(
        "search",
        "\
terms: it, must, never, leave, its, thread
queue: A call takes a place in the bounded queue and waits for its turn.
worker: The worker owns the object; it takes a call from the queue, and then the next.
",
    );
}

#[test]
fn functions_of_the_host_answer_a_script_and_keep_their_secrets() {
    assert_prints(
        "tools",
        "\
9.16
RangeError: no gold
Error: shop.order failed
host-function: shop.order failed: card 1234 was declined
timeout
",
    );
}
