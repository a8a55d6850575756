//! JavaScript values to CBOR and back, in the wire format that the WIT type `value` documents.

use core::convert::Infallible;

use minicbor::{
    Decoder, Encoder,
    data::{IanaTag, Tag, Type},
};
use rquickjs::{Array, ArrayBuffer, Atom, Ctx, Filter, Object, TypedArray, Value, object::Property};

use crate::{
    class::{self, Class},
    failure::Failure,
    intrinsics::Bound,
};

/// Deepest nesting that crosses, both ways. A guard for the stack, far above what data has.
pub(crate) const MAX_DEPTH: usize = 128;

/// Longest encoded form of a thrown value. A longer one crosses as its text only.
pub(crate) const THROWN_BYTES: usize = 64 * 1024;

/// Every integer from -2^53 + 1 to 2^53 - 1 is a number of JavaScript; beyond, not every one is.
const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// CBOR tag of an object with a class name and arguments of its constructor.
const CLASS: Tag = Tag::new(27);

/// CBOR tag of an array of unsigned 8-bit integers (RFC 8746).
const UINT8_ARRAY: Tag = Tag::new(64);

/// Encodes a value in at most `limit` bytes.
pub(crate) fn encode<'js>(intrinsics: &Bound<'_, 'js>, value: &Value<'js>, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut writer = Writer { intrinsics, encoder: Encoder::new(Vec::new()), limit, ancestors: Vec::new() };
    writer.value(value).map_err(|refusal| match refusal {
        Refusal::Kind { path, kind } => Failure::NotTransferable(format!("result{path}: {kind}")),
        Refusal::TooLarge => Failure::ResultTooLarge(u32::try_from(limit).unwrap_or(u32::MAX)),
        Refusal::Js(error) => Failure::from_js(value.ctx(), intrinsics, error),
    })?;
    Ok(writer.encoder.into_writer())
}

/// Encodes a text.
pub(crate) fn encode_text(text: &str, limit: usize) -> Result<Vec<u8>, Failure> {
    if text.len() > limit {
        return Err(Failure::ResultTooLarge(u32::try_from(limit).unwrap_or(u32::MAX)));
    }
    let mut encoder = Encoder::new(Vec::with_capacity(text.len() + 9));
    encoder.str(text).unwrap_or_else(never);
    Ok(encoder.into_writer())
}

/// Decodes a value. `what` names it in the failure.
pub(crate) fn decode<'js>(
    ctx: &Ctx<'js>,
    intrinsics: &Bound<'_, 'js>,
    what: &str,
    bytes: &[u8],
) -> Result<Value<'js>, Failure> {
    let mut reader = Reader { ctx, intrinsics, decoder: Decoder::new(bytes) };
    let value = reader.value(0).and_then(|value| match reader.decoder.position() {
        end if end == bytes.len() => Ok(value),
        end => Err(Malformed::Wire(format!("bytes follow the value at byte {end}"))),
    });
    value.map_err(|malformed| match malformed {
        Malformed::Wire(reason) => Failure::InvalidArgument(format!("{what} is not an encoded value: {reason}")),
        Malformed::Js(error) => Failure::from_js(ctx, intrinsics, error),
    })
}

fn never<T>(error: minicbor::encode::Error<Infallible>) -> T {
    unreachable!("a vector takes every byte: {error}")
}

/// Why a value was not encoded. `path` grows towards the root as the recursion unwinds.
enum Refusal {
    Kind { path: String, kind: String },
    TooLarge,
    Js(rquickjs::Error),
}

impl Refusal {
    fn kind(kind: impl Into<String>) -> Refusal {
        Refusal::Kind { path: String::new(), kind: kind.into() }
    }

    fn under(self, segment: impl FnOnce() -> String) -> Refusal {
        match self {
            Refusal::Kind { path, kind } => Refusal::Kind { path: segment() + &path, kind },
            other => other,
        }
    }
}

impl From<rquickjs::Error> for Refusal {
    fn from(error: rquickjs::Error) -> Refusal {
        Refusal::Js(error)
    }
}

impl From<minicbor::encode::Error<Infallible>> for Refusal {
    fn from(error: minicbor::encode::Error<Infallible>) -> Refusal {
        never(error)
    }
}

struct Writer<'a, 'js> {
    intrinsics: &'a Bound<'a, 'js>,
    encoder: Encoder<Vec<u8>>,
    limit: usize,
    /// The objects around the one that is being written, outermost first.
    ancestors: Vec<Object<'js>>,
}

