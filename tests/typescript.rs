//! Sources, files and modules in TypeScript.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use aiointernal::{
    Context, Error, ErrorKind, Limits, Sandbox, Value,
    js::{Folder, Module, ModuleMap, Source, value},
};

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new().unwrap());

fn open() -> Context {
    SANDBOX.context().blocking().unwrap()
}

fn typescript(text: &str) -> Source {
    Source::script(text).typescript().named("a.ts")
}

fn eval(text: &str) -> Value {
    open().eval(typescript(text)).blocking().unwrap()
}

fn stack(error: &Error) -> String {
    error.exception().unwrap().stack.clone()
}

fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("typescript/program")
}

#[test]
fn a_program_of_several_files_says_what_it_should() {
    let modules = Folder::open(program()).unwrap();
    let context = SANDBOX.context().modules(modules).blocking().unwrap();
    let lines = context.eval_as::<Vec<String>>("import('./main.ts').then((main) => main.lines)").blocking().unwrap();
    let expected = std::fs::read_to_string(program().join("expected.txt")).unwrap();
    assert_eq!(lines, expected.lines().collect::<Vec<_>>());
}

#[test]
fn a_script_has_the_value_of_its_last_statement_and_what_it_declares_stays() {
    let context = open();
    context.eval(typescript("enum Size { Small = 1, Large } let size: Size = Size.Large")).blocking().unwrap();
    assert_eq!(context.eval_as::<String>(typescript("Size[size as number]")).blocking().unwrap(), "Large");
    assert_eq!(context.eval_as::<u32>("size").blocking().unwrap(), 2);
}

#[test]
fn types_are_taken_away_and_what_they_stand_for_is_done() {
    for (text, value) in [
        ("let a: number | string = 1; a! + <number>2", Value::from(3)),
        ("namespace A.B { export const c = 3 } A.B.c", Value::from(3)),
        (
            "class A { constructor(public a: number, private b = 2) {} sum() { return this.a + this.b } } new A(1).sum()",
            Value::from(3),
        ),
        (
            "abstract class A { abstract a(): void; b() { return 3 } } class B extends A { a(): void {} } new B().b()",
            Value::from(3),
        ),
        ("interface A { a: number } type B = A['a']; declare const c: B; ({ a: 3 } satisfies A).a", Value::from(3)),
        ("function f<T extends number>(this: void, a: T, b?: T): a is T { return !b } f(1)", Value::from(true)),
        ("const enum A { B = 1 << 1, C = B | 1 } A.C", Value::from(3)),
        ("const f = async <T,>(a: T): Promise<T> => a; f(3)", Value::from(3)),
        ("", Value::Undefined),
        ("type A = 1", Value::Undefined),
    ] {
        assert_eq!(eval(text), value, "{text}");
    }
}

#[test]
fn decorators_are_those_of_experimental_decorators() {
    let text = "
        const seen: string[] = [];
        const note = (label: string) => (...args: any[]) => { seen.push(`${label}${args.length}${typeof args[2]}`) };
        @note('class') class A {
            @note('field') field = 1;
            @note('static') static shared = 1;
            @note('method') method(@note('parameter') a: number) {}
            @note('accessor') get accessor() { return 1 }
        }
        seen.join(' ')";
    let seen = "field3undefined static3undefined parameter3number method3object accessor3object class1undefined";
    assert_eq!(eval(text), seen.into());
    let replaced =
        "const twice = (target: any): any => class extends target { twice = true }; @twice class A {} new A().twice";
    assert_eq!(eval(replaced), true.into());
}

