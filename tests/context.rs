//! The JavaScript context from outside: the seed's methods, limits, bad input, batches, isolation.

use std::{
    collections::BTreeMap,
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex},
    time::{Duration, Instant},
};

use aiointernal::{
    Context, ErrorKind, Limits, Sandbox, Value,
    js::{BigInt, Date, Source, Sources, from_value, to_value},
};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};

/// One for all tests: compiling the engine takes a second.
pub(crate) static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new().unwrap());

fn open() -> Context {
    SANDBOX.context().blocking().unwrap()
}

fn open_with(change: impl FnOnce(&mut Limits)) -> Context {
    let mut limits = Limits::default();
    change(&mut limits);
    SANDBOX.context().limits(limits).blocking().unwrap()
}

/// The kind of error that a source ends with, and whether the context was kept.
fn failure(context: &Context, source: &str) -> (ErrorKind, bool, String) {
    let error = context.eval(source).blocking().map(|value| format!("{value:?}")).unwrap_err();
    (error.kind(), error.is_context_kept(), error.to_string())
}

fn file(name: &str, content: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scripts");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

mod the_methods_of_the_seed {
    use super::*;

    #[tokio::test]
    async fn a_global_of_a_script_is_read_by_name() {
        let context = SANDBOX.context().await.unwrap();
        context.eval("let item = 1 + 2; var other = 'x'; function named() {}").await.unwrap();
        assert_eq!(context.get_global_as::<i32>("item").await.unwrap(), 3);
        assert_eq!(context.get_global("other").await.unwrap(), "x".into());
        assert_eq!(context.get_global("no such name").await.unwrap(), Value::Undefined);
        assert_eq!(context.get_global("class").await.unwrap(), Value::Undefined);
        assert_eq!(context.get_global("named").await.unwrap_err().kind(), ErrorKind::NotTransferable);
    }

    #[tokio::test]
    async fn globals_are_set_from_structs_and_maps_and_keep_their_kind() {
        #[derive(Serialize)]
        struct Globals {
            count: u32,
            name: Option<String>,
            big: u64,
            when: Value,
            nothing: Value,
        }
        let context = SANDBOX.context().await.unwrap();
        let globals = Globals {
            count: 3,
            name: None,
            big: u64::MAX,
            when: Date::from_millis(1e12).into(),
            nothing: Value::Undefined,
        };
        context.set_globals(globals).await.unwrap();
        let seen = "[count + 1, name, typeof big, big + 1n, when instanceof Date, typeof nothing]";
        let expected = Value::Array(vec![
            4.into(),
            Value::Null,
            "bigint".into(),
            BigInt::from(u128::from(u64::MAX) + 1).into(),
            true.into(),
            "undefined".into(),
        ]);
        assert_eq!(context.eval(seen).await.unwrap(), expected);
        let error = context.set_globals([1, 2]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }

    #[tokio::test]
    async fn a_file_is_evaluated_under_its_own_name() {
        let context = SANDBOX.context().await.unwrap();
        let script = file("script.js", b"globalThis.ran = 1;\nthrow new Error('here')");
        let error = context.eval_file(&script).await.unwrap_err();
        let stack = &error.exception().unwrap().stack;
        assert!(stack.contains("script.js:2:11"), "{stack}");
        let module = file("module.mjs", b"globalThis.ran = await Promise.resolve(2)");
        assert_eq!(context.eval_file(module).await.unwrap(), Value::Undefined);
        assert_eq!(context.get_global_as::<i32>("ran").await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_batch_is_queued_for_later_and_collected() {
        let context = SANDBOX.context().await.unwrap();
        let ticket = context.eval_batch(["1 + 3", "67 + 45", "throw 1", "4"]).queue();
        let results = ticket.await.unwrap();
        assert_eq!(results[0].as_ref().unwrap(), &4.into());
        assert_eq!(results[1].as_ref().unwrap(), &112.into());
        assert_eq!(results[2].as_ref().unwrap_err().kind(), ErrorKind::Thrown);
        assert_eq!(results[3].as_ref().unwrap(), &4.into());
    }

    #[test]
    fn a_batch_ends_at_its_deadline() {
        let context = open();
        let batch = || {
            let endless = std::iter::repeat_n("while (true) {}", 9);
            let sources: Vec<_> = ["var kept = 1; kept"].into_iter().chain(endless).collect();
            context.eval_batch(sources).deadline(Instant::now() + Duration::from_millis(50))
        };
        assert_eq!(batch().blocking().unwrap_err().kind(), ErrorKind::Timeout);
        let mut stream = batch().stream();
        assert_eq!(stream.next_blocking().unwrap().unwrap(), 1.into());
        // The source that was running is stopped; then the batch is.
        let kinds: Vec<_> =
            std::iter::from_fn(|| stream.next_blocking()).map(|item| item.unwrap_err().kind()).collect();
        assert_eq!(kinds, [ErrorKind::Timeout; 2]);
        assert_eq!(context.eval_as::<i32>("kept").blocking().unwrap(), 1);
    }

    #[tokio::test]
    async fn a_function_is_called_by_name_with_arguments() {
        let context = SANDBOX.context().await.unwrap();
        context
            .eval("const api = { n: 2, scale(x) { return x * this.n } }; async function later(a) { return a }")
            .await
            .unwrap();
        assert_eq!(context.call_as::<i32>("Math.max", (1, 5, 3)).await.unwrap(), 5);
        assert_eq!(context.call_as::<i32>("api.scale", [21]).await.unwrap(), 42);
        assert_eq!(context.call("later", ("x",)).await.unwrap(), "x".into());
        assert_eq!(context.call("Math.max", ()).await.unwrap(), f64::NEG_INFINITY.into());
        for name in ["nope", "api.nope", "api.n", "nope.nope", ""] {
            let error = context.call(name, ()).await.unwrap_err();
            assert_eq!(error.exception().unwrap().name, "TypeError", "{name}");
        }
        assert_eq!(context.call("Math.max", 5).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn the_memory_that_a_context_uses_is_that_of_large_blocks_too() {
        let context = open();
        let used = || context.memory_usage().blocking().unwrap().used;
        let before = used();
        context.eval("var bytes = new Uint8Array(5e6)").blocking().unwrap();
        assert!(used() >= before + 5_000_000);
        context.eval("bytes = null").blocking().unwrap();
        assert!(used() < before + 100_000);
    }

    #[test]
    fn every_method_has_a_blocking_twin() {
        let context = open();
        context.set_globals(BTreeMap::from([("a", 1)])).blocking().unwrap();
        assert_eq!(context.eval_as::<i32>("a + 1").blocking().unwrap(), 2);
        assert_eq!(context.eval_text("[a, () => a]").blocking().unwrap(), "[ 1, [Function (anonymous)] ]");
        assert!(context.memory_usage().blocking().unwrap().objects > 0);
        assert_eq!(context.eval_batch(["a", "a + 1"]).blocking().unwrap().len(), 2);
        let mut stream = context.eval_batch(["a"]).stream();
        assert_eq!(stream.next_blocking().unwrap().unwrap(), 1.into());
        assert!(stream.next_blocking().is_none());
        context.reset().blocking().unwrap();
        assert_eq!(context.eval_text("typeof a").blocking().unwrap(), "undefined");
        context.close().blocking().unwrap();
        assert_eq!(context.eval("1").blocking().unwrap_err().kind(), ErrorKind::Closed);
    }
}

mod values {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Order {
        id: u64,
        items: Vec<Item>,
        note: Option<String>,
        paid: bool,
        state: State,
    }

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Item {
        name: String,
        price: f64,
    }

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    enum State {
        Open,
        Shipped { at: String },
        Parts(u8, u8),
    }

    fn order(state: State) -> Order {
        Order { id: 7, items: vec![Item { name: "é🎉\0".into(), price: 0.5 }], note: None, paid: true, state }
    }

    #[test]
    fn a_number_is_every_integer_type_that_holds_it() {
        let context = open();
        assert_eq!(context.eval_as::<i32>("Math.round(-0.4)").blocking().unwrap(), 0);
        assert_eq!(context.eval_as::<u64>("2 ** 60").blocking().unwrap(), 1 << 60);
        assert_eq!(context.eval_as::<i64>("-(2 ** 60)").blocking().unwrap(), -1 << 60);
        assert_eq!(context.eval_as::<u128>("2n ** 128n - 1n").blocking().unwrap(), u128::MAX);
        assert_eq!(context.eval("-0").blocking().unwrap(), Value::Number(-0.0));
        for source in ["0.5", "2 ** 200", "NaN", "256", "-1", "256n"] {
            assert_eq!(context.eval_as::<u8>(source).blocking().unwrap_err().kind(), ErrorKind::WrongType, "{source}");
        }
    }

    #[test]
    fn a_rust_value_goes_in_and_comes_back_through_serde() {
        let context = open();
        context.eval("function same(value) { return value }").blocking().unwrap();
        for state in [State::Open, State::Shipped { at: "now".into() }, State::Parts(1, 2)] {
            let sent = order(state);
            let back: Order = context.call_as("same", [&sent]).blocking().unwrap();
            assert_eq!(back, sent);
        }
    }

    #[test]
    fn a_value_that_enters_and_leaves_is_the_same() {
        let context = open();
        context.eval("function same(value) { return value }").blocking().unwrap();
        let values = [
            Value::Undefined,
            Value::Null,
            (-0.0).into(),
            f64::NAN.into(),
            f64::NEG_INFINITY.into(),
            0.1.into(),
            1.5.into(),
            9_007_199_254_740_991.0.into(),
            1e300.into(),
            BigInt::from(0_i128).into(),
            BigInt::from(-1_i128).into(),
            BigInt::from(i128::MIN).into(),
            format!("-{}", "9".repeat(300)).parse::<BigInt>().unwrap().into(),
            Date::from_millis(-1.0).into(),
            Date::from_millis(8.64e15).into(),
            Date::from_millis(-8.64e15 + 1.0).into(),
            Date::from_millis(f64::NAN).into(),
            Value::Bytes(vec![0, 255]),
            Value::ArrayBuffer(vec![1; 1000]),
            Value::Array(vec![Value::Undefined, Value::Array(Vec::new())]),
            Value::Object(vec![("__proto__".into(), 1.into()), ("b".into(), 2.into()), ("".into(), Value::Null)]),
            "\0 é 🎉".into(),
        ];
        for value in values {
            let back = context.call("same", [&value]).blocking().unwrap();
            // NaN differs from itself, so the texts are compared; they tell -0 from 0 as well.
            assert_eq!(format!("{back:?}"), format!("{value:?}"));
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn any_tree_of_values_survives_the_way_in_and_out(value in tree()) {
            static CONTEXT: LazyLock<Context> = LazyLock::new(|| {
                let context = open();
                context.eval("function same(value) { return value }").blocking().unwrap();
                context
            });
            let back = CONTEXT.call("same", [&value]).blocking().unwrap();
            proptest::prop_assert_eq!(format!("{:?}", back), format!("{:?}", value));
        }
    }

    fn tree() -> impl proptest::strategy::Strategy<Value = Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(Value::Undefined),
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<i128>().prop_map(|integer| BigInt::from(integer).into()),
            ".*".prop_map(Value::from),
            (-8_640_000_000_000_000_i64..=8_640_000_000_000_000).prop_map(|ms| Date::from_millis(ms as f64).into()),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::ArrayBuffer),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
                // JavaScript puts names that are integers first, so these begin with a letter.
                prop::collection::btree_map("[a-z].*", inner, 0..8)
                    .prop_map(|properties| Value::Object(properties.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn a_result_of_another_type_is_an_error_that_names_the_place() {
        let context = open();
        let error = context.eval_as::<Order>("({ id: 7, items: [{ name: 'a', price: '1' }] })").blocking().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongType);
        assert!(error.to_string().starts_with("items[0].price: "), "{error}");
        let error = context.eval_as::<u8>("256").blocking().unwrap_err();
        assert!(error.to_string().starts_with("result: "), "{error}");
    }

    #[test]
    fn a_value_prints_as_json_with_nothing_left_out() {
        let context = open();
        let source = "({ u: undefined, n: NaN, z: -0, b: -5n, d: new Date(-62198755200001), x: new Date(NaN),
            y: new Uint8Array([1, 2]) })";
        let value = context.eval(source).blocking().unwrap();
        let json = r#"{"u":null,"n":null,"z":-0.0,"b":"-5","d":"-000002-12-31T23:59:59.999Z","x":null,"y":[1,2]}"#;
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
    }

    #[test]
    fn a_date_prints_as_javascript_prints_it() {
        let context = open();
        for millis in
            [0.0, 1e12, -1.0, 951_782_400_000.0, 8.64e15, -8.64e15, -62_167_219_200_000.0, 253_402_300_800_000.0]
        {
            let iso = context.eval(format!("new Date({millis}).toISOString()")).blocking().unwrap();
            let date = Date::from_millis(millis);
            assert_eq!(Some(date.to_iso().unwrap().as_str()), iso.as_str());
            assert_eq!(to_value(&Value::from(date)).unwrap(), date.into());
        }
    }

    #[test]
    fn integers_that_a_number_cannot_hold_become_bigints() {
        assert_eq!(to_value(&9_007_199_254_740_991_u64).unwrap(), 9_007_199_254_740_991.0.into());
        assert_eq!(to_value(&9_007_199_254_740_993_u64).unwrap(), BigInt::from(9_007_199_254_740_993_i128).into());
        assert_eq!(
            from_value::<u128>(BigInt::from(u128::from(u64::MAX) + 1).into()).unwrap(),
            u128::from(u64::MAX) + 1
        );
    }
}

mod limits {
    use super::*;

    #[test]
    fn a_giant_text_for_the_console_or_in_an_error_is_cut_and_harms_nothing() {
        let context = open();
        context.eval("kept = 1").blocking().unwrap();
        for source in [
            "console.log('x'.repeat(2e7), 1); 0",
            "const e = new Error('y'.repeat(1.5e7)); console.log(e, e); 0",
            "console.log(Object.defineProperty(() => 0, 'name', { value: 'z'.repeat(2e7) })); 0",
        ] {
            assert_eq!(context.eval(format!("{{ {source} }}")).blocking().unwrap(), Value::Number(0.0), "{source}");
        }
        let (kind, kept, message) = failure(&context, "throw new Error('y'.repeat(2.5e7))");
        assert_eq!((kind, kept, message.len() < 20_000), (ErrorKind::Thrown, true, true));
        assert_eq!(context.eval("kept").blocking().unwrap(), Value::Number(1.0));
    }

    #[test]
    fn an_endless_loop_is_stopped_and_its_context_kept() {
        let context = open_with(|limits| limits.wall_time = Duration::from_millis(20));
        context.eval("globalThis.kept = 1").blocking().unwrap();
        let (kind, kept, text) = failure(&context, "while (true) {}");
        assert_eq!((kind, kept), (ErrorKind::Timeout, true));
        assert!(text.contains("20ms"), "{text}");
        assert_eq!(context.eval_as::<i32>("kept").blocking().unwrap(), 1);
    }

    #[test]
    fn a_builtin_that_never_asks_is_killed_and_its_context_replaced() {
        let context = open_with(|limits| limits.wall_time = Duration::from_millis(20));
        context.eval("globalThis.lost = 1").blocking().unwrap();
        let (kind, kept, _) = failure(&context, "new Array(2e8) + ''");
        assert_eq!((kind, kept), (ErrorKind::Timeout, false));
        assert_eq!(context.eval("typeof lost").blocking().unwrap(), "undefined".into());
    }

    #[test]
    fn a_regular_expression_that_backtracks_for_ever_is_stopped() {
        let context = open_with(|limits| limits.wall_time = Duration::from_millis(20));
        assert_eq!(failure(&context, "/(a*)*b/.test('a'.repeat(100))").0, ErrorKind::Timeout);
        assert_eq!(context.eval_as::<i32>("1").blocking().unwrap(), 1);
    }

    #[test]
    fn an_endless_chain_of_promises_is_stopped_and_does_not_go_on_in_the_next_call() {
        // What it made has to be freed within the time to stop.
        let context = open_with(|limits| limits.wall_time = Duration::from_millis(2));
        let chain = "globalThis.n = 0; function go() { n++; return Promise.resolve().then(go) } go()";
        // A stop that comes late, on a busy machine, costs the context.
        let was_kept = (0..20).any(|_| {
            let (kind, kept, _) = failure(&context, chain);
            assert_eq!(kind, ErrorKind::Timeout);
            kept
        });
        assert!(was_kept);
        let count = || context.eval_as::<f64>("n").blocking();
        let counted = (0..20).find_map(|_| count().ok()).unwrap();
        assert_eq!((0..20).find_map(|_| count().ok()).unwrap(), counted);
    }

    #[test]
    fn unbounded_recursion_is_a_range_error_that_a_script_can_catch() {
        let context = open();
        for source in [
            "(function again() { again() })()",
            "JSON.parse('['.repeat(1e5))",
            "eval('('.repeat(1e5))",
            "let list = []; for (let i = 0; i < 1e5; i++) list = [list]; list.flat(Infinity)",
            "const proxy = new Proxy({}, { get: (_, key) => proxy[key] }); proxy.x",
        ] {
            let caught = format!("try {{ {source}; 'no error' }} catch (error) {{ error.name }}");
            assert_eq!(context.eval(caught).blocking().unwrap(), "RangeError".into(), "{source}");
        }
    }

    #[test]
    fn unbounded_allocation_is_the_memory_limit_and_the_context_goes_on() {
        let context = open_with(|limits| limits.memory = 16 << 20);
        for source in [
            "(() => { const list = []; for (;;) list.push(new Array(1000).fill(1)) })()",
            "(() => { let text = 'x'; for (;;) text += text })()",
            "(() => { const list = []; for (;;) list.push({}) })()",
            "new ArrayBuffer(1 << 30); 1",
            "'x'.repeat(1 << 28)",
        ] {
            let (kind, _, text) = failure(&context, source);
            assert!(matches!(kind, ErrorKind::MemoryLimit | ErrorKind::Thrown), "{source}: {text}");
            assert_eq!(context.eval_as::<i32>("1 + 1").blocking().unwrap(), 2, "{source}");
        }
    }

    #[test]
    fn a_result_is_refused_just_above_its_limit() {
        let context = open_with(|limits| limits.result = 1000);
        // Three bytes go to the head of a string of this length.
        assert_eq!(context.eval_as::<String>("'x'.repeat(997)").blocking().unwrap().len(), 997);
        assert_eq!(failure(&context, "'x'.repeat(998)").0, ErrorKind::ResultTooLarge);
        assert_eq!(failure(&context, "new Uint8Array(10 << 20)").0, ErrorKind::ResultTooLarge);
        assert_eq!(failure(&context, "new Array(1e9)").0, ErrorKind::ResultTooLarge);
        let (kind, kept, text) = failure(&open(), "'x'.repeat(10 << 20)");
        assert_eq!((kind, kept), (ErrorKind::ResultTooLarge, true));
        assert!(text.contains("1048576 bytes"), "{text}");
    }

    #[test]
    fn a_source_is_refused_just_above_its_limit() {
        let context = open_with(|limits| limits.source = 10);
        assert!(context.eval("1 + 2 + 34").blocking().is_ok());
        assert_eq!(failure(&context, "1 + 2 + 345").0, ErrorKind::SourceTooLarge);
        let path = file("large.js", b"'a source that is too large'");
        assert_eq!(context.eval_file(path).blocking().unwrap_err().kind(), ErrorKind::SourceTooLarge);
        let results = context.eval_batch(["1", "'a source that is too large'", "3"]).blocking().unwrap();
        let kinds: Vec<_> = results.iter().map(|result| result.as_ref().map_err(aiointernal::Error::kind)).collect();
        assert_eq!(kinds, [Ok(&1.into()), Err(ErrorKind::SourceTooLarge), Ok(&3.into())]);
    }

    #[test]
    fn the_lower_of_two_limits_holds() {
        let context = open_with(|limits| limits.result = 100);
        let mut more = Limits::default();
        more.result = 1000;
        assert_eq!(failure(&context.limited(more), "'x'.repeat(200)").0, ErrorKind::ResultTooLarge);
        let mut less = Limits::default();
        less.result = 10;
        assert_eq!(failure(&context.limited(less), "'x'.repeat(50)").0, ErrorKind::ResultTooLarge);
        assert!(context.eval("'x'.repeat(50)").blocking().is_ok());
        let call = context.eval("for (;;);").timeout(Duration::from_millis(10));
        assert!(call.blocking().unwrap_err().to_string().contains("10ms"));
    }

    #[test]
    fn a_memory_limit_below_what_the_engine_takes_is_refused_at_once() {
        let mut limits = Limits::default();
        limits.memory = 1 << 20;
        let error = SANDBOX.context().limits(limits).blocking().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn more_contexts_than_the_sandbox_may_have_are_refused_and_room_comes_back() {
        let sandbox = Sandbox::builder().max_contexts(1).build().unwrap();
        let first = sandbox.context().blocking().unwrap();
        assert_eq!(sandbox.context().blocking().unwrap_err().kind(), ErrorKind::Engine);
        first.close().blocking().unwrap();
        assert!(sandbox.context().blocking().is_ok());
    }
}

mod bad_input {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let context = open();
        for (path, reason) in [
            (PathBuf::from("/no/such/file.js"), "No such file"),
            (std::env::temp_dir(), "directory"),
            (file("latin1.js", b"'caf\xe9'"), "not UTF-8: the byte at 4"),
        ] {
            let error = context.eval_file(&path).blocking().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io);
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
            assert!(error.to_string().contains(reason), "{error}");
        }
        let error = context.eval_file(file("a.ts", b"let a: number = 1")).blocking().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("TypeScript"), "{error}");
    }

    #[test]
    fn a_source_that_holds_a_nul_is_refused_with_its_place() {
        let (kind, kept, text) = failure(&open(), "1;\0 2");
        assert_eq!((kind, kept), (ErrorKind::InvalidArgument, true));
        assert!(text.contains("byte 2"), "{text}");
        let named = Source::script("1").named("a\0b");
        assert_eq!(open().eval(named).blocking().unwrap_err().kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn whatever_is_thrown_is_reported() {
        let context = open();
        for (source, text) in [
            ("throw undefined", "uncaught: undefined"),
            ("throw null", "uncaught: null"),
            ("throw { code: 7 }", "uncaught: { code: 7 }"),
            ("throw () => 1", "uncaught: [Function (anonymous)]"),
            ("throw new TypeError('m')", "TypeError: m"),
            ("throw Object.defineProperty(new Error(), 'stack', { get() { throw 1 } })", "Error"),
            ("1 +", "SyntaxError: unexpected token in expression: ''"),
        ] {
            let (kind, kept, seen) = failure(&context, source);
            assert_eq!((kind, kept), (ErrorKind::Thrown, true), "{source}");
            assert_eq!(seen, text, "{source}");
        }
        let error = context.eval("throw { code: 7 }").blocking().unwrap_err();
        assert_eq!(error.exception().unwrap().thrown.as_ref().unwrap().get("code"), Some(&7.into()));
    }

    #[test]
    fn texts_that_a_script_makes_long_are_cut() {
        let context = open();
        for source in [
            "throw new Error('x'.repeat(1e7))",
            "throw 'x'.repeat(1e7)",
            "({ ['x'.repeat(1e6)]: () => 1 })",
            "const error = new Error('m'); error.stack = 'x'.repeat(1e7); throw error",
        ] {
            let (_, kept, text) = failure(&context, source);
            assert!(kept, "{source}");
            assert!(text.len() < 100_000, "{source}: {} bytes", text.len());
        }
        context
            .eval("console.log('x'.repeat(1e7)); console.log({ ['x'.repeat(1e7)]: 'y'.repeat(1e7) })")
            .blocking()
            .unwrap();
    }

    #[test]
    fn a_promise_that_nothing_settles_is_an_error_and_not_a_hang() {
        let context = open();
        assert_eq!(failure(&context, "new Promise(() => {})").0, ErrorKind::NeverSettles);
        assert_eq!(context.eval("Promise.resolve(5)").blocking().unwrap(), 5.into());
    }

    #[test]
    fn a_full_queue_refuses_and_a_closed_context_says_so() {
        let context = SANDBOX.context().queue_capacity(NonZeroUsize::MIN).blocking().unwrap();
        let (started, starts) = std::sync::mpsc::channel();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Mutex::new(held);
        let busy = SANDBOX.context().on_console(move |_| {
            started.send(()).unwrap();
            let _ = held.lock().unwrap().recv();
        });
        let busy = busy.queue_capacity(NonZeroUsize::MIN).blocking().unwrap();
        let running = busy.eval("console.log(1)").queue();
        starts.recv().unwrap();
        let waiting = busy.eval("2").queue();
        assert_eq!(busy.eval("3").queue().blocking().unwrap_err().kind(), ErrorKind::QueueFull);
        release.send(()).unwrap();
        running.blocking().unwrap();
        assert_eq!(waiting.blocking().unwrap(), 2.into());
        context.close().blocking().unwrap();
        assert_eq!(context.eval("1").blocking().unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(context.eval_batch(["1"]).blocking().unwrap_err().kind(), ErrorKind::Closed);
    }

    #[test]
    fn an_import_is_refused_with_its_name() {
        let context = open();
        let module = Source::module("import x from './x.js'").named("main.mjs");
        let error = context.eval(module).blocking().unwrap_err();
        assert!(error.to_string().contains("\"./x.js\""), "{error}");
        assert!(error.to_string().contains("main.mjs"), "{error}");
        assert_eq!(failure(&context, "import('x')").0, ErrorKind::Thrown);
    }
}

mod batches {
    use super::*;

    #[test]
    fn a_batch_too_many_is_refused_and_harms_no_other() {
        let context = open();
        let mut under_way: Vec<_> = (0..1000).map(|_| context.eval_batch(["1", "2"]).stream()).collect();
        for batch in &mut under_way {
            assert_eq!(batch.next_blocking().unwrap().unwrap(), Value::Number(1.0));
        }
        let error = context.eval_batch(["3"]).stream().next_blocking().unwrap().unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::InvalidArgument, true), "{error}");
        drop(under_way);
        assert_eq!(context.eval_batch(["3"]).stream().next_blocking().unwrap().unwrap(), Value::Number(3.0));
    }

    #[tokio::test]
    async fn results_come_in_the_order_of_the_sources() {
        let context = SANDBOX.context().await.unwrap();
        let sources: Vec<String> = (0..1000).map(|n| format!("{n}")).collect();
        let results: Vec<i32> = context
            .eval_batch(sources)
            .stream()
            .map(|result| from_value::<i32>(result.unwrap()).unwrap())
            .collect()
            .await;
        assert_eq!(results, (0..1000).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_stream_of_sources_is_answered_as_it_flows() {
        let context = SANDBOX.context().await.unwrap();
        let (sender, receiver) = tokio::sync::mpsc::channel::<String>(1);
        let sources = stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|s| (s, receiver)) });
        let mut results = context.eval_batch(Sources::from_stream(sources)).stream();
        for n in 0..5 {
            sender.send(format!("{n} * 2")).await.unwrap();
            assert_eq!(results.next().await.unwrap().unwrap(), (n * 2).into());
        }
        drop(sender);
        assert!(results.next().await.is_none());
    }

    #[tokio::test]
    async fn the_engine_works_no_further_ahead_than_one_hop() {
        let context = SANDBOX.context().await.unwrap();
        let mut results = context.eval_batch((0..).map(|_| "globalThis.n = (globalThis.n ?? 0) + 1")).stream();
        results.next().await.unwrap().unwrap();
        assert!(context.eval_as::<u32>("n").await.unwrap() <= 64);
    }

    #[tokio::test]
    async fn other_calls_run_between_the_items() {
        let context = SANDBOX.context().await.unwrap();
        let mut results = context.eval_batch((0..).map(|_| "globalThis.seen")).stream();
        assert_eq!(results.next().await.unwrap().unwrap(), Value::Undefined);
        context.eval("globalThis.seen = 1").await.unwrap();
        assert!(results.any(|result| async { result.unwrap() == 1.into() }).await);
    }

    #[tokio::test]
    async fn dropping_the_stream_stops_the_item_that_is_running() {
        let context = SANDBOX.context().await.unwrap();
        let mut results = context.eval_batch(["globalThis.first = 1", "for (;;);", "globalThis.third = 1"]).stream();
        results.next().await.unwrap().unwrap();
        drop(results);
        assert_eq!(context.eval_text("[typeof first, typeof third]").await.unwrap(), "[ 'number', 'undefined' ]");
    }

    #[tokio::test]
    async fn a_batch_goes_on_in_a_fresh_context_after_one_was_lost() {
        let context = open_with(|limits| limits.wall_time = Duration::from_millis(20));
        let sources = ["globalThis.before = 1", "new Array(2e8) + ''", "typeof before", "2"];
        let results = context.eval_batch(sources).blocking().unwrap();
        assert!(results[0].is_ok());
        assert!(!results[1].as_ref().unwrap_err().is_context_kept());
        assert_eq!(results[2].as_ref().unwrap(), &"undefined".into());
        assert_eq!(results[3].as_ref().unwrap(), &2.into());
    }

    #[test]
    fn many_batches_that_are_dropped_leave_nothing_behind() {
        let context = open();
        // More than the engine's handles would last for.
        for _ in 0..3000 {
            let mut results = context.eval_batch(["1", "2", "3"]).stream();
            results.next_blocking().unwrap().unwrap();
        }
        assert_eq!(context.eval_as::<i32>("1 + 1").blocking().unwrap(), 2);
    }

    #[test]
    fn a_stream_of_sources_cannot_be_queued_and_says_so() {
        let sources = Sources::from_stream(stream::iter(["1"]));
        let error = open().eval_batch(sources).blocking().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

mod interruption {
    use super::*;

    #[tokio::test]
    async fn dropping_a_call_that_runs_stops_it_and_no_other() {
        let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
        let context = SANDBOX.context().on_console(move |_| started.send(()).unwrap()).await.unwrap();
        let endless = context.eval("console.log(1); for (;;);").queue();
        let next = context.eval("'not hit'").queue();
        starts.recv().await.unwrap();
        drop(endless);
        assert_eq!(next.await.unwrap(), "not hit".into());
    }

    #[tokio::test]
    async fn an_aborted_call_ends_as_cancelled() {
        let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
        let context = SANDBOX.context().on_console(move |_| started.send(()).unwrap()).await.unwrap();
        let endless = context.eval("console.log(1); for (;;);").queue();
        starts.recv().await.unwrap();
        endless.abort();
        let error = endless.await.unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Cancelled, true));
    }

    #[tokio::test]
    async fn a_context_can_be_dropped_while_it_runs() {
        let context = SANDBOX.context().await.unwrap();
        let endless = context.eval("for (;;);").queue();
        drop(context);
        drop(endless);
    }
}

mod isolation {
    use super::*;

    #[test]
    fn two_contexts_share_nothing() {
        let (one, two) = (open(), open());
        one.eval("globalThis.secret = 1; Array.prototype.evil = 1; Math.max = () => 666; 0").blocking().unwrap();
        let seen = two.eval("[typeof secret, [].evil, Math.max(1, 2)]").blocking().unwrap();
        assert_eq!(seen, Value::Array(vec!["undefined".into(), Value::Undefined, 2.into()]));
    }

    #[test]
    fn a_reused_place_in_the_pool_holds_nothing_of_its_last_tenant() {
        let sandbox = Sandbox::builder().max_contexts(1).build().unwrap();
        for round in 0..20 {
            let context = sandbox.context().blocking().unwrap();
            let seen = context.eval("typeof canary + typeof list + Object.keys(globalThis).length").blocking().unwrap();
            assert_eq!(seen, "undefinedundefined0".into(), "round {round}");
            let fill = "globalThis.canary = 'canary'.repeat(1000); globalThis.list = new Array(1e5).fill('canary'); 0";
            context.eval(fill).blocking().unwrap();
            context.close().blocking().unwrap();
        }
    }

    #[test]
    fn every_context_draws_its_own_random_numbers() {
        let draw = || open().eval_as::<f64>("Math.random()").blocking().unwrap();
        let drawn = [draw(), draw(), draw()];
        assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2], "{drawn:?}");
        assert!(drawn.iter().all(|number| (0.0..1.0).contains(number)));
    }

    #[test]
    fn the_clock_is_the_present_and_no_finer_than_a_millisecond() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as f64;
        let seen: f64 = open().eval_as("Date.now()").blocking().unwrap();
        assert!(seen >= now - 1.0 && seen - now < 60_000.0, "{seen} against {now}");
        assert_eq!(open().eval("typeof process + typeof require").blocking().unwrap(), "undefinedundefined".into());
    }

    #[test]
    fn a_reset_context_is_as_new() {
        let context = open();
        context.eval("globalThis.left = 1; let binding = 2; Object.freeze(Array.prototype)").blocking().unwrap();
        context.reset().blocking().unwrap();
        let seen = context.eval("[typeof left, typeof binding, Object.isFrozen(Array.prototype)]").blocking().unwrap();
        assert_eq!(seen, Value::Array(vec!["undefined".into(), "undefined".into(), false.into()]));
    }
}

#[test]
fn the_handles_are_send_and_sync() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Context>();
    check::<Sandbox>();
    check::<aiointernal::Error>();
}
