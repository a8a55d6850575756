//! What a queue should do, too simple to be wrong.

use std::cmp::Ordering;

use aiointernal::queue::{Cause, NoItem, Shutdown};

use super::SLOTS;

/// Compared by urgency, weighed by weight, told apart by number.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) urgency: u8,
    pub(super) weight: usize,
    pub(super) number: usize,
}

impl Ord for Job {
    fn cmp(&self, other: &Self) -> Ordering {
        self.urgency.cmp(&other.urgency)
    }
}

impl PartialOrd for Job {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Job {}

#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Fifo,
    Lifo,
    Priority,
}

/// A put, as the model sees it.
#[derive(Clone, Debug)]
pub(super) enum PutModel {
    Gone,
    New(Job),
    Waiting(Job),
    Entered,
    Refused(Cause, Job),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum GetModel {
    Gone,
    New,
    Waiting,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum JoinModel {
    Gone,
    New,
    Waiting,
    Ended,
}

pub(super) type PutEnd = Result<(), (Cause, usize)>;
pub(super) type GetEnd = Result<usize, NoItem>;

pub(super) struct Model {
    order: Order,
    pub(super) items: Vec<Job>,
    pub(super) capacity: usize,
    pub(super) taken: usize,
    pub(super) ended: Option<Shutdown>,
    pub(super) puts: Vec<PutModel>,
    /// Slots of waiting puts, longest first; the same of gets.
    pub(super) put_line: Vec<usize>,
    pub(super) gets: Vec<GetModel>,
    pub(super) get_line: Vec<usize>,
    pub(super) joins: Vec<JoinModel>,
}

impl Model {
    pub(super) fn new(order: Order, capacity: usize) -> Model {
        Model {
            order,
            items: Vec::new(),
            capacity,
            taken: 0,
            ended: None,
            puts: vec![PutModel::Gone; SLOTS],
            put_line: Vec::new(),
            gets: vec![GetModel::Gone; SLOTS],
            get_line: Vec::new(),
            joins: vec![JoinModel::Gone; SLOTS],
        }
    }

    pub(super) fn weight(&self) -> usize {
        self.items.iter().map(|job| job.weight).sum()
    }

    /// Where the item is that comes out next.
    pub(super) fn next(&self) -> Option<usize> {
        match self.order {
            Order::Fifo => (!self.items.is_empty()).then_some(0),
            Order::Lifo => self.items.len().checked_sub(1),
            Order::Priority => (0..self.items.len()).rev().max_by_key(|index| self.items[*index].urgency),
        }
    }

    pub(super) fn refusal(&self, job: &Job) -> Option<Cause> {
        if self.ended.is_some() {
            Some(Cause::ShutDown)
        } else if job.weight > self.capacity {
            Some(Cause::TooHeavy)
        } else if !self.put_line.is_empty() || self.weight() + job.weight > self.capacity {
            Some(Cause::Full)
        } else {
            None
        }
    }

    pub(super) fn try_put(&mut self, job: Job) -> PutEnd {
        match self.refusal(&job) {
            Some(cause) => Err((cause, job.number)),
            None => {
                self.items.push(job);
                Ok(())
            }
        }
    }

    fn take(&mut self) -> usize {
        let index = self.next().expect("there is an item");
        let job = self.items.remove(index);
        self.taken += 1;
        self.admit();
        job.number
    }

    pub(super) fn try_get(&mut self) -> GetEnd {
        if self.items.len() > self.get_line.len() {
            Ok(self.take())
        } else if self.ended.is_some() && self.items.is_empty() {
            Err(NoItem::ShutDown)
        } else {
            Err(NoItem::Empty)
        }
    }

    fn admit(&mut self) {
        while let Some(slot) = self.put_line.first().copied() {
            let PutModel::Waiting(job) = &self.puts[slot] else { unreachable!("it is in line") };
            if self.weight() + job.weight > self.capacity {
                break;
            }
            self.items.push(job.clone());
            self.puts[slot] = PutModel::Entered;
            self.put_line.remove(0);
        }
    }

    fn refuse(&mut self, cause: Cause, like: impl Fn(&Job) -> bool) {
        for put in &mut self.puts {
            if let PutModel::Waiting(job) = put
                && like(job)
            {
                *put = PutModel::Refused(cause, job.clone());
            }
        }
        self.put_line.retain(|slot| matches!(self.puts[*slot], PutModel::Waiting(_)));
    }

    fn finish(&mut self) {
        if self.items.is_empty() && self.taken == 0 {
            self.joins.iter_mut().filter(|join| **join == JoinModel::Waiting).for_each(|join| *join = JoinModel::Ended);
        }
    }

    pub(super) fn clear(&mut self) -> Vec<usize> {
        let numbers = std::iter::from_fn(|| self.next().map(|index| self.items.remove(index).number)).collect();
        self.finish();
        self.admit();
        numbers
    }

    pub(super) fn task_done(&mut self) -> bool {
        let marked = self.taken > 0;
        self.taken = self.taken.saturating_sub(1);
        if marked {
            self.finish();
        }
        marked
    }

    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.refuse(Cause::TooHeavy, |job| job.weight > capacity);
        self.admit();
    }

    pub(super) fn shut_down(&mut self, how: Shutdown) -> Vec<usize> {
        self.ended = self.ended.max(Some(how));
        self.refuse(Cause::ShutDown, |_| true);
        if how == Shutdown::Immediate { self.clear() } else { Vec::new() }
    }

    pub(super) fn put_is_ready(&self, slot: usize) -> bool {
        matches!(self.puts[slot], PutModel::Entered | PutModel::Refused(..))
    }

    pub(super) fn get_is_ready(&self, slot: usize) -> bool {
        let ahead = self.get_line.iter().position(|waits| *waits == slot);
        ahead.is_some_and(|ahead| ahead < self.items.len() || (self.ended.is_some() && self.items.is_empty()))
    }

    pub(super) fn poll_put(&mut self, slot: usize) -> Option<PutEnd> {
        let end = match self.puts[slot].clone() {
            PutModel::Gone | PutModel::Waiting(_) => return None,
            PutModel::New(job) => match self.try_put(job.clone()) {
                Err((Cause::Full, _)) => {
                    self.puts[slot] = PutModel::Waiting(job);
                    self.put_line.push(slot);
                    return None;
                }
                end => end,
            },
            PutModel::Entered => Ok(()),
            PutModel::Refused(cause, job) => Err((cause, job.number)),
        };
        self.puts[slot] = PutModel::Gone;
        Some(end)
    }

    pub(super) fn expire_put(&mut self, slot: usize) -> Option<PutEnd> {
        self.poll_put(slot).or_else(|| match self.drop_put(slot) {
            PutModel::Waiting(job) => Some(Err((Cause::TimedOut, job.number))),
            _ => None,
        })
    }

    pub(super) fn drop_put(&mut self, slot: usize) -> PutModel {
        self.put_line.retain(|waits| *waits != slot);
        let put = std::mem::replace(&mut self.puts[slot], PutModel::Gone);
        self.admit();
        put
    }

    pub(super) fn poll_get(&mut self, slot: usize) -> Option<GetEnd> {
        let end = match self.gets[slot] {
            GetModel::Gone => return None,
            GetModel::New => self.try_get(),
            GetModel::Waiting if self.get_is_ready(slot) => {
                self.get_line.retain(|waits| *waits != slot);
                if self.items.is_empty() { Err(NoItem::ShutDown) } else { Ok(self.take()) }
            }
            GetModel::Waiting => return None,
        };
        if end == Err(NoItem::Empty) {
            self.gets[slot] = GetModel::Waiting;
            self.get_line.push(slot);
            return None;
        }
        self.gets[slot] = GetModel::Gone;
        Some(end)
    }

    pub(super) fn expire_get(&mut self, slot: usize) -> Option<GetEnd> {
        let waits = self.gets[slot] != GetModel::Gone;
        self.poll_get(slot).or_else(|| {
            self.drop_get(slot);
            waits.then_some(Err(NoItem::TimedOut))
        })
    }

    pub(super) fn drop_get(&mut self, slot: usize) {
        self.get_line.retain(|waits| *waits != slot);
        self.gets[slot] = GetModel::Gone;
    }

    pub(super) fn poll_join(&mut self, slot: usize) -> Option<()> {
        let ended = match self.joins[slot] {
            JoinModel::Gone | JoinModel::Waiting => false,
            JoinModel::New => self.items.is_empty() && self.taken == 0,
            JoinModel::Ended => true,
        };
        match (self.joins[slot], ended) {
            (_, true) => self.joins[slot] = JoinModel::Gone,
            (JoinModel::New, false) => self.joins[slot] = JoinModel::Waiting,
            _ => {}
        }
        ended.then_some(())
    }
}
