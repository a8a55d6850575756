//! The web's APIs, each a file of this folder, which is run when a script first reads one of its names.
//!
//! A file is a script whose completion value is a function: of `{ native, use }` it makes an object with what the file gives,
//! by name. `use(name)` is what another file gives. `native` has functions written in Rust, those of the module with the file's name, and
//! `host(name)`: a function of the host that scripts do not see, or `undefined` where it was not granted.
//!
//! None of their globals is enumerable, though some are by the standards: who looks through the global object, finds what scripts
//! have made, as before there were any.
//!
//! Scripts may have changed built-in objects before a file is run. So a file takes what it needs of them first, and
//! nothing of the host's relies on what a file does.

mod base64;
mod clone;
mod crypto;
mod encoding;
mod idl;
mod performance;
mod url;
mod urlpattern;

use std::{
    cell::{Cell, RefCell},
    hint::black_box,
    iter,
    rc::Rc,
};

use rquickjs::{
    Context, Ctx, Function, Object, Persistent, Result, String as JsString, TypedArray, Value,
    context::intrinsic,
    function::{Rest, This},
};

use crate::{
    bytecode::Bytecode,
    engine, exception,
    functions::Functions,
    raw::{self, Text},
};

/// A file, and what it gives to scripts.
struct File {
    name: &'static str,
    source: &'static str,
    /// The functions that are written in Rust.
    natives: Option<Natives>,
    /// What it gives to scripts.
    globals: &'static [&'static str],
}

/// Makes the functions of a file that are written in Rust.
type Natives = for<'js> fn(&Ctx<'js>, &Rc<Functions>) -> Result<Object<'js>>;

/// The script of a file of this folder, as `build.rs` has written it.
macro_rules! script {
    ($name:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/web/", $name, ".js"))
    };
}

const FILES: [File; 25] = [
    File { name: "abort", source: script!("abort"), natives: None, globals: &["AbortController", "AbortSignal"] },
    File { name: "base64", source: script!("base64"), natives: Some(base64::natives), globals: &["atob", "btoa"] },
    File { name: "blob", source: script!("blob"), natives: None, globals: &["Blob", "File"] },
    File { name: "body", source: script!("body"), natives: None, globals: &[] },
    File { name: "buffer_source", source: script!("buffer_source"), natives: None, globals: &[] },
    File { name: "builtins", source: script!("builtins"), natives: None, globals: &[] },
    File { name: "clone", source: script!("clone"), natives: Some(clone::natives), globals: &["structuredClone"] },
    File { name: "conversions", source: script!("conversions"), natives: None, globals: &[] },
    File {
        name: "crypto",
        source: script!("crypto"),
        natives: Some(crypto::natives),
        globals: &["crypto", "Crypto", "CryptoKey", "SubtleCrypto"],
    },
    File { name: "dom_exception", source: script!("dom_exception"), natives: None, globals: &["DOMException"] },
    File {
        name: "encoding",
        source: script!("encoding"),
        natives: Some(encoding::natives),
        globals: &["TextDecoder", "TextEncoder"],
    },
    File {
        name: "events",
        source: script!("events"),
        natives: None,
        globals: &["CustomEvent", "Event", "EventTarget", "reportError"],
    },
    File { name: "fetch", source: script!("fetch"), natives: None, globals: &["fetch"] },
    File { name: "form_data", source: script!("form_data"), natives: None, globals: &["FormData"] },
    File { name: "headers", source: script!("headers"), natives: None, globals: &["Headers"] },
    File { name: "idl", source: script!("idl"), natives: Some(idl::natives), globals: &[] },
    File { name: "microtask", source: script!("microtask"), natives: None, globals: &["queueMicrotask"] },
    File { name: "mime_type", source: script!("mime_type"), natives: None, globals: &[] },
    File {
        name: "performance",
        source: script!("performance"),
        natives: Some(performance::natives),
        globals: &["performance", "Performance"],
    },
    File { name: "request", source: script!("request"), natives: None, globals: &["Request"] },
    File { name: "response", source: script!("response"), natives: None, globals: &["Response"] },
    File {
        name: "streams",
        source: script!("streams"),
        natives: None,
        globals: &[
            "ByteLengthQueuingStrategy",
            "CountQueuingStrategy",
            "ReadableByteStreamController",
            "ReadableStream",
            "ReadableStreamBYOBReader",
            "ReadableStreamBYOBRequest",
            "ReadableStreamDefaultController",
            "ReadableStreamDefaultReader",
            "TransformStream",
            "TransformStreamDefaultController",
            "WritableStream",
            "WritableStreamDefaultController",
            "WritableStreamDefaultWriter",
        ],
    },
    File {
        name: "text_streams",
        source: script!("text_streams"),
        natives: None,
        globals: &["TextDecoderStream", "TextEncoderStream"],
    },
    File { name: "url", source: script!("url"), natives: Some(url::natives), globals: &["URL", "URLSearchParams"] },
    File {
        name: "urlpattern",
        source: script!("urlpattern"),
        natives: Some(urlpattern::natives),
        globals: &["URLPattern"],
    },
];

