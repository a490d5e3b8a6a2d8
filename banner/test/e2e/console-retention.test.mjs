// Retention and restriction in the console: what operators set, look at first, hide and let be read again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { press } from '../browser/harness.mjs';
import { findings, tooWide } from './axe.mjs';
import { enter, tabTo } from './console.mjs';
import { world } from './world.mjs';

const s = world();
const shots = process.env.SHOTS; // a folder: pictures of every page, for people
const path = '/admin/sites/shop/retention';
let owner;
const open = async (path) => (owner ??= await enter(s)).open(path);

/** Without findings of axe in both schemes, no wider than a phone, within its own policy. */
const sound = async (page, name) => {
  const picture = async (how) => shots && (await page.screenshot({ path: `${shots}/retention-${name.replace(/\W+/g, '-')}-${how}.png`, fullPage: true }));
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await findings(page), [], `${name}, ${colorScheme}`);
    await picture(colorScheme);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  assert.deepEqual(await page.evaluate(tooWide), [], `${name} at 320 px`);
  await picture('phone');
  assert.deepEqual(page.broken, [], name);
};

test('periods are looked at before they are kept, by keyboard, and mistakes are said at their fields', async () => {
  const page = await open('/admin/sites/shop');
  await page.locator('nav.menu').getByRole('link', { name: 'Retention' }).click();
  await page.getByRole('heading', { name: 'What the next run removes' }).waitFor();
  await sound(page, 'at first');

  const form = await open(path);
  await form.getByLabel('Records, in months').fill('24');
  await form.getByLabel(/^Records made under some laws/).fill('nowhere 3');
  await tabTo(form, form.getByRole('button', { name: 'See what that would remove' }));
  await form.keyboard.press('Enter');
  await form.locator('#wrong-laws').waitFor();
  assert.match(await form.locator('#wrong-laws').innerText(), /is no row of the law table/);
  await sound(form, 'to mend');
  await form.getByLabel(/^Records made under some laws/).fill('us-ca-ccpa 48');
  await form.getByRole('button', { name: 'See what that would remove' }).click();
  await form.getByText('Nothing is kept yet').waitFor();
  await sound(form, 'tried');
  await form.getByRole('button', { name: 'Keep these settings' }).click();
  await form.getByText('Kept. The next run goes by it.').waitFor();
  assert.equal(await form.getByLabel('Records, in months').inputValue(), '24');
  const kept = JSON.parse(s.server.volenti('retention', 'show', 'shop', '--json'));
  assert.deepEqual([kept.records, kept.laws], [24, { 'us-ca-ccpa': 48 }]);
});

test('a record is hidden and let be read again, without script', async () => {
  const visitor = await s.open('/?region=DE');
  await press(visitor, 'reject');
  await s.receipt(visitor);
  const id = await visitor.evaluate(() => window.volenti.state.receipt);
  const wide = await open('/admin/sites/shop/receipts/' + id);
  await sound(wide, 'receipt');

  const page = await (await owner.without()).open('/admin/sites/shop/receipts/' + id);
  await page.getByLabel('Ground').selectOption('contested');
  await page.getByRole('button', { name: 'Restrict it' }).click();
  await page.getByText(/^Restricted: leaf \d+/).waitFor();
  assert.equal((await page.goto(s.server.base + '/admin/sites/shop/receipts/' + id)).status(), 404);
  await sound(await open(path + '#restricted'), 'restricted');

  await page.goto(s.server.base + path);
  await page.getByRole('checkbox', { name: /^Leaf \d+: its accuracy/ }).check();
  await page.getByLabel('Why it ends').fill('examined: it is accurate');
  await page.getByRole('button', { name: 'Lift the restriction' }).click();
  await page.getByText(/^Lifted: leaf \d+/).waitFor();
  assert.equal((await page.goto(s.server.base + '/admin/sites/shop/receipts/' + id)).status(), 200);
});
