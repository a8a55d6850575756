//! What it was measured on.

use std::{fmt, fs, process::Command, thread};

use serde::Serialize;

/// The machine, and how busy it is: figures of a busy one are of little use.
#[derive(Serialize)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    /// The three averages.
    load: String,
    date: String,
}

impl Machine {
    /// As it is now.
    pub(crate) fn look() -> Machine {
        let load = file("/proc/loadavg");
        let date = Command::new("date").args(["-u", "+%F %H:%M UTC"]).output().ok();
        Machine {
            processor: model().unwrap_or_else(unknown),
            cores: thread::available_parallelism().map_or(0, usize::from),
            kernel: file("/proc/sys/kernel/osrelease"),
            load: load.split(' ').take(3).collect::<Vec<_>>().join(" "),
            date: date.map_or_else(unknown, |date| String::from_utf8_lossy(&date.stdout).trim().to_owned()),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "processor  {}, {} cores", self.processor, self.cores)?;
        writeln!(f, "kernel     {}", self.kernel)?;
        writeln!(f, "load       {}", self.load)?;
        writeln!(f, "date       {}", self.date)
    }
}

fn model() -> Option<String> {
    let cpuinfo = file("/proc/cpuinfo");
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, model)| model.trim().to_owned())
}

fn file(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| unknown(), |text| text.trim().to_owned())
}

fn unknown() -> String {
    "unknown".to_owned()
}
