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

test('the server states that it honors the signal', async () => {
  const support = await (await fetch(s.server.base + '/.well-known/gpc.json')).json();
  assert.equal(support.gpc, true);
});
