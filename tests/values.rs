//! Values of every kind, and graphs of them: into an engine and back, through serde, as JSON.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::LazyLock,
};

use aiointernal::{
    Context, ErrorKind, Sandbox, Value,
    js::{BigInt, Date, ErrorObject, RegExp, TypedArray, from_value, to_value, value},
};
use serde::{Deserialize, Serialize};

/// A context with the function `same`, for every test: none of them changes anything in it.
static CONTEXT: LazyLock<Context> = LazyLock::new(|| {
    let context = Sandbox::new().unwrap().context().blocking().unwrap();
    context.eval("function same(value) { return value }").blocking().unwrap();
    context
});

fn eval(source: &str) -> Value {
    CONTEXT.eval(source).blocking().unwrap()
}

fn same(value: &Value) -> Value {
    CONTEXT.call("same", [value]).blocking().unwrap()
}

fn object<const N: usize>(properties: [(&str, Value); N]) -> Value {
    Value::Object(properties.map(|(name, value)| (name.to_owned(), value)).into())
}

fn shared(number: u32, value: impl Into<Value>) -> Value {
    Value::Shared(number, Box::new(value.into()))
}

fn regexp(source: &str, flags: &str) -> Value {
    RegExp { source: source.into(), flags: flags.into() }.into()
}

mod crossing {
    use super::*;

    #[test]
    fn what_a_script_makes_is_what_the_host_sees() {
        let error = ErrorObject { cause: Some(1.into()), ..ErrorObject::new("TypeError", "m") };
        for (source, expected) in [
            ("/a+/gi", regexp("a+", "gi")),
            ("new Map([[1, 'a'], [null, []]])", Value::Map(vec![(1.into(), "a".into()), (Value::Null, value!([]))])),
            ("new Set([1, 'a'])", Value::Set(vec![1.into(), "a".into()])),
            ("[1, , 2]", Value::Array(vec![1.into(), Value::Hole, 2.into()])),
            ("Object.defineProperty(new TypeError('m', { cause: 1 }), 'stack', { value: 1 })", error.into()),
            ("new Float64Array([0.5, -1])", TypedArray::Float64(vec![0.5, -1.0]).into()),
            ("new BigInt64Array([-1n])", TypedArray::BigInt64(vec![-1]).into()),
            ("new Float16Array([1])", TypedArray::Float16(vec![0x3c00]).into()),
            ("new DataView(new Uint8Array([1, 2, 3]).buffer, 1)", Value::DataView(vec![2, 3])),
            ("Object('boxed')", Value::Boxed(Box::new("boxed".into()))),
            ("(() => { const o = {}; o.o = o; return o })()", shared(0, object([("o", Value::Reference(0))]))),
        ] {
            assert_eq!(eval(&format!("({source})")), expected, "{source}");
        }
    }

    #[test]
    fn a_stack_says_where_an_error_was_made() {
        let Value::Error(error) = eval("new Error('here')") else { unreachable!("an error is one") };
        assert!(error.stack.as_ref().is_some_and(|stack| stack.contains("at <eval>")), "{error:?}");
        assert_eq!(same(&Value::Error(error.clone())), Value::Error(error));
    }

    #[test]
    fn every_kind_of_typed_array_survives_the_way_in_and_out() {
        for array in [
            TypedArray::Int8(vec![-128, 127]),
            TypedArray::Uint8Clamped(vec![0, 255]),
            TypedArray::Int16(vec![i16::MIN, 1]),
            TypedArray::Uint16(vec![0x1234]),
            TypedArray::Int32(vec![i32::MIN]),
            TypedArray::Uint32(vec![0x1234_5678, u32::MAX]),
            TypedArray::BigInt64(vec![i64::MIN]),
            TypedArray::BigUint64(vec![u64::MAX]),
            TypedArray::Float16(vec![0x8000, 0x7c00]),
            TypedArray::Float32(vec![-0.0, f32::MIN_POSITIVE]),
            TypedArray::Float64(vec![f64::INFINITY, 5e-324]),
            TypedArray::Float64(Vec::new()),
        ] {
            assert_eq!(same(&array.clone().into()), array.into());
        }
    }

