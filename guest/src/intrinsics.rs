//! The built-in functions that the engine itself calls, taken before any script could replace them.

use std::rc::Rc;

use rquickjs::{Array, Ctx, Function, Object, Persistent, Result, String as JsString, Value, context::EvalOptions};

use crate::{
    class::{self, Class, Classes},
    handles::Handles,
    objects::Objects,
    raw::Text,
};

/// Returns the functions by name. Nothing in it looks anything up on an object that a script can reach.
const PRELUDE: &str = r"
(() => {
  const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
  const getter = (object, name) => getOwnPropertyDescriptor(object, name).get;
  const BigInt_ = BigInt, Bytes_ = Uint8Array, Date_ = Date, Map_ = Map, Object_ = Object, RegExp_ = RegExp, Set_ = Set;
  const Number_ = Number, { parseFloat, parseInt } = Number, { stringify } = JSON;
  const { isArray } = Array;
  const { toString: toHex, valueOf: bigOf } = BigInt.prototype;
  const { valueOf: booleanOf } = Boolean.prototype, { valueOf: numberOf } = Number.prototype;
  const { getTime, toISOString } = Date.prototype, { now } = Date, { captureStackTrace } = Error;
  const { toString: functionSource } = Function.prototype;
  const { toString: regexpSource } = RegExp.prototype;
  const { toString: symbolName, valueOf: symbolOf } = Symbol.prototype;
  const { slice, valueOf: stringOf } = String.prototype;
  const { entries: mapIterator, forEach: mapForEach, set: mapSet } = Map.prototype;
  const { values: setIterator, forEach: setForEach, add: setAdd } = Set.prototype;
  const mapNext = getPrototypeOf(new Map().entries()).next, setNext = getPrototypeOf(new Set().values()).next;
  const mapSize = getter(Map.prototype, 'size'), setSize = getter(Set.prototype, 'size');
  const view = getPrototypeOf(Bytes_.prototype), resizable = getter(ArrayBuffer.prototype, 'resizable');
  const viewed = getter(view, 'buffer'), viewOffset = getter(view, 'byteOffset'), viewLength = getter(view, 'length');
  const viewBytes = getter(view, 'byteLength'), { keys: viewKeys } = view;
  const data = DataView.prototype;
  const dataViewed = getter(data, 'buffer'), dataOffset = getter(data, 'byteOffset');
  const dataBytes = getter(data, 'byteLength');
  const views = { __proto__: null, Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
    BigInt64Array, BigUint64Array, Float16Array, Float32Array, Float64Array, DataView };
  const flags = ['hasIndices', 'global', 'ignoreCase', 'multiline', 'dotAll', 'unicode', 'unicodeSets', 'sticky']
    .map((name) => getter(RegExp.prototype, name));
  const letters = ['d', 'g', 'i', 'm', 's', 'u', 'v', 'y'], regexpPattern = getter(RegExp.prototype, 'source');
  const errors = { __proto__: null };
  for (const name of ['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError',
    'InternalError', 'AggregateError']) errors[name] = globalThis[name].prototype;
  const { defineProperty: define, hasOwn, setPrototypeOf } = Object;
  const WeakRef_ = WeakRef, { deref } = WeakRef.prototype, { toStringTag } = Symbol, TypeError_ = TypeError;
  let shown;
  const marks = new WeakMap(), { get: markGet, set: markSet } = WeakMap.prototype;
  const take = (iterator, next, most) => {
    const taken = [];
    for (let index = 0; index < most; index++) {
      const step = apply(next, iterator, []);
      if (step.done) break;
      define(taken, index, { __proto__: null, value: step.value });
    }
    return taken;
  };
  const window = (view) => {
    try {
      apply(viewKeys, view, []);
    } catch {
      return; // Its buffer is detached, or ends before it.
    }
    return new Bytes_(apply(viewed, view, []), apply(viewOffset, view, []), apply(viewBytes, view, []));
  };
  const stackHere = () => {
    const holder = { __proto__: null };
    captureStackTrace(holder, stackHere);
    return holder.stack;
  };
  return {
    isList: (value) => isArray(value),
    member: (value, name) => value[name],
    setShown: (given) => { shown = given },
    shown: (object) => shown && shown(object),
    hex: (big) => apply(toHex, big, [16]),
    big: (hex, negative) => negative ? -1n - BigInt_(hex) : BigInt_(hex),
    time: (date) => apply(getTime, date, []),
    date: (time) => new Date_(time),
    now: () => now(),
    stackHere,
    iso: (date) => apply(toISOString, date, []),
    functionSource: (called) => apply(functionSource, called, []),
    number: (value, kind) => kind === 'd' ? Number_(value) : kind === 'i' ? parseInt(value) : parseFloat(value),
    json: (value) => stringify(value),
    length: (list) => +list.length,
    viewLength: (view) => apply(viewLength, view, []),
    steady: (bytes) => {
      const buffer = apply(viewed, bytes, []), length = apply(viewLength, bytes, []);
      if (!length) return window(bytes);
      try {
        if (apply(resizable, buffer, [])) return new Bytes_(buffer, apply(viewOffset, bytes, []), length);
      } catch {
        // A shared buffer: it does not shrink.
      }
      return bytes;
    },
    regexp: (regexp) => apply(regexpSource, regexp, []),
    symbol: (symbol) => apply(symbolName, symbol, []),
    head: (text, most) => apply(slice, text, [0, most]),
    owns: (object, name) => hasOwn(object, name),
    window,
    dataWindow: (view) => {
      let bytes;
      try {
        bytes = apply(dataBytes, view, []);
      } catch {
        return;
      }
      return new Bytes_(apply(dataViewed, view, []), apply(dataOffset, view, []), bytes);
    },
    view: (name, buffer) => new views[name](buffer),
    regexpParts: (regexp) => {
      let text = '';
      for (let index = 0; index < 8; index++) if (apply(flags[index], regexp, [])) text += letters[index];
      return text + '/' + apply(regexpPattern, regexp, []);
    },
    newRegexp: (source, flags) => new RegExp_(source, flags),
    boxed: (value) => Object_(value),
    unboxBoolean: (object) => apply(booleanOf, object, []),
    unboxNumber: (object) => apply(numberOf, object, []),
    unboxString: (object) => apply(stringOf, object, []),
    unboxBigInt: (object) => apply(bigOf, object, []),
    unboxSymbol: (object) => apply(symbolOf, object, []),
    inheritName: (error, name) => {
      const prototype = errors[name];
      if (prototype) setPrototypeOf(error, prototype);
      return !!prototype;
    },
    newMap: () => new Map_(),
    newSet: () => new Set_(),
    mapSet: (map, key, value) => { apply(mapSet, map, [key, value]) },
    setAdd: (set, member) => { apply(setAdd, set, [member]) },
    mapContent: (map) => {
      const content = setPrototypeOf([], null);
      let length = 0;
      apply(mapForEach, map, [(value, key) => { content[length++] = key; content[length++] = value }]);
      return content;
    },
    setContent: (set) => {
      const content = setPrototypeOf([], null);
      let length = 0;
      apply(setForEach, set, [(member) => { content[length++] = member }]);
      return content;
    },
    mapSize: (map) => apply(mapSize, map, []),
    mapEntries: (map, most) => take(apply(mapIterator, map, []), mapNext, most),
    setSize: (set) => apply(setSize, set, []),
    mark: (error, id) => { apply(markSet, marks, [error, id]) },
    markOf: (error) => apply(markGet, marks, [error]),
    weak: (object) => new WeakRef_(object),
    deref: (weak) => apply(deref, weak, []),
    hostPrototype: (name) => {
      const { prototype } = class { constructor() { throw new TypeError_(`a ${name} is made by the host only`) } };
      define(prototype.constructor, 'name', { __proto__: null, value: name, configurable: true });
      define(prototype, toStringTag, { __proto__: null, value: name, configurable: true });
      return prototype;
    },
    accessor: (prototype, name, half, called) => {
      define(prototype, name, { __proto__: null, [half]: called, enumerable: true, configurable: true });
    },
    lazy: (object, name, accessor) => {
      define(object, name, { __proto__: null, get: accessor, set: accessor, configurable: true });
    },
    ready: (object, name, accessor, value) => {
      if (getOwnPropertyDescriptor(object, name)?.get !== accessor) return;
      defineProperty(object, name, { __proto__: null, value, writable: true, configurable: true });
    },
    setEntries: (set, most) => take(apply(setIterator, set, []), setNext, most),
  };
})()";

