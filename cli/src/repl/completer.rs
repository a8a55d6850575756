//! What TAB gives.

use std::rc::Rc;

use rustyline::{Context, Helper, completion::Completer, highlight::Highlighter, hint::Hinter, validate::Validator};

use super::{input, session::Session};

/// Completes names by what is in a session's context.
pub(super) struct SessionCompleter(pub(super) Rc<Session>);

impl Completer for SessionCompleter {
    type Candidate = String;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let Some((path, prefix)) = line.get(..cursor).and_then(input::path) else {
            return Ok((cursor, Vec::new()));
        };
        // A script may give any name, and a terminal gets no commands from it.
        let mut names = self.0.names(&path, prefix);
        names.retain(|name| input::is_name(name));
        if path.is_empty() && !prefix.is_empty() {
            names.extend(input::keywords(prefix));
        }
        names.sort_unstable();
        names.dedup();
        Ok((cursor.saturating_sub(prefix.len()), names))
    }
}

impl Highlighter for SessionCompleter {}

impl Hinter for SessionCompleter {
    type Hint = String;
}

impl Validator for SessionCompleter {}

impl Helper for SessionCompleter {}
