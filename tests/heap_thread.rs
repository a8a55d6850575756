//! `#[heap_thread]`: handles that are generated.
#![expect(
    clippy::multiple_bound_locations,
    clippy::needless_arbitrary_self_type,
    reason = "the attribute takes everything that the language does"
)]

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    error::Error as _,
    fmt,
    marker::PhantomData,
    path::{Path, PathBuf},
    rc::Rc,
    str::FromStr,
    sync::mpsc,
    thread::{self, ThreadId},
};

use aiointernal::{Error, ErrorKind, HeapThread, Running, Sink, heap_thread};
use futures_util::StreamExt as _;

/// Words, which share their text: `Rc` keeps them on one thread.
#[derive(Clone, Debug, Default)]
struct Words {
    words: Rc<RefCell<Vec<Rc<str>>>>,
    asked: Cell<usize>,
}

#[derive(Debug, PartialEq)]
struct NoWord(usize);

impl fmt::Display for NoWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no word {}", self.0)
    }
}

impl std::error::Error for NoWord {}

#[heap_thread(handle = Dictionary)]
impl Words {
    const ENDS: usize = 2;

    #[sync]
    fn new() -> Self {
        Self::default()
    }

    /// The words of a text.
    #[sync]
    fn of(text: &str) -> Result<Self, NoWord> {
        let words: Vec<Rc<str>> = text.split(' ').filter(|word| !word.is_empty()).map(Rc::from).collect();
        if words.is_empty() {
            return Err(NoWord(0));
        }
        Ok(Words { words: Rc::new(RefCell::new(words)), asked: Cell::new(0) })
    }

    #[sync]
    fn add(&mut self, word: &str) -> usize {
        let mut words = self.words.borrow_mut();
        words.push(word.into());
        words.len()
    }

    #[sync]
    fn add_all(&mut self, words: &[String], last: impl Into<String>) {
        words.iter().cloned().chain([last.into()]).for_each(|word| self.words.borrow_mut().push(word.into()));
    }

    #[sync]
    fn get(&self, index: usize) -> Result<String, NoWord> {
        self.asked.set(self.asked.get() + 1);
        self.words.borrow().get(index).map(|word| word.to_string()).ok_or(NoWord(index))
    }

    #[sync]
    fn asked(self: &Self) -> usize {
        self.asked.get()
    }

    #[sync]
    fn all(&mut self) -> impl Iterator<Item = String> + '_ {
        self.words = Rc::new(RefCell::new(self.words.take()));
        Rc::get_mut(&mut self.words).unwrap().get_mut().drain(..).map(|word| word.to_string())
    }

    #[sync]
    fn numbers(&self) -> impl Iterator<Item = Result<u32, <u32 as FromStr>::Err>> {
        let words = self.words.borrow().clone();
        words.into_iter().map(|word| word.parse())
    }

    #[sync]
    fn after(&self, index: usize) -> Result<Box<dyn Iterator<Item = Result<String, NoWord>> + '_>, NoWord> {
        self.get(index)?;
        Ok(Box::new((index + 1..).map(|index| self.get(index))))
    }

    /// Each word so often, as an iterator that borrows from itself could not.
    #[sync]
    fn repeated(&self, sink: &mut Sink<String>, times: usize) -> Result<(), Error> {
        let words = self.words.borrow();
        words.iter().flat_map(|word| std::iter::repeat_n(word, times)).try_for_each(|word| sink.send(word.to_string()))
    }

    #[sync]
    fn lengths(&self, sink: &mut Sink<usize>) {
        self.words.borrow().iter().take_while(|word| sink.send(word.len()).is_ok()).for_each(drop);
    }

    #[sync]
    fn count<'a, const N: usize, P>(&'a self, suffixes: [&'static str; N], (or, _): (P, u8)) -> [usize; N]
    where
        P: Fn(&str) -> bool + 'a,
    {
        let words = self.words.borrow();
        suffixes.map(|suffix| words.iter().filter(|word| word.ends_with(suffix) || or(word)).count())
    }

    #[sync]
    fn parsed<V: FromStr<Err: fmt::Debug>>(&self, index: usize) -> Option<V> {
        self.words.borrow().get(index)?.parse().ok()
    }

    /// Its first and its last word.
    #[sync]
    fn ends(&self) -> [Option<Box<str>>; Self::ENDS] {
        let words = self.words.borrow();
        [words.first(), words.last()].map(|word| word.map(|word| (&**word).into()))
    }

    #[sync]
    #[must_use]
    fn here(&self) -> ThreadId {
        thread::current().id()
    }

    #[sync]
    fn name(&self, folder: &Path, object: impl FnOnce(&Path) -> PathBuf) -> PathBuf {
        object(folder)
    }

    /// Waits until its caller has gone.
    #[sync]
    fn wait(&self, entered: mpsc::Sender<()>, running: &Running, left: mpsc::Sender<bool>) {
        entered.send(()).unwrap();
        while !running.is_cancelled() {
            thread::yield_now();
        }
        left.send(running.is_cancelled()).unwrap();
    }

    #[sync]
    #[deprecated = "ask for the words"]
    fn old(&self) -> usize {
        self.secret()
    }

    #[cfg(any())]
    #[sync]
    fn absent(&self) -> ThisTypeDoesNotExist {}

    fn secret(&self) -> usize {
        self.words.borrow().len()
    }
}

