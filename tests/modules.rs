//! Modules from outside: who grants them, what a folder keeps to itself, and resolvers that misbehave.

use std::{
    fs,
    future::pending,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use aiointernal::{
    Context, Error, ErrorKind, Limits, Sandbox, Value,
    js::{Folder, Functions, Module, ModuleMap, Resolver, Source},
};

use crate::context::SANDBOX;

fn with(resolver: impl Resolver) -> Context {
    SANDBOX.context().modules(resolver).blocking().unwrap()
}

/// Evaluates a module.
fn run(context: &Context, text: &str) -> Result<Value, Error> {
    context.eval(Source::module(text).named("main.mjs")).blocking()
}

/// What an import throws.
fn refusal(context: &Context, specifier: &str) -> String {
    let error = context.eval(format!("import({specifier:?})")).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Thrown, "{error}");
    error.to_string()
}

/// The context goes on, and is the one that it was.
#[track_caller]
fn goes_on(context: &Context) {
    assert_eq!(context.eval_as::<i32>("globalThis.kept ??= 1").blocking().unwrap(), 1);
}

mod grants {
    use super::*;

    #[test]
    fn a_context_has_no_modules_unless_it_is_granted_some() {
        let context = SANDBOX.context().blocking().unwrap();
        let message = refusal(&context, "./a.js");
        assert_eq!(message, "ReferenceError: cannot import \"./a.js\" from \"<eval>\": this context has no modules");
        goes_on(&context);
    }

    #[test]
    fn the_modules_of_a_sandbox_are_those_of_its_contexts_unless_they_have_others() {
        let sandbox = Sandbox::builder()
            .max_contexts(2)
            .modules(ModuleMap::new([("a", "export default 'of the sandbox'")]))
            .build()
            .unwrap();
        let text = "import('a').then((a) => a.default)";
        let context = sandbox.context().blocking().unwrap();
        assert_eq!(context.eval(text).blocking().unwrap(), "of the sandbox".into());
        let modules = ModuleMap::new([("a", "export default 'of the context'")]);
        let context = sandbox.context().modules(modules).blocking().unwrap();
        assert_eq!(context.eval(text).blocking().unwrap(), "of the context".into());
    }

