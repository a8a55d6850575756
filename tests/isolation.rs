//! What one tenant leaves behind, nobody sees; and what the host is, no script sees.

use std::{collections::BTreeSet, convert::Infallible, env};

use aiointernal::{
    Context, ErrorKind, Limits, Sandbox,
    component::{Config, Dynamic, Engine, Instance},
    js::{Console, Functions, ModuleMap, ScriptError},
};

use crate::context::SANDBOX;

mod memory {
    use super::*;

    /// Its memory, its global and its table, with something in them from the start, and a scan of all that a fresh instance has, and
    /// may get: how much of it is not as it is at the start.
    const TENANT: &str = r#"(component
      (core module $m
        (memory 2)
        (data (i32.const 64) "\01\02\03\04\05\06\07\08")
        (data (i32.const 70000) "\01\02\03\04\05\06\07\08")
        (global $kept (mut i64) (i64.const 0))
        (table $slots 10 funcref)
        (elem (i32.const 5) func $mark)
        (func $mark (export "mark") (param $pages i32)
          (drop (memory.grow (local.get $pages)))
          (memory.fill (i32.const 0) (i32.const 0xCA) (i32.mul (memory.size) (i32.const 65536)))
          (global.set $kept (i64.const 0xCACACACA))
          (table.fill $slots (i32.const 0) (ref.func $mark) (i32.const 10)))
        (func (export "find") (param $pages i32) (result i32) (local $at i32) (local $end i32) (local $found i32)
          (drop (memory.grow (local.get $pages)))
          (local.set $end (i32.mul (memory.size) (i32.const 65536)))
          (loop $next
            (if (i64.ne (i64.load (local.get $at)) (select (i64.const 0x0807060504030201) (i64.const 0)
                  (i32.or (i32.eq (local.get $at) (i32.const 64)) (i32.eq (local.get $at) (i32.const 70000)))))
              (then (local.set $found (i32.add (local.get $found) (i32.const 1)))))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
          (if (i64.ne (global.get $kept) (i64.const 0))
            (then (local.set $found (i32.add (local.get $found) (i32.const 1)))))
          (if (i32.eq (ref.is_null (table.get $slots (i32.const 3))) (ref.is_null (table.get $slots (i32.const 5))))
            (then (local.set $found (i32.add (local.get $found) (i32.const 1)))))
          (local.get $found)))
      (core instance $i (instantiate $m))
      (func (export "mark") (param "pages" u32) (canon lift (core func $i "mark")))
      (func (export "find") (param "pages" u32) (result u32) (canon lift (core func $i "find"))))"#;

    #[test]
    fn a_fresh_instance_finds_no_byte_of_the_last_one_in_its_place() {
        for scan_pages in [true, false] {
            finds_nothing(scan_pages);
        }
    }

    fn finds_nothing(scan_pages: bool) {
        let mut config = Config::default();
        (config.instances, config.cache, config.scan_pages) = (1, None, scan_pages);
        let engine = Engine::new(config).unwrap();
        let program = Dynamic::new(&engine, &wat::parse_str(TENANT).unwrap()).unwrap();
        // Within what stays resident, and far beyond it; reached by as much, by more, and by less.
        for (marked, sought) in [(10, 10), (10, 200), (200, 10), (200, 200), (60, 1000)] {
            for is_replaced in [false, true] {
                let tenant = engine.open(program.clone(), Limits::default()).blocking().unwrap();
                let run = move |call: String| {
                    move |instance: &mut Instance<Dynamic>, running: &aiointernal::Running| {
                        instance.invoke(running, &call).map(|reply| reply.text().map(str::to_owned))
                    }
                };
                tenant.try_call(run(format!("mark({marked})"))).blocking().unwrap();
                let tenant = if is_replaced {
                    tenant.try_call(|instance, _| instance.replace()).blocking().unwrap();
                    tenant
                } else {
                    tenant.close().blocking().unwrap();
                    engine.open(program.clone(), Limits::default()).blocking().unwrap()
                };
                let found = tenant.try_call(run(format!("find({sought})"))).blocking().unwrap();
                assert_eq!(
                    found.as_deref(),
                    Some("0"),
                    "{marked} pages, {sought} sought, replaced: {is_replaced}, pages scanned: {scan_pages}"
                );
                tenant.close().blocking().unwrap();
            }
        }
    }
}

