//! Values as a person reads them: what the console prints and what the result form `text` is.

use rquickjs::{Atom, Coerced, Filter, Function, Object, Promise, Value, promise::PromiseState};

use crate::{class::Class, failure::Failure, intrinsics::Bound, value};

/// Objects nested deeper than this are printed as `[Object]`, where nothing else is asked for.
const MAX_DEPTH: usize = 4;

/// Length of a stack, in UTF-16 units, beyond which it is cut.
const MAX_STACK: usize = 16 << 10;

/// Length of the name of an error's property, in UTF-16 units, beyond which it is cut.
const MAX_NAME: usize = 1000;

/// Bytes that a text has more where it is encoded and cut: for its length, and to say so.
const TEXT_OVERHEAD: usize = 32;

/// Elements and properties of one object that are printed.
const MAX_MEMBERS: usize = 100;

/// Length of a text for the console, in bytes, beyond which it is cut.
pub(crate) const MAX_BYTES: usize = 512 << 10;

/// The arguments of a console call as one message: strings as they are, everything else as [`inspect`] gives it,
/// with the placeholders `%s %d %i %f %j %o %O %c %%` of a first string filled in.
pub(crate) fn message<'js>(intrinsics: &Bound<'_, 'js>, arguments: &[Value<'js>]) -> String {
    let mut rest = arguments.iter();
    let mut printer = Printer::new(intrinsics, MAX_BYTES);
    if let Some(format) = arguments.first().and_then(Value::as_string).filter(|_| arguments.len() > 1) {
        rest.next();
        let format = printer.or_empty(intrinsics.head(format, MAX_BYTES + 1));
        printer.fill(&format, &mut rest);
        if rest.len() > 0 {
            printer.out.push(' ');
        }
    }
    printer.list(rest);
    clip(printer.out, MAX_BYTES)
}

/// One value: strings at the top as they are and within others quoted. Cut at this many bytes.
pub(crate) fn inspect<'js>(intrinsics: &Bound<'_, 'js>, value: &Value<'js>, bytes: usize) -> String {
    let mut printer = Printer::new(intrinsics, bytes);
    printer.bare(value);
    clip(printer.out, bytes)
}

/// Values with spaces between, as [`message`] has them behind its first one.
pub(crate) fn printed<'js>(intrinsics: &Bound<'_, 'js>, values: &[Value<'js>]) -> String {
    let mut printer = Printer::new(intrinsics, MAX_BYTES);
    printer.list(values.iter());
    clip(printer.out, MAX_BYTES)
}

/// One value, with strings quoted, and objects within so many others printed as they are.
pub(crate) fn nested<'js>(intrinsics: &Bound<'_, 'js>, value: &Value<'js>, within: Option<usize>) -> String {
    let mut printer = Printer::new(intrinsics, MAX_BYTES);
    printer.depth = within.map_or(MAX_DEPTH, |within| within + 1);
    printer.value(value);
    clip(printer.out, MAX_BYTES)
}

/// One value in a table: with strings quoted, and what is in it only where that is flat. Cut at this many bytes.
pub(crate) fn cell<'js>(intrinsics: &Bound<'_, 'js>, value: &Value<'js>, bytes: usize) -> String {
    let mut printer = Printer::new(intrinsics, bytes);
    printer.depth = 1;
    printer.value(value);
    clip(printer.out, bytes)
}

/// Values encoded in so many bytes together. What cannot be encoded, or not in what is left of them, is a text, as it would
/// be printed; the first that has no room is the last.
pub(crate) fn arguments<'js>(intrinsics: &Bound<'_, 'js>, values: &[Value<'js>], bytes: usize) -> Vec<Vec<u8>> {
    let mut encoded = Vec::new();
    let mut left = bytes;
    for value in values {
        if intrinsics.is_stopped() {
            break;
        }
        let mut is_last = false;
        let argument = value::encode_data(intrinsics, value, left).or_else(|failure| {
            let room = left.saturating_sub(TEXT_OVERHEAD);
            let text = inspect(intrinsics, value, room);
            is_last = matches!(failure, Failure::ResultTooLarge(_)) || text.len() > room;
            value::encode_text(&text, left)
        });
        let Ok(argument) = argument else {
            break;
        };
        left -= argument.len();
        encoded.push(argument);
        if is_last {
            break;
        }
    }
    encoded
}

