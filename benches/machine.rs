//! What it was measured on.

use std::{fs, thread};

/// Prints the machine, and how busy it is: figures of a busy one are of little use.
pub(crate) fn print() {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    println!("processor  {}, {cores} cores", model().unwrap_or_else(|| "unknown".to_owned()));
    println!("kernel     {}", file("/proc/sys/kernel/osrelease"));
    println!("load       {}", file("/proc/loadavg"));
    println!();
}

fn model() -> Option<String> {
    let cpuinfo = file("/proc/cpuinfo");
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, model)| model.trim().to_owned())
}

fn file(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}
