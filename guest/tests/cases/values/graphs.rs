//! Graphs that scripts make, through the engine's two halves.

use minicbor::Encoder;

use crate::{SETTINGS, call, engine, eval, hex, invalid, render, set, source, thrown};
use aiointernal_guest::{Engine, Failure, Host, ResultForm, Settings, SourceKind};

pub(crate) const GRAPHS: &str = include_str!("graphs.js");

/// A number as it is given to a function.
pub(crate) fn argument(number: u32) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.u32(number).expect("a vector takes every byte");
    encoder.into_writer()
}

fn encoded(engine: &Engine<impl Host>, text: &str) -> Result<Vec<u8>, Failure> {
    crate::evaluate(engine, &source(text, SourceKind::Script), ResultForm::Value)
}

#[test]
fn random_graphs_come_back_as_they_were() {
    let (engine, _) = engine();
    eval(engine, GRAPHS).expect("the script is right");
    let mut shared = 0;
    for seed in 1..1500 {
        let sent = crate::call_encoded(engine, "make", &[argument(seed)]).expect("every kind crosses");
        let found = crate::call_encoded(engine, "check", &[argument(seed), sent.clone()]).map(|found| render(&found));
        assert_eq!(found, Ok("undefined".into()), "{seed}: {}", render(&sent));
        // Again, bytes for bytes.
        assert_eq!(set(engine, "copy", &sent), Ok(()));
        assert_eq!(engine.get_global("copy", ResultForm::Value).as_ref(), Ok(&sent), "{seed}: {}", render(&sent));
        shared += usize::from(render(&sent).contains('*'));
    }
    assert!(shared > 150, "only {shared} of the graphs are none");
}

#[test]
fn what_is_compared_is_told_apart() {
    let (engine, _) = engine();
    eval(engine, GRAPHS).expect("the script is right");
    eval(
        engine,
        "function fail(options) { return Object.defineProperty(new Error('a', options), 'stack', { value: '' }) }",
    )
    .expect("the script is right");
    for (left, right) in [
        ("[1, , 2]", "[1, undefined, 2]"),
        ("new Array(2)", "new Array(3)"),
        ("-0", "0"),
        ("({ a: 1, b: 2 })", "({ b: 2, a: 1 })"),
        ("new Map([[1, 2]])", "new Map([['1', 2]])"),
        ("new Set([1, 2])", "new Set([2, 1])"),
        ("(() => { const o = {}; return [o, o] })()", "[{}, {}]"),
        ("[{}, {}]", "(() => { const o = {}; return [o, o] })()"),
        ("new Float64Array([1])", "new BigInt64Array(1)"),
        ("fail({ cause: undefined })", "fail()"),
        ("Object(1)", "1"),
        ("Object(1)", "Object(2)"),
        ("/a/g", "/a/"),
    ] {
        let found = eval(engine, &format!("difference({left}, {right}) !== undefined"));
        assert_eq!(found, Ok("true".into()), "{left} and {right}");
        let found = eval(engine, &format!("difference({left}, {left}) === undefined"));
        assert_eq!(found, Ok("true".into()), "{left}");
    }
}

