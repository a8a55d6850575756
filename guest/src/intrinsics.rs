//! The built-in functions that the engine itself calls, taken before any script could replace them.

use rquickjs::{Array, Coerced, Ctx, Function, Object, Persistent, Result, String as JsString, Value};

use crate::class::Classes;

/// Returns the functions by name. Nothing in it looks anything up on an object that a script can reach.
const PRELUDE: &str = r"
(() => {
  const { apply } = Reflect;
  const BigInt_ = BigInt, Date_ = Date;
  const { toString: toHex } = BigInt.prototype;
  const { getTime, toISOString } = Date.prototype;
  const { toString: regexpText } = RegExp.prototype;
  const { toWellFormed } = String.prototype;
  const mapEach = Map.prototype.forEach, setEach = Set.prototype.forEach;
  const define = Object.defineProperty;
  const append = (list, item) => define(list, list.length, { __proto__: null, value: item, enumerable: true });
  return {
    hex: (big) => apply(toHex, big, [16]),
    big: (hex, negative) => negative ? -1n - BigInt_(hex) : BigInt_(hex),
    time: (date) => apply(getTime, date, []),
    date: (time) => new Date_(time),
    iso: (date) => apply(toISOString, date, []),
    regexp: (regexp) => apply(regexpText, regexp, []),
    wellFormed: (text) => apply(toWellFormed, text, []),
    mapEntries: (map) => { const out = []; apply(mapEach, map, [(value, key) => append(out, [key, value])]); return out },
    setEntries: (set) => { const out = []; apply(setEach, set, [(value) => append(out, value)]); return out },
  };
})()";

/// The functions of [`PRELUDE`] and the built-in classes, kept for the life of the engine.
pub(crate) struct Intrinsics {
    prelude: Persistent<Object<'static>>,
    pub(crate) classes: Classes,
}

impl Intrinsics {
    pub(crate) fn take(ctx: &Ctx<'_>) -> Result<Intrinsics> {
        let prelude = ctx.eval::<Object<'_>, _>(PRELUDE)?;
        Ok(Intrinsics { prelude: Persistent::save(ctx, prelude), classes: Classes::sample(ctx)? })
    }

    pub(crate) fn bind<'a, 'js>(&'a self, ctx: &Ctx<'js>) -> Result<Bound<'a, 'js>> {
        Ok(Bound { prelude: self.prelude.clone().restore(ctx)?, classes: &self.classes })
    }
}

/// [`Intrinsics`] within a context that is being used.
pub(crate) struct Bound<'a, 'js> {
    prelude: Object<'js>,
    pub(crate) classes: &'a Classes,
}

impl<'js> Bound<'_, 'js> {
    /// The context that these are bound to.
    pub(crate) fn ctx(&self) -> &Ctx<'js> {
        self.prelude.ctx()
    }

    fn function(&self, name: &str) -> Result<Function<'js>> {
        self.prelude.get(name)
    }

    /// The digits of a BigInt to base 16, with a minus sign where it is negative.
    pub(crate) fn hex(&self, big: &Value<'js>) -> Result<String> {
        self.function("hex")?.call((big.clone(),))
    }

    /// The BigInt `n` (from `0x...`), or `-1 - n`: the two forms of a CBOR bignum.
    pub(crate) fn big(&self, hex: &str, negative: bool) -> Result<Value<'js>> {
        self.function("big")?.call((hex, negative))
    }

    /// Milliseconds since 1970 of a `Date`, NaN for an invalid one.
    pub(crate) fn time(&self, date: &Object<'js>) -> Result<f64> {
        self.function("time")?.call((date.clone(),))
    }

    /// The `Date` at these milliseconds since 1970.
    pub(crate) fn date(&self, time: f64) -> Result<Value<'js>> {
        self.function("date")?.call((time,))
    }

    /// A valid `Date` as ISO 8601.
    pub(crate) fn iso(&self, date: &Object<'js>) -> Result<String> {
        self.function("iso")?.call((date.clone(),))
    }

    /// A `RegExp` as its literal.
    pub(crate) fn regexp(&self, regexp: &Object<'js>) -> Result<String> {
        self.function("regexp")?.call::<_, Coerced<String>>((regexp.clone(),)).map(|text| text.0)
    }

    /// `[key, value]` for each entry of a `Map`.
    pub(crate) fn map_entries(&self, map: &Object<'js>) -> Result<Array<'js>> {
        self.function("mapEntries")?.call((map.clone(),))
    }

    /// The members of a `Set`.
    pub(crate) fn set_entries(&self, set: &Object<'js>) -> Result<Array<'js>> {
        self.function("setEntries")?.call((set.clone(),))
    }

    /// A string in UTF-8, each lone surrogate as U+FFFD.
    pub(crate) fn text(&self, string: &JsString<'js>) -> Result<String> {
        match string.to_string() {
            Err(rquickjs::Error::Utf8(_)) => {
                self.function("wellFormed")?.call::<_, JsString<'js>>((string.clone(),))?.to_string()
            }
            text => text,
        }
    }
}
