// One opt-out for all sites of a server, in a browser that keeps third-party cookies apart: several real host names on
// loopback, each a site of its own to the browser.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { findings, tooWide } from './axe.mjs';
import { install, patience } from './installation.mjs';
import { notice } from './notice.mjs';
import { wait } from './world.mjs';

const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);
/** Where each site has the server. The shop's own is where visitors opt out; the news has none of its own. */
const sites = { shop: 'consent.shop.test', blog: 'consent.blog.test', mall: 'mall.test', news: 'consent.shop.test' };
let server, browser, web;
let region = 'US-TX';
/** What was asked of the sites' own pages: method, address, referrer. */
const visits = [];
const url = (host, path = '/') => `http://${host}:${server.port}${path}`;
const page = (site) => `http://${site === 'mall' ? '' : 'www.'}${site}.test:${web.address().port}/`;

before(async () => {
  server = await install();
  web = createServer((request, answer) => {
    const site = /(\w+)\.test/.exec(request.headers.host)[1];
    if (!/favicon/.test(request.url)) visits.push([request.method, request.url, request.headers.referer]);
    answer.writeHead(200, { 'content-type': 'text/html', 'cache-control': 'no-store' });
    answer.end(`<!doctype html><html lang="en"><title>${site}</title><script src="${url(sites[site])}/b/${site}.js?region=${region}"></script><h1>${site}</h1></html>`.replace(/(\d)\/\/b/, '$1/b'));
  });
  await new Promise((done) => web.listen(0, '127.0.0.1', done));
  for (const site of Object.keys(sites)) {
    server.volenti('site', 'add', site, '--name', site[0].toUpperCase() + site.slice(1));
    server.volenti('notice', 'publish', server.file(`${site}.toml`, notice({ site, origins: [new URL(page(site)).origin] })));
  }
  await server.serve('--addresses', `${url('consent.blog.test', '')},${url('mall.test', '')}`);
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--test-third-party-cookie-phaseout', '--host-resolver-rules=MAP *.test 127.0.0.1'] });
});
after(async () => {
  await browser?.close();
  await server?.end();
  web?.close();
});

const visitor = async (options) => {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(patience);
  return context;
};
const states = (tab) => tab.locator('[data-state]').evaluateAll((all) => Object.fromEntries(all.map((el) => [el.querySelector('bdi').textContent, el.dataset.state])));
/** Whether marketing runs on a site, by its own page in Texas, where it does until somebody opts out. */
const marketing = async (context, site) => {
  const tab = await context.newPage();
  await tab.goto(page(site));
  await wait(() => tab.evaluate(() => window.volenti?.state?.categories), `the gate of ${site}`);
  const on = await tab.evaluate(() => volenti.state.categories.marketing);
  await tab.close();
  return on;
};

/** What a page of a site has recorded of its visitor. */
const record = (tab) => tab.evaluate(async () => JSON.parse(await volenti.receipt()).core);
/** Opens a page of a site with what a link brought, and waits until its gate has seen to that. */
const bring = async (tab, address) => {
  await tab.goto(address);
  await wait(() => tab.evaluate(() => window.volenti?.state?.categories && !location.hash), 'the pass to be taken');
};

