//! How the running call is told to stop, and how what it leaves behind is let go.

use std::cell::{Cell, OnceCell};

use rquickjs::{Context, Ctx, Runtime};

use crate::{countdown::Countdown, garbage::Garbage, host::Host};

/// Whether the running call is to stop. Where it was, its jobs and what it held wait for [`clear`](Stopping::clear).
#[derive(Default)]
pub(crate) struct Stopping {
    is_stopped: Cell<bool>,
    /// There were jobs when it was. What is freed as it unwinds may queue more.
    had_jobs: Cell<bool>,
    /// Its jobs were let go.
    are_jobs_gone: Cell<bool>,
    means: OnceCell<Means>,
}

/// What QuickJS is stopped with.
struct Means {
    countdown: Countdown,
    garbage: Garbage,
}

impl Stopping {
    /// From now on calls of this context can be stopped. It must not be used when the context is gone.
    pub(crate) fn connect(&self, ctx: &Ctx<'_>) -> rquickjs::Result<()> {
        let means = Means { countdown: Countdown::find(ctx)?, garbage: Garbage::of(ctx) };
        self.means.set(means).map_err(|_| rquickjs::Error::Unknown)
    }

    /// The running call is to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.get()
    }

    /// There were jobs in the queue of a call that is to stop.
    pub(crate) fn had_jobs(&self) -> bool {
        self.had_jobs.get()
    }

    /// Asks the host whether the running call is to stop.
    pub(crate) fn ask(&self, host: &impl Host) -> bool {
        // Once it is to stop it is asked at every step, so that no more of the script runs than one.
        let patience = if self.is_stopped() { 0 } else { host.patience() };
        if let Some(Means { countdown, garbage }) = self.means.get() {
            countdown.set(patience);
            if patience == 0 {
                if !self.is_stopped() {
                    self.had_jobs.set(garbage.are_jobs_pending());
                }
                garbage.put_off();
            }
        }
        self.is_stopped.set(patience == 0);
        self.is_stopped()
    }

    /// Frees a part of what a call has left that was told to stop: whether there is more.
    pub(crate) fn free_some(&self, context: &Context) -> bool {
        let Some(means) = self.means.get().filter(|_| self.is_stopped()) else {
            return false;
        };
        if !self.are_jobs_gone.replace(true) {
            means.drop_jobs(context);
        }
        means.garbage.free_some()
    }

    /// Lets go what a call has left that was told to stop, if the last one was: the jobs in its queue, which would run in a later one, and what it
    /// held. What scripts asked to hear of that is in the queue then, but for a later call, in whose time it would run: there nobody hears of it.
    pub(crate) fn clear(&self, runtime: &Runtime, context: &Context, is_for_a_call: bool) -> bool {
        let Some(means) = self.means.get().filter(|_| self.is_stopped()) else {
            return false;
        };
        if !self.are_jobs_gone.replace(false) {
            means.drop_jobs(context);
        }
        means.garbage.free();
        while is_for_a_call && runtime.is_job_pending() {
            means.garbage.put_off();
            means.drop_jobs(context);
            means.garbage.free();
        }
        self.is_stopped.set(false);
        true
    }
}

impl Means {
    /// Lets the jobs go that are in the queue. While a call is to stop, one that is run ends where it would first run code of a script.
    fn drop_jobs(&self, context: &Context) {
        self.countdown.set(0);
        context.with(|ctx| while ctx.execute_pending_job() {});
    }
}
