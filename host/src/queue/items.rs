//! What is in the queue, in the order in which it comes out.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, VecDeque},
    mem,
};

/// An item and its weight, which is asked for once.
#[derive(Debug)]
pub(super) struct Item<T> {
    pub(super) value: T,
    pub(super) weight: usize,
}

/// Which item comes out first.
pub(super) enum Order<T> {
    Fifo,
    Lifo,
    Priority(fn(&T, &T) -> Ordering),
}

/// The items of a queue.
pub(super) enum Items<T> {
    Fifo(VecDeque<Item<T>>),
    Lifo(Vec<Item<T>>),
    Priority(Heap<T>),
}

impl<T> Items<T> {
    pub(super) fn new(order: Order<T>) -> Items<T> {
        match order {
            Order::Fifo => Items::Fifo(VecDeque::new()),
            Order::Lifo => Items::Lifo(Vec::new()),
            Order::Priority(compare) => Items::Priority(Heap { entries: BinaryHeap::new(), arrivals: 0, compare }),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Items::Fifo(items) => items.len(),
            Items::Lifo(items) => items.len(),
            Items::Priority(heap) => heap.entries.len(),
        }
    }

    /// What the items weigh together.
    pub(super) fn weight(&self) -> usize {
        let sum = |sum: usize, item: &Item<T>| sum.saturating_add(item.weight);
        match self {
            Items::Fifo(items) => items.iter().fold(0, sum),
            Items::Lifo(items) => items.iter().fold(0, sum),
            Items::Priority(heap) => heap.entries.iter().map(|entry| &entry.item).fold(0, sum),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn push(&mut self, item: Item<T>) {
        match self {
            Items::Fifo(items) => items.push_back(item),
            Items::Lifo(items) => items.push(item),
            Items::Priority(heap) => heap.push(item),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Item<T>> {
        match self {
            Items::Fifo(items) => items.pop_front(),
            Items::Lifo(items) => items.pop(),
            Items::Priority(heap) => heap.entries.pop().map(|entry| entry.item),
        }
    }

    pub(super) fn peek(&self) -> Option<&T> {
        let item = match self {
            Items::Fifo(items) => items.front(),
            Items::Lifo(items) => items.last(),
            Items::Priority(heap) => heap.entries.peek().map(|entry| &entry.item),
        };
        item.map(|item| &item.value)
    }

    /// Takes everything out. [`Items::into_values`] can then be called without the lock.
    pub(super) fn take(&mut self) -> Items<T> {
        let empty = Items::new(match self {
            Items::Fifo(_) => Order::Fifo,
            Items::Lifo(_) => Order::Lifo,
            Items::Priority(heap) => Order::Priority(heap.compare),
        });
        mem::replace(self, empty)
    }

    /// The values in the order in which they would have come out.
    pub(super) fn into_values(self) -> Vec<T> {
        match self {
            Items::Fifo(items) => items.into_iter().map(|item| item.value).collect(),
            Items::Lifo(items) => items.into_iter().rev().map(|item| item.value).collect(),
            Items::Priority(heap) => {
                heap.entries.into_sorted_vec().into_iter().rev().map(|entry| entry.item.value).collect()
            }
        }
    }
}

/// Greatest first; equal ones in the order in which they came.
pub(super) struct Heap<T> {
    entries: BinaryHeap<Entry<T>>,
    arrivals: u64,
    compare: fn(&T, &T) -> Ordering,
}

impl<T> Heap<T> {
    fn push(&mut self, item: Item<T>) {
        self.entries.push(Entry { item, arrival: self.arrivals, compare: self.compare });
        self.arrivals += 1;
    }
}

/// An item that brings its comparison along, so that only who makes a queue by priority needs `T: Ord`.
struct Entry<T> {
    item: Item<T>,
    arrival: u64,
    compare: fn(&T, &T) -> Ordering,
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.compare)(&self.item.value, &other.item.value).then_with(|| other.arrival.cmp(&self.arrival))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}
