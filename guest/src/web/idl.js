// What Web IDL asks of every class and function: https://webidl.spec.whatwg.org
({ native }) => {
  const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect, TypeError_ = TypeError;
  const { iterator, toStringTag } = Symbol, inspectKey = Symbol.for('nodejs.util.inspect.custom');
  const { toWellFormed } = String.prototype, { isArray } = Array;
  const IteratorPrototype = getPrototypeOf(getPrototypeOf((function* () {}).prototype));

  // Refuses a call with too few arguments.
  const need = (given, count, what) => {
    if (given.length >= count) return;
    const needed = count === 1 ? '1 argument is needed' : `${count} arguments are needed`;
    throw new TypeError_(`${what}: ${needed}, and there ${given.length === 1 ? 'is' : 'are'} ${given.length}`);
  };

  // A string without lone surrogates.
  const usv = (value) => apply(toWellFormed, `${value}`, []);

  // What is known of the classes whose objects are more than their properties, the latest first: what tells an object of theirs, what the
  // console shows of it, and what clones it, where it can be cloned.
  let natures;
  const natureOf = (object) => {
    let nature = natures;
    while (nature && !nature.is(object)) nature = nature.before;
    return nature;
  };
  const know = (is, show, clone) => { natures = { __proto__: null, is, show, clone, before: natures } };
  native.show((object) => natureOf(object)?.show(object));

  // What the getters of these names give, as the class had them at first.
  const members = (prototype, names) => {
    const getters = { __proto__: null };
    for (let at = 0; at < names.length; at++) {
      let holder = prototype, member;
      while (!(member = getOwnPropertyDescriptor(holder, names[at]))) holder = getPrototypeOf(holder);
      getters[names[at]] = member.get;
    }
    return (object) => {
      const values = { __proto__: null };
      for (const name in getters) values[name] = apply(getters[name], object, []);
      return values;
    };
  };

  // What Node asks an object for that has its own way to be shown, and with it the REPL and libraries: an object of the same class with
  // what the console shows, or a text of pairs.
  const { inspected } = {
    inspected(depth, options, inspect) {
      const shown = natureOf(this)?.show(this);
      if (!shown) return this;
      const prototype = getPrototypeOf(this);
      if (!isArray(shown)) {
        setPrototypeOf(shown, prototype);
        return shown;
      }
      if (depth < 0) return '[Object]';
      const { name } = prototype.constructor;
      let text = '', at = 0;
      for (; at < shown.length && shown[at]; at++) {
        text += `${at ? ',' : ''} ${inspect(shown[at][0])} => ${inspect(shown[at][1])}`;
      }
      if (at < shown.length) text += `, ... ${shown.length - at} more`;
      return `${name} {${text}${text && ' '}}`;
    },
  };

  // Makes the members of a class enumerable, and gives it its tag. `is` tells whether an object is of the class; `shown` is what the
  // console shows of one: names of getters, or a function that gives an object with that, or a list of pairs; `clone` makes another,
  // where `structuredClone` is to.
  const expose = (Class, is, shown = [], clone = undefined) => {
    know(is, typeof shown === 'function' ? shown : members(Class.prototype, shown), clone);
    const { prototype, name } = Class;
    const own = (object, hidden) => {
      const keys = ownKeys(object);
      for (let at = 0; at < keys.length; at++) {
        const key = keys[at];
        if (typeof key === 'string' && !hidden[key]) defineProperty(object, key, { __proto__: null, enumerable: true });
      }
    };
    own(prototype, { __proto__: null, constructor: true });
    own(Class, { __proto__: null, prototype: true, name: true, length: true });
    defineProperty(prototype, toStringTag, { __proto__: null, value: name, configurable: true });
    defineProperty(prototype, inspectKey, { __proto__: null, value: inspected, writable: true, configurable: true });
    return Class;
  };

  // A list of pairs of keys and values by turns, of which there are as many as the console shows. Scripts may have made something of how
  // arrays are written to.
  const pairsOf = (list) => {
    const pairs = [];
    setPrototypeOf(pairs, null);
    for (let at = 0; at < list.length && at < 200; at += 2) pairs[at / 2] = [list[at], list[at + 1]];
    pairs.length = list.length / 2;
    return pairs;
  };

  // Makes a class iterable over pairs. `list(object)` is the live list of an object, keys and values by turns, and throws for what is
  // none of the class.
  const iterable = (Class, list) => {
    const { prototype, name } = Class;
    class Iterator {
      #list;
      #kind;
      #at = 0;
      static {
        know((value) => #list in value, () => ({ __proto__: null }));
      }
      constructor(pairs, kind) {
        this.#list = pairs;
        this.#kind = kind;
      }
      next() {
        const at = this.#at, pairs = this.#list;
        if (at >= pairs().length) return { value: undefined, done: true };
        this.#at = at + 2;
        const key = pairs()[at], value = pairs()[at + 1], kind = this.#kind;
        return { value: kind === 'keys' ? key : kind === 'values' ? value : [key, value], done: false };
      }
    }
    const steps = Iterator.prototype;
    delete steps.constructor;
    setPrototypeOf(steps, IteratorPrototype);
    defineProperty(steps, 'next', { __proto__: null, enumerable: true });
    defineProperty(steps, toStringTag, { __proto__: null, value: `${name} Iterator`, configurable: true });
    const over = (object, kind) => {
      list(object);
      return new Iterator(() => list(object), kind);
    };
    const members = {
      entries() { return over(this, 'entries') },
      keys() { return over(this, 'keys') },
      values() { return over(this, 'values') },
      forEach(callback, thisArg = undefined) {
        list(this);
        need(arguments, 1, `${name}.forEach`);
        if (typeof callback !== 'function') throw new TypeError_(`${name}.forEach: the callback is no function`);
        for (let at = 0; at < list(this).length; at += 2) {
          const pairs = list(this);
          apply(callback, thisArg, [pairs[at + 1], pairs[at], this]);
        }
      },
    };
    const define = (key, value, enumerable) => {
      defineProperty(prototype, key, { __proto__: null, value, writable: true, enumerable, configurable: true });
    };
    define('entries', members.entries, true);
    define('keys', members.keys, true);
    define('values', members.values, true);
    define('forEach', members.forEach, true);
    define(iterator, members.entries, false);
    return Class;
  };

  return { need, usv, expose, iterable, natureOf, pairsOf };
}
