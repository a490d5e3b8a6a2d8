// Marketing's banner: changed in forms, looked at in every law, width and scheme, checked, published, and taken back.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { control } from '../browser/harness.mjs';
import { findings, fits } from './axe.mjs';
import { enter } from './console.mjs';
import { wait, world } from './world.mjs';

const s = world();
const banner = '/admin/sites/shop/notice';
let owner;
beforeEach(async () => {
  owner ??= await enter(s);
});
const button = (page, name) => page.getByRole('button', { name, exact: true });
const begin = async (page) => {
  await page.goto(s.server.base + banner);
  await (await button(page, 'Change the banner').count() ? button(page, 'Change the banner').click() : page.getByRole('link', { name: 'Go on with the draft' }).click());
  await page.getByLabel('Colour of the buttons').waitFor();
};
/** What visitors are sent now. */
const served = async () => (await (await fetch(s.server.base + '/b/shop.js?region=DE')).text());
const publish = async (page) => {
  await page.goto(s.server.base + banner + '/publish');
  await page.getByLabel('I have looked over').check();
  await button(page, 'Publish the banner').click();
  await page.getByRole('heading', { name: 'The banner is published' }).waitFor();
};

test('a colour, a text and a vendor are changed, previewed, published, and taken back', async () => {
  const page = await owner.open(banner);
  await begin(page);
  await page.getByLabel('Colour of the buttons').fill('#7a1f5c');
  await button(page, 'Keep').click();
  await page.getByRole('status').filter({ hasText: 'is kept' }).waitFor();
  await page.goto(s.server.base + banner + '/draft/wording?language=en');
  await page.getByLabel('title', { exact: true }).fill('May we count you?');
  await button(page, 'Keep').click();
  await page.getByRole('status').filter({ hasText: 'is kept' }).waitFor();
  await page.goto(s.server.base + banner + '/draft/vendors');
  await page.getByLabel('Add a vendor').fill('hotjar');
  await button(page, 'Add it').click();
  await page.getByText('Hotjar (Contentsquare)').first().waitFor();
  assert.doesNotMatch(await served(), /May we count you/);

  // The frame is of another process, which can't scroll the page around it.
  await page.setViewportSize({ width: 1700, height: 1400 });
  await page.goto(s.server.base + banner + '/preview?of=draft');
  const frame = page.frameLocator('iframe');
  await frame.getByText('May we count you?').waitFor();
  // What is decided in the frame goes nowhere.
  const posted = [];
  page.on('request', (request) => request.method() === 'POST' && posted.push(request));
  await frame.locator('[data-volenti=accept]').click();
  await frame.locator('volenti-banner').waitFor({ state: 'detached' });
  for (const request of posted) assert.ok(((await request.response())?.status() ?? 0) >= 400 || request.failure(), 'a decision was taken');

  await publish(page);
  await wait(async () => /May we count you/.test(await served()), 'visitors to get it');
  const visitor = await s.open('/?region=DE');
  await control(visitor, 'accept').waitFor();
  assert.match(await visitor.locator('volenti-banner').textContent(), /May we count you/);

  // Taken back: the one before is made a draft again, and published.
  await page.goto(s.server.base + banner);
  await page.locator('#history').locator('..').getByRole('link').last().click();
  await page.getByText('May we count you?').waitFor(); // among what differs
  await button(page, 'Make this one a draft again').click();
  await page.waitForURL(/\/draft\/look/);
  await publish(page);
  await wait(async () => !/May we count you/.test(await served()), 'visitors to get the one before');
});

test('what is unfair or incomplete is refused, with the rule and at its field', async () => {
  const page = await owner.open(banner);
  await begin(page);
  await page.getByLabel('Logo').fill('http://plain.example/logo.svg');
  await button(page, 'Keep').click();
  const logo = page.getByLabel('Logo');
  await wait(async () => (await logo.getAttribute('aria-invalid')) === 'true', 'the field to be marked');
  assert.match(await page.locator(`[id="${(await logo.getAttribute('aria-describedby')).split(' ').at(-1)}"]`).textContent(), /https/);
  await page.goto(s.server.base + banner + '/publish');
  await page.getByText("can't be published").waitFor();
  assert.equal(await button(page, 'Publish the banner').count(), 0);
  await page.goto(s.server.base + banner + '/draft/source');
  await page.locator('#field-source').fill('site = "shop"\nlooks = 1\n');
  await button(page, 'Keep').click();
  await page.getByText('line 2 of the source').waitFor();
  await page.goto(s.server.base + banner);
  await page.getByText('Changes so far').click();
  await page.getByRole('button', { name: /^Back to change/ }).last().click();
  await page.getByRole('status').filter({ hasText: 'as it was after' }).waitFor();
  await button(page, 'Check the banner it makes').click();
  await page.getByRole('heading', { name: 'The banner is fit to publish' }).waitFor();
  await page.goto(s.server.base + banner);
  await page.getByText('Delete this draft').click();
  await button(page, 'Delete the draft').click();
  await page.getByRole('status').filter({ hasText: 'was deleted' }).waitFor();
});

test('published without JavaScript', async () => {
  const page = await (await owner.without()).open(banner);
  await button(page, 'Change the banner').click();
  await page.getByLabel('Roundness').fill('3');
  await button(page, 'Keep').click();
  await publish(page); // the page looks again by itself
});

test('each law, width, scheme and direction is shown', async () => {
  const page = await owner.open(banner);
  for (const [query, seen] of [['regime=opt-in&width=320', 'reject'], ['regime=opt-out&width=768&scheme=dark', 'opt-out'], ['regime=notice&language=de&direction=rtl', 'ok']]) {
    await page.goto(`${s.server.base}${banner}/preview?${query}`);
    const frame = page.frameLocator('iframe');
    await frame.locator('volenti-banner button').first().waitFor();
    const width = /width=(\d+)/.exec(query)?.[1] ?? '1280';
    assert.equal(await frame.locator('html').evaluate(() => String(innerWidth)), width, seen);
    assert.equal(await frame.locator('html').evaluate((html) => getComputedStyle(html).direction), query.includes('rtl') ? 'rtl' : 'ltr');
    assert.deepEqual(await findings(page), []);
  }
  assert.deepEqual(page.broken, []);
});

for (const at of ['', '/draft/look', '/draft/general', '/draft/wording', '/draft/vendors', '/draft/source', '/publish', '/preview'])
  test(`the banner's page ${at || 'itself'}: WCAG by machine, on a telephone and from right to left, light and dark`, async () => {
    const page = await owner.open(banner);
    await begin(page);
    await page.goto(s.server.base + banner + at);
    for (const details of await page.locator('main details').all()) await details.evaluate((el) => (el.open = true));
    await fits(page);
    assert.deepEqual(page.broken, []);
  });
