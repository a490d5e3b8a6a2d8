// The design rules of docs/fairness.md, as rendered: every language, surface, colour scheme and width; and the unfair
// banners of banner/fairness/testdata/mutants.json, which the inspection before publication refuses too.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { until } from './harness.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);
const screens = [320, 1280].map((width) => ({ width, height: width === 320 ? 640 : 800 }));
let folder, layers, browser;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'volenti-fairness-'));
  execFileSync('go', ['run', './test/compile', '-into', folder], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  layers = JSON.parse(readFileSync(join(folder, 'index.json')));
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A page of a visitor of its own, with a first layer; page.sent is what it decides. Nothing leaves the machine. */
const open = async (layer) => {
  const context = await browser.newContext({ viewport: screens[0], reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.sent = [];
  await page.route('**/*', (route) => {
    const url = new URL(route.request().url());
    const js = (body) => route.fulfill({ contentType: 'text/javascript; charset=utf-8', headers: { 'access-control-allow-origin': '*' }, body });
    const file = join(folder, url.pathname.split('/').pop());
    if (url.host === 'shop.example')
      return route.fulfill({ contentType: 'text/html; charset=utf-8', body: `<!doctype html><html lang="${layer.language}"><meta name="viewport" content="width=device-width"><script src="https://consent.example/b/shop.js"></script><body><main style="height:3000px"><h1>Shop</h1><p id="text">Text</p></main>` });
    if (url.pathname === '/b/shop.js')
      return js(readFileSync(join(folder, layer.script)) + `({"t":"1.shop.token","m":"${layer.models}","n":${Math.floor(Date.now() / 6e5) * 600}});`);
    if (url.pathname.startsWith('/b/shop/') && existsSync(file)) return js(readFileSync(file));
    if (route.request().method() === 'POST') page.sent.push(JSON.parse(route.request().postData()));
    return route.fulfill({ status: route.request().method() === 'POST' ? 201 : 404, headers: { 'access-control-allow-origin': 'https://shop.example', 'access-control-allow-credentials': 'true', 'access-control-allow-headers': 'content-type' }, body: '{}' });
  });
  await page.goto('https://shop.example/');
  await page.locator('volenti-banner').first().waitFor({ state: 'attached' });
  return page;
};

/** In the page: the rules that the two answers of a layer break on this screen. `dialog`: of the second layer. */
const judge = (dialog) => {
  const bad = new Set();
  const layer = document.querySelector(dialog ? 'volenti-banner[data-volenti=dialog]' : 'volenti-banner:not([data-volenti=dialog])');
  const deep = (selector) => {
    const all = [];
    const look = (root) => {
      for (const el of root.querySelectorAll('*')) {
        if (el.matches(selector)) all.push(el);
        if (el.shadowRoot) look(el.shadowRoot);
      }
    };
    look(layer);
    if (layer.shadowRoot) look(layer.shadowRoot);
    return all;
  };
  const [accept] = deep('[data-volenti=accept]');
  const [reject] = deep('[data-volenti=reject]');
  if (!accept || !reject) return [dialog ? 29 : 9];
  const parent = (el) => el.assignedSlot ?? el.parentElement ?? el.getRootNode().host;
  const chain = (el) => {
    const all = [];
    for (; el; el = parent(el)) all.push(el);
    return all;
  };
  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    return [r, g, b, a];
  };
  const over = ([r, g, b, a], ground) => [r, g, b].map((c, i) => c * a + ground[i] * (1 - a));
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const painted = (el) => {
    const scheme = matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
    const opacity = chain(el).reduce((o, e) => o * +getComputedStyle(e).opacity, 1);
    const ground = chain(el).slice(1).reverse().reduce((g, e) => over(rgba(getComputedStyle(e).backgroundColor), g), scheme);
    const style = getComputedStyle(el);
    const dim = (c) => ((c[3] *= opacity), c);
    const fill = over(dim(rgba(style.backgroundColor)), ground);
    return [over(dim(rgba(style.color)), fill), fill];
  };
  const style = (el, pseudo) => getComputedStyle(el, pseudo);
  const kind = (el) => [el.localName, el.getAttribute('role'), el.getAttribute('type'), el.disabled, el.tabIndex].join();
  if (kind(accept) !== kind(reject)) bad.add(10);
  if (reject.localName === 'a' || reject.getAttribute('role') === 'link') bad.add(16);
  const a = accept.getBoundingClientRect();
  const r = reject.getBoundingClientRect();
  for (const [el, box] of [[accept, a], [reject, r]]) {
    const inView = box.width > 0 && box.height > 0 && box.top >= -1 && box.left >= -1 && box.bottom <= innerHeight + 1 && box.right <= innerWidth + 1;
    const at = inView && el.getRootNode().elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    if (!at || !(at === el || el.contains(at)) || style(el).visibility !== 'visible') bad.add(15);
  }
  if (!bad.has(15)) {
    if (r.width * r.height < 0.8 * a.width * a.height || r.height < 0.8 * a.height) bad.add(11);
    const row = Math.abs(a.y + a.height / 2 - r.y - r.height / 2) < 2;
    const column = Math.abs(a.x - r.x) < 2 || Math.abs(a.right - r.right) < 2 || Math.abs(a.x + a.width / 2 - r.x - r.width / 2) < 2;
    if (!row && !column) bad.add(16);
  }
  const [x, y] = [style(accept), style(reject)];
  if (parseFloat(y.fontSize) < parseFloat(x.fontSize) - 0.01 || +y.fontWeight < +x.fontWeight) bad.add(12);
  for (const p of ['fontFamily', 'fontStyle', 'textTransform', 'letterSpacing']) if (x[p] !== y[p]) bad.add(12);
  for (const pseudo of [undefined, '::before', '::after'])
    for (const p of ['backgroundColor', 'backgroundImage', 'borderTopColor', 'borderTopWidth', 'borderTopStyle', 'borderRadius', 'boxShadow', 'filter', 'opacity', 'outlineStyle', 'textDecorationLine', 'content', 'color', 'transform'])
      if (style(accept, pseudo)[p] !== style(reject, pseudo)[p]) bad.add(14);
  const [of, no] = [painted(accept), painted(reject)].map((p) => ratio(...p));
  if (of < 5 || no < 5 || no < of - 0.1) bad.add(13);
  if (dialog) {
    const [save] = deep('[data-volenti=save]');
    const box = save?.getBoundingClientRect();
    if (!box?.width || box.bottom > innerHeight + 1) bad.add(29);
    for (const input of deep('input')) if (input.checked && !input.disabled) bad.add(24);
    return [...bad];
  }
  if (layer.lang !== document.documentElement.lang && !deep(`[lang="${document.documentElement.lang}"]`).length) bad.add(23);
  if (layer.querySelector('dialog:modal') || /hidden|clip/.test(getComputedStyle(document.body).overflow + getComputedStyle(document.documentElement).overflow)) bad.add(22);
  if (!deep('a[href]').length) bad.add(20);
  return [...bad];
};

const text = (page) => page.evaluate(() => document.querySelector('volenti-banner').textContent);
const controls = 'volenti-banner:not([data-volenti=dialog]) :is(button, [data-volenti], a:not([href]))';
const optional = (d) => ['preferences', 'analytics', 'marketing'].map((key) => d?.categories[key]);

/** Notes what was decided or kept by now: a decision is kept under our own name. */
const silent = async (page, bad, rule) => {
  const kept = await page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage), document.cookie].filter(Boolean));
  if (page.sent.length || kept.includes('volenti')) bad.add(rule);
  else if (kept.length) bad.add(3);
};

