//! `aiointernal repl`: a conversation with one context.

use std::{env, fs, path::PathBuf};

use aiointernal::{Context, Error, js::Source};
use anyhow::Result;
use rustyline::{
    Completer, Editor, Helper, Highlighter, Hinter, Validator, error::ReadlineError, history::FileHistory,
    validate::MatchingBracketValidator,
};

use crate::{options::Common, report};

/// Keeps asking for lines while a bracket is open.
#[derive(Completer, Helper, Highlighter, Hinter, Validator)]
struct Brackets {
    #[rustyline(Validator)]
    brackets: MatchingBracketValidator,
}

/// Reads, evaluates and prints until the input ends.
pub(crate) fn run(options: &Common) -> Result<()> {
    let context = options.context(&options.sandbox()?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut editor: Editor<Brackets, FileHistory> = Editor::new()?;
    editor.set_helper(Some(Brackets { brackets: MatchingBracketValidator::new() }));
    let history = history_file();
    if let Some(file) = &history {
        // There is none the first time.
        let _ = editor.load_history(file);
    }
    loop {
        match editor.readline("> ") {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => {
                let _ = editor.add_history_entry(&line);
                match runtime.block_on(evaluate(&context, line)) {
                    Ok(text) => println!("{text}"),
                    Err(error) => report::explain(&error),
                }
            }
            // Ctrl-C at the prompt gives the line up, not the session.
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(file) = &history {
        // A history that cannot be kept is no reason to fail.
        let _ = editor.save_history(file);
    }
    runtime.block_on(context.close());
    Ok(())
}

/// Evaluates one input. Ctrl-C stops it, and only it.
async fn evaluate(context: &Context, line: String) -> Result<String, Error> {
    let mut evaluation = context.eval_text(Source::script(line).named("<repl>")).queue();
    tokio::select! {
        result = &mut evaluation => return result,
        _ = tokio::signal::ctrl_c() => evaluation.abort(),
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
