//! One evaluation: what holds for it from its begin to its end, however often it waits in between.

use std::{
    cell::{Cell, OnceCell},
    fmt,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::runtime::Handle;
use tracing::Span;

use super::{
    console::Console,
    engine::Engine,
    functions::Functions,
    host_call::Ending,
    inbox::{Bell, Event, Inbox},
    value::Value,
};
use crate::{
    component::{Account, Charge, Limits, Meter, Usage, end_of, record},
    error::{Error, ErrorKind},
    thread::Running,
};

/// A number that nothing else in this process has.
pub(super) fn number() -> u64 {
    /// A thread takes so many at once: counting together takes as long as some hundred instructions.
    const BLOCK: u64 = 1 << 10;
    static NEXT: AtomicU64 = AtomicU64::new(BLOCK);
    thread_local! {
        static LAST: Cell<u64> = const { Cell::new(BLOCK - 1) };
    }
    LAST.with(|last| {
        let next = last.get().wrapping_add(1);
        let is_taken = next.is_multiple_of(BLOCK);
        last.set(if is_taken { NEXT.fetch_add(BLOCK, Ordering::Relaxed) } else { next });
        last.get()
    })
}

/// What the calls of one handle may use, unlike those of others.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    pub(super) limits: Option<Limits>,
    pub(super) functions: Option<Functions>,
    /// Where they print to, beside the context's sink.
    pub(super) console: Option<Console>,
    /// Where they are counted, beside the meters of the context and of its sandbox.
    pub(super) meter: Option<Meter>,
    /// Where several use a context one after the other: whether this use is over.
    pub(super) lease: Option<Lease>,
    /// Where functions that take their time run, if not where the context was opened.
    pub(super) runtime: Option<Handle>,
    /// They end when nothing that they began is left, and not before.
    pub(super) until_idle: bool,
}

/// A use of a context, which comes to its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Lease(Arc<AtomicU8>);

impl Lease {
    /// Who has it has closed the context.
    const CLOSED: u8 = 1;
    const OVER: u8 = 2;

    /// Ends it. Whether the context was closed by who had it: then nobody has it after him.
    pub(super) fn end(&self) -> bool {
        self.0.swap(Lease::OVER, Ordering::AcqRel) == Lease::CLOSED
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.load(Ordering::Acquire) == Lease::OVER
    }

    /// Whether who has it may close the context. Where he may, it is not given to another, however late he does.
    pub(super) fn close(&self) -> bool {
        let closed = |state| (state != Lease::OVER).then_some(Lease::CLOSED);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, closed).is_ok()
    }
}

/// One evaluation, or another call into the engine.
pub(super) struct Evaluation {
    pub(super) number: u64,
    pub(super) running: Running,
    /// Its limits, when its time is over, and what it has used.
    pub(super) account: Account,
    began: Instant,
    /// Where it is counted, once, at its end.
    meters: Vec<Meter>,
    has_ended: Cell<bool>,
    /// The functions that were granted to it beside those of the context.
    pub(super) functions: Option<Functions>,
    /// Where its functions run that take their time, if not where the context was opened.
    pub(super) runtime: Option<Handle>,
    /// Where it prints to, beside the context's sink.
    pub(super) console: Option<Console>,
    /// Bytes that it may still print, whether it was told that these are all, and whether its console was told that there is no memory
    /// for more.
    pub(super) to_print: Cell<usize>,
    pub(super) has_printed_all: Cell<bool>,
    pub(super) is_console_full: Cell<bool>,
    /// What its caller does, for what it logs.
    pub(super) span: Span,
    /// Calls of host functions that it has made, those that are in flight, and the bytes that went to and fro.
    pub(super) calls: Cell<usize>,
    pub(super) in_flight: Cell<usize>,
    pub(super) bytes: Cell<usize>,
    /// Timers that it has.
    pub(super) timers: Cell<usize>,
    /// Whether it ends when none of these is left. Its value waits here until then.
    until_idle: bool,
    kept: Cell<Option<(Value, Charge)>>,
    /// Specifiers that it has resolved, and modules that it has loaded or tried to.
    pub(super) specifiers: Cell<usize>,
    pub(super) loads: Cell<usize>,
    /// What its calls are told at its end, once it has made one: most evaluations make none.
    ending: OnceCell<Ending>,
}

impl Evaluation {
    /// One that begins now, in a context with these limits and meters.
    pub(super) fn begin(context: &Limits, meters: &[Meter], running: &Running, terms: &Terms) -> Rc<Evaluation> {
        let limits = context.for_call(running, terms.limits);
        // A meter that is given twice counts once.
        let own = terms.meter.iter().filter(|own| !meters.iter().any(|meter| meter.is(own)));
        let meters: Vec<_> = meters.iter().chain(own).cloned().collect();
        let account = Account::new(limits, end_of(running, &limits), !meters.is_empty());
        Rc::new(Evaluation {
            number: number(),
            running: running.clone(),
            account,
            began: Instant::now(),
            meters,
            has_ended: Cell::new(false),
            functions: terms.functions.clone(),
            runtime: terms.runtime.clone(),
            console: terms.console.clone(),
            to_print: Cell::new(limits.console),
            has_printed_all: Cell::new(false),
            is_console_full: Cell::new(false),
            span: Span::current(),
            calls: Cell::new(0),
            in_flight: Cell::new(0),
            bytes: Cell::new(0),
            timers: Cell::new(0),
            until_idle: terms.until_idle,
            kept: Cell::new(None),
            specifiers: Cell::new(0),
            loads: Cell::new(0),
            ending: OnceCell::new(),
        })
    }

