//! What the command line says.

use std::{
    net::IpAddr,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aiointernal::{
    Context, Limits, Sandbox,
    js::{Clock, ConsoleMessage, ContextBuilder, FetchGrant, Folder as Modules, Source},
};
use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report;

/// Run JavaScript that nobody trusts, and WebAssembly components, within limits.
///
/// Scripts run in a sandbox: no files, no network but what you allow, no clock finer than a millisecond, and no more time
/// and memory than you say. What they print with console.log comes on standard error.
///
/// Exit status: 0 done; 1 the script, or what a timer of it calls, threw, or its result cannot leave the sandbox; 2 the command line or a file is
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
    /// of digits, a Map a list of pairs, an Error an object; --format text prints it as a person would write it. Ends when no timer is left.
    Eval {
        /// The JavaScript or, with --ts, TypeScript to evaluate, or - to read it from standard input
        #[arg(allow_negative_numbers = true)]
        source: String,
        #[command(flatten)]
        format: Formatting,
        #[command(flatten)]
        limits: Common,
    },
    /// Run a file: a script or, when it ends in .mjs, a module; .ts, .mts and .cts are TypeScript
    ///
    /// Prints the value of the last statement; as JSON, nothing when it is undefined. Ends when no timer is left. Relative imports
    /// are files of the folder that the file is in, and of those below it, or of --module-root; nothing else can be imported.
    /// TypeScript that imports or exports is a module, too; its types are taken away, not checked.
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
    /// Values are shown as Node's REPL shows them. A promise is awaited, and the value shown is what it came to; await works
    /// at the top level. The last value is _. TAB completes global names, and the members of what a path of names such as a.b
    /// leads to, without running getters. What you define stays. Ctrl-C stops what is running, Ctrl-D ends the session.
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

    /// Take sources, and the file that is run, for TypeScript
    #[arg(long)]
    ts: bool,

    /// Set a global to a JSON value before anything runs; may be given many times
    #[arg(long = "global", value_name = "NAME=JSON", value_parser = global)]
    globals: Vec<(String, serde_json::Value)>,

    /// Let scripts import the files of a folder and of those below it, and nothing else. Relative imports of a file that
    /// is there begin at the file, all others at the folder
    #[arg(long, value_name = "DIR", value_parser = module_root)]
    pub(crate) module_root: Option<ModuleRoot>,

    /// What time it is for scripts: system; virtual, which begins at 1970-01-01T00:00:00Z and jumps to the next timer; or a time at which it
    /// stands still, such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "CLOCK", default_value = "system", value_parser = clock)]
    clock: TellsTime,

    /// Give scripts the random numbers that follow from this seed: the same each time
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// The time zone of scripts, such as Europe/Berlin
    #[arg(long = "tz", value_name = "NAME", default_value = "UTC")]
    time_zone: String,

    /// Let scripts fetch: [METHODS ]SCHEME://HOST[:PORT], or an address; may be given many times
    ///
    /// METHODS are names between commas, or * for any; without them it is GET,HEAD. SCHEME is http or https. HOST is a name,
    /// *.NAME for all names below one, * for any host, or an address. PORT is a number, or * for any. So: https://api.example.com,
    /// "POST https://*.example.com:8443", "* http://127.0.0.1:3000".
    ///
    /// A name leads to addresses of the public internet only, unless another rule is the address that it leads to, such as
    /// 127.0.0.1, or a range, 10.0.0.0/8. Redirects are held to the same.
    #[arg(long = "allow-fetch", value_name = "RULE", value_parser = fetch_rule)]
    fetch: Vec<String>,
}

/// What may be imported.
#[derive(Clone, Debug)]
pub(crate) struct ModuleRoot {
    pub(crate) path: PathBuf,
    /// Opened once, under the name that its path is.
    pub(crate) modules: Modules,
}

/// What time it is for scripts.
#[derive(Clone, Copy, Debug)]
enum TellsTime {
    System,
    Virtual,
    Fixed(SystemTime),
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
        let mut sandbox = Sandbox::builder().limits(limits).max_contexts(2).clock(match self.clock {
            TellsTime::System => Clock::system(),
            TellsTime::Virtual => Clock::virtual_from(UNIX_EPOCH),
            TellsTime::Fixed(at) => Clock::fixed(at),
        });
        if let Some(seed) = self.seed {
            sandbox = sandbox.seed(seed);
        }
        if self.time_zone != "UTC" {
            sandbox = sandbox.time_zone(&self.time_zone)?;
        }
        if !self.fetch.is_empty() {
            let granted = self.fetch.iter().try_fold(FetchGrant::new(), |grant, rule| grant_fetch(grant, rule));
            sandbox = sandbox.fetch(granted?);
        }
        Ok(sandbox.build()?)
    }

    /// Whether what is run is TypeScript, whatever its name.
    pub(crate) fn is_typescript(&self) -> bool {
        self.ts
    }

    /// A source of the language that the command line says.
    pub(crate) fn source(&self, source: Source) -> Source {
        if self.ts { source.typescript() } else { source }
    }

    /// Opens a context with the globals of the command line, whose console is standard error.
    pub(crate) fn context(&self, sandbox: &Sandbox) -> Result<Context> {
        Ok(self.context_builder(sandbox)?.blocking()?)
    }

    /// The globals of the command line.
    pub(crate) fn globals(&self) -> serde_json::Map<String, serde_json::Value> {
        self.globals.iter().cloned().collect()
    }

    /// What [`context`](Common::context) opens.
    pub(crate) fn context_builder(&self, sandbox: &Sandbox) -> Result<ContextBuilder> {
        let console = |message: &ConsoleMessage| report::console(message.level(), message.text());
        let context = sandbox.context().globals(self.globals())?.on_console(console);
        Ok(match &self.module_root {
            Some(root) => context.modules(root.modules.clone()),
            None => context,
        })
    }
}

fn size(text: &str) -> Result<usize, String> {
    let refused = |_| "expected a number of bytes with a unit, such as 64MiB".to_owned();
    let size: bytesize::ByteSize = text.parse().map_err(refused)?;
    usize::try_from(size.as_u64()).map_err(|_| format!("{text} is more than this machine can address"))
}

fn clock(text: &str) -> Result<TellsTime, String> {
    match text {
        "system" => Ok(TellsTime::System),
        "virtual" => Ok(TellsTime::Virtual),
        time => humantime::parse_rfc3339(time)
            .map(TellsTime::Fixed)
            .map_err(|_| "expected system, virtual, or a time such as 2026-01-31T12:00:00Z".to_owned()),
    }
}

fn global(text: &str) -> Result<(String, serde_json::Value)> {
    let (name, json) = text.split_once('=').context("expected NAME=JSON")?;
    let value = serde_json::from_str(json).with_context(|| format!("the value of {name} is not JSON: {json}"))?;
    Ok((name.to_owned(), value))
}

fn module_root(text: &str) -> Result<ModuleRoot, aiointernal::Error> {
    Ok(ModuleRoot { path: text.into(), modules: Modules::open(text)?.named(text) })
}

/// A rule of what may be fetched, that is one.
fn fetch_rule(text: &str) -> Result<String, aiointernal::Error> {
    grant_fetch(FetchGrant::new(), text).map(|_| text.to_owned())
}

fn grant_fetch(grant: FetchGrant, rule: &str) -> Result<FetchGrant, aiointernal::Error> {
    let address = rule.split('/').next().unwrap_or_default();
    if address.parse::<IpAddr>().is_ok() { grant.allow_address(rule) } else { grant.allow(rule) }
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