/// The functions of [`PRELUDE`], the built-in classes, and what else values on their way in and out need.
pub(crate) struct Intrinsics {
    prelude: Persistent<Object<'static>>,
    pub(crate) classes: Classes,
    pub(crate) handles: Rc<Handles>,
    pub(crate) objects: Objects,
    interrupted: Interrupted,
}

/// Asks whether the running call is to stop. Once it is, the answer stays.
pub(crate) type Interrupted = Rc<dyn Fn() -> bool>;

impl Intrinsics {
    pub(crate) fn take(ctx: &Ctx<'_>, interrupted: &Interrupted, handles: Rc<Handles>) -> Result<Intrinsics> {
        let mut options = EvalOptions::default();
        // Shown where one of these functions throws: Array.isArray does, of a revoked proxy.
        options.filename = Some("<engine>".to_owned());
        let prelude: Object<'_> = ctx.eval_with_options(PRELUDE, options)?;
        Ok(Intrinsics {
            prelude: Persistent::save(ctx, prelude),
            classes: Classes::sample(ctx)?,
            handles,
            objects: Objects::default(),
            interrupted: Rc::clone(interrupted),
        })
    }

    pub(crate) fn bind<'a, 'js>(&'a self, ctx: &Ctx<'js>) -> Bound<'a, 'js> {
        let Intrinsics { prelude, classes, handles, objects, interrupted } = self;
        Bound { ctx: ctx.clone(), prelude, classes, handles, objects, interrupted: &**interrupted }
    }
}

