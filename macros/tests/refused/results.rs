use std::{borrow::Cow, fmt, io};

use aiointernal::heap_thread;

struct Words(Vec<String>);

#[heap_thread]
impl Words {
    #[sync]
    fn first(&self) -> &str {
        &self.0[0]
    }

    #[sync]
    fn slice(&self) -> io::Result<Option<&[String]>> {
        Ok(self.0.get(1..))
    }

    #[sync]
    fn all(&self) -> impl Iterator<Item = &String> {
        self.0.iter()
    }

    #[sync]
    fn cow(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0[0])
    }

    #[sync]
    fn shown(&self) -> impl fmt::Display {
        self.0.len()
    }

    #[sync]
    fn of_what(&self) -> impl Iterator {
        self.0.iter()
    }
}

fn main() {}
