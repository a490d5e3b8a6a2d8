// Strict blocking: names that the notice declares are not stored before their vendor is allowed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, ready, recorded, site } from './harness.mjs';

const s = site({ change: { blocking: { mode: 'strict', unknown: 'hold' } } });

const store = (page) =>
  page.evaluate(async () => {
    document.cookie = '_count=1; path=/';
    document.cookie = '_count_x = 1; path=/; max-age=999';
    document.cookie = '_ads=1; path=/';
    document.cookie = 'own=1; path=/';
    localStorage.setItem('ads', '1');
    localStorage.setItem('video-1', '1');
    localStorage.setItem('own', '1');
    sessionStorage.setItem('count-visit', '1');
    sessionStorage.setItem('ads', '1');
    const names = (text) => text.split('; ').map((cookie) => cookie.split('=')[0]);
    return [names(document.cookie), Object.keys(localStorage), Object.keys(sessionStorage)].map((list) => list.filter((name) => name && name !== 'volenti').sort());
  });

test('what is declared for a vendor is not stored before he is allowed, and what nobody declared is', async () => {
  const page = await s.open('/block.html');
  await ready(page);
  assert.deepEqual(await store(page), [['own'], ['own'], ['ads']], 'a name is declared for one kind of storage');
  await page.evaluate(() => volenti.set({ analytics: true, marketing: false, preferences: false }));
  await recorded(page);
  assert.deepEqual(await store(page), [['_count', '_count_x', 'own'], ['own'], ['ads', 'count-visit']]);
  await page.evaluate(() => volenti.acceptAll());
  await recorded(page);
  assert.deepEqual(await store(page), [['_ads', '_count', '_count_x', 'own'], ['ads', 'own', 'video-1'], ['ads', 'count-visit']]);
  assert.deepEqual(page.thrown, []);
});

test('a name that two vendors declare is stored where one is allowed', async () => {
  const page = await s.open('/block.html');
  await ready(page);
  const write = () => page.evaluate(() => ((document.cookie = '_shared=1; path=/'), document.cookie.includes('_shared')));
  assert.equal(await write(), false);
  await page.evaluate(() => volenti.set({ social: true }));
  await recorded(page);
  assert.equal(await write(), true);
});

test('to delete is always allowed', async () => {
  const visitor = await s.visitor();
  await visitor.addCookies([{ name: '_count', value: '1', url: s.shop }, { name: '_ads', value: '1', url: s.shop }]);
  const page = await s.open('/block.html', visitor);
  await ready(page);
  await page.evaluate(() => {
    document.cookie = '_count=; path=/; max-age=0';
    document.cookie = '_ads=; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT';
  });
  assert.equal(await page.evaluate(() => document.cookie), '');
});

test('a database is refused as by a browser that keeps nothing, and the banner remembers all the same', async () => {
  const page = await s.open('/block.html');
  await press(page, 'reject');
  await recorded(page);
  assert.ok(await page.evaluate(() => localStorage.getItem('volenti')));
  const opened = await page.evaluate(() => new Promise((done) => Object.assign(indexedDB.open('own'), { onsuccess: () => done(true), onerror: () => done(false) })));
  assert.equal(opened, true);
});
