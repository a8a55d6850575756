//! What `console.table` prints: rows and columns of texts in a frame.

use rquickjs::{Array, Filter, Object, Result, Value};
use unicode_width::UnicodeWidthStr as _;

use crate::{class::Class, intrinsics::Bound, raw, text};

/// Rows that are printed.
const MAX_ROWS: usize = 500;

/// Columns that are printed, beside those of indices and values.
const MAX_COLUMNS: usize = 32;

/// Bytes of one cell, beyond which it is cut.
const MAX_CELL: usize = 1000;

/// The first argument as a table, with the columns that the second one names. `None` where it is no object.
pub(crate) fn print<'js>(bound: &Bound<'_, 'js>, arguments: &[Value<'js>]) -> Result<Option<String>> {
    let Some(data) = arguments.first().and_then(Value::as_object).filter(|data| !data.is_function()) else {
        return Ok(None);
    };
    let mut table = Table::new(bound);
    let class = Class::of(data);
    if class == bound.classes.map {
        table.index = "(iteration index)";
        table.columns = vec![Column::named("Key")];
        let (size, entries) = bound.map_entries(data, MAX_ROWS)?;
        for index in 0..entries.len() {
            let entry = entries.get::<Array<'js>>(index)?;
            table.add_row(index.to_string());
            let (key, value) = (table.cell(&entry.get(0)?), table.cell(&entry.get(1)?));
            table.columns[0].cells.push((index, key));
            table.values.push((index, value));
        }
        table.more = size.saturating_sub(MAX_ROWS);
    } else if class == bound.classes.set {
        table.index = "(iteration index)";
        let (size, members) = bound.set_entries(data, MAX_ROWS)?;
        for index in 0..members.len() {
            table.add_row(index.to_string());
            let value = table.cell(&members.get(index)?);
            table.values.push((index, value));
        }
        table.more = size.saturating_sub(MAX_ROWS);
    } else {
        table.only = arguments.get(1).and_then(Value::as_object).map(|names| names_in(bound, names)).transpose()?;
        table.rows_of(data)?;
    }
    Ok(Some(table.drawn()))
}

/// The texts in a list, as names of columns.
fn names_in<'js>(bound: &Bound<'_, 'js>, list: &Object<'js>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    if bound.is_list(list)? {
        // One more than there is room for, so that what is left out is seen.
        for index in 0..bound.length(list)?.min(MAX_COLUMNS + 1) {
            if let Some(name) = list.get::<_, Value<'js>>(index as f64)?.as_string() {
                names.push(bound.head(name, MAX_CELL)?);
            }
        }
    }
    Ok(names)
}

struct Column {
    name: String,
    /// The rows that have something here, and what.
    cells: Vec<(usize, String)>,
}

impl Column {
    fn named(name: impl Into<String>) -> Column {
        Column { name: name.into(), cells: Vec::new() }
    }
}

struct Table<'a, 'js> {
    bound: &'a Bound<'a, 'js>,
    index: &'static str,
    rows: Vec<String>,
    columns: Vec<Column>,
    /// The column of what is no object.
    values: Vec<(usize, String)>,
    /// The columns that are wanted, where not all are.
    only: Option<Vec<String>>,
    /// Rows that are not printed.
    more: usize,
    /// Bytes of all cells so far.
    bytes: usize,
}

impl<'a, 'js> Table<'a, 'js> {
    fn new(bound: &'a Bound<'a, 'js>) -> Table<'a, 'js> {
        Table {
            bound,
            index: "(index)",
            rows: Vec::new(),
            columns: Vec::new(),
            values: Vec::new(),
            only: None,
            more: 0,
            bytes: 0,
        }
    }

    fn add_row(&mut self, index: String) {
        self.bytes += index.len();
        self.rows.push(index);
    }

    fn rows_of(&mut self, data: &Object<'js>) -> Result<()> {
        if let Some(length) = self.length(data)? {
            for index in 0..length.min(MAX_ROWS) {
                if raw::has_element(data, index as u32)? {
                    self.row(index.to_string(), data.get(index as f64)?)?;
                }
            }
            self.more = length.saturating_sub(MAX_ROWS);
            return Ok(());
        }
        let keys = data.own_keys::<rquickjs::Atom<'js>>(Filter::new().string().enum_only());
        self.more = keys.len().saturating_sub(MAX_ROWS);
        for key in keys.take(MAX_ROWS) {
            let key = key?;
            let index = self.bound.head(&key.to_js_string()?, MAX_CELL)?;
            self.row(index, data.get(key)?)?;
        }
        Ok(())
    }

    /// How many elements a list or a typed array has; their names would take a multiple of its memory.
    fn length(&self, object: &Object<'js>) -> Result<Option<usize>> {
        Ok(if self.bound.classes.is_typed_array(Class::of(object)) {
            Some(self.bound.view_length(object)?)
        } else if self.bound.is_list(object)? {
            Some(self.bound.length(object)?)
        } else {
            None
        })
    }

