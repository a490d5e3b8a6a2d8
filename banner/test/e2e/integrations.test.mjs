// The npm package and the declaration in pages of a site, in a browser, against the real server.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';
import { build } from 'esbuild';
import { control, press, quiet } from '../browser/harness.mjs';
import { notice } from './notice.mjs';
import { wait, world } from './world.mjs';

const s = world();
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const app = `
import { createElement as h, useState } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { load, onDecision } from '../../../web/integrations/npm/index.js';
import { Gated, SettingsButton, useConsent } from '../../../web/integrations/npm/react.js';

window.heard = [];
window.rendered = [];
onDecision((state) => heard.push({ ...state.categories }));
window.loaded = load({ server: SERVER, site: 'shop' }).then((volenti) => typeof volenti.show, (e) => e.message);

const App = () => {
  const [page, go] = useState('one');
  const on = useConsent('preferences');
  rendered.push(on);
  return h('main', null,
    h('h1', null, page), h('button', { id: 'go', onClick: () => go('two') }, 'Go'),
    h(Gated, { category: 'preferences', vendor: 'video', fallback: h('p', { id: 'wait' }, 'Wait') }, h('p', { id: 'film' }, 'Film on page ' + page)),
    h(SettingsButton, { id: 'settings' }, 'Privacy settings'));
};
hydrateRoot(document.getElementById('root'), h(App));
`;

let server, script;
/** Where a test wants another page than the application's: its text, and its policy, told the server's address. */
const head = { page: undefined, csp: undefined };
test('an application is built with the package', async () => {
  const made = await build({
    stdin: { contents: app, resolveDir: here('.'), loader: 'js' },
    bundle: true,
    write: false,
    format: 'iife',
    define: { SERVER: JSON.stringify(`http://consent.shop.test:${s.server.port}`), 'process.env.NODE_ENV': '"production"' },
    nodePaths: [here('../../node_modules')],
    logLevel: 'silent',
  });
  script = made.outputFiles[0].text;
  const root = '<main><h1>one</h1><button id="go">Go</button><p id="wait">Wait</p><button type="button" id="settings">Privacy settings</button></main>';
  server = createServer((request, answer) => {
    if (request.url === '/app.js') return answer.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
    if (request.url === '/favicon.ico') return answer.writeHead(404).end();
    const csp = head.csp?.(`http://consent.shop.test:${s.server.port}`);
    answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...(csp ? { 'content-security-policy': csp } : {}) });
    return answer.end(head.page?.(`http://consent.shop.test:${s.server.port}`) ?? `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>App</title></head><body><div id="root">${root}</div><script src="/app.js"></script></body></html>`);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
});
after(() => {
  server?.closeAllConnections();
  server?.close();
});
/** Opens the page, on an origin that the notice is published for the first time. */
const open = async (context) => {
  const origin = `http://app.shop.test:${server.address().port}`;
  if (!open.done) {
    const said = s.server.volenti('notice', 'publish', s.server.file('app.toml', notice({ origins: [origin, ...s.origins] })));
    const digest = /notice ([0-9a-f]{64})/.exec(said)[1];
    await wait(async () => (await (await fetch(`${s.server.base}/v1/sites/shop/declaration`)).json()).notice === digest, 'the publication');
    open.done = true;
  }
  return s.open(origin + '/?region=DE', context);
};

test('what is gated comes with consent, stays through navigation, and goes with withdrawal', async () => {
  const page = await open();
  await control(page, 'reject').waitFor();
  assert.equal(await page.evaluate(() => loaded), 'function');
  assert.equal(await page.locator('#film').count(), 0);
  await press(page, 'accept');
  await page.locator('#film').waitFor();
  assert.deepEqual(await page.evaluate(() => heard.at(-1).preferences), true);
  await page.locator('#go').click();
  await page.getByText('Film on page two').waitFor();
  await page.locator('#settings').click();
  await page.locator('dialog [data-volenti=withdraw]').click();
  await page.locator('#wait').waitFor();
  assert.equal(await page.locator('#film').count(), 0);
  assert.deepEqual(await page.evaluate(() => rendered[0]), false, 'the first render agrees with the server');
  assert.deepEqual(page.thrown, []);
});

