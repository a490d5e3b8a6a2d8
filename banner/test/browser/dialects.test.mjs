import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { quiet, ran, ready, site, until } from './harness.mjs';

const s = site();
const names = async () => (await s.hits()).map((hit) => hit.replace(/\?.*/, '')).sort();
const table = JSON.parse(readFileSync(new URL('../../../server/markup/testdata/dialects.json', import.meta.url)));

test('what is marked for other banners waits, and then runs in document order', async () => {
  const page = await s.open('/dialects.html');
  await ready(page);
  await quiet();
  assert.deepEqual(await s.hits(), []);
  assert.deepEqual(await ran(page), []);
  assert.equal(await page.locator('#didomi-html').count(), 0);
  await page.evaluate(() => volenti.set({ analytics: true, marketing: false, preferences: false }));
  await until(async () => (await ran(page)).includes('vanilla'));
  assert.deepEqual(await ran(page), ['cookiebot', 'onetrust', 'iubenda', 'usercentrics', 'klaro', 'klaro-opt-in', 'complianz', 'cookieyes', 'didomi', 'osano', 'probo', 'vanilla']);
  assert.equal(await page.locator('#didomi-html').count(), 1);
  const videos = [];
  await page.route('https://www.youtube-nocookie.com/**', (route) => {
    videos.push(route.request().url());
    return route.fulfill({ body: '' });
  });
  await page.evaluate(() => volenti.acceptAll());
  await until(async () => (await ran(page)).includes('cookiebot2'));
  await quiet();
  assert.deepEqual(videos, ['https://www.youtube-nocookie.com/embed/abc']);
  assert.equal(await page.locator('iframe[title=Video]').getAttribute('width'), '320');
  // A grant runs neither what runs without one, nor what nobody was asked about; and nothing runs twice.
  assert.equal((await ran(page)).length, 13);
  assert.deepEqual(await names(), [
    '/axeptio', '/cmplz-frame', '/complianz.js', '/cookiebot2.js', '/didomi.gif', '/didomi.js', '/frame', '/iubenda.js', '/klaro.js', '/onetrust.js', '/probo.js',
  ]);
  assert.deepEqual(page.thrown, []);
});

test('a refusal runs none of it', async () => {
  const page = await s.open('/dialects.html');
  await ready(page);
  await page.evaluate(() => volenti.rejectAll());
  await until(async () => (await page.locator('volenti-placeholder').count()) === 4);
  await quiet();
  assert.deepEqual(await ran(page), []);
  assert.deepEqual(await s.hits(), []);
});

test('every mark reads as on the server', async () => {
  const page = await s.open('/plain.html');
  await ready(page);
  await page.evaluate(() => volenti.rejectAll());
  await page.waitForFunction(() => volenti.state.decided);
  const answers = await page.evaluate(async (cases) => {
    const box = document.createElement('div');
    box.hidden = true;
    document.body.append(box);
    const all = cases.map(({ markup }) => {
      const place = document.createElement('div');
      place.innerHTML = markup;
      box.append(place);
      return place;
    });
    await new Promise((done) => setTimeout(done, 500));
    const own = ({ children }) => [...children].find((el) => el.localName !== 'volenti-placeholder');
    return all.map(own).map((el) => ({ ...el.dataset, tag: el.localName, type: el.getAttribute('type') }));
  }, table.cases);
  table.cases.forEach((c, i) => {
    const got = answers[i];
    if (c.left) return assert.deepEqual([got.category, got.service], [undefined, undefined], c.markup);
    assert.equal(got.category, c.category, c.markup);
    assert.equal(got.service || undefined, c.vendor, c.markup);
    if (c.src && got.tag !== 'script') assert.equal(got.src, c.src, c.markup);
    // What is necessary runs by now.
    if (got.tag === 'script') assert.equal(got.type, c.category === 'necessary' ? null : 'text/plain', c.markup);
    if (c.tag) assert.equal(got.tag, c.tag, c.markup);
  });
  assert.deepEqual(await s.hits(), []);
});
