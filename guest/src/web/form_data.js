// FormData: https://xhr.spec.whatwg.org/#interface-formdata, and multipart/form-data: https://www.rfc-editor.org/rfc/rfc7578
({ use }) => {
  const {
    TypeError, bytesIndexOf, charAt, exec, floor, indexOf, lowerCase, random, substring, subarray, uncurry,
  } = use('builtins');
  const { isObject } = use('conversions');
  const { expose, iterable, need, usv } = use('idl');
  const { contentOf, isBlob, isFile, leaf, list, newFile, typeOf } = use('blob');
  const { TextDecoder, TextEncoder } = use('encoding');
  const { trim } = use('mime_type');
  const encode = uncurry(TextEncoder.prototype.encode), decode = uncurry(TextDecoder.prototype.decode);
  const encoder = new TextEncoder();

  // Bytes of the longest lines about one part, and of the longest boundary, that are read.
  const MAX_HEADERS = 16384, MAX_BOUNDARY = 70;

  let formOf, isFormData;

  class FormData {
    // Names and values by turns, in their order.
    #form = { entries: [] };
    static {
      isFormData = (value) => isObject(value) && #form in value;
      formOf = (value) => {
        if (!isFormData(value)) throw new TypeError('this is not a FormData');
        return value.#form;
      };
    }
    constructor(form = undefined) {
      if (form !== undefined) throw new TypeError('there are no forms here that a FormData could be made from');
    }
    append(name, value, filename = undefined) {
      const form = formOf(this);
      need(arguments, 2, 'FormData.append');
      add(form, usv(name), valueOf(value, filename));
    }
    delete(name) {
      const form = formOf(this);
      need(arguments, 1, 'FormData.delete');
      const { entries } = form, given = usv(name);
      form.entries = [];
      for (let index = 0; index < entries.length; index += 2) {
        if (entries[index] !== given) add(form, entries[index], entries[index + 1]);
      }
    }
    get(name) {
      const form = formOf(this);
      need(arguments, 1, 'FormData.get');
      return valuesOf(form, usv(name))[0] ?? null;
    }
    getAll(name) {
      const form = formOf(this);
      need(arguments, 1, 'FormData.getAll');
      return valuesOf(form, usv(name));
    }
    has(name) {
      const form = formOf(this);
      need(arguments, 1, 'FormData.has');
      return valuesOf(form, usv(name)).length > 0;
    }
    set(name, value, filename = undefined) {
      const form = formOf(this);
      need(arguments, 2, 'FormData.set');
      const given = usv(name), made = valueOf(value, filename), { entries } = form;
      let isThere = false;
      form.entries = [];
      for (let index = 0; index < entries.length; index += 2) {
        const isOther = entries[index] !== given;
        if (isOther || !isThere) add(form, entries[index], isOther ? entries[index + 1] : made);
        isThere ||= !isOther;
      }
      if (!isThere) add(form, given, made);
    }
  }
  iterable(FormData, (form) => formOf(form).entries);
  expose(FormData, isFormData, (face) => {
    const { entries } = formOf(face), shown = { __proto__: null }, lists = { __proto__: null };
    for (let index = 0; index < entries.length; index += 2) {
      const name = entries[index], value = entries[index + 1], list = lists[name];
      if (list) list[list.length] = value;
      else shown[name] = name in shown ? (lists[name] = [shown[name], value]) : value;
    }
    return shown;
  });

  const add = ({ entries }, name, value) => {
    entries[entries.length] = name;
    entries[entries.length] = value;
  };
  const valuesOf = ({ entries }, name) => {
    const values = [];
    for (let index = 0; index < entries.length; index += 2) {
      if (entries[index] === name) values[values.length] = entries[index + 1];
    }
    return values;
  };
  const valueOf = (value, filename) => {
    if (!isBlob(value)) {
      if (filename !== undefined) throw new TypeError('only a Blob has a file name');
      return usv(value);
    }
    if (isFile(value) && filename === undefined) return value;
    const name = filename === undefined ? 'blob' : usv(filename);
    return newFile(contentOf(value), typeOf(value), name, isFile(value) ? value.lastModified : undefined);
  };

  // The content of a multipart/form-data body, as that of a blob: files are not copied.
  const write = (face) => {
    const { entries } = formOf(face);
    let boundary = '----formdata-';
    for (let index = 0; index < 24; index++) boundary += charAt('0123456789abcdefghijklmnopqrstuvwxyz', floor(random() * 36));
    const parts = [];
    let text = '';
    for (let index = 0; index < entries.length; index += 2) {
      const name = entries[index], value = entries[index + 1];
      text += `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(lines(name))}"`;
      if (!isBlob(value)) {
        text += `\r\n\r\n${lines(value)}\r\n`;
        continue;
      }
      text += `; filename="${escaped(value.name)}"\r\nContent-Type: ${typeOf(value) || 'application/octet-stream'}\r\n\r\n`;
      parts[parts.length] = leaf(encode(encoder, text));
      parts[parts.length] = contentOf(value);
      text = '\r\n';
    }
    parts[parts.length] = leaf(encode(encoder, `${text}--${boundary}--\r\n`));
    return { content: list(parts), type: `multipart/form-data; boundary=${boundary}` };
  };
  // Every line end as CR and LF.
  const lines = (text) => replaced(text, /\r\n|\r|\n/g, () => '\r\n');
  const escaped = (text) => replaced(text, /[\r\n"]/g, (found) => (found === '"' ? '%22' : found === '\r' ? '%0D' : '%0A'));
  const unescaped = (text) =>
    replaced(text, /%0A|%0D|%22/gi, (found) => (found === '%22' ? '"' : lowerCase(found) === '%0d' ? '\r' : '\n'));
  const replaced = (text, pattern, by) => {
    let out = '', from = 0;
    for (let found; (found = exec(pattern, text)); ) {
      out += substring(text, from, found.index) + by(found[0]);
      from = found.index + found[0].length;
    }
    return from ? out + substring(text, from) : text;
  };

  const malformed = (what) => new TypeError(`the body is no multipart/form-data: ${what}`);

  // Reads a multipart/form-data body, in one pass.
  const read = (bytes, boundary) => {
    if (boundary === undefined || boundary === '') throw malformed('its type has no boundary');
    if (boundary.length > MAX_BOUNDARY) throw malformed(`its boundary is longer than ${MAX_BOUNDARY} characters`);
    const face = new FormData();
    const form = formOf(face);
    const delimiter = encode(encoder, `--${boundary}`);
    const isAt = (place) => {
      for (let index = 0; index < delimiter.length; index++) if (bytes[place + index] !== delimiter[index]) return false;
      return true;
    };
    const isLineEnd = (place) => bytes[place] === 13 && bytes[place + 1] === 10;
    // The next CR and LF, or -1.
    const lineEnd = (from) => {
      let place = bytesIndexOf(bytes, 13, from);
      while (place >= 0 && bytes[place + 1] !== 10) place = bytesIndexOf(bytes, 13, place + 1);
      return place;
    };
    const text = (from, to, options) => decode(new TextDecoder('utf-8', options), subarray(bytes, from, to));
    let at = 0;
    if (!isAt(at)) throw malformed('it does not begin with its boundary');
    for (;;) {
      at += delimiter.length;
      if (bytes[at] === 45 && bytes[at + 1] === 45) return face;
      if (!isLineEnd(at)) throw malformed('there is no line end behind a boundary');
      at += 2;
      const begin = at;
      let disposition, type = 'text/plain';
      while (!isLineEnd(at)) {
        const end = lineEnd(at);
        if (end < 0 || end - begin > MAX_HEADERS) {
          throw malformed(`a part has no headers, or more than ${MAX_HEADERS} bytes of them`);
        }
        const line = text(at, end);
        const colon = indexOf(line, ':');
        if (colon < 0) throw malformed('a header has no colon');
        const name = lowerCase(trim(substring(line, 0, colon))), value = trim(substring(line, colon + 1));
        if (name === 'content-disposition') disposition = dispositionOf(value);
        if (name === 'content-type') type = value;
        at = end + 2;
      }
      if (!disposition) throw malformed('a part has no name');
      at += 2;
      // A part ends before a line end with a boundary behind it.
      let end = lineEnd(at);
      while (end >= 0 && !isAt(end + 2)) end = lineEnd(end + 1);
      if (end < 0) throw malformed('a part has no end');
      const { name, filename } = disposition;
      if (filename === undefined) add(form, name, text(at, end, { __proto__: null, ignoreBOM: true }));
      else add(form, name, newFile(leaf(subarray(bytes, at, end)), type, filename));
      at = end + 2;
    }
  };
  // The name and the file name of `form-data; name="..."; filename="..."`.
  const dispositionOf = (value) => {
    const found = { name: undefined, filename: undefined };
    const semicolon = indexOf(value, ';');
    if (semicolon < 0 || lowerCase(trim(substring(value, 0, semicolon))) !== 'form-data') return;
    const pattern = /;[\t ]*([^\s;="]+)=(?:"([^"]*)"|([^";]*))/g;
    for (let match; (match = exec(pattern, value)); ) {
      const name = lowerCase(match[1]);
      const text = unescaped(match[2] ?? trim(match[3]));
      if (name === 'name') found.name ??= text;
      if (name === 'filename') found.filename ??= text;
    }
    return found.name === undefined ? undefined : found;
  };

  return {
    FormData, isFormData, read, write,
    // A form without entries, and what adds one.
    newForm: () => {
      const face = new FormData();
      return { face, add: (name, value) => add(formOf(face), name, value) };
    },
  };
}
