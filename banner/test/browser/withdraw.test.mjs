// Withdrawing: what was stored is gone, what runs is stopped, and what others hold is said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, quiet, ran, ready, recorded, site, stored, until } from './harness.mjs';

const entry = (kind, name, more = {}) => ({ name, kind, duration: '1 year', purpose: { en: 'For tests.' }, http_only: false, foreign: false, ...more });
const vendor = (key, category, more = {}) => ({
  key, name: `Test ${key}`, category, country: 'US', policy_url: '', opt_out_url: '', entries: [], hosts: [], api: 'none', reload: false, ...more,
});
const s = site({
  change: {
    vendors: [
      vendor('ads', 'marketing', {
        opt_out_url: 'https://ads.example/delete',
        policy_url: 'https://ads.example/privacy',
        entries: [
          entry('cookie', '_ads'), entry('cookie', '_shared'), entry('cookie', '_ads_*'), entry('local', 'ads'), entry('session', 'ads-*'),
          entry('indexeddb', 'ads-db'), entry('indexeddb', 'ads-store-*'), entry('indexeddb', 'shared-db'), entry('cache', 'ads-v*'), entry('worker', '/worker.js'),
          entry('cookie', 'IDE', { foreign: true }), entry('cookie', '_kept', { foreign: true }),
        ],
      }),
      vendor('social', 'preferences', { entries: [entry('cookie', '_shared'), entry('indexeddb', 'shared-db')] }),
      vendor('counter', 'analytics', { policy_url: 'https://counter.example/privacy' }),
      vendor('silent', 'analytics'),
      vendor('pixel', 'analytics', { reload: true, hosts: ['127.0.0.1/pixel.js'] }),
    ],
  },
});

/** All of what this page's origin keeps, by kind. */
const kept = (page) =>
  page.evaluate(async () => ({
    cookies: document.cookie.split('; ').map((c) => c.split('=')[0]).filter((name) => name && name !== 'volenti').sort(),
    local: Object.keys(localStorage).filter((name) => name !== 'volenti').sort(),
    session: Object.keys(sessionStorage).sort(),
    databases: (await indexedDB.databases()).map((d) => d.name).sort(),
    caches: (await caches.keys()).sort(),
    workers: (await navigator.serviceWorker.getRegistrations()).map((r) => new URL(r.scope).pathname).sort(),
  }));

/** Stores everything that is declared, and beside each something that is not. */
const fill = (page) =>
  page.evaluate(async () => {
    for (const name of ['_ads', '_ads_1', '_shared', '_kept', '_adsense', 'cart']) document.cookie = name + '=1;max-age=9999;path=/';
    for (const name of ['ads', 'adsense']) localStorage.setItem(name, '1');
    for (const name of ['ads-1', 'visit']) sessionStorage.setItem(name, '1');
    for (const name of ['ads-db', 'ads-store-1', 'shared-db', 'orders'])
      await new Promise((done) => {
        const request = indexedDB.open(name);
        request.onsuccess = () => done(request.result.close());
      });
    for (const name of ['ads-v2', 'pages']) await caches.open(name);
    await navigator.serviceWorker.register('/worker.js', { scope: '/ads/' });
    await navigator.serviceWorker.register('/worker.js?own', { scope: '/own/' });
    await navigator.serviceWorker.register('/other.js', { scope: '/' });
  });

const statusLine = (page) => page.evaluate(() => document.querySelector('volenti-status')?.shadowRoot.querySelector('[role=status]').textContent ?? '');
const withdraw = async (page) => {
  await page.locator('volenti-reopen button').click();
  await page.locator('dialog [data-volenti=withdraw]').click();
};
/** How often this page was loaded. */
const loads = (page) => {
  const count = { of: 0 };
  page.on('load', () => count.of++);
  return count;
};

