//! What scripts print, and what hosts see of it.

use std::{
    sync::{Arc, LazyLock, Mutex},
    time::{Duration, SystemTime},
};

use aiointernal::{
    Context, Error, ErrorKind, Limits, Sandbox, Value,
    js::{Console, ConsoleMessage, Level, ModuleMap, value},
};

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new().unwrap());

/// Lets more be printed than one message can have.
static ROOMY: LazyLock<Sandbox> = LazyLock::new(|| {
    let mut limits = Limits::default();
    limits.console = 2 << 20;
    Sandbox::builder().limits(limits).build().unwrap()
});

fn open() -> Context {
    SANDBOX.context().blocking().unwrap()
}

fn limited(limits: impl FnOnce(&mut Limits)) -> Context {
    let mut chosen = Limits::default();
    limits(&mut chosen);
    SANDBOX.context().limits(chosen).blocking().unwrap()
}

fn texts(console: &Console) -> Vec<String> {
    console.take().iter().map(|message| message.text().to_owned()).collect()
}

#[test]
fn a_console_has_what_the_calls_of_its_handle_print_and_no_others() {
    let context = open();
    let (mine, yours) = (Console::new(), Console::new());
    let (here, there) = (context.printing_to(&mine), context.printing_to(&yours));
    here.eval("console.log('mine'); function shout(text) { console.warn(text) }").blocking().unwrap();
    there.eval("console.log('yours')").blocking().unwrap();
    context.eval("console.log('nobody hears')").blocking().unwrap();
    here.call("shout", ["called"]).blocking().unwrap();
    assert_eq!(texts(&mine), ["mine", "called"]);
    assert_eq!(texts(&yours), ["yours"]);
    assert!(mine.take().is_empty());
}

#[test]
fn every_kind_of_call_prints_to_its_console() {
    let modules = ModuleMap::new([("m.mjs", "console.log('module'); export const a = 1")]);
    let context = SANDBOX.context().modules(modules).blocking().unwrap();
    let console = Console::new();
    let context = context.printing_to(&console);
    context.eval_text("console.log('text')").blocking().unwrap();
    context.eval_as::<()>("console.log('typed'); null").blocking().unwrap();
    context.import("m.mjs").blocking().unwrap();
    context.eval("globalThis.__defineGetter__('got', () => { console.log('getter') })").blocking().unwrap();
    context.get_global("got").blocking().unwrap();
    context.eval("globalThis.__defineSetter__('put', () => { console.log('setter') })").blocking().unwrap();
    context.set_globals([("put", 1)]).blocking().unwrap();
    let results = context.eval_batch(["console.log('first')", "null.x", "console.log('third')"]).blocking().unwrap();
    assert_eq!(results.len(), 3);
    let mut stream = context.eval_batch(["console.log('streamed')"]).stream();
    stream.next_blocking().unwrap().unwrap();
    let limits = Limits::default();
    context.limited(limits).eval("console.log('limited')").blocking().unwrap();
    let expected = ["text", "typed", "module", "getter", "setter", "first", "third", "streamed", "limited"];
    assert_eq!(texts(&console), expected);
}

#[test]
fn what_was_printed_is_there_when_the_call_throws() {
    let console = Console::new();
    let error = open().printing_to(&console).eval("console.log('so far'); null.x").blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Thrown);
    assert_eq!(texts(&console), ["so far"]);
}

#[test]
fn what_was_printed_is_there_when_the_call_times_out() {
    let context = limited(|limits| limits.wall_time = Duration::from_millis(50));
    let console = Console::new();
    let context = context.printing_to(&console);
    let error = context.eval("console.log('so far'); while (true) {}").blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(texts(&console), ["so far"]);
}

#[test]
fn what_was_printed_is_there_when_the_context_is_lost_and_so_is_what_the_next_one_prints() {
    let context = limited(|limits| limits.wall_time = Duration::from_millis(50));
    let console = Console::new();
    let context = context.printing_to(&console);
    // A built-in that asks nobody whether to go on.
    let endless = "console.log('so far'); new Array(2e8) + ''";
    let error = context.eval(endless).blocking().unwrap_err();
    assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, false));
    assert_eq!(texts(&console), ["so far"]);
    context.eval("console.log('afresh')").blocking().unwrap();
    assert_eq!(texts(&console), ["afresh"]);
}

#[test]
fn what_was_printed_is_there_when_the_call_is_given_up() {
    let console = Console::new();
    let (started, starts) = std::sync::mpsc::channel();
    let context = SANDBOX.context().on_console(move |_| started.send(()).unwrap()).blocking().unwrap();
    let ticket = context.printing_to(&console).eval("console.log('so far'); while (true) {}").queue();
    starts.recv().unwrap();
    drop(ticket);
    context.eval("1").blocking().unwrap();
    assert_eq!(texts(&console), ["so far"]);
}

