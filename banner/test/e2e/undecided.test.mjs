// Before a decision (GDPR Art. 4(11), Directive 2002/58/EC Art. 5(3)).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, quiet, ran, ready } from '../browser/harness.mjs';
import { asked, kept, layer, nothing, wait, world } from './world.mjs';

const s = world();

for (const where of ['sub-domain', 'same host'])
  test(`before a decision nothing is loaded and nothing is kept, with the server on a ${where}`, async () => {
    s.place(where);
    const page = await s.open('/?region=DE');
    await control(page, 'reject').waitFor();
    await page.click('#buy');
    await quiet(1500);
    assert.equal(await page.textContent('#buy'), 'Bought', 'the page works');
    assert.deepEqual(s.vendors.hits, []);
    assert.deepEqual(await ran(page), []);
    assert.deepEqual(await kept(page), nothing);
    assert.deepEqual(page.context().asked, ['GET /b/shop.js'], 'a first visit is one request');
    assert.deepEqual(page.thrown, []);
  });

test('reading on, scrolling, pressing Escape and leaving are not consent', async () => {
  const page = await s.open('/?region=DE');
  await control(page, 'reject').waitFor();
  await page.keyboard.press('Escape');
  await page.mouse.wheel(0, 2000);
  await page.click('h1');
  for (const path of ['/film?region=DE', '/?region=DE']) await page.goto(s.origin + path);
  await control(page, 'reject').waitFor();
  await quiet();
  assert.deepEqual(s.vendors.hits, []);
  assert.deepEqual(await kept(page), nothing);
  assert.deepEqual((await layer(page)).map((entry) => entry.slice(0, 2)), [['consent', 'default']]);
});

test('a region that nobody knows gets the strictest rules', async () => {
  const page = await s.open('/?region=ZZ');
  await control(page, 'reject').waitFor();
  await quiet();
  assert.deepEqual(s.vendors.hits, []);
  assert.deepEqual(Object.values(await page.evaluate(() => volenti.state.categories)), [true, false, false, false]);
});

test('the first layer works by keyboard alone, and comes first in it', async () => {
  const page = await s.open('/?region=DE');
  await control(page, 'reject').waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.volenti), 'reject');
  await page.keyboard.press('Enter');
  await wait(async () => !(await asked(page)), 'the banner to go');
  await ready(page);
  assert.equal((await s.receipt(page)).state, 'refused');
});