fn dictionary(text: &str) -> Dictionary {
    Dictionary::of(text).blocking().unwrap()
}

#[tokio::test]
async fn the_handle_has_the_methods_of_the_object() {
    let words = Dictionary::open().await.unwrap();
    assert_eq!(words.add("fish").await.unwrap(), 1);
    assert_eq!(words.add(String::from("owl")).await.unwrap(), 2);
    words.add_all(["ant".to_owned()], "bee").await.unwrap();
    assert_eq!(words.get(3).await.unwrap(), "bee");
    assert_eq!(words.asked().await.unwrap(), 1);
    assert_eq!(words.all().await.unwrap(), ["fish", "owl", "ant", "bee"]);
}

#[test]
fn calls_can_be_queued_and_made_blocking() {
    let words = dictionary("one");
    let second = words.add("two").queue();
    let third = words.add("three").blocking().unwrap();
    assert_eq!((second.blocking().unwrap(), third), (2, 3));
}

#[test]
fn the_methods_run_on_the_thread_of_the_object() {
    let words = dictionary("one");
    let id = words.thread().call(|_| thread::current().id()).blocking().unwrap();
    assert_eq!(words.here().blocking().unwrap(), id);
    assert_ne!(id, thread::current().id());
}

#[test]
fn an_error_of_the_object_can_be_found_again() {
    let error = dictionary("one").get(7).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Object);
    assert_eq!(error.downcast_ref::<NoWord>(), Some(&NoWord(7)));
}

#[tokio::test]
async fn an_error_of_the_constructor_reaches_the_opener() {
    let error = Dictionary::of("").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert_eq!(error.source().and_then(|source| source.downcast_ref()), Some(&NoWord(0)));
}

#[tokio::test]
async fn an_iterator_that_borrows_from_the_object_is_a_stream() {
    let words = dictionary(&"word ".repeat(1000));
    let items: Vec<_> = words.all().stream().map(Result::unwrap).collect().await;
    assert_eq!(items.len(), 1000);
    assert!(words.all().await.unwrap().is_empty());
}

#[test]
fn a_stream_that_is_dropped_lets_the_object_go() {
    let words = dictionary(&"word ".repeat(1000));
    let mut stream = words.all().stream();
    assert_eq!(stream.next_blocking().unwrap().unwrap(), "word");
    drop(stream);
    assert!(words.all().blocking().unwrap().is_empty());
}

#[test]
fn an_item_that_failed_ends_the_stream() {
    let words = dictionary("1 2 three 4");
    let mut stream = words.numbers().stream();
    assert_eq!(stream.next_blocking().unwrap().unwrap(), 1);
    assert_eq!(stream.next_blocking().unwrap().unwrap(), 2);
    let error = stream.next_blocking().unwrap().unwrap_err();
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some(), "{error:?}");
    assert!(stream.next_blocking().is_none());
    assert_eq!(dictionary("1 2").numbers().blocking().unwrap(), [1, 2]);
}

