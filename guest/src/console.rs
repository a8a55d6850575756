//! The global `console`: each method formats its arguments and hands them to the host with its level.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Result, Value, function::Rest, object::Property};

use crate::{
    host::{Host, LogLevel},
    intrinsics::Intrinsics,
    text,
};

const METHODS: [(&str, LogLevel); 6] = [
    ("log", LogLevel::Info),
    ("info", LogLevel::Info),
    ("warn", LogLevel::Warn),
    ("error", LogLevel::Error),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

/// Defines `console` on the global object.
pub(crate) fn install<'js>(ctx: &Ctx<'js>, host: &Rc<impl Host>, intrinsics: &Rc<Intrinsics>) -> Result<()> {
    let console = Object::new(ctx.clone())?;
    for (name, level) in METHODS {
        let (host, intrinsics) = (Rc::clone(host), Rc::clone(intrinsics));
        let method = move |ctx: Ctx<'js>, arguments: Rest<Value<'js>>| -> Result<()> {
            let bound = intrinsics.bind(&ctx)?;
            host.log(level, &text::message(&bound, &arguments));
            Ok(())
        };
        console.set(name, Function::new(ctx.clone(), method)?.with_name(name)?)?;
    }
    ctx.globals().prop("console", Property::from(console).writable().configurable())
}
