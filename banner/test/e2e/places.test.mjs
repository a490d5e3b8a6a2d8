// The three places where the server may stand: the table in docs/embed.md.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, press, quiet, ran, ready } from '../browser/harness.mjs';
import { asked, wait, world } from './world.mjs';

const s = world();
const cookies = async (page) => (await page.context().cookies()).filter((c) => c.name === 'volenti').map((c) => c.domain);

for (const [where, domains, size] of [
  ['sub-domain', ['.shop.test'], 'small'],
  ['path', ['www.shop.test'], 'small'],
  ['foreign', [], 'full'], // a browser takes no third-party cookie over http: the page's own storage remembers
])
  test(`with the server as ${where} the banner asks, records, and asks once`, async () => {
    for (const answer of ['reject', 'accept']) {
      s.place(where);
      s.vendors.hits.length = 0;
      const page = await s.open('/slow?region=DE');
      await control(page, 'reject').waitFor();
      await quiet(300);
      assert.deepEqual(s.vendors.hits, []);
      await press(page, answer);
      const core = await s.receipt(page);
      assert.equal(core.state, answer === 'accept' ? 'given' : 'refused');
      assert.deepEqual(await cookies(page), domains);

      const script = page.waitForResponse((r) => r.request().resourceType() === 'script' && new URL(r.url()).pathname.endsWith('/b/shop.js'));
      await page.goto(s.origin + '/slow?region=DE&page=2');
      await ready(page);
      if (answer === 'accept') await wait(async () => (await ran(page)).join('') === 'ABCD', 'the tags');
      await quiet();
      assert.equal(await asked(page), false, 'the next page');
      assert.equal((await ran(page)).length, answer === 'accept' ? 4 : 0);
      const { length } = await (await script).text();
      assert.equal(length < 6000, size === 'small', `${length} bytes`);
      assert.equal(page.context().asked.filter((what) => what.startsWith('POST')).length, 1);
      assert.equal(JSON.parse(await page.evaluate(() => volenti.receipt())).core.id, core.id, 'the receipt can be read here');
      assert.deepEqual(page.thrown, []);
    }
  });

test('sub-domains of the site share a decision where the server is one of them, and do not where it is a path', async () => {
  for (const [where, shared] of [['sub-domain', true], ['path', false]]) {
    s.place(where);
    const page = await s.open('/slow?region=DE');
    await press(page, 'accept');
    await s.receipt(page);
    await page.goto(`http://shop.test:${s.shop.port}/slow?region=DE`);
    if (shared) await wait(async () => (await ran(page)).join('') === 'ABCD', 'the tags');
    else await control(page, 'reject').waitFor();
    assert.equal(await asked(page), !shared);
  }
});

test('a page of somebody else gets no banner, no decision recorded, and nothing loaded', async () => {
  const page = await s.open(`http://consent.other.test:${s.shop.port}/?region=DE`);
  await quiet(800);
  if (await asked(page)) await press(page, 'reject');
  await quiet(800);
  assert.deepEqual(s.vendors.hits, []);
  assert.deepEqual(await cookies(page), []);
  assert.equal(await page.evaluate(() => window.volenti?.state?.receipt), undefined);
  await page.click('#buy');
  assert.deepEqual(page.thrown, []);
});
