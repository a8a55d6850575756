// Event, CustomEvent, EventTarget and reportError: https://dom.spec.whatwg.org/#events. There is no tree here: an event has one
// target, and its path is that.
({ use }) => {
  const { Map, TypeError, apply, defineProperty, getOwnPropertyDescriptor, mapDelete, mapGet, mapSet, now } = use('builtins');
  const { constants, dictionary, isObject, string } = use('conversions');
  const { expose, need } = use('idl');
  const { console } = globalThis;
  const print = console?.error;

  const NONE = 0, CAPTURING_PHASE = 1, AT_TARGET = 2, BUBBLING_PHASE = 3;

  let stateOf, isEvent, isCustom, targetOf, isTarget, tell, watch;

  class Event {
    #state;
    static {
      stateOf = (event) => {
        if (!isObject(event) || !(#state in event)) throw new TypeError('this is not an Event');
        return event.#state;
      };
      isEvent = (value) => #state in value;
    }
    constructor(type, init = undefined) {
      need(arguments, 1, 'new Event');
      const text = string(type);
      const { bubbles, cancelable, composed } = dictionary(init, "the Event's second argument");
      this.#state = {
        type: text,
        bubbles: !!bubbles,
        cancelable: !!cancelable,
        composed: !!composed,
        target: null,
        currentTarget: null,
        phase: NONE,
        stopped: false,
        stoppedImmediately: false,
        canceled: false,
        passive: false,
        dispatched: false,
        trusted: false,
        timeStamp: time(),
      };
      defineProperty(this, 'isTrusted', trusted);
    }
    get type() { return stateOf(this).type }
    get target() { return stateOf(this).target }
    get srcElement() { return stateOf(this).target }
    get currentTarget() { return stateOf(this).currentTarget }
    composedPath() {
      const { currentTarget } = stateOf(this);
      return currentTarget === null ? [] : [currentTarget];
    }
    get eventPhase() { return stateOf(this).phase }
    stopPropagation() { stateOf(this).stopped = true }
    get cancelBubble() { return stateOf(this).stopped }
    set cancelBubble(value) { if (value) stateOf(this).stopped = true }
    stopImmediatePropagation() {
      const state = stateOf(this);
      state.stopped = true;
      state.stoppedImmediately = true;
    }
    get bubbles() { return stateOf(this).bubbles }
    get cancelable() { return stateOf(this).cancelable }
    get returnValue() { return !stateOf(this).canceled }
    set returnValue(value) { if (!value) cancel(stateOf(this)) }
    preventDefault() { cancel(stateOf(this)) }
    get defaultPrevented() { return stateOf(this).canceled }
    get composed() { return stateOf(this).composed }
    get timeStamp() { return stateOf(this).timeStamp }
    initEvent(type, bubbles = false, cancelable = false) {
      need(arguments, 1, 'initEvent');
      const text = string(type);
      const state = stateOf(this);
      if (state.dispatched) return;
      state.type = text;
      state.bubbles = !!bubbles;
      state.cancelable = !!cancelable;
      state.stopped = state.stoppedImmediately = state.canceled = state.trusted = false;
      state.target = null;
    }
  }
  // The one attribute that no prototype has.
  const trusted = {
    __proto__: null, get: getOwnPropertyDescriptor({ get isTrusted() { return stateOf(this).trusted } }, 'isTrusted').get, enumerable: true,
  };
  // Milliseconds since the context began, where there is a `performance`, which is looked at when it is first needed.
  let clock;
  const time = () => {
    if (!clock) {
      const { performance } = globalThis;
      const ticks = performance?.now;
      clock = typeof ticks === 'function' ? () => apply(ticks, performance, []) : now;
    }
    return clock();
  };
  const cancel = (state) => {
    if (state.cancelable && !state.passive) state.canceled = true;
  };
  constants(Event, { NONE, CAPTURING_PHASE, AT_TARGET, BUBBLING_PHASE });

  class CustomEvent extends Event {
    #detail = null;
    static {
      isCustom = (value) => #detail in value;
    }
    constructor(type, init = undefined) {
      need(arguments, 1, 'new CustomEvent');
      super(type, init);
      const detail = init?.detail;
      if (detail !== undefined) this.#detail = detail;
    }
    get detail() { return this.#detail }
    initCustomEvent(type, bubbles = false, cancelable = false, detail = null) {
      need(arguments, 1, 'initCustomEvent');
      this.#detail;
      if (stateOf(this).dispatched) return;
      this.initEvent(type, bubbles, cancelable);
      this.#detail = detail;
    }
  }

  // What a listener throws, and what a script gives to `reportError`: it is printed.
  const report = (error) => {
    try {
      if (print) apply(print, console, ['Uncaught', error]);
    } catch {
      // What cannot be printed is not.
    }
  };

  const captureOf = (options) => !!(isObject(options) ? options.capture : options);

  class EventTarget {
    // Listeners by type, in the order of their coming; what is removed while an event is dispatched is marked.
    #listeners;
    static {
      targetOf = (target, create) => {
        // Without an object, these are methods of the global one, which is no target here.
        if (!isObject(target) || !(#listeners in target)) throw new TypeError('this is not an EventTarget');
        if (create && target.#listeners === undefined) target.#listeners = new Map();
        return target.#listeners;
      };
      isTarget = (value) => #listeners in value;
      tell = (target, type, count) => target.#watch?.(target, type, count);
      watch = (target, told) => { target.#watch = told };
    }
    // Called with the number of listeners of a type where it changes.
    #watch;
    addEventListener(type, callback, options = undefined) {
      const listeners = targetOf(this, true);
      need(arguments, 2, 'addEventListener');
      const text = string(type);
      if (!isObject(callback) && callback !== null && callback !== undefined) {
        throw new TypeError('a listener is a function or an object');
      }
      const capture = captureOf(options);
      const given = isObject(options) ? options : { __proto__: null };
      const once = !!given.once, passive = !!given.passive, { signal } = given;
      const abort = signal === undefined ? undefined : use('abort');
      if (abort?.isAborted(signal)) return;
      if (callback === null || callback === undefined) return;
      const list = mapGet(listeners, text) ?? [];
      for (let index = 0; index < list.length; index++) {
        if (list[index].callback === callback && list[index].capture === capture) return;
      }
      const listener = { callback, capture, once, passive, removed: false, forget: undefined };
      put(this, listeners, text, list, listener);
      if (abort) listener.forget = abort.onAbort(signal, () => remove(this, listeners, text, listener));
    }
    removeEventListener(type, callback, options = undefined) {
      const listeners = targetOf(this);
      need(arguments, 2, 'removeEventListener');
      const text = string(type);
      const capture = captureOf(options);
      const list = listeners && mapGet(listeners, text);
      if (!list) return;
      for (let index = 0; index < list.length; index++) {
        if (list[index].callback === callback && list[index].capture === capture) {
          remove(this, listeners, text, list[index]);
          return;
        }
      }
    }
    dispatchEvent(event) {
      targetOf(this);
      need(arguments, 1, 'dispatchEvent');
      const state = stateOf(event);
      if (state.dispatched) {
        const { DOMException } = use('dom_exception');
        throw new DOMException('The event is being dispatched already.', 'InvalidStateError');
      }
      state.trusted = false;
      dispatch(this, event);
      return !state.canceled;
    }
    constructor() {}
  }

  // A list is never changed in place: who goes through it sees what was there at the start.
  const put = (target, listeners, type, list, listener) => {
    const { length } = list;
    const copy = [];
    for (let index = 0; index < length; index++) copy[index] = list[index];
    copy[length] = listener;
    mapSet(listeners, type, copy);
    tell(target, type, copy.length);
  };
  const remove = (target, listeners, type, listener) => {
    if (listener.removed) return;
    listener.removed = true;
    listener.forget?.();
    const list = mapGet(listeners, type) ?? [];
    const copy = [];
    for (let index = 0; index < list.length; index++) if (list[index] !== listener) copy[copy.length] = list[index];
    if (copy.length) mapSet(listeners, type, copy);
    else mapDelete(listeners, type);
    tell(target, type, copy.length);
  };

  const dispatch = (target, event) => {
    const state = stateOf(event);
    state.dispatched = true;
    state.target = target;
    state.currentTarget = target;
    state.phase = AT_TARGET;
    const listeners = targetOf(target);
    const type = state.type;
    // Those that capture come first, at the target as well.
    for (let capture = 0; capture < 2 && !state.stopped; capture++) {
      const list = (listeners && mapGet(listeners, type)) ?? [];
      for (let index = 0; index < list.length && !state.stoppedImmediately; index++) {
        const listener = list[index];
        if (listener.removed || listener.capture !== !capture) continue;
        if (listener.once) remove(target, listeners, type, listener);
        state.passive = listener.passive;
        try {
          const { callback } = listener;
          if (typeof callback === 'function') {
            apply(callback, target, [event]);
          } else {
            const { handleEvent } = callback;
            if (typeof handleEvent !== 'function') throw new TypeError("a listener's handleEvent is not a function");
            apply(handleEvent, callback, [event]);
          }
        } catch (error) {
          report(error);
        }
        state.passive = false;
      }
    }
    state.phase = NONE;
    state.currentTarget = null;
    state.dispatched = false;
    state.stopped = state.stoppedImmediately = false;
  };

  // Dispatches an event that no script made.
  const fire = (target, type) => {
    const event = new Event(type);
    stateOf(event).trusted = true;
    dispatch(target, event);
  };

  // An attribute such as `onabort`: its listener takes the place of the first function that is set.
  const handler = (target, type) => {
    let current = null, listener;
    return {
      get: () => current,
      set: (value) => {
        current = isObject(value) ? value : null;
        const listeners = targetOf(target, true);
        if (current === null) {
          if (listener) remove(target, listeners, type, listener);
          listener = undefined;
        } else if (!listener) {
          const callback = function (event) {
            if (typeof current === 'function' && apply(current, this, [event]) === false) cancel(stateOf(event));
          };
          listener = { callback, capture: false, once: false, passive: false, removed: false, forget: undefined };
          put(target, listeners, type, mapGet(listeners, type) ?? [], listener);
        }
      },
    };
  };

  const shown = ['type', 'defaultPrevented', 'cancelable', 'timeStamp'];
  expose(Event, isEvent, shown);
  expose(CustomEvent, isCustom, shown);
  expose(EventTarget, isTarget);

  return {
    Event, CustomEvent, EventTarget, fire, handler, watch,
    reportError(error) {
      need(arguments, 1, 'reportError');
      report(error);
    },
  };
}
