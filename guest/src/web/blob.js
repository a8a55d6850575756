// Blob and File: https://w3c.github.io/FileAPI
({ use }) => {
  const {
    Number, RangeError, TypeError, Uint8Array, bytesSet, bytesSlice, charCodeAt, exec, floor, lowerCase, max, min, now,
    promised, subarray, substring, uncurry,
  } = use('builtins');
  const { bytesOf, clamp, dictionary, enumeration, isObject, sequence, string } = use('conversions');
  const { expose, need, usv } = use('idl');
  const { TextDecoder, TextEncoder } = use('encoding');
  const { MAX_SAFE_INTEGER } = Number;
  const encode = uncurry(TextEncoder.prototype.encode), decode = uncurry(TextDecoder.prototype.decode);
  const encoder = new TextEncoder();

  // Bytes of a chunk of a blob's stream.
  const CHUNK = 65536;
  // Blobs up to so many bytes are in one piece.
  const SMALL = 4096;

  // The content of a blob is a tree that never changes, and that others may share: a leaf has `bytes`; a list has `parts`,
  // and where each of them ends; a part of another content has its `base`, and where it begins in it.
  const leaf = (bytes) => ({ size: bytes.length, bytes, parts: undefined, ends: undefined, base: undefined, start: 0 });
  const list = (parts) => {
    const kept = [], ends = [];
    let size = 0;
    for (let index = 0; index < parts.length; index++) {
      if (!parts[index].size) continue;
      size += parts[index].size;
      if (size > MAX_SAFE_INTEGER) throw new RangeError('a blob would be too large');
      kept[kept.length] = parts[index];
      ends[ends.length] = size;
    }
    if (kept.length === 1) return kept[0];
    const content = { size, bytes: undefined, parts: kept, ends, base: undefined, start: 0 };
    return size <= SMALL ? leaf(read(content)) : content;
  };
  const part = (content, start, end) => {
    const size = max(0, end - start);
    if (size === content.size) return content;
    if (content.bytes) return leaf(subarray(content.bytes, start, start + size));
    if (size <= SMALL) return leaf(read(content, start, start + size));
    const { base } = content;
    return base
      ? { size, bytes: undefined, parts: undefined, ends: undefined, base, start: content.start + start }
      : { size, bytes: undefined, parts: undefined, ends: undefined, base: content, start };
  };

  // Gives the pieces of a content from `start` to `end`, one at each call, and undefined at the end. It does not recurse: a
  // script may have made the tree as deep as it likes.
  const pieces = (content, start = 0, end = content.size) => {
    const stack = [{ content, start, end, index: -1 }];
    let depth = 1;
    return () => {
      while (depth) {
        const frame = stack[depth - 1];
        const { content, start, end } = frame;
        if (content.bytes) {
          depth--;
          if (start < end) return subarray(content.bytes, start, end);
        } else if (content.base) {
          stack[depth - 1] = { content: content.base, start: content.start + start, end: content.start + end, index: -1 };
        } else {
          const { parts, ends } = content;
          if (frame.index < 0) frame.index = first(ends, start);
          const { index } = frame;
          const begin = index ? ends[index - 1] : 0;
          if (index >= parts.length || begin >= end) {
            depth--;
            continue;
          }
          frame.index++;
          const child = parts[index];
          stack[depth++] = {
            content: child, start: max(0, start - begin), end: min(child.size, end - begin), index: -1,
          };
        }
      }
    };
  };
  // The first part that ends behind a place.
  const first = (ends, place) => {
    let low = 0, high = ends.length;
    while (low < high) {
      const middle = floor((low + high) / 2);
      if (ends[middle] > place) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const read = (content, start = 0, end = content.size) => {
    const bytes = new Uint8Array(end - start);
    const next = pieces(content, start, end);
    for (let offset = 0, piece; (piece = next()); offset += piece.length) bytesSet(bytes, piece, offset);
    return bytes;
  };
  const stream = (content) => {
    const next = pieces(content);
    let piece, offset = 0;
    return use('streams').byteStream({
      pull: (enqueue, close) => {
        if (!piece || offset === piece.length) {
          piece = next();
          offset = 0;
        }
        if (!piece) return close();
        // A chunk's buffer goes to who reads it.
        const chunk = bytesSlice(piece, offset, offset + CHUNK);
        offset += chunk.length;
        enqueue(chunk);
      },
    }).stream;
  };
  const text = (bytes) => decode(new TextDecoder(), bytes);

  const typeOf = (type) => (exec(/[^ -~]/, type) ? '' : lowerCase(type));
  // Line ends as this system has them.
  const nativeEnds = (text) => {
    let out = '', from = 0;
    for (let index = 0; index < text.length; index++) {
      if (charCodeAt(text, index) !== 13) continue;
      out += substring(text, from, index) + '\n';
      if (charCodeAt(text, index + 1) === 10) index++;
      from = index + 1;
    }
    return out + substring(text, from);
  };
  const endingsKinds = { __proto__: null, transparent: true, native: true };
  const contentOf = (values, options) => {
    // The parts are looked at before the options are. The ends of lines in them depend on those, and so does their text.
    const parts = values === undefined ? [] : sequence(values, partOf);
    if (!parts) throw new TypeError('the parts of a blob are not iterable');
    const given = dictionary(options, 'the options');
    const { endings } = given;
    const isNative = endings !== undefined && enumeration(endings, endingsKinds, 'endings') === 'native';
    const { type } = given;
    const tag = type === undefined ? '' : typeOf(string(type));
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index];
      if (typeof part === 'string') parts[index] = leaf(encode(encoder, isNative ? nativeEnds(part) : part));
    }
    return { content: list(parts), type: tag };
  };
  // The content that a part of a blob is, or its text.
  const partOf = (value) => {
    if (isBlob(value)) return stateOf(value).content;
    const bytes = bytesOf(value);
    return bytes ? leaf(bytesSlice(bytes)) : usv(value);
  };

  const token = {};
  let stateOf, isBlob, isFile;

  class Blob {
    #state;
    static {
      isBlob = (value) => isObject(value) && #state in value;
      stateOf = (value) => {
        if (!isBlob(value)) throw new TypeError('this is not a Blob');
        return value.#state;
      };
      expose(Blob, isBlob, ['size', 'type'], (blob) => new Blob(token, blob.#state));
    }
    constructor(blobParts = undefined, options = undefined) {
      this.#state = blobParts === token ? options : contentOf(blobParts, options);
    }
    get size() { return stateOf(this).content.size }
    get type() { return stateOf(this).type }
    slice(start = 0, end = undefined, contentType = '') {
      const { content } = stateOf(this);
      const { size } = content;
      const place = (value) => {
        const index = clamp(value);
        return index < 0 ? max(0, size + index) : min(index, size);
      };
      const from = place(start), to = end === undefined ? size : place(end);
      return new Blob(token, { content: part(content, from, max(from, to)), type: typeOf(string(contentType)) });
    }
    stream() { return stream(stateOf(this).content) }
    text() { return promised(() => text(read(stateOf(this).content))) }
    arrayBuffer() { return promised(() => read(stateOf(this).content).buffer) }
    bytes() { return promised(() => read(stateOf(this).content)) }
  }

  class File extends Blob {
    #name;
    #lastModified;
    static {
      isFile = (value) => isObject(value) && #name in value;
      expose(File, isFile, ['size', 'type', 'name', 'lastModified'], (file) => {
        return new File(token, file.#name, { ...stateOf(file), lastModified: file.#lastModified });
      });
    }
    constructor(fileBits, fileName, options = undefined) {
      if (fileBits !== token) {
        need(arguments, 2, 'new File');
        if (fileBits === undefined) throw new TypeError('the parts of a file are not iterable');
      }
      super(fileBits, options);
      this.#name = usv(fileName);
      const { lastModified } = dictionary(options, 'the options');
      this.#lastModified = lastModified === undefined ? now() : clamp(lastModified);
    }
    get name() { return this.#name }
    get lastModified() { return this.#lastModified }
  }

  return {
    Blob, File, isBlob, isFile, leaf, list, read, stream,
    contentOf: (blob) => stateOf(blob).content,
    typeOf: (blob) => stateOf(blob).type,
    newBlob: (content, type) => new Blob(token, { content, type: typeOf(type) }),
    newFile: (content, type, name, lastModified = now()) =>
      new File(token, name, { content, type: typeOf(type), lastModified }),
  };
}
