//! Alarms: what has to happen at a time, whatever runs.
//!
//! One thread for the whole program, which is there only while an alarm is set, and a moment longer.

use std::{
    collections::BTreeMap,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use crate::error::{Error, ErrorKind};

/// Time without an alarm after which the thread ends. Starting one takes about as long as a few hundred calls.
const LINGER: Duration = Duration::from_millis(100);

/// What is woken at its time.
pub(crate) trait Alarm: Send + Sync {
    /// Its time has come. Runs on the timer's thread, where all other alarms wait for it: so it is short, and drops nothing
    /// of a caller's.
    fn ring(self: Arc<Self>);
}

/// An alarm that was set, to be cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Instant, u64);

struct State {
    alarms: BTreeMap<Key, Weak<dyn Alarm>>,
    /// Tells apart alarms of the same time.
    count: u64,
    /// When the thread looks at the alarms by itself. `None`: there is no thread.
    looks: Option<Instant>,
}

static STATE: Mutex<State> = Mutex::new(State { alarms: BTreeMap::new(), count: 0, looks: None });
static CHANGED: Condvar = Condvar::new();

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets an alarm.
///
/// # Errors
///
/// [`Thread`](ErrorKind::Thread): the system refused the thread that is to ring it.
pub(crate) fn set(at: Instant, alarm: Weak<dyn Alarm>) -> Result<Key, Error> {
    let mut state = state();
    match state.looks {
        None => {
            let started = thread::Builder::new().name("aiointernal-timer".to_owned()).spawn(run);
            started.map_err(|error| {
                let message = format!("no thread for time limits: {error}");
                Error::with_source(ErrorKind::Thread, message, error)
            })?;
            // It waits for the lock.
            state.looks = Some(at);
        }
        Some(looks) if at < looks => CHANGED.notify_one(),
        Some(_) => {}
    }
    state.count += 1;
    let key = Key(at, state.count);
    state.alarms.insert(key, alarm);
    Ok(key)
}

/// Clears an alarm that may have rung already.
pub(crate) fn clear(key: Key) {
    let mut state = state();
    let cleared = state.alarms.remove(&key);
    let is_needless = |looks: Instant| looks.saturating_duration_since(Instant::now()) > LINGER;
    if cleared.is_some() && state.alarms.is_empty() && state.looks.is_some_and(is_needless) {
        CHANGED.notify_one();
    }
}

fn run() {
    let mut state = state();
    let mut idle_since = None;
    loop {
        let now = Instant::now();
        if let Some(first) = state.alarms.first_entry().filter(|first| first.key().0 <= now) {
            let alarm = first.remove();
            drop(state);
            ring(&alarm);
            state = self::state();
            continue;
        }
        let wait = match state.alarms.first_key_value() {
            Some((key, _)) => {
                idle_since = None;
                key.0 - now
            }
            None => (*idle_since.get_or_insert(now) + LINGER).saturating_duration_since(now),
        };
        if wait.is_zero() {
            state.looks = None;
            return;
        }
        state.looks = now.checked_add(wait);
        state = CHANGED.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// It may wake an executor, which is the caller's code: a panic there is no reason not to ring the others.
fn ring(alarm: &Weak<dyn Alarm>) {
    let rung = catch_unwind(AssertUnwindSafe(|| {
        if let Some(alarm) = alarm.upgrade() {
            alarm.ring();
        }
    }));
    // The payload's own `Drop` might panic, too.
    rung.unwrap_or_else(mem::forget);
}