test('one opt-out reaches every site, and says what it came to at each', async () => {
  const context = await visitor();
  for (const site of Object.keys(sites)) assert.equal(await marketing(context, site), true, `${site} before`);
  await context.clearCookies();
  const tab = await context.newPage();
  const asked = [];
  tab.on('request', (request) => request.isNavigationRequest() && asked.push(new URL(request.url()).host + new URL(request.url()).pathname.replace(/(take|back)\/.*/, '$1')));
  await tab.goto(url(sites.shop, '/opt-out'));
  await tab.locator('button[value=on]').click();
  await tab.locator('[data-state=out]', { hasText: /Shop/ }).waitFor();
  assert.deepEqual(await states(tab), { Blog: 'todo', Mall: 'todo', News: 'todo', Shop: 'out' });
  asked.length = visits.length = 0;
  await tab.locator('[data-volenti=next]').click();
  await tab.locator('[data-state=out]', { hasText: /News/ }).waitFor();
  assert.deepEqual(await states(tab), { Blog: 'out', Mall: 'out', News: 'out', Shop: 'out' });
  const { port } = server;
  assert.deepEqual(asked, [`consent.shop.test:${port}/opt-out/next`, `consent.blog.test:${port}/opt-out/take`, `mall.test:${port}/opt-out/take`,
    new URL(page('news')).host + '/', `consent.shop.test:${port}/opt-out/back`, `consent.shop.test:${port}/opt-out`]);
  assert.equal(await tab.locator('[data-volenti=next]').count(), 0, 'nothing is left');
  // The site itself learns nothing but that somebody came.
  assert.deepEqual(visits, [['GET', '/', undefined]]);

  const cookies = (await context.cookies()).filter((c) => c.name === 'volenti-optout');
  assert.deepEqual(cookies.map((c) => [c.domain, c.value]).sort(), [['consent.blog.test', '1'], ['consent.shop.test', '1'], ['mall.test', '1']]);
  for (const site of ['shop', 'blog', 'mall']) assert.equal(await marketing(await fresh(context), site), false, `${site} after`);
  assert.equal(await marketing(context, 'news'), false);
  const news = await context.newPage();
  await news.goto(page('news'));
  const core = await record(news);
  assert.deepEqual([core.state, core.action, core.signals.opt_out, core.categories.marketing, core.categories.analytics], ['signal_applied', 'signal', true, 'refused', 'not_asked']);
});

/** The same browser's cookies without what its pages keep, so that only the server's word counts. */
const fresh = async (context) => {
  const other = await visitor();
  await other.addCookies((await context.cookies()).filter((c) => c.name === 'volenti-optout'));
  return other;
};

test('a pass that was used does nothing, and none works in a frame', async () => {
  const context = await visitor();
  const tab = await context.newPage();
  const taken = [];
  tab.on('request', (request) => request.url().includes('/opt-out/take/') && taken.push(request.url()));
  await tab.goto(url(sites.shop, '/opt-out'));
  await tab.locator('button[value=on]').click();
  await tab.locator('[data-volenti=next]').click();
  await tab.locator('[data-state=out]', { hasText: /Mall/ }).waitFor();
  await context.clearCookies();
  for (const pass of [...taken]) await tab.goto(pass);
  assert.deepEqual((await context.cookies()).filter((c) => /blog|mall/.test(c.domain)), []);
  // Whoever has not begun anything is asked for nothing.
  await tab.goto(url(sites.shop, '/opt-out/next?run=' + '0'.repeat(32)));
  assert.equal(new URL(tab.url()).pathname, '/opt-out');
});

test('what a stranger links to opts nobody out for good, and opts nobody in', async () => {
  const context = await visitor();
  const tab = await context.newPage();
  await bring(tab, `${page('news')}#opt-out-volenti=${'A'.repeat(120)}`);
  await wait(() => tab.evaluate(() => !JSON.parse(localStorage.getItem('volenti'))?.p), 'the answer');
  assert.equal(await tab.evaluate(() => localStorage.getItem('volenti')), null, 'nothing is kept');
  await tab.goto('about:blank');
  assert.equal(await marketing(context, 'news'), true);
});

