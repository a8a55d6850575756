//! Any bytes as an engine's result, which decode or are refused; and what scripts give, and JSON, through the decoders and encoders
//! of both sides: it comes back as it was.
#![no_main]

use std::sync::LazyLock;

use aiointernal::{Context, ErrorKind};
use aiointernal_fuzz as common;
use libfuzzer_sys::fuzz_target;

/// Stays, as it is only asked to give back what it gets.
static MIRROR: LazyLock<Context> = LazyLock::new(|| {
    let context = common::context();
    context.eval("globalThis.same = value => value; 0").blocking().expect("it is a script");
    context
});

fuzz_target!(|bytes: &[u8]| {
    // Only `cargo xtask fuzz` can reach the decoder alone.
    #[cfg(fuzzing)]
    for room in [0, 1 << 10, 1 << 20] {
        if let Some(taken) = aiointernal::js::fuzzing::decode(bytes, room) {
            assert!(taken <= room, "{taken} bytes in {room}");
        }
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(text) {
        json_comes_back(&json);
    }
    let context = common::context();
    match context.eval(text).blocking() {
        Ok(value) => value_comes_back(&value),
        Err(error) => common::check(&error),
    }
    common::close(&context);
});

fn value_comes_back(value: &aiointernal::Value) {
    let Some(once) = mirror(|| MIRROR.call("same", (value,)).blocking()) else { return };
    // An error without a name is given one on its way in.
    let text = format!("{value:?}");
    if !text.contains("ErrorObject") {
        // NaN differs from itself, so the texts are compared.
        assert_eq!(format!("{once:?}"), text);
    }
    if let Some(twice) = mirror(|| MIRROR.call("same", (&once,)).blocking()) {
        assert_eq!(format!("{twice:?}"), format!("{once:?}"));
    }
}

fn json_comes_back(json: &serde_json::Value) {
    if let Some(again) = mirror(|| MIRROR.call_as::<serde_json::Value>("same", (json,)).blocking()) {
        // JavaScript has one kind of number.
        assert_eq!(rounded(&again), rounded(json));
    }
}

/// The same with numbers as JavaScript has them.
fn rounded(json: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match json {
        Value::Number(number) => number.as_f64().map_or(Value::Null, |number| Value::from(number + 0.0)),
        Value::Array(items) => items.iter().map(rounded).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), rounded(value))).collect(),
        other => other.clone(),
    }
}

/// Asks the mirror. What is too large or takes too long does not come back.
fn mirror<T>(ask: impl Fn() -> Result<T, aiointernal::Error>) -> Option<T> {
    let error = match ask() {
        Ok(answer) => return Some(answer),
        Err(error) => error,
    };
    if !matches!(error.kind(), ErrorKind::NotTransferable | ErrorKind::WrongType) {
        common::check(&error);
    }
    if !error.is_context_kept() {
        MIRROR.eval("globalThis.same = value => value; 0").blocking().expect("it is a script");
    }
    None
}
