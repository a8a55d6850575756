//! Answers that are given after the closure of their call has returned.

use std::task::{Context, Poll, Waker};

use shuttle::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    error::ErrorKind,
    explore, give_up_at_some_time,
    thread::{Call, Deferred, HeapThread},
};

/// An object that keeps answers until they are asked for.
#[derive(Default)]
struct Keeper {
    answers: Vec<Deferred<usize>>,
    /// How often somebody was told to stop.
    told: Arc<AtomicUsize>,
    outside: Outside,
}

/// The answers as another thread gives them.
#[derive(Clone, Default)]
struct Outside(Arc<Mutex<(bool, Option<Waker>)>>);

impl Outside {
    fn open(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = true;
        let waker = state.1.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Keeper {
    /// Answers once the outside is open.
    fn drain(&mut self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.outside.0.lock().unwrap();
        if !state.0 && !self.answers.is_empty() {
            state.1 = Some(context.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        self.answers.drain(..).for_each(|answer| answer.answer(Ok(7)));
        Poll::Ready(())
    }
}

fn keeper() -> (HeapThread<Keeper>, Arc<AtomicUsize>, Outside) {
    let (told, outside) = (Arc::default(), Outside::default());
    let object = Keeper { told: Arc::clone(&told), outside: outside.clone(), answers: Vec::new() };
    let opening = HeapThread::builder().spawn_deferring(|_| Ok(object), |object, context| object.drain(context));
    (opening.blocking().unwrap(), told, outside)
}

/// A call that leaves its answer with the object.
fn deferred(thread: &HeapThread<Keeper>) -> Call<usize> {
    Call::deferring(thread, |object: &mut Keeper, _, defer| {
        let (answer, told) = (defer.defer(), Arc::clone(&object.told));
        answer.on_stop(move || {
            told.fetch_add(1, Ordering::SeqCst);
        });
        object.answers.push(answer);
        Ok(None)
    })
}

#[test]
fn a_deferred_call_is_answered_or_told_to_stop_once() {
    explore(|| {
        let (thread, told, _) = keeper();
        let call = deferred(&thread).into_future();
        let caller = thread::spawn(move || give_up_at_some_time(call));
        thread.call(|object| object.answers.drain(..).for_each(|answer| answer.answer(Ok(5)))).blocking().unwrap();
        thread.call(|object| object.answers.clear()).blocking().unwrap();
        let answer = caller.join().unwrap();
        if let Some(Err(error)) = &answer {
            assert!([ErrorKind::Cancelled, ErrorKind::Closed].contains(&error.kind()), "{error}");
        }
        thread.close_now().blocking().unwrap();
        // Who gave it up before the answer, and after the call had begun, told of it; nobody twice.
        let told = told.load(Ordering::SeqCst);
        assert!(told == 0 || (told == 1 && answer.is_none_or(|answer| answer.is_err())), "{told}");
    });
}

#[test]
fn who_gives_a_deferred_call_up_tells_of_it() {
    explore(|| {
        let (thread, told, _) = keeper();
        let ticket = deferred(&thread).queue();
        // Behind it, so that its closure has returned.
        thread.call(|_| ()).blocking().unwrap();
        drop(ticket);
        assert_eq!(told.load(Ordering::SeqCst), 1);
        thread.close_now().blocking().unwrap();
    });
}

#[test]
fn a_thread_that_is_closed_waits_for_what_was_deferred() {
    explore(|| {
        let (thread, _, outside) = keeper();
        let ticket = deferred(&thread).queue();
        let opener = thread::spawn(move || outside.open());
        thread.close().blocking().unwrap();
        assert_eq!(ticket.blocking().unwrap(), 7);
        opener.join().unwrap();
    });
}

#[test]
fn a_thread_that_is_closed_now_does_not_wait() {
    explore(|| {
        let (thread, _, _) = keeper();
        let ticket = deferred(&thread).queue();
        let closing = thread.close();
        thread.close_now().blocking().unwrap();
        closing.blocking().unwrap();
        assert_eq!(ticket.blocking().unwrap_err().kind(), ErrorKind::Closed);
    });
}