/// The stack at this place as a text; empty where a script made something else of it.
pub(crate) fn stack_here(intrinsics: &Bound<'_, '_>) -> String {
    let stack = intrinsics.attempt(|| match intrinsics.stack_here()?.as_string() {
        Some(text) => intrinsics.head(text, MAX_STACK),
        None => Ok(String::new()),
    });
    stack.unwrap_or_default()
}

/// Cuts a text that is longer than the host is ready to take.
pub(crate) fn clip(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
        text.push_str("... (cut)");
    }
    text
}

struct Printer<'a, 'js> {
    intrinsics: &'a Bound<'a, 'js>,
    out: String,
    /// Bytes of `out` beyond which nothing needs to be added.
    limit: usize,
    /// Objects nested deeper than this are not shown.
    depth: usize,
    ancestors: Vec<Object<'js>>,
}

impl<'a, 'js> Printer<'a, 'js> {
    fn new(intrinsics: &'a Bound<'a, 'js>, limit: usize) -> Self {
        Printer { intrinsics, out: String::new(), limit, depth: MAX_DEPTH, ancestors: Vec::new() }
    }

    /// A text that JavaScript had to give; where it threw instead, nothing, and the exception is gone.
    fn or_empty(&self, text: rquickjs::Result<String>) -> String {
        text.unwrap_or_else(|_| {
            self.intrinsics.ctx().catch();
            String::new()
        })
    }

    /// Several values with spaces between.
    fn list<'v>(&mut self, values: impl Iterator<Item = &'v Value<'js>>)
    where
        'js: 'v,
    {
        for (index, value) in values.enumerate() {
            if index > 0 {
                self.out.push(' ');
            }
            self.bare(value);
        }
    }