impl<'js> Writer<'_, 'js> {
    fn value(&mut self, value: &Value<'js>) -> Result<(), Refusal> {
        if let Some(int) = value.as_int() {
            self.encoder.i32(int)?;
        } else if let Some(float) = value.as_float() {
            self.float(float)?;
        } else if let Some(string) = value.as_string() {
            // In UTF-8 it is no shorter. Asked first, so that a giant is not copied to be refused.
            self.room(class::length(string))?;
            let text = self.intrinsics.text(string)?;
            self.room(text.len())?;
            self.encoder.str(&text)?;
        } else if let Some(bool) = value.as_bool() {
            self.encoder.bool(bool)?;
        } else if value.is_null() {
            self.encoder.null()?;
        } else if value.is_undefined() {
            self.encoder.undefined()?;
        } else if value.is_big_int() {
            self.big_int(value)?;
        } else if value.is_function() {
            return Err(Refusal::kind("a function"));
        } else if value.is_symbol() {
            return Err(Refusal::kind("a symbol"));
        } else if let Some(object) = value.as_object() {
            self.object(object)?;
        } else {
            return Err(Refusal::kind(value.type_name()));
        }
        self.room(0)
    }

    /// Fails once what is written, with `more` bytes, is longer than the limit.
    fn room(&self, more: usize) -> Result<(), Refusal> {
        let length = self.encoder.writer().len().checked_add(more);
        if length.is_some_and(|length| length <= self.limit) { Ok(()) } else { Err(Refusal::TooLarge) }
    }

    fn float(&mut self, float: f64) -> Result<(), Refusal> {
        let integral = float.trunc() == float && float.abs() <= MAX_SAFE_INTEGER as f64;
        if integral && !(float == 0.0 && float.is_sign_negative()) {
            self.encoder.i64(float as i64)?;
        } else if f64::from(float as f32) == float || float.is_nan() {
            self.encoder.f32(float as f32)?;
        } else {
            self.encoder.f64(float)?;
        }
        Ok(())
    }

    fn big_int(&mut self, value: &Value<'js>) -> Result<(), Refusal> {
        let hex = self.intrinsics.hex(value)?;
        let (tag, magnitude) = match hex.strip_prefix('-') {
            // CBOR writes the negative number n as the magnitude of -1 - n.
            Some(magnitude) => (IanaTag::NegBignum, minus_one(from_hex(magnitude))),
            None => (IanaTag::PosBignum, from_hex(&hex)),
        };
        self.room(magnitude.len())?;
        self.encoder.tag(tag)?.bytes(&magnitude)?;
        Ok(())
    }

    fn object(&mut self, object: &Object<'js>) -> Result<(), Refusal> {
        if self.ancestors.contains(object) {
            return Err(Refusal::kind("a cycle"));
        }
        if self.ancestors.len() >= MAX_DEPTH {
            return Err(Refusal::kind(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.ancestors.push(object.clone());
        let written = self.members(object);
        self.ancestors.pop();
        written
    }

    fn members(&mut self, object: &Object<'js>) -> Result<(), Refusal> {
        let classes = self.intrinsics.classes;
        let class = Class::of(object);
        if self.intrinsics.is_list(object)? {
            self.list(object)
        } else if class == classes.object
            || class == classes.arguments
            || class == classes.sloppy_arguments
            || object.is_proxy()
        {
            self.properties(object)
        } else if class == classes.date {
            let seconds = self.intrinsics.time(object)? / 1000.0;
            self.encoder.tag(IanaTag::Timestamp)?;
            self.float(seconds)
        } else if class == classes.bytes {
            let view = self.intrinsics.steady(object)?;
            let array = TypedArray::<u8>::from_object(view.clone())?;
            self.bytes(&view, array.as_raw())
        } else if class == classes.array_buffer {
            let buffer = ArrayBuffer::from_object(object.clone());
            self.encoder.tag(CLASS)?.array(2)?.str("ArrayBuffer")?;
            self.bytes(object, buffer.and_then(|buffer| buffer.as_raw()))
        } else {
            Err(Refusal::kind(format!("an object of class {}", class.name(object.ctx()))))
        }
    }

    #[expect(unsafe_code, reason = "rquickjs has no safe view of a buffer's bytes")]
    fn bytes(&mut self, alive: &Object<'js>, raw: Option<core::ptr::NonNull<[u8]>>) -> Result<(), Refusal> {
        let Some(raw) = raw else {
            // QuickJS may have thrown as well.
            alive.ctx().catch();
            return Err(Refusal::kind("a detached buffer"));
        };
        // SAFETY: the pointer was read a moment ago from `alive`, which is the buffer or a view of it. It is alive for
        // the length of this call, and no JavaScript runs while it is copied, so it is neither detached, moved nor
        // written.
        let bytes = unsafe { raw.as_ref() };
        self.room(bytes.len())?;
        self.encoder.bytes(bytes)?;
        Ok(())
    }

    fn list(&mut self, list: &Object<'js>) -> Result<(), Refusal> {
        // Not `Array::len`, which is for lengths below 2^31 only.
        let length = list.get::<_, f64>("length")? as usize;
        // An element takes a byte at least, so a list that is too long is refused before it is read.
        self.room(length)?;
        self.encoder.array(length as u64)?;
        for index in 0..length {
            let element = list.get::<_, Value<'js>>(index as f64)?;
            self.value(&element).map_err(|refusal| refusal.under(|| format!("[{index}]")))?;
        }
        Ok(())
    }

    fn properties(&mut self, object: &Object<'js>) -> Result<(), Refusal> {
        let keys: Vec<Atom<'js>> =
            object.own_keys(Filter::new().string().enum_only()).collect::<rquickjs::Result<_>>()?;
        // A getter may add or remove properties meanwhile; the names are those of the start.
        self.encoder.map(keys.len() as u64)?;
        for key in keys {
            let name = self.intrinsics.text(&key.to_js_string()?)?;
            self.room(name.len())?;
            self.encoder.str(&name)?;
            let member = object.get::<_, Value<'js>>(key)?;
            self.value(&member).map_err(|refusal| refusal.under(|| segment(&name)))?;
        }
        Ok(())
    }
}

/// `.name`, or `["the name"]` where it is not an identifier.
fn segment(name: &str) -> String {
    if is_identifier(name) { format!(".{name}") } else { format!("[{name:?}]") }
}

/// Whether a name can stand in a source text as it is. Some that could, with marks for instance, are not taken for one.
pub(crate) fn is_identifier(name: &str) -> bool {
    let letter = |c: char| c.is_alphabetic() || c == '_' || c == '$';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).map_or(0, |digit| digit as u8);
    let digits = hex.as_bytes();
    let (odd, even) = digits.split_at(digits.len() % 2);
    let mut bytes: Vec<u8> = odd.iter().map(|c| digit(*c)).collect();
    bytes.extend(even.chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])));
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    bytes
}

