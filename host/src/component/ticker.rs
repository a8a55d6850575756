//! The thread that keeps the time of all calls of an engine.

use std::{
    io, iter, mem,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    beat::Beat,
    brake::Spare,
    deadline::{Deadline, TICK},
};
use crate::error::{Error, ErrorKind};

/// The number of the next thread that makes calls.
static NEXT_THREAD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static THREAD: usize = NEXT_THREAD.fetch_add(1, Ordering::Relaxed);
}

/// A thread that advances an engine's epoch and looks at the calls that run. When none began or ran from one tick to
/// the next, it sleeps.
#[derive(Debug)]
pub(super) struct Ticker(Arc<State>);

#[derive(Debug)]
struct State {
    /// As many seats as there are cores, so that calls on two of them seldom wait for one another here.
    seats: NonZeroUsize,
    first: Seat,
    others: Vec<Seat>,
    has_brakes: bool,
    beat: Beat,
    /// There is no beat. Written with the lock, so that whoever reads that there is one does not go before it.
    is_asleep: AtomicBool,
    starting: Mutex<()>,
    is_stopped: AtomicBool,
}

/// The calls of some of the threads. Each seat has its cache lines to itself, and those that the processor fetches along with them.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Seat(Mutex<Calls>);

#[derive(Debug, Default)]
struct Calls {
    running: Vec<Deadline>,
    /// One began since the last tick.
    has_begun: bool,
}

impl Seat {
    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, deadline: &Deadline) {
        let mut calls = self.lock();
        calls.running.push(deadline.clone());
        calls.has_begun = true;
    }

    fn leave(&self, deadline: &Deadline) {
        let mut calls = self.lock();
        if let Some(place) = calls.running.iter().position(|other| other.is(deadline)) {
            calls.running.swap_remove(place);
        }
    }
}

impl Ticker {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// [`Thread`](ErrorKind::Thread): the system refused it, or the clock that wakes it.
    pub(super) fn start(engine: wasmtime::Engine, has_brakes: bool) -> Result<Ticker, Error> {
        let seats = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let state = Arc::new(State {
            seats,
            first: Seat::default(),
            others: (1..seats.get()).map(|_| Seat::default()).collect(),
            has_brakes,
            beat: Beat::new().map_err(|error| {
                Error::with_source(ErrorKind::Thread, format!("no clock for time limits: {error}"), error)
            })?,
            is_asleep: AtomicBool::new(true),
            starting: Mutex::new(()),
            is_stopped: AtomicBool::new(false),
        });
        let ticking = Arc::clone(&state);
        let started = thread::Builder::new().name("aiointernal-tick".to_owned()).spawn(move || ticking.run(&engine));
        match started {
            Ok(_) => Ok(Ticker(state)),
            Err(error) => Err(Error::with_source(ErrorKind::Thread, format!("cannot start a thread: {error}"), error)),
        }
    }

    /// Looks at a call of this thread until the result is dropped, which is to be before the store.
    ///
    /// # Errors
    ///
    /// [`Thread`](ErrorKind::Thread): the system does not begin the ticks again, so nothing would stop the call.
    pub(super) fn watch(&self, deadline: &Deadline) -> Result<Watch<'_>, Error> {
        let number = THREAD.with(|number| *number) % self.0.seats;
        let seat = self.0.others.get(number).unwrap_or(&self.0.first);
        seat.take(deadline);
        let watch = Watch { seat, deadline: deadline.clone() };
        self.0.rouse().map_err(|error| {
            Error::with_source(ErrorKind::Thread, format!("the clock for time limits does not start: {error}"), error)
        })?;
        Ok(watch)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.is_stopped.store(true, Ordering::SeqCst);
        // Where the beat does not start the thread stays, asleep.
        let _ = self.0.rouse();
    }
}

impl State {
    fn run(&self, engine: &wasmtime::Engine) {
        let mut running = Vec::new();
        let mut spare = Spare::default();
        let mut is_beating = true;
        loop {
            if is_beating {
                self.beat.wait();
            } else {
                #[expect(clippy::disallowed_methods, reason = "a clock's tick is a sleep")]
                thread::sleep(TICK);
            }
            if self.is_stopped.load(Ordering::SeqCst) {
                return;
            }
            engine.increment_epoch();
            let mut is_idle = true;
            for seat in self.seats() {
                let mut calls = seat.lock();
                // Looked at behind the lock: a call that begins does not wait until all others are.
                running.extend_from_slice(&calls.running);
                is_idle &= calls.running.is_empty() && !mem::take(&mut calls.has_begun);
            }
            if is_idle {
                is_beating = self.rest().is_ok();
            } else if self.has_brakes && !running.is_empty() {
                self.look_at(&running, &mut spare);
            }
            running.clear();
        }
    }

