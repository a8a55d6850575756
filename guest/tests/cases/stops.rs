//! Calls that the host has stopped.

use aiointernal_guest::{Failure, ResultForm, Settings, SourceKind};

use super::{SETTINGS, call, engine, eval, eval_text, evaluate, get, messages, set, source};

#[test]
fn a_loop_is_stopped_and_the_context_goes_on() {
    let (engine, world) = engine();
    eval(engine, "var kept = { n: 1 }").unwrap();
    for (script, polls) in [
        ("while (1);", 1),
        ("for (;;) kept.n++", 5),
        ("do {} while (true)", 3),
        ("(function down() { for (;;) {} })()", 2),
        ("const f = () => { kept.n++ }; while (1) f()", 4),
        ("label: for (;;) continue label", 2),
        ("[1].forEach(() => { for (;;); })", 2),
        ("[2, 1].sort(() => { for (;;); })", 2),
        ("new (class { constructor() { for (;;); } })()", 2),
        ("for (const x of (function* () { for (;;) yield 1 })());", 2),
        ("`${{ toString() { for (;;); } }}`", 2),
        ("({ get a() { for (;;); } })", 2),
        ("new Proxy({}, { ownKeys() { for (;;); } })", 2),
        ("console.log({ get a() { for (;;); } })", 2),
        ("throw { get a() { for (;;); } }", 2),
        ("eval('for (;;);')", 2),
        ("new Function('for (;;);')()", 2),
        ("JSON.stringify({ toJSON() { for (;;); } })", 2),
        ("/(a+)+$/.test('a'.repeat(40) + 'b')", 2),
        ("(async () => { for (;;); })()", 2),
        ("(async () => { await 1; for (;;); })()", 2),
        ("({ then(f) { for (;;); } }).then()", 2),
        ("Promise.resolve({ then(f) { for (;;); } })", 2),
    ] {
        world.polls.set(0);
        world.stop_at.set(Some(polls));
        assert_eq!(eval(engine, script), Err(Failure::Interrupted { jobs_dropped: false }), "{script}");
        assert!((polls..polls + 20).contains(&world.polls.get()), "{script}: {} questions", world.polls.get());
        world.stop_at.set(None);
        assert_eq!(eval(engine, "typeof kept.n"), Ok("\"number\"".into()), "{script}");
    }
}

#[test]
fn a_stop_cannot_be_caught() {
    let (engine, world) = engine();
    for script in [
        "try { for (;;); } catch { console.log('caught') }",
        "try { for (;;); } finally { console.log('finally') }",
        "for (;;) { try { for (;;); } catch {} }",
        "(async () => { try { for (;;); } catch { console.log('caught') } })().catch(() => console.log('rejected'))",
        "(async () => { await 0; for (;;); })().catch(() => console.log('rejected')).finally(() => console.log('finally'))",
        "new Promise(() => { for (;;); }).catch(() => console.log('rejected'))",
        "function* g() { try { for (;;); } finally { console.log('finally') } } for (const x of g());",
        "for (const x of { [Symbol.iterator]: () => ({ next() { for (;;); }, return() { console.log('return') } }) });",
        "const o = { get a() { for (;;); } }; try { console.log(o) } catch { console.log('caught') } finally { for (;;); }",
        "[1, 2, 3].map(() => { try { for (;;); } catch { console.log('caught') } })",
    ] {
        world.polls.set(0);
        world.stop_at.set(Some(3));
        let stopped = eval(engine, script);
        world.stop_at.set(None);
        assert!(matches!(stopped, Err(Failure::Interrupted { .. })), "{script}: {stopped:?}");
        let printed = messages(&world);
        assert!(printed.iter().all(|message| message.starts_with('{')), "{script}: {printed:?}");
        // What was left in the queue, if anything.
        eval(engine, "0").unwrap();
        messages(&world);
    }
}

#[test]
fn an_endless_chain_of_jobs_is_stopped_and_leaves_none() {
    let (engine, world) = engine();
    for script in [
        "const next = () => { if (!globalThis.over) Promise.resolve().then(next) }; next()",
        "(async () => { while (!globalThis.over) await null })()",
        "const more = () => { if (!globalThis.over) queueMicrotask(more) }; more()",
        "(async () => { for await (const n of (async function* () { while (!globalThis.over) yield 1 })()); })()",
    ] {
        world.polls.set(0);
        world.stop_at.set(Some(10));
        let counted = format!("globalThis.runs = 0; {{ {} }}", script.replace("!globalThis.over", "++runs"));
        assert_eq!(eval(engine, &counted), Err(Failure::Interrupted { jobs_dropped: true }), "{script}");
        assert!(world.polls.get() < 20, "{script}: {} questions", world.polls.get());
        world.stop_at.set(None);
        // Nothing of it goes on within later calls.
        let runs = eval(engine, "runs");
        assert_eq!(eval(engine, "runs"), runs, "{script}");
    }
}

