//! Errors that the engine throws in the name of the host.

use rquickjs::{Ctx, Exception, Value, object::Property};

use crate::{functions::HostError, intrinsics::Bound};

/// Throws an error of a built-in class, or an `Error` with another name.
pub(crate) fn throw<'js>(ctx: &Ctx<'js>, intrinsics: &Bound<'_, 'js>, name: &str, message: &str) -> rquickjs::Error {
    match make(ctx, intrinsics, name, message) {
        Ok(error) => ctx.throw(error),
        Err(error) => error,
    }
}

/// What a script gets of an error of the host. The host's own is known by it when it comes back.
pub(crate) fn of_host<'js>(
    ctx: &Ctx<'js>,
    intrinsics: &Bound<'_, 'js>,
    error: &HostError,
) -> rquickjs::Result<Value<'js>> {
    let made = make(ctx, intrinsics, &error.name, &error.message)?;
    if let Some(id) = error.id {
        intrinsics.mark(&made, id)?;
    }
    Ok(made)
}

/// An error with the stack of the moment.
fn make<'js>(ctx: &Ctx<'js>, intrinsics: &Bound<'_, 'js>, name: &str, message: &str) -> rquickjs::Result<Value<'js>> {
    // Only what QuickJS throws itself has a stack that begins where the script called. It cuts the message at 255 bytes.
    let _ = Exception::throw_type(ctx, message);
    let thrown = ctx.catch();
    let Some(error) = thrown.as_object().filter(|_| thrown.is_error()) else {
        return Err(ctx.throw(thrown));
    };
    let hidden = |text: &str| Property::from(text.to_owned()).writable().configurable();
    error.prop("message", hidden(message))?;
    if !intrinsics.inherit_name(error, name)? {
        intrinsics.inherit_name(error, "Error")?;
        error.prop("name", hidden(name))?;
    }
    Ok(thrown)
}
