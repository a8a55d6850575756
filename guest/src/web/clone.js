// structuredClone: https://html.spec.whatwg.org/multipage/structured-data.html
({ native, use }) => {
  const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect;
  const TypeError_ = TypeError;
  const Map_ = Map, Set_ = Set, Date_ = Date, Object_ = Object, Bytes = Uint8Array, Buffer = ArrayBuffer;
  const { iterator } = Symbol;
  const getter = (object, name) => getOwnPropertyDescriptor(object, name).get;
  const { get: mapGet, has: mapHas, set: mapSet, forEach: mapForEach } = Map.prototype;
  const { add: setAdd, has: setHas, forEach: setForEach } = Set.prototype;
  const { getTime } = Date.prototype, { transfer } = ArrayBuffer.prototype;
  const { valueOf: booleanOf } = Boolean.prototype, { valueOf: numberOf } = Number.prototype;
  const { valueOf: stringOf } = String.prototype, { valueOf: bigOf } = BigInt.prototype;
  const bufferBytes = getter(Buffer.prototype, 'byteLength'), resizable = getter(Buffer.prototype, 'resizable');
  const maxBytes = getter(Buffer.prototype, 'maxByteLength'), detached = getter(Buffer.prototype, 'detached');
  const view = getPrototypeOf(Bytes.prototype), { set: viewSet } = view, data = DataView.prototype;
  const viewed = getter(view, 'buffer'), viewOffset = getter(view, 'byteOffset'), viewLength = getter(view, 'length');
  const dataViewed = getter(data, 'buffer'), dataOffset = getter(data, 'byteOffset'), dataBytes = getter(data, 'byteLength');
  const errors = { __proto__: null, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  const views = { __proto__: null, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array,
    Uint32Array, BigInt64Array, BigUint64Array, Float16Array, Float32Array, Float64Array, DataView };
  const { need, natureOf } = use('idl'), plainPrototype = Object.prototype;

  const refuse = (message) => {
    const { DOMException } = use('dom_exception');
    throw new DOMException(message, 'DataCloneError');
  };
  const define = (object, key, value, enumerable) => {
    defineProperty(object, key, { __proto__: null, value, writable: true, enumerable, configurable: true });
  };
  // A list that is written to as it is, whatever scripts have made of arrays.
  const list = () => {
    const made = [];
    setPrototypeOf(made, null);
    return made;
  };
  // A property that an object has itself, and that no getter gives.
  const plain = (object, key) => {
    const property = getOwnPropertyDescriptor(object, key);
    return property && 'value' in property ? property : undefined;
  };

  const cloneOf = (root) => {
    // The clone of each object that was met.
    const known = new Map_();
    const keep = (object, copy) => {
      apply(mapSet, known, [object, copy]);
      return copy;
    };

    const members = (object, copy) => {
      const keys = ownKeys(object);
      for (let at = 0; at < keys.length; at++) {
        const key = keys[at];
        if (typeof key === 'string' && getOwnPropertyDescriptor(object, key)?.enumerable) {
          define(copy, key, clone(object[key]), true);
        }
      }
      return copy;
    };

    const buffer = (object) => {
      if (apply(detached, object, [])) refuse('An ArrayBuffer is detached and could not be cloned.');
      const length = apply(bufferBytes, object, []);
      const copy = apply(resizable, object, []) ?
        new Buffer(length, { maxByteLength: apply(maxBytes, object, []) }) : new Buffer(length);
      apply(viewSet, new Bytes(copy), [new Bytes(object)]);
      return keep(object, copy);
    };

    const error = (object) => {
      const { is, DOMException } = use('dom_exception');
      if (is(object)) {
        const copy = new DOMException(object.message, object.name);
        defineProperty(copy, 'stack', { __proto__: null, value: `${object.stack}`, writable: true, configurable: true });
        return keep(object, copy);
      }
      const name = object.name, Class = errors[`${name}`] ?? errors.Error, message = plain(object, 'message');
      const text = message && `${message.value}`, stack = object.stack;
      const copy = keep(object, native.error());
      native.inherit(copy, Class.prototype);
      if (message) define(copy, 'message', text, false);
      if (typeof stack === 'string') define(copy, 'stack', stack, false);
      const cause = plain(object, 'cause');
      if (cause) define(copy, 'cause', clone(cause.value), false);
      return copy;
    };

    const clone = (value) => {
      if (typeof value === 'symbol') refuse(`${native.symbol(value)} could not be cloned.`);
      if (value === null || typeof value !== 'object' && typeof value !== 'function') return value;
      if (apply(mapHas, known, [value])) return apply(mapGet, known, [value]);
      const kind = native.kind(value);
      switch (kind) {
        case 'Object': {
          const prototype = getPrototypeOf(value), nature = prototype && prototype !== plainPrototype && natureOf(value);
          if (!nature) return members(value, keep(value, {}));
          return nature.clone ? keep(value, nature.clone(value)) : refuse('An object of a web API could not be cloned.');
        }
        case 'Arguments': return members(value, keep(value, {}));
        case 'Array': {
          const copy = keep(value, []);
          copy.length = value.length;
          return members(value, copy);
        }
        case 'Boolean': return keep(value, Object_(apply(booleanOf, value, [])));
        case 'Number': return keep(value, Object_(apply(numberOf, value, [])));
        case 'String': return keep(value, Object_(apply(stringOf, value, [])));
        case 'BigInt': return keep(value, Object_(apply(bigOf, value, [])));
        case 'Date': return keep(value, new Date_(apply(getTime, value, [])));
        case 'RegExp': return keep(value, native.regexp(value));
        case 'Map': {
          const copy = keep(value, new Map_()), pairs = list();
          apply(mapForEach, value, [(value, key) => {
            pairs[pairs.length] = key;
            pairs[pairs.length] = value;
          }]);
          for (let at = 0; at < pairs.length; at += 2) apply(mapSet, copy, [clone(pairs[at]), clone(pairs[at + 1])]);
          return copy;
        }
        case 'Set': {
          const copy = keep(value, new Set_()), all = list();
          apply(setForEach, value, [(member) => { all[all.length] = member }]);
          for (let at = 0; at < all.length; at++) apply(setAdd, copy, [clone(all[at])]);
          return copy;
        }
        case 'ArrayBuffer': return buffer(value);
        case 'DataView': {
          let offset, length;
          try {
            length = apply(dataBytes, value, []);
            offset = apply(dataOffset, value, []);
          } catch {
            refuse('A DataView ends behind its buffer and could not be cloned.');
          }
          return keep(value, new views.DataView(clone(apply(dataViewed, value, [])), offset, length));
        }
        case 'Error': return error(value);
      }
      if (kind in views) {
        const shown = clone(apply(viewed, value, []));
        return keep(value, new views[kind](shown, apply(viewOffset, value, []), apply(viewLength, value, [])));
      }
      refuse(kind === '' ? 'A function could not be cloned.' : `#<${kind}> could not be cloned.`);
    };

    return clone(root);
  };

  return {
    structuredClone(value, options = undefined) {
      need(arguments, 1, 'structuredClone');
      if (options !== undefined && options !== null && typeof options !== 'object' && typeof options !== 'function') {
        throw new TypeError_('structuredClone: the options are no object');
      }
      const given = options?.transfer, buffers = list(), seen = new Set_();
      if (given !== undefined) {
        if (given === null || typeof given !== 'object' || typeof given[iterator] !== 'function') {
          throw new TypeError_('structuredClone: transfer is no sequence');
        }
        for (const buffer of given) {
          if (buffer === null || typeof buffer !== 'object') {
            throw new TypeError_('structuredClone: transfer has what is no object');
          }
          if (native.kind(buffer) !== 'ArrayBuffer') refuse('Found invalid object in transferList');
          if (apply(setHas, seen, [buffer])) refuse('An ArrayBuffer is to be transferred twice');
          if (apply(detached, buffer, [])) refuse('An ArrayBuffer is detached and could not be transferred.');
          apply(setAdd, seen, [buffer]);
          buffers[buffers.length] = buffer;
        }
      }
      // What is transferred is copied, and then taken from its owner: so it stays there where the clone fails.
      const copy = cloneOf(value);
      for (let at = 0; at < buffers.length; at++) {
        if (apply(detached, buffers[at], [])) refuse('An ArrayBuffer is detached and could not be transferred.');
        apply(transfer, buffers[at], [0]);
      }
      return copy;
    },
  };
}
