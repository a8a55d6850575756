//! Any text as TypeScript: its types are taken away, or it is malformed, at a place that it has. The engine is not asked.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes).into_owned();
    // Only `cargo xtask fuzz` can reach it alone.
    #[cfg(fuzzing)]
    {
        // The stack that the parser may need.
        let thread = std::thread::Builder::new().stack_size(64 << 20);
        let stripped = thread.spawn(move || aiointernal::js::fuzzing::strip(&text)).expect("there is a thread").join();
        let (is_within, length) = stripped.expect("it does not panic");
        assert!(is_within, "a place that is not in the text");
        // What a declaration becomes is longer than it by a constant, and by as much as it is nested.
        assert!(length.is_none_or(|length| length <= 16 << 20), "{length:?} bytes");
    }
    #[cfg(not(fuzzing))]
    drop(text);
});
