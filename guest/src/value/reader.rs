//! CBOR to JavaScript values.

use minicbor::{
    Decoder,
    data::{IanaTag, Tag, Type},
};
use rquickjs::{Array, ArrayBuffer, Ctx, Object, TypedArray, Value, object::Property};

use crate::{
    class::{self, Class},
    intrinsics::Bound,
    raw,
};

use super::{MAX_DEPTH, MAX_SAFE_INTEGER, big::to_hex, tags};

/// Why bytes are not a value.
pub(super) enum Malformed {
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

fn malformed<T>(what: &str, at: usize) -> Result<T, Malformed> {
    Err(Malformed::Wire(format!("{what} at byte {at}")))
}

/// An object within as many others as there may be levels is one more: it could not go out again.
fn too_deep<T>(at: usize) -> Result<T, Malformed> {
    malformed(&format!("nested deeper than {MAX_DEPTH} levels"), at)
}

/// `Value::new_number` makes integers of whatever it can, and of -0 as well.
fn number<'js>(ctx: &Ctx<'js>, float: f64) -> Value<'js> {
    if float == 0.0 { Value::new_float(ctx.clone(), float) } else { Value::new_number(ctx.clone(), float) }
}

/// Whole seconds and the rest apart: in one product, the rounding of both steps would add up to a millisecond.
fn millis(seconds: f64) -> f64 {
    let whole = seconds.trunc();
    whole * 1000.0 + ((seconds - whole) * 1000.0).round()
}

/// Reads one value.
pub(super) struct Reader<'a, 'js, 'b> {
    ctx: &'a Ctx<'js>,
    intrinsics: &'a Bound<'a, 'js>,
    decoder: Decoder<'b>,
    /// The values with a mark, in the order of the marks; `None` until the value exists.
    shared: Vec<Option<Value<'js>>>,
}