#[test]
fn an_iterator_that_cannot_start_is_one_error() {
    let words = dictionary("one two");
    let error = words.after(2).blocking().unwrap_err();
    assert_eq!(error.downcast_ref::<NoWord>(), Some(&NoWord(2)));
    let mut stream = words.after(0).stream();
    assert_eq!(stream.next_blocking().unwrap().unwrap(), "two");
    assert_eq!(stream.next_blocking().unwrap().unwrap_err().downcast_ref::<NoWord>(), Some(&NoWord(2)));
    assert!(stream.next_blocking().is_none());
}

#[test]
fn a_method_with_a_sink_is_a_stream_of_what_it_sends() {
    let words = dictionary("fish owl");
    assert_eq!(words.repeated(2).blocking().unwrap(), ["fish", "fish", "owl", "owl"]);
    assert_eq!(words.lengths().blocking().unwrap(), [4, 3]);
    let mut endless = words.repeated(usize::MAX).stream();
    assert_eq!(endless.next_blocking().unwrap().unwrap(), "fish");
    drop(endless);
    assert_eq!(words.lengths().blocking().unwrap(), [4, 3]);
}

#[test]
fn methods_keep_their_generics() {
    let words = dictionary("1 fish fishes 4");
    assert_eq!(words.count(["fish", "es"], (|word: &str| word == "4", 0)).blocking().unwrap(), [2, 2]);
    assert_eq!(words.parsed::<u32>(3).blocking().unwrap(), Some(4));
    assert_eq!(words.parsed::<char>(1).blocking().unwrap(), None);
    assert_eq!(words.ends().blocking().unwrap(), [Some("1".into()), Some("4".into())]);
}

#[test]
fn a_path_and_a_closure_travel() {
    let renamed = dictionary("one").name("words", |folder| folder.join("one.txt")).blocking().unwrap();
    assert_eq!(renamed, Path::new("words/one.txt"));
}

#[test]
fn a_method_can_be_told_of_its_call() {
    let words = dictionary("one");
    let (enter, entered) = mpsc::channel();
    let (leave, left) = mpsc::channel();
    let call = words.wait(enter, leave).queue();
    entered.recv().unwrap();
    drop(call);
    assert_eq!(left.recv(), Ok(true));
    assert_eq!(words.add("two").blocking().unwrap(), 2);
}

#[test]
#[expect(deprecated, reason = "this is what the test states")]
fn a_deprecated_method_is_deprecated_on_the_handle() {
    assert_eq!(dictionary("one two").old().blocking().unwrap(), 2);
}

#[test]
fn clones_share_the_object_and_two_objects_are_two() {
    let (first, second) = (dictionary("one"), dictionary("one"));
    let clone = first.clone();
    assert_eq!(clone.add("two").blocking().unwrap(), 2);
    assert_eq!(first.add("three").blocking().unwrap(), 3);
    assert_eq!(second.add("two").blocking().unwrap(), 2);
    assert_ne!(first.here().blocking().unwrap(), second.here().blocking().unwrap());
}

#[tokio::test]
async fn closing_a_handle_closes_the_object_for_every_clone() {
    let words = dictionary("one");
    let clone = words.clone();
    assert!(!clone.is_closed());
    assert_eq!(format!("{clone:?}"), "Dictionary(HeapThread { closed: false, .. })");
    words.close().await.unwrap();
    assert!(clone.is_closed());
    assert_eq!(clone.add("two").await.unwrap_err().kind(), ErrorKind::Closed);
    let error = clone.all().stream().next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn an_object_that_a_builder_started_gets_its_handle() {
    let builder = HeapThread::builder().name("words-7");
    let words: Dictionary = builder.spawn(|| Words::of("one")).into_handle().await.unwrap();
    let name = words.thread().call(|_| thread::current().name().map(str::to_owned)).await.unwrap();
    assert_eq!(name.as_deref(), Some("words-7"));
    let again = Dictionary::from(words.thread().clone());
    assert_eq!(again.add("two").await.unwrap(), 2);
}

/// What only has methods that others have as well.
struct Counter<K, const STEP: usize> {
    counts: BTreeMap<K, usize>,
    _here: PhantomData<Rc<()>>,
}

/// For the type itself, and by value: nearer than its own methods that take a reference.
impl<K, const STEP: usize> Iterator for Counter<K, STEP> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        None
    }
}

