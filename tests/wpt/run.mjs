// Runs web-platform-tests in the sandbox, and compares how many pass with `rates.txt`, which it writes with BLESS=1.
// Usage: node run.mjs BINARY SUITE [PART_OF_A_PATH]; with the last one only what has it in its path is run, and what fails is shown.
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

// Which files are about which API. What is in none of these is not run.
const apis = [
  ['URL, URLSearchParams', /^url\//],
  ['URLPattern', /^urlpattern\//],
  ['TextEncoderStream, TextDecoderStream', /^encoding\/streams\//],
  ['TextEncoder, TextDecoder', /^encoding\//],
  ['atob, btoa', /^html\/webappapis\/atob\//],
  ['crypto', /^WebCryptoAPI\/(digest|idlharness|getRandomValues|randomUUID|.*(hmac|HMAC))/],
  ['structuredClone', /^html\/webappapis\/structured-clone\//],
  ['queueMicrotask', /^html\/webappapis\/microtask-queuing\//],
  ['DOMException', /^webidl\/ecmascript-binding\/es-exceptions\//],
  ['performance', /^hr-time\//],
  ['Event, CustomEvent, EventTarget', /^dom\/events\//],
  ['AbortController, AbortSignal', /^dom\/abort\//],
  ['streams', /^streams\//],
  ['Blob, File', /^FileAPI\/(blob|file|idlharness)/],
  ['fetch of data: URLs', /^fetch\/data-urls\//],
  ['timers', /^html\/webappapis\/timers\//],
  ['console', /^console\//],
];

// What is about pages, requests of theirs, other realms, and messages to them, none of which are here.
const isLeftOut = (path) => [
  /\.sub\./, /idlharness-shadowrealm/, /url-setters-a-area/, /javascript-urls/, /percent-encoding/, /send-file-formdata/, /-dom\./,
  /realms?\./, /cross-realm/, /per-global/, /\/transferable\//, /owning-type/, /legacy-pre-activation/, /relatedTarget/, /event-global/,
  /listener-order/, /queue-microtask\.window/, /queue-microtask-exceptions/, /timeOrigin\.window/, /\/replacement-encodings/,
  /unsupported-/, /non-transferable/, /read-task-handling/, /EventTarget-removeEventListener/, /WebCryptoAPI\/historical/, /fileReader/,
].some((pattern) => pattern.test(path));

const [binary, suite, part] = process.argv.slice(2);
const here = import.meta.dirname, record = join(here, 'rates.txt');
const read = (...path) => readFileSync(join(...path), 'utf8');

// One script of what a file of tests says that it needs, the harness, and the tests.
const assemble = (path) => {
  const folder = dirname(path), text = read(suite, path), files = {};
  const needs = [...text.matchAll(/^\/\/ META: *script=(.+)$/gm)].map(([, name]) => {
    if (name === '/resources/WebIDLParser.js') return read(suite, 'resources/webidl2/lib/webidl2.js');
    return name.startsWith('/') ? read(suite, name) : read(suite, folder, name);
  });
  // The interfaces are exposed where there are windows.
  if (text.includes('idl_test(')) {
    needs.unshift('self.Window = class Window {}; delete self.FileReader; delete self.WebAssembly;');
    for (const [, name] of text.matchAll(/['"]([\w-]+)['"]/g)) {
      try {
        files[`interfaces/${name}.idl`] = read(suite, 'interfaces', `${name}.idl`);
      } catch {
        // It is the name of something else.
      }
    }
  }
  return [
    /^['"]use strict['"]/m.test(text) ? "'use strict'" : '',
    `const folder = ${JSON.stringify(folder)}, files = ${JSON.stringify(files)};`, read(here, 'before.js'),
    read(suite, 'resources/testharness.js'), read(here, 'after.js'), ...needs, text,
    'setTimeout(() => done(), 0); const late = setTimeout(() => timeout(), 30_000); await finished; clearTimeout(late);',
  ].join('\n;\n');
};

// How many of the tests of a file pass, and what was said of the others.
const run = (path) => new Promise((done) => {
  const script = join(suite, `${path.replaceAll('/', '+')}.run.js`);
  writeFileSync(script, assemble(path));
  execFile(binary, ['run', '--timeout', '60s', '--memory', '256MiB', script], { maxBuffer: 1 << 26 }, (error, out, said) => {
    rmSync(script);
    const lines = said.split('\n'), rate = lines.findLast((line) => line.startsWith('RATE '))?.split(' ');
    if (!rate) console.log(`${path} came to no end:\n${said.slice(-2000)}`);
    done({ path, passed: Number(rate?.[1] ?? 0), of: Number(rate?.[2] ?? 0), failures: lines.filter((line) => line.startsWith('FAIL ')) });
  });
});

const paths = readdirSync(suite, { recursive: true })
  .filter((path) => /\.(any|window)\.js$/.test(path) && !isLeftOut(path) && apis.some(([, pattern]) => pattern.test(path)))
  .filter((path) => !part || path.includes(part))
  .sort();
const results = [], left = [...paths];
const work = async () => {
  for (let path; (path = left.shift()); ) results.push(await run(path));
};
await Promise.all(Array.from({ length: availableParallelism() }, work));

const lines = ['# Of web-platform-tests, how many pass: of each API, and of each file. Written by `BLESS=1 tests/wpt/run.sh BINARY`.'];
for (const [name, pattern] of apis) {
  const files = paths.filter((path) => apis.find(([, pattern]) => pattern.test(path))[1] === pattern)
    .map((path) => results.find((result) => result.path === path));
  const passed = files.reduce((sum, file) => sum + file.passed, 0), of = files.reduce((sum, file) => sum + file.of, 0);
  lines.push('', `${name}: ${passed} of ${of}`, ...files.map((file) => `  ${file.path} ${file.passed} of ${file.of}`));
}
const text = lines.join('\n') + '\n';
const failures = results.filter((result) => result.failures.length)
  .map((result) => [result.path, ...result.failures.map((line) => `  ${line}`)].join('\n')).sort().join('\n');
writeFileSync(join(suite, '../failures.txt'), failures);

if (part) {
  console.log(`${failures}\n${lines.filter((line) => line.startsWith('  ')).join('\n')}`);
} else if (process.env.BLESS === '1') {
  writeFileSync(record, text);
} else {
  const [recorded, now] = [read(record).split('\n'), lines];
  const differ = now.filter((line) => !recorded.includes(line)), gone = recorded.filter((line) => line && !now.includes(line));
  for (const line of gone) console.log(`- ${line.trim()}`);
  for (const line of differ) console.log(`+ ${line.trim()}`);
  if (differ.length || gone.length) {
    console.log('The rates are not those that are recorded (- recorded, + now). What fails is in target/wpt/failures.txt.');
    process.exitCode = 1;
  }
}
const passed = results.reduce((sum, result) => sum + result.passed, 0), of = results.reduce((sum, result) => sum + result.of, 0);
console.log(`web-platform-tests: ${passed} of ${of} pass, in ${results.length} files`);
