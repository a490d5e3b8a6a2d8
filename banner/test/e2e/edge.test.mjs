// The edge: `volenti gate` before a site that knows nothing of consent, and Chromium before it. The page's own blocker is
// off, so what is silent here is so because it is not in the HTML.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { press, quiet, until } from '../browser/harness.mjs';
import { install, patience } from './installation.mjs';
import { notice, policy } from './notice.mjs';
import { startWeb } from './web.mjs';

const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);
const data = join(dirname(fileURLToPath(import.meta.url)), '../../../server/edge/testdata');
const blocks = (name) => readFileSync(join(data, name), 'utf8').split(/^== /m).slice(1);
const tags = blocks('tags.txt').map((block) => {
  const [head, ...lines] = block.split('\n');
  const [name, host, note = ''] = head.split(' | ');
  return { name, host, note, markup: lines.join('\n') };
});
/** Pages that are read differently by who builds the tree and who does not. */
const riddles = blocks('differ.txt').map((block) => block.split('\n')[1].replaceAll('\\0', '\0'));
const held = tags.filter(({ note }) => note !== 'essential');
const essential = tags.filter(({ note }) => note === 'essential').map(({ host }) => host);

/** Headless browsers show no icons, and connect to nobody ahead: what they would do, the Go tests see. */
const ahead = (note) => note === 'icon' || note === 'connection';

const pixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const pageOf = (body) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Lamps</title><script src="/own.js"></script></head><body><h1>Lamps</h1>\n${body}\n</body></html>`;

let web, site, server, browser, upstream, gate;
const contexts = [];

before(async () => {
  web = await startWeb('www.shop.test');
  site = createServer((request, answer) => {
    const [, kind, n] = request.url.split('/');
    const send = (type, body) => answer.writeHead(200, { 'content-type': type, 'cache-control': 'public, max-age=600', etag: '"lamps"' }).end(body);
    if (kind === 'tags') return send('text/html; charset=utf-8', pageOf(tags[n].markup));
    if (kind === 'all') return send('text/html; charset=utf-8', pageOf(held.map(({ markup }) => markup).join('\n')));
    if (kind === 'riddle') return send('text/html; charset=utf-8', pageOf(riddles[n]));
    if (kind === 'lamp.gif') return send('image/gif', pixel);
    if (kind === 'own.js') return send('text/javascript', 'window.own = true;');
    return answer.writeHead(404).end();
  });
  await new Promise((done) => site.listen(0, '127.0.0.1', done));
  upstream = `http://127.0.0.1:${site.address().port}`;
  server = await install();
  gate = `http://www.shop.test:${server.port}`;
  server.volenti('site', 'add', 'shop', '--name', 'Shop');
  server.volenti('policy', 'import', server.file('privacy.md', policy('We keep an order for seven years.')), '--site', 'shop');
  server.volenti('notice', 'publish', server.file('notice.toml', notice({ origins: [gate] })));
  await server.start('gate', '--upstream', upstream, '--site', 'shop');
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', ...web.args] });
});
after(async () => {
  await browser?.close();
  await server?.end();
  site?.closeAllConnections();
  site?.close();
  web?.close();
});
beforeEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
  web.reset();
});

const visitor = async (options) => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  context.setDefaultTimeout(patience);
  contexts.push(context);
  return context;
};
const foreign = () => web.connections.filter((host) => !essential.includes(host));
/** Opens every page of a kind, one after the other. A page that leads elsewhere has been opened too. */
const openAll = async (page, base, kind, count, each = () => {}) => {
  for (let n = 0; n < count; n++) {
    await page.goto(`${base}/${kind}/${n}`).catch((e) => assert.match(e.message, /interrupted|ERR_ABORTED/));
    await each(n);
  }
};
const accepted = async () => {
  const context = await visitor();
  const page = await context.newPage();
  await page.goto(gate + '/tags/0');
  await press(page, 'accept');
  await until(() => page.evaluate(() => window.volenti?.state?.receipt), 'a receipt', patience);
  return { context, page };
};

test('without the gate every one of these tags reaches its vendor', async () => {
  for (const javaScriptEnabled of [true, false]) {
    const page = await (await visitor({ javaScriptEnabled })).newPage();
    await openAll(page, upstream, 'tags', tags.length, async (n) => {
      const { name, host, note } = tags[n];
      if ((note === 'noscript') === javaScriptEnabled || ahead(note)) return web.reset();
      await until(() => web.hits.some((hit) => hit.startsWith(host + ' ')) || web.connections.includes(host), `${name} without the gate`, patience);
      return web.reset();
    });
  }
  const page = await (await visitor()).newPage();
  let reached = 0;
  await openAll(page, upstream, 'riddle', riddles.length, () => void (reached += web.reset().length > 0));
  assert.ok(reached > riddles.length / 2, `${reached} of ${riddles.length} riddles`);
});

