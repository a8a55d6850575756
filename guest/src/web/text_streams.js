// TextEncoderStream and TextDecoderStream: https://encoding.spec.whatwg.org
({ use }) => {
  const { TypeError, charCodeAt, substring, uncurry } = use('builtins');
  const { dictionary, isObject, string } = use('conversions');
  const { expose } = use('idl');
  const { createTransform } = use('streams');
  const { TextDecoder, TextEncoder } = use('encoding');
  const encode = uncurry(TextEncoder.prototype.encode), decode = uncurry(TextDecoder.prototype.decode);

  class TextEncoderStream {
    #ends;
    static {
      expose(TextEncoderStream, (value) => #ends in value, ['encoding', 'readable', 'writable']);
    }
    constructor() {
      const encoder = new TextEncoder();
      // The first half of a pair of surrogates whose second half may be in the next chunk.
      let pending = '';
      this.#ends = createTransform({
        transform: (chunk, enqueue) => {
          let text = pending + string(chunk);
          const last = text.length ? charCodeAt(text, text.length - 1) : 0;
          pending = '';
          if (last >= 0xd800 && last <= 0xdbff) {
            pending = substring(text, text.length - 1);
            text = substring(text, 0, text.length - 1);
          }
          if (text !== '') enqueue(encode(encoder, text));
        },
        flush: (enqueue) => {
          if (pending !== '') enqueue(encode(encoder, pending));
        },
      });
    }
    get encoding() {
      this.#ends;
      return 'utf-8';
    }
    get readable() { return this.#ends.readable }
    get writable() { return this.#ends.writable }
  }

  class TextDecoderStream {
    #ends;
    #decoder;
    static {
      expose(TextDecoderStream, (value) => #ends in value, ['encoding', 'fatal', 'ignoreBOM', 'readable', 'writable']);
    }
    constructor(label = 'utf-8', options = undefined) {
      const given = dictionary(options, 'the options');
      const fatal = !!given.fatal, ignoreBOM = !!given.ignoreBOM;
      const decoder = new TextDecoder(label, { __proto__: null, fatal, ignoreBOM });
      const { encoding } = decoder;
      this.#decoder = { encoding, fatal, ignoreBOM };
      this.#ends = createTransform({
        transform: (chunk, enqueue) => {
          if (!isObject(chunk)) throw new TypeError('a chunk to be decoded is a buffer or a view');
          const text = decode(decoder, chunk, { __proto__: null, stream: true });
          if (text !== '') enqueue(text);
        },
        flush: (enqueue) => {
          const text = decode(decoder);
          if (text !== '') enqueue(text);
        },
      });
    }
    get encoding() { return this.#decoder.encoding }
    get fatal() { return this.#decoder.fatal }
    get ignoreBOM() { return this.#decoder.ignoreBOM }
    get readable() { return this.#ends.readable }
    get writable() { return this.#ends.writable }
  }

  return { TextEncoderStream, TextDecoderStream };
}
