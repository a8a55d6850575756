//! The `mappings` of a source map: places in a text and in its original, each told by its distance from the one before.

use super::data_url::digit;

/// A place in the text, and where it is from. Everything counts from 0; columns are UTF-16 units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Segment {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) original: Option<Original>,
}

/// A place in an original.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Original {
    /// The number of the source.
    pub(super) source: u32,
    pub(super) line: u32,
    pub(super) column: u32,
    /// The number of the name that stands there.
    pub(super) name: Option<u32>,
}

/// The mappings are not what they should be, or go back within a line.
#[derive(Debug, PartialEq)]
pub(super) struct Malformed;

/// Reads segments, in the order of their places.
pub(super) struct Segments<'m> {
    rest: &'m [u8],
    line: u32,
    column: u32,
    source: u32,
    original_line: u32,
    original_column: u32,
    name: u32,
}

impl<'m> Segments<'m> {
    pub(super) fn of(mappings: &'m str) -> Segments<'m> {
        let rest = mappings.as_bytes();
        Segments { rest, line: 0, column: 0, source: 0, original_line: 0, original_column: 0, name: 0 }
    }

    /// The next segment; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Segment>, Malformed> {
        loop {
            let Some((first, after)) = self.rest.split_first() else {
                return Ok(None);
            };
            match first {
                b';' => {
                    self.line = self.line.checked_add(1).ok_or(Malformed)?;
                    self.column = 0;
                    self.rest = after;
                }
                b',' => self.rest = after,
                _ => return self.segment().map(Some),
            }
        }
    }

    fn segment(&mut self) -> Result<Segment, Malformed> {
        let mut fields = [0_i64; 5];
        let mut count = 0;
        while !matches!(self.rest.first(), None | Some(b',' | b';')) {
            *fields.get_mut(count).ok_or(Malformed)? = self.number()?;
            count = count.saturating_add(1);
        }
        if fields[0] < 0 {
            return Err(Malformed);
        }
        add(&mut self.column, fields[0])?;
        if count >= 4 {
            add(&mut self.source, fields[1])?;
            add(&mut self.original_line, fields[2])?;
            add(&mut self.original_column, fields[3])?;
        }
        if count == 5 {
            add(&mut self.name, fields[4])?;
        }
        let original = Original {
            source: self.source,
            line: self.original_line,
            column: self.original_column,
            name: (count == 5).then_some(self.name),
        };
        match count {
            1 => Ok(Segment { line: self.line, column: self.column, original: None }),
            4 | 5 => Ok(Segment { line: self.line, column: self.column, original: Some(original) }),
            _ => Err(Malformed),
        }
    }

    /// Reads a number: groups of five bits, the lowest first, each but the last with a sixth; the lowest bit is the sign.
    fn number(&mut self) -> Result<i64, Malformed> {
        let mut bits = 0_u64;
        for shift in (0..35).step_by(5) {
            let (first, after) = self.rest.split_first().ok_or(Malformed)?;
            let digit = u64::from(digit(*first).ok_or(Malformed)?);
            self.rest = after;
            bits |= (digit & 31) << shift;
            if digit & 32 == 0 {
                let magnitude = (bits >> 1) as i64;
                return Ok(if bits & 1 == 1 { magnitude.saturating_neg() } else { magnitude });
            }
        }
        Err(Malformed)
    }
}

fn add(to: &mut u32, distance: i64) -> Result<(), Malformed> {
    *to = u32::try_from(i64::from(*to).saturating_add(distance)).map_err(|_| Malformed)?;
    Ok(())
}
