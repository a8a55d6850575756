//! A get under way, and the line of those that wait.

use super::{bell::Bell, line::Place, no_item::NoItem, state::State, wait::Errand};

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

    fn wait(&mut self, state: &mut State<T>, bell: &Bell) {
        match self.place {
            None => self.place = Some(state.getters.join(Some(bell.clone()))),
            // It was rung for an item that is gone, by `clear`: it keeps its place.
            Some(place) => {
                if let Some(position) = state.getters.position(place)
                    && let Some(entry) = state.getters.at(position)
                {
                    *entry = Some(bell.clone());
                }
            }
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
            self.getters.leave(place);
            self.take().map(Ok)
        } else if self.shutdown.is_some() && self.items.is_empty() {
            self.getters.leave(place);
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
        self.getters.leave(place);
        if position < self.items.len() {
            self.ring_getter(self.items.len() - 1);
        }
    }

    /// Wakes the get that has this many ahead of it.
    pub(super) fn ring_getter(&mut self, position: usize) {
        if let Some(bell) = self.getters.at(position).and_then(Option::take) {
            self.rings.add(bell);
        }
    }

    pub(super) fn ring_all_getters(&mut self) {
        for entry in self.getters.iter_mut() {
            if let Some(bell) = entry.take() {
                self.rings.add(bell);
            }
        }
    }
}
