//! Alarms: what has to happen at a time, whatever runs.
//!
//! One thread for the whole program, which is there only while an alarm is set, and a moment longer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

/// Time without an alarm after which the thread ends. Starting one takes about as long as a few hundred calls.
const LINGER: Duration = Duration::from_millis(100);

/// What is woken at its time.
pub(crate) trait Alarm: Send + Sync {
    /// Its time has come. Runs on the timer's thread, so it is short and does not block.
    fn ring(self: Arc<Self>);
}

/// An alarm that was set, to be cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Instant, u64);

struct State {
    alarms: BTreeMap<Key, Weak<dyn Alarm>>,
    /// Tells apart alarms of the same time.
    count: u64,
    has_thread: bool,
}

static STATE: Mutex<State> = Mutex::new(State { alarms: BTreeMap::new(), count: 0, has_thread: false });
static CHANGED: Condvar = Condvar::new();

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets an alarm.
pub(crate) fn set(at: Instant, alarm: Weak<dyn Alarm>) -> Key {
    let mut state = state();
    state.count += 1;
    let key = Key(at, state.count);
    state.alarms.insert(key, alarm);
    if !state.has_thread {
        match thread::Builder::new().name("aiointernal-timer".to_owned()).spawn(run) {
            Ok(_) => state.has_thread = true,
            Err(error) => tracing::error!(%error, "cannot start the timer's thread: deadlines are late"),
        }
    } else if state.alarms.first_key_value().is_some_and(|(first, _)| *first == key) {
        CHANGED.notify_one();
    }
    key
}

/// Clears an alarm that may have rung already.
pub(crate) fn clear(key: Key) {
    let cleared = state().alarms.remove(&key);
    // Its last owner's `Drop` runs with the lock let go.
    drop(cleared);
}

fn run() {
    let mut state = state();
    loop {
        let now = Instant::now();
        let wait = match state.alarms.first_entry() {
            Some(first) if first.key().0 <= now => {
                let alarm = first.remove();
                drop(state);
                if let Some(alarm) = alarm.upgrade() {
                    alarm.ring();
                }
                state = self::state();
                continue;
            }
            Some(first) => first.key().0 - now,
            None => LINGER,
        };
        let (guard, waited) = CHANGED.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
        state = guard;
        if waited.timed_out() && state.alarms.is_empty() {
            state.has_thread = false;
            return;
        }
    }
}
