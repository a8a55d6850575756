//! The engine, natively: the case files, and what a fake host sees and does.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use aiointernal_guest::{
    Batch, Engine, Exception, Failure, Host, HostClass, HostError, LogLevel, Malformed, ModuleKind, ModuleText,
    Refusal, ResultForm, Settings, Source, SourceKind,
};
use minicbor::{
    Decoder, Encoder,
    data::{Tag, Type},
};

use case_file::{Case, End, Outcome, Thrown};

#[path = "../../tests/case_file.rs"]
mod case_file;
#[path = "fetch/mod.rs"]
mod fetch;
#[path = "functions/mod.rs"]
mod functions;
#[path = "handles/mod.rs"]
mod handles;
#[path = "objects/mod.rs"]
mod objects;
#[path = "timers/mod.rs"]
mod timers;
#[path = "values/mod.rs"]
mod values;
#[path = "web/mod.rs"]
mod web;

/// What the engine told its host, and what the host is to answer.
#[derive(Default)]
struct World {
    messages: RefCell<Vec<(LogLevel, String)>>,
    /// The encoded arguments of each message.
    arguments: RefCell<Vec<Vec<Vec<u8>>>>,
    seeds: Cell<u32>,
    /// Questions whether to go on.
    polls: Cell<u32>,
    /// The question that is answered with "stop", and all after it.
    stop_at: Cell<Option<u32>>,
    /// The time from which on every question is answered with "stop".
    deadline: Cell<Option<Instant>>,
    /// The modules that there are, by name.
    modules: RefCell<BTreeMap<String, String>>,
    /// Specifiers that mean these names.
    renamed: RefCell<BTreeMap<String, String>>,
    /// The calls of host functions: which, and the encoded arguments.
    calls: RefCell<Vec<(u32, Vec<u8>)>>,
    timers: RefCell<timers::Timers>,
    /// The objects of the host.
    objects: RefCell<objects::Objects>,
    /// What `fetch` asked for.
    network: RefCell<fetch::Network>,
    /// The names that were loaded.
    loads: RefCell<Vec<String>>,
}

struct FakeHost(Rc<World>);

impl Host for FakeHost {
    fn elapsed(&self) -> f64 {
        self.0.timers.borrow().elapsed()
    }

    fn start_timer(&self, millis: u32, repeats: bool) -> Result<u64, HostError> {
        self.0.timers.borrow_mut().start(millis, repeats)
    }

    fn cancel_timer(&self, timer: u64) {
        self.0.timers.borrow_mut().cancel(timer);
    }

    fn random(&self) -> u64 {
        self.0.seeds.set(self.0.seeds.get() + 1);
        42
    }

    fn log(&self, level: LogLevel, message: &str, arguments: &[Vec<u8>]) {
        self.0.arguments.borrow_mut().push(arguments.to_vec());
        self.0.messages.borrow_mut().push((level, message.to_owned()));
    }

    fn patience(&self) -> u32 {
        self.0.polls.set(self.0.polls.get() + 1);
        let is_to_stop = self.0.stop_at.get().is_some_and(|stop_at| self.0.polls.get() >= stop_at)
            || self.0.deadline.get().is_some_and(|deadline| Instant::now() >= deadline);
        if is_to_stop { 0 } else { 10_000 }
    }

    fn normalize(&self, base: &str, specifier: &str) -> Result<String, String> {
        if self.0.modules.borrow().is_empty() {
            return Err("this context has no modules".into());
        }
        if !specifier.starts_with("./") && !specifier.starts_with("../") {
            return Ok(self.0.renamed.borrow().get(specifier).cloned().unwrap_or_else(|| specifier.into()));
        }
        let mut path: Vec<&str> = base.split('/').collect();
        path.pop();
        for segment in specifier.split('/') {
            match segment {
                "." => {}
                ".." => {
                    path.pop().ok_or("it leads above the root")?;
                }
                name => path.push(name),
            }
        }
        Ok(path.join("/"))
    }

    fn start(&self, function: u32, arguments: &[u8]) -> aiointernal_guest::Answer {
        functions::answer(&self.0, function, arguments)
    }

    fn adopt(&self, object: u64) -> Result<u32, HostError> {
        objects::adopt(&self.0, object)
    }

    fn describe(&self, class: u32) -> HostClass {
        objects::describe(&self.0, class)
    }

    fn invoke(&self, object: u64, member: u32, arguments: &[u8]) -> aiointernal_guest::Answer {
        objects::invoke(&self.0, object, member, arguments)
    }

    fn release(&self, objects: &[u64]) {
        self.0.objects.borrow_mut().release(objects);
    }

    fn load(&self, name: &str) -> Result<ModuleText, Refusal> {
        self.0.loads.borrow_mut().push(name.into());
        let kind = if name.ends_with(".json") { ModuleKind::Json } else { ModuleKind::JavaScript };
        let modules = self.0.modules.borrow();
        let text = modules.get(name).ok_or_else(|| format!("there is no module {name:?}"))?;
        if name.ends_with(".ts") {
            let stack = format!("    at {name}:2:8");
            return Err(Refusal::Malformed(Malformed { name: text.clone(), message: "x".repeat(300), stack }));
        }
        Ok(ModuleText { text: text.clone(), kind })
    }
}

/// The limits that a context has by default.
const SETTINGS: Settings = Settings {
    memory_bytes: 60 << 20,
    stack_bytes: 256 << 10,
    result_bytes: 1 << 20,
    console_arguments: false,
    handles: 1000,
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

/// The results of so many of a batch's sources.
fn next(batch: &mut Batch, engine: &Engine<FakeHost>, most: usize) -> Vec<Result<Vec<u8>, Failure>> {
    std::iter::from_fn(|| batch.next(engine, 0)).take(most).map(ended).collect()
}

fn source(text: &str, kind: SourceKind) -> Source {
    Source { name: "case.js".into(), text: text.into(), kind }
}

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

/// An encoded value in the notation of the case files.
fn render(value: &[u8]) -> String {
    let mut decoder = Decoder::new(value);
    let text = read(&mut decoder, &mut 0).expect("the engine encodes values as its contract says");
    assert_eq!(decoder.position(), value.len(), "one value and no byte more");
    text
}

/// Reads one item. So many of the items before it are shared.
fn read(from: &mut Decoder<'_>, shared: &mut usize) -> Result<String, minicbor::decode::Error> {
    Ok(match from.datatype()? {
        Type::Undefined => from.undefined().map(|()| "undefined".into())?,
        Type::Null => from.null().map(|()| "null".into())?,
        Type::Bool => from.bool()?.to_string(),
        Type::F32 | Type::F64 => case_file::number(float(from)?),
        Type::String => case_file::quoted(from.str()?),
        Type::Bytes => case_file::bytes(from.bytes()?),
        Type::Array => {
            let length = from.array()?.expect("a definite length");
            case_file::array(&(0..length).map(|_| read(from, shared)).collect::<Result<Vec<_>, _>>()?)
        }
        Type::Map => case_file::object(members(from, shared)?.into_iter()),
        Type::Tag => tagged(from, shared)?,
        _ => i128::from(from.int()?).to_string(),
    })
}

/// The names and items of a map.
fn members<'b>(from: &mut Decoder<'b>, shared: &mut usize) -> Result<Vec<(&'b str, String)>, minicbor::decode::Error> {
    let length = from.map()?.expect("a definite length");
    (0..length).map(|_| Ok((from.str()?, read(from, shared)?))).collect()
}

