//! What a value is by nature, which a script can neither change nor fake.
#![expect(
    unsafe_code,
    reason = "rquickjs has no safe call for an object's class, a string's length, or an error alone"
)]

use rquickjs::{Ctx, Object, Result, Value, context::EvalOptions, qjs};

use crate::value::VIEWS;

/// QuickJS's number for a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class(qjs::JSClassID);

impl Class {
    /// The class of an object.
    pub(crate) fn of(object: &Object<'_>) -> Class {
        // SAFETY: the value is alive for the length of the call, which only reads its header.
        Class(unsafe { qjs::JS_GetClassID(object.as_value().as_raw()) })
    }

    /// The class's name, such as `Map`.
    pub(crate) fn name(self, ctx: &Ctx<'_>) -> String {
        let raw = ctx.as_raw().as_ptr();
        // SAFETY: the class number came from a live object of this runtime. `JS_GetClassName` returns an owned atom,
        // `JS_AtomToValue` an owned value, which `Value::from_raw` takes over; the atom is freed once.
        let name = unsafe {
            let atom = qjs::JS_GetClassName(qjs::JS_GetRuntime(raw), self.0);
            let value = qjs::JS_AtomToValue(raw, atom);
            qjs::JS_FreeAtom(raw, atom);
            Value::from_raw(ctx.clone(), value)
        };
        name.as_string().and_then(|name| name.to_string().ok()).unwrap_or_default()
    }

    /// An `Error` with no property of its own. To construct one would look at the stack, and a script may have a say
    /// in how that looks (`Error.prepareStackTrace`).
    pub(crate) fn new_error<'js>(ctx: &Ctx<'js>, classes: &Classes) -> Result<Object<'js>> {
        // SAFETY: the class number is that of `Error` in this runtime; QuickJS makes its own objects of that class by this
        // call, and what an error has beside its properties, its stack, is `undefined` from the start. The call gives an owned value, or the mark of an exception, and `Value::from_raw` takes over either.
        let error = unsafe {
            let error = qjs::JS_NewObjectClass(ctx.as_raw().as_ptr(), classes.error.0);
            Value::from_raw(ctx.clone(), error)
        };
        // Without memory there is an exception and no object.
        error.into_object().ok_or(rquickjs::Error::Exception)
    }
}

/// The classes of boxed primitives, and the intrinsic function that gives what is in the box.
pub(crate) const BOXES: [(&str, &str); 5] = [
    ("Boolean", "unboxBoolean"),
    ("Number", "unboxNumber"),
    ("String", "unboxString"),
    ("BigInt", "unboxBigInt"),
    ("Symbol", "unboxSymbol"),
];

/// The length of a string in UTF-16 units, without a copy of it.
pub(crate) fn length(string: &rquickjs::String<'_>) -> usize {
    let (ctx, value) = (string.as_value().ctx().as_raw().as_ptr(), string.as_value().as_raw());
    // SAFETY: the value is a live string of this context. The `length` of a string is its own, an integer, and cannot
    // be replaced by a script, so no code runs and nothing has to be freed.
    let length = unsafe { qjs::JS_GetProperty(ctx, value, qjs::JS_ATOM_length as qjs::JSAtom) };
    // SAFETY: the tag is looked at before the integer is.
    unsafe { if qjs::JS_IsInt(length) { qjs::JS_VALUE_GET_INT(length) as usize } else { 0 } }
}

/// The classes whose objects can cross the boundary.
#[derive(Debug)]
pub(crate) struct Classes {
    pub(crate) object: Class,
    pub(crate) arguments: Class,
    pub(crate) sloppy_arguments: Class,
    pub(crate) date: Class,
    pub(crate) bytes: Class,
    pub(crate) array_buffer: Class,
    pub(crate) error: Class,
    pub(crate) regexp: Class,
    pub(crate) map: Class,
    pub(crate) set: Class,
    pub(crate) data_view: Class,
    /// In the order of [`VIEWS`].
    pub(crate) views: [Class; VIEWS.len()],
    /// In the order of [`BOXES`].
    pub(crate) boxes: [Class; BOXES.len()],
}

impl Classes {
    /// Whether this is a class of typed arrays.
    pub(crate) fn is_typed_array(&self, class: Class) -> bool {
        class == self.bytes || self.views.contains(&class)
    }

    /// Reads the numbers off one object of each class, before any script has run.
    pub(crate) fn sample(ctx: &Ctx<'_>) -> Result<Classes> {
        let of = |source: &str| ctx.eval::<Object<'_>, _>(source).map(|sample| Class::of(&sample));
        let mut options = EvalOptions::default();
        options.strict = false;
        let sloppy: Value<'_> = ctx.eval_with_options("(function (a) { return arguments })(1)", options)?;
        let mut views = [of("[]")?; VIEWS.len()];
        for (class, (name, ..)) in views.iter_mut().zip(VIEWS) {
            *class = of(&format!("new {name}()"))?;
        }
        Ok(Classes {
            object: of("({})")?,
            arguments: of("(function () { 'use strict'; return arguments })()")?,
            sloppy_arguments: sloppy.as_object().map(Class::of).ok_or(rquickjs::Error::Unknown)?,
            date: of("new Date(0)")?,
            bytes: of("new Uint8Array()")?,
            array_buffer: of("new ArrayBuffer()")?,
            error: of("new Error()")?,
            regexp: of("/./")?,
            map: of("new Map()")?,
            set: of("new Set()")?,
            data_view: of("new DataView(new ArrayBuffer())")?,
            views,
            boxes: [
                of("Object(true)")?,
                of("Object(1)")?,
                of("Object('')")?,
                of("Object(1n)")?,
                of("Object(Symbol())")?,
            ],
        })
    }
}
