// How arguments become what an interface takes, and how a class becomes an interface: what is needed of
// https://webidl.spec.whatwg.org
({ use }) => {
  const {
    Number, TypeError, Uint8Array, apply, bufferLength, bufferResizable, charCodeAt, dataBytes, dataOffset, dataViewed,
    defineProperty, getPrototypeOf, isView, iterator, ownKeys, setPrototypeOf, toStringTag, viewBytes, viewOffset, viewTag,
    viewed, wellFormed,
  } = use('builtins');
  const { MAX_SAFE_INTEGER } = Number;
  const { trunc } = Math;

  const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

  // Members of interfaces are enumerable, and their objects have a tag.
  const expose = (Class) => {
    const { name, prototype } = Class;
    const enumerate = (object, hidden) => {
      const keys = ownKeys(object);
      for (let index = 0; index < keys.length; index++) {
        const key = keys[index];
        if (typeof key === 'string' && !hidden[key]) defineProperty(object, key, { __proto__: null, enumerable: true });
      }
    };
    enumerate(prototype, { __proto__: null, constructor: true });
    enumerate(Class, { __proto__: null, length: true, name: true, prototype: true });
    defineProperty(prototype, toStringTag, { __proto__: null, value: name, configurable: true });
    return Class;
  };

  // Constants of an interface are on it and on its objects.
  const constants = (Class, values) => {
    const names = ownKeys(values);
    for (let index = 0; index < names.length; index++) {
      const descriptor = { __proto__: null, value: values[names[index]], enumerable: true };
      defineProperty(Class, names[index], descriptor);
      defineProperty(Class.prototype, names[index], descriptor);
    }
  };

  const need = (given, least, what) => {
    if (given < least) {
      throw new TypeError(`${what} needs ${least} argument${least === 1 ? '' : 's'}, and has ${given}`);
    }
  };

  const dictionary = (value, what) => {
    if (value === undefined || value === null) return { __proto__: null };
    if (!isObject(value)) throw new TypeError(`${what} is not an object`);
    return value;
  };

  // A member of a dictionary that is a function, or undefined.
  const method = (object, name, what) => {
    const value = object[name];
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${what}.${name} is not a function`);
    return value;
  };

  const string = (value) => `${value}`;
  const usvString = (value) => wellFormed(`${value}`);
  const byteString = (value, what) => {
    const text = `${value}`;
    for (let index = 0; index < text.length; index++) {
      if (charCodeAt(text, index) > 255) throw new TypeError(`${what} has a character above U+00FF at index ${index}`);
    }
    return text;
  };

  const enumeration = (value, values, what) => {
    const text = `${value}`;
    if (!values[text]) throw new TypeError(`${what} cannot be '${text}'`);
    return text;
  };

  // An integer from 0 up; what is none is refused.
  const unsignedLongLong = (value, what) => {
    const number = trunc(+value);
    if (!(number >= 0 && number <= MAX_SAFE_INTEGER)) throw new TypeError(`${what} is not an integer from 0 up`);
    return number + 0;
  };

  // An integer, and what is out of range becomes the nearest one.
  const clamp = (value) => {
    const number = +value;
    if (number !== number) return 0;
    const whole = trunc(number);
    return whole > MAX_SAFE_INTEGER ? MAX_SAFE_INTEGER : whole < -MAX_SAFE_INTEGER ? -MAX_SAFE_INTEGER : whole + 0;
  };

  // What an iterable object gives, each as `convert` makes it; undefined where it is none.
  const sequence = (value, convert) => {
    if (!isObject(value)) return;
    const values = value[iterator];
    if (values === undefined || values === null) return;
    const list = [];
    // The method is called once and found once, as Web IDL says.
    for (const item of { __proto__: null, [iterator]: () => apply(values, value, []) }) {
      list[list.length] = convert(item);
    }
    return list;
  };

  // The name of a typed array's class, 'DataView', or undefined.
  const viewName = (value) => (isView(value) ? viewTag(value) ?? 'DataView' : undefined);

  // Where the bytes of a view are.
  const viewParts = (view) => {
    const isData = viewName(view) === 'DataView';
    return isData
      ? { buffer: dataViewed(view), byteOffset: dataOffset(view), byteLength: dataBytes(view) }
      : { buffer: viewed(view), byteOffset: viewOffset(view), byteLength: viewBytes(view) };
  };

  const isArrayBuffer = (value) => {
    if (!isObject(value)) return false;
    try {
      bufferLength(value);
      return true;
    } catch {
      return false;
    }
  };

  // The bytes of a buffer or a view, not copied; undefined of anything else.
  const bytesOf = (value) => {
    if (isView(value)) {
      const { buffer, byteOffset, byteLength } = viewParts(value);
      return new Uint8Array(buffer, byteOffset, byteLength);
    }
    if (isArrayBuffer(value)) return new Uint8Array(value);
  };

  // A buffer that a stream may take over.
  const takeable = (buffer, what) => {
    if (!isArrayBuffer(buffer)) throw new TypeError(`${what} is shared`);
    if (bufferResizable(buffer)) throw new TypeError(`${what} is resizable`);
    return buffer;
  };

  // Gives a class the methods of a list of pairs: `pairAt(object, index)` is a pair, or undefined behind the last one. Its
  // iterators see what is added while they run.
  const iteratorPrototype = getPrototypeOf(getPrototypeOf([][iterator]()));
  const pairIterable = (Class, pairAt) => {
    class Given {
      constructor(object) { return object }
    }
    class Iteration extends Given {
      #object;
      #index = 0;
      #pick;
      constructor(iterator, object, pick) {
        super(iterator);
        this.#object = object;
        this.#pick = pick;
      }
      static next(iterator) {
        if (!isObject(iterator) || !(#object in iterator)) throw new TypeError(`this is not an iterator of ${Class.name}`);
        const pair = pairAt(iterator.#object, iterator.#index);
        if (!pair) return { value: undefined, done: true };
        iterator.#index++;
        const pick = iterator.#pick;
        return { value: pick === undefined ? [pair[0], pair[1]] : pair[pick], done: false };
      }
    }
    const steps = { next() { return Iteration.next(this) } };
    defineProperty(steps, toStringTag, { __proto__: null, value: `${Class.name} Iterator`, configurable: true });
    setPrototypeOf(steps, iteratorPrototype);
    const iterate = (object, pick) => {
      // Refuses what is no object of the class.
      pairAt(object, 0);
      const made = { __proto__: steps };
      return new Iteration(made, object, pick);
    };
    const methods = {
      entries() { return iterate(this) },
      keys() { return iterate(this, 0) },
      values() { return iterate(this, 1) },
      forEach(callback, self = undefined) {
        pairAt(this, 0);
        need(arguments.length, 1, 'forEach');
        if (typeof callback !== 'function') throw new TypeError("forEach's argument is not a function");
        for (let index = 0, pair; (pair = pairAt(this, index)); index++) apply(callback, self, [pair[1], pair[0], this]);
      },
    };
    const names = ownKeys(methods);
    for (let index = 0; index < names.length; index++) {
      const descriptor = { __proto__: null, value: methods[names[index]], writable: true, configurable: true };
      defineProperty(Class.prototype, names[index], descriptor);
      if (names[index] === 'entries') defineProperty(Class.prototype, iterator, descriptor);
    }
  };

  return {
    byteString, bytesOf, clamp, constants, dictionary, enumeration, expose, isObject, method, need, pairIterable,
    sequence, string, takeable, unsignedLongLong, usvString, viewName, viewParts,
  };
}