    #[test]
    fn a_graph_that_the_host_builds_is_one_in_javascript() {
        let context = Sandbox::new().unwrap().context().blocking().unwrap();
        let look = "const look = (v) =>
            [v.a === v.b, v.self === v, v.map.get(v) === v.a, v.set.has(v.a), v.a.cause === v.a]";
        context.eval(look).blocking().unwrap();
        let error = ErrorObject { cause: Some(Value::Reference(3)), ..ErrorObject::new("E", "m") };
        let graph = shared(
            7,
            object([
                ("a", shared(3, error)),
                ("b", Value::Reference(3)),
                ("self", Value::Reference(7)),
                ("map", Value::Map(vec![(Value::Reference(7), Value::Reference(3))])),
                ("set", Value::Set(vec![Value::Reference(3)])),
            ]),
        );
        assert_eq!(context.call("look", [graph]).blocking().unwrap(), value!([true, true, true, true, true]));
    }

    #[test]
    fn of_two_marks_with_one_number_the_later_one_counts() {
        let part = Value::Array(vec![shared(0, value!({})), Value::Reference(0)]);
        let both = Value::Array(vec![part.clone(), part.clone()]);
        let numbered = Value::Array(vec![shared(1, value!({})), Value::Reference(1)]);
        assert_eq!(same(&both), Value::Array(vec![part, numbered]));
        // A mark of a mark is one.
        let twice = Value::Array(vec![shared(5, shared(6, value!([]))), Value::Reference(5), Value::Reference(6)]);
        assert_eq!(same(&twice), Value::Array(vec![shared(0, value!([])), Value::Reference(0), Value::Reference(0)]));
    }

    #[test]
    fn a_reference_to_nothing_does_not_enter() {
        for value in [
            Value::Reference(0),
            Value::Array(vec![Value::Reference(1), shared(1, value!({}))]),
            Value::Array(vec![shared(0, value!({})), Value::Reference(1)]),
        ] {
            let error = CONTEXT.call("same", [&value]).blocking().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().contains("nothing before it is shared under that number"), "{error}");
        }
        // Each argument is a graph of its own.
        let arguments = (shared(0, value!({})), Value::Reference(0));
        assert_eq!(CONTEXT.call("same", arguments).blocking().unwrap_err().kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn what_is_nested_too_deep_does_not_enter() {
        let nested = |levels| (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        assert_eq!(same(&nested(128)), nested(128));
        for levels in [129, 200, 1000] {
            let error = CONTEXT.call("same", [nested(levels)]).blocking().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().contains("nested deeper than"), "{error}");
        }
    }

    #[test]
    fn a_hole_that_is_no_element_is_undefined_and_a_boxed_object_is_the_object() {
        assert_eq!(same(&Value::Hole), Value::Undefined);
        assert_eq!(same(&object([("a", Value::Hole)])), value!({ "a": undefined }));
        assert_eq!(same(&Value::Boxed(Box::new(value!([1])))), value!([1]));
    }

    #[test]
    fn a_regular_expression_that_is_none_is_thrown() {
        let error = CONTEXT.call("same", [regexp("(", "")]).blocking().unwrap_err();
        assert_eq!(error.exception().unwrap().name, "SyntaxError");
    }

    #[test]
    fn what_cannot_cross_names_its_path() {
        for (source, expected) in [
            ("({ items: [0, { callback() {} }] })", "result.items[1].callback: a function"),
            ("({ m: new Map([['a b', Symbol()]]) })", "result.m.get(\"a b\"): a symbol"),
            ("new Set([new WeakMap()])", "result(member 0): an object of class WeakMap"),
            ("[Promise.resolve()]", "result[0]: an object of class Promise"),
        ] {
            let error = CONTEXT.eval(format!("({source})")).blocking().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotTransferable);
            assert!(error.to_string().ends_with(expected), "{error}");
        }
    }
}

mod paths {
    use super::*;

    fn refused<T>(error: Result<T, aiointernal::Error>) -> String {
        let error = error.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        error.to_string()
    }

    /// What no JavaScript object can be: a map whose key is a list.
    fn keyed_by_a_list() -> BTreeMap<Vec<u8>, bool> {
        BTreeMap::from([(vec![1], true)])
    }

