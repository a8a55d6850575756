//! The case files, on the component.

use std::path::Path;

use aiointernal::{
    Error, ErrorKind, Sandbox, Value,
    js::{Console, Exception, ModuleMap, Source, TypedArray},
};

use self::case_file::{Case, End, Outcome, Thrown};

#[path = "case_file.rs"]
mod case_file;

#[test]
fn every_source_of_the_case_files_has_its_outcome() {
    let sandbox = Sandbox::new().unwrap();
    case_file::check(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cases")), |case| run(&sandbox, case));
}

#[test]
fn every_graph_of_modules_has_its_outcome() {
    let sandbox = Sandbox::new().unwrap();
    case_file::check(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/graphs")), |case| run(&sandbox, case));
}

fn run(sandbox: &Sandbox, case: &Case) -> Outcome {
    let console = Console::new();
    let mut files = case.files().into_iter();
    let (name, text) = files.next().expect("a case has a source");
    let mut context = sandbox.context();
    let modules: Vec<_> = files.collect();
    if !modules.is_empty() {
        context = context.modules(ModuleMap::new(modules));
    }
    let context = context.blocking().expect("a context opens");
    let source = if case.is_module() { Source::module(text) } else { Source::script(text) };
    let end = match context.printing_to(&console).eval(source.named(name)).blocking() {
        Ok(value) => End::Value(render(&value)),
        Err(error) => failed(&error),
    };
    let messages = console.take().into_iter();
    let console = messages.map(|message| (format!("{:?}", message.level()).to_lowercase(), message.text().to_owned()));
    Outcome { console: console.collect(), end }
}

fn failed(error: &Error) -> End {
    let message = error.to_string();
    match (error.kind(), error.exception()) {
        (ErrorKind::Thrown, Some(exception)) => End::Thrown(told(exception)),
        (ErrorKind::NotTransferable, _) => {
            let what = message.strip_prefix("the result cannot leave the engine: ").unwrap_or(&message);
            End::Failure(format!("not-transferable {what}"))
        }
        (kind, _) => End::Failure(kind.code().to_owned()),
    }
}

fn told(exception: &Exception) -> Thrown {
    Thrown {
        name: exception.name.clone(),
        message: exception.message.clone(),
        stack: exception.stack.clone(),
        thrown: exception.thrown.as_ref().map(render),
        cause: exception.cause.as_deref().map(|cause| Box::new(told(cause))),
        errors: exception.errors.iter().map(told).collect(),
        left_out: exception.left_out as u32,
    }
}

fn render(value: &Value) -> String {
    match value {
        Value::Undefined => "undefined".into(),
        Value::Null => "null".into(),
        Value::Bool(bool) => bool.to_string(),
        Value::Number(number) => case_file::number(*number),
        Value::BigInt(integer) => format!("{integer}n"),
        Value::String(text) => case_file::quoted(text),
        Value::Date(date) => case_file::date(date.millis()),
        Value::Bytes(bytes) => case_file::bytes(bytes),
        Value::ArrayBuffer(bytes) => case_file::array_buffer(bytes),
        Value::RegExp(regexp) => case_file::regexp(&regexp.source, &regexp.flags),
        Value::TypedArray(array) => view(array),
        Value::DataView(bytes) => case_file::view("DataView", bytes),
        Value::Array(elements) => case_file::array(&elements.iter().map(render).collect::<Vec<_>>()),
        Value::Hole => case_file::HOLE.into(),
        Value::Set(members) => case_file::set(&members.iter().map(render).collect::<Vec<_>>()),
        Value::Map(entries) => {
            case_file::map(&entries.iter().map(|(key, value)| (render(key), render(value))).collect::<Vec<_>>())
        }
        Value::Error(error) => {
            let text = |name, text: &Option<String>| Some((name, case_file::quoted(text.as_deref()?)));
            let value = |name, value: &Option<Value>| Some((name, render(value.as_ref()?)));
            let members = [
                text("name", &error.name),
                text("message", &error.message),
                value("cause", &error.cause),
                value("errors", &error.errors),
            ];
            case_file::error(&members.into_iter().flatten().collect::<Vec<_>>())
        }
        Value::Boxed(primitive) => case_file::boxed(&render(primitive)),
        Value::Shared(number, value) => case_file::shared(*number as usize, &render(value)),
        Value::Reference(number) => case_file::reference(*number as usize),
        Value::Object(properties) => {
            case_file::object(properties.iter().map(|(name, value)| (name.as_str(), render(value))))
        }
        other => unreachable!("this kind of value is new: {other:?}"),
    }
}

fn view(array: &TypedArray) -> String {
    macro_rules! view {
        ($($variant:ident),*) => {
            match array {
                $(TypedArray::$variant(elements) => {
                    let bytes: Vec<u8> = elements.iter().flat_map(|element| element.to_le_bytes()).collect();
                    case_file::view(concat!(stringify!($variant), "Array"), &bytes)
                })*
                other => unreachable!("this kind of array is new: {other:?}"),
            }
        };
    }
    view!(Int8, Uint8Clamped, Int16, Uint16, Int32, Uint32, BigInt64, BigUint64, Float16, Float32, Float64)
}
