// MIME types: https://mimesniff.spec.whatwg.org/#parsing-a-mime-type
({ use }) => {
  const { charAt, exec, indexOf, lowerCase, substring } = use('builtins');

  const isToken = (text) => exec(/^[!#$%&'*+\-.^_\x60|~0-9A-Za-z]+$/, text) !== null;
  const isQuotable = (text) => exec(/^[\t -~\x80-\xff]*$/, text) !== null;
  const trimEnd = (text) => {
    let to = text.length;
    while (to && isBlank(charAt(text, to - 1))) to--;
    return substring(text, 0, to);
  };
  const trim = (text) => {
    let from = 0;
    while (from < text.length && isBlank(charAt(text, from))) from++;
    return trimEnd(substring(text, from));
  };
  const isBlank = (unit) => unit === ' ' || unit === '\t' || unit === '\n' || unit === '\r';

  // Reads `; name=value; name="value"` from a place on, and calls `each` with every name and value.
  const parameters = (text, from, each) => {
    let at = from;
    while (at < text.length) {
      at++;
      while (isBlank(charAt(text, at))) at++;
      const start = at;
      while (at < text.length && charAt(text, at) !== ';' && charAt(text, at) !== '=') at++;
      const name = lowerCase(substring(text, start, at));
      if (charAt(text, at) !== '=') continue;
      at++;
      let value = '';
      if (charAt(text, at) === '"') {
        at++;
        while (at < text.length && charAt(text, at) !== '"') {
          if (charAt(text, at) === '\\' && at + 1 < text.length) at++;
          value += charAt(text, at++);
        }
        while (at < text.length && charAt(text, at) !== ';') at++;
      } else {
        const end = indexOf(text, ';', at);
        value = trimEnd(substring(text, at, end < 0 ? text.length : end));
        at = end < 0 ? text.length : end;
        if (value === '') continue;
      }
      each(name, value);
    }
  };

  // The essence and the parameters of a MIME type, or undefined.
  const parse = (input) => {
    const text = trim(input);
    const end = indexOf(text, ';');
    const essence = lowerCase(trim(end < 0 ? text : substring(text, 0, end)));
    const slash = indexOf(essence, '/');
    if (slash < 0 || !isToken(substring(essence, 0, slash)) || !isToken(substring(essence, slash + 1))) return;
    const type = { essence, parameters: { __proto__: null } };
    if (end >= 0) {
      parameters(text, end, (name, value) => {
        if (isToken(name) && isQuotable(value) && !(name in type.parameters)) type.parameters[name] = value;
      });
    }
    return type;
  };
  // The MIME type that a header of several values stands for: the last one that is valid.
  const extract = (text) => {
    let found, from = 0, isQuoted = false;
    for (let at = 0; at <= text.length; at++) {
      const unit = charAt(text, at);
      if (unit === '"') isQuoted = !isQuoted;
      else if (unit === '\\' && isQuoted) at++;
      if (at < text.length && (unit !== ',' || isQuoted)) continue;
      const type = parse(substring(text, from, at));
      from = at + 1;
      if (!type || type.essence === '*/*') continue;
      if (found?.essence === type.essence) type.parameters.charset ??= found.parameters.charset;
      if (type.parameters.charset === undefined) delete type.parameters.charset;
      found = type;
    }
    return found;
  };
  const serialize = ({ essence, parameters }) => {
    let text = essence;
    for (const name in parameters) {
      const value = parameters[name];
      if (isToken(value)) {
        text += `;${name}=${value}`;
        continue;
      }
      text += `;${name}="`;
      for (let index = 0; index < value.length; index++) {
        const unit = charAt(value, index);
        text += unit === '"' || unit === '\\' ? `\\${unit}` : unit;
      }
      text += '"';
    }
    return text;
  };

  return { extract, isToken, parse, serialize, trim };
}
