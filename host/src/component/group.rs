//! Instances that share a budget: those of one tenant, say.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{ledger::Ledger, limits::Limits};
use crate::error::{Error, ErrorKind};

/// What the instances of a [`Group`] may use together. [`Budget::default`] has no bounds; change the fields that should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Bytes of memory of all its instances at a time, each counted as for [`Limits::memory`]. Default: no bound.
    ///
    /// What meets it is what meets the limit of the instance.
    pub memory: usize,
    /// Processor time of all its instances, all calls together. Default: no bound.
    ///
    /// A call that reaches it is stopped as at its own [`Limits::cpu_time`], and no further call runs:
    /// [`CpuLimit`](ErrorKind::CpuLimit). [`Group::add_cpu_time`] gives more.
    pub cpu_time: Duration,
    /// Instances at a time. Default: no bound.
    ///
    /// One more is refused: [`GroupFull`](ErrorKind::GroupFull).
    pub instances: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { memory: usize::MAX, cpu_time: Duration::MAX, instances: usize::MAX }
    }
}

/// Instances, or JavaScript contexts, that share a [`Budget`] and have limits in common: those of one tenant, say.
///
/// Between a sandbox's limits and a context's, those of its group hold: the lower of all. Clones are the same group.
///
/// ```
/// # async fn example(sandbox: aiointernal::Sandbox) -> Result<(), aiointernal::Error> {
/// use aiointernal::{Limits, component::{Budget, Group}};
///
/// let mut budget = Budget::default();
/// budget.memory = 100 << 20;
/// let tenant = Group::new(Limits::default(), budget);
/// let first = sandbox.context().group(&tenant).await?;
/// let second = sandbox.context().group(&tenant).await?; // both together have 100 MiB
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Group(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Limits,
    memory: Arc<Ledger>,
    /// Nanoseconds of processor time: how many were taken, and how many there are.
    cpu_taken: AtomicU64,
    cpu_given: AtomicU64,
    instances: AtomicUsize,
    most_instances: usize,
}

impl Group {
    /// A group with nothing in it. The limits are those of each call of each instance.
    pub fn new(limits: Limits, budget: Budget) -> Group {
        let Budget { memory, cpu_time, instances } = budget;
        Group(Arc::new(Inner {
            limits,
            memory: Ledger::new(memory, None),
            cpu_taken: AtomicU64::new(0),
            cpu_given: AtomicU64::new(nanos(cpu_time)),
            instances: AtomicUsize::new(0),
            most_instances: instances,
        }))
    }

    /// The limits of each call.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Bytes of memory that its instances have now.
    pub fn memory(&self) -> usize {
        self.0.memory.used()
    }

    /// Processor time that its instances have taken, where its budget has a bound for it; else zero: it is not measured
    /// then.
    pub fn cpu_time(&self) -> Duration {
        Duration::from_nanos(self.0.cpu_taken.load(Ordering::Relaxed))
    }

    /// How many instances it has now.
    pub fn instances(&self) -> usize {
        self.0.instances.load(Ordering::Relaxed)
    }

    /// Raises its budget of processor time: each minute, say, or when a tenant has paid. Without a bound there is nothing
    /// to raise.
    pub fn add_cpu_time(&self, more: Duration) {
        let more = |given: u64| Some(given.saturating_add(nanos(more)));
        let _ = self.0.cpu_given.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        &self.0.memory
    }

    /// Whether processor time has a bound.
    pub(super) fn bounds_cpu_time(&self) -> bool {
        self.0.cpu_given.load(Ordering::Relaxed) != u64::MAX
    }

    /// Counts processor time. Whether some is left.
    pub(super) fn take_cpu_time(&self, time: Duration) -> bool {
        let taken = self.0.cpu_taken.fetch_add(nanos(time), Ordering::Relaxed).saturating_add(nanos(time));
        taken < self.0.cpu_given.load(Ordering::Relaxed)
    }

    /// The error of a call for which no processor time is left.
    pub(super) fn exhausted(&self) -> String {
        let given = Duration::from_nanos(self.0.cpu_given.load(Ordering::Relaxed));
        format!("the group has used its {given:?} of processor time")
    }

    /// Takes the place of an instance.
    ///
    /// # Errors
    ///
    /// [`GroupFull`](ErrorKind::GroupFull)
    pub(super) fn join(&self) -> Result<Member, Error> {
        let most = self.0.most_instances;
        let more = |instances: usize| Some(instances + 1).filter(|instances| *instances <= most);
        match self.0.instances.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(Member(self.clone())),
            Err(_) => {
                let message = format!("the group has its {most} instances, the most it may have");
                Err(Error::new(ErrorKind::GroupFull, message))
            }
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A place in a group, until it is dropped.
#[derive(Debug)]
pub(super) struct Member(Group);

impl Member {
    pub(super) fn group(&self) -> &Group {
        &self.0
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.0.0.instances.fetch_sub(1, Ordering::Relaxed);
    }
}
