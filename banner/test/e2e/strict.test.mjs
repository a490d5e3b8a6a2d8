// A page under a strict Content-Security-Policy, with Trusted Types enforced.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, ran, ready } from '../browser/harness.mjs';
import { wait, world } from './world.mjs';

const s = world();

test('no violation and every tag runs, from the first layer, from the settings, and when coming back', async () => {
  for (const where of ['sub-domain', 'path', 'foreign']) {
    s.place(where);
    s.vendors.hits.length = 0;
    const page = await s.open('/strict?region=DE');
    const clean = async (what) => assert.deepEqual([await page.evaluate(() => window.violations), page.thrown], [[], []], `${where}: ${what}`);
    await page.locator('volenti-placeholder').waitFor();
    await clean('before a decision');
    await press(page, 'settings');
    await page.locator('dialog [data-volenti-category=analytics]').check();
    await page.locator('dialog summary').first().click();
    await page.locator('dialog [data-volenti=save]').click();
    await wait(async () => (await ran(page)).includes('D'), 'analytics');
    await clean('after a choice in the settings');
    await s.receipt(page);
    await page.locator('volenti-reopen button').click();
    await page.locator('dialog [data-volenti=accept]').click();
    await wait(async () => (await ran(page)).includes('reviews'), 'the rest');
    await page.locator('iframe[src]').waitFor();
    assert.deepEqual((await ran(page)).toSorted(), ['A', 'B', 'C', 'D', 'fbevents', 'js', 'reviews']);
    await clean('after a yes');
    await wait(async () => (await s.receipt(page)).state === 'given', 'the receipt');
    await page.goto(s.origin + '/strict?region=DE&page=2');
    await ready(page);
    await wait(async () => (await ran(page)).length === 7, 'the tags of the next page');
    await clean('on the next page');
    await page.evaluate(() => volenti.withdraw());
    await page.locator('volenti-placeholder').waitFor();
    await clean('after a withdrawal');
  }
});

test('the first layer alone: a yes runs every tag under the policy', async () => {
  const page = await s.open('/strict?region=DE');
  await press(page, 'accept');
  await wait(async () => (await ran(page)).length === 7, 'the tags');
  await s.receipt(page);
  assert.deepEqual(await page.evaluate(() => window.violations), []);
  assert.deepEqual(page.thrown, []);
});