#[test]
fn what_comes_in_has_the_class_that_it_had() {
    let (engine, _) = engine();
    let script = "var seen = (v) => [
        v.map, v.map.get('a'), v.set.has(7), v.error instanceof RangeError, v.error.message, v.error.stack.includes('case.js'),
        v.error.cause instanceof Error, v.error.cause.name, v.many instanceof AggregateError, v.many.errors.length,
        v.regexp.test('xAy'), v.floats[1], v.view.getUint8(1), v.boxed instanceof Number, v.boxed + 1, v.holes.length, 1 in v.holes,
        v.self.self === v, v.map.get(v) === v ]";
    eval(engine, script).expect("the script is right");
    let value = "var v = { map: new Map([['a', 1]]), set: new Set([7]),
            error: new RangeError('far', { cause: Object.assign(new Error('c'), { name: 'Own' }) }), many: new AggregateError([1, 2]),
            regexp: /a/i, floats: new Float32Array([0, 0.5]), view: new DataView(new Uint8Array([5, 6]).buffer), boxed: Object(1), holes: [1, , ] };
        v.self = v; v.map.set(v, v); v.map.delete('none'); v";
    let value = encoded(engine, value).expect("every kind crosses");
    let seen = crate::call_encoded(engine, "seen", &[value]).map(|seen| render(&seen));
    let expected = r#"[&0 Map{"a" => 1, &1 {"map": *0"#;
    let seen = seen.expect("the function returns");
    assert!(seen.starts_with(expected), "{seen}");
    let rest = r#"1, true, true, "far", true, true, "Own", true, 2, true, 0.5, 6, true, 2, 2, false, true, true]"#;
    assert!(seen.ends_with(rest), "{seen}");
}

#[test]
fn a_script_has_no_say_in_how_values_are_made() {
    let (engine, world) = engine();
    let sent = encoded(
        engine,
        "var o = { m: new Map([[1, { a: 1 }]]), s: new Set([[2]]), e: new TypeError('t', { cause: 1 }), r: /a/g,
            f: new Float64Array([1]), d: new DataView(new ArrayBuffer(2)), b: Object('b') }; o.o = o; o",
    )
    .expect("every kind crosses");
    let sabotage = "
        const deny = (what) => function () { console.log('asked ' + what); throw new Error(what) };
        const define = Object.defineProperty, doomed = [];
        for (const C of [Map, Set, RegExp, DataView, ArrayBuffer, Object.getPrototypeOf(Int8Array), Float64Array, String, Array]) {
            for (const key of Reflect.ownKeys(C.prototype)) doomed.push([C.prototype, key]);
            doomed.push([C, Symbol.species]);
        }
        for (const name of ['message', 'cause', 'errors', 'stack', 0, 1, 'get', 'set', 'value', 'writable', 'done', 'a', 'o']) {
            doomed.push([Object.prototype, name]);
            if (name !== 'message') doomed.push([Error.prototype, name], [TypeError.prototype, name]);
        }
        for (const name of ['Map', 'Set', 'RegExp', 'Error', 'TypeError', 'Float64Array', 'DataView', 'ArrayBuffer', 'Object', 'Reflect']) {
            doomed.push([globalThis, name]);
        }
        Error.prepareStackTrace = deny('prepareStackTrace');
        const { length } = doomed;
        for (let index = 0; index < length; index++) {
            const object = doomed[index][0], key = doomed[index][1];
            // A descriptor that sees nothing of what was done so far.
            const descriptor = { __proto__: null, configurable: true, get: deny(typeof key), set: deny(typeof key) };
            try { define(object, key, descriptor) } catch {}
        }
        0";
    eval(engine, sabotage).expect("the script is right");
    // Of its own attempts at what cannot be changed.
    crate::messages(&world);
    assert_eq!(set(engine, "copy", &sent), Ok(()));
    assert_eq!(crate::messages(&world), [""; 0]);
    assert_eq!(engine.get_global("copy", ResultForm::Value).map(|value| render(&value)), Ok(render(&sent)));
    assert_eq!(crate::messages(&world), [""; 0]);
}

#[test]
fn a_regular_expression_that_is_none_throws() {
    let (engine, _) = engine();
    // ["RegExp", "(", ""] and ["RegExp", "a", "zz"]
    for value in ["d81b 83 66526567457870 6128 60", "d81b 83 66526567457870 6161 627a7a"] {
        assert!(thrown(set(engine, "value", &crate::unhex(value))).starts_with("SyntaxError: "), "{value}");
    }
}

