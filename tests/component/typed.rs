//! Bindings of `bindgen!`, and a host's side.

use std::sync::{
    Mutex,
    mpsc::{self, Sender},
};

use aiointernal::{
    Running,
    component::{Data, Program, Stop, wasmtime},
};
use wasmtime::{
    Store,
    component::{HasSelf, Linker},
};

use super::*;

mod bindings {
    #![allow(missing_docs, unreachable_pub, missing_debug_implementations, clippy::all, reason = "generated")]
    aiointernal::component::wasmtime::component::bindgen!({
        inline: "
            package example:work;
            interface host {
                record job { name: string, size: u32 }
                /// Whether to stop.
                stop: func() -> bool;
                log: func(job: job);
                fail: func();
            }
            world worker {
                import host;
                export polite: func() -> u32;
                export rude: func() -> u32;
                export log: func();
                export fail: func();
            }
        ",
        imports: { "example:work/host.fail": trappable },
        wasmtime_crate: aiointernal::component::wasmtime,
    });
}

use bindings::example::work::host;

/// A worker that works until it is told to stop, or for good.
const WORKER: &str = r#"(component
    (import "example:work/host" (instance $host
        (type $job' (record (field "name" string) (field "size" u32)))
        (export "job" (type $job (eq $job')))
        (export "stop" (func (result bool)))
        (export "log" (func (param "job" $job)))
        (export "fail" (func))))
    (core module $libc (memory (export "memory") 1))
    (core instance $libc (instantiate $libc))
    (core func $stop (canon lower (func $host "stop")))
    (core func $log (canon lower (func $host "log") (memory (core memory $libc "memory"))))
    (core func $fail (canon lower (func $host "fail")))
    (core module $m
        (import "libc" "memory" (memory 1))
        (import "host" "stop" (func $stop (result i32)))
        (import "host" "log" (func $log (param i32 i32 i32)))
        (import "host" "fail" (func $fail))
        (global $calls (mut i32) (i32.const 0))
        (func (export "polite") (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (loop $again (br_if $again (i32.eqz (call $stop))))
            (global.get $calls))
        (func (export "rude") (result i32) (loop $again (drop (call $stop)) (br $again)) (i32.const 0))
        (func (export "log") (call $log (i32.const 16) (i32.const 4) (i32.const 7)))
        (func (export "fail") (call $fail))
        (data (i32.const 16) "work"))
    (core instance $i (instantiate $m
        (with "libc" (instance $libc))
        (with "host" (instance
            (export "stop" (func $stop)) (export "log" (func $log)) (export "fail" (func $fail))))))
    (func (export "polite") (result u32) (canon lift (core func $i "polite")))
    (func (export "rude") (result u32) (canon lift (core func $i "rude")))
    (func (export "log") (canon lift (core func $i "log")))
    (func (export "fail") (canon lift (core func $i "fail"))))"#;

#[derive(Clone)]
struct Worker {
    pre: bindings::WorkerPre<Data<Host>>,
    seen: Sender<String>,
    logged: Arc<Mutex<Vec<String>>>,
}

struct Host {
    seen: Sender<String>,
    logged: Arc<Mutex<Vec<String>>>,
    left: usize,
}

impl host::Host for Data<Host> {
    fn stop(&mut self) -> bool {
        let _ = self.host.seen.send("asked".to_owned());
        self.asked_to_stop().is_some()
    }

    fn log(&mut self, job: host::Job) {
        self.host.logged.lock().unwrap().push(format!("{} {} {}", job.name, job.size, self.host.left));
    }

    fn fail(&mut self) -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(std::io::Error::other("the disk is full")))
    }
}

impl Program for Worker {
    type Host = Host;
    type Exports = bindings::Worker;

    const NAME: &'static str = "worker";

    fn host(&self) -> wasmtime::Result<Host> {
        Ok(Host { seen: self.seen.clone(), logged: Arc::clone(&self.logged), left: 0 })
    }

    fn instantiate(&self, store: &mut Store<Data<Host>>, _: &Limits) -> wasmtime::Result<bindings::Worker> {
        self.pre.instantiate(store)
    }

    fn arm(&self, host: &mut Host, limits: &Limits) {
        host.left = limits.console;
    }
}

fn worker(time: Duration) -> (HeapThread<Instance<Worker>>, mpsc::Receiver<String>, Worker) {
    let component = ENGINE.compile(&wasm(WORKER)).unwrap();
    let mut linker = Linker::new(ENGINE.wasmtime());
    host::add_to_linker::<_, HasSelf<Data<Host>>>(&mut linker, |data| data).unwrap();
    let pre = bindings::WorkerPre::new(ENGINE.link(&component, &linker).unwrap()).unwrap();
    let (seen, receiver) = mpsc::channel();
    let worker = Worker { pre, seen, logged: Arc::default() };
    let mut limits = Limits::default();
    limits.wall_time = time;
    (ENGINE.open(worker.clone(), limits).blocking().unwrap(), receiver, worker)
}

/// Works until it is told to stop; then the error of that.
fn polite(worker: &mut Instance<Worker>, running: &Running) -> Result<(u32, Stop), Error> {
    worker.enter(running, |store, exports| {
        let calls = exports.call_polite(&mut *store)?;
        let stop = store.data().asked_to_stop().ok_or_else(|| wasmtime::format_err!("nobody told it to stop"))?;
        Ok((calls, stop))
    })
}

const SHORT: Duration = Duration::from_millis(30);

#[test]
fn a_guest_that_stops_when_asked_keeps_its_instance() {
    let (worker, _seen, _) = worker(SHORT);
    for expected in 1..=3 {
        assert_eq!(worker.try_call(polite).blocking().unwrap(), (expected, Stop::Timeout));
    }
    let error = worker.call(|worker| worker.stopped(Stop::Timeout, &worker.limits())).blocking().unwrap();
    assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, true));
    assert_says(&error.to_string(), &["longer than its 30ms; the worker was kept"]);
}

