//! Where the frames of a text are in its originals.

use std::collections::HashMap;

use serde::Deserialize;

use super::{
    data_url,
    frame::Frame,
    lines,
    mappings::{self, Malformed, Segment, Segments},
};

/// Bytes that the name of an original, or of a function, may have: with a longer one, a frame stays as it is.
const MAX_NAME: usize = 1024;

/// Bytes around a place in a text that are looked at for a declaration.
const MAX_LOOK: usize = 64;

/// A source map, as far as it is used.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(in crate::js) struct Map {
    version: u32,
    sources: Vec<Option<String>>,
    #[serde(default)]
    names: Vec<String>,
    mappings: String,
    #[serde(rename = "sourceRoot")]
    root: Option<String>,
}

/// A place in an original, as a frame names it. Lines and columns count from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place<'m> {
    /// What stands before the file, and a `/` between them.
    root: Option<&'m str>,
    file: &'m str,
    line: u32,
    column: u32,
    function: Option<&'m str>,
}

impl Place<'_> {
    /// The line of a stack, in the place of a frame; `None`: it cannot stand in one.
    pub(super) fn told(&self, frame: &Frame<'_>) -> Option<String> {
        let Place { root, file, line, column, function } = self;
        let (root, slash) = root.map_or(("", ""), |root| (root, "/"));
        let is_told = |text: &str| !text.chars().any(char::is_control);
        // Lengths first: a map may have few texts, and as long as it is itself.
        let fits = root.len().saturating_add(slash.len()).saturating_add(file.len()) <= MAX_NAME
            && function.is_none_or(|name| name.len() <= MAX_NAME && is_told(name))
            && is_told(root)
            && is_told(file);
        if !fits {
            return None;
        }
        Some(match function.or(frame.function) {
            Some(function) => format!("    at {function} ({root}{slash}{file}:{line}:{column})"),
            None => format!("    at {root}{slash}{file}:{line}:{column}"),
        })
    }
}

impl Map {
    /// The map of a text that has one original.
    #[cfg(feature = "typescript")]
    pub(in crate::js) fn new(original: &str, names: Vec<String>, mappings: String) -> Map {
        Map { version: 3, sources: vec![Some(original.to_owned())], names, mappings, root: None }
    }

    /// Whether all that it says is of these two texts.
    #[cfg(all(feature = "typescript", any(test, fuzzing)))]
    pub(in crate::js) fn is_of(&self, text: &str, original: &str) -> bool {
        let [text, original] = [text, original]
            .map(|text| super::lines(text).map(|line| line.encode_utf16().count() as u32).collect::<Vec<_>>());
        let has =
            |lines: &[u32], line: u32, column: u32| lines.get(line as usize).is_some_and(|length| column <= *length);
        let mut segments = mappings::Segments::of(&self.mappings);
        loop {
            let Ok(segment) = segments.next() else {
                return false;
            };
            let Some(segment) = segment else {
                return true;
            };
            let is_named =
                |place: &mappings::Original| place.name.is_none_or(|name| (name as usize) < self.names.len());
            let is_original = |place: &mappings::Original| {
                place.source == 0 && has(&original, place.line, place.column) && is_named(place)
            };
            if !has(&text, segment.line, segment.column) || !segment.original.as_ref().is_none_or(is_original) {
                return false;
            }
        }
    }

    /// Bytes of its texts.
    pub(super) fn bytes(&self) -> usize {
        self.names
            .iter()
            .chain(self.sources.iter().flatten())
            .map(String::len)
            .fold(self.mappings.len(), usize::saturating_add)
    }

    /// The map that a text ends with. `None`: it has none, or a malformed one.
    pub(super) fn of(text: &str) -> Option<Map> {
        let map: Map = serde_json::from_str(&data_url::json(data_url::of(text)?)?).ok()?;
        (map.version == 3).then_some(map)
    }

    /// For each frame of the text its place in an original, where this tells one. `None`: it is malformed.
    pub(super) fn find(&self, text: &str, frames: &[Frame<'_>]) -> Option<Vec<Option<Place<'_>>>> {
        let found = Walk::new(text, frames).through(&self.mappings).ok()?;
        let root = self.root.as_deref().filter(|root| !root.is_empty()).map(|root| root.trim_end_matches('/'));
        Some(found.into_iter().map(|found| self.place(root, found?)).collect())
    }

    fn place<'m>(&'m self, root: Option<&'m str>, found: Found) -> Option<Place<'m>> {
        let Found { original, function } = found;
        Some(Place {
            root,
            file: self.sources.get(original.source as usize)?.as_deref()?,
            line: original.line.checked_add(1)?,
            column: original.column.checked_add(1)?,
            function: function.and_then(|name| self.names.get(name as usize)).map(String::as_str),
        })
    }
}

/// What the mappings say of a frame.
#[derive(Clone, Copy)]
struct Found {
    original: mappings::Original,
    /// The number of the name that its function has in the original.
    function: Option<u32>,
}

/// One way through a text and its mappings, on which every frame is met.
struct Walk<'t> {
    /// The places of the frames, first to last: line and column as segments count them, the name of the function, and which
    /// frame it is.
    wanted: Vec<(u32, u32, &'t str, usize)>,
    found: Vec<Option<Found>>,
    /// For the names of functions that are asked for, the name where such a function was declared last.
    declared: HashMap<&'t str, Option<u32>>,
    cursor: Cursor<'t>,
}

impl<'t> Walk<'t> {
    fn new(text: &'t str, frames: &[Frame<'t>]) -> Walk<'t> {
        let mut wanted: Vec<_> = frames
            .iter()
            .enumerate()
            .map(|(index, Frame { function, line, column })| {
                (line.saturating_sub(1), column.saturating_sub(1), function.unwrap_or_default(), index)
            })
            .collect();
        wanted.sort_unstable();
        let mut cursor = Cursor::new(text);
        for (line, column, ..) in &mut wanted {
            // QuickJS counts bytes, and of a call in the first line one too few.
            let byte = *column as usize;
            let is_early = *line == 0 && cursor.begins_name(byte.saturating_add(1));
            *column = cursor.units(*line, byte.saturating_add(usize::from(is_early)));
        }
        wanted.sort_unstable();
        let declared = wanted.iter().map(|(_, _, function, _)| (*function, None)).collect();
        Walk { found: vec![None; wanted.len()], wanted, declared, cursor: Cursor::new(text) }
    }

