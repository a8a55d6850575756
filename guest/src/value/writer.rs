//! JavaScript values to CBOR.

use core::ptr::NonNull;

use minicbor::{Encoder, data::IanaTag, encode::Write as _};
use rquickjs::{Array, ArrayBuffer, Object, TypedArray, Value};

use crate::{
    class::{self, Class},
    intrinsics::Bound,
    raw::{self, Names, Text, mend},
};

use super::{
    MAX_DEPTH, MAX_SAFE_INTEGER,
    big::{from_hex, minus_one},
    refusal::{Output, Refusal, entry, property},
    seen::Seen,
    tags,
};

/// Writes one value.
pub(super) struct Writer<'a, 'js> {
    intrinsics: &'a Bound<'a, 'js>,
    encoder: Encoder<Output>,
    limit: usize,
    /// How many objects are around the one that is being written.
    depth: usize,
    seen: Seen<'js>,
    /// Whether objects of the host may be among them.
    objects: bool,
}

impl<'a, 'js> Writer<'a, 'js> {
    pub(super) fn new(intrinsics: &'a Bound<'a, 'js>, limit: usize) -> Writer<'a, 'js> {
        Writer {
            intrinsics,
            encoder: Encoder::new(Output::default()),
            limit,
            depth: 0,
            seen: Seen::default(),
            objects: false,
        }
    }

    /// One that writes objects of the host, too, for those who know them.
    pub(super) fn with_objects(self) -> Writer<'a, 'js> {
        Writer { objects: true, ..self }
    }

    /// What was written.
    pub(super) fn finish(&mut self) -> Result<Vec<u8>, Refusal> {
        let written = core::mem::take(&mut self.encoder.writer_mut().0);
        let bytes = self.seen.weave(written)?;
        if bytes.len() <= self.limit { Ok(bytes) } else { Err(Refusal::TooLarge) }
    }

