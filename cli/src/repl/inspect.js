// An async function that gives a value as the REPL of Node shows it, and makes it `_`.
//
// It is made before anything else runs in a context, and takes what it calls from there, as scripts may change every global later.
// So lists have no prototype, nothing is iterated or destructured as a list, and there are no templates, for which QuickJS calls
// `String.prototype.concat`. Getters are not run. The traps of a proxy are, in the time of a call, and so is what an object has to say of
// how it is shown, as Node asks for it: https://nodejs.org/api/util.html#custom-inspection-functions-on-objects
(() => {
  'use strict';
  const DEPTH = 2; // Objects within more others than these are not shown.
  const WIDTH = 80;
  const LEVELS = 3; // What has fewer levels in it may share a line.
  const COLUMNS = 15;
  const ELEMENTS = 100; // Of a list or a collection.
  const PROPERTIES = 1000;
  const CHARACTERS = 10000; // Of a string.
  const TEXT = 200000; // Characters beyond which nothing more is shown.
  const KEYS = 10000; // Elements of a list beyond which its other properties are not looked for.
  const PROTOTYPES = 1000;
  const ROUNDS = 3; // How deep in one another promises are looked into.

  const world = globalThis;
  const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const { is, setPrototypeOf } = Object, { isArray } = Array, { isError } = Error;
  const { max, min, round, floor, sqrt } = Math;
  const { toStringTag } = Symbol, customInspect = Symbol.for('nodejs.util.inspect.custom'), Bytes = Uint8Array;
  const method = (called) => (self, ...rest) => apply(called, self, rest);
  const getter = (object, name) => method(getOwnPropertyDescriptor(object, name).get);
  const text = String.prototype;
  const slice = method(text.slice), codeAt = method(text.charCodeAt), indexOf = method(text.indexOf);
  const padStart = method(text.padStart), padEnd = method(text.padEnd), repeat = method(text.repeat);
  const hex = method(Number.prototype.toString), sourceOf = method(Function.prototype.toString);
  const describe = method(Symbol.prototype.toString), isPrototypeOf = method(Object.prototype.isPrototypeOf);
  const time = method(Date.prototype.getTime), iso = method(Date.prototype.toISOString);
  const stackOf = getter(Error.prototype, 'stack'), patternOf = getter(RegExp.prototype, 'source');
  const flag = (name, index) => ({ __proto__: null, letter: 'dgimsuvy'[index], isSet: getter(RegExp.prototype, name) });
  const flagNames = ['hasIndices', 'global', 'ignoreCase', 'multiline', 'dotAll', 'unicode', 'unicodeSets', 'sticky'];
  const flags = setPrototypeOf(flagNames.map(flag), null);
  const mapSize = getter(Map.prototype, 'size'), setSize = getter(Set.prototype, 'size');
  const entries = method(Map.prototype.entries), nextEntry = method(new Map().entries().next);
  const values = method(Set.prototype.values), nextValue = method(new Set().values().next);
  const weakMapHas = method(WeakMap.prototype.has), weakSetHas = method(WeakSet.prototype.has);
  const bytesOf = getter(ArrayBuffer.prototype, 'byteLength');
  const sharedBytesOf = getter(SharedArrayBuffer.prototype, 'byteLength');
  const typed = getPrototypeOf(Bytes.prototype);
  const typedName = getter(typed, toStringTag), typedLength = getter(typed, 'length');
  const data = DataView.prototype, dataBytes = getter(data, 'byteLength');
  const dataOffset = getter(data, 'byteOffset'), dataBuffer = getter(data, 'buffer');
  const box = ({ name, prototype }) => ({ __proto__: null, type: name, unbox: method(prototype.valueOf) });
  const boxes = setPrototypeOf([Number, String, Boolean, BigInt, Symbol].map(box), null);
  const promises = Promise.prototype, settled = new WeakMap(), settle = method(settled.set), settlement = method(settled.get);

  const list = () => setPrototypeOf([], null);
  const add = (list, item) => { list[list.length] = item; };
  const join = (list, separator) => {
    let joined = '';
    for (let index = 0; index < list.length; index++) joined += (index ? separator : '') + list[index];
    return joined;
  };
  const has = (text, part) => indexOf(text, part) >= 0;
  const startsWith = (text, part) => slice(text, 0, part.length) === part;
  const attempt = (run, object) => {
    try { return run(object); } catch { return undefined; }
  };
  const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

  /** An own property; without a prototype, on which scripts may have put what it lacks. */
  const own = (object, key) => {
    const found = getOwnPropertyDescriptor(object, key);
    return found && setPrototypeOf(found, null);
  };

  /** A property that is a value, of an object or one that it inherits from. */
  const lookup = (object, key) => {
    for (let steps = 0; object !== null && steps < PROTOTYPES; steps++, object = getPrototypeOf(object)) {
      const found = own(object, key);
      if (found) return found.value;
    }
    return undefined;
  };

  let spent, reached, indentation, ancestors, circular, unknown;

  const quoted = (string) => {
    let quote = "'";
    if (has(string, "'")) {
      if (!has(string, '"')) quote = '"';
      else if (!has(string, '`') && !has(string, '${')) quote = '`';
    }
    let out = quote;
    for (let index = 0; index < string.length; index++) {
      const code = codeAt(string, index), character = string[index];
      const next = code >= 0xd800 && code < 0xdc00 ? codeAt(string, index + 1) : 0;
      if (next >= 0xdc00 && next < 0xe000) out += character + string[++index];
      else if (code >= 0xd800 && code < 0xe000) out += '\\u' + hex(code, 16);
      else if (character === quote || character === '\\') out += '\\' + character;
      else if (code === 8) out += '\\b';
      else if (code === 9) out += '\\t';
      else if (code === 10) out += '\\n';
      else if (code === 12) out += '\\f';
      else if (code === 13) out += '\\r';
      else if (code < 16) out += '\\x0' + upper(code);
      else if (code < 32 || (code >= 127 && code < 160)) out += '\\x' + upper(code);
      else out += character;
    }
    return out + quote;
  };
  const digits = '0123456789ABCDEF';
  const upper = (code) => (code < 16 ? '' : digits[code >> 4]) + digits[code & 15];

  const cut = (string) => string.length > CHARACTERS ? slice(string, 0, CHARACTERS) : string;

  /** A string in quotes: a line of it a line, where it is long. */
  const string = (whole) => {
    const shown = cut(whole), left = whole.length - shown.length;
    const more = left ? '... ' + left + ' more character' + (left > 1 ? 's' : '') : '';
    if (shown.length <= 16 || shown.length <= WIDTH - indentation - 4) return quoted(shown) + more;
    const lines = list();
    for (let from = 0; from < shown.length;) {
      const end = indexOf(shown, '\n', from), to = end < 0 ? shown.length : end + 1;
      add(lines, quoted(slice(shown, from, to)));
      from = to;
    }
    return join(lines, ' +\n' + repeat(' ', indentation + 2)) + more;
  };

  const primitive = (value) => {
    switch (typeof value) {
      case 'string': return string(value);
      case 'number': return is(value, -0) ? '-0' : '' + value;
      case 'bigint': return value + 'n';
      case 'symbol': return cut(describe(value));
      default: return '' + value;
    }
  };

  const shown = (value, depth) => {
    if (spent > TEXT) return '...';
    if (!isObject(value)) {
      const text = primitive(value);
      spent += text.length;
      return text;
    }
    for (let index = 0; index < ancestors.length; index++) {
      if (ancestors[index] === value) return '[Circular *' + reference(value, true) + ']';
    }
    return object(value, depth);
  };

  /** The number of an object that is within itself. */
  const reference = (object, isNew) => {
    for (let index = 0; index < circular.length; index++) if (circular[index] === object) return index + 1;
    if (isNew) add(circular, object);
    return isNew ? circular.length : 0;
  };

  const indented = (value, depth) => {
    indentation += 2;
    const text = shown(value, depth);
    indentation -= 2;
    return text;
  };

  /** The name of what made an object; null where it inherits from nothing. */
  const constructorOf = (value, fallback) => {
    let object = value;
    for (let steps = 0; object !== null && steps < PROTOTYPES; steps++, object = getPrototypeOf(object)) {
      const made = own(object, 'constructor')?.value;
      if (typeof made !== 'function') continue;
      const name = own(made, 'name')?.value, prototype = own(made, 'prototype')?.value;
      if (typeof name === 'string' && name && isObject(prototype) && isPrototypeOf(prototype, value)) return cut(name);
    }
    const prototype = getPrototypeOf(value);
    return prototype === null ? null : fallback + ' <' + shown(prototype, DEPTH + 1) + '>';
  };

  const prefixOf = (constructor, tag, fallback, size = '') => {
    const other = tag && tag !== (constructor ?? fallback) ? '[' + tag + '] ' : '';
    return (constructor === null ? '[' + fallback + size + ': null prototype]' : constructor + size) + ' ' + other;
  };

  const functionBase = (called, constructor, tag) => {
    const found = own(called, 'name')?.value, name = typeof found === 'string' ? cut(found) : '';
    const other = tag && tag !== constructor ? ' [' + tag + ']' : '';
    if (startsWith(sourceOf(called), 'class')) {
      const kind = constructor === null || constructor === 'Function' ? '' : ' [' + constructor + ']';
      const parent = constructor === null ? 'null' : lookup(getPrototypeOf(called), 'name');
      const above = typeof parent === 'string' && parent ? ' extends ' + cut(parent) : '';
      return '[class ' + (name || '(anonymous)') + kind + other + above + ']';
    }
    const isOwnType = constructor === 'AsyncFunction' || constructor === 'GeneratorFunction' ||
      constructor === 'AsyncGeneratorFunction';
    const type = isOwnType ? constructor : 'Function', orphan = constructor === null ? ' (null prototype)' : '';
    const kind = constructor === null || constructor === type ? '' : ' ' + constructor;
    return '[' + type + orphan + (name ? ': ' + name : ' (anonymous)') + ']' + kind + other;
  };

  const errorBase = (error, constructor) => {
    const ownName = lookup(error, 'name'), ownMessage = lookup(error, 'message'), stack = attempt(stackOf, error);
    const name = typeof ownName === 'string' ? cut(ownName) : 'Error';
    const message = typeof ownMessage === 'string' ? cut(ownMessage) : '';
    let title = name;
    if (constructor === null) title = '[' + name + ': null prototype]';
    else if (!has(name, constructor) && slice(name, -5) === 'Error') {
      title = has(constructor, name) ? constructor : constructor + ' [' + name + ']';
    }
    const first = title && message ? title + ': ' + message : title + message;
    let frames = typeof stack === 'string' ? cut(stack) : '';
    while (frames && codeAt(frames, frames.length - 1) === 10) frames = slice(frames, 0, -1);
    const base = has(frames, '    at ') ? first + '\n' + frames : '[' + first + ']';
    return indentation ? join(lines(base), '\n' + repeat(' ', indentation)) : base;
  };

  const lines = (text) => {
    const all = list();
    for (let from = 0; from <= text.length;) {
      const end = indexOf(text, '\n', from), to = end < 0 ? text.length : end;
      add(all, slice(text, from, to));
      from = to + 1;
    }
    return all;
  };

  const isName = (key) => {
    for (let index = 0; index < key.length; index++) {
      const code = codeAt(key, index), lower = code | 32;
      const isLetter = (lower >= 97 && lower <= 122 && code !== lower - 64) || code === 95;
      if (!isLetter && !(index && isDigit(code))) return false;
    }
    return key !== '';
  };
  const isDigit = (code) => code >= 48 && code <= 57;

  const isIndex = (key) => {
    if (typeof key !== 'string' || key === '') return false;
    for (let index = 0; index < key.length; index++) if (!isDigit(codeAt(key, index))) return false;
    return true;
  };

  const keyName = (key, isEnumerable) => {
    if (typeof key === 'symbol') return '[' + cut(describe(key)) + ']';
    if (key === '__proto__') return "['__proto__']";
    if (!isEnumerable) return '[' + cut(key) + ']';
    return isName(key) ? cut(key) : quoted(cut(key));
  };

  const member = (found, depth) => {
    if ('value' in found) return indented(found.value, depth);
    if (found.get) return found.set ? '[Getter/Setter]' : '[Getter]';
    return found.set ? '[Setter]' : 'undefined';
  };

  const property = (object, key, depth) => {
    let found, value = '<uninitialized>'; // Of a module that is not evaluated yet.
    try {
      found = own(object, key);
      value = 'undefined';
    } catch {
      // It has a name.
    }
    const name = keyName(key, found?.enumerable ?? true);
    spent += name.length;
    return name + ': ' + (found ? member(found, depth) : value);
  };

  /** The keys of the enumerable properties of an object, without indices where those are shown as elements. */
  const keysOf = (object, hasElements = false) => {
    const keys = list(), all = setPrototypeOf(ownKeys(object), null);
    for (let index = 0; index < all.length; index++) {
      const key = all[index];
      if (hasElements && isIndex(key)) continue;
      let isEnumerable = true;
      try {
        isEnumerable = own(object, key)?.enumerable;
      } catch {
        // A module that is not evaluated yet.
      }
      if (isEnumerable) add(keys, key);
    }
    return keys;
  };

  const more = (output, left, what = 'item') => {
    if (left > 0) add(output, '... ' + left + ' more ' + what + (left > 1 ? 's' : ''));
  };

  /** The next element of a list behind a hole. */
  const behind = (object, index, length) => {
    for (let steps = 0; steps < KEYS; steps++, index++) {
      if (index >= length || own(object, '' + index)) return index;
    }
    // There are few elements; these are their keys.
    const keys = setPrototypeOf(ownKeys(object), null);
    let next = length;
    for (let at = 0; at < keys.length; at++) {
      if (isIndex(keys[at]) && +keys[at] >= index) next = min(next, +keys[at]);
    }
    return next;
  };

  const elements = (output, object, length, depth) => {
    let index = 0;
    while (index < length && output.length < ELEMENTS) {
      const found = own(object, '' + index), next = found ? index + 1 : behind(object, index, length);
      const empty = next - index;
      add(output, found ? member(found, depth) : '<' + empty + ' empty item' + (empty > 1 ? 's' : '') + '>');
      index = next;
    }
    more(output, length - index);
  };

  const members = (output, collection, size, isMap, depth) => {
    const iterator = isMap ? entries(collection) : values(collection), next = isMap ? nextEntry : nextValue;
    for (let count = 0; count < size && count < ELEMENTS; count++) {
      const { value } = next(iterator);
      add(output, isMap ? indented(value[0], depth) + ' => ' + indented(value[1], depth) : indented(value, depth));
    }
    more(output, size - ELEMENTS);
  };

  const contents = (output, buffer, length) => {
    const view = new Bytes(buffer), left = length - ELEMENTS;
    let out = '';
    for (let index = 0; index < length && index < ELEMENTS; index++) {
      const byte = view[index];
      out += (index ? ' ' : '') + (byte < 16 ? '0' : '') + hex(byte, 16);
    }
    if (left > 0) out += ' ... ' + left + ' more byte' + (left > 1 ? 's' : '');
    add(output, '[Uint8Contents]: <' + out + '>');
    add(output, 'byteLength: ' + length);
  };

  const promised = (output, promise, depth) => {
    const known = settlement(settled, promise);
    if (known === undefined) add(unknown, promise);
    const text = known && indented(known.value, depth);
    add(output, !known ? '<pending>' : known.isRejected ? '<rejected> ' + text : text);
  };

  const pattern = (regexp) => {
    let text = '/' + cut(patternOf(regexp)) + '/';
    for (let index = 0; index < flags.length; index++) {
      const { letter, isSet } = flags[index];
      if (isSet(regexp)) text += letter;
    }
    return text;
  };

  /** How an object is shown: its brackets, what stands before them, its keys, and what fills it before its properties. */
  const form = (value, depth) => {
    const ownTag = own(value, toStringTag), inherited = ownTag?.enumerable ? '' : lookup(value, toStringTag);
    const tag = typeof inherited === 'string' ? cut(inherited) : '';
    const between = (open, close, length, fill, keys = keysOf(value)) => (
      { __proto__: null, open, close, keys, fill, isEmpty: length === 0, base: '', isList: close === ']' });
    const within = (name, size, length, fill, keys) => (
      between(prefixOf(constructorOf(value, name), tag, name, size) + '{', '}', length, fill, keys));
    /** Something with a text of its own. */
    const as = (base, keys = keysOf(value)) => (
      { __proto__: null, open: '{', close: '}', keys, fill: undefined, isEmpty: true, base, isList: false });

    if (isArray(value)) {
      const length = own(value, 'length').value, constructor = constructorOf(value, 'Array');
      const prefix = constructor === 'Array' && !tag ? '' : prefixOf(constructor, tag, 'Array', '(' + length + ')');
      const keys = length > KEYS ? list() : keysOf(value, true);
      return between(prefix + '[', ']', length, (output) => elements(output, value, length, depth), keys);
    }
    if (typeof value === 'function') return as(functionBase(value, constructorOf(value, 'Function'), tag));
    if (isError(value)) {
      const keys = list(), all = keysOf(value);
      for (let index = 0; index < all.length; index++) {
        const key = all[index];
        if (key !== 'name' && key !== 'message' && key !== 'stack') add(keys, key);
      }
      if (own(value, 'cause')?.enumerable === false) add(keys, 'cause');
      if (own(value, 'errors')?.enumerable === false) add(keys, 'errors');
      return as(errorBase(value, constructorOf(value, 'Error')), keys);
    }
    const maps = attempt(mapSize, value), sets = attempt(setSize, value);
    if (maps !== undefined) return within('Map', '(' + maps + ')', maps, (output) => members(output, value, maps, true, depth));
    if (sets !== undefined) return within('Set', '(' + sets + ')', sets, (output) => members(output, value, sets, false, depth));
    const view = typedName(value);
    if (view !== undefined) {
      const length = typedLength(value), keys = length > KEYS ? list() : keysOf(value, true);
      const open = prefixOf(constructorOf(value, view), tag, view, '(' + length + ')') + '[';
      return between(open, ']', length, (output) => elements(output, value, length, depth), keys);
    }
    const bytes = attempt(bytesOf, value), shared = attempt(sharedBytesOf, value), offset = attempt(dataOffset, value);
    if (bytes !== undefined) return within('ArrayBuffer', '', 1, (output) => contents(output, value, bytes));
    if (shared !== undefined) return within('SharedArrayBuffer', '', 1, (output) => contents(output, value, shared));
    if (offset !== undefined) {
      return within('DataView', '', 1, (output) => {
        add(output, 'byteLength: ' + dataBytes(value));
        add(output, 'byteOffset: ' + offset);
        add(output, 'buffer: ' + indented(dataBuffer(value), depth));
      });
    }
    if (isPrototypeOf(promises, value)) return within('Promise', '', 1, (output) => promised(output, value, depth));
    const isMap = attempt(() => weakMapHas(value, value)) !== undefined;
    if (isMap || attempt(() => weakSetHas(value, value)) !== undefined) {
      return within(isMap ? 'WeakMap' : 'WeakSet', '', 1, (output) => add(output, '<items unknown>'));
    }
    const date = attempt(time, value);
    if (date !== undefined) {
      const text = date === date ? iso(value) : 'Invalid Date', prefix = prefixOf(constructorOf(value, 'Date'), tag, 'Date');
      return as(prefix === 'Date ' ? text : prefix + text);
    }
    if (attempt(flags[0].isSet, value) !== undefined) {
      const text = pattern(value), prefix = prefixOf(constructorOf(value, 'RegExp'), tag, 'RegExp');
      return as(prefix === 'RegExp ' ? text : prefix + text);
    }
    for (let index = 0; index < boxes.length; index++) {
      const { type, unbox } = boxes[index], unboxed = attempt(unbox, value);
      if (unboxed === undefined) continue;
      const constructor = constructorOf(value, type), orphan = constructor === null ? ' (null prototype)' : ' (' + constructor + ')';
      const other = tag && tag !== constructor ? ' [' + tag + ']' : '';
      const base = '[' + type + (constructor === type ? '' : orphan) + ': ' + primitive(unboxed) + ']' + other;
      return as(base, keysOf(value, type === 'String'));
    }
    if (ownTag?.value === 'Module' && getPrototypeOf(value) === null) return between('[Module: null prototype] {', '}', 0);
    const constructor = constructorOf(value, 'Object');
    return between((constructor === 'Object' && !tag ? '' : prefixOf(constructor, tag, 'Object')) + '{', '}', 0);
  };

  const object = (value, depth) => {
    const custom = lookup(value, customInspect), made = own(value, 'constructor')?.value;
    const isPrototype = isObject(made) && own(made, 'prototype')?.value === value;
    if (typeof custom === 'function' && !isPrototype) {
      add(ancestors, value);
      const options = { __proto__: null, depth: DEPTH - depth, stylize: (text) => text };
      const given = apply(custom, value, [DEPTH - depth, options, (within) => indented(within, depth + 1)]);
      ancestors.length--;
      if (typeof given === 'string') return join(lines(cut(given)), '\n' + repeat(' ', indentation));
      if (given !== value) return shown(given, depth);
    }
    const { open, close, base: text, keys, fill, isEmpty, isList } = form(value, depth + 1);
    let base = text;
    spent += base.length + open.length;
    if (isEmpty && keys.length === 0) return base || open + close;
    if (depth > DEPTH) {
      const name = constructorOf(value, isArray(value) ? 'Array' : 'Object');
      return '[' + (name ?? (isArray(value) ? 'Array: null prototype' : 'Object: null prototype')) + ']';
    }
    const output = list();
    add(ancestors, value);
    reached = depth + 1;
    fill?.(output);
    let shownKeys = 0;
    for (; shownKeys < keys.length && shownKeys < PROPERTIES && spent <= TEXT; shownKeys++) {
      add(output, property(value, keys[shownKeys], depth + 1));
    }
    const left = keys.length - shownKeys;
    if (left > 0) add(output, '... ' + left + ' more propert' + (left > 1 ? 'ies' : 'y'));
    ancestors.length--;
    const number = reference(value, false);
    if (number) base = base ? '<ref *' + number + '> ' + base : '<ref *' + number + '>';
    return laidOut(output, base, open, close, isList ? value : undefined, depth + 1);
  };

  /** What is in an object, on one line where there is room, and else on several. */
  const laidOut = (output, base, open, close, elements, depth) => {
    const rows = elements !== undefined && output.length > 6 ? grouped(output, elements) : output;
    const before = base ? base + ' ' + open : open;
    if (reached - depth < LEVELS && rows === output) {
      let length = output.length * 2 + indentation + open.length + base.length + 10, isOneLine = !has(base, '\n');
      for (let index = 0; index < output.length; index++) {
        length += output[index].length;
        isOneLine &&= !has(output[index], '\n');
      }
      if (isOneLine && length <= WIDTH) return before + ' ' + join(output, ', ') + ' ' + close;
    }
    const line = '\n' + repeat(' ', indentation);
    return before + line + '  ' + join(rows, ',' + line + '  ') + line + close;
  };

  /** The elements of a list in columns, where they are about as long as one another. */
  const grouped = (output, elements) => {
    const length = own(elements, 'length')?.value ?? typedLength(elements);
    // What says how many more there are has a line of its own.
    const count = length > ELEMENTS && output.length > ELEMENTS ? output.length - 1 : output.length;
    let total = 0, longest = 0, isNumeric = true;
    for (let index = 0; index < count; index++) {
      total += output[index].length + 2;
      longest = max(longest, output[index].length);
    }
    for (let index = 0; index < output.length && isNumeric; index++) {
      const type = typeof own(elements, '' + index)?.value;
      isNumeric = type === 'number' || type === 'bigint';
    }
    const cell = longest + 2;
    if (cell * 3 + indentation >= WIDTH || (total / cell <= 5 && longest > 6)) return output;
    // As wide as it is high, about, where a character is 2.5 times as high as it is wide.
    const width = max(cell - 3 - sqrt(cell - total / output.length), 1);
    const square = round(sqrt(2.5 * width * count) / width);
    const columns = min(square, floor((WIDTH - indentation) / cell), LEVELS * 4, COLUMNS);
    if (columns <= 1) return output;
    const widths = list(), rows = list();
    for (let column = 0; column < columns; column++) {
      let widest = 0;
      for (let index = column; index < count; index += columns) widest = max(widest, output[index].length);
      add(widths, widest + 2);
    }
    for (let start = 0; start < count; start += columns) {
      const end = min(start + columns, count);
      let row = '';
      for (let index = start; index < end; index++) {
        const width = widths[index - start], isLast = index === end - 1;
        if (isNumeric) row += padStart(isLast ? output[index] : output[index] + ', ', isLast ? width - 2 : width);
        else row += isLast ? output[index] : padEnd(output[index] + ', ', width);
      }
      add(rows, row);
    }
    if (count < output.length) add(rows, output[count]);
    return rows;
  };

  /** Notes what a promise has come to. */
  const watch = async (promise) => {
    let isRejected = false, value;
    try {
      value = await promise;
    } catch (error) {
      isRejected = true;
      value = error;
    }
    settle(settled, promise, { __proto__: null, isRejected, value });
  };

  const remembered = own(world, '_');
  if (!remembered) defineProperty(world, '_', { __proto__: null, value: undefined, writable: true, configurable: true });
  let last = remembered ? {} : undefined;

  return async (value, isResult = true) => {
    let text;
    for (let round = 0; round < ROUNDS; round++) {
      spent = reached = indentation = 0;
      ancestors = list();
      circular = list();
      unknown = list();
      text = shown(value, 0);
      if (unknown.length === 0) break;
      for (let index = 0; index < unknown.length; index++) watch(unknown[index]);
      for (let index = 0; index < 4; index++) await undefined;
    }
    // A script that gives it another value keeps that.
    const found = own(world, '_');
    if (isResult && found && 'value' in found && is(found.value, last)) {
      last = value;
      defineProperty(world, '_', { __proto__: null, value });
    }
    return text;
  };
})()
