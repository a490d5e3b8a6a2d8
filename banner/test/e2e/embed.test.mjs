// Other ways to put the banner into a page: what `volenti embed` prints, and what the documentation shows, in a browser.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { control, press, quiet, ready, recorded } from '../browser/harness.mjs';
import { notice } from './notice.mjs';
import { layer, wait, world } from './world.mjs';

const s = world({ args: ['--enable-features=ImportMapIntegrity'] });
const docs = readFileSync(new URL('../../../docs/embed.md', import.meta.url), 'utf8');

/** A site whose page is what a test says: head, body, headers. It stands where the notice's origins allow. */
const own = { head: '', body: '', headers: {} };
let server;
test('a notice is published for a page that says what a test says', async () => {
  server = createServer((request, answer) => {
    if (request.url === '/favicon.ico') return answer.writeHead(404).end();
    for (const [name, value] of Object.entries(own.headers)) answer.setHeader(name, value);
    answer.setHeader('content-type', 'text/html; charset=utf-8');
    return answer.end(`<!doctype html><html lang="en"><head>${own.head}<meta charset="utf-8"><title>Own</title></head><body><main><h1>Own</h1>${own.body}</main></body></html>`);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  own.origin = `http://own.shop.test:${server.address().port}`;
  await publish();
});
/** Publishes the shop's notice for the own site too, with more behind it, and waits until it is served. */
const publish = async (more = '') => {
  const said = s.server.volenti('notice', 'publish', s.server.file('own.toml', notice({ origins: [own.origin, ...s.origins] }) + more));
  const digest = /notice ([0-9a-f]{64})/.exec(said)[1];
  await wait(async () => (await (await fetch(`${s.server.base}/v1/sites/shop/declaration`)).json()).notice === digest, 'the publication');
};
after(() => {
  server?.closeAllConnections();
  server?.close();
});

const base = () => `http://consent.shop.test:${s.server.port}`;
const embed = (...args) => s.server.volenti('embed', '--site', 'shop', '--url', base(), ...args);
/** The lines of the head, and what comes after them. */
const parts = (text) => {
  const [head, ...rest] = text.replace(/^<!--.*-->\n/, '').split('\n\n');
  return { head, body: rest.join('\n') };
};
const show = async (what, query = '', context) => {
  Object.assign(own, { headers: {}, head: '', body: '' }, what);
  return s.open(own.origin + '/' + query, context);
};
const gated = () => `<script type="text/plain" data-category="analytics" data-src="http://127.0.0.1:${s.vendors.port}/gtag/js?id=G-1"></script>`;
const region = (head, code) => head.replace(/(src="[^"?]+\/b\/shop[^"?]*\.js)(\?[^"]*)?"/, (_, path, query) => `${path}${query ? query + '&' : '?'}region=${code}"`);

test('the lines of the command ask, gate, open the choices and show the declaration', async () => {
  const { head, body } = parts(embed());
  const page = await show({ head: region(head, 'DE'), body: body + gated() });
  await control(page, 'reject').waitFor();
  await page.locator('[data-volenti=declaration] table').first().waitFor();
  assert.match(await page.locator('[data-volenti=declaration]').innerText(), /_ga_\*[^]*13 months/);
  await page.locator('a[data-volenti=open]', { hasText: 'Privacy settings' }).first().click();
  await page.locator('dialog [data-volenti=save]').waitFor();
  assert.equal(page.url(), own.origin + '/', 'opened here, and not there');
  assert.deepEqual(s.vendors.hits, []);
});

test('where a blocker takes the banner away the gate stays shut and the link leads to the choices', async () => {
  const { head, body } = parts(embed());
  const context = await s.visitor();
  await context.route('**/b/shop.js*', (route) => route.abort());
  const page = await show({ head, body: body + gated() }, '', context);
  await quiet();
  assert.deepEqual(s.vendors.hits, []);
  await page.locator('a[data-volenti=open]').first().click();
  await page.waitForURL(/\/privacy\/shop\/choices/);
  await page.locator('[data-volenti=reject]').click();
  await page.getByRole('status').waitFor();
  assert.match(page.url(), /receipt=[0-9a-hjkmnp-tv-z]{32}/);
});

for (const [surface, code, text, on] of [
  ['opt-in', 'DE', /would like to store/, false],
  ['opt-out', 'US-TX', /You can opt out now/, true],
])
  test(`a pinned script asks as the law of ${code} has it, checked by the browser`, async () => {
    const { head } = parts(embed('--pinned'));
    assert.match(head, /\/b\/shop\/pinned\/[0-9a-f]{64}\.js" integrity="sha384-[\w+/]{64}" crossorigin="anonymous"/);
    const page = await show({ head: region(head, code), body: gated() });
    await control(page, 'reject').waitFor();
    assert.match(await page.locator('volenti-banner').innerText(), text, surface);
    if (!on) {
      await quiet();
      assert.deepEqual(s.vendors.hits, []);
      const [first] = await layer(page);
      assert.deepEqual([first[0], first[1], first[2].analytics_storage], ['consent', 'default', 'denied']);
      await press(page, 'accept');
    }
    await wait(() => s.vendors.hits.includes('/gtag/js'), 'the tag');
    if (!on) {
      const core = await s.receipt(page);
      assert.deepEqual([core.state, core.region, core.language], ['given', code, 'en']);
      // The next page knows it, and does not ask.
      await page.reload();
      await ready(page);
      await wait(() => s.vendors.hits.filter((path) => path === '/gtag/js').length === 2, 'the tag again');
      assert.equal(await control(page, 'reject').count(), 0);
    }
    assert.deepEqual(page.thrown, []);
  });

test('everything is denied while a pinned script waits for its boot, and when it never comes', async () => {
  const { head } = parts(embed('--pinned'));
  const context = await s.visitor();
  await context.route('**/v1/sites/shop/boot*', (route) => route.abort());
  const page = await show({ head: region(head, 'US-TX'), body: gated() }, '', context);
  await quiet();
  assert.deepEqual(s.vendors.hits, []);
  assert.equal((await layer(page))[0][2].analytics_storage, 'denied');
  assert.equal(await control(page, 'reject').count(), 0);
  assert.deepEqual(page.thrown, []);
});

for (const altered of ['', ' '])
  test(`a pinned script is ${altered ? 'not run where it was altered' : 'run as it was printed'}`, async () => {
    const { head } = parts(embed('--pinned'));
    const context = await s.visitor();
    await context.route('**/b/shop/pinned/**', async (route) => {
      const answer = await fetch(route.request().url().replace(base(), s.server.base));
      await route.fulfill({ status: 200, headers: { 'access-control-allow-origin': '*', 'content-type': 'text/javascript' }, body: (await answer.text()) + altered });
    });
    const page = await show({ head: region(head, 'DE'), body: gated() }, '', context);
    await quiet();
    assert.equal(await page.evaluate(() => typeof window.volenti), altered ? 'undefined' : 'object');
    assert.deepEqual(s.vendors.hits, []);
  });

for (const altered of ['', ' '])
  test(`what a pinned script fetches is ${altered ? 'not run where it was altered' : 'run as it was published'}, by the import map`, async () => {
    const { head } = parts(embed('--pinned'));
    const context = await s.visitor();
    await context.route(/\/b\/shop\/[0-9a-f]{16}\.js/, async (route) => {
      const answer = await fetch(route.request().url().replace(base(), s.server.base));
      await route.fulfill({ status: 200, headers: { 'access-control-allow-origin': '*', 'content-type': 'text/javascript' }, body: (await answer.text()) + altered });
    });
    const page = await show({ head: region(head, 'DE') }, '', context);
    await press(page, 'reject');
    await quiet(1500);
    assert.equal(await page.locator('volenti-reopen').count(), altered ? 0 : 1);
  });

test('a pinned page goes on showing the notice it names after another is published', async () => {
  const { head } = parts(embed('--pinned'));
  await publish('\n[wording.en]\naccept = "Accept everything"\n');
  const page = await show({ head: region(head, 'DE') });
  await control(page, 'accept').waitFor();
  assert.equal(await control(page, 'accept').innerText(), 'Accept all');
  await press(page, 'reject');
  await recorded(page);
  assert.equal((await s.receipt(page)).state, 'refused');
});

test('the inline stub denies before anything, holds nothing up, and loses no call', async () => {
  const { head } = parts(embed('--inline-stub'));
  assert.match(head, /<script async src=/);
  const context = await s.visitor();
  let go;
  await context.route('**/b/shop.js*', async (route) => {
    await new Promise((done) => (go = done));
    await route.continue();
  });
  const call = `<script>window.heard = []; volenti.push(['on', 'ready', (e) => heard.push(e.detail.decided)]);</script>`;
  Object.assign(own, { headers: {}, head: region(head, 'DE'), body: `${gated()}${call}<p id="end">End</p>` });
  const page = await context.newPage();
  await page.goto(own.origin, { waitUntil: 'domcontentloaded' });
  await page.locator('#end').waitFor();
  assert.deepEqual((await layer(page)).map(([command, kind, what]) => [command, kind, what.ad_storage, what.security_storage]), [['consent', 'default', 'denied', 'granted']]);
  go();
  await control(page, 'reject').waitFor();
  await page.waitForFunction(() => window.heard.length > 0);
  assert.deepEqual((await layer(page)).filter(([command]) => command === 'consent').map(([, kind]) => kind), ['default', 'update'], 'one default a page');
  await press(page, 'accept');
  await wait(() => s.vendors.hits.includes('/gtag/js'), 'the tag');
});

test('the inline stub runs under the hash that the command prints, and the pinned map under its own', async () => {
  for (const args of [['--inline-stub'], ['--pinned', '--inline-stub']]) {
    const { head } = parts(embed(...args));
    const hashes = s.server.aside.match(/'sha256-[\w+/=]{44}'/g);
    assert.equal(hashes.length, args.length);
    const page = await show({
      head: region(head, 'DE'),
      headers: { 'content-security-policy': `default-src 'none'; script-src ${hashes.join(' ')} ${base()}; connect-src ${base()}; require-trusted-types-for 'script'; trusted-types consent` },
      body: gated(),
    });
    await control(page, 'reject').waitFor();
    assert.equal((await layer(page))[0][1], 'default', args.join(' '));
    assert.deepEqual(page.thrown, []);
  }
});

/** The HTML blocks of docs/embed.md, with its example server and site put to where this test has them. */
const examples = () => [...docs.matchAll(/^```html\n([^]*?)^```/gm)].map(([, block]) => block.replaceAll('https://consent.example.com', base()));

test('the HTML of docs/embed.md does what it says, for somebody who copies it', async () => {
  const blocks = examples();
  const line = blocks.find((block) => /^<script src="[^"]+\/b\/shop\.js"><\/script>$/m.test(block));
  assert.ok(line, 'the documentation has the one line');
  const page = await show({ head: region(line, 'DE'), body: blocks.filter((block) => block !== line && !/\/b\/shop(\.js|\/pinned)/.test(block)).join('\n') });
  await control(page, 'reject').waitFor();
  await press(page, 'reject');
  assert.equal((await s.receipt(page)).state, 'refused');
  const links = await page.locator('main a[data-volenti=open]').count();
  assert.ok(links >= 1, 'and a link that opens the choices');
  await page.locator('[data-volenti=declaration] table').first().waitFor();
  assert.deepEqual(page.thrown, []);
});

test('the noscript of docs/embed.md leads to choices that work without script', async () => {
  const block = examples().find((text) => text.includes('<noscript>'));
  assert.ok(block, 'the documentation has one');
  const page = await show({ body: block }, '', await s.visitor({ javaScriptEnabled: false }));
  await page.getByRole('link', { name: 'Privacy settings' }).click();
  await page.waitForURL(/\/privacy\/shop$/);
  await page.locator('[data-volenti=settings]').click();
  await page.waitForURL(/\/privacy\/shop\/choices/);
  await page.locator('[data-volenti-category=analytics]').check();
  await page.locator('[data-volenti=save]').click();
  const id = /receipt=([0-9a-hjkmnp-tv-z]{32})/.exec(page.url())[1];
  const { core } = JSON.parse(await s.server.receipt('shop', id));
  assert.deepEqual([core.surface, core.state, core.categories.analytics, core.categories.marketing], ['page', 'partial', 'granted', 'refused']);
  assert.equal((await page.context().cookies()).find((c) => c.name === 'volenti').domain, '.shop.test', 'for the pages of the site');
});