#[test]
fn a_text_that_does_not_parse_is_a_syntax_error_with_its_place_and_the_context_goes_on() {
    let context = open();
    context.eval("globalThis.kept = 1").blocking().unwrap();
    for (text, place) in [
        ("let a: number = 1\nlet b: = 2", "2:8"),
        ("enum { A }", "1:6"),
        ("function f(a: number { }", "1:22"),
        ("type A = {", "1:11"),
        ("'é'; let 2a", "1:11"),
    ] {
        let error = context.eval(typescript(text)).blocking().unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Thrown, true));
        assert_eq!(error.exception().unwrap().name, "SyntaxError");
        assert!(!error.exception().unwrap().message.is_empty());
        assert_eq!(stack(&error), format!("    at a.ts:{place}"), "{text}: {error}");
    }
    assert_eq!(context.eval_as::<u32>("kept").blocking().unwrap(), 1);
    // As JavaScript that does not parse.
    assert_eq!(stack(&context.eval(Source::script("let 2a").named("a.ts")).blocking().unwrap_err()), "    at a.ts:1:5");
}

#[test]
fn a_text_that_is_nested_without_end_is_a_range_error_and_the_context_goes_on() {
    let context = open();
    for unit in ["(", "[", "{", "`${", "!", "a=>", "let a: A<", "a+", "let a: (", "namespace a."] {
        let error = context.eval(typescript(&unit.replace("let a: ", "").repeat(100_000))).blocking().unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Thrown, true), "{unit}");
    }
    let error =
        context.eval(typescript(&format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000)))).blocking().unwrap_err();
    assert_eq!(error.to_string(), "RangeError: the text is nested too deeply");
    assert_eq!(context.eval_as::<u32>("1").blocking().unwrap(), 1);
}

#[test]
fn stacks_are_those_of_the_typescript() {
    let text = "interface A {\n  a: number\n}\nenum E { F }\n\n/** Fails. */\nfunction fail(a: A): never {\n\n  throw new Error('é' + a.a)\n}\nfail({ a: 1 } as A)\n";
    let error = open().eval(typescript(text)).blocking().unwrap_err();
    assert_eq!(stack(&error), "    at fail (a.ts:9:25)\n    at <eval> (a.ts:11:1)");
    // Behind the line that decorators need.
    let text = format!("const d = (_: any) => {{}};\n@d class B {{}}\n{text}");
    let error = open().eval(typescript(&text)).blocking().unwrap_err();
    assert_eq!(stack(&error), "    at fail (a.ts:11:25)\n    at <eval> (a.ts:13:1)");
    // Of what the engine says of it.
    let error = open().eval(typescript("interface A {}\n\nlet a: A =\n  missing as A")).blocking().unwrap_err();
    assert_eq!(stack(&error), "    at <eval> (a.ts:4:3)");
}

#[test]
fn stacks_of_modules_are_those_of_the_typescript() {
    let modules = ModuleMap::new([
        ("main.ts", "import type { A } from './lib.ts'\nimport { fail } from './lib.ts'\n\nfail({ a: 1 })"),
        (
            "lib.ts",
            "export interface A {\n  a: number\n}\nexport function fail(a: A): never {\n  throw new Error(`${a.a}`)\n}",
        ),
    ]);
    let context = SANDBOX.context().modules(modules).blocking().unwrap();
    let error = context.eval("import('./main.ts')").blocking().unwrap_err();
    assert_eq!(stack(&error), "    at fail (lib.ts:5:22)\n    at <anonymous> (main.ts:4:1)");
}

#[test]
fn a_module_that_does_not_parse_is_a_syntax_error_with_its_place_for_who_imports_it() {
    let modules = ModuleMap::new([
        ("lib.ts", "export let a: number = 1\nexport let b: = 2"),
        ("deep.ts", &"(".repeat(100_000)),
        ("main.ts", "import './lib.ts'"),
        ("lib.js", "export let a = 1\nexport let b = ="),
    ]);
    let context = SANDBOX.context().modules(modules).blocking().unwrap();
    for source in [
        Source::script("import('lib.ts')"),
        Source::module("import 'lib.ts'"),
        Source::script("import('main.ts')"),
        Source::script("import('lib.js')"),
    ] {
        let error = context.eval(source).blocking().unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Thrown, true));
        assert_eq!(error.exception().unwrap().name, "SyntaxError", "{error}");
        let place = if stack(&error).contains("lib.js") { "lib.js:2:16" } else { "lib.ts:2:15" };
        assert_eq!(stack(&error), format!("    at {place}"), "{error}");
    }
    let script =
        "import('lib.ts').catch((e) => [e instanceof SyntaxError, e.stack.trim(), e.message.includes('import')])";
    assert_eq!(context.eval(script).blocking().unwrap(), value!([true, "at lib.ts:2:15", false]));
    let script = "import('deep.ts').catch((e) => [e instanceof RangeError, e.message])";
    assert_eq!(context.eval(script).blocking().unwrap(), value!([true, "the text is nested too deeply"]));
}

