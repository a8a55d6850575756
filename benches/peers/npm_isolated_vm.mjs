// The runner of npm's isolated-vm.

import { DEADLINE, IS_KEPT, KEEP, MEMORY, measure, require, serve } from './runner.mjs';

const ivm = require('isolated-vm');

await serve(async ({ source, module }) => {
  const isolate = new ivm.Isolate({ memoryLimit: MEMORY >> 20 });
  const context = await isolate.createContext();
  const options = { timeout: DEADLINE, copy: true };
  await context.eval(KEEP);

  const evaluate = async () => {
    if (!module) return context.eval(source, options);
    const compiled = await isolate.compileModule(source);
    await compiled.instantiate(context, (specifier) => {
      throw new Error(`there is no ${specifier}`);
    });
    return compiled.evaluate({ timeout: DEADLINE });
  };
  const endingOf = (error) =>
    /Script execution timed out/.test(error?.message) ? 'timeout' : `${error?.name} ${error?.message}`;
  const answer = await measure(evaluate, endingOf, () => context.eval(IS_KEPT, options));
  if (!isolate.isDisposed) isolate.dispose();
  return answer;
});
