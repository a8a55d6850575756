//! Scripts that come again, which the engine keeps compiled.

use std::sync::LazyLock;

use aiointernal::{Context, ErrorKind, Sandbox, Value, component::Limits, js::Source};

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new().unwrap());

fn open() -> Context {
    SANDBOX.context().blocking().unwrap()
}

/// What a script comes to, as a text.
fn outcome(context: &Context, source: &str) -> String {
    match context.eval(source).blocking() {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{:?} {error}", error.kind()),
    }
}

/// Scripts that would show it if something of the last time were left in what was compiled.
const SCRIPTS: [&str; 37] = [
    "1 + 2",
    "let bound = 1; bound",
    "const fixed = 1; fixed",
    "class Declared {} Declared.name",
    "var count = (globalThis.count ?? 0) + 1; count",
    "function declared() { return (declared.calls = (declared.calls ?? 0) + 1) } declared()",
    "{ let block = 1; var made = () => block++; } made() + made()",
    "globalThis.functions ??= new Set(); functions.add(() => 0); functions.size",
    "globalThis.classes ??= new Set(); classes.add(class { static #a = 1 }); classes.size",
    "globalThis.patterns ??= new Set(); patterns.add(/a/g); const found = /a/g; found.test('aa'); found.lastIndex",
    "globalThis.lists ??= new Set(); lists.add([1]); lists.add({}); lists.size",
    "globalThis.sites ??= new Set(); sites.add(((strings) => strings)`a`); sites.size",
    "(function () { globalThis.inner ??= new Set(); inner.add((() => (s => s)`a`)()); return inner.size })()",
    "globalThis.brands ??= []; class Brand { #a = brands.length; static is(x) { return #a in x } }
     brands.push(new Brand()); brands.map((brand) => Brand.is(brand))",
    "globalThis.symbols ??= new Set(); symbols.add(Symbol('a')); symbols.size",
    "'use strict'; (function () { return this })() === undefined",
    "(function () { return this })() === globalThis",
    "'use strict'; undeclared = 1",
    "undeclared = (globalThis.undeclared ?? 0) + 1",
    "throw new Error('thrown')",
    "throw new Error('thrown').stack",
    "(() => { throw new TypeError('deep') })()",
    "Error.prepareStackTrace = () => { globalThis.traces = (globalThis.traces ?? 0) + 1; return 'x' }; 0",
    "throw 1",
    "[globalThis.traces, delete Error.prepareStackTrace]",
    "null.member",
    "notThere",
    "1 +",
    "let twice; let twice",
    "label: { 1; break label; 2 }",
    "try { 1 } finally { 2 }",
    "if (false) 1",
    "for (var i = 0; i < 3; i++) i",
    "eval('var evaluated = (globalThis.evaluated ?? 0) + 1; evaluated')",
    "(function* () { yield* [1, 2] })().next()",
    "delete globalThis.count; typeof count",
    "Promise.resolve(1).then((x) => x + 1)",
];

#[test]
fn a_script_that_comes_again_does_what_it_does_when_it_is_read_anew() {
    let (kept, read) = (open(), open());
    // Each so often in a row that it is kept and run again, and all of them once more when others have been kept meanwhile.
    for round in 0..3 {
        for script in SCRIPTS {
            for time in 0..4 {
                // Behind the last line a comment makes it another text, and moves nothing.
                let anew = format!("{script}\n// {round} {time}");
                assert_eq!(outcome(&kept, script), outcome(&read, &anew), "{script}, {round} {time}");
            }
        }
    }
}

#[test]
fn a_script_of_another_name_is_another() {
    let context = open();
    let stack = |name: &str| {
        let script = Source::script("new Error().stack").named(name);
        context.eval_as::<String>(script).blocking().unwrap()
    };
    for _ in 0..4 {
        for name in ["one.js", "other.js"] {
            assert!(stack(name).contains(name));
        }
    }
}

#[test]
fn many_scripts_and_long_ones_take_no_more_memory_each_time() {
    let context = open();
    let used = || context.memory_usage().blocking().unwrap().used;
    let round = |last: usize| {
        for length in [1, 1000, 20_000] {
            for script in 0..last {
                let source = format!("'{}'.length + {script}", "x".repeat(length));
                for _ in 0..3 {
                    let expected = Value::from((length + script) as i32);
                    assert_eq!(context.eval(source.as_str()).blocking().unwrap(), expected);
                }
            }
        }
    };
    round(40);
    let once = used();
    round(60);
    assert!(used() < once + (64 << 10), "{once}, then {}", used());
    assert!(once < 1 << 20, "{once}");
}

#[test]
fn a_script_that_was_stopped_or_had_no_memory_can_come_again() {
    let mut limits = Limits::default();
    limits.memory = 16 << 20;
    let context = SANDBOX.context().limits(limits).blocking().unwrap();
    for _ in 0..4 {
        let error = context.eval("new Array(1e8).fill(0)").blocking().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MemoryLimit, "{error}");
        let endless = context.eval("for (;;);").timeout(std::time::Duration::from_millis(20));
        assert_eq!(endless.blocking().unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(context.eval("1 + 2").blocking().unwrap(), 3.into());
    }
}
