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
const url = (host, path = '/') => `http://${host}:${server.port}${path}`;
const page = (site) => `http://${site === 'mall' ? '' : 'www.'}${site}.test:${web.address().port}/`;

before(async () => {
  server = await install();
  web = createServer((request, answer) => {
    const site = /(\w+)\.test/.exec(request.headers.host)[1];
    answer.writeHead(200, { 'content-type': 'text/html', 'cache-control': 'no-store' });
    answer.end(`<!doctype html><html lang="en"><title>${site}</title><script src="${url(sites[site])}/b/${site}.js?region=US-TX"></script><h1>${site}</h1></html>`.replace(/(\d)\/\/b/, '$1/b'));
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

test('one opt-out reaches every site that can be reached, and says where it could not', async () => {
  const context = await visitor();
  for (const site of Object.keys(sites)) assert.equal(await marketing(context, site), true, `${site} before`);
  await context.clearCookies();
  const tab = await context.newPage();
  const asked = [];
  tab.on('request', (request) => request.isNavigationRequest() && asked.push(new URL(request.url()).host + new URL(request.url()).pathname.replace(/take\/.*/, 'take')));
  await tab.goto(url(sites.shop, '/opt-out'));
  await tab.locator('button[value=on]').click();
  await tab.locator('[data-state=out]', { hasText: /Shop/ }).waitFor();
  assert.deepEqual(await states(tab), { Blog: 'todo', Mall: 'todo', News: 'todo', Shop: 'out' });
  asked.length = 0;
  await tab.locator('[data-volenti=next]').click();
  await tab.locator('[data-state=out]', { hasText: /Mall/ }).waitFor();
  assert.deepEqual(await states(tab), { Blog: 'out', Mall: 'out', News: 'todo', Shop: 'out' });
  const { port } = server;
  assert.deepEqual(asked, [`consent.shop.test:${port}/opt-out/next`, `consent.blog.test:${port}/opt-out/take`, `mall.test:${port}/opt-out/take`, `consent.shop.test:${port}/opt-out`]);
  assert.equal(await tab.getByRole('link', { name: 'Open News' }).getAttribute('href'), page('news'));

  const cookies = (await context.cookies()).filter((c) => c.name === 'volenti-optout');
  assert.deepEqual(cookies.map((c) => [c.domain, c.value]).sort(), [['consent.blog.test', '1'], ['consent.shop.test', '1'], ['mall.test', '1']]);
  for (const site of ['shop', 'blog', 'mall']) assert.equal(await marketing(await fresh(context), site), false, `${site} after`);
  // The browser sends the server's cookie to nobody else's pages: the page has said so.
  assert.equal(await marketing(await fresh(context), 'news'), true);
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
    // In between there is no page to count in.
    await wait(async () => (await tab.locator('[data-volenti=next]').count().catch(() => 1)) === 0, 'the way to end');
  };
  await go('on');
  assert.equal((await all()).match(/Opted out/g).length, 3);
  assert.equal((await context.cookies()).length, 3);
  await go('off');
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