#[test]
fn a_sink_has_messages_while_the_script_runs_and_a_console_has_them_too() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (sink, console) = (Arc::clone(&seen), Console::new());
    let collected = console.clone();
    let context = SANDBOX.context().on_console(move |message: &ConsoleMessage| {
        // The one before this one is in the console already, and this one is not yet.
        sink.lock().unwrap().push((message.level(), message.to_string(), collected.take().len()));
    });
    let context = context.blocking().unwrap().printing_to(&console);
    context.eval("console.log('a'); console.error('b'); console.debug('c')").blocking().unwrap();
    let expected =
        [(Level::Info, "a".to_owned(), 0), (Level::Error, "b".to_owned(), 1), (Level::Debug, "c".to_owned(), 1)];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn a_message_tells_the_time_that_the_script_sees() {
    let console = Console::new();
    let context = open().printing_to(&console);
    let times =
        context.eval_as::<[f64; 2]>("const a = Date.now(); console.log(1); [a, Date.now()]").blocking().unwrap();
    let time = console.take()[0].time().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(time.subsec_nanos() % 1_000_000, 0, "no finer than the clock that scripts have");
    let millis = time.as_millis() as f64;
    assert!(times[0] <= millis && millis <= times[1], "{times:?} {millis}");
}

#[test]
fn arguments_are_values_where_they_are_asked_for() {
    let console = Console::new().with_arguments();
    let context = open().printing_to(&console);
    let script =
        "const o = { n: 1 }; o.self = o; console.log('%s!', 'hi', 2n, [o, o.n], () => 1, Symbol('s'), undefined)";
    context.eval(script).blocking().unwrap();
    let message = &console.take()[0];
    assert_eq!(message.text(), "hi! 2n [ { n: 1, self: [Circular] }, 1 ] [Function (anonymous)] Symbol(s) undefined");
    let cycle = Value::Object(vec![("n".into(), 1.into()), ("self".into(), Value::Reference(0))]);
    let expected = [
        "%s!".into(),
        "hi".into(),
        Value::BigInt(2_i128.into()),
        Value::Array(vec![Value::Shared(0, cycle.into()), 1.into()]),
        "[Function (anonymous)]".into(),
        "Symbol(s)".into(),
        Value::Undefined,
    ];
    assert_eq!(message.arguments(), expected);
}

#[test]
fn every_method_gives_its_arguments_as_they_were() {
    let console = Console::new().with_arguments();
    let context = open().printing_to(&console);
    let script =
        "console.table([{ a: 1 }], ['a']); console.assert(false, 'x', 2); console.group('g'); console.count('c');
        console.log()";
    context.eval(script).blocking().unwrap();
    let arguments: Vec<_> = console.take().iter().map(ConsoleMessage::arguments).collect();
    let expected = [
        vec![value!([{ "a": 1 }]), value!(["a"])],
        vec![false.into(), "x".into(), 2.into()],
        vec!["g".into()],
        vec!["c".into()],
        vec![],
    ];
    assert_eq!(arguments, expected);
}

#[test]
fn arguments_that_nobody_asked_for_are_not_encoded() {
    let console = Console::new();
    let context = open();
    let script = "let got = 0; console.log({ get a() { return ++got } }); got";
    assert_eq!(context.printing_to(&console).eval(script).blocking().unwrap(), 1.into());
    assert!(console.take()[0].arguments().is_empty());
    let asking = console.clone().with_arguments();
    let script = "got = 0; console.log({ get a() { return ++got } }); got";
    assert_eq!(context.printing_to(&asking).eval(script).blocking().unwrap(), 2.into());
    assert_eq!(console.take()[0].arguments(), [value!({ "a": 2 })]);
    assert_eq!(context.eval(script).blocking().unwrap(), 1.into());
}

#[test]
fn a_sink_is_given_arguments_where_it_asks() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let context = SANDBOX.context().on_console(move |message| sink.lock().unwrap().extend(message.arguments()));
    let context = context.console_arguments().blocking().unwrap();
    context.eval("console.log({ a: [1] })").blocking().unwrap();
    assert_eq!(*seen.lock().unwrap(), [value!({ "a": [1] })]);
}

#[test]
fn arguments_that_are_too_large_are_cut_texts_and_then_nothing() {
    let context = ROOMY.context().blocking().unwrap();
    let console = Console::new().with_arguments();
    let script = "console.log(1, 'x'.repeat(300 << 10), 'left out', 2)";
    context.printing_to(&console).eval(script).blocking().unwrap();
    let arguments = console.take()[0].arguments();
    assert_eq!(arguments[0], 1.into());
    let text = arguments[1].as_str().unwrap();
    assert!(text.ends_with("... (cut)") && text.len() < 256 << 10 && text.len() > 255 << 10, "{}", text.len());
    assert_eq!(arguments.len(), 2);
    // One that would be a short text is the last as well.
    let script = "console.log([[[[['x'.repeat(300 << 10)]]]]], 'left out')";
    context.printing_to(&console).eval(script).blocking().unwrap();
    assert_eq!(console.take()[0].arguments(), ["[ [ [ [ [Array] ] ] ] ]".into()]);
}

