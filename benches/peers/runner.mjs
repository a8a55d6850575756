// What drive.py asks of a runner, and what it is told: JSON, one line each.

import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

export const DEADLINE = 50;
export const MEMORY = 32 << 20;
export const STACK = 256 << 10;
export const KEEP = 'globalThis.kept = 41';
export const IS_KEPT = 'globalThis.kept + 1 === 42';

// Packages are where the driver starts this.
export const require = createRequire(`${process.cwd()}/`);

const say = (answer) => writeSync(3, `${JSON.stringify(answer)}\n`);

// Runs what comes, one after the other.
export async function serve(run) {
  say(true);
  for await (const line of createInterface({ input: process.stdin })) say(await run(JSON.parse(line)));
}

// Times `evaluate`. `endingOf` an exception is `timeout`, or any other word; `isKept` is asked after that was said.
export async function measure(evaluate, endingOf, isKept) {
  const started = performance.now();
  let ended = 'value';
  try {
    await evaluate();
  } catch (error) {
    ended = endingOf(error);
  }
  const ms = performance.now() - started;
  say({ ms, ended: String(ended).slice(0, 100) });
  let kept = null;
  if (ended === 'timeout' && isKept) {
    try {
      kept = (await isKept()) === true;
    } catch {
      kept = false;
    }
  }
  return { kept };
}