/// All names and values that a script reaches from its global object, and the shape of each object, as text.
const WORLD: &str = r#"
    const seen = new Map(), out = [];
    const walk = (value, path) => {
        if (typeof value !== 'object' && typeof value !== 'function' || value === null) {
            out.push(`${path} = ${typeof value}: ${typeof value === 'symbol' ? value.toString() : String(value)}`);
            return;
        }
        if (seen.has(value)) { out.push(`${path} -> ${seen.get(value)}`); return }
        seen.set(value, path);
        out.push(`${path}: ${typeof value}, ${Object.isExtensible(value)}${typeof value === 'function' ? ', ' + Function.prototype.toString.call(value) : ''}`);
        for (const key of Reflect.ownKeys(value)) {
            if (value === globalThis && ['seen', 'out', 'walk'].includes(key)) continue;
            const { value: inner, get, set, ...flags } = Object.getOwnPropertyDescriptor(value, key);
            const name = `${path}.${String(key)}`;
            out.push(`${name} ${JSON.stringify(flags)}`);
            if (get || set) { walk(get, name + '.get'); walk(set, name + '.set') } else walk(inner, name);
        }
        walk(Object.getPrototypeOf(value), path + '.__proto__');
    };
    walk(globalThis, 'globalThis');
    out"#;

/// A script that changes what it can.
const VANDAL: &str = r#"
    const { ownKeys } = Reflect, { freeze, setPrototypeOf } = Object, world = globalThis;
    const keys = ownKeys(world), objects = [], names = [];
    for (let i = 0; i < keys.length; i++) {
        const value = world[keys[i]];
        for (const object of [value, value?.prototype]) {
            if (typeof object !== 'object' && typeof object !== 'function' || object === null || object === objects) continue;
            objects.push(object);
            names.push(ownKeys(object));
        }
    }
    for (let i = 0; i < objects.length; i++) {
        const object = objects[i];
        for (let j = 0; j < names[i].length; j++) {
            try { object[names[i][j]] = () => 'canary' } catch {}
            try { delete object[names[i][j]] } catch {}
        }
        try { object.canary = 'canary' } catch {}
        try { setPrototypeOf(object, { canary: 'canary' }) } catch {}
        try { freeze(object) } catch {}
    }
    world.canary = 'canary'; undefined"#;

async fn world(context: &Context) -> Vec<String> {
    context.eval_as(format!("{{ {WORLD} }}")).await.unwrap()
}

#[tokio::test]
async fn whatever_a_script_changes_a_fresh_context_is_as_the_first_was() {
    let sandbox = Sandbox::builder().max_contexts(1).build().unwrap();
    let context = sandbox.context().await.unwrap();
    let first = world(&context).await;
    assert!(first.len() > 2000, "{}", first.len());
    context.reset().await.unwrap();
    for how in ["reset", "killed", "closed"] {
        context.eval(VANDAL).await.unwrap();
        match how {
            "reset" => context.reset().await.unwrap(),
            "killed" => {
                let loops = "const never = () => { for (;;) try { never() } catch {} finally { continue } }; never()";
                let error = context.eval(loops).timeout(std::time::Duration::from_millis(20)).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Timeout);
                context.reset().await.unwrap();
            }
            _ => context.close().await.unwrap(),
        }
        if how == "closed" {
            let context = sandbox.context().await.unwrap();
            assert_eq!(world(&context).await, first, "{how}");
        } else {
            assert_eq!(world(&context).await, first, "{how}");
            context.reset().await.unwrap();
        }
    }
}

/// Errors of every function that a script reaches, called with what it does not expect.
const ERRORS: &str = r#"
    const seen = new Set(), texts = [];
    const tell = error => {
        if (typeof error !== 'object' || error === null) return;
        for (const key of ['name', 'message', 'stack', 'fileName', 'lineNumber']) texts.push(String(error[key]));
    };
    const odd = [undefined, null, -1, 1e21, 'text', Symbol.iterator, {}, [], () => { throw new Error('thrown') }, 1n];
    const visit = value => {
        if (typeof value !== 'object' && typeof value !== 'function' || value === null || seen.has(value)) return;
        seen.add(value);
        for (const key of Reflect.ownKeys(value)) {
            let inner;
            try { inner = value[key] } catch (error) { tell(error) }
            const { get, set } = Object.getOwnPropertyDescriptor(value, key);
            for (const each of [inner, get, set]) {
                if (typeof each === 'function' && !['gc', 'repeat', 'padEnd', 'padStart', 'visit', 'tell'].includes(each.name)) {
                    for (const argument of odd) {
                        try { each.call(argument, argument, -1, each) } catch (error) { tell(error) }
                        try { new each(argument, argument) } catch (error) { tell(error) }
                    }
                }
                visit(each);
            }
        }
        visit(Object.getPrototypeOf(value));
    };
    visit(globalThis);
    for (const source of ['(', 'let a; let a', '/(/', 'import x from "y"', '`${', '\u0000', 'await', '}', 'class { constructor() {} constructor() {} }']) {
        try { eval(source) } catch (error) { tell(error) }
        try { new Function(source) } catch (error) { tell(error) }
    }
    for (const specifier of ['nowhere', '/etc/passwd', '../../x', 'file:///etc/passwd', 'node:fs', 'https://example.com/x.js']) {
        try { await import(specifier) } catch (error) { tell(error) }
    }
    for (const call of [fails, breaks]) {
        try { await call() } catch (error) { tell(error) }
    }
    [...new Set(texts)]"#;

