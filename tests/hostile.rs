//! The hostile corpus: how each script ends, and what is there afterwards.
//!
//! Nothing here depends on how fast the machine is: a script that need not be stopped has all the time that it takes.

use std::{
    iter,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use aiointernal::{Context, Error, ErrorKind, Limits, Sandbox, Value, js::MemoryUsage};
use tokio::{runtime::Runtime, time::timeout};

use self::hostile_file::{Ending, Script};

#[path = "hostile_file.rs"]
mod hostile_file;

const MEMORY: usize = 32 << 20;

/// The time of a script that may be stopped.
const SHORT: Duration = Duration::from_millis(20);

/// The time of a script that ends by itself, and of what is asked afterwards: as good as none.
const LONG: Duration = Duration::from_secs(60);

/// The time of each of many scripts that run at once.
const CROWDED: Duration = Duration::from_secs(2);

/// How late an answer may be at a deadline, at best: far more than it is, as the machine does other things meanwhile.
const LATE: Duration = Duration::from_secs(1);

/// How long a script may have no answer. One that has none by then hangs.
const PATIENCE: Duration = Duration::from_secs(100);

/// Threads that run scripts at a time.
const THREADS: usize = 2;

static SCRIPTS: LazyLock<Vec<Script>> = LazyLock::new(hostile_file::scripts);

/// One whose limits are not below those of the tests.
static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::builder().limits(limits()).build().unwrap());

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.wall_time = LONG;
    limits.memory = MEMORY;
    limits
}

fn open() -> Context {
    let context = SANDBOX.context().functions(hostile_file::functions());
    RUNTIME.block_on(async { context.await.unwrap() })
}

/// What is wrong with the way in which a script ended, and with what it left behind.
fn faults(context: &Context, script: &Script) -> Vec<String> {
    let mut faults = Vec::new();
    context.eval("var canary = 'alive'").blocking().unwrap();
    let may_stop = script.may(&Ending::Stops) || script.may(&Ending::Ends);
    let time = if may_stop { SHORT } else { LONG };
    let mut began = Instant::now();
    let mut result = context.eval(script.source()).timeout(time).blocking();
    for _ in 0..2 {
        if began.elapsed() <= time + LATE {
            break;
        }
        context.reset().blocking().unwrap();
        context.eval("var canary = 'alive'").blocking().unwrap();
        began = Instant::now();
        result = context.eval(script.source()).timeout(time).blocking();
    }
    let over = began.elapsed().saturating_sub(time);
    if over > LATE {
        faults.push(format!("{over:?} late"));
    }
    if script.is_bug == script.may_end_with(&result) {
        faults.push(format!("ended otherwise: {}", told(&result)));
    }
    let is_kept = result.as_ref().err().is_none_or(Error::is_context_kept);
    faults.extend(faults_afterwards(context, script, is_kept));
    faults
}

fn faults_afterwards(context: &Context, script: &Script, is_kept: bool) -> Vec<String> {
    let canary = context.get_global("canary").blocking();
    if canary.as_ref().is_err_and(|error| error.kind() == ErrorKind::MemoryLimit) && script.may(&Ending::Fills) {
        context.reset().blocking().unwrap();
        return after_all(context);
    }
    let expected = if is_kept { "alive".into() } else { Value::Undefined };
    let mut faults = after_all(context);
    if canary.as_ref().ok() != Some(&expected) {
        faults.push(format!("is said to be kept: {is_kept}; the canary: {}", told(&canary)));
    }
    faults
}

/// What is wrong with a context that has to work.
fn after_all(context: &Context) -> Vec<String> {
    let mut faults = Vec::new();
    let answer = context.eval("[6, 7].map((x) => x * 7)[0]").blocking();
    if answer.as_ref().ok() != Some(&Value::Number(42.0)) {
        faults.push(format!("afterwards: {}", told(&answer)));
    }
    match context.memory_usage().blocking() {
        Ok(MemoryUsage { used, allocated, .. }) if used.max(allocated) <= MEMORY as u64 => {}
        other => faults.push(format!("memory: {other:?}")),
    }
    faults
}

fn told(result: &Result<Value, Error>) -> String {
    match result {
        Ok(_) => "value".to_owned(),
        Err(error) => format!("{} ({})", error.kind().code(), error.to_string().chars().take(200).collect::<String>()),
    }
}

#[test]
fn every_script_ends_as_it_may_and_its_context_works_afterwards() {
    // Threads that hang are not waited for.
    let next: &AtomicUsize = Box::leak(Box::default());
    let (sender, answers) = mpsc::channel();
    let mut wrong = Vec::new();
    for _ in 0..THREADS {
        let sender = sender.clone();
        let run = move || {
            while let Some(script) = SCRIPTS.get(next.fetch_add(1, Ordering::Relaxed)) {
                let context = open();
                sender.send((script, faults(&context, script))).unwrap();
            }
        };
        thread::Builder::new().spawn(run).unwrap();
    }
    drop(sender);
    let mut left: Vec<&Script> = SCRIPTS.iter().collect();
    while !left.is_empty() {
        let Ok((script, faults)) = answers.recv_timeout(PATIENCE) else {
            let hanging = left.iter().take(THREADS).map(|script| title(script));
            panic!("no answer, most likely of one of {:?}", hanging.collect::<Vec<_>>());
        };
        left.retain(|other| !std::ptr::eq(*other, script));
        wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", title(script))));
    }
    assert!(wrong.is_empty(), "{} faults\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_hundred_contexts_run_out_of_memory_at_once() {
    let scripts: Vec<&Script> = SCRIPTS.iter().filter(|script| script.category == "memory").collect();
    let contexts: Vec<Context> = iter::repeat_with(open).take(100).collect();
    let call = |context: &Context, script: &Script| context.eval(script.source()).timeout(CROWDED).queue();
    let calls: Vec<_> = contexts
        .iter()
        .zip(scripts.iter().cycle())
        .map(|(context, script)| (context, *script, call(context, script)))
        .collect();
    let mut wrong = Vec::new();
    for (context, script, call) in calls {
        let result = RUNTIME.block_on(async { timeout(PATIENCE, call).await.expect("a script does not hang") });
        let was_stopped = result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Timeout);
        if !was_stopped && !script.is_bug && !script.may_end_with(&result) {
            wrong.push(format!("{}: ended otherwise: {}", title(script), told(&result)));
        }
        context.reset().blocking().unwrap();
        wrong.extend(after_all(context).into_iter().map(|fault| format!("{}: {fault}", title(script))));
    }
    assert!(wrong.is_empty(), "{} faults\n{}", wrong.len(), wrong.join("\n"));
}

fn title(script: &Script) -> String {
    format!("{}: {}", script.category, script.name)
}
