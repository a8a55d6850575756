//! CBOR to values.

use minicbor::{
    Decoder,
    data::{IanaTag, Type},
};
use num_bigint::Sign;

use super::{ABSENT, CLASS, MAP, MAX_DEPTH, REFERENCE, SET, SHARED, UINT8_ARRAY};
use crate::js::objects::Objects;
use crate::js::value::{BigInt, Date, ErrorObject, MAX_SAFE_INTEGER, RegExp, TypedArray, Value};

/// Values that are read between two looks at whether to go on. Sixty-four bytes of a text or of bytes are as long as one.
const STRIDE: usize = 1024;

/// Why there is no value.
#[derive(Debug)]
pub(in crate::js) enum Unread {
    /// The bytes are wrong: where, and how.
    Malformed(String),
    /// The value would take more memory than there is room for.
    TooLarge,
    /// It was not to go on.
    Stopped,
}

/// Decodes a value in which there is no object of the host, and that takes no more than `room` bytes of memory. The reason says
/// where the bytes are wrong.
pub(in crate::js) fn decode(bytes: &[u8], room: usize) -> Result<Value, Unread> {
    decode_with(bytes, &Objects::default(), room, &|| true).map(|(value, _)| value)
}

/// Decodes a value that comes from the engine that has these objects, for as long as this says to go on, and says how many bytes
/// of memory it takes beside its own few.
pub(in crate::js) fn decode_with(
    bytes: &[u8],
    objects: &Objects,
    room: usize,
    goes_on: &dyn Fn() -> bool,
) -> Result<(Value, usize), Unread> {
    let input = Decoder::new(bytes);
    let mut reader =
        Reader { input, marks: 0, room: bytes.len(), memory: room, unread: None, objects, goes_on, stride: STRIDE };
    let value = match reader.value(0) {
        Err(reason) => return Err(reader.unread.unwrap_or(Unread::Malformed(reason))),
        Ok(value) => value,
    };
    match reader.input.position() {
        end if end == bytes.len() => Ok((value, room.saturating_sub(reader.memory))),
        end => Err(Unread::Malformed(format!("bytes follow the value at byte {end}"))),
    }
}

struct Reader<'b> {
    input: Decoder<'b>,
    /// How many marks were read.
    marks: u32,
    /// Elements that room may still be made for before they are read.
    room: usize,
    /// Bytes of memory that are left for the value.
    memory: usize,
    /// Why it reads no more, where the bytes are not wrong.
    unread: Option<Unread>,
    objects: &'b Objects,
    goes_on: &'b dyn Fn() -> bool,
    /// Values until it is asked next.
    stride: usize,
}