/** What one press decides, on a page of its own. */
const press = async (layer, i) => {
  const page = await open(layer);
  const el = page.locator(controls).nth(i);
  const name = await el.getAttribute('data-volenti');
  await el.evaluate((e) => e.click());
  const settings = page.locator('volenti-banner dialog');
  await until(async () => page.sent.length || (await settings.count()) || (await page.locator(controls).count()) === 0, 'anything to come of ' + name, 10_000).catch(() => {});
  // A layer that goes away has decided something, and what it sends is seen a moment later; or it has decided nothing.
  if (!page.sent.length && !(await settings.count())) await until(() => page.sent.length, 'what it decides', 3000).catch(() => {});
  const [decision] = page.sent;
  await page.context().close();
  return { name, decision };
};

/** The rules that a layer breaks. `closely`: every control is pressed too, on pages of their own. */
const verdict = async (layer, closely) => {
  const bad = new Set();
  const page = await open(layer);
  const all = async (dialog) => {
    for (const screen of screens)
      for (const colorScheme of ['light', 'dark']) {
        await page.setViewportSize(screen);
        await page.emulateMedia({ colorScheme });
        for (const rule of await page.evaluate(judge, dialog)) bad.add(rule);
      }
  };
  await all(false);
  const words = await text(page);
  if (layer.purposes.some((p) => !words.includes(p)) || !/[3٣३๓]/.test(words)) bad.add(20);
  await page.setViewportSize(screens[0]);
  await silent(page, bad, 4);
  await page.mouse.move(160, 100);
  await page.mouse.wheel(0, 400);
  await page.keyboard.press('Escape');
  await page.mouse.click(160, 60);
  if (closely) await page.waitForTimeout(100);
  await silent(page, bad, 4);

  if (closely) {
    const outcomes = [];
    const count = await page.locator(controls).count();
    for (let i = 0; i < count; i++) outcomes.push(await press(layer, i));
    const yes = outcomes.filter((o) => o.decision && optional(o.decision).includes(true));
    const no = outcomes.filter((o) => o.decision && optional(o.decision).every((c) => c === false));
    if (!no.length) bad.add(9);
    if (yes.length > no.length) bad.add(17);
    if (yes.some((o) => o.name === 'close')) bad.add(5);
  }

  // The second layer is one script for all surfaces of a language.
  if (layer.surface === 'opt-in') {
    const dialog = page.locator('volenti-banner dialog');
    const settings = async () => {
      await page.locator('volenti-banner [data-volenti=settings]').first().evaluate((el) => el.click());
      await dialog.locator('[data-volenti=save]').waitFor({ state: 'attached' });
    };
    if (!page.sent.length) {
      await settings();
      await all(true);
      await page.setViewportSize(screens[0]);
      const tick = () => dialog.locator('[data-volenti-category=preferences]').evaluate((el) => el.click());
      await tick();
      await dialog.locator('[data-volenti=close]').evaluate((el) => el.click());
      await dialog.waitFor({ state: 'detached' });
      await silent(page, bad, 30);
      if (closely && !bad.has(30)) { // what closing decided, and may be sent only now, took the first layer away
        await settings();
        await tick();
        await dialog.locator('[data-volenti=save]').evaluate((el) => el.click());
        await until(() => page.sent.length, 'the decision');
        if (optional(page.sent[0]).join() !== 'true,false,false') bad.add(26);
      }
    }
  } else if (!bad.size) {
    await page.locator('[data-volenti=reject]').click();
    await until(() => page.sent.length, 'the decision');
    assert.deepEqual(optional(page.sent[0]), [false, false, false]);
    await page.locator('volenti-banner').waitFor({ state: 'detached' });
  }
  await page.context().close();
  return [...bad].sort((a, b) => a - b);
};

/** Two at a time: the machine has no more. */
const each = async (list, f) => {
  const rest = [...list];
  await Promise.all([0, 1].map(async () => { for (let x; (x = rest.shift()); ) await f(x); }));
};

test('no is as easy as yes in every language, on every surface, screen and scheme', async () => {
  const fair = layers.filter((l) => !l.mutant);
  assert.equal(new Set(fair.map((l) => l.language)).size, 38);
  await each(fair, async (layer) => {
    assert.deepEqual(await verdict(layer, layer.language === 'en' || layer.language === 'ar'), [], `${layer.language} ${layer.surface}`);
  });
});

test('a browser shows what the inspection refuses', async () => {
  const unfair = layers.filter((l) => l.mutant);
  assert.ok(unfair.length > 30);
  const missed = [];
  await each(unfair, async (layer) => {
    const rules = await verdict(layer, true);
    if (!rules.includes(layer.rule)) missed.push(`${layer.mutant}: breaks ${rules.join()} and not ${layer.rule}`);
  });
  assert.deepEqual(missed, []);
});
