//! A line of a stack.

/// A line that names a place in a source, whichever that is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'s> {
    /// What stands before the place: the file, or `function (file`.
    named: &'s str,
    is_enclosed: bool,
    line: u32,
    column: u32,
}

/// A place in a source that is meant. Lines and columns count from 1, and columns are bytes.
#[derive(Debug, PartialEq)]
pub(super) struct Frame<'s> {
    /// The function, where the line names one.
    pub(super) function: Option<&'s str>,
    pub(super) line: u32,
    pub(super) column: u32,
}

impl<'s> Line<'s> {
    /// Reads `    at function (file:line:column)` or `    at file:line:column`.
    pub(super) fn parse(line: &'s str) -> Option<Line<'s>> {
        let frame = line.trim_start().strip_prefix("at ")?;
        let enclosed = frame.strip_suffix(')');
        let mut parts = enclosed.unwrap_or(frame).rsplitn(3, ':');
        let (column, line, named) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
        (line > 0 && column > 0).then_some(Line { named, is_enclosed: enclosed.is_some(), line, column })
    }

    /// The frame that it is where the place is in the file of this name. Names of functions and of files may have
    /// parentheses, too.
    pub(super) fn within(&self, file: &str) -> Option<Frame<'s>> {
        let before = self.named.strip_suffix(file)?;
        let function = match self.is_enclosed {
            true => Some(before.strip_suffix(" (")?),
            false if before.is_empty() => None,
            false => return None,
        };
        Some(Frame { function, line: self.line, column: self.column })
    }
}
