import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { emit, fresh, page, state } from './fake.mjs';

const options = { server: 'https://consent.example.com/', site: 'shop' };
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

beforeEach(() => {
  globalThis.window = globalThis;
  globalThis.document = page().document;
});
afterEach(() => {
  for (const name of ['window', 'document', 'volenti', 'trustedTypes']) delete globalThis[name];
});

const loads = (script, volenti) => {
  globalThis.volenti = volenti;
  script.dispatchEvent(new Event('load'));
};

test('on a server it can be imported and called, and knows nothing', async () => {
  delete globalThis.window;
  delete globalThis.document;
  const { load, granted, getState, onDecision, subscribe, openSettings } = await fresh();
  assert.equal(await load(options), undefined);
  assert.deepEqual([granted('analytics'), getState()], [false, undefined]);
  onDecision(assert.fail)();
  subscribe(assert.fail)();
  openSettings();
});

test('import and require give the same functions', async () => {
  const required = createRequire(import.meta.url)('../index.cjs');
  const imported = await import('../index.js');
  assert.deepEqual(Object.keys(imported).sort(), Object.keys(required).sort());
});

test('the script is put into the page once, with nonce and language', async () => {
  const { load } = await fresh();
  const asked = load({ ...options, nonce: 'c2hvcA', lang: 'de' });
  assert.equal(load(options), asked);
  assert.equal(document.scripts.length, 1);
  const [script] = document.scripts;
  assert.deepEqual([script.src, script.nonce, script.async], ['https://consent.example.com/b/shop.js?lang=de', 'c2hvcA', true]);
  const volenti = { state: state({}) };
  loads(script, volenti);
  assert.equal(await asked, volenti);
});

test('a script that stands in the page is waited for, not doubled', async () => {
  const stands = Object.assign(document.createElement('script'), { src: 'https://consent.example.com/b/shop.js' });
  document.scripts.push(stands);
  const { load } = await fresh();
  const asked = load(options);
  assert.equal(document.scripts.length, 1);
  loads(stands, { state: state({}) });
  assert.ok((await asked).state);
});

test('a script that has run is there at once; a queue or an element of that id is not it', async () => {
  const { load, getState } = await fresh();
  globalThis.volenti = [['show']];
  assert.equal(getState(), undefined);
  globalThis.volenti = { state: state({ analytics: true }) };
  assert.equal(await load(options), globalThis.volenti);
  assert.equal(document.scripts.length, 0);
});

test('at a later visit the script is awaited until it says that it is there', async () => {
  const { load } = await fresh();
  const asked = load(options);
  document.scripts[0].dispatchEvent(new Event('load'));
  globalThis.volenti = { state: state({ analytics: true }) };
  emit('ready', globalThis.volenti.state);
  assert.equal(await asked, globalThis.volenti);
});

test('a script that a blocker keeps away rejects, grants nothing, and may be tried again', async () => {
  const { load, granted } = await fresh();
  const asked = load(options);
  document.scripts[0].dispatchEvent(new Event('error'));
  await assert.rejects(asked, /stays off/);
  assert.equal(granted('analytics'), false);
  assert.equal(document.scripts.length, 0);
  load(options);
  assert.equal(document.scripts.length, 1);
});

test('a key that would lead elsewhere is refused', async () => {
  const { load } = await fresh();
  for (const site of ['../evil', 'a/b', '', 'Shop']) assert.throws(() => load({ ...options, site }), /site key/);
});

test('only what was said to be true is granted', async () => {
  const { granted } = await fresh();
  globalThis.volenti = { state: state({ analytics: true, marketing: false, odd: 'true' }, { vendors: { ga4: true } }) };
  assert.deepEqual(['analytics', 'marketing', 'odd', 'ga4', 'toString', '__proto__'].map(granted), [true, false, false, true, false, false]);
});

test('decisions are heard: the one in force, those that come, and none after it was stopped', async () => {
  const { onDecision } = await fresh();
  const heard = [];
  globalThis.volenti = { state: state({ a: true }) };
  const stop = onDecision((s) => heard.push(s.categories));
  assert.deepEqual(heard, [], 'never while it is being called');
  await Promise.resolve();
  emit('decision', state({ a: false }));
  stop();
  emit('decision', state({ a: true }));
  assert.deepEqual(heard, [{ a: true }, { a: false }]);
  onDecision(assert.fail)();
  await Promise.resolve();
});

test('settings asked for before the script is there are opened by it', async () => {
  const { openSettings } = await fresh();
  openSettings();
  assert.deepEqual(globalThis.volenti, [['show']]);
  let shown = 0;
  globalThis.volenti = { state: state({}), show: () => shown++ };
  openSettings();
  assert.equal(shown, 1);
});

test('under Trusted Types the address goes through a policy of its own', async () => {
  const made = [];
  globalThis.trustedTypes = { createPolicy: (name, rules) => (made.push(name), { createScriptURL: (url) => 'trusted ' + rules.createScriptURL(url) }) };
  const { load } = await fresh();
  load(options);
  assert.deepEqual([made, document.scripts[0].src], [['volenti-loader'], 'trusted https://consent.example.com/b/shop.js']);
});

test('what is packed is complete, and its types are those of the banner', () => {
  execFileSync('node', [here('../pack.mjs')]);
  assert.equal(readFileSync(here('../volenti.d.ts'), 'utf8'), readFileSync(here('../../../../banner/volenti.d.ts'), 'utf8'));
  const { exports, files } = JSON.parse(readFileSync(here('../package.json'), 'utf8'));
  for (const targets of Object.values(exports)) for (const path of Object.values(targets)) assert.ok(files.includes(path.slice(2)), path);
  for (const path of files) readFileSync(here('../' + path));
});