#[tokio::test]
async fn nothing_of_the_host_shows_in_a_scripts_world() {
    #[derive(Debug)]
    struct Secret;
    impl std::fmt::Display for Secret {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("secret-of-the-host")
        }
    }
    impl std::error::Error for Secret {}
    let functions = Functions::new()
        .sync_function("fails", |(): (), _| Err::<(), _>(Secret))
        .function("breaks", |(): (), _| async {
            assert!(env::args().len() > 1000, "secret-of-the-host");
            Ok::<_, Infallible>(())
        })
        .sync_function("says", |(): (), _| Err::<(), _>(ScriptError::new("Error", "what it may know")));
    let console = Console::new();
    let limits = {
        let mut limits = Limits::default();
        limits.result = 8 << 20;
        limits
    };
    let context = SANDBOX.context().functions(functions).modules(ModuleMap::default()).limits(limits).await.unwrap();
    let mut texts: BTreeSet<String> = world(&context).await.into_iter().collect();
    texts.extend(context.printing_to(&console).eval_as::<Vec<String>>(ERRORS).await.unwrap());
    texts.extend(console.take().iter().map(|message| message.text().to_owned()));
    texts.extend(context.eval_as::<String>("new Error('x').stack").await);
    assert!(texts.len() > 1000, "{}", texts.len());
    assert!(texts.iter().any(|text| text.contains("fails failed")), "the walk has called them");

    let own = env::current_exe().unwrap();
    let folder = env::current_dir().unwrap();
    let user = env::var("HOME").unwrap_or_else(|_| "/root".to_owned());
    let never = [
        own.to_str().unwrap(),
        folder.to_str().unwrap(),
        &user,
        "secret-of-the-host",
        "wasm",
        "rust",
        "cargo",
        ".rs",
        ".c:",
        "quickjs",
        "QuickJS",
        "aiointernal",
        "x86",
        "linux",
        "panicked",
        env!("CARGO_PKG_VERSION"),
    ];
    for text in &texts {
        // The script's own names, and what it was told to try.
        for secret in never {
            assert!(!text.contains(secret), "{secret:?} in {text:?}");
        }
        assert!(!has_address(text), "{text:?}");
    }
}

/// Whether a text has what looks like an address: 0x and at least six digits.
fn has_address(text: &str) -> bool {
    text.split("0x").skip(1).any(|rest| rest.chars().take_while(char::is_ascii_hexdigit).count() >= 6)
}

#[tokio::test]
async fn the_only_clock_of_a_script_steps_by_a_millisecond() {
    let context = SANDBOX.context().await.unwrap();
    let steps = "const steps = new Set(); let last = Date.now(); const end = last + 20; \
        while (last < end) { const now = Date.now(); if (now !== last) steps.add(now % 1); last = now } [...steps]";
    assert_eq!(context.eval_as::<Vec<f64>>(steps).await.unwrap(), [0.0]);
    // The console has the time between two moments with as many digits.
    let console = Console::new();
    let timed = "console.time('x'); for (let i = 0; i < 1e5; i++); console.timeEnd('x')";
    context.printing_to(&console).eval(timed).await.unwrap();
    let printed = console.take()[0].text().to_owned();
    let digits = printed.strip_prefix("x: ").and_then(|rest| rest.strip_suffix("ms"));
    assert!(
        digits.is_some_and(|digits| digits.trim_end_matches('0').trim_end_matches('.').parse::<u32>().is_ok()),
        "{printed}"
    );
    let of_performance = format!("{{ {} }}", steps.replace("Date.now()", "performance.now()"));
    assert_eq!(context.eval_as::<Vec<f64>>(of_performance).await.unwrap(), [0.0]);
    // Nothing else counts while a script runs: neither a finer clock, nor a thread.
    let others = "['Worker', 'setTimeout', 'setInterval', 'WebAssembly'].filter(name => name in globalThis)";
    assert_eq!(context.eval_as::<Vec<String>>(others).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn console_and_errors_of_one_context_reach_its_own_caller_only() {
    let (one, other) = (SANDBOX.context().await.unwrap(), SANDBOX.context().await.unwrap());
    let (first, second) = (Console::new(), Console::new());
    let (one, other) = (one.printing_to(&first), other.printing_to(&second));
    let (thrown, value) = tokio::join!(
        one.eval("console.log('canary'); globalThis.canary = 1; throw new Error('canary')").into_future(),
        other.eval("console.log('mine'); typeof canary").into_future()
    );
    assert_eq!(thrown.unwrap_err().exception().unwrap().message, "canary");
    assert_eq!(value.unwrap(), "undefined".into());
    assert_eq!(second.take().len(), 1);
    let again = other.eval("undefined.x").await.unwrap_err();
    assert!(!format!("{again:?} {again:#}").contains("canary"));
}
