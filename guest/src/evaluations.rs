//! Evaluations that wait for a promise.

use std::{cell::RefCell, collections::VecDeque};

use rquickjs::{Ctx, Object, Persistent, Promise, Value, promise::PromiseState};

use crate::{engine::ResultForm, rejections::Rejections};

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
    pub(crate) fn advance(mut self, ctx: &Ctx<'js>, rejections: &Rejections) -> rquickjs::Result<Progress<'js>> {
        loop {
            let Some(result) = self.promise.result::<Value<'js>>() else {
                return Ok(Progress::Waits(self));
            };
            if self.promise.state() == PromiseState::Rejected {
                rejections.handled(ctx, self.promise.as_value());
            }
            let mut value = result?;
            if self.is_wrapped {
                value = value.get::<Object<'js>>()?.get("value")?;
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
    pub(crate) end: End,
}

/// How an evaluation has ended. What a script has to say of it is asked when it is taken.
pub(crate) enum End {
    Result(Persistent<Value<'static>>),
    Thrown(Persistent<Value<'static>>),
    /// Nothing is left that could settle what it waits for.
    Never,
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
    pub(crate) fn advance(&self, ctx: &Ctx<'_>, rejections: &Rejections, are_in_flight: bool) {
        let all = std::mem::take(&mut *self.waiting.borrow_mut());
        for waiting in all {
            let Waiting { evaluation, form, promise, is_wrapped } = waiting;
            let Ok(promise) = promise.restore(ctx) else {
                continue;
            };
            let end = match Awaited::new(promise, is_wrapped).advance(ctx, rejections) {
                Ok(Progress::Waits(awaited)) if are_in_flight => {
                    self.wait(ctx, evaluation, form, awaited);
                    continue;
                }
                Ok(Progress::Waits(_)) => End::Never,
                Ok(Progress::Settled(value)) => End::Result(Persistent::save(ctx, value)),
                Err(_) => End::Thrown(Persistent::save(ctx, ctx.catch())),
            };
            self.ended.borrow_mut().push_back(Ended { evaluation, form, end });
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
