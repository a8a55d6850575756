//! The command `aiointernal`: untrusted JavaScript, within limits, from the command line.
#![forbid(unsafe_code)]

mod options;
mod evaluate;
mod batch;
mod repl;
mod report;

use std::process::ExitCode;

use clap::Parser as _;

use crate::options::{Command, Options};

fn main() -> ExitCode {
    let done = match Options::parse().command {
        Command::Eval { source, format, limits } => evaluate::eval(&source, format, &limits),
        Command::Run { file, format, limits } => evaluate::run(&file, format, &limits),
        Command::Batch { fresh, limits } => batch::run(fresh, &limits),
        Command::Repl { limits } => repl::run(&limits),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::failure(&error),
    }
}
