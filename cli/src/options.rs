//! What the command line says.

use std::{path::PathBuf, time::Duration};

use aiointernal::{
    Context, Limits, Sandbox,
    js::{ConsoleMessage, ContextBuilder},
};
use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report;

/// Run JavaScript that nobody trusts, and WebAssembly components, within limits.
///
/// Scripts run in a sandbox: no files, no network, no clock finer than a millisecond, and no more time and memory than
/// you say. What they print with console.log comes on standard error.
///
/// Exit status: 0 done; 1 the script threw, or its result cannot leave the sandbox; 2 the command line or a file is
/// wrong; 3 a limit stopped the script; 70 a fault of this program.
#[derive(Debug, Parser)]
#[command(name = "aiointernal", version, arg_required_else_help = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Evaluate a source text and print its value
    ///
    /// Prints the value of the last statement on standard output. As JSON, undefined is null and a BigInt a string
    /// of digits, a Map a list of pairs, an Error an object; --format text prints it as a person would write it.
    Eval {
        /// The JavaScript to evaluate, or - to read it from standard input
        #[arg(allow_negative_numbers = true)]
        source: String,
        #[command(flatten)]
        format: Formatting,
        #[command(flatten)]
        limits: Common,
    },
    /// Run a file: a script or, when it ends in .mjs, a module
    ///
    /// Prints the value of the last statement; as JSON, nothing when it is undefined. Relative imports are files of the
    /// folder that the file is in, and of those below it; nothing else can be imported. TypeScript is not there yet.
    Run {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        format: Formatting,
        #[command(flatten)]
        limits: Common,
    },
    /// Evaluate many sources, one a line
    ///
    /// Reads one JSON object a line, {"id":1,"source":"1 + 2"}, and prints one a line, in the same order and each as
    /// soon as it is there: {"id":1,"ok":true,"value":3} or {"id":1,"ok":false,"kind":"thrown","error":{"name":"...",
    /// "message":"...","stack":"..."}}. All sources share one context.
    Batch {
        /// Give each source a new context
        #[arg(long)]
        fresh: bool,
        #[command(flatten)]
        limits: Common,
    },
    /// Run a WebAssembly component of your own
    Component {
        #[command(subcommand)]
        command: Component,
    },
    /// Compile the JavaScript engine for programs that are built without the compiler
    ///
    /// Leaves a file in the folder, which is made where it is not there; give that folder to their sandboxes as the cache. It runs on this
    /// processor, and on those that can do all that it can. On one that can do less it is refused.
    Compile {
        /// The folder
        folder: PathBuf,
        /// Have the code count fuel
        #[arg(long)]
        fuel: bool,
        /// Have the code look at epochs, for sandboxes that use them on Linux on x86-64
        #[arg(long)]
        epochs: bool,
    },
    /// Evaluate what you type, line by line
    ///
    /// What you define stays. Ctrl-C stops what is running, Ctrl-D ends the session.
    Repl {
        #[command(flatten)]
        limits: Common,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Component {
    /// Call a function of a component, or run it as a command
    ///
    /// With --invoke, calls one function and prints its result on standard output. Values are in WAVE, the notation
    /// of the component model's tools: 42, "text", [1, 2], {name: "a"}, some(1), err("why"). Without it, runs the
    /// component's wasi:cli/run.
    ///
    /// The component may import WASI 0.2, and is given nothing of it but what the options say: no files, no
    /// environment, no input or output; its clocks stand still, and its random numbers are always the same.
    ///
    /// Exit status: 0 done; 1 the component failed: it returned an error, trapped, or exited with another status
    /// than 0; 2 the command line or the file is wrong; 3 a limit stopped it; 70 a fault of this program.
    Run(RunComponent),
}

#[derive(Args, Debug)]
pub(crate) struct RunComponent {
    /// The component, a .wasm file
    pub(crate) file: PathBuf,

    /// The function to call, and its arguments: 'add(1, 2)', or of an interface 'ns:pkg/iface#add(1, 2)'
    #[arg(long, value_name = "NAME(ARGS)")]
    pub(crate) invoke: Option<String>,

    /// Longest time that it may run, such as 500ms or 2s
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,

    /// Most memory that it may take, such as 64MiB
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = size)]
    pub(crate) memory: usize,

    /// Grant a folder, under its own name or another; :ro to read only; may be given many times
    #[arg(long = "dir", value_name = "HOST[::GUEST][:ro]", value_parser = folder)]
    pub(crate) folders: Vec<Folder>,

    /// Grant an environment variable; may be given many times
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    pub(crate) variables: Vec<(String, String)>,

    /// Grant standard input, output and error; 1 MiB of output is printed, as they are. The time limit does not hold
    /// while output waits for its reader
    #[arg(long)]
    pub(crate) stdio: bool,

    /// Grant the clocks of this machine
    #[arg(long)]
    pub(crate) clock: bool,

    /// Grant random numbers
    #[arg(long)]
    pub(crate) random: bool,

    /// Arguments for the component, behind its file name
    #[arg(last = true, value_name = "ARGUMENTS")]
    pub(crate) arguments: Vec<String>,
}

