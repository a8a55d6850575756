// npm's run, by Vercel. It has a fresh context for each call, in a worker that it keeps.

import { DEADLINE, require, serve, version } from './contender.mjs';

const { createRunner } = await import(require.resolve('run'));

const limits = { timeoutMs: DEADLINE, maxBridgeRequests: 10000 };
const plain = createRunner({ limits });
const hosting = createRunner({ limits, syncHostFunctions: { sync: { add: (a, b) => a + b } } });

const kept = ['warm', 'object', 'batch', 'memory'];

await serve(
  `${version('run')}; a fresh context is part of every call, with a timeout`,
  () => {
    let runner = plain;
    let prefix = '';
    const evaluate = async (source) => (await runner.run({ source: `${prefix}return ${source}` })).value;
    return {
      number: evaluate,
      host: () => {
        runner = hosting;
        prefix = 'const { add } = sync; ';
      },
      close: () => {},
    };
  },
  (kind) => (kept.includes(kind) ? 'it keeps no context' : null),
);
