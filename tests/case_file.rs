//! Case files: JavaScript sources and what becomes of them, checked on every build of the engine.
//!
//! ```text
//! # A comment on the case below it.
//! === the name of the case
//! the JavaScript source; a first line `// module` makes it a module, and lines `//- name.mjs` several files of it
//! ---
//! info: a console message
//! value: [1, "two", 3n]
//! ```
//!
//! The outcome is written by `BLESS=1 cargo test` and read by people. A comment that starts with `# bug:` marks a case
//! whose outcome is what it should be and is not yet: the case must fail, and is not blessed.

use std::{fs, path::Path};

const BUG: &str = "# bug:";

const FILE: &str = "//- ";

/// One source and its outcome.
pub(crate) struct Case {
    comments: Vec<String>,
    name: String,
    /// The JavaScript text.
    pub(crate) source: String,
    expected: String,
}

impl Case {
    /// Whether the source is a module.
    pub(crate) fn is_module(&self) -> bool {
        self.source.lines().next().is_some_and(|line| line == "// module" || is_module_file(line))
    }

    /// The files that the source is made of, each below a line `//- name`: the first is evaluated, the others are there
    /// to be imported. Without such a line it is one file.
    pub(crate) fn files(&self) -> Vec<(&str, String)> {
        let mut files: Vec<(&str, String)> = Vec::new();
        for line in self.source.lines() {
            match (line.strip_prefix(FILE), files.last_mut()) {
                (Some(name), _) => files.push((name, String::new())),
                (None, Some((_, text))) => text.extend([line, "\n"]),
                (None, None) => break,
            }
        }
        if files.is_empty() { vec![("case.js", self.source.clone())] } else { files }
    }

    fn is_bug(&self) -> bool {
        self.comments.iter().any(|comment| comment.starts_with(BUG))
    }
}

fn is_module_file(line: &str) -> bool {
    line.starts_with(FILE) && line.ends_with(".mjs")
}

/// What a run gave.
pub(crate) struct Outcome {
    /// The console's messages: level and text.
    pub(crate) console: Vec<(String, String)>,
    /// How it ended.
    pub(crate) end: End,
}

/// How a run ended.
pub(crate) enum End {
    /// With a value, in the notation of [`number`], [`quoted`] and the others.
    Value(String),
    /// With an uncaught exception.
    Thrown(Thrown),
    /// With another failure, such as `never-settles`.
    Failure(String),
}

/// An exception, or what led to it. `thrown` is in the notation of values.
pub(crate) struct Thrown {
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) stack: String,
    pub(crate) thrown: Option<String>,
    pub(crate) cause: Option<Box<Thrown>>,
    pub(crate) errors: Vec<Thrown>,
    pub(crate) left_out: u32,
}

impl Thrown {
    fn lines(&self, verb: &str) -> Vec<String> {
        let name = if self.name.is_empty() { "uncaught" } else { &self.name };
        let mut lines = vec![format!("{verb}: {}: {}", plain(name), plain(&self.message))];
        lines.extend(self.stack.lines().map(str::to_owned));
        lines.extend(self.thrown.as_ref().map(|thrown| format!("thrown: {thrown}")));
        let causes = self.cause.iter().map(|cause| cause.lines("cause"));
        let related = causes.chain(self.errors.iter().map(|error| error.lines("error")));
        lines.extend(related.flatten().map(|line| format!("  {line}")));
        lines.extend((self.left_out > 0).then(|| format!("  left out: {}", self.left_out)));
        lines
    }
}

impl Outcome {
    fn text(&self) -> String {
        let mut lines: Vec<String> =
            self.console.iter().map(|(level, message)| format!("{level}: {}", plain(message))).collect();
        match &self.end {
            End::Value(value) => lines.push(format!("value: {value}")),
            End::Thrown(thrown) => lines.extend(thrown.lines("throws")),
            End::Failure(failure) => lines.push(format!("failure: {}", plain(failure))),
        }
        lines.join("\n")
    }
}

/// A number as JavaScript means it.
pub(crate) fn number(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    let text = format!("{number:?}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// A string in the quotes and escapes of JSON; whatever does not print is escaped, too.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_invisible(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out + "\""
}

/// A date: milliseconds since 1970, `None` for the invalid date.
pub(crate) fn date(millis: Option<i64>) -> String {
    millis.map_or("date(NaN)".into(), |millis| format!("date({millis})"))
}

/// The bytes of a `Uint8Array`.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("h'{hex}'")
}

/// The bytes of an `ArrayBuffer`.
pub(crate) fn array_buffer(content: &[u8]) -> String {
    format!("ArrayBuffer({})", bytes(content))
}