#[test]
fn arguments_reach_only_who_asked_for_them() {
    for sink_asks in [false, true] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let context = SANDBOX.context().on_console(move |message| sink.lock().unwrap().push(message.arguments()));
        let context = if sink_asks { context.console_arguments() } else { context }.blocking().unwrap();
        for caller_asks in [false, true] {
            let console = if caller_asks { Console::new().with_arguments() } else { Console::new() };
            context.printing_to(&console).eval("console.log(1)").blocking().unwrap();
            assert_eq!(console.take()[0].arguments().len(), usize::from(caller_asks), "{sink_asks}");
            assert_eq!(seen.lock().unwrap().pop().unwrap().len(), usize::from(sink_asks), "{caller_asks}");
        }
    }
}

#[test]
fn arguments_whose_getters_never_end_are_stopped_by_the_time_limit() {
    let context = limited(|limits| limits.wall_time = Duration::from_millis(50));
    let console = Console::new().with_arguments();
    let script = "let calls = 0; console.log({ get a() { while (calls++) {} } })";
    assert!(is_kept(|| context.printing_to(&console).eval(format!("{{ {script} }}")).blocking().unwrap_err()));
    assert_eq!(context.eval("1 + 2").blocking().unwrap(), 3.into());
}

/// Whether a call that runs out of time leaves its context, which it has a millisecond for: on a busy machine it may take some tries.
fn is_kept(call: impl Fn() -> Error) -> bool {
    (0..20).any(|_| {
        let error = call();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        error.is_context_kept()
    })
}

#[test]
fn many_getters_that_never_end_are_stopped_with_the_first_and_the_context_is_kept() {
    let context = limited(|limits| limits.wall_time = Duration::from_millis(50));
    let console = Console::new().with_arguments();
    let context = context.printing_to(&console);
    let list = "Array.from({ length: 30 }, () => Array.from({ length: 30 }, () => ({ get a() { for (;;); } })))";
    for script in [
        &format!("console.log({list})"),
        &format!("console.log(...{list})"),
        &format!("console.table({list})"),
        &format!("throw {list}"),
        &format!("throw new AggregateError({list}.flat())"),
    ] {
        assert!(is_kept(|| context.eval(script).blocking().unwrap_err()), "{script}");
    }
    assert!(is_kept(|| context.eval_text(list).blocking().unwrap_err()));
    assert_eq!(context.eval("1 + 2").blocking().unwrap(), 3.into());
}

#[test]
fn a_large_object_that_is_printed_again_and_again_is_stopped_and_the_context_is_kept() {
    let context = limited(|limits| limits.wall_time = Duration::from_millis(100));
    let script = "const large = {}; for (let i = 0; i < 2e4; i++) large['n' + i] = i;
        console.log(Array(100).fill(Array(100).fill(Array(100).fill(large))))";
    assert!(is_kept(|| context.eval(format!("{{ {script} }}")).blocking().unwrap_err()));
}

#[test]
fn what_led_to_an_exception_is_told_as_the_console_shows_it() {
    let all = |script: &str| {
        let script = format!("const error = {script}; error.stack = ''; throw error");
        format!("{:#}", open().eval(script).blocking().unwrap_err().exception().unwrap())
    };
    let script = r#"new AggregateError(["it's", 'a\n\x07\\"b"', "'\""], 'm', { cause: 'why' })"#;
    let expected = r#"AggregateError: m {
  [cause]: 'why',
  [errors]: [
    "it's",
    'a\n\x07\\"b"',
    `'"`
  ]
}"#;
    assert_eq!(all(script), expected);
    assert_eq!(all("new AggregateError([], 'm')"), "AggregateError: m {\n  [errors]: []\n}");
    assert_eq!(all("new Error('m')"), "Error: m");
}

#[test]
fn console_output_of_a_call_is_cut_at_its_limit_and_says_so() {
    let context = limited(|limits| limits.console = 9 + 2 * size_of::<ConsoleMessage>());
    let console = Console::new();
    let context = context.printing_to(&console);
    context.eval("console.log('12345'); console.warn('éééé'); console.log('never')").blocking().unwrap();
    context.eval("console.error('again')").blocking().unwrap();
    let messages = console.take();
    let seen: Vec<_> = messages.iter().map(|message| (message.level(), message.text())).collect();
    assert_eq!(seen[..2], [(Level::Info, "12345"), (Level::Warn, "éé")]);
    assert!(seen[2].0 == Level::Warn && seen[2].1.contains("cut here"));
    assert_eq!(seen[3..], [(Level::Error, "again")]);
}

