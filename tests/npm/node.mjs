// Runs one script in Node as the sandbox would: in a fresh context that holds
// the language and `console`, nothing of Node. Usage: node node.mjs FILE
import { readFileSync } from "node:fs";
import vm from "node:vm";

const print = (...values) => {
  // Anything but one string would compare the two engines' formatters.
  if (values.length !== 1 || typeof values[0] !== "string") {
    throw new TypeError("print strings only: console.log(JSON.stringify(value))");
  }
  process.stdout.write(values[0] + "\n");
};
const console = { log: print, info: print, debug: print, warn: print, error: print };

const file = process.argv[2];
const context = vm.createContext({ console });
// V8 has these and the sandbox's engine has not; a library that would take
// another path with them has to take the same one here.
vm.runInContext("delete globalThis.Intl; delete globalThis.WebAssembly;", context);
vm.runInContext(readFileSync(file, "utf8"), context, { filename: file });
