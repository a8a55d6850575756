//! A get under way, and the line of those that wait.

use std::task::Waker;

use super::{line::Place, no_item::NoItem, state::State, wait::Errand};

/// A get under way, with its place in the line.
#[derive(Default)]
pub(super) struct Getting {
    place: Option<Place>,
}

impl Getting {
    /// Ends the get: with an item if one is there for it by now, else as timed out.
    pub(super) fn time_out<T>(&mut self, state: &mut State<T>) -> Result<T, NoItem> {
        self.attempt(state).unwrap_or_else(|| {
            self.withdraw(state);
            Err(NoItem::TimedOut)
        })
    }
}

impl<T> Errand<T> for Getting {
    type Output = Result<T, NoItem>;

    fn attempt(&mut self, state: &mut State<T>) -> Option<Self::Output> {
        match self.place {
            None => Some(state.try_get()).filter(|got| !matches!(got, Err(NoItem::Empty))),
            Some(place) => {
                let end = state.end_of_get(place);
                if end.is_some() {
                    self.place = None;
                }
                end
            }
        }
    }

    /// One that was woken for an item that is gone, by `clear`, keeps its place.
    fn wait(&mut self, state: &mut State<T>, waker: &Waker) {
        let Some(entry) = self.place.and_then(|place| state.getters.entry(place)) else {
            self.place = Some(state.getters.join(Some(waker.clone())));
            return;
        };
        if !entry.as_ref().is_some_and(|known| known.will_wake(waker))
            && let Some(other) = entry.replace(waker.clone())
        {
            state.wakers.discard(other);
        }
    }

    fn withdraw(&mut self, state: &mut State<T>) {
        if let Some(place) = self.place.take() {
            state.withdraw_get(place);
        }
    }
}

impl<T> State<T> {
    /// Takes an item, unless it is promised.
    pub(super) fn try_get(&mut self) -> Result<T, NoItem> {
        if self.items.len() > self.getters.len() {
            self.take().ok_or(NoItem::Empty)
        } else if self.shutdown.is_some() && self.items.is_empty() {
            Err(NoItem::ShutDown)
        } else {
            Err(NoItem::Empty)
        }
    }

    /// Takes the item that is promised to this place. `None`: it waits.
    fn end_of_get(&mut self, place: Place) -> Option<Result<T, NoItem>> {
        let position = self.getters.position(place)?;
        if position < self.items.len() {
            self.leave_getters(place);
            self.take().map(Ok)
        } else if self.shutdown.is_some() && self.items.is_empty() {
            self.leave_getters(place);
            Some(Err(NoItem::ShutDown))
        } else {
            None
        }
    }

    /// Takes a get out of the line. What was promised to it is promised to the first that has nothing yet.
    fn withdraw_get(&mut self, place: Place) {
        let Some(position) = self.getters.position(place) else {
            return;
        };
        self.leave_getters(place);
        if position < self.items.len() {
            self.wake_getter(self.items.len() - 1);
        }
    }

    fn leave_getters(&mut self, place: Place) {
        if let Some(waker) = self.getters.leave(place).flatten() {
            self.wakers.discard(waker);
        }
    }

    /// Wakes the get that has this many ahead of it.
    pub(super) fn wake_getter(&mut self, position: usize) {
        if let Some(waker) = self.getters.at(position).and_then(Option::take) {
            self.wakers.wake(waker);
        }
    }

    pub(super) fn wake_all_getters(&mut self) {
        for entry in self.getters.iter_mut() {
            if let Some(waker) = entry.take() {
                self.wakers.wake(waker);
            }
        }
    }
}
