//! Modules, and graphs of them that fail.

use aiointernal_guest::{Engine, Failure, ResultForm, Source, SourceKind};

use super::{FakeHost, World, engine, eval, evaluate, get, messages, random::Random, render, source, thrown};

/// Evaluates a module of this name among those of the world.
fn evaluate_module(engine: &Engine<FakeHost>, world: &World, name: &str) -> Result<String, Failure> {
    let text = world.modules.borrow().get(name).cloned().unwrap_or_default();
    let source = Source { name: name.into(), text, kind: SourceKind::Module };
    evaluate(engine, &source, ResultForm::Value).map(|value| render(&value))
}

fn put(world: &World, name: impl Into<String>, text: impl Into<String>) {
    world.modules.borrow_mut().insert(name.into(), text.into());
}

#[test]
fn modules_of_one_name_are_each_evaluated() {
    let (engine, world) = engine();
    for _ in 0..3 {
        evaluate(engine, &source("export let n = 1; console.log(n++)", SourceKind::Module), ResultForm::Value).unwrap();
    }
    assert_eq!(messages(&world), ["1", "1", "1"]);
}

#[test]
fn a_module_that_the_host_finds_malformed_is_an_error_of_its_own_and_may_be_imported_again() {
    let (engine, world) = engine();
    for (name, class) in [("a.ts", "SyntaxError"), ("b.ts", "RangeError")] {
        put(&world, name, class);
        let seen = format!("[{class:?}, 300, \"    at {name}:2:8\\n\", []]");
        let script =
            format!("import('{name}').catch((e) => [e.constructor.name, e.message.length, e.stack, Object.keys(e)])");
        for _ in 0..2 {
            assert_eq!(eval(engine, &script), Ok(seen.clone()));
        }
        let module = evaluate(engine, &source(&format!("import '{name}'"), SourceKind::Module), ResultForm::Value);
        let Err(Failure::Thrown(exception)) = module else { panic!("it throws") };
        assert_eq!((exception.name.as_str(), exception.stack), (class, format!("    at {name}:2:8")));
    }
}

#[test]
fn a_module_is_loaded_once_whoever_imports_it() {
    let (engine, world) = engine();
    put(&world, "a.mjs", "import './b.mjs'; import './c.mjs'");
    put(&world, "b.mjs", "import './c.mjs'; globalThis.count = (globalThis.count ?? 0) + 1");
    put(&world, "c.mjs", "import './b.mjs'");
    for _ in 0..3 {
        assert_eq!(evaluate_module(engine, &world, "a.mjs"), Ok("undefined".into()));
        assert_eq!(eval(engine, "import('./b.mjs').then(() => count)"), Ok("1".into()));
    }
    assert_eq!(*world.loads.borrow(), ["b.mjs", "c.mjs"]);
}

#[test]
fn a_cycle_that_failed_is_loaded_again_when_it_is_mended() {
    let (engine, world) = engine();
    put(&world, "root.mjs", "import './fine.mjs'; import './a.mjs'; import './missing.mjs'; export const root = 1");
    put(&world, "a.mjs", "import { root } from './root.mjs'; export const where = () => [root, new Error().stack]");
    put(&world, "fine.mjs", "");
    for _ in 0..2 {
        let failed = eval(engine, "import('./root.mjs')");
        assert!(
            matches!(&failed, Err(Failure::Thrown(thrown)) if thrown.message.contains("missing.mjs")),
            "{failed:?}"
        );
    }
    put(&world, "missing.mjs", "export default 'mended'");
    let mended = eval(engine, "import('./root.mjs').then(() => import('./a.mjs')).then((a) => a.where().join())");
    // Twice it was loaded in vain.
    assert!(mended.as_ref().is_ok_and(|at| at.starts_with("\"1,    at where (a.mjs#3:1:")), "{mended:?}");
    // What does not import the failed one is there from the first time on.
    assert_eq!(world.loads.borrow().iter().filter(|name| *name == "fine.mjs").count(), 1);
}