    fn fill(&mut self, format: &str, arguments: &mut core::slice::Iter<'_, Value<'js>>) {
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            self.push(&rest[..at]);
            rest = &rest[at + 1..];
            let kind = rest.chars().next();
            let argument = match kind {
                Some('s' | 'd' | 'i' | 'f' | 'j' | 'o' | 'O' | 'c') => arguments.next(),
                _ => None,
            };
            match (kind, argument) {
                (Some(kind), Some(argument)) => self.place(kind, argument),
                (Some('%'), None) => self.out.push('%'),
                // A sign that stands for nothing is text.
                _ => {
                    self.out.push('%');
                    continue;
                }
            }
            rest = &rest[1..];
        }
        self.push(rest);
    }

    fn place(&mut self, kind: char, argument: &Value<'js>) {
        match kind {
            'c' => {}
            'd' | 'i' | 'f' if argument.is_big_int() => self.value(argument),
            'd' | 'i' | 'f' => {
                let number = if argument.as_object().is_some() || argument.is_symbol() {
                    None
                } else {
                    let made = || self.intrinsics.attempt(|| self.intrinsics.number(argument, kind));
                    argument.as_number().or_else(made)
                };
                let number = number.unwrap_or(f64::NAN);
                self.number(if kind == 'i' { number.trunc() } else { number });
            }
            'j' => match self.intrinsics.attempt(|| self.intrinsics.json(argument)) {
                Some(Some(json)) => {
                    let json = self.head(&json);
                    self.push(&json);
                }
                Some(None) => self.out.push_str("undefined"),
                None => self.out.push_str("[unprintable]"),
            },
            's' => self.bare(argument),
            _ => self.value(argument),
        }
    }

    fn bare(&mut self, value: &Value<'js>) {
        match value.as_string() {
            Some(string) => {
                let text = self.head(string);
                self.push(&text);
            }
            None => self.value(value),
        }
    }

    fn value(&mut self, value: &Value<'js>) {
        if let Some(number) = value.as_number() {
            self.number(number);
        } else if let Some(bool) = value.as_bool() {
            self.out.push_str(if bool { "true" } else { "false" });
        } else if value.is_null() {
            self.out.push_str("null");
        } else if value.is_undefined() {
            self.out.push_str("undefined");
        } else if let Some(string) = value.as_string() {
            let text = self.head(string);
            self.quoted(&text);
        } else if value.is_big_int() {
            let text = value.get::<Coerced<String>>().map(|text| format!("{}n", text.0));
            let text = self.or_empty(text);
            self.push(&text);
        } else if value.is_symbol() {
            let text = self.intrinsics.symbol(value).and_then(|text| self.intrinsics.head(&text, self.room()));
            let text = self.or_empty(text);
            self.push(&text);
        } else if let Some(function) = value.as_function() {
            self.function(function);
        } else if let Some(object) = value.as_object() {
            self.object(object);
        } else {
            self.out.push_str(value.type_name());
        }
    }

    fn number(&mut self, number: f64) {
        if number == 0.0 && number.is_sign_negative() {
            self.out.push_str("-0");
        } else {
            // JavaScript's own digits, not Rust's: `1e21`, `1e-7`.
            let text = Value::new_number(self.intrinsics.ctx().clone(), number).get::<Coerced<String>>();
            let text = self.or_empty(text.map(|text| text.0));
            self.out.push_str(&text);
        }
    }

    /// Bytes that can still be added: one more than there is room for, so that what is cut is seen to be.
    fn room(&self) -> usize {
        self.limit.saturating_add(1).saturating_sub(self.out.len())
    }

    /// As much of a text as there is room for.
    fn fitting<'t>(&self, text: &'t str) -> &'t str {
        &text[..text.floor_char_boundary(self.room())]
    }

    /// Adds a text that a script had a hand in.
    fn push(&mut self, text: &str) {
        let fitting = self.fitting(text);
        self.out.push_str(fitting);
    }

    /// As much of a string as there is room for.
    fn head(&self, string: &rquickjs::String<'js>) -> String {
        self.or_empty(self.intrinsics.head(string, self.room()))
    }

    fn quoted(&mut self, text: &str) {
        let text = self.fitting(text);
        let quote = if !text.contains('\'') {
            '\''
        } else if !text.contains('"') {
            '"'
        } else {
            '`'
        };
        self.out.push(quote);
        for c in text.chars() {
            match c {
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\\' => self.out.push_str("\\\\"),
                c if c == quote => self.out.extend(['\\', c]),
                c if c.is_control() => self.out.push_str(&format!("\\x{:02X}", c as u32)),
                c => self.out.push(c),
            }
        }
        self.out.push(quote);
    }

    fn function(&mut self, function: &Function<'js>) {
        let name = function.as_object().and_then(|object| self.own_text(object, "name")).unwrap_or_default();
        let source = self.intrinsics.function_source(function);
        let source = self.or_empty(source.and_then(|source| self.intrinsics.head(&source, "class".len())));
        let kind = if function.is_constructor() && source == "class" { "class" } else { "Function" };
        match (kind, name.as_str()) {
            ("class", "") => self.out.push_str("[class (anonymous)]"),
            ("class", name) => self.push(&format!("[class {name}]")),
            (_, "") => self.out.push_str("[Function (anonymous)]"),
            (_, name) => self.push(&format!("[Function: {name}]")),
        }
    }

    fn own_text(&self, object: &Object<'js>, name: &str) -> Option<String> {
        let text = self.intrinsics.attempt(|| object.get::<_, Value<'js>>(name))?;
        text.as_string().map(|text| self.head(text))
    }

    fn object(&mut self, object: &Object<'js>) {
        if self.ancestors.contains(object) {
            self.out.push_str("[Circular]");
            return;
        }
        if self.ancestors.len() >= self.depth {
            self.out.push_str(if object.is_array() { "[Array]" } else { "[Object]" });
            return;
        }
        self.ancestors.push(object.clone());
        if self.intrinsics.attempt(|| self.special(object)).is_none() {
            self.out.push_str("[unprintable]");
        }
        self.ancestors.pop();
    }

    fn special(&mut self, object: &Object<'js>) -> rquickjs::Result<()> {
        let intrinsics = self.intrinsics;
        let classes = intrinsics.classes;
        let class = Class::of(object);
        if class == classes.error {
            self.error(object)?;
        } else if intrinsics.is_list(object)? {
            let length = intrinsics.length(object)?;
            self.elements("", length, |index| object.get(index as f64))?;
        } else if class == classes.date {
            let text =
                if intrinsics.time(object)?.is_nan() { "Invalid Date".into() } else { intrinsics.iso(object)? };
            self.out.push_str(&text);
        } else if class == classes.regexp {
            let text = self.head(&intrinsics.regexp(object)?);
            self.push(&text);
        } else if class == classes.map {
            let (size, entries) = intrinsics.map_entries(object, MAX_MEMBERS)?;
            self.pairs(&format!("Map({size})"), size, entries.as_object())?;
        } else if class == classes.set {
            let (size, members) = intrinsics.set_entries(object, MAX_MEMBERS)?;
            self.collection(&format!("Set({size}) "), '{', '}', size, |printer, index| {
                printer.value(&members.get(index)?);
                Ok(())
            })?;
        } else if classes.is_typed_array(class) {
            let length = intrinsics.view_length(object)?;
            let prefix = format!("{}({length}) ", class.name(object.ctx()));
            self.elements(&prefix, length, |index| object.get(index as f64))?;
        } else if let Some(promise) = object.as_promise() {
            self.promise(promise);
        } else {
            let shown = if class == classes.object { intrinsics.shown(object)? } else { None };
            let name = class.name(object.ctx());
            let prefix = self.constructor(object).unwrap_or(name);
            match shown {
                Some(pairs) if pairs.is_array() => self.pairs(&prefix, intrinsics.length(&pairs)?, &pairs)?,
                Some(shown) => self.properties(&prefix, &shown)?,
                None => self.properties(if prefix == "Object" { "" } else { &prefix }, object)?,
            }
        }
        Ok(())
    }

    /// The name of the class that the object was made by.
    fn constructor(&self, object: &Object<'js>) -> Option<String> {
        let constructor = self.intrinsics.attempt(|| object.get::<_, Value<'js>>("constructor"))?;
        self.own_text(constructor.as_object()?, "name")
    }

    fn error(&mut self, error: &Object<'js>) -> rquickjs::Result<()> {
        let name = self.own_text(error, "name").unwrap_or_else(|| "Error".into());
        let message = self.own_text(error, "message").unwrap_or_default();
        let stack = self.own_text(error, "stack").unwrap_or_default();
        self.push(&name);
        if !message.is_empty() {
            self.out.push_str(": ");
            self.push(&message);
        }
        if !stack.trim().is_empty() {
            self.out.push('\n');
            self.push(stack.trim_end());
        }
        self.members_of(error)
    }

    /// What an error has beside its texts: its cause, its errors, and properties of the script's own.
    fn members_of(&mut self, error: &Object<'js>) -> rquickjs::Result<()> {
        let mut members = Vec::new();
        for name in ["cause", "errors"] {
            if self.intrinsics.has_own(error, name)? {
                members.push((format!("[{name}]"), Atom::from_str(error.ctx().clone(), name)?));
            }
        }
        let own = error.own_keys::<Atom<'js>>(Filter::new().string().enum_only());
        let more = own.len().saturating_sub(MAX_MEMBERS);
        for key in own.take(MAX_MEMBERS) {
            let key = key?;
            let name = self.intrinsics.head(&key.to_js_string()?, MAX_NAME)?;
            if !["name", "message", "stack", "cause", "errors"].contains(&name.as_str()) {
                let mut quoted = Printer::new(self.intrinsics, self.limit);
                quoted.name(&name);
                members.push((quoted.out, key));
            }
        }
        if members.is_empty() {
            return Ok(());
        }
        self.out.push_str(" {");
        for (index, (name, key)) in members.into_iter().enumerate() {
            self.out.push_str(if index == 0 { "\n  " } else { ",\n  " });
            if self.out.len() > self.limit {
                break;
            }
            self.indented(|printer| {
                printer.push(&name);
                printer.out.push_str(": ");
                let value = printer.intrinsics.attempt(|| error.get::<_, Value<'js>>(key));
                match value.as_ref().and_then(Value::as_object).filter(|_| name == "[errors]") {
                    Some(errors) if errors.is_array() => printer.errors(errors)?,
                    _ => printer.member(value),
                }
                Ok(())
            })?;
        }
        if more > 0 {
            self.out.push_str(&format!(",\n  ... {more} more"));
        }
        self.out.push_str("\n}");
        Ok(())
    }

    /// A list with a line for each of its elements, as errors take several.
    fn errors(&mut self, list: &Object<'js>) -> rquickjs::Result<()> {
        if self.ancestors.contains(list) || self.ancestors.len() >= self.depth {
            self.object(list);
            return Ok(());
        }
        let length = self.intrinsics.length(list)?;
        self.out.push('[');
        self.ancestors.push(list.clone());
        for index in 0..length {
            self.out.push_str(if index == 0 { "\n  " } else { ",\n  " });
            if index == MAX_MEMBERS || self.out.len() > self.limit {
                self.out.push_str(&format!("... {} more", length - index));
                break;
            }
            self.indented(|printer| {
                printer.member(printer.intrinsics.attempt(|| list.get(index as f64)));
                Ok(())
            })?;
        }
        self.ancestors.pop();
        self.out.push_str(if length > 0 { "\n]" } else { "]" });
        Ok(())
    }

    /// Prints something whose further lines begin two blanks later.
    fn indented(&mut self, print: impl FnOnce(&mut Self) -> rquickjs::Result<()>) -> rquickjs::Result<()> {
        let start = self.out.len();
        let printed = print(self);
        let lines = self.out.split_off(start).replace('\n', "\n  ");
        self.push(&lines);
        printed
    }

    fn promise(&mut self, promise: &Promise<'js>) {
        self.out.push_str(match promise.state() {
            PromiseState::Pending => "Promise { <pending> }",
            PromiseState::Resolved => "Promise { <resolved> }",
            PromiseState::Rejected => "Promise { <rejected> }",
        });
    }

    fn elements(
        &mut self,
        prefix: &str,
        length: usize,
        get: impl Fn(usize) -> rquickjs::Result<Value<'js>>,
    ) -> rquickjs::Result<()> {
        self.collection(prefix, '[', ']', length, |printer, index| {
            printer.member(printer.intrinsics.attempt(|| get(index)));
            Ok(())
        })
    }

    /// A member, where reading it did not throw.
    fn member(&mut self, value: Option<Value<'js>>) {
        match value {
            Some(value) => self.value(&value),
            None => self.out.push_str("[getter threw]"),
        }
    }

    /// What maps keys to values, as a list of pairs of these.
    fn pairs(&mut self, name: &str, size: usize, pairs: &Object<'js>) -> rquickjs::Result<()> {
        self.collection(&format!("{name} "), '{', '}', size, |printer, index| {
            let entry = pairs.get::<_, rquickjs::Array<'js>>(index as f64)?;
            printer.value(&entry.get(0)?);
            printer.out.push_str(" => ");
            printer.value(&entry.get(1)?);
            Ok(())
        })
    }

    fn name(&mut self, name: &str) {
        if value::is_identifier(name) {
            self.push(name);
        } else {
            self.quoted(name);
        }
    }

    fn properties(&mut self, prefix: &str, object: &Object<'js>) -> rquickjs::Result<()> {
        let keys = object.own_keys::<Atom<'js>>(Filter::new().string().enum_only());
        let length = keys.len();
        let keys: Vec<_> = keys.take(MAX_MEMBERS).collect::<rquickjs::Result<_>>()?;
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix} ") };
        self.collection(&prefix, '{', '}', length, |printer, index| {
            let name = printer.head(&keys[index].to_js_string()?);
            printer.name(&name);
            printer.out.push_str(": ");
            printer.member(printer.intrinsics.attempt(|| object.get(keys[index].clone())));
            Ok(())
        })
    }

    fn collection(
        &mut self,
        prefix: &str,
        open: char,
        close: char,
        length: usize,
        mut member: impl FnMut(&mut Self, usize) -> rquickjs::Result<()>,
    ) -> rquickjs::Result<()> {
        self.push(prefix);
        self.out.push(open);
        for index in 0..length {
            self.out.push_str(if index == 0 { " " } else { ", " });
            if index == MAX_MEMBERS || self.out.len() > self.limit {
                self.out.push_str(&format!("... {} more", length - index));
                break;
            }
            member(self, index)?;
        }
        if length > 0 {
            self.out.push(' ');
        }
        self.out.push(close);
        Ok(())
    }
}
