//! Bytes that are in use, against a limit.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Counts bytes against a limit of its own, and against that of the ledger that it is a part of.
///
/// What an instance's memory takes is in it, and what the host holds for the instance meanwhile.
#[derive(Debug)]
pub(crate) struct Ledger {
    limit: AtomicUsize,
    used: AtomicUsize,
    peak: AtomicUsize,
    whole: Option<Arc<Ledger>>,
}

impl Ledger {
    pub(crate) fn new(limit: usize, whole: Option<Arc<Ledger>>) -> Arc<Ledger> {
        let (limit, used, peak) = (limit.into(), 0.into(), 0.into());
        Arc::new(Ledger { limit, used, peak, whole })
    }

    /// From now on this is the limit, and the peak is looked for anew.
    pub(super) fn arm(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
        self.peak.store(self.used(), Ordering::Relaxed);
    }

    /// Bytes in use.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// The most that was in use at a time since it was armed.
    pub(super) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// Bytes that are left here and in all that this is a part of.
    #[cfg(any(feature = "js", test))]
    pub(crate) fn left(&self) -> usize {
        let own = self.limit.load(Ordering::Relaxed).saturating_sub(self.used());
        self.whole.as_ref().map_or(own, |whole| own.min(whole.left()))
    }

    /// Takes so many bytes, if there are as many left here and in all that this is a part of.
    ///
    /// # Errors
    ///
    /// Whose limit it is that refuses.
    pub(super) fn take(&self, bytes: usize) -> Result<(), Refused> {
        let limit = self.limit.load(Ordering::Relaxed);
        let more = |used: usize| used.checked_add(bytes).filter(|used| *used <= limit);
        let before = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| Refused::Own)?;
        if let Some(whole) = &self.whole
            && whole.take(bytes).is_err()
        {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            return Err(Refused::Whole);
        }
        self.peak.fetch_max(before.saturating_add(bytes), Ordering::Relaxed);
        Ok(())
    }

    /// Gives back what was taken.
    pub(super) fn give(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.give(bytes);
        }
    }

    /// Takes so many bytes until the result is dropped. `None`: there are not as many.
    #[cfg(feature = "js")]
    pub(crate) fn charge(self: &Arc<Ledger>, bytes: usize) -> Option<Charge> {
        if bytes == 0 {
            return Some(Charge::default());
        }
        self.take(bytes).ok().map(|()| Charge(Some((Arc::clone(self), bytes))))
    }
}

/// Whose limit it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The ledger's own.
    Own,
    /// That of what it is a part of.
    Whole,
}

/// Bytes that are in use as long as this is there.
#[cfg(feature = "js")]
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Charge(Option<(Arc<Ledger>, usize)>);

#[cfg(feature = "js")]
impl Charge {
    pub(crate) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |(_, bytes)| *bytes)
    }
}

#[cfg(feature = "js")]
impl Drop for Charge {
    fn drop(&mut self) {
        if let Some((ledger, bytes)) = &self.0 {
            ledger.give(*bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_counts_for_the_part_and_for_the_whole() {
        let whole = Ledger::new(100, None);
        let (one, other) = (Ledger::new(80, Some(Arc::clone(&whole))), Ledger::new(80, Some(Arc::clone(&whole))));
        assert_eq!(one.take(81), Err(Refused::Own));
        assert_eq!(one.take(80), Ok(()));
        assert_eq!(other.take(21), Err(Refused::Whole));
        assert_eq!((other.used(), whole.used(), other.left()), (0, 80, 20));
        one.give(80);
        assert_eq!(other.take(21), Ok(()));
        assert_eq!((one.used(), whole.used(), one.left()), (0, 21, 79));
    }

    #[test]
    fn the_peak_is_that_since_it_was_armed() {
        let ledger = Ledger::new(100, None);
        ledger.take(50).unwrap();
        ledger.give(40);
        assert_eq!(ledger.peak(), 50);
        ledger.arm(100);
        assert_eq!(ledger.peak(), 10);
    }

    #[cfg(feature = "js")]
    #[test]
    fn a_charge_is_given_back_when_it_is_dropped() {
        let ledger = Ledger::new(100, None);
        let charge = ledger.charge(70).unwrap();
        assert!(ledger.charge(31).is_none());
        drop(charge);
        assert_eq!(ledger.used(), 0);
        assert!(ledger.charge(100).is_some());
    }
}
