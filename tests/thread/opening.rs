//! Building the object, and where it lives.

use std::{convert::Infallible, error::Error as _, fmt, num::ParseIntError, rc::Rc, sync::mpsc, thread};

use aiointernal::{Error, ErrorKind, HeapThread};

use super::{End, LastWord, closed_error, numbers, poll, push, seen};

#[test]
fn the_object_is_built_used_and_dropped_on_one_thread() {
    let (last_word, dropped) = LastWord::new();
    let setup = || Ok::<_, Infallible>((Rc::new(thread::current().id()), last_word));
    let object = HeapThread::spawn(setup).blocking().unwrap();
    let (built, used) = object.call(|(built, _)| (**built, thread::current().id())).blocking().unwrap();
    object.close().blocking().unwrap();
    assert_eq!(built, used);
    assert_eq!(dropped.recv(), Ok(built));
    assert_ne!(built, thread::current().id());
}

#[test]
fn the_thread_has_the_chosen_name_when_the_object_is_built_and_used() {
    let name = || thread::current().name().map(str::to_owned);
    let object = HeapThread::builder().name("ward-7").spawn(move || Ok::<_, Infallible>(name())).blocking().unwrap();
    let names = object.call(move |built| (built.clone(), name())).blocking().unwrap();
    assert_eq!(names, (Some("ward-7".to_owned()), Some("ward-7".to_owned())));
}

#[test]
fn the_thread_has_the_name_of_the_crate_when_none_was_chosen() {
    let name = numbers().call(|_| thread::current().name().map(str::to_owned)).blocking().unwrap();
    assert_eq!(name.as_deref(), Some("aiointernal"));
}

#[test]
fn an_error_of_the_setup_reaches_the_opener_with_its_source() {
    let error = HeapThread::spawn(|| "seven".parse::<i32>()).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup);
    let source = error.source().and_then(|source| source.downcast_ref::<ParseIntError>()).unwrap();
    assert!(error.to_string().contains(&source.to_string()), "{error}");
}

#[tokio::test]
async fn an_error_of_the_setup_reaches_an_opener_that_awaits() {
    let error = HeapThread::<()>::spawn(|| Err("no tables")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert!(error.to_string().contains("no tables"), "{error}");
}

#[test]
fn an_error_of_this_crate_passes_through_the_setup_as_it_is() {
    let ours = closed_error();
    let text = ours.to_string();
    let error = HeapThread::<()>::spawn(move || Err(ours)).blocking().unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Closed, text));
    assert!(error.source().is_none());
}

#[test]
fn a_panic_of_the_setup_is_an_error_to_the_opener() {
    let setup = || -> Result<(), Infallible> { panic!("no room for {} tables", 3) };
    let error = HeapThread::spawn(setup).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(error.to_string().contains("no room for 3 tables"), "{error}");
}

#[test]
fn a_setup_error_that_cannot_be_shown_leaves_no_opener_waiting() {
    #[derive(Debug)]
    struct Unspeakable;
    impl std::error::Error for Unspeakable {}
    impl fmt::Display for Unspeakable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("there are no words for it")
        }
    }

    let (presence, end) = End::new();
    let mut opening = HeapThread::<()>::spawn(|| {
        presence.stay();
        Err(Unspeakable)
    });
    end.wait();
    assert!(poll(&mut opening).is_ready());
}

#[test]
fn a_thread_that_the_system_refuses_is_an_error_to_the_opener() {
    let error = HeapThread::builder().stack_size(1 << 62).spawn(|| Ok::<_, Infallible>(())).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Thread);
    assert!(error.source().is_some());
}

#[tokio::test]
async fn the_opener_waits_until_the_object_is_built() {
    let (build, may_build) = mpsc::channel();
    let mut opening = HeapThread::spawn(move || may_build.recv());
    assert!(poll(&mut opening).is_pending());
    build.send(7).unwrap();
    let object = opening.await.unwrap();
    assert_eq!(object.call(|seven| *seven).await.unwrap(), 7);
}

#[test]
fn an_object_whose_opener_has_gone_is_dropped_as_soon_as_it_is_built() {
    let (build, may_build) = mpsc::channel::<()>();
    let (last_word, dropped) = LastWord::new();
    let opening = HeapThread::spawn(move || may_build.recv().map(|()| last_word));
    drop(opening);
    build.send(()).unwrap();
    assert!(dropped.recv().is_ok());
}

#[test]
fn two_objects_of_one_type_are_two_objects() {
    let (first, second) = (numbers(), numbers());
    push(&first, 1).blocking().unwrap();
    push(&second, 2).blocking().unwrap();
    assert_eq!((seen(&first), seen(&second)), (vec![1], vec![2]));
}

#[test]
fn handles_and_errors_go_to_every_thread_though_the_object_does_not() {
    fn is_handle<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn is_error<T: std::error::Error + Clone + Send + Sync + 'static>() {}
    fn is_send<T: Send + 'static>(value: T) -> T {
        value
    }

    let thread = numbers();
    is_handle(&thread);
    is_error::<Error>();
    drop(is_send(HeapThread::spawn(|| Ok::<_, Infallible>(Rc::new(0)))));
    drop(is_send(push(&thread, 1)));
    assert_eq!(is_send(push(&thread, 2).queue()).blocking().unwrap(), 2);
    is_send(thread.close()).blocking().unwrap();
}
