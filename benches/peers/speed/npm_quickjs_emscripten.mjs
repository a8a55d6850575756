// npm's quickjs-emscripten.

import { DEADLINE, require, serve, version } from './contender.mjs';

const { getQuickJS, shouldInterruptAfterDeadline } = require('quickjs-emscripten');

const engine = await getQuickJS();

await serve(
  `${version('quickjs-emscripten')}; a runtime for each context, all in one WebAssembly memory, with a deadline`,
  () => {
    const runtime = engine.newRuntime();
    const context = runtime.newContext();
    const evaluate = (source) => {
      runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + DEADLINE));
      return context.unwrapResult(context.evalCode(source)).consume((handle) => context.dump(handle));
    };
    return {
      number: evaluate,
      members: (source) => Object.keys(evaluate(source)).length,
      host: () => {
        const add = (a, b) => context.newNumber(context.getNumber(a) + context.getNumber(b));
        context.newFunction('add', add).consume((handle) => context.setProp(context.global, 'add', handle));
      },
      close: () => {
        context.dispose();
        runtime.dispose();
      },
    };
  },
);
