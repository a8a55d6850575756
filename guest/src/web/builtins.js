// The built-in functions and classes that the other files call, taken at their first use: what a script changes afterwards
// changes nothing of them.
() => {
  const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect;
  const { bind, call } = Function.prototype;
  const {
    Array, ArrayBuffer, DataView, Date, FinalizationRegistry, JSON, Map, Math, Number, Promise, RangeError, Set, String,
    Symbol, TypeError, Uint8Array, WeakRef,
  } = globalThis;
  const { asyncIterator, iterator, toStringTag } = Symbol;

  // A method as a function whose first argument is the object.
  const uncurry = (method) => apply(bind, call, [method]);
  const getter = (prototype, name) => uncurry(getOwnPropertyDescriptor(prototype, name).get);

  const views = getPrototypeOf(Uint8Array.prototype);
  const { resolve, reject } = Promise;
  const then = uncurry(Promise.prototype.then);
  const ignore = () => {};

  // A promise and what settles it. `pending` is true until one of them was called.
  class Deferred {
    pending = true;
    constructor() {
      this.promise = new Promise((resolve, reject) => {
        this.settle = resolve;
        this.fail = reject;
      });
    }
    resolve(value) {
      this.pending = false;
      const { settle } = this;
      settle(value);
    }
    reject(reason) {
      this.pending = false;
      const { fail } = this;
      fail(reason);
    }
    static resolved(value) {
      const deferred = new Deferred();
      deferred.resolve(value);
      return deferred;
    }
    // Nobody needs to handle this rejection.
    static rejected(reason) {
      const deferred = new Deferred();
      deferred.reject(reason);
      handled(deferred.promise);
      return deferred;
    }
  }

  const resolved = (value) => apply(resolve, Promise, [value]);
  const rejected = (reason) => apply(reject, Promise, [reason]);
  // Marks a promise as one whose rejection needs no handler.
  const handled = (promise) => {
    then(promise, undefined, ignore);
    return promise;
  };
  // What a function gives as a promise, and what it throws as well.
  const promised = (body) => {
    try {
      return resolved(body());
    } catch (error) {
      return rejected(error);
    }
  };

  const slice = uncurry(Array.prototype.slice);

  // First in, first out, without moving what remains.
  class Queue {
    items = [];
    head = 0;
    get length() {
      return this.items.length - this.head;
    }
    push(item) {
      const { items } = this;
      items[items.length] = item;
    }
    peek() {
      return this.items[this.head];
    }
    shift() {
      const item = this.items[this.head];
      this.items[this.head++] = undefined;
      if (this.head === this.items.length) {
        this.items = [];
        this.head = 0;
      } else if (this.head >= 64 && this.head * 2 >= this.items.length) {
        this.items = slice(this.items, this.head);
        this.head = 0;
      }
      return item;
    }
  }

  return {
    ArrayBuffer, DataView, Deferred, FinalizationRegistry, Map, Number, Promise, Queue, RangeError, Set, TypeError, Uint8Array,
    WeakRef, apply, asyncIterator, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, handled, ignore,
    iterator, ownKeys, promised, rejected, resolved, setPrototypeOf, slice, then, toStringTag, uncurry,
    isView: ArrayBuffer.isView,
    join: uncurry(Array.prototype.join),
    sort: uncurry(Array.prototype.sort),
    now: Date.now,
    parse: JSON.parse,
    stringify: JSON.stringify,
    floor: Math.floor,
    max: Math.max,
    min: Math.min,
    random: Math.random,
    fromCharCode: String.fromCharCode,
    charAt: uncurry(String.prototype.charAt),
    charCodeAt: uncurry(String.prototype.charCodeAt),
    indexOf: uncurry(String.prototype.indexOf),
    lowerCase: uncurry(String.prototype.toLowerCase),
    upperCase: uncurry(String.prototype.toUpperCase),
    substring: uncurry(String.prototype.substring),
    wellFormed: uncurry(String.prototype.toWellFormed),
    exec: uncurry(RegExp.prototype.exec),
    mapDelete: uncurry(Map.prototype.delete),
    mapForEach: uncurry(Map.prototype.forEach),
    mapGet: uncurry(Map.prototype.get),
    mapHas: uncurry(Map.prototype.has),
    mapSet: uncurry(Map.prototype.set),
    setAdd: uncurry(Set.prototype.add),
    setDelete: uncurry(Set.prototype.delete),
    setForEach: uncurry(Set.prototype.forEach),
    setSize: getter(Set.prototype, 'size'),
    deref: uncurry(WeakRef.prototype.deref),
    register: uncurry(FinalizationRegistry.prototype.register),
    bufferDetached: getter(ArrayBuffer.prototype, 'detached'),
    bufferLength: getter(ArrayBuffer.prototype, 'byteLength'),
    bufferResizable: getter(ArrayBuffer.prototype, 'resizable'),
    bufferSlice: uncurry(ArrayBuffer.prototype.slice),
    bufferTransfer: uncurry(ArrayBuffer.prototype.transfer),
    bytesIndexOf: uncurry(views.indexOf),
    bytesSet: uncurry(views.set),
    bytesSlice: uncurry(views.slice),
    subarray: uncurry(views.subarray),
    viewTag: getter(views, toStringTag),
    viewed: getter(views, 'buffer'),
    viewOffset: getter(views, 'byteOffset'),
    viewBytes: getter(views, 'byteLength'),
    dataViewed: getter(DataView.prototype, 'buffer'),
    dataOffset: getter(DataView.prototype, 'byteOffset'),
    dataBytes: getter(DataView.prototype, 'byteLength'),
  };
}
