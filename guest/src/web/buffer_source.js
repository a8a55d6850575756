// The bytes of an ArrayBuffer or of a view: https://webidl.spec.whatwg.org/#BufferSource
() => {
  const { apply, getOwnPropertyDescriptor, getPrototypeOf } = Reflect, TypeError_ = TypeError;
  const { isView } = ArrayBuffer, Bytes = Uint8Array;
  const getter = (object, name) => getOwnPropertyDescriptor(object, name).get;
  const bufferBytes = getter(ArrayBuffer.prototype, 'byteLength'), data = DataView.prototype;
  const view = getPrototypeOf(Bytes.prototype), kindOf = getter(view, Symbol.toStringTag);
  const viewed = getter(view, 'buffer'), viewOffset = getter(view, 'byteOffset'), viewBytes = getter(view, 'byteLength');
  const dataViewed = getter(data, 'buffer'), dataOffset = getter(data, 'byteOffset'), dataBytes = getter(data, 'byteLength');

  // The class of a typed array, `DataView`, or `undefined` for what is no view.
  const kind = (value) => isView(value) ? apply(kindOf, value, []) ?? 'DataView' : undefined;

  const isBuffer = (value) => {
    try {
      apply(bufferBytes, value, []);
      return true;
    } catch {
      return false;
    }
  };

  // A Uint8Array of all bytes of a source, of a length that stays; of a detached source it is empty. No byte is copied.
  const bytes = (source, what) => {
    const is = kind(source);
    let buffer = source, offset = 0, length;
    try {
      if (is === undefined) {
        length = apply(bufferBytes, source, []);
      } else if (is === 'DataView') {
        buffer = apply(dataViewed, source, []);
        length = 0;
        length = apply(dataBytes, source, []);
        offset = apply(dataOffset, source, []);
      } else {
        buffer = apply(viewed, source, []);
        length = apply(viewBytes, source, []);
        offset = apply(viewOffset, source, []);
      }
    } catch {
      if (length === undefined) throw new TypeError_(`${what} is neither an ArrayBuffer nor a view of one`);
    }
    return length ? new Bytes(buffer, offset, length) : new Bytes();
  };

  return { bytes, isBuffer, kind };
}