#[test]
fn what_a_console_keeps_is_within_the_limit_however_little_is_printed() {
    let context = limited(|limits| limits.console = 10_000);
    let console = Console::new().with_arguments();
    let context = context.printing_to(&console);
    context.eval("for (let i = 0; i < 10_000; i++) console.log()").blocking().unwrap();
    let taken = console.take().len();
    assert!((50..10_000 / size_of::<ConsoleMessage>() + 2).contains(&taken), "{taken}");
    context.eval("for (let i = 0; i < 10_000; i++) console.log(...Array(20).fill(''))").blocking().unwrap();
    let taken = console.take().len();
    assert!((10..10_000 / (20 * size_of::<Vec<u8>>())).contains(&taken), "{taken}");
}

#[test]
fn arguments_count_towards_the_limit() {
    let context = limited(|limits| limits.console = 1000);
    let console = Console::new().with_arguments();
    context
        .printing_to(&console)
        .eval("for (let i = 0; i < 100; i++) console.log('%c', 'x'.repeat(200))")
        .blocking()
        .unwrap();
    let messages = console.take();
    assert!(messages.len() < 6, "{}", messages.len());
    assert!(messages.last().unwrap().text().contains("cut here"));
}

#[test]
fn timers_tell_what_the_clock_says() {
    let console = Console::new();
    let context = open().printing_to(&console);
    let script = "console.time(); const end = Date.now() + 20; while (Date.now() < end); console.timeLog('default', 'and', { a: 1 });
        console.timeEnd(); console.timeEnd()";
    context.eval(script).blocking().unwrap();
    let texts = texts(&console);
    let millis =
        |text: &str| -> u32 { text.strip_prefix("default: ").unwrap().split("ms").next().unwrap().parse().unwrap() };
    assert!(texts[0].ends_with("ms and { a: 1 }") && millis(&texts[0]) >= 20, "{texts:?}");
    assert!(texts[1].ends_with("ms") && millis(&texts[1]) >= millis(&texts[0]), "{texts:?}");
    assert_eq!(texts[2], "No such label 'default' for console.timeEnd()");
}

#[test]
fn groups_and_counts_stay_for_later_calls_and_go_with_the_context() {
    let console = Console::new();
    let context = open().printing_to(&console);
    context.eval("console.group(); console.count()").blocking().unwrap();
    context.eval("console.count()").blocking().unwrap();
    context.reset().blocking().unwrap();
    context.eval("console.count()").blocking().unwrap();
    assert_eq!(texts(&console), ["  default: 1", "  default: 2", "default: 1"]);
}

#[test]
fn a_table_has_no_more_rows_than_it_may() {
    let console = Console::new();
    let context = open().printing_to(&console);
    context.eval("console.table(Array.from({ length: 600 }, (_, i) => i))").blocking().unwrap();
    let text = &texts(&console)[0];
    assert!(text.contains("│ 499     │ 499    │\n└") && text.ends_with("\n... 100 more"), "{text}");
}

#[test]
fn messages_that_would_be_endless_are_cut_and_the_context_goes_on() {
    let context = ROOMY.context().blocking().unwrap();
    let console = Console::new();
    let context = context.printing_to(&console);
    for script in [
        "console.log('\\n'.repeat(1e6))",
        "for (let i = 0; i < 1e5; i++) console.group(); console.log('\\n'.repeat(1e6))",
        "console.table(Array.from({ length: 500 }, () => Object.fromEntries(Array.from({ length: 32 }, (_, i) => ['x'.repeat(900) + i, 'y'.repeat(2000)]))))",
        "console.table(new Array(4e9)); console.table(new Uint8Array(1e7))",
        "const e = new Error('x'.repeat(1e6)); e.cause = e; e.stack = '\\n'.repeat(1e6); console.log([[[e]]])",
        "let deep = {}; for (let i = 0; i < 1e4; i++) deep = { deep }; console.dir(deep, { depth: Infinity })",
        "console.log(new AggregateError(Array.from({ length: 1000 }, () => new Error('x'.repeat(1e4)))))",
        "console.log(new Int8Array(4_300_000)); console.log(new String('x'.repeat(4_300_000)))",
        "console.log({ ['é'.repeat(14e6)]: 1 })",
        "console.log(Symbol('é'.repeat(14e6)))",
        "console.log(new RegExp('a{' + '0'.repeat(13e6) + '1}'))",
    ] {
        context.eval(script).blocking().unwrap_or_else(|error| panic!("{script}: {error}"));
        for message in console.take() {
            assert!(message.text().len() <= (512 << 10) + 16, "{script}: {}", message.text().len());
        }
        assert_eq!(context.eval("1 + 2").blocking().unwrap(), 3.into(), "{script}");
    }
}
