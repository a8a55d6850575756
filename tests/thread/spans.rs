//! What a call's caller sees of it by `tracing`.

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroU64,
    sync::{Arc, Mutex},
    thread::{self, ThreadId},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    info_span,
    span::{Attributes, Id, Record},
    subscriber,
};

use tracing_core::span::Current;

use super::{id_of, numbers, push};

/// Notes who enters which span, and what is recorded.
struct Notes {
    most: Level,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// What is known of each span, and its parent.
    spans: Vec<(&'static Metadata<'static>, Option<u64>)>,
    within: HashMap<ThreadId, Vec<u64>>,
    entered: HashSet<(&'static str, ThreadId)>,
    recorded: Vec<String>,
}

impl Seen {
    fn name(&self, span: u64) -> &'static str {
        self.spans[span as usize - 1].0.name()
    }

    fn parent_of(&self, name: &str) -> Option<&'static str> {
        let (_, parent) = self.spans.iter().find(|(known, _)| known.name() == name).expect("there is such a span");
        parent.map(|parent| self.name(parent))
    }
}

impl Visit for Seen {
    fn record_u64(&mut self, field: &Field, _: u64) {
        self.recorded.push(field.name().to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        panic!("{} is no number: {value:?}", field.name());
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.most
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut seen = self.seen.lock().unwrap();
        let parent = seen.within.get(&thread::current().id()).and_then(|spans| spans.last().copied());
        seen.spans.push((span.metadata(), parent));
        Id::from_non_zero_u64(NonZeroU64::new(seen.spans.len() as u64).unwrap())
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut *self.seen.lock().unwrap());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, span: &Id) {
        let (mut seen, here) = (self.seen.lock().unwrap(), thread::current().id());
        let name = seen.name(span.into_u64());
        seen.entered.insert((name, here));
        seen.within.entry(here).or_default().push(span.into_u64());
    }

    fn exit(&self, _: &Id) {
        let mut seen = self.seen.lock().unwrap();
        seen.within.get_mut(&thread::current().id()).and_then(Vec::pop);
    }

    fn current_span(&self) -> Current {
        let seen = self.seen.lock().unwrap();
        match seen.within.get(&thread::current().id()).and_then(|spans| spans.last()) {
            Some(span) => Current::new(Id::from_u64(*span), seen.spans[*span as usize - 1].0),
            None => Current::none(),
        }
    }
}

/// What there is to see of one call within a span `request`.
fn seen_of_a_call(most: Level) -> (Seen, ThreadId) {
    let seen = Arc::default();
    let home = subscriber::with_default(Notes { most, seen: Arc::clone(&seen) }, || {
        let thread = numbers();
        let call = info_span!("request").in_scope(|| push(&thread, 1).queue());
        call.blocking().unwrap();
        id_of(&thread)
    });
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (seen, home)
}

#[test]
fn a_call_runs_within_the_span_of_its_caller() {
    let (seen, home) = seen_of_a_call(Level::INFO);
    assert!(seen.entered.contains(&("request", home)));
    assert!(seen.recorded.is_empty());
}

#[test]
fn waiting_and_running_are_measured_in_a_span_of_the_call() {
    let (seen, home) = seen_of_a_call(Level::DEBUG);
    assert_eq!(seen.parent_of("call"), Some("request"));
    assert!(seen.entered.contains(&("call", home)));
    assert_eq!(seen.recorded[..2], ["waited_us", "ran_us"]);
}
