// A signal that is switched on or off after the visitor has decided. This browser sends none by itself, so that a test can.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, press, quiet, ready } from '../browser/harness.mjs';
import { asked, wait, world } from './world.mjs';

const s = world();
const others = ['/g/collect', '/gtag/js', '/reviews.js'];
const honored = 'Opt-out request honored';
const posts = (visitor) => visitor.asked.filter((line) => line.startsWith('POST')).length;

/** Opens a page with Global Privacy Control on or off, as header and property, and a script of its own address. */
let opened = 0;
const visit = async (page, region, on, path = '/') => {
  const visitor = page.context();
  await visitor.setExtraHTTPHeaders(on ? { 'sec-gpc': '1' } : {});
  if (on && !visitor.sends) await visitor.addInitScript(() => Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => !/off/.test(location.search) }));
  visitor.sends ||= on;
  s.vendors.hits.length = 0;
  await page.goto(`${s.origin}${path}?region=${region}&${++opened}${on ? '' : 'off'}`);
  await ready(page);
};
/** A visitor who said yes to everything before. */
const yes = async (region) => {
  const page = await (await s.visitor()).newPage();
  await visit(page, region, false);
  await press(page, 'accept');
  return [page, await s.receipt(page)];
};
const marketing = (page) => page.evaluate(() => volenti.state.categories.marketing);

test('in California it is an opt-out: told once, recorded once, and the rest stays as it was', async () => {
  const [page, first] = await yes('US-CA');
  assert.deepEqual([first.categories.marketing, first.signals.gpc], ['granted', false]);
  await visit(page, 'US-CA', true);
  await page.locator('volenti-status').getByText(honored).waitFor();
  await wait(async () => (await s.receipt(page)).action === 'signal', 'its record');
  const core = await s.receipt(page);
  assert.deepEqual([core.state, core.previous, core.valid_until], ['signal_applied', first.id, first.valid_until]);
  // What was on by a mere notice was never asked for, so a yes to it is none that lasts.
  assert.deepEqual(core.categories, { preferences: 'not_asked', analytics: 'granted', marketing: 'refused' });
  await wait(() => s.vendors.hits.length === others.length, 'the others');
  await quiet();
  assert.deepEqual([...s.vendors.hits].sort(), others);
  for (let i = 0; i < 3; i++) {
    await visit(page, 'US-CA', true);
    await quiet();
    assert.deepEqual([await asked(page), await page.locator('volenti-status').count()], [false, 0], 'told once');
    assert.deepEqual([await page.evaluate(() => volenti.state.categories.analytics), await marketing(page)], [true, false]);
  }
  await visit(page, 'US-CA', false);
  assert.equal(await marketing(page), false, 'an opt-out outlives the signal');
  assert.equal(posts(page.context()), 2);
  assert.deepEqual(page.thrown ?? [], []);
});

test('in Germany it holds as long as it is on, decides nothing, and the yes counts again after', async () => {
  const [page] = await yes('DE');
  await visit(page, 'DE', true);
  await quiet();
  assert.deepEqual([await marketing(page), await asked(page)], [false, false]);
  assert.ok(!s.vendors.hits.includes('/fbevents.js'));
  await visit(page, 'DE', false);
  assert.equal(await marketing(page), true);
  assert.equal(posts(page.context()), 1);
});

test('a placeholder that is allowed under it brings back nothing else, and says what it means where it is about marketing', async () => {
  const page = await (await s.visitor()).newPage();
  await visit(page, 'DE', false);
  await page.evaluate(() => volenti.push(['set', { preferences: false, analytics: false, marketing: true }]));
  await s.receipt(page);
  await visit(page, 'DE', true, '/film');
  const box = page.locator('volenti-placeholder');
  await box.waitFor();
  assert.equal(await box.getByText('opt-out signal').count(), 0, 'a film is not marketing');
  await box.locator('button').click();
  await wait(async () => (await s.receipt(page)).surface === 'placeholder', 'its record');
  const core = await s.receipt(page);
  assert.deepEqual([core.vendors.video, core.categories.marketing], ['granted', 'not_asked']);
  assert.equal(await marketing(page), false);
  await visit(page, 'DE', true);
  assert.equal(await marketing(page), false, 'it was not given under the signal');
});

test('nothing is claimed where no signal is sent', async () => {
  const page = await (await s.visitor()).newPage();
  await visit(page, 'US-TX', false);
  await control(page, 'settings').waitFor();
  assert.doesNotMatch(await page.locator('volenti-banner').textContent(), /signal|honored/i);
  await press(page, 'settings');
  const dialog = page.locator('[data-volenti=dialog]');
  await dialog.waitFor();
  assert.equal(await dialog.getByText(/opt-out (request|signal)/i).count(), 0);
});
