//! What goes to standard error, and the exit status.

use std::{
    borrow::Cow,
    fmt,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use aiointernal::{Error, ErrorKind, js::Level};
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
    say(format_args!("{style}{}{style:#}", shown(message)));
}

/// A text of a script as a terminal may see it: no script gets to send it commands.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !io::stderr().is_terminal() || !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if harmful(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// Prints a line, with colours where they can be seen. There is nobody to tell when that fails.
fn say(line: fmt::Arguments<'_>) {
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
        ErrorKind::Thrown | ErrorKind::NeverSettles | ErrorKind::NotTransferable | ErrorKind::Trapped => 1,
        ErrorKind::Io | ErrorKind::InvalidArgument | ErrorKind::BadComponent => 2,
        kind if kind.is_limit() => 3,
        _ => 70,
    })
}

/// Says what went wrong: of a script that threw, as its own console would; of everything else, what kind it is.
pub(crate) fn explain(error: &Error) {
    match error.exception() {
        Some(exception) => {
            say(format_args!("{ERROR}{}{ERROR:#}", shown(&exception.to_string())));
            if !exception.stack.is_empty() {
                say(format_args!("{}", shown(&exception.stack)));
            }
        }
        None => {
            let text = error.to_string();
            say(format_args!("{ERROR}error:{ERROR:#} {}: {}", error.kind().code(), shown(&text)));
        }
    }
}
