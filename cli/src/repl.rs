//! `aiointernal repl`: a conversation with one context.

use std::{env, fs, path::PathBuf, pin::pin};

use aiointernal::{Context, Error, js::Source};
use anyhow::Result;
use rustyline::{DefaultEditor, error::ReadlineError};

use crate::{evaluate::print, options::Common, report};

/// Reads, evaluates and prints until the input ends.
pub(crate) fn run(options: &Common) -> Result<()> {
    let context = options.context(&options.sandbox()?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut editor = DefaultEditor::new()?;
    let history = history_file();
    if let Some(file) = &history {
        // There is none the first time.
        let _ = editor.load_history(file);
    }
    let mut input = String::new();
    loop {
        match editor.readline(if input.is_empty() { "> " } else { "... " }) {
            Ok(line) => {
                input.push_str(&line);
                if input.trim().is_empty() {
                    input.clear();
                    continue;
                }
                match runtime.block_on(evaluate(&context, options.source(Source::script(input.clone())))) {
                    // Nothing of a source that does not parse was run, so it can be evaluated again with more of it.
                    Err(error) if is_unfinished(&input, &error) => {
                        input.push('\n');
                        continue;
                    }
                    Ok(text) => print(&text)?,
                    Err(error) => report::explain(&error),
                }
                let _ = editor.add_history_entry(std::mem::take(&mut input));
            }
            // Ctrl-C at the prompt gives up what was typed, not the session.
            Err(ReadlineError::Interrupted) => input.clear(),
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error.into()),
        }
    }
    if !input.is_empty()
        && let Err(error) = runtime.block_on(evaluate(&context, options.source(Source::script(input))))
    {
        report::explain(&error);
    }
    if let Some(file) = &history {
        // A history that cannot be kept is no reason to fail.
        let _ = editor.save_history(file);
    }
    Ok(runtime.block_on(context.close())?)
}

/// Whether a source only lacks its end: the parser stumbled there, or within a comment or template that is still open.
fn is_unfinished(input: &str, error: &Error) -> bool {
    let Some(exception) = error.exception().filter(|exception| exception.name == "SyntaxError") else {
        return false;
    };
    // A frame of code that ran names a function; where the input itself does not parse, there is only a place.
    let place = exception.stack.lines().next().and_then(|frame| frame.trim_start().strip_prefix("at <repl>:"));
    let Some((Ok(line), Ok(column))) =
        place.and_then(|place| place.split_once(':')).map(|(line, column)| (line.parse(), column.parse::<usize>()))
    else {
        return false;
    };
    let mut lines = input.split('\n');
    let Some(text) = lines.nth(usize::saturating_sub(line, 1)) else {
        return true;
    };
    match exception.message.as_str() {
        "unexpected end of comment" | "Unterminated multiline comment" => true,
        "unexpected end of string" | "Unterminated string" => text.chars().nth(column.saturating_sub(1)) == Some('`'),
        _ => lines.next().is_none() && column > text.chars().count(),
    }
}

/// Evaluates one input. Ctrl-C stops it, and only it.
async fn evaluate(context: &Context, input: Source) -> Result<String, Error> {
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    loop {
        // Listen before anything runs, and forget what was pressed before.
        tokio::select! {
            biased;
            _ = &mut interrupt => interrupt.set(tokio::signal::ctrl_c()),
            () = tokio::task::yield_now() => break,
        }
    }
    let mut evaluation = context.eval_text(input.named("<repl>")).queue();
    tokio::select! {
        result = &mut evaluation => return result,
        _ = &mut interrupt => evaluation.abort(),
    }
    evaluation.await
}

/// `$XDG_STATE_HOME/aiointernal/history`, else `~/.local/state/aiointernal/history`.
fn history_file() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")))?;
    let folder = state.join("aiointernal");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}
