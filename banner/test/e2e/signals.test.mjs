// Global Privacy Control, as Chromium itself sends it: header and navigator.globalPrivacyControl.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, press, quiet, ready } from '../browser/harness.mjs';
import { notice } from './notice.mjs';
import { asked, layer, wait, world } from './world.mjs';

const s = world({ args: ['--enable-features=GlobalPrivacyControlForce,GlobalPrivacyControl'] });
const analytics = ['/g/collect', '/gtag/js'];
const preferences = ['/reviews.js'];
const marketing = ['/fbevents.js', '/tr'];
const hits = () => [...s.vendors.hits].sort();
const says = (page) => page.locator('volenti-banner').textContent();
const honored = 'Opt-out request honored';

test('Texas, opt-out law: marketing stays off, the visitor is told, and the opt-out is recorded without a click', async () => {
  const page = await s.open('/?region=US-TX');
  assert.equal(await page.evaluate(() => navigator.globalPrivacyControl), true, 'this browser sends the signal');
  await wait(() => s.vendors.hits.length === 3, 'what is allowed until somebody objects');
  await quiet();
  assert.deepEqual(hits(), [...analytics, ...preferences]);
  assert.ok((await says(page)).includes(honored));
  const core = await s.receipt(page);
  assert.deepEqual([core.state, core.action, core.surface, core.law], ['signal_applied', 'signal', 'signal', 'us-tx-tdpsa']);
  assert.deepEqual(core.signals, { gpc: true, gpc_header: true, dnt: false });
  assert.deepEqual(core.categories, { preferences: 'not_asked', analytics: 'not_asked', marketing: 'refused' });
  const [, , defaults] = (await layer(page))[0];
  assert.deepEqual([defaults.ad_storage, defaults.ad_user_data, defaults.analytics_storage], ['denied', 'denied', 'granted']);
  s.vendors.hits.length = 0;
  await page.goto(s.origin + '/?region=US-TX');
  await wait(() => s.vendors.hits.length === 3, 'the same on the next page');
  await quiet();
  assert.deepEqual(hits(), [...analytics, ...preferences]);
  assert.equal(await asked(page), false, 'told once');
  assert.equal(page.context().asked.filter((what) => what.startsWith('POST')).length, 1, 'recorded once');
});

test('California, the cautious reading: nothing optional but what needs only a notice; the visitor is asked and told', async () => {
  const page = await s.open('/?region=US-CA');
  await control(page, 'reject').waitFor();
  await wait(() => s.vendors.hits.length === 1, 'preferences');
  await quiet();
  assert.deepEqual(hits(), preferences);
  assert.ok((await says(page)).includes(honored));
  assert.equal(await page.evaluate(() => volenti.state.decided), false, 'nobody decided for the visitor');
  await press(page, 'reject');
  const core = await s.receipt(page);
  assert.deepEqual([core.state, core.action, core.law, core.signals], ['refused', 'reject_all', 'us-ca-ccpa', { gpc: true, gpc_header: true, dnt: false }]);
  assert.match(await page.locator('volenti-reopen button').innerText(), /privacy choices/i); // 11 CCR 7015
});

test('Germany, opt-in law: nothing runs; a yes under the signal counts, because it was asked and given under it', async () => {
  const page = await s.open('/?region=DE');
  await control(page, 'reject').waitFor();
  await quiet();
  assert.deepEqual(hits(), []);
  assert.equal(await page.evaluate(() => volenti.state.decided), false);
  await press(page, 'accept');
  const all = [...marketing, ...analytics, ...preferences].sort();
  await wait(() => s.vendors.hits.length === all.length, 'the tags');
  const core = await s.receipt(page);
  assert.deepEqual([core.state, core.signals, core.categories.marketing], ['given', { gpc: true, gpc_header: true, dnt: false }, 'granted']);
  s.vendors.hits.length = 0;
  await page.goto(s.origin + '/?region=DE');
  await ready(page);
  await wait(() => s.vendors.hits.length === all.length, 'the tags of the next page');
  assert.deepEqual(hits(), all);
});

