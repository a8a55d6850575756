//! Any sequence of operations, against a model that is too simple to be wrong.

mod model;

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, atomic},
    task::{Context, Poll},
};

use aiointernal::queue::{Get, Join, NoItem, Put, Queue, Refused, Shutdown, Until};
use proptest::{collection::vec, prelude::*};

use self::model::{GetEnd, GetModel, Job, JoinModel, Model, Order, PutEnd, PutModel};
use super::Bell;

/// Futures of each kind that are under way at most.
const SLOTS: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Side {
    Put,
    Get,
    Join,
}

#[derive(Clone, Debug)]
enum Step {
    TryPut {
        urgency: u8,
        weight: usize,
    },
    TryGet,
    /// Makes a future of a put in place of the one that is in this slot.
    Put {
        slot: usize,
        urgency: u8,
        weight: usize,
    },
    Get(usize),
    Join(usize),
    Poll(Side, usize),
    /// Its time is over; then it is polled.
    Expire(Side, usize),
    Drop(Side, usize),
    TaskDone,
    Peek,
    Clear,
    SetCapacity(usize),
    ShutDown(Shutdown),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let slot = || 0..SLOTS;
    let side = || prop_oneof![Just(Side::Put), Just(Side::Get), Just(Side::Join)];
    let step = prop_oneof![
        4 => (0..3u8, 0..4usize).prop_map(|(urgency, weight)| Step::TryPut { urgency, weight }),
        4 => Just(Step::TryGet),
        6 => (slot(), 0..3u8, 0..4usize).prop_map(|(slot, urgency, weight)| Step::Put { slot, urgency, weight }),
        6 => slot().prop_map(Step::Get),
        2 => slot().prop_map(Step::Join),
        16 => (side(), slot()).prop_map(|(side, slot)| Step::Poll(side, slot)),
        3 => (side(), slot()).prop_map(|(side, slot)| Step::Expire(side, slot)),
        3 => (side(), slot()).prop_map(|(side, slot)| Step::Drop(side, slot)),
        4 => Just(Step::TaskDone),
        1 => Just(Step::Peek),
        1 => Just(Step::Clear),
        2 => (0..6usize).prop_map(Step::SetCapacity),
    ];
    let end = prop_oneof![Just(Shutdown::Drain), Just(Shutdown::Immediate)].prop_map(Step::ShutDown);
    (vec(step.clone(), 0..60), vec(prop_oneof![6 => step, 1 => end], 0..20))
        .prop_map(|(steps, last)| [steps, last].concat())
}

/// A limit that is over when it is told so.
#[derive(Clone, Default)]
struct Limit(Arc<atomic::AtomicBool>);

