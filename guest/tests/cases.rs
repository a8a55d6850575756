//! The engine, natively: the case files, and what a fake host sees and does.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use aiointernal_guest::{Engine, Exception, Failure, Host, ResultForm, Settings, Source, SourceKind};

use self::{
    case_file::{Case, End, Outcome, Thrown},
    host::{FakeHost, World},
    notation::render,
};

#[path = "../../tests/case_file.rs"]
mod case_file;
#[path = "cases/host.rs"]
mod host;
#[path = "cases/notation.rs"]
mod notation;
#[path = "cases/random.rs"]
mod random;
#[path = "cases/seeds.rs"]
mod seeds;
#[path = "cases/sources.rs"]
mod sources;
#[path = "cases/jobs.rs"]
mod jobs;
#[path = "cases/modules.rs"]
mod modules;
#[path = "cases/batches.rs"]
mod batches;
#[path = "cases/console.rs"]
mod console;
#[path = "cases/globals.rs"]
mod globals;
#[path = "cases/calls.rs"]
mod calls;
#[path = "cases/values/mod.rs"]
mod values;
#[path = "cases/handles.rs"]
mod handles;
#[path = "cases/functions.rs"]
mod functions;
#[path = "cases/objects.rs"]
mod objects;
#[path = "cases/timers.rs"]
mod timers;
#[path = "cases/fetch.rs"]
mod fetch;
#[path = "cases/web.rs"]
mod web;
#[path = "cases/failures.rs"]
mod failures;
#[path = "cases/stops.rs"]
mod stops;
#[path = "cases/memory.rs"]
mod memory;

#[test]
fn every_source_of_the_case_files_has_its_outcome() {
    case_file::check(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases")), run);
}

#[test]
fn every_graph_of_modules_has_its_outcome() {
    case_file::check(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/graphs")), run);
}

fn run(case: &Case) -> Outcome {
    let (engine, world) = engine();
    let mut files = case.files().into_iter();
    let (name, text) = files.next().expect("a case has a source");
    world.modules.borrow_mut().extend(files.map(|(name, text)| (name.to_owned(), text)));
    world.deadline.set(Some(Instant::now() + Duration::from_secs(5)));
    let kind = if case.is_module() { SourceKind::Module } else { SourceKind::Script };
    let evaluated = catch_unwind(AssertUnwindSafe(|| {
        let source = Source { name: name.into(), text, kind };
        let outcome = engine.evaluate(0, &source, ResultForm::Value)?;
        timers::settled(engine, &world, outcome)
    }));
    let end = match evaluated {
        Ok(Ok(value)) => End::Value(render(&value)),
        Ok(Err(failure)) => failed(failure),
        // In a component a panic is a trap.
        Err(_) => End::Failure("engine".into()),
    };
    let console = world.messages.take().into_iter();
    Outcome { console: console.map(|(level, text)| (format!("{level:?}").to_lowercase(), text)).collect(), end }
}

fn failed(failure: Failure) -> End {
    End::Failure(match failure {
        Failure::Thrown(exception) => return End::Thrown(told(*exception)),
        Failure::Interrupted { .. } => "timeout".into(),
        Failure::NeverSettles => "never-settles".into(),
        Failure::NotTransferable(what) => format!("not-transferable {what}"),
        Failure::ResultTooLarge(_) => "result-too-large".into(),
        Failure::InvalidArgument(_) => "invalid-argument".into(),
        Failure::TooManyHandles(_) => "handle-limit".into(),
        Failure::OutOfMemory => "memory-limit".into(),
    })
}

fn told(exception: Exception) -> Thrown {
    let Exception { name, message, stack, thrown, cause, errors, left_out, .. } = exception;
    Thrown {
        name,
        message,
        stack,
        thrown: thrown.map(|thrown| render(&thrown)),
        cause: cause.map(|cause| Box::new(told(*cause))),
        errors: errors.into_iter().map(told).collect(),
        left_out,
    }
}

/// The limits that a context has by default.
const SETTINGS: Settings = Settings {
    memory_bytes: 60 << 20,
    stack_bytes: 256 << 10,
    result_bytes: 1 << 20,
    console_arguments: false,
    handles: 1000,
    uncaught_is_fatal: false,
};

/// An engine with the limits that a context has by default. It is never dropped, as in a component: its console and
/// its intrinsics hold one another, at which QuickJS aborts when its runtime is freed.
fn engine() -> (&'static Engine<FakeHost>, Rc<World>) {
    let world = Rc::new(World::default());
    let engine = Engine::new(FakeHost(Rc::clone(&world))).expect("there is memory for an engine");
    let engine = Box::leak(Box::new(engine));
    engine.configure(SETTINGS);
    (engine, world)
}

/// The result of an evaluation that waits for no host.
fn ended(outcome: Result<aiointernal_guest::Outcome, Failure>) -> Result<Vec<u8>, Failure> {
    outcome.map(|outcome| match outcome {
        aiointernal_guest::Outcome::Done(value) => value,
        aiointernal_guest::Outcome::Pending => panic!("nothing is to wait for"),
    })
}

fn evaluate(engine: &Engine<impl Host>, source: &Source, form: ResultForm) -> Result<Vec<u8>, Failure> {
    ended(engine.evaluate(0, source, form))
}

fn call_encoded(engine: &Engine<FakeHost>, name: &str, arguments: &[Vec<u8>]) -> Result<Vec<u8>, Failure> {
    ended(engine.call(0, name, arguments, ResultForm::Value))
}

fn source(text: &str, kind: SourceKind) -> Source {
    Source { name: "case.js".into(), text: text.into(), kind }
}

/// Runs a script for its value.
fn eval(engine: &Engine<FakeHost>, text: &str) -> Result<String, Failure> {
    evaluate(engine, &source(text, SourceKind::Script), ResultForm::Value).map(|value| render(&value))
}

/// Runs a script for the text of its value.
fn eval_text(engine: &Engine<FakeHost>, text: &str) -> Result<String, Failure> {
    let text = evaluate(engine, &source(text, SourceKind::Script), ResultForm::Text)?;
    Ok(minicbor::decode::<&str>(&text).expect("a text").to_owned())
}

fn get(engine: &Engine<FakeHost>, name: &str) -> Result<String, Failure> {
    engine.get_global(name, ResultForm::Value).map(|value| render(&value))
}

fn set(engine: &Engine<FakeHost>, name: &str, value: &[u8]) -> Result<(), Failure> {
    engine.set_globals([(name, value)])
}

fn call(engine: &Engine<FakeHost>, name: &str, arguments: &[&str]) -> Result<String, Failure> {
    let arguments: Vec<Vec<u8>> = arguments.iter().map(|hex| unhex(hex)).collect();
    call_encoded(engine, name, &arguments).map(|value| render(&value))
}

/// The messages since the last time.
fn messages(world: &World) -> Vec<String> {
    world.messages.take().into_iter().map(|(_, message)| message).collect()
}

/// Name and message of what was thrown.
fn thrown<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> String {
    match outcome {
        Err(Failure::Thrown(exception)) => format!("{}: {}", exception.name, exception.message),
        other => panic!("something is thrown, and not {other:?}"),
    }
}

fn invalid<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> String {
    match outcome {
        Err(Failure::InvalidArgument(what)) => what,
        other => panic!("the argument is refused, and not {other:?}"),
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .bytes()
        .filter(|byte| *byte != b' ')
        .map(|byte| (byte as char).to_digit(16).expect("a digit") as u8)
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