    #[test]
    fn a_context_that_was_replaced_loads_its_modules_again() {
        let loads = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&loads);
        let context = with(move |_: String| {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Ok(Module::javascript("globalThis.count = (globalThis.count ?? 0) + 1")) }
        });
        for _ in 0..2 {
            for _ in 0..3 {
                assert_eq!(context.eval_as::<i32>("import('a').then(() => count)").blocking().unwrap(), 1);
            }
            context.reset().blocking().unwrap();
        }
        assert_eq!(loads.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn the_exports_of_a_module_are_imported_as_an_object() {
        let context = with(ModuleMap::new([
            ("./lib/a.js", "export const one = 1; export default [2]"),
            ("lib/f.js", "export const f = () => {}"),
            ("a \"quoted\" \u{2028} name", "export const odd = true"),
        ]));
        let expected = Value::Object(vec![("default".into(), Value::Array(vec![2.into()])), ("one".into(), 1.into())]);
        assert_eq!(context.import("./lib/a.js").blocking().unwrap(), expected);
        assert_eq!(context.import("lib/a.js").blocking().unwrap(), expected);
        let odd = Value::Object(vec![("odd".into(), true.into())]);
        assert_eq!(context.import("a \"quoted\" \u{2028} name").blocking().unwrap(), odd);
        assert_eq!(context.import("./lib/f.js").blocking().unwrap_err().kind(), ErrorKind::NotTransferable);
        let error = context.import("/lib/a.js").blocking().unwrap_err();
        let message = "ReferenceError: cannot import \"/lib/a.js\" from \"<import>\": an absolute path is refused";
        assert_eq!(error.to_string(), message);
        let error = context.import("a\\b").blocking().unwrap_err();
        assert!(error.to_string().contains("cannot import \"a\\\\b\" from"), "{error}");
        goes_on(&context);
    }

    #[test]
    fn a_specifier_with_a_zero_is_no_other_module() {
        // Before a digit, the zero of a literal would be an octal escape.
        let context = with(ModuleMap::new([("a", "export default 1"), ("a\u{1}", "export default 2")]));
        for specifier in ["a\0", "a\u{0}1", "a\0.png"] {
            let error = context.import(specifier).blocking().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert_eq!(error.to_string(), "the specifier holds U+0000 at byte 1");
        }
        goes_on(&context);
    }

    #[test]
    fn a_module_that_is_evaluated_again_is_the_one_that_is_imported_from_then_on() {
        let context =
            with(ModuleMap::new([("b.mjs", "import * as main from './main.mjs'; export const b = () => main.v")]));
        let error = run(&context, "import { missing } from './b.mjs'; export const v = 0").unwrap_err();
        assert_eq!(error.exception().unwrap().stack, "    at main.mjs:1:25");
        for v in 1..3 {
            run(&context, &format!("export const v = {v}; export const f = () => null.x")).unwrap();
            assert_eq!(context.eval_as::<i32>("import('main.mjs').then((main) => main.v)").blocking().unwrap(), v);
        }
        // It is loaded anew, as what it imported could not be linked.
        assert_eq!(context.eval_as::<i32>("import('b.mjs').then((b) => b.b())").blocking().unwrap(), 2);
        let error = context.eval("import('main.mjs').then((main) => main.f())").blocking().unwrap_err();
        assert!(error.exception().unwrap().stack.starts_with("    at f (main.mjs:1:"), "{error:#}");
    }

    #[test]
    fn modules_without_a_name_share_nothing_but_what_they_are_called() {
        let context = SANDBOX.context().blocking().unwrap();
        for turn in 1..4 {
            let text = format!("import.meta.turn ??= {turn}; globalThis.seen = [import.meta.turn, import.meta.url]");
            context.eval(Source::module(text)).blocking().unwrap();
            let seen = context.get_global_as::<(i32, String)>("seen").blocking().unwrap();
            assert_eq!(seen, (turn, "<eval>".to_owned()));
        }
    }

    #[test]
    fn fifty_modules_that_import_one_another_are_loaded_once_each() {
        let modules = (0..50).map(|module| {
            let imports: String = (0..50).map(|other| format!("import './{other}.mjs';\n")).collect();
            (format!("{module}.mjs"), format!("{imports}globalThis.count = (globalThis.count ?? 0) + 1"))
        });
        let context = with(modules.collect::<ModuleMap>());
        assert_eq!(context.eval_as::<i32>("import('./0.mjs').then(() => count)").blocking().unwrap(), 50);
    }

    #[test]
    fn a_chain_of_imports_that_is_too_long_throws_and_the_context_goes_on() {
        let module = |module: u32| (format!("{module}.mjs"), format!("import './{}.mjs'", module + 1));
        let context = with((0..5000).map(module).collect::<ModuleMap>());
        goes_on(&context);
        for _ in 0..3 {
            assert!(refusal(&context, "./0.mjs").contains("call stack size exceeded"));
            goes_on(&context);
        }
        assert!(refusal(&context, "./4990.mjs").ends_with("there is no module \"5000.mjs\""));
    }

    #[test]
    fn a_batch_imports() {
        let context = with(ModuleMap::new([("a", "export default 1")]));
        let sources = ["import('a').then((a) => a.default)", "import('b')", "2"];
        let results = context.eval_batch(sources).queue().blocking().unwrap();
        assert_eq!(results[0].as_ref().unwrap(), &1.into());
        assert_eq!(results[1].as_ref().unwrap_err().kind(), ErrorKind::Thrown);
        assert_eq!(results[2].as_ref().unwrap(), &2.into());
    }
}

mod folders {
    use super::*;

    /// A folder with files in it, and a secret beside it.
    struct Files {
        outer: PathBuf,
    }

    impl Files {
        fn new(files: &[(&str, &str)]) -> Files {
            static COUNT: AtomicUsize = AtomicUsize::new(0);
            let name = format!("modules-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let outer = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            fs::create_dir_all(outer.join("inner")).unwrap();
            fs::write(outer.join("secret.mjs"), "export default 'secret'").unwrap();
            let made = Files { outer };
            for (name, text) in files {
                let path = made.inner().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            made
        }

        fn inner(&self) -> PathBuf {
            self.outer.join("inner")
        }

        fn context(&self) -> Context {
            with(Folder::open(self.inner()).unwrap())
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.outer);
        }
    }

