//! Texts, names and members of objects, and compiled scripts, straight from QuickJS. The forms that rquickjs has for them copy each text, make an
//! atom of each index, and count the context once more for each of those: several times the cost of the rest.
#![expect(unsafe_code, reason = "rquickjs has no safe form of these calls that costs as little")]

use core::{ffi::c_char, ptr::NonNull, slice};
use std::ffi::CString;

use rquickjs::{Ctx, Error, Object, Result, String as JsString, TypedArray, Value, qjs};

/// Flags of a property that an assignment would make. Where it cannot be made there is an exception.
const PLAIN: qjs::c_int = (qjs::JS_PROP_C_W_E
    | qjs::JS_PROP_HAS_VALUE
    | qjs::JS_PROP_HAS_CONFIGURABLE
    | qjs::JS_PROP_HAS_WRITABLE
    | qjs::JS_PROP_HAS_ENUMERABLE
    | qjs::JS_PROP_THROW) as qjs::c_int;

/// A text as QuickJS hands it out: UTF-8, but for lone surrogates, which are encoded as if they were characters. One that
/// is ASCII lies where QuickJS keeps it; any other is a copy.
pub(crate) struct Text<'a, 'js> {
    ctx: &'a Ctx<'js>,
    start: NonNull<c_char>,
    length: usize,
}

impl<'a, 'js> Text<'a, 'js> {
    /// The text of a string.
    pub(crate) fn of(string: &'a JsString<'js>) -> Result<Text<'a, 'js>> {
        let (ctx, mut length) = (string.as_value().ctx(), 0);
        // SAFETY: the value is a live string of this context. It is no object, so no script runs.
        let start = unsafe { qjs::JS_ToCStringLen(ctx.as_raw().as_ptr(), &mut length, string.as_value().as_raw()) };
        Text::new(ctx, start, length)
    }

    /// What QuickJS gave out as a text of this length: nothing where there is an exception.
    fn new(ctx: &'a Ctx<'js>, start: *const c_char, length: usize) -> Result<Text<'a, 'js>> {
        let start = NonNull::new(start.cast_mut()).ok_or(Error::Exception)?;
        Ok(Text { ctx, start, length })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: QuickJS gave out so many bytes there. They are not freed before this is dropped, and never written: strings
        // do not change.
        unsafe { slice::from_raw_parts(self.start.as_ptr().cast(), self.length) }
    }

    /// A copy, each lone surrogate as U+FFFD.
    pub(crate) fn to_utf8(&self) -> String {
        let mut bytes = self.bytes().to_vec();
        mend(&mut bytes);
        String::from_utf8(bytes).unwrap_or_default()
    }
}

impl Drop for Text<'_, '_> {
    fn drop(&mut self) {
        // SAFETY: it was given out by this context, and is given back once.
        unsafe { qjs::JS_FreeCString(self.ctx.as_raw().as_ptr(), self.start.as_ptr()) }
    }
}

/// Whether a text may have lone surrogates.
pub(crate) fn is_broken(text: &[u8]) -> bool {
    // With this they begin, and little else does.
    text.contains(&0xed)
}

/// Makes UTF-8 of a text: in place, as U+FFFD is as long as a surrogate.
pub(crate) fn mend(text: &mut [u8]) {
    const SURROGATE: usize = 3;
    if !is_broken(text) {
        return;
    }
    let mut from = 0;
    while let Err(error) = core::str::from_utf8(&text[from..]) {
        let at = from + error.valid_up_to();
        from = text.len().min(at + SURROGATE);
        text[at..from].copy_from_slice(&"\u{fffd}".as_bytes()[..from - at]);
    }
}

/// Reads the bytes of an array, a copied piece at a time, as far as they are there.
pub(crate) fn pieces(array: &TypedArray<'_, u8>, mut read: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut piece = [0; 4096];
    let mut at = 0;
    loop {
        let Some(bytes) = array.as_raw() else {
            // Its buffer is detached, which QuickJS may have thrown.
            array.ctx().catch();
            return Ok(());
        };
        // SAFETY: the pointer was read a moment ago from an array that is alive, and no JavaScript runs while a piece is copied.
        let rest = unsafe { bytes.as_ref() }.get(at..).unwrap_or_default();
        let length = rest.len().min(piece.len());
        if length == 0 {
            return Ok(());
        }
        piece[..length].copy_from_slice(&rest[..length]);
        at += length;
        read(&piece[..length])?;
    }
}

