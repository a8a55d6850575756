//! What a call leaves behind that was told to stop, and how it is freed later.
//!
//! A script that is stopped may hold a million objects, and to free them takes longer than it may go on. So no object is freed while it
//! unwinds, where QuickJS has `7-free-later.patch`; without, as natively, no garbage is collected. What is no object, such as a text, is freed at
//! once.
#![expect(unsafe_code, reason = "rquickjs offers this only where no script runs")]

use core::{cell::Cell, ptr::NonNull};

use rquickjs::{Ctx, qjs};

/// QuickJS asks for no collection at this threshold.
const NEVER: qjs::size_t = qjs::size_t::MAX;

/// The garbage of a runtime.
pub(crate) struct Garbage {
    runtime: NonNull<qjs::JSRuntime>,
    /// The threshold to go back to, where garbage waits.
    threshold: Cell<Option<qjs::size_t>>,
}

impl Garbage {
    /// That of the context's runtime, which must be there for as long as the result is used.
    pub(crate) fn of(ctx: &Ctx<'_>) -> Garbage {
        // SAFETY: the context is alive, and so has a runtime.
        let runtime = unsafe { NonNull::new_unchecked(qjs::JS_GetRuntime(ctx.as_raw().as_ptr())) };
        Garbage { runtime, threshold: Cell::new(None) }
    }

    /// From now on garbage waits.
    pub(crate) fn put_off(&self) {
        if self.threshold.get().is_none() {
            // SAFETY: the runtime is alive, as its engine has it. QuickJS reads the number when it allocates.
            let threshold = unsafe { qjs::JS_GetGCThreshold(self.runtime.as_ptr()) };
            self.threshold.set(Some(threshold));
            self.set_threshold(NEVER);
        }
    }

    /// Whether there are jobs in the queue.
    pub(crate) fn are_jobs_pending(&self) -> bool {
        // SAFETY: the runtime is alive. QuickJS looks whether its list is empty.
        unsafe { qjs::JS_IsJobPending(self.runtime.as_ptr()) }
    }

    /// Frees a part of what waits: whether there is more.
    pub(crate) fn free_some(&self) -> bool {
        if self.threshold.get().is_none() {
            return false;
        }
        // SAFETY: the runtime is alive. With the patch this frees some thousands of those that have a count of zero, and the threshold is then 0
        // where there are more. Without, it is a collection.
        unsafe {
            qjs::JS_RunGC(self.runtime.as_ptr());
            qjs::JS_GetGCThreshold(self.runtime.as_ptr()) == 0
        }
    }

    /// Frees what waits, and from now on garbage as it comes.
    pub(crate) fn free(&self) {
        if let Some(threshold) = self.threshold.take() {
            self.set_threshold(threshold);
        }
    }

    fn set_threshold(&self, threshold: qjs::size_t) {
        // SAFETY: the runtime is alive, as its engine has it. What is freed has a count of zero, so nobody knows it.
        unsafe { qjs::JS_SetGCThreshold(self.runtime.as_ptr(), threshold) }
    }
}
