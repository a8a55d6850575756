//! The global `console`: each method formats its arguments and hands them to the host with its level.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use rquickjs::{
    Atom, Coerced, Ctx, Function, Object, Result, String as JsString, Value, atom::PredefinedAtom, function::Rest,
    object::Property,
};

use crate::{
    host::{Host, LogLevel},
    intrinsics::{Bound, Intrinsics},
    table, text,
};

/// Labels that are counted, and labels that are timed, at a time. Further ones are refused with a warning.
const MAX_LABELS: usize = 1000;

/// UTF-16 units of a label that tell it from others.
const MAX_LABEL: usize = 256;

/// Groups whose messages are indented further than those around them.
const MAX_INDENT: usize = 32;

/// Levels of nesting that `dir` shows where it is asked for more.
const MAX_DIR_DEPTH: f64 = 16.0;

/// Bytes of the encoded arguments of one message.
const MAX_ARGUMENTS: usize = 256 << 10;

/// What a method does.
#[derive(Clone, Copy)]
enum Method {
    Print(LogLevel),
    Trace,
    Assert,
    Clear,
    Dir,
    Table,
    Group,
    GroupEnd,
    Count,
    CountReset,
    Time,
    TimeLog,
    TimeEnd,
}

const METHODS: [(&str, Method); 19] = [
    ("log", Method::Print(LogLevel::Info)),
    ("info", Method::Print(LogLevel::Info)),
    ("warn", Method::Print(LogLevel::Warn)),
    ("error", Method::Print(LogLevel::Error)),
    ("debug", Method::Print(LogLevel::Debug)),
    ("dirxml", Method::Print(LogLevel::Info)),
    ("trace", Method::Trace),
    ("assert", Method::Assert),
    ("clear", Method::Clear),
    ("dir", Method::Dir),
    ("table", Method::Table),
    ("group", Method::Group),
    ("groupCollapsed", Method::Group),
    ("groupEnd", Method::GroupEnd),
    ("count", Method::Count),
    ("countReset", Method::CountReset),
    ("time", Method::Time),
    ("timeLog", Method::TimeLog),
    ("timeEnd", Method::TimeEnd),
];

/// The console of one context. Nothing of it is borrowed while a script may run, which may print.
pub(crate) struct Console<H> {
    host: Rc<H>,
    intrinsics: Rc<Intrinsics>,
    wants_arguments: Cell<bool>,
    groups: Cell<usize>,
    counts: RefCell<BTreeMap<String, u64>>,
    /// When timers were started, in milliseconds since 1970.
    timers: RefCell<BTreeMap<String, f64>>,
}

impl<H: Host> Console<H> {
    /// Defines `console` on the global object.
    pub(crate) fn install(ctx: &Ctx<'_>, host: &Rc<H>, intrinsics: &Rc<Intrinsics>) -> Result<Rc<Console<H>>> {
        let console = Rc::new(Console {
            host: Rc::clone(host),
            intrinsics: Rc::clone(intrinsics),
            wants_arguments: Cell::new(false),
            groups: Cell::new(0),
            counts: RefCell::default(),
            timers: RefCell::default(),
        });
        let object = Object::new(ctx.clone())?;
        object.set_prototype(Some(&Object::new(ctx.clone())?))?;
        for (name, method) in METHODS {
            object.set(name, function(ctx, &console, name, method)?)?;
        }
        object.prop(
            Atom::from_predefined(ctx.clone(), PredefinedAtom::SymbolToStringTag),
            Property::from("console").configurable(),
        )?;
        ctx.globals().prop("console", Property::from(object).writable().configurable())?;
        Ok(console)
    }

    /// Says whether the host is to be given the arguments of messages.
    pub(crate) fn want_arguments(&self, wanted: bool) {
        // To write what is there already would give an instance a page of its own.
        if self.wants_arguments.get() != wanted {
            self.wants_arguments.set(wanted);
        }
    }

