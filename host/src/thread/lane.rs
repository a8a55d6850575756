//! A thread that several objects share. Each is served in its turn.
//!
//! ```text
//! queue of an object --wake--> its turn, at the end of the line --> the thread polls the object's life: a call, or a few
//! chores, where the line is empty, or has had its turns
//! ```

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::atomic::AtomicUsize,
    task::{Context, Poll, Wake, Waker},
};

use event_listener::Event;

use crate::{
    error::Error,
    sync::{
        self, Arc, AtomicBool, Condvar, Mutex, MutexGuard, Ordering, PoisonError,
        thread::{self, ThreadId},
    },
};

/// All that an object does, from its setup to its end.
type Life = Pin<Box<dyn Future<Output = ()>>>;

/// Begins the life of an object, on the lane's thread.
type Birth = Box<dyn FnOnce() -> Life + Send>;

/// What can wait until nobody else waits.
type Chore = Box<dyn FnOnce() + Send>;

/// Turns after which a chore is done, whoever waits.
const TURNS_PER_CHORE: u32 = 4;

/// A thread that several objects share, as long as this or one of them is there.
#[derive(Clone)]
pub(crate) struct Lane(Arc<Handle>);

struct Handle {
    line: Arc<Line>,
    home: ThreadId,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.line.lock().is_closed = true;
        self.line.changed.notify_one();
    }
}

/// Who waits for the thread.
struct Line {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// How many wait, for who looks without the lock.
    length: AtomicUsize,
    members: AtomicUsize,
    /// Heard when the last of them is gone.
    emptied: Event,
    /// How many wait or have the thread.
    busy: AtomicUsize,
}

#[derive(Default)]
struct Waiting {
    line: VecDeque<Next>,
    chores: VecDeque<Chore>,
    /// How many of the line had their turn while a chore waited.
    turns: u32,
    is_closed: bool,
}

impl Waiting {
    fn length(&self) -> usize {
        self.line.len().saturating_add(self.chores.len())
    }

    fn next(&mut self) -> Option<Next> {
        let is_chore_due = self.turns >= TURNS_PER_CHORE;
        if let Some(next) = self.line.pop_front_if(|_| !is_chore_due) {
            self.turns = if self.chores.is_empty() { 0 } else { self.turns.saturating_add(1) };
            return Some(next);
        }
        self.turns = 0;
        self.chores.pop_front().map(Next::Chore)
    }
}

/// What the thread does next.
enum Next {
    Birth(Birth),
    Turn(usize),
    Chore(Chore),
}

/// That of one object among those that are counted. It is given back on the lane's thread, before anybody hears that the object is gone.
pub(super) struct Place(Arc<Line>);

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.members.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.emptied.notify(usize::MAX);
        }
    }
}

impl Lane {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// [`Thread`](ErrorKind::Thread): the system refused it.
    pub(crate) fn start(name: &str, stack: usize) -> Result<Lane, Error> {
        let line = Arc::new(Line {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            length: AtomicUsize::new(0),
            members: AtomicUsize::new(0),
            emptied: Event::new(),
            busy: AtomicUsize::new(0),
        });
        let own = Arc::clone(&line);
        let serve = move || {
            super::worker::note_stack(stack);
            while !serve_until_panic(&own) {
                tracing::error!("a thread of several objects has panicked: they are lost, and it goes on without them");
            }
        };
        match thread::Builder::new().name(name.to_owned()).stack_size(stack).spawn(serve) {
            Ok(started) => Ok(Lane(Arc::new(Handle { line, home: started.thread().id() }))),
            Err(error) => Err(super::worker::refused(error)),
        }
    }

    /// How many objects and chores wait for the thread or have it, and how many objects there are.
    pub(crate) fn load(&self) -> (usize, usize) {
        let line = &self.0.line;
        (line.busy.load(Ordering::Acquire), line.members.load(Ordering::Acquire))
    }

    /// Waits until no object is there.
    pub(crate) async fn emptied(&self) {
        let line = &self.0.line;
        while line.members.load(Ordering::Acquire) > 0 {
            let emptied = line.emptied.listen();
            // What happens in between is heard.
            if line.members.load(Ordering::Acquire) > 0 {
                emptied.await;
            }
        }
    }

    /// The thread.
    pub(super) fn home(&self) -> ThreadId {
        self.0.home
    }

