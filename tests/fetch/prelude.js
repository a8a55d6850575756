// As much of `fetch` as the tests use, over the host's functions.
{
  const hidden = globalThis[':fetch'];
  let ids = 0;
  globalThis.AbortController = class {
    signal = { onabort: () => {} };
    abort() {
      this.signal.onabort();
    }
  };
  globalThis.fetch = async (url, { method = 'GET', headers = {}, body = null, redirect = 'follow', signal = {} } = {}) => {
    const id = ++ids;
    signal.onabort = () => hidden.abort(id);
    const bytes = body === null ? null : Uint8Array.from(body, (c) => c.charCodeAt(0));
    const answer = await hidden({ id, url, method, headers: Object.entries(headers), body: bytes, redirect });
    const stream = answer.body;
    const getReader = () => ({
      async read() {
        const value = await stream.read();
        return { done: value === null, value: value ?? undefined };
      },
      cancel: () => stream.close(),
    });
    return {
      ...answer,
      headers: new Map(answer.headers),
      body: stream && { getReader, cancel: () => stream.close() },
      async text() {
        let text = '';
        for (let chunk; stream && (chunk = await stream.read()) !== null; ) {
          for (const byte of chunk) text += String.fromCharCode(byte);
        }
        return text;
      },
    };
  };
}
undefined;
