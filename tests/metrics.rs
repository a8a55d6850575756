//! What a recorder of the crate `metrics` is told.
#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex},
};

use aiointernal::{Limits, Sandbox};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// What was recorded, by names with labels: sums, or of histograms how often.
static RECORDED: LazyLock<Mutex<BTreeMap<String, f64>>> = LazyLock::new(Mutex::default);

struct Sums;

struct Sum(String);

impl Sum {
    fn of(key: &Key) -> Arc<Sum> {
        let labels: String = key.labels().map(|label| format!("{{{}={}}}", label.key(), label.value())).collect();
        Arc::new(Sum(key.name().to_owned() + &labels))
    }

    fn add(&self, more: f64) {
        *RECORDED.lock().unwrap().entry(self.0.clone()).or_default() += more;
    }
}

impl CounterFn for Sum {
    fn increment(&self, value: u64) {
        self.add(value as f64);
    }

    fn absolute(&self, _: u64) {
        unreachable!("nothing is set");
    }
}

impl GaugeFn for Sum {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, _: f64) {
        unreachable!("nothing is set");
    }
}

impl HistogramFn for Sum {
    fn record(&self, _: f64) {
        self.add(1.0);
    }
}

impl Recorder for Sums {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Sum::of(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Sum::of(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Sum::of(key))
    }
}

#[test]
fn every_call_is_told_to_the_recorder() {
    metrics::set_global_recorder(Sums).unwrap();
    let mut limits = Limits::default();
    limits.wall_time = std::time::Duration::from_millis(20);
    let context = Sandbox::new().unwrap().context().limits(limits).blocking().unwrap();
    let told = |name: &str| RECORDED.lock().unwrap().get(name).copied().unwrap_or_default();
    assert_eq!(told("aiointernal_instances"), 1.0);
    context.eval("console.log('x'); 'four'").blocking().unwrap();
    context.eval("throw 1").blocking().unwrap_err();
    context.eval("for (;;);").blocking().unwrap_err();
    for (name, sum) in [
        ("aiointernal_calls{outcome=ok}", 1.0),
        ("aiointernal_calls{outcome=thrown}", 1.0),
        ("aiointernal_calls{outcome=timeout}", 1.0),
        ("aiointernal_call_seconds", 3.0),
        ("aiointernal_queue_seconds", 3.0),
        ("aiointernal_memory_bytes", 3.0),
        ("aiointernal_cpu_seconds", 0.0),
        ("aiointernal_interrupts", 1.0),
        ("aiointernal_bytes_out", 5.0),
    ] {
        assert_eq!(told(name), sum, "{name}: {RECORDED:?}");
    }
    context.close().blocking().unwrap();
    assert_eq!(told("aiointernal_instances"), 0.0);
}
