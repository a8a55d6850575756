//! Any text as TypeScript: its types are taken away, or it is malformed, at a place that it has. The engine is not asked.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    // Only `cargo xtask fuzz` can reach it alone.
    #[cfg(fuzzing)]
    {
        let (is_within, length) = aiointernal::js::fuzzing::strip(&text);
        assert!(is_within, "a place that is not in the text");
        // A declaration of a namespace or an enum grows by a constant, whatever is in it.
        assert!(length.is_none_or(|length| length <= 1 << 20), "{length:?} bytes");
    }
    #[cfg(not(fuzzing))]
    drop(text);
});