    fn call<'js>(&self, method: Method, bound: &Bound<'_, 'js>, arguments: &[Value<'js>]) -> Result<()> {
        let message = || text::message(bound, arguments);
        let (level, text) = match method {
            Method::Print(level) => (level, message()),
            Method::Trace => (LogLevel::Trace, traced(bound, &message())),
            Method::Assert => match failed(bound, arguments) {
                Some(text) => (LogLevel::Error, text),
                None => return Ok(()),
            },
            Method::Dir => (LogLevel::Info, dir(bound, arguments)?),
            Method::Table => (LogLevel::Info, table::print(bound, arguments)?.unwrap_or_else(message)),
            Method::Group => {
                if !arguments.is_empty() {
                    self.print(bound, LogLevel::Info, message(), arguments);
                }
                self.groups.set(self.groups.get().saturating_add(1));
                return Ok(());
            }
            Method::Clear => {
                self.groups.set(0);
                return Ok(());
            }
            Method::GroupEnd => {
                self.groups.set(self.groups.get().saturating_sub(1));
                return Ok(());
            }
            Method::Count => self.count(label(bound, arguments)?),
            Method::CountReset => match self.reset(&label(bound, arguments)?) {
                Some(warning) => (LogLevel::Warn, warning),
                None => return Ok(()),
            },
            Method::Time => match self.start(bound, label(bound, arguments)?)? {
                Some(warning) => (LogLevel::Warn, warning),
                None => return Ok(()),
            },
            Method::TimeLog | Method::TimeEnd => self.time(method, bound, arguments)?,
        };
        self.print(bound, level, text, arguments);
        Ok(())
    }

    fn print<'js>(&self, bound: &Bound<'_, 'js>, level: LogLevel, text: String, arguments: &[Value<'js>]) {
        let wanted = if self.wants_arguments.get() { arguments } else { &[] };
        let encoded = text::arguments(bound, wanted, MAX_ARGUMENTS);
        self.host.log(level, &indented(text, self.groups.get().min(MAX_INDENT)), &encoded);
    }

    fn count(&self, label: String) -> (LogLevel, String) {
        let mut counts = self.counts.borrow_mut();
        if !counts.contains_key(&label) && counts.len() >= MAX_LABELS {
            return (LogLevel::Warn, format!("'{label}' is not counted: {MAX_LABELS} labels are"));
        }
        let count = counts.entry(label.clone()).or_default();
        *count += 1;
        (LogLevel::Info, format!("{label}: {count}"))
    }

    /// Forgets a count, or gives a warning.
    fn reset(&self, label: &str) -> Option<String> {
        let counted = self.counts.borrow_mut().remove(label).is_some();
        (!counted).then(|| format!("Count for '{label}' does not exist"))
    }

    /// Starts a timer, or gives a warning.
    fn start(&self, bound: &Bound<'_, '_>, label: String) -> Result<Option<String>> {
        let now = bound.now()?;
        let mut timers = self.timers.borrow_mut();
        Ok(if timers.contains_key(&label) {
            Some(format!("Label '{label}' already exists for console.time()"))
        } else if timers.len() >= MAX_LABELS {
            Some(format!("'{label}' is not timed: {MAX_LABELS} labels are"))
        } else {
            timers.insert(label, now);
            None
        })
    }

    /// Tells what a timer shows, and stops it where the method is to end it.
    fn time<'js>(
        &self,
        method: Method,
        bound: &Bound<'_, 'js>,
        arguments: &[Value<'js>],
    ) -> Result<(LogLevel, String)> {
        let (label, now) = (label(bound, arguments)?, bound.now()?);
        let (name, started) = match method {
            Method::TimeEnd => ("timeEnd", self.timers.borrow_mut().remove(&label)),
            _ => ("timeLog", self.timers.borrow().get(&label).copied()),
        };
        let Some(started) = started else {
            return Ok((LogLevel::Warn, format!("No such label '{label}' for console.{name}()")));
        };
        let mut text = format!("{label}: {}", span(now - started));
        if let (Method::TimeLog, Some(rest @ [_, ..])) = (method, arguments.get(1..)) {
            text.push(' ');
            text.push_str(&text::printed(bound, rest));
        }
        Ok((LogLevel::Info, text))
    }
}

fn function<'js, H: Host>(
    ctx: &Ctx<'js>,
    console: &Rc<Console<H>>,
    name: &str,
    method: Method,
) -> Result<Function<'js>> {
    let console = Rc::clone(console);
    let call = move |ctx: Ctx<'js>, arguments: Rest<Value<'js>>| -> Result<()> {
        let bound = console.intrinsics.bind(&ctx);
        console.call(method, &bound, &arguments)
    };
    Function::new(ctx.clone(), call)?.with_name(name)
}