impl Future for Limit {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.load(atomic::Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// A future, and how often it had been woken when it was polled last.
struct Slot<F> {
    future: F,
    limit: Limit,
    bell: Arc<Bell>,
    heard: usize,
}

impl<F: Future + Unpin> Slot<F> {
    fn new(make: impl FnOnce(Limit) -> F) -> Option<Slot<F>> {
        let limit = Limit::default();
        Some(Slot { future: make(limit.clone()), limit, bell: Bell::new(), heard: 0 })
    }

    fn poll(&mut self) -> Option<F::Output> {
        self.heard = self.bell.rings();
        match self.bell.poll(&mut self.future) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    fn expire(&mut self) -> Option<F::Output> {
        self.limit.0.store(true, atomic::Ordering::SeqCst);
        self.poll()
    }

    fn was_woken(&self) -> bool {
        self.bell.rings() > self.heard
    }
}

/// Polls what is in the slot, and empties it when that has ended.
fn poll<F: Future + Unpin>(slot: &mut Option<Slot<F>>, expire: bool) -> Option<F::Output> {
    let filled = slot.as_mut()?;
    let output = if expire { filled.expire() } else { filled.poll() };
    if output.is_some() {
        *slot = None;
    }
    output
}

type Slots<F> = [Option<Slot<F>>; SLOTS];

struct Real<'a> {
    queue: &'a Queue<Job>,
    puts: Slots<Until<Put<'a, Job>, Limit>>,
    gets: Slots<Until<Get<'a, Job>, Limit>>,
    joins: Slots<Join<'a, Job>>,
}

fn put_end(end: Result<(), Refused<Job>>) -> PutEnd {
    end.map_err(|refused| (refused.cause(), refused.into_item().number))
}

fn get_end(end: Result<Job, NoItem>) -> GetEnd {
    end.map(|job| job.number)
}

fn numbers(jobs: Vec<Job>) -> Vec<usize> {
    jobs.into_iter().map(|job| job.number).collect()
}

/// Does a step in both, and compares what comes of it.
fn walk(real: &mut Real<'_>, model: &mut Model, step: Step, number: usize) {
    let queue = real.queue;
    match step {
        Step::TryPut { urgency, weight } => {
            let job = Job { urgency, weight, number };
            assert_eq!(put_end(queue.try_put(job.clone())), model.try_put(job));
        }
        Step::TryGet => assert_eq!(get_end(queue.try_get()), model.try_get()),
        Step::Put { slot, urgency, weight } => {
            let job = Job { urgency, weight, number };
            real.puts[slot] = None;
            model.drop_put(slot);
            model.puts[slot] = PutModel::New(job.clone());
            real.puts[slot] = Slot::new(|limit| queue.put(job).until(limit));
        }
        Step::Get(slot) => {
            real.gets[slot] = None;
            model.drop_get(slot);
            model.gets[slot] = GetModel::New;
            real.gets[slot] = Slot::new(|limit| queue.get().until(limit));
        }
        Step::Join(slot) => {
            model.joins[slot] = JoinModel::New;
            real.joins[slot] = Slot::new(|_| queue.join());
        }
        Step::Poll(Side::Put, slot) => {
            assert_eq!(poll(&mut real.puts[slot], false).map(put_end), model.poll_put(slot));
        }
        Step::Poll(Side::Get, slot) => {
            assert_eq!(poll(&mut real.gets[slot], false).map(get_end), model.poll_get(slot));
        }
        Step::Poll(Side::Join, slot) | Step::Expire(Side::Join, slot) => {
            assert_eq!(poll(&mut real.joins[slot], false), model.poll_join(slot));
        }
        Step::Expire(Side::Put, slot) => {
            assert_eq!(poll(&mut real.puts[slot], true).map(put_end), model.expire_put(slot));
        }
        Step::Expire(Side::Get, slot) => {
            assert_eq!(poll(&mut real.gets[slot], true).map(get_end), model.expire_get(slot));
        }
        Step::Drop(Side::Put, slot) => {
            real.puts[slot] = None;
            model.drop_put(slot);
        }
        Step::Drop(Side::Get, slot) => {
            real.gets[slot] = None;
            model.drop_get(slot);
        }
        Step::Drop(Side::Join, slot) => {
            real.joins[slot] = None;
            model.joins[slot] = JoinModel::Gone;
        }
        Step::TaskDone => assert_eq!(queue.task_done().is_ok(), model.task_done()),
        Step::Peek => {
            let next = model.next().map(|index| model.items[index].number);
            assert_eq!(queue.peek_with(|job| job.number), next);
        }
        Step::Clear => assert_eq!(numbers(queue.clear()), model.clear()),
        Step::SetCapacity(capacity) => {
            queue.set_capacity(capacity);
            model.set_capacity(capacity);
        }
        Step::ShutDown(how) => assert_eq!(numbers(queue.shutdown(how)), model.shut_down(how)),
    }
}

/// What must hold between steps: the numbers, and that who could go on was woken.
fn compare(real: &Real<'_>, model: &Model) {
    let stats = real.queue.stats();
    assert_eq!((stats.queued, stats.weight), (model.items.len(), model.weight()));
    assert_eq!((stats.putting, stats.getting), (model.put_line.len(), model.get_line.len()));
    assert_eq!(stats.unfinished, model.items.len() + model.taken);
    assert_eq!((real.queue.capacity(), real.queue.ended()), (model.capacity, model.ended));
    for slot in 0..SLOTS {
        if let Some(put) = &real.puts[slot] {
            assert_eq!(put.was_woken(), model.put_is_ready(slot), "put {slot}");
        }
        if let Some(get) = &real.gets[slot] {
            // A promise may have been taken back, so one that was woken need not be ready.
            assert!(get.was_woken() || !model.get_is_ready(slot), "get {slot}");
        }
        if let Some(join) = &real.joins[slot] {
            assert_eq!(join.was_woken(), model.joins[slot] == JoinModel::Ended, "join {slot}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_operations_does_what_the_model_says(
        order in prop_oneof![Just(Order::Fifo), Just(Order::Lifo), Just(Order::Priority)],
        capacity in 1..6usize,
        steps in steps(),
    ) {
        let builder = Queue::builder().weight(|job: &Job| job.weight);
        let queue = match order {
            Order::Fifo => builder.fifo(capacity),
            Order::Lifo => builder.lifo(capacity),
            Order::Priority => builder.priority(capacity),
        };
        let (puts, gets, joins) = ([const { None }; SLOTS], [const { None }; SLOTS], [const { None }; SLOTS]);
        let mut real = Real { queue: &queue, puts, gets, joins };
        let mut model = Model::new(order, capacity);
        for (number, step) in steps.into_iter().enumerate() {
            walk(&mut real, &mut model, step, number);
            compare(&real, &model);
        }
    }
}