/// The files of one context.
pub(crate) struct Web {
    functions: Rc<Functions>,
    files: Vec<Loadable>,
}

/// A file that is run when it is needed.
struct Loadable {
    code: Bytecode,
    /// What reads and writes each global until then.
    globals: RefCell<Vec<Global>>,
    is_loading: Cell<bool>,
    exports: RefCell<Option<Persistent<Object<'static>>>>,
}

#[derive(Clone)]
struct Global {
    name: &'static str,
    accessor: Persistent<Function<'static>>,
}

/// A file is being run. However that ends, it is no more.
struct Loading<'a>(&'a Cell<bool>);

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl Web {
    /// Defines the globals of all files as what runs them.
    pub(crate) fn install(ctx: &Ctx<'_>, compiled: Vec<Bytecode>, functions: &Rc<Functions>) -> Result<()> {
        let loadable = |code| Loadable {
            code,
            globals: RefCell::default(),
            is_loading: Cell::new(false),
            exports: RefCell::default(),
        };
        let files = compiled.into_iter().map(loadable).collect();
        let web = Rc::new(Web { functions: Rc::clone(functions), files });
        let bound = functions.bind(ctx);
        for (at, file) in FILES.iter().enumerate() {
            for name in file.globals {
                let accessor = web.accessor(ctx, at, name)?;
                bound.lazy(&ctx.globals(), name, accessor.clone())?;
                let accessor = Persistent::save(ctx, accessor);
                web.files[at].globals.borrow_mut().push(Global { name, accessor });
            }
        }
        Ok(())
    }

    /// What reads a global, called with nothing, and writes it, called with a value.
    fn accessor<'js>(self: &Rc<Self>, ctx: &Ctx<'js>, at: usize, name: &'static str) -> Result<Function<'js>> {
        let web = Rc::clone(self);
        let access = move |ctx: Ctx<'js>, this: This<Value<'js>>, arguments: Rest<Value<'js>>| match arguments
            .into_inner()
            .into_iter()
            .next()
        {
            None => web.load(&ctx, at)?.get(name),
            Some(value) => {
                web.write(&ctx, at, name, this.0, value)?;
                Ok(Value::new_undefined(ctx))
            }
        };
        Function::new(ctx.clone(), access)?.with_name(name)
    }

    /// Writes a global as if it were a plain property already: written through what inherits from the global object, that gets its
    /// own.
    fn write<'js>(&self, ctx: &Ctx<'js>, at: usize, name: &str, this: Value<'js>, value: Value<'js>) -> Result<()> {
        let globals = ctx.globals();
        if let Some(heir) = this.into_object().filter(|object| *object != globals) {
            return raw::define(&heir, name, &value);
        }
        let written = self.files[at].globals.borrow().iter().find(|global| global.name == name).cloned();
        let Global { accessor, .. } = written.ok_or(rquickjs::Error::Unknown)?;
        self.functions.bind(ctx).ready(&globals, name, accessor.restore(ctx)?, value)
    }

    /// What a file gives. It is run where it has not been; where that fails, as at the end of a call's time, it is run again the next
    /// time.
    fn load<'js>(self: &Rc<Self>, ctx: &Ctx<'js>, at: usize) -> Result<Object<'js>> {
        let (file, loadable) = (&FILES[at], &self.files[at]);
        let exports = loadable.exports.borrow().clone();
        if let Some(exports) = exports {
            return exports.restore(ctx);
        }
        let bound = self.functions.bind(ctx);
        if loadable.is_loading.replace(true) {
            let message = format!("{} is needed to make {}", file.name, file.name);
            return Err(exception::throw(ctx, &bound, "InternalError", &message));
        }
        let loading = Loading(&loadable.is_loading);
        let make: Function<'js> = loadable.code.run(ctx)?.get()?;
        let needs = Object::new(ctx.clone())?;
        needs.set("native", self.native(ctx, file)?)?;
        needs.set("use", self.use_function(ctx)?)?;
        let exports: Object<'js> = make.call((needs,))?;
        drop(loading);
        *loadable.exports.borrow_mut() = Some(Persistent::save(ctx, exports.clone()));
        let globals = loadable.globals.borrow().clone();
        for Global { name, accessor } in globals {
            bound.ready(&ctx.globals(), name, accessor.restore(ctx)?, exports.get(name)?)?;
        }
        Ok(exports)
    }

    fn native<'js>(self: &Rc<Self>, ctx: &Ctx<'js>, file: &File) -> Result<Object<'js>> {
        let native = match file.natives {
            Some(natives) => natives(ctx, &self.functions)?,
            None => Object::new(ctx.clone())?,
        };
        let functions = Rc::clone(&self.functions);
        let host = move |ctx: Ctx<'js>, name: String| functions.hidden(&ctx, &name);
        native.set("host", Function::new(ctx.clone(), host)?)?;
        Ok(native)
    }

    fn use_function<'js>(self: &Rc<Self>, ctx: &Ctx<'js>) -> Result<Function<'js>> {
        let web = Rc::clone(self);
        Function::new(ctx.clone(), move |ctx: Ctx<'js>, name: String| {
            let at = FILES.iter().position(|file| file.name == name).ok_or(rquickjs::Error::Unknown)?;
            web.load(&ctx, at)
        })
    }
}

