//! Evaluations that wait for a promise.

use std::{cell::RefCell, collections::VecDeque};

use rquickjs::{Ctx, Object, Persistent, Promise, Value, promise::PromiseState};

use crate::{engine::ResultForm, failure::Failure, intrinsics::Bound, rejections::Rejections};

/// What an evaluation has come to.
pub(crate) enum Progress<'js> {
    /// It has a result.
    Settled(Value<'js>),
    /// It waits for this.
    Waits(Awaited<'js>),
}

/// What an evaluation waits for.
pub(crate) struct Awaited<'js> {
    promise: Promise<'js>,
    /// Its value is an object with the result as `value`: so end scripts with a top-level `await`, whose result may be
    /// a promise itself.
    is_wrapped: bool,
}

impl<'js> Awaited<'js> {
    /// What `promise` gives, or the `value` of what it gives.
    pub(crate) fn new(promise: Promise<'js>, is_wrapped: bool) -> Awaited<'js> {
        Awaited { promise, is_wrapped }
    }

    /// Goes on as far as there are values.
    pub(crate) fn advance(
        mut self,
        ctx: &Ctx<'js>,
        intrinsics: &Bound<'_, 'js>,
        rejections: &Rejections,
    ) -> Result<Progress<'js>, Failure> {
        let explain = |error| Failure::from_js(ctx, intrinsics, error);
        loop {
            let Some(result) = self.promise.result::<Value<'js>>() else {
                return Ok(Progress::Waits(self));
            };
            if self.promise.state() == PromiseState::Rejected {
                rejections.handled(ctx, self.promise.as_value());
            }
            let mut value = result.map_err(explain)?;
            if self.is_wrapped {
                let wrapper: Object<'js> = value.get().map_err(explain)?;
                value = wrapper.get("value").map_err(explain)?;
            }
            match Progress::of(value) {
                Progress::Waits(next) if self.is_wrapped => self = next,
                progress => return Ok(progress),
            }
        }
    }
}

impl<'js> Progress<'js> {
    /// A value as it is; a promise is to be awaited.
    pub(crate) fn of(value: Value<'js>) -> Progress<'js> {
        match value.as_promise() {
            Some(promise) => Progress::Waits(Awaited::new(promise.clone(), false)),
            None => Progress::Settled(value),
        }
    }
}

/// The evaluations that wait, and those that have ended and were not taken yet.
#[derive(Default)]
pub(crate) struct Evaluations {
    waiting: RefCell<Vec<Waiting>>,
    ended: RefCell<VecDeque<Ended>>,
}

struct Waiting {
    evaluation: u64,
    form: ResultForm,
    promise: Persistent<Promise<'static>>,
    is_wrapped: bool,
}

/// An evaluation that has ended.
pub(crate) struct Ended {
    pub(crate) evaluation: u64,
    pub(crate) form: ResultForm,
    pub(crate) result: Result<Persistent<Value<'static>>, Failure>,
}

impl Evaluations {
    /// Keeps an evaluation until its promise is settled.
    pub(crate) fn wait<'js>(&self, ctx: &Ctx<'js>, evaluation: u64, form: ResultForm, awaited: Awaited<'js>) {
        let Awaited { promise, is_wrapped } = awaited;
        let promise = Persistent::save(ctx, promise);
        self.waiting.borrow_mut().push(Waiting { evaluation, form, promise, is_wrapped });
    }

    /// Lets an evaluation go.
    pub(crate) fn forget(&self, evaluation: u64) {
        self.waiting.borrow_mut().retain(|waiting| waiting.evaluation != evaluation);
        self.ended.borrow_mut().retain(|ended| ended.evaluation != evaluation);
    }

    /// Sees which evaluations have ended. Where nothing is in flight, those that still wait never settle.
    pub(crate) fn advance<'js>(
        &self,
        ctx: &Ctx<'js>,
        intrinsics: &Bound<'_, 'js>,
        rejections: &Rejections,
        are_in_flight: bool,
    ) {
        // Getters may run, and what they call may come back here.
        let all = std::mem::take(&mut *self.waiting.borrow_mut());
        for waiting in all {
            let Waiting { evaluation, form, promise, is_wrapped } = waiting;
            let Ok(promise) = promise.restore(ctx) else {
                continue;
            };
            let progress = Awaited::new(promise, is_wrapped).advance(ctx, intrinsics, rejections);
            let result = match progress {
                Ok(Progress::Waits(awaited)) if are_in_flight => {
                    self.wait(ctx, evaluation, form, awaited);
                    continue;
                }
                Ok(Progress::Waits(_)) => Err(Failure::NeverSettles),
                Ok(Progress::Settled(value)) => Ok(Persistent::save(ctx, value)),
                Err(failure) => Err(failure),
            };
            self.ended.borrow_mut().push_back(Ended { evaluation, form, result });
        }
    }

    /// Those that have ended.
    pub(crate) fn ended(&self) -> Vec<u64> {
        self.ended.borrow().iter().map(|ended| ended.evaluation).collect()
    }

    /// Takes one that has ended.
    pub(crate) fn take(&self, evaluation: u64) -> Option<Ended> {
        let mut ended = self.ended.borrow_mut();
        let at = ended.iter().position(|ended| ended.evaluation == evaluation)?;
        ended.remove(at)
    }
}