#[heap_thread]
impl<K, const STEP: usize> Counter<K, STEP>
where
    K: Ord + Clone + Send,
{
    #[sync]
    fn of(key: K) -> Self {
        Counter { counts: BTreeMap::from([(key, STEP)]), _here: PhantomData }
    }

    /// As a trait's method that would take the iterator by value.
    #[sync]
    fn count(&self) -> usize {
        self.counts.values().sum()
    }

    #[sync]
    fn more<'a, Q: Into<K>>(&'a mut self, mut key: Q, object: usize) -> Result<[usize; STEP], Error>
    where
        Q: Clone + 'a,
    {
        key = key.clone();
        let count = self.counts.entry(key.into()).or_default();
        *count += STEP * object;
        Ok([*count; STEP])
    }

    #[sync]
    fn keys(&self) -> impl DoubleEndedIterator<Item = K> + use<'_, K, STEP> {
        self.counts.keys().cloned()
    }
}

#[test]
fn the_handle_of_a_generic_object_is_generic() {
    let counter = CounterHandle::<String, 2>::of("one".to_owned()).blocking().unwrap();
    assert_eq!(counter.more("two", 10).blocking().unwrap(), [20, 20]);
    assert_eq!(counter.count().blocking().unwrap(), 22);
    assert_eq!(counter.keys().blocking().unwrap(), ["one", "two"]);
}

mod rooms {
    use aiointernal::heap_thread;

    type Result<V> = std::result::Result<V, std::num::ParseIntError>;

    #[derive(Debug, Default)]
    pub(super) struct Room {
        sum: u32,
    }

    #[heap_thread(handle = pub(super) Door)]
    impl Room {
        #[sync]
        pub(super) fn new() -> Room {
            Room::default()
        }

        #[aiointernal::sync]
        pub(super) fn add(&mut self, number: &str) -> Result<u32> {
            self.sum += number.parse::<u32>()?;
            Ok(self.sum)
        }
    }
}

#[test]
fn a_handle_is_as_visible_as_it_says_and_knows_aliases_of_result() {
    let door = rooms::Door::open().blocking().unwrap();
    assert_eq!(door.add("40").blocking().unwrap(), 40);
    assert_eq!(door.add("2").blocking().unwrap(), 42);
    assert_eq!(door.add("two").blocking().unwrap_err().kind(), ErrorKind::Object);
}

/// Types that a macro by example passes on are in groups that nobody sees.
macro_rules! echo {
    ($object:ty, $value:ty) => {
        struct Echo;

        #[heap_thread]
        impl $object {
            #[sync]
            fn new() -> $object {
                Echo
            }

            #[sync]
            fn echo(&self, text: &$value) -> Result<Box<$value>, NoWord> {
                Ok(text.into())
            }
        }
    };
}

echo!(Echo, str);

#[test]
fn the_attribute_works_within_a_macro() {
    let echo = EchoHandle::open().blocking().unwrap();
    assert_eq!(&*echo.echo("hello").blocking().unwrap(), "hello");
}

#[test]
fn a_handle_is_send_and_sync_where_its_object_is_not() {
    fn is_handle<H: Clone + Send + Sync + 'static>(_: &H) {}
    fn is_send<V: Send>(value: V) -> V {
        value
    }

    let words = is_send(Dictionary::open()).blocking().unwrap();
    is_handle(&words);
    assert_eq!(is_send(words.add("one")).blocking().unwrap(), 1);
    assert_eq!(is_send(words.all()).blocking().unwrap(), ["one"]);
}
