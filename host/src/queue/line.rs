//! Who waits, longest first.

use std::collections::VecDeque;

/// A place in a line. Later ones are greater.
pub(super) type Place = u64;

/// Entries in the order in which they came; they may leave from anywhere.
#[derive(Debug)]
pub(super) struct Line<E> {
    entries: VecDeque<(Place, E)>,
    next: Place,
}

impl<E> Line<E> {
    pub(super) fn new() -> Line<E> {
        Line { entries: VecDeque::new(), next: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn join(&mut self, entry: E) -> Place {
        let place = self.next;
        self.next += 1;
        self.entries.push_back((place, entry));
        place
    }

    /// How many are ahead.
    pub(super) fn position(&self, place: Place) -> Option<usize> {
        self.entries.binary_search_by_key(&place, |(place, _)| *place).ok()
    }

    pub(super) fn entry(&mut self, place: Place) -> Option<&mut E> {
        let position = self.position(place)?;
        self.at(position)
    }

    pub(super) fn leave(&mut self, place: Place) -> Option<E> {
        let position = self.position(place)?;
        self.entries.remove(position).map(|(_, entry)| entry)
    }

    pub(super) fn at(&mut self, position: usize) -> Option<&mut E> {
        self.entries.get_mut(position).map(|(_, entry)| entry)
    }

    /// Takes the first, if it is like this.
    pub(super) fn pop_if(&mut self, like: impl FnOnce(&E) -> bool) -> Option<E> {
        let (_, first) = self.entries.front()?;
        if like(first) { self.entries.pop_front().map(|(_, entry)| entry) } else { None }
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut E> {
        self.entries.iter_mut().map(|(_, entry)| entry)
    }

    /// Takes those that are like this.
    pub(super) fn extract(&mut self, like: impl Fn(&E) -> bool) -> VecDeque<(Place, E)> {
        if !self.entries.iter().any(|(_, entry)| like(entry)) {
            return VecDeque::new();
        }
        let (out, stay) = self.entries.drain(..).partition(|(_, entry)| like(entry));
        self.entries = stay;
        out
    }
}
