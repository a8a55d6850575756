//! The limits of memory and of the stack.

use aiointernal_guest::{Failure, Settings};

use super::{SETTINGS, call, engine, eval, set};

#[test]
fn memory_that_was_used_up_is_free_again() {
    let (engine, _) = engine();
    engine.configure(Settings { memory_bytes: 8 << 20, ..SETTINGS });
    for script in [
        "{ const hoard = []; for (;;) hoard.push(new Uint8Array(65536)) }",
        "{ const hoard = []; for (;;) hoard.push({}) }",
        "{ let text = 'x'; for (;;) text += text + 'y' }",
        "{ const map = new Map(); for (let i = 0; ; i++) map.set(i, {}) }",
        "{ let n = 3n; for (;;) n *= n }",
        "new Uint8Array(16 << 20)",
        "(async () => { const hoard = []; for (;;) { await 0; hoard.push(new Uint8Array(65536)) } })()",
    ] {
        let failed = eval(engine, script);
        assert!(matches!(failed, Err(Failure::OutOfMemory | Failure::Thrown(_))), "{script}: {failed:?}");
        assert_eq!(eval(engine, "Array.from({ length: 1000 }, () => ({})).length"), Ok("1000".into()), "{script}");
    }
    assert_eq!(
        set(engine, "value", &{
            let mut value = vec![0x5a, 0x01, 0x00, 0x00, 0x00];
            value.extend(vec![0; 16 << 20]);
            value
        }),
        Err(Failure::OutOfMemory)
    );
    assert_eq!(eval(engine, "1 + 1"), Ok("2".into()));
    let usage = engine.memory_usage();
    assert!(usage.used < 4 << 20 && usage.allocated >= usage.used && usage.objects > 100, "{usage:?}");
}

#[test]
fn a_global_that_is_set_is_counted_as_memory() {
    let (engine, _) = engine();
    let before = engine.memory_usage();
    set(engine, "value", &{
        let mut value = vec![0x5a, 0x00, 0x10, 0x00, 0x00];
        value.extend(vec![0; 1 << 20]);
        value
    })
    .unwrap();
    let after = engine.memory_usage();
    assert!(after.used >= before.used + (1 << 20), "{before:?} {after:?}");
}

#[test]
fn a_smaller_stack_ends_a_recursion_earlier() {
    let (engine, _) = engine();
    eval(engine, "var depth = 0; function down() { depth++; down() } function measure() { depth = 0; try { down() } catch {} return depth }").unwrap();
    let measure = |bytes| {
        engine.configure(Settings { stack_bytes: bytes, ..SETTINGS });
        call(engine, "measure", &[]).expect("the overflow is caught").parse::<u32>().expect("a number")
    };
    let (small, large) = (measure(64 << 10), measure(512 << 10));
    assert!(small > 10 && large > 4 * small, "{small} and {large} calls");
}
