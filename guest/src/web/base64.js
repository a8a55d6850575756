// atob and btoa: https://html.spec.whatwg.org/multipage/webappapis.html#atob
({ native, use }) => {
  const { decode, encode } = native, TypeError_ = TypeError;
  const refuse = (message) => {
    const { DOMException } = use('dom_exception');
    throw new DOMException(message, 'InvalidCharacterError');
  };
  const missing = (name) => { throw new TypeError_(`${name}: an argument is missing`) };

  // Methods are no constructors.
  return {
    atob(data) {
      if (!arguments.length) missing('atob');
      return decode(`${data}`) ?? refuse('The string to be decoded is not correctly encoded.');
    },
    btoa(data) {
      if (!arguments.length) missing('btoa');
      return encode(`${data}`) ?? refuse('The string to be encoded contains characters outside of the Latin1 range.');
    },
  };
}