#[test]
fn a_source_is_a_module_where_it_imports_or_exports() {
    let modules = ModuleMap::new([("lib.mts", "export const a: number = 1")]);
    let context = SANDBOX.context().modules(modules).blocking().unwrap();
    context.eval(typescript("import { a } from './lib.mts'; globalThis.a = a as number")).blocking().unwrap();
    assert_eq!(context.eval_as::<u32>("a").blocking().unwrap(), 1);
    let module = Source::module("globalThis.b = await Promise.resolve(2 as number)").typescript();
    context.eval(module).blocking().unwrap();
    assert_eq!(context.eval_as::<u32>("b").blocking().unwrap(), 2);
}

#[test]
fn imports_of_javascript_mean_the_typescript_where_only_that_is_there() {
    let folder = std::env::temp_dir().join(format!("aiointernal-typescript-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in [
        (
            "main.ts",
            "import a from './a.js'; import b from './b.mjs'; import c from './c.js'; export default a + b + c",
        ),
        ("a.ts", "export default 'a' as string"),
        ("b.mts", "export default 'b' as string"),
        ("c.ts", "export default 'wrong'"),
        ("c.js", "export default 'c'"),
        ("main.js", "import './a.js'"),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let context = SANDBOX.context().modules(Folder::open(&folder).unwrap()).blocking().unwrap();
    let value = context.eval_as::<String>("import('./main.ts').then((main) => main.default)").blocking();
    let refused = context.eval("import('./main.js')").blocking().unwrap_err();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(value.unwrap(), "abc");
    assert!(refused.to_string().ends_with("there is no such file"), "{refused}");
}

#[test]
fn a_resolver_may_give_typescript_of_any_name() {
    let modules = |name: String| async move { Ok(Module::typescript(format!("export default '{name}' as string"))) };
    let context = SANDBOX.context().modules(modules).blocking().unwrap();
    let name = context.eval_as::<String>("import('any').then((module) => module.default)").blocking().unwrap();
    assert_eq!(name, "any");
}

#[test]
fn both_texts_are_within_the_limit() {
    let mut limits = Limits::default();
    limits.source = 40;
    let context = SANDBOX.context().limits(limits).blocking().unwrap();
    for text in ["let a: number = 1; // as long as it is too long", "enum A { B, C, D, E, F, G, H, I }"] {
        let error = context.eval(typescript(text)).blocking().unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::SourceTooLarge, true));
    }
    assert_eq!(context.eval_as::<u32>(typescript("let a: number = 1; a")).blocking().unwrap(), 1);
}

#[test]
fn a_batch_may_have_typescript_and_javascript() {
    let sources =
        [typescript("1 as number"), Source::script("2"), typescript("let a: = 3"), typescript("4 satisfies number")];
    let results = open().eval_batch(sources).blocking().unwrap();
    let values: Vec<_> = results.into_iter().map(|result| result.map_err(|error| stack(&error))).collect();
    assert_eq!(values, [Ok(1.into()), Ok(2.into()), Err("    at a.ts:1:8".to_owned()), Ok(4.into())]);
}

#[test]
fn jsx_is_refused() {
    let modules = ModuleMap::new([("a.tsx", "export default <a />")]);
    let context = SANDBOX.context().modules(modules).blocking().unwrap();
    let error = context.eval("import('a.tsx')").blocking().unwrap_err();
    assert!(error.to_string().contains("JSX is not supported"), "{error}");
}
