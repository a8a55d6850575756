//! `performance`: the time since the engine was made, which is not that at which the image was taken.

use std::{cell::OnceCell, rc::Rc};

use rquickjs::{
    Atom, Ctx, Function, Object,
    atom::PredefinedAtom,
    object::{Accessor, Property},
};

use crate::{host::Host, intrinsics::Intrinsics};

/// Gives scripts the object.
pub(crate) fn install<'js>(ctx: &Ctx<'js>, host: &Rc<impl Host>, intrinsics: &Rc<Intrinsics>) -> rquickjs::Result<()> {
    let performance = Object::new(ctx.clone())?;
    let clock = Rc::clone(host);
    let now = Function::new(ctx.clone(), move || clock.elapsed() / 1000.0)?.with_name("now")?;
    performance.set("now", now)?;
    let origin = Rc::new({
        let (host, intrinsics, origin) = (Rc::clone(host), Rc::clone(intrinsics), OnceCell::new());
        move |ctx: &Ctx<'js>| -> rquickjs::Result<f64> {
            match origin.get() {
                Some(origin) => Ok(*origin),
                None => {
                    let began = intrinsics.bind(ctx).now()? - host.elapsed() / 1000.0;
                    Ok(*origin.get_or_init(|| began))
                }
            }
        }
    });
    let time_origin = Rc::clone(&origin);
    let getter = Accessor::new_get(move |ctx: Ctx<'js>| time_origin(&ctx));
    performance.prop("timeOrigin", getter.enumerable().configurable())?;
    let to_json = move |ctx: Ctx<'js>| {
        let json = Object::new(ctx.clone())?;
        json.set("timeOrigin", origin(&ctx)?)?;
        rquickjs::Result::Ok(json)
    };
    performance.set("toJSON", Function::new(ctx.clone(), to_json)?.with_name("toJSON")?)?;
    let tag = Atom::from_predefined(ctx.clone(), PredefinedAtom::SymbolToStringTag);
    performance.prop(tag, Property::from("Performance").configurable())?;
    ctx.globals().prop("performance", Property::from(performance).writable().configurable())
}