    /// What a call of it is told at its end.
    pub(super) fn ending(&self) -> Ending {
        self.ending.get_or_init(|| Ending::of(&self.running)).clone()
    }

    /// It has ended, with this or well: nobody waits for what it called, and it is counted.
    pub(super) fn end(&self, failed: Option<ErrorKind>) {
        if let Some(ending) = self.ending.get() {
            ending.reach();
        }
        if self.has_ended.replace(true) {
            return;
        }
        if cfg!(feature = "metrics") || !self.meters.is_empty() {
            let usage = self.usage();
            record(&usage, failed);
            self.meters.iter().for_each(|meter| meter.add(usage));
        }
    }

    fn usage(&self) -> Usage {
        let Account { limits, used, .. } = &self.account;
        let mut usage = used.get();
        usage.wall = self.began.elapsed();
        usage.host_calls = self.calls.get() as u64;
        usage.host_bytes = self.bytes.get() as u64;
        usage.console_bytes = limits.console.saturating_sub(self.to_print.get()) as u64;
        usage
    }

    /// Whether it is not to end with its value yet: it has calls in flight, or timers.
    pub(super) fn lingers(&self) -> bool {
        self.until_idle && (self.in_flight.get() > 0 || self.timers.get() > 0)
    }

    /// Whether what nobody catches ends it, as it ends a program: what a timer's function throws, a rejection.
    pub(super) fn ends_at_a_throw(&self) -> bool {
        self.until_idle
    }

    /// Keeps its value until it ends.
    pub(super) fn keep(&self, value: (Value, Charge)) {
        self.kept.set(Some(value));
    }

    /// The value that was kept.
    pub(super) fn take_kept(&self) -> Option<(Value, Charge)> {
        self.kept.take()
    }

    /// It is a call that somebody made, and that waited so long.
    pub(super) fn count(&self, queue: Duration) {
        self.account.add(Usage { calls: 1, queue, ..Usage::default() });
    }

    /// Bytes of it went into the engine.
    pub(super) fn entered(&self, bytes: usize) {
        self.account.add(Usage { bytes_in: bytes as u64, ..Usage::default() });
    }

    /// Bytes of its result came out.
    pub(super) fn left(&self, bytes: usize) {
        self.account.add(Usage { bytes_out: bytes as u64, ..Usage::default() });
    }

    /// Whether its time is over, or nobody waits for it.
    pub(super) fn is_over(&self) -> bool {
        self.running.is_cancelled() || Instant::now() >= self.account.until
    }

    /// Its limits.
    pub(super) fn limits(&self) -> &Limits {
        &self.account.limits
    }
}

impl fmt::Debug for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluation").field("number", &self.number).finish_non_exhaustive()
    }
}

/// What an evaluation has come to.
pub(super) enum Outcome {
    /// It has ended with this value, whose bytes are counted for as long as the charge is there.
    Done(Value, Charge),
    /// It waits for host functions or timers.
    Pending(Rc<Evaluation>),
}

/// The result of an evaluation, whose bytes are counted for as long as the charge is there.
pub(super) type Ended = Result<(Value, Charge), Error>;

/// What is done with the result of an evaluation that was pending.
pub(super) type Then = Box<dyn FnOnce(&mut Engine, Ended)>;

/// An evaluation that waits for host functions or timers, and the alarm at its end.
pub(super) struct Pending {
    pub(super) evaluation: Rc<Evaluation>,
    pub(super) then: Then,
    _bell: Bell,
}

impl Pending {
    /// # Errors
    ///
    /// There is no thread for the alarm; `then` comes back with why.
    pub(super) fn new(evaluation: Rc<Evaluation>, inbox: &Inbox, then: Then) -> Result<Pending, (Error, Then)> {
        let number = evaluation.number;
        match Bell::set(evaluation.account.until, inbox, move || Event::Stopped(number)) {
            Ok(bell) => Ok(Pending { evaluation, then, _bell: bell }),
            Err(error) => Err((error, then)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_that_is_closed_within_its_lease_is_nobody_elses_and_one_that_is_not_is_closed_no_more() {
        let lease = Lease::default();
        let handle = lease.clone();
        assert!(handle.close() && handle.close());
        assert!(lease.end());
        assert!(!handle.close() && handle.is_over());

        let lease = Lease::default();
        let handle = lease.clone();
        assert!(!lease.end());
        assert!(!handle.close() && handle.is_over());
    }
}
