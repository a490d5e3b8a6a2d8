import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, quiet, ran, ready, recorded, site, until } from './harness.mjs';

const s = site();
const banner = (page) => page.locator('volenti-banner').count();

const policies = {
  'nonce and strict-dynamic': "script-src 'nonce-n0nce' 'strict-dynamic'; object-src 'none'; base-uri 'none'",
  'nonce, and no inline style': "script-src 'nonce-n0nce' 'strict-dynamic'; style-src 'self'; object-src 'none'; base-uri 'none'",
  'Trusted Types': "require-trusted-types-for 'script'",
  'Trusted Types, our policy named': "require-trusted-types-for 'script'; trusted-types consent",
  'all of it': "default-src 'none'; script-src 'nonce-n0nce' 'strict-dynamic'; style-src 'self'; connect-src 'self'; frame-src http:; img-src 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types consent",
};

for (const [name, policy] of Object.entries(policies))
  test(`no violation under ${name}`, async () => {
    await s.header('content-security-policy', policy);
    const page = await s.open('/strict.html');
    await press(page, 'settings');
    await page.locator('volenti-banner dialog').waitFor();
    await page.locator('volenti-banner dialog [data-volenti=accept]').click();
    await until(async () => (await ran(page)).includes('W'));
    const nonce = policy.includes('nonce') ? 'n0nce' : (await ran(page))[1];
    assert.deepEqual(await ran(page), ['A', nonce, 'M', 'T', 'W']);
    await recorded(page);
    await page.evaluate(() => volenti.withdraw());
    await page.locator('volenti-placeholder').waitFor();
    await page.reload();
    await ready(page);
    await quiet(200);
    assert.deepEqual(await page.evaluate(() => window.violations), []);
    assert.deepEqual(page.thrown, []);
  });

test('a policy list without ours leaves tags shut and the page working', async () => {
  await s.header('content-security-policy', "require-trusted-types-for 'script'; trusted-types none-of-ours");
  const page = await s.open('/strict.html');
  await press(page, 'accept');
  await quiet();
  assert.deepEqual(await ran(page), []);
  assert.equal(await page.locator('h1').count(), 1);
  assert.deepEqual(page.thrown, []);
});

test('elements that pose as the document’s members change nothing', async () => {
  const page = await s.open('/clobber.html');
  await page.waitForFunction(() => Object.hasOwn(window, 'volenti') && !!window.volenti.state);
  await quiet();
  assert.deepEqual(await s.hits(), []);
  assert.deepEqual(page.thrown, []);
  await press(page, 'accept');
  await until(async () => (await ran(page)).length === 3);
  assert.deepEqual(await ran(page), ['A', 'B', 'C']);
  assert.ok(await page.evaluate(() => Array.isArray(window.dataLayer)));
  assert.deepEqual(page.said.filter((line) => line.includes('volenti')), []);
});

test('a polluted Object.prototype decides nothing', async () => {
  const page = await s.open('/polluted.html');
  await quiet(1000);
  assert.deepEqual(await s.hits(), []);
  assert.deepEqual(await ran(page), []);
  assert.equal(await banner(page), 1);
  await press(page, 'accept');
  await until(async () => (await ran(page)).length === 2);
  assert.deepEqual(page.thrown, []);
});

for (const what of ['map', 'json', 'fetch', 'cookie', 'storage', 'observer', 'channel', 'frozen'])
  test(`a page that broke ${what} works, and nothing runs without a yes`, async () => {
    const page = await s.open('/broken.html?break=' + what);
    await quiet(800);
    assert.deepEqual(await s.hits(), [], 'before');
    assert.deepEqual(await ran(page), [], 'before');
    assert.equal(await page.locator('#heading').count(), 1);
    if (await banner(page)) {
      await press(page, 'reject');
      await quiet();
    }
    assert.deepEqual(await s.hits(), [], 'after a no');
    assert.deepEqual(await page.evaluate(() => window.errors), []);
    assert.deepEqual(page.thrown, []);
  });

for (const what of ['fetch', 'cookie', 'storage', 'channel', 'frozen'])
  test(`a yes still counts in a page that broke ${what}`, async () => {
    const page = await s.open('/broken.html?break=' + what);
    await press(page, 'accept');
    await until(async () => (await ran(page)).length === 2);
    assert.deepEqual(await page.evaluate(() => window.errors), []);
  });

test('ten thousand gated tags cost no long task while they wait', async (t) => {
  const page = await s.open('/plain.html');
  await ready(page);
  const worst = await page.evaluate(async () => {
    const tasks = [];
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map((e) => e.duration))).observe({ type: 'longtask' });
    for (let n = 0; n < 100; n++) {
      const some = document.createElement('div');
      for (let i = 0; i < 100; i++) {
        const script = document.createElement('script');
        script.type = 'text/plain';
        script.dataset.category = 'marketing';
        some.append(script);
      }
      document.body.append(some);
      await new Promise((done) => setTimeout(done));
    }
    await new Promise((done) => setTimeout(done, 200));
    return Math.max(0, ...tasks);
  });
  t.diagnostic(`longest task: ${worst} ms`);
  assert.equal(await page.evaluate(() => document.querySelectorAll('script[data-category]').length), 10000);
});

test('nothing is asked, released or sent while a page is only rendered ahead', async () => {
  const visitor = await s.visitor();
  await visitor.addInitScript(() => Object.defineProperty(Document.prototype, 'prerendering', { value: true, configurable: true }));
  const page = await s.open('/order.html?m=-ooo', visitor);
  await quiet();
  assert.deepEqual(await ran(page), []);
  assert.equal(await banner(page), 0);
  await page.evaluate(() => {
    volenti.push(['on', 'ready', () => (window.told = true)]);
    Object.defineProperty(Document.prototype, 'prerendering', { value: false });
    document.dispatchEvent(new Event('prerenderingchange'));
  });
  await until(async () => (await ran(page)).length === 4);
  assert.equal(await banner(page), 1);
  assert.equal(await page.evaluate(() => window.told), true);
});
