//! What came of it.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{machine::Machine, native, ours, row::Row, task::Kind, turns::median};

/// All figures of a run.
#[derive(Serialize)]
pub(crate) struct Board {
    machine: Machine,
    turns: usize,
    contenders: Vec<Name>,
    rows: Vec<Line>,
    /// The geometric means of the ratios of the programs, for each contender that ran them all.
    programs: BTreeMap<&'static str, f64>,
}

#[derive(Serialize)]
struct Name {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Why it does not take part.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<String>,
}

#[derive(Serialize)]
struct Line {
    name: String,
    is_program: bool,
    unit: &'static str,
    /// In the order of the contenders that take part.
    cells: Vec<Figures>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Figures {
    Measured {
        minimum: f64,
        median: f64,
        /// The minimum, divided by that of native rquickjs in the same row.
        ratio: f64,
    },
    Cannot {
        cannot: String,
    },
}

/// What one contender did in one row.
#[derive(Default)]
pub(crate) struct Cell {
    figures: Vec<f64>,
    values: Vec<f64>,
    cannot: Option<String>,
}

/// Of the figure and the value of each turn, or why there are none.
impl FromIterator<Result<(f64, f64), String>> for Cell {
    fn from_iter<I: IntoIterator<Item = Result<(f64, f64), String>>>(turns: I) -> Cell {
        let mut cell = Cell::default();
        for turn in turns {
            match turn {
                Ok((figure, value)) => {
                    cell.figures.push(figure);
                    cell.values.push(value);
                }
                Err(reason) => cell.cannot = Some(reason),
            }
        }
        cell
    }
}

impl Cell {
    fn minimum(&self) -> f64 {
        self.figures.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

impl Board {
    pub(crate) fn new(turns: usize) -> Board {
        Board { machine: Machine::look(), turns, contenders: Vec::new(), rows: Vec::new(), programs: BTreeMap::new() }
    }

    pub(crate) fn entered(&mut self, name: &'static str, version: String) {
        self.contenders.push(Name { name, version: Some(version), left_out: None });
    }

    pub(crate) fn left_out(&mut self, name: &'static str, reason: String) {
        self.contenders.push(Name { name, version: None, left_out: Some(reason) });
    }

    /// The cells are in the order of the contenders that entered.
    ///
    /// # Errors
    ///
    /// Which result differs from that of native rquickjs, or why this library has none.
    pub(crate) fn add(&mut self, row: &Row, cells: &[Cell]) -> Result<(), String> {
        let names: Vec<_> = self.names().collect();
        let native = names.iter().zip(cells).find_map(|(name, cell)| (*name == native::NAME).then_some(cell));
        let native = native.ok_or("native rquickjs is not among the contenders")?;
        let expected = native.values.first().copied().ok_or_else(|| format!("{}: {:?}", row.name, native.cannot))?;
        for (name, cell) in names.iter().zip(cells) {
            if let (&ours::NAME, Some(reason)) = (name, &cell.cannot) {
                return Err(format!("{}: {name}: {reason}", row.name));
            }
            if let Some(wrong) = cell.values.iter().find(|value| **value != expected) {
                return Err(format!("{}: {name} gives {wrong}, and not {expected}", row.name));
            }
        }
        let figures = cells.iter().map(|cell| match &cell.cannot {
            Some(reason) => Figures::Cannot { cannot: reason.clone() },
            None => Figures::Measured {
                minimum: cell.minimum(),
                median: median(cell.figures.clone()),
                ratio: cell.minimum() / native.minimum(),
            },
        });
        let unit = if row.task.kind == Kind::Memory { "bytes" } else { "ns" };
        let line = Line { name: row.name.clone(), is_program: row.is_program, unit, cells: figures.collect() };
        self.rows.push(line);
        Ok(())
    }

    /// To be called when all rows are there.
    pub(crate) fn finish(&mut self) {
        let names: Vec<_> = self.names().collect();
        for (index, name) in names.into_iter().enumerate() {
            let cells = self.rows.iter().filter(|row| row.is_program).map(|row| &row.cells[index]);
            let ratios: Option<Vec<f64>> = cells.map(Figures::ratio).collect();
            if let Some(ratios) = ratios.filter(|ratios| !ratios.is_empty()) {
                let mean = ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64;
                self.programs.insert(name, mean.exp());
            }
        }
    }

    /// Those that take part, in the order of all cells.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.contenders.iter().filter(|name| name.left_out.is_none()).map(|name| name.name)
    }
}

impl Figures {
    fn ratio(&self) -> Option<f64> {
        if let Figures::Measured { ratio, .. } = self { Some(*ratio) } else { None }
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        for Name { name, version, left_out } in &self.contenders {
            match left_out {
                Some(reason) => writeln!(f, "{name}: left out: {reason}")?,
                None => writeln!(f, "{name} {}", version.as_deref().unwrap_or_default())?,
            }
        }
        writeln!(f, "\n{:<26} {:<24} {:>12} {:>12} {:>10}", "", "", "minimum", "median", "of native")?;
        for Line { name, unit, cells, .. } in &self.rows {
            for (contender, figures) in self.names().zip(cells) {
                write!(f, "{name:<26} {contender:<24} ")?;
                match figures {
                    Figures::Cannot { cannot } => writeln!(f, "cannot: {cannot}")?,
                    Figures::Measured { minimum, median, ratio } => {
                        let [minimum, median] = [*minimum, *median].map(|figure| amount(figure, unit));
                        writeln!(f, "{minimum:>12} {median:>12} {ratio:>10.2}")?;
                    }
                }
            }
        }
        for (contender, mean) in &self.programs {
            writeln!(f, "{:<26} {contender:<24} {:>12} {:>12} {mean:>10.2}", "programs, geometric mean", "", "")?;
        }
        Ok(())
    }
}

/// For people: of nanoseconds or bytes.
fn amount(figure: f64, unit: &str) -> String {
    match unit {
        "bytes" => format!("{:.1} KiB", figure / 1024.0),
        _ if figure < 1e3 => format!("{figure:.0} ns"),
        _ if figure < 1e6 => format!("{:.2} us", figure / 1e3),
        _ => format!("{:.2} ms", figure / 1e6),
    }
}