    #[test]
    fn what_has_no_javascript_form_is_named_by_its_path() {
        #[derive(Serialize)]
        enum Kind {
            Pair(bool, BTreeMap<Vec<u8>, bool>),
        }
        const WHAT: &str = "a map's key is not a string, number or boolean";
        let value = BTreeMap::from([("items", vec![BTreeMap::from([("a b", keyed_by_a_list())])])]);
        assert!(refused(to_value(&value)).ends_with(&format!(r#"value.items[0]["a b"]: {WHAT}"#)));
        assert!(refused(to_value(&[Kind::Pair(true, keyed_by_a_list())])).ends_with(&format!("value[0][1]: {WHAT}")));
        assert!(refused(to_value(&keyed_by_a_list())).ends_with(&format!("value: {WHAT}")));
        let called = CONTEXT.call("same", (1, [Some(keyed_by_a_list())])).blocking();
        assert!(refused(called).ends_with(&format!("argument 1[0]: {WHAT}")));
        let set = CONTEXT.set_globals([("name", keyed_by_a_list())]).blocking();
        assert!(refused(set).ends_with(&format!("value[0][1]: {WHAT}")));
    }

    #[test]
    fn what_cannot_enter_names_its_path() {
        const WHAT: &str = "a reference to 7, and nothing before it is shared under that number";
        let lost = || Value::Reference(7);
        let error = ErrorObject { cause: Some(Value::Array(vec![Value::Hole, lost()])), ..ErrorObject::default() };
        for (value, path) in [
            (lost(), ""),
            (value!([0, { "callback": lost() }]), "[1].callback"),
            (value!({ "a b": { "": [lost()] } }), r#"["a b"][""][0]"#),
            (Value::Map(vec![(1.into(), 2.into()), (lost(), 3.into())]), "(key 1)"),
            (Value::Map(vec![("key".into(), lost())]), r#".get("key")"#),
            (Value::Map(vec![(1.into(), lost())]), "(value 0)"),
            (Value::Set(vec![1.into(), lost()]), "(member 1)"),
            (error.into(), ".cause[1]"),
            (ErrorObject { errors: Some(lost()), ..ErrorObject::default() }.into(), ".errors"),
            (Value::Boxed(Box::new(lost())), ""),
            (shared(1, value!([lost()])), "[0]"),
            (object([(&"n".repeat(100), lost())]), &format!(".{}...", "n".repeat(64))),
            (object([(&"ü ".repeat(100), lost())]), &format!("[{:?}...]", "ü ".repeat(32))),
        ] {
            let error = refused(CONTEXT.call("same", (1, &value)).blocking());
            assert!(error.ends_with(&format!("argument 1{path}: {WHAT}")), "{error}");
            let error = refused(CONTEXT.set_globals([("name", &value)]).blocking());
            assert!(error.ends_with(&format!("global \"name\"{path}: {WHAT}")), "{error}");
        }
    }
}

mod random {
    use super::*;

    /// A generator of pseudo-random numbers (xorshift64*).
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
        }

        fn once_in(&mut self, times: usize) -> bool {
            self.below(times) == 0
        }

        fn pick<T: Clone>(&mut self, from: &[T]) -> T {
            from[self.below(from.len())].clone()
        }

        fn list<T>(&mut self, mut make: impl FnMut(&mut Random) -> T) -> Vec<T> {
            (0..self.below(6)).map(|_| make(self)).collect()
        }
    }

    /// Makes graphs in which every object is shared.
    struct Graph {
        random: Random,
        objects: u32,
        keys: usize,
    }

    impl Graph {
        fn text(&mut self) -> String {
            self.random.pick(&["", "text", "é", "\0", "😀", "__proto__", "length"]).to_owned()
        }

        fn bytes(&mut self) -> Vec<u8> {
            self.random.list(|random| random.below(256) as u8)
        }

        fn primitive(&mut self) -> Value {
            match self.random.below(6) {
                0 => Value::Undefined,
                1 => Value::Null,
                2 => self.random.once_in(2).into(),
                3 => self.random.pick(&[0.0, -0.0, 1.5, 0.1, 1e300, f64::INFINITY, -9_007_199_254_740_991.0]).into(),
                4 => BigInt::from(self.random.pick(&[0, -1, i128::MAX, i128::MIN, 255])).into(),
                _ => self.text().into(),
            }
        }

        fn value(&mut self, depth: usize) -> Value {
            match self.random.below(9) {
                0..=2 => self.primitive(),
                // One of those before, among them the ones around this place.
                3 | 4 => Value::Reference(self.random.below(self.objects as usize) as u32),
                _ => self.object(depth),
            }
        }

        fn values(&mut self, depth: usize) -> Option<Value> {
            self.random.once_in(2).then(|| self.value(depth))
        }

        /// What is another key or member than every one before.
        fn key(&mut self, depth: usize) -> Value {
            self.keys += 1;
            match self.random.below(3) {
                0 => Value::String(format!("key {}", self.keys)),
                1 => Value::Number(self.keys as f64),
                _ => self.object(depth),
            }
        }

        fn element(&mut self, depth: usize) -> Value {
            if self.random.once_in(5) { Value::Hole } else { self.value(depth) }
        }

        fn object(&mut self, depth: usize) -> Value {
            let number = self.objects;
            self.objects += 1;
            let inner = depth.saturating_sub(1);
            let times = self.random.below(6);
            shared(
                number,
                match self.random.below(if depth == 0 { 7 } else { 14 }) {
                    0 => Date::from_millis(self.random.pick(&[0.0, 1.0, -1500.0, 8.64e15, f64::NAN])).into(),
                    1 => self.random.pick(&[regexp("a+", "g"), regexp("(?:)", ""), regexp("[b]", "dgimsuy")]),
                    2 => Value::Bytes(self.bytes()),
                    3 => Value::ArrayBuffer(self.bytes()),
                    4 => Value::DataView(self.bytes()),
                    5 => self.view().into(),
                    6 => {
                        let text = self.text();
                        Value::Boxed(Box::new(self.random.pick(&[true.into(), (-0.0).into(), text.into()])))
                    }
                    7 | 8 => Value::Array((0..times).map(|_| self.element(inner)).collect()),
                    9 => Value::Map((0..times).map(|_| (self.key(inner), self.value(inner))).collect()),
                    10 => Value::Set((0..times).map(|_| self.key(inner)).collect()),
                    11 => {
                        let name = self.random.pick(&["Error", "RangeError", "AggregateError", "Custom", ""]);
                        let (message, stack) = (self.text(), self.random.once_in(2).then(|| self.text()));
                        let (cause, errors) = (self.values(inner), self.values(inner));
                        ErrorObject { stack, cause, errors, ..ErrorObject::new(name, message) }.into()
                    }
                    // Names that are no integers keep their order, and the number makes each of them another.
                    _ => {
                        Value::Object((0..times).map(|i| (format!("{}_{i}", self.text()), self.value(inner))).collect())
                    }
                },
            )
        }

        fn view(&mut self) -> TypedArray {
            let bits = self.random.list(|random| random.below(1 << 31));
            match self.random.below(6) {
                0 => TypedArray::Int8(bits.iter().map(|bits| *bits as i8).collect()),
                1 => TypedArray::Uint8Clamped(bits.iter().map(|bits| *bits as u8).collect()),
                2 => TypedArray::Uint16(bits.iter().map(|bits| *bits as u16).collect()),
                3 => TypedArray::Int32(bits.iter().map(|bits| *bits as i32).collect()),
                4 => TypedArray::BigUint64(bits.iter().map(|bits| (*bits as u64) << 33).collect()),
                _ => TypedArray::Float32(bits.iter().map(|bits| *bits as f32).collect()),
            }
        }
    }

    /// Changes a value and then what is in it, in the order in which it is written.
    fn changed(value: Value, change: &mut dyn FnMut(Value) -> Value) -> Value {
        match change(value) {
            Value::Shared(number, inner) => Value::Shared(number, Box::new(within(*inner, change))),
            other => within(other, change),
        }
    }

    fn within(value: Value, change: &mut dyn FnMut(Value) -> Value) -> Value {
        let mut inner = |value| changed(value, change);
        match value {
            Value::Array(elements) => Value::Array(elements.into_iter().map(inner).collect()),
            Value::Set(members) => Value::Set(members.into_iter().map(inner).collect()),
            Value::Object(properties) => {
                Value::Object(properties.into_iter().map(|(name, value)| (name, inner(value))).collect())
            }
            Value::Map(entries) => {
                Value::Map(entries.into_iter().map(|(key, value)| (inner(key), inner(value))).collect())
            }
            Value::Error(mut error) => {
                error.cause = error.cause.map(&mut inner);
                error.errors = error.errors.map(inner);
                Value::Error(error)
            }
            other => other,
        }
    }

    /// The graph with the marks that one has that left an engine: of what is referred to, numbered in their order.
    fn marked(value: Value) -> Value {
        let mut referred = BTreeSet::new();
        let value = changed(value, &mut |value| {
            if let Value::Reference(number) = value {
                referred.insert(number);
            }
            value
        });
        // The numbers grow in the same order.
        let number = |old: u32| referred.range(..old).count() as u32;
        changed(value, &mut |value| match value {
            Value::Shared(old, inner) if referred.contains(&old) => Value::Shared(number(old), inner),
            Value::Shared(_, inner) => *inner,
            Value::Reference(old) => Value::Reference(number(old)),
            other => other,
        })
    }

    #[test]
    fn any_graph_of_values_survives_the_way_in_and_out() {
        let (mut graphs, mut trees) = (0, 0);
        for seed in 1..1500 {
            let sent = marked(Graph { random: Random(seed), objects: 0, keys: 0 }.object(5));
            let back = same(&sent);
            // NaN differs from itself, so the texts are compared; they tell -0 from 0 as well.
            let text = format!("{sent:?}");
            assert_eq!(format!("{back:?}"), text, "seed {seed}");
            assert_eq!(format!("{:?}", to_value(&sent).unwrap()), text, "seed {seed}");
            graphs += usize::from(text.contains("Reference"));
            match sent.clone().into_tree() {
                Ok(tree) => {
                    trees += 1;
                    assert_eq!(serde_json::to_string(&tree).unwrap(), serde_json::to_string(&sent).unwrap());
                    assert!(!format!("{tree:?}").contains("Shared"));
                }
                Err(error) => assert!(error.to_string().ends_with(": a cycle"), "{error}"),
            }
        }
        assert!(graphs > 200 && trees > 200, "{graphs} are graphs, {trees} have no cycle");
    }
}

mod graphs {
    use super::*;

    #[test]
    fn accessors_look_through_marks_and_find_what_references_mean() {
        let graph = eval("{ const a = { n: 1, list: ['x', , true] }; ({ first: a, again: a, list: a.list }) }");
        let first = graph.get("first").unwrap();
        assert_eq!(first.get("n").and_then(Value::as_f64), Some(1.0));
        assert_eq!(graph.get("again"), Some(&Value::Reference(0)));
        assert_eq!(graph.shared(0).and_then(|a| a.get("n")), Some(&1.into()));
        let list = graph.shared(1).unwrap();
        assert_eq!((list.index(0).and_then(Value::as_str), list.index(1), list.index(3)), (Some("x"), None, None));
        assert_eq!(list.index(2).and_then(Value::as_bool), Some(true));
        assert_eq!(graph.shared(2), None);
    }

    #[test]
    fn a_graph_without_a_cycle_is_a_tree_of_copies() {
        let graph = eval(
            "{ const inner = [1], outer = { a: inner, b: inner }; [outer, inner, outer, new Map([[inner, outer]])] }",
        );
        let outer = value!({ "a": [1], "b": [1] });
        let map = Value::Map(vec![(value!([1]), outer.clone())]);
        assert_eq!(graph.into_tree().unwrap(), value!([outer.clone(), [1], outer, map]));
        let tree = value!({ "a": [1] });
        assert_eq!(tree.clone().into_tree().unwrap(), tree);
        assert_eq!(shared(0, tree.clone()).into_tree().unwrap(), tree);
    }

    #[test]
    fn a_cycle_is_no_tree_and_names_its_place() {
        for (source, path) in [
            ("const o = {}; o.self = o; o", ".self"),
            ("const list = []; list.push(0, list); ({ list })", ".list[1]"),
            ("const m = new Map(); m.set('the key', m); ({ 'a b': m })", "[\"a b\"].get(\"the key\")"),
            ("const m = new Map(); m.set(m, 1); [m]", "[0](key 0)"),
            ("const s = new Set(); s.add([s]); s", "(member 0)[0]"),
            ("const e = new Error(); e.cause = { e }; e", ".cause.e"),
            ("const o = { list: [] }; o.list.push({ o: { back: o } }); [o, o]", "[0].list[0].o.back"),
        ] {
            let graph = eval(&format!("{{ {source} }}"));
            let error = graph.clone().into_tree().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotTransferable);
            assert_eq!(error.to_string(), format!("value{path}: a cycle"));
            assert_eq!(serde_json::to_string(&graph).unwrap_err().to_string(), format!("value{path}: a cycle"));
            let error = from_value::<serde_json::Value>(graph).unwrap_err();
            let place = path.trim_start_matches('.');
            assert_eq!((error.kind(), error.to_string()), (ErrorKind::WrongType, format!("{place}: a cycle")));
        }
    }

    #[test]
    fn a_small_graph_is_not_made_a_giant_tree() {
        // Each list has the one before it ten times.
        let graph =
            eval("{ let list = ['x'.repeat(1000)]; for (let i = 0; i < 20; i++) list = Array(10).fill(list); list }");
        let error = graph.clone().into_tree().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotTransferable);
        assert!(error.to_string().contains("bytes of copies of what is shared"), "{error}");
        assert!(serde_json::to_string(&graph).is_err());
        assert_eq!(from_value::<serde_json::Value>(graph).unwrap_err().kind(), ErrorKind::WrongType);
    }

    #[test]
    fn a_giant_regular_expression_is_refused_and_the_context_is_kept() {
        for zeros in ["8e6", "17e6"] {
            let source = format!("new RegExp('a{{' + '0'.repeat({zeros}) + '1}}')");
            let error = CONTEXT.eval(source).blocking().unwrap_err();
            assert!(error.is_context_kept(), "{zeros}: {error}");
        }
    }

    #[test]
    fn a_giant_integer_has_no_digits_and_is_itself_all_the_same() {
        let giant = "2n ** 16_384n";
        let value = eval(giant);
        let error = serde_json::to_string(&value).unwrap_err().to_string();
        assert_eq!(error, "a BigInt of more than 16384 bits has no form in digits here");
        let list = eval("{ const shared = [2n ** 1_048_000n]; Array(500).fill(shared) }");
        let error = from_value::<serde_json::Value>(list).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongType);
        assert_eq!(error.to_string(), "[0][0]: a BigInt of more than 16384 bits has no form in digits here");
        assert_eq!(from_value::<Value>(value.clone()).unwrap(), value);
        let digits = from_value::<String>(eval(&format!("{giant} - 1n"))).unwrap();
        assert_eq!((digits.len(), &digits[..5]), (4933, "11897"));
    }

