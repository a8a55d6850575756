//! The same script in a fresh context, in one that was used and reset, and in one that ran what leaves nothing behind: the same comes
//! of it.
#![no_main]

use aiointernal::Context;
use aiointernal_fuzz as common;
use libfuzzer_sys::fuzz_target;

/// What differs from one time to the next, wherever it runs.
const CHANGES: [&str; 11] = [
    "Date",
    "File",
    "Finalization",
    "FormData",
    "Interval",
    "Timeout",
    "Weak",
    "crypto",
    "performance",
    "random",
    "time",
];

/// Uses much of the engine, and leaves nothing behind.
const TIDY: &str = "(() => { const seen = new Map([1, 2n, 'x', {}].map((value, index) => [value, index])); \
    for (const [value] of seen) String(value).replace(/./gu, (char) => char + char); \
    try { null.x } catch {} \
    function* count() { yield* [1, 2, 3] } \
    return JSON.stringify([...count(), new Float64Array(10), new Proxy({}, {})]) })(); 0";

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if CHANGES.iter().any(|word| text.contains(word)) || text.contains('\\') {
        return;
    }
    let context = common::context();
    let Some(fresh) = outcome(&context, text) else { return common::close(&context) };
    // Used: by the script itself, and by one that changes what all scripts start with.
    let _ = context.eval("Object.prototype.left = 1; Array.prototype.map = null; var left = 2").blocking();
    context.reset().blocking().expect("a context can be made anew");
    if let Some(again) = outcome(&context, text) {
        assert_eq!(again, fresh);
    }
    context.reset().blocking().expect("a context can be made anew");
    let tidied = context.eval(TIDY).blocking();
    if common::is_timeout(&tidied) {
        return common::close(&context);
    }
    tidied.expect("it is a script");
    // How much memory or stack there is depends on what was there before.
    let is_of_room = |outcome: &str| ["memory", "stack", "too large"].iter().any(|word| outcome.contains(word));
    if let Some(again) = outcome(&context, text)
        && !is_of_room(&again)
        && !is_of_room(&fresh)
    {
        assert_eq!(again, fresh);
    }
    common::close(&context);
});

/// The value or the error as text. None where it depends on the machine.
fn outcome(context: &Context, text: &str) -> Option<String> {
    let ended = context.eval(text).blocking();
    if common::is_timeout(&ended) {
        return None;
    }
    Some(match ended {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{:?} {error}", error.kind()),
    })
}
