//! A program without the compiler: `precompiled FOLDER SOURCE`, with what `aiointernal compile FOLDER` has left there.
//!
//! `tests/precompiled/run.sh` builds it without the feature `compiler`, and runs it.

use std::{env, path::PathBuf, process::ExitCode};

use aiointernal::{Error, Sandbox};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (folder, source) = (arguments.next().map(PathBuf::from), arguments.next().unwrap_or_default());
    match evaluate(folder, &source) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", error.kind().code());
            ExitCode::FAILURE
        }
    }
}

fn evaluate(folder: Option<PathBuf>, source: &str) -> Result<String, Error> {
    let sandbox = Sandbox::builder().max_contexts(1).cache_folder(folder).build()?;
    sandbox.context().blocking()?.eval_text(source).blocking()
}
