// URLPattern: https://urlpattern.spec.whatwg.org
({ native, use }) => {
  const { apply } = Reflect, RegExp_ = RegExp, { exec } = RegExp.prototype, TypeError_ = TypeError;
  const { usv, expose } = use('idl');
  const parts = ['protocol', 'username', 'password', 'hostname', 'port', 'pathname', 'search', 'hash'];

  const isObject = (value) => value !== null && (typeof value === 'object' || typeof value === 'function');
  // A text, or a copy of what an object says.
  const inputOf = (input) => {
    if (!isObject(input)) return input === undefined || input === null ? {} : usv(input);
    const init = {};
    for (let at = 0; at < parts.length; at++) {
      const value = input[parts[at]];
      if (value !== undefined) init[parts[at]] = usv(value);
    }
    const base = input.baseURL;
    if (base !== undefined) init.baseURL = usv(base);
    return init;
  };
  const bare = (init) => isObject(init) ? { __proto__: null, ...init } : init;

  const parse = (input, base, ignoreCase) => {
    const answers = [];
    for (;;) {
      const { components, error, hasGroups, questions } = native.parse(bare(input), base, ignoreCase, answers);
      if (!questions) {
        if (error !== undefined) throw new TypeError_(`URLPattern: ${error}`);
        return [components, hasGroups];
      }
      for (let at = 0; at < questions.length; at++) {
        const { 0: source, 1: flags, 2: text } = questions[at];
        answers[answers.length] = [source, flags, text, apply(exec, compile(source, flags), [text]) !== null];
      }
    }
  };
  const compile = (source, flags) => {
    try {
      return new RegExp_(source, flags);
    } catch (error) {
      throw new TypeError_(`URLPattern: ${error.message}`);
    }
  };

  let isPattern;

  class URLPattern {
    // For each part: [pattern, regular expression, names of its groups].
    #components = [];
    #hasGroups;
    static {
      isPattern = (value) => #components in value;
    }

    constructor(input = undefined, second = undefined, third = undefined) {
      const given = inputOf(input);
      // A second argument that is no object is a base.
      const hasBase = arguments.length > 2 || second !== undefined && second !== null && !isObject(second);
      const base = hasBase ? usv(second) : undefined, options = hasBase ? third : second;
      const ignoreCase = !!options?.ignoreCase;
      if (isObject(given) && hasBase) throw new TypeError_('URLPattern: an object and a base URL');
      const { 0: components, 1: hasGroups } = parse(given, base, ignoreCase);
      for (let at = 0; at < parts.length; at++) {
        const { 0: pattern, 1: source, length } = components[at], names = [];
        for (let group = 2; group < length; group++) names[group - 2] = components[at][group];
        this.#components[at] = [pattern, compile(source, ignoreCase && at > 4 ? 'ui' : 'u'), names];
      }
      this.#hasGroups = hasGroups;
    }

    // The input of each part, and what its groups have matched; nothing where one does not match.
    #match(input, base) {
      const given = inputOf(input);
      if (base !== undefined) base = usv(base);
      if (isObject(given) && base !== undefined) throw new TypeError_('URLPattern: an object and a base URL');
      const values = native.match(bare(given), base);
      if (!values) return null;
      const result = { inputs: base === undefined ? [given] : [given, base] };
      for (let at = 0; at < parts.length; at++) {
        const { 1: expression, 2: names } = this.#components[at], text = values[at];
        const found = apply(exec, expression, [text]);
        if (found === null) return null;
        const groups = {};
        for (let group = 0; group < names.length; group++) groups[names[group]] = found[group + 1];
        result[parts[at]] = { input: text, groups };
      }
      return result;
    }

    test(input = undefined, base = undefined) { return this.#match(input, base) !== null }
    exec(input = undefined, base = undefined) { return this.#match(input, base) }
    get protocol() { return this.#components[0][0] }
    get username() { return this.#components[1][0] }
    get password() { return this.#components[2][0] }
    get hostname() { return this.#components[3][0] }
    get port() { return this.#components[4][0] }
    get pathname() { return this.#components[5][0] }
    get search() { return this.#components[6][0] }
    get hash() { return this.#components[7][0] }
    get hasRegExpGroups() { return this.#hasGroups }
  }

  expose(URLPattern, isPattern, parts);

  return { URLPattern };
}