    fn through(mut self, mappings: &str) -> Result<Vec<Option<Found>>, Malformed> {
        let mut segments = Segments::of(mappings);
        let mut next = 0;
        let mut last: Option<Segment> = None;
        loop {
            let segment = segments.next()?;
            while let Some((line, column, function, index)) = self.wanted.get(next) {
                if segment.is_some_and(|segment| (segment.line, segment.column) <= (*line, *column)) {
                    break;
                }
                let original = last.filter(|last| last.line == *line).and_then(|last| last.original);
                let function = self.declared.get(function).copied().flatten();
                if let Some(found) = self.found.get_mut(*index) {
                    *found = original.map(|original| Found { original, function });
                }
                next = next.saturating_add(1);
            }
            let Some(segment) = segment else {
                return Ok(self.found);
            };
            last = Some(segment);
            if let Some(name) = segment.original.and_then(|original| original.name)
                && let Some(function) = self.cursor.declaration(segment.line, segment.column)
                && let Some(declared) = self.declared.get_mut(function)
            {
                *declared = Some(name);
            }
        }
    }
}

/// Whether names may have this character.
fn in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// A place in a text that only goes on.
struct Cursor<'t> {
    lines: Box<dyn Iterator<Item = &'t str> + 't>,
    /// The line, and its number.
    line: &'t str,
    number: u32,
    /// How far into the line, in bytes and in UTF-16 units.
    bytes: usize,
    units: u32,
}

impl<'t> Cursor<'t> {
    fn new(text: &'t str) -> Cursor<'t> {
        let mut lines = Box::new(lines::of(text));
        let line = lines.next().unwrap_or_default();
        Cursor { lines, line, number: 0, bytes: 0, units: 0 }
    }

    /// Goes to a line, which has nothing where the text is over.
    fn go_to(&mut self, number: u32) {
        while self.number < number {
            let Some(line) = self.lines.next() else {
                (self.line, self.number) = ("", number);
                (self.bytes, self.units) = (0, 0);
                return;
            };
            self.line = line;
            self.number = self.number.saturating_add(1);
            (self.bytes, self.units) = (0, 0);
        }
    }

    /// Goes on in the line as long as the place where it would be fits.
    fn go_on(&mut self, fits: impl Fn(usize, u32) -> bool) {
        for c in self.line.get(self.bytes..).unwrap_or_default().chars() {
            let bytes = self.bytes.saturating_add(c.len_utf8());
            let units = self.units.saturating_add(c.len_utf16() as u32);
            if !fits(bytes, units) {
                break;
            }
            (self.bytes, self.units) = (bytes, units);
        }
    }

    /// The UTF-16 units before a byte of a line.
    fn units(&mut self, line: u32, byte: usize) -> u32 {
        self.go_to(line);
        self.go_on(|bytes, _| bytes <= byte);
        self.units
    }

    /// Whether a name begins at this byte of the line.
    fn begins_name(&self, byte: usize) -> bool {
        let Some((before, after)) = self.line.split_at_checked(byte) else {
            return false;
        };
        after.starts_with(in_name) && !before.ends_with(in_name)
    }

    /// The name of the function or class that is declared at a place.
    fn declaration(&mut self, line: u32, column: u32) -> Option<&'t str> {
        self.go_to(line);
        self.go_on(|_, units| units <= column);
        // No further than this on either side, whatever a script writes there.
        let start = self.line.floor_char_boundary(self.bytes.saturating_sub(MAX_LOOK));
        let end = self.line.floor_char_boundary(self.bytes.saturating_add(MAX_LOOK));
        let (before, after) = (self.line.get(start..self.bytes)?, self.line.get(self.bytes..end)?);
        let end = after.find(|c| !in_name(c)).unwrap_or(after.len());
        let (name, behind) = after.split_at(end);
        let before = before.trim_end().trim_end_matches('*').trim_end();
        let behind = behind.trim_start();
        let is_assigned = behind.starts_with('=') && !behind.starts_with("==") && !behind.starts_with("=>");
        let is_declared = is_assigned || before.ends_with("function") || before.ends_with("class");
        (is_declared && !name.is_empty()).then_some(name)
    }
}