    fn default_of(context: &Context, specifier: &str) -> Value {
        context.eval(format!("import({specifier:?}).then((module) => module.default)")).blocking().unwrap()
    }

    #[test]
    fn files_are_imported_relative_to_one_another() {
        let files = Files::new(&[
            ("a.mjs", "import b from './lib/b.js'; export default b + 1; export const { url } = import.meta"),
            ("lib/b.js", "import c from '../c.mjs'; export default c + 1"),
            ("c.mjs", "export default 1"),
            ("data.json", "[1, 2]"),
        ]);
        let context = files.context();
        assert_eq!(default_of(&context, "./a.mjs"), 3.into());
        assert_eq!(default_of(&context, "./lib/../lib//b.js"), 2.into());
        let url = "import('./a.mjs').then((module) => module.url)";
        assert_eq!(context.eval(url).blocking().unwrap(), "a.mjs".into());
        let data = "import('./data.json', { with: { type: 'json' } }).then((module) => module.default[1])";
        assert_eq!(context.eval_as::<i32>(data).blocking().unwrap(), 2);
    }

    #[test]
    fn a_file_that_is_evaluated_imports_what_lies_beside_it() {
        let files = Files::new(&[
            ("sub/main.mjs", "import a from './a.mjs'; import b from '../b.mjs'; globalThis.seen = a + b"),
            ("sub/a.mjs", "import * as main from './main.mjs'; export default 'a'"),
            ("b.mjs", "throw new Error('in b'); export default 1"),
        ]);
        let inner = files.inner().display().to_string();
        let context = with(Folder::open(files.inner()).unwrap().named(&inner));
        let error = context.eval_file(format!("{inner}/sub/main.mjs")).blocking().unwrap_err();
        assert_eq!(error.exception().unwrap().stack, format!("    at <anonymous> ({inner}/b.mjs:1:11)"));
        fs::write(files.inner().join("b.mjs"), "export default 'b'").unwrap();
        context.reset().blocking().unwrap();
        context.eval_file(format!("{inner}/sub/main.mjs")).blocking().unwrap();
        assert_eq!(context.get_global("seen").blocking().unwrap(), "ab".into());
    }

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let files = Files::new(&[("a.mjs", "export default 'a'"), ("lib/b.mjs", "")]);
        let context = files.context();
        let outer = files.outer.display().to_string();
        for (specifier, reason) in [
            ("../secret.mjs", "it leads out of the folder"),
            ("./lib/../../secret.mjs", "it leads out of the folder"),
            ("./../inner/../secret.mjs", "it leads out of the folder"),
            ("../inner/a.mjs", "it leads out of the folder"),
            ("..", "it leads out of the folder"),
            (&format!("{outer}/secret.mjs"), "an absolute path is refused"),
            ("//server/share/a.mjs", "an absolute path is refused"),
            (&format!("file://{outer}/secret.mjs"), "a URL or drive is refused"),
            ("file:./a.mjs", "a URL or drive is refused"),
            ("https://example.com/a.mjs", "a URL or drive is refused"),
            ("data:text/javascript,1", "a URL or drive is refused"),
            ("node:fs", "a URL or drive is refused"),
            ("C:/secret.mjs", "a URL or drive is refused"),
            ("./C:/secret.mjs", "a URL or drive is refused"),
            ("./a.mjs::$DATA", "a URL or drive is refused"),
            ("..\\secret.mjs", "a backslash is refused"),
            (".\\a.mjs", "a backslash is refused"),
            ("./lib\\..\\..\\secret.mjs", "a backslash is refused"),
            ("\\\\?\\C:\\secret.mjs", "a backslash is refused"),
            ("a.mjs", "a bare name is refused"),
            ("inner/a.mjs", "a bare name is refused"),
            ("", "a bare name is refused"),
            ("...", "a bare name is refused"),
            (".../secret.mjs", "a bare name is refused"),
            ("./%2e%2e/secret.mjs", "there is no such file"),
            ("./..%2fsecret.mjs", "there is no such file"),
            ("./a.mjs?query", "there is no such file"),
            ("./A.MJS", "there is no such file"),
            ("./a.mjs ", "there is no such file"),
            ("./a.mjs.", "there is no such file"),
            ("./a", "there is no such file"),
            ("./.\u{202e}/a.mjs", "there is no such file"),
            ("./a.mjs/", "it cannot be read: not a directory"),
            ("./a.mjs/../../secret.mjs", "it leads out of the folder"),
            ("./lib", "it is no regular file"),
            ("./lib/", "it is no regular file"),
            (".", "it is no regular file"),
            ("./lib/..", "it is no regular file"),
            (&format!("./{}", "x".repeat(300)), "it cannot be read"),
            (&format!("./{}a.mjs", "x/".repeat(2100)), "it has 4207 bytes, more than 4096"),
        ] {
            let message = refusal(&context, specifier);
            assert!(message.contains(reason), "{specifier:?}: {message}");
            // Nothing tells where the folder is, but what the script said itself.
            assert!(!message.contains("inner/") || specifier.contains("inner/"), "{message}");
        }
        assert_eq!(default_of(&context, "./a.mjs\0.png"), "a".into());
        goes_on(&context);
    }

