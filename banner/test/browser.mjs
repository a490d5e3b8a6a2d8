// Runs the test files that need a browser, two at a time. A file that fails is run once more, alone, when the others are
// done: two browsers and a compiler on two cores can starve each other, and a fault of ours fails alone too. What only
// passed alone is named at the end. With names as arguments it runs those files.
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const files = process.argv.slice(2);
if (!files.length)
  for (const folder of ['browser', 'e2e', 'proof'])
    files.push(...readdirSync(join(here, folder)).filter((name) => name.endsWith('.test.mjs')).map((name) => join(here, folder, name)));
files.sort((a, b) => statSync(b).size - statSync(a).size); // the long ones first, so that none is left over alone

const short = (file) => file.slice(here.length + 1);

/** Runs a file; whether it passed. What it printed is shown where it did not. */
const run = (file) =>
  new Promise((done) => {
    const begun = Date.now();
    const child = spawn(process.execPath, ['--test', '--test-reporter=spec', file], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    child.once('close', (code) => {
      const tests = /tests (\d+)/.exec(said)?.[1] ?? '0';
      // A file without a test in it is a mistake.
      const passed = code === 0 && tests !== '0';
      console.log(`${passed ? 'ok  ' : 'FAIL'} ${short(file)}  ${tests} tests, ${Math.round((Date.now() - begun) / 1000)} s`);
      if (!passed) console.log(said);
      done(passed);
    });
  });

const failed = [];
const rest = [...files];
await Promise.all([0, 1].map(async () => { for (let file; (file = rest.shift()); ) if (!(await run(file))) failed.push(file); }));
const alone = [];
const broken = [];
for (const file of failed) (await run(file) ? alone : broken).push(short(file));

if (alone.length) console.log(`\nFailed beside another and passed alone: ${alone.join(', ')}`);
if (broken.length) console.log(`\nFailed: ${broken.join(', ')}`);
console.log(`\n${files.length} files, ${broken.length} failed.`);
process.exit(broken.length ? 1 : 0);
