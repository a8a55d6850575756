//! Runs the fuzz targets of `fuzz/`, instrumented, on any compiler.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

const TARGETS: [&str; 8] =
    ["evaluate", "values", "batch", "modules", "component", "fetch", "typescript", "differential"];

/// Rules, ranges, URLs, redirects and addresses, as the target `fetch` has them.
const GRANTS: [&str; 4] = [
    "GET,POST https://*.example.com:8443\n10.0.0.0/8\nhttps://a.example.com:8443/b?c#d\n//127.1:80/\n::ffff:10.0.0.1",
    "* http://[::1]:*\n::ffff:0:0/96\nhttp://[::ffff:127.0.0.1]/\nhttp://0x7f.1/\n64:ff9b::7f00:1\n2002:7f00:1::",
    "http://127.0.0.1\n127.0.0.1\nhttp://me:secret@2130706433:81/\nhttp://0177.0.0.1/\n169.254.169.254\n1.1.1.1",
    "http://*\nfd00::/8\nhttp://m\u{fc}nchen.test./\n../a\nfd00:ec2::254\n100.100.100.200\n2001:0:7f00:1::",
];

/// Runs a target, or `all` of them one after another, for so many seconds together.
pub(crate) fn run(target: &str, seconds: &str) -> anyhow::Result<()> {
    let seconds: u64 = seconds.parse().context("expected a number of seconds")?;
    let targets: Vec<&str> = TARGETS.into_iter().filter(|name| target == "all" || target == *name).collect();
    ensure!(!targets.is_empty(), "there is no target {target}, but {}", TARGETS.join(", "));
    let root = crate::root();
    build(&root)?;
    for name in &targets {
        fuzz(&root, name, (seconds / targets.len() as u64).max(1))?;
    }
    Ok(())
}

/// Builds all targets, of all packages that are not from elsewhere with coverage. Packages from elsewhere are those of every
/// other build: with `--workspace` they have the same features.
fn build(root: &Path) -> anyhow::Result<()> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--release", "--workspace"]).args(TARGETS.iter().flat_map(|target| ["--bin", target]));
    cargo.current_dir(root).env("RUSTC_WORKSPACE_WRAPPER", root.join("fuzz/instrument.sh"));
    ensure!(cargo.status()?.success(), "the targets cannot be built");
    Ok(())
}

fn fuzz(root: &Path, target: &str, seconds: u64) -> anyhow::Result<()> {
    let folder = target_folder(root).join("fuzz").join(target);
    let [corpus, seeds, found] = ["corpus", "seeds", "found"].map(|name| folder.join(name));
    for folder in [&corpus, &found] {
        fs::create_dir_all(folder)?;
    }
    write_seeds(root, target, &seeds)?;
    println!("{target}: {seconds} s; inputs that lead on are kept in {}", corpus.display());
    let mut fuzzer = Command::new(target_folder(root).join("release").join(target));
    fuzzer.arg(&corpus).arg(&seeds).arg(format!("-max_total_time={seconds}"));
    fuzzer.args(["-max_len=8192", "-timeout=60", "-rss_limit_mb=4096", "-print_final_stats=1", "-verbosity=0"]);
    fuzzer.arg(format!("-artifact_prefix={}/", found.display()));
    if !["component", "fetch"].contains(&target) {
        fuzzer.arg(format!("-dict={}", root.join("fuzz/javascript.dict").display()));
    }
    ensure!(fuzzer.status()?.success(), "{target} found what is in {}", found.display());
    Ok(())
}

/// What the fuzzer starts from: the sources of the case files, or what the tests have of the target's own.
fn write_seeds(root: &Path, target: &str, folder: &Path) -> anyhow::Result<()> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)?;
    let tests = root.join("tests");
    let texts = match target {
        "component" => texts(&[tests.join("component"), tests.join("component/hostile")], "wat")?,
        "modules" => sources(texts(&[tests.join("graphs")], "txt")?),
        "fetch" => GRANTS.map(str::to_owned).to_vec(),
        "typescript" => {
            texts(&["program", "program/geometry"].map(|folder| tests.join("typescript").join(folder)), "ts")?
        }
        _ => sources(texts(&[tests.join("cases")], "txt")?),
    };
    for (at, text) in texts.iter().enumerate() {
        // The first two bytes of a batch say what is done with its results.
        let head = if target == "batch" { &[at as u8, 8][..] } else { &[] };
        fs::write(folder.join(at.to_string()), [head, text.as_bytes()].concat())?;
    }
    Ok(())
}

/// The texts of all files of a kind.
fn texts(folders: &[PathBuf], extension: &str) -> io::Result<Vec<String>> {
    let mut texts = Vec::new();
    for folder in folders {
        for file in fs::read_dir(folder)? {
            let path = file?.path();
            if path.extension().is_some_and(|it| it == extension) {
                texts.push(fs::read_to_string(path)?);
            }
        }
    }
    Ok(texts)
}

/// The sources of case files: what is between the name of a case and its outcome.
fn sources(files: Vec<String>) -> Vec<String> {
    let mut sources = Vec::new();
    for file in files {
        for case in file.split("=== ").skip(1) {
            let source = case.split_once('\n').and_then(|(_, rest)| rest.split_once("\n---"));
            sources.extend(source.map(|(source, _)| source.to_owned()));
        }
    }
    sources
}

fn target_folder(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}
