// Consent Mode's advanced mode: Google's tags are there before a choice, denied; nobody else's are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, quiet, recorded, site, until } from './harness.mjs';
import { vendors } from './pretend.mjs';

const vendor = (key, api, category, entries = []) => ({ key, name: key, category, country: '', policy_url: '', entries, hosts: [], api });
const stored = [{ name: '_ga', kind: 'cookie', duration: '1 year', purpose: { en: 'For tests.' } }];
const s = site({
  change: {
    google: { mode: 'advanced', wait_for_update: 500, ads_data_redaction: false, url_passthrough: false },
    blocking: { mode: 'strict', unknown: 'hold', allow: null },
    vendors: [vendor('ga4', 'gtag', 'analytics', stored), vendor('meta', 'meta', 'marketing')],
  },
});

const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<script>window.heard = []; window.sent = [];</script><script src="/b/shop.js"></script>
<script type="text/plain" data-category="analytics" data-service="ga4">(function ${vendors.gtag.tag})()</script>
<script type="text/plain" data-category="analytics">sent.push('another of analytics')</script>
<script type="text/plain" data-category="marketing" data-service="meta">(function ${vendors.meta.tag})()</script>
</head><body><h1>Shop</h1></body></html>`;

test('Google’s tag runs denied, before a choice and after a refusal, and nothing is kept for it', async () => {
  const context = await s.visitor();
  await context.route('**/advanced', (route) => route.fulfill({ contentType: 'text/html', body: page }));
  const p = await s.open('/advanced', context);
  const sent = () => p.evaluate(() => [...sent]);
  await until(async () => (await sent()).length > 0);
  await quiet();
  assert.deepEqual(await sent(), ['G-TEST cookieless'], 'before a choice');
  await p.evaluate(() => (document.cookie = '_ga=1'));
  assert.equal(await p.evaluate(() => document.cookie.includes('_ga')), false, 'its cookie is guarded still');
  await press(p, 'reject');
  await recorded(p);
  await p.evaluate(() => gtag('event', 'hit'));
  await quiet();
  assert.deepEqual(await sent(), ['G-TEST cookieless', 'hit cookieless'], 'after a refusal');
  await p.evaluate(() => volenti.acceptAll());
  await until(async () => (await sent()).includes('PageView'));
  await p.evaluate(() => gtag('event', 'again'));
  assert.deepEqual((await sent()).slice(2).sort(), ['PageView', 'again', 'another of analytics']);
  assert.deepEqual(await p.evaluate(() => heard.map((h) => h[1]).filter((h) => h === 'denied' || h === 'granted')), ['denied', 'denied', 'granted']);
  assert.deepEqual(p.thrown, []);
});