#[test]
fn a_module_that_is_labelled_otherwise_keeps_its_name() {
    let (engine, world) = engine();
    put(&world, "lib/root.mjs", "import './a.mjs'; import './missing.mjs'");
    let text = "import './root.mjs'; export { near } from './near.mjs'; export const { url } = import.meta;
        export const fail = () => { throw new Error('thrown', { cause: new AggregateError([new Error()]) }) }";
    put(&world, "lib/a.mjs", text);
    put(&world, "lib/near.mjs", "export const near = import.meta.url");
    eval(engine, "import('./lib/root.mjs')").unwrap_err();
    put(&world, "lib/missing.mjs", "");
    let seen = eval(engine, "import('./lib/a.mjs').then((a) => [a.url, a.near])");
    assert_eq!(seen, Ok("[\"lib/a.mjs\", \"lib/near.mjs\"]".into()));
    let Err(Failure::Thrown(thrown)) = eval(engine, "import('./lib/a.mjs').then((a) => a.fail())") else {
        panic!("it throws");
    };
    let cause = thrown.cause.as_ref().unwrap();
    for exception in [&*thrown, cause, &cause.errors[0]] {
        assert!(exception.stack.starts_with("    at fail (lib/a.mjs:2:"), "{}", exception.stack);
    }
    // The script itself sees the label.
    let seen = eval(engine, "import('./lib/a.mjs').then((a) => { try { a.fail() } catch (e) { return e.stack } })");
    assert!(seen.as_ref().is_ok_and(|stack| stack.contains("at fail (lib/a.mjs#2:2:")), "{seen:?}");
    // Its own imports are those of its name, at whatever time.
    put(&world, "lib/a.mjs", "broken (");
    put(&world, "lib/main.mjs", "import { fail } from './a.mjs'; fail()");
    let Err(Failure::Thrown(thrown)) = evaluate_module(engine, &world, "lib/main.mjs") else {
        panic!("it throws");
    };
    assert!(thrown.stack.starts_with("    at fail (lib/a.mjs:2:"), "{}", thrown.stack);
}

#[test]
fn a_module_that_is_evaluated_takes_the_place_of_an_earlier_one_of_its_name() {
    let (engine, world) = engine();
    let text = |value| {
        format!(
            "import * as me from './main.mjs'; export const v = {value}; import.meta.own ??= {value};
            globalThis.seen = [me.v, import.meta.own, import.meta.url, import.meta.main]; export const f = () => null.x"
        )
    };
    for value in 1..4 {
        put(&world, "main.mjs", text(value));
        evaluate_module(engine, &world, "main.mjs").unwrap();
        assert_eq!(get(engine, "seen"), Ok(format!("[{value}, {value}, \"main.mjs\", true]")));
        assert_eq!(eval(engine, "import('./main.mjs').then((main) => main.v)"), Ok(value.to_string()));
    }
    let Err(Failure::Thrown(thrown)) = eval(engine, "import('./main.mjs').then((main) => main.f())") else {
        panic!("it throws");
    };
    assert!(thrown.stack.starts_with("    at f (main.mjs:2:"), "{}", thrown.stack);
    // It was never asked for.
    assert!(world.loads.borrow().is_empty());
}

#[test]
fn a_module_that_could_not_be_linked_is_mended_by_the_next_of_its_name() {
    let (engine, world) = engine();
    put(&world, "b.mjs", "import * as main from './main.mjs'; export const b = () => main.v");
    put(&world, "main.mjs", "import { missing } from './b.mjs'; export const v = 'broken'");
    for _ in 0..2 {
        let Err(Failure::Thrown(thrown)) = evaluate_module(engine, &world, "main.mjs") else {
            panic!("it throws");
        };
        let told = (thrown.message.as_str(), thrown.stack.as_str());
        assert_eq!(told, ("Could not find export 'missing' in module 'b.mjs'", "    at main.mjs:1:25"));
    }
    put(&world, "main.mjs", "import { b } from './b.mjs'; export const v = 'mended'; globalThis.seen = b()");
    evaluate_module(engine, &world, "main.mjs").unwrap();
    assert_eq!(get(engine, "seen"), Ok("\"mended\"".into()));
    // What cannot be linked to it says its name.
    put(&world, "d.mjs", "\nimport { d } from './main.mjs'");
    let Err(Failure::Thrown(thrown)) = eval(engine, "import('./d.mjs')") else {
        panic!("it throws");
    };
    let told = (thrown.message.as_str(), thrown.stack.as_str());
    assert_eq!(told, ("Could not find export 'd' in module 'main.mjs'", "    at d.mjs:2:19"));
}

#[test]
fn a_module_that_does_not_parse_takes_no_place() {
    let (engine, world) = engine();
    put(&world, "main.mjs", "export const v = 1");
    evaluate_module(engine, &world, "main.mjs").unwrap();
    for _ in 0..3 {
        put(&world, "main.mjs", "\n  (");
        let Err(Failure::Thrown(thrown)) = evaluate_module(engine, &world, "main.mjs") else {
            panic!("it throws");
        };
        assert!(thrown.stack.starts_with("    at main.mjs:2:"), "{}", thrown.stack);
    }
    put(&world, "main.mjs", "export const where = () => new Error().stack");
    evaluate_module(engine, &world, "main.mjs").unwrap();
    let seen = eval(engine, "import('./main.mjs').then((main) => main.where())");
    assert!(seen.as_ref().is_ok_and(|stack| stack.contains("at where (main.mjs#2:1:")), "{seen:?}");
}