/// A folder that is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
    pub(crate) read_only: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Common {
    /// Longest time one evaluation may run, such as 500ms or 2s
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    timeout: Duration,

    /// Most memory the sandbox may take, such as 64MiB; the engine itself takes 4 MiB of it
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = size)]
    memory: usize,

    /// Most stack that JavaScript calls may take, such as 512KiB; 768KiB at most, and more is taken as that
    #[arg(long, value_name = "SIZE", default_value = "256KiB", value_parser = size)]
    stack: usize,

    /// Set a global to a JSON value before anything runs; may be given many times
    #[arg(long = "global", value_name = "NAME=JSON", value_parser = global)]
    globals: Vec<(String, serde_json::Value)>,
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Formatting {
    /// How to print the value
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For programs
    Json,
    /// For people
    Text,
}

impl Common {
    pub(crate) fn sandbox(&self) -> Result<Sandbox> {
        let mut limits = Limits::default();
        limits.wall_time = self.timeout;
        limits.memory = self.memory;
        limits.stack = self.stack;
        // Two: a context that is being opened, and one that is not quite gone yet.
        Ok(Sandbox::builder().limits(limits).max_contexts(2).build()?)
    }

    /// Opens a context with the globals of the command line, whose console is standard error.
    pub(crate) fn context(&self, sandbox: &Sandbox) -> Result<Context> {
        Ok(self.context_builder(sandbox)?.blocking()?)
    }

    /// What [`context`](Common::context) opens.
    pub(crate) fn context_builder(&self, sandbox: &Sandbox) -> Result<ContextBuilder> {
        let globals: serde_json::Map<_, _> = self.globals.iter().cloned().collect();
        let console = |message: &ConsoleMessage| report::console(message.level(), message.text());
        Ok(sandbox.context().globals(globals)?.on_console(console))
    }
}

fn size(text: &str) -> Result<usize, String> {
    let refused = |_| "expected a number of bytes with a unit, such as 64MiB".to_owned();
    let size: bytesize::ByteSize = text.parse().map_err(refused)?;
    usize::try_from(size.as_u64()).map_err(|_| format!("{text} is more than this machine can address"))
}

fn global(text: &str) -> Result<(String, serde_json::Value)> {
    let (name, json) = text.split_once('=').context("expected NAME=JSON")?;
    let value = serde_json::from_str(json).with_context(|| format!("the value of {name} is not JSON: {json}"))?;
    Ok((name.to_owned(), value))
}

fn folder(text: &str) -> Result<Folder, String> {
    let (folder, read_only) = text.strip_suffix(":ro").map_or((text, false), |folder| (folder, true));
    let (host, guest) = folder.split_once("::").unwrap_or((folder, folder));
    if host.is_empty() || guest.is_empty() {
        return Err("expected HOST, HOST::GUEST, and :ro behind either".to_owned());
    }
    Ok(Folder { host: host.into(), guest: guest.to_owned(), read_only })
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