    #[test]
    fn a_symbolic_link_does_not_lead_out_of_the_folder() {
        let files = Files::new(&[("a.mjs", "export default 'a'"), ("lib/b.mjs", "export default 'b'")]);
        let inner = files.inner();
        symlink("../secret.mjs", inner.join("file.mjs")).unwrap();
        symlink(files.outer.join("secret.mjs"), inner.join("absolute.mjs")).unwrap();
        symlink("..", inner.join("folder")).unwrap();
        symlink(&files.outer, inner.join("absolute")).unwrap();
        symlink("/", inner.join("root")).unwrap();
        symlink("/proc/self/cwd", inner.join("magic")).unwrap();
        symlink("file.mjs", inner.join("twice.mjs")).unwrap();
        symlink("../../secret.mjs", inner.join("lib/up.mjs")).unwrap();
        symlink("loop.mjs", inner.join("loop.mjs")).unwrap();
        symlink("nowhere.mjs", inner.join("nowhere.mjs.link")).unwrap();
        symlink(inner.join("a.mjs"), inner.join("back.mjs")).unwrap();
        let context = files.context();
        for specifier in [
            "./file.mjs",
            "./absolute.mjs",
            "./folder/secret.mjs",
            "./folder/inner/a.mjs",
            "./absolute/secret.mjs",
            "./root/etc/hostname",
            "./magic/Cargo.toml",
            "./twice.mjs",
            "./lib/up.mjs",
            // Where it leads to is within, but its way is not.
            "./back.mjs",
        ] {
            let message = refusal(&context, specifier);
            assert!(message.ends_with("it leads out of the folder"), "{message}");
        }
        assert!(refusal(&context, "./loop.mjs").contains("it cannot be read"));
        assert!(refusal(&context, "./nowhere.mjs.link").ends_with("there is no such file"));
        symlink("lib/b.mjs", inner.join("within.mjs")).unwrap();
        symlink("../a.mjs", inner.join("lib/above.mjs")).unwrap();
        assert_eq!(default_of(&context, "./within.mjs"), "b".into());
        assert_eq!(default_of(&context, "./lib/above.mjs"), "a".into());
    }

    #[test]
    fn what_is_no_regular_file_is_not_opened() {
        let files = Files::new(&[]);
        let pipe = files.inner().join("pipe.mjs");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(files.inner().join("socket.mjs")).unwrap();
        let context = files.context();
        for specifier in ["./pipe.mjs", "./socket.mjs"] {
            assert!(refusal(&context, specifier).ends_with("it is no regular file"), "{specifier}");
        }
        let devices = with(Folder::open("/dev").unwrap());
        for specifier in ["./null", "./zero", "./tty"] {
            assert!(refusal(&devices, specifier).ends_with("it is no regular file"), "{specifier}");
        }
        goes_on(&context);
    }

