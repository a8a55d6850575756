use aiointernal::sync;

struct Words;

impl Words {
    #[sync]
    fn one(&self) {}
}

#[sync]
fn two() {}

fn main() {}
