//! The objects that were written, so that one that comes again is a reference and not a copy.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
};

use minicbor::Encoder;
use rquickjs::Object;

use super::{
    refusal::{OutOfMemory, Output},
    tags,
};

/// Fewest bytes that one reference adds: the tag and a number.
const REFERENCE_BYTES: usize = 3;

/// The objects that were written, and the places of those that came again.
///
/// Nobody knows of an object that is being written whether it will come again. So nothing is marked at first, and a
/// tree, where nothing does, costs no byte. In the end, marks and references are put in between the bytes.
#[derive(Default)]
pub(super) struct Seen<'js> {
    /// Each object's number. They are kept alive, as the place of one that is gone could be another's.
    numbers: HashMap<Object<'js>, u32, BuildHasherDefault<Multiply>>,
    /// Where each object begins, by its number. It grows from one to the next.
    starts: Vec<u32>,
    /// What came again: where, and the number of what it is. The places grow, too.
    references: Vec<(u32, u32)>,
}

impl<'js> Seen<'js> {
    /// Whether an object that is to be written `at` this byte was written before, and is a reference now. One that was
    /// not is remembered: its first byte will be there.
    pub(super) fn meet(&mut self, object: &Object<'js>, at: usize) -> Result<bool, OutOfMemory> {
        let at = position(at)?;
        self.numbers.try_reserve(1)?;
        match self.numbers.entry(object.clone()) {
            Entry::Occupied(number) => {
                self.references.try_reserve(1)?;
                self.references.push((at, *number.get()));
                Ok(true)
            }
            Entry::Vacant(place) => {
                self.starts.try_reserve(1)?;
                place.insert(position(self.starts.len())?);
                self.starts.push(at);
                Ok(false)
            }
        }
    }

    /// Fewest bytes that the references will add.
    pub(super) fn more(&self) -> usize {
        self.references.len().saturating_mul(REFERENCE_BYTES)
    }

    /// Puts marks and references into what was written without them.
    pub(super) fn weave(&self, bytes: Vec<u8>) -> Result<Vec<u8>, OutOfMemory> {
        if self.references.is_empty() {
            return Ok(bytes);
        }
        let mut shared = Vec::new();
        shared.try_reserve_exact(self.references.len())?;
        shared.extend(self.references.iter().map(|(_, number)| *number));
        // The marks are counted as they stand in the bytes, which is as the objects are.
        shared.sort_unstable();
        shared.dedup();
        let mut out = Encoder::new(Output::default());
        let mut marks = shared.iter().map(|number| self.starts[*number as usize]).peekable();
        let mut from = 0;
        for (at, number) in &self.references {
            // At the same place the reference is first: an object that began there would have written a byte.
            while let Some(start) = marks.next_if(|start| start < at) {
                copy(&mut out, &bytes, &mut from, start)?;
                out.tag(tags::SHARED).map_err(|_| OutOfMemory)?;
            }
            copy(&mut out, &bytes, &mut from, *at)?;
            let index = shared.partition_point(|other| other < number);
            out.tag(tags::REFERENCE).and_then(|out| out.u64(index as u64)).map_err(|_| OutOfMemory)?;
        }
        copy(&mut out, &bytes, &mut from, position(bytes.len())?)?;
        Ok(out.into_writer().0)
    }
}

fn copy(out: &mut Encoder<Output>, bytes: &[u8], from: &mut usize, to: u32) -> Result<(), OutOfMemory> {
    use minicbor::encode::Write as _;
    out.writer_mut().write_all(&bytes[*from..to as usize])?;
    *from = to as usize;
    Ok(())
}

/// No memory here has more bytes than a `u32` counts.
fn position(at: usize) -> Result<u32, OutOfMemory> {
    u32::try_from(at).map_err(|_| OutOfMemory)
}

/// A hash of an object's address: a script cannot choose those, so mixing their bits is enough.
#[derive(Default)]
pub(super) struct Multiply(u64);

impl Hasher for Multiply {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_i32(&mut self, tag: i32) {
        self.write_u64(u64::from(tag.cast_unsigned()));
    }

    fn write_u64(&mut self, bits: u64) {
        self.0 = (self.0 ^ bits).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        // The table takes its places from the low bits, where a product is poor.
        self.0 ^ (self.0 >> 32)
    }
}
