// Starts the test server and a browser, and looks into both. A test file calls `site()` once; every test gets a page of
// a visitor of its own.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const banner = join(dirname(fileURLToPath(import.meta.url)), '../..');
const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);

const json = async (url) => (await fetch(url)).json();

/** Waits until f answers something true, and returns that. */
export const until = async (f, what = f.toString(), patience = 60_000) => {
  for (const end = Date.now() + patience; ; await new Promise((done) => setTimeout(done, 25))) {
    const answer = await f();
    if (answer) return answer;
    if (Date.now() > end) throw new Error('waited in vain for: ' + what);
  }
};

/** Gives what must not happen the time to happen. */
export const quiet = (ms = 400) => new Promise((done) => setTimeout(done, ms));

/** `change`: members of the test notice that are otherwise. */
export const site = ({ args = [], change = {} } = {}) => {
  const s = {};
  let server, browser, folder, contexts = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'volenti-banner-'));
    const binary = join(folder, 'serve');
    execFileSync('go', ['build', '-o', binary, './test/serve'], { cwd: banner, stdio: ['ignore', 'inherit', 'inherit'] });
    server = spawn(binary, ['-pages', join(banner, 'test/pages'), '-change', JSON.stringify(change)], { stdio: ['pipe', 'pipe', 'inherit'] });
    Object.assign(s, JSON.parse(await new Promise((done) => server.stdout.once('data', done))));
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', ...args] });
  });
  after(async () => {
    await browser?.close();
    server?.stdin.end();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    await fetch(s.shop + '/control/reset');
    await fetch(s.vendor + '/reset');
  });

  /** A visitor's browser, with all it stores to itself. */
  s.visitor = async (options) => {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(60_000);
    contexts.push(context);
    return context;
  };
  /** Opens a page; what it throws and what it says is kept in page.thrown and page.said. */
  s.open = async (path, context) => {
    const page = await (context ?? (await s.visitor())).newPage();
    page.thrown = [];
    page.said = [];
    page.on('pageerror', (e) => page.thrown.push(e.message));
    page.on('console', (m) => page.said.push(m.type() + ': ' + m.text()));
    await page.goto(path.startsWith('http') ? path : s.shop + path);
    return page;
  };
  s.hits = () => json(s.vendor + '/hits');
  s.decisions = () => json(s.shop + '/control/decisions');
  s.requests = () => json(s.shop + '/control/requests');
  s.mode = (is) => fetch(`${s.shop}/control/mode?is=${is}`);
  s.header = (name, value) => fetch(`${s.shop}/control/header?name=${name}&value=${encodeURIComponent(value)}`);
  return s;
};

export const control = (page, name) => page.locator(`[data-volenti=${name}]`).first();
export const press = (page, name) => control(page, name).click();
export const ran = (page) => page.evaluate(() => [...(window.ran ?? [])]);
/** Waits until window.volenti knows what is in force. */
export const ready = (page) => page.waitForFunction(() => window.volenti?.state);
export const stored = (page) => page.evaluate(() => JSON.parse(localStorage.getItem('volenti')));
/** Waits until the decision in force was recorded. */
export const recorded = (page) => page.waitForFunction(() => window.volenti?.state?.receipt);
