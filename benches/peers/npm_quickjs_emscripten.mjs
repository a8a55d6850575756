// The runner of npm's quickjs-emscripten. Each script has a WebAssembly module of its own, as a trap leaves one unusable.

import { DEADLINE, IS_KEPT, KEEP, MEMORY, STACK, measure, require, serve } from './runner.mjs';

const { newQuickJSWASMModule, shouldInterruptAfterDeadline } = require('quickjs-emscripten');

await serve(async ({ source, module }) => {
  const runtime = (await newQuickJSWASMModule()).newRuntime();
  runtime.setMemoryLimit(MEMORY);
  runtime.setMaxStackSize(STACK);
  const context = runtime.newContext();
  const limit = () => runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + DEADLINE));
  const ask = (text, options) => {
    const handle = context.unwrapResult(context.evalCode(text, 'script.js', options));
    const value = context.dump(handle);
    // Of a promise, `dump` disposes itself.
    if (handle.alive) handle.dispose();
    return value;
  };
  ask(KEEP);
  host(context);

  const evaluate = () => {
    limit();
    ask(source, { type: module ? 'module' : 'global' });
    runtime.executePendingJobs().unwrap();
  };
  const endingOf = (error) =>
    /interrupted/.test(error?.message) ? 'timeout' : `${error?.name} ${error?.message}`;
  const isKept = () => {
    limit();
    return ask(IS_KEPT);
  };
  return measure(evaluate, endingOf, isKept);
});

function host(context) {
  const soon = () => {
    const promise = context.newPromise();
    setImmediate(() => promise.resolve(context.undefined));
    return promise.handle;
  };
  const functions = {
    now: (...all) => context.newNumber(all.map(context.dump).length),
    soon,
    never: () => context.newPromise().handle,
  };
  const object = context.newObject();
  for (const [name, of] of Object.entries(functions)) {
    context.newFunction(name, of).consume((handle) => context.setProp(object, name, handle));
  }
  context.setProp(context.global, 'host', object);
  object.dispose();
}
