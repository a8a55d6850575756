//! `HeapThread`: an object that cannot leave its thread, and everybody who calls it.
//!
//! No test sleeps. What has to happen in an order is put into it by gates: a call that waits on a channel occupies the
//! thread, and what is queued meanwhile stays queued until the gate opens.

mod opening;
mod calls;
mod spans;
mod queue;
mod giving_up;
mod ending;
mod panics;
mod restarts;
mod interruption;
mod deadlines;
mod runtimes;
#[cfg(target_os = "linux")]
mod idleness;
mod steps;
mod generation;
mod iteration;
mod sequences;

use std::{
    cell::RefCell,
    convert::Infallible,
    fmt::Debug,
    future::Future,
    marker::PhantomData,
    num::NonZeroUsize,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, ThreadId},
};

use aiointernal::{Call, Error, ErrorKind, HeapThread};

/// An object that cannot leave its thread: the numbers that calls put into it.
type Numbers = Rc<RefCell<Vec<u32>>>;

fn numbers() -> HeapThread<Numbers> {
    numbers_with_room(256)
}

/// As [`numbers`], with a queue of this length.
fn numbers_with_room(calls: usize) -> HeapThread<Numbers> {
    let calls = NonZeroUsize::new(calls).expect("a queue has room");
    let opening = HeapThread::builder().queue_capacity(calls).spawn(|| Ok::<_, Infallible>(Numbers::default()));
    opening.blocking().expect("nothing can fail in this setup")
}

/// A call that adds a number and returns it.
fn push(thread: &HeapThread<Numbers>, number: u32) -> Call<u32> {
    thread.call(move |numbers| {
        numbers.borrow_mut().push(number);
        number
    })
}

/// The numbers that are there once everything that is queued has run.
fn seen(thread: &HeapThread<Numbers>) -> Vec<u32> {
    thread.call(|numbers| numbers.borrow().clone()).blocking().expect("the object is alive")
}

/// The thread that the object lives on.
fn id_of<T>(thread: &HeapThread<T>) -> ThreadId {
    thread.call(|_| thread::current().id()).blocking().expect("the object is alive")
}

/// An object that cannot leave its thread and tells on which one it is dropped.
struct Ward {
    _here: PhantomData<Rc<()>>,
    _last_word: LastWord,
}

fn ward() -> (HeapThread<Ward>, mpsc::Receiver<ThreadId>) {
    let (last_word, heard) = LastWord::new();
    let opening = HeapThread::spawn(|| Ok::<_, Infallible>(Ward { _here: PhantomData, _last_word: last_word }));
    (opening.blocking().expect("nothing can fail in this setup"), heard)
}

/// A value that tells on which thread it is dropped.
struct LastWord(mpsc::Sender<ThreadId>);

impl LastWord {
    fn new() -> (LastWord, mpsc::Receiver<ThreadId>) {
        let (sender, receiver) = mpsc::channel();
        (LastWord(sender), receiver)
    }
}

impl Drop for LastWord {
    fn drop(&mut self) {
        // The test may have heard enough.
        let _ = self.0.send(thread::current().id());
    }
}

/// A value whose drop panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("the bomb went off");
        }
    }
}

/// Keeps a thread busy until it is dropped.
struct Gate {
    _open: mpsc::Sender<()>,
}

/// Returns when the thread is busy and its queue is empty.
fn occupy<T: 'static>(thread: &HeapThread<T>) -> Gate {
    let (enter, entered) = mpsc::channel();
    let (open, opened) = mpsc::channel();
    let call = thread.call(move |_| {
        enter.send(()).expect("the test waits for this");
        let _: Result<(), _> = opened.recv();
    });
    call.queue().detach();
    entered.recv().expect("the thread was idle");
    Gate { _open: open }
}

/// The end of a thread, after everything on it was dropped.
struct End(mpsc::Receiver<Infallible>);

/// Lives as long as the thread it is put on.
struct Presence {
    _end: mpsc::Sender<Infallible>,
}

thread_local! {
    static PRESENT: RefCell<Vec<Presence>> = const { RefCell::new(Vec::new()) };
}

impl End {
    fn new() -> (Presence, End) {
        let (sender, receiver) = mpsc::channel();
        (Presence { _end: sender }, End(receiver))
    }

    fn of<T>(thread: &HeapThread<T>) -> End {
        let (presence, end) = End::new();
        thread.call(|_| presence.stay()).blocking().expect("the object is alive");
        end
    }

    fn wait(self) {
        let sent = self.0.recv();
        assert!(sent.is_err());
    }
}

impl Presence {
    fn stay(self) {
        PRESENT.with_borrow_mut(|present| present.push(self));
    }
}

/// A waker that remembers that it was called.
#[derive(Default)]
struct Bell(AtomicBool);

impl Bell {
    fn has_rung(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Polls a future that is not ready.
    fn hang_on<F: Future<Output: Debug> + Unpin>(self: &Arc<Bell>, future: &mut F) {
        let waker = Waker::from(Arc::clone(self));
        let polled = Pin::new(future).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending(), "{polled:?}");
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Polls a future once. For one that must be ready, or must not be.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn kind<R: Debug>(answer: Result<R, Error>) -> ErrorKind {
    answer.expect_err("an error is the answer").kind()
}

/// An error of the crate itself, [`ErrorKind::Closed`]: programs cannot make one.
fn closed_error() -> Error {
    let thread = numbers();
    thread.close().blocking().expect("nothing fails");
    push(&thread, 0).blocking().expect_err("the object was closed")
}