test('at the next visit the application knows, without being asked', async () => {
  const visitor = await s.visitor();
  const first = await open(visitor);
  await press(first, 'accept');
  await s.receipt(first);
  const page = await open(visitor);
  await page.locator('#film').waitFor();
  assert.equal(await control(page, 'reject').count(), 0);
  assert.equal(await page.evaluate(() => loaded), 'function');
});

test('where the script is kept away the application works, and nothing gated is in it', async () => {
  const visitor = await s.visitor();
  await visitor.route('**/b/shop.js*', (route) => route.abort());
  const page = await open(visitor);
  assert.match(await page.evaluate(() => loaded), /stays off/);
  await page.locator('#go').click();
  await page.getByRole('heading', { name: 'two' }).waitFor();
  assert.equal(await page.locator('#film').count(), 0);
});

test('the declaration is filled in under a strict policy, in the language of the page', async () => {
  head.csp = (base) => `default-src 'none'; script-src 'nonce-n'; connect-src ${base}; require-trusted-types-for 'script'; trusted-types 'none'`;
  head.page = (base) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Cookies</title></head><body><main><h1>Cookies</h1>
    <div data-volenti="declaration"><a href="${base}/privacy/shop/cookies">Cookie declaration</a></div>
    <section lang="de"><volenti-declaration data-level="3"></volenti-declaration></section>
    <script async nonce="n" src="${base}/b/shop/declaration.js"></script></main></body></html>`;
  try {
    const page = await open();
    await page.locator('div[data-volenti=declaration] table').first().waitFor();
    const english = await page.locator('div[data-volenti=declaration]').innerText();
    assert.match(english, /Google Analytics \(Google LLC\)[^]*_ga\b[^]*Cookie[^]*13 months[^]*Tells visitors apart\./);
    assert.match(english, /volenti[^]*6 months/, 'our own cookie too');
    const german = page.locator('volenti-declaration');
    await german.locator('table').first().waitFor();
    assert.match(await german.innerText(), /13 Monate[^]*Unterscheidet Besucher\./);
    assert.deepEqual([await german.getAttribute('lang'), await german.locator('h3').count() > 0, await german.locator('h2').count()], ['de', true, 0]);
    const links = await page.locator('div[data-volenti=declaration] p:last-of-type a').evaluateAll((all) => all.map((a) => [new URL(a.href).pathname, a.dataset.volenti ?? '']));
    assert.deepEqual(links.slice(-2), [['/policies/shop/privacy', ''], ['/privacy/shop/choices', 'open']], 'policy and opt-out, always');
    assert.deepEqual(page.thrown, []);
    // One that comes later is filled as well.
    await page.evaluate(() => document.body.append(document.createElement('volenti-declaration')));
    await page.locator('body > volenti-declaration table').first().waitFor();
  } finally {
    head.csp = head.page = undefined;
  }
});

test('where the declaration can not be had the link in its place stays', async () => {
  head.page = (base) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Cookies</title></head><body><div data-volenti="declaration"><a href="${base}/privacy/shop/cookies">Cookie declaration</a></div>
    <script async src="${base}/b/shop/declaration.js"></script></body></html>`;
  try {
    const visitor = await s.visitor();
    await visitor.route('**/declaration?*', (route) => route.abort());
    const page = await open(visitor);
    await quiet();
    await page.getByRole('link', { name: 'Cookie declaration' }).click();
    await page.waitForURL(/\/privacy\/shop\/cookies/);
    assert.match(await page.locator('main').innerText(), /_ga_\*/);
  } finally {
    head.page = undefined;
  }
});
