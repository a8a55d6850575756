// Graphs of values, made from a seed and compared.

/** A graph of values of every kind that crosses, the same for a seed. Many of its objects occur more than once. */
const make = (seed) => {
  let state = seed * 2654435761 % 2 ** 32 | 1;
  const below = (end) => {
    state ^= state << 13, state ^= state >>> 17, state ^= state << 5;
    return (state >>> 0) % end;
  };
  const texts = ['', 'text', 'ü', '\0', '😀', 'a b', '__proto__', 'then', '7', 'length'];
  const text = () => texts[below(texts.length)];
  const views = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
    BigInt64Array, BigUint64Array, Float16Array, Float32Array, Float64Array, DataView];
  const errors = [Error, TypeError, RangeError, SyntaxError];
  // The objects so far, those that are not finished among them.
  const made = [];
  const keep = (object) => (made.push(object), object);
  // Its own stack would say who made it.
  const traced = (error) => keep(Object.defineProperty(error, 'stack', { value: below(3) ? text() : undefined, configurable: true }));
  const value = (depth) => {
    const times = depth > 0 ? below(6) : 0;
    switch (below(depth > 0 ? 26 : 16)) {
      case 0: return undefined;
      case 1: return null;
      case 2: return below(2) === 0;
      case 3: return below(2 ** 32) - 2 ** 31;
      case 4: return [-0, 0.1, 1.5, NaN, Infinity, -Infinity, 2 ** 53, 5e-324, 1e300][below(9)];
      case 5: return BigInt(below(2 ** 32)) ** BigInt(below(5)) * (below(2) ? 1n : -1n);
      case 6: return text();
      case 7: return keep(new Date([0, 1, -1, 1500.5, 8.64e15, NaN][below(6)]));
      case 8: return keep(new RegExp(['', 'a+', '[b]', '\\p{L}', '(?<n>x)'][below(5)], ['', 'g', 'dgimsuy', 'v'][below(4)]));
      case 9: return keep(new ArrayBuffer(below(9)));
      case 10: case 11: {
        const buffer = new ArrayBuffer(32), bytes = new Uint8Array(buffer);
        for (let index = 0; index < 32; index++) bytes[index] = below(256);
        const View = views[below(views.length)];
        // All of it, or a part.
        return keep(below(2) ? new View(buffer) : new View(buffer, 8, below(2)));
      }
      case 12: return keep(Object([true, 0, -0, NaN, 'boxed', '', 7n][below(7)]));
      case 13: case 14: case 15: case 16: case 17: return made.length ? made[below(made.length)] : null;
      case 18: case 19: {
        const list = keep([]);
        for (let index = 0; index < times; index++) if (below(5)) list[index] = value(depth - 1);
        list.length = Math.max(list.length, below(7));
        return list;
      }
      case 20: {
        const map = keep(new Map());
        for (let index = 0; index < times; index++) map.set(value(depth - 1), value(depth - 1));
        return map;
      }
      case 21: {
        const set = keep(new Set());
        for (let index = 0; index < times; index++) set.add(value(depth - 1));
        return set;
      }
      case 22: {
        const error = traced(new errors[below(errors.length)](text()));
        // By another name than its class's, it would come back as an `Error`.
        if (below(2) && error.constructor === Error) error.name = 'Custom';
        if (below(2)) Object.defineProperty(error, 'cause', { value: value(depth - 1), writable: true, configurable: true });
        return error;
      }
      case 23: {
        const error = traced(new AggregateError([], text()));
        for (let index = 0; index < times; index++) error.errors.push(value(depth - 1));
        return error;
      }
      default: {
        const object = keep({});
        for (let index = 0; index < times; index++) {
          const name = below(9) ? text() + index : '__proto__';
          Object.defineProperty(object, name, { value: value(depth - 1), writable: true, enumerable: true, configurable: true });
        }
        return object;
      }
    }
  };
  return value(5);
};

/** Where two graphs differ, as a path; nothing where they do not. */
const difference = (left, right) => {
  // Which object stands for which, both ways: what is one object on one side is one on the other.
  const there = new Map(), back = new Map();
  const compare = (a, b, path) => {
    if (typeof a !== 'object' || a === null) return Object.is(a, b) ? undefined : path;
    if (typeof b !== 'object' || b === null) return path;
    if (there.has(a) || back.has(b)) return there.get(a) === b && back.get(b) === a ? undefined : path + ': another object';
    there.set(a, b), back.set(b, a);
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return path + ': another class';
    const lists = (x, y, name) => x.length === y.length
      ? x.map((_, index) => compare(x[index], y[index], `${path}.${name}[${index}]`)).find((found) => found)
      : `${path}.${name}: another length`;
    const bytes = (view) => [...new Uint8Array(view.buffer ?? view, view.byteOffset, view.byteLength)];
    if (a instanceof Date) return compare(a.getTime(), b.getTime(), path);
    if (a instanceof RegExp) return compare(String(a), String(b), path);
    if (a instanceof Map) return lists([...a].flat(), [...b].flat(), 'entries');
    if (a instanceof Set) return lists([...a], [...b], 'members');
    if (a instanceof ArrayBuffer || ArrayBuffer.isView(a)) return lists(bytes(a), bytes(b), 'bytes');
    if (a instanceof Error) {
      const parts = (error) => [error.name, error.message, error.stack, 'cause' in error, error.cause, 'errors' in error, error.errors];
      return lists(parts(a), parts(b), 'parts');
    }
    if ([Boolean, Number, String, BigInt].some((Boxed) => a instanceof Boxed)) return compare(a.valueOf(), b.valueOf(), path);
    // A hole has no name, and `length` has one.
    const names = (object) => Object.getOwnPropertyNames(object);
    return lists(names(a), names(b), 'names') ?? lists(names(a).map((name) => a[name]), names(a).map((name) => b[name]), 'values');
  };
  return compare(left, right, 'value');
};

/** Where a graph that went out and came in again differs from one that did not. */
const check = (seed, copy) => difference(make(seed), copy);