/// Bytes of all files, compiled, at most.
const COMPILED: usize = 256 << 10;

/// Compiles the files, before there is an engine, in a runtime that is gone afterwards. Not even holes are left of it, in which the engine would be
/// scattered: the result is on the stack meanwhile.
// Not inlined: QuickJS takes for the top of its stack where its runtime is made, and this would be above.
#[inline(never)]
pub(crate) fn compile() -> Result<Vec<Bytecode>> {
    let mut bytes = [0; COMPILED];
    let mut ends = [0; FILES.len()];
    compile_into(&mut bytes, &mut ends)?;
    let begins = iter::once(0).chain(ends);
    let compiled = begins.zip(ends).map(|(begin, end)| Bytecode::of(&bytes[begin..end])).collect();
    // The image has the stack as well.
    black_box(&mut bytes).fill(0);
    Ok(compiled)
}

/// Compiles the files, one behind the other, each up to its end.
fn compile_into(bytes: &mut [u8], ends: &mut [usize]) -> Result<()> {
    let runtime = engine::runtime()?;
    let context = Context::custom::<(intrinsic::Eval, intrinsic::RegExpCompiler)>(&runtime)?;
    let mut at = 0;
    for (file, end) in FILES.iter().zip(ends) {
        let name = format!("<web/{}>", file.name);
        let compiled = context.with(|ctx| Bytecode::compile(&ctx, &name, file.source))?;
        let compiled = compiled.bytes();
        *end = at + compiled.len();
        bytes.get_mut(at..*end).ok_or(rquickjs::Error::Allocation)?.copy_from_slice(compiled);
        at = *end;
    }
    Ok(())
}

/// The text of a string, each lone surrogate as U+FFFD.
fn utf8(string: &JsString<'_>) -> Result<String> {
    let text = Text::of(string)?;
    let mut bytes = vec(text.bytes().len())?;
    bytes.extend_from_slice(text.bytes());
    raw::mend(&mut bytes);
    String::from_utf8(bytes).map_err(|_| rquickjs::Error::Unknown)
}

/// How many bytes an array shows; none where its buffer is detached, or ends before them. Its `length` is what scripts have made of that.
fn length(bytes: &TypedArray<'_, u8>) -> usize {
    let shown = bytes.as_raw();
    if shown.is_none() {
        // Which QuickJS may have thrown.
        bytes.ctx().catch();
    }
    shown.map_or(0, |shown| shown.len())
}

/// Sees to it that so many bytes can be allocated next, by what would end the context if they could not.
fn room(bytes: usize) -> Result<()> {
    black_box(vec(bytes)?);
    Ok(())
}

/// A list with room for so many bytes. Where there is no memory for them, a script is told so, instead of losing its context.
fn vec(bytes: usize) -> Result<Vec<u8>> {
    let mut vec = Vec::new();
    vec.try_reserve_exact(bytes).map_err(|_| rquickjs::Error::Allocation)?;
    Ok(vec)
}