/// A string of this text. As a name it is that one: rquickjs's own way from a text to a name takes bytes beyond ASCII for
/// Latin-1 where there is already a name that reads so.
pub(crate) fn string<'js>(ctx: &Ctx<'js>, text: &str) -> Result<Value<'js>> {
    let raw = ctx.as_raw().as_ptr();
    // The first byte of every character that Latin-1 does not have is as high.
    if text.bytes().fold(0, u8::max) < 0xc4 {
        // SAFETY: the bytes are there for the length of the call. The value is owned.
        return unsafe { owned(ctx, qjs::JS_NewStringLen(raw, text.as_ptr().cast(), text.len() as _)) };
    }
    // QuickJS decodes such a text several times slower.
    let mut units = Vec::new();
    units.try_reserve_exact(text.len()).map_err(|_| Error::Allocation)?;
    units.extend(text.encode_utf16());
    // SAFETY: as above.
    unsafe { owned(ctx, qjs::JS_NewStringUTF16(raw, units.as_ptr(), units.len() as _)) }
}

/// The names of an object's own enumerable properties, but for symbols, as they were when they were asked for.
pub(crate) struct Names<'a, 'js> {
    object: &'a Object<'js>,
    table: NonNull<qjs::JSPropertyEnum>,
    length: u32,
}

impl<'a, 'js> Names<'a, 'js> {
    pub(crate) fn of(object: &'a Object<'js>) -> Result<Names<'a, 'js>> {
        const FLAGS: qjs::c_int = (qjs::JS_GPN_STRING_MASK | qjs::JS_GPN_ENUM_ONLY) as qjs::c_int;
        let (mut table, mut length) = (core::ptr::null_mut(), 0);
        // SAFETY: the object is alive, of this context, and stays so for the length of the call, in which traps of a proxy
        // may run. The table is this one's to free where the call says that there is one.
        let status = unsafe {
            let ctx = object.ctx().as_raw().as_ptr();
            qjs::JS_GetOwnPropertyNames(ctx, &mut table, &mut length, object.as_value().as_raw(), FLAGS)
        };
        let table = NonNull::new(table).filter(|_| status == 0).ok_or(Error::Exception)?;
        Ok(Names { object, table, length })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.length as usize
    }

    fn atom(&self, index: usize) -> qjs::JSAtom {
        // SAFETY: QuickJS gave out a table of so many entries, which is not written until it is freed with this.
        let table = unsafe { slice::from_raw_parts(self.table.as_ptr(), self.len()) };
        table[index].atom
    }

    /// A name.
    pub(crate) fn text(&self, index: usize) -> Result<Text<'a, 'js>> {
        let (ctx, mut length) = (self.object.ctx(), 0);
        // SAFETY: the table keeps the atom alive, which is no symbol. No script runs.
        let start = unsafe { qjs::JS_AtomToCStringLen(ctx.as_raw().as_ptr(), &mut length, self.atom(index)) };
        Text::new(ctx, start, length as usize)
    }

    /// What the object has now under a name. A getter may run.
    pub(crate) fn member(&self, index: usize) -> Result<Value<'js>> {
        let ctx = self.object.ctx();
        // SAFETY: the object and the atom are alive for the length of the call, whatever a getter does. The value is owned.
        unsafe {
            let value = qjs::JS_GetProperty(ctx.as_raw().as_ptr(), self.object.as_value().as_raw(), self.atom(index));
            owned(ctx, value)
        }
    }
}

impl Drop for Names<'_, '_> {
    fn drop(&mut self) {
        // SAFETY: QuickJS gave out this table, of this length, and it is given back once.
        unsafe { qjs::JS_FreePropertyEnum(self.object.ctx().as_raw().as_ptr(), self.table.as_ptr(), self.length) }
    }
}

/// An element of a list. A getter may run.
pub(crate) fn element<'js>(list: &Object<'js>, index: u32) -> Result<Value<'js>> {
    let ctx = list.ctx();
    // SAFETY: the object is alive, of this context, and stays so for the length of the call. The value is owned.
    unsafe {
        let value = qjs::JS_GetPropertyInt64(ctx.as_raw().as_ptr(), list.as_value().as_raw(), index.into());
        owned(ctx, value)
    }
}