test('a withdrawal deletes every kind of storage that was declared, and nothing else', async () => {
  const page = await s.open('/plain.html');
  await press(page, 'accept');
  await recorded(page);
  await fill(page);
  await withdraw(page);
  const want = { cookies: ['_adsense', '_kept', 'cart'], local: ['adsense'], session: ['visit'], databases: ['orders'], caches: ['pages'], workers: ['/'] };
  await until(async () => JSON.stringify(await kept(page)) === JSON.stringify(want), 'only what is not declared').catch(() => {});
  assert.deepEqual(await kept(page), want);
  assert.deepEqual(page.thrown, []);
});

test('what a vendor declares that may still load stays', async () => {
  const page = await s.open('/plain.html');
  await press(page, 'accept');
  await recorded(page);
  await fill(page);
  await page.evaluate(() => volenti.set({ marketing: false }));
  await until(async () => (await kept(page)).databases.join() === 'orders,shared-db');
  assert.deepEqual((await kept(page)).cookies, ['_adsense', '_kept', '_shared', 'cart']);
});

test('what nobody refused is not touched', async () => {
  const page = await s.open('/plain.html?m=-ooo');
  await fill(page);
  await press(page, 'accept');
  await recorded(page);
  await page.goto(s.shop + '/plain.html?m=-ooo');
  await ready(page);
  await quiet();
  const { cookies, databases } = await kept(page);
  assert.deepEqual([cookies.length, databases.length], [6, 4]);
});

test('what a running tag writes again is deleted again: soon, when the page is left, and on the next one', async () => {
  const page = await s.open('/plain.html');
  await press(page, 'accept');
  await recorded(page);
  await withdraw(page);
  await quiet(600);
  const write = () => page.evaluate(() => void (document.cookie = '_ads=again;max-age=9999;path=/'));
  await write();
  await until(async () => !(await kept(page)).cookies.includes('_ads'), 'the second sweep');
  await quiet(2000);
  await write();
  await page.goto(s.vendor + '/elsewhere.html');
  const names = async () => (await page.context().cookies(s.shop)).map((c) => c.name);
  assert.ok(!(await names()).includes('_ads'), 'at the end of the page');
  await page.context().addCookies([{ name: '_ads', value: '1', url: s.shop }]);
  await page.goto(s.shop + '/plain.html');
  await until(async () => !(await names()).includes('_ads'), 'the next page');
});

test('the page is loaded anew, once, where a tag ran that nothing unloads; other tabs too', async () => {
  const visitor = await s.visitor();
  const page = await s.open('/withdraw.html', visitor);
  await press(page, 'accept');
  await until(async () => (await ran(page)).includes('pixel'));
  await recorded(page);
  const other = await s.open('/withdraw.html', visitor);
  await until(async () => (await ran(other)).includes('pixel'));
  const plain = await s.open('/plain.html', visitor);
  await ready(plain);
  await page.bringToFront();
  const counts = [page, other, plain].map(loads);
  await withdraw(page);
  await until(() => counts[0].of === 1 && counts[1].of === 1, 'both pages');
  await ready(page);
  await until(() => statusLine(page).then((text) => text === 'Your choice is recorded.'), 'what the page had to say');
  await quiet(1500);
  assert.deepEqual(counts.map((count) => count.of), [1, 1, 0], 'no page twice, and none in which it did not run');
  for (const p of [page, other]) assert.deepEqual(await ran(p), []);
  const sent = await s.decisions();
  assert.deepEqual(sent.map((d) => d.action), ['accept_all', 'withdraw']);
  assert.equal(await page.evaluate(() => sessionStorage.length), 0, 'the note is gone');
});

test('so it is where nobody marked the tag, whether it was held or had been allowed before', async () => {
  const visitor = await s.visitor();
  const page = await s.open('/unmarked.html', visitor);
  await press(page, 'accept');
  await until(async () => (await ran(page)).includes('pixel'));
  await recorded(page);
  const allowed = await s.open('/unmarked.html', visitor);
  await until(async () => (await ran(allowed)).includes('pixel'));
  await ready(allowed);
  const counts = [page, allowed].map(loads);
  await allowed.bringToFront();
  await withdraw(allowed);
  await until(() => counts[0].of === 1 && counts[1].of === 1, 'both pages');
  await quiet(1500);
  for (const p of [page, allowed]) assert.deepEqual(await ran(p), []);
  assert.deepEqual(counts.map((count) => count.of), [1, 1]);
});

