//! What it costs to call into a component that does nothing: a function of core WebAssembly, the same as a component's, as wasmtime calls both
//! without limits; and here, with each limit armed, on the instance's thread and through its handle. `cargo bench --workspace
//! --bench component`.

mod pipelined;

use std::time::{Duration, Instant};

use aiointernal::{
    Error, HeapThread, Limits, Running,
    component::{Config, Data, Engine, Instance, Program, wasmtime},
};
use criterion::{Bencher, Criterion};
use wasmtime::{
    Module, Store,
    component::{InstancePre, Linker, TypedFunc},
};

use crate::pipelined::{QUEUE, pipelined};

const NOTHING: &str = r#"(component
    (core module $m (func (export "nothing")))
    (core instance $i (instantiate $m))
    (func (export "nothing") (canon lift (core func $i "nothing"))))"#;

struct Nothing(InstancePre<Data<()>>);

impl Program for Nothing {
    type Host = ();
    type Exports = TypedFunc<(), ()>;

    const NAME: &'static str = "component";

    fn host(&self) -> wasmtime::Result<()> {
        Ok(())
    }

    fn instantiate(&self, store: &mut Store<Data<()>>, _: &Limits) -> wasmtime::Result<TypedFunc<(), ()>> {
        self.0.instantiate(&mut *store)?.get_typed_func(store, "nothing")
    }
}

fn main() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    let engine = Engine::new(Config::default()).expect("wasmtime runs here");
    let thread = open(&engine);
    let mut group = criterion.benchmark_group("a call that does nothing");
    group.bench_function("core WebAssembly", |bencher| core(&engine, bencher));
    group.bench_function("component", |bencher| {
        bencher.iter_custom(|calls| {
            timed(&thread, move |instance, running| {
                instance.enter(running, |store, nothing| (0..calls).try_for_each(|_| nothing.call(&mut *store, ())))
            })
        });
    });
    group.bench_function("component, with limits", |bencher| {
        bencher.iter_custom(|calls| {
            timed(&thread, move |instance, running| {
                (0..calls).try_for_each(|_| instance.enter(running, |store, nothing| nothing.call(store, ())))
            })
        });
    });
    group.bench_function("component, with limits, by its handle", |bencher| {
        bencher.iter_custom(|calls| {
            pipelined(calls, || {
                let call = thread
                    .try_call(|instance, running| instance.enter(running, |store, nothing| nothing.call(store, ())));
                call.queue()
            })
        });
    });
    group.finish();
}

fn core(engine: &Engine, bencher: &mut Bencher<'_>) {
    let module = wat::parse_str(r#"(module (func (export "nothing")))"#).expect("it is a module");
    let module = Module::new(engine.wasmtime(), module).expect("it compiles");
    let mut store = Store::new(engine.wasmtime(), ());
    // Ticks come only where something has limits.
    store.set_epoch_deadline(u64::MAX / 2);
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).expect("it imports nothing");
    let nothing = instance.get_typed_func::<(), ()>(&mut store, "nothing").expect("it is there");
    bencher.iter(|| nothing.call(&mut store, ()).expect("it returns"));
}

fn open(engine: &Engine) -> HeapThread<Instance<Nothing>> {
    let component = engine.compile(&wat::parse_str(NOTHING).expect("it is a component")).expect("it compiles");
    let nothing = Nothing(engine.link(&component, &Linker::new(engine.wasmtime())).expect("it imports nothing"));
    let builder = engine.builder().queue_capacity(QUEUE);
    let engine = engine.clone();
    let mut limits = Limits::default();
    // One call is as many as the bench asks for.
    limits.wall_time = Duration::from_secs(3600);
    builder.spawn(move || Instance::new(&engine, nothing, limits)).blocking().expect("there is room")
}

/// The time of all calls that `make` makes, on the instance's thread.
fn timed<F>(thread: &HeapThread<Instance<Nothing>>, make: F) -> Duration
where
    F: FnOnce(&mut Instance<Nothing>, &Running) -> Result<(), Error> + Send + 'static,
{
    let call = thread.try_call(|instance, running| {
        let began = Instant::now();
        make(instance, running)?;
        Ok::<_, Error>(began.elapsed())
    });
    call.blocking().expect("the calls return")
}
