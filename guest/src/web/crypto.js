// crypto: https://w3c.github.io/webcrypto
({ native, use }) => {
  const { apply, getPrototypeOf } = Reflect, TypeError_ = TypeError, Bytes = Uint8Array;
  const { ceil } = Math, { set } = getPrototypeOf(Bytes.prototype), { toUpperCase } = String.prototype, { iterator } = Symbol;
  const { need, expose } = use('idl'), { bytes, kind } = use('buffer_source');
  const refuse = (name, message) => {
    const { DOMException } = use('dom_exception');
    throw new DOMException(message, name);
  };

  // By name: bits of a block, and what JSON Web Keys call HMAC with it.
  const hashes = {
    __proto__: null,
    'SHA-1': [512, 'HS1'], 'SHA-256': [512, 'HS256'], 'SHA-384': [1024, 'HS384'], 'SHA-512': [1024, 'HS512'],
  };
  const integers = { __proto__: null, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array,
    Uint32Array, BigInt64Array, BigUint64Array };

  const nameOf = (algorithm) => {
    const is = algorithm !== null && (typeof algorithm === 'object' || typeof algorithm === 'function');
    if (is && algorithm.name === undefined) throw new TypeError_('the algorithm has no name');
    return apply(toUpperCase, `${is ? algorithm.name : algorithm}`, []);
  };
  const hashOf = (algorithm) => {
    const name = nameOf(algorithm);
    return name in hashes ? name : refuse('NotSupportedError', 'Unrecognized algorithm name');
  };
  const checkHmac = (algorithm) => {
    if (nameOf(algorithm) !== 'HMAC') refuse('NotSupportedError', 'Unrecognized algorithm name');
    return algorithm;
  };
  const hmacOf = (algorithm) => {
    const { hash, length } = checkHmac(algorithm);
    if (hash === undefined) throw new TypeError_('the algorithm has no hash');
    const bits = length === undefined ? undefined : +length;
    if (bits !== undefined && !(bits >= 0 && bits < 2 ** 32)) throw new TypeError_('the length is no length of a key');
    return { hash: hashOf(hash), bits: bits && bits >>> 0 };
  };
  // The usages as the standard orders them.
  const usagesOf = (given) => {
    if (given === null || typeof given !== 'object' || typeof given[iterator] !== 'function') {
      throw new TypeError_('the usages are no sequence');
    }
    let sign = false, verify = false;
    for (const usage of given) {
      switch (`${usage}`) {
        case 'sign': sign = true; break;
        case 'verify': verify = true; break;
        case 'encrypt': case 'decrypt': case 'deriveKey': case 'deriveBits': case 'wrapKey': case 'unwrapKey':
          refuse('SyntaxError', 'Unsupported key usage for an HMAC key');
        default: throw new TypeError_(`${usage} is no usage of a key`);
      }
    }
    if (!sign && !verify) refuse('SyntaxError', 'Usages cannot be empty when importing a secret key.');
    const usages = [];
    if (sign) usages[usages.length] = 'sign';
    if (verify) usages[usages.length] = 'verify';
    return usages;
  };

  // Only this file has it, so only this file makes keys.
  const token = {};
  let secretOf;

  class CryptoKey {
    #secret;
    #algorithm;
    #extractable;
    #usages;
    constructor(given = undefined, secret, algorithm, extractable, usages) {
      if (given !== token) throw new TypeError_('Illegal constructor');
      this.#secret = secret;
      this.#algorithm = algorithm;
      this.#extractable = extractable;
      this.#usages = usages;
    }
    get type() {
      this.#secret;
      return 'secret';
    }
    get extractable() { return this.#extractable }
    get algorithm() { return this.#algorithm }
    get usages() { return this.#usages }
    static {
      expose(CryptoKey, (value) => #secret in value, ['type', 'extractable', 'algorithm', 'usages']);
      // What a key may be used for is kept apart from the objects that scripts see, and may change.
      secretOf = (key) => key.#secret;
    }
  }

  // What a key holds: its bytes, its hash, how it may be used.
  const newKey = (key, hash, bits, extractable, usages) => {
    let sign = false, verify = false;
    for (let at = 0; at < usages.length; at++) usages[at] === 'sign' ? sign = true : verify = true;
    const secret = { __proto__: null, key, hash, sign, verify, extractable };
    return new CryptoKey(token, secret, { name: 'HMAC', hash: { name: hash }, length: bits }, extractable, usages);
  };
  const keyFor = (algorithm, key, usage) => {
    checkHmac(algorithm);
    const secret = secretOf(key);
    if (!secret[usage]) refuse('InvalidAccessError', `Unable to use this key to ${usage}`);
    return secret;
  };
  // A copy of the bytes, which scripts cannot change.
  const copy = (source, what) => {
    const given = bytes(source, what), copied = new Bytes(given.length);
    apply(set, copied, [given]);
    return copied;
  };

  class SubtleCrypto {
    #is = true;
    static {
      expose(SubtleCrypto, (value) => #is in value);
    }
    constructor(given = undefined) {
      if (given !== token) throw new TypeError_('Illegal constructor');
    }

    async digest(algorithm, data) {
      this.#is;
      need(arguments, 2, 'SubtleCrypto.digest');
      const name = hashOf(algorithm);
      return native.digest(name, bytes(data, 'the data'));
    }

    async sign(algorithm, key, data) {
      this.#is;
      need(arguments, 3, 'SubtleCrypto.sign');
      const source = bytes(data, 'the data'), secret = keyFor(algorithm, key, 'sign');
      return native.sign(secret.hash, secret.key, source);
    }

    async verify(algorithm, key, signature, data) {
      this.#is;
      need(arguments, 4, 'SubtleCrypto.verify');
      const given = bytes(signature, 'the signature'), source = bytes(data, 'the data');
      const secret = keyFor(algorithm, key, 'verify');
      return native.verify(secret.hash, secret.key, source, given);
    }

    async generateKey(algorithm, extractable, usages) {
      this.#is;
      need(arguments, 3, 'SubtleCrypto.generateKey');
      const { hash, bits: wanted } = hmacOf(algorithm), uses = usagesOf(usages);
      const bits = wanted ?? hashes[hash][0];
      if (bits === 0) refuse('OperationError', 'Zero-length key is not supported');
      const key = new Bytes(ceil(bits / 8));
      for (let at = 0; at < key.length; at += 65536) {
        const left = key.length - at;
        apply(set, key, [native.random(left < 65536 ? left : 65536), at]);
      }
      return newKey(fit(key, bits), hash, bits, !!extractable, uses);
    }

    async importKey(format, keyData, algorithm, extractable, usages) {
      this.#is;
      need(arguments, 5, 'SubtleCrypto.importKey');
      format = `${format}`;
      const { hash, bits: wanted } = hmacOf(algorithm);
      let key;
      if (format === 'raw') key = copy(keyData, 'the key');
      extractable = !!extractable;
      const uses = usagesOf(usages);
      if (format === 'jwk') key = fromJwk(keyData, hash, extractable, uses);
      else if (format !== 'raw') refuse('NotSupportedError', `Unable to import an HMAC key from ${format}`);
      if (key.length === 0) refuse('DataError', 'Zero-length key is not supported');
      const bits = wanted ?? key.length * 8;
      if (bits > key.length * 8 || bits <= key.length * 8 - 8) refuse('DataError', 'Invalid key length');
      return newKey(fit(key, bits), hash, bits, extractable, uses);
    }

    async exportKey(format, key) {
      this.#is;
      need(arguments, 2, 'SubtleCrypto.exportKey');
      format = `${format}`;
      const secret = secretOf(key);
      if (format !== 'raw' && format !== 'jwk') refuse('NotSupportedError', `Unable to export an HMAC key to ${format}`);
      if (!secret.extractable) refuse('InvalidAccessError', 'key is not extractable');
      if (format === 'raw') return native.buffer(secret.key);
      const operations = [];
      if (secret.sign) operations[operations.length] = 'sign';
      if (secret.verify) operations[operations.length] = 'verify';
      return {
        key_ops: operations, ext: true, kty: 'oct', k: native.toBase64Url(secret.key), alg: hashes[secret.hash][1],
      };
    }
  }

  // The first bits of a key. Those of its last byte that are too many are zero.
  const fit = (key, bits) => {
    if (bits & 7) key[key.length - 1] &= 0xff << 8 - (bits & 7);
    return key;
  };

  const fromJwk = (jwk, hash, extractable, usages) => {
    if (jwk === null || typeof jwk !== 'object' || kind(jwk)) throw new TypeError_('the key is no JSON Web Key');
    const { alg, ext, k, key_ops: operations, kty, use: usedFor } = jwk;
    if (kty !== 'oct') refuse('DataError', 'The JWK "kty" is not "oct"');
    const key = k === undefined ? undefined : native.fromBase64Url(`${k}`);
    if (!key) refuse('DataError', 'The JWK "k" is no base64url');
    if (alg !== undefined && alg !== hashes[hash][1]) refuse('DataError', 'The JWK "alg" does not match the hash');
    if (usedFor !== undefined && usedFor !== 'sig') refuse('DataError', 'The JWK "use" is not "sig"');
    if (operations !== undefined) {
      const named = { __proto__: null };
      for (const operation of operations) {
        if (named[operation]) refuse('DataError', 'The JWK "key_ops" has an operation twice');
        named[operation] = true;
      }
      for (let at = 0; at < usages.length; at++) {
        if (!named[usages[at]]) refuse('DataError', 'The JWK "key_ops" does not allow the usages');
      }
    }
    if (ext !== undefined && !ext && extractable) refuse('DataError', 'The JWK is not extractable');
    return key;
  };

  const subtle = new SubtleCrypto(token);

  class Crypto {
    #is = true;
    static {
      expose(Crypto, (value) => #is in value);
    }
    constructor(given = undefined) {
      if (given !== token) throw new TypeError_('Illegal constructor');
    }
    get subtle() {
      this.#is;
      return subtle;
    }
    getRandomValues(array) {
      this.#is;
      need(arguments, 1, 'Crypto.getRandomValues');
      const is = kind(array);
      if (is === undefined) throw new TypeError_('Crypto.getRandomValues: the array is no typed array');
      if (!(is in integers)) refuse('TypeMismatchError', 'The data argument must be an integer-type TypedArray');
      const place = bytes(array);
      if (place.length > 65536) {
        refuse('QuotaExceededError', `The requested length exceeds 65,536 bytes: ${place.length}`);
      }
      apply(set, place, [native.random(place.length)]);
      return array;
    }
    randomUUID() {
      this.#is;
      return native.uuid();
    }
  }

  return { crypto: new Crypto(token), Crypto, CryptoKey, SubtleCrypto };
}