/// The bytes of a view of another class than `Uint8Array`.
pub(crate) fn view(class: &str, content: &[u8]) -> String {
    format!("{class}({})", bytes(content))
}

/// A regular expression.
pub(crate) fn regexp(source: &str, flags: &str) -> String {
    format!("/{source}/{flags}")
}

/// A `Map` of rendered keys and values.
pub(crate) fn map(entries: &[(String, String)]) -> String {
    let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key} => {value}")).collect();
    format!("Map{{{}}}", entries.join(", "))
}

/// A `Set` of rendered members.
pub(crate) fn set(members: &[String]) -> String {
    format!("Set{{{}}}", members.join(", "))
}

/// An error that was not thrown: its rendered members but the stack.
pub(crate) fn error(members: &[(&str, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("Error{{{}}}", members.join(", "))
}

/// A primitive value as an object.
pub(crate) fn boxed(primitive: &str) -> String {
    format!("Object({primitive})")
}

/// An element that an array does not have.
pub(crate) const HOLE: &str = "hole";

/// A value that references point at, by its number in the order in which such values come.
pub(crate) fn shared(number: usize, value: &str) -> String {
    format!("&{number} {value}")
}

/// A reference to a shared value.
pub(crate) fn reference(number: usize) -> String {
    format!("*{number}")
}

/// An array of rendered elements.
pub(crate) fn array(elements: &[String]) -> String {
    format!("[{}]", elements.join(", "))
}

/// An object of names and rendered values.
pub(crate) fn object<'a>(properties: impl Iterator<Item = (&'a str, String)>) -> String {
    let properties: Vec<String> = properties.map(|(name, value)| format!("{}: {value}", quoted(name))).collect();
    format!("{{{}}}", properties.join(", "))
}

fn is_invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}'..='\u{200f}')
}

/// A text as it is, with a sign before each further line; quoted where one could not see what it is.
fn plain(text: &str) -> String {
    let misread = text.is_empty()
        || text.trim() != text
        || text.starts_with('"')
        || text.chars().any(|c| is_invisible(c) && c != '\n');
    if misread { quoted(text) } else { text.replace('\n', "\n    | ") }
}

/// Runs every case of every file in the folder and panics with the list of those whose outcome is another.
///
/// With `BLESS` in the environment it writes the outcomes instead.
pub(crate) fn check(folder: &Path, mut run: impl FnMut(&Case) -> Outcome) {
    let bless = std::env::var_os("BLESS").is_some();
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder of case files is there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for path in files {
        let mut cases = parse(&fs::read_to_string(&path).expect("a case file is UTF-8"));
        for case in &mut cases {
            count += 1;
            let seen = run(case).text();
            match (case.is_bug(), seen == case.expected) {
                (true, true) => wrong.push(format!("{}: {}\nis mended: remove its mark", path.display(), case.name)),
                (false, false) if bless => case.expected = seen,
                (false, false) => wrong.push(format!(
                    "{}: {}\n--- expected\n{}\n--- seen\n{seen}",
                    path.display(),
                    case.name,
                    case.expected
                )),
                _ => {}
            }
        }
        if bless {
            fs::write(&path, write(&cases)).expect("a case file can be written");
        }
    }
    assert!(count > 0, "there are no cases in {}", folder.display());
    assert!(wrong.is_empty(), "{} of {count} cases went wrong\n\n{}\n", wrong.len(), wrong.join("\n\n"));
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut comments = Vec::new();
    let mut in_source = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            let (comments, name) = (std::mem::take(&mut comments), name.to_owned());
            cases.push(Case { comments, name, source: String::new(), expected: String::new() });
            in_source = true;
        } else if in_source && line == "---" {
            in_source = false;
        } else if !in_source && line.starts_with('#') {
            comments.push(line.to_owned());
        } else if let Some(case) = cases.last_mut() {
            let part = if in_source { &mut case.source } else { &mut case.expected };
            part.push_str(line);
            part.push('\n');
        }
    }
    for case in &mut cases {
        case.source.truncate(case.source.trim_end().len());
        case.expected.truncate(case.expected.trim_end().len());
    }
    cases
}

fn write(cases: &[Case]) -> String {
    let part = |case: &Case| {
        let comments: String = case.comments.iter().map(|comment| format!("{comment}\n")).collect();
        format!("{comments}=== {}\n{}\n---\n{}\n", case.name, case.source, case.expected)
    };
    cases.iter().map(part).collect::<Vec<_>>().join("\n")
}
