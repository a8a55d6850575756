// AbortController and AbortSignal: https://dom.spec.whatwg.org/#aborting-ongoing-activities
({ use }) => {
  const {
    Set, TypeError, WeakRef, apply, deref, setAdd, setDelete, setForEach, setSize,
  } = use('builtins');
  const { isObject, sequence, unsignedLongLong } = use('conversions');
  const { expose, need } = use('idl');
  const { EventTarget, fire, handler, watch } = use('events');
  const { DOMException } = use('dom_exception');
  const { setTimeout } = globalThis;

  const token = {};
  let stateOf, isSignal, create;

  class AbortSignal extends EventTarget {
    #state;
    static {
      stateOf = (signal, what = 'this') => {
        if (!isObject(signal) || !(#state in signal)) throw new TypeError(`${what} is not an AbortSignal`);
        return signal.#state;
      };
      isSignal = (value) => #state in value;
    }
    constructor(given) {
      if (given !== token) throw new TypeError('an AbortSignal is made by AbortController, abort, timeout or any');
      super();
      this.#state = {
        aborted: false,
        reason: undefined,
        // What is called before the event, in the order of its coming.
        algorithms: new Set(),
        listeners: 0,
        onabort: undefined,
        // Those of which this one was made, and those that were made of it. As long as nobody waits for them, the latter
        // may be collected.
        sources: undefined,
        dependents: undefined,
        waiting: undefined,
        swept: 0,
      };
    }
    static abort(reason = undefined) {
      const signal = create();
      const state = stateOf(signal);
      state.aborted = true;
      state.reason = reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
      return signal;
    }
    static timeout(milliseconds) {
      need(arguments, 1, 'AbortSignal.timeout');
      const time = unsignedLongLong(milliseconds, 'the time');
      if (typeof setTimeout !== 'function') {
        throw new DOMException('AbortSignal.timeout needs timers, and there are none', 'NotSupportedError');
      }
      const signal = create();
      const expire = () => abort(signal, new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
      apply(setTimeout, undefined, [expire, time]);
      return signal;
    }
    static any(signals) {
      need(arguments, 1, 'AbortSignal.any');
      const list = sequence(signals, (signal) => (stateOf(signal, 'an element of the signals'), signal));
      if (!list) throw new TypeError('the signals are not iterable');
      return any(list);
    }
    get aborted() { return stateOf(this).aborted }
    get reason() { return stateOf(this).reason }
    throwIfAborted() {
      const { aborted, reason } = stateOf(this);
      if (aborted) throw reason;
    }
    get onabort() { return stateOf(this).onabort?.get() ?? null }
    set onabort(value) {
      const state = stateOf(this);
      state.onabort ??= handler(this, 'abort');
      state.onabort.set(value);
    }
  }

  const counted = (signal, type, count) => {
    if (type !== 'abort') return;
    stateOf(signal).listeners = count;
    updateWaiting(signal);
  };
  create = () => {
    const signal = new AbortSignal(token);
    watch(signal, counted);
    return signal;
  };

  // Whether somebody waits for a signal decides whether its sources hold it.
  const updateWaiting = (signal) => {
    const state = stateOf(signal);
    if (!state.sources) return;
    const isAwaited = !state.aborted && (state.listeners > 0 || setSize(state.algorithms) > 0);
    setForEach(state.sources, (source) => {
      const { waiting } = stateOf(source);
      if (isAwaited) setAdd(waiting, signal);
      else setDelete(waiting, signal);
    });
  };

  // The weak references of signals that are gone are dropped when they may be half of all.
  const sweep = (state) => {
    if (setSize(state.dependents) < 2 * state.swept + 16) return;
    setForEach(state.dependents, (weak) => {
      if (!deref(weak)) setDelete(state.dependents, weak);
    });
    state.swept = setSize(state.dependents);
  };

  const any = (signals) => {
    const signal = create();
    const state = stateOf(signal);
    for (let index = 0; index < signals.length; index++) {
      const { aborted, reason } = stateOf(signals[index]);
      if (aborted) {
        state.aborted = true;
        state.reason = reason;
        return signal;
      }
    }
    const depend = (source) => {
      const given = stateOf(source);
      given.dependents ??= new Set();
      given.waiting ??= new Set();
      sweep(given);
      setAdd(state.sources, source);
      setAdd(given.dependents, new WeakRef(signal));
    };
    state.sources = new Set();
    for (let index = 0; index < signals.length; index++) {
      const { sources } = stateOf(signals[index]);
      if (!sources) depend(signals[index]);
      else setForEach(sources, depend);
    }
    return signal;
  };

  const abort = (signal, reason) => {
    const state = stateOf(signal);
    if (state.aborted) return;
    state.aborted = true;
    state.reason = reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
    // All that depend on it are aborted before anything of the script runs.
    const aborted = [signal];
    const { dependents } = state;
    if (dependents) {
      setForEach(dependents, (weak) => {
        const dependent = deref(weak);
        if (!dependent || stateOf(dependent).aborted) return;
        stateOf(dependent).aborted = true;
        stateOf(dependent).reason = state.reason;
        aborted[aborted.length] = dependent;
      });
      state.dependents = state.waiting = undefined;
    }
    for (let index = 0; index < aborted.length; index++) {
      const { algorithms } = stateOf(aborted[index]);
      stateOf(aborted[index]).algorithms = new Set();
      setForEach(algorithms, (algorithm) => algorithm());
      fire(aborted[index], 'abort');
    }
  };

  class AbortController {
    #signal = create();
    static {
      expose(AbortController, (value) => #signal in value, ['signal']);
    }
    get signal() { return this.#signal }
    abort(reason = undefined) { abort(this.#signal, reason) }
    constructor() {}
  }

  expose(AbortSignal, isSignal, ['aborted']);

  return {
    AbortController, AbortSignal,
    // For the other files. A signal that is not one is refused with a TypeError.
    abort,
    any,
    create,
    isSignal: (value) => isObject(value) && isSignal(value),
    isAborted: (signal) => stateOf(signal, 'the signal').aborted,
    reasonOf: (signal) => stateOf(signal).reason,
    // Calls `algorithm` when the signal is aborted, and gives what makes it forgotten.
    onAbort: (signal, algorithm) => {
      const state = stateOf(signal);
      if (state.aborted) return () => {};
      setAdd(state.algorithms, algorithm);
      updateWaiting(signal);
      return () => {
        if (setDelete(state.algorithms, algorithm)) updateWaiting(signal);
      };
    },
  };
}
