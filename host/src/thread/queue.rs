//! The inbox of a thread: bounded, many senders, one receiver.

use std::{
    collections::VecDeque,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use event_listener::{Event, EventListener};

/// Turns of the receiver's look at the queue before it parks: about 10 us. Waking a parked thread costs the sender a
/// system call and the call 5 us or more, so a receiver that is in demand stays awake for the next call.
const SPINS: u32 = 200;

/// A bounded queue whose sending end is for async code and whose receiving end is a plain thread.
#[derive(Debug)]
pub(super) struct Queue<I> {
    state: Mutex<State<I>>,
    /// What [`State::items`] holds, for a look without the lock.
    length: AtomicUsize,
    arrived: Condvar,
    room: Event,
    capacity: usize,
}

#[derive(Debug)]
struct State<I> {
    items: VecDeque<I>,
    closed: bool,
    receiver_parked: bool,
}

/// Why an item was not taken; it comes back.
#[derive(Debug)]
pub(super) enum Refused<I> {
    Full(I),
    Closed(I),
}

impl<I> Queue<I> {
    pub(super) fn bounded(capacity: usize) -> Queue<I> {
        Queue {
            state: Mutex::new(State { items: VecDeque::new(), closed: false, receiver_parked: false }),
            length: AtomicUsize::new(0),
            arrived: Condvar::new(),
            room: Event::new(),
            capacity,
        }
    }

    /// Nothing can panic while the lock is held, so a poisoned one is as good as any.
    fn state(&self) -> MutexGuard<'_, State<I>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an item at the end, or gives it back.
    pub(super) fn try_push(&self, item: I) -> Result<(), Refused<I>> {
        let state = self.state();
        if state.closed {
            Err(Refused::Closed(item))
        } else if state.items.len() >= self.capacity {
            Err(Refused::Full(item))
        } else {
            self.push(state, item);
            Ok(())
        }
    }

    /// Puts an item at the end, full or closed or not: for the few messages that come from a `Drop` and can neither
    /// wait nor be refused, one a live stream at most.
    pub(super) fn push_past_capacity(&self, item: I) {
        self.push(self.state(), item);
    }

    fn push(&self, mut state: MutexGuard<'_, State<I>>, item: I) {
        state.items.push_back(item);
        self.length.store(state.items.len(), Ordering::Release);
        let parked = state.receiver_parked;
        drop(state);
        if parked {
            self.arrived.notify_one();
        }
    }

    /// A listener that hears when there is room, or when the queue is closed. Try once more after asking for it.
    pub(super) fn listen_for_room(&self) -> EventListener {
        self.room.listen()
    }

    /// Takes the item at the front, waiting for one. `None`: the queue is closed and empty.
    pub(super) fn pop(&self) -> Option<I> {
        for _ in 0..SPINS {
            if self.length.load(Ordering::Acquire) > 0 {
                break;
            }
            std::hint::spin_loop();
        }
        let mut state = self.state();
        loop {
            if let Some(item) = state.items.pop_front() {
                self.length.store(state.items.len(), Ordering::Release);
                drop(state);
                self.room.notify_additional(1);
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state.receiver_parked = true;
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.receiver_parked = false;
        }
    }

    /// Waits until the queue is closed, but no longer than this. Whether it is.
    pub(super) fn wait_for_close(&self, longest: Duration) -> bool {
        let waited = self.arrived.wait_timeout_while(self.state(), longest, |state| !state.closed);
        waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// Refuses items from now on; those inside stay.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_one();
        self.room.notify(usize::MAX);
    }

    /// Whether the queue refuses items.
    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }
}
