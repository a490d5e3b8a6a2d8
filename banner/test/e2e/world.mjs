// Everything that a test in a browser needs: an installation that serves, the shop, the vendors, and Chromium. A test
// file calls `world()` once; every test gets visitors of its own.
import { existsSync } from 'node:fs';
import { after, before, beforeEach } from 'node:test';
import { chromium } from 'playwright-core';
import { until } from '../browser/harness.mjs';
import { install, patience } from './installation.mjs';
import { notice, policy } from './notice.mjs';
import { startShop } from './shop.mjs';
import { startVendors } from './vendors.mjs';

const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);
const names = ['shop.test', '*.shop.test', 'consent.other.test', 'outlet.test', 'stranger.test'];

/** `more`: what else stands in the notice file, told the world. `also`: further hosts of the site. */
export const world = ({ args = [], posture, serve = [], more = () => '', also = [] } = {}) => {
  const s = {};
  let browser, contexts = [];

  before(async () => {
    s.vendors = await startVendors();
    s.shop = await startShop(s.vendors);
    s.server = await install();
    s.server.volenti('site', 'add', 'shop', '--name', 'Shop');
    s.server.volenti('policy', 'import', s.server.file('privacy.md', policy('We keep an order for seven years.')), '--site', 'shop');
    s.origins = ['www.shop.test', 'shop.test', 'localhost', ...also].map((host) => `http://${host}:${s.shop.port}`);
    s.server.volenti('notice', 'publish', s.server.file('notice.toml', notice({ origins: s.origins, posture }) + more(s)));
    await s.server.serve(...serve);
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=' + names.map((name) => `MAP ${name} 127.0.0.1`).join(','), ...args],
    });
  });
  after(async () => {
    await browser?.close();
    await s.server?.end();
    s.shop?.close();
    s.vendors?.close();
  });
  beforeEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    s.vendors.hits.length = 0;
    s.place('sub-domain');
  });

  /** Where the server stands, as the table in docs/embed.md has it. "same host" is both on localhost, a secure context. */
  s.place = (where) => {
    const [page, banner] = {
      'sub-domain': ['www.shop.test', `http://consent.shop.test:${s.server.port}`],
      path: ['www.shop.test', '/consent'],
      foreign: ['www.shop.test', `http://consent.other.test:${s.server.port}`],
      'same host': ['localhost', `http://localhost:${s.server.port}`],
    }[where];
    s.origin = `http://${page}:${s.shop.port}`;
    s.shop.banner = banner;
    s.shop.upstream = s.server.port;
  };
  /** Contexts of a test file's own, which live until its end. */
  s.browser = () => browser;
  /** A visitor's browser, with all it stores to itself. `asked` is what it asked of the consent server, in order. */
  s.visitor = async (options) => {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(patience);
    context.asked = [];
    context.on('request', (request) => {
      const { pathname } = new URL(request.url());
      if (/^(\/consent)?\/(b|v1)\//.test(pathname)) context.asked.push(`${request.method()} ${pathname}`);
    });
    contexts.push(context);
    return context;
  };
  /** Opens a page of the shop; what it throws is kept in page.thrown. */
  s.open = async (path, context) => {
    const page = await (context ?? (await s.visitor())).newPage();
    page.thrown = [];
    page.on('pageerror', (e) => page.thrown.push(e.message));
    await page.goto(path.startsWith('http') ? path : s.origin + path);
    return page;
  };
  /** The core of the receipt that this page's decision got. */
  s.receipt = async (page) => {
    const id = await until(() => page.evaluate(() => window.volenti?.state?.receipt), 'a receipt', patience);
    return JSON.parse(await s.server.receipt('shop', id)).core;
  };
  return s;
};

/** Waits as long as a slow machine may take. */
export const wait = (f, what) => until(f, what, patience);
/** Whether the visitor is asked. */
export const asked = async (page) => (await page.locator('volenti-banner').count()) > 0;
/** All that can be kept in a browser, by anybody. */
export const kept = async (page) => ({
  cookies: (await page.context().cookies()).map((c) => c.name).sort(),
  ...(await page.evaluate(async () => ({
    local: Object.keys(localStorage),
    session: Object.keys(sessionStorage),
    databases: (await indexedDB.databases()).map((d) => d.name),
    caches: window.caches ? await caches.keys() : [],
    workers: ((await navigator.serviceWorker?.getRegistrations()) ?? []).length,
  }))),
});
export { patience };
export const nothing = { cookies: [], local: [], session: [], databases: [], caches: [], workers: 0 };
/** What Consent Mode was told: [command, kind, what]. */
export const layer = (page) => page.evaluate(() => (window.dataLayer ?? []).map((entry) => [...entry]));
