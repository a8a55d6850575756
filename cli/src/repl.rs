//! `aiointernal repl`: a conversation with one context.

mod completer;
mod input;
mod session;

use std::{env, fs, path::PathBuf, rc::Rc};

use aiointernal::{Error, Value};
use anyhow::Result;
use rustyline::{CompletionType, Config, Editor, error::ReadlineError, history::DefaultHistory};
use serde_json::Map;

use self::{completer::SessionCompleter, session::Session};
use crate::{
    evaluate::{print, runtime},
    options::Common,
    report,
};

/// Reads, evaluates and prints until the input ends.
pub(crate) fn run(options: &Common) -> Result<()> {
    let runtime = runtime()?;
    let _within = runtime.enter();
    // The session sets the globals when it has what it needs from those that they may replace.
    let context = options.context_builder(&options.sandbox()?)?.globals(Map::new())?.blocking()?.until_idle();
    let session = Rc::new(Session::new(context.clone(), options.globals(), options.is_typescript()));
    let config = Config::builder().completion_type(CompletionType::List).completion_show_all_if_ambiguous(true).build();
    let mut editor = Editor::<SessionCompleter, DefaultHistory>::with_config(config)?;
    editor.set_helper(Some(SessionCompleter(Rc::clone(&session))));
    let history = history_file();
    if let Some(file) = &history {
        // There is none the first time.
        let _ = editor.load_history(file);
    }
    runtime.block_on(session.prepare())?;
    let mut input = String::new();
    loop {
        let line = editor.readline(if input.is_empty() { "> " } else { "... " });
        if let Some(error) = session.loss() {
            report::explain(&error);
        }
        match line {
            Ok(line) => {
                input.push_str(&line);
                if input.trim().is_empty() {
                    input.clear();
                    continue;
                }
                match runtime.block_on(session.evaluate(&input)) {
                    // Nothing of a source that does not parse was run, so it can be evaluated again with more of it.
                    Err(error) if input::is_unfinished(&input, &error) => {
                        input.push('\n');
                        continue;
                    }
                    Ok(text) => print(&text)?,
                    Err(error) => runtime.block_on(explain(&session, &error)),
                }
                // Where this fails, so does what is evaluated next, which tells.
                let _ = runtime.block_on(session.prepare());
                let _ = editor.add_history_entry(std::mem::take(&mut input));
            }
            // Ctrl-C at the prompt gives up what was typed, not the session.
            Err(ReadlineError::Interrupted) => input.clear(),
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error.into()),
        }
    }
    if !input.is_empty()
        && let Err(error) = runtime.block_on(session.evaluate(&input))
    {
        runtime.block_on(explain(&session, &error));
    }
    if let Some(file) = &history {
        // A history that cannot be kept is no reason to fail.
        let _ = editor.save_history(file);
    }
    Ok(runtime.block_on(context.close())?)
}

/// Says what went wrong: of a script that threw, what it threw, as Node does.
async fn explain(session: &Session, error: &Error) {
    let Some(exception) = error.exception() else {
        return report::explain(error);
    };
    let thrown = match &exception.thrown {
        Some(Value::String(_)) => session.quoted(&exception.message).await.ok(),
        _ => None,
    };
    report::uncaught(exception, thrown.as_deref());
}

/// `$XDG_STATE_HOME/aiointernal/history`, else `~/.local/state/aiointernal/history`.
fn history_file() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")))?;
    let folder = state.join("aiointernal");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}
