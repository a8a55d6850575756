//! Classic scripts. One that comes again is kept compiled, as reading it takes longer than most scripts that come again run.
#![expect(unsafe_code, reason = "rquickjs compiles only what it runs at once")]

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    ffi::CString,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use rquickjs::{Ctx, Error, Persistent, Result, Value, qjs};

use crate::engine::{Source, script_options};

/// Scripts that are kept, and bytes of their names and texts together: a longer one never is. Their bytecode takes some times as much.
const MOST: usize = 16;
const MOST_BYTES: usize = 32 << 10;

/// Scripts that came last, by their digests, of which one may come again.
const SEEN: usize = 8;

/// Evaluates scripts.
#[derive(Default)]
pub(crate) struct Scripts {
    /// Another script of the same digest is kept when it comes first.
    seen: Cell<[u64; SEEN]>,
    /// Those that came twice, the oldest first.
    kept: RefCell<VecDeque<Kept>>,
}

struct Kept {
    name: String,
    text: String,
    compiled: Persistent<Value<'static>>,
}

impl Kept {
    fn is(&self, source: &Source) -> bool {
        self.text == source.text && self.name == source.name
    }

    fn bytes(&self) -> usize {
        bytes(&self.name, &self.text)
    }
}

fn bytes(name: &str, text: &str) -> usize {
    name.len().saturating_add(text.len())
}

impl Scripts {
    /// Evaluates a script: its completion value.
    pub(crate) fn run<'js>(&self, ctx: &Ctx<'js>, source: &Source) -> Result<Value<'js>> {
        let kept = self.kept.borrow().iter().find(|kept| kept.is(source)).map(|kept| kept.compiled.clone());
        if let Some(compiled) = kept {
            return run(ctx, compiled.restore(ctx)?);
        }
        if !self.comes_again(source) {
            return ctx.eval_with_options(source.text.as_str(), script_options(&source.name));
        }
        let compiled = compile(ctx, source)?;
        self.keep(source, Persistent::save(ctx, compiled.clone()));
        run(ctx, compiled)
    }

    /// Whether it is one to keep: it came before. The list that a tagged template hands out belongs to the text as it was read, so
    /// what has a template is read each time.
    fn comes_again(&self, source: &Source) -> bool {
        if bytes(&source.name, &source.text) > MOST_BYTES {
            return false;
        }
        let mut digest = DefaultHasher::new();
        (&source.name, &source.text).hash(&mut digest);
        let digest = digest.finish();
        let mut seen = self.seen.get();
        if seen.contains(&digest) {
            return !source.text.contains('`');
        }
        seen.rotate_right(1);
        seen[0] = digest;
        self.seen.set(seen);
        false
    }

    fn keep(&self, source: &Source, compiled: Persistent<Value<'static>>) {
        let script = Kept { name: source.name.clone(), text: source.text.clone(), compiled };
        let mut kept = self.kept.borrow_mut();
        let mut taken = script.bytes() + kept.iter().map(Kept::bytes).sum::<usize>();
        while kept.len() == MOST || taken > MOST_BYTES {
            taken -= kept.pop_front().map_or(taken, |oldest| oldest.bytes());
        }
        kept.push_back(script);
    }
}

/// Compiles a script, as `eval_with_options` does.
fn compile<'js>(ctx: &Ctx<'js>, source: &Source) -> Result<Value<'js>> {
    const COMPILE: u32 = qjs::JS_EVAL_TYPE_GLOBAL | qjs::JS_EVAL_FLAG_COMPILE_ONLY;
    let (name, text) = (CString::new(source.name.as_str())?, CString::new(source.text.as_str())?);
    // SAFETY: both texts end with a zero, and are there for the length of the call. What it gives is an owned value, or the mark of
    // an exception. No script sees it, and the values of rquickjs count what they do not know as they count all others.
    unsafe {
        let (raw, length) = (ctx.as_raw().as_ptr(), source.text.len());
        let compiled = qjs::JS_Eval(raw, text.as_ptr(), length as _, name.as_ptr(), COMPILE as qjs::c_int);
        if qjs::JS_IsException(compiled) { Err(Error::Exception) } else { Ok(Value::from_raw(ctx.clone(), compiled)) }
    }
}

/// Runs what was compiled.
fn run<'js>(ctx: &Ctx<'js>, compiled: Value<'js>) -> Result<Value<'js>> {
    // SAFETY: it is what `compile` gave, in this context, counted once more for the call, which frees that. What that gives is an
    // owned value, or the mark of an exception.
    unsafe {
        let raw = ctx.as_raw().as_ptr();
        let value = qjs::JS_EvalFunction(raw, qjs::JS_DupValue(raw, compiled.as_raw()));
        if qjs::JS_IsException(value) { Err(Error::Exception) } else { Ok(Value::from_raw(ctx.clone(), value)) }
    }
}