    /// A place for one more object.
    pub(super) fn place(&self) -> Place {
        self.0.line.members.fetch_add(1, Ordering::AcqRel);
        Place(Arc::clone(&self.0.line))
    }

    /// Has an object live here, which has a place.
    pub(crate) fn adopt(&self, birth: Birth) {
        self.0.line.join(|waiting| waiting.line.push_back(Next::Birth(birth)));
    }

    /// Has the thread do something when no object waits for it, or every so many turns.
    pub(crate) fn do_later(&self, chore: impl FnOnce() + Send + 'static) {
        let chore = Box::new(chore);
        self.0.line.join(|waiting| waiting.chores.push_back(chore));
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (waiting, members) = self.load();
        f.debug_struct("Lane").field("waiting", &waiting).field("members", &members).finish()
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self, push: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.lock();
        push(&mut waiting);
        self.busy.fetch_add(1, Ordering::AcqRel);
        self.length.store(waiting.length(), Ordering::Release);
        drop(waiting);
        self.changed.notify_one();
    }

    /// Waits for something to do. `None`: there is nothing, and never will be.
    fn next(&self) -> Option<Next> {
        for _ in 0..sync::SPINS {
            if self.length.load(Ordering::Acquire) > 0 {
                break;
            }
            sync::spin_loop();
        }
        let mut waiting = self.lock();
        loop {
            if let Some(next) = waiting.next() {
                self.length.store(waiting.length(), Ordering::Release);
                return Some(next);
            }
            if waiting.is_closed && self.members.load(Ordering::Relaxed) == 0 {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What was taken from the line is done, when this is dropped.
struct Doing<'a>(&'a Line);

impl Drop for Doing<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An object's place in the line. It waits in it once, however often it is woken.
struct Turn {
    line: Arc<Line>,
    number: usize,
    waits: AtomicBool,
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.waits.swap(true, Ordering::AcqRel) {
            self.line.join(|waiting| waiting.line.push_back(Next::Turn(self.number)));
        }
    }
}

struct Member {
    life: Life,
    turn: Arc<Turn>,
    waker: Waker,
}

/// Serves all objects until there are none and nobody can bring one; `false` where it has panicked, and has lost them. Their calls are
/// answered with that.
fn serve_until_panic(line: &Arc<Line>) -> bool {
    let mut members = Vec::new();
    let served = catch_unwind(AssertUnwindSafe(|| serve(line, &mut members)));
    for member in members {
        // They are not what has panicked, but may.
        catch_unwind(AssertUnwindSafe(|| drop(member))).unwrap_or_else(std::mem::forget);
    }
    served.map_err(std::mem::forget).is_ok()
}

fn serve(line: &Arc<Line>, members: &mut Vec<Option<Member>>) {
    let mut free: Vec<usize> = Vec::new();
    while let Some(next) = line.next() {
        let _doing = Doing(line);
        let number = match next {
            Next::Turn(number) => number,
            Next::Chore(chore) => {
                catch_unwind(AssertUnwindSafe(chore)).unwrap_or_else(std::mem::forget);
                continue;
            }
            Next::Birth(birth) => {
                let number = free.pop().unwrap_or(members.len());
                let turn = Arc::new(Turn { line: Arc::clone(line), number, waits: AtomicBool::new(false) });
                let member = Member { life: birth(), waker: Waker::from(Arc::clone(&turn)), turn };
                match members.get_mut(number) {
                    Some(place) => *place = Some(member),
                    None => members.push(Some(member)),
                }
                number
            }
        };
        // One that is gone may be woken by somebody who comes late.
        let Some(member) = members.get_mut(number).and_then(Option::as_mut) else {
            continue;
        };
        // Nothing that was done before a wake-up which finds this set may be missed by the poll.
        member.turn.waits.swap(false, Ordering::AcqRel);
        let context = &mut Context::from_waker(&member.waker);
        // A life catches its own panics; should one come through, it is that one's end.
        let polled = catch_unwind(AssertUnwindSafe(|| member.life.as_mut().poll(context)));
        if !matches!(polled, Ok(Poll::Pending)) {
            polled.map_or_else(std::mem::forget, drop);
            members[number] = None;
            free.push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, num::NonZeroU32, rc::Rc, sync::mpsc};

    use super::*;
    use crate::error::ErrorKind;
    use crate::thread::{HeapThread, Opening, Ticket};

    fn open(lane: &Lane, weight: u32) -> HeapThread<Rc<u32>> {
        let weight = NonZeroU32::new(weight).unwrap();
        let opening: Opening<Rc<u32>> =
            HeapThread::builder().spawn_on(lane, weight, move |_| Ok(Rc::new(weight.get())), |_, _| Poll::Ready(()));
        opening.blocking().unwrap()
    }

    /// Keeps the thread of an object with a call of it, until the sender says so.
    fn occupy(object: &HeapThread<Rc<u32>>) -> (mpsc::Sender<()>, Ticket<()>) {
        let (release, gate) = mpsc::channel();
        let (entered, inside) = mpsc::channel();
        let call = object.call(move |_| {
            entered.send(()).unwrap();
            gate.recv().unwrap();
        });
        let call = call.queue();
        inside.recv().unwrap();
        (release, call)
    }

    #[test]
    fn objects_of_a_lane_live_on_one_thread_and_take_turns_by_their_weight() {
        let lane = Lane::start("lane", 1 << 20).unwrap();
        let (light, heavy) = (open(&lane, 1), open(&lane, 3));
        let home = |object: &HeapThread<Rc<u32>>| object.call(|_| thread::current().id()).blocking().unwrap();
        assert_eq!(home(&light), home(&heavy));

        let (release, first) = occupy(&light);
        let (told, order) = mpsc::channel();
        let queue = |object: &HeapThread<Rc<u32>>| {
            let told = told.clone();
            object.call(move |weight| told.send(**weight).unwrap()).queue()
        };
        let calls: Vec<_> = (0..6).flat_map(|_| [queue(&light), queue(&heavy)]).collect();
        release.send(()).unwrap();
        first.blocking().unwrap();
        for call in calls {
            call.blocking().unwrap();
        }
        drop(told);
        assert_eq!(order.iter().collect::<Vec<_>>(), [3, 3, 3, 1, 3, 3, 3, 1, 1, 1, 1, 1]);
    }

    #[cfg(feature = "js")]
    #[test]
    fn a_chore_waits_for_four_turns_of_others_and_no_more() {
        let lane = Lane::start("lane", 1 << 20).unwrap();
        let object = open(&lane, 1);
        let (release, first) = occupy(&object);
        let (told, order) = mpsc::channel();
        let tell = |what: u32| {
            let told = told.clone();
            move || told.send(what).unwrap()
        };
        lane.do_later(|| panic!("on purpose"));
        lane.do_later(tell(100));
        lane.do_later(tell(101));
        let queue = |call| {
            let tell = tell(call);
            object.call(move |_| tell()).queue()
        };
        let calls: Vec<_> = (0..10).map(queue).collect();
        release.send(()).unwrap();
        first.blocking().unwrap();
        for call in calls {
            call.blocking().unwrap();
        }
        while lane.load().0 > 0 {
            thread::yield_now();
        }
        drop(told);
        // The one that panics is done after four.
        let expected = (0..8).chain([100]).chain(8..10).chain([101]);
        assert_eq!(order.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }

    #[test]
    fn messages_of_an_object_do_not_take_the_place_of_its_calls() {
        let lane = Lane::start("lane", 1 << 20).unwrap();
        let (talks, silent) = (open(&lane, 1), open(&lane, 1));
        let (release, first) = occupy(&silent);
        let (told, order) = mpsc::channel();
        let queue = |object: &HeapThread<Rc<u32>>, name: &'static str| {
            let told = told.clone();
            object.call(move |_| told.send(name).unwrap()).queue()
        };
        let mut calls = Vec::new();
        for _ in 0..4 {
            calls.push(queue(&talks, "talks"));
            talks.send(|_| ());
            calls.push(queue(&silent, "silent"));
        }
        // They are calls of nobody, and yet no other has to wait for all of them.
        let many = told.clone();
        (0..3).for_each(|_| {
            let many = many.clone();
            talks.send(move |_| many.send("message").unwrap());
        });
        calls.push(queue(&silent, "silent"));
        calls.push(queue(&silent, "silent"));
        release.send(()).unwrap();
        first.blocking().unwrap();
        for call in calls {
            call.blocking().unwrap();
        }
        talks.close().blocking().unwrap();
        drop((told, many));
        let order: Vec<_> = order.iter().collect();
        assert_eq!(order[..8], ["talks", "silent"].repeat(4), "{order:?}");
        assert_eq!(order[8..], ["message", "silent", "message", "silent", "message"], "{order:?}");
    }

    #[test]
    fn an_object_that_panics_ends_alone() {
        let lane = Lane::start("lane", 1 << 20).unwrap();
        let (one, other) = (open(&lane, 1), open(&lane, 1));
        let error = one
            .call(|_| {
                if true {
                    panic!("on purpose")
                }
            })
            .blocking()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        assert_eq!(one.call(|_| ()).blocking().unwrap_err().kind(), ErrorKind::Panicked);
        assert_eq!(other.call(|weight| **weight).blocking().unwrap(), 1);
        drop(one);
        other.close().blocking().unwrap();
        assert_eq!(other.call(|_| ()).blocking().unwrap_err().kind(), ErrorKind::Closed);
    }

    #[test]
    fn a_thread_that_panics_answers_the_calls_of_all_its_objects_and_goes_on() {
        let lane = Lane::start("lane", 1 << 20).unwrap();
        let objects: Vec<_> = (0..10).map(|_| open(&lane, 1)).collect();
        let (release, gate) = mpsc::channel::<()>();
        let (entered, inside) = mpsc::channel();
        let running = objects[0].call(move |_| {
            entered.send(()).unwrap();
            gate.recv().unwrap();
        });
        let running = running.queue();
        inside.recv().unwrap();
        lane.adopt(Box::new(|| panic!("on purpose")));
        let weight = NonZeroU32::MIN;
        let unborn: Opening<()> = HeapThread::builder().spawn_on(&lane, weight, |_| Ok(()), |_, _| Poll::Ready(()));
        let queued: Vec<_> =
            objects.iter().flat_map(|object| (0..20).map(|_| object.call(|weight| **weight).queue())).collect();
        release.send(()).unwrap();
        running.blocking().unwrap();
        let lost = queued.into_iter().filter_map(|call| call.blocking().err());
        let kinds: Vec<_> = lost.map(|error| error.kind()).collect();
        // All of them, but for those whose turn came before.
        assert!(kinds.len() >= 150 && kinds.iter().all(|kind| *kind == ErrorKind::Panicked), "{kinds:?}");
        let error = objects[0].call(|_| ()).blocking().unwrap_err();
        assert!(error.to_string().contains("the thread that it shared"), "{error}");
        assert_eq!(objects[0].close().blocking().unwrap_err().kind(), ErrorKind::Panicked);
        // Who was to come behind the panic is there.
        unborn.blocking().unwrap().call(|()| ()).blocking().unwrap();
        drop(objects);
        let fresh = open(&lane, 7);
        assert_eq!(fresh.call(|weight| **weight).blocking().unwrap(), 7);
        assert_eq!(lane.load().1, 1);
    }

    #[test]
    fn the_thread_ends_with_its_last_object() {
        let (told, ended) = mpsc::channel::<Infallible>();
        let lane = Lane::start("lane", 1 << 20).unwrap();
        let object = open(&lane, 1);
        // What is local to the thread is dropped at its end.
        thread_local! {
            static AT_END: std::cell::RefCell<Option<mpsc::Sender<Infallible>>> = const { std::cell::RefCell::new(None) };
        }
        object.call(move |_| AT_END.set(Some(told))).blocking().unwrap();
        drop(lane);
        assert_eq!(object.call(|weight| **weight).blocking().unwrap(), 1);
        drop(object);
        assert!(ended.recv().is_err());
    }

    #[test]
    fn one_object_of_a_lane_cannot_wait_for_another() {
        let lane = Lane::start("lane", 1 << 20).unwrap();
        let (one, other) = (open(&lane, 1), open(&lane, 1));
        let waits = one.try_call(move |_, _| other.call(|_| ()).blocking());
        assert_eq!(waits.blocking().unwrap_err().kind(), ErrorKind::Deadlock);
        let weight = NonZeroU32::MIN;
        let opens = one.try_call(move |_, _| {
            let opening: Opening<()> =
                HeapThread::builder().spawn_on(&lane, weight, |_| Ok(()), |_, _| Poll::Ready(()));
            opening.blocking().map(drop)
        });
        assert_eq!(opens.blocking().unwrap_err().kind(), ErrorKind::Deadlock);
    }
}