    fn look_at(&self, running: &[Deadline], spare: &mut Spare) {
        spare.take();
        // A subscriber of `tracing` may panic, also where its panic is dropped, and this thread keeps the time of all others.
        for deadline in running {
            let ticked = catch_unwind(AssertUnwindSafe(|| deadline.tick_with_brakes(spare)));
            ticked.unwrap_or_else(mem::forget);
        }
        // Behind all of them: a waker is anybody's code, and may take its time. So is what a call drops with its last record.
        for deadline in running {
            catch_unwind(AssertUnwindSafe(|| deadline.report_progress())).unwrap_or_else(mem::forget);
        }
    }

    fn seats(&self) -> impl Iterator<Item = &Seat> {
        iter::once(&self.first).chain(&self.others)
    }

    /// Ticks no longer, until something runs. An error: something does, and there is no beat.
    fn rest(&self) -> io::Result<()> {
        {
            let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
            self.beat.stop();
            self.is_asleep.store(true, Ordering::SeqCst);
        }
        // Asleep is said before this last look, and a call takes its seat before it looks whether this sleeps, as an end is said before that
        // look: one of the two sees the other.
        if self.is_stopped.load(Ordering::SeqCst) || self.seats().any(|seat| seat.lock().has_begun) {
            return self.rouse();
        }
        Ok(())
    }

    /// Has the ticks begin again, if there are none.
    fn rouse(&self) -> io::Result<()> {
        if self.is_asleep.load(Ordering::SeqCst) {
            let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
            if self.is_asleep.load(Ordering::SeqCst) {
                self.beat.start()?;
                self.is_asleep.store(false, Ordering::SeqCst);
            }
        }
        Ok(())
    }
}

/// A call is looked at.
#[derive(Debug)]
#[must_use]
pub(super) struct Watch<'a> {
    seat: &'a Seat,
    deadline: Deadline,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.deadline.disarm();
        self.seat.leave(&self.deadline);
    }
}

#[cfg(all(test, feature = "js"))]
mod tests {
    use std::{
        hint::spin_loop,
        time::{Duration, Instant},
    };

    use super::*;
    use crate::thread::Running;

    fn wait_until(is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody ticks");
            spin_loop();
        }
    }

    /// Makes a call that is over when it begins, and ends when it is asked to stop.
    fn make_call(ticker: &Ticker) {
        let deadline = Deadline::default();
        let watch = ticker.watch(&deadline).expect("the beat starts");
        deadline.arm(Running::unattended(), Instant::now(), None);
        wait_until(|| deadline.asked_to_stop().is_some());
        drop(watch);
    }

    fn ticker() -> Ticker {
        Ticker::start(wasmtime::Engine::default(), true).expect("the system starts a thread")
    }

    #[test]
    fn whoever_comes_while_it_rests_is_looked_at() {
        let ticker = ticker();
        for round in 0..50 {
            make_call(&ticker);
            wait_until(|| round % 2 == 0 || ticker.0.is_asleep.load(Ordering::SeqCst));
        }
        thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(|| (0..50).for_each(|_| make_call(&ticker))))));
        assert!(ticker.0.seats().all(|seat| seat.lock().running.is_empty()));
    }

    #[test]
    fn whoever_took_a_seat_as_it_went_to_rest_is_looked_at() {
        let ticker = ticker();
        for _ in 0..20 {
            wait_until(|| ticker.0.is_asleep.load(Ordering::SeqCst));
            let deadline = Deadline::default();
            deadline.arm(Running::unattended(), Instant::now(), None);
            // It read that there is a beat.
            ticker.0.first.take(&deadline);
            ticker.0.rest().unwrap();
            wait_until(|| deadline.asked_to_stop().is_some());
            ticker.0.first.leave(&deadline);
        }
    }

    #[test]
    fn the_thread_ends_with_the_ticker_whatever_it_does_then() {
        for round in 0..300 {
            let ticker = ticker();
            let state = Arc::downgrade(&ticker.0);
            make_call(&ticker);
            // Most of them go while it goes to rest.
            wait_until(|| round % 3 == 0 || ticker.0.seats().all(|seat| !seat.lock().has_begun));
            drop(ticker);
            wait_until(|| state.strong_count() == 0);
        }
    }

    #[test]
    fn an_end_that_was_said_as_it_went_to_rest_is_heard() {
        let ticker = ticker();
        let state = Arc::clone(&ticker.0);
        wait_until(|| state.is_asleep.load(Ordering::SeqCst));
        state.is_stopped.store(true, Ordering::SeqCst);
        state.rest().unwrap();
        wait_until(|| Arc::strong_count(&state) == 2);
        drop(ticker);
    }
}
