//! TypeScript: its types are taken away before the engine has the text.

mod nesting;
mod tree;

use std::{
    path::Path,
    sync::{Condvar, Mutex, PoisonError, mpsc},
    thread,
    time::Instant,
};

use oxc_allocator::Allocator;
use oxc_codegen::{Codegen, CodegenOptions, CommentOptions};
use oxc_diagnostics::Diagnostics;
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;
use oxc_transformer::{DecoratorOptions, HelperLoaderMode, HelperLoaderOptions, TransformOptions, Transformer};

use self::{nesting::Refused, tree::TooMuch};
use super::{
    bindings::{self, ExceptionPlace, modules},
    exception::Exception,
    source_maps::Map,
};
use crate::error::{Error, ErrorKind};

/// Bytes of the stack of a thread that strips a text, and how much of them the parser may take.
const STACK: usize = 64 << 20;
const PARSER_STACK: usize = 48 << 20;

/// Texts that are stripped at a time in the process: each takes memory that nothing counts.
const AT_A_TIME: usize = 2;

/// Bytes of a message of the parser.
const MESSAGE: usize = 1024;

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Goal {
    Module,
    /// A module where it imports or exports, else a script.
    Either,
}

/// JavaScript that was TypeScript.
#[derive(Debug)]
pub(super) struct Stripped {
    pub(super) text: String,
    pub(super) is_module: bool,
    pub(super) map: Map,
}

/// What is wrong with a text, and where. Lines and columns count from 1, and columns are UTF-16 units.
#[derive(Debug, PartialEq)]
pub(super) struct Malformed {
    class: &'static str,
    message: String,
    line: usize,
    column: usize,
}

impl Malformed {
    fn new(class: &'static str, mut message: String, text: &str, at: usize) -> Malformed {
        message.truncate(message.floor_char_boundary(MESSAGE));
        let before = text.get(..text.floor_char_boundary(at)).unwrap_or_default();
        let last = super::source_maps::lines(before).last().unwrap_or_default();
        Malformed {
            class,
            message,
            line: super::source_maps::lines(before).count(),
            column: last.encode_utf16().count().saturating_add(1),
        }
    }

    /// As JavaScript that does not parse is told to an importer.
    fn into_wire(self, name: &str) -> modules::Malformed {
        let Malformed { class, message, line, column } = self;
        modules::Malformed { name: class.to_owned(), message, stack: format!("    at {name}:{line}:{column}") }
    }

    /// As JavaScript that does not parse is told.
    fn into_error(self, name: &str) -> Error {
        let modules::Malformed { name, message, stack } = self.into_wire(name);
        Error::thrown(Exception::new(vec![bindings::Exception {
            place: ExceptionPlace::Thrown,
            name,
            message,
            stack,
            thrown: None,
            host_error: None,
            left_out: 0,
        }]))
    }
}

/// Why there is no JavaScript.
pub(super) enum Failed {
    Malformed(Malformed),
    /// It is longer than the limit.
    TooLong,
    /// It is not there in time.
    Late,
    /// The system gives no thread, or the library has panicked.
    Broken(String),
}

impl Failed {
    pub(super) fn into_error(self, name: &str, limit: usize) -> Error {
        match self {
            Failed::Malformed(malformed) => malformed.into_error(name),
            Failed::TooLong => {
                let message = format!("the JavaScript of {name} is longer than {limit} bytes; the context was kept");
                Error::new(ErrorKind::SourceTooLarge, message)
            }
            Failed::Late => {
                let message =
                    format!("the types of {name} were not stripped within the time of the call; the context was kept");
                Error::new(ErrorKind::Timeout, message)
            }
            Failed::Broken(reason) => {
                Error::new(ErrorKind::Engine, format!("the types of {name} cannot be stripped: {reason}"))
            }
        }
    }

    /// As why an import is refused.
    pub(super) fn into_refusal(self, name: &str, limit: usize) -> modules::Refusal {
        modules::Refusal::None(match self {
            Failed::Malformed(malformed) => return modules::Refusal::Malformed(malformed.into_wire(name)),
            Failed::TooLong => format!("its JavaScript is longer than {limit} bytes"),
            Failed::Late => "its types were not stripped in time".to_owned(),
            Failed::Broken(reason) => format!("its types cannot be stripped: {reason}"),
        })
    }
}

/// Strips the types of a text, whose JavaScript may have so many bytes. Blocks this thread until then at most, while the work is done on
/// another, whose stack is ample; where that takes longer, it goes on for nobody.
pub(super) fn strip(name: &str, text: &str, goal: Goal, limit: usize, until: Instant) -> Result<Stripped, Failed> {
    let place = Place::take(until).ok_or(Failed::Late)?;
    let (answer, answered) = mpsc::sync_channel(1);
    let (own_name, own_text) = (name.to_owned(), text.to_owned());
    let work = move || {
        let stripped = on_thread(&own_name, &own_text, goal);
        // Who hears of it finds the place free.
        drop(place);
        let _ = answer.send(stripped);
    };
    let builder = thread::Builder::new().name("aiointernal-typescript".to_owned()).stack_size(STACK);
    builder.spawn(work).map_err(|error| Failed::Broken(error.to_string()))?;
    let stripped = answered.recv_timeout(until.saturating_duration_since(Instant::now()));
    let stripped = stripped.map_err(|error| match error {
        mpsc::RecvTimeoutError::Timeout => Failed::Late,
        mpsc::RecvTimeoutError::Disconnected => Failed::Broken("the library panicked".to_owned()),
    });
    let stripped = stripped?.map_err(Failed::Malformed)?;
    if stripped.text.len() > limit { Err(Failed::TooLong) } else { Ok(stripped) }
}

