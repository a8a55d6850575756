//! What goes to standard error, and the exit status.

use std::{
    borrow::Cow,
    fmt,
    io::{self, IsTerminal, Write as _},
    process::ExitCode,
};

use aiointernal::{
    Error, ErrorKind,
    js::{Exception, Level},
};
use anstyle::{AnsiColor, Style};

const ERROR: Style = AnsiColor::Red.on_default().bold();

/// A message of the script's console. Colours show on a terminal only.
pub(crate) fn console(level: Level, message: &str) {
    let style = match level {
        Level::Error => AnsiColor::Red.on_default(),
        Level::Warn => AnsiColor::Yellow.on_default(),
        Level::Debug | Level::Trace => Style::new().dimmed(),
        _ => Style::new(),
    };
    say(format_args!("{style}{}{style:#}", shown(message, &io::stderr())));
}

/// A text of a script as the stream may have it: a terminal gets no commands from it. The escapes are those of
/// JavaScript and JSON.
fn shown<'t>(text: &'t str, stream: &impl IsTerminal) -> Cow<'t, str> {
    let harmful = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !stream.is_terminal() || !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if harmful(c) {
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Prints a line on standard output, at once.
pub(crate) fn print(line: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{}", shown(line, &output))?;
    output.flush()
}

/// Prints a line, with colours where they can be seen. There is nobody to tell when that fails.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Says why the command failed, and gives its exit status.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    let Some(error) = error.downcast_ref::<Error>() else {
        say(format_args!("{ERROR}error:{ERROR:#} {error:#}"));
        return ExitCode::from(2);
    };
    explain(error);
    ExitCode::from(match error.kind() {
        // The only host function is `fetch`, and it is the script that does not catch what it throws.
        ErrorKind::Thrown
        | ErrorKind::HostFunction
        | ErrorKind::NeverSettles
        | ErrorKind::NotTransferable
        | ErrorKind::Trapped => 1,
        ErrorKind::Io | ErrorKind::InvalidArgument | ErrorKind::BadComponent => 2,
        kind if kind.is_limit() => 3,
        _ => 70,
    })
}

/// Says what went wrong: of a script that threw, as its own console would; of everything else, what kind it is.
pub(crate) fn explain(error: &Error) {
    match error.exception() {
        Some(exception) => say_exception(exception, &exception.to_string()),
        None => {
            let text = error.to_string();
            say(format_args!("{ERROR}error:{ERROR:#} {}: {}", error.kind().code(), shown(&text, &io::stderr())));
        }
    }
}

/// Says what was thrown, as Node does: an error, or this text, or the message.
pub(crate) fn uncaught(exception: &Exception, text: Option<&str>) {
    let first = match (exception.name.as_str(), text) {
        ("", text) => format!("Uncaught {}", text.unwrap_or(&exception.message)),
        _ => format!("Uncaught {exception}"),
    };
    say_exception(exception, &first);
}

/// Says all of an exception, below this as what it is.
fn say_exception(exception: &Exception, first: &str) {
    let all = format!("{exception:#}");
    let rest = all.strip_prefix(&exception.to_string()).unwrap_or_default();
    let shown = |text| shown(text, &io::stderr());
    say(format_args!("{ERROR}{}{ERROR:#}{}", shown(first), shown(rest)));
}
