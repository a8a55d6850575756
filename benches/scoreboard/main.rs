//! The scoreboard: what this library costs beside what else runs other people's JavaScript, from one run in which all take
//! turns: `cargo bench --workspace --bench scoreboard`. Behind `--` may be:
//!
//! - `--peers`: those that `benches/peers/run` installs take part, too;
//! - `--quick`: each row once, to see that everything runs. The figures say nothing.
//! - words: only the rows with one of them in their names.
//!
//! This library and native rquickjs are measured in this process; the others in processes of their own, which take the time
//! themselves. Prints a table, and writes `target/scoreboard.json`. Where two contenders give different results, that is a
//! fault, and the exit status is 1.

#[path = "../machine.rs"]
mod machine;
#[path = "../turns.rs"]
mod turns;

mod task;
mod row;
mod ours;
mod native;
mod runner;
mod board;

use std::{cell::RefCell, env, fs, path::Path};

use crate::{
    board::{Board, Cell},
    native::Native,
    ours::Ours,
    row::Row,
    runner::{Program, Runner},
    task::{Contender, Kind, serve},
    turns::take_turns,
};

/// How often each contender has its turn.
const TURNS: usize = 9;

/// Makes this process the contender whose name follows, and not the driver: those whose memory is measured are in processes of
/// their own.
const SERVE: &str = "--serve";

/// Who takes part.
struct Entrant {
    contender: Box<dyn Contender>,
    /// What it is as a process of its own.
    program: Program,
}

fn main() -> Result<(), String> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if has(SERVE) {
        if has(native::NAME) {
            serve(&mut Native::default())
        } else {
            serve(&mut Ours::new())
        }
        return Ok(());
    }
    let words: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let is_picked = |row: &Row| words.is_empty() || words.iter().any(|word| row.name.contains(word.as_str()));
    let is_quick = has("--quick");
    let turns = if is_quick { 1 } else { TURNS };

    let mut board = Board::new(turns);
    let mut entrants = enter(&mut board, has("--peers"))?;
    for row in row::all().into_iter().filter(is_picked) {
        let row = if is_quick { row.quick() } else { row };
        eprintln!("{}", row.name);
        let cells: Vec<Cell> = if row.task.kind == Kind::Memory {
            entrants.iter().map(|entrant| memory(&row, &entrant.program)).collect()
        } else {
            time(&row, &mut entrants, turns)
        };
        board.add(&row, &cells)?;
    }
    board.finish();
    print!("{board}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/scoreboard.json");
    let json = serde_json::to_string_pretty(&board).map_err(|error| error.to_string())?;
    fs::write(&path, json + "\n").map_err(|error| format!("{}: {error}", path.display()))
}

/// Whoever can take part does, and the board is told of all.
///
/// # Errors
///
/// Why Boa does not start, which cargo can build everywhere. Peers may be missing.
fn enter(board: &mut Board, with_peers: bool) -> Result<Vec<Entrant>, String> {
    let boa = runner::boa();
    let mut entrants = vec![
        Entrant { contender: Box::new(Ours::new()), program: runner::this(ours::NAME) },
        Entrant { contender: Box::new(Native::default()), program: runner::this(native::NAME) },
        Entrant { contender: Box::new(Runner::start(&boa)?), program: boa },
    ];
    for program in with_peers.then(runner::peers).into_iter().flatten() {
        match Runner::start(&program) {
            Ok(runner) => entrants.push(Entrant { contender: Box::new(runner), program }),
            Err(reason) => board.left_out(program.name, reason),
        }
    }
    for entrant in &entrants {
        board.entered(entrant.program.name, entrant.contender.version());
    }
    Ok(entrants)
}

/// The contenders take turns, each with so many repetitions that its turn is long enough to be measured.
fn time(row: &Row, entrants: &mut [Entrant], turns: usize) -> Vec<Cell> {
    let ways = entrants.iter_mut().map(|entrant| {
        let task = row.calibrated(entrant.contender.as_mut());
        (task, RefCell::new(&mut entrant.contender))
    });
    let ways: Vec<_> = ways.collect();
    let answers = take_turns(&ways, turns, |(task, contender)| match task {
        Ok(task) => contender.borrow_mut().run(task).map(|done| (row.each(done.nanos, task.times), done.value)),
        Err(reason) => Err(reason.clone()),
    });
    answers.into_iter().map(|answers| answers.into_iter().collect()).collect()
}

/// What a process takes more when so many contexts live in it, for each.
fn memory(row: &Row, program: &Program) -> Cell {
    let growth = Runner::start(program).and_then(|runner| runner.growth(&row.task));
    let each = growth.map(|(bytes, value)| (bytes / f64::from(row.task.times), value));
    Cell::from_iter([each])
}