    fn row(&mut self, index: String, value: Value<'js>) -> Result<()> {
        // Nobody sees what is still to be drawn.
        if self.bound.is_stopped() {
            return Ok(());
        }
        let row = self.rows.len();
        self.add_row(index);
        let object = value.as_object().filter(|object| !object.is_function());
        if let Some(names) = self.only.clone() {
            for name in names {
                match object {
                    Some(object) if self.bound.has_own(object, &name)? => {
                        let key = raw::string(self.bound.ctx(), &name)?;
                        self.put(row, &name, &object.get(key)?);
                    }
                    _ => {
                        self.column(&name);
                    }
                }
            }
            return Ok(());
        }
        let Some(object) = object else {
            let text = self.cell(&value);
            self.values.push((row, text));
            return Ok(());
        };
        // One more than there is room for, so that what is left out is seen.
        if self.length(object)?.is_some_and(|length| length > MAX_COLUMNS) {
            for index in 0..=MAX_COLUMNS {
                if raw::has_element(object, index as u32)? {
                    self.put(row, &index.to_string(), &object.get(index as f64)?);
                }
            }
            return Ok(());
        }
        for key in object.own_keys::<rquickjs::Atom<'js>>(Filter::new().string().enum_only()).take(MAX_COLUMNS + 1) {
            let key = key?;
            let name = self.bound.head(&key.to_js_string()?, MAX_CELL)?;
            self.put(row, &name, &object.get(key)?);
        }
        Ok(())
    }

    /// The place of the column with this name. The one behind the last is for what has no place.
    fn column(&mut self, name: &str) -> usize {
        let known = self.columns.iter().take(MAX_COLUMNS).position(|column| column.name == name);
        known.unwrap_or_else(|| {
            if self.columns.len() <= MAX_COLUMNS {
                let beyond = self.columns.len() == MAX_COLUMNS;
                self.columns.push(Column::named(if beyond { "..." } else { name }));
            }
            self.columns.len() - 1
        })
    }

    fn put(&mut self, row: usize, name: &str, value: &Value<'js>) {
        let column = self.column(name);
        // It has one already where a column is named twice, or where several have no place.
        if self.columns[column].cells.last().is_some_and(|(last, _)| *last == row) {
            return;
        }
        let text = if column == MAX_COLUMNS { "...".to_owned() } else { self.cell(value) };
        self.columns[column].cells.push((row, text));
    }

    /// A value as one line.
    fn cell(&mut self, value: &Value<'js>) -> String {
        if self.bytes > text::MAX_BYTES {
            return "...".to_owned();
        }
        let cell = text::cell(self.bound, value, MAX_CELL);
        self.bytes += cell.len();
        cell
    }

    fn drawn(mut self) -> String {
        if !self.values.is_empty() {
            self.columns.push(Column { name: "Values".to_owned(), cells: std::mem::take(&mut self.values) });
        }
        let rows = std::mem::take(&mut self.rows).into_iter().enumerate().collect();
        self.columns.insert(0, Column { name: self.index.to_owned(), cells: rows });
        let height = self.columns[0].cells.len();
        for column in &mut self.columns {
            column.name = one_line(&column.name);
            for (_, cell) in &mut column.cells {
                *cell = one_line(cell);
            }
        }
        let widths: Vec<usize> = self.columns.iter().map(width).collect();
        let mut out = String::new();
        rule(&mut out, &widths, ['┌', '┬', '┐']);
        line(&mut out, &widths, self.columns.iter().map(|column| column.name.as_str()));
        rule(&mut out, &widths, ['├', '┼', '┤']);
        let mut cells: Vec<_> = self.columns.iter().map(|column| column.cells.iter().peekable()).collect();
        for row in 0..height {
            if out.len() > text::MAX_BYTES {
                break;
            }
            let texts = cells.iter_mut().map(|cells| cells.next_if(|(at, _)| *at == row).map_or("", |(_, text)| text));
            line(&mut out, &widths, texts);
        }
        rule(&mut out, &widths, ['└', '┴', '┘']);
        out.pop();
        if self.more > 0 {
            out.push_str(&format!("\n... {} more", self.more));
        }
        text::clip(out, text::MAX_BYTES)
    }
}

fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

/// How many places of a terminal a column takes: of some characters two, of others none.
fn width(column: &Column) -> usize {
    let cells = column.cells.iter().map(|(_, cell)| cell.as_str());
    cells.chain([column.name.as_str()]).map(|text| text.width()).max().unwrap_or(0)
}

fn rule(out: &mut String, widths: &[usize], [left, between, right]: [char; 3]) {
    for (index, width) in widths.iter().enumerate() {
        out.push(if index == 0 { left } else { between });
        out.extend(std::iter::repeat_n('─', width + 2));
    }
    out.extend([right, '\n']);
}

fn line<'t>(out: &mut String, widths: &[usize], cells: impl Iterator<Item = &'t str>) {
    for (cell, width) in cells.zip(widths) {
        out.push_str("│ ");
        out.push_str(cell);
        out.extend(std::iter::repeat_n(' ', width + 1 - cell.width()));
    }
    out.push_str("│\n");
}
