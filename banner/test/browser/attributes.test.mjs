import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, quiet, ran, ready, recorded, site, until } from './harness.mjs';

const s = site();

test('what stands on a tag still counts when it runs: integrity, handlers, nomodule, its own attributes; mistakes stay its own', async () => {
  const page = await s.open('/attributes.html');
  await ready(page);
  await quiet();
  assert.deepEqual(await s.hits(), [], 'before a decision');
  assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('script[type$=json]')].map((el) => el.type)), ['application/ld+json', 'application/json'], 'data blocks are nobody’s tags');
  await press(page, 'accept');
  await until(async () => (await ran(page)).includes('last'));
  assert.deepEqual(await ran(page), ['sri', 'refused', 'loaded', 'onload', 'me kept', 'twice', 'twice', 'missing', 'throws', 'after', 'quiet', 'function global', 'last']);
  const hits = (await s.hits()).map((hit) => hit.replace(/\?.*/, ''));
  assert.ok(!hits.includes('/old.js'), 'nomodule is for browsers without modules');
  assert.ok(hits.includes('/hint.js'), 'a hint is fetched as one');
  assert.deepEqual(page.thrown.filter((message) => !/the tag’s own|later|Unexpected identifier|missing \)/.test(message)), []);
});

for (const [name, path] of [['quirks mode', '/quirks.html'], ['XHTML', '/page.xhtml']])
  test(`a page in ${name}: asked, held, released in order, reopened`, async () => {
    const page = await s.open(path);
    await page.locator('volenti-banner [data-volenti=accept]').waitFor();
    await quiet();
    assert.deepEqual(await s.hits(), []);
    await press(page, 'accept');
    await until(async () => (await ran(page)).length === 2);
    assert.deepEqual(await ran(page), ['A', 'B']);
    await recorded(page);
    await page.locator('volenti-reopen button').click();
    await page.locator('volenti-banner dialog [data-volenti=withdraw]').click();
    await until(async () => (await s.decisions()).length === 2);
    await page.reload();
    await ready(page);
    await quiet();
    assert.deepEqual(await ran(page), []);
    assert.deepEqual(page.thrown, []);
  });

test('without script nothing gated is there, and the page is', async () => {
  const page = await s.open('/embeds.html', await s.visitor({ javaScriptEnabled: false }));
  await quiet();
  assert.deepEqual(await s.hits(), []);
  assert.equal(await page.locator('h1').count(), 1);
});