test('a page whose vendor may go on is not loaded anew', async () => {
  const page = await s.open('/withdraw.html');
  await press(page, 'accept');
  await until(async () => (await ran(page)).includes('pixel'));
  const count = loads(page);
  await page.evaluate(() => volenti.set({ marketing: false }));
  await page.locator('volenti-placeholder').waitFor();
  await quiet(600);
  assert.equal(count.of, 0);
});

test('where nothing can be kept and no server answers, a withdrawal loads the page anew once', async () => {
  const visitor = await s.visitor();
  await visitor.addInitScript(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
  });
  const page = await s.open('/withdraw.html', visitor);
  await s.mode('down');
  await press(page, 'accept');
  await until(async () => (await ran(page)).includes('pixel'));
  const count = loads(page);
  await page.evaluate(() => volenti.withdraw());
  await until(() => count.of === 1);
  await quiet(1500);
  assert.equal(count.of, 1);
  assert.deepEqual(await ran(page), []);
  assert.deepEqual(page.thrown, []);
});

test('who withdraws and leaves at once takes it along, also while nothing can be recorded', async () => {
  for (const mode of ['', 'down']) {
    const visitor = await s.visitor();
    const page = await s.open('/unmarked.html', visitor);
    await press(page, 'accept');
    await recorded(page);
    await page.goto(s.shop + '/unmarked.html');
    await until(async () => (await ran(page)).includes('pixel'));
    await ready(page);
    await quiet(); // the browser has a copy of the script for who agreed
    await s.mode(mode);
    await page.evaluate(() => {
      volenti.withdraw();
      location.reload();
    });
    await page.waitForLoadState();
    await ready(page);
    await quiet(600);
    assert.deepEqual(await ran(page), [], mode);
    assert.equal((await stored(page)).c.slice(0, 4), '1000');
    await s.mode('');
  }
});

test('who was allowed and may still hold something is listed, with where to turn, until allowed again', async () => {
  const page = await s.open('/plain.html');
  await press(page, 'accept');
  await recorded(page);
  await withdraw(page);
  await page.locator('[data-volenti=remains]').click();
  const list = page.locator('[data-volenti=remaining]');
  await list.waitFor();
  const lines = async () => (await list.locator('li').allInnerTexts()).map((text) => text.replace(/\s*\n\s*/g, ' | '));
  const want = ['Test ads · IDE · _kept | Have data deleted by Test ads | Privacy policy of Test ads', 'Test counter | Privacy policy of Test counter'];
  assert.deepEqual(await lines(), want);
  assert.deepEqual(await list.locator('a').evaluateAll((all) => all.map((a) => a.href)), ['https://ads.example/delete', 'https://ads.example/privacy', 'https://counter.example/privacy']);
  await page.keyboard.press('Escape');
  assert.ok(await page.evaluate(() => document.activeElement.localName === 'volenti-status'), 'focus goes back to where the list was asked for');

  await page.goto(s.shop + '/plain.html');
  await ready(page);
  await page.evaluate(() => volenti.show());
  await list.waitFor();
  assert.deepEqual(await lines(), want, 'on the next page too');
  await page.evaluate(() => volenti.set({ analytics: true }));
  await until(async () => (await lines()).length === 1);
  assert.match((await lines())[0], /ads/);
});

test('after a plain no there is nothing to list', async () => {
  const page = await s.open('/plain.html');
  await press(page, 'reject');
  await until(() => statusLine(page));
  assert.equal(await page.locator('[data-volenti=remains]').count(), 0);
  assert.equal((await stored(page)).h, undefined);
});
