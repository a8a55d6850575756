// npm's isolated-vm.

import { DEADLINE, require, serve, version } from './contender.mjs';

const ivm = require('isolated-vm');

await serve(
  `${version('isolated-vm')}; an isolate for each context, on its threads, with a timeout`,
  async () => {
    const isolate = new ivm.Isolate();
    const context = await isolate.createContext();
    return {
      number: (source) => context.eval(source, { timeout: DEADLINE }),
      members: async (source) => Object.keys(await context.eval(source, { timeout: DEADLINE, copy: true })).length,
      host: () => context.global.set('add', new ivm.Callback((a, b) => a + b)),
      close: () => isolate.dispose(),
    };
  },
);
