// fetch: https://fetch.spec.whatwg.org/#fetch-method. The network is the host's, and there only where it is granted.
({ native, use }) => {
  const { TypeError, rejected } = use('builtins');
  const start = native.host(':fetch'), end = native.host(':fetch.abort');

  // Everything else is loaded at the first call: many scripts ask only whether there is a `fetch`.
  const load = () => {
    const {
      Deferred, FinalizationRegistry, Uint8Array, WeakRef, charCodeAt, deref, exec, fromCharCode, handled, ignore, indexOf,
      lowerCase, promised, register, resolved, subarray, substring, then,
    } = use('builtins');
    const { Request, requestOf } = use('request');
    const { newResponse } = use('response');
    const headers = use('headers');
    const bodies = use('body');
    const { byteStream, cancel, fail } = use('streams');

    let last = 0;
    // Forgets what waits for a signal when a body that nobody reads to its end is gone.
    const gone = new FinalizationRegistry((forget) => forget());

    // What the host says is a TypeError, whatever its name.
    const failure = (error) => {
      if (error instanceof TypeError) return error;
      return new TypeError(typeof error?.message === 'string' ? error.message : 'the request failed', { cause: error });
    };

    // The body of a response: its chunks are asked for as they are wanted.
    const bodyOf = (id, source, signal) => {
      let forget = ignore;
      const pull = (enqueue, close) =>
        then(
          promised(() => source.read()),
          (chunk) => {
            if (chunk === null) {
              forget();
              close();
            } else if (chunk.length) {
              enqueue(chunk);
            } else {
              return pull(enqueue, close);
            }
          },
          (error) => {
            forget();
            throw failure(error);
          },
        );
      const cancel = () => {
        forget();
        source.close();
      };
      const { stream, controller } = byteStream({ pull, cancel });
      if (signal) {
        const { onAbort, reasonOf } = use('abort');
        const weak = new WeakRef(controller);
        forget = onAbort(signal, () => {
          end?.(id);
          const controller = deref(weak);
          if (controller) fail(controller, reasonOf(signal));
        });
        register(gone, controller, forget);
      }
      return bodies.bodyOf(undefined, stream);
    };

    const send = (request) => {
      const { signal } = request;
      const { isAborted, onAbort, reasonOf } = signal ? use('abort') : { __proto__: null };
      const refuse = () => {
        if (request.body?.stream) cancel(request.body.stream, reasonOf(signal));
        return rejected(reasonOf(signal));
      };
      if (signal && isAborted(signal)) return refuse();
      if (indexOf(request.url, 'data:') === 0) return promised(() => fromData(request));
      if (!start) return rejected(new TypeError('fetch is not granted'));
      const id = ++last;
      const answer = new Deferred();
      let isOver = false, isStarted = false;
      const forget = signal
        ? onAbort(signal, () => {
            isOver = true;
            if (isStarted) end?.(id);
            handled(refuse());
            answer.reject(reasonOf(signal));
          })
        : ignore;
      const refused = (error) => {
        if (isOver) return;
        forget();
        answer.reject(failure(error));
      };
      // What is in an object without a prototype has no `then` that a script could have put there.
      const taken = request.body
        ? bodies.take(request.body, (body) => ({ __proto__: null, body }))
        : resolved({ __proto__: null, body: null });
      then(
        taken,
        ({ body }) => {
          if (isOver) return;
          isStarted = true;
          const { url, method, redirect } = request;
          const pairs = headers.pairs(request.headers);
          const asked = promised(() => start({ id, url, method, headers: pairs, body, redirect }));
          then(asked, (result) => {
            if (isOver) return result.body?.close();
            forget();
            try {
              answer.resolve(answered(id, result, signal));
            } catch (error) {
              answer.reject(failure(error));
            }
          }, refused);
        },
        // What reading the request's body throws is the script's own.
        (error) => {
          if (isOver) return;
          forget();
          answer.reject(error);
        },
      );
      return answer.promise;
    };

    const answered = (id, { status, statusText, url, redirected, headers: pairs, body }, signal) => {
      const face = headers.newHeaders();
      for (let index = 0; index < pairs.length; index++) headers.append(face, lowerCase(pairs[index][0]), pairs[index][1]);
      return newResponse(status, statusText, url, redirected, face, body ? bodyOf(id, body, signal) : null);
    };

    // A URL that has its content in itself.
    const fromData = ({ method, url }) => {
      const comma = indexOf(url, ',');
      const hash = indexOf(url, '#');
      const close = hash < 0 ? url.length : hash;
      if (comma < 0 || comma > close) throw new TypeError('the data URL has no comma');
      const { parse, serialize, trim } = use('mime_type');
      let type = trim(substring(url, 5, comma));
      let bytes = percentDecoded(substring(url, comma + 1, close));
      const tail = exec(/; *base64$/i, type);
      if (tail) {
        type = substring(type, 0, tail.index);
        bytes = fromBase64(bytes);
      }
      if (indexOf(type, ';') === 0) type = `text/plain${type}`;
      const mime = parse(type);
      const face = headers.newHeaders();
      headers.append(face, 'content-type', mime ? serialize(mime) : 'text/plain;charset=US-ASCII');
      const { leaf } = use('blob');
      const content = leaf(method === 'HEAD' ? new Uint8Array(0) : bytes);
      return newResponse(200, 'OK', url, false, face, bodies.bodyOf(content, undefined));
    };
    const hex = (unit) =>
      unit >= 48 && unit <= 57 ? unit - 48 : unit >= 65 && unit <= 70 ? unit - 55 : unit >= 97 && unit <= 102 ? unit - 87 : -1;
    // What a URL is written with is of one byte a character.
    const percentDecoded = (text) => {
      const bytes = new Uint8Array(text.length);
      let length = 0;
      for (let index = 0; index < text.length; index++) {
        let unit = charCodeAt(text, index);
        if (unit === 37 && index + 2 < text.length) {
          const high = hex(charCodeAt(text, index + 1)), low = hex(charCodeAt(text, index + 2));
          if (high >= 0 && low >= 0) {
            unit = high * 16 + low;
            index += 2;
          }
        }
        bytes[length++] = unit;
      }
      return subarray(bytes, 0, length);
    };
    const fromBase64 = (bytes) => {
      let text;
      try {
        const { atob } = use('base64');
        text = atob(latin1(bytes));
      } catch {
        throw new TypeError('the data URL is not base64');
      }
      const decoded = new Uint8Array(text.length);
      for (let index = 0; index < text.length; index++) decoded[index] = charCodeAt(text, index);
      return decoded;
    };
    const latin1 = (bytes) => {
      let text = '';
      for (let index = 0; index < bytes.length; index++) text += fromCharCode(bytes[index]);
      return text;
    };

    return (input, init) => {
      return send(requestOf(new Request(input, init)));
    };
  };
  let send;

  return {
    fetch(input, init = undefined) {
      try {
        if (!arguments.length) throw new TypeError('fetch needs 1 argument, and has 0');
        send ??= load();
        return send(input, init);
      } catch (error) {
        return rejected(error);
      }
    },
  };
}
