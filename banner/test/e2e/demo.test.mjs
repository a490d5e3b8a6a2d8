// The demo shop, as `make run` shows it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, press, quiet, ready } from '../browser/harness.mjs';
import { kept, nothing, patience, wait, world } from './world.mjs';

const s = world({ serve: ['--demo-enabled'] });
const open = (query = '?region=DE&lang=en') => s.open(`http://localhost:${s.server.port}/demo/${query}`);
const counts = (page) => page.evaluate(async () => (await fetch('/demo/counts?run=' + document.body.dataset.run)).json());
/** The table on the page: vendor → [state, requests]. */
const table = (page) => page.locator('tr[data-vendor]').evaluateAll((rows) => Object.fromEntries(rows.map((row) => [row.dataset.vendor, [...row.querySelectorAll('td')].map((td) => td.textContent)])));
const receipt = (page) => page.locator('[data-receipt]').textContent();
const vendors = ['chain', 'ga4', 'google-ads', 'meta', 'reviews', 'social', 'youtube'];

test('the start tells a newcomer where to look', async () => {
  for (const address of s.server.log().match(/http:\/\/\S+/g)) assert.equal((await fetch(address.replace('localhost', '127.0.0.1'))).status, 200, address);
});

test('before a decision no vendor is reached, and the page says so', async () => {
  const page = await open();
  await control(page, 'reject').waitFor();
  await quiet(1500);
  assert.deepEqual(await counts(page), {});
  for (const [vendor, cells] of Object.entries(await table(page))) assert.deepEqual(cells, ['held', '0'], vendor);
  assert.deepEqual(await kept(page), nothing);
  assert.match(await receipt(page), /none before a decision/);
  assert.equal(await page.locator('volenti-placeholder').count(), 2, 'video and like button');
  assert.deepEqual(page.thrown, []);
});

test('a yes reaches every vendor once, in order, and the receipt is shown and can be verified', async () => {
  const page = await open();
  await press(page, 'accept');
  await page.locator('#film').scrollIntoViewIfNeeded();
  await wait(async () => Object.keys(await counts(page)).length === vendors.length, 'the vendors');
  await wait(async () => Object.values(await table(page)).every(([state]) => state.startsWith('fired')), 'the table');
  assert.deepEqual(Object.keys(await counts(page)).sort(), vendors);
  assert.equal(await page.evaluate(() => window.chain.join('')), 'ABCD');
  for (const [vendor, paths] of Object.entries(await counts(page))) for (const [path, n] of Object.entries(paths)) assert.equal(n, 1, `${vendor} ${path}`);
  await wait(async () => (await receipt(page)).startsWith('{'), 'the receipt');
  const text = await page.evaluate(() => volenti.receipt());
  assert.deepEqual(JSON.parse(await receipt(page)), JSON.parse(text));
  const keys = await (await fetch(s.server.base + '/.well-known/jwks.json')).text();
  s.server.volenti('receipt', 'verify', s.server.file('demo-receipt.json', text), '--keys', s.server.file('demo-jwks.json', keys));
  assert.deepEqual(page.thrown, []);
});

test('a no reaches nobody, and after “Forget me” the shop asks again', async () => {
  const page = await open();
  await press(page, 'reject');
  await wait(async () => (await receipt(page)).startsWith('{'), 'the receipt');
  await page.reload();
  await ready(page);
  await quiet();
  assert.deepEqual(await counts(page), {});
  assert.equal(await page.locator('volenti-banner').count(), 0);
  await page.click('[data-forget]');
  await control(page, 'reject').waitFor({ timeout: patience });
  assert.deepEqual(await kept(page), nothing);
});

test('the switches show the banner of another region and in another language', async () => {
  const page = await open();
  await page.selectOption('select[name=lang]', 'de');
  await page.waitForURL(/lang=de/);
  await control(page, 'reject').waitFor();
  assert.match(await control(page, 'reject').innerText(), /ablehnen/i);
  await page.selectOption('select[name=lang]', 'ar');
  await page.waitForURL(/lang=ar/);
  await control(page, 'reject').waitFor();
  assert.equal(await page.locator('volenti-banner').evaluate((el) => getComputedStyle(el).direction), 'rtl');
  await page.selectOption('select[name=region]', 'US-TX');
  await page.waitForURL(/region=US-TX/);
  await wait(async () => (await counts(page)).ga4, 'what runs in Texas until somebody objects');
});
