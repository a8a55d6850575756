// Headers: https://fetch.spec.whatwg.org/#headers-class
({ use }) => {
  const {
    Map, TypeError, charCodeAt, join, lowerCase, mapDelete, mapForEach, mapGet, mapHas, mapSet, ownKeys,
    getOwnPropertyDescriptor, sort,
  } = use('builtins');
  const { byteString, isObject, sequence } = use('conversions');
  const { expose, iterable, need } = use('idl');
  const { isToken, trim } = use('mime_type');

  const token = {};
  let headersOf, isHeaders;

  class Headers {
    // Values by name in small letters, in the order of their coming.
    #headers;
    static {
      headersOf = (value) => {
        if (!isObject(value) || !(#headers in value)) throw new TypeError('this is not a Headers');
        return value.#headers;
      };
      isHeaders = (value) => #headers in value;
    }
    constructor(init = undefined) {
      this.#headers = { values: new Map(), sorted: undefined, isImmutable: false };
      if (init !== token && init !== undefined) fill(this, init);
    }
    append(name, value) {
      const headers = headersOf(this);
      need(arguments, 2, 'append');
      append(headers, nameOf(name), valueOf(value));
    }
    delete(name) {
      const headers = headersOf(this);
      need(arguments, 1, 'delete');
      const key = nameOf(name);
      change(headers);
      mapDelete(headers.values, key);
    }
    get(name) {
      const headers = headersOf(this);
      need(arguments, 1, 'get');
      return get(headers, nameOf(name));
    }
    getSetCookie() {
      const values = mapGet(headersOf(this).values, 'set-cookie') ?? [];
      const copy = [];
      for (let index = 0; index < values.length; index++) copy[index] = values[index];
      return copy;
    }
    has(name) {
      const headers = headersOf(this);
      need(arguments, 1, 'has');
      return mapHas(headers.values, nameOf(name));
    }
    set(name, value) {
      const headers = headersOf(this);
      need(arguments, 2, 'set');
      const key = nameOf(name), text = valueOf(value);
      change(headers);
      mapSet(headers.values, key, [text]);
    }
  }

  const nameOf = (name) => {
    const text = byteString(name, "a header's name");
    if (!isToken(text)) throw new TypeError(`'${text}' is not the name of a header`);
    return lowerCase(text);
  };
  const valueOf = (value) => {
    const text = trim(byteString(value, "a header's value"));
    for (let index = 0; index < text.length; index++) {
      const unit = charCodeAt(text, index);
      if (unit === 0 || unit === 10 || unit === 13) throw new TypeError("a header's value has a line end or a zero in it");
    }
    return text;
  };
  const change = (headers) => {
    if (headers.isImmutable) throw new TypeError('these headers cannot be changed');
    headers.sorted = undefined;
  };
  const append = (headers, name, value) => {
    change(headers);
    const values = mapGet(headers.values, name);
    if (values) values[values.length] = value;
    else mapSet(headers.values, name, [value]);
  };
  const get = (headers, name) => {
    const values = mapGet(headers.values, name);
    return values ? join(values, ', ') : null;
  };
  const fill = (face, init) => {
    if (!isObject(init)) throw new TypeError('headers are made from pairs or from an object');
    const headers = headersOf(face);
    const put = (name, value) => append(headers, nameOf(name), valueOf(value));
    const pairs = sequence(init, (pair) => sequence(pair, (text) => text) ?? []);
    if (pairs) {
      for (let index = 0; index < pairs.length; index++) {
        if (pairs[index].length !== 2) throw new TypeError('a header is a pair of a name and a value');
        put(pairs[index][0], pairs[index][1]);
      }
      return;
    }
    const names = ownKeys(init);
    const record = [];
    for (let index = 0; index < names.length; index++) {
      if (!getOwnPropertyDescriptor(init, names[index])?.enumerable) continue;
      record[record.length] = [byteString(names[index], "a header's name"), byteString(init[names[index]], "a header's value")];
    }
    for (let index = 0; index < record.length; index++) put(record[index][0], record[index][1]);
  };
  // Names and values by turns, in the order of the names. Cookies that are set do not become one header.
  const sorted = (headers) => {
    if (headers.sorted) return headers.sorted;
    const names = [], flat = [];
    mapForEach(headers.values, (values, name) => { names[names.length] = name });
    sort(names);
    const put = (name, value) => {
      flat[flat.length] = name;
      flat[flat.length] = value;
    };
    for (let index = 0; index < names.length; index++) {
      const name = names[index], values = mapGet(headers.values, name);
      if (name !== 'set-cookie') put(name, join(values, ', '));
      else for (let index = 0; index < values.length; index++) put(name, values[index]);
    }
    return (headers.sorted = flat);
  };
  iterable(Headers, (face) => sorted(headersOf(face)));
  expose(Headers, isHeaders, (face) => {
    const shown = { __proto__: null };
    mapForEach(headersOf(face).values, (values, name) => { shown[name] = join(values, ', ') });
    return shown;
  });

  return {
    Headers, fill,
    // For the other files; names are in small letters.
    newHeaders: () => new Headers(token),
    append: (face, name, value) => append(headersOf(face), name, value),
    freeze: (face) => {
      headersOf(face).isImmutable = true;
      return face;
    },
    isFrozen: (face) => headersOf(face).isImmutable,
    get: (face, name) => get(headersOf(face), name),
    pairs: (face) => {
      const flat = sorted(headersOf(face)), pairs = [];
      for (let index = 0; index < flat.length; index += 2) pairs[pairs.length] = [flat[index], flat[index + 1]];
      return pairs;
    },
    copy: (face) => {
      const flat = sorted(headersOf(face)), copy = new Headers(token);
      for (let index = 0; index < flat.length; index += 2) append(headersOf(copy), flat[index], flat[index + 1]);
      return copy;
    },
  };
}
