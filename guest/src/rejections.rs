//! Promises that were rejected with nobody to handle it: each is reported once, as an error on the console, or ends the call.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use rquickjs::{Ctx, Persistent, Runtime, Value};

use crate::{
    host::{Host, LogLevel},
    intrinsics::Bound,
    text,
};

/// Rejections that are kept to be reported; of any more there is a count.
const MAX_KEPT: usize = 16;

/// Bytes of the text of one reason.
const REASON_BYTES: usize = 8 << 10;

/// The rejections that nobody has handled yet.
#[derive(Default)]
pub(crate) struct Rejections {
    kept: RefCell<Vec<Rejection>>,
    /// How many there are besides.
    more: Cell<usize>,
}

struct Rejection {
    promise: Persistent<Value<'static>>,
    reason: Persistent<Value<'static>>,
}

impl Rejections {
    /// Has the engine tell of every rejection.
    pub(crate) fn install(runtime: &Runtime) -> Rc<Rejections> {
        let rejections = Rc::new(Rejections::default());
        let tracked = Rc::clone(&rejections);
        runtime.set_host_promise_rejection_tracker(Some(Box::new(move |ctx, promise, reason, is_handled| {
            if is_handled {
                tracked.handled(&ctx, &promise);
            } else {
                tracked.unhandled(&ctx, promise, reason);
            }
        })));
        rejections
    }

    fn unhandled<'js>(&self, ctx: &Ctx<'js>, promise: Value<'js>, reason: Value<'js>) {
        let mut kept = self.kept.borrow_mut();
        if kept.len() == MAX_KEPT {
            self.more.set(self.more.get() + 1);
        } else {
            kept.push(Rejection { promise: Persistent::save(ctx, promise), reason: Persistent::save(ctx, reason) });
        }
    }

    /// Somebody has taken the promise's reason after all.
    pub(crate) fn handled<'js>(&self, ctx: &Ctx<'js>, promise: &Value<'js>) {
        let mut kept = self.kept.borrow_mut();
        let is_it = |rejection: &Rejection| rejection.promise.clone().restore(ctx).is_ok_and(|kept| kept == *promise);
        let handled = kept.iter().position(is_it).map(|at| kept.remove(at));
        drop(kept);
        if handled.is_none() {
            self.more.set(self.more.get().saturating_sub(1));
        }
    }

    /// Forgets those that are there.
    pub(crate) fn clear(&self) {
        let kept = std::mem::take(&mut *self.kept.borrow_mut());
        drop(kept);
        self.more.set(0);
    }

    /// Takes the reason of the first that is there.
    pub(crate) fn first<'js>(&self, ctx: &Ctx<'js>) -> Option<Value<'js>> {
        let mut kept = self.kept.borrow_mut();
        let first = (!kept.is_empty()).then(|| kept.remove(0))?;
        drop(kept);
        first.reason.restore(ctx).ok()
    }

    /// Tells the host of those that are there, and forgets them.
    pub(crate) fn report<'js>(&self, ctx: &Ctx<'js>, intrinsics: &Bound<'_, 'js>, host: &impl Host) {
        let kept = std::mem::take(&mut *self.kept.borrow_mut());
        for Rejection { reason, .. } in kept {
            let Ok(reason) = reason.restore(ctx) else {
                continue;
            };
            let reason = text::inspect(intrinsics, &reason, REASON_BYTES);
            host.log(LogLevel::Error, &format!("Uncaught (in promise) {reason}"), &[]);
        }
        match self.more.take() {
            0 => {}
            more => host.log(LogLevel::Error, &format!("Uncaught (in promise): {more} more"), &[]),
        }
    }
}
