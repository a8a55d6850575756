//! The command `aiointernal`: untrusted JavaScript and components, within limits, from the command line.
#![forbid(unsafe_code)]

mod options;
mod evaluate;
mod batch;
mod repl;
mod compile;
mod component;
mod report;

use std::process::ExitCode;

use clap::Parser as _;

use crate::options::{Command, Component, Options};

fn main() -> ExitCode {
    let done = match Options::parse().command {
        Command::Eval { source, format, limits } => evaluate::eval(&source, format, &limits),
        Command::Run { file, format, limits } => evaluate::run(&file, format, &limits),
        Command::Batch { fresh, limits } => batch::run(fresh, &limits),
        Command::Compile { folder, fuel, epochs } => compile::run(&folder, fuel, epochs),
        Command::Repl { limits } => repl::run(&limits),
        Command::Component { command: Component::Run(options) } => return ended(component::run(options)),
    };
    ended(done.map(|()| ExitCode::SUCCESS))
}

/// The exit status of a command; says why it failed, where it did.
fn ended(done: anyhow::Result<ExitCode>) -> ExitCode {
    match done {
        Ok(status) => status,
        Err(error) => report::failure(&error),
    }
}