impl<'a, 'js, 'b> Reader<'a, 'js, 'b> {
    pub(super) fn new(ctx: &'a Ctx<'js>, intrinsics: &'a Bound<'a, 'js>, decoder: Decoder<'b>) -> Reader<'a, 'js, 'b> {
        Reader { ctx, intrinsics, decoder, shared: Vec::new() }
    }

    /// Reads a value after which there is nothing.
    pub(super) fn whole(&mut self) -> Result<Value<'js>, Malformed> {
        let value = self.value(0, None)?;
        match self.decoder.position() {
            end if end == self.decoder.input().len() => Ok(value),
            end => malformed("bytes follow the value", end),
        }
    }

    /// Reads a value that is within so many others. Where it has a mark, an object is put in its place as soon as it
    /// exists, before what is in it is read.
    fn value(&mut self, depth: usize, mark: Option<usize>) -> Result<Value<'js>, Malformed> {
        let ctx = self.ctx;
        let at = self.decoder.position();
        let kind = self.decoder.datatype()?;
        if depth > MAX_DEPTH || depth == MAX_DEPTH && matches!(kind, Type::Bytes | Type::Array | Type::Map) {
            return too_deep(at);
        }
        Ok(match kind {
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
            Type::String => raw::string(ctx, self.decoder.str()?)?,
            Type::Bytes => self.bytes()?,
            Type::Array => self.array(depth, mark)?,
            Type::Map => self.object(depth, mark)?,
            Type::Tag => self.tagged(depth, mark, at)?,
            Type::U8 | Type::U16 | Type::U32 | Type::I8 | Type::I16 | Type::I32 => {
                Value::new_number(ctx.clone(), self.decoder.i64()? as f64)
            }
            Type::U64 | Type::I64 | Type::Int => self.integer()?,
            other => return malformed(&other.to_string(), at),
        })
    }

    /// Puts a value in the place of its mark.
    fn exists(&mut self, mark: Option<usize>, value: &Value<'js>) {
        if let Some(mark) = mark {
            self.shared[mark] = Some(value.clone());
        }
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

    fn buffer(&mut self) -> Result<Value<'js>, Malformed> {
        Ok(ArrayBuffer::new_copy(self.ctx.clone(), self.decoder.bytes()?)?.into_value())
    }

    fn array(&mut self, depth: usize, mark: Option<usize>) -> Result<Value<'js>, Malformed> {
        let length = self.length(|decoder| decoder.array())?;
        let array = Array::new(self.ctx.clone())?;
        self.exists(mark, array.as_value());
        let mut elements = 0;
        for index in 0..length {
            if self.absent()? {
                continue;
            }
            // Defined, not set: a setter that a script put on `Array.prototype` must not see it.
            let element = self.value(depth + 1, None)?;
            raw::define_element(array.as_object(), index as u32, &element)?;
            elements = index + 1;
        }
        if elements < length {
            // A list's own, which no script can have touched.
            array.as_object().set("length", length as f64)?;
        }
        Ok(array.into_value())
    }

    /// Reads over an element that is not there.
    fn absent(&mut self) -> Result<bool, Malformed> {
        // The tag in its shortest form. Any other way to write it is not worth the time.
        let rest = &self.decoder.input()[self.decoder.position()..];
        let absent = rest.starts_with(&[0xd8, 31]);
        if absent {
            self.decoder.tag()?;
            self.decoder.undefined()?;
        }
        Ok(absent)
    }

    fn object(&mut self, depth: usize, mark: Option<usize>) -> Result<Value<'js>, Malformed> {
        let length = self.length(|decoder| decoder.map())?;
        let object = Object::new(self.ctx.clone())?;
        self.exists(mark, object.as_value());
        for _ in 0..length {
            let name = self.decoder.str()?;
            let member = self.value(depth + 1, None)?;
            // Defined, not set: `__proto__` is a name like any other.
            raw::define(&object, name, &member)?;
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
            Some(_) => malformed("a length beyond the end", at),
            None => malformed("an indefinite length", at),
        }
    }

    fn tagged(&mut self, depth: usize, mark: Option<usize>, at: usize) -> Result<Value<'js>, Malformed> {
        let tag = self.decoder.tag()?;
        let no_object = [IanaTag::PosBignum.tag(), IanaTag::NegBignum.tag(), tags::SHARED, tags::REFERENCE];
        if depth == MAX_DEPTH && !no_object.contains(&tag) {
            return too_deep(at);
        }
        if tag == IanaTag::PosBignum.tag() || tag == IanaTag::NegBignum.tag() {
            let hex = to_hex(self.decoder.bytes()?);
            Ok(self.intrinsics.big(&hex, tag == IanaTag::NegBignum.tag())?)
        } else if tag == IanaTag::Timestamp.tag() {
            match self.value(depth + 1, None)?.as_number() {
                Some(seconds) => Ok(self.intrinsics.date(millis(seconds))?),
                None => malformed("a date that is not a number", at),
            }
        } else if tag == tags::SHARED {
            self.shared(depth, mark, at)
        } else if tag == tags::REFERENCE {
            self.reference(at)
        } else if tag == tags::UINT8_ARRAY {
            self.bytes()
        } else if tag == tags::MAP {
            self.map(depth, mark)
        } else if tag == tags::SET {
            self.set(depth, mark)
        } else if tag == tags::CLASS {
            self.class(depth, mark, at)
        } else {
            self.view(tag, at)
        }
    }

    fn shared(&mut self, depth: usize, mark: Option<usize>, at: usize) -> Result<Value<'js>, Malformed> {
        if mark.is_some() {
            return malformed("a mark of a mark", at);
        }
        let mark = self.shared.len();
        self.shared.push(None);
        // The mark is no level of its own: what is as deep as it may be can have one.
        let value = self.value(depth, Some(mark))?;
        self.exists(Some(mark), &value);
        Ok(value)
    }

    fn reference(&mut self, at: usize) -> Result<Value<'js>, Malformed> {
        let index = usize::try_from(self.decoder.u64()?).unwrap_or(usize::MAX);
        match self.shared.get(index) {
            Some(Some(value)) => Ok(value.clone()),
            Some(None) => malformed("a reference to a value that begins with it", at),
            None => malformed("a reference to nothing", at),
        }
    }

    fn map(&mut self, depth: usize, mark: Option<usize>) -> Result<Value<'js>, Malformed> {
        let length = self.length(|decoder| decoder.map())?;
        let map = self.intrinsics.new_map()?;
        self.exists(mark, &map);
        let add = self.intrinsics.map_set()?;
        for _ in 0..length {
            let key = self.value(depth + 1, None)?;
            let value = self.value(depth + 1, None)?;
            add.call::<_, ()>((map.clone(), key, value))?;
        }
        Ok(map)
    }

    fn set(&mut self, depth: usize, mark: Option<usize>) -> Result<Value<'js>, Malformed> {
        let length = self.length(|decoder| decoder.array())?;
        let set = self.intrinsics.new_set()?;
        self.exists(mark, &set);
        let add = self.intrinsics.set_add()?;
        for _ in 0..length {
            let member = self.value(depth + 1, None)?;
            add.call::<_, ()>((set.clone(), member))?;
        }
        Ok(set)
    }

    fn view(&mut self, tag: Tag, at: usize) -> Result<Value<'js>, Malformed> {
        let Some(index) = tags::VIEWS.iter().position(|(_, known, _)| *known == tag) else {
            return malformed(&format!("tag {}", tag.as_u64()), at);
        };
        let (name, _, size) = tags::VIEWS[index];
        let bytes = self.decoder.bytes()?;
        if !bytes.len().is_multiple_of(size) {
            return malformed(&format!("{} bytes for the {size} of each element of a {name}", bytes.len()), at);
        }
        let buffer = ArrayBuffer::new_copy(self.ctx.clone(), bytes)?.into_value();
        Ok(self.intrinsics.view(name, buffer)?)
    }

    fn class(&mut self, depth: usize, mark: Option<usize>, at: usize) -> Result<Value<'js>, Malformed> {
        let (length, name) = (self.decoder.array()?, self.decoder.str()?);
        match (length, name) {
            (Some(2), "ArrayBuffer") => self.buffer(),
            (Some(2), "DataView") => {
                let buffer = self.buffer()?;
                Ok(self.intrinsics.view("DataView", buffer)?)
            }
            (Some(3), "RegExp") => {
                let (source, flags) = (self.decoder.str()?, self.decoder.str()?);
                Ok(self.intrinsics.new_regexp(source, flags)?)
            }
            (Some(2), "Handle") => {
                let number = self.decoder.u64()?;
                self.intrinsics.handles.get(self.ctx, number).map_or_else(|| malformed("a handle of nothing", at), Ok)
            }
            (Some(2), "HostObject") => {
                let number = self.decoder.u64()?;
                Ok(self.intrinsics.objects.get(self.ctx, self.intrinsics, number)?)
            }
            (Some(2), "Error") => self.error(depth, mark),
            (Some(2), name) if class::BOXES.iter().any(|(boxed, _)| *boxed == name) => self.boxed(depth, name, at),
            _ => malformed(&format!("an object of class {name:?}"), at),
        }
    }

    /// Reads a primitive value and makes an object of it.
    fn boxed(&mut self, depth: usize, name: &str, at: usize) -> Result<Value<'js>, Malformed> {
        let value = self.value(depth + 1, None)?;
        let fits = match name {
            "Boolean" => value.is_bool(),
            "Number" => value.is_number(),
            "BigInt" => value.is_big_int(),
            "String" => value.is_string(),
            _ => false,
        };
        if fits { Ok(self.intrinsics.boxed(value)?) } else { malformed(&format!("another content in a {name}"), at) }
    }

    fn error(&mut self, depth: usize, mark: Option<usize>) -> Result<Value<'js>, Malformed> {
        let length = self.length(|decoder| decoder.map())?;
        let error = Class::new_error(self.ctx, self.intrinsics.classes)?;
        self.exists(mark, error.as_value());
        let mut name = None;
        for _ in 0..length {
            let at = self.decoder.position();
            match self.decoder.str()? {
                "name" => name = Some(self.decoder.str()?),
                text @ ("message" | "stack") => {
                    let content = self.decoder.str()?;
                    // An error without a message has the empty one of its prototype.
                    if text == "stack" || !content.is_empty() {
                        error.prop(text, Property::from(content).writable().configurable())?;
                    }
                }
                member @ ("cause" | "errors") => {
                    let value = self.value(depth + 1, None)?;
                    error.prop(member, Property::from(value).writable().configurable())?;
                }
                other => return malformed(&format!("an error's member {other:?}"), at),
            }
        }
        if let Some(name) = name
            && !self.intrinsics.inherit_name(&error, name)?
        {
            error.prop("name", Property::from(name).writable().configurable())?;
        }
        Ok(error.into_value())
    }
}
