// A no, and a yes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press, quiet, ran, ready } from '../browser/harness.mjs';
import { asked, kept, layer, nothing, wait, world } from './world.mjs';

const s = world();

test('after a no nothing is loaded, only the no is kept, and the server holds a receipt that says refused', async () => {
  const page = await s.open('/?region=DE');
  await press(page, 'reject');
  const core = await s.receipt(page);
  assert.equal(core.state, 'refused');
  assert.deepEqual([core.action, core.surface, core.region, core.law], ['reject_all', 'banner', 'DE', 'eu-gdpr-eprivacy']);
  assert.deepEqual(core.categories, { preferences: 'refused', analytics: 'refused', marketing: 'refused' });
  for (const path of ['/?region=DE', '/film?region=DE', '/slow?region=DE']) {
    await page.goto(s.origin + path);
    await ready(page);
    await quiet();
    assert.equal(await asked(page), false);
  }
  assert.deepEqual(s.vendors.hits, []);
  assert.deepEqual(await kept(page), { ...nothing, cookies: ['volenti'], local: ['volenti'] });
});

test('after a yes every tag loads once, and every part of the page that waited comes', async () => {
  const page = await s.open('/?region=DE');
  await press(page, 'accept');
  const all = ['/fbevents.js', '/g/collect', '/gtag/js', '/reviews.js', '/tr'];
  await wait(() => s.vendors.hits.length >= all.length, 'the tags');
  await page.locator('#reviews').waitFor();
  await quiet();
  assert.deepEqual([...s.vendors.hits].sort(), all);
  const core = await s.receipt(page);
  assert.deepEqual([core.state, core.action], ['given', 'accept_all']);
  assert.deepEqual(core.categories, { preferences: 'granted', analytics: 'granted', marketing: 'granted' });
  assert.deepEqual(page.thrown, []);
});

for (const [path, want] of Object.entries({ '/slow': ['A', 'B', 'C', 'D'], '/hung': ['B', 'C', 'D'] }))
  test(`tags run in the order of the page, each once, where the first is ${path.slice(1)}`, async () => {
    const page = await s.open(`${path}?region=DE`);
    await press(page, 'accept');
    await wait(async () => (await ran(page)).length === want.length, 'the chain');
    await s.receipt(page);
    assert.deepEqual(await ran(page), want, 'at the first visit');
    await page.goto(s.origin + path + '?region=DE', { waitUntil: 'domcontentloaded' }); // a tag that hangs holds up the load event, as everywhere
    await wait(async () => (await ran(page)).length === want.length, 'the chain');
    await quiet();
    assert.deepEqual(await ran(page), want, 'at the next');
    assert.deepEqual([...s.vendors.hits].sort(), ['/A.js', '/A.js', '/C.js', '/C.js']);
  });

test('Consent Mode is told one default, and the update before any tag runs', async () => {
  const page = await s.open('/?region=DE');
  await press(page, 'accept');
  const kinds = async () => (await layer(page)).filter(([command]) => command !== 'set').map(([command, kind]) => (command === 'consent' ? kind : command));
  await wait(async () => (await kinds()).includes('config'), 'the tag');
  assert.deepEqual(await kinds(), ['default', 'update', 'js', 'config'], 'at the first visit');
  const told = async () => (await layer(page)).filter(([command]) => command === 'consent').map(([, , what]) => [what.ad_storage, what.ad_user_data, what.ad_personalization, what.analytics_storage]);
  assert.deepEqual(await told(), [Array(4).fill('denied'), Array(4).fill('granted')]);
  await s.receipt(page);
  await page.goto(s.origin + '/?region=DE');
  await wait(async () => (await kinds()).includes('config'), 'the tag');
  assert.deepEqual(await kinds(), ['default', 'update', 'js', 'config'], 'at the next');
  // From the start, unless the browser had the script of the first visit still.
  assert.deepEqual((await told())[1], Array(4).fill('granted'));
});

test('a choice by purpose loads that and nothing else', async () => {
  const page = await s.open('/?region=DE');
  await press(page, 'settings');
  await page.locator('dialog [data-volenti-category=analytics]').check();
  await page.locator('dialog [data-volenti=save]').click();
  await wait(() => s.vendors.hits.includes('/g/collect'), 'analytics');
  await quiet();
  assert.deepEqual([...s.vendors.hits].sort(), ['/g/collect', '/gtag/js']);
  const core = await s.receipt(page);
  assert.deepEqual([core.state, core.action, core.surface], ['partial', 'save', 'settings']);
  assert.deepEqual(core.categories, { preferences: 'refused', analytics: 'granted', marketing: 'refused' });
});

test('allowing one film loads its vendor and nothing else', async () => {
  const page = await s.open('/film?region=DE');
  await page.locator('volenti-placeholder [data-volenti=allow]').click();
  await wait(() => s.vendors.hits.length > 0, 'the film');
  const core = await s.receipt(page);
  assert.deepEqual([core.surface, core.categories.preferences, core.vendors.video], ['placeholder', 'not_asked', 'granted']);
  await quiet();
  assert.deepEqual(s.vendors.hits, ['/embed/1']);
});
