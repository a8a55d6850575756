//! Components: bytes or text as they are, made by choices from the bytes, or written for a test.
#![no_main]

use std::sync::LazyLock;

use aiointernal::component::Engine;
use libfuzzer_sys::fuzz_target;

use choices::Choices;

#[path = "../../tests/generated/choices.rs"]
mod choices;
#[path = "../../tests/generated/component.rs"]
mod component;
#[path = "../../tests/generated/run.rs"]
mod run;
#[path = "../../tests/generated/types.rs"]
mod types;

static ENGINE: LazyLock<Engine> = LazyLock::new(run::engine);

/// Calls of what the components of the tests export.
const CALLS: [&str; 6] = ["add(1, 2)", "echo(\"text\")", "half(7)", "zeroes(100)", "fine()", "f0()"];

fuzz_target!(|bytes: &[u8]| {
    let calls = CALLS.map(str::to_owned);
    if bytes.starts_with(b"\0asm") {
        run::run(&ENGINE, bytes, &calls);
    } else if bytes.starts_with(b";;") || bytes.starts_with(b"(component") {
        let Some(wasm) = str::from_utf8(bytes).ok().and_then(|text| wat::parse_str(text).ok()) else { return };
        run::run(&ENGINE, &wasm, &calls);
    } else {
        let made = component::component(&mut Choices::new(bytes));
        let wasm = wat::parse_str(&made.text).unwrap_or_else(|error| panic!("{error}: {}", made.text));
        run::run(&ENGINE, &wasm, &made.calls);
    }
});
