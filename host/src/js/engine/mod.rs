//! The object on a context's thread: one instance of the engine, and each call into it.
//!
//! ```text
//! callers, batches --begin, admit--> Evaluation --entry--> the instance --result--> Outcome
//!                                        waiting <--events-- the inbox      housekeeping: for nobody
//! ```

mod callers;
mod batches;
mod entry;
mod result;
mod waiting;
mod events;
mod housekeeping;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    rc::Rc,
    sync::Arc,
};

use self::housekeeping::Leaving;
use super::{
    evaluation::{Ended, Evaluation, Pending, Terms, Then},
    handle::Home,
    inbox::{Event, Inbox},
    script::{ENGINE_MEMORY, Script},
};
use crate::{
    component::{self, Instance, Ledger, Limits},
    error::{Error, ErrorKind},
    thread::Running,
};

/// One JavaScript context: what lives on a context's thread.
pub(crate) struct Engine {
    instance: Instance<Script>,
    /// The evaluations that wait for host functions or timers, by their numbers.
    pending: BTreeMap<u64, Pending>,
    /// Those of them that have their values.
    lingering: Vec<Rc<Evaluation>>,
    /// What is to be done with the results of evaluations that were pending.
    following: VecDeque<(Then, Ended)>,
    /// What the engine is to forget. Thousands take milliseconds, for which no answer has to wait.
    leaving: Leaving,
    /// What has happened while something was freed.
    put_off: Vec<Event>,
    /// Why the context was lost while it worked for nobody, where no caller has been told: the next one is.
    lost_alone: Option<Error>,
    inbox: Inbox,
}

impl Engine {
    pub(super) fn new(engine: &component::Engine, script: Script, limits: Limits) -> Result<Engine, Error> {
        let memory = script.group.as_ref().map_or(limits, |group| limits.lower(group.limits())).memory;
        if memory < ENGINE_MEMORY {
            let message = format!("a memory limit of {memory} bytes: the engine itself takes {ENGINE_MEMORY}");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let inbox = script.inbox.clone();
        Ok(Engine {
            instance: Instance::new(engine, script, limits)?,
            pending: BTreeMap::new(),
            lingering: Vec::new(),
            following: VecDeque::new(),
            leaving: Leaving::default(),
            put_off: Vec::new(),
            lost_alone: None,
            inbox,
        })
    }

    /// What the memory of the context is counted in.
    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        self.instance.ledger()
    }

    /// Where events of this context go.
    pub(super) fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }

    /// The instance as handles know it; where there is none, one that has none.
    fn home(&mut self) -> Home {
        let home = self.instance.host_mut().map(|host| host.calls.home().clone());
        home.unwrap_or_else(|| Home::new(0, &self.inbox))
    }

    /// The limits of a call of this caller.
    pub(super) fn limits(&self, running: &Running, terms: &Terms) -> Limits {
        self.instance.limits().for_call(running, terms.limits)
    }

    /// Refuses handles of a use that is over.
    pub(super) fn check_use(terms: &Terms) -> Result<(), Error> {
        match &terms.lease {
            Some(lease) if lease.is_over() => {
                Err(Error::new(ErrorKind::Closed, "this fresh context was given back to its pool"))
            }
            _ => Ok(()),
        }
    }

    /// A use of the context is over: nothing of it goes on, and what is still held of it is not counted for the next.
    pub(super) fn end_use(&mut self) {
        self.leaving = Leaving::default();
        self.instance.forget_charges();
        self.abandon();
    }

    /// The next use begins with a fresh context.
    pub(super) fn begin_use(&mut self) {
        if let Err(error) = self.instance.replace() {
            // The next call tries again.
            tracing::debug!(%error, "a fresh context could not be made");
        }
    }

    /// Replaces the context by a fresh one.
    pub(super) fn reset(&mut self, terms: &Terms) -> Result<(), Error> {
        Engine::check_use(terms)?;
        let replaced = self.instance.replace();
        self.abandon();
        replaced
    }

    /// Nobody waits any longer for what a context did that is gone.
    fn abandon(&mut self) {
        self.lost_alone = None;
        self.lose(&Error::new(ErrorKind::Lost, "the context was reset"));
        self.proceed();
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("pending", &self.pending.len()).finish_non_exhaustive()
    }
}