    /// Writes a value behind those that were written.
    pub(super) fn value(&mut self, value: &Value<'js>) -> Result<(), Refusal> {
        if let Some(int) = value.as_int() {
            self.encoder.i32(int)?;
        } else if let Some(float) = value.as_float() {
            self.float(float)?;
        } else if let Some(string) = value.as_string() {
            self.string(string)?;
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

    /// Writes the arguments of a call as a list.
    pub(super) fn arguments(&mut self, arguments: &[Value<'js>]) -> Result<(), Refusal> {
        self.encoder.array(arguments.len() as u64)?;
        for (index, argument) in arguments.iter().enumerate() {
            self.value(argument).map_err(|refusal| refusal.under(|| format!("argument {index}")))?;
        }
        Ok(())
    }

    /// How many bytes were written.
    fn position(&self) -> usize {
        self.encoder.writer().0.len()
    }

    /// Fails once what is written, with `more` bytes, is longer than the limit.
    fn room(&self, more: usize) -> Result<(), Refusal> {
        let length = self.position().saturating_add(self.seen.more()).saturating_add(more);
        if length <= self.limit { Ok(()) } else { Err(Refusal::TooLarge) }
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

    fn string(&mut self, string: &rquickjs::String<'js>) -> Result<(), Refusal> {
        // In UTF-8 it is no shorter. Asked first, so that a giant is not copied to be refused.
        let units = class::length(string);
        self.room(units)?;
        let text = Text::of(string)?;
        self.text(text.bytes(), text.bytes().len() == units)
    }

    /// Writes a text in which there may be lone surrogates, unless it `is_ascii`.
    fn text(&mut self, text: &[u8], is_ascii: bool) -> Result<(), Refusal> {
        self.room(text.len())?;
        let out = self.encoder.str_len(text.len() as u64)?.writer_mut();
        let from = out.0.len();
        out.write_all(text)?;
        if !is_ascii {
            mend(&mut out.0[from..]);
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
        if let Some(number) = self.intrinsics.objects.number(object).filter(|_| self.objects) {
            self.class("HostObject", 1)?;
            self.encoder.u64(number)?;
            return Ok(());
        }
        let at = self.position();
        if self.seen.meet(object, at)? {
            return Ok(());
        }
        if self.depth >= MAX_DEPTH {
            return Err(Refusal::kind(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let written = self.members(object);
        self.depth -= 1;
        written
    }

    fn members(&mut self, object: &Object<'js>) -> Result<(), Refusal> {
        let intrinsics = self.intrinsics;
        let classes = intrinsics.classes;
        let class = Class::of(object);
        if class == classes.object {
            self.properties(object)
        } else if intrinsics.is_list(object)? {
            self.list(object)
        } else if class == classes.arguments || class == classes.sloppy_arguments || object.is_proxy() {
            self.properties(object)
        } else if class == classes.date {
            let seconds = intrinsics.time(object)? / 1000.0;
            self.encoder.tag(IanaTag::Timestamp)?;
            self.float(seconds)
        } else if class == classes.bytes {
            self.view(intrinsics.steady(object)?)
        } else if class == classes.array_buffer {
            let buffer = ArrayBuffer::from_object(object.clone());
            self.class("ArrayBuffer", 1)?;
            self.bytes(object, buffer.and_then(|buffer| buffer.as_raw()))
        } else if let Some(index) = classes.views.iter().position(|view| *view == class) {
            self.encoder.tag(tags::VIEWS[index].1)?;
            self.view(intrinsics.window(object)?)
        } else if class == classes.data_view {
            self.class("DataView", 1)?;
            self.view(intrinsics.window(object)?)
        } else if class == classes.map {
            self.map(object)
        } else if class == classes.set {
            self.set(object)
        } else if class == classes.error {
            self.error(object)
        } else if class == classes.regexp {
            let parts = intrinsics.regexp_parts(object)?;
            // Asked first, as in `string`.
            self.room(class::length(&parts))?;
            let parts = Text::of(&parts)?;
            // No flag is a slash.
            let (flags, source) =
                parts.bytes().split_at(parts.bytes().iter().take_while(|byte| **byte != b'/').count());
            self.class("RegExp", 2)?;
            self.text(source.get(1..).unwrap_or_default(), false)?;
            self.text(flags, true)
        } else if let Some(index) = classes.boxes.iter().position(|boxed| *boxed == class) {
            let (name, unbox) = class::BOXES[index];
            self.class(name, 1)?;
            self.value(&intrinsics.unbox(unbox, object)?)
        } else {
            Err(Refusal::kind(format!("an object of class {}", class.name(object.ctx()))))
        }
    }

    /// Begins an object with the name of its class and so many arguments of its constructor.
    fn class(&mut self, name: &str, arguments: u64) -> Result<(), Refusal> {
        self.encoder.tag(tags::CLASS)?.array(1 + arguments)?.str(name)?;
        Ok(())
    }

    /// Writes the bytes that a view shows, where it shows any.
    fn view(&mut self, view: Option<Object<'js>>) -> Result<(), Refusal> {
        let Some(view) = view else {
            return Err(Refusal::kind("a detached buffer"));
        };
        let array = TypedArray::<u8>::from_object(view.clone())?;
        self.bytes(&view, array.as_raw())
    }

    #[expect(unsafe_code, reason = "rquickjs has no safe view of a buffer's bytes")]
    fn bytes(&mut self, alive: &Object<'js>, raw: Option<NonNull<[u8]>>) -> Result<(), Refusal> {
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
        let length = self.intrinsics.length(list)?;
        // An element takes a byte at least, so a list that is too long is refused before it is read.
        self.room(length)?;
        self.encoder.array(length as u64)?;
        for index in 0..u32::try_from(length).map_err(|_| Refusal::TooLarge)? {
            let element = raw::element(list, index)?;
            if element.is_undefined() && !raw::has_element(list, index)? {
                self.encoder.tag(tags::ABSENT)?.undefined()?;
                self.room(0)?;
            } else {
                self.value(&element).map_err(|refusal| refusal.under(|| format!("[{index}]")))?;
            }
        }
        Ok(())
    }

    fn properties(&mut self, object: &Object<'js>) -> Result<(), Refusal> {
        // A getter may add or remove properties meanwhile; the names are those of the start.
        let names = Names::of(object)?;
        self.encoder.map(names.len() as u64)?;
        for index in 0..names.len() {
            self.text(names.text(index)?.bytes(), false)?;
            let member = names.member(index)?;
            let place = || names.text(index).map_or_else(|_| String::new(), |name| property(&name.to_utf8()));
            self.value(&member).map_err(|refusal| refusal.under(place))?;
        }
        Ok(())
    }

    fn map(&mut self, map: &Object<'js>) -> Result<(), Refusal> {
        let size = self.intrinsics.map_size(map)?;
        // A key takes a byte at least, and so does a value.
        self.room(size.saturating_mul(2))?;
        // What a getter within adds or deletes does not count: the entries are those of the start.
        let entries = self.intrinsics.map_content(map)?;
        self.encoder.tag(tags::MAP)?.map(entries.len() as u64 / 2)?;
        for index in 0..entries.len() / 2 {
            let key = entries.get::<Value<'js>>(2 * index)?;
            self.value(&key).map_err(|refusal| refusal.under(|| format!("(key {index})")))?;
            let value = entries.get::<Value<'js>>(2 * index + 1)?;
            self.value(&value).map_err(|refusal| refusal.under(|| self.entry(index, &key)))?;
        }
        Ok(())
    }

    /// How a map's value is named in a path: `.get("key")`, or by its place where the key says little.
    fn entry(&self, index: usize, key: &Value<'js>) -> String {
        match key.as_string().and_then(|key| self.intrinsics.text(key).ok()) {
            Some(key) => entry(&key),
            None => format!("(value {index})"),
        }
    }

    fn set(&mut self, set: &Object<'js>) -> Result<(), Refusal> {
        let size = self.intrinsics.set_size(set)?;
        self.room(size)?;
        let members: Array<'js> = self.intrinsics.set_content(set)?;
        self.encoder.tag(tags::SET)?.array(members.len() as u64)?;
        for index in 0..members.len() {
            let member = members.get::<Value<'js>>(index)?;
            self.value(&member).map_err(|refusal| refusal.under(|| format!("(member {index})")))?;
        }
        Ok(())
    }

    fn error(&mut self, error: &Object<'js>) -> Result<(), Refusal> {
        let intrinsics = self.intrinsics;
        // Read as scripts read them: subclasses keep a name on their prototype.
        let text = |name| error.get::<_, Value<'js>>(name).map(Value::into_string);
        let texts = [("name", text("name")?), ("message", text("message")?), ("stack", text("stack")?)];
        let mut rest = Vec::new();
        for name in ["cause", "errors"] {
            if intrinsics.has_own(error, name)? {
                rest.push(name);
            }
        }
        self.class("Error", 1)?;
        self.encoder.map((texts.iter().filter(|(_, text)| text.is_some()).count() + rest.len()) as u64)?;
        for (name, text) in texts {
            if let Some(text) = text {
                self.encoder.str(name)?;
                self.string(&text)?;
            }
        }
        for name in rest {
            self.encoder.str(name)?;
            let member = error.get::<_, Value<'js>>(name)?;
            self.value(&member).map_err(|refusal| refusal.under(|| property(name)))?;
        }
        Ok(())
    }
}
