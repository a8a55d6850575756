use aiointernal::heap_thread;

struct Words(Vec<String>);

#[heap_thread]
impl Words {
    #[sync]
    async fn later(&self) {}

    #[sync]
    fn into_all(self) -> Vec<String> {
        self.0
    }

    #[sync]
    fn boxed(self: Box<Self>) {}

    #[sync]
    unsafe fn unchecked(&self) {}

    #[sync]
    extern "C" fn foreign(&self) {}

    #[sync]
    fn close(&mut self) {}

    #[sync]
    fn thread(&self) {}

    #[sync(now)]
    fn now(&self) {}

    #[sync]
    const ONE: usize = 1;
}

fn main() {}
