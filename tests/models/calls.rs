//! Calls to a thread: each is answered once, and what is given up stops itself and nothing else.

use std::{
    convert::Infallible,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use shuttle::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    error::ErrorKind,
    explore, give_up_at_some_time,
    thread::{HeapThread, Ticket},
    timer::NEVER,
};

/// An object that knows which call it is working for, and who was interrupted.
#[derive(Clone, Default)]
struct Watched {
    /// The number of the running call; zero between two.
    current: Arc<AtomicUsize>,
    interrupted: Arc<AtomicUsize>,
}

fn watched() -> (HeapThread<Watched>, Watched) {
    let object = Watched::default();
    let seen = object.clone();
    let opening = HeapThread::builder()
        .queue_capacity(NonZeroUsize::MIN)
        .interrupt_with(|object: &Watched| {
            let object = object.clone();
            move || object.interrupted.store(object.current.load(Ordering::SeqCst), Ordering::SeqCst)
        })
        .spawn(move || Ok::<_, Infallible>(object));
    (opening.blocking().unwrap(), seen)
}

/// A call that takes a few turns of the scheduler.
fn work(thread: &HeapThread<Watched>, number: usize) -> Ticket<usize> {
    let call = thread.call(move |object| {
        object.current.store(number, Ordering::SeqCst);
        thread::yield_now();
        object.current.store(0, Ordering::SeqCst);
        number
    });
    call.into_future()
}

#[test]
fn a_call_that_is_given_up_at_any_time_never_interrupts_the_next_one() {
    explore(|| {
        let (thread, seen) = watched();
        let clone = thread.clone();
        let first = thread::spawn(move || give_up_at_some_time(work(&clone, 1)).map(Result::unwrap));
        assert_eq!(work(&thread, 2).blocking().unwrap(), 2);
        first.join().unwrap();
        thread.close().blocking().unwrap();
        assert_ne!(seen.interrupted.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn every_call_is_answered_whenever_the_thread_is_closed() {
    explore(|| {
        let (thread, _) = watched();
        let callers: Vec<_> = (1..=3)
            .map(|number| {
                let thread = thread.clone();
                thread::spawn(move || match work(&thread, number).blocking() {
                    Ok(answer) => assert_eq!(answer, number),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Closed),
                })
            })
            .collect();
        thread.close().blocking().unwrap();
        callers.into_iter().for_each(|caller| caller.join().unwrap());
    });
}

#[test]
fn calls_that_wait_for_room_are_lost_by_nobody_who_gives_up() {
    explore(|| {
        let (thread, _) = watched();
        let callers: Vec<_> = (1..=3)
            .map(|number| {
                let thread = thread.clone();
                thread::spawn(move || give_up_at_some_time(work(&thread, number)).map(Result::unwrap))
            })
            .collect();
        assert_eq!(work(&thread, 4).blocking().unwrap(), 4);
        callers.into_iter().for_each(|caller| assert!(caller.join().unwrap().is_none_or(|number| number <= 3)));
        thread.close().blocking().unwrap();
    });
}

#[test]
fn an_object_lives_until_its_last_handle_has_gone_and_what_was_queued_has_run() {
    explore(|| {
        let (thread, seen) = watched();
        let clone = thread.clone();
        let caller = thread::spawn(move || work(&clone, 1).blocking().unwrap());
        let mut queued = work(&thread, 2);
        // In the queue, or in the line before it.
        let answered = shuttle::future::block_on(std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut queued).poll(context).is_ready())
        }));
        drop(thread);
        if !answered {
            assert_eq!(queued.blocking().unwrap(), 2);
        }
        assert_eq!(caller.join().unwrap(), 1);
        assert_eq!(seen.interrupted.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn a_generation_ends_with_its_consumer_and_loses_no_item_to_it() {
    explore(|| {
        let (thread, _) = watched();
        let take = shuttle::rand::Rng::gen_range(&mut shuttle::rand::thread_rng(), 0..4);
        let mut stream = thread.generate(|_, sink| (0..3).try_for_each(|number| sink.send(number))).stream();
        for number in 0..take.min(3) {
            assert_eq!(stream.next_blocking().unwrap().unwrap(), number);
        }
        if take == 3 {
            assert!(stream.next_blocking().is_none());
        }
        drop(stream);
        assert_eq!(work(&thread, 1).blocking().unwrap(), 1);
        thread.close().blocking().unwrap();
    });
}

#[test]
fn a_call_whose_time_ends_at_any_time_is_answered_once_and_never_interrupts_the_next_one() {
    explore(|| {
        let (thread, seen) = watched();
        let clone = thread.clone();
        let late = thread::spawn(move || {
            let call = clone.call(|object| {
                object.current.store(1, Ordering::SeqCst);
                thread::yield_now();
                object.current.store(0, Ordering::SeqCst);
                1
            });
            let far = Duration::from_secs(600);
            let call = match shuttle::rand::Rng::gen_range(&mut shuttle::rand::thread_rng(), 0..3) {
                0 => call.timeout(far),
                1 => call.deadline(Instant::now() + far),
                _ => call.timeout(far).deadline(Instant::now() + far),
            };
            match call.blocking() {
                Ok(answer) => assert_eq!(answer, 1),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Timeout),
            }
        });
        assert_eq!(work(&thread, 2).blocking().unwrap(), 2);
        late.join().unwrap();
        assert_eq!(work(&thread, 3).blocking().unwrap(), 3);
        thread.close().blocking().unwrap();
        assert!(seen.interrupted.load(Ordering::SeqCst) < 2);
    });
}

#[test]
fn a_call_that_does_not_hear_the_hook_is_told_again_whoever_told_it_first() {
    explore(|| {
        let (thread, seen) = watched();
        let call = thread.call(|object| {
            object.current.store(1, Ordering::SeqCst);
            // It hears from here on only, and as long as it takes.
            while object.interrupted.load(Ordering::SeqCst) != 1 {
                thread::yield_now();
            }
            object.current.store(0, Ordering::SeqCst);
        });
        let ticket = call.timeout(NEVER).queue();
        ticket.abort();
        let _ = ticket.blocking();
        thread.close().blocking().unwrap();
        assert!(seen.interrupted.load(Ordering::SeqCst) <= 1);
    });
}

#[test]
fn closing_now_at_any_time_answers_every_call_and_ends_the_one_that_runs() {
    explore(|| {
        let (thread, _) = watched();
        let callers: Vec<_> = (1..=2)
            .map(|_| {
                let thread = thread.clone();
                thread::spawn(move || {
                    let endless = thread.try_call(|_, running| {
                        while !running.is_cancelled() {
                            thread::yield_now();
                        }
                        Ok::<_, Infallible>(())
                    });
                    assert_eq!(endless.blocking().unwrap_err().kind(), ErrorKind::Closed);
                })
            })
            .collect();
        thread.close_now().blocking().unwrap();
        callers.into_iter().for_each(|caller| caller.join().unwrap());
    });
}
