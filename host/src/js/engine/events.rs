//! What happens to a context from outside, between the calls: answers of host functions, timers, stops, and what is let go.

use std::{
    mem,
    rc::Rc,
    task::{Context, Poll},
};

use super::{Engine, housekeeping::Leaving};
use crate::{
    component::{
        Charge, Data, end_of,
        wasmtime::{self, Store},
    },
    error::Error,
    js::{
        bindings::Failure,
        evaluation::Evaluation,
        handle::Encoded,
        inbox::Event,
        script::{Ambient, Exports},
    },
};

impl Engine {
    /// The inbox's message: something has happened outside.
    pub(in crate::js) fn hear(&mut self) {
        self.inbox.heard();
        self.attend();
    }

    /// Sees to what has happened outside.
    pub(in crate::js) fn attend(&mut self) {
        let mut events = self.events();
        if events.is_empty() {
            return;
        }
        let mut released = Vec::new();
        // What given up iterations do has the time of one call, all of them together.
        let mut limits = self.instance.limits();
        let until = end_of(&self.inbox.running(), &limits);
        while !events.is_empty() {
            for event in events {
                self.free_garbage();
                match event {
                    Event::Answered(call, answer) => self.settle(call, answer),
                    Event::Stopped(evaluation) => self.stop(evaluation),
                    Event::Due => self.fire(),
                    Event::Over => self.clean_up(),
                    Event::Released(instance, number) => released.push((instance, number)),
                    Event::GivenUp(iteration, terms) => self.give_up(&iteration, &terms, until, &mut limits.cpu_time),
                }
            }
            self.free_garbage();
            events = mem::take(&mut self.put_off);
        }
        self.release(&released);
        self.proceed();
    }

    /// What has happened, in its order.
    fn events(&mut self) -> Vec<Event> {
        let mut events = mem::take(&mut self.put_off);
        events.extend(self.inbox.take());
        events
    }

    /// Ends evaluations whose time is over, which enters nothing; all else that has happened is put off.
    pub(super) fn hear_stops(&mut self) {
        for event in self.events() {
            match event {
                Event::Stopped(evaluation) => self.stop(evaluation),
                event => self.put_off.push(event),
            }
        }
        self.answer();
    }

    /// Whether every evaluation has ended, now that the queue is closed.
    pub(in crate::js) fn drain(&mut self, context: &Context<'_>) -> Poll<()> {
        self.inbox.wake(context.waker());
        self.attend();
        if self.pending.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Hands an answer to the script that waits for it.
    fn settle(&mut self, call: u64, answer: Result<(Encoded, Charge), Error>) {
        let landed = self.instance.host_mut().and_then(|host| host.calls.land(&mut host.objects, call, answer));
        // Its evaluation may have ended, or the context is another.
        let Some((evaluation, answer)) = landed else {
            return;
        };
        let span = evaluation.span.clone();
        let _within = span.enter();
        // The event that says so may be behind thousands of answers, each of which takes less than a tick.
        if evaluation.is_over() {
            self.stop(evaluation.number);
            return self.forget(&Leaving { calls: vec![call], ..Leaving::default() });
        }
        let answer = answer.as_ref();
        self.go_on(&evaluation, |store, engine| engine.on_demand(store)?.call_settle(store, call, answer));
    }

    /// Calls what the first timer is for, where it is due. The next has a turn of its own, so that an evaluation that has its value by this one
    /// ends before.
    fn fire(&mut self) {
        let due = self.instance.host_mut().and_then(|host| {
            let is_idle = !host.calls.are_in_flight();
            host.timers.take_due(&mut host.time, is_idle)
        });
        let Some((timer, evaluation)) = due else {
            return;
        };
        let span = evaluation.span.clone();
        let _within = span.enter();
        if evaluation.is_over() {
            self.stop(evaluation.number);
            return self.forget(&Leaving { timers: vec![timer], ..Leaving::default() });
        }
        self.go_on(&evaluation, |store, engine| engine.on_demand(store)?.call_fire(store, timer));
        if let Some(host) = self.instance.host_mut() {
            host.timers.renew(&host.time, timer);
        }
    }

    /// Enters the engine for an evaluation that waits.
    fn go_on(
        &mut self,
        evaluation: &Rc<Evaluation>,
        body: impl FnOnce(&mut Store<Data<Ambient>>, &Exports) -> wasmtime::Result<Result<(), Failure>>,
    ) {
        // Where the context is lost, it is this one that did it.
        let own = self.pending.remove(&evaluation.number);
        let gone_on = self.enter(evaluation, body);
        self.pending.extend(own.map(|own| (evaluation.number, own)));
        if let Err(error) = gone_on {
            self.end(evaluation.number, Err(error));
        }
    }

    /// Sees to it that the context hears of its next timer.
    pub(super) fn arm(&mut self) {
        if let Some(host) = self.instance.host_mut() {
            host.timers.arm(&mut host.time, !host.calls.are_in_flight());
        }
    }
}
