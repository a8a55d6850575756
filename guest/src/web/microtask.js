// queueMicrotask: https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html#microtask-queuing
({ use }) => {
  const { apply, defineProperty } = Reflect, { then } = Promise.prototype, TypeError_ = TypeError;
  const { need } = use('idl'), done = Promise.resolve();
  // Else the promise of each callback would be made by what scripts make of `Promise`.
  defineProperty(done, 'constructor', { __proto__: null, value: undefined });

  return {
    // What a callback throws is the reason of a promise that nobody handles, and is told of as such.
    queueMicrotask(callback) {
      need(arguments, 1, 'queueMicrotask');
      if (typeof callback !== 'function') throw new TypeError_('queueMicrotask: the callback is no function');
      apply(then, done, [() => { callback() }]);
    },
  };
}
