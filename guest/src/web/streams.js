// Streams: https://streams.spec.whatwg.org. Functions have the names of the standard's abstract operations. Each public object
// is the face of a record, on which these functions work.
({ use }) => {
  const {
    ArrayBuffer, DataView, Deferred, Promise, Queue, RangeError, TypeError, Uint8Array, apply, asyncIterator,
    bufferDetached, bufferLength, bufferSlice, bufferTransfer, bytesSet, defineProperty, getPrototypeOf, handled, ignore,
    iterator, min, promised, rejected, resolved, setPrototypeOf, then,
  } = use('builtins');
  const { dictionary, isObject, method, takeable, unsignedLongLong, viewParts } = use('conversions');
  const { expose, need } = use('idl');
  const { kind } = use('buffer_source');
  const { floor } = Math;
  const views = {
    __proto__: null, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array,
    BigUint64Array, Float16Array: globalThis.Float16Array, Float32Array, Float64Array, DataView,
  };

  // Given to a constructor, it says that the next argument is the record.
  const token = {};
  const illegal = (name) => { throw new TypeError(`a ${name} is made by its stream only`) };
  const is = (name, what = 'this') => new TypeError(`${what} is not a ${name}`);

  // What a script's function gives as a promise, as Web IDL makes one.
  const invoke = (callback, self, args) => {
    try {
      const value = apply(callback, self, args);
      return new Promise((resolve) => resolve(value));
    } catch (error) {
      return rejected(error);
    }
  };
  const microtask = (body) => then(resolved(undefined), body);

  // Queues with sizes

  const newQueue = (container) => {
    container.queue = new Queue();
    container.queueTotalSize = 0;
  };
  const enqueueValueWithSize = (container, value, size) => {
    if (!(size >= 0) || size === Infinity) throw new RangeError('the size of a chunk is a number from 0 up, and finite');
    container.queue.push({ value, size });
    container.queueTotalSize += size;
  };
  const dequeueValue = (container) => {
    const { value, size } = container.queue.shift();
    container.queueTotalSize -= size;
    if (container.queueTotalSize < 0) container.queueTotalSize = 0;
    return value;
  };

  const strategyOf = (strategy) => {
    const given = dictionary(strategy, 'the strategy');
    const { highWaterMark } = given;
    const mark = highWaterMark === undefined ? undefined : +highWaterMark;
    const size = method(given, 'size', 'the strategy');
    // The function is called without an object.
    return { highWaterMark: mark, size: size && ((chunk) => +size(chunk)) };
  };
  const extractHighWaterMark = ({ highWaterMark }, otherwise) => {
    if (highWaterMark === undefined) return otherwise;
    if (!(highWaterMark >= 0)) throw new RangeError('the highWaterMark is a number from 0 up');
    return highWaterMark;
  };
  const one = () => 1;

  // ReadableStream

  let readableOf;

  const initializeReadableStream = () => ({
    state: 'readable', reader: undefined, storedError: undefined, disturbed: false, controller: undefined,
  });

  class ReadableStream {
    #stream;
    static {
      readableOf = (value, what) => {
        if (!isObject(value) || !(#stream in value)) throw is('ReadableStream', what);
        return value.#stream;
      };
      expose(ReadableStream, (value) => #stream in value, (face) => {
        const stream = face.#stream;
        return { __proto__: null, locked: isReadableStreamLocked(stream), state: stream.state, supportsBYOB: stream.controller.isByte };
      });
    }
    constructor(underlyingSource = undefined, strategy = undefined) {
      if (underlyingSource === token) {
        this.#stream = strategy;
        return;
      }
      if (underlyingSource === null) throw new TypeError('the underlying source is not an object');
      const source = dictionary(underlyingSource, 'the underlying source');
      const given = strategyOf(strategy);
      const what = 'the underlying source';
      const { autoAllocateChunkSize } = source;
      const allocate =
        autoAllocateChunkSize === undefined ? undefined : unsignedLongLong(autoAllocateChunkSize, 'autoAllocateChunkSize');
      const cancel = method(source, 'cancel', what);
      const pull = method(source, 'pull', what);
      const start = method(source, 'start', what);
      const { type } = source;
      if (type !== undefined && `${type}` !== 'bytes') throw new TypeError(`a source's type is 'bytes', and not '${type}'`);
      const stream = initializeReadableStream();
      this.#stream = stream;
      const algorithms = (controller) => ({
        start: start && (() => apply(start, underlyingSource, [faceOf(controller)])),
        pull: pull && (() => invoke(pull, underlyingSource, [faceOf(controller)])),
        cancel: cancel && ((reason) => invoke(cancel, underlyingSource, [reason])),
      });
      if (type !== undefined) {
        if (given.size) throw new RangeError('a stream of bytes has no size function');
        const highWaterMark = extractHighWaterMark(given, 0);
        if (allocate === 0) throw new TypeError('autoAllocateChunkSize is not 0');
        const controller = newByteController(stream, highWaterMark, allocate);
        setUpController(stream, controller, algorithms(controller));
      } else {
        const highWaterMark = extractHighWaterMark(given, 1);
        const controller = newDefaultController(stream, highWaterMark, given.size ?? one);
        setUpController(stream, controller, algorithms(controller));
      }
    }
    static from(asyncIterable) {
      need(arguments, 1, 'ReadableStream.from');
      return wrapReadable(readableStreamFromIterable(asyncIterable));
    }
    get locked() { return isReadableStreamLocked(readableOf(this)) }
    cancel(reason = undefined) {
      try {
        const stream = readableOf(this);
        if (isReadableStreamLocked(stream)) return rejected(new TypeError('the stream is locked: it has a reader'));
        return readableStreamCancel(stream, reason);
      } catch (error) {
        return rejected(error);
      }
    }
    getReader(options = undefined) {
      readableOf(this);
      const { mode } = dictionary(options, "getReader's argument");
      if (mode === undefined) return new ReadableStreamDefaultReader(this);
      if (`${mode}` !== 'byob') throw new TypeError(`a reader's mode is 'byob', and not '${mode}'`);
      return new ReadableStreamBYOBReader(this);
    }
    pipeThrough(transform, options = undefined) {
      const stream = readableOf(this);
      need(arguments, 1, 'pipeThrough');
      const pair = dictionary(transform, 'the transform');
      const { readable } = pair;
      readableOf(readable, "the transform's readable");
      const writable = writableOf(pair.writable, "the transform's writable");
      const given = pipeOptions(options);
      if (isReadableStreamLocked(stream)) throw new TypeError('the stream is locked: it has a reader');
      if (isWritableStreamLocked(writable)) throw new TypeError("the transform's writable is locked: it has a writer");
      handled(readableStreamPipeTo(stream, writable, given));
      return readable;
    }
    pipeTo(destination, options = undefined) {
      try {
        const stream = readableOf(this);
        need(arguments, 1, 'pipeTo');
        const writable = writableOf(destination, 'the destination');
        const given = pipeOptions(options);
        if (isReadableStreamLocked(stream)) throw new TypeError('the stream is locked: it has a reader');
        if (isWritableStreamLocked(writable)) throw new TypeError('the destination is locked: it has a writer');
        return readableStreamPipeTo(stream, writable, given);
      } catch (error) {
        return rejected(error);
      }
    }
    tee() {
      const { 0: one, 1: two } = readableStreamTee(readableOf(this));
      return [wrapReadable(one), wrapReadable(two)];
    }
    values(options = undefined) {
      const stream = readableOf(this);
      const preventCancel = !!dictionary(options, "values' argument").preventCancel;
      const reader = acquireReadableStreamDefaultReader(stream);
      return makeIterator({ reader, preventCancel, ongoing: undefined, isFinished: false });
    }
  }
  const wrapReadable = (stream) => new ReadableStream(token, stream);

  const pipeOptions = (options) => {
    const given = dictionary(options, 'the options of a pipe');
    const preventAbort = !!given.preventAbort, preventCancel = !!given.preventCancel, preventClose = !!given.preventClose;
    const { signal } = given;
    if (signal !== undefined && !use('abort').isSignal(signal)) throw new TypeError('the signal is not an AbortSignal');
    return { preventAbort, preventCancel, preventClose, signal };
  };

  const isReadableStreamLocked = (stream) => stream.reader !== undefined;

  // A stream of a source that is written here. `algorithms` gives functions by the names of those of a script's source.
  const createReadableStream = (algorithms, highWaterMark = 1, size = one) => {
    const stream = initializeReadableStream();
    setUpController(stream, newDefaultController(stream, highWaterMark, size), algorithms);
    return stream;
  };
  const createReadableByteStream = (algorithms, highWaterMark = 0) => {
    const stream = initializeReadableStream();
    setUpController(stream, newByteController(stream, highWaterMark, undefined), algorithms);
    return stream;
  };

  // Asynchronous iteration

  let iterationOf, makeIterator;
  const asyncIteratorPrototype = getPrototypeOf(getPrototypeOf(async function* () {}.prototype));
  {
    class Holder {
      constructor(object) { return object }
    }
    class Iteration extends Holder {
      #iteration;
      constructor(object, iteration) {
        super(object);
        this.#iteration = iteration;
      }
      static of(value) {
        if (!isObject(value) || !(#iteration in value)) throw is('ReadableStreamAsyncIterator');
        return value.#iteration;
      }
    }
    iterationOf = Iteration.of;
    const prototype = {
      next() {
        return promised(() => {
          const iteration = iterationOf(this);
          const { ongoing } = iteration;
          const steps = () => iterationNext(iteration);
          return (iteration.ongoing = ongoing ? then(ongoing, steps, steps) : steps());
        });
      },
      return(value) {
        return promised(() => {
          const iteration = iterationOf(this);
          const { ongoing } = iteration;
          const steps = () => iterationReturn(iteration, value);
          const ended = ongoing ? then(ongoing, steps, steps) : steps();
          iteration.ongoing = ended;
          return then(ended, () => ({ value, done: true }));
        });
      },
    };
    setPrototypeOf(prototype, asyncIteratorPrototype);
    makeIterator = (iteration) => {
      const object = { __proto__: prototype };
      return new Iteration(object, iteration);
    };
  }
  const iterationNext = (iteration) => {
    if (iteration.isFinished) return resolved({ value: undefined, done: true });
    const { reader } = iteration;
    const answer = new Deferred();
    readableStreamDefaultReaderRead(reader, {
      chunk: (value) => answer.resolve({ __proto__: null, value, done: false }),
      close: () => {
        readableStreamDefaultReaderRelease(reader);
        answer.resolve({ __proto__: null, value: undefined, done: true });
      },
      error: (error) => {
        readableStreamDefaultReaderRelease(reader);
        answer.reject(error);
      },
    });
    return then(
      answer.promise,
      ({ value, done }) => {
        iteration.ongoing = undefined;
        iteration.isFinished = done;
        return { value, done };
      },
      (error) => {
        iteration.ongoing = undefined;
        iteration.isFinished = true;
        throw error;
      },
    );
  };
  const iterationReturn = (iteration, value) => {
    if (iteration.isFinished) return resolved(undefined);
    iteration.isFinished = true;
    const { reader, preventCancel } = iteration;
    const ended = preventCancel ? resolved(undefined) : readableStreamReaderGenericCancel(reader, value);
    readableStreamDefaultReaderRelease(reader);
    return ended;
  };

  const readableStreamFromIterable = (iterable) => {
    if (iterable === undefined || iterable === null) throw new TypeError(`${iterable} is not iterable`);
    const asyncMethod = iterable[asyncIterator];
    const isAsync = asyncMethod !== undefined && asyncMethod !== null;
    const found = isAsync ? asyncMethod : iterable[iterator];
    if (typeof found !== 'function') throw new TypeError('what a stream is made from is not iterable');
    const source = apply(found, iterable, []);
    if (!isObject(source)) throw new TypeError('the iterator is not an object');
    const { next } = source;
    const objectFrom = (result) => {
      if (!isObject(result)) throw new TypeError('what the iterator gave is not an object');
      return result;
    };
    // The values of an iterator that is not asynchronous may be promises.
    const awaited = (result) => {
      if (isAsync) return result;
      const { done, value } = objectFrom(result);
      return then(resolved(value), (value) => ({ done, value }));
    };
    const { controller } = createReadableStream({
      __proto__: null,
      pull: () =>
        then(promised(() => awaited(apply(next, source, []))), (result) => {
          if (objectFrom(result).done) readableStreamDefaultControllerClose(controller);
          else readableStreamDefaultControllerEnqueue(controller, result.value);
        }),
      cancel: (reason) => {
        let ended;
        try {
          const end = source.return;
          if (end === undefined || end === null) return resolved(undefined);
          ended = awaited(apply(end, source, [reason]));
        } catch (error) {
          return rejected(error);
        }
        return then(resolved(ended), (result) => { objectFrom(result) });
      },
    }, 0);
    return controller.stream;
  };

  // Pipes

  const readableStreamPipeTo = (source, dest, { preventAbort, preventCancel, preventClose, signal }) => {
    const reader = acquireReadableStreamDefaultReader(source);
    const writer = acquireWritableStreamDefaultWriter(dest);
    source.disturbed = true;
    let isShuttingDown = false, currentWrite = resolved(undefined), forget = ignore;
    const done = new Deferred();

    const finalize = (isError, error) => {
      writableStreamDefaultWriterRelease(writer);
      readableStreamDefaultReaderRelease(reader);
      forget();
      if (isError) done.reject(error);
      else done.resolve(undefined);
    };
    const waitForWrites = () => {
      const seen = currentWrite;
      return then(seen, () => (seen === currentWrite ? undefined : waitForWrites()));
    };
    // Ends the pipe once what was read is written, and with an action before that.
    const shutdown = (action, isError, error) => {
      if (isShuttingDown) return;
      isShuttingDown = true;
      const rest = () => {
        if (!action) return finalize(isError, error);
        then(action(), () => finalize(isError, error), (newError) => finalize(true, newError));
      };
      if (dest.state === 'writable' && !writableStreamCloseQueuedOrInFlight(dest)) then(waitForWrites(), rest);
      else rest();
    };

    if (signal !== undefined) {
      const { isAborted, onAbort, reasonOf } = use('abort');
      const abort = () => {
        const error = reasonOf(signal);
        shutdown(() => {
          let left = 0;
          const all = new Deferred();
          const wait = (promise) => {
            left++;
            then(promise, () => { if (!--left) all.resolve(undefined) }, (error) => all.reject(error));
          };
          wait(resolved(undefined));
          if (!preventAbort && dest.state === 'writable') wait(writableStreamAbort(dest, error));
          if (!preventCancel && source.state === 'readable') wait(readableStreamCancel(source, error));
          return all.promise;
        }, true, error);
      };
      if (isAborted(signal)) {
        abort();
        return done.promise;
      }
      forget = onAbort(signal, abort);
    }

    const sourceErrored = (error) => shutdown(preventAbort ? undefined : () => writableStreamAbort(dest, error), true, error);
    const destErrored = (error) => shutdown(preventCancel ? undefined : () => readableStreamCancel(source, error), true, error);
    const sourceClosed = () =>
      shutdown(preventClose ? undefined : () => writableStreamDefaultWriterCloseWithErrorPropagation(writer), false);
    if (source.state === 'errored') sourceErrored(source.storedError);
    else handled(then(reader.closed.promise, undefined, sourceErrored));
    if (dest.state === 'errored') destErrored(dest.storedError);
    else handled(then(writer.closed.promise, undefined, destErrored));
    if (source.state === 'closed') sourceClosed();
    else handled(then(reader.closed.promise, sourceClosed));
    if (writableStreamCloseQueuedOrInFlight(dest) || dest.state === 'closed') {
      destErrored(new TypeError('the destination is closed'));
    }

    // One chunk after another, as long as there is room.
    const step = () => {
      if (isShuttingDown) return;
      then(writer.ready.promise, () => {
        if (isShuttingDown) return;
        readableStreamDefaultReaderRead(reader, {
          // Who enqueues a chunk has returned before it is written.
          chunk: (chunk) => {
            currentWrite = microtask(() => {
              if (!writer.stream) return;
              currentWrite = handled(then(writableStreamDefaultWriterWrite(writer, chunk), undefined, ignore));
              step();
            });
          },
          close: ignore,
          error: ignore,
        });
      }, ignore);
    };
    step();
    return done.promise;
  };

  // Tees

  const readableStreamTee = (stream, cloneForBranch2) =>
    stream.controller.isByte ? readableByteStreamTee(stream) : readableStreamDefaultTee(stream, cloneForBranch2);

  // What both kinds of a tee do about its two ends.
  const teeEnds = (stream, cancelPromise) => {
    const canceled = [false, false], reasons = [undefined, undefined];
    return {
      canceled,
      cancel: (index) => (reason) => {
        canceled[index] = true;
        reasons[index] = reason;
        if (canceled[1 - index]) cancelPromise.resolve(readableStreamCancel(stream, [reasons[0], reasons[1]]));
        return cancelPromise.promise;
      },
    };
  };

  const readableStreamDefaultTee = (stream, cloneForBranch2 = false) => {
    const reader = acquireReadableStreamDefaultReader(stream);
    const cancelPromise = new Deferred();
    const { canceled, cancel } = teeEnds(stream, cancelPromise);
    const branches = [];
    let isReading = false, readAgain = false;
    const each = (body) => {
      for (let index = 0; index < 2; index++) if (!canceled[index]) body(branches[index].controller, index);
    };
    const settle = () => {
      if (!canceled[0] || !canceled[1]) cancelPromise.resolve(undefined);
    };
    const pull = () => {
      if (isReading) {
        readAgain = true;
        return resolved(undefined);
      }
      isReading = true;
      readableStreamDefaultReaderRead(reader, {
        chunk: (chunk) =>
          microtask(() => {
            readAgain = false;
            let second = chunk;
            if (cloneForBranch2 && !canceled[1]) {
              try {
                const { structuredClone } = use('clone');
                second = structuredClone(chunk);
              } catch (error) {
                readableStreamDefaultControllerError(branches[0].controller, error);
                readableStreamDefaultControllerError(branches[1].controller, error);
                cancelPromise.resolve(readableStreamCancel(stream, error));
                return;
              }
            }
            each((controller, index) => readableStreamDefaultControllerEnqueue(controller, index ? second : chunk));
            isReading = false;
            if (readAgain) pull();
          }),
        close: () => {
          isReading = false;
          each(readableStreamDefaultControllerClose);
          settle();
        },
        error: () => {
          isReading = false;
        },
      });
      return resolved(undefined);
    };
    branches[0] = createReadableStream({ __proto__: null, pull, cancel: cancel(0) });
    branches[1] = createReadableStream({ __proto__: null, pull, cancel: cancel(1) });
    then(reader.closed.promise, undefined, (error) => {
      readableStreamDefaultControllerError(branches[0].controller, error);
      readableStreamDefaultControllerError(branches[1].controller, error);
      settle();
    });
    return branches;
  };

  const readableByteStreamTee = (stream) => {
    let reader = acquireReadableStreamDefaultReader(stream);
    const cancelPromise = new Deferred();
    const { canceled, cancel } = teeEnds(stream, cancelPromise);
    const branches = [];
    const readAgain = [false, false];
    let isReading = false;
    const settle = () => {
      if (!canceled[0] || !canceled[1]) cancelPromise.resolve(undefined);
    };
    const forwardReaderError = (its) => {
      then(its.closed.promise, undefined, (error) => {
        if (its !== reader) return;
        readableByteStreamControllerError(branches[0].controller, error);
        readableByteStreamControllerError(branches[1].controller, error);
        settle();
      });
    };
    const copied = (chunk) => {
      const { buffer, byteOffset, byteLength } = viewParts(chunk);
      return new Uint8Array(bufferSlice(buffer, byteOffset, byteOffset + byteLength));
    };
    const again = () => {
      isReading = false;
      if (readAgain[0]) pull(0);
      else if (readAgain[1]) pull(1);
    };
    const fail = (error) => {
      readableByteStreamControllerError(branches[0].controller, error);
      readableByteStreamControllerError(branches[1].controller, error);
      cancelPromise.resolve(readableStreamCancel(stream, error));
    };
    const close = () => {
      isReading = false;
      for (let index = 0; index < 2; index++) {
        if (!canceled[index]) readableByteStreamControllerClose(branches[index].controller);
      }
    };
    const pullWithDefaultReader = () => {
      if (reader.isByob) {
        readableStreamBYOBReaderRelease(reader);
        reader = acquireReadableStreamDefaultReader(stream);
        forwardReaderError(reader);
      }
      readableStreamDefaultReaderRead(reader, {
        chunk: (chunk) =>
          microtask(() => {
            readAgain[0] = readAgain[1] = false;
            let second = chunk;
            if (!canceled[0] && !canceled[1]) {
              try {
                second = copied(chunk);
              } catch (error) {
                return fail(error);
              }
            }
            if (!canceled[0]) readableByteStreamControllerEnqueue(branches[0].controller, chunk);
            if (!canceled[1]) readableByteStreamControllerEnqueue(branches[1].controller, second);
            again();
          }),
        close: () => {
          close();
          for (let index = 0; index < 2; index++) {
            const { controller } = branches[index];
            if (controller.pendingPullIntos.length) readableByteStreamControllerRespond(controller, 0);
          }
          settle();
        },
        error: () => {
          isReading = false;
        },
      });
    };
    const pullWithBYOBReader = (view, index) => {
      if (!reader.isByob) {
        readableStreamDefaultReaderRelease(reader);
        reader = acquireReadableStreamBYOBReader(stream);
        forwardReaderError(reader);
      }
      const branch = branches[index].controller, other = branches[1 - index].controller;
      readableStreamBYOBReaderRead(reader, view, 1, {
        chunk: (chunk) =>
          microtask(() => {
            readAgain[0] = readAgain[1] = false;
            const isCanceled = canceled[index];
            if (!canceled[1 - index]) {
              let copy;
              try {
                copy = copied(chunk);
              } catch (error) {
                return fail(error);
              }
              if (!isCanceled) readableByteStreamControllerRespondWithNewView(branch, chunk);
              readableByteStreamControllerEnqueue(other, copy);
            } else if (!isCanceled) {
              readableByteStreamControllerRespondWithNewView(branch, chunk);
            }
            again();
          }),
        close: (chunk) => {
          close();
          if (chunk !== undefined) {
            if (!canceled[index]) readableByteStreamControllerRespondWithNewView(branch, chunk);
            if (!canceled[1 - index] && other.pendingPullIntos.length) readableByteStreamControllerRespond(other, 0);
          }
          settle();
        },
        error: () => {
          isReading = false;
        },
      });
    };
    const pull = (index) => {
      if (isReading) {
        readAgain[index] = true;
        return resolved(undefined);
      }
      isReading = true;
      const request = readableByteStreamControllerGetBYOBRequest(branches[index].controller);
      if (request === null) pullWithDefaultReader();
      else pullWithBYOBReader(request.view, index);
      return resolved(undefined);
    };
    branches[0] = createReadableByteStream({ __proto__: null, pull: () => pull(0), cancel: cancel(0) });
    branches[1] = createReadableByteStream({ __proto__: null, pull: () => pull(1), cancel: cancel(1) });
    forwardReaderError(reader);
    return branches;
  };

  // What controllers and readers do to a stream

  const readableStreamAddReadRequest = (stream, request) => stream.reader.requests.push(request);
  const readableStreamCancel = (stream, reason) => {
    stream.disturbed = true;
    if (stream.state === 'closed') return resolved(undefined);
    if (stream.state === 'errored') return rejected(stream.storedError);
    readableStreamClose(stream);
    const { reader } = stream;
    if (reader?.isByob) {
      const { requests } = reader;
      reader.requests = new Queue();
      while (requests.length) requests.shift().close(undefined);
    }
    return then(controllerCancelSteps(stream.controller, reason), ignore);
  };
  const readableStreamClose = (stream) => {
    stream.state = 'closed';
    const { reader } = stream;
    if (!reader) return;
    reader.closed.resolve(undefined);
    if (reader.isByob) return;
    const { requests } = reader;
    reader.requests = new Queue();
    while (requests.length) requests.shift().close();
  };
  const readableStreamError = (stream, error) => {
    stream.state = 'errored';
    stream.storedError = error;
    const { reader } = stream;
    if (!reader) return;
    reader.closed.reject(error);
    handled(reader.closed.promise);
    errorRequests(reader, error);
  };
  const errorRequests = (reader, error) => {
    const { requests } = reader;
    reader.requests = new Queue();
    while (requests.length) requests.shift().error(error);
  };
  const numReadRequests = (stream) => (stream.reader && !stream.reader.isByob ? stream.reader.requests.length : 0);
  const numReadIntoRequests = (stream) => (stream.reader?.isByob ? stream.reader.requests.length : 0);

  // Readers

  const newReader = (stream, isByob) => {
    if (isReadableStreamLocked(stream)) throw new TypeError('the stream is locked: it has a reader');
    if (isByob && !stream.controller.isByte) throw new TypeError('the stream is not one of bytes');
    const { state, storedError } = stream;
    const ended = () => (state === 'closed' ? Deferred.resolved(undefined) : Deferred.rejected(storedError));
    const closed = state === 'readable' ? new Deferred() : ended();
    return (stream.reader = { stream, closed, requests: new Queue(), isByob });
  };
  const acquireReadableStreamDefaultReader = (stream) => newReader(stream, false);
  const acquireReadableStreamBYOBReader = (stream) => newReader(stream, true);
  const readableStreamReaderGenericCancel = (reader, reason) => readableStreamCancel(reader.stream, reason);
  const release = (reader) => {
    const { stream } = reader;
    const error = new TypeError('the reader was released');
    if (stream.state === 'readable') {
      reader.closed.reject(error);
      handled(reader.closed.promise);
    } else {
      reader.closed = Deferred.rejected(error);
    }
    controllerReleaseSteps(stream.controller);
    stream.reader = undefined;
    reader.stream = undefined;
    errorRequests(reader, new TypeError('the reader was released'));
  };
  const readableStreamDefaultReaderRelease = release;
  const readableStreamBYOBReaderRelease = release;
  const readableStreamDefaultReaderRead = (reader, request) => {
    const { stream } = reader;
    stream.disturbed = true;
    if (stream.state === 'closed') request.close();
    else if (stream.state === 'errored') request.error(stream.storedError);
    else controllerPullSteps(stream.controller, request);
  };
  const readableStreamBYOBReaderRead = (reader, view, least, request) => {
    const { stream } = reader;
    stream.disturbed = true;
    if (stream.state === 'errored') request.error(stream.storedError);
    else readableByteStreamControllerPullInto(stream.controller, view, least, request);
  };
  const released = () => new TypeError('the reader was released: it has no stream');

  let defaultReaderOf, byobReaderOf;

  class ReadableStreamDefaultReader {
    #reader;
    static {
      defaultReaderOf = (value) => {
        if (!isObject(value) || !(#reader in value)) throw is('ReadableStreamDefaultReader');
        return value.#reader;
      };
      expose(ReadableStreamDefaultReader, (value) => #reader in value, ['closed']);
    }
    constructor(stream) {
      need(arguments, 1, 'new ReadableStreamDefaultReader');
      this.#reader = acquireReadableStreamDefaultReader(readableOf(stream, 'the argument'));
    }
    get closed() { return closedOf(this, defaultReaderOf) }
    cancel(reason = undefined) { return cancelOf(this, defaultReaderOf, reason) }
    read() {
      try {
        const reader = defaultReaderOf(this);
        if (!reader.stream) return rejected(released());
        const answer = new Deferred();
        readableStreamDefaultReaderRead(reader, {
          chunk: (value) => answer.resolve({ value, done: false }),
          close: () => answer.resolve({ value: undefined, done: true }),
          error: (error) => answer.reject(error),
        });
        return answer.promise;
      } catch (error) {
        return rejected(error);
      }
    }
    releaseLock() {
      const reader = defaultReaderOf(this);
      if (reader.stream) readableStreamDefaultReaderRelease(reader);
    }
  }

  class ReadableStreamBYOBReader {
    #reader;
    static {
      byobReaderOf = (value) => {
        if (!isObject(value) || !(#reader in value)) throw is('ReadableStreamBYOBReader');
        return value.#reader;
      };
      expose(ReadableStreamBYOBReader, (value) => #reader in value, ['closed']);
    }
    constructor(stream) {
      need(arguments, 1, 'new ReadableStreamBYOBReader');
      this.#reader = acquireReadableStreamBYOBReader(readableOf(stream, 'the argument'));
    }
    get closed() { return closedOf(this, byobReaderOf) }
    cancel(reason = undefined) { return cancelOf(this, byobReaderOf, reason) }
    read(view, options = undefined) {
      try {
        const reader = byobReaderOf(this);
        need(arguments, 1, 'read');
        const name = kind(view);
        if (!name) throw new TypeError('a view is needed');
        const given = dictionary(options, "read's second argument").min;
        const least = given === undefined ? 1 : unsignedLongLong(given, 'min');
        const { buffer, byteLength } = viewParts(view);
        takeable(buffer, "the view's buffer");
        if (!byteLength || !bufferLength(buffer)) throw new TypeError('the view has no bytes');
        if (!least) throw new TypeError('min is not 0');
        const length = name === 'DataView' ? byteLength : byteLength / views[name].BYTES_PER_ELEMENT;
        if (least > length) throw new RangeError('min is more than the view has room for');
        if (!reader.stream) throw released();
        const answer = new Deferred();
        readableStreamBYOBReaderRead(reader, view, least, {
          chunk: (value) => answer.resolve({ value, done: false }),
          close: (value) => answer.resolve({ value, done: true }),
          error: (error) => answer.reject(error),
        });
        return answer.promise;
      } catch (error) {
        return rejected(error);
      }
    }
    releaseLock() {
      const reader = byobReaderOf(this);
      if (reader.stream) readableStreamBYOBReaderRelease(reader);
    }
  }

  const closedOf = (face, readerOf) => {
    try {
      return readerOf(face).closed.promise;
    } catch (error) {
      return rejected(error);
    }
  };
  const cancelOf = (face, readerOf, reason) => {
    try {
      const reader = readerOf(face);
      return reader.stream ? readableStreamReaderGenericCancel(reader, reason) : rejected(released());
    } catch (error) {
      return rejected(error);
    }
  };

  // Controllers of both kinds

  const setUpController = (stream, controller, { start, pull, cancel }) => {
    stream.controller = controller;
    controller.pull = pull ?? (() => resolved(undefined));
    controller.cancel = cancel ?? (() => resolved(undefined));
    const started = start?.();
    then(
      new Promise((resolve) => resolve(started)),
      () => {
        controller.started = true;
        callPullIfNeeded(controller);
      },
      (error) => controllerError(controller, error),
    );
  };
  const controllerError = (controller, error) =>
    (controller.isByte ? readableByteStreamControllerError : readableStreamDefaultControllerError)(controller, error);
  const clearAlgorithms = (controller) => {
    controller.pull = controller.cancel = controller.size = undefined;
  };
  const callPullIfNeeded = (controller) => {
    if (!shouldCallPull(controller)) return;
    if (controller.pulling) {
      controller.pullAgain = true;
      return;
    }
    controller.pulling = true;
    then(
      controller.pull(),
      () => {
        controller.pulling = false;
        if (controller.pullAgain) {
          controller.pullAgain = false;
          callPullIfNeeded(controller);
        }
      },
      (error) => controllerError(controller, error),
    );
  };
  const shouldCallPull = (controller) => {
    const { stream } = controller;
    if (stream.state !== 'readable' || controller.closeRequested || !controller.started) return false;
    return stream.reader?.requests.length > 0 || readableStreamDefaultControllerGetDesiredSize(controller) > 0;
  };
  const readableStreamDefaultControllerGetDesiredSize = ({ stream, highWaterMark, queueTotalSize }) =>
    stream.state === 'errored' ? null : stream.state === 'closed' ? 0 : highWaterMark - queueTotalSize;
  const controllerCancelSteps = (controller, reason) => {
    if (controller.isByte) readableByteStreamControllerClearPendingPullIntos(controller);
    newQueue(controller);
    const canceled = controller.cancel(reason);
    clearAlgorithms(controller);
    return canceled;
  };
  const controllerPullSteps = (controller, request) => {
    if (controller.isByte) return bytePullSteps(controller, request);
    const { stream } = controller;
    if (!controller.queue.length) {
      readableStreamAddReadRequest(stream, request);
      return callPullIfNeeded(controller);
    }
    const chunk = dequeueValue(controller);
    if (controller.closeRequested && !controller.queue.length) {
      clearAlgorithms(controller);
      readableStreamClose(stream);
    } else {
      callPullIfNeeded(controller);
    }
    request.chunk(chunk);
  };
  const controllerReleaseSteps = (controller) => {
    if (!controller.isByte || !controller.pendingPullIntos.length) return;
    const first = controller.pendingPullIntos.peek();
    first.readerType = 'none';
    controller.pendingPullIntos = new Queue();
    controller.pendingPullIntos.push(first);
  };
  // The public object of a controller.
  const faceOf = (controller) => {
    const Controller = controller.isByte ? ReadableByteStreamController : ReadableStreamDefaultController;
    return (controller.face ??= new Controller(token, controller));
  };

  // ReadableStreamDefaultController

  const newDefaultController = (stream, highWaterMark, size) => ({
    stream, highWaterMark, size, isByte: false, queue: new Queue(), queueTotalSize: 0, started: false, closeRequested: false,
    pulling: false, pullAgain: false, pull: undefined, cancel: undefined, face: undefined,
  });
  const canCloseOrEnqueue = (controller) => !controller.closeRequested && controller.stream.state === 'readable';
  const readableStreamDefaultControllerClose = (controller) => {
    if (!canCloseOrEnqueue(controller)) return;
    controller.closeRequested = true;
    if (controller.queue.length) return;
    clearAlgorithms(controller);
    readableStreamClose(controller.stream);
  };
  const readableStreamDefaultControllerEnqueue = (controller, chunk) => {
    if (!canCloseOrEnqueue(controller)) return;
    const { stream } = controller;
    if (numReadRequests(stream) > 0) {
      stream.reader.requests.shift().chunk(chunk);
    } else {
      try {
        const { size } = controller;
        enqueueValueWithSize(controller, chunk, size(chunk));
      } catch (error) {
        readableStreamDefaultControllerError(controller, error);
        throw error;
      }
    }
    callPullIfNeeded(controller);
  };
  const readableStreamDefaultControllerError = (controller, error) => {
    if (controller.stream.state !== 'readable') return;
    newQueue(controller);
    clearAlgorithms(controller);
    readableStreamError(controller.stream, error);
  };

  let defaultControllerOf;

  class ReadableStreamDefaultController {
    #controller;
    static {
      defaultControllerOf = (value) => {
        if (!isObject(value) || !(#controller in value)) throw is('ReadableStreamDefaultController');
        return value.#controller;
      };
      expose(ReadableStreamDefaultController, (value) => #controller in value);
    }
    constructor(...given) {
      if (given[0] !== token) illegal('ReadableStreamDefaultController');
      this.#controller = given[1];
    }
    get desiredSize() { return readableStreamDefaultControllerGetDesiredSize(defaultControllerOf(this)) }
    close() {
      const controller = defaultControllerOf(this);
      if (!canCloseOrEnqueue(controller)) throw new TypeError('the stream is closed, or about to be, and cannot be closed');
      readableStreamDefaultControllerClose(controller);
    }
    enqueue(chunk = undefined) {
      const controller = defaultControllerOf(this);
      if (!canCloseOrEnqueue(controller)) throw new TypeError('the stream is closed, or about to be, and takes no chunk');
      readableStreamDefaultControllerEnqueue(controller, chunk);
    }
    error(error = undefined) { readableStreamDefaultControllerError(defaultControllerOf(this), error) }
  }

  // ReadableByteStreamController

  const newByteController = (stream, highWaterMark, autoAllocateChunkSize) => ({
    stream, highWaterMark, autoAllocateChunkSize, isByte: true, queue: new Queue(), queueTotalSize: 0, started: false,
    closeRequested: false, pulling: false, pullAgain: false, pull: undefined, cancel: undefined, face: undefined,
    byobRequest: null, pendingPullIntos: new Queue(),
  });
  const newPullInto = (buffer, byteOffset, byteLength, minimumFill, elementSize, View, readerType) => ({
    buffer, bufferByteLength: bufferLength(buffer), byteOffset, byteLength, bytesFilled: 0, minimumFill, elementSize, View,
    readerType,
  });
  // A detached buffer is refused with a TypeError.
  const transfer = (buffer) => bufferTransfer(buffer);

  const readableByteStreamControllerClose = (controller) => {
    const { stream, pendingPullIntos } = controller;
    if (controller.closeRequested || stream.state !== 'readable') return;
    if (controller.queueTotalSize > 0) {
      controller.closeRequested = true;
      return;
    }
    if (pendingPullIntos.length) {
      const { bytesFilled, elementSize } = pendingPullIntos.peek();
      if (bytesFilled % elementSize) {
        const error = new TypeError('the stream ends within an element of the view that is to be filled');
        readableByteStreamControllerError(controller, error);
        throw error;
      }
    }
    clearAlgorithms(controller);
    readableStreamClose(stream);
  };
  const readableByteStreamControllerError = (controller, error) => {
    if (controller.stream.state !== 'readable') return;
    readableByteStreamControllerClearPendingPullIntos(controller);
    newQueue(controller);
    clearAlgorithms(controller);
    readableStreamError(controller.stream, error);
  };
  const readableByteStreamControllerClearPendingPullIntos = (controller) => {
    readableByteStreamControllerInvalidateBYOBRequest(controller);
    controller.pendingPullIntos = new Queue();
  };
  const readableByteStreamControllerInvalidateBYOBRequest = (controller) => {
    const request = controller.byobRequest;
    if (request === null) return;
    request.controller = undefined;
    request.view = null;
    controller.byobRequest = null;
  };
  const shiftPendingPullInto = (controller) => controller.pendingPullIntos.shift();

  const convertPullIntoDescriptor = ({ buffer, byteOffset, bytesFilled, elementSize, View }) =>
    new View(transfer(buffer), byteOffset, bytesFilled / elementSize);
  const commitPullIntoDescriptor = (stream, descriptor) => {
    const isDone = stream.state === 'closed';
    const view = convertPullIntoDescriptor(descriptor);
    const request = stream.reader.requests.shift();
    if (isDone) request.close(view);
    else request.chunk(view);
  };
  const commitAll = (stream, descriptors) => {
    for (let index = 0; index < descriptors.length; index++) commitPullIntoDescriptor(stream, descriptors[index]);
  };

  const enqueueChunkToQueue = (controller, buffer, byteOffset, byteLength) => {
    controller.queue.push({ buffer, byteOffset, byteLength });
    controller.queueTotalSize += byteLength;
  };
  const enqueueClonedChunkToQueue = (controller, buffer, byteOffset, byteLength) => {
    let copy;
    try {
      copy = bufferSlice(buffer, byteOffset, byteOffset + byteLength);
    } catch (error) {
      readableByteStreamControllerError(controller, error);
      throw error;
    }
    enqueueChunkToQueue(controller, copy, 0, byteLength);
  };
  const enqueueDetachedPullIntoToQueue = (controller, descriptor) => {
    const { buffer, byteOffset, bytesFilled } = descriptor;
    if (bytesFilled) enqueueClonedChunkToQueue(controller, buffer, byteOffset, bytesFilled);
    shiftPendingPullInto(controller);
  };
  const readableByteStreamControllerEnqueue = (controller, chunk) => {
    const { stream } = controller;
    if (controller.closeRequested || stream.state !== 'readable') return;
    const { buffer, byteOffset, byteLength } = viewParts(chunk);
    const taken = transfer(buffer);
    if (controller.pendingPullIntos.length) {
      const first = controller.pendingPullIntos.peek();
      readableByteStreamControllerInvalidateBYOBRequest(controller);
      first.buffer = transfer(first.buffer);
      if (first.readerType === 'none') enqueueDetachedPullIntoToQueue(controller, first);
    }
    if (stream.reader && !stream.reader.isByob) {
      processReadRequestsUsingQueue(controller);
      if (!numReadRequests(stream)) {
        enqueueChunkToQueue(controller, taken, byteOffset, byteLength);
      } else {
        if (controller.pendingPullIntos.length) shiftPendingPullInto(controller);
        stream.reader.requests.shift().chunk(new Uint8Array(taken, byteOffset, byteLength));
      }
    } else {
      enqueueChunkToQueue(controller, taken, byteOffset, byteLength);
      if (stream.reader) commitAll(stream, processPullIntoDescriptorsUsingQueue(controller));
    }
    callPullIfNeeded(controller);
  };
  const processReadRequestsUsingQueue = (controller) => {
    const { requests } = controller.stream.reader;
    while (requests.length && controller.queueTotalSize) fillReadRequestFromQueue(controller, requests.shift());
  };
  const processPullIntoDescriptorsUsingQueue = (controller) => {
    const filled = [];
    while (controller.pendingPullIntos.length && controller.queueTotalSize) {
      const descriptor = controller.pendingPullIntos.peek();
      if (!fillPullIntoDescriptorFromQueue(controller, descriptor)) continue;
      shiftPendingPullInto(controller);
      filled[filled.length] = descriptor;
    }
    return filled;
  };
  const fillPullIntoDescriptorFromQueue = (controller, descriptor) => {
    const { byteOffset, byteLength, minimumFill, elementSize } = descriptor;
    const most = min(controller.queueTotalSize, byteLength - descriptor.bytesFilled);
    const aligned = floor((descriptor.bytesFilled + most) / elementSize) * elementSize;
    const isReady = aligned >= minimumFill;
    let left = isReady ? aligned - descriptor.bytesFilled : most;
    while (left > 0) {
      const head = controller.queue.peek();
      const length = min(left, head.byteLength);
      const target = new Uint8Array(descriptor.buffer, byteOffset + descriptor.bytesFilled, length);
      bytesSet(target, new Uint8Array(head.buffer, head.byteOffset, length));
      if (head.byteLength === length) {
        controller.queue.shift();
      } else {
        head.byteOffset += length;
        head.byteLength -= length;
      }
      controller.queueTotalSize -= length;
      descriptor.bytesFilled += length;
      left -= length;
    }
    return isReady;
  };
  const fillReadRequestFromQueue = (controller, request) => {
    const { buffer, byteOffset, byteLength } = controller.queue.shift();
    controller.queueTotalSize -= byteLength;
    handleQueueDrain(controller);
    request.chunk(new Uint8Array(buffer, byteOffset, byteLength));
  };
  const handleQueueDrain = (controller) => {
    if (!controller.queueTotalSize && controller.closeRequested) {
      clearAlgorithms(controller);
      readableStreamClose(controller.stream);
    } else {
      callPullIfNeeded(controller);
    }
  };
  const bytePullSteps = (controller, request) => {
    const { stream, autoAllocateChunkSize } = controller;
    if (controller.queueTotalSize) return fillReadRequestFromQueue(controller, request);
    if (autoAllocateChunkSize !== undefined) {
      let buffer;
      try {
        buffer = new ArrayBuffer(autoAllocateChunkSize);
      } catch (error) {
        return request.error(error);
      }
      controller.pendingPullIntos.push(newPullInto(buffer, 0, autoAllocateChunkSize, 1, 1, Uint8Array, 'default'));
    }
    readableStreamAddReadRequest(stream, request);
    callPullIfNeeded(controller);
  };
  const readableByteStreamControllerPullInto = (controller, view, least, request) => {
    const { stream } = controller;
    const View = views[kind(view)], elementSize = View.BYTES_PER_ELEMENT ?? 1;
    const { buffer, byteOffset, byteLength } = viewParts(view);
    let taken;
    try {
      taken = transfer(buffer);
    } catch (error) {
      return request.error(error);
    }
    const descriptor = newPullInto(taken, byteOffset, byteLength, least * elementSize, elementSize, View, 'byob');
    const wait = () => {
      controller.pendingPullIntos.push(descriptor);
      stream.reader.requests.push(request);
    };
    if (controller.pendingPullIntos.length) return wait();
    if (stream.state === 'closed') return request.close(new View(descriptor.buffer, byteOffset, 0));
    if (controller.queueTotalSize) {
      if (fillPullIntoDescriptorFromQueue(controller, descriptor)) {
        const filled = convertPullIntoDescriptor(descriptor);
        handleQueueDrain(controller);
        return request.chunk(filled);
      }
      if (controller.closeRequested) {
        const error = new TypeError('the stream has too few bytes left for an element of the view');
        readableByteStreamControllerError(controller, error);
        return request.error(error);
      }
    }
    wait();
    callPullIfNeeded(controller);
  };
  const readableByteStreamControllerRespond = (controller, bytesWritten) => {
    const first = controller.pendingPullIntos.peek();
    if (controller.stream.state === 'closed') {
      if (bytesWritten) throw new TypeError('the stream is closed: 0 bytes are written');
    } else {
      if (!bytesWritten) throw new TypeError('at least 1 byte is written, as long as the stream is not closed');
      if (first.bytesFilled + bytesWritten > first.byteLength) throw new RangeError('more bytes than the view has room for');
    }
    first.buffer = transfer(first.buffer);
    respondInternal(controller, bytesWritten);
  };
  const readableByteStreamControllerRespondWithNewView = (controller, view) => {
    const first = controller.pendingPullIntos.peek();
    const { buffer, byteOffset, byteLength } = viewParts(view);
    if (controller.stream.state === 'closed') {
      if (byteLength) throw new TypeError('the stream is closed: the view has no bytes');
    } else if (!byteLength) {
      throw new TypeError('the view has at least 1 byte, as long as the stream is not closed');
    }
    if (first.byteOffset + first.bytesFilled !== byteOffset) throw new RangeError('the view begins at another byte');
    if (first.bufferByteLength !== bufferLength(buffer)) throw new RangeError("the view's buffer has another length");
    if (first.bytesFilled + byteLength > first.byteLength) throw new RangeError('the view is longer than there is room');
    first.buffer = transfer(buffer);
    respondInternal(controller, byteLength);
  };
  const respondInternal = (controller, bytesWritten) => {
    const { stream } = controller;
    const first = controller.pendingPullIntos.peek();
    readableByteStreamControllerInvalidateBYOBRequest(controller);
    if (stream.state === 'closed') respondInClosedState(controller, first);
    else respondInReadableState(controller, bytesWritten, first);
    callPullIfNeeded(controller);
  };
  const respondInClosedState = (controller, first) => {
    const { stream } = controller;
    if (first.readerType === 'none') shiftPendingPullInto(controller);
    const filled = [];
    while (filled.length < numReadIntoRequests(stream)) filled[filled.length] = shiftPendingPullInto(controller);
    commitAll(stream, filled);
  };
  const respondInReadableState = (controller, bytesWritten, descriptor) => {
    const { stream } = controller;
    descriptor.bytesFilled += bytesWritten;
    if (descriptor.readerType === 'none') {
      enqueueDetachedPullIntoToQueue(controller, descriptor);
      return commitAll(stream, processPullIntoDescriptorsUsingQueue(controller));
    }
    if (descriptor.bytesFilled < descriptor.minimumFill) return;
    shiftPendingPullInto(controller);
    const rest = descriptor.bytesFilled % descriptor.elementSize;
    if (rest) {
      const end = descriptor.byteOffset + descriptor.bytesFilled;
      enqueueClonedChunkToQueue(controller, descriptor.buffer, end - rest, rest);
      descriptor.bytesFilled -= rest;
    }
    const filled = processPullIntoDescriptorsUsingQueue(controller);
    commitPullIntoDescriptor(stream, descriptor);
    commitAll(stream, filled);
  };
  const readableByteStreamControllerGetBYOBRequest = (controller) => {
    if (controller.byobRequest === null && controller.pendingPullIntos.length) {
      const { buffer, byteOffset, bytesFilled, byteLength } = controller.pendingPullIntos.peek();
      const view = new Uint8Array(buffer, byteOffset + bytesFilled, byteLength - bytesFilled);
      controller.byobRequest = { controller, view, face: undefined };
    }
    return controller.byobRequest;
  };

  let byteControllerOf, requestOf;

  class ReadableByteStreamController {
    #controller;
    static {
      byteControllerOf = (value) => {
        if (!isObject(value) || !(#controller in value)) throw is('ReadableByteStreamController');
        return value.#controller;
      };
      expose(ReadableByteStreamController, (value) => #controller in value);
    }
    constructor(...given) {
      if (given[0] !== token) illegal('ReadableByteStreamController');
      this.#controller = given[1];
    }
    get byobRequest() {
      const request = readableByteStreamControllerGetBYOBRequest(byteControllerOf(this));
      return request && (request.face ??= new ReadableStreamBYOBRequest(token, request));
    }
    get desiredSize() { return readableStreamDefaultControllerGetDesiredSize(byteControllerOf(this)) }
    close() {
      const controller = byteControllerOf(this);
      if (!canCloseOrEnqueue(controller)) throw new TypeError('the stream is closed, or about to be, and cannot be closed');
      readableByteStreamControllerClose(controller);
    }
    enqueue(chunk) {
      const controller = byteControllerOf(this);
      need(arguments, 1, 'enqueue');
      if (!kind(chunk)) throw new TypeError('a chunk of a stream of bytes is a view');
      const { buffer, byteLength } = viewParts(chunk);
      takeable(buffer, "the chunk's buffer");
      if (!byteLength || !bufferLength(buffer)) throw new TypeError('the chunk has no bytes');
      if (!canCloseOrEnqueue(controller)) throw new TypeError('the stream is closed, or about to be, and takes no chunk');
      readableByteStreamControllerEnqueue(controller, chunk);
    }
    error(error = undefined) { readableByteStreamControllerError(byteControllerOf(this), error) }
  }

  class ReadableStreamBYOBRequest {
    #request;
    static {
      requestOf = (value) => {
        if (!isObject(value) || !(#request in value)) throw is('ReadableStreamBYOBRequest');
        return value.#request;
      };
      expose(ReadableStreamBYOBRequest, (value) => #request in value, ['view']);
    }
    constructor(...given) {
      if (given[0] !== token) illegal('ReadableStreamBYOBRequest');
      this.#request = given[1];
    }
    get view() { return requestOf(this).view }
    respond(bytesWritten) {
      const request = requestOf(this);
      need(arguments, 1, 'respond');
      const written = unsignedLongLong(bytesWritten, 'the number of bytes');
      if (!request.controller) throw new TypeError('this request was answered');
      if (bufferDetached(viewParts(request.view).buffer)) throw new TypeError("the view's buffer is detached");
      readableByteStreamControllerRespond(request.controller, written);
    }
    respondWithNewView(view) {
      const request = requestOf(this);
      need(arguments, 1, 'respondWithNewView');
      if (!kind(view)) throw new TypeError('a view is needed');
      const { buffer } = viewParts(view);
      takeable(buffer, "the view's buffer");
      if (bufferDetached(buffer)) throw new TypeError("the view's buffer is detached");
      if (!request.controller) throw new TypeError('this request was answered');
      readableByteStreamControllerRespondWithNewView(request.controller, view);
    }
  }

  // WritableStream

  let writableOf;

  const initializeWritableStream = () => ({
    state: 'writable', storedError: undefined, writer: undefined, controller: undefined, inFlightWriteRequest: undefined,
    closeRequest: undefined, inFlightCloseRequest: undefined, pendingAbortRequest: undefined, writeRequests: new Queue(),
    backpressure: false,
  });

  class WritableStream {
    #stream;
    static {
      writableOf = (value, what) => {
        if (!isObject(value) || !(#stream in value)) throw is('WritableStream', what);
        return value.#stream;
      };
      expose(WritableStream, (value) => #stream in value, (face) => {
        const stream = face.#stream;
        return { __proto__: null, locked: isWritableStreamLocked(stream), state: stream.state };
      });
    }
    constructor(underlyingSink = undefined, strategy = undefined) {
      if (underlyingSink === token) {
        this.#stream = strategy;
        return;
      }
      if (underlyingSink === null) throw new TypeError('the underlying sink is not an object');
      const what = 'the underlying sink';
      const sink = dictionary(underlyingSink, what);
      const given = strategyOf(strategy);
      const abort = method(sink, 'abort', what);
      const close = method(sink, 'close', what);
      const start = method(sink, 'start', what);
      const { type } = sink;
      const write = method(sink, 'write', what);
      if (type !== undefined) throw new RangeError('a sink has no type');
      const stream = initializeWritableStream();
      this.#stream = stream;
      const highWaterMark = extractHighWaterMark(given, 1);
      const controller = newWritableController(stream, highWaterMark, given.size ?? one);
      const face = () => (controller.face ??= new WritableStreamDefaultController(token, controller));
      setUpWritableController(stream, controller, {
        start: start && (() => apply(start, underlyingSink, [face()])),
        write: write && ((chunk) => invoke(write, underlyingSink, [chunk, face()])),
        close: close && (() => invoke(close, underlyingSink, [])),
        abort: abort && ((reason) => invoke(abort, underlyingSink, [reason])),
      });
    }
    get locked() { return isWritableStreamLocked(writableOf(this)) }
    abort(reason = undefined) {
      try {
        const stream = writableOf(this);
        if (isWritableStreamLocked(stream)) throw new TypeError('the stream is locked: it has a writer');
        return writableStreamAbort(stream, reason);
      } catch (error) {
        return rejected(error);
      }
    }
    close() {
      try {
        const stream = writableOf(this);
        if (isWritableStreamLocked(stream)) throw new TypeError('the stream is locked: it has a writer');
        if (writableStreamCloseQueuedOrInFlight(stream)) throw new TypeError('the stream is being closed already');
        return writableStreamClose(stream);
      } catch (error) {
        return rejected(error);
      }
    }
    getWriter() {
      writableOf(this);
      return new WritableStreamDefaultWriter(this);
    }
  }

  const createWritableStream = (algorithms, highWaterMark, size) => {
    const stream = initializeWritableStream();
    setUpWritableController(stream, newWritableController(stream, highWaterMark, size), algorithms);
    return stream;
  };
  const isWritableStreamLocked = (stream) => stream.writer !== undefined;
  const writableStreamCloseQueuedOrInFlight = (stream) =>
    stream.closeRequest !== undefined || stream.inFlightCloseRequest !== undefined;
  const hasOperationMarkedInFlight = (stream) =>
    stream.inFlightWriteRequest !== undefined || stream.inFlightCloseRequest !== undefined;

  const writableStreamAbort = (stream, reason) => {
    if (stream.state === 'closed' || stream.state === 'errored') return resolved(undefined);
    const { controller } = stream;
    controller.isAborted = true;
    controller.abortReason = reason;
    if (controller.signal) use('abort').abort(controller.signal, reason);
    const { state } = stream;
    if (state === 'closed' || state === 'errored') return resolved(undefined);
    if (stream.pendingAbortRequest) return stream.pendingAbortRequest.deferred.promise;
    const wasAlreadyErroring = state === 'erroring';
    const deferred = new Deferred();
    stream.pendingAbortRequest = { deferred, reason: wasAlreadyErroring ? undefined : reason, wasAlreadyErroring };
    if (!wasAlreadyErroring) writableStreamStartErroring(stream, reason);
    return deferred.promise;
  };
  const writableStreamClose = (stream) => {
    const { state, writer } = stream;
    if (state === 'closed' || state === 'errored') return rejected(new TypeError(`the stream is ${state} already`));
    const deferred = new Deferred();
    stream.closeRequest = deferred;
    if (writer && stream.backpressure && state === 'writable') writer.ready.resolve(undefined);
    enqueueValueWithSize(stream.controller, token, 0);
    advanceQueueIfNeeded(stream.controller);
    return deferred.promise;
  };
  const writableStreamAddWriteRequest = (stream) => {
    const deferred = new Deferred();
    stream.writeRequests.push(deferred);
    return deferred.promise;
  };
  const writableStreamDealWithRejection = (stream, error) => {
    if (stream.state === 'writable') writableStreamStartErroring(stream, error);
    else writableStreamFinishErroring(stream);
  };
  const writableStreamStartErroring = (stream, reason) => {
    stream.state = 'erroring';
    stream.storedError = reason;
    if (stream.writer) ensureReadyPromiseRejected(stream.writer, reason);
    if (!hasOperationMarkedInFlight(stream) && stream.controller.started) writableStreamFinishErroring(stream);
  };
  const writableStreamFinishErroring = (stream) => {
    stream.state = 'errored';
    newQueue(stream.controller);
    const { storedError, writeRequests } = stream;
    stream.writeRequests = new Queue();
    while (writeRequests.length) writeRequests.shift().reject(storedError);
    const request = stream.pendingAbortRequest;
    if (!request) return rejectCloseAndClosedPromiseIfNeeded(stream);
    stream.pendingAbortRequest = undefined;
    if (request.wasAlreadyErroring) {
      request.deferred.reject(storedError);
      return rejectCloseAndClosedPromiseIfNeeded(stream);
    }
    const { controller } = stream;
    const aborted = controller.abort(request.reason);
    clearWritableAlgorithms(controller);
    then(
      aborted,
      () => {
        request.deferred.resolve(undefined);
        rejectCloseAndClosedPromiseIfNeeded(stream);
      },
      (error) => {
        request.deferred.reject(error);
        rejectCloseAndClosedPromiseIfNeeded(stream);
      },
    );
  };
  const writableStreamFinishInFlightWrite = (stream) => {
    stream.inFlightWriteRequest.resolve(undefined);
    stream.inFlightWriteRequest = undefined;
  };
  const writableStreamFinishInFlightWriteWithError = (stream, error) => {
    stream.inFlightWriteRequest.reject(error);
    stream.inFlightWriteRequest = undefined;
    writableStreamDealWithRejection(stream, error);
  };
  const writableStreamFinishInFlightClose = (stream) => {
    stream.inFlightCloseRequest.resolve(undefined);
    stream.inFlightCloseRequest = undefined;
    if (stream.state === 'erroring') {
      stream.storedError = undefined;
      if (stream.pendingAbortRequest) {
        stream.pendingAbortRequest.deferred.resolve(undefined);
        stream.pendingAbortRequest = undefined;
      }
    }
    stream.state = 'closed';
    stream.writer?.closed.resolve(undefined);
  };
  const writableStreamFinishInFlightCloseWithError = (stream, error) => {
    stream.inFlightCloseRequest.reject(error);
    stream.inFlightCloseRequest = undefined;
    if (stream.pendingAbortRequest) {
      stream.pendingAbortRequest.deferred.reject(error);
      stream.pendingAbortRequest = undefined;
    }
    writableStreamDealWithRejection(stream, error);
  };
  const rejectCloseAndClosedPromiseIfNeeded = (stream) => {
    const { storedError, writer } = stream;
    if (stream.closeRequest) {
      stream.closeRequest.reject(storedError);
      stream.closeRequest = undefined;
    }
    if (!writer) return;
    writer.closed.reject(storedError);
    handled(writer.closed.promise);
  };
  const writableStreamUpdateBackpressure = (stream, backpressure) => {
    const { writer } = stream;
    if (writer && backpressure !== stream.backpressure) {
      if (backpressure) writer.ready = new Deferred();
      else writer.ready.resolve(undefined);
    }
    stream.backpressure = backpressure;
  };

  // Writers

  const acquireWritableStreamDefaultWriter = (stream) => {
    if (isWritableStreamLocked(stream)) throw new TypeError('the stream is locked: it has a writer');
    const { state, storedError } = stream;
    const writer = { stream, ready: undefined, closed: undefined };
    stream.writer = writer;
    if (state === 'writable') {
      const waits = stream.backpressure && !writableStreamCloseQueuedOrInFlight(stream);
      writer.ready = waits ? new Deferred() : Deferred.resolved(undefined);
      writer.closed = new Deferred();
    } else if (state === 'erroring') {
      writer.ready = Deferred.rejected(storedError);
      writer.closed = new Deferred();
    } else if (state === 'closed') {
      writer.ready = Deferred.resolved(undefined);
      writer.closed = Deferred.resolved(undefined);
    } else {
      writer.ready = Deferred.rejected(storedError);
      writer.closed = Deferred.rejected(storedError);
    }
    return writer;
  };
  const ensureRejected = (deferred, error) => {
    if (!deferred.pending) return Deferred.rejected(error);
    deferred.reject(error);
    handled(deferred.promise);
    return deferred;
  };
  const ensureReadyPromiseRejected = (writer, error) => {
    writer.ready = ensureRejected(writer.ready, error);
  };
  const writableStreamDefaultWriterRelease = (writer) => {
    const error = new TypeError('the writer was released');
    ensureReadyPromiseRejected(writer, error);
    writer.closed = ensureRejected(writer.closed, error);
    writer.stream.writer = undefined;
    writer.stream = undefined;
  };
  const writableStreamDefaultWriterCloseWithErrorPropagation = (writer) => {
    const { stream } = writer;
    const { state } = stream;
    if (writableStreamCloseQueuedOrInFlight(stream) || state === 'closed') return resolved(undefined);
    if (state === 'errored') return rejected(stream.storedError);
    return writableStreamClose(stream);
  };
  const writableStreamDefaultWriterGetDesiredSize = ({ stream: { controller, state } }) => {
    if (state === 'errored' || state === 'erroring') return null;
    return state === 'closed' ? 0 : desiredSizeOf(controller);
  };
  const writableStreamDefaultWriterWrite = (writer, chunk) => {
    const { stream } = writer;
    const { controller } = stream;
    const size = getChunkSize(controller, chunk);
    if (stream !== writer.stream) return rejected(noStream());
    const { state } = stream;
    if (state === 'errored') return rejected(stream.storedError);
    if (writableStreamCloseQueuedOrInFlight(stream) || state === 'closed') {
      return rejected(new TypeError('the stream is closed, or about to be, and takes no chunk'));
    }
    if (state === 'erroring') return rejected(stream.storedError);
    const promise = writableStreamAddWriteRequest(stream);
    writableControllerWrite(controller, chunk, size);
    return promise;
  };
  const noStream = () => new TypeError('the writer was released: it has no stream');

  let writerOf;

  class WritableStreamDefaultWriter {
    #writer;
    static {
      writerOf = (value) => {
        if (!isObject(value) || !(#writer in value)) throw is('WritableStreamDefaultWriter');
        return value.#writer;
      };
      expose(WritableStreamDefaultWriter, (value) => #writer in value, ['closed', 'ready']);
    }
    constructor(stream) {
      need(arguments, 1, 'new WritableStreamDefaultWriter');
      this.#writer = acquireWritableStreamDefaultWriter(writableOf(stream, 'the argument'));
    }
    get closed() { return closedOf(this, writerOf) }
    get desiredSize() {
      const writer = writerOf(this);
      if (!writer.stream) throw noStream();
      return writableStreamDefaultWriterGetDesiredSize(writer);
    }
    get ready() {
      try {
        return writerOf(this).ready.promise;
      } catch (error) {
        return rejected(error);
      }
    }
    abort(reason = undefined) {
      try {
        const { stream } = writerOf(this);
        return stream ? writableStreamAbort(stream, reason) : rejected(noStream());
      } catch (error) {
        return rejected(error);
      }
    }
    close() {
      try {
        const { stream } = writerOf(this);
        if (!stream) throw noStream();
        if (writableStreamCloseQueuedOrInFlight(stream)) throw new TypeError('the stream is being closed already');
        return writableStreamClose(stream);
      } catch (error) {
        return rejected(error);
      }
    }
    releaseLock() {
      const writer = writerOf(this);
      if (writer.stream) writableStreamDefaultWriterRelease(writer);
    }
    write(chunk = undefined) {
      try {
        const writer = writerOf(this);
        return writer.stream ? writableStreamDefaultWriterWrite(writer, chunk) : rejected(noStream());
      } catch (error) {
        return rejected(error);
      }
    }
  }

  // WritableStreamDefaultController

  const newWritableController = (stream, highWaterMark, size) => ({
    stream, highWaterMark, size, queue: new Queue(), queueTotalSize: 0, started: false, write: undefined, close: undefined,
    abort: undefined, signal: undefined, isAborted: false, abortReason: undefined, face: undefined,
  });
  const setUpWritableController = (stream, controller, { start, write, close, abort }) => {
    stream.controller = controller;
    controller.write = write ?? (() => resolved(undefined));
    controller.close = close ?? (() => resolved(undefined));
    controller.abort = abort ?? (() => resolved(undefined));
    writableStreamUpdateBackpressure(stream, isUnderPressure(controller));
    const started = start?.();
    then(
      new Promise((resolve) => resolve(started)),
      () => {
        controller.started = true;
        advanceQueueIfNeeded(controller);
      },
      (error) => {
        controller.started = true;
        writableStreamDealWithRejection(stream, error);
      },
    );
  };
  const clearWritableAlgorithms = (controller) => {
    controller.write = controller.close = controller.abort = controller.size = undefined;
  };
  const desiredSizeOf = (controller) => controller.highWaterMark - controller.queueTotalSize;
  const isUnderPressure = (controller) => desiredSizeOf(controller) <= 0;
  const writableControllerError = (controller, error) => {
    clearWritableAlgorithms(controller);
    writableStreamStartErroring(controller.stream, error);
  };
  const writableStreamDefaultControllerErrorIfNeeded = (controller, error) => {
    if (controller.stream.state === 'writable') writableControllerError(controller, error);
  };
  const getChunkSize = (controller, chunk) => {
    const { size } = controller;
    if (!size) return 1;
    try {
      return size(chunk);
    } catch (error) {
      writableStreamDefaultControllerErrorIfNeeded(controller, error);
      return 1;
    }
  };
  const writableControllerWrite = (controller, chunk, size) => {
    const { stream } = controller;
    try {
      enqueueValueWithSize(controller, chunk, size);
    } catch (error) {
      return writableStreamDefaultControllerErrorIfNeeded(controller, error);
    }
    if (!writableStreamCloseQueuedOrInFlight(stream) && stream.state === 'writable') {
      writableStreamUpdateBackpressure(stream, isUnderPressure(controller));
    }
    advanceQueueIfNeeded(controller);
  };
  const advanceQueueIfNeeded = (controller) => {
    const { stream } = controller;
    if (!controller.started || stream.inFlightWriteRequest) return;
    if (stream.state === 'erroring') return writableStreamFinishErroring(stream);
    if (!controller.queue.length) return;
    const { value } = controller.queue.peek();
    // The token in the queue stands for the end.
    if (value === token) processClose(controller);
    else processWrite(controller, value);
  };
  const processClose = (controller) => {
    const { stream } = controller;
    stream.inFlightCloseRequest = stream.closeRequest;
    stream.closeRequest = undefined;
    dequeueValue(controller);
    const closed = controller.close();
    clearWritableAlgorithms(controller);
    then(
      closed,
      () => writableStreamFinishInFlightClose(stream),
      (error) => writableStreamFinishInFlightCloseWithError(stream, error),
    );
  };
  const processWrite = (controller, chunk) => {
    const { stream } = controller;
    stream.inFlightWriteRequest = stream.writeRequests.shift();
    then(
      controller.write(chunk),
      () => {
        writableStreamFinishInFlightWrite(stream);
        dequeueValue(controller);
        if (!writableStreamCloseQueuedOrInFlight(stream) && stream.state === 'writable') {
          writableStreamUpdateBackpressure(stream, isUnderPressure(controller));
        }
        advanceQueueIfNeeded(controller);
      },
      (error) => {
        if (stream.state === 'writable') clearWritableAlgorithms(controller);
        writableStreamFinishInFlightWriteWithError(stream, error);
      },
    );
  };

  let writableControllerOf;

  class WritableStreamDefaultController {
    #controller;
    static {
      writableControllerOf = (value) => {
        if (!isObject(value) || !(#controller in value)) throw is('WritableStreamDefaultController');
        return value.#controller;
      };
      expose(WritableStreamDefaultController, (value) => #controller in value);
    }
    constructor(...given) {
      if (given[0] !== token) illegal('WritableStreamDefaultController');
      this.#controller = given[1];
    }
    // It is made when it is first asked for.
    get signal() {
      const controller = writableControllerOf(this);
      if (!controller.signal) {
        const { abort, create } = use('abort');
        controller.signal = create();
        if (controller.isAborted) abort(controller.signal, controller.abortReason);
      }
      return controller.signal;
    }
    error(error = undefined) {
      const controller = writableControllerOf(this);
      if (controller.stream.state === 'writable') writableControllerError(controller, error);
    }
  }

  // TransformStream

  let transformOf;

  class TransformStream {
    #stream;
    static {
      transformOf = (value) => {
        if (!isObject(value) || !(#stream in value)) throw is('TransformStream');
        return value.#stream;
      };
      expose(TransformStream, (value) => #stream in value, ['readable', 'writable']);
    }
    constructor(transformer = undefined, writableStrategy = undefined, readableStrategy = undefined) {
      if (transformer === token) {
        this.#stream = writableStrategy;
        return;
      }
      if (transformer === null) throw new TypeError('the transformer is not an object');
      const what = 'the transformer';
      const given = dictionary(transformer, what);
      const writableGiven = strategyOf(writableStrategy), readableGiven = strategyOf(readableStrategy);
      const cancel = method(given, 'cancel', what);
      const flush = method(given, 'flush', what);
      const { readableType } = given;
      const start = method(given, 'start', what);
      const transform = method(given, 'transform', what);
      const { writableType } = given;
      if (readableType !== undefined) throw new RangeError('a transformer has no readableType');
      if (writableType !== undefined) throw new RangeError('a transformer has no writableType');
      const readableMark = extractHighWaterMark(readableGiven, 0), writableMark = extractHighWaterMark(writableGiven, 1);
      const started = new Deferred();
      const face = () => (controller.face ??= new TransformStreamDefaultController(token, controller));
      const stream = initializeTransformStream(
        started.promise, writableMark, writableGiven.size ?? one, readableMark, readableGiven.size ?? one,
        {
          transform: transform && ((chunk) => invoke(transform, transformer, [chunk, face()])),
          flush: flush && (() => invoke(flush, transformer, [face()])),
          cancel: cancel && ((reason) => invoke(cancel, transformer, [reason])),
        },
      );
      this.#stream = stream;
      const { controller } = stream;
      started.resolve(start ? apply(start, transformer, [face()]) : undefined);
    }
    get readable() {
      const stream = transformOf(this);
      return (stream.readableFace ??= wrapReadable(stream.readable));
    }
    get writable() {
      const stream = transformOf(this);
      return (stream.writableFace ??= new WritableStream(token, stream.writable));
    }
  }

  const initializeTransformStream = (started, writableMark, writableSize, readableMark, readableSize, algorithms) => {
    const stream = {
      readable: undefined, writable: undefined, backpressure: undefined, backpressureChange: undefined, controller: undefined,
      readableFace: undefined, writableFace: undefined,
    };
    stream.controller = {
      stream, transform: undefined, flush: undefined, cancel: undefined, finish: undefined, face: undefined,
    };
    const start = () => started;
    stream.writable = createWritableStream({
      start,
      write: (chunk) => sinkWrite(stream, chunk),
      close: () => sinkClose(stream),
      abort: (reason) => sinkAbort(stream, reason),
    }, writableMark, writableSize);
    stream.readable = createReadableStream({
      start,
      pull: () => {
        transformStreamSetBackpressure(stream, false);
        return stream.backpressureChange.promise;
      },
      cancel: (reason) => sourceCancel(stream, reason),
    }, readableMark, readableSize);
    transformStreamSetBackpressure(stream, true);
    setUpTransformController(stream.controller, algorithms);
    return stream;
  };
  const setUpTransformController = (controller, { transform, flush, cancel }) => {
    controller.transform =
      transform ??
      ((chunk) => {
        try {
          transformStreamDefaultControllerEnqueue(controller, chunk);
          return resolved(undefined);
        } catch (error) {
          return rejected(error);
        }
      });
    controller.flush = flush ?? (() => resolved(undefined));
    controller.cancel = cancel ?? (() => resolved(undefined));
  };
  // The two ends of a transform that is written here. Its functions get one that enqueues a chunk.
  const createTransform = ({ transform, flush }) => {
    const enqueue = (chunk) => transformStreamDefaultControllerEnqueue(controller, chunk);
    const { readable, writable, controller } = initializeTransformStream(resolved(undefined), 1, one, 0, one, {
      transform: (chunk) => promised(() => transform(chunk, enqueue)),
      flush: () => promised(() => flush(enqueue)),
    });
    return { readable: wrapReadable(readable), writable: new WritableStream(token, writable) };
  };
  const clearTransformAlgorithms = (controller) => {
    controller.transform = controller.flush = controller.cancel = undefined;
  };
  const transformStreamError = (stream, error) => {
    readableStreamDefaultControllerError(stream.readable.controller, error);
    errorWritableAndUnblockWrite(stream, error);
  };
  const errorWritableAndUnblockWrite = (stream, error) => {
    clearTransformAlgorithms(stream.controller);
    writableStreamDefaultControllerErrorIfNeeded(stream.writable.controller, error);
    unblockWrite(stream);
  };
  const unblockWrite = (stream) => {
    if (stream.backpressure) transformStreamSetBackpressure(stream, false);
  };
  const transformStreamSetBackpressure = (stream, backpressure) => {
    stream.backpressureChange?.resolve(undefined);
    stream.backpressureChange = new Deferred();
    stream.backpressure = backpressure;
  };
  const transformStreamDefaultControllerEnqueue = (controller, chunk) => {
    const { stream } = controller;
    const readableController = stream.readable.controller;
    if (!canCloseOrEnqueue(readableController)) throw new TypeError('the readable side is closed, and takes no chunk');
    try {
      readableStreamDefaultControllerEnqueue(readableController, chunk);
    } catch (error) {
      errorWritableAndUnblockWrite(stream, error);
      throw stream.readable.storedError;
    }
    const backpressure = !shouldCallPull(readableController);
    if (backpressure !== stream.backpressure) transformStreamSetBackpressure(stream, true);
  };
  const performTransform = (controller, chunk) =>
    then(controller.transform(chunk), undefined, (error) => {
      transformStreamError(controller.stream, error);
      throw error;
    });
  const sinkWrite = (stream, chunk) => {
    const { controller, writable } = stream;
    if (!stream.backpressure) return performTransform(controller, chunk);
    return then(stream.backpressureChange.promise, () => {
      if (writable.state === 'erroring') throw writable.storedError;
      return performTransform(controller, chunk);
    });
  };
  // Ends a transform, once: by `begin`, then `succeed` or `fail`, of which the first may give the error of the other side.
  const finish = (controller, begin, succeed, fail) => {
    if (controller.finish) return controller.finish.promise;
    controller.finish = new Deferred();
    const begun = begin();
    clearTransformAlgorithms(controller);
    then(
      begun,
      () => {
        const failure = succeed();
        if (failure) controller.finish.reject(failure.error);
        else controller.finish.resolve(undefined);
      },
      (error) => {
        fail(error);
        controller.finish.reject(error);
      },
    );
    return controller.finish.promise;
  };
  const sinkAbort = (stream, reason) => {
    const { controller, readable } = stream;
    return finish(
      controller,
      () => controller.cancel(reason),
      () => {
        if (readable.state === 'errored') return { error: readable.storedError };
        readableStreamDefaultControllerError(readable.controller, reason);
      },
      (error) => readableStreamDefaultControllerError(readable.controller, error),
    );
  };
  const sinkClose = (stream) => {
    const { controller, readable } = stream;
    return finish(
      controller,
      () => controller.flush(),
      () => {
        if (readable.state === 'errored') return { error: readable.storedError };
        readableStreamDefaultControllerClose(readable.controller);
      },
      (error) => readableStreamDefaultControllerError(readable.controller, error),
    );
  };
  const sourceCancel = (stream, reason) => {
    const { controller, writable } = stream;
    const error = (reason) => {
      writableStreamDefaultControllerErrorIfNeeded(writable.controller, reason);
      unblockWrite(stream);
    };
    return finish(
      controller,
      () => controller.cancel(reason),
      () => {
        if (writable.state === 'errored') return { error: writable.storedError };
        error(reason);
      },
      error,
    );
  };

  let transformControllerOf;

  class TransformStreamDefaultController {
    #controller;
    static {
      transformControllerOf = (value) => {
        if (!isObject(value) || !(#controller in value)) throw is('TransformStreamDefaultController');
        return value.#controller;
      };
      expose(TransformStreamDefaultController, (value) => #controller in value);
    }
    constructor(...given) {
      if (given[0] !== token) illegal('TransformStreamDefaultController');
      this.#controller = given[1];
    }
    get desiredSize() {
      return readableStreamDefaultControllerGetDesiredSize(transformControllerOf(this).stream.readable.controller);
    }
    enqueue(chunk = undefined) { transformStreamDefaultControllerEnqueue(transformControllerOf(this), chunk) }
    error(reason = undefined) { transformStreamError(transformControllerOf(this).stream, reason) }
    terminate() {
      const { stream } = transformControllerOf(this);
      readableStreamDefaultControllerClose(stream.readable.controller);
      errorWritableAndUnblockWrite(stream, new TypeError('the transform was terminated'));
    }
  }

  // Strategies

  const markOf = (init, name) => {
    const given = dictionary(init, `the argument of ${name}`);
    if (init === undefined || init === null || given.highWaterMark === undefined) {
      throw new TypeError(`${name} needs a highWaterMark`);
    }
    return +given.highWaterMark;
  };
  const byteSize = { size: (chunk) => chunk.byteLength }.size, countSize = { size: () => 1 }.size;

  class ByteLengthQueuingStrategy {
    #highWaterMark;
    static {
      expose(ByteLengthQueuingStrategy, (value) => #highWaterMark in value, ['highWaterMark']);
    }
    constructor(init) {
      need(arguments, 1, 'new ByteLengthQueuingStrategy');
      this.#highWaterMark = markOf(init, 'ByteLengthQueuingStrategy');
    }
    get highWaterMark() { return this.#highWaterMark }
    get size() {
      this.#highWaterMark;
      return byteSize;
    }
  }

  class CountQueuingStrategy {
    #highWaterMark;
    static {
      expose(CountQueuingStrategy, (value) => #highWaterMark in value, ['highWaterMark']);
    }
    constructor(init) {
      need(arguments, 1, 'new CountQueuingStrategy');
      this.#highWaterMark = markOf(init, 'CountQueuingStrategy');
    }
    get highWaterMark() { return this.#highWaterMark }
    get size() {
      this.#highWaterMark;
      return countSize;
    }
  }

  const interfaces = {
    ReadableStream, ReadableStreamDefaultReader, ReadableStreamBYOBReader, ReadableStreamDefaultController,
    ReadableByteStreamController, ReadableStreamBYOBRequest, WritableStream, WritableStreamDefaultWriter,
    WritableStreamDefaultController, TransformStream, TransformStreamDefaultController, ByteLengthQueuingStrategy,
    CountQueuingStrategy,
  };
  defineProperty(ReadableStream.prototype, asyncIterator, {
    __proto__: null, value: ReadableStream.prototype.values, writable: true, configurable: true,
  });

  // Reads a stream to its end, and gives what `convert` makes of all its bytes. What is no chunk of bytes is refused.
  const readAll = (face, convert) => {
    const reader = acquireReadableStreamDefaultReader(readableOf(face));
    const answer = new Deferred();
    const chunks = [];
    let length = 0;
    const read = () => readableStreamDefaultReaderRead(reader, request);
    const request = {
      chunk: (chunk) => {
        if (kind(chunk) !== 'Uint8Array') {
          const error = new TypeError('a chunk of the body is not a Uint8Array');
          answer.reject(error);
          handled(readableStreamReaderGenericCancel(reader, error));
          return;
        }
        chunks[chunks.length] = chunk;
        length += viewParts(chunk).byteLength;
        microtask(read);
      },
      close: () => {
        try {
          answer.resolve(convert(concatenate(chunks, length)));
        } catch (error) {
          answer.reject(error);
        }
      },
      error: (error) => answer.reject(error),
    };
    read();
    return answer.promise;
  };

  return {
    ...interfaces,
    // For the other files.
    createTransform,
    isReadable: (value) => {
      try {
        readableOf(value);
        return true;
      } catch {
        return false;
      }
    },
    isDisturbed: (face) => readableOf(face).disturbed,
    isLocked: (face) => isReadableStreamLocked(readableOf(face)),
    // A stream of bytes whose source has `pull(enqueue, close)` and `cancel(reason)`, which may give promises. Its controller
    // is what `fail` takes, and lives as long as the stream.
    byteStream: ({ pull, cancel }) => {
      const stream = createReadableByteStream({
        __proto__: null,
        pull: () => promised(() => pull(enqueue, close)),
        cancel: (reason) => promised(() => cancel?.(reason)),
      });
      const { controller } = stream;
      const enqueue = (chunk) => readableByteStreamControllerEnqueue(controller, chunk);
      const close = () => {
        readableByteStreamControllerClose(controller);
        if (controller.pendingPullIntos.length) readableByteStreamControllerRespond(controller, 0);
      };
      return { stream: wrapReadable(stream), controller };
    },
    fail: (controller, error) => readableByteStreamControllerError(controller, error),
    readAll,
    // Two streams in place of one. A chunk that both have is there twice.
    tee: (face) => {
      const { 0: one, 1: two } = readableStreamTee(readableOf(face), true);
      return [wrapReadable(one), wrapReadable(two)];
    },
    // A stream of what is left of another, which is locked from then on.
    passOn: (face) => {
      const { readable, writable } = initializeTransformStream(resolved(undefined), 1, one, 0, one, {});
      handled(readableStreamPipeTo(readableOf(face), writable, { __proto__: null }));
      return wrapReadable(readable);
    },
    // Cancels a stream, whoever reads it.
    cancel: (face, reason) => handled(readableStreamCancel(readableOf(face), reason)),
    lock: (face) => acquireReadableStreamDefaultReader(readableOf(face)),
  };

  function concatenate(chunks, length) {
    const bytes = new Uint8Array(length);
    let offset = 0;
    for (let index = 0; index < chunks.length; index++) {
      bytesSet(bytes, chunks[index], offset);
      offset += viewParts(chunks[index]).byteLength;
    }
    return bytes;
  }
}
