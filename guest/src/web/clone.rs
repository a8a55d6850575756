//! What `clone.js` needs: what an object is by nature, and copies that no script has a say in.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Result, Value};

use crate::{class::Class, functions::Functions};

pub(super) fn natives<'js>(ctx: &Ctx<'js>, functions: &Rc<Functions>) -> Result<Object<'js>> {
    let natives = Object::new(ctx.clone())?;
    natives.set("kind", Function::new(ctx.clone(), kind)?)?;
    let error = {
        let functions = Rc::clone(functions);
        move |ctx: Ctx<'js>| Class::new_error(&ctx, functions.bind(&ctx).classes)
    };
    natives.set("error", Function::new(ctx.clone(), error)?)?;
    natives.set("inherit", Function::new(ctx.clone(), inherit)?)?;
    let regexp = {
        let functions = Rc::clone(functions);
        move |ctx: Ctx<'js>, regexp: Object<'js>| -> Result<Value<'js>> {
            let bound = functions.bind(&ctx);
            let parts = bound.text(&bound.regexp_parts(&regexp)?)?;
            let (flags, source) = parts.split_once('/').ok_or(rquickjs::Error::Unknown)?;
            bound.new_regexp(source, flags)
        }
    };
    natives.set("regexp", Function::new(ctx.clone(), regexp)?)?;
    let functions = Rc::clone(functions);
    let symbol = move |ctx: Ctx<'js>, symbol: Value<'js>| functions.bind(&ctx).symbol(&symbol);
    natives.set("symbol", Function::new(ctx.clone(), symbol)?)?;
    Ok(natives)
}

/// The name of an object's class; of a function, nothing. A proxy is none of the class that it looks like.
fn kind<'js>(ctx: Ctx<'js>, object: Object<'js>) -> String {
    if object.is_function() {
        String::new()
    } else if object.is_proxy() {
        "Proxy".to_owned()
    } else {
        Class::of(&object).name(&ctx)
    }
}

fn inherit<'js>(object: Object<'js>, prototype: Object<'js>) -> Result<()> {
    object.set_prototype(Some(&prototype))
}
