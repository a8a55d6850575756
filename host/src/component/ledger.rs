//! Bytes that are in use, against a limit.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Counts bytes against a limit, and against that of the ledger that it is a part of. Who takes some may have a lower limit.
///
/// What an instance's memory takes is in it, and what the host holds for the instance meanwhile.
#[derive(Debug)]
pub(crate) struct Ledger {
    limit: usize,
    used: AtomicUsize,
    peak: AtomicUsize,
    whole: Option<Arc<Ledger>>,
}

impl Ledger {
    pub(crate) fn new(limit: usize, whole: Option<Arc<Ledger>>) -> Arc<Ledger> {
        let (used, peak) = (0.into(), 0.into());
        Arc::new(Ledger { limit, used, peak, whole })
    }

    /// From now on the peak is looked for anew.
    pub(super) fn forget_peak(&self) {
        self.peak.store(self.used(), Ordering::Relaxed);
    }

    /// Bytes in use.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// The most that was in use at a time since it was looked for anew.
    pub(super) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// Bytes that are left here, below this limit, and in all that this is a part of; and whose limit it is that there are no more.
    #[cfg(any(feature = "js", test))]
    pub(crate) fn left(&self, limit: usize) -> (usize, Refused) {
        let limit = limit.min(self.limit);
        let own = limit.saturating_sub(self.used());
        match self.whole.as_ref().map(|whole| (whole.left(usize::MAX).0, whole.limit)) {
            Some((left, limit)) if left < own => (left, Refused::Whole(limit)),
            _ => (own, Refused::Own(limit)),
        }
    }

    /// Takes so many bytes, if there are as many left here, below this limit, and in all that this is a part of.
    ///
    /// # Errors
    ///
    /// Whose limit it is that refuses.
    pub(super) fn take(&self, bytes: usize, limit: usize) -> Result<(), Refused> {
        let limit = limit.min(self.limit);
        let more = |used: usize| used.checked_add(bytes).filter(|used| *used <= limit);
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        let before = taken.map_err(|_| Refused::Own(limit))?;
        if let Some(whole) = &self.whole
            && whole.take(bytes, usize::MAX).is_err()
        {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            return Err(Refused::Whole(whole.limit));
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

    /// Takes so many bytes, below this limit, until the result is dropped.
    ///
    /// # Errors
    ///
    /// As for [`take`](Ledger::take).
    #[cfg(feature = "js")]
    pub(crate) fn charge(self: &Arc<Ledger>, bytes: usize, limit: usize) -> Result<Charge, Refused> {
        if bytes == 0 {
            return Ok(Charge::default());
        }
        self.take(bytes, limit).map(|()| Charge(Some((Arc::clone(self), bytes))))
    }
}

/// Whose limit it was, and how many bytes that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The ledger's own, or a lower one of who asked.
    Own(usize),
    /// That of what it is a part of.
    Whole(usize),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Own(limit) => write!(f, "its {limit} bytes of memory"),
            Refused::Whole(limit) => write!(f, "the {limit} bytes of memory of its group"),
        }
    }
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
        assert_eq!(one.take(81, 100), Err(Refused::Own(80)));
        assert_eq!(one.take(71, 70), Err(Refused::Own(70)));
        assert_eq!(one.take(80, 100), Ok(()));
        assert_eq!(other.take(21, 100), Err(Refused::Whole(100)));
        assert_eq!((other.used(), whole.used(), other.left(100)), (0, 80, (20, Refused::Whole(100))));
        assert_eq!(other.left(10), (10, Refused::Own(10)));
        one.give(80);
        assert_eq!(other.take(21, 100), Ok(()));
        assert_eq!((one.used(), whole.used(), one.left(90)), (0, 21, (79, Refused::Whole(100))));
    }

    #[test]
    fn the_peak_is_that_since_it_was_looked_for_anew() {
        let ledger = Ledger::new(100, None);
        ledger.take(50, 100).unwrap();
        ledger.give(40);
        assert_eq!(ledger.peak(), 50);
        ledger.forget_peak();
        assert_eq!(ledger.peak(), 10);
    }

    #[cfg(feature = "js")]
    #[test]
    fn a_charge_is_given_back_when_it_is_dropped() {
        let ledger = Ledger::new(100, None);
        let charge = ledger.charge(70, 100).unwrap();
        assert!(ledger.charge(31, 100).is_err());
        drop(charge);
        assert_eq!(ledger.used(), 0);
        assert!(ledger.charge(100, 100).is_ok());
    }
}