#[test]
fn graphs_that_fail_here_and_there_leave_a_context_that_works() {
    let (engine, world) = engine();
    let mut random = Random(7);
    for round in 0..300 {
        let count = 2 + random.below(8);
        let broken = random.below(count * 2);
        for module in 0..count {
            let imports: Vec<String> =
                (0..random.below(4)).map(|_| format!("import './{round}-{}.mjs';", random.below(count))).collect();
            put(&world, format!("{round}-{module}.mjs"), format!("{} export default {module}", imports.join("\n")));
        }
        let whole = world.modules.borrow().get(&format!("{round}-{broken}.mjs")).cloned();
        if let Some(text) = &whole {
            put(&world, format!("{round}-{broken}.mjs"), format!("{text};;; ("));
        }
        let import = |module| eval(engine, &format!("import('./{round}-{module}.mjs').then((m) => m.default)"));
        for module in 0..count {
            let seen = import(module);
            assert!(seen.is_err() || seen == Ok(module.to_string()), "{round} {module} {seen:?}");
        }
        if let Some(text) = whole {
            assert!(import(broken).is_err(), "{round} {broken}");
            put(&world, format!("{round}-{broken}.mjs"), text);
        }
        for module in 0..count {
            assert_eq!(import(module), Ok(module.to_string()), "{round} {module}");
        }
    }
}

#[test]
fn a_module_is_found_among_fifty_and_at_the_end_of_a_long_chain() {
    let (engine, world) = engine();
    for module in 0..50 {
        let imports: String = (module + 1..50).map(|other| format!("import './{other}.mjs';\n")).collect();
        put(&world, format!("{module}.mjs"), format!("{imports}globalThis.count = (globalThis.count ?? 0) + 1"));
    }
    assert_eq!(eval(engine, "import('./0.mjs').then(() => count)"), Ok("50".into()));
    for module in 0..100 {
        put(&world, format!("chain/{module}.mjs"), format!("import './{}.mjs'", module + 1));
    }
    put(&world, "chain/100.mjs", "globalThis.end = 'reached'");
    assert_eq!(eval(engine, "import('./chain/0.mjs').then(() => end)"), Ok("\"reached\"".into()));
}

#[test]
fn a_chain_that_is_too_long_for_the_stack_throws() {
    let (engine, world) = engine();
    for module in 0..20_000 {
        put(&world, format!("{module}.mjs"), format!("import './{}.mjs'", module + 1));
    }
    for _ in 0..2 {
        let failed = eval(engine, "import('./0.mjs')");
        assert!(matches!(&failed, Err(Failure::Thrown(thrown)) if thrown.message.contains("call stack")), "{failed:?}");
        assert_eq!(eval(engine, "1 + 1"), Ok("2".into()));
    }
}

#[test]
fn a_module_with_a_zero_in_it_is_refused() {
    let (engine, world) = engine();
    put(&world, "zero.mjs", "'\0'");
    let refused = "ReferenceError: cannot import \"./zero.mjs\" from \"case.js\": the text of \"zero.mjs\" holds U+0000 at byte 1";
    assert_eq!(
        thrown(evaluate(engine, &source("import './zero.mjs'", SourceKind::Module), ResultForm::Value)),
        refused
    );
    let refused = "ReferenceError: cannot import \"renamed\" from \"case.js\": its name holds U+0000 at byte 4";
    world.renamed.borrow_mut().insert("renamed".into(), "name\0".into());
    assert_eq!(thrown(evaluate(engine, &source("import 'renamed'", SourceKind::Module), ResultForm::Value)), refused);
}

#[test]
fn a_call_that_is_stopped_while_it_imports_cannot_go_on() {
    for script in [
        "import('./missing.mjs')",
        "import('./missing.mjs').catch(() => 'caught')",
        "import('./missing.mjs').catch(() => { for (;;); })",
        "import('./there.mjs').then(() => { for (;;); })",
    ] {
        let (engine, world) = engine();
        put(&world, "there.mjs", "");
        world.stop_at.set(Some(1));
        assert_eq!(eval(engine, script), Err(Failure::Interrupted { jobs_dropped: false }), "{script}");
        world.stop_at.set(None);
        assert_eq!(eval(engine, "import('./there.mjs').then(() => 1)"), Ok("1".into()), "{script}");
    }
}
