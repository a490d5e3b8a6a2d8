// Withdrawing is as easy as giving was (GDPR Art. 7(3)).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, quiet, ran, ready } from '../browser/harness.mjs';
import { asked, kept, layer, wait, world } from './world.mjs';

const s = world();

test('two clicks take a yes back: nothing loads, what was stored is gone, the server knows', async () => {
  const visitor = await s.visitor();
  const page = await s.open('/catalogue/lamps/?region=DE', visitor);
  await press(page, 'accept');
  await wait(() => s.vendors.hits.includes('/g/collect') && s.vendors.hits.includes('/fbevents.js'), 'the tags');
  const given = await s.receipt(page);
  // Where vendors put cookies: this host, the parent domain, a path.
  await page.evaluate(() => {
    for (const where of ['path=/', 'path=/;domain=shop.test', 'path=/;domain=www.shop.test', 'path=/catalogue', 'path=/catalogue/lamps/;domain=shop.test'])
      document.cookie = '_ga_' + where.replace(/\W/g, '_') + '=1;max-age=9999;' + where;
    document.cookie = 'cart=1;max-age=9999;path=/';
  });
  const before = await kept(page);
  assert.equal(before.cookies.filter((name) => name.startsWith('_')).length, 8, before.cookies.join());
  assert.deepEqual([before.local.sort(), before.session], [['fb-state', 'volenti'], ['fb-visit']]);

  await page.locator('volenti-reopen button').click();
  await page.locator('dialog [data-volenti=withdraw]').click();
  await wait(async () => (await kept(page)).cookies.join() === 'cart,volenti', 'the cookies to go');
  await wait(async () => (await kept(page)).local.join() === 'volenti' && !(await kept(page)).session.length, 'the storage to go');
  const told = (await layer(page)).filter(([command]) => command === 'consent').map(([, kind, what]) => [kind, what.ad_storage, what.analytics_storage]);
  assert.deepEqual(told, [['default', 'denied', 'denied'], ['update', 'granted', 'granted'], ['update', 'denied', 'denied']]);

  await wait(async () => (await s.receipt(page)).state === 'withdrawn', 'the receipt');
  const taken = await s.receipt(page);
  assert.deepEqual([taken.action, taken.previous], ['withdraw', given.id]);
  assert.deepEqual(taken.categories, { preferences: 'refused', analytics: 'refused', marketing: 'refused' });

  const loaded = s.vendors.hits.length;
  for (const path of ['/?region=DE', '/film?region=DE']) {
    await page.goto(s.origin + path);
    await ready(page);
    await quiet();
    assert.equal(await asked(page), false, 'not asked again at once');
  }
  assert.equal(s.vendors.hits.length, loaded);
  assert.deepEqual(page.thrown, []);
});

test('another tab follows a yes and a withdrawal without a reload', async () => {
  const visitor = await s.visitor();
  const sent = new Set();
  visitor.on('request', (request) => request.method() === 'POST' && sent.add(request.postDataJSON().id));
  const one = await s.open('/slow?region=DE', visitor);
  const two = await s.open('/slow?region=DE', visitor);
  await one.bringToFront();
  await press(one, 'accept');
  await wait(async () => (await ran(two)).join('') === 'ABCD', 'the tags of the other tab');
  assert.equal(await asked(two), false);
  const given = await s.receipt(one);
  await two.bringToFront();
  await two.locator('volenti-reopen button').click();
  await two.locator('dialog [data-volenti=withdraw]').click();
  await wait(() => one.evaluate(() => !volenti.state.categories.analytics), 'the first tab');
  const last = async () => (await layer(one)).filter(([command]) => command === 'consent').at(-1)[2].analytics_storage;
  await wait(async () => (await last()) === 'denied', 'Consent Mode of the first tab');
  await wait(async () => (await s.receipt(one)).state === 'withdrawn', 'the receipt');
  assert.equal((await s.receipt(one)).previous, given.id);
  assert.equal(sent.size, 2, 'whichever tab sends it, a decision is one');
});

test('a film that was allowed is taken back out of the page', async () => {
  const page = await s.open('/film?region=DE');
  await page.locator('volenti-placeholder [data-volenti=allow]').click();
  await wait(() => page.evaluate(() => !!document.querySelector('iframe[src]')), 'the film');
  await page.evaluate(() => volenti.withdraw());
  await page.locator('volenti-placeholder').waitFor();
  assert.equal(await page.locator('iframe[src]').count(), 0);
});