/// Subtracts one from a magnitude of at least one.
fn minus_one(mut magnitude: Vec<u8>) -> Vec<u8> {
    for byte in magnitude.iter_mut().rev() {
        let (less, borrow) = byte.overflowing_sub(1);
        *byte = less;
        if !borrow {
            break;
        }
    }
    let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
    magnitude.drain(..zeros);
    magnitude
}

/// Whole seconds and the rest apart: in one product, the rounding of both steps would add up to a millisecond.
fn millis(seconds: f64) -> f64 {
    let whole = seconds.trunc();
    whole * 1000.0 + ((seconds - whole) * 1000.0).round()
}

/// `Value::new_number` makes integers of whatever it can, and of -0 as well.
fn number<'js>(ctx: &Ctx<'js>, float: f64) -> Value<'js> {
    if float == 0.0 { Value::new_float(ctx.clone(), float) } else { Value::new_number(ctx.clone(), float) }
}

enum Malformed {
    Wire(String),
    Js(rquickjs::Error),
}

impl From<minicbor::decode::Error> for Malformed {
    fn from(error: minicbor::decode::Error) -> Malformed {
        Malformed::Wire(error.to_string())
    }
}

impl From<rquickjs::Error> for Malformed {
    fn from(error: rquickjs::Error) -> Malformed {
        Malformed::Js(error)
    }
}

struct Reader<'a, 'js, 'b> {
    ctx: &'a Ctx<'js>,
    intrinsics: &'a Bound<'a, 'js>,
    decoder: Decoder<'b>,
}

