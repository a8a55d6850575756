//! What `host/src/timer.rs` has, without a clock: an alarm rings at some time, unless it is cleared before.

use std::time::{Duration, Instant};

use shuttle::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::{
    error::Error,
    sync::{Arc, Weak},
};

pub(crate) trait Alarm: Send + Sync {
    fn ring(self: Arc<Self>);
}

/// Whether the alarm is cleared.
#[derive(Clone, Debug)]
pub(crate) struct Key(Arc<AtomicBool>);

/// A time that does not come in a model.
pub(crate) const NEVER: Duration = Duration::from_secs(1_000_000);

pub(crate) fn set(at: Instant, alarm: Weak<dyn Alarm>) -> Result<Key, Error> {
    let key = Key(Arc::new(AtomicBool::new(false)));
    if at.saturating_duration_since(Instant::now()) > NEVER / 2 {
        return Ok(key);
    }
    let cleared = Arc::clone(&key.0);
    thread::spawn(move || {
        // Else alarms that are set again and again could keep everybody from running.
        thread::yield_now();
        if !cleared.load(Ordering::SeqCst)
            && let Some(alarm) = alarm.upgrade()
        {
            alarm.ring();
        }
    });
    Ok(key)
}

pub(crate) fn clear(key: Key) {
    key.0.store(true, Ordering::SeqCst);
}
