//! What `idl.js` needs: a say in what the console shows.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Result};

use crate::functions::Functions;

pub(super) fn natives<'js>(ctx: &Ctx<'js>, functions: &Rc<Functions>) -> Result<Object<'js>> {
    let natives = Object::new(ctx.clone())?;
    let functions = Rc::clone(functions);
    let show = move |ctx: Ctx<'js>, shown: Function<'js>| functions.bind(&ctx).set_shown(shown);
    natives.set("show", Function::new(ctx.clone(), show)?)?;
    Ok(natives)
}
