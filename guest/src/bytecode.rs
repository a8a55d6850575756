//! Scripts of the engine's own, compiled ahead.
#![expect(unsafe_code, reason = "rquickjs writes and reads the bytecode of modules only")]

use std::{ffi::CString, slice};

use rquickjs::{Ctx, Error, Result, Value, qjs};

/// A compiled script. It is no value: until it is run, the garbage collector has nothing to look at.
pub(crate) struct Bytecode(Vec<u8>);

impl Bytecode {
    /// Compiles a script of this name, in strict mode.
    pub(crate) fn compile(ctx: &Ctx<'_>, name: &str, source: &str) -> Result<Bytecode> {
        const EVAL: u32 = qjs::JS_EVAL_TYPE_GLOBAL | qjs::JS_EVAL_FLAG_STRICT | qjs::JS_EVAL_FLAG_COMPILE_ONLY;
        const WRITE: u32 = qjs::JS_WRITE_OBJ_BYTECODE | qjs::JS_WRITE_OBJ_STRIP_SOURCE;
        let (name, source) = (CString::new(name)?, CString::new(source)?);
        let (text, length) = (source.as_ptr(), source.as_bytes().len());
        let ctx = ctx.as_raw().as_ptr();
        // SAFETY: both texts end with a zero, and are there for the length of the calls. What is compiled is an owned value, which
        // is freed once, and so is what it is written to, of which a copy is made.
        unsafe {
            let compiled = qjs::JS_Eval(ctx, text, length as _, name.as_ptr(), EVAL as qjs::c_int);
            if qjs::JS_IsException(compiled) {
                return Err(Error::Exception);
            }
            let mut length = 0;
            let written = qjs::JS_WriteObject(ctx, &mut length, compiled, WRITE as qjs::c_int);
            qjs::JS_FreeValue(ctx, compiled);
            if written.is_null() {
                return Err(Error::Exception);
            }
            let bytes = slice::from_raw_parts(written, length as usize).to_vec();
            qjs::js_free(ctx, written.cast());
            Ok(Bytecode(bytes))
        }
    }

    /// What was compiled, and is copied here.
    pub(crate) fn of(bytes: &[u8]) -> Bytecode {
        Bytecode(bytes.to_vec())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Runs it: its completion value.
    pub(crate) fn run<'js>(&self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        const READ: u32 = qjs::JS_READ_OBJ_BYTECODE;
        let raw = ctx.as_raw().as_ptr();
        // SAFETY: the bytes are what QuickJS itself has written, and nothing has changed them. What is read is an owned value, which
        // the call that runs it frees; that gives an owned value, or the mark of an exception.
        unsafe {
            let read = qjs::JS_ReadObject(raw, self.0.as_ptr(), self.0.len() as _, READ as qjs::c_int);
            if qjs::JS_IsException(read) {
                return Err(Error::Exception);
            }
            let value = qjs::JS_EvalFunction(raw, read);
            if qjs::JS_IsException(value) { Err(Error::Exception) } else { Ok(Value::from_raw(ctx.clone(), value)) }
        }
    }
}