/// [`Intrinsics`] within a context that is being used.
pub(crate) struct Bound<'a, 'js> {
    ctx: Ctx<'js>,
    /// Not touched before it is needed, which would give an instance a page of its own.
    prelude: &'a Persistent<Object<'static>>,
    pub(crate) classes: &'a Classes,
    pub(crate) handles: &'a Handles,
    pub(crate) objects: &'a Objects,
    interrupted: &'a dyn Fn() -> bool,
}

impl<'js> Bound<'_, 'js> {
    /// The context that these are bound to.
    pub(crate) fn ctx(&self) -> &Ctx<'js> {
        &self.ctx
    }

    /// Whether the running call is to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        (self.interrupted)()
    }

    /// Reads what a script has a hand in. Where it throws there is nothing, and the exception is gone; that may have been
    /// the one that no script can catch, so nothing more is read once the call is to stop.
    pub(crate) fn attempt<T>(&self, read: impl FnOnce() -> Result<T>) -> Option<T> {
        if self.is_stopped() {
            return None;
        }
        let result = read();
        if result.is_err() {
            self.ctx().catch();
        }
        result.ok()
    }

    fn function(&self, name: &str) -> Result<Function<'js>> {
        self.prelude.clone().restore(&self.ctx)?.get(name)
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

    /// Milliseconds since 1970, as `Date` tells them.
    pub(crate) fn now(&self) -> Result<f64> {
        self.function("now")?.call(())
    }

    /// The stack of the script that called. It has a say in how that looks (`Error.prepareStackTrace`), so it may be
    /// anything.
    pub(crate) fn stack_here(&self) -> Result<Value<'js>> {
        self.function("stackHere")?.call(())
    }

    /// A `WeakRef` to an object.
    pub(crate) fn weak(&self, object: &Object<'js>) -> Result<Object<'js>> {
        self.function("weak")?.call((object.clone(),))
    }

    /// What a `WeakRef` refers to: `undefined` where that is gone.
    pub(crate) fn deref(&self, weak: Object<'js>) -> Result<Value<'js>> {
        self.function("deref")?.call((weak,))
    }

    /// A prototype for objects of a class of the host, with a constructor that makes none.
    pub(crate) fn host_prototype(&self, name: &str) -> Result<Object<'js>> {
        self.function("hostPrototype")?.call((name,))
    }

    /// Defines half of a property, `get` or `set`.
    pub(crate) fn accessor(&self, prototype: &Object<'js>, name: &str, half: &str, called: Value<'js>) -> Result<()> {
        self.function("accessor")?.call((prototype.clone(), name, half, called))
    }

    /// Defines a property that this function reads, called with nothing, and writes, called with a value.
    pub(crate) fn lazy(&self, object: &Object<'js>, name: &str, accessor: Function<'js>) -> Result<()> {
        self.function("lazy")?.call((object.clone(), name, accessor))
    }

    /// Gives a value to a lazy property, where it still is one and may be changed.
    pub(crate) fn ready(
        &self,
        object: &Object<'js>,
        name: &str,
        accessor: Function<'js>,
        value: Value<'js>,
    ) -> Result<()> {
        self.function("ready")?.call((object.clone(), name, accessor, value))
    }

    /// A valid `Date` as ISO 8601.
    pub(crate) fn iso(&self, date: &Object<'js>) -> Result<String> {
        self.function("iso")?.call((date.clone(),))
    }

    /// A primitive value, but no symbol and no BigInt, as the number that the placeholder `%d`, `%i` or `%f` makes of it.
    pub(crate) fn number(&self, primitive: &Value<'js>, placeholder: char) -> Result<f64> {
        self.function("number")?.call((primitive.clone(), placeholder))
    }

    /// A value as JSON, where it has such a form. Getters and methods of it may run.
    pub(crate) fn json(&self, value: &Value<'js>) -> Result<Option<JsString<'js>>> {
        self.function("json")?.call((value.clone(),))
    }

    /// The length of a list. A proxy may give what is no number, or run a script to make one.
    pub(crate) fn length(&self, list: &Object<'js>) -> Result<usize> {
        let length: f64 =
            if list.is_proxy() { self.function("length")?.call((list.clone(),))? } else { list.get("length")? };
        Ok(length as usize)
    }

    /// How many elements a typed array has: none where its buffer is detached, or ends before it.
    pub(crate) fn view_length(&self, view: &Object<'js>) -> Result<usize> {
        self.function("viewLength")?.call((view.clone(),))
    }

    /// A view of the same bytes that does not follow the length of its buffer: QuickJS tells the length that a view
    /// was made with. `None` where the buffer is detached or ends before them.
    pub(crate) fn steady(&self, bytes: &Object<'js>) -> Result<Option<Object<'js>>> {
        self.function("steady")?.call((bytes.clone(),))
    }

    /// A `RegExp` as its literal.
    pub(crate) fn regexp(&self, regexp: &Object<'js>) -> Result<JsString<'js>> {
        self.function("regexp")?.call((regexp.clone(),))
    }

    /// A function's source text.
    pub(crate) fn function_source(&self, function: &Function<'js>) -> Result<JsString<'js>> {
        self.function("functionSource")?.call((function.clone(),))
    }

    /// A symbol as `Symbol(description)`.
    pub(crate) fn symbol(&self, symbol: &Value<'js>) -> Result<JsString<'js>> {
        self.function("symbol")?.call((symbol.clone(),))
    }

    /// Whether an object is a list: an array, or a proxy of one.
    pub(crate) fn is_list(&self, object: &Object<'js>) -> Result<bool> {
        if object.is_proxy() { self.function("isList")?.call((object.clone(),)) } else { Ok(object.is_array()) }
    }

    /// Has a function say what of an object is to be shown beside its properties.
    pub(crate) fn set_shown(&self, shown: Function<'js>) -> Result<()> {
        self.function("setShown")?.call((shown,))
    }

    /// What is to be shown of an object of a web API: an object, or a list of pairs.
    pub(crate) fn shown(&self, object: &Object<'js>) -> Result<Option<Object<'js>>> {
        self.function("shown")?.call((object.clone(),))
    }

    /// A property of any value, primitive ones included.
    pub(crate) fn member(&self, value: &Value<'js>, name: &str) -> Result<Value<'js>> {
        self.function("member")?.call((value.clone(), name))
    }

    /// Whether an object has a property of its own.
    pub(crate) fn has_own(&self, object: &Object<'js>, name: &str) -> Result<bool> {
        self.function("owns")?.call((object.clone(), name))
    }

    /// The bytes that a typed array or a `DataView` shows, of a length that does not follow its buffer's; `None` where
    /// the buffer is detached or ends before them.
    pub(crate) fn window(&self, view: &Object<'js>) -> Result<Option<Object<'js>>> {
        let data = Class::of(view) == self.classes.data_view;
        self.function(if data { "dataWindow" } else { "window" })?.call((view.clone(),))
    }

    /// A view of this class over all of a buffer.
    pub(crate) fn view(&self, class: &str, buffer: Value<'js>) -> Result<Value<'js>> {
        self.function("view")?.call((class, buffer))
    }

    /// A `RegExp` as its flags, a slash and its source.
    pub(crate) fn regexp_parts(&self, regexp: &Object<'js>) -> Result<JsString<'js>> {
        self.function("regexpParts")?.call((regexp.clone(),))
    }

    /// The `RegExp` of a source and flags.
    pub(crate) fn new_regexp(&self, source: &str, flags: &str) -> Result<Value<'js>> {
        self.function("newRegexp")?.call((source, flags))
    }

    /// A primitive value as an object.
    pub(crate) fn boxed(&self, primitive: Value<'js>) -> Result<Value<'js>> {
        self.function("boxed")?.call((primitive,))
    }

    /// The primitive value that an object holds, by the function for its class.
    pub(crate) fn unbox(&self, function: &str, object: &Object<'js>) -> Result<Value<'js>> {
        self.function(function)?.call((object.clone(),))
    }

    /// Gives an error the prototype of the class with this name; false where there is no such class.
    pub(crate) fn inherit_name(&self, error: &Object<'js>, name: &str) -> Result<bool> {
        self.function("inheritName")?.call((error.clone(), name))
    }

    /// Notes that an error is the host's, with what the host knows it by.
    pub(crate) fn mark(&self, error: &Value<'js>, id: u64) -> Result<()> {
        self.function("mark")?.call((error.clone(), id as f64))
    }

    /// What the host knows an error by, where it is the host's.
    pub(crate) fn mark_of(&self, error: &Object<'js>) -> Result<Option<u64>> {
        Ok(self.function("markOf")?.call::<_, Option<f64>>((error.clone(),))?.map(|id| id as u64))
    }

    /// An empty `Map`.
    pub(crate) fn new_map(&self) -> Result<Value<'js>> {
        self.function("newMap")?.call(())
    }

    /// An empty `Set`.
    pub(crate) fn new_set(&self) -> Result<Value<'js>> {
        self.function("newSet")?.call(())
    }

    /// The function that puts a key and a value into a `Map`, its first argument.
    pub(crate) fn map_set(&self) -> Result<Function<'js>> {
        self.function("mapSet")
    }

    /// The function that puts a member into a `Set`, its first argument.
    pub(crate) fn set_add(&self) -> Result<Function<'js>> {
        self.function("setAdd")
    }

    /// The size of a `Map`.
    pub(crate) fn map_size(&self, map: &Object<'js>) -> Result<usize> {
        self.function("mapSize")?.call((map.clone(),))
    }

    /// The keys and values of a `Map`, each key before its value.
    pub(crate) fn map_content(&self, map: &Object<'js>) -> Result<Array<'js>> {
        self.function("mapContent")?.call((map.clone(),))
    }

    /// The size of a `Set`.
    pub(crate) fn set_size(&self, set: &Object<'js>) -> Result<usize> {
        self.function("setSize")?.call((set.clone(),))
    }

    /// The members of a `Set`.
    pub(crate) fn set_content(&self, set: &Object<'js>) -> Result<Array<'js>> {
        self.function("setContent")?.call((set.clone(),))
    }

    /// The size of a `Map`, and `[key, value]` for its first entries.
    pub(crate) fn map_entries(&self, map: &Object<'js>, most: usize) -> Result<(usize, Array<'js>)> {
        Ok((self.map_size(map)?, self.function("mapEntries")?.call((map.clone(), most))?))
    }

    /// The size of a `Set`, and its first members.
    pub(crate) fn set_entries(&self, set: &Object<'js>, most: usize) -> Result<(usize, Array<'js>)> {
        Ok((self.set_size(set)?, self.function("setEntries")?.call((set.clone(), most))?))
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
        Text::of(string).map(|text| text.to_utf8())
    }
}
