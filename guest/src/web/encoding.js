// TextEncoder and TextDecoder: https://encoding.spec.whatwg.org
({ native, use }) => {
  const { apply, getPrototypeOf } = Reflect, Bytes = Uint8Array, { set } = getPrototypeOf(Uint8Array.prototype);
  const RangeError_ = RangeError, TypeError_ = TypeError;
  const { need, expose } = use('idl'), { bytes, kind } = use('buffer_source');

  class TextEncoder {
    #is = true;
    static {
      expose(TextEncoder, (value) => #is in value, ['encoding']);
    }
    get encoding() {
      this.#is;
      return 'utf-8';
    }
    encode(input = '') {
      this.#is;
      return native.encode(`${input}`);
    }
    encodeInto(source, destination) {
      this.#is;
      need(arguments, 2, 'TextEncoder.encodeInto');
      source = `${source}`;
      if (kind(destination) !== 'Uint8Array') {
        throw new TypeError_('TextEncoder.encodeInto: the destination is no Uint8Array');
      }
      const place = bytes(destination), { 0: encoded, 1: read } = native.encodePrefix(source, place.length);
      apply(set, place, [encoded]);
      return { read, written: encoded.length };
    }
  }

  class TextDecoder {
    #encoding;
    #fatal;
    #ignoreBOM;
    #decode;
    static {
      expose(TextDecoder, (value) => #decode in value, ['encoding', 'fatal', 'ignoreBOM']);
    }
    constructor(label = 'utf-8', options = undefined) {
      const encoding = native.encoding(`${label}`);
      if (options !== undefined && options !== null && typeof options !== 'object' && typeof options !== 'function') {
        throw new TypeError_('TextDecoder: the options are no object');
      }
      if (encoding === undefined) throw new RangeError_(`The "${label}" encoding is not supported`);
      this.#encoding = encoding;
      this.#fatal = !!options?.fatal;
      this.#ignoreBOM = !!options?.ignoreBOM;
      this.#decode = native.decoder(encoding, this.#fatal, this.#ignoreBOM);
    }
    get encoding() { return this.#encoding }
    get fatal() { return this.#fatal }
    get ignoreBOM() { return this.#ignoreBOM }
    decode(input = undefined, options = undefined) {
      const decode = this.#decode;
      const source = input === undefined ? new Bytes() : bytes(input, 'TextDecoder.decode: the input');
      if (options !== undefined && options !== null && typeof options !== 'object' && typeof options !== 'function') {
        throw new TypeError_('TextDecoder.decode: the options are no object');
      }
      const text = decode(source, !!options?.stream);
      if (text === undefined) {
        throw new TypeError_(`The encoded data was not valid for encoding ${this.#encoding}`);
      }
      return text;
    }
  }

  return { TextEncoder, TextDecoder };
}
