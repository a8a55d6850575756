// A function that gives the names that go on from a prefix: those of the members of what a path of names leads to, or, where
// there is no path, global names. `declared` are names that scripts may have declared at their top level, where no object has them.
//
// As `inspect.js`, it is made before anything else runs. It reads no property that has a getter.
(() => {
  'use strict';
  const NAMES = 1000;
  const PROTOTYPES = 1000;
  const LENGTH = 100; // Of a name.
  const KEYS = 10000; // Elements of a list beyond which its own properties are not looked through.

  const world = globalThis, evaluate = eval;
  const { apply, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const { setPrototypeOf } = Object, boxed = Object, { isArray } = Array;
  const method = (called) => (self, ...rest) => apply(called, self, rest);
  const slice = method(String.prototype.slice), codeAt = method(String.prototype.charCodeAt);
  const lengthOf = method(getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), 'length').get);

  const own = (object, key) => {
    const found = getOwnPropertyDescriptor(object, key);
    return found && setPrototypeOf(found, null);
  };

  const property = (object, name) => {
    for (let steps = 0; object !== null && steps < PROTOTYPES; steps++, object = getPrototypeOf(object)) {
      const found = own(object, name);
      if (found) return found;
    }
    return undefined;
  };

  const isLong = (object) => {
    if (isArray(object)) return own(object, 'length').value > KEYS;
    try {
      return lengthOf(object) > KEYS;
    } catch {
      return false; // It is no typed array.
    }
  };

  const isName = (key) => {
    if (typeof key !== 'string' || key === '' || key.length > LENGTH) return false;
    const first = codeAt(key, 0);
    return first < 48 || first > 57;
  };

  const isDeclared = (name) => {
    try {
      evaluate(name);
      return true;
    } catch {
      return false;
    }
  };

  /** What a path leads to; undefined where that is nothing, or is known only to a getter. */
  const follow = (path) => {
    // What is declared hides a property of the global object, and to read either is to evaluate the name.
    const found = property(world, path[0]);
    let value = found && !('value' in found) ? undefined : evaluate(path[0]);
    for (let index = 1; index < path.length && value !== undefined && value !== null; index++) {
      value = property(boxed(value), path[index])?.value;
    }
    return value;
  };

  return (path, prefix, declared) => {
    const names = setPrototypeOf([], null), seen = { __proto__: null };
    const add = (name) => {
      if (names.length === NAMES || !isName(name) || seen[name] || slice(name, 0, prefix.length) !== prefix) return;
      seen[name] = true;
      names[names.length] = name;
    };
    let object;
    try {
      object = path.length ? follow(path) : world;
    } catch {
      return names; // There is no such name.
    }
    if (object === undefined || object === null) return names;
    object = boxed(object);
    for (let steps = 0; object !== null && steps < PROTOTYPES; steps++, object = getPrototypeOf(object)) {
      const keys = isLong(object) ? ['length'] : ownKeys(object);
      for (let index = 0; index < keys.length; index++) add(keys[index]);
    }
    for (let index = 0; index < declared.length && names.length < NAMES; index++) {
      const name = declared[index];
      if (!seen[name] && !property(world, name) && isDeclared(name)) add(name);
    }
    return names;
  };
})()
