//! Globals that the host sets and reads.

use aiointernal_guest::Failure;

use super::{call, call_encoded, case_file, engine, eval, get, invalid, messages, set, thrown, unhex};

#[test]
fn what_is_set_is_a_plain_property_that_the_script_may_change() {
    let (engine, _) = engine();
    set(engine, "list", &unhex("8301 02 a1 6161 01")).unwrap();
    let script = "list.push('more'); list[2].a++; list[0] = { new: true }; delete list[2].b; list";
    assert_eq!(eval(engine, script), Ok(r#"[{"new": true}, 2, {"a": 2}, "more"]"#.into()));
    let flags = "const { value, ...flags } = Object.getOwnPropertyDescriptor(globalThis, 'list'); flags";
    assert_eq!(eval(engine, flags), Ok(r#"{"writable": true, "enumerable": true, "configurable": true}"#.into()));
}

#[test]
fn setters_on_built_in_prototypes_do_not_see_what_is_set() {
    let (engine, world) = engine();
    let spy = "for (const name of [0, 1, 'a', '__proto__', 'then', 'length']) {
        const seen = { __proto__: null, configurable: true, get() {}, set() { console.log('seen ' + name) } };
        if (name !== 'length') Object.defineProperty(Array.prototype, name, seen);
        Object.defineProperty(Object.prototype, name, seen);
    }";
    eval(engine, spy).unwrap();
    set(engine, "value", &unhex("82 01 a3 6161 02 695f5f70726f746f5f5f 03 647468656e 04")).unwrap();
    assert_eq!(get(engine, "value"), Ok(r#"[1, {"a": 2, "__proto__": 3, "then": 4}]"#.into()));
    assert_eq!(messages(&world), [""; 0]);
}

#[test]
fn replaced_constructors_do_not_see_what_is_set() {
    let (engine, _) = engine();
    let replace = "for (const name of ['Date', 'BigInt', 'Array', 'Object', 'Uint8Array', 'ArrayBuffer', 'String']) {
        const { prototype } = globalThis[name];
        try { prototype.constructor = () => { throw 1 } } catch {}
        globalThis[name] = function () { throw new Error('not asked') };
    } 0";
    eval(engine, replace).unwrap();
    set(engine, "value", &unhex("86 c101 c24105 81 00 a0 4101 d81b826b41727261794275666665724101")).unwrap();
    assert_eq!(get(engine, "value"), Ok("[date(1000), 5n, [0], {}, h'01', ArrayBuffer(h'01')]".into()));
}

#[test]
fn globals_are_set_in_order_up_to_the_one_that_fails() {
    let (engine, _) = engine();
    eval(engine, "Object.defineProperty(globalThis, 'guarded', { set() { throw new RangeError('guarded') } })")
        .unwrap();
    let set = engine.set_globals([("first", &[0x01][..]), ("guarded", &[0x02]), ("last", &[0x03])]);
    assert_eq!(thrown(set), "RangeError: guarded");
    assert_eq!((get(engine, "first"), get(engine, "last")), (Ok("1".into()), Ok("undefined".into())));
    let set = engine.set_globals([("second", &[0x01][..]), ("bad", &[0xff]), ("last", &[0x03])]);
    assert!(invalid(set).starts_with("global \"bad\" is not an encoded value: "));
    assert_eq!((get(engine, "second"), get(engine, "last")), (Ok("1".into()), Ok("undefined".into())));
    assert_eq!(engine.set_globals([("same", &[0x01][..]), ("same", &[0x02])]), Ok(()));
    assert_eq!(get(engine, "same"), Ok("2".into()));
    assert_eq!(engine.set_globals([]), Ok(()));
}

#[test]
fn a_global_that_cannot_be_written_throws() {
    let (engine, _) = engine();
    for name in ["undefined", "NaN", "Infinity"] {
        assert!(thrown(set(engine, name, &[0x01])).starts_with("TypeError: "));
    }
    eval(engine, "Object.defineProperty(globalThis, 'fixed', { value: 1 }); Object.preventExtensions(globalThis)")
        .unwrap();
    for name in ["fixed", "one_more"] {
        assert!(thrown(set(engine, name, &[0x01])).starts_with("TypeError: "));
    }
}

#[test]
fn a_global_is_read_whatever_declares_it() {
    let (engine, _) = engine();
    let script = "var v = 'var'; let l = 'let'; const c = 'const'; globalThis.p = 'property'; implied = 'implied';
        globalThis['a b'] = 'a space'; globalThis[''] = 'nothing'; globalThis[7] = 'seven'; globalThis['a.b'] = 'a dot';
        globalThis['class'] = 'reserved'; var $ = 'dollar', _1 = 'underscore'; class C {} function f() {}";
    eval(engine, script).unwrap();
    for (name, value) in [
        ("v", "var"),
        ("l", "let"),
        ("c", "const"),
        ("p", "property"),
        ("implied", "implied"),
        ("a b", "a space"),
        ("", "nothing"),
        ("7", "seven"),
        ("a.b", "a dot"),
        ("class", "reserved"),
        ("$", "dollar"),
        ("_1", "underscore"),
    ] {
        assert_eq!(get(engine, name), Ok(case_file::quoted(value)), "{name}");
    }
    for name in ["missing", "also missing", "1st", "let", "await", "yield", "this", "null", "true", "arguments"] {
        assert_eq!(get(engine, name), Ok("undefined".into()), "{name}");
    }
    for name in ["f", "C", "Math.max", "parseInt", "eval"] {
        let expected = if name.contains('.') {
            Ok("undefined".into())
        } else {
            Err(Failure::NotTransferable("result: a function".into()))
        };
        assert_eq!(get(engine, name), expected, "{name}");
    }
    assert_eq!(get(engine, "NaN"), Ok("NaN".into()));
}

#[test]
fn a_binding_hides_the_property_of_its_name() {
    let (engine, _) = engine();
    eval(engine, "let x = 'binding'").unwrap();
    set(engine, "x", &unhex("68 70726f7065727479")).unwrap();
    assert_eq!(get(engine, "x"), Ok("\"binding\"".into()));
    assert_eq!(eval(engine, "[x, globalThis.x]"), Ok("[\"binding\", \"property\"]".into()));
}

#[test]
fn a_binding_that_was_never_initialised_throws() {
    let (engine, _) = engine();
    eval(engine, "throw 1; let unborn = 2").unwrap_err();
    assert!(thrown(get(engine, "unborn")).starts_with("ReferenceError: "));
    assert!(thrown(eval(engine, "unborn")).starts_with("ReferenceError: "));
}

#[test]
fn a_name_runs_no_code() {
    let (engine, world) = engine();
    eval(engine, "var a = { b: 1 }; function f() { console.log('ran') }").unwrap();
    for name in [
        "f()",
        "a;f()",
        "a\n;f()",
        "a,f()",
        "a=5",
        "a//",
        "a/*",
        "a?f():1",
        "`${f()}`",
        "new f",
        "import('x')",
        "(a)",
        "a ",
        "á",
    ] {
        assert_eq!(get(engine, name), Ok("undefined".into()), "{name}");
        assert!(thrown(call_encoded(engine, name, &[])).starts_with("TypeError: "), "{name}");
    }
    assert_eq!(get(engine, "a"), Ok("{\"b\": 1}".into()));
    assert_eq!(messages(&world), [""; 0]);
}

#[test]
fn a_getter_of_a_global_that_throws_is_thrown() {
    let (engine, _) = engine();
    eval(engine, "Object.defineProperty(globalThis, 'bad', { get() { throw new EvalError('bad getter') } })").unwrap();
    assert_eq!(thrown(get(engine, "bad")), "EvalError: bad getter");
    assert_eq!(thrown(call(engine, "bad", &[])), "EvalError: bad getter");
    assert_eq!(thrown(call(engine, "bad.method", &[])), "EvalError: bad getter");
}

#[test]
fn a_getter_of_a_global_is_asked_once() {
    let (engine, _) = engine();
    eval(engine, "var asked = 0; Object.defineProperty(globalThis, 'counted', { get() { return ++asked } })").unwrap();
    assert_eq!(get(engine, "counted"), Ok("1".into()));
    assert_eq!(get(engine, "asked"), Ok("1".into()));
}

#[test]
fn a_binding_with_a_name_in_any_script_is_read() {
    let (engine, _) = engine();
    eval(engine, "let größe = 5; const 名 = 6").unwrap();
    assert_eq!((get(engine, "größe"), get(engine, "名")), (Ok("5".into()), Ok("6".into())));
}
