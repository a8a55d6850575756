//! WASI 0.2: what is granted, what is not, and that no wait outlives its call.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use aiointernal::component::Grants;

use super::*;

const WASI: &str = include_str!("wasi.wat");

/// One for all tests: it is compiled once.
static PROGRAM: LazyLock<Dynamic> = LazyLock::new(|| program(WASI));

const SHORT: Duration = Duration::from_millis(30);

fn granted(grants: Grants) -> Called {
    within(SHORT * 100, grants)
}

fn within(time: Duration, grants: Grants) -> Called {
    let mut limits = Limits::default();
    limits.wall_time = time;
    limits.console = 10_000;
    ENGINE.open(PROGRAM.clone().granted(grants), limits).blocking().unwrap()
}

type Taken = Arc<Mutex<Vec<u8>>>;

/// A sink, and what it took.
fn sink() -> (impl Fn(&[u8]) + Send + Sync + 'static, Taken) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let taking = Arc::clone(&taken);
    (move |bytes: &[u8]| taking.lock().unwrap().extend_from_slice(bytes), taken)
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("wasi-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("file.txt"), "content").unwrap();
    folder
}

/// What `open` gives for an error of this number, in the order of WASI's `error-code`.
const NO_ENTRY: &str = "(1, 20)";
const UNSUPPORTED: &str = "(1, 27)";
const NOT_PERMITTED: &str = "(1, 31)";

/// Flags of `open`, and of the descriptor.
const CREATE: u8 = 1;
const READ: u8 = 1;
const WRITE: u8 = 2;

fn opens(component: &Called, path: &str, open: u8, flags: u8) -> String {
    text(component, &format!("open({path:?}, {open}, {flags})"))
}

#[test]
fn nothing_is_granted_by_default() {
    let component = granted(Grants::default());
    assert_eq!(text(&component, "read()"), "\"\"");
    assert_eq!(text(&component, "print(\"lost\")"), "nothing");
    assert_eq!(text(&component, "variables()"), "0");
    assert_eq!(text(&component, "arguments()"), "0");
    assert_eq!(text(&component, "folders()"), "0");
    assert_eq!(text(&component, "ticks()"), "0");
    assert_eq!(text(&component, "seconds()"), "0");
}

#[test]
fn sockets_are_denied_whatever_is_granted() {
    for grants in [Grants::default(), Grants::default().clocks().random()] {
        // `access-denied` of wasi:sockets.
        assert_eq!(text(&granted(grants), "connect()"), "1");
    }
}

#[test]
fn random_numbers_that_are_not_granted_are_the_same_in_each_fresh_instance() {
    let first = granted(Grants::default());
    let numbers = [text(&first, "random()"), text(&first, "random()")];
    assert_eq!(numbers[0], u64::from_be_bytes([0, 1, 2, 3, 4, 5, 6, 7]).to_string());
    assert_ne!(numbers[0], numbers[1]);
    let second = granted(Grants::default());
    assert_eq!([text(&second, "random()"), text(&second, "random()")], numbers);
}

#[test]
fn clocks_and_random_numbers_that_are_granted_are_real() {
    let component = granted(Grants::default().clocks().random());
    let seconds: u64 = text(&component, "seconds()").parse().unwrap();
    assert!(seconds > 1_700_000_000, "{seconds}");
    let ticks = || text(&component, "ticks()").parse::<u64>().unwrap();
    let (before, _, after) = (ticks(), text(&component, "sleep(1000000)"), ticks());
    assert!(after - before >= 1_000_000, "{before} {after}");
    assert_ne!(text(&component, "random()"), text(&granted(Grants::default().random()), "random()"));
}

#[test]
fn environment_arguments_and_input_are_what_was_granted() {
    let grants = Grants::default().env("A", "1").env("B", "2").argument("program").stdin("typed");
    let component = granted(grants);
    assert_eq!(text(&component, "variables()"), "2");
    assert_eq!(text(&component, "arguments()"), "1");
    assert_eq!(text(&component, "read()"), "\"typed\"");
    assert_eq!(text(&component, "read()"), "\"\"");
    // A fresh instance has it afresh.
    assert_eq!(failure(&component, "exit(err)").0, ErrorKind::Trapped);
    assert_eq!(text(&component, "read()"), "\"typed\"");
}

#[test]
fn output_that_is_granted_comes_as_it_is_printed() {
    let (sink, taken) = sink();
    let component = granted(Grants::default().stdout(sink));
    text(&component, "print(\"one \")");
    text(&component, "print(\"two\")");
    assert_eq!(*taken.lock().unwrap(), b"one two");
}

#[test]
fn output_is_cut_at_the_limit_of_each_call() {
    let ((stdout, printed), (stderr, told)) = (sink(), sink());
    let component = granted(Grants::default().stdout(stdout).stderr(stderr));
    for calls in 1..=2 {
        text(&component, "print-much(5)");
        assert_eq!(printed.lock().unwrap().len(), 10_000 * calls);
        let told = String::from_utf8(told.lock().unwrap().clone()).unwrap();
        assert_eq!(told.lines().count(), calls);
        assert_says(&told, &["output is cut here"]);
    }
}

#[test]
fn a_sleep_ends_at_the_time_limit() {
    for grants in [Grants::default(), Grants::default().clocks()] {
        for call in ["sleep(3600000000000)", "sleep-in-poll(3600000000000)", "sleep(18446744073709551615)"] {
            let component = within(SHORT, grants.clone());
            let (kind, kept, message) = failure(&component, call);
            assert_eq!((kind, kept), (ErrorKind::Timeout, false), "{message}");
            assert_says(&message, &["longer than its 30ms"]);
            assert_eq!(text(&component, "variables()"), "0");
        }
    }
}

#[test]
fn a_sleep_within_the_time_limit_ends_by_itself() {
    let component = granted(Grants::default());
    for call in ["sleep(0)", "sleep(2000000)", "sleep-in-poll(2000000)"] {
        assert_eq!(text(&component, call), "nothing");
    }
}

#[test]
fn a_caller_that_goes_away_ends_a_sleep() {
    let component = within(Duration::from_secs(3600), Grants::default());
    let (sender, receiver) = std::sync::mpsc::channel();
    let sleeping = component
        .try_call(move |instance, running| {
            sender.send(()).unwrap();
            instance.invoke(running, "sleep(3600000000000)")
        })
        .queue();
    receiver.recv().unwrap();
    sleeping.abort();
    assert_eq!(sleeping.blocking().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(text(&component, "variables()"), "0");
}

#[test]
fn an_instance_sleeps_within_a_runtime_as_well() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let component = within(SHORT, Grants::default());
    let error = runtime.block_on(async {
        component.try_call(|instance, running| instance.invoke(running, "sleep(3600000000000)")).await.unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[test]
fn an_instance_that_asks_whether_it_is_time_hears_when_it_is() {
    let component = granted(Grants::default());
    invoke(&component, "ask(1000000)").unwrap();
}

#[test]
fn open_things_have_a_limit() {
    let component = granted(Grants::default());
    let (kind, kept, message) = failure(&component, "hoard()");
    assert_eq!((kind, kept), (ErrorKind::Trapped, false), "{message}");
    assert_eq!(text(&component, "variables()"), "0");
}

#[test]
fn files_of_a_folder_that_is_granted_are_read() {
    let folder = folder("read");
    fs::create_dir(folder.join("inner")).unwrap();
    fs::write(folder.join("inner/deep.txt"), "deep").unwrap();
    let component = granted(Grants::default().read_only_folder(&folder, "/data"));
    assert_eq!(text(&component, "folders()"), "1");
    assert_eq!(text(&component, "read-file(\"file.txt\")"), "\"content\"");
    assert_eq!(text(&component, "read-file(\"inner/../inner/deep.txt\")"), "\"deep\"");
    assert_eq!(opens(&component, "none.txt", 0, READ), NO_ENTRY);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_folder_to_read_only_is_not_written() {
    let folder = folder("read-only");
    let component = granted(Grants::default().read_only_folder(&folder, "/data"));
    assert_eq!(opens(&component, "file.txt", 0, READ | WRITE), NOT_PERMITTED);
    assert_eq!(opens(&component, "new.txt", CREATE, WRITE), NOT_PERMITTED);
    assert!(!folder.join("new.txt").exists());
    let component = granted(Grants::default().folder(&folder, "/data"));
    assert_says(&opens(&component, "new.txt", CREATE, WRITE), &["(0, "]);
    assert!(folder.join("new.txt").exists());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn no_path_leads_out_of_a_folder() {
    let folder = folder("out");
    let inner = folder.join("inner");
    fs::create_dir(&inner).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../file.txt", inner.join("link")).unwrap();
        std::os::unix::fs::symlink(folder.join("file.txt"), inner.join("absolute")).unwrap();
        std::os::unix::fs::symlink("..", inner.join("up")).unwrap();
    }
    let component = granted(Grants::default().folder(&inner, "/"));
    for path in ["../file.txt", "link", "absolute", "up/file.txt", "/etc/passwd", "../inner/../file.txt"] {
        assert_eq!(opens(&component, path, 0, READ), NOT_PERMITTED, "{path}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn what_could_block_for_good_is_not_opened() {
    let folder = folder("fifo");
    let made = Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap();
    assert!(made.success());
    std::os::unix::fs::symlink("pipe", folder.join("link")).unwrap();
    let component = granted(Grants::default().folder(&folder, "/"));
    for path in ["pipe", "link"] {
        for flags in [READ, WRITE, READ | WRITE] {
            assert_eq!(opens(&component, path, 0, flags), UNSUPPORTED);
        }
    }
    let devices = granted(Grants::default().read_only_folder(Path::new("/dev"), "/"));
    assert_eq!(opens(&devices, "zero", 0, READ), UNSUPPORTED);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_folder_that_is_not_there_is_an_error_of_opening() {
    let program = PROGRAM.clone().granted(Grants::default().folder("/no/such/folder", "/"));
    let error = ENGINE.open(program, Limits::default()).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_says(&error.to_string(), &["/no/such/folder"]);
}

#[test]
fn running_a_command_tells_its_status() {
    for (arguments, status) in [(1, 0), (2, 1), (3, 0), (4, 1)] {
        let (sink, taken) = sink();
        let mut grants = Grants::default().stdout(sink);
        for argument in 0..arguments {
            grants = grants.argument(argument.to_string());
        }
        let ran = granted(grants).try_call(|instance, running| instance.run(running)).blocking();
        assert_eq!(ran.unwrap(), status, "{arguments} arguments");
        assert_eq!(*taken.lock().unwrap(), b"ran\n");
    }
    let error = open(CORE).try_call(|instance, running| instance.run(running)).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_says(&error.to_string(), &["wasi:cli/run", "add: func"]);
}

#[test]
fn an_exit_in_a_call_is_told_with_its_status() {
    let component = granted(Grants::default());
    let (kind, kept, message) = failure(&component, "exit(err)");
    assert_eq!((kind, kept), (ErrorKind::Trapped, false));
    assert_says(&message, &["status 1"]);
}