    #[test]
    fn files_and_folders_that_change_all_the_time_never_show_what_is_outside() {
        let files = Files::new(&[("lib/secret.mjs", "export default 'inside'")]);
        let done = Arc::new(AtomicBool::new(false));
        let changing_file = {
            let path = files.inner().join("a.mjs");
            let [inside, outside, pipe] = ["inside", "outside", "pipe"].map(|name| files.inner().join(name));
            let (secret, done) = (files.outer.join("secret.mjs"), Arc::clone(&done));
            let change = move || {
                while !done.load(Ordering::Relaxed) {
                    fs::write(&inside, "export default 'inside'").unwrap();
                    fs::rename(&inside, &path).unwrap();
                    symlink(&secret, &outside).unwrap();
                    fs::rename(&outside, &path).unwrap();
                    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
                    fs::rename(&pipe, &path).unwrap();
                }
            };
            std::thread::Builder::new().spawn(change).unwrap()
        };
        // The folder of a file is now one that is within, now a link to the one around it.
        let changing_folder = {
            let [lib, aside, link] = ["lib", "aside", "link"].map(|name| files.inner().join(name));
            let (outer, done) = (files.outer.clone(), Arc::clone(&done));
            let change = move || {
                while !done.load(Ordering::Relaxed) {
                    fs::rename(&lib, &aside).unwrap();
                    symlink(&outer, &link).unwrap();
                    fs::rename(&link, &lib).unwrap();
                    fs::remove_file(&lib).unwrap();
                    fs::rename(&aside, &lib).unwrap();
                }
            };
            std::thread::Builder::new().spawn(change).unwrap()
        };
        let context = files.context();
        for specifier in ["./a.mjs", "./lib/secret.mjs"] {
            let mut seen = 0;
            let started = Instant::now();
            while seen < 20 && started.elapsed() < Duration::from_secs(20) {
                let script = format!("import('{specifier}').then((a) => a.default)");
                match context.eval(script).timeout(Duration::from_secs(5)).blocking() {
                    Ok(value) => {
                        assert_eq!(value, "inside".into(), "{specifier}");
                        seen += 1;
                        context.reset().blocking().unwrap();
                    }
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Thrown, "{specifier}: {error}"),
                }
            }
            assert!(seen > 0, "{specifier}");
        }
        done.store(true, Ordering::Relaxed);
        for changing in [changing_file, changing_folder] {
            changing.join().unwrap();
        }
    }

    #[test]
    fn the_folder_is_the_one_that_was_opened_whatever_becomes_of_its_path() {
        let files = Files::new(&[("a.mjs", "export default 'first'"), ("b.mjs", "export default 'first'")]);
        let context = files.context();
        fs::rename(files.inner(), files.outer.join("moved")).unwrap();
        fs::create_dir(files.inner()).unwrap();
        fs::write(files.inner().join("b.mjs"), "export default 'second'").unwrap();
        assert_eq!(default_of(&context, "./b.mjs"), "first".into());
    }

    #[test]
    fn a_file_that_is_no_module_is_refused() {
        let files = Files::new(&[("element.tsx", ""), ("long.mjs", &"1;".repeat(600))]);
        fs::write(files.inner().join("latin.mjs"), b"1 // \xe9").unwrap();
        let mut limits = Limits::default();
        limits.source = 1000;
        let folder = Folder::open(files.inner()).unwrap();
        let context = SANDBOX.context().limits(limits).modules(folder).blocking().unwrap();
        assert!(refusal(&context, "./element.tsx").contains("JSX is not supported"));
        assert!(refusal(&context, "./long.mjs").ends_with("it is longer than 1000 bytes"));
        assert!(refusal(&context, "./latin.mjs").ends_with("it is not UTF-8: the byte at 5 is wrong"));
        goes_on(&context);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_and_named() {
        let files = Files::new(&[("a.mjs", "")]);
        for path in [files.inner().join("missing"), files.inner().join("a.mjs")] {
            let error = Folder::open(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io);
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        }
    }
}

mod resolvers {
    use super::*;

