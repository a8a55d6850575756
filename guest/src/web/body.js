// Bodies of requests and responses: https://fetch.spec.whatwg.org/#bodies
({ use }) => {
  const {
    TypeError, Uint8Array, bytesSlice, defineProperty, getOwnPropertyDescriptor, ownKeys, parse, promised, rejected, uncurry,
  } = use('builtins');
  const { bytesOf, isObject } = use('conversions');
  const { usv } = use('idl');
  const blobs = use('blob');
  const { TextDecoder, TextEncoder } = use('encoding');
  const encode = uncurry(TextEncoder.prototype.encode), decode = uncurry(TextDecoder.prototype.decode);

  // A body has its content, as a blob has it, or a stream, or both where the stream is of the content. `isUsed` says that the
  // content was taken without a stream.
  const bodyOf = (content, stream) => ({ content, stream, isUsed: false });

  // The body that a value stands for, and its type, or null.
  const extract = (value) => {
    if (isObject(value)) {
      const streams = use('streams'), forms = use('form_data');
      if (streams.isReadable(value)) {
        if (streams.isDisturbed(value) || streams.isLocked(value)) throw new TypeError('the stream is used or locked');
        return { body: bodyOf(undefined, value), type: null };
      }
      if (blobs.isBlob(value)) {
        return { body: bodyOf(blobs.contentOf(value), undefined), type: blobs.typeOf(value) || null };
      }
      const bytes = bytesOf(value);
      if (bytes) return { body: bodyOf(blobs.leaf(bytesSlice(bytes)), undefined), type: null };
      if (forms.isFormData(value)) {
        const { content, type } = forms.write(value);
        return { body: bodyOf(content, undefined), type };
      }
      const url = use('url');
      if (url.isParams(value)) {
        return { body: fromText(url.serialize(value)), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
      }
    }
    return { body: fromText(usv(value)), type: 'text/plain;charset=UTF-8' };
  };
  const fromText = (text) => bodyOf(blobs.leaf(encode(new TextEncoder(), text)), undefined);

  const isUsed = (body) => body.isUsed || (body.stream !== undefined && use('streams').isDisturbed(body.stream));
  const isUnusable = (body) => isUsed(body) || (body.stream !== undefined && use('streams').isLocked(body.stream));
  const streamOf = (body) => {
    if (!body.stream) {
      const { cancel, lock } = use('streams');
      body.stream = blobs.stream(body.content);
      if (body.isUsed) {
        cancel(body.stream);
        lock(body.stream);
      }
    }
    return body.stream;
  };
  const refuseUsed = (body) => {
    if (body && isUnusable(body)) throw new TypeError('the body was read already, or is being read');
  };
  // Takes all bytes of a body, and gives a promise of what `convert` makes of them. It has a view that nobody else has.
  const take = (body, convert) =>
    promised(() => {
      if (!body) return convert(new Uint8Array(0));
      refuseUsed(body);
      if (body.stream) return use('streams').readAll(body.stream, convert);
      body.isUsed = true;
      return convert(blobs.read(body.content));
    });
  // A body with the same bytes. What was a stream becomes two.
  const clone = (body) => {
    refuseUsed(body);
    if (!body.stream) return bodyOf(body.content, undefined);
    const { 0: one, 1: two } = use('streams').tee(body.stream);
    body.stream = one;
    return bodyOf(undefined, two);
  };
  // Moves a body to another owner: of this one it is used.
  const move = (body) => {
    refuseUsed(body);
    if (!body.stream) {
      body.isUsed = true;
      return bodyOf(body.content, undefined);
    }
    return bodyOf(undefined, use('streams').passOn(body.stream));
  };

  const text = (bytes) => decode(new TextDecoder(), bytes);
  const formData = (bytes, type) => {
    const mime = type === null ? undefined : use('mime_type').extract(type);
    if (mime?.essence === 'multipart/form-data') return use('form_data').read(bytes, mime.parameters.boundary);
    if (mime?.essence !== 'application/x-www-form-urlencoded') {
      throw new TypeError('the Content-Type is neither multipart/form-data nor application/x-www-form-urlencoded');
    }
    const { face, add } = use('form_data').newForm();
    // A byte order mark is a part of the first name.
    const list = use('url').parseQuery(decode(new TextDecoder('utf-8', { __proto__: null, ignoreBOM: true }), bytes));
    for (let at = 0; at < list.length; at += 2) add(list[at], list[at + 1]);
    return face;
  };
  const typeOf = (type) => {
    const mime = type === null ? undefined : use('mime_type').extract(type);
    return mime ? use('mime_type').serialize(mime) : '';
  };

  // Gives a class the members of a body. `partsOf(object)` has the body and the text of its type.
  const mixIn = (Class, partsOf) => {
    const consume = (object, convert) => {
      try {
        const { body, type } = partsOf(object);
        return take(body, (bytes) => convert(bytes, type));
      } catch (error) {
        return rejected(error);
      }
    };
    const members = {
      get body() {
        const { body } = partsOf(this);
        return body && streamOf(body);
      },
      get bodyUsed() {
        const { body } = partsOf(this);
        return body !== null && isUsed(body);
      },
      arrayBuffer() { return consume(this, (bytes) => bytes.buffer) },
      blob() { return consume(this, (bytes, type) => blobs.newBlob(blobs.leaf(bytes), typeOf(type))) },
      bytes() { return consume(this, (bytes) => bytes) },
      formData() { return consume(this, formData) },
      json() { return consume(this, (bytes) => parse(text(bytes))) },
      text() { return consume(this, text) },
    };
    const names = ownKeys(members);
    for (let index = 0; index < names.length; index++) {
      const descriptor = getOwnPropertyDescriptor(members, names[index]);
      defineProperty(Class.prototype, names[index], { __proto__: null, ...descriptor });
    }
  };

  return { bodyOf, clone, extract, mixIn, move, refuseUsed, take };
}