/// The label that a count or a timer has: the first argument as a text.
fn label<'js>(bound: &Bound<'_, 'js>, arguments: &[Value<'js>]) -> Result<String> {
    match arguments.first() {
        Some(label) if !label.is_undefined() => {
            let Coerced(label) = label.get::<Coerced<JsString<'js>>>()?;
            bound.head(&label, MAX_LABEL)
        }
        _ => Ok("default".to_owned()),
    }
}

/// A message and the stack below it.
fn traced(bound: &Bound<'_, '_>, message: &str) -> String {
    let mut text = String::from("Trace");
    if !message.is_empty() {
        text.push_str(": ");
        text.push_str(message);
    }
    let stack = text::stack_here(bound);
    if !stack.trim().is_empty() {
        text.push('\n');
        text.push_str(stack.trim_end());
    }
    text
}

/// What an assertion prints, where it failed.
fn failed<'js>(bound: &Bound<'_, 'js>, arguments: &[Value<'js>]) -> Option<String> {
    let holds = arguments.first().is_some_and(|condition| condition.get::<Coerced<bool>>().is_ok_and(|holds| holds.0));
    if holds {
        return None;
    }
    Some(match arguments.get(1..) {
        Some(rest @ [first, ..]) => {
            let message = text::message(bound, rest);
            format!("Assertion failed{} {message}", if first.is_string() { ":" } else { "" })
        }
        _ => "Assertion failed".to_owned(),
    })
}

/// The first argument, as deep as the second one's `depth` says.
fn dir<'js>(bound: &Bound<'_, 'js>, arguments: &[Value<'js>]) -> Result<String> {
    let undefined = Value::new_undefined(bound.ctx().clone());
    let depth = match arguments.get(1).and_then(Value::as_object) {
        Some(options) => options.get::<_, Value<'js>>("depth")?,
        None => undefined.clone(),
    };
    let depth = match depth.as_number() {
        Some(depth) => Some(depth.clamp(0.0, MAX_DIR_DEPTH) as usize),
        None if depth.is_null() => Some(MAX_DIR_DEPTH as usize),
        None => None,
    };
    Ok(text::nested(bound, arguments.first().unwrap_or(&undefined), depth))
}

/// Each line of a text behind two blanks for each group, cut where it becomes too long.
fn indented(text: String, groups: usize) -> String {
    if groups == 0 {
        return text;
    }
    let indent = "  ".repeat(groups);
    let mut out = String::new();
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(&indent);
        out.push_str(line);
        if out.len() > text::MAX_BYTES {
            break;
        }
    }
    text::clip(out, text::MAX_BYTES)
}

/// A span of time as a person reads it: `12ms`, `1.500s`, `2:03.500 (m:ss.mmm)`,
/// `1:02:03.000 (h:mm:ss.mmm)`.
fn span(millis: f64) -> String {
    // A clock may be set back.
    let millis = millis.max(0.0) as u64;
    let (hours, minutes, seconds, rest) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60, millis % 1000);
    match (hours, minutes, seconds) {
        (0, 0, 0) => format!("{rest}ms"),
        (0, 0, _) => format!("{seconds}.{rest:03}s"),
        (0, ..) => format!("{minutes}:{seconds:02}.{rest:03} (m:ss.mmm)"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}.{rest:03} (h:mm:ss.mmm)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_the_unit_that_it_fills() {
        let told = [0.0, 999.0, 1000.0, 59_999.0, 60_000.0, 123_500.0, 3_599_999.0, 3_723_000.0, -5.0, f64::NAN];
        let told = told.map(span);
        let expected = [
            "0ms",
            "999ms",
            "1.000s",
            "59.999s",
            "1:00.000 (m:ss.mmm)",
            "2:03.500 (m:ss.mmm)",
            "59:59.999 (m:ss.mmm)",
            "1:02:03.000 (h:mm:ss.mmm)",
            "0ms",
            "0ms",
        ];
        assert_eq!(told, expected);
    }
}