test('the opt-out is recorded once, not on every page, whatever the browser loses meanwhile', async () => {
  for (const [what, place, lose] of [
    ['nothing is lost', 'sub-domain', () => {}],
    ['the cookie can’t be set', 'foreign', () => {}],
    ['what pages keep is cleared', 'sub-domain', (page) => page.evaluate(() => localStorage.clear())],
    ['cookies are cleared', 'sub-domain', (page, visitor) => visitor.clearCookies()],
  ]) {
    s.place(place);
    const visitor = await s.visitor();
    const page = await visitor.newPage();
    for (let i = 0; i < 5; i++) {
      await page.goto(`${s.origin}/?region=US-TX&page=${i}`);
      await wait(() => page.evaluate(() => window.volenti?.state?.receipt), `a receipt where ${what}, page ${i}`);
      await quiet();
      assert.equal(await page.evaluate(() => volenti.state.categories.marketing), false, `${what}, page ${i}`);
      await lose(page, visitor);
    }
    assert.equal(visitor.asked.filter((line) => line.startsWith('POST')).length, 1, what);
    assert.equal((await visitor.cookies()).filter((c) => c.name === 'volenti').length, place === 'foreign' || what.startsWith('cookies') ? 0 : 1, what);
  }
  // Where nothing at all can be kept it is obeyed on every page, and recorded on none.
  const visitor = await s.visitor();
  await visitor.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } });
    Object.defineProperty(Navigator.prototype, 'cookieEnabled', { get: () => false });
  });
  const page = await visitor.newPage();
  for (let i = 0; i < 3; i++) {
    await page.goto(`${s.origin}/?region=US-TX&page=${i}`);
    await ready(page);
    await quiet();
    assert.equal(await page.evaluate(() => volenti.state.categories.marketing), false);
    await visitor.clearCookies();
  }
  assert.equal(visitor.asked.filter((line) => line.startsWith('POST')).length, 0);
});

test('the second layer shows the opt-out and the switch as it is; who switches on is told that the signal says otherwise', async () => {
  const over = 'Your browser sends an opt-out signal';
  const page = await s.open('/?region=US-TX');
  await wait(() => page.evaluate(() => window.volenti?.state?.receipt), 'the opt-out');
  assert.ok((await says(page)).includes(over), 'on the first layer');
  await press(page, 'settings');
  const dialog = page.locator('[data-volenti=dialog]');
  await dialog.waitFor();
  assert.ok(await dialog.getByText(honored).isVisible());
  const marketingSwitch = dialog.locator('[data-volenti-category=marketing]');
  assert.equal(await marketingSwitch.isChecked(), false);
  assert.equal(await dialog.locator('section').filter({ has: page.locator('[data-volenti-category=marketing]') }).getByText(over).count(), 1, 'beside the switch');
  assert.equal(await dialog.getByText(over).count(), 1, 'and beside no other');
  assert.ok(await dialog.getByText('does not respond to “Do Not Track”').isVisible(), 'how Do Not Track is answered');
  await marketingSwitch.check();
  await dialog.locator('[data-volenti=save]').click();
  await wait(async () => (await s.receipt(page)).action === 'save', 'its record');
  const core = await s.receipt(page);
  assert.deepEqual([core.categories.marketing, core.signals.gpc], ['granted', true]);
  await page.goto(s.origin + '/?region=US-TX&later');
  await ready(page);
  assert.equal(await page.evaluate(() => volenti.state.categories.marketing), true, 'it outranks the signal');
  await page.locator('volenti-reopen button').click();
  await dialog.waitFor();
  assert.equal(await dialog.getByText(honored).count(), 0, 'and nothing is claimed any more');
});

test('the server states that it honors the signal', async () => {
  const answer = await fetch(s.server.base + '/.well-known/gpc.json');
  assert.match(answer.headers.get('content-type'), /^application\/json/);
  const support = await answer.json();
  assert.equal(support.gpc, true);
  assert.match(support.lastUpdate, /^\d{4}-\d\d-\d\d$/);
  assert.deepEqual(Object.keys(support).sort(), ['gpc', 'lastUpdate'], 'no member of older drafts');
  for (const value of ['1, 0', 'true', '0', '11']) {
    const script = await (await fetch(s.server.base + '/b/shop.js?region=US-TX', { headers: { 'sec-gpc': value } })).text();
    assert.ok(!script.slice(-300).includes('"g":1'), value);
  }
  const on = await fetch(s.server.base + '/b/shop.js?region=US-TX', { headers: { 'sec-gpc': ' 1' } });
  assert.ok((await on.text()).slice(-300).includes('"g":1'), 'white space around a value is none of it');
  assert.match(on.headers.get('vary'), /Sec-GPC/);
  assert.match(on.headers.get('cache-control'), /private/);
});

test('California, where the site does the least the law asks: the signal is an opt-out from sale and sharing, recorded as such', async () => {
  s.server.volenti('notice', 'publish', s.server.file('floor.toml', notice({ origins: s.origins, posture: 'floor' })));
  await wait(async () => (await (await fetch(s.server.base + '/b/shop.js?region=US-CA')).text()).includes('"m":"-noo"'), 'the new notice');
  const page = await s.open('/?region=US-CA');
  await wait(() => s.vendors.hits.length === 3, 'what is allowed until somebody objects');
  await quiet();
  assert.deepEqual(hits(), [...analytics, ...preferences]);
  assert.ok((await says(page)).includes(honored));
  const core = await s.receipt(page);
  assert.deepEqual([core.state, core.action, core.law, core.signals.gpc], ['signal_applied', 'signal', 'us-ca-ccpa', true]);
  assert.deepEqual(core.categories, { preferences: 'not_asked', analytics: 'not_asked', marketing: 'refused' });
});
