//! What `performance.js` needs: the time since the engine was made, which is not that at which the image was taken.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Result};

use crate::functions::Functions;

pub(super) fn natives<'js>(ctx: &Ctx<'js>, functions: &Rc<Functions>) -> Result<Object<'js>> {
    let natives = Object::new(ctx.clone())?;
    let since = |functions: &Functions| functions.host().elapsed() / 1000.0;
    let now = Rc::clone(functions);
    natives.set("now", Function::new(ctx.clone(), move || since(&now))?)?;
    let origin = Rc::clone(functions);
    let origin = move |ctx: Ctx<'js>| Ok::<_, rquickjs::Error>(origin.bind(&ctx).now()? - since(&origin));
    natives.set("origin", Function::new(ctx.clone(), origin)?)?;
    Ok(natives)
}
