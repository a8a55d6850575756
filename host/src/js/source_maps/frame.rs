//! A line of a stack.

/// A line that names a place in a source. Lines and columns count from 1, and columns are bytes.
#[derive(Debug, PartialEq)]
pub(super) struct Frame<'s> {
    /// The function, where the line names one.
    pub(super) function: Option<&'s str>,
    pub(super) line: u32,
    pub(super) column: u32,
}

impl<'s> Frame<'s> {
    /// Reads `    at function (file:line:column)` or `    at file:line:column`, where the file is one that is meant.
    pub(super) fn parse(line: &'s str, is_meant: impl Fn(&str) -> bool) -> Option<Frame<'s>> {
        let frame = line.trim_start().strip_prefix("at ")?;
        let place = |function, place: &str| {
            let mut parts = place.rsplitn(3, ':');
            let (column, line, file) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
            (is_meant(file) && line > 0 && column > 0).then_some(Frame { function, line, column })
        };
        if let Some(inner) = frame.strip_suffix(')') {
            // Names of functions and of files may have parentheses, too.
            let found = inner.match_indices(" (").find_map(|(at, _)| place(Some(&inner[..at]), &inner[at + 2..]));
            if found.is_some() {
                return found;
            }
        }
        place(None, frame)
    }
}
