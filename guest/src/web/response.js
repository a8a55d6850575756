// Response: https://fetch.spec.whatwg.org/#response-class
({ use }) => {
  const { RangeError, TypeError, charCodeAt, stringify } = use('builtins');
  const { byteString, dictionary, isObject } = use('conversions');
  const { expose, need, usv } = use('idl');
  const headers = use('headers');
  const bodies = use('body');

  const nullBodies = { __proto__: null, 101: true, 103: true, 204: true, 205: true, 304: true };
  const redirects = { __proto__: null, 301: true, 302: true, 303: true, 307: true, 308: true };
  const token = {};
  let responseOf, isResponse;

  class Response {
    #response;
    static {
      responseOf = (value) => {
        if (!isObject(value) || !(#response in value)) throw new TypeError('this is not a Response');
        return value.#response;
      };
      isResponse = (value) => #response in value;
    }
    constructor(body = undefined, init = undefined) {
      if (body === token) {
        this.#response = init;
        return;
      }
      const made = body === undefined || body === null ? undefined : bodies.extract(body);
      this.#response = response(init, made);
    }
    static error() {
      return new Response(token, { ...plain(), type: 'error', status: 0, headers: headers.freeze(headers.newHeaders()) });
    }
    static json(data, init = undefined) {
      need(arguments, 1, 'Response.json');
      const text = stringify(data);
      if (text === undefined) throw new TypeError('the value has no form as JSON');
      const { body } = bodies.extract(text);
      return new Response(token, response(init, { body, type: 'application/json' }));
    }
    static redirect(url, status = 302) {
      need(arguments, 1, 'Response.redirect');
      const { URL } = use('url');
      const text = usv(url);
      let href;
      try {
        href = new URL(text).href;
      } catch {
        throw new TypeError(`'${text}' is not a URL. There is no base that a relative one could be relative to.`);
      }
      if (!redirects[+status]) throw new RangeError(`${+status} is not the status of a redirect`);
      const pairs = headers.newHeaders();
      headers.append(pairs, 'location', href);
      return new Response(token, { ...plain(), status: +status, headers: headers.freeze(pairs) });
    }
    get type() { return responseOf(this).type }
    get url() { return responseOf(this).url }
    get redirected() { return responseOf(this).redirected }
    get status() { return responseOf(this).status }
    get ok() {
      const { status } = responseOf(this);
      return status >= 200 && status <= 299;
    }
    get statusText() { return responseOf(this).statusText }
    get headers() { return responseOf(this).headers }
    clone() {
      const given = responseOf(this);
      const body = given.body && bodies.clone(given.body);
      const copy = headers.copy(given.headers);
      if (headers.isFrozen(given.headers)) headers.freeze(copy);
      return new Response(token, { ...given, body, headers: copy });
    }
  }
  bodies.mixIn(Response, (object) => {
    const { body, headers: pairs } = responseOf(object);
    return { body, type: headers.get(pairs, 'content-type') };
  });
  expose(Response, isResponse, ['status', 'statusText', 'headers', 'body', 'bodyUsed', 'ok', 'redirected', 'type', 'url']);

  const plain = () => ({
    type: 'default', url: '', redirected: false, status: 200, statusText: '', headers: undefined, body: null,
  });
  const response = (init, made) => {
    const given = dictionary(init, 'the second argument');
    const { headers: pairs, status, statusText } = given;
    const out = plain();
    if (status !== undefined) {
      const number = unsignedShort(status);
      if (!(number >= 200 && number <= 599)) throw new RangeError(`a status is from 200 to 599, and not ${number}`);
      out.status = number;
    }
    if (statusText !== undefined) {
      const text = byteString(statusText, 'the statusText');
      for (let index = 0; index < text.length; index++) {
        const unit = charCodeAt(text, index);
        if ((unit < 32 && unit !== 9) || unit === 127) throw new TypeError('the statusText has a control character in it');
      }
      out.statusText = text;
    }
    out.headers = headers.newHeaders();
    if (pairs !== undefined) headers.fill(out.headers, pairs);
    if (made) {
      if (nullBodies[out.status]) throw new TypeError(`a response of the status ${out.status} has no body`);
      out.body = made.body;
      if (made.type !== null && headers.get(out.headers, 'content-type') === null) {
        headers.append(out.headers, 'content-type', made.type);
      }
    }
    return out;
  };
  // As Web IDL makes an `unsigned short`.
  const unsignedShort = (value) => {
    const number = +value;
    return number - number === 0 ? number & 65535 : 0;
  };

  return {
    Response,
    // A response that came from the host.
    newResponse: (status, statusText, url, redirected, face, body) =>
      new Response(token, {
        type: 'basic', url, redirected, status, statusText, headers: headers.freeze(face),
        body: nullBodies[status] ? null : body,
      }),
  };
}