#[test]
fn references_count_towards_the_limit_of_a_result() {
    let (engine, _) = engine();
    let limit = |result_bytes| engine.configure(Settings { result_bytes, ..SETTINGS });
    eval(engine, "var one = {}; var many = (n) => Array(n).fill(one)").expect("the script is right");
    let length = call(engine, "many", &["1864"])
        .map(|_| ())
        .and_then(|()| crate::call_encoded(engine, "many", &[argument(100)]));
    let length = length.expect("it is small").len() as u32;
    limit(length);
    assert_eq!(crate::call_encoded(engine, "many", &[argument(100)]).map(|value| value.len() as u32), Ok(length));
    limit(length - 1);
    assert_eq!(crate::call_encoded(engine, "many", &[argument(100)]), Err(Failure::ResultTooLarge(length - 1)));
    assert_eq!(crate::call_encoded(engine, "many", &[argument(1_000_000)]), Err(Failure::ResultTooLarge(length - 1)));
}

#[test]
fn an_endless_proxy_ends_at_the_limit_of_the_result() {
    let (engine, world) = engine();
    world.deadline.set(Some(std::time::Instant::now() + std::time::Duration::from_secs(20)));
    for source in [
        "new Proxy([], { get: (_, name) => name === 'length' ? 2 ** 40 : {} })",
        "let n = 0; new Proxy([], { get: (_, name) => name === 'length' ? 1e6 : new Map([[n++, new Set([n])]]) })",
        "({ a: new Proxy({}, { ownKeys: () => Array.from({ length: 5e3 }, (_, i) => 'key'.repeat(99) + i), \
            getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }) }) })",
    ] {
        assert_eq!(eval(engine, source), Err(Failure::ResultTooLarge(1 << 20)), "{source}");
    }
    assert_eq!(eval(engine, "1 + 1"), Ok("2".into()));
}

#[test]
fn a_graph_too_large_for_the_memory_is_an_error_and_no_end() {
    let (engine, _) = engine();
    engine.configure(Settings { memory_bytes: 3 << 20, result_bytes: 16 << 20, ..SETTINGS });
    // Each is an object only while the value is written, and all are kept until it is.
    let objects = "new Proxy([], { get: (_, name) => name === 'length' ? 1e6 : {} })";
    assert_eq!(eval(engine, objects), Err(Failure::OutOfMemory));
    assert_eq!(eval(engine, "1 + 1"), Ok("2".into()));
}

#[test]
fn no_bytes_take_more_than_their_share_of_memory() {
    /// Bytes of memory that one byte may take: that of an empty `Uint8Array` and its buffer.
    const PER_BYTE: u64 = 300;
    let (engine, _) = engine();
    let used = || engine.memory_usage().used;
    let tags = [
        &[0x80][..],
        &[0xa0],
        &[0xd9, 0x01, 0x03, 0xa0],
        &[0xd9, 0x01, 0x02, 0x80],
        &[0xd8, 0x1c, 0x80],
        &[0xd8, 0x1f, 0xf7],
        &[0x40],
        &[0xc1, 0x00],
        &[0xd8, 0x48, 0x40],
        &[0xc2, 0x40],
    ];
    for item in tags {
        // As many as there is room for, in one list.
        let count = (60_000 / item.len()) as u32;
        let mut value = vec![0x9a];
        value.extend(count.to_be_bytes());
        value.extend(item.repeat(count as usize));
        set(engine, "value", &[0xf6]).expect("null");
        let before = used();
        assert_eq!(set(engine, "value", &value), Ok(()), "{}", hex(item));
        let taken = used() - before;
        assert!(taken <= PER_BYTE * value.len() as u64, "{}: {taken} bytes for {}", hex(item), value.len());
    }
    // And lists that say that they are long, within one another.
    let long = [0x9a, 0x00, 0x00, 0xea, 0x60].repeat(120);
    let mut value = long.clone();
    value.resize(60_600, 0xf6);
    let before = used();
    invalid(set(engine, "value", &value));
    assert!(used().saturating_sub(before) <= PER_BYTE * value.len() as u64);
}
