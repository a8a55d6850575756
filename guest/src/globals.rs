//! Globals by their names: what a script's top level declares, and the properties of the global object.

use std::{cell::RefCell, collections::BTreeMap};

use rquickjs::{Ctx, Exception, Function, Persistent, Result, Value, function::Args};

use crate::{engine::script_options, intrinsics::Bound, raw, value::is_identifier};

/// Getters that are kept compiled. With one more, all are let go.
const MAX_GETTERS: usize = 64;

/// Reads and calls globals.
#[derive(Default)]
pub(crate) struct Globals {
    /// Functions that read a binding of their name, compiled once: bindings cannot be reached in any other way.
    getters: RefCell<BTreeMap<String, Persistent<Function<'static>>>>,
}

impl Globals {
    /// The value of a global. Bindings of scripts hide properties of the global object, as they do in JavaScript.
    pub(crate) fn get<'js>(&self, ctx: &Ctx<'js>, name: &str) -> Result<Value<'js>> {
        let key = raw::string(ctx, name)?;
        if !is_identifier(name) || is_reserved(name) {
            return ctx.globals().get(key);
        }
        // A name that is nowhere would be a `ReferenceError`. A property is there, and its getter is to run once.
        let is_property = ctx.globals().contains_key(key)?;
        self.getter(ctx, name)?.call((is_property,))
    }

    fn getter<'js>(&self, ctx: &Ctx<'js>, name: &str) -> Result<Function<'js>> {
        if let Some(getter) = self.getters.borrow().get(name) {
            return getter.clone().restore(ctx);
        }
        let source =
            format!("(function () {{ return arguments[0] || typeof {name} !== 'undefined' ? {name} : void 0 }})");
        let getter: Function<'js> = ctx.eval_with_options(source, script_options("<global>"))?;
        let mut getters = self.getters.borrow_mut();
        if getters.len() == MAX_GETTERS {
            getters.clear();
        }
        getters.insert(name.to_owned(), Persistent::save(ctx, getter.clone()));
        Ok(getter)
    }

    /// Calls the global function of this name, or the method where the name has dots.
    pub(crate) fn call<'js>(
        &self,
        ctx: &Ctx<'js>,
        intrinsics: &Bound<'_, 'js>,
        name: &str,
        arguments: Vec<Value<'js>>,
    ) -> Result<Value<'js>> {
        let mut segments = name.split('.');
        let mut this = ctx.globals().into_value();
        let mut function = self.get(ctx, segments.next().unwrap_or_default())?;
        for segment in segments {
            if function.is_undefined() || function.is_null() {
                return Err(not_a_function(ctx, name));
            }
            this = function;
            function = intrinsics.member(&this, segment)?;
        }
        let Some(function) = function.as_function() else {
            return Err(not_a_function(ctx, name));
        };
        let mut args = Args::new(ctx.clone(), arguments.len());
        args.this(this)?;
        args.push_args(arguments)?;
        function.call_arg(args)
    }
}

fn not_a_function(ctx: &Ctx<'_>, name: &str) -> rquickjs::Error {
    Exception::throw_type(ctx, &format!("{name} is not a function"))
}

/// Whether a name means something else than a binding when it is evaluated.
fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "arguments"
            | "await"
            | "break"
            | "case"
            | "catch"
            | "class"
            | "const"
            | "continue"
            | "debugger"
            | "default"
            | "delete"
            | "do"
            | "else"
            | "enum"
            | "eval"
            | "export"
            | "extends"
            | "false"
            | "finally"
            | "for"
            | "function"
            | "if"
            | "implements"
            | "import"
            | "in"
            | "instanceof"
            | "interface"
            | "let"
            | "new"
            | "null"
            | "package"
            | "private"
            | "protected"
            | "public"
            | "return"
            | "static"
            | "super"
            | "switch"
            | "this"
            | "throw"
            | "true"
            | "try"
            | "typeof"
            | "var"
            | "void"
            | "while"
            | "with"
            | "yield"
    )
}
