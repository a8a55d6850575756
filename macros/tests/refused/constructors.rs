use aiointernal::heap_thread;

struct Words(Vec<String>);

#[heap_thread]
impl Words {
    #[sync]
    fn new() -> Self {
        Words(Vec::new())
    }

    #[sync]
    fn open(word: String) -> Result<Words, String> {
        Ok(Words(vec![word]))
    }

    #[sync]
    fn count() -> usize {
        0
    }

    #[sync]
    fn maybe() -> Option<Self> {
        None
    }

    #[sync]
    fn from(word: &char) -> Self {
        Words(vec![word.to_string()])
    }
}

fn main() {}
