// DOMException: https://webidl.spec.whatwg.org/#idl-DOMException
() => {
  const { construct, defineProperty, setPrototypeOf } = Reflect, Error_ = Error, { captureStackTrace } = Error;
  const TypeError_ = TypeError;

  // The names of old, in the order of their codes. Some codes have none any more.
  const names = ['IndexSizeError', '', 'HierarchyRequestError', 'WrongDocumentError', 'InvalidCharacterError', '',
    'NoModificationAllowedError', 'NotFoundError', 'NotSupportedError', 'InUseAttributeError', 'InvalidStateError',
    'SyntaxError', 'InvalidModificationError', 'NamespaceError', 'InvalidAccessError', '', 'TypeMismatchError',
    'SecurityError', 'NetworkError', 'AbortError', 'URLMismatchError', 'QuotaExceededError', 'TimeoutError',
    'InvalidNodeTypeError', 'DataCloneError'];
  const constants = ['INDEX_SIZE_ERR', 'DOMSTRING_SIZE_ERR', 'HIERARCHY_REQUEST_ERR', 'WRONG_DOCUMENT_ERR',
    'INVALID_CHARACTER_ERR', 'NO_DATA_ALLOWED_ERR', 'NO_MODIFICATION_ALLOWED_ERR', 'NOT_FOUND_ERR',
    'NOT_SUPPORTED_ERR', 'INUSE_ATTRIBUTE_ERR', 'INVALID_STATE_ERR', 'SYNTAX_ERR', 'INVALID_MODIFICATION_ERR',
    'NAMESPACE_ERR', 'INVALID_ACCESS_ERR', 'VALIDATION_ERR', 'TYPE_MISMATCH_ERR', 'SECURITY_ERR', 'NETWORK_ERR',
    'ABORT_ERR', 'URL_MISMATCH_ERR', 'QUOTA_EXCEEDED_ERR', 'TIMEOUT_ERR', 'INVALID_NODE_TYPE_ERR', 'DATA_CLONE_ERR'];

  // Gives private fields to an object that is there: an instance is an error by its nature, with a stack.
  class Given {
    constructor(object) { return object }
  }
  class Fields extends Given {
    #name;
    #message;
    #code = 0;
    constructor(error, message, name) {
      super(error);
      this.#message = message;
      this.#name = name;
      for (let at = 0; at < names.length; at++) if (names[at] === name) this.#code = at + 1;
    }
    static has(error) { return #name in error }
    static name(error) { return error.#name }
    static message(error) { return error.#message }
    static code(error) { return error.#code }
  }
  const check = (error) => {
    if (error === null || typeof error !== 'object' || !Fields.has(error)) {
      throw new TypeError_('this is no DOMException');
    }
    return error;
  };

  class DOMException {
    constructor(message = '', options = 'Error') {
      message = `${message}`;
      const given = options !== null && typeof options === 'object';
      const name = given ? options.name : options;
      const error = construct(Error_, [], new.target);
      captureStackTrace(error, DOMException);
      if (given && 'cause' in options) {
        defineProperty(error, 'cause', { __proto__: null, value: options.cause, writable: true, configurable: true });
      }
      return new Fields(error, message, given && name === undefined ? 'Error' : `${name}`);
    }
    get name() { return Fields.name(check(this)) }
    get message() { return Fields.message(check(this)) }
    get code() { return Fields.code(check(this)) }
  }
  setPrototypeOf(DOMException.prototype, Error_.prototype);
  defineProperty(DOMException.prototype, 'name', { __proto__: null, enumerable: true });
  defineProperty(DOMException.prototype, 'message', { __proto__: null, enumerable: true });
  defineProperty(DOMException.prototype, 'code', { __proto__: null, enumerable: true });
  defineProperty(DOMException.prototype, Symbol.toStringTag,
    { __proto__: null, value: 'DOMException', configurable: true });
  for (let at = 0; at < constants.length; at++) {
    const constant = { __proto__: null, value: at + 1, enumerable: true };
    defineProperty(DOMException, constants[at], constant);
    defineProperty(DOMException.prototype, constants[at], constant);
  }
  return { DOMException, is: (value) => Fields.has(value) };
}
