// A shop that asks how old its visitors are: nothing is granted before they have said so, and no is one click.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, press, quiet, ready } from '../browser/harness.mjs';
import { findings, tooWide } from './axe.mjs';
import { asked, wait, world } from './world.mjs';

const s = world({ more: () => '\n[age]\nminimum = 13\nby_country = true\n' });
const box = (page, layer = 'volenti-banner:not([data-volenti])') => page.locator(`${layer} [data-volenti=age]`);
const inSettings = (page) => box(page, 'dialog');
const said = (page) => page.locator('volenti-banner [role=alert]').first().textContent();
const posts = (page) => page.context().asked.filter((what) => what.startsWith('POST')).length;

for (const [region, age] of [['DE', 16], ['FR', 15], ['US-CO', 18], ['GB', 13]])
  test(`in ${region} visitors of ${age} are asked, and nothing is on before`, async () => {
    const page = await s.open(`/?region=${region}`);
    await control(page, 'reject').waitFor();
    assert.equal(await box(page).isChecked(), false);
    assert.match(await page.locator('volenti-banner').first().locator('label').textContent(), new RegExp(`I am ${age} years old or older`));
    await quiet();
    assert.deepEqual(s.vendors.hits, []);
    await press(page, 'reject');
    const core = await s.receipt(page);
    assert.deepEqual([core.state, core.age], ['refused', { asked: age, confirmed: false }]);
    assert.deepEqual(s.vendors.hits, []);
  });

test('accept without the tick does nothing but say what is missing', async () => {
  const page = await s.open('/?region=DE');
  await press(page, 'accept');
  await quiet();
  assert.equal(await said(page), 'Confirm your age to accept.');
  assert.equal(await page.evaluate(() => document.activeElement.shadowRoot.activeElement.dataset.volenti), 'age');
  assert.deepEqual([posts(page), s.vendors.hits.length, await asked(page)], [0, 0, true]);
  await page.keyboard.press('Space');
  assert.equal(await box(page).isChecked(), true);
  assert.equal(await said(page), '');
  await press(page, 'accept');
  const core = await s.receipt(page);
  assert.deepEqual([core.state, core.age], ['given', { asked: 16, confirmed: true }]);
  await wait(() => s.vendors.hits.includes('/g/collect'), 'the tags');
  await page.goto(s.origin + '/?region=DE');
  await ready(page);
  await quiet();
  assert.equal(await asked(page), false, 'at the next page');
  assert.deepEqual(page.thrown, []);
});

test('the settings ask too, for what is on and for nothing else', async () => {
  const page = await s.open('/?region=DE');
  await press(page, 'settings');
  const save = page.locator('dialog [data-volenti=save]');
  await page.locator('dialog [data-volenti-category=analytics]').check();
  await save.click();
  assert.equal(await page.locator('dialog [role=alert]').textContent(), 'Confirm your age to accept.');
  assert.equal(posts(page), 0);
  await page.locator('dialog [data-volenti-category=analytics]').uncheck();
  await save.click();
  assert.deepEqual((await s.receipt(page)).age, { asked: 16, confirmed: false });
  await page.locator('volenti-reopen button').click();
  await page.locator('dialog [data-volenti-category=analytics]').check();
  await inSettings(page).check();
  await save.click();
  await wait(() => s.vendors.hits.includes('/g/collect'), 'analytics');
  await wait(async () => (await s.receipt(page)).state === 'partial', 'the record');
  assert.deepEqual((await s.receipt(page)).age, { asked: 16, confirmed: true });
  await page.locator('volenti-reopen button').click();
  await page.locator('dialog [data-volenti=withdraw]').waitFor();
  assert.equal(await inSettings(page).count(), 0, 'who has said it is not asked again');
});

for (const [how, act] of Object.entries({
  'a placeholder': (page) => page.locator('volenti-placeholder [data-volenti=allow]').click(),
  acceptAll: (page) => page.evaluate(() => volenti.acceptAll()),
  'set': (page) => page.evaluate(() => volenti.set({ analytics: true })),
}))
  test(`${how} opens the settings while the age is not confirmed`, async () => {
    const page = await s.open('/film?region=DE');
    await page.locator('volenti-placeholder').waitFor();
    await act(page);
    await inSettings(page).waitFor();
    await quiet();
    assert.deepEqual([posts(page), s.vendors.hits.length], [0, 0]);
    await page.locator('dialog [data-volenti=close]').click();
    await box(page).check();
    await act(page);
    await wait(() => posts(page) === 1, 'the decision');
    assert.deepEqual((await s.receipt(page)).age, { asked: 16, confirmed: true });
  });

test('what was taken back comes back without another tick, and a refusal needs none', async () => {
  const page = await s.open('/?region=DE');
  await box(page).check();
  await press(page, 'accept');
  await s.receipt(page);
  await page.evaluate(() => volenti.rejectAll());
  await wait(async () => (await s.receipt(page)).state === 'refused', 'the refusal');
  await page.locator('volenti-reopen button').click();
  await page.locator('dialog [data-volenti=accept]').click();
  await wait(async () => (await s.receipt(page)).state === 'given', 'the grant');
});

test('who is old enough in one country is asked again in another that wants more', async () => {
  const page = await s.open('/?region=FR');
  await box(page).check();
  await press(page, 'accept');
  assert.deepEqual((await s.receipt(page)).age, { asked: 15, confirmed: true });
  await page.goto(s.origin + '/?region=GB');
  await ready(page);
  await quiet();
  assert.equal(await asked(page), false);
  s.vendors.hits.length = 0;
  await page.goto(s.origin + '/?region=DE');
  await control(page, 'reject').waitFor();
  await quiet();
  assert.equal(await box(page).isChecked(), false);
  assert.deepEqual(s.vendors.hits, []);
});

for (const [look, options] of Object.entries({ light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, '320 pixels': { viewport: { width: 320, height: 568 } } }))
  test(`no finding, and boxes large enough: ${look}`, async () => {
    const visitor = await s.visitor({ ...options, reducedMotion: 'reduce' });
    const page = await s.open('/?region=DE', visitor);
    await press(page, 'accept');
    await wait(async () => (await said(page)) !== '', 'what is missing');
    const good = async (what) => {
      assert.deepEqual(await findings(page), [], what);
      assert.deepEqual(await page.evaluate(tooWide), [], what);
    };
    await good('first layer');
    const size = await box(page).boundingBox();
    assert.ok(size.width >= 24 && size.height >= 24, `${size.width} × ${size.height} (WCAG 2.5.8)`);
    assert.ok(size.y + size.height <= (await control(page, 'reject').boundingBox()).y, 'above the buttons');
    await press(page, 'settings');
    await page.locator('dialog [data-volenti=accept]').click();
    await inSettings(page).waitFor();
    await good('second layer');
    assert.ok((await inSettings(page).boundingBox()).height >= 24);
    await page.goto(s.server.base + '/privacy/shop/choices?region=DE');
    await page.locator('[data-volenti=accept]').click();
    await page.locator('[role=alert]').waitFor();
    await good('page of choices');
  });