    #[test]
    fn a_graph_that_is_deep_by_its_references_is_no_tree() {
        // Each object has the one before it; as they are listed, they are not deep.
        let graph =
            eval("{ const all = []; for (let i = 0; i < 5000; i++) all.push({ before: all[all.length - 1] }); all }");
        let error = graph.into_tree().unwrap_err().to_string();
        assert!(error.ends_with("nested deeper than 128 levels"), "{error}");
        let chain = (0..100_000).map(|number| shared(number + 1, Value::Reference(number)));
        let chain = Value::Array([shared(0, value!([]))].into_iter().chain(chain).collect());
        assert!(chain.into_tree().unwrap_err().to_string().ends_with("nested deeper than 128 levels"));
    }

    #[test]
    fn a_reference_to_nothing_is_no_tree() {
        let error = value!([Value::Reference(3)]).into_tree().unwrap_err();
        assert!(error.to_string().starts_with("value[0]: a reference to 3"), "{error}");
    }
}

mod serde_and_json {
    use super::*;

    fn read<T: for<'de> Deserialize<'de> + Send + 'static>(source: &str) -> T {
        CONTEXT.eval_as(format!("({source})")).blocking().unwrap()
    }

    #[test]
    fn every_class_becomes_the_rust_type_that_is_like_it() {
        let map = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
        assert_eq!(read::<BTreeMap<String, i32>>("new Map([['a', 1], ['b', 2]])"), map);
        assert_eq!(read::<HashMap<u8, bool>>("new Map([[1, true]])"), HashMap::from([(1, true)]));
        assert_eq!(read::<Vec<(u8, String)>>("new Map([[1, 'a']])"), [(1, "a".to_owned())]);
        assert_eq!(read::<BTreeSet<i32>>("new Set([2, 1])"), BTreeSet::from([1, 2]));
        assert_eq!(read::<String>("/a/g"), "/a/g");
        assert_eq!(read::<Vec<Option<i32>>>("[1, , 2]"), [Some(1), None, Some(2)]);
        assert_eq!(read::<Vec<f64>>("new Float64Array([0.5, 1])"), [0.5, 1.0]);
        assert_eq!(read::<Vec<f32>>("new Float16Array([0.5, -2])"), [0.5, -2.0]);
        assert_eq!(read::<Vec<i64>>("new BigInt64Array([-1n])"), [-1]);
        assert_eq!(read::<[u8; 2]>("new Uint8ClampedArray([1, 2])"), [1, 2]);
        assert_eq!(read::<[u8; 2]>("new Uint8Array([1, 2])"), [1, 2]);
        assert_eq!(read::<u64>("Object(2 ** 60)"), 1 << 60);
        assert_eq!(read::<Vec<u8>>("new DataView(new ArrayBuffer(2))"), [0, 0]);
        assert_eq!(read::<(i32, String, bool)>("[Object(1), Object('a'), Object(true)]"), (1, "a".into(), true));
        assert_eq!(read::<Vec<Vec<u8>>>("(() => { const a = [1]; return [a, a] })()"), [[1], [1]]);
    }

    #[test]
    fn an_error_becomes_a_struct() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Failed {
            name: String,
            message: String,
            stack: Option<String>,
            cause: Option<Box<Failed>>,
        }
        let failed: Failed = read("new TypeError('outer', { cause: new Error('inner') })");
        assert_eq!((failed.name.as_str(), failed.message.as_str()), ("TypeError", "outer"));
        assert!(failed.stack.is_some());
        assert_eq!(failed.cause.unwrap().message, "inner");
    }

    #[test]
    fn a_typed_array_becomes_bytes_where_bytes_are_asked_for() {
        struct Bytes(Vec<u8>);
        struct Visitor;

        impl<'de> Deserialize<'de> for Bytes {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
                deserializer.deserialize_byte_buf(Visitor)
            }
        }

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }

        assert_eq!(read::<Bytes>("new Uint16Array([1, 2])").0, [1, 0, 2, 0]);
        assert_eq!(read::<Bytes>("new Uint8Array([1, 2])").0, [1, 2]);
    }

    #[test]
    fn lists_of_numbers_are_read_from_every_kind_of_array() {
        for list in ["[1, 2]", "new Set([1, 2])", "new Uint8Array([1, 2])", "new Uint8Array([1, 2]).buffer"] {
            assert_eq!(read::<Vec<u8>>(list), [1, 2], "{list}");
            assert_eq!(read::<Box<[u8]>>(list)[..], [1, 2], "{list}");
            assert_eq!(read::<Vec<f64>>(list), [1.0, 2.0], "{list}");
            assert_eq!(read::<(i64, f32)>(list), (1, 2.0), "{list}");
            assert_eq!(read::<Option<BTreeSet<u128>>>(list), Some(BTreeSet::from([1, 2])), "{list}");
        }
        for class in ["Int8", "Uint8Clamped", "Int16", "Uint16", "Int32", "Uint32", "Float16", "Float32", "Float64"] {
            assert_eq!(read::<Vec<u8>>(&format!("new {class}Array([1, 2])")), [1, 2], "{class}");
            assert_eq!(read::<Vec<f64>>(&format!("new {class}Array([1, 2])")), [1.0, 2.0], "{class}");
        }
        assert_eq!(read::<Vec<u64>>("new BigUint64Array([2n ** 64n - 1n])"), [u64::MAX]);
    }

    #[test]
    fn an_array_of_another_type_is_an_error_that_names_the_element() {
        fn wrong<T: for<'de> Deserialize<'de> + Send + 'static + std::fmt::Debug>(source: &str) -> String {
            let error = CONTEXT.eval_as::<T>(format!("({source})")).blocking().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
            error.to_string()
        }
        for (error, expected) in [
            (wrong::<Vec<u8>>("[1, 256]"), "[1]: invalid value: integer `256`, expected u8"),
            (wrong::<Vec<u8>>("new Int8Array([1, -1])"), "[1]: invalid value: integer `-1`, expected u8"),
            (wrong::<Vec<i32>>("new Float64Array([1, 0.5])"), "[1]: invalid type: floating point `0.5`, expected i32"),
            (wrong::<Vec<bool>>("new Uint8Array([1])"), "[0]: invalid type: integer `1`, expected a boolean"),
            (wrong::<[u8; 3]>("new Uint8Array([1, 2])"), "result: invalid length 2, expected an array of length 3"),
            (wrong::<f64>("new Float64Array([1])"), "result: invalid type: sequence, expected f64"),
            (
                wrong::<serde_json::Value>("({ a: new Uint8Array([1]) })"),
                "a: invalid type: byte array, expected any valid JSON value",
            ),
        ] {
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn bytes_and_lists_enter_as_what_serde_calls_them() {
        struct Bytes(&'static [u8]);

        impl Serialize for Bytes {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(self.0)
            }
        }

        let class = |value: Value| {
            let call = CONTEXT.call_as::<String>("Object.prototype.toString.call", [value]);
            call.blocking().unwrap()
        };
        // serde knows a `Vec<u8>` as a sequence of numbers, and bytes only where a type says so.
        assert_eq!(to_value(&vec![1_u8, 2]).unwrap(), value!([1, 2]));
        assert_eq!(to_value(&[1_u8, 2][..]).unwrap(), value!([1, 2]));
        assert_eq!(class(to_value(&Bytes(&[1, 2])).unwrap()), "[object Uint8Array]");
        assert_eq!(class(Value::Bytes(vec![1])), "[object Uint8Array]");
        assert_eq!(class(to_value(&vec![0.5_f64]).unwrap()), "[object Array]");
        assert_eq!(class(TypedArray::Float64(vec![0.5]).into()), "[object Float64Array]");
    }

    #[test]
    fn a_value_within_a_rust_value_stays_what_it_is() {
        #[derive(Serialize)]
        struct Holder {
            map: Value,
            graph: Option<Value>,
            list: Vec<Value>,
        }
        let map = Value::Map(vec![(1.into(), TypedArray::Float32(vec![0.5]).into())]);
        let graph = shared(4, object([("self", Value::Reference(4))]));
        let list = vec![Value::Hole, regexp("a", "g")];
        let holder = Holder { map: map.clone(), graph: Some(graph.clone()), list: list.clone() };
        let expected = object([("map", map), ("graph", graph), ("list", Value::Array(list))]);
        assert_eq!(to_value(&holder).unwrap(), expected);
    }

    #[test]
    fn a_value_that_is_serialized_on_the_way_does_not_disturb_another() {
        struct Detour;

        impl Serialize for Detour {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&serde_json::to_string(&value!([1, Value::Hole])).unwrap())
            }
        }

        let made = to_value(&(Detour, Value::Hole, Detour)).unwrap();
        assert_eq!(made, Value::Array(vec!["[1,null]".into(), Value::Hole, "[1,null]".into()]));
    }

    #[test]
    fn every_class_has_one_form_in_json() {
        for (source, json) in [
            ("[1, , undefined]", "[1,null,null]"),
            ("/a\\/b/g", r#""/a\\/b/g""#),
            ("new Map([['a', 1], [{ k: 1 }, new Map()]])", r#"[["a",1],[{"k":1},[]]]"#),
            ("new Set([1, 'a'])", r#"[1,"a"]"#),
            ("new Float32Array([1, 0.5, NaN, -0])", "[1,0.5,null,-0.0]"),
            ("new Float16Array([65504, 2 ** -24, Infinity])", "[65504,5.960464477539063e-8,null]"),
            ("new BigUint64Array([1n])", r#"["1"]"#),
            ("new Uint8ClampedArray([300])", "[255]"),
            ("new DataView(new ArrayBuffer(2))", "[0,0]"),
            ("[Object('a'), Object(1), Object(false), Object(1n)]", r#"["a",1,false,"1"]"#),
            (
                "Object.defineProperty(new TypeError('m', { cause: [1] }), 'stack', { value: 's' })",
                r#"{"name":"TypeError","message":"m","stack":"s","cause":[1]}"#,
            ),
            ("(() => { const o = { n: 1 }; return { a: o, b: [o] } })()", r#"{"a":{"n":1},"b":[{"n":1}]}"#),
        ] {
            assert_eq!(serde_json::to_string(&eval(&format!("({source})"))).unwrap(), json, "{source}");
        }
    }
}

mod literals {
    use super::*;

    #[test]
    fn a_literal_is_the_value_that_javascript_means() {
        let (name, count) = ("dynamic", 3_u64);
        let made = value!({
            "null": null,
            "undefined": undefined,
            "list": [1, -2.5, "text", true, [], {}, null, undefined, [[null]], { "a": [1] }],
            "sum": count + 1,
            "call": u8::try_from(7).unwrap(),
            "option": None::<bool>,
            "vec": vec!["a", "b"],
            [name]: [value!([1]), Value::Hole],
            [format!("{name}2")]: u64::MAX,
            "date": Date::from_millis(5.0),
            "last": [1, 2,],
        });
        let source = "({ null: null, undefined: undefined,
            list: [1, -2.5, 'text', true, [], {}, null, undefined, [[null]], { a: [1] }], sum: 4, call: 7, option: null,
            vec: ['a', 'b'], dynamic: [[1], ,], dynamic2: 2n ** 64n - 1n, date: new Date(5), last: [1, 2] })";
        assert_eq!(made, eval(source));
        assert_eq!((value!(null), value!(undefined)), (Value::Null, Value::Undefined));
        assert_eq!((value!("a"), value!(1.5)), ("a".into(), 1.5.into()));
        assert_eq!((value!([]), value!({})), (Value::Array(Vec::new()), Value::Object(Vec::new())));
    }
}
