//! `aiointernal component run`.

use std::{fs, process::ExitCode};

use aiointernal::{
    Limits,
    component::{Config, Dynamic, Engine, Grants},
};
use anyhow::{Context as _, Result};

use crate::{evaluate::print, options::RunComponent, report::say};

/// The status of a component that failed, and said so itself.
const FAILED: u8 = 1;

/// Calls a function and prints its result, or runs the component as a command.
pub(crate) fn run(options: RunComponent) -> Result<ExitCode> {
    let wasm = fs::read(&options.file).with_context(|| format!("cannot read {}", options.file.display()))?;
    let mut config = Config::default();
    // Two: one that runs, and one that is not quite gone yet.
    config.instances = 2;
    let engine = Engine::new(config)?;
    let mut limits = Limits::default();
    limits.wall_time = options.timeout;
    limits.memory = options.memory;
    let program = Dynamic::new(&engine, &wasm)?.granted(grants(&options));
    let component = engine.open(program, limits).blocking()?;
    let has_output = options.stdio;
    let succeeded = match options.invoke {
        Some(call) => {
            let reply = component.try_call(move |instance, running| instance.invoke(running, &call)).blocking()?;
            if let Some(text) = reply.text() {
                print(text)?;
            }
            !reply.is_err()
        }
        None => match component.try_call(|instance, running| instance.run(running)).blocking()? {
            0 => true,
            status => {
                let hint = if has_output { "" } else { "; --stdio shows what it printed" };
                say(format_args!("the component ended with status {status}{hint}"));
                false
            }
        },
    };
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn grants(options: &RunComponent) -> Grants {
    let mut grants = Grants::default();
    for folder in &options.folders {
        grants = if folder.read_only {
            grants.read_only_folder(&folder.host, &folder.guest)
        } else {
            grants.folder(&folder.host, &folder.guest)
        };
    }
    for (name, value) in &options.variables {
        grants = grants.env(name, value);
    }
    let name = options.file.file_name().unwrap_or_default().to_string_lossy();
    grants = grants.argument(name);
    for argument in &options.arguments {
        grants = grants.argument(argument);
    }
    if options.stdio {
        grants = grants.inherit_stdin().inherit_output();
    }
    if options.clock {
        grants = grants.clocks();
    }
    if options.random {
        grants = grants.random();
    }
    grants
}
