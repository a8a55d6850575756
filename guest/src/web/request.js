// Request: https://fetch.spec.whatwg.org/#request-class
({ use }) => {
  const { TypeError, upperCase } = use('builtins');
  const { byteString, dictionary, enumeration, isObject, string } = use('conversions');
  const { expose, need, usv } = use('idl');
  const headers = use('headers');
  const bodies = use('body');
  const { isToken } = use('mime_type');
  const { URL } = use('url');

  const methods = { __proto__: null, DELETE: true, GET: true, HEAD: true, OPTIONS: true, POST: true, PUT: true };
  const forbidden = { __proto__: null, CONNECT: true, TRACE: true, TRACK: true };
  // What has no effect here is kept as it was given.
  const enumerations = {
    __proto__: null,
    cache: {
      __proto__: null, default: true, 'no-store': true, reload: true, 'no-cache': true, 'force-cache': true,
      'only-if-cached': true,
    },
    credentials: { __proto__: null, omit: true, 'same-origin': true, include: true },
    mode: { __proto__: null, 'same-origin': true, 'no-cors': true, cors: true },
    redirect: { __proto__: null, follow: true, error: true, manual: true },
    referrerPolicy: {
      __proto__: null, '': true, 'no-referrer': true, 'no-referrer-when-downgrade': true, 'same-origin': true, origin: true,
      'strict-origin': true, 'origin-when-cross-origin': true, 'strict-origin-when-cross-origin': true, 'unsafe-url': true,
    },
  };
  const defaults = {
    method: 'GET', redirect: 'follow', cache: 'default', credentials: 'same-origin', mode: 'cors', referrer: 'about:client',
    referrerPolicy: '', integrity: '', keepalive: false,
  };

  const token = {};
  let requestOf, isRequest;

  class Request {
    #request;
    static {
      isRequest = (value) => isObject(value) && #request in value;
      requestOf = (value) => {
        if (!isRequest(value)) throw new TypeError('this is not a Request');
        return value.#request;
      };
    }
    constructor(input, init = undefined) {
      if (input === token) {
        this.#request = init;
        return;
      }
      need(arguments, 1, 'new Request');
      const given = dictionary(init, 'the second argument');
      const from = isRequest(input) ? requestOf(input) : undefined;
      const request = { ...(from ?? defaults), body: null, signal: from?.signal, face: undefined };
      if (!from) request.url = parsed(usv(input));
      for (const name in enumerations) {
        const value = given[name];
        if (value !== undefined) request[name] = enumeration(value, enumerations[name], name);
      }
      const { body, duplex, headers: pairs, integrity, keepalive, method, referrer, signal } = given;
      if (duplex !== undefined) enumeration(duplex, { __proto__: null, half: true }, 'duplex');
      if (integrity !== undefined) request.integrity = string(integrity);
      if (keepalive !== undefined) request.keepalive = !!keepalive;
      if (referrer !== undefined) request.referrer = usv(referrer);
      if (method !== undefined) request.method = methodOf(byteString(method, 'the method'));
      if (signal !== undefined) {
        if (signal !== null && !use('abort').isSignal(signal)) throw new TypeError('the signal is not an AbortSignal');
        request.signal = signal ?? undefined;
      }
      request.headers = from && pairs === undefined ? headers.copy(from.headers) : headers.newHeaders();
      if (pairs !== undefined) headers.fill(request.headers, pairs);
      const hasBody = body !== undefined && body !== null;
      if ((hasBody || (body === undefined && from?.body)) && (request.method === 'GET' || request.method === 'HEAD')) {
        throw new TypeError(`a request of the method ${request.method} has no body`);
      }
      if (hasBody) {
        const made = bodies.extract(body);
        if (made.body.stream && duplex === undefined) {
          throw new TypeError("a request whose body is a stream needs the option duplex: 'half'");
        }
        if (made.type !== null && headers.get(request.headers, 'content-type') === null) {
          headers.append(request.headers, 'content-type', made.type);
        }
        request.body = made.body;
      } else if (body === undefined && from?.body) {
        request.body = bodies.move(from.body);
      }
      this.#request = request;
    }
    get method() { return requestOf(this).method }
    get url() { return requestOf(this).url }
    get headers() { return requestOf(this).headers }
    get destination() { return requestOf(this) && '' }
    get referrer() { return requestOf(this).referrer }
    get referrerPolicy() { return requestOf(this).referrerPolicy }
    get mode() { return requestOf(this).mode }
    get credentials() { return requestOf(this).credentials }
    get cache() { return requestOf(this).cache }
    get redirect() { return requestOf(this).redirect }
    get integrity() { return requestOf(this).integrity }
    get keepalive() { return requestOf(this).keepalive }
    get duplex() { return requestOf(this) && 'half' }
    // It is made when it is first asked for.
    get signal() {
      const request = requestOf(this);
      return (request.face ??= use('abort').any(request.signal ? [request.signal] : []));
    }
    clone() {
      const { body } = requestOf(this);
      bodies.refuseUsed(body);
      const copy = { body: body && bodies.clone(body), headers: headers.copy(requestOf(this).headers), face: undefined };
      return new Request(token, { ...requestOf(this), ...copy });
    }
  }
  bodies.mixIn(Request, (object) => {
    const { body, headers: pairs } = requestOf(object);
    return { body, type: headers.get(pairs, 'content-type') };
  });
  expose(Request, isRequest, ['method', 'url', 'headers', 'destination', 'referrer', 'referrerPolicy', 'mode', 'credentials', 'cache',
    'redirect', 'integrity', 'keepalive', 'signal']);

  const parsed = (text) => {
    let url;
    try {
      url = new URL(text);
    } catch {
      throw new TypeError(`'${text}' is not a URL. There is no base that a relative one could be relative to.`);
    }
    if (url.username || url.password) throw new TypeError('a URL with a user or a password in it cannot be fetched');
    return url.href;
  };
  const methodOf = (method) => {
    const upper = upperCase(method);
    if (!isToken(method)) throw new TypeError(`'${method}' is not a method`);
    if (forbidden[upper]) throw new TypeError(`the method ${upper} is not allowed`);
    return methods[upper] ? upper : method;
  };

  return { Request, requestOf };
}
