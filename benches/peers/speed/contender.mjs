// What the scoreboard asks of a contender in Node, and what it is told: JSON, one line each (../../scoreboard/task.rs).

import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

// Milliseconds, as a call of aiointernal may take.
export const DEADLINE = 5000;

// Packages are where this is started.
export const require = createRequire(`${process.cwd()}/`);

// Where it runs, it is not listed among what may be required.
export const version = (name) => {
  const paths = require.resolve.paths(name).map((path) => `${path}/${name}/package.json`);
  for (const path of paths) {
    try {
      return require(path).version;
    } catch {
      // The next one.
    }
  }
  return 'unknown';
};

const say = (answer) => writeSync(1, `${JSON.stringify(answer)}\n`);

const now = () => process.hrtime.bigint();

// Does what it is asked, with contexts that `make` gives: they have `number`, `members` (of an object, as values of Node), `host`
// and `close`. `refuse` says of a task why it cannot be done.
export async function serve(described, make, refuse = () => null) {
  const kept = [];
  const run = async ({ kind, setup, source, times }) => {
    const reason = kind === 'pooled' ? 'it has no pool' : refuse(kind);
    if (reason) throw reason;
    let value;
    let context;
    let started = now();
    if (kind === 'fresh' || kind === 'memory') {
      for (let i = 0; i < times; i++) {
        context = await make();
        value = await context.number(source);
        if (kind === 'memory') kept.push(context);
        else context.close();
      }
      return { nanos: Number(now() - started), value };
    }
    context = await make();
    if (kind === 'host') await context.host();
    await context.number(setup);
    const evaluate = kind === 'object' ? context.members : context.number;
    started = now();
    for (let i = 0; i < times; i++) value = await evaluate(source);
    const nanos = Number(now() - started);
    context.close();
    return { nanos, value };
  };
  say(described);
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      say({ Ok: await run(JSON.parse(line)) });
    } catch (error) {
      say({ Err: String(error?.stack ? `${error.name}: ${error.message}` : error).split('\n')[0] });
    }
  }
}