#[test]
fn no_function_of_a_script_hears_of_the_jobs_that_a_stop_ends() {
    let (engine, world) = engine();
    world.stop_at.set(Some(10));
    let script = "var heard = 0;
        function Odd(executor) { executor(() => heard++, () => heard++) }
        Odd[Symbol.species] = Odd;
        const odd = Promise.resolve();
        odd.constructor = Odd;
        Promise.resolve().then(() => { for (;;); });
        odd.then(() => heard++);
        odd.then(() => heard++, () => heard++);";
    assert_eq!(eval(engine, script), Err(Failure::Interrupted { jobs_dropped: true }));
    world.stop_at.set(None);
    assert_eq!(eval(engine, "heard"), Ok("0".into()));
}

#[test]
fn nothing_more_is_read_for_a_text_once_the_call_was_stopped() {
    let (engine, world) = engine();
    engine.configure(Settings { console_arguments: true, ..SETTINGS });
    let script = "let got = 0;
        const endless = () => ({ get a() { got++; for (;;); } }), some = (make) => Array.from({ length: 10 }, make);
        const list = some(endless), print = console.log.bind(console);
        class Odd extends Error { get name() { got++; for (;;); } get message() { return this.name } get stack() { return this.name } }
        0";
    eval(engine, script).unwrap();
    let stop = |script: &str, form| {
        world.polls.set(0);
        // Late enough for the first getter to have begun.
        world.stop_at.set(Some(60));
        let stopped = evaluate(engine, &source(script, SourceKind::Script), form);
        world.stop_at.set(None);
        assert_eq!(stopped, Err(Failure::Interrupted { jobs_dropped: false }), "{script}");
        assert_eq!(eval(engine, "{ const before = got; got = 0; before }"), Ok("1".into()), "{script}");
    };
    for script in [
        "print(list)",
        "print(...list)",
        "print('%o %s', list, list)",
        "console.table(list)",
        "console.table([list, list])",
        "print(new Map([[1, list], [list, 2]]), new Set(list))",
        "print(Object.assign(new Error('m'), { list, more: list }))",
        "print(new AggregateError(some(() => new Odd())))",
        "throw list",
        "throw new AggregateError(list, 'm', { cause: list })",
        "throw new Odd()",
        "throw new AggregateError(some(() => new Odd()))",
    ] {
        stop(script, ResultForm::Value);
    }
    stop("list", ResultForm::Text);
}

#[test]
fn the_host_is_asked_at_each_object_that_is_printed() {
    let (engine, world) = engine();
    eval(engine, "const row = Array(100).fill({}), print = console.log.bind(console); 0").unwrap();
    world.polls.set(0);
    world.stop_at.set(Some(5000));
    // No function of the script runs, so that QuickJS asks next to nothing.
    let stopped = eval(engine, "print(Array(100).fill(row))");
    assert_eq!(stopped, Err(Failure::Interrupted { jobs_dropped: false }));
}

#[test]
fn every_kind_of_call_is_stopped() {
    let (engine, world) = engine();
    let script = "Object.defineProperty(globalThis, 'endless', { get() { for (;;); }, set() { for (;;); } });
        function loop() { for (;;); }
        var o = { get a() { for (;;); } }; 0";
    eval(engine, script).unwrap();
    let stopped = Err(Failure::Interrupted { jobs_dropped: false });
    let ask = || {
        world.polls.set(0);
        world.stop_at.set(Some(2));
    };
    ask();
    assert_eq!(call(engine, "loop", &[]), stopped);
    ask();
    assert_eq!(call(engine, "o.a.b", &[]), stopped);
    ask();
    assert_eq!(get(engine, "endless"), stopped);
    ask();
    assert_eq!(get(engine, "o"), stopped);
    ask();
    assert_eq!(set(engine, "endless", &[0x01]), Err(Failure::Interrupted { jobs_dropped: false }));
    ask();
    let module = evaluate(engine, &source("for (;;);", SourceKind::Module), ResultForm::Text);
    assert_eq!(module, Err(Failure::Interrupted { jobs_dropped: false }));
    ask();
    let module = evaluate(engine, &source("await 0; for (;;);", SourceKind::Module), ResultForm::Value);
    assert_eq!(module, Err(Failure::Interrupted { jobs_dropped: false }));
    ask();
    assert_eq!(eval_text(engine, "o"), stopped);
    world.stop_at.set(None);
    assert_eq!(eval(engine, "1 + 1"), Ok("2".into()));
}

#[test]
fn a_call_that_is_stopped_at_once_does_little() {
    let (engine, world) = engine();
    world.stop_at.set(Some(0));
    // Too short to be asked.
    assert_eq!(eval(engine, "1 + 1"), Ok("2".into()));
    assert_eq!(eval(engine, "for (;;);"), Err(Failure::Interrupted { jobs_dropped: false }));
    assert!(world.polls.get() < 5);
}

#[test]
fn a_script_that_is_not_stopped_is_asked_about() {
    let (engine, world) = engine();
    eval(engine, "for (let i = 0; i < 1e6; i++);").unwrap();
    let polls = world.polls.get();
    assert!((50..5000).contains(&polls), "{polls} questions");
    eval(engine, "let n = 0; (async () => { while (++n < 1e5) await null })()").unwrap();
    assert!(world.polls.get() > polls);
}
