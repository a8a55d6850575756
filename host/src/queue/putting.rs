//! A put under way, and the line of those that wait.

use std::{mem, task::Waker};

use super::{
    items::Item,
    line::Place,
    refused::{Cause, Refused},
    state::State,
    wait::Errand,
};

/// A put under way.
pub(super) enum Putting<T> {
    Outside(Item<T>),
    Waiting(Place),
    Over,
}

/// A put that waits, with its item: who makes room takes the item in.
pub(super) struct Putter<T> {
    pub(super) item: Item<T>,
    waker: Waker,
}

impl<T> Putting<T> {
    /// Ends the put: well if its item has been taken in by now, else as timed out.
    pub(super) fn time_out(&mut self, state: &mut State<T>) -> Option<Result<(), Refused<T>>> {
        self.attempt(state).or_else(|| {
            self.withdraw(state);
            match mem::replace(self, Putting::Over) {
                Putting::Outside(item) => Some(Err(Refused::new(item, Cause::TimedOut))),
                Putting::Waiting(_) | Putting::Over => None,
            }
        })
    }
}

impl<T> Errand<T> for Putting<T> {
    type Output = Result<(), Refused<T>>;

    fn attempt(&mut self, state: &mut State<T>) -> Option<Self::Output> {
        match mem::replace(self, Putting::Over) {
            Putting::Outside(item) => match state.try_put(item) {
                Ok(()) => Some(Ok(())),
                Err((item, Cause::Full)) => {
                    *self = Putting::Outside(item);
                    None
                }
                Err((item, cause)) => Some(Err(Refused::new(item, cause))),
            },
            Putting::Waiting(place) => {
                let end = state.end_of_put(place);
                if end.is_none() {
                    *self = Putting::Waiting(place);
                }
                end
            }
            Putting::Over => None,
        }
    }

    fn wait(&mut self, state: &mut State<T>, waker: &Waker) {
        match mem::replace(self, Putting::Over) {
            Putting::Outside(item) => {
                let putter = Putter { item, waker: waker.clone() };
                *self = Putting::Waiting(state.putters.join(putter));
            }
            Putting::Waiting(place) => {
                *self = Putting::Waiting(place);
                if let Some(putter) = state.putters.entry(place)
                    && !putter.waker.will_wake(waker)
                {
                    let other = mem::replace(&mut putter.waker, waker.clone());
                    state.wakers.discard(other);
                }
            }
            Putting::Over => {}
        }
    }

    /// The item, if it is still the put's own, comes out of the line, to be dropped without the lock.
    fn withdraw(&mut self, state: &mut State<T>) {
        if let Putting::Waiting(place) = *self {
            *self = state.withdraw_put(place).map_or(Putting::Over, Putting::Outside);
        }
    }
}

impl<T> State<T> {
    /// Puts an item in if there is room and nobody waits for it.
    pub(super) fn try_put(&mut self, item: Item<T>) -> Result<(), (Item<T>, Cause)> {
        if self.shutdown.is_some() {
            Err((item, Cause::ShutDown))
        } else if item.weight > self.capacity {
            Err((item, Cause::TooHeavy))
        } else if !self.putters.is_empty() || !self.has_room(item.weight) {
            Err((item, Cause::Full))
        } else {
            self.insert(item);
            Ok(())
        }
    }

    fn has_room(&self, weight: usize) -> bool {
        has_room(self.capacity, self.weight, weight)
    }

    /// Takes in the items of waiting puts, first come, first served, as long as they fit.
    pub(super) fn admit(&mut self) {
        while let Some(putter) = self.putters.pop_if(|first| has_room(self.capacity, self.weight, first.item.weight)) {
            self.wakers.wake(putter.waker);
            self.insert(putter.item);
        }
    }

    /// Ends the waiting puts that are like this. Each comes for its item itself.
    pub(super) fn refuse_putters(&mut self, cause: Cause, like: impl Fn(&Putter<T>) -> bool) {
        for (place, putter) in self.putters.extract(like) {
            self.wakers.wake(putter.waker);
            self.refused.insert(place, Refused::new(putter.item, cause));
        }
    }

    /// How a put that waited has ended. `None`: it waits.
    fn end_of_put(&mut self, place: Place) -> Option<Result<(), Refused<T>>> {
        match self.putters.position(place) {
            Some(_) => None,
            None => Some(self.refused.remove(&place).map_or(Ok(()), Err)),
        }
    }

    /// Takes a put out of the line, and its item unless that is in the queue. The next put may be a lighter one.
    fn withdraw_put(&mut self, place: Place) -> Option<Item<T>> {
        match self.putters.leave(place) {
            Some(Putter { item, waker }) => {
                self.wakers.discard(waker);
                self.admit();
                Some(item)
            }
            None => self.refused.remove(&place).map(|refused| Item { value: refused.into_item(), weight: 0 }),
        }
    }
}

fn has_room(capacity: usize, taken: usize, weight: usize) -> bool {
    capacity.checked_sub(taken).is_some_and(|room| weight <= room)
}
