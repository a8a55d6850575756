// performance: https://w3c.github.io/hr-time
({ native, use }) => {
  const TypeError_ = TypeError, { expose } = use('idl');
  // The time at which it is used first: that of the engine's making would be that of its image.
  const origin = native.now(), token = {};
  let last = 0;

  class Performance {
    #is = true;
    constructor(given) {
      if (given !== token) throw new TypeError_('Illegal constructor');
    }
    get timeOrigin() {
      this.#is;
      return origin;
    }
    // As coarse as that of Date, and never set back.
    now() {
      this.#is;
      const now = native.now() - origin;
      return last = now > last ? now : last;
    }
    toJSON() { return { timeOrigin: this.timeOrigin } }
  }

  return { performance: new Performance(token), Performance: expose(Performance) };
}
