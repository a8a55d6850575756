//! What `performance.js` needs: the time.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Result};

use crate::functions::Functions;

pub(super) fn natives<'js>(ctx: &Ctx<'js>, functions: &Rc<Functions>) -> Result<Object<'js>> {
    let natives = Object::new(ctx.clone())?;
    let functions = Rc::clone(functions);
    natives.set("now", Function::new(ctx.clone(), move |ctx: Ctx<'js>| functions.bind(&ctx).now())?)?;
    Ok(natives)
}