impl<'b> Reader<'b> {
    /// Reads one item by a method of the decoder.
    fn item<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<T, minicbor::decode::Error>,
    ) -> Result<T, String> {
        let at = self.input.position();
        read(&mut self.input).map_err(|error| format!("{error} at byte {at}"))
    }

    /// Takes so many bytes of memory, before they are allocated.
    fn take(&mut self, bytes: usize) -> Result<(), String> {
        match self.memory.checked_sub(bytes) {
            Some(left) => {
                self.memory = left;
                Ok(())
            }
            None => self.stop(Unread::TooLarge),
        }
    }

    fn stop<T>(&mut self, unread: Unread) -> Result<T, String> {
        self.unread = Some(unread);
        Err(String::new())
    }

    /// Goes on by a value with so many bytes of its own, unless it is not to.
    fn step(&mut self, bytes: usize) -> Result<(), String> {
        self.stride = self.stride.saturating_sub((bytes / 64).saturating_add(1));
        if self.stride > 0 {
            return Ok(());
        }
        self.stride = STRIDE;
        if (self.goes_on)() { Ok(()) } else { self.stop(Unread::Stopped) }
    }

    fn text(&mut self) -> Result<String, String> {
        let text = self.item(Decoder::str)?;
        self.take(text.len())?;
        self.step(text.len())?;
        Ok(text.to_owned())
    }

    fn bytes(&mut self) -> Result<Vec<u8>, String> {
        let bytes = self.item(Decoder::bytes)?;
        self.take(bytes.len())?;
        self.step(bytes.len())?;
        Ok(bytes.to_vec())
    }

    /// A vector with room for so many elements, or for as many as are left to all vectors together: of lists within one
    /// another, each could say that it is as long as the rest of the bytes.
    fn vector<T>(&mut self, length: usize) -> Result<Vec<T>, String> {
        self.take(length.saturating_mul(size_of::<T>()))?;
        let room = length.min(self.room);
        self.room = self.room.saturating_sub(room);
        Ok(Vec::with_capacity(room))
    }

    /// A value in a box of its own.
    fn boxed(&mut self, value: Value) -> Result<Box<Value>, String> {
        self.take(size_of::<Value>())?;
        Ok(Box::new(value))
    }

    /// Lengths come from the guest: one that the rest of the bytes cannot hold is refused before anything is made of it.
    fn length(
        &mut self,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<Option<u64>, minicbor::decode::Error>,
    ) -> Result<usize, String> {
        let at = self.input.position();
        let length = self.item(read)?.ok_or_else(|| format!("an indefinite length at byte {at}"))?;
        let left = self.input.input().len().saturating_sub(self.input.position());
        usize::try_from(length)
            .ok()
            .filter(|length| *length <= left)
            .ok_or_else(|| format!("a length beyond the end at byte {at}"))
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        let at = self.input.position();
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels at byte {at}"));
        }
        self.step(0)?;
        Ok(match self.item(|input| input.datatype())? {
            Type::Undefined => self.item(Decoder::undefined).map(|()| Value::Undefined)?,
            Type::Null => self.item(Decoder::null).map(|()| Value::Null)?,
            Type::Bool => Value::Bool(self.item(Decoder::bool)?),
            Type::F16 => Value::Number(self.item(Decoder::f16)?.into()),
            Type::F32 => Value::Number(self.item(Decoder::f32)?.into()),
            Type::F64 => Value::Number(self.item(Decoder::f64)?),
            Type::String => Value::String(self.text()?),
            Type::Bytes => Value::Bytes(self.bytes()?),
            Type::Array => Value::Array(self.array(depth)?),
            Type::Map => {
                let length = self.length(Decoder::map)?;
                let mut properties = self.vector(length)?;
                for _ in 0..length {
                    properties.push((self.text()?, self.member(depth)?));
                }
                Value::Object(properties)
            }
            Type::Tag => self.tagged(depth, at)?,
            Type::U8 | Type::U16 | Type::U32 | Type::I8 | Type::I16 | Type::I32 => {
                Value::Number(self.item(Decoder::i64)? as f64)
            }
            _ => integer(self.item(Decoder::int)?.into()),
        })
    }

    /// Reads a value that is within one at this depth.
    fn member(&mut self, depth: usize) -> Result<Value, String> {
        self.value(depth.saturating_add(1))
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Value>, String> {
        let length = self.length(Decoder::array)?;
        let mut elements = self.vector(length)?;
        for _ in 0..length {
            // The tag in its shortest form, as the engine writes it.
            let rest = self.input.input().get(self.input.position()..).unwrap_or_default();
            elements.push(if rest.starts_with(&[0xd8, ABSENT.as_u64() as u8]) {
                self.item(Decoder::tag)?;
                self.item(Decoder::undefined)?;
                self.step(0)?;
                Value::Hole
            } else {
                self.member(depth)?
            });
        }
        Ok(elements)
    }

    fn tagged(&mut self, depth: usize, at: usize) -> Result<Value, String> {
        let tag = self.item(Decoder::tag)?;
        if tag == IanaTag::PosBignum.tag() || tag == IanaTag::NegBignum.tag() {
            let digits = self.item(Decoder::bytes)?;
            // It is kept in words of 8 bytes, and one that had to grow has room for twice as many, or for four.
            self.take(digits.len().next_multiple_of(8).max(16).saturating_mul(2))?;
            self.step(digits.len())?;
            let magnitude = num_bigint::BigInt::from_bytes_be(Sign::Plus, digits);
            let negative = tag == IanaTag::NegBignum.tag();
            // All bits the other way is -1 - magnitude.
            Ok(Value::BigInt(BigInt(if negative { !magnitude } else { magnitude })))
        } else if tag == IanaTag::Timestamp.tag() {
            match self.member(depth)? {
                Value::Number(seconds) => Ok(Value::Date(Date::from_millis(millis(seconds)))),
                _ => Err(format!("a date that is not a number at byte {at}")),
            }
        } else if tag == SHARED {
            self.shared(depth, at)
        } else if tag == REFERENCE {
            match u32::try_from(self.item(Decoder::u64)?) {
                Ok(number) if number < self.marks => Ok(Value::Reference(number)),
                _ => Err(format!("a reference to nothing at byte {at}")),
            }
        } else if tag == UINT8_ARRAY {
            self.bytes().map(Value::Bytes)
        } else if tag == MAP {
            let length = self.length(Decoder::map)?;
            let mut entries = self.vector(length)?;
            for _ in 0..length {
                entries.push((self.member(depth)?, self.member(depth)?));
            }
            Ok(Value::Map(entries))
        } else if tag == SET {
            let length = self.length(Decoder::array)?;
            let mut members = self.vector(length)?;
            for _ in 0..length {
                members.push(self.member(depth)?);
            }
            Ok(Value::Set(members))
        } else if tag == CLASS {
            self.class(depth, at)
        } else if let 68..=86 = tag.as_u64() {
            let elements = self.item(Decoder::bytes)?;
            self.take(elements.len())?;
            self.step(elements.len())?;
            let array = TypedArray::from_bytes(tag.as_u64(), elements);
            array.map(Value::TypedArray).ok_or_else(|| format!("no typed array of tag {} at byte {at}", tag.as_u64()))
        } else {
            Err(format!("tag {} at byte {at}", tag.as_u64()))
        }
    }

    fn shared(&mut self, depth: usize, at: usize) -> Result<Value, String> {
        let number = self.marks;
        self.marks = number.checked_add(1).ok_or_else(|| format!("too many marks at byte {at}"))?;
        // The mark is no level of its own: what is as deep as it may be can have one. So one of a mark would have no bound.
        match self.item(|input| input.datatype())? {
            Type::Tag if matches!(self.item(|input| input.probe().tag())?, SHARED | REFERENCE) => {
                Err(format!("a mark of no value at byte {at}"))
            }
            _ => {
                let value = self.value(depth)?;
                Ok(Value::Shared(number, self.boxed(value)?))
            }
        }
    }

    fn class(&mut self, depth: usize, at: usize) -> Result<Value, String> {
        match (self.item(Decoder::array)?, self.item(Decoder::str)?) {
            (Some(2), "ArrayBuffer") => self.bytes().map(Value::ArrayBuffer),
            (Some(2), "DataView") => self.bytes().map(Value::DataView),
            (Some(3), "RegExp") => {
                self.take(size_of::<RegExp>())?;
                Ok(RegExp { source: self.text()?, flags: self.text()? }.into())
            }
            (Some(2), "HostObject") => {
                let object = self.objects.get(self.item(Decoder::u64)?).cloned();
                object.map(Value::HostObject).ok_or_else(|| format!("an object that scripts do not have at byte {at}"))
            }
            (Some(2), "Error") => self.error(depth),
            (Some(2), class @ ("Boolean" | "Number" | "BigInt" | "String")) => match (class, self.member(depth)?) {
                ("Boolean", inner @ Value::Bool(_))
                | ("Number", inner @ Value::Number(_))
                | ("BigInt", inner @ Value::BigInt(_))
                | ("String", inner @ Value::String(_)) => Ok(Value::Boxed(self.boxed(inner)?)),
                _ => Err(format!("another content in a {class} at byte {at}")),
            },
            (_, class) => Err(format!("an object of class {class:?} at byte {at}")),
        }
    }

    fn error(&mut self, depth: usize) -> Result<Value, String> {
        self.take(size_of::<ErrorObject>())?;
        let mut error = ErrorObject::default();
        for _ in 0..self.length(Decoder::map)? {
            let at = self.input.position();
            match self.item(Decoder::str)? {
                "name" => error.name = Some(self.text()?),
                "message" => error.message = Some(self.text()?),
                "stack" => error.stack = Some(self.text()?),
                "cause" => error.cause = Some(self.member(depth)?),
                "errors" => error.errors = Some(self.member(depth)?),
                other => return Err(format!("an error's member {other:?} at byte {at}")),
            }
        }
        Ok(error.into())
    }
}

/// Whole seconds and the rest apart: in one product, the rounding of both steps would add up to a millisecond.
fn millis(seconds: f64) -> f64 {
    let whole = seconds.trunc();
    whole * 1000.0 + ((seconds - whole) * 1000.0).round()
}

fn integer(integer: i128) -> Value {
    if integer.unsigned_abs() <= MAX_SAFE_INTEGER as u128 {
        Value::Number(integer as f64)
    } else {
        Value::BigInt(integer.into())
    }
}
