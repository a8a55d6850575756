// The runner of npm's run, by Vercel. It has a fresh context for each call, so that there is no state to keep.

import { DEADLINE, MEMORY, STACK, measure, require, serve } from './runner.mjs';

const { createRunner } = await import(require.resolve('run'));

const limits = { timeoutMs: DEADLINE, memoryLimitBytes: MEMORY, maxStackSizeBytes: STACK, maxBridgeRequests: 10000 };
const plain = createRunner({ limits });
// Calls that do not wait take it up to 64 MiB a run.
const hosting = createRunner({ limits, syncHostFunctions: { sync: { now: (...all) => all.length } } });
const hostFunctions = {
  later: { soon: () => new Promise((resolve) => setImmediate(resolve)), never: () => new Promise(() => {}) },
};

const HOST = 'const host = { now: sync.now, soon: later.soon, never: later.never };';

await serve(async ({ source, module, host }) => {
  // A worker that was stopped is not used again; to start one is not what is measured.
  await plain.run({ source: '', limits: { timeoutMs: 10000 } });
  const evaluate = () =>
    host
      ? hosting.run({ source: HOST + source, hostFunctions })
      : plain.run({ source, sourceType: module ? 'module' : 'function-body' });
  return measure(evaluate, (error) => (error.code === 'RUN_TIMEOUT' ? 'timeout' : `${error.code} ${error.message}`));
});