/// The class of the error of a text that does not parse.
const SYNTAX: &str = "SyntaxError";

const TOO_DEEP: &str = "the text is nested too deeply";

fn on_thread(name: &str, text: &str, goal: Goal) -> Result<Stripped, Malformed> {
    nesting::check(text, PARSER_STACK).map_err(|refused| match refused {
        Refused::TooDeep(at) => Malformed::new("RangeError", TOO_DEEP.to_owned(), text, at),
        Refused::Ambiguous(at) => {
            let message =
                "there are too many ways to read the slashes before this; put a regular expression behind = or (";
            Malformed::new(SYNTAX, message.to_owned(), text, at)
        }
    })?;
    let allocator = Allocator::default();
    let kind = match goal {
        Goal::Module => SourceType::ts().with_module(true),
        Goal::Either => SourceType::ts().with_unambiguous(true),
    };
    let malformed = |found: Diagnostics| -> Result<(), Malformed> {
        let Some(first) = found.errors().next() else {
            return Ok(());
        };
        let at = first.labels.first().map_or(0, |label| label.offset() as usize);
        Err(Malformed::new(SYNTAX, first.message.to_string(), text, at))
    };
    let parsed = Parser::new(&allocator, text, kind).parse();
    malformed(parsed.diagnostics)?;
    let mut program = parsed.program;
    let tree = tree::look(&program);
    let tree = tree.map_err(|TooMuch { at, what }| Malformed::new("RangeError", what.to_owned(), text, at))?;
    let meant = SemanticBuilder::new().with_check_syntax_error(true).build(&program);
    malformed(meant.diagnostics)?;
    let scoping = meant.semantic.into_scoping();
    let options = TransformOptions {
        decorator: DecoratorOptions { legacy: true, ..DecoratorOptions::default() },
        helper_loader: HelperLoaderOptions { mode: HelperLoaderMode::External, ..HelperLoaderOptions::default() },
        ..TransformOptions::default()
    };
    malformed(
        Transformer::new(&allocator, Path::new(name), &options).build_with_scoping(scoping, &mut program).diagnostics,
    )?;
    // What is put before the text must not stand before that.
    program.hashbang = None;
    let options = CodegenOptions {
        comments: CommentOptions::disabled(),
        source_map_path: Some(name.into()),
        ..CodegenOptions::default()
    };
    let printed = Codegen::new().with_options(options).build(&program);
    let map = printed.map.map(|map| map.to_json());
    let (mut mappings, names) = map.map(|map| (map.mappings, map.names)).unwrap_or_default();
    let mut stripped = printed.code;
    if tree.has_decorators {
        stripped.insert_str(0, DECORATORS);
        mappings.insert(0, ';');
    }
    Ok(Stripped { text: stripped, is_module: program.source_type.is_module(), map: Map::new(name, names, mappings) })
}

/// Strips a text, and says whether what is told of it lies within it, and how long its JavaScript is, if it has any.
#[cfg(any(test, fuzzing))]
pub(super) fn look(text: &str) -> (bool, Option<usize>) {
    match on_thread("look.ts", text, Goal::Either) {
        Ok(stripped) => (stripped.map.is_of(&stripped.text, text), Some(stripped.text.len())),
        Err(Malformed { line, column, .. }) => {
            let found = super::source_maps::lines(text).nth(line.saturating_sub(1));
            (found.is_some_and(|line| column <= line.encode_utf16().count().saturating_add(1)), None)
        }
    }
}

/// What decorators are called with: one line, before the text.
const DECORATORS: &str = concat!(
    "var babelHelpers = { ",
    "decorate(decorators, target, key, descriptor) { ",
    "const isClass = arguments.length < 3; ",
    "let value = isClass ? target : descriptor === null ? Object.getOwnPropertyDescriptor(target, key) : descriptor; ",
    "for (const decorator of decorators.reverse()) ",
    "value = (isClass ? decorator(value) : decorator(target, key, value)) || value; ",
    "if (!isClass && value) Object.defineProperty(target, key, value); ",
    "return value; }, ",
    "decorateParam(index, decorator) { return (target, key) => { decorator(target, key, index); }; } };\n",
);

/// A place among those who strip at a time.
struct Place;

static PLACES: (Mutex<usize>, Condvar) = (Mutex::new(AT_A_TIME), Condvar::new());

impl Place {
    /// Waits for one, until then at most.
    fn take(until: Instant) -> Option<Place> {
        let (free, freed) = &PLACES;
        let free = free.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.saturating_duration_since(Instant::now());
        let waited = freed.wait_timeout_while(free, left, |free| *free == 0);
        let (mut free, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return None;
        }
        *free = free.saturating_sub(1);
        Some(Place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (free, freed) = &PLACES;
        let mut free = free.lock().unwrap_or_else(PoisonError::into_inner);
        *free = free.saturating_add(1);
        freed.notify_one();
    }
}

#[cfg(test)]
mod tests;
