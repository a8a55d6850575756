//! The built-in functions that the engine itself calls, taken before any script could replace them.

use rquickjs::{
    Array, Coerced, Ctx, Function, Object, Persistent, Result, String as JsString, Value, context::EvalOptions,
};

use crate::class::{self, Classes};

/// Returns the functions by name. Nothing in it looks anything up on an object that a script can reach.
const PRELUDE: &str = r"
(() => {
  const { apply, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
  const getter = (object, name) => getOwnPropertyDescriptor(object, name).get;
  const BigInt_ = BigInt, Bytes_ = Uint8Array, Date_ = Date;
  const { parseFloat, parseInt } = Number;
  const { isArray } = Array;
  const { toString: toHex } = BigInt.prototype;
  const { getTime, toISOString } = Date.prototype;
  const { toString: functionSource } = Function.prototype;
  const { toString: regexpSource } = RegExp.prototype;
  const { toString: symbolName } = Symbol.prototype;
  const { slice, toWellFormed } = String.prototype;
  const { entries: mapIterator } = Map.prototype, { values: setIterator } = Set.prototype;
  const mapNext = getPrototypeOf(new Map().entries()).next, setNext = getPrototypeOf(new Set().values()).next;
  const mapSize = getter(Map.prototype, 'size'), setSize = getter(Set.prototype, 'size');
  const view = getPrototypeOf(Bytes_.prototype), resizable = getter(ArrayBuffer.prototype, 'resizable');
  const viewed = getter(view, 'buffer'), viewOffset = getter(view, 'byteOffset'), viewLength = getter(view, 'length');
  const define = Object.defineProperty;
  const take = (iterator, next, most) => {
    const taken = [];
    for (let index = 0; index < most; index++) {
      const step = apply(next, iterator, []);
      if (step.done) break;
      define(taken, index, { __proto__: null, value: step.value });
    }
    return taken;
  };
  return {
    isList: (value) => isArray(value),
    member: (value, name) => value[name],
    hex: (big) => apply(toHex, big, [16]),
    big: (hex, negative) => negative ? -1n - BigInt_(hex) : BigInt_(hex),
    time: (date) => apply(getTime, date, []),
    date: (time) => new Date_(time),
    iso: (date) => apply(toISOString, date, []),
    functionSource: (called) => apply(functionSource, called, []),
    number: (text, whole) => whole ? parseInt(text) : parseFloat(text),
    steady: (bytes) => {
      const buffer = apply(viewed, bytes, []), length = apply(viewLength, bytes, []);
      try {
        if (length && apply(resizable, buffer, [])) return new Bytes_(buffer, apply(viewOffset, bytes, []), length);
      } catch {
        // A shared buffer: it does not shrink.
      }
      return bytes;
    },
    regexp: (regexp) => apply(regexpSource, regexp, []),
    symbol: (symbol) => apply(symbolName, symbol, []),
    head: (text, most) => apply(slice, text, [0, most]),
    wellFormed: (text) => apply(toWellFormed, text, []),
    mapSize: (map) => apply(mapSize, map, []),
    mapEntries: (map, most) => take(apply(mapIterator, map, []), mapNext, most),
    setSize: (set) => apply(setSize, set, []),
    setEntries: (set, most) => take(apply(setIterator, set, []), setNext, most),
  };
})()";

/// The functions of [`PRELUDE`] and the built-in classes, kept for the life of the engine.
pub(crate) struct Intrinsics {
    prelude: Persistent<Object<'static>>,
    pub(crate) classes: Classes,
}

impl Intrinsics {
    pub(crate) fn take(ctx: &Ctx<'_>) -> Result<Intrinsics> {
        let mut options = EvalOptions::default();
        // Shown where one of these functions throws: Array.isArray does, of a revoked proxy.
        options.filename = Some("<engine>".to_owned());
        let prelude: Object<'_> = ctx.eval_with_options(PRELUDE, options)?;
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

    /// A text as the number that it begins with, whole or not.
    pub(crate) fn number(&self, text: &JsString<'js>, whole: bool) -> Result<f64> {
        self.function("number")?.call((text.clone(), whole))
    }

    /// A view of the same bytes that does not follow the length of its buffer: QuickJS tells the length that a view
    /// was made with.
    pub(crate) fn steady(&self, bytes: &Object<'js>) -> Result<Object<'js>> {
        self.function("steady")?.call((bytes.clone(),))
    }

    /// A `RegExp` as its literal.
    pub(crate) fn regexp(&self, regexp: &Object<'js>) -> Result<String> {
        self.function("regexp")?.call::<_, Coerced<String>>((regexp.clone(),)).map(|text| text.0)
    }

    /// A function's source text.
    pub(crate) fn function_source(&self, function: &Function<'js>) -> Result<String> {
        self.function("functionSource")?.call((function.clone(),))
    }

    /// A symbol as `Symbol(description)`.
    pub(crate) fn symbol(&self, symbol: &Value<'js>) -> Result<String> {
        let text: JsString<'js> = self.function("symbol")?.call((symbol.clone(),))?;
        self.text(&text)
    }

    /// Whether an object is a list: an array, or a proxy of one.
    pub(crate) fn is_list(&self, object: &Object<'js>) -> Result<bool> {
        if object.is_proxy() { self.function("isList")?.call((object.clone(),)) } else { Ok(object.is_array()) }
    }

    /// A property of any value, primitive ones included.
    pub(crate) fn member(&self, value: &Value<'js>, name: &str) -> Result<Value<'js>> {
        self.function("member")?.call((value.clone(), name))
    }

    /// The size of a `Map`, and `[key, value]` for its first entries.
    pub(crate) fn map_entries(&self, map: &Object<'js>, most: usize) -> Result<(usize, Array<'js>)> {
        let size = self.function("mapSize")?.call((map.clone(),))?;
        Ok((size, self.function("mapEntries")?.call((map.clone(), most))?))
    }

    /// The size of a `Set`, and its first members.
    pub(crate) fn set_entries(&self, set: &Object<'js>, most: usize) -> Result<(usize, Array<'js>)> {
        let size = self.function("setSize")?.call((set.clone(),))?;
        Ok((size, self.function("setEntries")?.call((set.clone(), most))?))
    }

    /// The beginning of a string, of at most this many UTF-16 units, without a copy of the rest.
    pub(crate) fn head(&self, string: &JsString<'js>, most: usize) -> Result<String> {
        if class::length(string) <= most {
            return self.text(string);
        }
        self.text(&self.function("head")?.call::<_, JsString<'js>>((string.clone(), most))?)
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