test('a pass makes one record, for the browser that used it, and takes only marketing away', async () => {
  const mine = await visitor();
  const own = await mine.newPage();
  await own.goto(page('news'));
  await wait(() => own.evaluate(() => window.volenti?.state), 'the gate');
  await own.evaluate(() => volenti.acceptAll());
  await wait(() => own.evaluate(() => volenti.receipt()), 'the receipt');
  const first = await record(own);

  const tab = await mine.newPage();
  let pass;
  // What leads there is seen by this browser alone.
  tab.on('response', (r) => {
    const { location } = r.headers();
    if (location?.includes('#opt-out-volenti=')) pass = location;
  });
  await tab.goto(url(sites.shop, '/opt-out'));
  await tab.locator('button[value=on]').click();
  await tab.locator('[data-volenti=next]').click();
  await tab.locator('[data-state=out]', { hasText: /News/ }).waitFor();
  await own.reload();
  await wait(() => own.evaluate(() => window.volenti?.state?.receipt), 'the gate');
  const core = await record(own);
  assert.deepEqual([core.previous, core.categories.marketing, core.categories.analytics], [first.id, 'refused', 'not_asked']);
  assert.equal(await own.evaluate(() => volenti.state.categories.analytics), true);

  assert.match(pass, /^http:\/\/www\.news\.test:\d+\/#opt-out-volenti=[\w-]{100,}$/);
  const other = await visitor();
  const theirs = await other.newPage();
  await bring(theirs, pass);
  await wait(() => theirs.evaluate(() => !localStorage.getItem('volenti')), 'the refusal');
  await theirs.close();
  assert.equal(await marketing(other, 'news'), true);
});

test('under a law that asks first, it is refused there, and the rest is asked for', async () => {
  region = 'DE';
  const context = await visitor();
  const tab = await context.newPage();
  await tab.goto(url(sites.shop, '/opt-out'));
  await tab.locator('button[value=on]').click();
  await tab.locator('[data-volenti=next]').click();
  await tab.locator('[data-state=out]', { hasText: /News/ }).waitFor();
  await tab.goto(page('news'));
  await tab.locator('volenti-banner [data-volenti=reject]').waitFor();
  assert.match(await tab.evaluate(() => localStorage.getItem('volenti')), /"c":"1[-_]+0\./);
  region = 'US-TX';
});

test('taken back, it is taken back everywhere; without script, by keyboard', async () => {
  const context = await visitor({ javaScriptEnabled: false });
  const tab = await context.newPage();
  const all = async () => (await tab.locator('[data-state]').allInnerTexts()).join(' ');
  const go = async (action) => {
    await tab.goto(url(sites.shop, '/opt-out'));
    await tab.locator(`button[value=${action}]`).focus();
    await tab.keyboard.press('Enter');
    await tab.locator('[data-volenti=next]').focus();
    await tab.keyboard.press('Enter');
  };
  await go('on');
  // A page that has no script to answer is where it ends, after all that does without.
  await tab.waitForURL((address) => address.origin + '/' === page('news'));
  await tab.goBack();
  await tab.locator('[data-state=todo]').waitFor();
  assert.equal((await all()).match(/Opted out/g).length, 3);
  assert.equal(await tab.getByRole('link', { name: 'Open News' }).getAttribute('href'), page('news'));
  assert.match(await tab.locator('[data-volenti=next]').textContent(), /\(1\)/);
  assert.equal((await context.cookies()).length, 3);
  await go('off');
  // In between there is no page to count in.
  await wait(async () => (await tab.locator('[data-volenti=next]').count().catch(() => 1)) === 0, 'the way to end');
  assert.equal((await all()).match(/Opt-out taken back/g).length, 3);
  assert.deepEqual(await context.cookies(), []);
});

test('for everybody: names, contrast, sizes; German, Arabic, dark, on a telephone', async () => {
  for (const [lang, colorScheme] of [['en', 'light'], ['de', 'dark'], ['ar', 'light']]) {
    const tab = await (await visitor({ colorScheme, viewport: { width: 320, height: 800 } })).newPage();
    await tab.goto(url(sites.shop, `/opt-out?lang=${lang}`));
    await tab.locator('button[value=on]').click();
    await tab.locator('[data-state=out]', { hasText: /Shop/ }).waitFor();
    assert.equal(await tab.evaluate(() => document.documentElement.lang), lang);
    assert.deepEqual([await findings(tab), await tab.evaluate(tooWide)], [[], []], `${lang} ${colorScheme}`);
  }
});
