use std::{borrow::Cow, ffi::OsStr};

use aiointernal::{Running, Sink, heap_thread};

struct Words(Vec<String>);

#[heap_thread]
impl Words {
    #[sync]
    fn replace(&mut self, word: &String, by: &mut Vec<u8>) {
        self.0.push(format!("{word} {by:?}"));
    }

    #[sync]
    fn borrow_within(&self, words: Vec<&str>, name: Option<&'_ OsStr>, each: &dyn Fn(&str)) {
        words.iter().for_each(|word| each(word));
        let _ = name;
    }

    #[sync]
    fn borrow_for<'a>(&'a self, word: Cow<'a, str>, into: impl Into<Cow<'a, str>>) {
        let _ = (word, into.into());
    }

    #[sync]
    fn sometimes(&self, #[cfg(unix)] word: String) {
        let _ = word;
    }

    #[sync]
    fn numbers(&self, running: &Running) -> impl Iterator<Item = u32> {
        let _ = running;
        0..9
    }

    #[sync]
    fn sent_and_told(&self, sink: &mut Sink<u32>, running: &Running) {
        let _ = (sink, running);
    }

    #[sync]
    fn sent_and_returned(&self, sink: &mut Sink<u32>) -> Option<u32> {
        let _ = sink;
        None
    }

    #[sync]
    fn sent_twice(&self, sink: &mut Sink<u32>, other: &mut Sink<String>) {
        let _ = (sink, other);
    }

    #[sync]
    fn lent(&self, sink: &mut Sink<&str>) {
        let _ = sink;
    }

    #[sync]
    fn bound<'a, T: PartialEq<&'a str>>(&self, word: T)
    where
        T: From<Cow<'a, str>>,
    {
        let _ = word;
    }
}

fn main() {}
