// performance: https://w3c.github.io/hr-time
({ native, use }) => {
  const TypeError_ = TypeError, { expose } = use('idl');
  const origin = native.origin(), token = {};

  class Performance {
    #is = true;
    static {
      expose(Performance, (value) => #is in value, ['timeOrigin']);
    }
    constructor(given = undefined) {
      if (given !== token) throw new TypeError_('Illegal constructor');
    }
    get timeOrigin() {
      this.#is;
      return origin;
    }
    // As coarse as that of Date, and never set back.
    now() {
      this.#is;
      return native.now();
    }
    toJSON() {
      this.#is;
      return { timeOrigin: origin };
    }
  }

  return { performance: new Performance(token), Performance };
}
