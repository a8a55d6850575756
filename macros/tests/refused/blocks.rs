use aiointernal::heap_thread;

#[heap_thread]
struct Words(Vec<String>);

#[heap_thread]
impl Clone for Words {
    #[sync]
    fn clone(&self) -> Self {
        Words(self.0.clone())
    }
}

struct Lent<'a, T>(&'a T);

#[heap_thread]
impl<'a, T> Lent<'a, T> {
    #[sync]
    fn get(&self) {}
}

#[heap_thread(handle = Lending)]
impl<T> Lent<'_, T> {
    #[sync]
    fn take(&self) {}
}

#[heap_thread]
impl Words {
    fn nothing(&self) {}
}

fn main() {}
