//! The engine, natively: the case files, and what a fake host sees and does.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use aiointernal_guest::{
    Batch, Engine, Exception, Failure, Host, LogLevel, ResultForm, Settings, Source, SourceKind,
};
use minicbor::{
    Decoder, Encoder,
    data::{Tag, Type},
};

use case_file::{Case, End, Outcome};

#[path = "../../tests/case_file.rs"]
mod case_file;

/// What the engine told its host, and what the host is to answer.
#[derive(Default)]
struct World {
    messages: RefCell<Vec<(LogLevel, String)>>,
    seeds: Cell<u32>,
    /// Questions whether to go on.
    polls: Cell<u32>,
    /// The question that is answered with "stop", and all after it.
    stop_at: Cell<Option<u32>>,
    /// The time from which on every question is answered with "stop".
    deadline: Cell<Option<Instant>>,
}

struct FakeHost(Rc<World>);

impl Host for FakeHost {
    fn random(&self) -> u64 {
        self.0.seeds.set(self.0.seeds.get() + 1);
        42
    }

    fn log(&self, level: LogLevel, message: &str) {
        self.0.messages.borrow_mut().push((level, message.to_owned()));
    }

    fn interrupted(&self) -> bool {
        self.0.polls.set(self.0.polls.get() + 1);
        self.0.stop_at.get().is_some_and(|stop_at| self.0.polls.get() >= stop_at)
            || self.0.deadline.get().is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// An engine with the limits that a context has by default. It is never dropped, as in a component: its console and
/// its intrinsics hold one another, at which QuickJS aborts when its runtime is freed.
fn engine() -> (&'static Engine<FakeHost>, Rc<World>) {
    let world = Rc::new(World::default());
    let engine = Engine::new(FakeHost(Rc::clone(&world))).expect("there is memory for an engine");
    let engine = Box::leak(Box::new(engine));
    engine.configure(Settings { memory_bytes: 60 << 20, stack_bytes: 256 << 10, result_bytes: 1 << 20 });
    (engine, world)
}

fn source(text: &str, kind: SourceKind) -> Source {
    Source { name: "case.js".into(), text: text.into(), kind }
}

#[test]
fn every_source_of_the_case_files_has_its_outcome() {
    case_file::check(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases")), run);
}

fn run(case: &Case) -> Outcome {
    let (engine, world) = engine();
    eprintln!("CASE {} {:?}", case.source, Instant::now());
    world.deadline.set(Some(Instant::now() + Duration::from_secs(5)));
    let kind = if case.is_module() { SourceKind::Module } else { SourceKind::Script };
    let evaluated = catch_unwind(AssertUnwindSafe(|| engine.evaluate(&source(&case.source, kind), ResultForm::Value)));
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
        Failure::Thrown(Exception { name, message, stack, thrown }) => {
            return End::Thrown { name, message, stack, thrown: thrown.map(|thrown| render(&thrown)) };
        }
        Failure::Interrupted { .. } => "timeout".into(),
        Failure::NeverSettles => "never-settles".into(),
        Failure::NotTransferable(what) => format!("not-transferable {what}"),
        Failure::ResultTooLarge(_) => "result-too-large".into(),
        Failure::InvalidArgument(_) => "invalid-argument".into(),
        Failure::OutOfMemory => "memory-limit".into(),
    })
}

/// An encoded value in the notation of the case files.
fn render(value: &[u8]) -> String {
    let mut decoder = Decoder::new(value);
    let text = read(&mut decoder).expect("the engine encodes values as its contract says");
    assert_eq!(decoder.position(), value.len(), "one value and no byte more");
    text
}

fn read(from: &mut Decoder<'_>) -> Result<String, minicbor::decode::Error> {
    Ok(match from.datatype()? {
        Type::Undefined => from.undefined().map(|()| "undefined".into())?,
        Type::Null => from.null().map(|()| "null".into())?,
        Type::Bool => from.bool()?.to_string(),
        Type::F32 | Type::F64 => case_file::number(float(from)?),
        Type::String => case_file::quoted(from.str()?),
        Type::Bytes => case_file::bytes(from.bytes()?),
        Type::Array => {
            let length = from.array()?.expect("a definite length");
            case_file::array(&(0..length).map(|_| read(from)).collect::<Result<Vec<_>, _>>()?)
        }
        Type::Map => {
            let length = from.map()?.expect("a definite length");
            let properties = (0..length).map(|_| Ok((from.str()?, read(from)?)));
            case_file::object(properties.collect::<Result<Vec<_>, minicbor::decode::Error>>()?.into_iter())
        }
        Type::Tag => tagged(from)?,
        _ => i128::from(from.int()?).to_string(),
    })
}

fn tagged(from: &mut Decoder<'_>) -> Result<String, minicbor::decode::Error> {
    Ok(match from.tag()?.as_u64() {
        1 => {
            let millis = (float(from)? * 1000.0).round();
            case_file::date((!millis.is_nan()).then_some(millis as i64))
        }
        2 => format!("{}n", decimal(from.bytes()?, 0)),
        // CBOR writes the negative number n as the magnitude of -1 - n.
        3 => format!("-{}n", decimal(from.bytes()?, 1)),
        27 => {
            assert_eq!((from.array()?, from.str()?), (Some(2), "ArrayBuffer"));
            case_file::array_buffer(from.bytes()?)
        }
        tag => panic!("the engine never writes the tag {tag}"),
    })
}

fn float(from: &mut Decoder<'_>) -> Result<f64, minicbor::decode::Error> {
    match from.datatype()? {
        Type::F32 => from.f32().map(f64::from),
        Type::F64 => from.f64(),
        _ => from.i64().map(|integer| integer as f64),
    }
}

/// A magnitude, with something added to it, in decimal digits.
fn decimal(magnitude: &[u8], more: u64) -> String {
    const BASE: u64 = 1_000_000_000;
    // Groups of nine digits, the lowest first.
    let mut groups = vec![0_u64];
    let mut add = |factor: u64, mut carry: u64| {
        for group in &mut groups {
            carry += *group * factor;
            *group = carry % BASE;
            carry /= BASE;
        }
        if carry > 0 {
            groups.push(carry);
        }
    };
    for byte in magnitude {
        add(256, u64::from(*byte));
    }
    add(1, more);
    let (highest, rest) = groups.split_last().expect("one group at least");
    rest.iter().rev().fold(highest.to_string(), |digits, group| format!("{digits}{group:09}"))
}
