//! Values that cross by serde, and as they print.

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
    for millis in [0.0, 1e12, -1.0, 951_782_400_000.0, 8.64e15, -8.64e15, -62_167_219_200_000.0, 253_402_300_800_000.0]
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
    assert_eq!(from_value::<u128>(BigInt::from(u128::from(u64::MAX) + 1).into()).unwrap(), u128::from(u64::MAX) + 1);
}