test('before a decision all of them are silent: nobody is even connected to', async () => {
  assert.ok(held.length >= 69, `${held.length} tags`);
  for (const javaScriptEnabled of [true, false]) {
    const page = await (await visitor({ javaScriptEnabled })).newPage();
    await openAll(page, gate, 'tags', tags.length);
    await page.goto(gate + '/all');
    if (javaScriptEnabled) {
      assert.equal(await page.evaluate(() => window.own), true, 'what is the site’s own runs');
      await page.locator('[data-volenti=accept]').first().waitFor();
    }
    await quiet(1000);
    assert.deepEqual([foreign(), web.hits.filter((hit) => !essential.includes(hit.split(' ')[0]))], [[], []], `scripts ${javaScriptEnabled}`);
    for (const host of essential) assert.equal(web.connections.includes(host), javaScriptEnabled, `${host} is essential`);
    web.reset();
  }
});

test('what simple readers of HTML overlook stays silent too', async () => {
  for (const javaScriptEnabled of [true, false]) {
    const page = await (await visitor({ javaScriptEnabled })).newPage();
    await openAll(page, gate, 'riddle', riddles.length);
    await quiet(1000);
    assert.deepEqual(web.reset(), [], `scripts ${javaScriptEnabled}`);
  }
});

test('after a yes they load in the same page', async () => {
  const page = await (await visitor()).newPage();
  await page.goto(gate + '/all');
  await press(page, 'accept');
  const wanted = new Set(held.filter(({ note }) => note !== 'noscript' && !ahead(note)).map(({ host }) => host));
  const missing = () => [...wanted].filter((host) => !web.hits.some((hit) => hit.startsWith(host + ' ')));
  await until(() => missing().length === 0, 'all vendors', patience).catch(() => assert.deepEqual(missing(), []));
});

test('after a yes the next pages come as the site wrote them, and after a withdrawal they don’t', async () => {
  const { context, page } = await accepted();
  await openAll(page, gate, 'tags', tags.length, async (n) => {
    const { name, host, note } = tags[n];
    if (note !== 'noscript' && !ahead(note)) await until(() => web.hits.some((hit) => hit.startsWith(host + ' ')) || web.connections.includes(host), `${name} after a yes`, patience);
    web.reset();
  });
  const cookies = await context.cookies();
  const plain = await visitor({ javaScriptEnabled: false });
  await plain.addCookies(cookies);
  const unscripted = await plain.newPage();
  for (const [n, { name, host, note }] of tags.entries()) {
    if (note !== 'noscript') continue;
    web.reset();
    await unscripted.goto(`${gate}/tags/${n}`);
    await until(() => web.hits.some((hit) => hit.startsWith(host + ' ')), `${name} after a yes, without scripts`, patience);
  }
  const image = tags.findIndex(({ name }) => name === 'Remarketing pixel');
  await page.goto(`${gate}/tags/${image}`);
  await page.evaluate(() => window.volenti.withdraw());
  await until(() => page.evaluate(() => window.volenti.state.receipt && !window.volenti.state.categories.marketing), 'the withdrawal', patience);
  await page.goto(gate + '/lamp.gif');
  web.reset();
  await page.goto(`${gate}/tags/${image}`); // the browser keeps the page of before, and may not show it
  await page.locator('volenti-reopen button').waitFor();
  await quiet();
  assert.deepEqual(web.reset(), []);
});

test('the decision is a cookie of the site’s own host, and the banner the site’s own script', async () => {
  const { context, page } = await accepted();
  const [cookie] = (await context.cookies()).filter(({ name }) => name === 'volenti');
  assert.equal(cookie.domain, 'www.shop.test');
  assert.match(await page.locator('head script').first().evaluate((el) => el.outerHTML), /^<script src="\/b\/shop\.js"/);
  const pages = await page.request.get(`http://127.0.0.1:${server.port}/privacy/shop/choices`, { headers: { host: 'www.shop.test' } });
  assert.equal(pages.status(), 200);
  const other = await page.request.get(`http://127.0.0.1:${server.port}/privacy/`);
  assert.equal(other.status(), 404, 'the site’s own address');
});
