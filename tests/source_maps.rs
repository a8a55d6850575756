//! Stacks of sources that bring their source maps with them.

use std::sync::LazyLock;

use aiointernal::{
    Context, Error, Sandbox,
    js::{ModuleMap, Source},
};

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new().unwrap());

fn open() -> Context {
    SANDBOX.context().blocking().unwrap()
}

/// Minified: `function fail(message) {` of line 2, `throw new Error(message)` of 3, and what is called in line 6.
const TEXT: &str = "function t(r){throw new Error(r)}'é👍';t('x');";

const MAP: &str = r#"{"version":3,"sources":["src/fail.ts"],"names":["fail","message","Error"],
    "mappings":"AACA,SAASA,EAAKC,GACZ,MAAM,IAAIC,MAAMD,GAElB,MACAD"}"#;

fn percent(json: &str) -> String {
    let escaped = json.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        byte => format!("%{byte:02x}"),
    });
    escaped.collect()
}

fn mapped(text: &str, map: &str) -> String {
    format!("{text}\n//# sourceMappingURL=data:application/json;charset=utf-8,{}\n", percent(map))
}

fn stack(error: &Error) -> String {
    error.exception().unwrap().stack.clone()
}

const ORIGINAL: &str = "    at fail (src/fail.ts:3:19)\n    at <eval> (src/fail.ts:6:1)";

#[test]
fn the_stack_of_a_script_is_that_of_its_original() {
    let error = open().eval(Source::script(mapped(TEXT, MAP)).named("min.js")).blocking().unwrap_err();
    assert_eq!(stack(&error), ORIGINAL);
}

#[test]
fn the_script_itself_reads_the_stack_as_it_ran() {
    let text = format!("try {{ {TEXT} }} catch (error) {{ error.stack }}");
    let seen = open().eval_as::<String>(Source::script(mapped(&text, MAP)).named("min.js")).blocking().unwrap();
    assert!(seen.contains("at t (min.js:1:"), "{seen}");
}

#[test]
fn modules_have_their_maps_too() {
    let modules = ModuleMap::new([(
        "lib.mjs",
        mapped(&TEXT.replace("function t", "export function t").replace("t('x')", ""), &MAP.replace("AACA", "OACA")),
    )]);
    let context = SANDBOX.context().modules(modules).blocking().unwrap();
    let error = context
        .eval(Source::module("import { t } from './lib.mjs';\nt('x')").named("main.mjs"))
        .blocking()
        .unwrap_err();
    assert!(stack(&error).starts_with("    at fail (src/fail.ts:3:19)\n    at <anonymous> (main.mjs:2:"), "{error:#}");
    let error = open().eval(Source::module(mapped(TEXT, MAP)).named("main.mjs")).blocking().unwrap_err();
    assert!(stack(&error).starts_with("    at fail (src/fail.ts:3:19)\n"), "{error:#}");
}

#[test]
fn a_module_that_is_evaluated_again_has_its_map() {
    let context = open();
    for file in ["src/first.ts", "src/second.ts", "src/third.ts"] {
        let text = mapped(TEXT, &MAP.replace("src/fail.ts", file));
        let error = context.eval(Source::module(text).named("main.mjs")).blocking().unwrap_err();
        assert!(stack(&error).starts_with(&format!("    at fail ({file}:3:19)\n")), "{error:#}");
    }
}

#[test]
fn an_import_that_is_refused_is_where_the_original_has_it() {
    let text = mapped("import{t}from'./t.mjs';t()", &MAP.replace("AACA", "AAQI"));
    let error = open().eval(Source::module(text).named("main.mjs")).blocking().unwrap_err();
    assert_eq!(stack(&error), "    at src/fail.ts:9:19");
}

#[test]
fn a_later_call_and_a_batch_have_the_maps_of_what_they_call() {
    let context = open();
    let text = mapped("function t(r){throw new Error(r)}", MAP);
    context.eval(Source::script(&text).named("min.js")).blocking().unwrap();
    let error = context.call("t", ["x"]).blocking().unwrap_err();
    assert_eq!(stack(&error), "    at fail (src/fail.ts:3:19)");
    let plain = "\n\nfunction f() { null.x } f()".to_owned();
    let other = mapped(TEXT, &MAP.replace("src/fail", "other"));
    let sources = [mapped(TEXT, MAP), plain, other].map(Source::script);
    let results = context.eval_batch(sources).blocking().unwrap();
    let stacks: Vec<_> = results.iter().map(|result| stack(result.as_ref().unwrap_err())).collect();
    assert_eq!(stacks[0], ORIGINAL);
    assert!(stacks[1].starts_with("    at f (<eval>:3:"), "{}", stacks[1]);
    assert_eq!(stacks[2], ORIGINAL.replace("src/fail", "other"));
}

#[test]
fn causes_and_errors_are_told_in_the_original_too() {
    let text = "function t(r){throw new Error(r)}try{t('x')}catch(e){throw new AggregateError([e],'m',{cause:e})}";
    let error = open().eval(Source::script(mapped(text, MAP)).named("min.js")).blocking().unwrap_err();
    let exception = error.exception().unwrap();
    for related in [exception.cause.as_deref().unwrap(), &exception.errors[0]] {
        assert!(related.stack.starts_with("    at fail (src/fail.ts:3:19)"), "{}", related.stack);
    }
}

#[test]
fn a_syntax_error_is_where_the_original_has_it() {
    let error = open()
        .eval(Source::script(mapped("let = = 1", &MAP.replace("AACA", "AAQI"))).named("min.js"))
        .blocking()
        .unwrap_err();
    assert!(stack(&error).starts_with("    at src/fail.ts:9:5"), "{}", stack(&error));
}

#[test]
fn a_map_is_forgotten_with_its_context() {
    let context = open();
    context.eval(Source::script(mapped("1", MAP)).named("min.js")).blocking().unwrap();
    let now = context.eval("0").blocking();
    assert!(now.is_ok());
    context.reset().blocking().unwrap();
    context.eval("const error = new Error('x'); error.stack = '    at t (min.js:1:20)'").blocking().unwrap();
    assert_eq!(stack(&context.eval("throw error").blocking().unwrap_err()), "    at t (min.js:1:20)");
}

#[test]
fn a_map_that_is_malformed_leaves_the_stack_as_it_was() {
    let context = open();
    let plain = stack(&context.eval(Source::script(TEXT).named("min.js")).blocking().unwrap_err());
    let wrong = ["", "{}", "[", "{\"version\":3}"].map(str::to_owned).into_iter().chain([
        MAP.replace(":3", ":2"),
        MAP.replace("AACA", "A!CA"),
        MAP.replace("AACA", "CACA,DAAA"),
        MAP.replace("\"src/fail.ts\"", "null"),
        MAP.replace("\"src/fail.ts\"", ""),
        MAP.replace("\"src/fail.ts\"", "7"),
        "[".repeat(100_000),
    ]);
    for map in wrong {
        let error = context.eval(Source::script(mapped(TEXT, &map)).named("min.js")).blocking().unwrap_err();
        assert_eq!(stack(&error), plain, "{}", &map[..map.len().min(200)]);
    }
}

#[test]
fn a_root_is_put_before_the_source() {
    let map = MAP.replace("\"version\"", "\"sourceRoot\":\"/app/\",\"version\"");
    let error = open().eval(Source::script(mapped(TEXT, &map)).named("min.js")).blocking().unwrap_err();
    assert_eq!(stack(&error), ORIGINAL.replace("src/", "/app/src/"));
}
