//! Classic scripts. One that comes again is kept compiled, as reading it takes longer than most scripts that come again run.
#![expect(unsafe_code, reason = "rquickjs has no call that takes the stack that was made last")]

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use rquickjs::{Ctx, Persistent, Result, Value, qjs};

use crate::{
    engine::{Source, script_options},
    raw,
};

/// Scripts that are kept, and bytes of their names and texts together: a longer one never is. What is compiled takes some times as much,
/// and more where functions are deep within one another, each of which has its own text.
const MOST: usize = 16;
const MOST_BYTES: usize = 32 << 10;

/// Evaluates scripts.
#[derive(Default)]
pub(crate) struct Scripts {
    /// Those that came last, by their digests. Another script of the same digest is kept when it comes first.
    seen: Cell<[u64; MOST]>,
    /// Those that came twice; the one that ran last is behind all others.
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
        if let Some(compiled) = self.kept(source) {
            return run(&compiled.restore(ctx)?);
        }
        if !self.comes_again(source) {
            return ctx.eval_with_options(source.text.as_str(), script_options(&source.name));
        }
        let compiled = raw::compile(ctx, &source.name, &source.text, 0)?;
        self.keep(source, Persistent::save(ctx, compiled.clone()));
        run(&compiled)
    }

    fn kept(&self, source: &Source) -> Option<Persistent<Value<'static>>> {
        let mut kept = self.kept.borrow_mut();
        let at = kept.iter().rposition(|kept| kept.is(source))?;
        if at + 1 < kept.len() {
            let last = kept.remove(at)?;
            kept.push_back(last);
        }
        kept.back().map(|kept| kept.compiled.clone())
    }

    /// Lets all of them go, as there is no memory left.
    pub(crate) fn clear(&self) {
        self.kept.borrow_mut().clear();
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

/// Runs what was compiled.
fn run<'js>(compiled: &Value<'js>) -> Result<Value<'js>> {
    /// Takes what `Error.prepareStackTrace` made last, for which QuickJS looks no more when another script is read.
    const TAKE_STACK: qjs::c_int = 2;
    let ctx = compiled.ctx().as_raw().as_ptr();
    // SAFETY: what is taken is an owned value, and freed once.
    unsafe {
        let mut stack = qjs::JS_UNDEFINED;
        qjs::js_std_cmd(TAKE_STACK, ctx, &mut stack);
        qjs::JS_FreeValue(ctx, stack);
    }
    raw::run(compiled)
}
