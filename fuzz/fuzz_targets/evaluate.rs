//! Any text as a script: it ends as a script may, and the context goes on.
#![no_main]

use aiointernal::js::Source;
use aiointernal_fuzz as common;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let context = common::context();
    for source in [Source::script(&*text), Source::module(&*text)] {
        match context.eval(source).blocking() {
            Ok(value) => assert!(format!("{value:?}").len() < 16 << 20, "a value that is larger than its limit"),
            Err(error) => {
                common::check(&error);
                let _ = (error.to_string(), format!("{error:?}"));
            }
        }
    }
    common::check_works(&context);
    common::close(&context);
});
