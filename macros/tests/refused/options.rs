use aiointernal::heap_thread;

struct Words;

#[heap_thread(name = "words")]
impl Words {
    #[sync]
    fn one(&self) {}
}

#[heap_thread("words")]
impl Words {
    #[sync]
    fn two(&self) {}
}

#[heap_thread(handle = One, handle = Two)]
impl Words {
    #[sync]
    fn three(&self) {}
}

#[heap_thread(handle)]
impl Words {
    #[sync]
    fn four(&self) {}
}

fn main() {}