#[test]
fn a_guest_that_goes_on_when_asked_loses_its_instance() {
    let (worker, _seen, _) = worker(SHORT);
    let rude = worker.try_call(|worker, running| worker.enter(running, |store, exports| exports.call_rude(store)));
    let error = rude.blocking().unwrap_err();
    assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, false));
    assert_says(&error.to_string(), &["the worker was replaced by a fresh one"]);
    assert_eq!(worker.try_call(polite).blocking().unwrap(), (1, Stop::Timeout));
}

#[test]
fn a_caller_that_goes_away_stops_its_call_while_it_runs() {
    let (worker, seen, _) = worker(Duration::from_secs(60));
    let running = worker.try_call(polite).queue();
    assert_eq!(seen.recv().unwrap(), "asked");
    running.abort();
    let stopped = running.blocking();
    assert!(matches!(stopped, Ok((1, Stop::Cancelled))), "{stopped:?}");
}

#[test]
fn a_host_function_sees_its_host_armed_with_the_limits_of_the_call() {
    let (worker, _seen, program) = worker(SHORT);
    let log = worker.try_call(|worker, running| {
        let mut limits = Limits::default();
        limits.console = 99;
        worker.enter_within(running, &limits, |store, exports| exports.call_log(store))
    });
    log.blocking().unwrap();
    assert_eq!(*program.logged.lock().unwrap(), ["work 7 99"]);
}

#[test]
fn an_error_of_a_host_function_is_the_source_of_the_calls_error() {
    let (worker, _seen, _) = worker(SHORT);
    let fail = worker.try_call(|worker, running| worker.enter(running, |store, exports| exports.call_fail(store)));
    let error = fail.blocking().unwrap_err();
    assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Trapped, false));
    assert_says(&error.to_string(), &["the disk is full"]);
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn an_import_that_the_linker_lacks_is_named() {
    let component = ENGINE.compile(&wasm(WORKER)).unwrap();
    let linked = ENGINE.link(&component, &Linker::<Data<()>>::new(ENGINE.wasmtime()));
    let error = linked.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadComponent);
    assert_says(&error.to_string(), &["example:work/host"]);
}

#[test]
fn an_instance_can_be_a_part_of_an_object() {
    struct Service {
        worker: Instance<Worker>,
        calls: u32,
    }
    let (first, _seen, program) = worker(SHORT);
    first.close().blocking().unwrap();
    let service = ENGINE.builder().name("service").spawn(move || {
        let mut limits = Limits::default();
        limits.wall_time = SHORT;
        Instance::new(&ENGINE, program, limits).map(|worker| Service { worker, calls: 0 })
    });
    let service = service.blocking().unwrap();
    let called = service.try_call(|service, running| {
        service.calls += 1;
        polite(&mut service.worker, running).map(|(calls, _)| (calls, service.calls))
    });
    assert_eq!(called.blocking().unwrap(), (1, 1));
}
