//! Scripts of the engine's own, compiled ahead.
#![expect(unsafe_code, reason = "rquickjs writes and reads the bytecode of modules only")]

use std::slice;

use rquickjs::{Ctx, Error, Result, Value, qjs};

use crate::raw;

/// A compiled script. It is no value: until it is run, the garbage collector has nothing to look at.
pub(crate) struct Bytecode(Vec<u8>);

impl Bytecode {
    /// Compiles a script of this name, in strict mode.
    pub(crate) fn compile(ctx: &Ctx<'_>, name: &str, source: &str) -> Result<Bytecode> {
        const WRITE: u32 = qjs::JS_WRITE_OBJ_BYTECODE | qjs::JS_WRITE_OBJ_STRIP_SOURCE;
        let compiled = raw::compile(ctx, name, source, qjs::JS_EVAL_FLAG_STRICT)?;
        let (ctx, mut length) = (ctx.as_raw().as_ptr(), 0);
        // SAFETY: the value is alive. What it is written to is owned, of which a copy is made, and freed once.
        unsafe {
            let written = qjs::JS_WriteObject(ctx, &mut length, compiled.as_raw(), WRITE as qjs::c_int);
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
        // SAFETY: the bytes are what QuickJS itself has written, and nothing has changed them. What is read is owned.
        let compiled = unsafe {
            let (raw, length) = (ctx.as_raw().as_ptr(), self.0.len());
            raw::owned(ctx, qjs::JS_ReadObject(raw, self.0.as_ptr(), length as _, READ as qjs::c_int))
        };
        raw::run(&compiled?)
    }
}