/// Whether a list has an element of its own at an index. A proxy is asked.
pub(crate) fn has_element(list: &Object<'_>, index: u32) -> Result<bool> {
    let ctx = list.ctx().as_raw().as_ptr();
    // SAFETY: the object is alive, of this context, and stays so for the length of the call, which gives nothing out where
    // it is not told where to. The atom is owned and freed once.
    let found = unsafe {
        let atom = qjs::JS_NewAtomUInt32(ctx, index);
        if atom == qjs::JS_ATOM_NULL as qjs::JSAtom {
            return Err(Error::Exception);
        }
        let found = qjs::JS_GetOwnProperty(ctx, core::ptr::null_mut(), list.as_value().as_raw(), atom);
        qjs::JS_FreeAtom(ctx, atom);
        found
    };
    if found < 0 { Err(Error::Exception) } else { Ok(found > 0) }
}

/// Makes an element of a list, as [`define`] makes a property.
pub(crate) fn define_element<'js>(list: &Object<'js>, index: u32, value: &Value<'js>) -> Result<()> {
    // SAFETY: the context is the list's own. The atom is freed once by `define_atom`.
    unsafe { define_atom(list, qjs::JS_NewAtomUInt32(list.ctx().as_raw().as_ptr(), index), value) }
}

/// Makes a property. It is not set: a setter that a script put on a prototype sees nothing of it.
pub(crate) fn define<'js>(object: &Object<'js>, name: &str, value: &Value<'js>) -> Result<()> {
    let ctx = object.ctx().as_raw().as_ptr();
    // SAFETY: the context is the object's own, and bytes and string are there for the length of the calls. The atom is freed
    // once by `define_atom`.
    unsafe {
        let atom = if name.is_ascii() {
            qjs::JS_NewAtomLen(ctx, name.as_ptr().cast(), name.len() as _)
        } else {
            // See `string`.
            qjs::JS_ValueToAtom(ctx, string(object.ctx(), name)?.as_raw())
        };
        define_atom(object, atom, value)
    }
}

/// # Safety
///
/// The atom is an owned one of the object's runtime, or `JS_ATOM_NULL` with an exception. It is freed here.
unsafe fn define_atom<'js>(object: &Object<'js>, atom: qjs::JSAtom, value: &Value<'js>) -> Result<()> {
    if atom == qjs::JS_ATOM_NULL as qjs::JSAtom {
        return Err(Error::Exception);
    }
    let ctx = object.ctx().as_raw().as_ptr();
    // SAFETY: object and value are alive and of this context, and the value is counted by QuickJS once more. The atom is
    // the caller's word.
    unsafe {
        let (object, value) = (object.as_value().as_raw(), value.as_raw());
        let defined = qjs::JS_DefineProperty(ctx, object, atom, value, qjs::JS_UNDEFINED, qjs::JS_UNDEFINED, PLAIN);
        qjs::JS_FreeAtom(ctx, atom);
        if defined < 0 { Err(Error::Exception) } else { Ok(()) }
    }
}

/// Compiles a script, with these flags beside those of every script.
pub(crate) fn compile<'js>(ctx: &Ctx<'js>, name: &str, text: &str, flags: u32) -> Result<Value<'js>> {
    let flags = flags | qjs::JS_EVAL_TYPE_GLOBAL | qjs::JS_EVAL_FLAG_COMPILE_ONLY;
    let length = text.len();
    let (name, text) = (CString::new(name)?, CString::new(text)?);
    // SAFETY: both texts end with a zero, and are there for the length of the call. What it gives is owned. No script sees it, and the
    // values of rquickjs count what they do not know as they count all others.
    unsafe {
        let raw = ctx.as_raw().as_ptr();
        owned(ctx, qjs::JS_Eval(raw, text.as_ptr(), length as _, name.as_ptr(), flags as qjs::c_int))
    }
}

/// Runs what was compiled: its completion value.
pub(crate) fn run<'js>(compiled: &Value<'js>) -> Result<Value<'js>> {
    let ctx = compiled.ctx();
    let raw = ctx.as_raw().as_ptr();
    // SAFETY: what is run is alive, and counted once more for the call, which frees that. What it gives is owned.
    unsafe { owned(ctx, qjs::JS_EvalFunction(raw, qjs::JS_DupValue(raw, compiled.as_raw()))) }
}

/// What a call of QuickJS gave.
///
/// # Safety
///
/// The value is an owned one of this context, or the mark of an exception.
pub(crate) unsafe fn owned<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> Result<Value<'js>> {
    // SAFETY: the caller's word.
    unsafe { if qjs::JS_IsException(value) { Err(Error::Exception) } else { Ok(Value::from_raw(ctx.clone(), value)) } }
}
