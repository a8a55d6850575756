//! How soon QuickJS asks again whether it is to stop.
//!
//! QuickJS counts calls and back-jumps down from 10,000 and asks at zero. That is soon for a loop that adds numbers, and late for
//! one that joins arrays. Nothing but its source chooses another number; so this finds where it counts, and writes there.
#![expect(unsafe_code, reason = "the number is in QuickJS's context, which has no function for it")]

use core::ptr::NonNull;

use rquickjs::{Ctx, Error, Function, Result, qjs};

/// The number that QuickJS counts down in a context.
pub(crate) struct Countdown(NonNull<i32>);

impl Countdown {
    /// Finds it, as the one number in the context that is less by as many as there were calls. The result must not be used when the
    /// context is gone.
    pub(crate) fn find(ctx: &Ctx<'_>) -> Result<Countdown> {
        let nothing: Function<'_> = ctx.eval("(function () {})")?;
        let mut places: Option<Vec<usize>> = None;
        for calls in [3, 5, 2] {
            let before = numbers(ctx);
            for _ in 0..calls {
                nothing.call::<_, ()>(())?;
            }
            let after = numbers(ctx);
            let fits = |place: &usize| before[*place].checked_sub(calls) == Some(after[*place]);
            let candidates = places.unwrap_or_else(|| (0..before.len()).collect());
            places = Some(candidates.into_iter().filter(fits).collect());
        }
        match places.as_deref() {
            // SAFETY: it is within the context, whose numbers were looked at up to there.
            Some([place]) => Ok(Countdown(unsafe { start(ctx).add(*place) })),
            _ => Err(Error::Unknown),
        }
    }

    /// QuickJS asks when it has made so many calls and back-jumps.
    pub(crate) fn set(&self, steps: u32) {
        let steps = i32::try_from(steps).unwrap_or(i32::MAX);
        // SAFETY: it is an `int` of QuickJS's own, in a context that is there, as its engine has it. QuickJS reads it between calls and
        // back-jumps only, and any value of it is as good: at zero and below it asks.
        unsafe { self.0.write(steps) }
    }
}

fn start(ctx: &Ctx<'_>) -> NonNull<i32> {
    ctx.as_raw().cast()
}

/// The context as numbers.
fn numbers(ctx: &Ctx<'_>) -> Vec<i32> {
    let start = start(ctx);
    // SAFETY: the context is alive, and one block that its own allocator gave out.
    let bytes = unsafe { qjs::js_malloc_usable_size(start.as_ptr().cast(), start.as_ptr().cast()) };
    // SAFETY: the block has so many bytes, all of them written: QuickJS allocates it zeroed.
    (0..bytes as usize / size_of::<i32>()).map(|place| unsafe { start.add(place).read() }).collect()
}