    /// Answers after something else has: a resolver that waits.
    struct Waits(Mutex<Option<tokio::sync::oneshot::Receiver<&'static str>>>);

    impl Resolver for Waits {
        async fn normalize(&self, base: &str, specifier: &str) -> Result<String, String> {
            tokio::task::yield_now().await;
            Ok(format!("{base}>{specifier}"))
        }

        async fn load(&self, name: &str) -> Result<Module, String> {
            let answer = self.0.lock().unwrap().take().ok_or("asked twice")?;
            let text = answer.await.map_err(|error| error.to_string())?;
            Ok(Module::javascript(format!("{text}; export const name = {name:?}")))
        }
    }

    #[test]
    fn a_resolver_may_wait_for_other_threads() {
        let (send, receive) = tokio::sync::oneshot::channel();
        let context = with(Waits(Mutex::new(Some(receive))));
        let ticket = context.eval("import('a').then((a) => a.name)").queue();
        send.send("globalThis.came = 1").unwrap();
        assert_eq!(ticket.blocking().unwrap(), "<eval>>a".into());
        goes_on(&context);
    }

    #[tokio::test]
    async fn a_resolver_uses_a_runtime_by_its_handle() {
        let runtime = tokio::runtime::Handle::current();
        let context = with(move |name: String| {
            let fetched = runtime.spawn(async move {
                tokio::task::yield_now().await;
                Module::javascript(format!("export default {name:?}"))
            });
            async move { fetched.await.map_err(|error| error.to_string()) }
        });
        assert_eq!(context.eval("import('a').then((a) => a.default)").await.unwrap(), "a".into());
    }

    #[test]
    fn a_resolver_that_fails_is_told_with_the_specifier_and_the_importer() {
        struct Fails;
        impl Resolver for Fails {
            async fn normalize(&self, _: &str, specifier: &str) -> Result<String, String> {
                match specifier {
                    "unnamed" => Err("no name".into()),
                    specifier => Ok(specifier.into()),
                }
            }

            async fn load(&self, name: &str) -> Result<Module, String> {
                match name {
                    "importer" => Ok(Module::javascript("import 'unloaded'")),
                    _ => Err(format!("{} long", "x".repeat(10 << 20))),
                }
            }
        }
        let context = with(Fails);
        let error = run(&context, "import 'unnamed'").unwrap_err();
        assert_eq!(error.to_string(), "ReferenceError: cannot import \"unnamed\" from \"main.mjs\": no name");
        let error = run(&context, "import 'importer'").unwrap_err();
        assert!(error.to_string().starts_with("ReferenceError: cannot import \"unloaded\" from \"importer\": xxx"));
        assert!(error.to_string().len() < 4096);
        assert!(error.is_context_kept());
        goes_on(&context);
    }

    #[test]
    fn a_resolver_that_hangs_ends_with_its_call() {
        struct Dropped(mpsc::Sender<()>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                self.0.send(()).unwrap();
            }
        }
        let (send, dropped) = mpsc::channel();
        let send = Mutex::new(send);
        let context = with(move |_: String| {
            let guard = Dropped(send.lock().unwrap().clone());
            async move {
                let _guard = guard;
                pending().await
            }
        });
        for text in ["import 'a'", "await import('a')", "while (true) try { await import('a') } catch {}"] {
            let started = Instant::now();
            let call = context.eval(Source::module(text)).timeout(Duration::from_millis(30));
            let error = call.blocking().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout, "{text}: {error}");
            assert!(started.elapsed() < Duration::from_secs(3), "{text}");
            dropped.try_recv().unwrap();
            assert_eq!(context.eval_as::<i32>("1").blocking().unwrap(), 1);
        }
        // A stop that comes late, on a busy machine, costs the context.
        let stopped = || context.eval("import('a')").timeout(Duration::from_millis(30)).blocking().unwrap_err();
        assert!((0..20).any(|_| stopped().is_context_kept()));
    }

    #[test]
    fn a_resolver_that_wakes_itself_all_the_time_is_stopped() {
        let context = with(|_: String| async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        for text in ["import 'a'", "await import('a')"] {
            let error = context.eval(Source::module(text)).timeout(Duration::from_millis(30)).blocking().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout, "{text}: {error}");
            assert_eq!(context.eval_as::<i32>("1").blocking().unwrap(), 1);
        }
        let ticket = context.eval("import('a')").timeout(Duration::from_secs(1000)).queue();
        ticket.abort();
        assert_eq!(ticket.blocking().unwrap_err().kind(), ErrorKind::Cancelled);
        // What has waited a while goes on.
        let turns = with(|_: String| async {
            for _ in 0..100_000 {
                tokio::task::yield_now().await;
            }
            Ok(Module::javascript("export default 1"))
        });
        assert_eq!(turns.eval_as::<i32>("import('a').then((a) => a.default)").blocking().unwrap(), 1);
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_waits_for_no_resolver() {
        let (send, asked) = tokio::sync::oneshot::channel();
        let send = Mutex::new(Some(send));
        let context = with(move |_: String| {
            if let Some(send) = send.lock().unwrap().take() {
                send.send(()).unwrap();
            }
            pending()
        });
        let ticket = context.eval("import('a')").queue();
        asked.await.unwrap();
        ticket.abort();
        assert_eq!(ticket.await.unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(context.eval_as::<i32>("1").await.unwrap(), 1);
    }

    #[test]
    fn a_resolver_that_blocks_is_late_and_no_more() {
        let context = with(|_: String| {
            let until = Instant::now() + Duration::from_millis(40);
            while Instant::now() < until {
                std::hint::spin_loop();
            }
            async { Err::<Module, _>("too late".to_owned()) }
        });
        let error = context.eval("import('a')").timeout(Duration::from_millis(10)).blocking().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert_eq!(context.eval_as::<i32>("1").blocking().unwrap(), 1);
    }

    #[test]
    fn a_resolver_that_panics_is_an_error_of_the_import() {
        struct Panics;
        impl Resolver for Panics {
            async fn normalize(&self, _: &str, specifier: &str) -> Result<String, String> {
                assert_ne!(specifier, "at once");
                Ok(specifier.into())
            }

            async fn load(&self, name: &str) -> Result<Module, String> {
                tokio::task::yield_now().await;
                panic!("secret of the host: {name}")
            }
        }
        let context = with(Panics);
        goes_on(&context);
        for specifier in ["at once", "later"] {
            let expected = format!("cannot import {specifier:?} from \"<eval>\": the resolver panicked");
            assert_eq!(refusal(&context, specifier), format!("ReferenceError: {expected}"));
        }
        let panics = with(|_: String| -> std::future::Ready<Result<Module, String>> { panic!("in a closure") });
        assert!(refusal(&panics, "a").ends_with("the resolver panicked"));
        goes_on(&context);
    }

    #[test]
    fn a_text_of_megabytes_is_refused_and_one_that_fits_the_limit_is_not() {
        let context = with(|name: String| async move {
            let bytes: usize = name.parse().map_err(|_| "no number".to_owned())?;
            Ok(Module::javascript(format!("//{}", "x".repeat(bytes - 2))))
        });
        let limit = Limits::default().source;
        for bytes in [limit + 1, 64 << 20] {
            assert!(refusal(&context, &bytes.to_string()).ends_with(&format!("it is longer than {limit} bytes")));
        }
        context.eval(format!("import('{limit}').then(() => 1)")).blocking().unwrap();
        let mut limits = Limits::default();
        limits.source = 100;
        let error = context.limited(limits).eval("import('101')").blocking().unwrap_err();
        assert!(error.to_string().ends_with("it is longer than 100 bytes"), "{error}");
        goes_on(&context);
    }

    #[test]
    fn texts_that_fill_the_memory_are_an_error_and_the_context_is_of_use() {
        let mut limits = Limits::default();
        limits.memory = 24 << 20;
        let modules = |name: String| async move {
            let next = name.parse::<u32>().map_err(|_| "no number".to_owned())? + 1;
            Ok(Module::javascript(format!("import '{next}'; /*{}*/", "x".repeat(1 << 20))))
        };
        let context = SANDBOX.context().limits(limits).modules(modules).blocking().unwrap();
        for _ in 0..3 {
            let error = context.eval("import('1')").blocking().unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::MemoryLimit | ErrorKind::Thrown), "{error:?}");
            assert_eq!(context.eval_as::<i32>("1").blocking().unwrap(), 1);
        }
    }

    #[test]
    fn a_call_loads_and_resolves_no_more_than_so_many() {
        let loads = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&loads);
        let context = with(move |_: String| {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Err::<Module, _>("none".to_owned()) }
        });
        let script = "(async () => {
            let last;
            for (let i = 0; i < 5000; i++) await import('a' + i).catch((e) => { last = e.message });
            return last;
        })()";
        for calls in 1..3 {
            let last: String = context.eval_as(script).timeout(Duration::from_secs(60)).blocking().unwrap();
            assert!(last.ends_with("the call has loaded its 4096 modules"), "{last}");
            assert_eq!(loads.load(Ordering::Relaxed), calls * 4096);
        }
    }

    #[tokio::test]
    async fn an_evaluation_that_waits_in_between_loads_and_resolves_no_more_for_it() {
        let context = SANDBOX
            .context()
            .modules(|name: String| async move {
                if name == "known" { Ok(Module::javascript("")) } else { Err("none".to_owned()) }
            })
            .functions(Functions::new().function("pause", |(): (), _| async {
                tokio::task::yield_now().await;
                Ok::<_, std::convert::Infallible>(())
            }))
            .await
            .unwrap();
        for (specifier, most, reason) in [
            ("'a' + i", 4096, "the call has loaded its 4096 modules"),
            ("'known'", 65_536, "the call has resolved its 65536 specifiers"),
        ] {
            let script = format!(
                "(async () => {{
                    for (let i = 0; ; i++) {{
                        if (i % 2000 === 0) await pause();
                        try {{ await import({specifier}) }} catch (e) {{ if (e.message.includes('the call has')) return [i, e.message] }}
                    }}
                }})()"
            );
            let (seen, message): (usize, String) =
                context.eval_as(script).timeout(Duration::from_secs(60)).await.unwrap();
            assert!(seen == most && message.ends_with(reason), "{seen} {message}");
        }
    }

    #[test]
    fn names_that_no_engine_could_know_a_module_by_are_refused() {
        struct Names;
        impl Resolver for Names {
            async fn normalize(&self, _: &str, specifier: &str) -> Result<String, String> {
                Ok(match specifier {
                    "long" => "x".repeat(4097),
                    "huge" => "x".repeat(64 << 20),
                    "zero" => "a\0b".into(),
                    specifier => specifier.into(),
                })
            }

            async fn load(&self, _: &str) -> Result<Module, String> {
                Ok(Module::javascript("export default import.meta.url + '\\u0000'.length"))
            }
        }
        let context = with(Names);
        for (specifier, reason) in [
            ("long", "its name has 4097 bytes, more than 4096"),
            ("huge", "its name has 67108864 bytes, more than 4096"),
            ("zero", "its name holds U+0000 at byte 1"),
        ] {
            assert!(refusal(&context, specifier).ends_with(reason), "{specifier}");
        }
        let name = "\u{1f600} \"odd\"\n#2";
        let seen = context.eval(format!("import({name:?}).then((a) => a.default)")).blocking().unwrap();
        assert_eq!(seen, format!("{name}1").into());
        goes_on(&context);
    }

    #[test]
    fn an_import_that_failed_can_succeed_later() {
        let mended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&mended);
        let context = with(move |name: String| {
            let text = match name.as_str() {
                "root" => Ok("import 'cycle'; import 'late'; export default 1"),
                "cycle" => Ok("import 'root'; import 'fine'"),
                "fine" => Ok("globalThis.fine = (globalThis.fine ?? 0) + 1"),
                _ if seen.load(Ordering::Relaxed) => Ok(""),
                _ => Err("not yet".to_owned()),
            };
            async move { text.map(Module::javascript) }
        });
        goes_on(&context);
        for _ in 0..3 {
            assert!(refusal(&context, "root").ends_with("cannot import \"late\" from \"root\": not yet"));
        }
        mended.store(true, Ordering::Relaxed);
        let text = "import('cycle').then(() => import('root')).then((root) => [root.default, fine, kept])";
        assert_eq!(context.eval_as::<[i32; 3]>(text).blocking().unwrap(), [1, 1, 1]);
    }
}
