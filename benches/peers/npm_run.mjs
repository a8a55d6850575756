// The runner of npm's run, by Vercel. It has a fresh context for each call, so that there is no state to keep.

import { DEADLINE, MEMORY, STACK, measure, require, serve } from './runner.mjs';

const { createRunner } = await import(require.resolve('run'));

const limits = { timeoutMs: DEADLINE, memoryLimitBytes: MEMORY, maxStackSizeBytes: STACK, maxBridgeRequests: 10000 };
const runner = createRunner({ limits, syncHostFunctions: { sync: { now: (...all) => all.length } } });
const hostFunctions = {
  async: { soon: () => new Promise((resolve) => setImmediate(resolve)), never: () => new Promise(() => {}) },
};

const HOST = 'const host = { now: sync.now, soon: async.soon, never: async.never };';

await runner.run({ source: '', limits: { timeoutMs: 10000 } });

await serve(async ({ source, module, host }) => {
  const sourceType = module ? 'module' : 'function-body';
  const input = host ? { source: HOST + source, hostFunctions } : { source };
  const evaluate = () => runner.run({ ...input, sourceType });
  return measure(evaluate, (error) => (error.code === 'RUN_TIMEOUT' ? 'timeout' : `${error.code} ${error.message}`));
});
