// How arguments become what an interface takes: https://webidl.spec.whatwg.org
({ use }) => {
  const {
    Number, TypeError, apply, bufferResizable, charCodeAt, dataBytes, dataOffset, dataViewed, defineProperty, iterator, ownKeys,
    viewBytes, viewOffset, viewed,
  } = use('builtins');
  const { bytes, isBuffer, kind } = use('buffer_source');
  const { MAX_SAFE_INTEGER } = Number;
  const { trunc } = Math;

  const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

  // Constants of an interface are on it and on its objects.
  const constants = (Class, values) => {
    const names = ownKeys(values);
    for (let index = 0; index < names.length; index++) {
      const descriptor = { __proto__: null, value: values[names[index]], enumerable: true };
      defineProperty(Class, names[index], descriptor);
      defineProperty(Class.prototype, names[index], descriptor);
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

  // Where the bytes of a view are.
  const viewParts = (view) => {
    return kind(view) === 'DataView'
      ? { buffer: dataViewed(view), byteOffset: dataOffset(view), byteLength: dataBytes(view) }
      : { buffer: viewed(view), byteOffset: viewOffset(view), byteLength: viewBytes(view) };
  };

  // The bytes of a buffer or a view, not copied; undefined of anything else.
  const bytesOf = (value) => (kind(value) === undefined && !isBuffer(value) ? undefined : bytes(value));

  // A buffer that a stream may take over.
  const takeable = (buffer, what) => {
    if (!isBuffer(buffer)) throw new TypeError(`${what} is shared`);
    if (bufferResizable(buffer)) throw new TypeError(`${what} is resizable`);
    return buffer;
  };

  return {
    byteString, bytesOf, clamp, constants, dictionary, enumeration, isObject, method, sequence, string, takeable,
    unsignedLongLong, viewParts,
  };
}