fn tagged(from: &mut Decoder<'_>, shared: &mut usize) -> Result<String, minicbor::decode::Error> {
    Ok(match from.tag()?.as_u64() {
        1 => {
            let seconds = float(from)?;
            // Of the whole and the fraction, as the product of both can be rounded to half a millisecond.
            let millis = seconds.trunc() * 1000.0 + (seconds.fract() * 1000.0).round();
            case_file::date((!millis.is_nan()).then_some(millis as i64))
        }
        2 => format!("{}n", decimal(from.bytes()?, 0)),
        // CBOR writes the negative number n as the magnitude of -1 - n.
        3 => format!("-{}n", decimal(from.bytes()?, 1)),
        27 => match (from.array()?, from.str()?) {
            (Some(2), "ArrayBuffer") => case_file::array_buffer(from.bytes()?),
            (Some(2), "DataView") => case_file::view("DataView", from.bytes()?),
            (Some(3), "RegExp") => case_file::regexp(from.str()?, from.str()?),
            (Some(2), "Error") => {
                let mut members = members(from, shared)?;
                members.retain(|(name, _)| *name != "stack");
                case_file::error(&members)
            }
            (Some(2), "Boolean" | "Number" | "String" | "BigInt") => case_file::boxed(&read(from, shared)?),
            (length, class) => panic!("the engine never writes the class {class} with {length:?}"),
        },
        28 => {
            let number = *shared;
            *shared += 1;
            case_file::shared(number, &read(from, shared)?)
        }
        29 => case_file::reference(from.u64()? as usize),
        31 => {
            from.undefined()?;
            case_file::HOLE.into()
        }
        258 => {
            let length = from.array()?.expect("a definite length");
            case_file::set(&(0..length).map(|_| read(from, shared)).collect::<Result<Vec<_>, _>>()?)
        }
        259 => {
            let length = from.map()?.expect("a definite length");
            let entries = (0..length).map(|_| Ok((read(from, shared)?, read(from, shared)?)));
            case_file::map(&entries.collect::<Result<Vec<_>, minicbor::decode::Error>>()?)
        }
        tag @ 68..=86 => {
            let class = match tag {
                68 => "Uint8ClampedArray",
                69 => "Uint16Array",
                70 => "Uint32Array",
                71 => "BigUint64Array",
                72 => "Int8Array",
                77 => "Int16Array",
                78 => "Int32Array",
                79 => "BigInt64Array",
                84 => "Float16Array",
                85 => "Float32Array",
                86 => "Float64Array",
                _ => panic!("the engine never writes the tag {tag}"),
            };
            case_file::view(class, from.bytes()?)
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

/// An item within `levels` lists.
fn nested(levels: usize, item: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x81; levels];
    bytes.extend(item);
    bytes
}

#[test]
fn every_kind_of_value_has_one_encoded_form() {
    let (engine, _) = engine();
    for (source, expected) in [
        ("undefined", "f7"),
        ("null", "f6"),
        ("[true, false]", "82 f5 f4"),
        ("[0, 23, 24, 255, 256, 65536, 4294967296]", "87 00 17 18 18 18 ff 19 0100 1a 00010000 1b 0000000100000000"),
        ("[-1, -24, -25, -256, -257]", "85 20 37 38 18 38 ff 39 0100"),
        ("[2 ** 53 - 1, -(2 ** 53 - 1)]", "82 1b 001fffffffffffff 3b 001ffffffffffffe"),
        ("[2 ** 53, -(2 ** 53), 2 ** 53 + 2]", "83 fa 5a000000 fa da000000 fb 4340000000000001"),
        (
            "[-0, 0.5, 0.1, 2 ** -149, 2 ** 128]",
            "85 fa 80000000 fa 3f000000 fb 3fb999999999999a fa 00000001 fb 47f0000000000000",
        ),
        ("[NaN, Infinity, -Infinity]", "83 fa 7fc00000 fa 7f800000 fa ff800000"),
        ("[0n, 1n, -1n, 255n, 256n, -256n, -257n]", "87 c2 40 c2 41 01 c3 40 c2 41 ff c2 42 0100 c3 41 ff c3 42 0100"),
        ("[2n ** 64n, -(2n ** 64n)]", "82 c2 49 010000000000000000 c3 48 ffffffffffffffff"),
        ("['', 'ü\\0', '\\ud83d\\ude00', '\\ud83d']", "84 60 63 c3bc00 64 f09f9880 63 efbfbd"),
        (
            "[new Date(0), new Date(1500), new Date(1), new Date(-86400000), new Date(NaN)]",
            "85 c1 00 c1 fa 3fc00000 c1 fb 3f50624dd2f1a9fc c1 3a 0001517f c1 fa 7fc00000",
        ),
        ("new Uint8Array([1, 2])", "42 0102"),
        ("new Uint8Array([1, 2]).buffer", "d81b 82 6b 4172726179427566666572 42 0102"),
        ("[[], {}, [,], [1, undefined, , 2]]", "84 80 a0 81 d81f f7 84 01 f7 d81f f7 02"),
        ("({ b: 1, a: undefined, 0: [] })", "a3 61 30 80 61 62 01 61 61 f7"),
    ] {
        let value = evaluate(engine, &crate::source(&format!("({source})"), SourceKind::Script), ResultForm::Value);
        assert_eq!(value.map(|value| hex(&value)), Ok(expected.replace(' ', "")), "{source}");
    }
}

#[test]
fn globals_are_read_back_as_they_were_set() {
    let (engine, _) = engine();
    let values = "f7 f6 f5 f4 00 17 1818 20 3903e7 1b001fffffffffffff 3b001ffffffffffffe fa80000000 fa7fc00000 \
        fa7f800000 faff800000 fa3fc00000 fb3fb999999999999a fb4340000000000001 60 6161 63c3bc00 64f09f9880 \
        40 420102 d81b826b417272617942756666657240 d81b826b41727261794275666665724301fe00 c100 c1fa3fc00000 \
        c1fb3f50624dd2f1a9fc c1fa7fc00000 c11b000007dba8218000 c13b000007dba8217fff c240 c24101 c340 c34101 \
        c249010000000000000000 80 83010203 8180 a0 a161616162 a2616101616281a16163f6 \
        a1695f5f70726f746f5f5f01";
    eval(engine, "function same(value) { return value }").unwrap();
    for value in values.split_whitespace() {
        assert_eq!(set(engine, "value", &unhex(value)), Ok(()), "{value}");
        assert_eq!(engine.get_global("value", ResultForm::Value).map(|value| hex(&value)), Ok(value.to_owned()));
        assert_eq!(call_encoded(engine, "same", &[unhex(value)]).map(|value| hex(&value)), Ok(value.to_owned()));
    }
}

#[test]
fn other_forms_of_a_value_mean_the_same() {
    let (engine, _) = engine();
    for (value, expected) in [
        ("1800", "0"),
        ("1b0000000000000001", "1"),
        ("3b0000000000000000", "-1"),
        ("f93c00", "1"),
        ("f98000", "-0"),
        ("f97e00", "NaN"),
        ("f90001", "5.960464477539063e-8"),
        ("fb3ff0000000000000", "1"),
        ("fb8000000000000000", "-0"),
        ("fb7ff8000000000001", "NaN"),
        ("1b0020000000000000", "9007199254740992n"),
        ("3b001fffffffffffff", "-9007199254740992n"),
        ("1bffffffffffffffff", "18446744073709551615n"),
        ("3bffffffffffffffff", "-18446744073709551616n"),
        ("c24400000005", "5n"),
        ("c3420000", "-1n"),
        ("d84043010203", "h'010203'"),
        ("780161", "\"a\""),
        ("98020102", "[1, 2]"),
        ("b8016161 f6", "{\"a\": null}"),
        ("a2616101616102", "{\"a\": 2}"),
        ("a26162016131 02", "{\"1\": 2, \"b\": 1}"),
        ("c1fb430c6bf526340000", "date(NaN)"),
        ("c1fa7f800000", "date(NaN)"),
        ("c1fb3f40624dd2f1a9fc", "date(1)"),
    ] {
        assert_eq!(set(engine, "value", &unhex(value)), Ok(()), "{value}");
        assert_eq!(get(engine, "value"), Ok(expected.to_owned()), "{value}");
    }
}

#[test]
fn values_arrive_with_the_type_that_they_left_with() {
    let (engine, _) = engine();
    eval(engine, "function type(v) { return typeof v === 'object' ? Object.prototype.toString.call(v) + Object.isExtensible(v) : typeof v }").unwrap();
    for (value, expected) in [
        ("f7", "undefined"),
        ("f6", "[object Null]false"),
        ("f5", "boolean"),
        ("01", "number"),
        ("c24101", "bigint"),
        ("1b0020000000000000", "bigint"),
        ("60", "string"),
        ("c100", "[object Date]true"),
        ("4101", "[object Uint8Array]true"),
        ("d81b826b41727261794275666665724101", "[object ArrayBuffer]true"),
        ("80", "[object Array]true"),
        ("a0", "[object Object]true"),
    ] {
        assert_eq!(call(engine, "type", &[value]), Ok(case_file::quoted(expected)));
    }
}

#[test]
fn what_is_set_is_a_plain_property_that_the_script_may_change() {
    let (engine, _) = engine();
    set(engine, "list", &unhex("8301 02 a1 6161 01")).unwrap();
    let script = "list.push('more'); list[2].a++; list[0] = { new: true }; delete list[2].b; list";
    assert_eq!(eval(engine, script), Ok(r#"[{"new": true}, 2, {"a": 2}, "more"]"#.into()));
    let flags = "const { value, ...flags } = Object.getOwnPropertyDescriptor(globalThis, 'list'); flags";
    assert_eq!(eval(engine, flags), Ok(r#"{"writable": true, "enumerable": true, "configurable": true}"#.into()));
}

#[test]
fn setters_on_built_in_prototypes_do_not_see_what_is_set() {
    let (engine, world) = engine();
    let spy = "for (const name of [0, 1, 'a', '__proto__', 'then', 'length']) {
        const seen = { __proto__: null, configurable: true, get() {}, set() { console.log('seen ' + name) } };
        if (name !== 'length') Object.defineProperty(Array.prototype, name, seen);
        Object.defineProperty(Object.prototype, name, seen);
    }";
    eval(engine, spy).unwrap();
    set(engine, "value", &unhex("82 01 a3 6161 02 695f5f70726f746f5f5f 03 647468656e 04")).unwrap();
    assert_eq!(get(engine, "value"), Ok(r#"[1, {"a": 2, "__proto__": 3, "then": 4}]"#.into()));
    assert_eq!(messages(&world), [""; 0]);
}

#[test]
fn replaced_constructors_do_not_see_what_is_set() {
    let (engine, _) = engine();
    let replace = "for (const name of ['Date', 'BigInt', 'Array', 'Object', 'Uint8Array', 'ArrayBuffer', 'String']) {
        const { prototype } = globalThis[name];
        try { prototype.constructor = () => { throw 1 } } catch {}
        globalThis[name] = function () { throw new Error('not asked') };
    } 0";
    eval(engine, replace).unwrap();
    set(engine, "value", &unhex("86 c101 c24105 81 00 a0 4101 d81b826b41727261794275666665724101")).unwrap();
    assert_eq!(get(engine, "value"), Ok("[date(1000), 5n, [0], {}, h'01', ArrayBuffer(h'01')]".into()));
}

#[test]
fn globals_are_set_in_order_up_to_the_one_that_fails() {
    let (engine, _) = engine();
    eval(engine, "Object.defineProperty(globalThis, 'guarded', { set() { throw new RangeError('guarded') } })")
        .unwrap();
    let set = engine.set_globals([("first", &[0x01][..]), ("guarded", &[0x02]), ("last", &[0x03])]);
    assert_eq!(thrown(set), "RangeError: guarded");
    assert_eq!((get(engine, "first"), get(engine, "last")), (Ok("1".into()), Ok("undefined".into())));
    let set = engine.set_globals([("second", &[0x01][..]), ("bad", &[0xff]), ("last", &[0x03])]);
    assert!(invalid(set).starts_with("global \"bad\" is not an encoded value: "));
    assert_eq!((get(engine, "second"), get(engine, "last")), (Ok("1".into()), Ok("undefined".into())));
    assert_eq!(engine.set_globals([("same", &[0x01][..]), ("same", &[0x02])]), Ok(()));
    assert_eq!(get(engine, "same"), Ok("2".into()));
    assert_eq!(engine.set_globals([]), Ok(()));
}

#[test]
fn a_global_that_cannot_be_written_throws() {
    let (engine, _) = engine();
    for name in ["undefined", "NaN", "Infinity"] {
        assert!(thrown(set(engine, name, &[0x01])).starts_with("TypeError: "));
    }
    eval(engine, "Object.defineProperty(globalThis, 'fixed', { value: 1 }); Object.preventExtensions(globalThis)")
        .unwrap();
    for name in ["fixed", "one_more"] {
        assert!(thrown(set(engine, name, &[0x01])).starts_with("TypeError: "));
    }
}

#[test]
fn a_global_is_read_whatever_declares_it() {
    let (engine, _) = engine();
    let script = "var v = 'var'; let l = 'let'; const c = 'const'; globalThis.p = 'property'; implied = 'implied';
        globalThis['a b'] = 'a space'; globalThis[''] = 'nothing'; globalThis[7] = 'seven'; globalThis['a.b'] = 'a dot';
        globalThis['class'] = 'reserved'; var $ = 'dollar', _1 = 'underscore'; class C {} function f() {}";
    eval(engine, script).unwrap();
    for (name, value) in [
        ("v", "var"),
        ("l", "let"),
        ("c", "const"),
        ("p", "property"),
        ("implied", "implied"),
        ("a b", "a space"),
        ("", "nothing"),
        ("7", "seven"),
        ("a.b", "a dot"),
        ("class", "reserved"),
        ("$", "dollar"),
        ("_1", "underscore"),
    ] {
        assert_eq!(get(engine, name), Ok(case_file::quoted(value)), "{name}");
    }
    for name in ["missing", "also missing", "1st", "let", "await", "yield", "this", "null", "true", "arguments"] {
        assert_eq!(get(engine, name), Ok("undefined".into()), "{name}");
    }
    for name in ["f", "C", "Math.max", "parseInt", "eval"] {
        let expected = if name.contains('.') {
            Ok("undefined".into())
        } else {
            Err(Failure::NotTransferable("result: a function".into()))
        };
        assert_eq!(get(engine, name), expected, "{name}");
    }
    assert_eq!(get(engine, "NaN"), Ok("NaN".into()));
}

#[test]
fn a_binding_hides_the_property_of_its_name() {
    let (engine, _) = engine();
    eval(engine, "let x = 'binding'").unwrap();
    set(engine, "x", &unhex("68 70726f7065727479")).unwrap();
    assert_eq!(get(engine, "x"), Ok("\"binding\"".into()));
    assert_eq!(eval(engine, "[x, globalThis.x]"), Ok("[\"binding\", \"property\"]".into()));
}

#[test]
fn a_binding_that_was_never_initialised_throws() {
    let (engine, _) = engine();
    eval(engine, "throw 1; let unborn = 2").unwrap_err();
    assert!(thrown(get(engine, "unborn")).starts_with("ReferenceError: "));
    assert!(thrown(eval(engine, "unborn")).starts_with("ReferenceError: "));
}

#[test]
fn a_name_runs_no_code() {
    let (engine, world) = engine();
    eval(engine, "var a = { b: 1 }; function f() { console.log('ran') }").unwrap();
    for name in [
        "f()",
        "a;f()",
        "a\n;f()",
        "a,f()",
        "a=5",
        "a//",
        "a/*",
        "a?f():1",
        "`${f()}`",
        "new f",
        "import('x')",
        "(a)",
        "a ",
        "á",
    ] {
        assert_eq!(get(engine, name), Ok("undefined".into()), "{name}");
        assert!(thrown(call_encoded(engine, name, &[])).starts_with("TypeError: "), "{name}");
    }
    assert_eq!(get(engine, "a"), Ok("{\"b\": 1}".into()));
    assert_eq!(messages(&world), [""; 0]);
}

#[test]
fn a_getter_of_a_global_that_throws_is_thrown() {
    let (engine, _) = engine();
    eval(engine, "Object.defineProperty(globalThis, 'bad', { get() { throw new EvalError('bad getter') } })").unwrap();
    assert_eq!(thrown(get(engine, "bad")), "EvalError: bad getter");
    assert_eq!(thrown(call(engine, "bad", &[])), "EvalError: bad getter");
    assert_eq!(thrown(call(engine, "bad.method", &[])), "EvalError: bad getter");
}

#[test]
fn a_getter_of_a_global_is_asked_once() {
    let (engine, _) = engine();
    eval(engine, "var asked = 0; Object.defineProperty(globalThis, 'counted', { get() { return ++asked } })").unwrap();
    assert_eq!(get(engine, "counted"), Ok("1".into()));
    assert_eq!(get(engine, "asked"), Ok("1".into()));
}

#[test]
fn a_binding_with_a_name_in_any_script_is_read() {
    let (engine, _) = engine();
    eval(engine, "let größe = 5; const 名 = 6").unwrap();
    assert_eq!((get(engine, "größe"), get(engine, "名")), (Ok("5".into()), Ok("6".into())));
}

#[test]
fn functions_are_called_with_their_arguments() {
    let (engine, world) = engine();
    let script = "function list(...all) { return [all.length, ...all] }
        const arrow = (a, b = 'default') => [a, b];
        let later = async (n) => { await null; console.log('job'); return n * 2 };
        class Counter { static start = 10; static next(by) { return this.start += by } }
        var deep = { er: { name: 'deep', whoami() { return [this.name, this === deep.er] } } };
        function whoami() { return this === globalThis } function nothing() {}";
    eval(engine, script).unwrap();
    assert_eq!(call(engine, "list", &[]), Ok("[0]".into()));
    assert_eq!(call(engine, "list", &["01", "6161", "f7", "820102"]), Ok("[4, 1, \"a\", undefined, [1, 2]]".into()));
    assert_eq!(call(engine, "arrow", &["01"]), Ok("[1, \"default\"]".into()));
    assert_eq!(call(engine, "arrow", &["01", "f7", "02"]), Ok("[1, \"default\"]".into()));
    assert_eq!(call(engine, "later", &["15"]), Ok("42".into()));
    assert_eq!(messages(&world), ["job"]);
    assert_eq!(call(engine, "Counter.next", &["05"]), Ok("15".into()));
    assert_eq!(call(engine, "Counter.next", &["05"]), Ok("20".into()));
    assert_eq!(call(engine, "deep.er.whoami", &[]), Ok("[\"deep\", true]".into()));
    assert_eq!(call(engine, "whoami", &[]), Ok("true".into()));
    assert_eq!(call(engine, "nothing", &[]), Ok("undefined".into()));
    assert_eq!(call(engine, "Math.max", &["01", "05", "03"]), Ok("5".into()));
    assert_eq!(call(engine, "JSON.stringify", &["a1616101"]), Ok("\"{\\\"a\\\":1}\"".into()));
    assert_eq!(call(engine, "globalThis.list", &["01"]), Ok("[1, 1]".into()));
    assert_eq!(call(engine, "Promise.reject", &["01"]).unwrap_err(), eval(engine, "throw 1").unwrap_err());
    assert_eq!(call(engine, "console.log", &["6161", "01"]), Ok("undefined".into()));
    assert_eq!(messages(&world), ["a 1"]);
    let many: Vec<&str> = vec!["01"; 10000];
    assert_eq!(call(engine, "list", &many).map(|all| all.len()), Ok("[10000".len() + 3 * 10000 + "]".len()));
}

#[test]
fn what_is_no_function_cannot_be_called() {
    let (engine, _) = engine();
    eval(engine, "var o = { n: 1, f: null }; let s = 'text'; class C {}").unwrap();
    for name in [
        "missing",
        "o",
        "o.n",
        "o.f",
        "o.missing",
        "o.n.toFixed.x",
        "o.missing.x",
        "missing.x",
        "",
        ".",
        "o.",
        ".o",
        "s",
        "s.length",
        "o..n",
    ] {
        assert_eq!(thrown(call(engine, name, &[])), format!("TypeError: {name} is not a function"));
    }
    assert!(thrown(call(engine, "C", &[])).starts_with("TypeError: "));
}

#[test]
fn methods_of_primitives_are_called() {
    let (engine, _) = engine();
    eval(engine, "var text = 'text', n = 255").unwrap();
    assert_eq!(call(engine, "text.toUpperCase", &[]), Ok("\"TEXT\"".into()));
    assert_eq!(call(engine, "n.toString", &["10"]), Ok("\"ff\"".into()));
}

#[test]
fn a_bad_argument_is_named_and_the_function_is_not_called() {
    let (engine, world) = engine();
    eval(engine, "function f() { console.log('called') }").unwrap();
    assert!(invalid(call(engine, "f", &["01", "a1"])).starts_with("argument 1 is not an encoded value: "));
    assert!(invalid(call(engine, "missing", &[""])).starts_with("argument 0 is not an encoded value: "));
    assert_eq!(messages(&world), [""; 0]);
}

#[test]
fn malformed_values_are_refused_with_the_place() {
    let (engine, _) = engine();
    for (value, reason) in [
        // Ends too early.
        ("", "end of input bytes"),
        ("18", "end of input bytes"),
        ("1b00000000", "end of input bytes"),
        ("fb00", "end of input bytes"),
        ("6261", "end of input bytes"),
        ("4201", "end of input bytes"),
        ("8201", "end of input bytes"),
        ("a16161", "end of input bytes"),
        ("c1", "end of input bytes"),
        ("c2", "end of input bytes"),
        ("d81b82", "end of input bytes"),
        // Goes on after its end.
        ("0000", "bytes follow the value at byte 1"),
        ("8000", "bytes follow the value at byte 1"),
        // Says that it is longer than it can be.
        ("9bffffffffffffffff", "a length beyond the end at byte 0"),
        ("bbffffffffffffffff", "a length beyond the end at byte 0"),
        ("9a00100000 00", "a length beyond the end at byte 0"),
        ("81 9a7fffffff", "a length beyond the end at byte 1"),
        ("5bffffffffffffffff", "end of input bytes"),
        ("7b7fffffffffffffff", "end of input bytes"),
        ("c25b7fffffffffffffff", "end of input bytes"),
        // Has no length.
        ("9fff", "indefinite array at byte 0"),
        ("01 9f", "bytes follow the value at byte 1"),
        ("bfff", "indefinite map at byte 0"),
        ("81bf6161 01ff", "indefinite map at byte 1"),
        ("5f4101ff", "indefinite bytes at byte 0"),
        ("7f6161ff", "indefinite string at byte 0"),
        ("ff", "break at byte 0"),
        ("81ff", "break at byte 1"),
        // Is of no known type.
        ("f0", "simple at byte 0"),
        ("f8ff", "simple at byte 0"),
        ("81e0", "simple at byte 1"),
        ("1c", "0x1c at byte 0"),
        ("fc", "0xfc at byte 0"),
        // Has a tag that means nothing here, or another content than the tag says.
        ("c0 6161", "tag 0 at byte 0"),
        ("82 01 d9d9f7 01", "tag 55799 at byte 2"),
        ("db ffffffffffffffff 00", "tag 18446744073709551615 at byte 0"),
        ("c1 6161", "a date that is not a number at byte 0"),
        ("81 c1 f6", "a date that is not a number at byte 1"),
        ("c1 c24101", "a date that is not a number at byte 0"),
        ("c1 80", "a date that is not a number at byte 0"),
        ("d81b 82 634d6170 80", "an object of class \"Map\" at byte 0"),
        ("d81b 83 6b4172726179427566666572 40 40", "an object of class \"ArrayBuffer\" at byte 0"),
        ("d81b 9f 6b4172726179427566666572 40 ff", "an object of class \"ArrayBuffer\" at byte 0"),
    ] {
        let expected = format!("global \"value\" is not an encoded value: {reason}");
        assert_eq!(invalid(set(engine, "value", &unhex(value))), expected, "{value}");
    }
    assert_eq!(get(engine, "value"), Ok("undefined".into()));
}

#[test]
fn values_of_the_wrong_type_are_refused_with_the_place() {
    let (engine, _) = engine();
    for (value, at) in [
        ("a1 01 02", 1),
        ("a1 f6 02", 1),
        ("a2 6161 01 80 02", 4),
        ("c2 01", 1),
        ("c3 6161", 1),
        ("d840 80", 2),
        ("d81b 01", 2),
        ("d81b 82 01 40", 3),
        ("d81b 82 6b4172726179427566666572 80", 15),
    ] {
        let reason = invalid(set(engine, "value", &unhex(value)));
        assert!(reason.contains(&format!("at position {at}")), "{value}: {reason}");
    }
    for value in ["62 c328", "61 80", "63 eda080", "a1 61ff 01"] {
        let reason = invalid(set(engine, "value", &unhex(value)));
        assert!(reason.contains("utf-8"), "{value}: {reason}");
    }
}

#[test]
fn every_prefix_of_a_value_is_refused() {
    let (engine, _) = engine();
    let value = unhex(
        "87 01 820203 a2 6161 f93c00 626263 fb3fb999999999999a c11a00010203 c2420102 43010203 d81b826b41727261794275666665724101",
    );
    assert_eq!(set(engine, "value", &value), Ok(()));
    for end in 0..value.len() {
        invalid(set(engine, "value", &value[..end]));
    }
}

#[test]
fn no_bytes_at_all_make_the_engine_panic() {
    let (engine, _) = engine();
    let mut random = Random(7);
    for _ in 0..20_000 {
        let mut value: Vec<u8> = (0..random.below(24)).map(|_| random.next() as u8).collect();
        // Mostly of what leads on: lists, objects, tags and short texts.
        for byte in &mut value {
            if random.below(2) == 0 {
                *byte = [0x81, 0x82, 0xa1, 0xa2, 0x61, 0x41, 0xc1, 0xc2, 0xc3, 0xd8, 0x1b, 0x40, 0xf9, 0xfa]
                    [random.below(14)];
            }
        }
        match set(engine, "value", &value) {
            Ok(()) => drop(engine.get_global("value", ResultForm::Value).expect("what came in can go out")),
            Err(Failure::InvalidArgument(_)) => {}
            Err(other) => panic!("{}: {other:?}", hex(&value)),
        }
    }
}

#[test]
fn values_cross_as_deep_as_they_may_and_no_deeper() {
    let (engine, _) = engine();
    let deepest = nested(128, &[0x01]);
    assert_eq!(set(engine, "value", &deepest), Ok(()));
    assert_eq!(engine.get_global("value", ResultForm::Value), Ok(deepest));
    let reason = "global \"value\" is not an encoded value: nested deeper than 128 levels at byte 128";
    assert_eq!(invalid(set(engine, "value", &nested(129, &[0x01]))), reason);
    assert_eq!(invalid(set(engine, "value", &nested(100_000, &[0x01]))), reason);
    let objects = [0xa1, 0x61, b'a'].repeat(100_000);
    assert!(invalid(set(engine, "value", &objects)).ends_with("nested deeper than 128 levels at byte 384"));
    assert!(invalid(set(engine, "value", &[0xc1; 100])).contains("end of input bytes"));
}

#[test]
fn a_tower_of_date_tags_is_refused() {
    let (engine, _) = engine();
    let reason = invalid(set(engine, "value", &[0xc1; 10_000_000]));
    assert!(reason.contains("nested deeper") || reason.contains("a date that is not a number"));
}

#[test]
fn a_bigint_that_is_too_large_throws_and_nothing_else() {
    let (engine, _) = engine();
    let mut value = vec![0xc2, 0x5a, 0x00, 0x03, 0x00, 0x00];
    value.extend([0xff; 0x30000]);
    assert!(thrown(set(engine, "value", &value)).starts_with("RangeError: "));
    assert_eq!(eval(engine, "1 + 1"), Ok("2".into()));
}

/// A generator of pseudo-random numbers (xorshift64*), the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end
    }

    fn bytes(&mut self, longest: usize) -> Vec<u8> {
        (0..self.below(longest + 1)).map(|_| self.next() as u8).collect()
    }

    fn text(&mut self) -> String {
        let alphabet = ['a', 'Z', ' ', '"', '\\', '\n', '\0', 'é', 'ß', '世', '\u{ffff}', '😀', '\u{10ffff}'];
        (0..self.below(12)).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}

type Sink = Encoder<Vec<u8>>;
type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

/// Writes a value in the form that the engine writes it in.
fn write(random: &mut Random, out: &mut Sink, depth: usize) -> Written {
    match random.below(if depth == 0 { 10 } else { 13 }) {
        0 => drop(out.undefined()?),
        1 => drop(out.null()?),
        2 => drop(out.bool(random.below(2) == 0)?),
        3 => drop(out.i64((random.next() as i64) >> (11 + random.below(52)))?),
        4 => write_float(out, f64::from_bits(random.next()))?,
        5 if random.below(2) == 0 => {
            let special =
                [-0.0, 0.0, f64::NAN, f64::INFINITY, -f64::INFINITY, f64::MIN_POSITIVE, 9_007_199_254_740_992.0];
            write_float(out, special[random.below(special.len())])?;
        }
        5 => write_float(out, f64::from(f32::from_bits(random.next() as u32)))?,
        6 => drop(out.str(&random.text())?),
        7 => drop(out.bytes(&random.bytes(300))?),
        8 => {
            let mut magnitude = random.bytes(40);
            magnitude.drain(..magnitude.iter().take_while(|byte| **byte == 0).count());
            out.tag(Tag::new(2 + random.below(2) as u64))?.bytes(&magnitude)?;
        }
        9 if random.below(2) == 0 => write_buffer(out, &random.bytes(20))?,
        9 => {
            let millis = (random.next() as i64) % 8_640_000_000_000_001;
            out.tag(Tag::new(1))?;
            write_float(out, millis as f64 / 1000.0)?;
        }
        10 | 11 => {
            let length = random.below(6);
            out.array(length as u64)?;
            for _ in 0..length {
                write(random, out, depth - 1)?;
            }
        }
        _ => {
            let length = random.below(6);
            out.map(length as u64)?;
            for index in 0..length {
                // Names that are no integers keep their order, and the last letter makes each of them another.
                out.str(&format!("{}{}", random.text(), (b'a' + index as u8) as char))?;
                write(random, out, depth - 1)?;
            }
        }
    }
    Ok(())
}

fn write_buffer(out: &mut Sink, bytes: &[u8]) -> Written {
    out.tag(Tag::new(27))?.array(2)?.str("ArrayBuffer")?.bytes(bytes)?;
    Ok(())
}

fn write_float(out: &mut Sink, float: f64) -> Written {
    if float.is_nan() {
        out.f32(f32::NAN)?;
    } else if float.trunc() == float
        && float.abs() < 9_007_199_254_740_992.0
        && !(float == 0.0 && float.is_sign_negative())
    {
        out.i64(float as i64)?;
    } else if f64::from(float as f32) == float {
        out.f32(float as f32)?;
    } else {
        out.f64(float)?;
    }
    Ok(())
}

#[test]
fn random_values_come_back_as_they_were() {
    let (engine, _) = engine();
    eval(
        engine,
        "const same = (value) => value; const copy = (value) => Array.isArray(value) ? value.map(copy) : value",
    )
    .unwrap();
    let mut random = Random(1);
    for round in 0..3000 {
        let mut out = Encoder::new(Vec::new());
        write(&mut random, &mut out, 5).expect("a vector takes every byte");
        let value = out.into_writer();
        assert_eq!(set(engine, "value", &value), Ok(()), "round {round}: {}", render(&value));
        assert_eq!(
            engine.get_global("value", ResultForm::Value).as_ref(),
            Ok(&value),
            "round {round}: {}",
            render(&value)
        );
        for function in ["same", "copy"] {
            assert_eq!(
                call_encoded(engine, function, std::slice::from_ref(&value)).as_ref(),
                Ok(&value),
                "round {round}"
            );
        }
    }
}

#[test]
fn random_values_are_what_javascript_takes_them_for() {
    let (engine, _) = engine();
    // Written by JavaScript in the notation of `render`.
    let show = r"const show = (v) => {
        const hex = (bytes) => `h'${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}'`;
        switch (typeof v) {
            case 'bigint': return v + 'n';
            case 'string': return 'text of ' + [...v].map((c) => c.codePointAt(0)).join();
            case 'object': break;
            default: return Object.is(v, -0) ? '-0' : String(v);
        }
        if (v === null) return 'null';
        if (Array.isArray(v)) return '[' + v.map(show).join(', ') + ']';
        if (v instanceof Date) return `date(${v.getTime()})`;
        if (v instanceof Uint8Array) return hex(v);
        if (v instanceof ArrayBuffer) return `ArrayBuffer(${hex(new Uint8Array(v))})`;
        return '{' + Object.entries(v).map(([name, value]) => show(name) + ': ' + show(value)).join(', ') + '}';
    }";
    eval(engine, show).unwrap();
    let mut random = Random(2);
    for _ in 0..1000 {
        let mut out = Encoder::new(Vec::new());
        write(&mut random, &mut out, 3).expect("a vector takes every byte");
        let value = out.into_writer();
        let shown = call_encoded(engine, "show", std::slice::from_ref(&value)).expect("the function returns a text");
        let shown = minicbor::decode::<&str>(&shown).expect("a text").to_owned();
        let mut decoder = Decoder::new(&value);
        assert_eq!(shown, show_in_rust(&mut decoder).expect("it was just written"), "{}", hex(&value));
    }
}

/// As [`read`], with texts as their code points and numbers as JavaScript writes them.
fn show_in_rust(from: &mut Decoder<'_>) -> Result<String, minicbor::decode::Error> {
    let text = |text: &str| {
        format!("text of {}", text.chars().map(|c| u32::from(c).to_string()).collect::<Vec<_>>().join(","))
    };
    Ok(match from.datatype()? {
        Type::String => text(from.str()?),
        Type::F32 | Type::F64 => javascript_digits(float(from)?),
        Type::Array => {
            let length = from.array()?.expect("a definite length");
            case_file::array(&(0..length).map(|_| show_in_rust(from)).collect::<Result<Vec<_>, _>>()?)
        }
        Type::Map => {
            let length = from.map()?.expect("a definite length");
            let properties = (0..length).map(|_| Ok(format!("{}: {}", text(from.str()?), show_in_rust(from)?)));
            format!("{{{}}}", properties.collect::<Result<Vec<_>, minicbor::decode::Error>>()?.join(", "))
        }
        _ => read(from, &mut 0)?,
    })
}

/// `Number.prototype.toString`, from the shortest digits, which Rust and JavaScript agree about.
fn javascript_digits(number: f64) -> String {
    if !number.is_finite() || number == 0.0 {
        return case_file::number(number);
    }
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').expect("the exponent is always there");
    let (digits, exponent) = (mantissa.replace('.', ""), exponent.parse::<i32>().expect("an exponent"));
    let count = digits.len() as i32;
    let sign = if number < 0.0 { "-" } else { "" };
    let body = match exponent {
        0..=20 if count <= exponent + 1 => format!("{digits}{}", "0".repeat((exponent + 1 - count) as usize)),
        0..=20 => format!("{}.{}", &digits[..=exponent as usize], &digits[exponent as usize + 1..]),
        -6..=-1 => {
            format!("0.{}{digits}", "0".repeat((-exponent - 1) as usize))
        }
        _ => {
            let fraction = if count > 1 { format!(".{}", &digits[1..]) } else { String::new() };
            format!("{}{fraction}e{}{}", &digits[..1], if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
    };
    format!("{sign}{body}")
}

#[test]
fn dates_keep_their_milliseconds_as_far_as_they_reach() {
    let (engine, _) = engine();
    eval(engine, "const time = (date) => date.getTime()").unwrap();
    let mut random = Random(3);
    for _ in 0..20_000 {
        let millis = (random.next() as i64) % 8_640_000_000_000_001;
        let mut out = Encoder::new(Vec::new());
        out.tag(Tag::new(1)).and_then(|out| out.f64(millis as f64 / 1000.0)).expect("a vector takes every byte");
        let time = call_encoded(engine, "time", &[out.into_writer()]).map(|value| render(&value));
        assert_eq!(time, Ok(millis.to_string()));
    }
}

#[test]
fn large_values_cross() {
    let (engine, _) = engine();
    engine.configure(Settings { memory_bytes: 256 << 20, result_bytes: 16 << 20, ..SETTINGS });
    let mut list = vec![0x9a, 0x00, 0x03, 0x0d, 0x40];
    list.extend([0x07; 200_000]);
    let mut bytes = vec![0x5a, 0x00, 0x50, 0x00, 0x00];
    bytes.extend([0xab; 5 << 20]);
    let mut text = vec![0x7a, 0x00, 0x50, 0x00, 0x00];
    text.extend([b'x'; 5 << 20]);
    for value in [list, bytes, text] {
        assert_eq!(set(engine, "value", &value), Ok(()));
        assert!(engine.get_global("value", ResultForm::Value) == Ok(value));
    }
}

#[test]
fn a_result_may_be_as_long_as_its_limit_and_no_longer() {
    let (engine, _) = engine();
    let limit = |bytes| engine.configure(Settings { result_bytes: bytes, ..SETTINGS });
    for text in [
        "'x'.repeat(1000)",
        "'\\ud800'.repeat(100)",
        "new Uint8Array(300)",
        "new ArrayBuffer(300)",
        "10n ** 100n",
        "[1, 2, 3]",
        "({ a: 1, 'long name': 'x' })",
        "[[[[]]]]",
        "new Date(1)",
        "1",
        "undefined",
        "0.1",
        "new Array(100)",
        "[{}, [{}]]",
        "Promise.resolve('later')",
    ] {
        let run = || evaluate(engine, &source(&format!("({text})"), SourceKind::Script), ResultForm::Value);
        limit(1 << 20);
        let length = run().expect("it is short enough").len() as u32;
        limit(length);
        assert_eq!(run().map(|value| value.len() as u32), Ok(length), "{text}");
        limit(length - 1);
        assert_eq!(run(), Err(Failure::ResultTooLarge(length - 1)), "{text}");
        limit(0);
        assert_eq!(run(), Err(Failure::ResultTooLarge(0)), "{text}");
    }
    limit(10);
    assert_eq!(eval_text(engine, "'x'.repeat(11)"), Err(Failure::ResultTooLarge(10)));
    assert_eq!(get(engine, "missing"), Ok("undefined".into()));
    assert_eq!(call(engine, "String", &["6b6161616161616161616161"]), Err(Failure::ResultTooLarge(10)));
    assert_eq!(set(engine, "value", &unhex("6b6161616161616161616161")), Ok(()));
    assert_eq!(get(engine, "value"), Err(Failure::ResultTooLarge(10)));
}

#[test]
fn long_texts_of_failures_are_cut() {
    let (engine, _) = engine();
    const CUT: usize = 16 << 10;
    let Err(Failure::Thrown(exception)) = eval(engine, "throw new Error('ü'.repeat(100000))") else {
        panic!("it throws");
    };
    assert_eq!(exception.message, "ü".repeat(CUT / 2) + "... (cut)");
    let named = "const e = new Error('m'); e.name = 'n'.repeat(16385); e.stack = 's'.repeat(16384); throw e";
    let Err(Failure::Thrown(exception)) = eval(engine, named) else {
        panic!("it throws");
    };
    assert_eq!((exception.name, exception.stack), ("n".repeat(CUT) + "... (cut)", "s".repeat(CUT)));
    let Err(Failure::NotTransferable(what)) = eval(engine, "({ ['n'.repeat(20000)]: Symbol() })") else {
        panic!("a symbol does not cross");
    };
    assert_eq!(what, format!("result.{}...: a symbol", "n".repeat(64)));
}

#[test]
fn a_thrown_value_that_is_too_long_crosses_as_its_text_only() {
    let (engine, _) = engine();
    for (length, crosses) in [(65_000, true), (66_000, false)] {
        let Err(Failure::Thrown(exception)) = eval(engine, &format!("throw 'x'.repeat({length})")) else {
            panic!("it throws");
        };
        assert_eq!(exception.thrown.is_some(), crosses);
        assert_eq!(exception.message, "x".repeat(16 << 10) + "... (cut)");
    }
}

#[test]
fn a_source_with_a_zero_is_refused() {
    let (engine, _) = engine();
    assert_eq!(invalid(eval(engine, "'a\0b'")), "the source's text holds U+0000 at byte 2");
    let named = Source { name: "a\0".into(), ..source("1", SourceKind::Script) };
    let refused = evaluate(engine, &named, ResultForm::Value);
    assert_eq!(invalid(refused), "the source's name holds U+0000 at byte 1");
    assert_eq!(
        invalid(evaluate(engine, &source("1\0", SourceKind::Module), ResultForm::Text)),
        "the source's text holds U+0000 at byte 1"
    );
}

#[test]
fn sources_are_shown_under_any_name() {
    let (engine, _) = engine();
    for name in ["", "a b.js", "ünï.js", "/a/b/../c.js", "a:1:2", "<eval>", "file:///x.mjs?y#z"] {
        for kind in [SourceKind::Script, SourceKind::Module] {
            let source = Source { name: name.into(), text: "\n  throw new Error('here')".into(), kind };
            let Err(Failure::Thrown(exception)) = evaluate(engine, &source, ResultForm::Value) else {
                panic!("it throws");
            };
            assert!(exception.stack.ends_with(&format!("({name}:2:13)")), "{name}: {}", exception.stack);
        }
    }
}

#[test]
fn later_scripts_see_what_earlier_ones_declared() {
    let (engine, _) = engine();
    eval(engine, "let a = 1; const b = 2; class C { static d = 3 } function e() { return a } var f = 5").unwrap();
    assert_eq!(eval(engine, "a = 10; [a, b, C.d, e(), f]"), Ok("[10, 2, 3, 10, 5]".into()));
    assert!(thrown(eval(engine, "let a = 2")).starts_with("SyntaxError: "));
    assert!(thrown(eval(engine, "var b = 2")).starts_with("SyntaxError: "));
    assert!(thrown(eval(engine, "b = 3")).starts_with("TypeError: "));
    assert_eq!(eval(engine, "var f; function e() { return 'again' } [e(), f]"), Ok("[\"again\", 5]".into()));
    let module =
        evaluate(engine, &source("globalThis.seen = [a, b, typeof C, f]", SourceKind::Module), ResultForm::Value);
    assert_eq!(module.map(|value| render(&value)), Ok("undefined".into()));
    assert_eq!(get(engine, "seen"), Ok("[10, 2, \"function\", 5]".into()));
}

#[test]
fn modules_of_one_name_are_each_evaluated() {
    let (engine, world) = engine();
    for _ in 0..3 {
        evaluate(engine, &source("export let n = 1; console.log(n++)", SourceKind::Module), ResultForm::Value).unwrap();
    }
    assert_eq!(messages(&world), ["1", "1", "1"]);
}

#[test]
fn a_module_that_the_host_finds_malformed_is_an_error_of_its_own_and_may_be_imported_again() {
    let (engine, world) = engine();
    for (name, class) in [("a.ts", "SyntaxError"), ("b.ts", "RangeError")] {
        world.modules.borrow_mut().insert(name.into(), class.into());
        let seen = format!("[{class:?}, 300, \"    at {name}:2:8\\n\", []]");
        let script =
            format!("import('{name}').catch((e) => [e.constructor.name, e.message.length, e.stack, Object.keys(e)])");
        for _ in 0..2 {
            assert_eq!(eval(engine, &script), Ok(seen.clone()));
        }
        let module = evaluate(engine, &source(&format!("import '{name}'"), SourceKind::Module), ResultForm::Value);
        let Err(Failure::Thrown(exception)) = module else { panic!("it throws") };
        assert_eq!((exception.name.as_str(), exception.stack), (class, format!("    at {name}:2:8")));
    }
}

#[test]
fn a_promise_that_was_left_can_be_settled_later() {
    let (engine, _) = engine();
    assert_eq!(
        eval(engine, "var settle; var later = new Promise((f) => { settle = f }); later"),
        Err(Failure::NeverSettles)
    );
    assert_eq!(eval(engine, "settle('now'); later"), Ok("\"now\"".into()));
    assert_eq!(get(engine, "later"), Ok("\"now\"".into()));
}

#[test]
fn no_job_is_left_after_a_call() {
    let (engine, world) = engine();
    eval(engine, "Promise.resolve().then(() => console.log('evaluate')); 1").unwrap();
    assert_eq!(messages(&world), ["evaluate"]);
    eval(engine, "function f() { queueMicrotask(() => console.log('call')); throw 1 }").unwrap();
    call(engine, "f", &[]).unwrap_err();
    assert_eq!(messages(&world), ["call"]);
    let accessors = "Object.defineProperty(globalThis, 'x', {
        get() { queueMicrotask(() => console.log('get')); return 1 },
        set() { queueMicrotask(() => console.log('set')) },
    }); 0";
    eval(engine, accessors).unwrap();
    set(engine, "x", &[0x01]).unwrap();
    assert_eq!(messages(&world), ["set"]);
    get(engine, "x").unwrap();
    assert!(!messages(&world).is_empty());
    eval(engine, "({ get a() { queueMicrotask(() => console.log('result')); return 1 } })").unwrap();
    assert_eq!(messages(&world), ["result"]);
    eval(engine, "({ get a() { queueMicrotask(() => console.log('refused')); return Symbol() } })").unwrap_err();
    assert_eq!(messages(&world), ["refused"]);
}

#[test]
fn everything_has_a_text() {
    let (engine, _) = engine();
    for (script, text) in [
        ("'top'", "top"),
        ("['in']", "[ 'in' ]"),
        ("undefined", "undefined"),
        ("-0", "-0"),
        ("10n", "10n"),
        ("(function f() {})", "[Function: f]"),
        ("Symbol('s')", "Symbol(s)"),
        ("new Map([[1, { a: [] }]])", "Map(1) { 1 => { a: [] } }"),
        ("const o = {}; o.o = o; o", "{ o: [Circular] }"),
        ("Promise.resolve([1])", "[ 1 ]"),
        ("({ get a() { throw 1 } })", "{ a: [getter threw] }"),
        ("'a\\ud800'", "a\u{fffd}"),
    ] {
        assert_eq!(eval_text(engine, script), Ok(text.to_owned()), "{script}");
    }
    assert_eq!(thrown(eval_text(engine, "throw new Error('x')")), "Error: x");
    assert_eq!(eval_text(engine, "new Promise(() => {})"), Err(Failure::NeverSettles));
    assert_eq!(
        eval_text(engine, "new Error('as a value')"),
        Ok("Error: as a value\n    at <eval> (case.js:1:5)".into())
    );
}

#[test]
fn a_large_map_is_printed_without_a_copy_of_it() {
    let (engine, world) = engine();
    let fill = "const map = new Map(); for (let i = 0; i < 400_000; i++) map.set(i, i); console.log(map)";
    eval(engine, fill).unwrap();
    let printed = messages(&world).concat();
    assert!(printed.starts_with("Map(400000) { 0 => 0, ") && printed.ends_with("... 399900 more }"), "{printed}");
}

#[test]
fn the_console_may_print_what_prints() {
    let (engine, world) = engine();
    assert_eq!(
        eval(engine, "const o = { get a() { console.log(o) } }; console.log(o); 'goes on'"),
        Ok("\"goes on\"".into())
    );
    assert!(messages(&world).len() > 10);
    assert_eq!(eval(engine, "console.log('x'.repeat(2 ** 20)); 'goes on'"), Ok("\"goes on\"".into()));
    assert_eq!(messages(&world), ["x".repeat(512 << 10) + "... (cut)"]);
}

#[test]
fn random_numbers_are_seeded_by_the_host_at_their_first_use_and_once() {
    let (first, first_world) = engine();
    let (second, _) = engine();
    eval(first, "const { random } = Math; const draw = () => Array.from({ length: 5 }, random)").unwrap();
    assert_eq!(first_world.seeds.get(), 0);
    let drawn = call(first, "draw", &[]);
    assert_eq!(first_world.seeds.get(), 1);
    assert_eq!(drawn, eval(second, "Array.from({ length: 5 }, Math.random)"));
    assert_ne!(drawn, call(first, "draw", &[]));
    assert_eq!(first_world.seeds.get(), 1);
}

#[test]
fn a_loop_is_stopped_and_the_context_goes_on() {
    let (engine, world) = engine();
    eval(engine, "var kept = { n: 1 }").unwrap();
    for (script, polls) in [
        ("while (1);", 1),
        ("for (;;) kept.n++", 5),
        ("do {} while (true)", 3),
        ("(function down() { for (;;) {} })()", 2),
        ("const f = () => { kept.n++ }; while (1) f()", 4),
        ("label: for (;;) continue label", 2),
        ("[1].forEach(() => { for (;;); })", 2),
        ("[2, 1].sort(() => { for (;;); })", 2),
        ("new (class { constructor() { for (;;); } })()", 2),
        ("for (const x of (function* () { for (;;) yield 1 })());", 2),
        ("`${{ toString() { for (;;); } }}`", 2),
        ("({ get a() { for (;;); } })", 2),
        ("new Proxy({}, { ownKeys() { for (;;); } })", 2),
        ("console.log({ get a() { for (;;); } })", 2),
        ("throw { get a() { for (;;); } }", 2),
        ("eval('for (;;);')", 2),
        ("new Function('for (;;);')()", 2),
        ("JSON.stringify({ toJSON() { for (;;); } })", 2),
        ("/(a+)+$/.test('a'.repeat(40) + 'b')", 2),
        ("(async () => { for (;;); })()", 2),
        ("(async () => { await 1; for (;;); })()", 2),
        ("({ then(f) { for (;;); } }).then()", 2),
        ("Promise.resolve({ then(f) { for (;;); } })", 2),
    ] {
        world.polls.set(0);
        world.stop_at.set(Some(polls));
        assert_eq!(eval(engine, script), Err(Failure::Interrupted { jobs_dropped: false }), "{script}");
        assert!((polls..polls + 20).contains(&world.polls.get()), "{script}: {} questions", world.polls.get());
        world.stop_at.set(None);
        assert_eq!(eval(engine, "typeof kept.n"), Ok("\"number\"".into()), "{script}");
    }
}

#[test]
fn a_stop_cannot_be_caught() {
    let (engine, world) = engine();
    for script in [
        "try { for (;;); } catch { console.log('caught') }",
        "try { for (;;); } finally { console.log('finally') }",
        "for (;;) { try { for (;;); } catch {} }",
        "(async () => { try { for (;;); } catch { console.log('caught') } })().catch(() => console.log('rejected'))",
        "(async () => { await 0; for (;;); })().catch(() => console.log('rejected')).finally(() => console.log('finally'))",
        "new Promise(() => { for (;;); }).catch(() => console.log('rejected'))",
        "function* g() { try { for (;;); } finally { console.log('finally') } } for (const x of g());",
        "for (const x of { [Symbol.iterator]: () => ({ next() { for (;;); }, return() { console.log('return') } }) });",
        "const o = { get a() { for (;;); } }; try { console.log(o) } catch { console.log('caught') } finally { for (;;); }",
        "[1, 2, 3].map(() => { try { for (;;); } catch { console.log('caught') } })",
    ] {
        world.polls.set(0);
        world.stop_at.set(Some(3));
        let stopped = eval(engine, script);
        world.stop_at.set(None);
        assert!(matches!(stopped, Err(Failure::Interrupted { .. })), "{script}: {stopped:?}");
        let printed = messages(&world);
        assert!(printed.iter().all(|message| message.starts_with('{')), "{script}: {printed:?}");
        // What was left in the queue, if anything.
        eval(engine, "0").unwrap();
        messages(&world);
    }
}

#[test]
fn an_endless_chain_of_jobs_is_stopped_and_leaves_none() {
    let (engine, world) = engine();
    for script in [
        "const next = () => { if (!globalThis.over) Promise.resolve().then(next) }; next()",
        "(async () => { while (!globalThis.over) await null })()",
        "const more = () => { if (!globalThis.over) queueMicrotask(more) }; more()",
        "(async () => { for await (const n of (async function* () { while (!globalThis.over) yield 1 })()); })()",
    ] {
        world.polls.set(0);
        world.stop_at.set(Some(10));
        let counted = format!("globalThis.runs = 0; {{ {} }}", script.replace("!globalThis.over", "++runs"));
        assert_eq!(eval(engine, &counted), Err(Failure::Interrupted { jobs_dropped: true }), "{script}");
        assert!(world.polls.get() < 20, "{script}: {} questions", world.polls.get());
        world.stop_at.set(None);
        // Nothing of it goes on within later calls.
        let runs = eval(engine, "runs");
        assert_eq!(eval(engine, "runs"), runs, "{script}");
    }
}

#[test]
fn no_function_of_a_script_hears_of_the_jobs_that_a_stop_ends() {
    let (engine, world) = engine();
    world.stop_at.set(Some(10));
    let script = "var heard = 0;
        function Odd(executor) { executor(() => heard++, () => heard++) }
        Odd[Symbol.species] = Odd;
        const odd = Promise.resolve();
        odd.constructor = Odd;
        Promise.resolve().then(() => { for (;;); });
        odd.then(() => heard++);
        odd.then(() => heard++, () => heard++);";
    assert_eq!(eval(engine, script), Err(Failure::Interrupted { jobs_dropped: true }));
    world.stop_at.set(None);
    assert_eq!(eval(engine, "heard"), Ok("0".into()));
}

#[test]
fn nothing_more_is_read_for_a_text_once_the_call_was_stopped() {
    let (engine, world) = engine();
    engine.configure(Settings { console_arguments: true, ..SETTINGS });
    let script = "let got = 0;
        const endless = () => ({ get a() { got++; for (;;); } }), some = (make) => Array.from({ length: 10 }, make);
        const list = some(endless), print = console.log.bind(console);
        class Odd extends Error { get name() { got++; for (;;); } get message() { return this.name } get stack() { return this.name } }
        0";
    eval(engine, script).unwrap();
    let stop = |script: &str, form| {
        world.polls.set(0);
        // Late enough for the first getter to have begun.
        world.stop_at.set(Some(60));
        let stopped = evaluate(engine, &source(script, SourceKind::Script), form);
        world.stop_at.set(None);
        assert_eq!(stopped, Err(Failure::Interrupted { jobs_dropped: false }), "{script}");
        assert_eq!(eval(engine, "{ const before = got; got = 0; before }"), Ok("1".into()), "{script}");
    };
    for script in [
        "print(list)",
        "print(...list)",
        "print('%o %s', list, list)",
        "console.table(list)",
        "console.table([list, list])",
        "print(new Map([[1, list], [list, 2]]), new Set(list))",
        "print(Object.assign(new Error('m'), { list, more: list }))",
        "print(new AggregateError(some(() => new Odd())))",
        "throw list",
        "throw new AggregateError(list, 'm', { cause: list })",
        "throw new Odd()",
        "throw new AggregateError(some(() => new Odd()))",
    ] {
        stop(script, ResultForm::Value);
    }
    stop("list", ResultForm::Text);
}

#[test]
fn the_host_is_asked_at_each_object_that_is_printed() {
    let (engine, world) = engine();
    eval(engine, "const row = Array(100).fill({}), print = console.log.bind(console); 0").unwrap();
    world.polls.set(0);
    world.stop_at.set(Some(5000));
    // No function of the script runs, so that QuickJS asks next to nothing.
    let stopped = eval(engine, "print(Array(100).fill(row))");
    assert_eq!(stopped, Err(Failure::Interrupted { jobs_dropped: false }));
}

#[test]
fn every_kind_of_call_is_stopped() {
    let (engine, world) = engine();
    let script = "Object.defineProperty(globalThis, 'endless', { get() { for (;;); }, set() { for (;;); } });
        function loop() { for (;;); }
        var o = { get a() { for (;;); } }; 0";
    eval(engine, script).unwrap();
    let stopped = Err(Failure::Interrupted { jobs_dropped: false });
    let ask = || {
        world.polls.set(0);
        world.stop_at.set(Some(2));
    };
    ask();
    assert_eq!(call(engine, "loop", &[]), stopped);
    ask();
    assert_eq!(call(engine, "o.a.b", &[]), stopped);
    ask();
    assert_eq!(get(engine, "endless"), stopped);
    ask();
    assert_eq!(get(engine, "o"), stopped);
    ask();
    assert_eq!(set(engine, "endless", &[0x01]), Err(Failure::Interrupted { jobs_dropped: false }));
    ask();
    let module = evaluate(engine, &source("for (;;);", SourceKind::Module), ResultForm::Text);
    assert_eq!(module, Err(Failure::Interrupted { jobs_dropped: false }));
    ask();
    let module = evaluate(engine, &source("await 0; for (;;);", SourceKind::Module), ResultForm::Value);
    assert_eq!(module, Err(Failure::Interrupted { jobs_dropped: false }));
    ask();
    assert_eq!(eval_text(engine, "o"), stopped);
    world.stop_at.set(None);
    assert_eq!(eval(engine, "1 + 1"), Ok("2".into()));
}

#[test]
fn a_call_that_is_stopped_at_once_does_little() {
    let (engine, world) = engine();
    world.stop_at.set(Some(0));
    // Too short to be asked.
    assert_eq!(eval(engine, "1 + 1"), Ok("2".into()));
    assert_eq!(eval(engine, "for (;;);"), Err(Failure::Interrupted { jobs_dropped: false }));
    assert!(world.polls.get() < 5);
}

#[test]
fn a_script_that_is_not_stopped_is_asked_about() {
    let (engine, world) = engine();
    eval(engine, "for (let i = 0; i < 1e6; i++);").unwrap();
    let polls = world.polls.get();
    assert!((50..5000).contains(&polls), "{polls} questions");
    eval(engine, "let n = 0; (async () => { while (++n < 1e5) await null })()").unwrap();
    assert!(world.polls.get() > polls);
}

#[test]
fn a_batch_gives_results_in_order_as_many_as_are_asked_for() {
    let (engine, _) = engine();
    let mut batch = Batch::new(ResultForm::Value);
    let texts = |results: Vec<Result<Vec<u8>, Failure>>| -> Vec<String> {
        results
            .into_iter()
            .map(|result| result.map_or_else(|failure| format!("{failure:?}"), |value| render(&value)))
            .collect()
    };
    assert_eq!(texts(next(&mut batch, engine, 10)), [""; 0]);
    batch.push(["let a = 1; a", "a + 1", "({ a })"].map(|text| source(text, SourceKind::Script)));
    assert_eq!(texts(next(&mut batch, engine, 0)), [""; 0]);
    assert_eq!(texts(next(&mut batch, engine, 2)), ["1", "2"]);
    // Other calls may run between.
    eval(engine, "a = 7").unwrap();
    batch.push([source("globalThis.b = await 5", SourceKind::Module), source("[a, b]", SourceKind::Script)]);
    batch.push([]);
    assert_eq!(texts(next(&mut batch, engine, 2)), ["{\"a\": 7}", "undefined"]);
    assert_eq!(texts(next(&mut batch, engine, usize::MAX)), ["[7, 5]"]);
    assert_eq!(texts(next(&mut batch, engine, usize::MAX)), [""; 0]);
}

#[test]
fn a_batch_goes_on_after_a_failure() {
    let (engine, _) = engine();
    let mut batch = Batch::new(ResultForm::Value);
    let sources = ["throw 1", "(", "new Promise(() => {})", "Symbol()", "'a\0'", "'x'.repeat(2 ** 20)", "'last'"];
    batch.push(sources.map(|text| source(text, SourceKind::Script)));
    let results = next(&mut batch, engine, 100);
    assert!(matches!(
        &results[..],
        [
            Err(Failure::Thrown(_)),
            Err(Failure::Thrown(_)),
            Err(Failure::NeverSettles),
            Err(Failure::NotTransferable(_)),
            Err(Failure::InvalidArgument(_)),
            Err(Failure::ResultTooLarge(_)),
            Ok(_)
        ]
    ));
}

#[test]
fn a_batch_keeps_what_waits_when_a_source_is_interrupted() {
    let (engine, world) = engine();
    let mut batch = Batch::new(ResultForm::Text);
    batch.push(["'first'", "for (;;);", "'third'", "'fourth'"].map(|text| source(text, SourceKind::Script)));
    world.stop_at.set(Some(3));
    let results = next(&mut batch, engine, 2);
    assert_eq!(results, [Ok(unhex("65 6669727374")), Err(Failure::Interrupted { jobs_dropped: false })]);
    world.stop_at.set(None);
    assert_eq!(next(&mut batch, engine, 4), [Ok(unhex("65 7468697264")), Ok(unhex("66 666f75727468"))]);
}

#[test]
fn batches_share_the_context_and_nothing_else() {
    let (engine, _) = engine();
    let (mut first, mut second) = (Batch::new(ResultForm::Value), Batch::new(ResultForm::Text));
    first.push([source("var shared = 1", SourceKind::Script), source("shared", SourceKind::Script)]);
    second.push([source("shared = 2", SourceKind::Script)]);
    assert_eq!(next(&mut first, engine, 1).len(), 1);
    assert_eq!(next(&mut second, engine, 9), [Ok(unhex("6132"))]);
    assert_eq!(next(&mut first, engine, 9), [Ok(vec![0x02])]);
}

#[test]
fn after_every_failure_the_context_goes_on() {
    let (engine, _) = engine();
    for script in [
        "throw new Error('x')",
        "throw null",
        "(",
        "Symbol()",
        "const buffer = new ArrayBuffer(1); buffer.transfer(); buffer",
        "const bytes = new Uint8Array(1); bytes.buffer.transfer(); bytes",
        "({ get a() { throw 1 } })",
        "console.log(class { static toString() { throw 1 } }); Symbol()",
        "console.log({ get a() { throw 1 } }); Symbol()",
        "new Promise(() => {})",
        "import('x')",
        "function down() { down() } down()",
        "queueMicrotask(() => { throw 1 }); throw 2",
        "new Proxy({}, { ownKeys() { throw 1 } })",
        "'x'.repeat(2 ** 20)",
        "const hoard = []; for (;;) hoard.push(new Uint8Array(1 << 20))",
    ] {
        let failing = format!("{{ {script} }}");
        assert!(evaluate(engine, &source(&failing, SourceKind::Script), ResultForm::Value).is_err(), "{script}");
        assert_eq!(eval(engine, "[1].map((n) => n + 1)"), Ok("[2]".into()), "{script}");
        let module = evaluate(engine, &source("import 'y'", SourceKind::Module), ResultForm::Value);
        let refused = "ReferenceError: cannot import \"y\" from \"case.js\": this context has no modules";
        assert_eq!(thrown(module), refused, "{script}");
        let module = evaluate(engine, &source("export default await 1", SourceKind::Module), ResultForm::Value);
        assert_eq!(module, Ok(vec![0xf7]), "{script}");
        assert_eq!(set(engine, "x", &[0x01]), Ok(()), "{script}");
        assert_eq!(get(engine, "x"), Ok("1".into()), "{script}");
    }
}

#[test]
fn memory_that_was_used_up_is_free_again() {
    let (engine, _) = engine();
    engine.configure(Settings { memory_bytes: 8 << 20, ..SETTINGS });
    for script in [
        "{ const hoard = []; for (;;) hoard.push(new Uint8Array(65536)) }",
        "{ const hoard = []; for (;;) hoard.push({}) }",
        "{ let text = 'x'; for (;;) text += text + 'y' }",
        "{ const map = new Map(); for (let i = 0; ; i++) map.set(i, {}) }",
        "{ let n = 3n; for (;;) n *= n }",
        "new Uint8Array(16 << 20)",
        "(async () => { const hoard = []; for (;;) { await 0; hoard.push(new Uint8Array(65536)) } })()",
    ] {
        let failed = eval(engine, script);
        assert!(matches!(failed, Err(Failure::OutOfMemory | Failure::Thrown(_))), "{script}: {failed:?}");
        assert_eq!(eval(engine, "Array.from({ length: 1000 }, () => ({})).length"), Ok("1000".into()), "{script}");
    }
    assert_eq!(
        set(engine, "value", &{
            let mut value = vec![0x5a, 0x01, 0x00, 0x00, 0x00];
            value.extend(vec![0; 16 << 20]);
            value
        }),
        Err(Failure::OutOfMemory)
    );
    assert_eq!(eval(engine, "1 + 1"), Ok("2".into()));
    let usage = engine.memory_usage();
    assert!(usage.used < 4 << 20 && usage.allocated >= usage.used && usage.objects > 100, "{usage:?}");
}

#[test]
fn a_global_that_is_set_is_counted_as_memory() {
    let (engine, _) = engine();
    let before = engine.memory_usage();
    set(engine, "value", &{
        let mut value = vec![0x5a, 0x00, 0x10, 0x00, 0x00];
        value.extend(vec![0; 1 << 20]);
        value
    })
    .unwrap();
    let after = engine.memory_usage();
    assert!(after.used >= before.used + (1 << 20), "{before:?} {after:?}");
}

#[test]
fn a_smaller_stack_ends_a_recursion_earlier() {
    let (engine, _) = engine();
    eval(engine, "var depth = 0; function down() { depth++; down() } function measure() { depth = 0; try { down() } catch {} return depth }").unwrap();
    let measure = |bytes| {
        engine.configure(Settings { stack_bytes: bytes, ..SETTINGS });
        call(engine, "measure", &[]).expect("the overflow is caught").parse::<u32>().expect("a number")
    };
    let (small, large) = (measure(64 << 10), measure(512 << 10));
    assert!(small > 10 && large > 4 * small, "{small} and {large} calls");
}

/// Evaluates a module of this name among those of the world.
fn evaluate_module(engine: &Engine<FakeHost>, world: &World, name: &str) -> Result<String, Failure> {
    let text = world.modules.borrow().get(name).cloned().unwrap_or_default();
    let source = Source { name: name.into(), text, kind: SourceKind::Module };
    evaluate(engine, &source, ResultForm::Value).map(|value| render(&value))
}

fn put(world: &World, name: impl Into<String>, text: impl Into<String>) {
    world.modules.borrow_mut().insert(name.into(), text.into());
}

#[test]
fn a_module_is_loaded_once_whoever_imports_it() {
    let (engine, world) = engine();
    put(&world, "a.mjs", "import './b.mjs'; import './c.mjs'");
    put(&world, "b.mjs", "import './c.mjs'; globalThis.count = (globalThis.count ?? 0) + 1");
    put(&world, "c.mjs", "import './b.mjs'");
    for _ in 0..3 {
        assert_eq!(evaluate_module(engine, &world, "a.mjs"), Ok("undefined".into()));
        assert_eq!(eval(engine, "import('./b.mjs').then(() => count)"), Ok("1".into()));
    }
    assert_eq!(*world.loads.borrow(), ["b.mjs", "c.mjs"]);
}

#[test]
fn a_cycle_that_failed_is_loaded_again_when_it_is_mended() {
    let (engine, world) = engine();
    put(&world, "root.mjs", "import './fine.mjs'; import './a.mjs'; import './missing.mjs'; export const root = 1");
    put(&world, "a.mjs", "import { root } from './root.mjs'; export const where = () => [root, new Error().stack]");
    put(&world, "fine.mjs", "");
    for _ in 0..2 {
        let failed = eval(engine, "import('./root.mjs')");
        assert!(
            matches!(&failed, Err(Failure::Thrown(thrown)) if thrown.message.contains("missing.mjs")),
            "{failed:?}"
        );
    }
    put(&world, "missing.mjs", "export default 'mended'");
    let mended = eval(engine, "import('./root.mjs').then(() => import('./a.mjs')).then((a) => a.where().join())");
    // Twice it was loaded in vain.
    assert!(mended.as_ref().is_ok_and(|at| at.starts_with("\"1,    at where (a.mjs#3:1:")), "{mended:?}");
    // What does not import the failed one is there from the first time on.
    assert_eq!(world.loads.borrow().iter().filter(|name| *name == "fine.mjs").count(), 1);
}

#[test]
fn a_module_that_is_labelled_otherwise_keeps_its_name() {
    let (engine, world) = engine();
    put(&world, "lib/root.mjs", "import './a.mjs'; import './missing.mjs'");
    let text = "import './root.mjs'; export { near } from './near.mjs'; export const { url } = import.meta;
        export const fail = () => { throw new Error('thrown', { cause: new AggregateError([new Error()]) }) }";
    put(&world, "lib/a.mjs", text);
    put(&world, "lib/near.mjs", "export const near = import.meta.url");
    eval(engine, "import('./lib/root.mjs')").unwrap_err();
    put(&world, "lib/missing.mjs", "");
    let seen = eval(engine, "import('./lib/a.mjs').then((a) => [a.url, a.near])");
    assert_eq!(seen, Ok("[\"lib/a.mjs\", \"lib/near.mjs\"]".into()));
    let Err(Failure::Thrown(thrown)) = eval(engine, "import('./lib/a.mjs').then((a) => a.fail())") else {
        panic!("it throws");
    };
    let cause = thrown.cause.as_ref().unwrap();
    for exception in [&*thrown, cause, &cause.errors[0]] {
        assert!(exception.stack.starts_with("    at fail (lib/a.mjs:2:"), "{}", exception.stack);
    }
    // The script itself sees the label.
    let seen = eval(engine, "import('./lib/a.mjs').then((a) => { try { a.fail() } catch (e) { return e.stack } })");
    assert!(seen.as_ref().is_ok_and(|stack| stack.contains("at fail (lib/a.mjs#2:2:")), "{seen:?}");
    // Its own imports are those of its name, at whatever time.
    put(&world, "lib/a.mjs", "broken (");
    put(&world, "lib/main.mjs", "import { fail } from './a.mjs'; fail()");
    let Err(Failure::Thrown(thrown)) = evaluate_module(engine, &world, "lib/main.mjs") else {
        panic!("it throws");
    };
    assert!(thrown.stack.starts_with("    at fail (lib/a.mjs:2:"), "{}", thrown.stack);
}

#[test]
fn a_module_that_is_evaluated_takes_the_place_of_an_earlier_one_of_its_name() {
    let (engine, world) = engine();
    let text = |value| {
        format!(
            "import * as me from './main.mjs'; export const v = {value}; import.meta.own ??= {value};
            globalThis.seen = [me.v, import.meta.own, import.meta.url, import.meta.main]; export const f = () => null.x"
        )
    };
    for value in 1..4 {
        put(&world, "main.mjs", text(value));
        evaluate_module(engine, &world, "main.mjs").unwrap();
        assert_eq!(get(engine, "seen"), Ok(format!("[{value}, {value}, \"main.mjs\", true]")));
        assert_eq!(eval(engine, "import('./main.mjs').then((main) => main.v)"), Ok(value.to_string()));
    }
    let Err(Failure::Thrown(thrown)) = eval(engine, "import('./main.mjs').then((main) => main.f())") else {
        panic!("it throws");
    };
    assert!(thrown.stack.starts_with("    at f (main.mjs:2:"), "{}", thrown.stack);
    // It was never asked for.
    assert!(world.loads.borrow().is_empty());
}

#[test]
fn a_module_that_could_not_be_linked_is_mended_by_the_next_of_its_name() {
    let (engine, world) = engine();
    put(&world, "b.mjs", "import * as main from './main.mjs'; export const b = () => main.v");
    put(&world, "main.mjs", "import { missing } from './b.mjs'; export const v = 'broken'");
    for _ in 0..2 {
        let Err(Failure::Thrown(thrown)) = evaluate_module(engine, &world, "main.mjs") else {
            panic!("it throws");
        };
        let told = (thrown.message.as_str(), thrown.stack.as_str());
        assert_eq!(told, ("Could not find export 'missing' in module 'b.mjs'", "    at main.mjs:1:25"));
    }
    put(&world, "main.mjs", "import { b } from './b.mjs'; export const v = 'mended'; globalThis.seen = b()");
    evaluate_module(engine, &world, "main.mjs").unwrap();
    assert_eq!(get(engine, "seen"), Ok("\"mended\"".into()));
    // What cannot be linked to it says its name.
    put(&world, "d.mjs", "\nimport { d } from './main.mjs'");
    let Err(Failure::Thrown(thrown)) = eval(engine, "import('./d.mjs')") else {
        panic!("it throws");
    };
    let told = (thrown.message.as_str(), thrown.stack.as_str());
    assert_eq!(told, ("Could not find export 'd' in module 'main.mjs'", "    at d.mjs:2:19"));
}

#[test]
fn a_module_that_does_not_parse_takes_no_place() {
    let (engine, world) = engine();
    put(&world, "main.mjs", "export const v = 1");
    evaluate_module(engine, &world, "main.mjs").unwrap();
    for _ in 0..3 {
        put(&world, "main.mjs", "\n  (");
        let Err(Failure::Thrown(thrown)) = evaluate_module(engine, &world, "main.mjs") else {
            panic!("it throws");
        };
        assert!(thrown.stack.starts_with("    at main.mjs:2:"), "{}", thrown.stack);
    }
    put(&world, "main.mjs", "export const where = () => new Error().stack");
    evaluate_module(engine, &world, "main.mjs").unwrap();
    let seen = eval(engine, "import('./main.mjs').then((main) => main.where())");
    assert!(seen.as_ref().is_ok_and(|stack| stack.contains("at where (main.mjs#2:1:")), "{seen:?}");
}

#[test]
fn graphs_that_fail_here_and_there_leave_a_context_that_works() {
    let (engine, world) = engine();
    let mut random = Random(7);
    for round in 0..300 {
        let count = 2 + random.below(8);
        let broken = random.below(count * 2);
        for module in 0..count {
            let imports: Vec<String> =
                (0..random.below(4)).map(|_| format!("import './{round}-{}.mjs';", random.below(count))).collect();
            put(&world, format!("{round}-{module}.mjs"), format!("{} export default {module}", imports.join("\n")));
        }
        let whole = world.modules.borrow().get(&format!("{round}-{broken}.mjs")).cloned();
        if let Some(text) = &whole {
            put(&world, format!("{round}-{broken}.mjs"), format!("{text};;; ("));
        }
        let import = |module| eval(engine, &format!("import('./{round}-{module}.mjs').then((m) => m.default)"));
        for module in 0..count {
            let seen = import(module);
            assert!(seen.is_err() || seen == Ok(module.to_string()), "{round} {module} {seen:?}");
        }
        if let Some(text) = whole {
            assert!(import(broken).is_err(), "{round} {broken}");
            put(&world, format!("{round}-{broken}.mjs"), text);
        }
        for module in 0..count {
            assert_eq!(import(module), Ok(module.to_string()), "{round} {module}");
        }
    }
}

#[test]
fn a_module_is_found_among_fifty_and_at_the_end_of_a_long_chain() {
    let (engine, world) = engine();
    for module in 0..50 {
        let imports: String = (module + 1..50).map(|other| format!("import './{other}.mjs';\n")).collect();
        put(&world, format!("{module}.mjs"), format!("{imports}globalThis.count = (globalThis.count ?? 0) + 1"));
    }
    assert_eq!(eval(engine, "import('./0.mjs').then(() => count)"), Ok("50".into()));
    for module in 0..100 {
        put(&world, format!("chain/{module}.mjs"), format!("import './{}.mjs'", module + 1));
    }
    put(&world, "chain/100.mjs", "globalThis.end = 'reached'");
    assert_eq!(eval(engine, "import('./chain/0.mjs').then(() => end)"), Ok("\"reached\"".into()));
}

#[test]
fn a_chain_that_is_too_long_for_the_stack_throws() {
    let (engine, world) = engine();
    for module in 0..20_000 {
        put(&world, format!("{module}.mjs"), format!("import './{}.mjs'", module + 1));
    }
    for _ in 0..2 {
        let failed = eval(engine, "import('./0.mjs')");
        assert!(matches!(&failed, Err(Failure::Thrown(thrown)) if thrown.message.contains("call stack")), "{failed:?}");
        assert_eq!(eval(engine, "1 + 1"), Ok("2".into()));
    }
}

#[test]
fn a_module_with_a_zero_in_it_is_refused() {
    let (engine, world) = engine();
    put(&world, "zero.mjs", "'\0'");
    let refused = "ReferenceError: cannot import \"./zero.mjs\" from \"case.js\": the text of \"zero.mjs\" holds U+0000 at byte 1";
    assert_eq!(
        thrown(evaluate(engine, &source("import './zero.mjs'", SourceKind::Module), ResultForm::Value)),
        refused
    );
    let refused = "ReferenceError: cannot import \"renamed\" from \"case.js\": its name holds U+0000 at byte 4";
    world.renamed.borrow_mut().insert("renamed".into(), "name\0".into());
    assert_eq!(thrown(evaluate(engine, &source("import 'renamed'", SourceKind::Module), ResultForm::Value)), refused);
}

#[test]
fn a_call_that_is_stopped_while_it_imports_cannot_go_on() {
    for script in [
        "import('./missing.mjs')",
        "import('./missing.mjs').catch(() => 'caught')",
        "import('./missing.mjs').catch(() => { for (;;); })",
        "import('./there.mjs').then(() => { for (;;); })",
    ] {
        let (engine, world) = engine();
        put(&world, "there.mjs", "");
        world.stop_at.set(Some(1));
        assert_eq!(eval(engine, script), Err(Failure::Interrupted { jobs_dropped: false }), "{script}");
        world.stop_at.set(None);
        assert_eq!(eval(engine, "import('./there.mjs').then(() => 1)"), Ok("1".into()), "{script}");
    }
}
