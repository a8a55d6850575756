// URL and URLSearchParams: https://url.spec.whatwg.org
({ native, use }) => {
  const { apply, getOwnPropertyDescriptor, ownKeys } = Reflect, TypeError_ = TypeError, { iterator } = Symbol;
  const { need, usv, expose, iterable, pairsOf } = use('idl');

  // The places of a URL's parts in what the native functions give.
  const HREF = 0, ORIGIN = 1, PROTOCOL = 2, USERNAME = 3, PASSWORD = 4, HOST = 5, HOSTNAME = 6, PORT = 7, PATHNAME = 8,
    SEARCH = 9, HASH = 10;
  const parse = (url, base) => native.parse(usv(url), base === undefined ? undefined : usv(base));

  let connect, refresh, query, isParams, serialize;

  class URLSearchParams {
    // Names and values by turns.
    #list = [];
    #url = null;

    constructor(init = '') {
      if (init === null || (typeof init !== 'object' && typeof init !== 'function')) {
        const text = usv(init);
        this.#list = native.parseQuery(text[0] === '?' ? text : `?${text}`);
        return;
      }
      const list = this.#list, method = init[iterator];
      if (method !== undefined && method !== null) {
        if (typeof method !== 'function') throw new TypeError_('URLSearchParams: the init is not iterable');
        for (const pair of { [iterator]: () => apply(method, init, []) }) {
          if (pair === null || typeof pair !== 'object' && typeof pair !== 'function') {
            throw new TypeError_('URLSearchParams: each pair must be an iterable of a name and a value');
          }
          const parts = [];
          for (const part of pair) if (parts.length < 3) parts[parts.length] = part;
          if (parts.length !== 2) {
            throw new TypeError_('URLSearchParams: each pair must be an iterable of a name and a value');
          }
          list[list.length] = usv(parts[0]);
          list[list.length] = usv(parts[1]);
        }
        return;
      }
      const keys = ownKeys(init), places = { __proto__: null };
      for (let at = 0; at < keys.length; at++) {
        if (!getOwnPropertyDescriptor(init, keys[at])?.enumerable) continue;
        const name = usv(keys[at]), value = usv(init[keys[at]]);
        // Two names may differ in lone surrogates only.
        const place = places[name] ??= list.length;
        list[place] = name;
        list[place + 1] = value;
      }
    }

    #write() {
      if (this.#url) query(this.#url, native.serializeQuery(this.#list));
    }

    get size() { return this.#list.length / 2 }

    append(name, value) {
      const list = this.#list;
      need(arguments, 2, 'URLSearchParams.append');
      name = usv(name);
      value = usv(value);
      list[list.length] = name;
      list[list.length] = value;
      this.#write();
    }

    delete(name, value = undefined) {
      const list = this.#list;
      need(arguments, 1, 'URLSearchParams.delete');
      name = usv(name);
      if (value !== undefined) value = usv(value);
      let to = 0;
      for (let at = 0; at < list.length; at += 2) {
        if (list[at] === name && (value === undefined || list[at + 1] === value)) continue;
        list[to++] = list[at];
        list[to++] = list[at + 1];
      }
      list.length = to;
      this.#write();
    }

    get(name) {
      const list = this.#list;
      need(arguments, 1, 'URLSearchParams.get');
      name = usv(name);
      for (let at = 0; at < list.length; at += 2) if (list[at] === name) return list[at + 1];
      return null;
    }

    getAll(name) {
      const list = this.#list, found = [];
      need(arguments, 1, 'URLSearchParams.getAll');
      name = usv(name);
      for (let at = 0; at < list.length; at += 2) if (list[at] === name) found[found.length] = list[at + 1];
      return found;
    }

    has(name, value = undefined) {
      const list = this.#list;
      need(arguments, 1, 'URLSearchParams.has');
      name = usv(name);
      if (value !== undefined) value = usv(value);
      for (let at = 0; at < list.length; at += 2) {
        if (list[at] === name && (value === undefined || list[at + 1] === value)) return true;
      }
      return false;
    }

    set(name, value) {
      const list = this.#list;
      need(arguments, 2, 'URLSearchParams.set');
      name = usv(name);
      value = usv(value);
      let to = 0, is = false;
      for (let at = 0; at < list.length; at += 2) {
        if (list[at] === name && is) continue;
        const found = list[at] === name;
        list[to++] = list[at];
        list[to++] = found ? value : list[at + 1];
        is ||= found;
      }
      list.length = to;
      if (!is) {
        list[to] = name;
        list[to + 1] = value;
      }
      this.#write();
    }

    sort() {
      this.#list = sorted(this.#list);
      this.#write();
    }

    toString() { return native.serializeQuery(this.#list) }

    static {
      isParams = (value) => #list in value;
      serialize = (params) => native.serializeQuery(params.#list);
      connect = (params, url, text) => {
        params.#url = url;
        params.#list = native.parseQuery(text);
      };
      refresh = (params, text) => { params.#list = native.parseQuery(text) };
      iterable(URLSearchParams, (params) => params.#list);
      expose(URLSearchParams, isParams, (params) => pairsOf(params.#list));
    }
  }

  // Pairs in the order of their names as UTF-16 units, those of one name as they were.
  const sorted = (list) => {
    const pairs = list.length / 2;
    let from = list, to = [];
    for (let width = 1; width < pairs; width *= 2) {
      to = [];
      for (let start = 0; start < pairs; start += 2 * width) {
        const middle = start + width < pairs ? start + width : pairs;
        const end = middle + width < pairs ? middle + width : pairs;
        let left = start, right = middle;
        while (left < middle || right < end) {
          const next = right >= end || left < middle && from[2 * left] <= from[2 * right] ? left++ : right++;
          to[to.length] = from[2 * next];
          to[to.length] = from[2 * next + 1];
        }
      }
      from = to;
    }
    return from;
  };

  class URL {
    #parts;
    #params = null;

    constructor(url, base = undefined) {
      need(arguments, 1, 'URL');
      const parts = parse(url, base);
      if (!parts) throw new TypeError_('Invalid URL');
      this.#parts = parts;
    }

    static canParse(url, base = undefined) {
      need(arguments, 1, 'URL.canParse');
      return parse(url, base) !== undefined;
    }

    static parse(url, base = undefined) {
      need(arguments, 1, 'URL.parse');
      const parts = parse(url, base);
      if (!parts) return null;
      const made = new URL('a:');
      made.#parts = parts;
      return made;
    }

    #set(part, value) {
      const parts = native.set(this.#parts[HREF], part, usv(value));
      if (!parts) return;
      this.#parts = parts;
      if (this.#params && part === SEARCH) refresh(this.#params, parts[SEARCH]);
    }

    get href() { return this.#parts[HREF] }
    set href(value) {
      // Which also checks that this is a URL.
      this.#parts;
      const parts = native.parse(usv(value), undefined);
      if (!parts) throw new TypeError_('Invalid URL');
      this.#parts = parts;
      if (this.#params) refresh(this.#params, parts[SEARCH]);
    }
    get origin() { return this.#parts[ORIGIN] }
    get protocol() { return this.#parts[PROTOCOL] }
    set protocol(value) { this.#set(PROTOCOL, value) }
    get username() { return this.#parts[USERNAME] }
    set username(value) { this.#set(USERNAME, value) }
    get password() { return this.#parts[PASSWORD] }
    set password(value) { this.#set(PASSWORD, value) }
    get host() { return this.#parts[HOST] }
    set host(value) { this.#set(HOST, value) }
    get hostname() { return this.#parts[HOSTNAME] }
    set hostname(value) { this.#set(HOSTNAME, value) }
    get port() { return this.#parts[PORT] }
    set port(value) { this.#set(PORT, value) }
    get pathname() { return this.#parts[PATHNAME] }
    set pathname(value) { this.#set(PATHNAME, value) }
    get search() { return this.#parts[SEARCH] }
    set search(value) { this.#set(SEARCH, value) }
    get searchParams() {
      const parts = this.#parts;
      if (!this.#params) {
        this.#params = new URLSearchParams();
        connect(this.#params, this, parts[SEARCH]);
      }
      return this.#params;
    }
    get hash() { return this.#parts[HASH] }
    set hash(value) { this.#set(HASH, value) }
    toString() { return this.#parts[HREF] }
    toJSON() { return this.#parts[HREF] }

    static {
      expose(URL, (value) => #parts in value, ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname',
        'search', 'searchParams', 'hash']);
      query = (url, text) => { url.#parts = native.set(url.#parts[HREF], SEARCH, text) ?? url.#parts };
    }
  }

  return {
    URL, URLSearchParams, isParams, serialize,
    // Names and values by turns, of a text without a question mark before it.
    parseQuery: (text) => native.parseQuery(`?${text}`),
  };
}
