//! The items of a JavaScript iterable, one by one.

use std::{
    fmt,
    future::{Future as _, poll_fn},
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

use super::{
    bindings::{Operation, ResultForm},
    handle::Encoded,
    inbox::Event,
    js_value::JsValue,
    result::{Convert, FromScript},
    value::Value,
};
use crate::{
    error::Error,
    thread::{Ticket, block_elsewhere},
};

/// The items of a JavaScript iterable, from [`JsValue::iterate`]. It ends after the first error.
#[must_use = "a stream does nothing unless it is polled"]
pub struct JsStream<R>(State<R>);

enum State<R> {
    New(JsValue),
    Opening(Ticket<Iteration>),
    Open(Iteration),
    /// In this order: where both are dropped, the iterator is closed after the call is given up.
    Pulling(Ticket<Option<R>>, Iteration),
    Over,
}

impl<R: FromScript> JsStream<R> {
    pub(super) fn new(value: JsValue) -> JsStream<R> {
        JsStream(State::New(value))
    }
}

impl<R: FromScript> JsStream<R> {
    /// Blocks this thread until the next item is there. On the context's own thread it is
    /// [`Deadlock`](crate::ErrorKind::Deadlock) where it is not.
    pub fn next_blocking(&mut self) -> Option<Result<R, Error>> {
        let home = match &self.0 {
            State::New(value) => value.context().home(),
            State::Opening(ticket) => ticket.home(),
            State::Open(iteration) | State::Pulling(_, iteration) => iteration.iterator.context().home(),
            State::Over => None,
        };
        let next = poll_fn(|context| Pin::new(&mut *self).poll_next(context));
        block_elsewhere(home, next, |error| Some(Err(error)))
    }
}

impl<R: FromScript> Stream for JsStream<R> {
    type Item = Result<R, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<R, Error>>> {
        let state = &mut self.0;
        loop {
            *state = match mem::replace(state, State::Over) {
                State::New(value) => State::Opening(Iteration::open(&value)),
                State::Opening(mut ticket) => match Pin::new(&mut ticket).poll(context) {
                    Poll::Ready(opened) => State::Open(opened?),
                    Poll::Pending => {
                        *state = State::Opening(ticket);
                        return Poll::Pending;
                    }
                },
                State::Open(iteration) => State::Pulling(iteration.next(), iteration),
                State::Pulling(mut ticket, mut iteration) => {
                    let Poll::Ready(item) = Pin::new(&mut ticket).poll(context) else {
                        *state = State::Pulling(ticket, iteration);
                        return Poll::Pending;
                    };
                    match item? {
                        Some(item) => {
                            *state = State::Open(iteration);
                            return Poll::Ready(Some(Ok(item)));
                        }
                        None => {
                            iteration.over = true;
                            return Poll::Ready(None);
                        }
                    }
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

impl<R> Unpin for JsStream<R> {}

impl<R> fmt::Debug for JsStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsStream").finish_non_exhaustive()
    }
}

/// An iterator that was opened. It is closed when this is dropped.
struct Iteration {
    iterator: JsValue,
    /// It has come to its end.
    over: bool,
}

impl Iteration {
    fn open(value: &JsValue) -> Ticket<Iteration> {
        let convert = JsValue::converter(value.context());
        let opened = |value| convert(value).map(|iterator| Iteration { iterator, over: false });
        value.operate_in(ResultForm::Handle, Ok(Encoded::new(Operation::Iterate)), opened).into_future()
    }

    fn next<R: FromScript>(&self) -> Ticket<Option<R>> {
        let convert = R::converter(self.iterator.context());
        let item = |value| match value {
            Value::Hole => Ok(None),
            value => convert(value).map(Some),
        };
        self.iterator.operate_in(R::FORM, Ok(Encoded::new(Operation::Next)), item).into_future()
    }
}

impl Drop for Iteration {
    fn drop(&mut self) {
        if !self.over {
            let terms = self.iterator.context().terms().clone();
            self.iterator.handle().post(|handle| Event::GivenUp(handle, terms));
        }
    }
}