impl<'js> Reader<'_, 'js, '_> {
    fn value(&mut self, depth: usize) -> Result<Value<'js>, Malformed> {
        let ctx = self.ctx;
        let at = self.decoder.position();
        if depth > MAX_DEPTH {
            return Err(Malformed::Wire(format!("nested deeper than {MAX_DEPTH} levels at byte {at}")));
        }
        Ok(match self.decoder.datatype()? {
            Type::Undefined => {
                self.decoder.undefined()?;
                Value::new_undefined(ctx.clone())
            }
            Type::Null => {
                self.decoder.null()?;
                Value::new_null(ctx.clone())
            }
            Type::Bool => Value::new_bool(ctx.clone(), self.decoder.bool()?),
            Type::F16 => number(ctx, f64::from(self.decoder.f16()?)),
            Type::F32 => number(ctx, f64::from(self.decoder.f32()?)),
            Type::F64 => number(ctx, self.decoder.f64()?),
            Type::String => rquickjs::String::from_str(ctx.clone(), self.decoder.str()?)?.into_value(),
            Type::Bytes => self.bytes()?,
            Type::Array => self.array(depth)?,
            Type::Map => self.map(depth)?,
            Type::Tag => self.tagged(depth, at)?,
            Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
                self.integer()?
            }
            other => return Err(Malformed::Wire(format!("{other} at byte {at}"))),
        })
    }

    fn integer(&mut self) -> Result<Value<'js>, Malformed> {
        let integer = i128::from(self.decoder.int()?);
        if integer.abs() <= i128::from(MAX_SAFE_INTEGER) {
            return Ok(Value::new_number(self.ctx.clone(), integer as f64));
        }
        let magnitude = if integer < 0 { -1 - integer } else { integer };
        Ok(self.intrinsics.big(&format!("0x{magnitude:x}"), integer < 0)?)
    }

    fn bytes(&mut self) -> Result<Value<'js>, Malformed> {
        Ok(TypedArray::<u8>::new_copy(self.ctx.clone(), self.decoder.bytes()?)?.into_value())
    }

    fn array(&mut self, depth: usize) -> Result<Value<'js>, Malformed> {
        let length = self.length(|decoder| decoder.array())?;
        let array = Array::new(self.ctx.clone())?;
        for index in 0..length {
            // Defined, not set: a setter that a script put on `Array.prototype` must not see it.
            let element = self.value(depth + 1)?;
            array.as_object().prop(index as u32, Property::from(element).writable().enumerable().configurable())?;
        }
        Ok(array.into_value())
    }

    fn map(&mut self, depth: usize) -> Result<Value<'js>, Malformed> {
        let length = self.length(|decoder| decoder.map())?;
        let object = Object::new(self.ctx.clone())?;
        for _ in 0..length {
            let name = self.decoder.str()?;
            let member = self.value(depth + 1)?;
            // Defined, not set: `__proto__` is a name like any other.
            object.prop(name, Property::from(member).writable().enumerable().configurable())?;
        }
        Ok(object.into_value())
    }

    fn length(
        &mut self,
        read: impl FnOnce(&mut Decoder<'_>) -> Result<Option<u64>, minicbor::decode::Error>,
    ) -> Result<usize, Malformed> {
        let at = self.decoder.position();
        let left = self.decoder.input().len() - at;
        match read(&mut self.decoder)?.map(usize::try_from) {
            Some(Ok(length)) if length <= left => Ok(length),
            Some(_) => Err(Malformed::Wire(format!("a length beyond the end at byte {at}"))),
            None => Err(Malformed::Wire(format!("an indefinite length at byte {at}"))),
        }
    }

    fn tagged(&mut self, depth: usize, at: usize) -> Result<Value<'js>, Malformed> {
        let tag = self.decoder.tag()?;
        if tag == IanaTag::PosBignum.tag() || tag == IanaTag::NegBignum.tag() {
            let mut hex = String::from("0x0");
            for byte in self.decoder.bytes()? {
                hex.push_str(&format!("{byte:02x}"));
            }
            Ok(self.intrinsics.big(&hex, tag == IanaTag::NegBignum.tag())?)
        } else if tag == IanaTag::Timestamp.tag() {
            let seconds = self.value(depth + 1)?.as_number();
            let Some(seconds) = seconds else {
                return Err(Malformed::Wire(format!("a date that is not a number at byte {at}")));
            };
            Ok(self.intrinsics.date(millis(seconds))?)
        } else if tag == UINT8_ARRAY {
            self.bytes()
        } else if tag == CLASS {
            match (self.decoder.array()?, self.decoder.str()?) {
                (Some(2), "ArrayBuffer") => {
                    Ok(ArrayBuffer::new_copy(self.ctx.clone(), self.decoder.bytes()?)?.into_value())
                }
                (_, class) => Err(Malformed::Wire(format!("an object of class {class:?} at byte {at}"))),
            }
        } else {
            Err(Malformed::Wire(format!("tag {} at byte {at}", tag.as_u64())))
        }
    }
}
